/* SPDX-License-Identifier: MIT */
/*
 * Node names: the form that is accepted, and how a bare name is completed as `erl -sname` and
 * `erl -name` do.
 */
#include "node/error.h"
#include "node/name.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(node_name, .timeout = 300);

static gboolean
is_accepted(const char *name)
{
        g_autoptr(GError) error = NULL;
        gboolean ok = asm_node_name_check(name, &error);

        cr_assert_eq(ok, error == NULL);
        if (!ok)
                cr_assert(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_NAME));
        return ok;
}

Test(node_name, has_two_parts_of_letters_digits_and_a_few_signs)
{
        static const char *const good[] = {
                "a@b",   "asmd@host",     "asmd-1_x.y+z@10.0.0.1", "a@host.example.org",
                "a@::1", "a@fe80::1%eth0"
        };
        static const char *const bad[] = { "",      "@",     "a",          "a@",
                                           "@b",    "a@b@c", "a b@c",      "a@b c",
                                           "a@b\n", "a@b/c", "\xc3\xa4@b", "a@b\x7f" };

        for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
                cr_expect(is_accepted(good[i]), "'%s'", good[i]);
        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
                cr_expect(!is_accepted(bad[i]), "'%s'", bad[i]);
}

Test(node_name, has_at_most_255_bytes)
{
        g_autofree char *alive = g_strnfill(253, 'a');
        g_autofree char *longest = g_strconcat(alive, "@h", NULL);
        g_autofree char *too_long = g_strconcat(alive, "@hh", NULL);

        cr_expect_eq(strlen(longest), ASM_NODE_NAME_MAX);
        cr_expect(is_accepted(longest));
        cr_expect(!is_accepted(too_long));
}

Test(node_name, is_shown_escaped_and_cut_when_it_is_refused)
{
        g_autofree char *noise = g_strnfill(1000, '\x1b');
        g_autoptr(GError) error = NULL;

        cr_assert(!asm_node_name_check(noise, &error));

        cr_expect_null(strchr(error->message, '\x1b'));
        cr_expect_lt(strlen(error->message), 200);
}

Test(node_name, comes_apart_at_the_at_sign)
{
        g_autofree char *alive = asm_node_name_alive("asmd@host.example.org");

        cr_expect_str_eq(alive, "asmd");
        cr_expect_str_eq(asm_node_name_host("asmd@host.example.org"), "host.example.org");
        cr_expect(asm_node_name_is_long("asmd@host.example.org"));
        cr_expect(!asm_node_name_is_long("asmd@host"));
}

Test(node_name, without_a_host_gets_the_machine_s_short_one)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *name = asm_node_name_complete("asmd", /* is_long= */ FALSE, &error);
        g_auto(GStrv) host = g_strsplit(g_get_host_name(), ".", 2);
        g_autofree char *expected = g_strconcat("asmd@", host[0], NULL);

        cr_assert_null(error);
        cr_expect_str_eq(name, expected);
}

typedef struct {
        const char *name;
        gboolean is_long;
        const char *complaint; /* NULL: it stays as it is */
} Case;

Test(node_name, given_in_full_must_be_of_the_kind_that_was_asked_for)
{
        static const Case cases[] = {
                { "a@host", FALSE, NULL },     { "a@host.example.org", TRUE, NULL },
                { "a@127.0.0.1", TRUE, NULL }, { "a@host.example.org", FALSE, "--name" },
                { "a@host", TRUE, "--sname" }, { "a b@host", FALSE, "NAME@HOST" },
                { "", FALSE, "NAME@HOST" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *name =
                        asm_node_name_complete(cases[i].name, cases[i].is_long, &error);

                if (cases[i].complaint == NULL) {
                        cr_expect_str_eq(name, cases[i].name);
                        continue;
                }
                cr_expect_null(name);
                cr_assert(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_NAME));
                cr_expect(strstr(error->message, cases[i].complaint) != NULL, "%s", error->message);
        }
}
