/* SPDX-License-Identifier: MIT */
#include "cli/place-private.h"

#include "../../support/term-text.h"
#include "cli/error-private.h"

#include <criterion/criterion.h>

TestSuite(place, .timeout = 300);

/* the keyword list as text */
static char *
show(const AsmCliPlace *place)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        AsmBuilderMark mark = asm_builder_list_begin(&builder);

        asm_builder_list_end(&builder, mark, asm_cli_put_place(&builder, place));
        return term_text(asm_builder_peek(&builder));
}

Test(place, nothing_given_is_nothing_sent)
{
        g_autofree char *text = show(&(AsmCliPlace){ 0 });

        cr_expect_str_eq(text, "[]");
}

Test(place, names_are_atoms_and_texts_are_binaries)
{
        const AsmCliPlace place = { .provider = (char *)"codex",
                                    .cwd = (char *)"/tmp",
                                    .model = (char *)"m",
                                    .permission = (char *)"plan",
                                    .cli_path = (char *)"/bin/c" };
        g_autofree char *text = show(&place);

        cr_expect_str_eq(text,
                         "[{provider,codex},{cwd,\"/tmp\"},{model,\"m\"},{permission_mode,plan},"
                         "{cli_path,\"/bin/c\"}]");
}

Test(place, a_remote_node_takes_the_directory_with_it)
{
        AsmCliPlace place = { .remote = (char *)"w@h" };
        g_autofree char *bare = show(&place);
        g_autofree char *with_directory = NULL;

        place.cwd = (char *)"/there";
        with_directory = show(&place);
        cr_expect_str_eq(bare, "[{execution_mode,remote_node},{driver_opts,[{remote_node,w@h}]}]");
        cr_expect_str_eq(with_directory,
                         "[{execution_mode,remote_node},{driver_opts,[{remote_node,w@h},"
                         "{remote_cwd,\"/there\"}]}]");
}

Test(place, a_relative_directory_is_seen_from_here)
{
        const AsmCliPlace place = { .cwd = (char *)"." };
        g_autofree char *here = g_get_current_dir();
        g_autofree char *expected = g_strdup_printf("[{cwd,\"%s\"}]", here);
        g_autofree char *text = show(&place);

        cr_expect_str_eq(text, expected);
}

Test(place, a_setting_is_what_its_json_says_and_else_text)
{
        const char *settings[] = { "a=1",     "b=true", "c=",    "d=x=y",    "e?={\"k\":[null]}",
                                   "f=\"3\"", "g=[1",   "h=1 2", "i_2=-0.5", NULL };
        AsmCliPlace place = { .lane = (char *)"sdk", .settings = (GStrv)settings };
        g_autofree char *text = show(&place);

        cr_expect_str_eq(text,
                         "[{lane,sdk},{a,1},{b,true},{c,\"\"},{d,\"x=y\"},{e?,#{\"k\"=>[nil]}},"
                         "{f,\"3\"},{g,\"[1\"},{h,\"1 2\"},{i_2,-0.5}]",
                         "%s",
                         text);
}

Test(place, the_key_of_a_setting_is_a_word)
{
        static const struct {
                const char *text;
                gboolean is_ok;
        } cases[] = {
                { "a=", TRUE },    { "max_turns=1", TRUE }, { "a1?=x", TRUE },  { "a", FALSE },
                { "=1", FALSE },   { "A=1", FALSE },        { "a-b=1", FALSE }, { "1a=1", FALSE },
                { "_a=1", FALSE }, { "a?1=1", FALSE },      { "a b=1", FALSE },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                const char *settings[] = { cases[i].text, NULL };
                const AsmCliPlace place = { .settings = (GStrv)settings };
                g_autoptr(GError) error = NULL;

                cr_expect_eq(asm_cli_place_check(&place, &error),
                             cases[i].is_ok,
                             "%s",
                             cases[i].text);
        }
}

Test(place, what_cannot_be_sent_is_refused)
{
        g_autofree char *longest = g_strnfill(255, 'x');
        g_autofree char *too_long = g_strnfill(256, 'x');
        const struct {
                AsmCliPlace place;
                gboolean is_ok;
        } cases[] = {
                { { 0 }, TRUE },
                { { .provider = longest }, TRUE },
                { { .provider = too_long }, FALSE },
                { { .permission = too_long }, FALSE },
                { { .remote = (char *)"w@h" }, TRUE },
                { { .remote = (char *)"w" }, FALSE },
                { { .remote = too_long }, FALSE },
                { { .cwd = (char *)"sub" }, TRUE },
                { { .remote = (char *)"w@h", .cwd = (char *)"/abs" }, TRUE },
                { { .remote = (char *)"w@h", .cwd = (char *)"sub" }, FALSE },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                gboolean is_ok = asm_cli_place_check(&cases[i].place, &error);

                cr_expect_eq(is_ok, cases[i].is_ok, "case %zu", i);
                cr_expect_eq(asm_cli_exit_code(error), is_ok ? 0 : 2, "case %zu", i);
        }
}
