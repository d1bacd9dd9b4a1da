/* SPDX-License-Identifier: MIT */
#pragma once

/* The state of a run, for run.c and for what is told of it (run-info.c). */

#include "base/log.h"
#include "run/run.h"

#include "approvals-private.h"
#include "subscribers-private.h"

struct _AsmRun {
        AsmServer server;
        AsmRunContext context;
        AsmOptions options;
        const AsmProvider *provider;
        const AsmBackendClass *backend_class;
        const AsmRunListener *listener;
        gpointer user_data;
        char *id;
        char *session_id;
        char *prompt;
        AsmTerm *metadata;
        AsmReducer *reducer;
        AsmRecord *record; /* what the history has of it; NULL: it is over */
        AsmApprovals *approvals;
        AsmBackend *backend;
        AsmSubscribers subscribers;
        GArray *waiters; /* of Waiter; NULL: none */
        gint64 sequence;
        guint64 n_events;
        gint64 started_us; /* monotonic; 0: not started */
        gint64 last_event_us;
        AsmTimer deadline;
        AsmTimer stream_timer;
        AsmTimer replay;    /* somebody has attached: what has been is for them */
        AsmBuilder message; /* the event on its way out */
        gboolean is_paused;
        gboolean has_spoken;   /* the CLI: an event that is more than run_started */
        gboolean is_over;      /* no events follow */
        gboolean is_concluded; /* everybody has been told */
};

/* what log lines of @run are about; the texts are the run's */
AsmLogTags asm_run_tags(const AsmRun *run, AsmLogEvent event);
