/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A conversation with one provider: options that its runs share, a limit of runs at a time, a queue
 * in front of it, and what they have cost together. A session is a process: it can be monitored,
 * linked and called; when it ends, its runs end.
 */

#include "run/run.h"

typedef struct _AsmManager AsmManager;
typedef struct _AsmSession AsmSession;

typedef struct {
        guint max_sessions;
        guint max_runs; /* of all sessions together, waiting ones included */
        gsize max_result;
        guint max_subscribers; /* per run */
} AsmManagerLimits;

AsmManager *asm_manager_new(const AsmBackendContext *context, const AsmManagerLimits *limits);
/* every session must have ended: asserted */
void asm_manager_free(AsmManager *manager);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmManager, asm_manager_free)

/* borrowed; (nullable) */
AsmSession *asm_manager_find(AsmManager *manager, const char *session_id);
AsmSession *asm_manager_find_pid(AsmManager *manager, AsmView pid);
/* (transfer container): borrowed sessions, oldest first */
GPtrArray *asm_manager_list(AsmManager *manager);
guint asm_manager_count(AsmManager *manager);
/* running and waiting */
void asm_manager_count_runs(AsmManager *manager, guint *ret_running, guint *ret_queued);
/* ends every session with reason `shutdown` */
void asm_manager_stop_all(AsmManager *manager);
/* a peer's link can take more: paused runs go on */
void asm_manager_drained(AsmManager *manager);

/**
 * asm_session_start:
 * @options: a keyword list or map; unset for none
 * @provider: (nullable): overrides the options
 *
 * Returns: (transfer none): the manager holds it until it ends; NULL with config_invalid or at_capacity
 */
AsmSession *asm_session_start(AsmManager *manager,
                              AsmView options,
                              const char *provider,
                              AsmFailure **ret_failure);
/* ends it: active and waiting runs as interrupted, then the process with reason `normal` */
void asm_session_stop(AsmSession *session);

/* the session ends when its next run has ended */
void asm_session_set_one_shot(AsmSession *session);

/**
 * asm_session_submit: starts a run, or lets it wait
 * @options: of the run; unset for none
 * @subscriber: (unset: nobody): a pid that gets the events unless the options name another
 * @waiter: (nullable): told the result
 *
 * Returns: borrowed: the run, valid until the next return to the main loop; NULL with config_invalid or
 * at_capacity
 */
AsmRun *asm_session_submit(AsmSession *session,
                           const char *prompt,
                           AsmView options,
                           AsmView subscriber,
                           AsmRunWaiterFunc waiter,
                           gpointer user_data,
                           AsmFailure **ret_failure);
/* a waiting run is removed, a running one interrupted; FALSE: no such run */
gboolean asm_session_interrupt(AsmSession *session, const char *run_id, AsmFailure **ret_failure);

const char *asm_session_get_id(const AsmSession *session);
/* appends #{session_id, provider, options, status, pid, runs} */
void asm_builder_session_info(AsmBuilder *builder, const AsmSession *session);
/* appends the totals of its runs, running ones included */
void asm_builder_session_cost(AsmBuilder *builder, const AsmSession *session);
void asm_builder_session_pid(AsmBuilder *builder, const AsmSession *session);
