/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One prompt, one execution: takes a backend's events, numbers them, folds them into a result and
 * hands them to subscribers, until exactly one of completed, failed and interrupted is reached.
 */

#include "backend/backend.h"
#include "result/reducer.h"
#include "run/history.h"
#include "run/options.h"

typedef struct _AsmRun AsmRun;

/* most bytes of text and messages that a result may have */
#define ASM_RUN_RESULT_MAX (64 * 1024 * 1024)
/* most bytes of events that wait for a subscriber while others keep up */
#define ASM_RUN_LAG_MAX (16 * 1024 * 1024)

typedef struct {
        AsmBackendContext backend;
        AsmHistory *history; /* borrowed */
        gsize max_result;
        guint max_subscribers;
        /* bytes of events that may wait for a slow subscriber while others keep up; over it the slow one
         * is left behind, or without drops_slow_subscribers the run waits for it from the first on */
        gsize max_lag;
        gboolean drops_slow_subscribers;
        guint max_approvals;
} AsmRunContext;

/**
 * AsmRunListener:
 * @finished: the run is over, subscribers and waiters have been told. Called once, from the main loop
 *   or from asm_run_interrupt(); the run may be freed in it.
 */
typedef struct {
        void (*finished)(AsmRun *run, gpointer user_data);
} AsmRunListener;

/* @result: {ok, Result} or {error, Error}, valid during the call */
typedef void (*AsmRunWaiterFunc)(AsmView result, gpointer user_data);

/**
 * asm_run_new: a run that waits to be started
 * @options: (transfer full): checked; taken over and left empty
 * @session_id: borrowed text, copied
 */
AsmRun *asm_run_new(const AsmRunContext *context,
                    AsmOptions *options,
                    const AsmProvider *provider,
                    const AsmLaneChoice *lane,
                    const char *prompt,
                    const char *session_id,
                    const AsmRunListener *listener,
                    gpointer user_data);
/* ends the backend and drops the run; subscribers are told `done` if they were not yet */
void asm_run_free(AsmRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmRun, asm_run_free)

/* never blocks and never fails: what goes wrong becomes the run's error */
void asm_run_start(AsmRun *run);
/**
 * asm_run_interrupt: ends it as interrupted: an error event `user_cancelled`; nothing if it is over
 *
 * The CLI is interrupted, and killed with its process group if it does not end within the option
 * interrupt_grace_ms.
 */
void asm_run_interrupt(AsmRun *run, const char *message);
/* ends it with @failure (transfer none) */
void asm_run_fail(AsmRun *run, const AsmFailure *failure);

/**
 * asm_run_subscribe: events from now on go to @pid; nothing if they do already
 * Errors: config_invalid when the node of @pid is not connected or there are too many
 */
gboolean asm_run_subscribe(AsmRun *run, AsmView pid, AsmFailure **ret_failure);
/**
 * asm_run_demand: @n more events may go to the subscriber @pid. From the first call on only as many go
 *   as it has asked for; it is slow while it wants none (subscribers.c). What is left when the run is
 *   over goes to it anyway.
 *
 * Errors: config_invalid when @pid is no subscriber
 */
gboolean asm_run_demand(AsmRun *run, AsmView pid, guint n, AsmFailure **ret_failure);
/* from where on asm_run_attach() gives events: from the first one, or from now on */
#define ASM_FROM_FIRST 0
#define ASM_FROM_NOW   G_MAXINT64
/**
 * asm_run_attach: asm_run_subscribe() from an earlier event on: those of the history, then what comes,
 *   without a gap and none twice. What has been is sent from the main loop, as the link takes it, at
 *   most half of max_lag if slow subscribers are left behind.
 * @from: a sequence, ASM_FROM_FIRST or ASM_FROM_NOW
 * @ret_missing: how many events from there on are not kept any more
 *
 * Nothing happens if @pid is a subscriber, unless it was left behind.
 */
gboolean asm_run_attach(AsmRun *run,
                        AsmView pid,
                        gint64 from,
                        guint64 *ret_missing,
                        AsmFailure **ret_failure);
/* no more messages of this run go to @pid */
void asm_run_unsubscribe(AsmRun *run, AsmView pid);
/* @func is called once when the run is over; not when it is freed before */
void asm_run_add_waiter(AsmRun *run, AsmRunWaiterFunc func, gpointer user_data);

/**
 * asm_run_approve: answers an open approval: an approval_resolved event, and word to the backend
 * @reason: (nullable)
 *
 * Returns: FALSE: the run does not wait for @approval_id
 */
gboolean asm_run_approve(AsmRun *run, const char *approval_id, gboolean allow, const char *reason);
gboolean asm_run_has_approval(const AsmRun *run, const char *approval_id);
guint asm_run_count_approvals(const AsmRun *run);
/* appends a map for each open approval, to a list that the caller has begun */
void asm_builder_run_approvals(AsmBuilder *builder, const AsmRun *run);

const char *asm_run_get_id(const AsmRun *run);
const AsmRecord *asm_run_get_record(const AsmRun *run);
const char *asm_run_get_provider_session_id(const AsmRun *run); /* nullable */
AsmView asm_run_get_metadata(const AsmRun *run);
AsmRunStatus asm_run_get_status(const AsmRun *run);
gboolean asm_run_is_started(const AsmRun *run);
const AsmCost *asm_run_get_cost(const AsmRun *run);
gint64 asm_run_get_n_events(const AsmRun *run);
guint asm_run_get_queue_timeout_ms(const AsmRun *run);
const AsmOptions *asm_run_get_options(const AsmRun *run);
typedef struct {
        guint64 n_events;
        guint n_subscribers;
        guint n_slow;     /* of them: something waits for them, or their link is busy */
        guint64 n_lagged; /* that were left behind */
        guint n_approvals;
        gboolean is_paused; /* waits for its subscribers */
} AsmRunStats;

void asm_run_get_stats(const AsmRun *run, AsmRunStats *ret_stats);
/* appends the pid of the run's process; only while it is alive */
void asm_builder_run_pid(AsmBuilder *builder, const AsmRun *run);
/* the link of a peer can take more again: what waits is sent, a paused backend goes on */
void asm_run_drained(AsmRun *run);
