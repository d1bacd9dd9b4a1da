/* SPDX-License-Identifier: MIT */
/*
 * Metrics as text: what another node says never becomes a line that it has not.
 */
#include "api/metrics.h"

#include "erlang.h"

#include <criterion/criterion.h>

TestSuite(api_metrics, .timeout = 300);

static const struct {
        const char *term;
        const char *text;
} cases[] = {
        { "[]", "" },
        { "[#{name => <<\"a_total\">>, type => counter, help => <<\"It is.\">>, samples => "
          "[#{name => <<\"a_total\">>, labels => #{}, value => 7}]}]",
          "# HELP a_total It is.\n# TYPE a_total counter\na_total 7\n" },
        { "[#{name => <<\"a\">>, type => gauge, help => <<\"x\">>, samples => "
          "[#{name => <<\"a\">>, labels => #{p => <<\"q\">>}, value => 5}]}]",
          "# HELP a x\n# TYPE a gauge\na{p=\"q\"} 5\n" },
        /* escapes */
        { "[#{name => <<\"a\">>, type => gauge, help => <<\"x\ny\\\\z\">>, samples => "
          "[#{name => <<\"a\">>, labels => #{p => <<\"q\\\"\nb 1\">>}, value => 1}]}]",
          "# HELP a x\\ny\\\\z\n# TYPE a gauge\na{p=\"q\\\"\\nb 1\"} 1\n" },
        /* no names */
        { "[#{name => <<\"a b\">>, type => gauge, help => <<\"x\">>, samples => []}]", "" },
        { "[#{name => <<\"1a\">>, type => gauge, help => <<\"x\">>, samples => []}]", "" },
        { "[#{name => <<\"a\">>, type => <<\"ga uge\">>, help => <<\"x\">>, samples => []}]", "" },
        { "[#{name => <<\"a\">>, type => gauge, samples => "
          "[#{name => <<\"b\">>, labels => #{}, value => 1}, "
          "#{name => <<\"a\">>, labels => #{<<\"p q\">> => <<\"v\">>}, value => 2}]}]",
          "# TYPE a gauge\na 2\n" },
        /* no numbers, no maps */
        { "[#{name => <<\"a\">>, type => gauge, samples => "
          "[#{name => <<\"a\">>, labels => #{}, value => many}, 7, <<\"a\">>]}, 7, a]",
          "# TYPE a gauge\n" },
        { "#{}", "" },
        { "7", "" },
};

Test(api_metrics, what_has_no_form_is_left_out)
{
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(AsmTerm) term = test_term(cases[i].term);
                g_autofree char *text = asm_metrics_to_text(asm_term_view(term));

                cr_expect_str_eq(text, cases[i].text, "%s: %s", cases[i].term, text);
        }
}
