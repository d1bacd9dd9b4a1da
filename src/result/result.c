/* SPDX-License-Identifier: MIT */
/*
 * The term face of a reducer: the ASM.Result that a query returns.
 *
 *      #{'__struct__' => 'Elixir.ASM.Result', run_id, session_id, text, object, messages, cost,
 *        error, duration_ms, stop_reason, session_id_from_cli, metadata}
 *
 * It can be taken at any time: what has not been told yet is nil or empty. The messages are
 * already encoded; the list around them is all that is made here. The metadata is the run's merged
 * with what the events said, and `cost` and `provider_session_id` in it are always the reducer's.
 */

#include "result/reducer.h"

#include "result/reducer-private.h"
#include "term/reader.h"

#define RESULT_STRUCT "Elixir.ASM.Result"

void
asm_builder_cost(AsmBuilder *builder, const AsmCost *cost)
{
        asm_builder_map(builder, 3);
        asm_builder_atom(builder, "input_tokens");
        asm_builder_int(builder, cost->input_tokens);
        asm_builder_atom(builder, "output_tokens");
        asm_builder_int(builder, cost->output_tokens);
        asm_builder_atom(builder, "cost_usd");
        asm_builder_double(builder, cost->cost_usd);
}

static void
put_term_field(AsmBuilder *builder, const char *key, const AsmTerm *term)
{
        asm_builder_atom(builder, key);
        if (term != NULL)
                asm_builder_term(builder, term);
        else
                asm_builder_nil_atom(builder);
}

static void
put_metadata(AsmBuilder *builder, const AsmReducer *reducer, AsmView metadata)
{
        g_auto(AsmBuilder) merged = ASM_BUILDER_INIT;
        AsmBuilderMark mark;
        AsmMapCursor cursor;
        AsmView key, value;
        guint n = 1;

        asm_builder_metadata(&merged,
                             metadata,
                             reducer->metadata != NULL ? asm_term_view(reducer->metadata)
                                                       : ASM_VIEW_NONE);
        mark = asm_builder_map_begin(builder);
        cursor = asm_view_map(asm_builder_peek(&merged));
        while (asm_map_next(&cursor, &key, &value)) {
                if (asm_view_is_atom(key, "cost") || asm_view_is_atom(key, "provider_session_id"))
                        continue;
                asm_builder_view(builder, key);
                asm_builder_view(builder, value);
                n++;
        }
        asm_builder_atom(builder, "cost");
        asm_builder_cost(builder, &reducer->cost);
        if (reducer->provider_session_id != NULL) {
                asm_builder_atom(builder, "provider_session_id");
                asm_builder_text(builder, reducer->provider_session_id);
                n++;
        }
        asm_builder_map_end(builder, mark, n);
}

void
asm_builder_result(AsmBuilder *builder,
                   const AsmReducer *reducer,
                   const char *run_id,
                   const char *session_id,
                   AsmView metadata,
                   gint64 elapsed_ms)
{
        asm_builder_map(builder, 12);
        asm_builder_atom(builder, "__struct__");
        asm_builder_atom(builder, RESULT_STRUCT);
        asm_builder_atom(builder, "run_id");
        asm_builder_text(builder, run_id);
        asm_builder_atom(builder, "session_id");
        asm_builder_text(builder, session_id);
        asm_builder_atom(builder, "text");
        asm_builder_binary(builder, reducer->text->str, reducer->text->len);
        put_term_field(builder, "object", reducer->object);
        asm_builder_atom(builder, "messages");
        asm_builder_list(builder, reducer->n_messages);
        if (reducer->n_messages > 0)
                asm_builder_raw(builder, reducer->messages.data, reducer->messages.len);
        asm_builder_nil(builder);
        asm_builder_atom(builder, "cost");
        asm_builder_cost(builder, &reducer->cost);
        asm_builder_atom(builder, "error");
        if (reducer->failure != NULL)
                asm_builder_failure(builder, reducer->failure);
        else
                asm_builder_nil_atom(builder);
        asm_builder_atom(builder, "duration_ms");
        asm_builder_int(builder, reducer->duration_ms >= 0 ? reducer->duration_ms : elapsed_ms);
        put_term_field(builder, "stop_reason", reducer->stop_reason);
        asm_builder_atom(builder, "session_id_from_cli");
        asm_builder_text(builder, reducer->provider_session_id);
        asm_builder_atom(builder, "metadata");
        put_metadata(builder, reducer, metadata);
}
