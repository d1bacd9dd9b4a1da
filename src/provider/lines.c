/* SPDX-License-Identifier: MIT */
/*
 * What becomes of lines that are no good: two options that all providers have.
 *
 *      max_line_bytes   1024 .. 268435456, default 16777216: a longer line is an error that names
 *                       the limit, for part of it would be lost
 *      on_parse_error   error: a line that is not JSON ends the run, as on an ASM node
 *                       skip:  it becomes a raw event, and the run goes on
 *
 * A node that decodes itself does not know them. What it sends is made to fit here: its error event
 * for a broken line becomes the raw event that a decoder of ours would have made.
 */

#include "provider/decoder-private.h"

#include "term/print.h"
#include "term/reader.h"

#define MAX_LINE_LOWEST  1024
#define MAX_LINE_HIGHEST (256 * 1024 * 1024)

/* longest value that is shown in an error */
#define SHOWN_VALUE_MAX 80

static gboolean
get_option(AsmView options, const char *key, AsmView *ret_value)
{
        return asm_view_is_set(options) && asm_view_option_get(options, key, ret_value) &&
               !asm_view_is_atom(*ret_value, "nil");
}

static gboolean
refuse(const char *key, AsmView value, const char *expected, GError **error)
{
        g_autofree char *shown = asm_view_print(value, ASM_SYNTAX_ERLANG, SHOWN_VALUE_MAX);

        g_set_error(error,
                    ASM_PROVIDER_ERROR,
                    ASM_PROVIDER_ERROR_OPTION,
                    "option '%s' is %s, expected %s",
                    key,
                    shown,
                    expected);
        return FALSE;
}

gboolean
asm_line_rules_read(AsmView options, AsmLineRules *ret_rules, GError **error)
{
        AsmLineRules rules = { .max_line = ASM_LINE_MAX_DEFAULT };
        AsmView value;
        gint64 number;

        if (get_option(options, "max_line_bytes", &value)) {
                if (!asm_view_get_int(value, &number) || number < MAX_LINE_LOWEST ||
                    number > MAX_LINE_HIGHEST)
                        return refuse("max_line_bytes",
                                      value,
                                      "a number of bytes from 1024 to 268435456",
                                      error);
                rules.max_line = (gsize)number;
        }
        if (get_option(options, "on_parse_error", &value)) {
                g_autofree char *word = asm_view_dup_text(value, /* accept_atoms= */ TRUE);

                rules.skips_parse_errors = g_strcmp0(word, "skip") == 0;
                if (!rules.skips_parse_errors && g_strcmp0(word, "error") != 0)
                        return refuse("on_parse_error", value, "error or skip", error);
        }
        *ret_rules = rules;
        return TRUE;
}

void
asm_builder_skipped_line(AsmBuilder *builder, AsmView line, AsmView problem)
{
        g_auto(AsmBuilder) note = ASM_BUILDER_INIT;

        asm_builder_map(&note, 1);
        asm_builder_atom(&note, "parse_error");
        asm_builder_view(&note, problem);
        asm_builder_payload_begin(builder, ASM_EVENT_RAW, 2, asm_builder_peek(&note));
        asm_builder_atom(builder, "stream");
        asm_builder_atom(builder, "stdout");
        asm_builder_atom(builder, "content");
        asm_builder_view(builder, line);
}

/* FALSE: @event is no error about a broken line */
static gboolean
get_parse_error(AsmView event, AsmCoreEvent *ret_core, AsmView *ret_problem)
{
        g_autofree char *code = NULL;
        AsmView value;

        if (!asm_core_event_from_view(event, ret_core) || ret_core->kind != ASM_EVENT_ERROR ||
            !asm_view_map_get(ret_core->payload, "code", &value))
                return FALSE;
        code = asm_view_dup_text(value, /* accept_atoms= */ TRUE);
        return g_strcmp0(code, "parse_error") == 0 && asm_view_is_set(ret_core->raw) &&
               asm_view_map_get(ret_core->payload, "message", ret_problem);
}

AsmView
asm_line_rules_apply(const AsmLineRules *rules, AsmView event, AsmBuilder *builder)
{
        g_auto(AsmBuilder) payload = ASM_BUILDER_INIT;
        AsmCoreEventSpec spec = { .kind = ASM_EVENT_RAW };
        g_autofree char *provider = NULL, *session_id = NULL;
        AsmCoreEvent core;
        AsmView problem;

        if (!rules->skips_parse_errors || !get_parse_error(event, &core, &problem))
                return event;
        provider = asm_view_dup_text(core.provider, /* accept_atoms= */ TRUE);
        if (asm_view_is_set(core.provider_session_id))
                session_id = asm_view_dup_text(core.provider_session_id, FALSE);
        asm_builder_skipped_line(&payload, core.raw, problem);
        spec.provider = provider != NULL ? provider : "nil";
        spec.id = spec.sequence = core.sequence;
        spec.timestamp_us = g_get_real_time();
        spec.payload = asm_builder_peek(&payload);
        spec.raw = core.raw;
        spec.provider_session_id = session_id;
        asm_builder_reset(builder);
        asm_builder_core_event(builder, &spec);
        return asm_builder_peek(builder);
}
