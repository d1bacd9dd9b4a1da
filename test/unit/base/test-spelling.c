/* SPDX-License-Identifier: MIT */
/* Did you mean: near enough counts, the first of the nearest wins, nonsense gets no answer. */
#include <criterion/criterion.h>

#include "base/spelling.h"

TestSuite(base_spelling, .timeout = 60);

static const char *const names[] = { "max_runs", "max_result", "max_sessions", "listen" };

static const char *
nearest(const char *typed)
{
        const char *found = NULL;
        guint least = G_MAXUINT;

        for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
                if (asm_spelling_is_nearer(typed, names[i], &least))
                        found = names[i];
        }
        return found;
}

Test(base_spelling, the_name_that_takes_the_fewest_changes_is_meant)
{
        static const struct {
                const char *typed;
                const char *meant; /* NULL: nobody knows */
        } cases[] = {
                { "max_rusn", "max_runs" },
                { "maxruns", "max_runs" },
                { "max_run", "max_runs" },
                { "max_session", "max_sessions" },
                { "max_", "max_runs" },
                { "lsiten", "listen" },
                { "listne", "listen" },
                { "port", NULL },
                { "", NULL },
                { "a_name_that_is_longer_than_any_of_them", NULL },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                const char *got = nearest(cases[i].typed);

                if (cases[i].meant == NULL)
                        cr_expect_null(got, "'%s': %s", cases[i].typed, got);
                else
                        cr_expect_str_eq(got != NULL ? got : "(none)",
                                         cases[i].meant,
                                         "'%s'",
                                         cases[i].typed);
        }
}
