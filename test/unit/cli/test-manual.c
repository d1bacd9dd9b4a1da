/* SPDX-License-Identifier: MIT */
#include "cli/manual-private.h"

#include "cli/command-private.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(manual, .timeout = 300);

Test(manual, a_text_becomes_lines_of_roff)
{
        static const struct {
                const char *text;
                const char *roff;
        } cases[] = {
                { "one\ntwo", "one two\n" },
                { "One. Two.", "One.\nTwo.\n" },
                { "one, e.g. two", "one, e.g. two\n" },
                { "'allow? [y/n]' it asks", "\\(aqallow? [y/n]\\(aq it asks\n" },
                { "one\n\ntwo\n", "one\n.Pp\ntwo\n" },
                { ".so x", "\\&.so x\n" },
                { "'so x", "\\(aqso x\n" },
                { "a\\b ~/c `d` ^", "a\\eb \\(ti/c \\(gad\\(ga \\(ha\n" },
                { "well-known --cookie-file", "well-known \\-\\-cookie\\-file\n" },
                { "Wait...", "Wait...\n" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GString) out = g_string_new(NULL);

                asm_manual_append_text(out, cases[i].text);
                cr_expect_str_eq(out->str, cases[i].roff, "case %zu: %s", i, out->str);
        }
}

Test(manual, no_line_is_longer_than_80_bytes)
{
        g_autoptr(GString) out = g_string_new(NULL);
        g_autoptr(GString) text = g_string_new(NULL);
        g_auto(GStrv) lines = NULL;

        for (guint i = 0; i < 500; i++)
                g_string_append_printf(text, "%.*s ", 1 + (int)(i % 20), "abcdefghijklmnopqrst");
        asm_manual_append_text(out, text->str);
        lines = g_strsplit(out->str, "\n", -1);
        for (guint i = 0; lines[i] != NULL; i++)
                cr_expect_leq(strlen(lines[i]), 80, "%s", lines[i]);
}

Test(manual, the_page_has_every_command_and_keeps_what_is_around)
{
        g_autofree char *page = asm_manual_fill("before\n@commands@\nbehind\n", NULL);
        const AsmCliCommand *command;

        cr_expect(g_str_has_prefix(page, "before\n.Sh COMMANDS: RUNS\n.Ss run "));
        cr_expect(g_str_has_suffix(page, "\nbehind\n"));
        for (guint i = 0; (command = asm_cli_command_nth(i)) != NULL; i++) {
                g_autofree char *heading = g_strdup_printf("\n.Ss %s", command->name);

                cr_expect_not_null(strstr(page, heading), "%s", command->name);
        }
}

Test(manual, options_of_a_program_are_read_from_its_help)
{
        g_autofree char *page = asm_manual_fill("@program-options@",
                                                "Usage:\n  asmd [OPTION...]\n\nHelp Options:\n"
                                                "  -h, --help           Show help options\n"
                                                "  --name=NAME@HOST     Long node name\n"
                                                "  --version            Print the version\n\n");

        cr_expect_str_eq(page,
                         ".Bl -tag -width Ds\n"
                         ".It Fl h , Fl -help\nShow help options\n"
                         ".It Fl -name Ar NAME@HOST\nLong node name\n"
                         ".It Fl -version\nPrint the version\n"
                         ".El\n",
                         "%s",
                         page);
}
