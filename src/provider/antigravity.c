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

#define SKIP_PERMISSIONS "--dangerously-skip-permissions"

static const AsmPermissionMode permission_modes[] = {
        { "default", "default", { NULL } },
        { "bypass", "dangerously_skip_permissions", { SKIP_PERMISSIONS } },
        { NULL, NULL, { NULL } },
};

/* the mode and the option of the same name are one flag */
static void
add_skip(AsmArguments *args, const AsmProviderFlag *flag)
{
        guint n = args->args->len;

        asm_arguments_add_permission(args, permission_modes);
        if (args->args->len == n)
                asm_arguments_add_flag(args, flag->flag, flag->option);
        else
                asm_arguments_get_flag(args, flag->option);
}

static void
add_nothing(AsmArguments *args, const AsmProviderFlag *flag)
{
}

static const AsmProviderFlag flags[] = {
        { "sandbox", ASM_OPTION_BOOLEAN, "--sandbox", "false", NULL },
        { "dangerously_skip_permissions", ASM_OPTION_BOOLEAN, SKIP_PERMISSIONS, "false", add_skip },
        { "conversation", ASM_OPTION_WORD, "--conversation", "none", NULL },
        { "continue", ASM_OPTION_BOOLEAN, "--continue", "false", NULL },
        { "print_timeout", ASM_OPTION_WORD, "--print-timeout", NULL, NULL },
        { "log_file", ASM_OPTION_WORD, "--log-file", "none", NULL },
        { "add_dirs", ASM_OPTION_WORDS, "--add-dir", "none", NULL },
        { "permission_mode", ASM_OPTION_MODE, SKIP_PERMISSIONS, "default", add_nothing },
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

        asm_arguments_init(&args, "antigravity", launch->options);
        if (asm_arguments_check_prompt(&args, prompt)) {
                joined = g_strconcat("--print=", prompt, NULL);
                asm_arguments_add(&args, prompt[0] == '-' ? joined : "--print");
                if (prompt[0] != '-')
                        asm_arguments_add(&args, prompt);
        }
        asm_arguments_add_table(&args, flags, permission_modes);
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
        .flags = flags,
        .permission_modes = permission_modes,
        .build_args = build_args,
        .decode_line = decode_line,
};
