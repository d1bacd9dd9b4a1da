/* SPDX-License-Identifier: MIT */
#include "cli/candidates-private.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(complete, .timeout = 300);

/* a node that cannot be: nothing is asked */
#define NOBODY "--node", "no body"

static char *
complete(AsmShell shell, const char *const *words)
{
        g_auto(AsmCli) cli = { 0 };
        g_auto(AsmCandidates) candidates = { 0 };

        asm_candidates_init(&candidates, shell);
        asm_complete(&cli, (char **)words, &candidates);
        return g_strdup_printf("%s|%s|%s", candidates.kind, candidates.kept, candidates.lines->str);
}

Test(complete, a_line_is_read_as_the_command_reads_it)
{
        static const struct {
                const char *words[8];
                const char *candidates;
        } cases[] = {
                { { "que" }, "words||query\n" },
                { { "--json", "que" }, "words||query\n" },
                { { "--timeout", "que" }, "words||" },
                { { "--timeout", "3", "que" }, "words||query\n" },
                { { "status", "--color", "n" }, "words||never\n" },
                { { "status", "--color=n" }, "words|--color=|--color=never\n" },
                { { "status", "--json=n" }, "words||" },
                { { "status", "--jso" }, "words||--json\n" },
                { { "--json", "status", "--jso" }, "words||" },
                { { "query", "--set", "a=b", "--se" }, "words||--session\n--set\n" },
                { { "query", "--sch" }, "words||--schema\n" },
                { { "status", "--sch" }, "words||" },
                { { "query", "--schema", "x" }, "files||" },
                { { "query", "--schema=x" }, "files|--schema=|" },
                { { "query", "--cwd", "" }, "folders||" },
                { { "query", "--", "--sch" }, "words||" },
                { { "query", "--", "--color=n" }, "words||" },
                { { "help", "que" }, "words||query\n" },
                { { "help", "query", "que" }, "words||" },
                { { "no-such-command", "x" }, "words||" },
                { { "query", "--no-such-option", "--sch" }, "words||--schema\n" },
                { { NOBODY, "run", "--provider", "co" }, "words||codex\n" },
                { { NOBODY, "stop", "" }, "words||" },
                { { NOBODY, "interrupt", "s", "" }, "words||" },
                { { NOBODY, "query", "--set", "" }, "words||" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *got = complete(ASM_SHELL_BASH, cases[i].words);

                cr_expect_str_eq(got, cases[i].candidates, "case %zu: %s", i, got);
        }
}

Test(complete, a_candidate_is_one_harmless_word_in_every_shell)
{
        static const struct {
                AsmShell shell;
                const char *value;
                const char *description;
                const char *line;
        } cases[] = {
                { ASM_SHELL_BASH, "a@b.c:d=e/f", "said", "a@b.c:d=e/f\n" },
                { ASM_SHELL_BASH, "$(x);`y`", NULL, "\\$\\(x\\)\\;\\`y\\`\n" },
                { ASM_SHELL_BASH, "~a", NULL, "\\~a\n" },
                { ASM_SHELL_BASH, "\303\244", NULL, "\303\244\n" },
                { ASM_SHELL_ZSH, "a:b", "c:d", "a\\:b:c:d\n" },
                { ASM_SHELL_ZSH, "a\\b", NULL, "a\\\\b\n" },
                { ASM_SHELL_FISH, "$(x)", "one\ttwo\nthree", "$(x)\tone\\ttwo\\nthree\n" },
                { ASM_SHELL_FISH, "a\nb", "said", "" },
                { ASM_SHELL_FISH, "a\tb", "said", "" },
                { ASM_SHELL_FISH, "a\033b", "said", "" },
                { ASM_SHELL_FISH, "a\342\200\256b", "said", "" },
                { ASM_SHELL_FISH, "a\377", "said", "" },
                { ASM_SHELL_FISH, "", "said", "" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(AsmCandidates) candidates = { 0 };

                asm_candidates_init(&candidates, cases[i].shell);
                asm_candidates_add(&candidates, cases[i].value, cases[i].description);
                cr_expect_str_eq(candidates.lines->str,
                                 cases[i].line,
                                 "case %zu: %s",
                                 i,
                                 candidates.lines->str);
        }
}

Test(complete, a_description_has_a_limit)
{
        g_autofree char *description = g_strnfill(1000, 'x');
        g_auto(AsmCandidates) candidates = { 0 };

        asm_candidates_init(&candidates, ASM_SHELL_FISH);
        asm_candidates_add(&candidates, "a", description);
        cr_expect_leq(g_utf8_strlen(candidates.lines->str, -1), 2 + 120 + 1);
}

Test(complete, operands_are_found_in_a_usage_line)
{
        static const struct {
                const char *operands;
                guint index;
                const char *name; /* NULL: there is none */
        } cases[] = {
                { NULL, 0, NULL },
                { "SESSION RUN", 0, "SESSION" },
                { "SESSION RUN", 1, "RUN" },
                { "SESSION RUN", 2, NULL },
                { "[PROMPT]", 0, "PROMPT" },
                { "--session SESSION [PROMPT]", 0, "PROMPT" },
                { "--json [PROMPT]", 0, "PROMPT" },
                { "SHELL [WORD]...", 1, "WORD" },
                { "SHELL [WORD]...", 9, "WORD" },
                { "RUN...", 3, "RUN" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                const AsmPlaceholder *found =
                        asm_placeholder_of_operand(cases[i].operands, cases[i].index);

                cr_expect_eq(g_strcmp0(found != NULL ? found->name : NULL, cases[i].name),
                             0,
                             "case %zu",
                             i);
        }
}

static void
expect_known(const AsmCliOption *options, const char *where)
{
        for (; options != NULL && options->name != NULL; options++) {
                if (options->argument != NULL)
                        cr_expect_not_null(asm_placeholder_find(options->argument, -1),
                                           "%s --%s %s: a name that src/cli/placeholder.c has, or "
                                           "add it there",
                                           where,
                                           options->name,
                                           options->argument);
        }
}

Test(complete, every_name_of_a_value_is_known)
{
        const AsmCliCommand *command;

        expect_known(asm_cli_global_options, "asmctl");
        for (guint i = 0; (command = asm_cli_command_nth(i)) != NULL; i++) {
                expect_known(command->options, command->name);
                for (guint n = 0; n < MIN(command->max_operands, 9); n++)
                        cr_expect_not_null(asm_placeholder_of_operand(command->operands, n),
                                           "%s %s: an operand that src/cli/placeholder.c does not "
                                           "have; add it there",
                                           command->name,
                                           command->operands);
        }
}
