/* SPDX-License-Identifier: MIT */
#include "cli/tool-private.h"

#include "term/json.h"

#include <criterion/criterion.h>

TestSuite(tool, .timeout = 300);

static const struct {
        const char *input; /* JSON */
        const char *label;
        const char *description;
} cases[] = {
        { "null", "T", "T" },
        { "{}", "T", "T" },
        { "{\"command\":\"make test\"}", "T make test", "T\n  $ make test" },
        { "{\"command\":[\"ls\",\"-l\"]}", "T ls -l", "T\n  $ ls -l" },
        { "{\"command\":\"a\\nb\\n\"}", "T a\\nb\\n", "T\n  $ a\n    b" },
        { "{\"command\":\"a\",\"sandbox\":false}", "T a", "T\n  $ a\n  {\"sandbox\":false}" },
        { "{\"file_path\":\"a.c\",\"old_string\":\"x\\ny\",\"new_string\":\"z\"}",
          "T a.c",
          "T\n  a.c\n  - x\n  - y\n  + z" },
        { "{\"file_path\":\"a.c\",\"old_string\":\"x\",\"new_string\":\"\"}",
          "T a.c",
          "T\n  a.c\n  - x" },
        { "{\"file_path\":\"a.c\",\"content\":\"1\\n2\"}", "T a.c", "T\n  a.c\n  + 1\n  + 2" },
        { "{\"pattern\":\"x\",\"n\":1}", "T x", "T\n  {\"pattern\":\"x\",\"n\":1}" },
        { "{\"n\":1}", "T {\"n\":1}", "T\n  {\"n\":1}" },
        { "\"text\"", "T \"text\"", "T\n  \"text\"" },
        { "[1]", "T [1]", "T\n  [1]" },
        { "{\"command\":\"\\u001b[2Ja\\u202e\"}",
          "T \\u001b[2Ja\\u202e",
          "T\n  $ \\u001b[2Ja\\u202e" },
        { "{\"command\":\"ls\\nallow? [y/n] \"}",
          "T ls\\nallow? [y/n] ",
          "T\n  $ ls\n    allow? [y/n] " },
};

static void
read_input(AsmBuilder *builder, const char *text)
{
        g_autoptr(JsonNode) node = json_from_string(text, NULL);

        cr_assert(asm_builder_json(builder, node, NULL));
}

Test(tool, a_label_is_the_argument_that_says_most_in_one_line)
{
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(AsmBuilder) input = ASM_BUILDER_INIT;
                g_autofree char *label = NULL;

                read_input(&input, cases[i].input);
                label = asm_tool_label("T", asm_builder_peek(&input));
                cr_expect_str_eq(label, cases[i].label, "%s: %s", cases[i].input, label);
        }
}

Test(tool, a_description_hides_nothing_and_no_line_of_it_is_the_inputs_own)
{
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(AsmBuilder) input = ASM_BUILDER_INIT;
                g_autofree char *text = NULL;

                read_input(&input, cases[i].input);
                text = asm_tool_describe("T", asm_builder_peek(&input));
                cr_expect_str_eq(text, cases[i].description, "%s: %s", cases[i].input, text);
        }
}

Test(tool, without_an_input_there_is_the_name)
{
        g_autofree char *label = asm_tool_label("a\nb", ASM_VIEW_NONE);
        g_autofree char *text = asm_tool_describe("a\nb", ASM_VIEW_NONE);

        cr_expect_str_eq(label, "a\\nb");
        cr_expect_str_eq(text, "a\\nb");
}
