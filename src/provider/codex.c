/* SPDX-License-Identifier: MIT */
/*
 * OpenAI's Codex CLI, `codex exec --json`: one JSON object per line.
 *
 *      thread.started turn.started            raw (thread_id is the session id)
 *      item.completed  agent_message          assistant_message
 *                      reasoning              thinking
 *                      tool_call tool_result  tool_use, tool_result
 *                      command_execution file_change mcp_tool_call web_search
 *                                             tool_result, after its tool_use
 *                      error, any other       raw: codex reports warnings as error items
 *      item.started    the four tools above   tool_use
 *      turn.completed  result                 result
 *      turn.failed     error                  error
 *      response.output_text.delta, assistant_delta            assistant_delta
 *      response.output_text.done, assistant_message           assistant_message
 *      tool_call tool_use tool_result         what their names say
 *      anything else                          raw
 *
 * item.started, the four tools and turn.failed are more than an ASM node decodes. An item that
 * was not seen to start gets its tool_use when it completes, so that each call is one pair.
 *
 * The prompt is the last argument. The CLI parses with clap, where `--` ends the options; it is put
 * in only for a prompt that begins with "-". A prompt that is "-" alone means standard input to
 * codex even then, and so it gets a space behind it.
 */

#include "provider/arguments-private.h"
#include "provider/decoder-private.h"
#include "provider/providers-private.h"

#include <string.h>

static const char *const capabilities[] = { "interrupt",         "plan",  "reasoning", "streaming",
                                            "structured_output", "tools", NULL };

static const AsmPermissionMode permission_modes[] = {
        { "default", "default", { NULL } },
        { "bypass", "yolo", { "--dangerously-bypass-approvals-and-sandbox" } },
        { "plan", "plan", { "--plan" } },
        { NULL, NULL, { NULL } },
};

static const AsmProviderFlag flags[] = {
        { "model", ASM_OPTION_MODEL, "--model", NULL, NULL },
        { "effort", ASM_OPTION_MODEL, "--config model_reasoning_effort", NULL, NULL },
        { "config", ASM_OPTION_WORDS, "--config", "none", NULL },
        { "config_values", ASM_OPTION_WORDS, "--config", "none", NULL },
        { "skip_git_repo_check", ASM_OPTION_BOOLEAN, "--skip-git-repo-check", "false", NULL },
        { "output_schema", ASM_OPTION_REFUSED, NULL, NULL, NULL },
        { "completion_only", ASM_OPTION_BOOLEAN, "--ephemeral", "false", NULL },
        { "permission_mode",
          ASM_OPTION_MODE,
          "--dangerously-bypass-approvals-and-sandbox",
          "default",
          NULL },
        { NULL, 0, NULL, NULL, NULL },
};

static void
add_completion_only(AsmArguments *args)
{
        static const char *const added[] = { "--config",       "approval_policy=\"never\"",
                                             "--config",       "web_search=\"disabled\"",
                                             "--ephemeral",    "--ignore-user-config",
                                             "--ignore-rules", "--sandbox",
                                             "read-only",      NULL };

        for (guint i = 0; added[i] != NULL; i++)
                asm_arguments_add(args, added[i]);
}

/* every element must be K=V: codex would otherwise take the whole run down with a usage text */
static void
check_config(AsmArguments *args, GPtrArray *added, guint first)
{
        for (guint i = first; i + 1 < added->len; i += 2) {
                const char *pair = g_ptr_array_index(added, i + 1);

                if (strchr(pair, '=') == NULL || pair[0] == '=') {
                        asm_arguments_fail(args,
                                           "config",
                                           asm_arguments_get(args, "config"),
                                           "a list of \"key=value\" texts");
                        return;
                }
        }
}

static GStrv
build_args(const AsmProviderLaunch *launch, GError **error)
{
        const char *prompt = launch->prompt;
        g_autofree char *model = NULL, *effort = NULL, *pair = NULL;
        AsmArguments args;
        guint first;

        asm_arguments_init(&args, "codex", launch->options);
        asm_arguments_add(&args, "exec");
        asm_arguments_add(&args, "--json");
        model = asm_arguments_dup_model(&args, "resolved_model", "model");
        if (model != NULL) {
                asm_arguments_add(&args, "--model");
                asm_arguments_add(&args, model);
        }
        effort = asm_arguments_dup_model(&args, "reasoning", "effort");
        if (effort != NULL) {
                pair = g_strdup_printf("model_reasoning_effort=\"%s\"", effort);
                if (strpbrk(effort, "\"\\") != NULL)
                        asm_arguments_fail(&args,
                                           "effort",
                                           asm_arguments_get(&args, "effort"),
                                           "a word like low, medium or high");
                asm_arguments_add(&args, "--config");
                asm_arguments_add(&args, pair);
        }
        first = args.args->len;
        asm_arguments_add_repeat(&args, "--config", "config");
        asm_arguments_add_repeat(&args, "--config", "config_values");
        check_config(&args, args.args, first);
        asm_arguments_add_flag(&args, "--skip-git-repo-check", "skip_git_repo_check");
        asm_arguments_refuse(&args, "output_schema");
        if (asm_arguments_get_flag(&args, "completion_only"))
                add_completion_only(&args);
        else
                asm_arguments_add_permission(&args, permission_modes);
        if (asm_arguments_check_prompt(&args, prompt)) {
                if (prompt[0] == '-')
                        asm_arguments_add(&args, "--");
                asm_arguments_add(&args, strcmp(prompt, "-") == 0 ? "- " : prompt);
        }
        return asm_arguments_end(&args, error);
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

static void
on_message(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_message(decoder,
                                 object,
                                 asm_decoder_first_text(object, "model", NULL),
                                 raw);
}

static void
on_tool_use(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_tool_use(decoder,
                                  asm_decoder_first_text(object, "tool_name", "name", NULL),
                                  asm_decoder_first_text(object, "tool_id", "id", NULL),
                                  asm_decoder_first(object, "tool_input", "input", NULL),
                                  raw);
}

static void
on_tool_result(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_tool_result(
                decoder,
                asm_decoder_first_text(object, "tool_id", "id", NULL),
                asm_decoder_first(object, "content", NULL),
                asm_decoder_is_true(asm_decoder_first(object, "is_error", "error", NULL)),
                raw);
}

/* the items that are work done by codex itself */
static gboolean
is_tool_item(const char *type)
{
        return g_strcmp0(type, "command_execution") == 0 || g_strcmp0(type, "file_change") == 0 ||
               g_strcmp0(type, "mcp_tool_call") == 0 || g_strcmp0(type, "web_search") == 0;
}

/* an MCP tool goes by its own name, the others by the item's type */
static const char *
get_tool_name(JsonObject *item, const char *type)
{
        const char *tool = asm_json_get_string(item, "tool");

        return strcmp(type, "mcp_tool_call") == 0 && tool != NULL ? tool : type;
}

/* what the tool is called with: the members of the item that say it */
static JsonNode *
make_tool_input(JsonObject *item)
{
        static const char *const keys[] = { "command", "changes", "server", "query" };
        JsonNode *arguments = asm_decoder_first(item, "arguments", NULL);
        JsonNode *input;
        JsonObject *object;

        if (asm_decoder_node_object(arguments) != NULL)
                return json_node_copy(arguments);
        object = json_object_new();
        for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
                JsonNode *node = asm_decoder_first(item, keys[i], NULL);

                if (node != NULL)
                        json_object_set_member(object, keys[i], json_node_copy(node));
        }
        input = json_node_new(JSON_NODE_OBJECT);
        json_node_take_object(input, object);
        return input;
}

static void
begin_tool(AsmDecoder *decoder, JsonObject *item, const char *type, AsmView raw)
{
        const char *id = asm_json_get_string(item, "id");
        g_autoptr(JsonNode) input = make_tool_input(item);

        if (id != NULL && g_hash_table_size(decoder->tools) < ASM_DECODER_TOOLS_MAX)
                g_hash_table_insert(decoder->tools, g_strdup(id), json_node_ref(input));
        asm_decoder_emit_tool_use(decoder, get_tool_name(item, type), id, input, raw);
}

static gboolean
has_tool_failed(JsonObject *item)
{
        const char *status = asm_json_get_string(item, "status");

        return g_strcmp0(status, "failed") == 0 || g_strcmp0(status, "declined") == 0 ||
               asm_json_get_int(item, "exit_code", 0) != 0 ||
               asm_decoder_first(item, "error", NULL) != NULL;
}

static void
end_tool(AsmDecoder *decoder, JsonObject *item, const char *type, AsmView raw)
{
        const char *id = asm_json_get_string(item, "id");

        if (id == NULL || !g_hash_table_remove(decoder->tools, id)) {
                begin_tool(decoder, item, type, ASM_VIEW_NONE);
                if (id != NULL)
                        g_hash_table_remove(decoder->tools, id);
        }
        asm_decoder_emit_tool_result(
                decoder,
                id,
                asm_decoder_first(item, "aggregated_output", "result", "error", "changes", NULL),
                has_tool_failed(item),
                raw);
}

static void
on_item_started(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *item = asm_json_get_object(object, "item");
        const char *type = asm_json_get_string(item, "type");

        if (is_tool_item(type))
                begin_tool(decoder, item, type, raw);
        else
                asm_decoder_emit_raw(decoder, raw);
}

static void
on_item_completed(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *item = asm_json_get_object(object, "item");
        const char *type = asm_json_get_string(item, "type");

        if (g_strcmp0(type, "agent_message") == 0)
                on_message(decoder, item, raw);
        else if (g_strcmp0(type, "reasoning") == 0)
                asm_decoder_emit_thinking(decoder, item, raw);
        else if (g_strcmp0(type, "tool_call") == 0)
                on_tool_use(decoder, item, raw);
        else if (g_strcmp0(type, "tool_result") == 0)
                on_tool_result(decoder, item, raw);
        else if (is_tool_item(type))
                end_tool(decoder, item, type, raw);
        else
                asm_decoder_emit_raw(decoder, raw);
}

static void
emit_result(AsmDecoder *decoder, JsonObject *object, const char *stop_atom, AsmView raw)
{
        JsonObject *usage = asm_json_get_object(object, "usage");
        AsmDecoderResult result = {
                .stop_reason = asm_decoder_first_text(object, "stop_reason", "reason", NULL),
                .stop_atom = stop_atom,
                .input_tokens = asm_decoder_get_count(usage, "input_tokens", NULL),
                .output_tokens = asm_decoder_get_count(usage, "output_tokens", NULL),
                .has_total = TRUE,
                .total_tokens = asm_decoder_get_count(usage, "total_tokens", NULL),
        };

        asm_decoder_emit_result(decoder, &result, raw);
}

static void
on_turn_completed(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        emit_result(decoder, object, "end_turn", raw);
}

static void
on_result(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        emit_result(decoder, object, "unknown", raw);
}

static void
on_error(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *inner = asm_json_get_object(object, "error");
        const char *message = asm_decoder_first_text(object, "message", "error", NULL);
        const char *word = asm_decoder_first_text(object, "error_code", NULL);
        AsmFailureKind code;

        if (message == NULL)
                message = asm_json_get_string(inner, "message");
        if (word == NULL)
                word = asm_decoder_first_text(inner, "code", "type", NULL);
        code = asm_decoder_error_kind(word);
        if (code == ASM_FAILURE_UNKNOWN && asm_decoder_is_auth_text(message))
                code = ASM_FAILURE_AUTH_ERROR;
        asm_decoder_emit_error(decoder,
                               code,
                               ASM_SEVERITY_ERROR,
                               message != NULL ? message : "Codex parser error",
                               raw);
}

static const AsmDecoderType types[] = {
        { "item.completed", on_item_completed },
        { "item.started", on_item_started },
        { "turn.completed", on_turn_completed },
        { "turn.failed", on_error },
        { "error", on_error },
        { "response.output_text.delta", on_delta },
        { "response.output_text.done", on_message },
        { "assistant_delta", on_delta },
        { "assistant_message", on_message },
        { "tool_call", on_tool_use },
        { "tool_use", on_tool_use },
        { "tool_result", on_tool_result },
        { "result", on_result },
        { NULL, NULL },
};

static void
decode_line(AsmDecoder *decoder, const char *line, gsize len)
{
        asm_decoder_json_line(decoder, line, len, types);
}

const AsmProvider asm_provider_codex = {
        .name = "codex",
        .display_name = "Codex CLI",
        .profile = "Elixir.CliSubprocessCore.ProviderProfiles.Codex",
        .command = "codex",
        .path_variable = "CODEX_PATH",
        .stdin_open = FALSE,
        .capabilities = capabilities,
        .flags = flags,
        .permission_modes = permission_modes,
        .build_args = build_args,
        .decode_line = decode_line,
};
