/* SPDX-License-Identifier: MIT */

/*
 * The history keeps messages that have been encoded for subscribers anyway: it holds references, and
 * a backlog (subscribers.c) that holds the same ones costs nothing more.
 *
 * Of a run the newest events are kept, without a gap: what is over the limit of a run is cut from its
 * beginning, and how much was cut is told to who asks. What is over the limit of all is taken from
 *
 *      finished runs, the one that ended first first, as a whole: events, result, and that it was there
 *      when there are none, active runs, one event of each in turn: nobody pays for the others
 *
 * so the memory of a daemon at rest is bounded by one number, whatever runs there were and whether
 * their sessions are still there. Records count with what they themselves take, so the number of
 * finished runs is bounded as well.
 *
 * Of the last runs that were forgotten a hash of the id stays: enough to tell "no longer" from "never".
 */

#include "history-private.h"

#include <string.h>

/* what a kept event takes beside its bytes: its place, the header of the term, and of its allocation */
#define EVENT_OVERHEAD (sizeof(AsmKept) + sizeof(AsmTerm) + 16)
/* of a record: its place in the table, the allocations of its texts */
#define RECORD_OVERHEAD (sizeof(AsmRecord) + 128)

AsmHistory *
asm_history_new(const AsmHistoryLimits *limits)
{
        AsmHistory *history = g_new0(AsmHistory, 1);

        history->limits = *limits;
        history->by_id = g_hash_table_new(g_str_hash, g_str_equal);
        return history;
}

static void
take_bytes(AsmRecord *record, gsize bytes)
{
        record->bytes += bytes;
        record->history->stats.n_bytes += bytes;
}

static void
give_bytes(AsmRecord *record, gsize bytes)
{
        record->bytes -= bytes;
        record->history->stats.n_bytes -= bytes;
}

/* --- records --------------------------------------------------------------------------------- */

static void
leave_table(AsmRecord *record)
{
        AsmHistory *history = record->history;
        AsmRecord *at = g_hash_table_lookup(history->by_id, record->run_id);

        if (at == record) {
                /* the key is the record's */
                g_hash_table_remove(history->by_id, record->run_id);
                if (record->same != NULL)
                        g_hash_table_insert(history->by_id, record->same->run_id, record->same);
                return;
        }
        while (at->same != record)
                at = at->same;
        at->same = record->same;
}

static gboolean
is_cuttable(const AsmRecord *record)
{
        return !record->is_finished && asm_record_n_kept(record) > 0;
}

static void
cut_first(AsmRecord *record)
{
        AsmKept *kept = &g_array_index(record->events, AsmKept, record->head);

        give_bytes(record, kept->message->len + EVENT_OVERHEAD);
        record->cut_sequence = kept->sequence;
        g_clear_pointer(&kept->message, asm_term_unref);
        record->head++;
        if (record->head == record->events->len || record->head > 1024) {
                g_array_remove_range(record->events, 0, record->head);
                record->head = 0;
        }
}

static void
record_free(AsmRecord *record)
{
        AsmHistory *history = record->history;

        leave_table(record);
        g_queue_unlink(record->is_finished ? &history->finished : &history->active,
                       &record->by_age);
        if (is_cuttable(record))
                g_queue_unlink(&history->cuttable, &record->by_turn);
        history->stats.n_bytes -= record->bytes;
        for (guint i = 0; i < asm_record_n_kept(record); i++)
                asm_term_unref(asm_record_kept(record, i)->message);
        g_clear_pointer(&record->events, g_array_unref);
        g_clear_pointer(&record->result, asm_term_unref);
        g_free(record->run_id);
        g_free(record->session_id);
        g_free(record);
}

static void
forget(AsmRecord *record)
{
        AsmHistory *history = record->history;

        history->forgotten[history->n_forgotten++ % ASM_HISTORY_FORGOTTEN_MAX] =
                g_str_hash(record->run_id);
        record_free(record);
}

static void
cut_in_turn(AsmHistory *history)
{
        GList *link = g_queue_pop_head_link(&history->cuttable);
        AsmRecord *record = link->data;

        cut_first(record);
        if (is_cuttable(record))
                g_queue_push_tail_link(&history->cuttable, link);
}

static void
keep_limits(AsmHistory *history)
{
        while (history->stats.n_bytes > history->limits.max_bytes) {
                if (history->finished.head != NULL)
                        forget(history->finished.head->data);
                else if (history->cuttable.head != NULL)
                        cut_in_turn(history);
                else
                        return;
        }
}

/* an active run stays as it is known itself, without its events */
static void
keep_run_limit(AsmRecord *record)
{
        gsize max = MIN(record->history->limits.max_run_bytes, record->history->limits.max_bytes);
        gboolean was_cuttable = is_cuttable(record);

        while (record->bytes > max && asm_record_n_kept(record) > 0)
                cut_first(record);
        if (was_cuttable && !is_cuttable(record))
                g_queue_unlink(&record->history->cuttable, &record->by_turn);
}

void
asm_history_set_limits(AsmHistory *history, const AsmHistoryLimits *limits)
{
        history->limits = *limits;
        for (GList *link = history->active.head; link != NULL; link = link->next)
                keep_run_limit(link->data);
        for (GList *link = history->finished.head; link != NULL; link = link->next)
                keep_run_limit(link->data);
        keep_limits(history);
}

void
asm_history_free(AsmHistory *history)
{
        if (history == NULL)
                return;
        g_assert(history->active.head == NULL);
        while (history->finished.head != NULL)
                record_free(history->finished.head->data);
        g_hash_table_unref(history->by_id);
        g_free(history);
}

void
asm_history_get_stats(const AsmHistory *history, AsmHistoryStats *ret_stats)
{
        *ret_stats = history->stats;
        ret_stats->n_active = history->active.length;
        ret_stats->n_finished = history->finished.length;
}

/* --- the life of a run ----------------------------------------------------------------------- */

AsmRecord *
asm_history_begin(AsmHistory *history,
                  const char *run_id,
                  const char *session_id,
                  const char *provider)
{
        AsmRecord *record = g_new0(AsmRecord, 1);

        record->history = history;
        record->run_id = g_strdup(run_id);
        record->session_id = g_strdup(session_id);
        record->provider = provider;
        record->by_age.data = record->by_turn.data = record;
        record->same = g_hash_table_lookup(history->by_id, run_id);
        g_hash_table_replace(history->by_id, record->run_id, record);
        g_queue_push_tail_link(&history->active, &record->by_age);
        history->stats.n_started++;
        take_bytes(record, RECORD_OVERHEAD + strlen(run_id) + strlen(session_id));
        keep_limits(history);
        return record;
}

void
asm_record_start(AsmRecord *record)
{
        record->started_us = g_get_monotonic_time();
        record->started_wall_us = g_get_real_time();
}

void
asm_record_add(AsmRecord *record, AsmTerm *message, gint64 sequence, AsmRunStatus status)
{
        AsmHistory *history = record->history;
        AsmKept kept = { asm_term_ref(message), sequence };

        g_return_if_fail(sequence > record->last_sequence && !record->is_finished);
        record->status = status;
        record->last_sequence = sequence;
        record->end++;
        history->stats.n_events++;
        if (record->events == NULL)
                record->events = g_array_new(FALSE, FALSE, sizeof(AsmKept));
        if (!is_cuttable(record))
                g_queue_push_tail_link(&history->cuttable, &record->by_turn);
        g_array_append_val(record->events, kept);
        take_bytes(record, message->len + EVENT_OVERHEAD);
        keep_run_limit(record);
        keep_limits(history);
}

gboolean
asm_record_takes_result(const AsmRecord *record, gsize size)
{
        const AsmHistoryLimits *limits = &record->history->limits;

        /* not more than half: the events are what can be read in pieces */
        return size <= MIN(limits->max_run_bytes, limits->max_bytes) / 2;
}

static void
count_end(AsmHistoryStats *stats, AsmRunStatus status)
{
        if (status == ASM_RUN_STATUS_COMPLETED)
                stats->n_completed++;
        else if (status == ASM_RUN_STATUS_INTERRUPTED)
                stats->n_interrupted++;
        else
                stats->n_failed++;
}

void
asm_record_finish(AsmRecord *record, AsmRunStatus status, AsmTerm *result)
{
        AsmHistory *history = record->history;

        if (is_cuttable(record))
                g_queue_unlink(&history->cuttable, &record->by_turn);
        g_queue_unlink(&history->active, &record->by_age);
        g_queue_push_tail_link(&history->finished, &record->by_age);
        count_end(&history->stats, status);
        record->is_finished = TRUE;
        record->status = status;
        if (record->started_us > 0)
                record->duration_ms = (g_get_monotonic_time() - record->started_us) / 1000;
        if (result != NULL && asm_record_takes_result(record, result->len)) {
                record->result = asm_term_ref(result);
                take_bytes(record, result->len);
        }
        keep_run_limit(record);
        keep_limits(history);
}

void
asm_record_drop(AsmRecord *record)
{
        record->history->stats.n_started--;
        record_free(record);
}

/* --- looking --------------------------------------------------------------------------------- */

/* two ids with one hash cost a word in an error message */
static gboolean
was_forgotten(const AsmHistory *history, const char *run_id)
{
        guint hash = g_str_hash(run_id);

        for (guint i = 0; i < MIN(history->n_forgotten, ASM_HISTORY_FORGOTTEN_MAX); i++) {
                if (history->forgotten[i] == hash)
                        return TRUE;
        }
        return FALSE;
}

static AsmFailure *
not_there(const AsmHistory *history, const char *run_id)
{
        g_autofree char *shown = g_strescape(run_id, NULL);

        if (history->limits.max_bytes == 0)
                return asm_failure_new(ASM_FAILURE_UNKNOWN,
                                       ASM_DOMAIN_RUNTIME,
                                       "no active run %s; finished ones are not kept, as "
                                       "max_history_bytes in asmd.conf(5) is 0",
                                       shown);
        if (was_forgotten(history, run_id))
                return asm_failure_new(
                        ASM_FAILURE_UNKNOWN,
                        ASM_DOMAIN_RUNTIME,
                        "run %s has ended and is not kept any more: later ones took its "
                        "place, see max_history_bytes in asmd.conf(5)",
                        shown);
        return asm_failure_new(ASM_FAILURE_UNKNOWN,
                               ASM_DOMAIN_RUNTIME,
                               history->n_forgotten <= ASM_HISTORY_FORGOTTEN_MAX
                                       ? "there has been no run %s here"
                                       : "no run %s; it was never here, or was forgotten long ago",
                               shown);
}

const AsmRecord *
asm_history_find(const AsmHistory *history,
                 const char *run_id,
                 const char *session_id,
                 AsmFailure **ret_failure)
{
        const AsmRecord *found = NULL;

        for (const AsmRecord *at = g_hash_table_lookup(history->by_id, run_id); at != NULL;
             at = at->same) {
                if (session_id != NULL && strcmp(at->session_id, session_id) != 0)
                        continue;
                if (!at->is_finished)
                        return at;
                if (found == NULL)
                        found = at;
        }
        if (found == NULL)
                *ret_failure = not_there(history, run_id);
        return found;
}

guint64
asm_record_get_first(const AsmRecord *record)
{
        return record->end - asm_record_n_kept(record);
}

guint64
asm_record_get_end(const AsmRecord *record)
{
        return record->end;
}

AsmTerm *
asm_record_get_message(const AsmRecord *record, guint64 number)
{
        return asm_record_kept(record, (guint)(number - asm_record_get_first(record)))->message;
}

guint64
asm_record_find(const AsmRecord *record, gint64 sequence, guint64 *ret_missing)
{
        guint64 first = asm_record_get_first(record);
        guint low = 0;
        guint high = asm_record_n_kept(record);

        while (low < high) {
                guint middle = low + (high - low) / 2;

                if (asm_record_kept(record, middle)->sequence < sequence)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_missing = 0;
        if (first > 0 && sequence <= record->cut_sequence)
                *ret_missing = MIN(first, (guint64)(record->cut_sequence - MAX(sequence, 1) + 1));
        return first + low;
}

gboolean
asm_record_is_finished(const AsmRecord *record)
{
        return record->is_finished;
}
