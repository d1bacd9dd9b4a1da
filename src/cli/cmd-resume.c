/* SPDX-License-Identifier: MIT */

/*
 * `asmctl resume`: goes on with the conversation that the provider has kept of the session's last
 * run. `query --session` begins a new one in the same session: a session is what the daemon knows,
 * a conversation what the provider knows.
 */

#include "cli/query-private.h"

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        return asm_cli_resume(cli, options, operands, ASM_PRINT_TEXT, error);
}

const AsmCliCommand asm_cli_cmd_resume = {
        .name = "resume",
        .operands = "--session SESSION [PROMPT]",
        .max_operands = 1,
        .summary = "go on with the conversation of a session",
        .help = "As query, but the provider is told to take up the conversation of the last run\n"
                "of the session that got to one; query begins a new one, also with --session. The\n"
                "provider's program must be able to. Provider and conversation are the session's,\n"
                "so --provider and --resume are no options here; those that there are hold for\n"
                "this run only.\n",
        .examples = "asmctl resume --session 01M84WMNG8H3RTK84YEC65A4BX \"go on\"\n",
        .options = asm_cli_resume_options,
        .options_size = sizeof(AsmCliRequest),
        .run = run,
};
