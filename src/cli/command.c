/* SPDX-License-Identifier: MIT */

/*
 * The commands, in the order of the help text. To add one: a file cmd-<verb>.c with one
 * AsmCliCommand, and a line in this table. Parsing, counting operands, --help and the hint at a
 * misspelt name are the same for all and done here.
 */

#include "cli/command-private.h"

#include "base/spelling.h"
#include "cli/error-private.h"

#include <string.h>

/* clang-format off */
static const AsmCliCommand *const commands[] = {
        &asm_cli_cmd_run,
        &asm_cli_cmd_query,
        &asm_cli_cmd_stream,
        &asm_cli_cmd_resume,
        &asm_cli_cmd_attach,
        &asm_cli_cmd_logs,
        &asm_cli_cmd_interrupt,
        &asm_cli_cmd_approvals,
        &asm_cli_cmd_approve,
        &asm_cli_cmd_deny,
        &asm_cli_cmd_start,
        &asm_cli_cmd_stop,
        &asm_cli_cmd_sessions,
        &asm_cli_cmd_status,
        &asm_cli_cmd_metrics,
        &asm_cli_cmd_config,
        &asm_cli_cmd_top,
        &asm_cli_cmd_ping,
        &asm_cli_cmd_providers,
        &asm_cli_cmd_doctor,
        &asm_cli_cmd_resolve,
        &asm_cli_cmd_completion,
        &asm_cli_cmd_help,
};
/* clang-format on */

#define AT(member) G_STRUCT_OFFSET(AsmCliGlobals, member)

const AsmCliOption asm_cli_global_options[] = {
        { "node",
          0,
          ASM_CLI_TEXT,
          AT(node),
          "NODE",
          "the daemon (default: $ASMD_NODE, or asmd here)" },
        { "cookie-file",
          0,
          ASM_CLI_TEXT,
          AT(cookie_file),
          "FILE",
          "its cookie (default: ~/.erlang.cookie)" },
        { "config",
          0,
          ASM_CLI_TEXT,
          AT(config),
          "FILE",
          "asmd's configuration: its name, cookie and TLS (default: $ASMD_CONFIG)" },
        { "timeout",
          0,
          ASM_CLI_SECONDS,
          AT(timeout_ms),
          "SECONDS",
          "give up after this time (default: 10, runs: never)" },
        { "color", 0, ASM_CLI_TEXT, AT(colour), "WHEN", "auto, always or never (default: auto)" },
        { "json", 0, ASM_CLI_FLAG, AT(is_json), NULL, "print JSON, one value per line" },
        { "version", 0, ASM_CLI_FLAG, AT(wants_version), NULL, "print the version" },
        { "help", 'h', ASM_CLI_FLAG, AT(wants_help), NULL, "print help, also of a command" },
        { NULL },
};

const AsmCliCommand *
asm_cli_command_nth(guint index)
{
        return index < G_N_ELEMENTS(commands) ? commands[index] : NULL;
}

const AsmCliCommand *
asm_cli_command_find(const char *name)
{
        for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
                if (strcmp(commands[i]->name, name) == 0)
                        return commands[i];
        }
        return NULL;
}

const AsmCliCommand *
asm_cli_command_nearest(const char *name)
{
        const AsmCliCommand *nearest = NULL;
        guint least = G_MAXUINT;

        for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
                if (asm_spelling_is_nearer(name, commands[i]->name, &least))
                        nearest = commands[i];
        }
        return nearest;
}

const AsmCliCommand *
asm_cli_command_get(const char *name, GError **error)
{
        const AsmCliCommand *command = asm_cli_command_find(name);
        const AsmCliCommand *nearest = NULL;

        if (command != NULL)
                return command;
        nearest = asm_cli_command_nearest(name);
        if (nearest != NULL)
                asm_cli_usage(error,
                              "there is no command '%s'; did you mean '%s'?",
                              name,
                              nearest->name);
        else
                asm_cli_usage(error, "there is no command '%s'", name);
        return NULL;
}

static gboolean
check_operands(const AsmCliCommand *command, guint n, GError **error)
{
        if (n < command->min_operands)
                return asm_cli_usage(error, "%s wants %s", command->name, command->operands);
        if (n <= command->max_operands)
                return TRUE;
        if (command->operands == NULL)
                return asm_cli_usage(error, "%s takes nothing but options", command->name);
        return asm_cli_usage(error,
                             "%s takes %s; these are %u, quote what has blanks in it",
                             command->name,
                             command->operands,
                             n);
}

gboolean
asm_cli_command_run(const AsmCliCommand *command, AsmCli *cli, char **args, GError **error)
{
        g_autofree gpointer options = g_malloc0(MAX(command->options_size, 1));
        const AsmCliOptionSet sets[] = { { command->options, options },
                                         { asm_cli_global_options, &cli->globals } };
        g_autoptr(GPtrArray) operands = asm_cli_options_parse(sets,
                                                              G_N_ELEMENTS(sets),
                                                              args,
                                                              /* stop_at_first= */ FALSE,
                                                              error);
        gboolean is_done = FALSE;

        cli->output.is_json = cli->globals.is_json;
        if (operands != NULL && cli->globals.colour != NULL &&
            !asm_output_set_colour(&cli->output, cli->globals.colour)) {
                asm_cli_usage(error,
                              "option --color: '%s' is none of auto, always and never",
                              cli->globals.colour);
                g_clear_pointer(&operands, g_ptr_array_unref);
        }
        if (operands != NULL && cli->globals.wants_help) {
                g_autofree char *text = asm_cli_command_help(command);

                asm_output_text(&cli->output, text, strlen(text));
                is_done = TRUE;
        } else if (operands != NULL && check_operands(command, operands->len - 1, error)) {
                is_done = command->run(cli, options, (char **)operands->pdata, error);
        }
        asm_cli_options_clear(command->options, options);
        return is_done;
}
