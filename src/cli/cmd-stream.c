/* SPDX-License-Identifier: MIT */

/*
 * `asmctl stream`: the same run as `query`, seen as what it is made of: one line per event. For
 * watching what an agent does, and for grep.
 */

#include "cli/query-private.h"

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        return asm_cli_query(cli, options, operands, ASM_PRINT_LINES, error);
}

const AsmCliCommand asm_cli_cmd_stream = {
        .name = "stream",
        .operands = "[PROMPT]",
        .max_operands = 1,
        .summary = "run a prompt, print one line per event",
        .help = "As query, but standard output gets one line per event: number, kind, and what\n"
                "the event says most of all. On a terminal lines are cut at its edge.\n",
        .examples = "asmctl stream \"tidy up\"\n"
                    "asmctl stream --session 01M84WMNG8H3RTK84YEC65A4BX \"and now?\" | awk '$2 == "
                    "\"tool_use\"'\n",
        .options = asm_cli_query_options,
        .options_size = sizeof(AsmCliRequest),
        .run = run,
};
