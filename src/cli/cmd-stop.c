/* SPDX-License-Identifier: MIT */

/*
 * `asmctl stop`: ends a session. Its runs end as interrupted, and whoever monitors its process is
 * told that it ended with reason normal.
 */

#include "cli/command-private.h"

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) answer = NULL;
        AsmView value;

        asm_cli_put_texts(&args, (const char *const *)operands);
        answer = asm_cli_ask(cli, "stop_session", asm_builder_peek(&args), &value, error);
        if (answer != NULL && cli->output.is_json)
                asm_output_json(&cli->output, value);
        return answer != NULL;
}

const AsmCliCommand asm_cli_cmd_stop = {
        .name = "stop",
        .operands = "SESSION",
        .min_operands = 1,
        .max_operands = 1,
        .summary = "end a session and its runs",
        .help = "Its runs are interrupted.\n",
        .examples = "asmctl stop 01M84WMNG8H3RTK84YEC65A4BX\n",
        .run = run,
};
