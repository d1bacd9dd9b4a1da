/* SPDX-License-Identifier: MIT */
/*
 * From the payload of an event to the message that Elixir programs match on. The two
 * vocabularies are close, but not the same:
 *
 *      payload           message       what becomes what
 *      AssistantDelta    Partial       content -> delta, content_type text
 *      AssistantMessage  Assistant     blocks -> ASM.Content.*, model, metadata
 *      UserMessage       User          blocks
 *      Thinking          Thinking      content -> thinking
 *      ToolUse           ToolUse       tool_call_id -> tool_id
 *      ToolResult        ToolResult    tool_call_id -> tool_id
 *      Result            Result        output's usage and duration_ms
 *      Error             Error         code -> kind
 *      Stderr, Raw       Raw           content -> data
 *
 * Blocks come with atom keys (other BEAM programs) or with binary keys (decoded JSON), text blocks
 * also as bare binaries. A block that is none of the four known ones is kept as it came.
 * Fields are copied as bytes; a missing one becomes what the struct has as its default.
 */

#include "result/message-private.h"

#include "term/reader.h"
#include <string.h>

#define MESSAGE_PREFIX "Elixir.ASM.Message."
#define CONTENT_PREFIX "Elixir.ASM.Content."

/* longest error code that is looked up; all names of kinds are shorter */
#define CODE_MAX 64

static gboolean
is_something(AsmView view)
{
        return asm_view_is_set(view) && !asm_view_is_atom(view, "nil");
}

static gboolean
is_map(AsmView view)
{
        return asm_view_is_set(view) && asm_view_kind(view) == ASM_KIND_MAP;
}

/* the value under an atom or binary key of a block */
static AsmView
block_get(AsmView block, const char *key)
{
        AsmView value;

        return asm_view_option_get(block, key, &value) ? value : ASM_VIEW_NONE;
}

static gboolean
is_named(AsmView view, const char *name)
{
        const guint8 *data;
        gsize len;

        if (!asm_view_is_set(view))
                return FALSE;
        if (asm_view_get_binary(view, &data, &len))
                return len == strlen(name) && memcmp(data, name, len) == 0;
        return asm_view_is_atom(view, name);
}

/* a code as the name of a kind is written; empty for what is none */
static void
get_code(AsmView code, char text[CODE_MAX + 1])
{
        const guint8 *data;
        const char *name;
        gsize len;

        text[0] = '\0';
        if (!asm_view_is_set(code))
                return;
        if (asm_view_get_binary(code, &data, &len))
                name = (const char *)data;
        else if (!asm_view_get_atom(code, &name, &len))
                return;
        while (len > 0 && g_ascii_isspace(name[0])) {
                name++;
                len--;
        }
        while (len > 0 && g_ascii_isspace(name[len - 1]))
                len--;
        if (len > CODE_MAX)
                return;
        for (gsize i = 0; i < len; i++)
                text[i] = name[i] == '-' ? '_' : g_ascii_tolower(name[i]);
        text[len] = '\0';
}

gboolean
asm_message_is_exit(AsmView code)
{
        char text[CODE_MAX + 1];

        get_code(code, text);
        return strcmp(text, "transport_exit") == 0;
}

AsmFailureKind
asm_message_error_kind(AsmView code)
{
        char text[CODE_MAX + 1];

        if (asm_message_is_exit(code))
                return ASM_FAILURE_TRANSPORT_ERROR;
        get_code(code, text);
        return asm_failure_kind_from_name(text);
}

static void
put_struct(AsmBuilder *builder, const char *name, guint n_fields)
{
        asm_builder_map(builder, n_fields + 1);
        asm_builder_atom(builder, "__struct__");
        asm_builder_atom(builder, name);
}

static void
put_field(AsmBuilder *builder, const char *key, AsmView value)
{
        asm_builder_atom(builder, key);
        if (asm_view_is_set(value))
                asm_builder_view(builder, value);
        else
                asm_builder_nil_atom(builder);
}

static void
put_text_field(AsmBuilder *builder, const char *key, AsmView value)
{
        asm_builder_atom(builder, key);
        if (is_something(value))
                asm_builder_view(builder, value);
        else
                asm_builder_text(builder, "");
}

static void
put_map_field(AsmBuilder *builder, const char *key, AsmView value)
{
        asm_builder_atom(builder, key);
        if (is_map(value))
                asm_builder_view(builder, value);
        else
                asm_builder_map(builder, 0);
}

static void
put_bool_field(AsmBuilder *builder, const char *key, AsmView value)
{
        gboolean is_true = FALSE;

        asm_builder_atom(builder, key);
        asm_builder_bool(builder,
                         asm_view_is_set(value) && asm_view_get_bool(value, &is_true) && is_true);
}

static void
put_text_block(AsmBuilder *builder, AsmView text)
{
        put_struct(builder, CONTENT_PREFIX "Text", 1);
        put_field(builder, "text", text);
}

/* the text of a text block, not set for any other */
static AsmView
get_block_text(AsmView block)
{
        AsmView text;

        if (asm_view_kind(block) == ASM_KIND_BINARY)
                return block;
        if (!is_map(block) || !is_named(block_get(block, "type"), "text"))
                return ASM_VIEW_NONE;
        text = block_get(block, "text");
        return asm_view_is_set(text) && asm_view_kind(text) == ASM_KIND_BINARY ? text
                                                                               : ASM_VIEW_NONE;
}

static void
put_block(AsmBuilder *builder, AsmView block)
{
        AsmView text = get_block_text(block);
        AsmView type = is_map(block) ? block_get(block, "type") : ASM_VIEW_NONE;
        AsmView tool_id;

        if (asm_view_is_set(text)) {
                put_text_block(builder, text);
        } else if (is_named(type, "thinking")) {
                put_struct(builder, CONTENT_PREFIX "Thinking", 2);
                put_text_field(builder, "thinking", block_get(block, "thinking"));
                put_field(builder, "signature", block_get(block, "signature"));
        } else if (is_named(type, "tool_use")) {
                put_struct(builder, CONTENT_PREFIX "ToolUse", 3);
                put_text_field(builder, "tool_name", block_get(block, "name"));
                put_text_field(builder, "tool_id", block_get(block, "id"));
                put_map_field(builder, "input", block_get(block, "input"));
        } else if (is_named(type, "tool_result")) {
                tool_id = block_get(block, "tool_use_id");
                put_struct(builder, CONTENT_PREFIX "ToolResult", 3);
                put_text_field(builder,
                               "tool_id",
                               is_something(tool_id) ? tool_id : block_get(block, "id"));
                put_field(builder, "content", block_get(block, "content"));
                put_bool_field(builder, "is_error", block_get(block, "is_error"));
        } else {
                asm_builder_view(builder, block);
        }
}

static void
put_content_field(AsmBuilder *builder, AsmView content)
{
        AsmBuilderMark mark;
        AsmListCursor cursor;
        AsmView block;
        guint n = 0;

        asm_builder_atom(builder, "content");
        mark = asm_builder_list_begin(builder);
        if (asm_view_is_set(content) && asm_view_kind(content) == ASM_KIND_BINARY) {
                put_text_block(builder, content);
                n = 1;
        } else if (asm_view_is_set(content)) {
                cursor = asm_view_list(content);
                while (asm_list_next(&cursor, &block)) {
                        put_block(builder, block);
                        n++;
                }
        }
        asm_builder_list_end(builder, mark, n);
}

void
asm_message_append_text(GString *text, AsmView content)
{
        const guint8 *data;
        gsize len;
        AsmListCursor cursor;
        AsmView block;

        if (asm_view_get_binary(content, &data, &len)) {
                g_string_append_len(text, (const char *)data, (gssize)len);
                return;
        }
        cursor = asm_view_list(content);
        while (asm_list_next(&cursor, &block)) {
                block = get_block_text(block);
                if (asm_view_is_set(block) && asm_view_get_binary(block, &data, &len))
                        g_string_append_len(text, (const char *)data, (gssize)len);
        }
}

/* Most messages are these, and all of it but the text is always the same: encoded once. */
static void
put_partial(AsmBuilder *builder, AsmView payload)
{
        static AsmBuilder head;
        static gsize is_ready;
        AsmView content;

        if (g_once_init_enter(&is_ready)) {
                put_struct(&head, MESSAGE_PREFIX "Partial", 2);
                asm_builder_atom(&head, "content_type");
                asm_builder_atom(&head, "text");
                asm_builder_atom(&head, "delta");
                g_once_init_leave(&is_ready, 1);
        }
        asm_builder_raw(builder, head.data, head.len);
        if (asm_view_map_get(payload, "content", &content) && is_something(content))
                asm_builder_view(builder, content);
        else
                asm_builder_text(builder, "");
}

static void
put_assistant(AsmBuilder *builder, AsmView payload)
{
        static const char *const keys[] = { "content", "model", "metadata", NULL };
        AsmView values[3];

        asm_view_map_pick(payload, keys, values);
        put_struct(builder, MESSAGE_PREFIX "Assistant", 3);
        put_content_field(builder, values[0]);
        put_field(builder, "model", values[1]);
        put_map_field(builder, "metadata", values[2]);
}

static void
put_user(AsmBuilder *builder, AsmView payload)
{
        AsmView content;

        if (!asm_view_map_get(payload, "content", &content))
                content = ASM_VIEW_NONE;
        put_struct(builder, MESSAGE_PREFIX "User", 1);
        put_content_field(builder, content);
}

static void
put_thinking(AsmBuilder *builder, AsmView payload)
{
        static const char *const keys[] = { "content", "signature", NULL };
        AsmView values[2];

        asm_view_map_pick(payload, keys, values);
        put_struct(builder, MESSAGE_PREFIX "Thinking", 2);
        put_text_field(builder, "thinking", values[0]);
        put_field(builder, "signature", values[1]);
}

static void
put_tool_use(AsmBuilder *builder, AsmView payload)
{
        static const char *const keys[] = { "tool_name", "tool_call_id", "input", NULL };
        AsmView values[3];

        asm_view_map_pick(payload, keys, values);
        put_struct(builder, MESSAGE_PREFIX "ToolUse", 3);
        put_text_field(builder, "tool_name", values[0]);
        put_text_field(builder, "tool_id", values[1]);
        put_map_field(builder, "input", values[2]);
}

static void
put_tool_result(AsmBuilder *builder, AsmView payload)
{
        static const char *const keys[] = { "tool_call_id", "content", "is_error", NULL };
        AsmView values[3];

        asm_view_map_pick(payload, keys, values);
        put_struct(builder, MESSAGE_PREFIX "ToolResult", 3);
        put_text_field(builder, "tool_id", values[0]);
        put_field(builder, "content", values[1]);
        put_bool_field(builder, "is_error", values[2]);
}

static void
put_result(AsmBuilder *builder, AsmView payload)
{
        static const char *const keys[] = { "stop_reason", "object", "output", "metadata", NULL };
        AsmView values[4], output;

        asm_view_map_pick(payload, keys, values);
        output = is_map(values[2]) ? values[2] : ASM_VIEW_NONE;
        put_struct(builder, MESSAGE_PREFIX "Result", 5);
        put_field(builder, "stop_reason", values[0]);
        put_field(builder, "object", values[1]);
        put_map_field(builder,
                      "usage",
                      asm_view_is_set(output) ? block_get(output, "usage") : output);
        put_field(builder,
                  "duration_ms",
                  asm_view_is_set(output) ? block_get(output, "duration_ms") : output);
        put_map_field(builder, "metadata", values[3]);
}

static void
put_error(AsmBuilder *builder, AsmView payload)
{
        static const char *const keys[] = { "severity", "message", "code", NULL };
        AsmView values[3];

        asm_view_map_pick(payload, keys, values);
        put_struct(builder, MESSAGE_PREFIX "Error", 3);
        asm_builder_atom(builder, "severity");
        if (is_named(values[0], "fatal"))
                asm_builder_atom(builder, "fatal");
        else if (is_named(values[0], "warning") || is_named(values[0], "info"))
                asm_builder_atom(builder, "warning");
        else
                asm_builder_atom(builder, "error");
        put_text_field(builder, "message", values[1]);
        asm_builder_atom(builder, "kind");
        asm_builder_atom(builder, asm_failure_kind_name(asm_message_error_kind(values[2])));
}

/* the type of a raw message is what the CLI called it, else the stream it came on */
static void
put_raw(AsmBuilder *builder, const char *provider, const AsmCoreEvent *event)
{
        static const char *const keys[] = { "content", "stream", NULL };
        AsmView values[2], type = ASM_VIEW_NONE;

        asm_view_map_pick(event->payload, keys, values);
        if (is_map(values[0]))
                type = block_get(values[0], "type");
        put_struct(builder, MESSAGE_PREFIX "Raw", 3);
        asm_builder_atom(builder, "provider");
        asm_builder_atom(builder, provider);
        asm_builder_atom(builder, "type");
        if (asm_view_is_set(type) && asm_view_kind(type) == ASM_KIND_BINARY)
                asm_builder_view(builder, type);
        else
                asm_builder_text(builder, asm_event_kind_name(event->kind));
        put_field(builder, "data", values[0]);
}

gboolean
asm_builder_message(AsmBuilder *builder, const char *provider, const AsmCoreEvent *event)
{
        switch (event->kind) {
        case ASM_EVENT_ASSISTANT_DELTA:
                put_partial(builder, event->payload);
                return TRUE;
        case ASM_EVENT_ASSISTANT_MESSAGE:
                put_assistant(builder, event->payload);
                return TRUE;
        case ASM_EVENT_USER_MESSAGE:
                put_user(builder, event->payload);
                return TRUE;
        case ASM_EVENT_THINKING:
                put_thinking(builder, event->payload);
                return TRUE;
        case ASM_EVENT_TOOL_USE:
                put_tool_use(builder, event->payload);
                return TRUE;
        case ASM_EVENT_TOOL_RESULT:
                put_tool_result(builder, event->payload);
                return TRUE;
        case ASM_EVENT_RESULT:
                put_result(builder, event->payload);
                return TRUE;
        case ASM_EVENT_ERROR:
                put_error(builder, event->payload);
                return TRUE;
        case ASM_EVENT_STDERR:
        case ASM_EVENT_RAW:
                put_raw(builder, provider, event);
                return TRUE;
        case ASM_EVENT_RUN_STARTED:
        case ASM_EVENT_APPROVAL_REQUESTED:
        case ASM_EVENT_APPROVAL_RESOLVED:
        case ASM_EVENT_COST_UPDATE:
        case ASM_EVENT_RUN_COMPLETED:
        case ASM_EVENT_HOST_TOOL_REQUESTED:
        case ASM_EVENT_HOST_TOOL_COMPLETED:
        case ASM_EVENT_HOST_TOOL_FAILED:
        case ASM_EVENT_HOST_TOOL_DENIED:
        case ASM_EVENT_SESSION_CHECKPOINT:
        case ASM_EVENT_SESSION_RESUMED:
        case ASM_EVENT_OTHER:
                return FALSE;
        }
        return FALSE;
}
