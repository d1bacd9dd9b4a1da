/* SPDX-License-Identifier: MIT */

/*
 * `asmctl approvals`: the tool calls of a session that wait for permission, one line each. The
 * first column is what `approve` and `deny` want; with --json the input is whole and the time of
 * the question is there.
 */

#include "cli/approval-private.h"
#include "cli/command-private.h"
#include "cli/table-private.h"

#include "term/reader.h"

static void
print_approvals(AsmOutput *output, AsmView approvals)
{
        static const char *const headings[] = { "APPROVAL", "RUN", "TOOL", "INPUT", NULL };
        g_autoptr(AsmTable) table = asm_table_new(headings);
        AsmListCursor cursor = asm_view_list(approvals);
        AsmView view;

        while (asm_list_next(&cursor, &view)) {
                g_autoptr(AsmCliApproval) approval = asm_cli_approval_read(view);

                if (approval != NULL)
                        asm_table_add(table,
                                      (const char *const[]){ approval->id,
                                                             approval->run_id,
                                                             approval->tool,
                                                             approval->input });
        }
        asm_table_print(table, output);
}

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) answer = NULL;
        AsmView approvals;

        asm_cli_put_texts(&args, (const char *const *)operands);
        answer = asm_cli_ask(cli, "approvals", asm_builder_peek(&args), &approvals, error);
        if (answer == NULL)
                return FALSE;
        if (cli->output.is_json)
                asm_output_json(&cli->output, approvals);
        else
                print_approvals(&cli->output, approvals);
        return TRUE;
}

const AsmCliCommand asm_cli_cmd_approvals = {
        .name = "approvals",
        .operands = "SESSION",
        .min_operands = 1,
        .max_operands = 1,
        .summary = "list the tool calls that wait for permission",
        .help = "A line per call: the id for approve and deny, the run, the tool and its input.\n"
                "On a terminal lines are cut at its edge; with --json everything is there, and\n"
                "when it was asked for.\n",
        .examples = "asmctl approvals 01M84WMNG8H3RTK84YEC65A4BX\n",
        .run = run,
};
