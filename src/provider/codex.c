/* SPDX-License-Identifier: MIT */
/*
 * OpenAI's Codex CLI. A run that asks for approvals talks with its app-server (codex-server.c); any
 * other is `codex exec --json`, as ASM nodes start it, which prints one JSON object per line and
 * takes no answer:
 *
 *      thread.started turn.started            raw (thread_id is the session id)
 *      item.completed  agent_message          assistant_message
 *                      reasoning              thinking
 *                      tool_call tool_result  tool_use, tool_result
 *                      a tool (codex-items.c) tool_result, after its tool_use
 *                      error, any other       raw: codex reports warnings as error items
 *      item.started    a tool                 tool_use
 *      turn.completed  result                 result; with output_schema the last message is its object
 *      turn.failed     error                  error, but raw for "Reconnecting...": codex goes on
 *      response.output_text.delta, assistant_delta            assistant_delta
 *      response.output_text.done, assistant_message           assistant_message
 *      tool_call tool_use tool_result         what their names say
 *      anything else                          raw
 *
 * item.started, the tools and turn.failed are more than an ASM node decodes.
 *
 * The prompt is the last argument, behind `resume ID` for a thread that goes on. The CLI parses with
 * clap, where `--` ends the options; it is put in only for a prompt that begins with "-". A prompt
 * that is "-" alone means standard input to codex even then, and so it gets a space behind it.
 */

#include "provider/codex-private.h"
#include "provider/providers-private.h"

#include "term/json.h"
#include "term/reader.h"

#include <string.h>

/* largest schema of an answer, as a term */
#define SCHEMA_MAX (1024 * 1024)

static const char *const capabilities[] = { "approval",          "interrupt", "plan",
                                            "reasoning",         "resume",    "streaming",
                                            "structured_output", "tools",     NULL };

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
        { "output_schema", ASM_OPTION_JSON, "--output-schema", "none", NULL },
        { "completion_only", ASM_OPTION_BOOLEAN, "--ephemeral", "false", NULL },
        { "permission_mode",
          ASM_OPTION_MODE,
          "--dangerously-bypass-approvals-and-sandbox",
          "default",
          NULL },
        { "resume", ASM_OPTION_WORD, "resume", NULL, NULL },
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

/* what the command line of both forms has */
static void
add_config(AsmArguments *args)
{
        g_autofree char *effort = asm_arguments_dup_model(args, "reasoning", "effort");
        g_autofree char *pair = NULL;
        guint first;

        if (effort != NULL) {
                pair = g_strdup_printf("model_reasoning_effort=\"%s\"", effort);
                if (strpbrk(effort, "\"\\") != NULL)
                        asm_arguments_fail(args,
                                           "effort",
                                           asm_arguments_get(args, "effort"),
                                           "a word like low, medium or high");
                asm_arguments_add(args, "--config");
                asm_arguments_add(args, pair);
        }
        first = args->args->len;
        asm_arguments_add_repeat(args, "--config", "config");
        asm_arguments_add_repeat(args, "--config", "config_values");
        check_config(args, args->args, first);
}

/* (transfer full) (nullable): the schema of the answer */
static char *
build_file(const AsmProviderLaunch *launch)
{
        AsmView schema;

        return asm_view_is_set(launch->options) &&
                               asm_view_option_get(launch->options, "output_schema", &schema) &&
                               asm_view_kind(schema) == ASM_KIND_MAP && !asm_codex_is_server(launch)
                       ? asm_view_to_json_text(schema)
                       : NULL;
}

/* Returns: whether there is one */
static gboolean
check_schema(AsmArguments *args)
{
        AsmView schema = asm_arguments_get(args, "output_schema");

        if (!asm_view_is_set(schema))
                return FALSE;
        if (asm_view_kind(schema) != ASM_KIND_MAP)
                asm_arguments_fail(args, "output_schema", schema, "a map, a JSON schema");
        else if (schema.len > SCHEMA_MAX)
                asm_arguments_fail(args, "output_schema", schema, "at most 1 MiB");
        return args->error == NULL;
}

static void
add_exec(AsmArguments *args, const AsmProviderLaunch *launch)
{
        g_autofree char *model = asm_arguments_dup_model(args, "resolved_model", "model");
        const char *prompt = launch->prompt;

        asm_arguments_add(args, "exec");
        asm_arguments_add(args, "--json");
        if (model != NULL) {
                asm_arguments_add(args, "--model");
                asm_arguments_add(args, model);
        }
        add_config(args);
        asm_arguments_add_flag(args, "--skip-git-repo-check", "skip_git_repo_check");
        if (check_schema(args)) {
                asm_arguments_add(args, "--output-schema");
                asm_arguments_add(args, launch->file_path != NULL ? launch->file_path : "FILE");
        }
        if (asm_arguments_get_flag(args, "completion_only"))
                add_completion_only(args);
        else
                asm_arguments_add_permission(args, permission_modes);
        asm_arguments_add_word(args, "resume", "resume");
        if (asm_arguments_check_prompt(args, prompt)) {
                if (prompt[0] == '-')
                        asm_arguments_add(args, "--");
                asm_arguments_add(args, strcmp(prompt, "-") == 0 ? "- " : prompt);
        }
}

/* the rest of the options goes over stdin and is only checked here */
static void
add_server(AsmArguments *args, const AsmProviderLaunch *launch)
{
        guint n;

        asm_arguments_add(args, "app-server");
        add_config(args);
        n = args->args->len;
        check_schema(args);
        asm_arguments_add_word(args, "", "resume");
        asm_arguments_add_flag(args, "", "skip_git_repo_check");
        g_free(asm_arguments_dup_model(args, "resolved_model", "model"));
        g_ptr_array_set_size(args->args, (gint)n);
        asm_arguments_check_input(args, launch->prompt);
}

static GStrv
build_args(const AsmProviderLaunch *launch, GError **error)
{
        AsmArguments args;

        asm_arguments_init(&args, "codex", launch->options);
        if (asm_codex_is_server(launch))
                add_server(&args, launch);
        else
                add_exec(&args, launch);
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

static void
on_item_started(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *item = asm_json_get_object(object, "item");
        const char *type = asm_json_get_string(item, "type");

        if (asm_codex_tool_name(type) != NULL)
                asm_codex_begin_tool(decoder, item, raw);
        else
                asm_decoder_emit_raw(decoder, raw);
}

static void
on_item_completed(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *item = asm_json_get_object(object, "item");
        const char *type = asm_json_get_string(item, "type");

        if (g_strcmp0(type, "agent_message") == 0)
                asm_codex_emit_message(decoder, item, raw);
        else if (g_strcmp0(type, "reasoning") == 0)
                asm_decoder_emit_thinking(decoder, item, raw);
        else if (g_strcmp0(type, "tool_call") == 0)
                on_tool_use(decoder, item, raw);
        else if (g_strcmp0(type, "tool_result") == 0)
                on_tool_result(decoder, item, raw);
        else if (asm_codex_tool_name(type) != NULL)
                asm_codex_end_tool(decoder, item, raw);
        else
                asm_decoder_emit_raw(decoder, raw);
}

static void
emit_result(AsmDecoder *decoder, JsonObject *object, const char *stop_atom, AsmView raw)
{
        JsonObject *usage = asm_json_get_object(object, "usage");
        g_autoptr(JsonNode) answer = asm_codex_parse_object(decoder);
        AsmDecoderResult result = {
                .object = answer,
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

/* codex tells of each attempt to reach its service again as an error and goes on; an ASM node gives
 * up here */
static gboolean
is_retry(const char *message)
{
        return message != NULL && g_str_has_prefix(message, "Reconnecting...");
}

static void
on_error(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *inner = asm_json_get_object(object, "error");
        const char *message = asm_decoder_first_text(object, "message", "error", NULL);
        const char *word = asm_decoder_first_text(object, "error_code", NULL);
        AsmFailureKind code;

        if (is_retry(message)) {
                asm_decoder_emit_raw(decoder, raw);
                return;
        }
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
        { "response.output_text.done", asm_codex_emit_message },
        { "assistant_delta", on_delta },
        { "assistant_message", asm_codex_emit_message },
        { "tool_call", on_tool_use },
        { "tool_use", on_tool_use },
        { "tool_result", on_tool_result },
        { "result", on_result },
        { NULL, NULL },
};

static void
decode_line(AsmDecoder *decoder, const char *line, gsize len)
{
        if (decoder->dialogue != NULL)
                asm_codex_server_line(decoder, line, len);
        else
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
        .build_file = build_file,
        .is_conversation = asm_codex_is_server,
        .begin = asm_codex_server_begin,
        .interrupt = asm_codex_server_interrupt,
        .decode_line = decode_line,
        .approval_line = asm_codex_server_approval_line,
};
