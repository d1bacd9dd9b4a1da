/* SPDX-License-Identifier: MIT */

/*
 * `asmctl interrupt`: ends a run that another client has started. A run that waits for its turn is
 * removed, one that is active gets its provider stopped; who asked for it is told user_cancelled.
 */

#include "cli/command-private.h"

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) answer = NULL;
        AsmView value;

        asm_cli_put_texts(&args, (const char *const *)operands);
        answer = asm_cli_ask(cli, "interrupt", asm_builder_peek(&args), &value, error);
        if (answer != NULL && cli->output.is_json)
                asm_output_json(&cli->output, value);
        return answer != NULL;
}

const AsmCliCommand asm_cli_cmd_interrupt = {
        .name = "interrupt",
        .operands = "SESSION RUN",
        .min_operands = 2,
        .max_operands = 2,
        .summary = "end a run",
        .help = "A run that waits is taken out of the queue. 'asmctl sessions' shows the ids of\n"
                "sessions and their runs.\n",
        .examples = "asmctl interrupt 01M84WMNG8H3RTK84YEC65A4BX 01M84WKFDRHACFYC0KG3EZWSZ2\n",
        .run = run,
};
