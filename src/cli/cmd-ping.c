/* SPDX-License-Identifier: MIT */

/*
 * `asmctl ping`: whether the daemon can be reached, and how fast. Connecting (epmd, TCP, handshake
 * with the cookie) and answering a call are told apart, because different things break them.
 */

#include "cli/command-private.h"

#define N_CALLS 5

static double
elapsed_ms(gint64 since_us)
{
        return (double)(g_get_monotonic_time() - since_us) / 1000;
}

static void
print_times(AsmOutput *output, const char *node, double connect_ms, double call_ms)
{
        g_autofree char *line = NULL;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        if (!output->is_json) {
                line = g_strdup_printf(
                        "%s answers in %.2f ms (best of %d calls); connected in %.1f ms",
                        node,
                        call_ms,
                        N_CALLS,
                        connect_ms);
                asm_output_line(output, line, /* may_cut= */ FALSE);
                return;
        }
        asm_builder_map(&value, 3);
        asm_builder_atom(&value, "node");
        asm_builder_text(&value, node);
        asm_builder_atom(&value, "connect_ms");
        asm_builder_double(&value, connect_ms);
        asm_builder_atom(&value, "round_trip_ms");
        asm_builder_double(&value, call_ms);
        asm_output_json(output, asm_builder_peek(&value));
}

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        gint64 start_us = g_get_monotonic_time();
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        double connect_ms, call_ms = G_MAXDOUBLE;

        if (operands[0] != NULL) {
                g_free(cli->globals.node);
                cli->globals.node = g_strdup(operands[0]);
        }
        if (!asm_cli_open(cli, error))
                return FALSE;
        connect_ms = elapsed_ms(start_us);
        asm_builder_nil(&args);
        for (guint i = 0; i < N_CALLS; i++) {
                g_autoptr(AsmTerm) answer = NULL;

                start_us = g_get_monotonic_time();
                answer = asm_cli_call(cli, "status", asm_builder_peek(&args), error);
                if (answer == NULL)
                        return FALSE;
                call_ms = MIN(call_ms, elapsed_ms(start_us));
        }
        print_times(&cli->output, asm_client_get_node(cli->client), connect_ms, call_ms);
        return TRUE;
}

const AsmCliCommand asm_cli_cmd_ping = {
        .name = "ping",
        .operands = "[NODE]",
        .max_operands = 1,
        .summary = "check that the daemon answers, and how fast",
        .help = "NODE is the daemon's node, as with --node.\n",
        .examples = "asmctl ping\n"
                    "asmctl ping asmd@build1\n",
        .run = run,
};
