/* SPDX-License-Identifier: MIT */

/* `asmctl help`: the same text as --help, for those who look for it here. */

#include "cli/command-private.h"

#include <string.h>

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        const AsmCliCommand *command = NULL;
        g_autofree char *text = NULL;

        if (operands[0] != NULL) {
                command = asm_cli_command_get(operands[0], error);
                if (command == NULL)
                        return FALSE;
        }
        text = asm_cli_command_help(command);
        asm_output_text(&cli->output, text, strlen(text));
        return TRUE;
}

const AsmCliCommand asm_cli_cmd_help = {
        .name = "help",
        .operands = "[COMMAND]",
        .max_operands = 1,
        .summary = "explain asmctl, or a command",
        .examples = "asmctl help query\n",
        .run = run,
};
