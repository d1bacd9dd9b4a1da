/* SPDX-License-Identifier: MIT */
#include "cli/option-private.h"

#include "cli/error-private.h"

#include <criterion/criterion.h>

TestSuite(option, .timeout = 300);

typedef struct {
        char *name;
        guint ms;
        gboolean is_on;
        GStrv each;
} Values;

#define AT(member) G_STRUCT_OFFSET(Values, member)

static const AsmCliOption options[] = {
        { "name", 'n', ASM_CLI_TEXT, AT(name), "NAME", "a name" },
        { "time", 0, ASM_CLI_SECONDS, AT(ms), "SECONDS", "a time" },
        { "on", 'o', ASM_CLI_FLAG, AT(is_on), NULL, "a flag" },
        { "each", 'e', ASM_CLI_TEXTS, AT(each), "WORD", "words" },
        { NULL },
};

#define MAX_WORDS 8

/* the operands joined by '|', or the message in <> */
static char *
parse(const char *const *words, Values *values, gboolean stop_at_first)
{
        AsmCliOptionSet sets[] = { { NULL, NULL }, { options, values } };
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) operands =
                asm_cli_options_parse(sets, 2, (char **)words, stop_at_first, &error);

        if (operands != NULL)
                return g_strjoinv("|", (char **)operands->pdata);
        cr_expect(g_error_matches(error, ASM_CLI_ERROR, ASM_CLI_ERROR_USAGE));
        return g_strdup_printf("<%s>", error->message);
}

Test(option, every_way_to_write_an_option_is_understood)
{
        static const struct {
                const char *words[MAX_WORDS];
                const char *operands;
                const char *name;
                guint ms;
                gboolean is_on;
        } cases[] = {
                { { NULL }, "", NULL, 0, FALSE },
                { { "a", "b" }, "a|b", NULL, 0, FALSE },
                { { "--name", "x" }, "", "x", 0, FALSE },
                { { "--name=x" }, "", "x", 0, FALSE },
                { { "--name=x=y" }, "", "x=y", 0, FALSE },
                { { "-n", "x", "-o" }, "", "x", 0, TRUE },
                { { "a", "--on", "b" }, "a|b", NULL, 0, TRUE },
                { { "--name", "x", "--name", "y" }, "", "y", 0, FALSE },
                { { "--name", "--on" }, "", "--on", 0, FALSE },
                { { "--time", "1.5" }, "", NULL, 1500, FALSE },
                { { "--time=0.001" }, "", NULL, 1, FALSE },
                { { "--time=2592000" }, "", NULL, 2592000000, FALSE },
                { { "-", "--on" }, "-", NULL, 0, TRUE },
                { { "a", "--", "--on", "-" }, "a|--on|-", NULL, 0, FALSE },
                { { "--name", "\xC3\xBC" }, "", "\xC3\xBC", 0, FALSE },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                Values values = { 0 };
                g_autofree char *operands = NULL;

                operands = parse(cases[i].words, &values, /* stop_at_first= */ FALSE);
                cr_expect_str_eq(operands, cases[i].operands, "case %zu: %s", i, operands);
                cr_expect_eq(g_strcmp0(values.name, cases[i].name), 0, "case %zu", i);
                cr_expect_eq(values.ms, cases[i].ms, "case %zu: %u", i, values.ms);
                cr_expect_eq(values.is_on, cases[i].is_on, "case %zu", i);
                asm_cli_options_clear(options, &values);
                cr_expect_null(values.name);
        }
}

Test(option, what_is_wrong_is_named_as_it_was_typed)
{
        static const struct {
                const char *words[MAX_WORDS];
                const char *message;
        } cases[] = {
                { { "--nam", "x" }, "<there is no option --nam; did you mean --name?>" },
                { { "--names=x" }, "<there is no option --names; did you mean --name?>" },
                { { "-x" }, "<there is no option -x>" },
                { { "-on" }, "<there is no option -on>" },
                { { "--n", "x" }, "<there is no option --n; did you mean --name?>" },
                { { "--=x" }, "<there is no option -->" },
                { { "--name" }, "<option --name wants NAME>" },
                { { "-n" }, "<option -n wants NAME>" },
                { { "--name=" }, "<option --name must not be empty>" },
                { { "--on=yes" }, "<option --on takes no value>" },
                { { "--name", "\xFF" }, "<option --name: the value is not UTF-8>" },
                { { "--time", "0" },
                  "<option --time: '0' is no number of seconds from 0.001 to 2592000>" },
                { { "--time", "1s" },
                  "<option --time: '1s' is no number of seconds from 0.001 to 2592000>" },
                { { "--time", "nan" },
                  "<option --time: 'nan' is no number of seconds from 0.001 to 2592000>" },
                { { "--time", "2592001" },
                  "<option --time: '2592001' is no number of seconds from 0.001 to 2592000>" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                Values values = { 0 };
                g_autofree char *message = NULL;

                message = parse(cases[i].words, &values, /* stop_at_first= */ FALSE);
                cr_expect_str_eq(message, cases[i].message, "case %zu: %s", i, message);
                cr_expect_null(values.name);
        }
}

Test(option, an_option_of_many_values_keeps_each_in_its_order)
{
        const char *words[] = { "--each", "a", "b", "-e", "c=d", "--each=", NULL };
        const char *good[] = { "--each", "a", "b", "-e", "c=d", "--each=a", NULL };
        Values values = { 0 };
        g_autofree char *refused = parse(words, &values, FALSE);
        g_autofree char *operands = NULL, *joined = NULL;

        cr_expect_str_eq(refused, "<option --each must not be empty>");
        asm_cli_options_clear(options, &values);
        cr_expect_null(values.each);
        operands = parse(good, &values, FALSE);
        joined = g_strjoinv(" ", values.each);
        cr_expect_str_eq(operands, "b");
        cr_expect_str_eq(joined, "a c=d a");
        asm_cli_options_clear(options, &values);
}

Test(option, what_is_behind_the_first_operand_can_be_left_alone)
{
        Values values = { 0 };
        const char *words[] = { "--on", "command", "--strange", "x", NULL };
        g_autofree char *operands = parse(words, &values, /* stop_at_first= */ TRUE);

        cr_expect_str_eq(operands, "command|--strange|x");
        cr_expect(values.is_on);
}

Test(option, the_help_has_a_line_for_each)
{
        g_autoptr(GString) help = g_string_new(NULL);

        asm_cli_options_help(help, options);
        cr_expect_str_eq(help->str,
                         "  -n, --name NAME            a name\n"
                         "      --time SECONDS         a time\n"
                         "  -o, --on                   a flag\n"
                         "  -e, --each WORD            words\n");
}
