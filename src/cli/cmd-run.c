/* SPDX-License-Identifier: MIT */

/*
 * `asmctl run`: a prompt, an agent, an answer, and nothing else: no daemon, no epmd, no
 * configuration. It is `query` with the daemon in this program.
 */

#include "cli/query-private.h"

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        return asm_cli_run(cli, options, operands, ASM_PRINT_TEXT, error);
}

const AsmCliCommand asm_cli_cmd_run = {
        .name = "run",
        .heading = "Runs",
        .operands = "[PROMPT]",
        .max_operands = 1,
        .summary = "run a prompt here, without a daemon",
        .help = "As query, with the same options but for --session: asmctl runs the agent itself,\n"
                "and no daemon, no epmd and no configuration is needed. The run ends with asmctl:\n"
                "ctrl-C interrupts it, a second one kills it. A tool that needs permission is\n"
                "asked for on the terminal; where there is none it is denied, as nobody else\n"
                "could answer.\n"
                "\n"
                "With --remote the agent runs on that BEAM node, whose cookie is read from\n"
                "--cookie-file.\n",
        .examples = "asmctl run \"what does this project do?\"\n"
                    "asmctl run --provider codex --permission plan --cwd src \"find the leak\"\n"
                    "git diff | asmctl run --schema review.json - | jq .\n",
        .options = asm_cli_run_options,
        .options_size = sizeof(AsmCliRequest),
        .run = run,
};
