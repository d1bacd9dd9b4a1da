/* SPDX-License-Identifier: MIT */
/*
 * Events out of JSON. The CLIs name the same things differently, so a decoder says which
 * member is what, and the functions here write the payload, with the defaults that payloads have
 * on an ASM node: a missing text is "" where content is asked for and nil elsewhere, an input
 * that is no object is #{}, and names are trimmed while content is not, because the bytes of a
 * delta are meant.
 *
 * Every event carries the line it came from as `raw`, as a term with binary keys. An event
 * that is cut out of a line carries only its own part: a line with a thousand tool calls must
 * not be sent a thousand times.
 */

#include "provider/decoder-private.h"

#include "term/json.h"
#include "term/reader.h"
#include <string.h>

void
asm_decoder_put_node(AsmBuilder *builder, JsonNode *node)
{
        gsize len = builder->len;

        if (node != NULL && asm_builder_json(builder, node, NULL))
                return;
        builder->len = len;
        asm_builder_nil_atom(builder);
}

void
asm_decoder_put_map(AsmBuilder *builder, JsonNode *node)
{
        if (asm_decoder_node_object(node) != NULL)
                asm_decoder_put_node(builder, node);
        else
                asm_builder_map(builder, 0);
}

void
asm_decoder_put_trimmed(AsmBuilder *builder, const char *text)
{
        gsize len;

        if (text == NULL) {
                asm_builder_nil_atom(builder);
                return;
        }
        while (g_ascii_isspace(*text))
                text++;
        len = strlen(text);
        while (len > 0 && g_ascii_isspace(text[len - 1]))
                len--;
        asm_builder_binary(builder, text, len);
}

static void
put_text_field(AsmBuilder *builder, const char *key, const char *text)
{
        asm_builder_atom(builder, key);
        asm_decoder_put_trimmed(builder, text);
}

JsonObject *
asm_decoder_node_object(JsonNode *node)
{
        return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

const char *
asm_decoder_node_text(JsonNode *node)
{
        return node != NULL && JSON_NODE_HOLDS_VALUE(node) &&
                               json_node_get_value_type(node) == G_TYPE_STRING &&
                               asm_json_get_digits(node) == NULL
                       ? json_node_get_string(node)
                       : NULL;
}

static gboolean
is_there(JsonNode *node)
{
        if (node == NULL || JSON_NODE_HOLDS_NULL(node))
                return FALSE;
        return !JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_BOOLEAN ||
               json_node_get_boolean(node);
}

static JsonNode *
first_of(JsonObject *object, va_list keys)
{
        JsonNode *node;

        for (const char *key = va_arg(keys, const char *); key != NULL;
             key = va_arg(keys, const char *)) {
                node = object != NULL ? json_object_get_member(object, key) : NULL;
                if (is_there(node))
                        return node;
        }
        return NULL;
}

JsonNode *
asm_decoder_first(JsonObject *object, ...)
{
        JsonNode *node;
        va_list keys;

        va_start(keys, object);
        node = first_of(object, keys);
        va_end(keys);
        return node;
}

const char *
asm_decoder_first_text(JsonObject *object, ...)
{
        JsonNode *node;
        va_list keys;

        va_start(keys, object);
        node = first_of(object, keys);
        va_end(keys);
        return asm_decoder_node_text(node);
}

const char *
asm_decoder_get_type(JsonObject *object)
{
        return asm_decoder_first_text(object, "type", "event", NULL);
}

gint64
asm_decoder_get_count(JsonObject *object, const char *key, const char *other_key)
{
        const char *text = asm_decoder_first_text(object, key, other_key, NULL);
        gint64 count = asm_json_get_int(object, key, -1);
        double number;

        if (count < 0 && other_key != NULL)
                count = asm_json_get_int(object, other_key, -1);
        if (count < 0 && text != NULL &&
            !g_ascii_string_to_signed(text, 10, 0, G_MAXINT64, &count, NULL))
                count = 0;
        if (count < 0) {
                number = asm_json_get_double(object, key, 0);
                count = number > 0 && number < (double)G_MAXINT64 ? (gint64)number : 0;
        }
        return count;
}

gboolean
asm_decoder_is_true(JsonNode *node)
{
        const char *text = asm_decoder_node_text(node);

        if (text != NULL)
                return strcmp(text, "true") == 0 || strcmp(text, "1") == 0 ||
                       strcmp(text, "yes") == 0 || strcmp(text, "on") == 0;
        if (node == NULL || !JSON_NODE_HOLDS_VALUE(node))
                return FALSE;
        if (json_node_get_value_type(node) == G_TYPE_BOOLEAN)
                return json_node_get_boolean(node);
        return json_node_get_value_type(node) == G_TYPE_INT64 && json_node_get_int(node) == 1;
}

void
asm_decoder_emit_raw(AsmDecoder *decoder, AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_RAW, 2);

        asm_builder_atom(payload, "stream");
        asm_builder_atom(payload, "stdout");
        asm_builder_atom(payload, "content");
        asm_builder_view(payload, raw);
        asm_decoder_emit(decoder, ASM_EVENT_RAW, raw);
}

/* #{source => Source}, valid until the next use of the scratch builder */
static AsmView
make_source(AsmDecoder *decoder, const char *source)
{
        if (source == NULL)
                return ASM_VIEW_NONE;
        asm_builder_reset(&decoder->scratch);
        asm_builder_map(&decoder->scratch, 1);
        asm_builder_atom(&decoder->scratch, "source");
        asm_builder_atom(&decoder->scratch, source);
        return asm_builder_peek(&decoder->scratch);
}

void
asm_decoder_emit_delta(AsmDecoder *decoder,
                       const char *text,
                       gint64 index,
                       const char *source,
                       AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin_with(decoder,
                                                     ASM_EVENT_ASSISTANT_DELTA,
                                                     3,
                                                     make_source(decoder, source));

        asm_builder_atom(payload, "content");
        asm_builder_text(payload, text != NULL ? text : "");
        asm_builder_atom(payload, "index");
        if (index >= 0)
                asm_builder_int(payload, index);
        else
                asm_builder_nil_atom(payload);
        asm_builder_atom(payload, "format");
        asm_builder_atom(payload, "text");
        if (text != NULL)
                g_string_append(decoder->partial, text);
        asm_decoder_emit(decoder, ASM_EVENT_ASSISTANT_DELTA, raw);
}

/* content (or text) as a list of blocks */
static void
put_blocks(AsmBuilder *builder, JsonObject *message)
{
        JsonNode *content = asm_decoder_first(message, "content", "text", NULL);

        if (content != NULL && JSON_NODE_HOLDS_ARRAY(content)) {
                asm_decoder_put_node(builder, content);
                return;
        }
        if (content != NULL) {
                asm_builder_list(builder, 1);
                asm_decoder_put_node(builder, content);
        }
        asm_builder_nil(builder);
}

static void
append_block_text(GString *text, JsonNode *block)
{
        const char *plain = asm_decoder_node_text(block);
        JsonObject *object = asm_decoder_node_object(block);

        if (plain == NULL && g_strcmp0(asm_json_get_string(object, "type"), "text") == 0)
                plain = asm_json_get_string(object, "text");
        if (plain != NULL)
                g_string_append(text, plain);
}

char *
asm_decoder_dup_message_text(JsonObject *message)
{
        JsonNode *content = asm_decoder_first(message, "content", "text", NULL);
        GString *text = g_string_new(NULL);
        JsonArray *blocks;

        if (content != NULL && JSON_NODE_HOLDS_ARRAY(content)) {
                blocks = json_node_get_array(content);
                for (guint i = 0; i < json_array_get_length(blocks); i++)
                        append_block_text(text, json_array_get_element(blocks, i));
        } else {
                append_block_text(text, content);
        }
        return g_string_free(text, FALSE);
}

gboolean
asm_decoder_emit_message(AsmDecoder *decoder, JsonObject *message, const char *model, AsmView raw)
{
        g_autofree char *text = asm_decoder_dup_message_text(message);
        gsize n_told = decoder->partial->len;
        gboolean is_snapshot = n_told > 0 && g_str_has_prefix(text, decoder->partial->str);
        AsmBuilder *payload;

        if (is_snapshot && text[n_told] != '\0')
                asm_decoder_emit_delta(decoder,
                                       text + n_told,
                                       /* index= */ -1,
                                       "cursor_snapshot_suffix",
                                       raw);
        if (text[0] != '\0')
                g_string_truncate(decoder->partial, 0);
        payload = asm_decoder_begin_with(
                decoder,
                ASM_EVENT_ASSISTANT_MESSAGE,
                3,
                make_source(decoder, is_snapshot ? "cursor_final_snapshot" : NULL));
        asm_builder_atom(payload, "content");
        put_blocks(payload, message);
        asm_builder_atom(payload, "role");
        asm_builder_atom(payload, "assistant");
        put_text_field(payload, "model", model);
        asm_decoder_emit(decoder, ASM_EVENT_ASSISTANT_MESSAGE, raw);
        return is_snapshot;
}

void
asm_decoder_emit_user(AsmDecoder *decoder, JsonObject *message, AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_USER_MESSAGE, 2);

        asm_builder_atom(payload, "content");
        put_blocks(payload, message);
        asm_builder_atom(payload, "role");
        asm_builder_atom(payload, "user");
        asm_decoder_emit(decoder, ASM_EVENT_USER_MESSAGE, raw);
}

void
asm_decoder_emit_thinking(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_THINKING, 2);
        const char *text = asm_decoder_first_text(object, "thinking", "text", NULL);

        put_text_field(payload, "content", text != NULL ? text : "");
        put_text_field(payload, "signature", asm_decoder_first_text(object, "signature", NULL));
        asm_decoder_emit(decoder, ASM_EVENT_THINKING, raw);
}

void
asm_decoder_emit_tool_use(AsmDecoder *decoder,
                          const char *name,
                          const char *id,
                          JsonNode *input,
                          AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_TOOL_USE, 3);

        put_text_field(payload, "tool_name", name);
        put_text_field(payload, "tool_call_id", id);
        asm_builder_atom(payload, "input");
        asm_decoder_put_map(payload, input);
        asm_decoder_emit(decoder, ASM_EVENT_TOOL_USE, raw);
}

void
asm_decoder_emit_tool_result(AsmDecoder *decoder,
                             const char *id,
                             JsonNode *content,
                             gboolean is_error,
                             AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_TOOL_RESULT, 3);

        put_text_field(payload, "tool_call_id", id);
        asm_builder_atom(payload, "content");
        asm_decoder_put_node(payload, content);
        asm_builder_atom(payload, "is_error");
        asm_builder_bool(payload, is_error);
        asm_decoder_emit(decoder, ASM_EVENT_TOOL_RESULT, raw);
}

void
asm_decoder_emit_approval_requested(AsmDecoder *decoder,
                                    const char *id,
                                    const char *tool_name,
                                    JsonNode *input,
                                    AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_APPROVAL_REQUESTED, 3);
        gboolean is_kept;

        put_text_field(payload, "approval_id", id);
        put_text_field(payload, "subject", tool_name);
        asm_builder_atom(payload, "details");
        asm_builder_map(payload, 1);
        asm_builder_text(payload, "tool_input");
        asm_decoder_put_map(payload, input);
        is_kept = asm_decoder_pending_add(decoder, id, raw);
        asm_decoder_emit(decoder, ASM_EVENT_APPROVAL_REQUESTED, raw);
        if (!is_kept)
                asm_decoder_emit_approval_decision(decoder,
                                                   id,
                                                   /* is_allowed= */ FALSE,
                                                   "too many open approvals",
                                                   raw);
}

void
asm_decoder_emit_approval_decision(AsmDecoder *decoder,
                                   const char *id,
                                   gboolean is_allowed,
                                   const char *reason,
                                   AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_APPROVAL_RESOLVED, 3);

        put_text_field(payload, "approval_id", id);
        asm_builder_atom(payload, "decision");
        asm_builder_atom(payload, is_allowed ? "allow" : "deny");
        put_text_field(payload, "reason", reason);
        asm_decoder_emit(decoder, ASM_EVENT_APPROVAL_RESOLVED, raw);
}

void
asm_decoder_emit_approval_resolved(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        const char *id = asm_decoder_first_text(object, "approval_id", NULL);
        JsonNode *decision = asm_decoder_first(object, "decision", NULL);
        const char *word = asm_decoder_node_text(decision);
        gboolean is_allowed = word != NULL
                                      ? g_str_equal(word, "allow") || g_str_equal(word, "approved")
                                      : asm_decoder_is_true(decision);

        asm_decoder_pending_remove(decoder, id);
        asm_decoder_emit_approval_decision(decoder,
                                           id,
                                           is_allowed,
                                           asm_decoder_first_text(object, "reason", NULL),
                                           raw);
}

void
asm_decoder_emit_cost(AsmDecoder *decoder, JsonObject *usage, JsonObject *object, AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_COST_UPDATE, 4);
        gint64 input_tokens = asm_decoder_get_count(usage, "input_tokens", NULL);
        gint64 output_tokens = asm_decoder_get_count(usage, "output_tokens", NULL);
        double cost_usd = asm_json_get_double(object, "cost_usd", 0.0);

        asm_builder_atom(payload, "input_tokens");
        asm_builder_int(payload, input_tokens);
        asm_builder_atom(payload, "output_tokens");
        asm_builder_int(payload, output_tokens);
        asm_builder_atom(payload, "total_tokens");
        asm_builder_int(payload,
                        input_tokens > G_MAXINT64 - output_tokens ? G_MAXINT64
                                                                  : input_tokens + output_tokens);
        asm_builder_atom(payload, "cost_usd");
        asm_builder_double(payload, MAX(cost_usd, 0.0));
        asm_decoder_emit(decoder, ASM_EVENT_COST_UPDATE, raw);
}

static void
put_stop_reason(AsmBuilder *builder, const AsmDecoderResult *result)
{
        asm_builder_atom(builder, "stop_reason");
        if (result->stop_reason != NULL)
                asm_builder_text(builder, result->stop_reason);
        else
                asm_builder_atom(builder, result->stop_atom);
}

static void
put_output(AsmBuilder *builder, const AsmDecoderResult *result)
{
        AsmBuilderMark mark;
        guint n = 1;

        asm_builder_atom(builder, "output");
        mark = asm_builder_map_begin(builder);
        if (result->duration != NULL || result->has_duration) {
                asm_builder_atom(builder, "duration_ms");
                asm_decoder_put_node(builder, result->duration);
                n++;
        }
        if (result->has_cost_usd) {
                asm_builder_atom(builder, "total_cost_usd");
                asm_builder_double(builder, result->cost_usd);
                n++;
        }
        asm_builder_atom(builder, "usage");
        asm_builder_map(builder, result->has_total ? 3 : 2);
        asm_builder_atom(builder, "input_tokens");
        asm_builder_int(builder, result->input_tokens);
        asm_builder_atom(builder, "output_tokens");
        asm_builder_int(builder, result->output_tokens);
        if (result->has_total) {
                asm_builder_atom(builder, "total_tokens");
                asm_builder_int(builder, result->total_tokens);
        }
        asm_builder_map_end(builder, mark, n);
}

void
asm_decoder_emit_result(AsmDecoder *decoder, const AsmDecoderResult *result, AsmView raw)
{
        AsmBuilder *payload = asm_decoder_begin(decoder, ASM_EVENT_RESULT, 4);

        asm_builder_atom(payload, "status");
        asm_builder_atom(payload, result->is_error ? "error" : "completed");
        put_stop_reason(payload, result);
        put_output(payload, result);
        asm_builder_atom(payload, "object");
        asm_decoder_put_node(payload, result->object);
        asm_decoder_emit(decoder, ASM_EVENT_RESULT, raw);
}
