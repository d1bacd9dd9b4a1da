/* SPDX-License-Identifier: MIT */

/*
 * What sessions and runs come to, by provider. What is over is counted when it ends; what is there is
 * looked up when somebody asks, so that no message on its way has to keep a number up to date. The sum
 * of both never falls.
 */

#include "session-private.h"

void
asm_manager_init_stats(AsmManager *manager)
{
        const AsmProvider *const *all = asm_provider_all();

        while (all[manager->n_providers] != NULL)
                manager->n_providers++;
        manager->counted = g_new0(AsmProviderStats, manager->n_providers);
        for (guint i = 0; i < manager->n_providers; i++)
                manager->counted[i].provider = all[i];
}

static AsmProviderStats *
stats_of(AsmProviderStats *all, guint n, const AsmProvider *provider)
{
        for (guint i = 0; i < n; i++) {
                if (all[i].provider == provider)
                        return &all[i];
        }
        g_return_val_if_reached(all);
}

void
asm_manager_count_session(AsmManager *manager, const AsmSession *session)
{
        stats_of(manager->counted, manager->n_providers, session->provider)->n_sessions_ever++;
}

static void
add_cost(AsmCost *total, const AsmCost *cost)
{
        total->input_tokens += cost->input_tokens;
        total->output_tokens += cost->output_tokens;
        total->cost_usd += cost->cost_usd;
}

/* what a run has come to so far; stays when it has ended */
static void
add_totals(AsmProviderStats *stats, const AsmRun *run, const AsmRunStats *now)
{
        stats->n_events_ever += now->n_events;
        stats->n_lagged_ever += now->n_lagged;
        add_cost(&stats->cost, asm_run_get_cost(run));
}

void
asm_manager_count_run(AsmManager *manager, const AsmSession *session, const AsmRun *run)
{
        AsmProviderStats *stats =
                stats_of(manager->counted, manager->n_providers, session->provider);
        AsmRunStats now;

        asm_run_get_stats(run, &now);
        add_totals(stats, run, &now);
        switch (asm_run_get_status(run)) {
        case ASM_RUN_STATUS_COMPLETED:
                stats->n_completed++;
                break;
        case ASM_RUN_STATUS_INTERRUPTED:
                stats->n_interrupted++;
                break;
        case ASM_RUN_STATUS_INITIALIZING:
        case ASM_RUN_STATUS_RUNNING:
        case ASM_RUN_STATUS_FAILED:
                stats->n_failed++;
                break;
        }
}

static void
add_active(AsmProviderStats *stats, const AsmRun *run)
{
        AsmRunStats now;

        asm_run_get_stats(run, &now);
        add_totals(stats, run, &now);
        if (asm_run_get_status(run) == ASM_RUN_STATUS_INITIALIZING)
                stats->n_initializing++;
        else
                stats->n_running++;
        stats->n_approvals += now.n_approvals;
        stats->n_paused += now.is_paused ? 1 : 0;
        stats->n_subscribers += now.n_subscribers;
        stats->n_slow += now.n_slow;
}

AsmProviderStats *
asm_manager_get_stats(AsmManager *manager, guint *ret_n)
{
        AsmProviderStats *all = g_memdup2(manager->counted, manager->n_providers * sizeof *all);
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->by_id);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const AsmSession *session = value;
                AsmProviderStats *stats = stats_of(all, manager->n_providers, session->provider);

                stats->n_sessions++;
                stats->n_queued += session->queue.length;
                for (guint i = 0; session->active != NULL && i < session->active->len; i++)
                        add_active(stats, g_ptr_array_index(session->active, i));
        }
        *ret_n = manager->n_providers;
        return all;
}
