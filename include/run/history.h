/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What runs have said, for those who come later: the events of active and finished runs and how they
 * ended, within limits of bytes. A record is the part of one run.
 */

#include "event/failure.h"
#include "result/reducer.h"

typedef struct _AsmHistory AsmHistory;
typedef struct _AsmRecord AsmRecord;

/* bytes of events and results that are kept, of all runs and of one */
#define ASM_HISTORY_MAX     (8 * 1024 * 1024)
#define ASM_HISTORY_RUN_MAX (2 * 1024 * 1024)

/* 0: nothing is kept */
typedef struct {
        gsize max_bytes;
        gsize max_run_bytes;
} AsmHistoryLimits;

/* since the start, and what is kept now */
typedef struct {
        guint64 n_events;
        guint64 n_started; /* runs, waiting ones included */
        guint64 n_completed;
        guint64 n_failed;
        guint64 n_interrupted;
        gsize n_bytes;
        guint n_active;
        guint n_finished; /* that can still be read */
} AsmHistoryStats;

AsmHistory *asm_history_new(const AsmHistoryLimits *limits);
/* every run must have ended: asserted */
void asm_history_free(AsmHistory *history);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmHistory, asm_history_free)
/* what is over the new limits is forgotten at once */
void asm_history_set_limits(AsmHistory *history, const AsmHistoryLimits *limits);
void asm_history_get_stats(const AsmHistory *history, AsmHistoryStats *ret_stats);

/**
 * asm_history_begin: a run that waits to be started
 * @provider: a static string
 *
 * Returns: (transfer none): until asm_record_drop(), or after asm_record_finish() as long as the
 * limits let it be
 */
AsmRecord *asm_history_begin(AsmHistory *history,
                             const char *run_id,
                             const char *session_id,
                             const char *provider);
/* the run does not wait any more */
void asm_record_start(AsmRecord *record);
/**
 * asm_record_add: the next event
 * @message: (transfer none): {asm_run_event, RunId, Event}
 * @sequence: of the event, larger than the one before
 * @status: of the run, after it
 */
void asm_record_add(AsmRecord *record, AsmTerm *message, gint64 sequence, AsmRunStatus status);
/* whether a result of about @size bytes would be kept */
gboolean asm_record_takes_result(const AsmRecord *record, gsize size);
/**
 * asm_record_finish: the run is over; the record may be forgotten at once
 * @result: (nullable) (transfer none): {ok, Result} or {error, Error}
 */
void asm_record_finish(AsmRecord *record, AsmRunStatus status, AsmTerm *result);
/* there has been no such run */
void asm_record_drop(AsmRecord *record);

/**
 * asm_history_find: an active run, or else the one that ended last, of this id
 * @session_id: (nullable): NULL: of any session
 * @ret_failure: unknown: says whether it was forgotten, as far as that is known
 */
const AsmRecord *asm_history_find(const AsmHistory *history,
                                  const char *run_id,
                                  const char *session_id,
                                  AsmFailure **ret_failure);

/* events have numbers: 0 is the run's first */
guint64 asm_record_get_first(const AsmRecord *record); /* the first that is kept */
guint64 asm_record_get_end(const AsmRecord *record);   /* the one that comes next */
/* borrowed: the message of event @number, which is kept */
AsmTerm *asm_record_get_message(const AsmRecord *record, guint64 number);
/**
 * asm_record_find: the first kept event whose sequence is at least @sequence; the end if there is none
 * @ret_missing: how many before it have such a sequence as well and are not kept any more
 */
guint64 asm_record_find(const AsmRecord *record, gint64 sequence, guint64 *ret_missing);
gboolean asm_record_is_finished(const AsmRecord *record);

/**
 * AsmRunFilter: which runs asm_builder_runs() tells of
 * @prefix: (nullable): the id begins with it
 * @session_id: (nullable)
 * @max: most of them
 */
typedef struct {
        const char *prefix;
        const char *session_id;
        gboolean no_active;
        gboolean no_finished;
        guint max;
} AsmRunFilter;

/**
 * asm_builder_runs: appends #{runs => [Run], total => N}: active runs, the last started first, then
 *   finished ones, the last ended first; N is how many there would be without max. For Run see
 *   asm_builder_run_facts().
 */
void asm_builder_runs(AsmBuilder *builder, const AsmHistory *history, const AsmRunFilter *filter);
/* how many pairs asm_builder_run_facts() appends */
#define ASM_RUN_FACTS 9
/**
 * asm_builder_run_facts: appends pairs for a map: run_id, session_id, provider, status (queued,
 *   initializing, ...), started_at (DateTime or nil), duration_ms (or nil), events (how many there were), sequence
 *   (of the last one, 0: there was none), missing (how many of them, the first ones, are not kept)
 */
void asm_builder_run_facts(AsmBuilder *builder, const AsmRecord *record);
/* appends the facts as a map, and `result`: {ok, Result}, {error, Error} or nil: none, or not kept */
void asm_builder_run_info(AsmBuilder *builder, const AsmRecord *record);
/* appends the facts as a map, where `missing` is @missing: what does not come of what was wanted */
void asm_builder_run_attached(AsmBuilder *builder, const AsmRecord *record, guint64 missing);
/**
 * asm_builder_run_events: appends the facts as a map, and `page`: the events from @sequence on, of at
 *   most @max_bytes, but one at least; `next`: the sequence to go on with; `more`: whether there is
 *   one already. `missing` counts from @sequence.
 */
void asm_builder_run_events(AsmBuilder *builder,
                            const AsmRecord *record,
                            gint64 sequence,
                            gsize max_bytes);
