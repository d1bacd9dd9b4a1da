/* SPDX-License-Identifier: MIT */
/*
 * Anthropic's Claude Code CLI in print mode: one JSON object per line (stream-json).
 *
 *      system                 raw (init: session id, tools, model)
 *      assistant              assistant_message; its thinking blocks before it as thinking,
 *                             its tool_use blocks behind it as tool_use
 *      user                   a tool_result for each block of that type, else user_message
 *      stream_event           text deltas (--include-partial-messages) as assistant_delta
 *      control_request        can_use_tool as approval_requested, others raw
 *      control_cancel_request approval_resolved (deny), if the approval still waited
 *      result                 result, or an error when it says so
 *      assistant_delta text_delta thinking tool_use tool_result approval_requested
 *      approval_resolved cost_update error        what their names say
 *      anything else          raw
 *
 * The second and the third group of blocks are more than an ASM node decodes: it sends the
 * assistant_message alone and `user` as raw. A run has to see tool calls as tool_use, for that is
 * where a list of allowed tools is checked.
 *
 * There are two ways to start it. Plain, the prompt is the last argument; the CLI parses with
 * commander, where `--` ends the options: it is put in only for a prompt that begins with "-". A tool
 * that needs a permission is then denied by the CLI itself. As a conversation
 * (`--input-format stream-json --permission-prompt-tool stdio`, ASM_PROTOCOL.md section 8):
 *
 *      > user                  the prompt
 *      < control_request       can_use_tool: the CLI waits
 *      > control_response      allow with the input, deny with a message
 *      < result                then stdin is closed, and the CLI ends
 *
 * It waits for the answer to any control_request, so one that this version does not know is
 * answered with an error. It is interrupted by SIGINT in both: it tells its model so, writes its
 * session and a result. The control request `interrupt` does nothing more, and needs a CLI that
 * reads.
 */

#include "provider/arguments-private.h"
#include "provider/decoder-private.h"
#include "provider/providers-private.h"

#include "term/json.h"
#include "term/reader.h"

#include <string.h>

static const char *const capabilities[] = { "approval",  "cost",     "interrupt", "resume",
                                            "streaming", "thinking", "tools",     NULL };

#define MODE(name, native)                                                                         \
        {                                                                                          \
                name, native,                                                                      \
                {                                                                                  \
                        "--permission-mode", native                                                \
                }                                                                                  \
        }

static const AsmPermissionMode permission_modes[] = {
        MODE("default", "default"),
        MODE("auto", "acceptEdits"),
        MODE("accept_edits", "acceptEdits"),
        MODE("delegate", "delegate"),
        MODE("dont_ask", "dontAsk"),
        MODE("bypass", "bypassPermissions"),
        MODE("bypass_permissions", "bypassPermissions"),
        MODE("plan", "plan"),
        { NULL, NULL, { NULL } },
};

static void
add_permission(AsmArguments *args, const AsmProviderFlag *flag)
{
        if (!asm_arguments_get_flag(args, "completion_only"))
                asm_arguments_add_permission(args, permission_modes);
}

/* a run that only talks: it may not use a tool, and nothing of the user's settings is in it */
static void
add_completion(AsmArguments *args, const AsmProviderFlag *flag)
{
        static const char *const completion_only[] = {
                "--permission-mode",   "plan", "--tools", "", "--setting-sources", "",
                "--strict-mcp-config", NULL
        };

        if (!asm_arguments_get_flag(args, flag->option))
                return;
        for (guint i = 0; completion_only[i] != NULL; i++)
                asm_arguments_add(args, completion_only[i]);
}

/* The plain form has the flag as ASM nodes give it; the CLI of today wants a mode with it. */
static void
add_thinking(AsmArguments *args, const AsmProviderFlag *flag)
{
        if (!asm_arguments_get_flag(args, flag->option))
                return;
        asm_arguments_add(args, flag->flag);
        if (args->is_conversation)
                asm_arguments_add(args, "enabled");
}

static const AsmProviderFlag flags[] = {
        { "resume", ASM_OPTION_WORD, "--resume", NULL, NULL },
        { "model", ASM_OPTION_MODEL, "--model", NULL, NULL },
        { "effort", ASM_OPTION_MODEL, "--effort", NULL, NULL },
        { "max_turns", ASM_OPTION_COUNT, "--max-turns", NULL, NULL },
        { "append_system_prompt", ASM_OPTION_TEXT, "--append-system-prompt", NULL, NULL },
        { "system_prompt", ASM_OPTION_TEXT, "--system-prompt", NULL, NULL },
        { "output_schema", ASM_OPTION_JSON, "--json-schema", "none", NULL },
        { "permission_mode", ASM_OPTION_MODE, "--permission-mode", "default", add_permission },
        { "completion_only", ASM_OPTION_BOOLEAN, "--tools", "false", add_completion },
        { "include_thinking", ASM_OPTION_BOOLEAN, "--thinking", "false", add_thinking },
        { "include_partial_messages",
          ASM_OPTION_BOOLEAN,
          "--include-partial-messages",
          "false",
          NULL },
        { NULL, 0, NULL, NULL, NULL },
};

/* whoever answers gets the form that asks */
static gboolean
is_conversation(const AsmProviderLaunch *launch)
{
        return launch->answers_approvals;
}

static GStrv
build_args(const AsmProviderLaunch *launch, GError **error)
{
        const char *prompt = launch->prompt;
        AsmArguments args;

        asm_arguments_init(&args, "claude", launch->options);
        args.is_conversation = is_conversation(launch);
        asm_arguments_add(&args, "--output-format");
        asm_arguments_add(&args, "stream-json");
        asm_arguments_add(&args, "--verbose");
        asm_arguments_add(&args, "--print");
        if (args.is_conversation) {
                asm_arguments_add(&args, "--input-format");
                asm_arguments_add(&args, "stream-json");
                asm_arguments_add(&args, "--permission-prompt-tool");
                asm_arguments_add(&args, "stdio");
        }
        asm_arguments_add_table(&args, flags, permission_modes);
        if (args.is_conversation) {
                asm_arguments_check_input(&args, prompt);
        } else if (asm_arguments_check_prompt(&args, prompt)) {
                if (prompt[0] == '-')
                        asm_arguments_add(&args, "--");
                asm_arguments_add(&args, prompt);
        }
        return asm_arguments_end(&args, error);
}

/* {"type":"user","message":{"role":"user","content":[{"type":"text","text":PROMPT}]},...} */
static void
begin(AsmDecoder *decoder)
{
        g_auto(AsmBuilder) line = ASM_BUILDER_INIT;

        asm_builder_map(&line, 4);
        asm_builder_text(&line, "type");
        asm_builder_text(&line, "user");
        asm_builder_text(&line, "message");
        asm_builder_map(&line, 2);
        asm_builder_text(&line, "role");
        asm_builder_text(&line, "user");
        asm_builder_text(&line, "content");
        asm_builder_list(&line, 1);
        asm_builder_map(&line, 2);
        asm_builder_text(&line, "type");
        asm_builder_text(&line, "text");
        asm_builder_text(&line, "text");
        asm_builder_text(&line, decoder->launch.prompt);
        asm_builder_nil(&line);
        asm_builder_text(&line, "parent_tool_use_id");
        asm_builder_nil_atom(&line);
        asm_builder_text(&line, "session_id");
        asm_builder_text(&line, "");
        asm_decoder_write(decoder, asm_builder_peek(&line));
}

/* the term of one block, in the builder that the line's own raw is not in */
static AsmView
block_raw(AsmBuilder *builder, JsonNode *block)
{
        asm_builder_reset(builder);
        asm_decoder_put_node(builder, block);
        return asm_builder_peek(builder);
}

static void
emit_tool_use(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_tool_use(decoder,
                                  asm_decoder_first_text(object, "tool_name", "name", NULL),
                                  asm_decoder_first_text(object, "tool_id", "id", NULL),
                                  asm_decoder_first(object, "tool_input", "input", NULL),
                                  raw);
}

static void
emit_tool_result(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_tool_result(
                decoder,
                asm_decoder_first_text(object, "tool_use_id", "tool_id", "id", NULL),
                asm_decoder_first(object, "content", NULL),
                asm_decoder_is_true(asm_decoder_first(object, "is_error", "error", NULL)),
                raw);
}

typedef void (*BlockFunc)(AsmDecoder *decoder, JsonObject *block, AsmView raw);

/* calls @func for each block of @type; returns how many there were */
static guint
each_block(AsmDecoder *decoder, JsonObject *message, const char *type, BlockFunc func)
{
        JsonArray *blocks = asm_json_get_array(message, "content");
        guint n_blocks = blocks != NULL ? json_array_get_length(blocks) : 0;
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        guint n = 0;

        for (guint i = 0; i < n_blocks; i++) {
                JsonNode *node = json_array_get_element(blocks, i);
                JsonObject *block = asm_decoder_node_object(node);

                if (g_strcmp0(asm_json_get_string(block, "type"), type) != 0)
                        continue;
                func(decoder, block, block_raw(&builder, node));
                n++;
        }
        return n;
}

static void
on_assistant(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *message = asm_json_get_object(object, "message");

        if (message == NULL)
                message = object;
        each_block(decoder, message, "thinking", asm_decoder_emit_thinking);
        asm_decoder_emit_message(decoder,
                                 message,
                                 asm_decoder_first_text(message, "model", NULL),
                                 raw);
        each_block(decoder, message, "tool_use", emit_tool_use);
}

static void
on_user(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *message = asm_json_get_object(object, "message");

        if (message == NULL)
                message = object;
        if (each_block(decoder, message, "tool_result", emit_tool_result) == 0)
                asm_decoder_emit_user(decoder, message, raw);
}

static void
on_delta(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_delta(decoder,
                               asm_decoder_first_text(object, "delta", "text", NULL),
                               /* index= */ -1,
                               /* source= */ NULL,
                               raw);
}

/* the API's own events; only text is shown as it comes, the rest arrives whole as `assistant` */
static void
on_stream_event(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *event = asm_json_get_object(object, "event");
        JsonObject *delta = asm_json_get_object(event, "delta");

        if (g_strcmp0(asm_json_get_string(event, "type"), "content_block_delta") == 0 &&
            g_strcmp0(asm_json_get_string(delta, "type"), "text_delta") == 0 &&
            asm_json_get_string(delta, "text") != NULL)
                asm_decoder_emit_delta(decoder,
                                       asm_json_get_string(delta, "text"),
                                       asm_json_get_int(event, "index", -1),
                                       /* source= */ NULL,
                                       raw);
        else
                asm_decoder_emit_raw(decoder, raw);
}

static void
refuse_request(AsmDecoder *decoder, const char *id)
{
        g_auto(AsmBuilder) line = ASM_BUILDER_INIT;

        asm_builder_map(&line, 2);
        asm_builder_text(&line, "type");
        asm_builder_text(&line, "control_response");
        asm_builder_text(&line, "response");
        asm_builder_map(&line, 3);
        asm_builder_text(&line, "subtype");
        asm_builder_text(&line, "error");
        asm_builder_text(&line, "request_id");
        asm_builder_text(&line, id);
        asm_builder_text(&line, "error");
        asm_builder_text(&line, "this host does not support the control request");
        asm_decoder_write(decoder, asm_builder_peek(&line));
}

static void
on_control_request(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *request = asm_json_get_object(object, "request");
        const char *id = asm_json_get_string(object, "request_id");

        if (id != NULL && g_strcmp0(asm_json_get_string(request, "subtype"), "can_use_tool") == 0) {
                asm_decoder_emit_approval_requested(decoder,
                                                    id,
                                                    asm_json_get_string(request, "tool_name"),
                                                    asm_decoder_first(request, "input", NULL),
                                                    raw);
                return;
        }
        if (id != NULL)
                refuse_request(decoder, id);
        asm_decoder_emit_raw(decoder, raw);
}

/* the CLI no longer waits, for example because a hook or another client has decided */
static void
on_control_cancel(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        const char *id = asm_json_get_string(object, "request_id");

        if (asm_decoder_pending_remove(decoder, id))
                asm_decoder_emit_approval_decision(decoder,
                                                   id,
                                                   /* is_allowed= */ FALSE,
                                                   "the CLI has taken the request back",
                                                   raw);
        else
                asm_decoder_emit_raw(decoder, raw);
}

static void
on_approval_requested(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_approval_requested(
                decoder,
                asm_decoder_first_text(object, "approval_id", NULL),
                asm_decoder_first_text(object, "tool_name", "name", NULL),
                asm_decoder_first(object, "tool_input", "input", NULL),
                raw);
}

static void
on_cost_update(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_cost(decoder, object, object, raw);
}

/* the API's own status, for what the text does not say */
static AsmFailureKind
kind_of_status(gint64 status)
{
        switch (status) {
        case 401:
        case 403:
                return ASM_FAILURE_AUTH_ERROR;
        case 429:
        case 529: /* overloaded */
                return ASM_FAILURE_RATE_LIMIT;
        default:
                return ASM_FAILURE_UNKNOWN;
        }
}

/* (transfer full): what went wrong, in the words of the CLI as far as it has any */
static char *
dup_error_text(JsonObject *object)
{
        const char *text = asm_decoder_first_text(object, "error", "result", NULL);
        JsonArray *errors = asm_json_get_array(object, "errors");

        if (text != NULL)
                return g_strdup(text);
        if (errors != NULL && json_array_get_length(errors) > 0)
                text = asm_decoder_node_text(json_array_get_element(errors, 0));
        return text != NULL ? g_strdup_printf("Claude CLI reported an error result: %s", text)
                            : g_strdup("Claude CLI reported an error result");
}

static void
emit_result_error(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        g_autofree char *text = dup_error_text(object);
        AsmFailureKind code = asm_decoder_error_kind(asm_decoder_first_text(object, "error", NULL));

        if (code == ASM_FAILURE_UNKNOWN &&
            asm_decoder_is_auth_text(asm_json_get_string(object, "result")))
                code = ASM_FAILURE_AUTH_ERROR;
        if (code == ASM_FAILURE_UNKNOWN)
                code = kind_of_status(asm_json_get_int(object, "api_error_status", 0));
        /* this is the result: the exit has nothing to add */
        decoder->has_result = TRUE;
        asm_decoder_emit_error(decoder, code, ASM_SEVERITY_FATAL, text, raw);
}

static void
on_result(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        const char *subtype = asm_json_get_string(object, "subtype");
        JsonObject *usage = asm_json_get_object(object, "usage");
        double cost_usd = asm_json_get_double(object, "total_cost_usd", -1.0);
        AsmDecoderResult result = {
                .stop_reason = asm_decoder_first_text(object, "stop_reason", "reason", NULL),
                .stop_atom = "unknown",
                .object = asm_decoder_first(object, "structured_output", NULL),
                .has_duration = TRUE,
                .duration = asm_decoder_first(object, "duration_ms", NULL),
                .input_tokens = asm_decoder_get_count(usage, "input_tokens", NULL),
                .output_tokens = asm_decoder_get_count(usage, "output_tokens", NULL),
                .has_cost_usd = cost_usd >= 0,
                .cost_usd = cost_usd,
        };

        /* the turn is over, and there is no other prompt */
        if (decoder->launch.prompt != NULL)
                asm_decoder_end_input(decoder);
        if (asm_decoder_is_true(asm_decoder_first(object, "is_error", NULL)) ||
            (subtype != NULL && g_str_has_prefix(subtype, "error_")))
                emit_result_error(decoder, object, raw);
        else
                asm_decoder_emit_result(decoder, &result, raw);
}

static void
on_error(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        const char *message = asm_decoder_first_text(object, "message", NULL);

        asm_decoder_emit_error(
                decoder,
                asm_decoder_error_kind(asm_decoder_first_text(object, "kind", NULL)),
                asm_decoder_severity(asm_decoder_first_text(object, "severity", NULL)),
                message != NULL ? message : "Claude parser error",
                raw);
}

static const AsmDecoderType types[] = {
        { "assistant", on_assistant },
        { "assistant_message", on_assistant },
        { "user", on_user },
        { "stream_event", on_stream_event },
        { "assistant_delta", on_delta },
        { "text_delta", on_delta },
        { "thinking", asm_decoder_emit_thinking },
        { "tool_use", emit_tool_use },
        { "tool_result", emit_tool_result },
        { "control_request", on_control_request },
        { "control_cancel_request", on_control_cancel },
        { "approval_requested", on_approval_requested },
        { "approval_resolved", asm_decoder_emit_approval_resolved },
        { "cost_update", on_cost_update },
        { "result", on_result },
        { "error", on_error },
        { NULL, NULL },
};

static void
decode_line(AsmDecoder *decoder, const char *line, gsize len)
{
        asm_decoder_json_line(decoder, line, len, types);
}

static AsmView
get_member(AsmView map, const char *key)
{
        AsmView value;

        return asm_view_is_set(map) && asm_view_option_get(map, key, &value) ? value
                                                                             : ASM_VIEW_NONE;
}

static void
put_answer(AsmBuilder *line, AsmView input, gboolean allow, const char *reason)
{
        asm_builder_map(line, 2);
        asm_builder_text(line, "behavior");
        asm_builder_text(line, allow ? "allow" : "deny");
        if (!allow) {
                asm_builder_text(line, "message");
                asm_builder_text(line, reason != NULL ? reason : "denied");
                return;
        }
        asm_builder_text(line, "updatedInput");
        if (asm_view_is_set(input) && asm_view_kind(input) == ASM_KIND_MAP)
                asm_builder_view(line, input);
        else
                asm_builder_map(line, 0);
}

/* the answer to a control_request `can_use_tool`; other approvals have no answer on stdin */
static char *
approval_line(AsmView raw, gboolean allow, const char *reason)
{
        AsmView request = get_member(raw, "request");
        AsmView request_id = get_member(raw, "request_id");
        g_auto(AsmBuilder) line = ASM_BUILDER_INIT;
        g_autofree char *text = NULL;

        if (!asm_view_is_set(request) || !asm_view_is_set(request_id))
                return NULL;
        asm_builder_map(&line, 2);
        asm_builder_text(&line, "type");
        asm_builder_text(&line, "control_response");
        asm_builder_text(&line, "response");
        asm_builder_map(&line, 3);
        asm_builder_text(&line, "subtype");
        asm_builder_text(&line, "success");
        asm_builder_text(&line, "request_id");
        asm_builder_view(&line, request_id);
        asm_builder_text(&line, "response");
        put_answer(&line, get_member(request, "input"), allow, reason);
        text = asm_view_to_json_text(asm_builder_peek(&line));
        return g_strconcat(text, "\n", NULL);
}

const AsmProvider asm_provider_claude = {
        .name = "claude",
        .display_name = "Claude CLI",
        .profile = "Elixir.CliSubprocessCore.ProviderProfiles.Claude",
        .command = "claude",
        .path_variable = "CLAUDE_CLI_PATH",
        .schema_tool = "StructuredOutput",
        .stdin_open = TRUE,
        .capabilities = capabilities,
        .flags = flags,
        .permission_modes = permission_modes,
        .build_args = build_args,
        .is_conversation = is_conversation,
        .begin = begin,
        .decode_line = decode_line,
        .approval_line = approval_line,
};
