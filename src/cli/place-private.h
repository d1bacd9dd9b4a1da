/* SPDX-License-Identifier: MIT */
#pragma once

/* Options that say which agent runs, where and how; all that start something share them. */

#include "cli/option-private.h"
#include "term/builder.h"

typedef struct {
        char *provider;
        char *remote;
        char *cwd;
        char *model;
        char *permission;
        char *cli_path;
        char *lane;
        GStrv settings; /* "KEY=VALUE"; NULL: none */
} AsmCliPlace;

#define ASM_CLI_PLACE_OPTION(type, member, name, argument, help)                                   \
        {                                                                                          \
                name, 0, ASM_CLI_TEXT, G_STRUCT_OFFSET(type, member), argument, help               \
        }

/* entries of a table whose struct @type has an AsmCliPlace @member */
/* clang-format off */
#define ASM_CLI_PLACE_OPTIONS(type, member)                                                        \
        ASM_CLI_PLACE_OPTION(type, member.provider, "provider", "PROVIDER",                        \
                             "claude, codex, amp, cursor or antigravity (default: claude)"),       \
        ASM_CLI_PLACE_OVERRIDES(type, member)

/* those that a run may say differently from its session, whose provider stays */
#define ASM_CLI_PLACE_OVERRIDES(type, member)                                                      \
        ASM_CLI_PLACE_OPTION(type, member.remote, "remote", "NODE",                                \
                             "the BEAM node that runs it"),                                        \
        ASM_CLI_PLACE_OPTION(type, member.cwd, "cwd", "DIR", "the working directory, there"),      \
        ASM_CLI_PLACE_OPTION(type, member.model, "model", "MODEL",                                 \
                             "the model, as the provider calls it"),                               \
        ASM_CLI_PLACE_OPTION(type, member.permission, "permission", "MODE",                        \
                             "default, auto, plan, bypass, ..."),                                  \
        ASM_CLI_PLACE_OPTION(type, member.cli_path, "cli-path", "FILE",                            \
                             "the provider's program, there"),                                     \
        ASM_CLI_PLACE_OPTION(type, member.lane, "lane", "LANE",                                    \
                             "auto, core or sdk (default: auto)"),                                 \
        {                                                                                          \
                "set", 0, ASM_CLI_TEXTS, G_STRUCT_OFFSET(type, member.settings), "KEY=VALUE",      \
                        "any other option of the provider; may be repeated"                        \
        }
/* clang-format on */

/* ASM_CLI_ERROR_USAGE for a @text that cannot be an atom; @what names it; NULL is fine */
gboolean asm_cli_check_atom(const char *what, const char *text, GError **error);
/* ASM_CLI_ERROR_USAGE for what cannot be sent at all; what is allowed the daemon knows */
gboolean asm_cli_place_check(const AsmCliPlace *place, GError **error);
/* appends the pairs of a keyword list, returns how many */
guint asm_cli_put_place(AsmBuilder *builder, const AsmCliPlace *place);

/* helpers for further pairs */
void asm_cli_put_atom_option(AsmBuilder *builder, const char *key, const char *atom);
void asm_cli_put_text_option(AsmBuilder *builder, const char *key, const char *text);
