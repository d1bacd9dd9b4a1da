/* SPDX-License-Identifier: MIT */

/*
 * Open approvals of one run, by their id. Each has a timer; whoever owns the table decides what its
 * end means. Ids come from a CLI: their number is bounded, and an id that comes again replaces the
 * one before, because the CLI waits for one answer only.
 */

#include "approvals-private.h"

#include "term/reader.h"

struct _AsmApprovals {
        GHashTable *table; /* id -> owned AsmApproval */
        AsmTimers *timers;
        guint timeout_ms;
        guint max;
        AsmApprovalFunc expired;
        gpointer user_data;
};

void
asm_approval_free(AsmApproval *approval)
{
        if (approval == NULL)
                return;
        asm_timer_disarm(&approval->timer);
        g_free(approval->id);
        asm_term_unref(approval->payload);
        g_clear_pointer(&approval->raw, asm_term_unref);
        g_free(approval);
}

AsmApprovals *
asm_approvals_new(AsmTimers *timers,
                  guint timeout_ms,
                  guint max,
                  AsmApprovalFunc expired,
                  gpointer user_data)
{
        AsmApprovals *approvals = g_new0(AsmApprovals, 1);

        approvals->table = g_hash_table_new_full(g_str_hash,
                                                 g_str_equal,
                                                 NULL,
                                                 (GDestroyNotify)asm_approval_free);
        approvals->timers = timers;
        approvals->timeout_ms = timeout_ms;
        approvals->max = max;
        approvals->expired = expired;
        approvals->user_data = user_data;
        return approvals;
}

void
asm_approvals_free(AsmApprovals *approvals)
{
        if (approvals == NULL)
                return;
        g_hash_table_unref(approvals->table);
        g_free(approvals);
}

static void
on_timeout(AsmTimer *timer, gpointer user_data)
{
        AsmApproval *approval = user_data;
        AsmApprovals *approvals = approval->approvals;
        g_autofree char *id = g_strdup(approval->id);

        approvals->expired(id, approvals->user_data);
}

gboolean
asm_approvals_add(AsmApprovals *approvals, const AsmCoreEvent *event)
{
        AsmApproval *approval;
        AsmView id_view;
        g_autofree char *id = NULL;

        if (asm_view_map_get(event->payload, "approval_id", &id_view))
                id = asm_view_dup_text(id_view, /* accept_atoms= */ FALSE);
        if (id == NULL || (g_hash_table_size(approvals->table) >= approvals->max &&
                           !asm_approvals_has(approvals, id)))
                return FALSE;
        approval = g_new0(AsmApproval, 1);
        approval->approvals = approvals;
        approval->id = g_steal_pointer(&id);
        approval->payload = asm_term_new(event->payload);
        if (asm_view_is_set(event->raw))
                approval->raw = asm_term_new(event->raw);
        approval->requested_us = g_get_real_time();
        asm_timer_init(&approval->timer, approvals->timers, on_timeout, approval);
        if (approvals->timeout_ms > 0)
                asm_timer_arm(&approval->timer, approvals->timeout_ms);
        g_hash_table_replace(approvals->table, approval->id, approval);
        return TRUE;
}

AsmApproval *
asm_approvals_take(AsmApprovals *approvals, const char *id)
{
        gpointer approval = NULL;

        g_hash_table_steal_extended(approvals->table, id, NULL, &approval);
        return approval;
}

gboolean
asm_approvals_has(AsmApprovals *approvals, const char *id)
{
        return g_hash_table_contains(approvals->table, id);
}

guint
asm_approvals_count(AsmApprovals *approvals)
{
        return g_hash_table_size(approvals->table);
}

static void
put_field(AsmBuilder *builder, const AsmApproval *approval, const char *key)
{
        AsmView value;

        asm_builder_atom(builder, key);
        if (asm_view_map_get(asm_term_view(approval->payload), key, &value))
                asm_builder_view(builder, value);
        else
                asm_builder_nil_atom(builder);
}

void
asm_builder_approvals(AsmBuilder *builder, AsmApprovals *approvals, const char *run_id)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, approvals->table);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const AsmApproval *approval = value;

                asm_builder_map(builder, 5);
                asm_builder_atom(builder, "approval_id");
                asm_builder_text(builder, approval->id);
                asm_builder_atom(builder, "run_id");
                asm_builder_text(builder, run_id);
                put_field(builder, approval, "subject");
                put_field(builder, approval, "details");
                asm_builder_atom(builder, "requested_at");
                asm_builder_datetime(builder, approval->requested_us);
        }
}
