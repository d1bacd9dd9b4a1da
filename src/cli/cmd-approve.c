/* SPDX-License-Identifier: MIT */

/* `asmctl approve`: lets a tool run that a run has asked for. */

#include "cli/approval-private.h"
#include "cli/command-private.h"

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        return asm_cli_decide(cli, operands, /* is_allowed= */ TRUE, error);
}

const AsmCliCommand asm_cli_cmd_approve = {
        .name = "approve",
        .operands = "SESSION APPROVAL",
        .min_operands = 2,
        .max_operands = 2,
        .summary = "allow a tool call that waits for it",
        .help = "'asmctl approvals SESSION' shows what waits. The first answer stands: one that\n"
                "comes after another, or after the time that the run gives for it (2 minutes,\n"
                "unless it was started with another), is refused with status 4.\n",
        .examples = "asmctl approve 01M84WMNG8H3RTK84YEC65A4BX 01a3b2e4-5d21\n",
        .run = run,
};
