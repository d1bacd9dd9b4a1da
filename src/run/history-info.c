/* SPDX-License-Identifier: MIT */

/*
 * What is told of the history, as terms. An event is told as it was sent: it is the last element of
 * the message that is kept, so its bytes are the end of the message's, behind a head that is the same
 * for all messages of a run.
 *
 * What grows with the number of runs or events is told in pieces, whose size the caller bounds: a reply
 * must fit into a frame, and must not keep the loop.
 */

#include "history-private.h"

#include "term/reader.h"

#include <string.h>

static const char *
status_name(const AsmRecord *record)
{
        if (!record->is_finished && record->started_us == 0)
                return "queued";
        return asm_run_status_name(record->status);
}

static gint64
duration_ms(const AsmRecord *record)
{
        return record->is_finished ? record->duration_ms
                                   : (g_get_monotonic_time() - record->started_us) / 1000;
}

static void
put_facts(AsmBuilder *builder, const AsmRecord *record, guint64 missing)
{
        asm_builder_atom(builder, "run_id");
        asm_builder_text(builder, record->run_id);
        asm_builder_atom(builder, "session_id");
        asm_builder_text(builder, record->session_id);
        asm_builder_atom(builder, "provider");
        asm_builder_atom(builder, record->provider);
        asm_builder_atom(builder, "status");
        asm_builder_atom(builder, status_name(record));
        asm_builder_atom(builder, "started_at");
        if (record->started_us > 0)
                asm_builder_datetime(builder, record->started_wall_us);
        else
                asm_builder_nil_atom(builder);
        asm_builder_atom(builder, "duration_ms");
        if (record->started_us > 0)
                asm_builder_int(builder, duration_ms(record));
        else
                asm_builder_nil_atom(builder);
        asm_builder_atom(builder, "events");
        asm_builder_uint(builder, record->end);
        asm_builder_atom(builder, "sequence");
        asm_builder_int(builder, record->last_sequence);
        asm_builder_atom(builder, "missing");
        asm_builder_uint(builder, missing);
}

void
asm_builder_run_facts(AsmBuilder *builder, const AsmRecord *record)
{
        put_facts(builder, record, asm_record_get_first(record));
}

void
asm_builder_run_info(AsmBuilder *builder, const AsmRecord *record)
{
        asm_builder_map(builder, ASM_RUN_FACTS + 1);
        asm_builder_run_facts(builder, record);
        asm_builder_atom(builder, "result");
        if (record->result != NULL)
                asm_builder_term(builder, record->result);
        else
                asm_builder_nil_atom(builder);
}

void
asm_builder_run_attached(AsmBuilder *builder, const AsmRecord *record, guint64 missing)
{
        asm_builder_map(builder, ASM_RUN_FACTS);
        put_facts(builder, record, missing);
}

static gboolean
matches(const AsmRecord *record, const AsmRunFilter *filter)
{
        return (filter->prefix == NULL || g_str_has_prefix(record->run_id, filter->prefix)) &&
               (filter->session_id == NULL || strcmp(record->session_id, filter->session_id) == 0);
}

/* newest first */
static guint64
put_queue(AsmBuilder *builder, const GQueue *queue, const AsmRunFilter *filter, guint *n)
{
        guint64 total = 0;

        for (const GList *link = queue->tail; link != NULL; link = link->prev) {
                if (!matches(link->data, filter))
                        continue;
                total++;
                if (*n >= filter->max)
                        continue;
                asm_builder_map(builder, ASM_RUN_FACTS);
                asm_builder_run_facts(builder, link->data);
                *n += 1;
        }
        return total;
}

void
asm_builder_runs(AsmBuilder *builder, const AsmHistory *history, const AsmRunFilter *filter)
{
        AsmBuilderMark mark;
        guint64 total = 0;
        guint n = 0;

        asm_builder_map(builder, 2);
        asm_builder_atom(builder, "runs");
        mark = asm_builder_list_begin(builder);
        if (!filter->no_active)
                total += put_queue(builder, &history->active, filter, &n);
        if (!filter->no_finished)
                total += put_queue(builder, &history->finished, filter, &n);
        asm_builder_list_end(builder, mark, n);
        asm_builder_atom(builder, "total");
        asm_builder_uint(builder, total);
}

static AsmView
event_of(const AsmKept *kept)
{
        AsmView part[2];

        return asm_view_get_tagged(asm_term_view(kept->message), "asm_run_event", 3, part)
                       ? part[1]
                       : ASM_VIEW_NONE;
}

void
asm_builder_run_events(AsmBuilder *builder,
                       const AsmRecord *record,
                       gint64 sequence,
                       gsize max_bytes)
{
        guint64 missing;
        guint index =
                (guint)(asm_record_find(record, sequence, &missing) - asm_record_get_first(record));
        guint n_kept = asm_record_n_kept(record);
        gint64 next = MAX(sequence, record->last_sequence + 1);
        AsmBuilderMark mark;
        gsize bytes = 0;
        guint n = 0;

        asm_builder_map(builder, ASM_RUN_FACTS + 3);
        put_facts(builder, record, missing);
        asm_builder_atom(builder, "page");
        mark = asm_builder_list_begin(builder);
        for (; index < n_kept; index++, n++) {
                const AsmKept *kept = asm_record_kept(record, index);
                AsmView event = event_of(kept);

                bytes += event.len;
                if (n > 0 && bytes > max_bytes)
                        break;
                asm_builder_view(builder, event);
        }
        asm_builder_list_end(builder, mark, n);
        if (index < n_kept)
                next = asm_record_kept(record, index)->sequence;
        asm_builder_atom(builder, "next");
        asm_builder_int(builder, next);
        asm_builder_atom(builder, "more");
        asm_builder_bool(builder, index < n_kept);
}
