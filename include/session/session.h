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
        gsize max_lag;         /* see AsmRunContext */
        gboolean drops_slow_subscribers;
        guint max_approvals; /* open ones, per run */
        AsmHistoryLimits history;
} AsmManagerLimits;

/**
 * asm_manager_set_defaults: options under those of sessions
 * @provider: (nullable): for this provider, key by key over those for all
 * @options: a keyword list
 */
void asm_manager_set_defaults(AsmManager *manager, const char *provider, AsmView options);

void asm_manager_clear_defaults(AsmManager *manager);

AsmManager *asm_manager_new(const AsmBackendContext *context, const AsmManagerLimits *limits);
/* every session must have ended: asserted */
void asm_manager_free(AsmManager *manager);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmManager, asm_manager_free)

const AsmBackendContext *asm_manager_get_backend_context(const AsmManager *manager);

/* borrowed; (nullable) */
AsmSession *asm_manager_find(AsmManager *manager, const char *session_id);
AsmSession *asm_manager_find_pid(AsmManager *manager, AsmView pid);
/* (transfer container): borrowed sessions, oldest first */
GPtrArray *asm_manager_list(AsmManager *manager);
guint asm_manager_count(AsmManager *manager);
/* what active and finished runs have said; finished ones stay when their session has ended. Borrowed. */
const AsmHistory *asm_manager_get_history(const AsmManager *manager);
/* running and waiting */
void asm_manager_count_runs(AsmManager *manager, guint *ret_running, guint *ret_queued);
/* @n_* of one provider; those without a word of their own are of now */
typedef struct {
        const AsmProvider *provider;
        guint n_sessions;
        guint n_queued;
        guint n_initializing;
        guint n_running;
        guint n_approvals;
        guint n_paused;
        guint n_subscribers;
        guint n_slow;
        guint64 n_sessions_ever;
        guint64 n_completed; /* runs, ever, as the next two */
        guint64 n_failed;
        guint64 n_interrupted;
        guint64 n_events_ever;
        guint64 n_lagged_ever; /* subscribers that were left behind */
        AsmCost cost;          /* ever */
} AsmProviderStats;

/**
 * asm_manager_get_stats:
 * @ret_n: how many providers there are
 *
 * Returns: (transfer full): one for each, by g_free()
 */
AsmProviderStats *asm_manager_get_stats(AsmManager *manager, guint *ret_n);
/* from now on sessions and runs are refused: at_capacity */
void asm_manager_drain(AsmManager *manager);
/* for what is started from now on; what is there stays */
void asm_manager_set_limits(AsmManager *manager, const AsmManagerLimits *limits);
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
 * AsmSubmission: a run that somebody wants
 * @options: of the run; unset for none
 * @subscriber: a pid that gets the events unless the options name another; unset: nobody
 * @resume: (nullable): the provider's session id to go on from
 * @waiter: (nullable): told the result
 */
typedef struct {
        const char *prompt;
        AsmView options;
        AsmView subscriber;
        const char *resume;
        AsmRunWaiterFunc waiter;
        gpointer user_data;
} AsmSubmission;

/**
 * asm_session_submit: starts a run, or lets it wait
 *
 * Returns: borrowed: the run, valid until the next return to the main loop; NULL with config_invalid or
 * at_capacity
 */
AsmRun *asm_session_submit(AsmSession *session,
                           const AsmSubmission *submission,
                           AsmFailure **ret_failure);
/* a waiting run is removed, a running one interrupted; FALSE: no such run */
gboolean asm_session_interrupt(AsmSession *session, const char *run_id, AsmFailure **ret_failure);

/**
 * asm_session_subscribe: events from now on of a run, running or waiting, go to @pid as well
 * @ret_failure: unknown: no such run; config_invalid, at_capacity: see asm_run_subscribe()
 */
gboolean asm_session_subscribe(AsmSession *session,
                               const char *run_id,
                               AsmView pid,
                               AsmFailure **ret_failure);
/* see asm_run_demand() */
gboolean asm_session_demand(AsmSession *session,
                            const char *run_id,
                            AsmView pid,
                            guint n,
                            AsmFailure **ret_failure);
/**
 * asm_session_attach: the same from an earlier event on, see asm_run_attach()
 *
 * Returns: borrowed: what is known of the run, valid until the next return to the main loop; NULL with
 * the failures of asm_session_subscribe()
 */
const AsmRecord *asm_session_attach(AsmSession *session,
                                    const char *run_id,
                                    AsmView pid,
                                    gint64 from,
                                    guint64 *ret_missing,
                                    AsmFailure **ret_failure);
/* FALSE: no such run; nothing if @pid is no subscriber */
gboolean asm_session_unsubscribe(AsmSession *session,
                                 const char *run_id,
                                 AsmView pid,
                                 AsmFailure **ret_failure);

/**
 * asm_session_approve: answers an approval that one of its runs waits for
 * @ret_failure: unknown, domain approval: no run waits for it (any more)
 */
gboolean asm_session_approve(AsmSession *session,
                             const char *approval_id,
                             gboolean allow,
                             AsmFailure **ret_failure);
/* appends a list of maps: the open approvals of its runs */
void asm_builder_session_approvals(AsmBuilder *builder, const AsmSession *session);

/* interrupts an active run; a waiting one is no run to pause */
gboolean asm_session_pause(AsmSession *session, const char *run_id, AsmFailure **ret_failure);
/* the newest point to go on from, running runs included: a map; NULL: none yet. Borrowed. */
const AsmTerm *asm_session_get_checkpoint(AsmSession *session);
/**
 * asm_session_resume: submits a run that goes on from the checkpoint, or from the option
 * `continuation` (a map with provider_session_id, or the id itself)
 * @ret_failure: config_invalid without anything to go on from
 */
AsmRun *asm_session_resume(AsmSession *session,
                           const AsmSubmission *submission,
                           AsmFailure **ret_failure);
/* interrupts the active run @run_id and resumes with another prompt */
AsmRun *asm_session_intervene(AsmSession *session,
                              const char *run_id,
                              const AsmSubmission *submission,
                              AsmFailure **ret_failure);

const char *asm_session_get_id(const AsmSession *session);
/**
 * asm_builder_session_info: appends #{session_id, provider, options, status, pid, runs}
 *
 * The options are those that were given, without secrets; each run of the list is a map
 * #{run_id, status, events, execution}, the last one as asm_builder_resolved() has it.
 */
void asm_builder_session_info(AsmBuilder *builder, const AsmSession *session);
/* appends {ok, RunId, Pid | queued} of a run that was submitted; nothing for NULL */
void asm_builder_submitted(AsmBuilder *builder, const AsmRun *run);
/* appends {ok, nil | Checkpoint} */
void asm_builder_checkpoint(AsmBuilder *builder, AsmSession *session);
/* appends the totals of its runs, running ones included */
void asm_builder_session_cost(AsmBuilder *builder, const AsmSession *session);
void asm_builder_session_pid(AsmBuilder *builder, const AsmSession *session);
