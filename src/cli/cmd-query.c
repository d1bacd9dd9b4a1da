/* SPDX-License-Identifier: MIT */

/*
 * `asmctl query`: the answer to a prompt on standard output, as it comes. What it is for: a person
 * at a terminal, and a script that wants the text: TEXT=$(asmctl query "...").
 */

#include "cli/query-private.h"

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        return asm_cli_query(cli, options, operands, ASM_PRINT_TEXT, error);
}

const AsmCliCommand asm_cli_cmd_query = {
        .name = "query",
        .operands = "[PROMPT]",
        .max_operands = 1,
        .summary = "run a prompt, print the answer as it comes",
        .help = "The prompt is the operand, or standard input if there is none or it is '-'.\n"
                "The assistant's text goes to standard output and nothing else; tool calls and a\n"
                "last line with run id, time, tokens and cost go to standard error. With --json\n"
                "every event is a line of JSON, the last line is the result or the error.\n"
                "ctrl-C interrupts the run, a second one leaves without waiting for its end.\n",
        .examples =
                "asmctl query --cwd . \"which licence has this project?\"\n"
                "asmctl query --provider codex --remote backend@build1 \"mend the failing test\"\n"
                "asmctl --json query --model opus \"say hello\" | tail -n 1\n",
        .options = asm_cli_query_options,
        .options_size = sizeof(AsmCliRequest),
        .run = run,
};
