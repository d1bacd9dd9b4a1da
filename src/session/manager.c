/* SPDX-License-Identifier: MIT */

/*
 * All sessions of the daemon, by id. The manager does not own them: a session holds itself while
 * its process lives and leaves the table when it ends.
 */

#include "session-private.h"

AsmManager *
asm_manager_new(const AsmBackendContext *context, const AsmManagerLimits *limits)
{
        AsmManager *manager = g_new0(AsmManager, 1);

        manager->run_context.backend = *context;
        manager->run_context.history = asm_history_new(&limits->history);
        asm_manager_set_limits(manager, limits);
        asm_manager_init_stats(manager);
        manager->by_id = g_hash_table_new(g_str_hash, g_str_equal);
        manager->defaults = g_hash_table_new_full(g_str_hash,
                                                  g_str_equal,
                                                  g_free,
                                                  (GDestroyNotify)asm_term_unref);
        return manager;
}

void
asm_manager_free(AsmManager *manager)
{
        if (manager == NULL)
                return;
        g_assert(g_hash_table_size(manager->by_id) == 0);
        g_hash_table_unref(manager->by_id);
        g_hash_table_unref(manager->defaults);
        asm_history_free(manager->run_context.history);
        g_free(manager->counted);
        g_free(manager);
}

void
asm_manager_set_defaults(AsmManager *manager, const char *provider, AsmView options)
{
        g_hash_table_replace(manager->defaults,
                             g_strdup(provider != NULL ? provider : ""),
                             asm_term_new(options));
}

void
asm_manager_set_limits(AsmManager *manager, const AsmManagerLimits *limits)
{
        manager->limits = *limits;
        manager->run_context.max_result = limits->max_result;
        manager->run_context.max_subscribers = limits->max_subscribers;
        manager->run_context.max_lag = limits->max_lag;
        manager->run_context.drops_slow_subscribers = limits->drops_slow_subscribers;
        manager->run_context.max_approvals = limits->max_approvals;
        asm_history_set_limits(manager->run_context.history, &limits->history);
}

void
asm_manager_drain(AsmManager *manager)
{
        manager->is_draining = TRUE;
}

gboolean
asm_manager_admits(const AsmManager *manager, AsmFailure **ret_failure)
{
        if (!manager->is_draining)
                return TRUE;
        *ret_failure = asm_failure_new(ASM_FAILURE_AT_CAPACITY,
                                       ASM_DOMAIN_RUNTIME,
                                       "asmd is stopping and starts nothing new; try another node, "
                                       "or this one when it is back");
        return FALSE;
}

void
asm_manager_clear_defaults(AsmManager *manager)
{
        g_hash_table_remove_all(manager->defaults);
}

AsmView
asm_manager_get_defaults(AsmManager *manager, const char *provider)
{
        const AsmTerm *options = g_hash_table_lookup(manager->defaults, provider);

        return options != NULL ? asm_term_view(options) : ASM_VIEW_NONE;
}

const AsmBackendContext *
asm_manager_get_backend_context(const AsmManager *manager)
{
        return &manager->run_context.backend;
}

const AsmHistory *
asm_manager_get_history(const AsmManager *manager)
{
        return manager->run_context.history;
}

AsmSession *
asm_manager_find(AsmManager *manager, const char *session_id)
{
        return g_hash_table_lookup(manager->by_id, session_id);
}

static gint
compare_age(gconstpointer a, gconstpointer b)
{
        const AsmSession *one = *(AsmSession *const *)a;
        const AsmSession *two = *(AsmSession *const *)b;

        return one->number < two->number ? -1 : one->number > two->number;
}

GPtrArray *
asm_manager_list(AsmManager *manager)
{
        GPtrArray *sessions = g_ptr_array_sized_new(g_hash_table_size(manager->by_id));
        GHashTableIter iter;
        gpointer session;

        g_hash_table_iter_init(&iter, manager->by_id);
        while (g_hash_table_iter_next(&iter, NULL, &session))
                g_ptr_array_add(sessions, session);
        g_ptr_array_sort(sessions, compare_age);
        return sessions;
}

guint
asm_manager_count(AsmManager *manager)
{
        return g_hash_table_size(manager->by_id);
}

void
asm_manager_count_runs(AsmManager *manager, guint *ret_running, guint *ret_queued)
{
        GHashTableIter iter;
        gpointer session;

        *ret_running = 0;
        *ret_queued = 0;
        g_hash_table_iter_init(&iter, manager->by_id);
        while (g_hash_table_iter_next(&iter, NULL, &session)) {
                const AsmSession *self = session;

                *ret_running += self->active != NULL ? self->active->len : 0;
                *ret_queued += self->queue.length;
        }
}

void
asm_manager_stop_all(AsmManager *manager)
{
        g_autoptr(GPtrArray) sessions = asm_manager_list(manager);

        for (guint i = 0; i < sessions->len; i++) {
                AsmSession *session = g_ptr_array_index(sessions, i);
                asm_server_stop_atom(&session->server, "shutdown");
        }
}

void
asm_manager_drained(AsmManager *manager)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->by_id);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                AsmSession *session = value;

                for (guint i = 0; session->active != NULL && i < session->active->len; i++)
                        asm_run_drained(g_ptr_array_index(session->active, i));
        }
}
