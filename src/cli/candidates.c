/* SPDX-License-Identifier: MIT */

/*
 * The candidates in the form that each shell's completion takes. Their text comes from anywhere, the
 * ids of sessions from whoever has started them, and what a shell completes it puts on its command
 * line: bash takes a word as it is, so it is quoted here; zsh and fish quote by themselves. A value
 * that is not one printable line is no candidate in any of them.
 */

#include "cli/candidates-private.h"

#include "cli/text-private.h"

#include <string.h>

/* characters of a description; the shell's own limit is the screen */
#define DESCRIPTION_MAX 120

/* what needs no quotes in bash; with bytes above ASCII */
#define PLAIN "%+,-./0123456789:=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

static const char *const shell_names[ASM_SHELL_N] = { "bash", "zsh", "fish" };

const char *
asm_shell_name(AsmShell shell)
{
        return (guint)shell < ASM_SHELL_N ? shell_names[shell] : NULL;
}

void
asm_candidates_init(AsmCandidates *candidates, AsmShell shell)
{
        *candidates = (AsmCandidates){ .shell = shell,
                                       .typed = g_strdup(""),
                                       .kept = g_strdup(""),
                                       .kind = "words",
                                       .lines = g_string_new(NULL) };
}

void
asm_candidates_clear(AsmCandidates *candidates)
{
        g_free(candidates->typed);
        g_free(candidates->kept);
        if (candidates->lines != NULL)
                g_string_free(candidates->lines, TRUE);
        *candidates = (AsmCandidates){ 0 };
}

static gboolean
is_one_line(const char *value)
{
        g_autoptr(GString) safe = g_string_new(NULL);

        asm_text_append_safe(safe, value, strlen(value), ASM_TEXT_ONE_LINE);
        return *value != '\0' && strcmp(safe->str, value) == 0;
}

static void
append_escaped(GString *out, const char *text, const char *plain, const char *special)
{
        for (; *text != '\0'; text++) {
                gboolean is_special = plain != NULL ? (guchar)*text < 0x80 && !strchr(plain, *text)
                                                    : strchr(special, *text) != NULL;

                if (is_special)
                        g_string_append_c(out, '\\');
                g_string_append_c(out, *text);
        }
}

void
asm_candidates_add(AsmCandidates *candidates, const char *value, const char *description)
{
        g_autoptr(GString) said = g_string_new(NULL);
        GString *lines = candidates->lines;

        if (!g_str_has_prefix(value, candidates->typed) || !is_one_line(value))
                return;
        if (description != NULL)
                asm_text_append_safe(said, description, strlen(description), ASM_TEXT_ONE_LINE);
        asm_text_clip(said, DESCRIPTION_MAX);
        switch (candidates->shell) {
        case ASM_SHELL_BASH:
                g_string_append(lines, candidates->kept);
                append_escaped(lines, value, PLAIN, NULL);
                break;
        case ASM_SHELL_ZSH:
                append_escaped(lines, value, NULL, ":\\");
                if (said->len > 0)
                        g_string_append_printf(lines, ":%s", said->str);
                break;
        case ASM_SHELL_FISH:
        case ASM_SHELL_N:
                g_string_append_printf(lines, "%s%s", candidates->kept, value);
                if (said->len > 0)
                        g_string_append_printf(lines, "\t%s", said->str);
                break;
        }
        g_string_append_c(lines, '\n');
}

void
asm_candidates_add_words(AsmCandidates *candidates, const char *words)
{
        g_auto(GStrv) list = g_strsplit(words, " ", -1);

        for (guint i = 0; list[i] != NULL; i++)
                asm_candidates_add(candidates, list[i], NULL);
}
