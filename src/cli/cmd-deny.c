/* SPDX-License-Identifier: MIT */

/* `asmctl deny`: refuses a tool that a run has asked for; the run goes on without it. */

#include "cli/approval-private.h"
#include "cli/command-private.h"

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        return asm_cli_decide(cli, operands, /* is_allowed= */ FALSE, error);
}

const AsmCliCommand asm_cli_cmd_deny = {
        .name = "deny",
        .operands = "SESSION APPROVAL",
        .min_operands = 2,
        .max_operands = 2,
        .summary = "refuse a tool call that waits for permission",
        .help = "The agent is told and goes on without the tool. See 'asmctl help approve'.\n",
        .examples = "asmctl deny 01M84WMNG8H3RTK84YEC65A4BX 01a3b2e4-5d21\n",
        .run = run,
};
