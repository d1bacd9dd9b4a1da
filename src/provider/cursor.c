/* SPDX-License-Identifier: MIT */
/*
 * The Cursor Agent CLI, `agent -p --output-format stream-json`: one JSON object per line.
 *
 *      user                        user_message
 *      thinking/delta              thinking
 *      assistant, timestamp_ms     assistant_delta: a piece of the text
 *      assistant, without          the whole text so far: what is missing of it as one more delta,
 *                                  then assistant_message marked as a snapshot; a message that
 *                                  does not continue the deltas is one of its own
 *      tool_call/started           tool_use, remembered until
 *      tool_call/completed         tool_result
 *      connection/reconnecting     a failed tool_result for each open call, then raw: cursor
 *                                  does not take them up again
 *      result                      result
 *      error                       error
 *      anything else               raw
 *
 * The prompt is the last argument; `--` in front of it only when it begins with "-".
 */

#include "provider/arguments-private.h"
#include "provider/decoder-private.h"
#include "provider/providers-private.h"

#include "term/reader.h"
#include <string.h>

static const char *const capabilities[] = { "interrupt", "mcp",       "plan",  "resume",
                                            "sandbox",   "streaming", "tools", NULL };

static const AsmPermissionMode permission_modes[] = {
        { "default", "default", { NULL } },
        { "bypass", "bypass", { "--force" } },
        { "plan", "plan", { "--mode", "plan" } },
        { NULL, NULL, { NULL } },
};

/* --mode, unless it is the mode that the CLI has anyway */
static void
add_mode(AsmArguments *args, const AsmProviderFlag *flag)
{
        AsmView mode = asm_arguments_get(args, flag->option);
        g_autofree char *text =
                asm_view_is_set(mode) ? asm_view_dup_text(mode, /* accept_atoms= */ TRUE) : NULL;

        if (g_strcmp0(text, "agent") != 0 && g_strcmp0(text, "default") != 0)
                asm_arguments_add_word(args, flag->flag, flag->option);
}

/* this CLI wants a word in any case */
static void
add_sandbox(AsmArguments *args, const AsmProviderFlag *flag)
{
        guint n = args->args->len;

        asm_arguments_add_switch(args, flag->flag, flag->option);
        if (args->args->len == n + 1)
                asm_arguments_add(args, "enabled");
}

static void
add_header(AsmArguments *args, AsmView header)
{
        AsmView pair[2];
        g_autofree char *name = NULL, *value = NULL, *line = NULL;

        if (asm_view_get_tuple(header, 2, pair)) {
                name = asm_view_dup_text(pair[0], /* accept_atoms= */ FALSE);
                value = asm_view_dup_text(pair[1], /* accept_atoms= */ FALSE);
                if (name != NULL && value != NULL)
                        line = g_strdup_printf("%s: %s", g_strstrip(name), g_strstrip(value));
        } else {
                line = asm_view_dup_text(header, /* accept_atoms= */ FALSE);
        }
        if (line == NULL || line[0] == '-' || strpbrk(line, "\r\n") != NULL) {
                asm_arguments_fail(args, "headers", header, "a pair of texts {Name, Value}");
                return;
        }
        asm_arguments_add(args, "-H");
        asm_arguments_add(args, line);
}

static void
add_headers(AsmArguments *args, const AsmProviderFlag *flag)
{
        AsmView headers = asm_arguments_get(args, flag->option), header;
        AsmListCursor cursor;
        guint n;

        if (!asm_view_is_set(headers))
                return;
        if (!asm_view_get_list_length(headers, &n)) {
                asm_arguments_fail(args, flag->option, headers, "a list of pairs {Name, Value}");
                return;
        }
        cursor = asm_view_list(headers);
        while (asm_list_next(&cursor, &header))
                add_header(args, header);
}

static const AsmProviderFlag flags[] = {
        { "model", ASM_OPTION_MODEL, "--model", NULL, NULL },
        { "cwd", ASM_OPTION_WORD, "--workspace", "asmd's own", NULL },
        { "resume", ASM_OPTION_WORD, "--resume", "none", NULL },
        { "continue", ASM_OPTION_BOOLEAN, "--continue", "false", NULL },
        { "mode", ASM_OPTION_WORD, "--mode", "agent", add_mode },
        { "sandbox", ASM_OPTION_SWITCH, "--sandbox", NULL, add_sandbox },
        { "approve_mcps", ASM_OPTION_BOOLEAN, "--approve-mcps", "false", NULL },
        { "worktree", ASM_OPTION_SWITCH, "--worktree", "false", NULL },
        { "worktree_base", ASM_OPTION_WORD, "--worktree-base", NULL, NULL },
        { "skip_worktree_setup", ASM_OPTION_BOOLEAN, "--skip-worktree-setup", "false", NULL },
        { "plugin_dirs", ASM_OPTION_WORDS, "--plugin-dir", "none", NULL },
        { "headers", ASM_OPTION_PAIRS, "-H", "none", add_headers },
        { "permission_mode", ASM_OPTION_MODE, "--force", "default", NULL },
        { "completion_only", ASM_OPTION_REFUSED, NULL, NULL, NULL },
        { "output_schema", ASM_OPTION_REFUSED, NULL, NULL, NULL },
        { NULL, 0, NULL, NULL, NULL },
};

static GStrv
build_args(const AsmProviderLaunch *launch, GError **error)
{
        const char *prompt = launch->prompt;
        AsmArguments args;

        asm_arguments_init(&args, "cursor", launch->options);
        asm_arguments_add(&args, "-p");
        asm_arguments_add(&args, "--trust");
        asm_arguments_add(&args, "--output-format");
        asm_arguments_add(&args, "stream-json");
        asm_arguments_add(&args, "--stream-partial-output");
        asm_arguments_add_table(&args, flags, permission_modes);
        if (asm_arguments_check_prompt(&args, prompt)) {
                if (prompt[0] == '-')
                        asm_arguments_add(&args, "--");
                asm_arguments_add(&args, prompt);
        }
        return asm_arguments_end(&args, error);
}

static JsonObject *
get_message(JsonObject *object)
{
        JsonObject *message = asm_json_get_object(object, "message");

        return message != NULL ? message : object;
}

static void
on_user(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_user(decoder, get_message(object), raw);
}

static void
on_thinking(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        if (g_strcmp0(asm_json_get_string(object, "subtype"), "delta") == 0)
                asm_decoder_emit_thinking(decoder, object, raw);
        else
                asm_decoder_emit_raw(decoder, raw);
}

static void
on_assistant(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *message = get_message(object);
        g_autofree char *text = asm_decoder_dup_message_text(message);

        if (json_object_has_member(object, "timestamp_ms"))
                asm_decoder_emit_delta(decoder, text, /* index= */ -1, "cursor_partial", raw);
        else if (asm_decoder_emit_message(decoder,
                                          message,
                                          asm_decoder_first_text(object, "model", NULL),
                                          raw))
                /* snapshots hold the text from the beginning: the next one goes on from here */
                g_string_assign(decoder->partial, text);
}

static JsonObject *
get_shell_call(JsonObject *object)
{
        return asm_json_get_object(asm_json_get_object(object, "tool_call"), "shellToolCall");
}

static JsonNode *
get_tool_input(JsonObject *object)
{
        JsonObject *shell = get_shell_call(object);

        return shell != NULL ? asm_decoder_first(shell, "args", "input", NULL)
                             : asm_decoder_first(object, "tool_input", "input", NULL);
}

static const char *
get_tool_id(JsonObject *object)
{
        const char *id = asm_decoder_first_text(object, "call_id", "tool_call_id", NULL);

        if (id != NULL)
                return id;
        return asm_decoder_first_text(asm_decoder_node_object(get_tool_input(object)),
                                      "toolCallId",
                                      "tool_call_id",
                                      NULL);
}

static void
on_tool_started(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        const char *id = get_tool_id(object);
        JsonNode *input = get_tool_input(object);

        if (id != NULL && g_hash_table_size(decoder->tools) < ASM_DECODER_TOOLS_MAX)
                g_hash_table_insert(decoder->tools,
                                    g_strdup(id),
                                    input != NULL ? json_node_ref(input)
                                                  : json_node_new(JSON_NODE_NULL));
        asm_decoder_emit_tool_use(
                decoder,
                get_shell_call(object) != NULL
                        ? "shell"
                        : asm_decoder_first_text(object, "tool_name", "name", NULL),
                id,
                input,
                raw);
}

/* {"success": {stdout, exitCode}} or {"error": {message}} or the members themselves */
static void
on_tool_completed(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *result = asm_json_get_object(get_shell_call(object), "result");
        JsonObject *success = asm_json_get_object(result, "success");
        JsonObject *failure = asm_json_get_object(result, "error");
        const char *id = get_tool_id(object);
        JsonNode *content;
        gboolean is_error;

        if (id != NULL)
                g_hash_table_remove(decoder->tools, id);
        if (success != NULL) {
                content = asm_decoder_first(success, "stdout", "interleavedOutput", NULL);
                is_error = asm_decoder_get_count(success, "exitCode", "exit_code") != 0;
        } else if (failure != NULL) {
                content = asm_decoder_first(failure, "message", "stderr", NULL);
                is_error = TRUE;
        } else {
                content = asm_decoder_first(result, "stdout", "output", NULL);
                is_error =
                        asm_decoder_is_true(asm_decoder_first(result, "is_error", "error", NULL));
        }
        asm_decoder_emit_tool_result(decoder, id, content, is_error, raw);
}

static void
on_tool_call(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        const char *subtype = asm_json_get_string(object, "subtype");

        if (g_strcmp0(subtype, "started") == 0)
                on_tool_started(decoder, object, raw);
        else if (g_strcmp0(subtype, "completed") == 0)
                on_tool_completed(decoder, object, raw);
        else
                asm_decoder_emit_raw(decoder, raw);
}

static gint
compare_ids(gconstpointer a, gconstpointer b)
{
        return strcmp(a, b);
}

static void
on_connection(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        g_autoptr(GList) ids = NULL;

        if (g_strcmp0(asm_json_get_string(object, "subtype"), "reconnecting") == 0) {
                /* sorted: a table's order differs from run to run */
                ids = g_list_sort(g_hash_table_get_keys(decoder->tools), compare_ids);
                for (GList *id = ids; id != NULL; id = id->next)
                        asm_decoder_emit_tool_result(decoder,
                                                     id->data,
                                                     NULL,
                                                     /* is_error= */ TRUE,
                                                     ASM_VIEW_NONE);
                g_hash_table_remove_all(decoder->tools);
        }
        asm_decoder_emit_raw(decoder, raw);
}

static void
on_result(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *usage = asm_json_get_object(object, "usage");
        AsmDecoderResult result = {
                .is_error = asm_decoder_is_true(asm_decoder_first(object, "is_error", NULL)),
                .stop_reason = asm_decoder_first_text(object, "subtype", "status", NULL),
                .stop_atom = "unknown",
                .has_duration = TRUE,
                .duration = asm_decoder_first(object, "duration_ms", NULL),
                .input_tokens = asm_decoder_get_count(usage, "inputTokens", "input_tokens"),
                .output_tokens = asm_decoder_get_count(usage, "outputTokens", "output_tokens"),
        };

        asm_decoder_emit_result(decoder, &result, raw);
}

static void
on_error(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        const char *message = asm_decoder_first_text(object, "message", "error", NULL);

        asm_decoder_emit_error(
                decoder,
                asm_decoder_error_kind(asm_decoder_first_text(object, "kind", "code", NULL)),
                asm_decoder_severity(asm_decoder_first_text(object, "severity", NULL)),
                message != NULL ? message : "Cursor parser error",
                raw);
}

static const AsmDecoderType types[] = {
        { "user", on_user },
        { "thinking", on_thinking },
        { "assistant", on_assistant },
        { "tool_call", on_tool_call },
        { "connection", on_connection },
        { "result", on_result },
        { "error", on_error },
        { NULL, NULL },
};

static void
decode_line(AsmDecoder *decoder, const char *line, gsize len)
{
        asm_decoder_json_line(decoder, line, len, types);
}

const AsmProvider asm_provider_cursor = {
        .name = "cursor",
        .display_name = "Cursor Agent CLI",
        .profile = "Elixir.CliSubprocessCore.ProviderProfiles.Cursor",
        .command = "agent",
        .path_variable = "CURSOR_CLI_PATH",
        .stdin_open = FALSE,
        .capabilities = capabilities,
        .flags = flags,
        .permission_modes = permission_modes,
        .build_args = build_args,
        .decode_line = decode_line,
};
