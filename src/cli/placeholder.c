/* SPDX-License-Identifier: MIT */

/*
 * The names in capital letters that usage lines and options have for their values. Each stands for
 * the same wherever it is used, so a command or an option gets its completion by what it calls its
 * operand; a test refuses names that are not in this table.
 */

#include "cli/candidates-private.h"

#include <string.h>

static const AsmPlaceholder placeholders[] = {
        { "APPROVAL", ASM_VALUES_APPROVALS, NULL },
        { "COMMAND", ASM_VALUES_COMMANDS, NULL },
        { "DIR", ASM_VALUES_FOLDERS, NULL },
        { "FILE", ASM_VALUES_FILES, NULL },
        { "ID", ASM_VALUES_ANY, NULL },
        { "KEY=VALUE", ASM_VALUES_SETTINGS, NULL },
        { "LANE", ASM_VALUES_WORDS, "auto core sdk" },
        { "MODE", ASM_VALUES_MODES, NULL },
        { "MODEL", ASM_VALUES_ANY, NULL },
        { "NODE", ASM_VALUES_NODES, NULL },
        { "PROMPT", ASM_VALUES_ANY, NULL },
        { "PROVIDER", ASM_VALUES_PROVIDERS, NULL },
        { "RUN", ASM_VALUES_RUNS, NULL },
        { "SECONDS", ASM_VALUES_ANY, NULL },
        { "SESSION", ASM_VALUES_SESSIONS, NULL },
        { "SHELL", ASM_VALUES_WORDS, "bash zsh fish" },
        { "WHEN", ASM_VALUES_WORDS, "auto always never" },
        { "WORD", ASM_VALUES_ANY, NULL },
};

const AsmPlaceholder *
asm_placeholder_find(const char *name, gssize len)
{
        gsize n = len < 0 ? strlen(name) : (gsize)len;

        for (gsize i = 0; i < G_N_ELEMENTS(placeholders); i++) {
                if (strlen(placeholders[i].name) == n && memcmp(placeholders[i].name, name, n) == 0)
                        return &placeholders[i];
        }
        return NULL;
}

const AsmPlaceholder *
asm_placeholder_of_operand(const char *operands, guint index)
{
        g_auto(GStrv) words = g_strsplit(operands != NULL ? operands : "", " ", -1);
        const AsmPlaceholder *found = NULL;
        guint n = 0;

        for (guint i = 0; words[i] != NULL; i++) {
                const char *name = words[i] + strspn(words[i], "[");
                gboolean is_repeated = g_str_has_suffix(words[i], "...");

                if (g_str_has_prefix(name, "--")) {
                        /* with its value, as in "--session SESSION" */
                        i += words[i + 1] != NULL && *words[i + 1] != '[';
                        continue;
                }
                found = asm_placeholder_find(name, (gssize)strcspn(name, "]."));
                if (n++ == index || is_repeated)
                        return found;
        }
        return NULL;
}
