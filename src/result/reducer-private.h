/* SPDX-License-Identifier: MIT */
#pragma once

/* What a reducer has gathered: written by reducer.c, read by result.c. */

#include "result/reducer.h"

struct _AsmReducer {
        char *provider;
        gsize max_bytes;
        AsmRunStatus status;
        GString *text;
        AsmBuilder messages; /* elements of the list, without its head */
        guint n_messages;
        AsmCost cost;
        gboolean has_cost_update;
        char *provider_session_id;
        AsmFailure *failure;
        AsmTerm *stop_reason;
        AsmTerm *object;
        AsmTerm *metadata;   /* what events said about the run */
        GHashTable *pending; /* ids of approvals that wait */
        gsize pending_bytes;
        gint64 duration_ms; /* -1: nobody told */
};
