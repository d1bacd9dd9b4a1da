/* SPDX-License-Identifier: MIT */
#include "cli/command-private.h"

#include "cli/error-private.h"
#include "screen.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(command, .timeout = 300);

Test(command, every_command_describes_itself)
{
        const AsmCliCommand *command;

        for (guint i = 0; (command = asm_cli_command_nth(i)) != NULL; i++) {
                g_autofree char *help = asm_cli_command_help(command);

                cr_expect_eq(asm_cli_command_find(command->name), command);
                cr_expect_not_null(command->summary);
                cr_expect_not_null(command->run);
                cr_expect_eq(command->operands == NULL, command->max_operands == 0);
                cr_expect_leq(command->min_operands, command->max_operands);
                cr_expect_eq(command->options == NULL, command->options_size == 0);
                cr_expect(i > 0 || command->heading != NULL);
                cr_expect_not_null(strstr(help, command->summary));
        }
}

Test(command, no_option_of_a_command_hides_a_global_one)
{
        const AsmCliCommand *command;

        for (guint i = 0; (command = asm_cli_command_nth(i)) != NULL; i++) {
                for (const AsmCliOption *own = command->options; own != NULL && own->name != NULL;
                     own++) {
                        for (const AsmCliOption *global = asm_cli_global_options;
                             global->name != NULL;
                             global++)
                                cr_expect_str_neq(own->name, global->name);
                }
        }
}

/* of one example: from the command's name to what belongs to the shell; only options are looked at */
static void
try_example(const AsmCliCommand *command, const char *line)
{
        const char *start = strstr(line, "asmctl ");
        g_autofree char *own = start != NULL ? g_strdup(start) : NULL;
        char *pipe = own != NULL ? strstr(own, " | ") : NULL;
        AsmCliGlobals globals = { 0 };
        g_autofree gpointer options = g_malloc0(MAX(command->options_size, 1));
        const AsmCliOptionSet sets[] = { { command->options, options },
                                         { asm_cli_global_options, &globals } };
        g_autoptr(GPtrArray) operands = NULL;
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) words = NULL;

        cr_assert_not_null(own, "%s", line);
        if (pipe != NULL)
                *pipe = '\0';
        cr_assert(g_shell_parse_argv(own, NULL, &words, NULL), "%s", line);
        operands = asm_cli_options_parse(sets, 2, words + 1, /* stop_at_first= */ FALSE, &error);
        cr_assert_not_null(operands, "%s: %s", line, error != NULL ? error->message : "");
        cr_expect_str_eq(operands->pdata[0], command->name, "%s", line);
        cr_expect_geq(operands->len - 2, command->min_operands, "%s", line);
        cr_expect_leq(operands->len - 2, command->max_operands, "%s", line);
        asm_cli_options_clear(command->options, options);
        asm_cli_options_clear(asm_cli_global_options, &globals);
}

Test(command, every_command_has_examples_and_they_are_understood)
{
        const AsmCliCommand *command;

        for (guint i = 0; (command = asm_cli_command_nth(i)) != NULL; i++) {
                g_auto(GStrv) lines = g_strsplit(command->examples, "\n", -1);

                cr_expect(*lines[0] != '\0', "%s has none", command->name);
                for (guint n = 0; *lines[n] != '\0'; n++)
                        try_example(command, lines[n]);
        }
}

Test(command, a_misspelt_name_finds_the_nearest)
{
        static const struct {
                const char *name;
                const char *nearest; /* NULL: nothing is near */
        } cases[] = {
                { "sttus", "status" },
                { "statsu", "status" },
                { "sessoin", "sessions" },
                { "session", "sessions" },
                { "inter", "interrupt" },
                { "qeury", "query" },
                { "pign", "ping" },
                { "strt", "start" },
                { "sto", "stop" },
                { "halp", "help" },
                { "frobnicate", NULL },
                { "", NULL },
                { "x", NULL },
                { "ls", NULL },
                { "a-name-that-is-longer-than-any-command", NULL },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                const AsmCliCommand *nearest = asm_cli_command_nearest(cases[i].name);

                cr_expect_eq(g_strcmp0(nearest != NULL ? nearest->name : NULL, cases[i].nearest),
                             0,
                             "'%s' finds %s",
                             cases[i].name,
                             nearest != NULL ? nearest->name : "nothing");
        }
}

Test(command, an_unknown_name_is_a_usage_error_with_advice)
{
        g_autoptr(GError) error = NULL;

        cr_expect_null(asm_cli_command_get("qurey", &error));
        cr_expect(g_error_matches(error, ASM_CLI_ERROR, ASM_CLI_ERROR_USAGE));
        cr_expect_str_eq(error->message, "there is no command 'qurey'; did you mean 'query'?");
}

/* --- running a command, without a daemon ------------------------------------------------------ */

typedef struct {
        char *word;
} ProbeOptions;

static const AsmCliOption probe_options[] = {
        { "word", 0, ASM_CLI_TEXT, G_STRUCT_OFFSET(ProbeOptions, word), "WORD", "a word" },
        { NULL },
};

static gboolean
run_probe(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        const ProbeOptions *probe = options;
        g_autofree char *joined = g_strjoinv(",", operands);
        g_autofree char *line = g_strdup_printf("%s(%s)", probe->word, joined);

        asm_output_line(&cli->output, line, /* may_cut= */ FALSE);
        return TRUE;
}

static const AsmCliCommand probe = { .name = "probe",
                                     .operands = "ONE [TWO]",
                                     .min_operands = 1,
                                     .max_operands = 2,
                                     .summary = "probe the table",
                                     .examples = "asmctl\n",
                                     .options = probe_options,
                                     .options_size = sizeof(ProbeOptions),
                                     .run = run_probe };

/* what it prints, or the message in <> */
static char *
run(const char *const *words)
{
        g_auto(AsmCli) cli = { 0 };
        g_auto(Screen) screen;
        g_autoptr(GError) error = NULL;

        screen_init(&screen, /* is_terminal= */ FALSE);
        cli.output = screen.output;
        if (!asm_cli_command_run(&probe, &cli, (char **)words, &error))
                return g_strdup_printf("<%s>", error->message);
        return g_strdup(screen_out(&screen));
}

Test(command, operands_are_counted_before_it_runs)
{
        static const struct {
                const char *words[6];
                const char *result;
        } cases[] = {
                { { "a" }, "(null)(a)\n" },
                { { "a", "b" }, "(null)(a,b)\n" },
                { { "--word", "w", "a" }, "w(a)\n" },
                { { "a", "--timeout", "2", "--word=w" }, "w(a)\n" },
                { { NULL }, "<probe wants ONE [TWO]>" },
                { { "a", "b", "c" },
                  "<probe takes ONE [TWO]; these are 3, quote what has blanks in it>" },
                { { "a", "--what" }, "<there is no option --what>" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *result = run(cases[i].words);

                cr_expect_str_eq(result, cases[i].result, "case %zu: %s", i, result);
        }
}

Test(command, help_is_shown_whatever_else_is_missing)
{
        g_autofree char *result = run((const char *const[]){ "--help", NULL });

        cr_expect_not_null(strstr(result, "usage: asmctl probe [OPTION]... ONE [TWO]\n"));
        cr_expect_not_null(strstr(result, "--word WORD"));
        cr_expect_not_null(strstr(result, "--cookie-file FILE"));
}

Test(command, the_general_help_names_every_command_and_every_exit_status)
{
        g_autofree char *help = asm_cli_command_help(NULL);
        const AsmCliCommand *command;
        const char *meaning;
        gint code;

        for (guint i = 0; (command = asm_cli_command_nth(i)) != NULL; i++)
                cr_expect_not_null(strstr(help, command->summary));
        for (guint i = 0; (meaning = asm_cli_exit_meaning(i, &code)) != NULL; i++)
                cr_expect_not_null(strstr(help, meaning));
}

Test(command, a_daemon_without_a_host_is_on_this_one)
{
        g_autofree char *given = asm_cli_node_name("a@b.example");
        g_autofree char *named = asm_cli_node_name("other");
        g_autofree char *unnamed = asm_cli_node_name(NULL);

        cr_expect_str_eq(given, "a@b.example");
        cr_expect(g_str_has_prefix(named, "other@") && strlen(named) > 6);
        cr_expect(g_str_has_prefix(unnamed, "asmd@"));
        cr_expect_null(strchr(unnamed, '.'));
        cr_expect_str_eq(strchr(unnamed, '@'), strchr(named, '@'));
}
