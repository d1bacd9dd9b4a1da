/* SPDX-License-Identifier: MIT */
#pragma once

/* The manager's table, and what sessions take from it. */

#include "base/quiet.h"
#include "session/session.h"

struct _AsmManager {
        AsmRunContext run_context;
        AsmManagerLimits limits;
        GHashTable *by_id;         /* id -> borrowed AsmSession */
        GHashTable *defaults;      /* provider -> owned AsmTerm; "" for all */
        AsmProviderStats *counted; /* by provider: what is over */
        guint n_providers;
        gboolean is_draining; /* nothing is started any more */
        guint64 n_started;    /* ever */
        guint n_runs;         /* now, waiting ones included */
        AsmQuiet refused;     /* calls of sessions without the right to them */
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
        AsmTerm *checkpoint;  /* NULL: none yet */
        AsmRef owner;         /* the monitor on it; not set: no owner */
        gboolean is_one_shot; /* ends with its first run */
        gboolean is_stopping;
};

/* at_capacity while the manager drains */
gboolean asm_manager_admits(const AsmManager *manager, AsmFailure **ret_failure);
/* borrowed, unset for none: the defaults of @provider; "": those for all, which lie under them */
AsmView asm_manager_get_defaults(AsmManager *manager, const char *provider);
/* whether the options of @submission are such that it could be submitted */
gboolean asm_session_check(AsmSession *session,
                           const AsmSubmission *submission,
                           AsmFailure **ret_failure);
/* stats.c */
void asm_manager_init_stats(AsmManager *manager);
void asm_manager_count_session(AsmManager *manager, const AsmSession *session);
void asm_manager_count_run(AsmManager *manager, const AsmSession *session, const AsmRun *run);
void asm_session_take_checkpoint(AsmSession *session, const AsmRun *run);
/* session-call.c: the gen_server calls that a session answers */
void asm_session_on_call(AsmServer *server, AsmView from, AsmView request);
