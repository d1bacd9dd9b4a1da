/* SPDX-License-Identifier: MIT */
#pragma once

/* Options that say which agent runs and where; start, query and stream share them. */

#include "cli/option-private.h"
#include "term/builder.h"

typedef struct {
        char *provider;
        char *remote;
        char *cwd;
        char *model;
        char *permission;
        char *cli_path;
} AsmCliPlace;

/* entries of a table whose struct @type has an AsmCliPlace @member */
#define ASM_CLI_PLACE_OPTIONS(type, member)                                                        \
        { "provider",   0,                                                                         \
          ASM_CLI_TEXT, G_STRUCT_OFFSET(type, member.provider),                                    \
          "NAME",       "claude, codex, amp, cursor or antigravity (default: claude)" },           \
                { "remote",     0,                                                                 \
                  ASM_CLI_TEXT, G_STRUCT_OFFSET(type, member.remote),                              \
                  "NODE",       "the BEAM node that runs it" },                                    \
                { "cwd",        0,                                                                 \
                  ASM_CLI_TEXT, G_STRUCT_OFFSET(type, member.cwd),                                 \
                  "DIR",        "the working directory, there" },                                  \
                { "model",      0,                                                                 \
                  ASM_CLI_TEXT, G_STRUCT_OFFSET(type, member.model),                               \
                  "NAME",       "the model, as the provider calls it" },                           \
                { "permission", 0,                                                                 \
                  ASM_CLI_TEXT, G_STRUCT_OFFSET(type, member.permission),                          \
                  "MODE",       "default, auto, plan, bypass, ..." },                              \
        {                                                                                          \
                "cli-path", 0, ASM_CLI_TEXT, G_STRUCT_OFFSET(type, member.cli_path), "FILE",       \
                        "the provider's program, there"                                            \
        }

/* ASM_CLI_ERROR_USAGE for a @text that cannot be an atom; @what names it; NULL is fine */
gboolean asm_cli_check_atom(const char *what, const char *text, GError **error);
/* ASM_CLI_ERROR_USAGE for what cannot be sent at all; what is allowed the daemon knows */
gboolean asm_cli_place_check(const AsmCliPlace *place, GError **error);
/* appends the pairs of a keyword list, returns how many */
guint asm_cli_put_place(AsmBuilder *builder, const AsmCliPlace *place);

/* helpers for further pairs */
void asm_cli_put_atom_option(AsmBuilder *builder, const char *key, const char *atom);
void asm_cli_put_text_option(AsmBuilder *builder, const char *key, const char *text);
