/* SPDX-License-Identifier: MIT */

/*
 * `asmctl metrics`: what the daemon counts, in the text form that Prometheus reads: the same that its
 * endpoint would say, but over the API, with its rights.
 */

#include "cli/command-private.h"

#include "api/metrics.h"

#include <string.h>

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) answer = NULL;
        g_autofree char *text = NULL;
        AsmView metrics;

        asm_builder_nil(&args);
        answer = asm_cli_ask(cli, "metrics", asm_builder_peek(&args), &metrics, error);
        if (answer == NULL)
                return FALSE;
        if (cli->output.is_json) {
                asm_output_json(&cli->output, metrics);
                return TRUE;
        }
        text = asm_metrics_to_text(metrics);
        asm_output_text(&cli->output, text, strlen(text));
        return TRUE;
}

const AsmCliCommand asm_cli_cmd_metrics = {
        .name = "metrics",
        .summary = "show what the daemon counts, as Prometheus reads it",
        .help = "The same as the daemon's endpoint says; see [metrics] in asmd.conf(5).\n",
        .examples = "asmctl metrics\n"
                    "asmctl metrics | grep asmd_runs\n",
        .run = run,
};
