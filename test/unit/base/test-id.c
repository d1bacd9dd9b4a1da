/* SPDX-License-Identifier: MIT */
/* Ids: what makes a text an id, and what makes two of them ordered. */
#include "base/id.h"

#include <criterion/criterion.h>
#include <string.h>

#define ALPHABET "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#define N_IDS    10000

TestSuite(id, .timeout = 300);

/* the number that the first @n characters stand for */
static guint64
decode(const char *text, guint n)
{
        guint64 value = 0;

        for (guint i = 0; i < n; i++)
                value = value << 5 | (guint64)(strchr(ALPHABET, text[i]) - ALPHABET);
        return value;
}

Test(id, is_26_characters_of_crockfords_alphabet)
{
        for (guint i = 0; i < 100; i++) {
                AsmId id = asm_id_new();

                cr_assert_eq(strlen(id.text), 26);
                cr_assert_eq(strspn(id.text, ALPHABET), 26, "%s", id.text);
                cr_assert_leq(id.text[0], '7', "128 bits leave 3 for the first: %s", id.text);
        }
}

Test(id, begins_with_the_time_of_its_making_in_milliseconds)
{
        guint64 before = (guint64)g_get_real_time() / 1000;
        AsmId id = asm_id_new();
        guint64 after = (guint64)g_get_real_time() / 1000;

        cr_expect_geq(decode(id.text, 10), before);
        cr_expect_leq(decode(id.text, 10), after);
}

Test(id, each_is_greater_than_all_before_it)
{
        AsmId last = asm_id_new();

        /* far more than a millisecond's worth, so both ways of making one are used */
        for (guint i = 0; i < N_IDS; i++) {
                AsmId id = asm_id_new();

                cr_assert_lt(strcmp(last.text, id.text), 0, "%s then %s", last.text, id.text);
                last = id;
        }
}

Test(id, of_one_millisecond_follow_each_other_without_a_gap)
{
        guint n_neighbours = 0;
        AsmId last = asm_id_new();

        for (guint i = 0; i < N_IDS; i++) {
                AsmId id = asm_id_new();

                if (decode(id.text, 10) == decode(last.text, 10)) {
                        cr_assert_eq((guint32)decode(id.text + 14, 12),
                                     (guint32)(decode(last.text + 14, 12) + 1));
                        n_neighbours++;
                }
                last = id;
        }

        cr_expect_gt(n_neighbours, 0);
}

Test(id, of_different_milliseconds_have_nothing_random_in_common)
{
        AsmId first = asm_id_new();
        AsmId second;

        do
                second = asm_id_new();
        while (decode(first.text, 10) == decode(second.text, 10));

        cr_expect_str_neq(first.text + 10, second.text + 10);
}

Test(id, chosen_by_a_user_is_short_visible_ascii)
{
        g_autofree char *longest = g_strnfill(128, 'x');
        g_autofree char *too_long = g_strnfill(129, 'x');
        const struct {
                const char *text;
                gboolean is_valid;
        } cases[] = {
                { "a", TRUE },
                { "my-session_1", TRUE },
                { "!~", TRUE },
                { longest, TRUE },
                { too_long, FALSE },
                { "", FALSE },
                { NULL, FALSE },
                { "two words", FALSE },
                { "tab\t", FALSE },
                { "line\n", FALSE },
                { "del\x7f", FALSE },
                { "z\xc3\xbcrich", FALSE },
                { asm_id_new().text, TRUE },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
                cr_expect_eq(asm_id_is_valid(cases[i].text), cases[i].is_valid, "case %zu", i);
}
