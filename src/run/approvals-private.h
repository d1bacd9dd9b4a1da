/* SPDX-License-Identifier: MIT */
#pragma once

/* The approvals that a run waits for: what was asked, and until when it may be answered. */

#include "base/timers.h"
#include "event/event.h"

typedef struct _AsmApprovals AsmApprovals;

typedef struct {
        AsmApprovals *approvals;
        char *id;
        AsmTerm *payload;    /* of approval_requested */
        AsmTerm *raw;        /* the provider's own words; NULL: none */
        gint64 requested_us; /* wall clock */
        AsmTimer timer;
} AsmApproval;

/* the time of @id is over; it is still there */
typedef void (*AsmApprovalFunc)(const char *id, gpointer user_data);

/* @timeout_ms: 0: for ever; @max: most that may wait at once */
AsmApprovals *asm_approvals_new(AsmTimers *timers,
                                guint timeout_ms,
                                guint max,
                                AsmApprovalFunc expired,
                                gpointer user_data);
void asm_approvals_free(AsmApprovals *approvals);
/* FALSE: there are @max already, or the event has no id; an id that is there is replaced */
gboolean asm_approvals_add(AsmApprovals *approvals, const AsmCoreEvent *event);
/* (transfer full) (nullable): the approval is answered */
AsmApproval *asm_approvals_take(AsmApprovals *approvals, const char *id);
void asm_approval_free(AsmApproval *approval);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmApproval, asm_approval_free)

gboolean asm_approvals_has(AsmApprovals *approvals, const char *id);
guint asm_approvals_count(AsmApprovals *approvals);
/* appends a map for each: approval_id, run_id, subject, details, requested_at */
void asm_builder_approvals(AsmBuilder *builder, AsmApprovals *approvals, const char *run_id);
