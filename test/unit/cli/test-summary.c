/* SPDX-License-Identifier: MIT */
#include "cli/summary-private.h"

#include "term/builder.h"

#include <criterion/criterion.h>

TestSuite(summary, .timeout = 300);

Test(summary, it_tells_what_the_result_tells)
{
        static const struct {
                gint64 duration_ms; /* -1: none */
                gint64 n_in, n_out;
                double usd;
                const char *line;
        } cases[] = {
                { 2100, 120, 45, 0.012, "run r: 2.1 s, 120 tokens in, 45 tokens out, $0.0120" },
                { 10, 0, 45, 1.5, "run r: 10 ms, 45 tokens out, $1.50" },
                { 10, 0, 0, 0, "run r: 10 ms" },
                { -1, 1, 0, 0, "run r: 77 ms, 1 tokens in" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(AsmBuilder) result = ASM_BUILDER_INIT;
                g_autofree char *line = NULL;

                asm_builder_map(&result, 2);
                asm_builder_atom(&result, "duration_ms");
                if (cases[i].duration_ms >= 0)
                        asm_builder_int(&result, cases[i].duration_ms);
                else
                        asm_builder_nil_atom(&result);
                asm_builder_atom(&result, "cost");
                asm_builder_map(&result, 3);
                asm_builder_atom(&result, "input_tokens");
                asm_builder_int(&result, cases[i].n_in);
                asm_builder_atom(&result, "output_tokens");
                asm_builder_int(&result, cases[i].n_out);
                asm_builder_atom(&result, "cost_usd");
                asm_builder_double(&result, cases[i].usd);
                line = asm_cli_run_summary("r", asm_builder_peek(&result), 77);

                cr_expect_str_eq(line, cases[i].line, "case %zu: %s", i, line);
        }
}
