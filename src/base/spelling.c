/* SPDX-License-Identifier: MIT */

/*
 * What somebody meant who has typed a word that there is not: the name that takes the least single
 * changes (a letter more, less, another one, two swapped), at most a third of its letters; or one
 * that begins with what was typed. Of several that are as near the first one counts.
 */

#include "base/spelling.h"

#include <string.h>

#define NAME_MAX_LENGTH 32

/* optimal string alignment distance; both at most NAME_MAX_LENGTH long */
static guint
distance(const char *a, const char *b)
{
        guint row[3][NAME_MAX_LENGTH + 1];
        guint n = (guint)strlen(b);
        guint now = 0;

        for (guint j = 0; j <= n; j++)
                row[0][j] = j;
        for (guint i = 1; a[i - 1] != '\0'; i++) {
                guint last = (i - 1) % 3, before = (i + 1) % 3;

                now = i % 3;
                row[now][0] = i;
                for (guint j = 1; j <= n; j++) {
                        guint change = row[last][j - 1] + (a[i - 1] != b[j - 1]);
                        guint best = MIN(change, MIN(row[last][j], row[now][j - 1]) + 1);

                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                best = MIN(best, row[before][j - 2] + 1);
                        row[now][j] = best;
                }
        }
        return row[now][n];
}

gboolean
asm_spelling_is_nearer(const char *typed, const char *name, guint *least)
{
        gsize len = strlen(typed);
        guint needed;

        if (len == 0 || len > NAME_MAX_LENGTH || strlen(name) > NAME_MAX_LENGTH)
                return FALSE;
        needed = g_str_has_prefix(name, typed) ? 0 : distance(typed, name);
        if (needed >= *least || needed > MAX(1, strlen(name) / 3))
                return FALSE;
        *least = needed;
        return TRUE;
}
