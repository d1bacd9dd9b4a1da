/* SPDX-License-Identifier: MIT */
#include "cli/prompt-private.h"

#include "cli/error-private.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(prompt, .timeout = 300);

/* a file that holds @text, at its start */
static int
file_with(const char *text, gsize len)
{
        FILE *file = tmpfile();

        cr_assert_not_null(file);
        cr_assert_eq(fwrite(text, 1, len, file), len);
        (void)fflush(file);
        cr_assert_eq(lseek(fileno(file), 0, SEEK_SET), 0);
        return fileno(file);
}

Test(prompt, it_is_the_operand_or_else_what_comes_in)
{
        static const struct {
                const char *operand;
                const char *input;
                const char *prompt;
        } cases[] = {
                { "hello", "unread", "hello" },
                { "a\n", "", "a\n" },
                { NULL, "from a file\n", "from a file" },
                { "-", "from a file", "from a file" },
                { "-", "two\nlines\n\n", "two\nlines\n" },
                { "--", "", "--" },
                { NULL, "\xC3\xBC", "\xC3\xBC" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                int fd = file_with(cases[i].input, strlen(cases[i].input));
                g_autoptr(GError) error = NULL;
                g_autofree char *prompt = asm_cli_prompt_read(cases[i].operand, fd, &error);

                cr_assert_null(error, "case %zu", i);
                cr_expect_str_eq(prompt, cases[i].prompt, "case %zu: %s", i, prompt);
        }
}

Test(prompt, what_is_no_text_is_refused)
{
        static const struct {
                const char *input;
                gsize len;
                const char *message;
        } cases[] = {
                { "", 0, "the prompt is empty" },
                { "\n", 1, "the prompt is empty" },
                { "a\xFF", 2, "the prompt is not UTF-8 text" },
                { "a\0b", 3, "the prompt is not UTF-8 text" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                int fd = file_with(cases[i].input, cases[i].len);
                g_autoptr(GError) error = NULL;

                cr_expect_null(asm_cli_prompt_read(NULL, fd, &error));
                cr_expect_str_eq(error->message, cases[i].message);
                cr_expect_eq(asm_cli_exit_code(error), 2);
        }
}

Test(prompt, the_longest_one_is_taken_and_one_byte_more_is_not)
{
        for (gsize more = 0; more <= 1; more++) {
                gsize len = ASM_PROMPT_MAX + more;
                g_autofree char *text = g_strnfill(len, 'x');
                int fd = file_with(text, len);
                g_autoptr(GError) error = NULL;
                g_autofree char *prompt = asm_cli_prompt_read("-", fd, &error);

                cr_expect_eq(prompt == NULL, more == 1);
                cr_expect(more == 0 || strstr(error->message, "16777216 bytes") != NULL);
        }
}

Test(prompt, what_cannot_be_read_is_an_error)
{
        g_autoptr(GError) error = NULL;

        cr_expect_null(asm_cli_prompt_read("-", -1, &error));
        cr_expect(g_str_has_prefix(error->message, "cannot read the prompt: "));
}
