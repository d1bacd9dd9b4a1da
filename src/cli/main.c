/* SPDX-License-Identifier: MIT */

/*
 * asmctl: reads the global options, picks the command, prints the one error and turns it into an
 * exit status. Nothing is connected to before the command line is understood, so help and usage
 * errors cost no more than starting the program.
 *
 * SIGPIPE is ignored: a reader that leaves is a write that fails, and the command that hears of it
 * can end its run properly first.
 */

#include "cli/command-private.h"
#include "cli/error-private.h"

#include <signal.h>
#include <string.h>

/* @ret_command: (nullable): the one that was asked for, also when it fails */
static gboolean
run(AsmCli *cli, char **args, const AsmCliCommand **ret_command, GError **error)
{
        const AsmCliOptionSet set = { asm_cli_global_options, &cli->globals };
        g_autoptr(GPtrArray) rest =
                asm_cli_options_parse(&set, 1, args, /* stop_at_first= */ TRUE, error);
        char **words;

        if (rest == NULL)
                return FALSE;
        words = (char **)rest->pdata;
        if (cli->globals.wants_version) {
                asm_output_line(&cli->output, "asmctl " ASM_VERSION, /* may_cut= */ FALSE);
                return TRUE;
        }
        if (words[0] == NULL && cli->globals.wants_help) {
                g_autofree char *text = asm_cli_command_help(NULL);

                asm_output_text(&cli->output, text, strlen(text));
                return TRUE;
        }
        if (words[0] == NULL)
                return asm_cli_usage(error, "which command?");
        *ret_command = asm_cli_command_get(words[0], error);
        return *ret_command != NULL && asm_cli_command_run(*ret_command, cli, words + 1, error);
}

static void
report(AsmOutput *output, const AsmCliCommand *command, const GError *error)
{
        g_autoptr(GString) text = g_string_new(error->message);

        if (g_error_matches(error, ASM_CLI_ERROR, ASM_CLI_ERROR_CLOSED))
                return;
        if (g_error_matches(error, ASM_CLI_ERROR, ASM_CLI_ERROR_USAGE))
                g_string_append_printf(text,
                                       "\nsee 'asmctl %s%s--help'",
                                       command != NULL ? command->name : "",
                                       command != NULL ? " " : "");
        if (g_error_matches(error, ASM_CLI_ERROR, ASM_CLI_ERROR_NOT_FOUND))
                g_string_append(text, "\nsee 'asmctl sessions'");
        asm_output_error(output, text->str);
}

/* what the lower rooms tell about links and epmd is for the log of a daemon, not for a screen */
static GLogWriterOutput
write_log(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
        if ((level & G_LOG_LEVEL_MASK) > G_LOG_LEVEL_WARNING &&
            g_getenv("G_MESSAGES_DEBUG") == NULL)
                return G_LOG_WRITER_HANDLED;
        return g_log_writer_default(level, fields, n_fields, user_data);
}

int
main(int argc, char **argv)
{
        g_auto(AsmCli) cli = { 0 };
        const AsmCliCommand *command = NULL;
        g_autoptr(GError) error = NULL;

        signal(SIGPIPE, SIG_IGN);
        g_log_set_writer_func(write_log, NULL, NULL);
        asm_output_init(&cli.output, stdout, stderr);
        if (run(&cli, argv + MIN(argc, 1), &command, &error))
                asm_output_check(&cli.output, &error);
        if (error != NULL)
                report(&cli.output, command, error);
        return asm_cli_exit_code(error);
}
