/* SPDX-License-Identifier: MIT */
/*
 * Sourcegraph's Amp CLI, `amp --execute PROMPT --stream-json`: one JSON object per line.
 *
 *      assistant message_received             assistant_message; its usage and stop reason are
 *                                             remembered for a result that tells none
 *      message_streamed assistant_delta       assistant_delta
 *      tool_call_started tool_use             tool_use
 *      tool_call_completed tool_call_failed tool_result     tool_result
 *      token_usage_updated cost_update        cost_update
 *      run_completed result                   result
 *      run_cancelled                          error user_cancelled
 *      error error_occurred run_failed        error
 *      approval_requested approval_resolved   what their names say
 *      anything else                          raw
 *
 * The prompt is the value of --execute, which is optional to the CLI: a prompt that begins
 * with "-" is given as --execute=PROMPT, or it would be read as the next flag.
 */

#include "provider/arguments-private.h"
#include "provider/decoder-private.h"
#include "provider/providers-private.h"

static const char *const capabilities[] = { "approval", "interrupt", "mcp", "streaming",
                                            "thinking", "tools",     NULL };

static const AsmPermissionMode permission_modes[] = {
        { "default", "default", { NULL } },
        { "auto", "default", { NULL } },
        { "plan", "default", { NULL } },
        { "bypass", "dangerously_allow_all", { "--dangerously-allow-all" } },
        { NULL, NULL, { NULL } },
};

/* one of the two must be there, whatever is asked for */
static void
add_stream(AsmArguments *args, const AsmProviderFlag *flag)
{
        asm_arguments_add(args,
                          asm_arguments_get_flag(args, flag->option) ? flag->flag
                                                                     : "--stream-json");
        asm_arguments_add(args, "--no-ide");
        asm_arguments_add(args, "--no-notifications");
}

static const AsmProviderFlag flags[] = {
        { "include_thinking", ASM_OPTION_BOOLEAN, "--stream-json-thinking", "false", add_stream },
        { "mode", ASM_OPTION_WORD, "--mode", NULL, NULL },
        { "mcp_config", ASM_OPTION_JSON, "--mcp-config", "none", NULL },
        { "permission_mode", ASM_OPTION_MODE, "--dangerously-allow-all", "default", NULL },
        { "completion_only", ASM_OPTION_REFUSED, NULL, NULL, NULL },
        { "output_schema", ASM_OPTION_REFUSED, NULL, NULL, NULL },
        { NULL, 0, NULL, NULL, NULL },
};

static GStrv
build_args(const AsmProviderLaunch *launch, GError **error)
{
        const char *prompt = launch->prompt;
        g_autofree char *joined = NULL;
        AsmArguments args;

        asm_arguments_init(&args, "amp", launch->options);
        if (asm_arguments_check_prompt(&args, prompt)) {
                joined = g_strconcat("--execute=", prompt, NULL);
                asm_arguments_add(&args, prompt[0] == '-' ? joined : "--execute");
                if (prompt[0] != '-')
                        asm_arguments_add(&args, prompt);
        }
        asm_arguments_add_table(&args, flags, permission_modes);
        return asm_arguments_end(&args, error);
}

static void
on_message(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *message = asm_json_get_object(object, "message");
        JsonObject *usage;

        if (message == NULL)
                message = object;
        usage = asm_decoder_node_object(asm_decoder_first(message, "usage", "token_usage", NULL));
        decoder->input_tokens = asm_decoder_get_count(usage, "input_tokens", NULL);
        decoder->output_tokens = asm_decoder_get_count(usage, "output_tokens", NULL);
        g_free(decoder->stop_reason);
        decoder->stop_reason = g_strdup(asm_decoder_first_text(message, "stop_reason", NULL));
        asm_decoder_emit_message(decoder,
                                 message,
                                 asm_decoder_first_text(message, "model", NULL),
                                 raw);
}

static void
on_delta(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_delta(decoder,
                               asm_decoder_first_text(object, "delta", "text", "content", NULL),
                               /* index= */ -1,
                               /* source= */ NULL,
                               raw);
}

static void
on_tool_use(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_tool_use(
                decoder,
                asm_decoder_first_text(object, "tool_name", "name", NULL),
                asm_decoder_first_text(object, "tool_call_id", "tool_id", "id", NULL),
                asm_decoder_first(object, "tool_input", "input", NULL),
                raw);
}

static void
emit_tool_result(AsmDecoder *decoder, JsonObject *object, gboolean is_error, AsmView raw)
{
        asm_decoder_emit_tool_result(
                decoder,
                asm_decoder_first_text(object, "tool_call_id", "tool_id", "id", NULL),
                asm_decoder_first(object, "tool_output", "content", "output", NULL),
                is_error,
                raw);
}

static void
on_tool_completed(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        emit_tool_result(decoder, object, /* is_error= */ FALSE, raw);
}

static void
on_tool_failed(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        emit_tool_result(decoder, object, /* is_error= */ TRUE, raw);
}

static void
on_tool_result(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonNode *is_error = asm_decoder_first(object, "is_error", "error", NULL);

        emit_tool_result(decoder, object, asm_decoder_is_true(is_error), raw);
}

static JsonObject *
get_usage(JsonObject *object)
{
        return asm_decoder_node_object(
                asm_decoder_first(object, "token_usage", "usage", "stats", NULL));
}

static void
on_cost(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *usage = get_usage(object);

        asm_decoder_emit_cost(decoder, usage != NULL ? usage : object, object, raw);
}

static void
on_result(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        JsonObject *usage = get_usage(object);
        const char *reason =
                asm_decoder_first_text(object, "stop_reason", "status", "reason", "subtype", NULL);
        AsmDecoderResult result = {
                .stop_reason = reason != NULL ? reason : decoder->stop_reason,
                .stop_atom = "unknown",
                .has_duration = TRUE,
                .duration = asm_decoder_first(object, "duration_ms", NULL),
                .input_tokens = decoder->input_tokens,
                .output_tokens = decoder->output_tokens,
        };

        if (usage != NULL) {
                result.input_tokens = asm_decoder_get_count(usage, "input_tokens", NULL);
                result.output_tokens = asm_decoder_get_count(usage, "output_tokens", NULL);
        }
        asm_decoder_emit_result(decoder, &result, raw);
}

static void
on_cancelled(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        asm_decoder_emit_error(decoder,
                               ASM_FAILURE_USER_CANCELLED,
                               ASM_SEVERITY_WARNING,
                               "Run cancelled",
                               raw);
}

static void
on_error(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        const char *message = asm_decoder_first_text(object, "error_message", "message", NULL);
        const char *word = asm_decoder_first_text(object, "error_code", "error_kind", "kind", NULL);

        asm_decoder_emit_error(
                decoder,
                asm_decoder_error_kind(word),
                asm_decoder_severity(asm_decoder_first_text(object, "severity", NULL)),
                message != NULL ? message : "Amp parser error",
                raw);
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

static const AsmDecoderType types[] = {
        { "assistant", on_message },
        { "message_received", on_message },
        { "assistant_delta", on_delta },
        { "message_streamed", on_delta },
        { "tool_call_started", on_tool_use },
        { "tool_use", on_tool_use },
        { "tool_call_completed", on_tool_completed },
        { "tool_call_failed", on_tool_failed },
        { "tool_result", on_tool_result },
        { "cost_update", on_cost },
        { "token_usage_updated", on_cost },
        { "result", on_result },
        { "run_completed", on_result },
        { "run_cancelled", on_cancelled },
        { "error", on_error },
        { "error_occurred", on_error },
        { "run_failed", on_error },
        { "approval_requested", on_approval_requested },
        { "approval_resolved", asm_decoder_emit_approval_resolved },
        { NULL, NULL },
};

static void
decode_line(AsmDecoder *decoder, const char *line, gsize len)
{
        asm_decoder_json_line(decoder, line, len, types);
}

const AsmProvider asm_provider_amp = {
        .name = "amp",
        .display_name = "Amp CLI",
        .profile = "Elixir.CliSubprocessCore.ProviderProfiles.Amp",
        .command = "amp",
        .path_variable = "AMP_CLI_PATH",
        .stdin_open = FALSE,
        .capabilities = capabilities,
        .flags = flags,
        .permission_modes = permission_modes,
        .build_args = build_args,
        .decode_line = decode_line,
};
