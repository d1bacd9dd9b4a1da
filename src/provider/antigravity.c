/* SPDX-License-Identifier: MIT */
/*
 * Google's Antigravity CLI, `agy --print`: plain text, no protocol. Every line that is not
 * blank is a delta, trimmed as an ASM node does it. The line breaks between them are kept in front
 * of the lines from the second one on; an ASM node drops them, and its text runs together.
 *
 * The prompt is the value of --print; one that begins with "-" is given as --print=PROMPT.
 */

#include "provider/arguments-private.h"
#include "provider/decoder-private.h"
#include "provider/providers-private.h"

#include <string.h>

static const char *const capabilities[] = { "continuation",
                                            "directory_mapping",
                                            "sandbox",
                                            "streaming",
                                            NULL };

static const AsmPermissionMode permission_modes[] = {
        { "default", { NULL } },
        { "bypass", { "--dangerously-skip-permissions" } },
        { "dangerously_skip_permissions", { "--dangerously-skip-permissions" } },
        { NULL, { NULL } },
};

static const AsmPermissionMode permission_modes_skipped[] = {
        { "default", { NULL } },
        { "bypass", { NULL } },
        { "dangerously_skip_permissions", { NULL } },
        { NULL, { NULL } },
};

static GStrv
build_args(const AsmProviderLaunch *launch, GError **error)
{
        const char *prompt = launch->prompt;
        g_autofree char *joined = NULL;
        AsmArguments args;
        gboolean is_skipped;

        asm_arguments_init(&args, "antigravity", launch->options);
        asm_arguments_refuse(&args, "completion_only");
        asm_arguments_refuse(&args, "output_schema");
        if (asm_arguments_check_prompt(&args, prompt)) {
                joined = g_strconcat("--print=", prompt, NULL);
                asm_arguments_add(&args, prompt[0] == '-' ? joined : "--print");
                if (prompt[0] != '-')
                        asm_arguments_add(&args, prompt);
        }
        asm_arguments_add_flag(&args, "--sandbox", "sandbox");
        is_skipped = asm_arguments_get_flag(&args, "dangerously_skip_permissions");
        if (is_skipped)
                asm_arguments_add(&args, "--dangerously-skip-permissions");
        asm_arguments_add_word(&args, "--conversation", "conversation");
        asm_arguments_add_flag(&args, "--continue", "continue");
        asm_arguments_add_word(&args, "--print-timeout", "print_timeout");
        asm_arguments_add_word(&args, "--log-file", "log_file");
        asm_arguments_add_repeat(&args, "--add-dir", "add_dirs");
        asm_arguments_add_permission(&args,
                                     is_skipped ? permission_modes_skipped : permission_modes);
        return asm_arguments_end(&args, error);
}

static void
decode_line(AsmDecoder *decoder, const char *line, gsize len)
{
        g_autofree char *valid = g_utf8_make_valid(line, (gssize)len);
        g_autofree char *text = NULL;
        gboolean is_first = decoder->partial->len == 0;
        g_auto(AsmBuilder) raw = ASM_BUILDER_INIT;

        asm_builder_binary(&raw, line, len);
        text = g_strconcat(is_first ? "" : "\n", g_strstrip(valid), NULL);
        asm_decoder_emit_delta(decoder,
                               text,
                               /* index= */ -1,
                               /* source= */ NULL,
                               asm_builder_peek(&raw));
        /* partial only tells the first line from the others here */
        g_string_assign(decoder->partial, "x");
}

const AsmProvider asm_provider_antigravity = {
        .name = "antigravity",
        .display_name = "Antigravity CLI",
        .profile = "Elixir.CliSubprocessCore.ProviderProfiles.Antigravity",
        .command = "agy",
        .path_variable = "ANTIGRAVITY_CLI_PATH",
        .stdin_open = FALSE,
        .capabilities = capabilities,
        .build_args = build_args,
        .decode_line = decode_line,
};
