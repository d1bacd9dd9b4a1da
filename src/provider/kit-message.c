/* SPDX-License-Identifier: MIT */

/*
 * What a kit says, as events. A kit names the kind and gives the payload, in JSON with the field
 * names of ASM_PROTOCOL.md section 3; numbers, ids, time and session id are filled in by the decoder,
 * so that the events of a kit are those of any CLI.
 *
 *     {"type":"ready","version":1}                           the first line, here it is not expected
 *     {"type":"event","kind":KIND,"payload":{..}}            an event
 *     {"type":"error","code":CODE,"message":TEXT}            a fatal error event
 *     any other type or kind                                 raw
 *
 * Who writes a kit is told at once what is wrong: a field of another type than the table has ends the
 * run with a parse_error that names it. Fields that the table does not have are not looked at; like
 * everything in a line they are in the event's `raw`, which a kit may set itself.
 */

#include "provider/kit.h"

#include "provider/kit-field-private.h"

#include <string.h>

/* deepest nesting of the first line */
#define DEPTH_MAX 200

/* how much of the first line an error repeats */
#define FIRST_LINE_SHOWN_MAX 200

#define FIELDS_MAX 4

typedef struct {
        const char *kind;
        void (*emit)(AsmDecoder *decoder, JsonObject *payload, AsmView raw);
        AsmKitField fields[FIELDS_MAX + 1];
} Kind;

/* --- events ---------------------------------------------------------------------------------- */

static void
put_text(AsmBuilder *payload, const char *key, JsonObject *object)
{
        asm_builder_atom(payload, key);
        asm_builder_text(payload, asm_json_get_string(object, key));
}

static void
emit_run_started(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_RUN_STARTED, 4);
        JsonNode *args = asm_decoder_first(object, "args", NULL);

        put_text(payload, "provider_session_id", object);
        put_text(payload, "command", object);
        asm_builder_atom(payload, "args");
        if (args != NULL)
                asm_decoder_put_node(payload, args);
        else
                asm_builder_nil(payload);
        put_text(payload, "cwd", object);
        asm_decoder_emit(decoder, ASM_EVENT_RUN_STARTED, raw);
}

static void
emit_delta(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_delta(decoder,
                               asm_json_get_string(object, "content"),
                               asm_json_get_int(object, "index", -1),
                               /* source= */ NULL,
                               raw);
}

static void
emit_message(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_message(decoder, object, asm_json_get_string(object, "model"), raw);
}

static void
emit_thinking(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_THINKING, 2);

        put_text(payload, "content", object);
        put_text(payload, "signature", object);
        asm_decoder_emit(decoder, ASM_EVENT_THINKING, raw);
}

static void
emit_tool_use(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_tool_use(decoder,
                                  asm_json_get_string(object, "tool_name"),
                                  asm_json_get_string(object, "tool_call_id"),
                                  asm_decoder_first(object, "input", NULL),
                                  raw);
}

static void
emit_tool_result(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_tool_result(
                decoder,
                asm_json_get_string(object, "tool_call_id"),
                json_object_get_member(object, "content"),
                asm_decoder_is_true(asm_decoder_first(object, "is_error", NULL)),
                raw);
}

static void
emit_approval_requested(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_APPROVAL_REQUESTED, 3);

        put_text(payload, "approval_id", object);
        put_text(payload, "subject", object);
        asm_builder_atom(payload, "details");
        asm_decoder_put_map(payload, asm_decoder_first(object, "details", NULL));
        asm_decoder_emit(decoder, ASM_EVENT_APPROVAL_REQUESTED, raw);
}

static void
emit_cost(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_cost(decoder, object, object, raw);
}

static void
emit_result(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        static const AsmKitField output_fields[] = {
                { "usage", ASM_KIT_FIELD_OBJECT, FALSE },
                { "duration_ms", ASM_KIT_FIELD_COUNT, FALSE },
                { "total_cost_usd", ASM_KIT_FIELD_AMOUNT, FALSE },
                { NULL, ASM_KIT_FIELD_ANY, FALSE }
        };
        static const AsmKitField usage_fields[] = { { "input_tokens", ASM_KIT_FIELD_COUNT, FALSE },
                                                    { "output_tokens", ASM_KIT_FIELD_COUNT, FALSE },
                                                    { "total_tokens", ASM_KIT_FIELD_COUNT, FALSE },
                                                    { NULL, ASM_KIT_FIELD_ANY, FALSE } };
        JsonObject *output = asm_json_get_object(object, "output");
        JsonObject *usage;
        AsmDecoderResult result = { .stop_atom = "unknown" };

        if (output != NULL &&
            !asm_kit_check_fields(decoder, "payload.output", output, output_fields, raw))
                return;
        usage = asm_json_get_object(output, "usage");
        if (usage != NULL &&
            !asm_kit_check_fields(decoder, "payload.output.usage", usage, usage_fields, raw))
                return;
        result.is_error = g_strcmp0(asm_json_get_string(object, "status"), "error") == 0;
        result.stop_reason = asm_json_get_string(object, "stop_reason");
        result.object = asm_decoder_first(object, "object", NULL);
        result.duration = asm_decoder_first(output, "duration_ms", NULL);
        result.input_tokens = asm_json_get_int(usage, "input_tokens", 0);
        result.output_tokens = asm_json_get_int(usage, "output_tokens", 0);
        result.total_tokens = asm_json_get_int(usage, "total_tokens", -1);
        result.has_total = result.total_tokens >= 0;
        result.cost_usd = asm_json_get_double(output, "total_cost_usd", -1.0);
        result.has_cost_usd = result.cost_usd >= 0;
        asm_decoder_emit_result(decoder, &result, raw);
}

static void
emit_error(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        const char *severity = asm_json_get_string(object, "severity");

        /* the last word of the run: the exit has nothing to add */
        decoder->has_result = TRUE;
        asm_decoder_emit_error(decoder,
                               asm_decoder_error_kind(asm_json_get_string(object, "code")),
                               severity != NULL ? asm_decoder_severity(severity)
                                                : ASM_SEVERITY_FATAL,
                               asm_json_get_string(object, "message"),
                               raw);
}

static void
emit_stderr(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_STDERR, 1);

        put_text(payload, "content", object);
        asm_decoder_emit(decoder, ASM_EVENT_STDERR, raw);
}

static void
emit_raw(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_RAW, 2);
        const char *stream = asm_json_get_string(object, "stream");

        asm_builder_atom(payload, "stream");
        asm_builder_atom(payload, stream != NULL ? stream : "stdout");
        asm_builder_atom(payload, "content");
        asm_decoder_put_node(payload, json_object_get_member(object, "content"));
        asm_decoder_emit(decoder, ASM_EVENT_RAW, raw);
}

#define END                                                                                        \
        {                                                                                          \
                NULL, ASM_KIT_FIELD_ANY, FALSE                                                     \
        }

/* clang-format off */
static const Kind kinds[] = {
        { "run_started", emit_run_started,
          { { "provider_session_id", ASM_KIT_FIELD_TEXT, FALSE }, { "command", ASM_KIT_FIELD_TEXT, FALSE },
            { "args", ASM_KIT_FIELD_TEXTS, FALSE }, { "cwd", ASM_KIT_FIELD_TEXT, FALSE }, END } },
        { "assistant_delta", emit_delta,
          { { "content", ASM_KIT_FIELD_TEXT, TRUE }, { "index", ASM_KIT_FIELD_COUNT, FALSE }, END } },
        { "assistant_message", emit_message,
          { { "content", ASM_KIT_FIELD_BLOCKS, TRUE }, { "model", ASM_KIT_FIELD_TEXT, FALSE }, END } },
        { "user_message", asm_decoder_emit_user,
          { { "content", ASM_KIT_FIELD_BLOCKS, TRUE }, END } },
        { "thinking", emit_thinking,
          { { "content", ASM_KIT_FIELD_TEXT, TRUE }, { "signature", ASM_KIT_FIELD_TEXT, FALSE }, END } },
        { "tool_use", emit_tool_use,
          { { "tool_name", ASM_KIT_FIELD_ID, TRUE }, { "tool_call_id", ASM_KIT_FIELD_TEXT, FALSE },
            { "input", ASM_KIT_FIELD_OBJECT, FALSE }, END } },
        { "tool_result", emit_tool_result,
          { { "tool_call_id", ASM_KIT_FIELD_TEXT, FALSE }, { "is_error", ASM_KIT_FIELD_BOOL, FALSE }, END } },
        { "approval_requested", emit_approval_requested,
          { { "approval_id", ASM_KIT_FIELD_ID, TRUE }, { "subject", ASM_KIT_FIELD_ID, TRUE },
            { "details", ASM_KIT_FIELD_OBJECT, FALSE }, END } },
        { "approval_resolved", asm_decoder_emit_approval_resolved,
          { { "approval_id", ASM_KIT_FIELD_ID, TRUE }, { "decision", ASM_KIT_FIELD_DECISION, TRUE },
            { "reason", ASM_KIT_FIELD_TEXT, FALSE }, END } },
        { "cost_update", emit_cost,
          { { "input_tokens", ASM_KIT_FIELD_COUNT, FALSE }, { "output_tokens", ASM_KIT_FIELD_COUNT, FALSE },
            { "cost_usd", ASM_KIT_FIELD_AMOUNT, FALSE }, END } },
        { "result", emit_result,
          { { "status", ASM_KIT_FIELD_STATUS, FALSE }, { "stop_reason", ASM_KIT_FIELD_TEXT, FALSE },
            { "output", ASM_KIT_FIELD_OBJECT, FALSE }, END } },
        { "error", emit_error,
          { { "message", ASM_KIT_FIELD_TEXT, TRUE }, { "code", ASM_KIT_FIELD_TEXT, FALSE },
            { "severity", ASM_KIT_FIELD_SEVERITY, FALSE }, END } },
        { "stderr", emit_stderr,
          { { "content", ASM_KIT_FIELD_TEXT, TRUE }, END } },
        { "raw", emit_raw,
          { { "stream", ASM_KIT_FIELD_STREAM, FALSE }, { "content", ASM_KIT_FIELD_ANY, TRUE }, END } },
};
/* clang-format on */

static const Kind *
find_kind(const char *name)
{
        for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
                if (strcmp(kinds[i].kind, name) == 0)
                        return &kinds[i];
        }
        return NULL;
}

static void
on_event(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        static const AsmKitField fields[] = { { "kind", ASM_KIT_FIELD_ID, TRUE },
                                              { "provider_session_id", ASM_KIT_FIELD_TEXT, FALSE },
                                              END };
        JsonObject *payload = asm_json_get_object(object, "payload");
        JsonNode *given = json_object_get_member(object, "raw");
        g_auto(AsmBuilder) own = ASM_BUILDER_INIT;
        g_autofree char *what = NULL;
        const Kind *kind;

        if (!asm_kit_check_fields(decoder, "event", object, fields, raw))
                return;
        kind = find_kind(asm_json_get_string(object, "kind"));
        if (kind == NULL) {
                asm_decoder_emit_raw(decoder, raw);
                return;
        }
        what = g_strdup_printf("event %s: payload", kind->kind);
        if (payload == NULL) {
                asm_kit_complain(decoder,
                                 what,
                                 json_object_get_member(object, "payload"),
                                 "an object",
                                 raw);
                return;
        }
        if (!asm_kit_check_fields(decoder, what, payload, kind->fields, raw))
                return;
        if (given != NULL) {
                asm_decoder_put_node(&own, given);
                raw = asm_builder_peek(&own);
        }
        kind->emit(decoder, payload, raw);
}

static void
on_error(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        static const AsmKitField fields[] = { { "message", ASM_KIT_FIELD_TEXT, TRUE },
                                              { "code", ASM_KIT_FIELD_TEXT, FALSE },
                                              { "severity", ASM_KIT_FIELD_SEVERITY, FALSE },
                                              END };

        if (asm_kit_check_fields(decoder, "error", object, fields, raw))
                emit_error(decoder, object, raw);
}

static void
decode_line(AsmDecoder *decoder, const char *line, gsize len)
{
        static const AsmDecoderType types[] = { { "event", on_event },
                                                { "error", on_error },
                                                { NULL, NULL } };

        asm_decoder_json_line(decoder, line, len, types);
}

AsmDecoder *
asm_decoder_new_for_kit(const AsmProvider *provider,
                        const char *name,
                        gint64 (*wall_us)(void),
                        AsmDecoderFunc func,
                        gpointer user_data)
{
        AsmDecoder *decoder = asm_decoder_new(provider, wall_us, func, user_data);

        decoder->decode_line = decode_line;
        g_free(decoder->speaker);
        decoder->speaker = g_strdup_printf("kit %s", name);
        return decoder;
}

/* --- the first line -------------------------------------------------------------------------- */

static gboolean
refuse(AsmFailure **ret_failure, const char *line, gsize len)
{
        g_autofree char *start = g_strndup(line, MIN(len, FIRST_LINE_SHOWN_MAX));
        g_autofree char *text = asm_kit_dup_shown(start);

        *ret_failure =
                asm_failure_new(ASM_FAILURE_PARSE_ERROR,
                                ASM_DOMAIN_PARSER,
                                "its first line has to be {\"type\":\"ready\",\"version\":%d} or "
                                "of type error: '%s'",
                                ASM_KIT_PROTOCOL,
                                text);
        return FALSE;
}

/* what the kit says when it cannot start */
static AsmFailure *
told_failure(JsonObject *object)
{
        AsmFailureKind kind = asm_decoder_error_kind(asm_json_get_string(object, "code"));
        const char *message = asm_json_get_string(object, "message");
        AsmFailureDomain domain =
                kind == ASM_FAILURE_CONFIG_INVALID ? ASM_DOMAIN_CONFIG : ASM_DOMAIN_PROVIDER;

        return asm_failure_new(kind, domain, "%s", message != NULL ? message : "no message");
}

gboolean
asm_kit_read_ready(const char *line, gsize len, AsmFailure **ret_failure)
{
        g_autofree char *problem = asm_json_check(line, len, DEPTH_MAX);
        g_autoptr(JsonParser) parser = json_parser_new();
        JsonObject *object = NULL;
        const char *type;
        gint64 version;

        if (problem == NULL && json_parser_load_from_data(parser, line, (gssize)len, NULL))
                object = asm_decoder_node_object(json_parser_get_root(parser));
        type = asm_json_get_string(object, "type");
        if (g_strcmp0(type, "error") == 0) {
                *ret_failure = told_failure(object);
                return FALSE;
        }
        if (g_strcmp0(type, "ready") != 0)
                return refuse(ret_failure, line, len);
        version = asm_json_get_int(object, "version", -1);
        if (version == ASM_KIT_PROTOCOL)
                return TRUE;
        if (version < 0)
                return refuse(ret_failure, line, len);
        *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                       ASM_DOMAIN_CONFIG,
                                       "it speaks version %" G_GINT64_FORMAT " of the protocol, "
                                       "this asmd version %d: install a kit that fits",
                                       version,
                                       ASM_KIT_PROTOCOL);
        return FALSE;
}
