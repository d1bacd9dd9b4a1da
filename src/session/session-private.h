/* SPDX-License-Identifier: MIT */
#pragma once

/* The manager's table, and what sessions take from it. */

#include "session/session.h"

struct _AsmManager {
        AsmRunContext run_context;
        AsmManagerLimits limits;
        GHashTable *by_id; /* id -> borrowed AsmSession */
        guint64 n_started; /* ever */
        guint n_runs;      /* now, waiting ones included */
};

struct _AsmSession {
        AsmServer server;
        AsmManager *manager;
        guint64 number; /* in the order of their start */
        char *id;
        const AsmProvider *provider;
        AsmTerm *options; /* as given; NULL: none */
        guint max_concurrent_runs;
        guint max_queued_runs;
        GPtrArray *active; /* borrowed AsmRun; NULL while none has run */
        GQueue queue;      /* owned Queued */
        AsmCost cost;      /* of finished runs */
        guint n_finished;
        gboolean is_one_shot; /* ends with its first run */
        gboolean is_stopping;
};
