/* SPDX-License-Identifier: MIT */
#include "cli/output-private.h"

#include "cli/error-private.h"
#include "screen.h"
#include "term/builder.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(output, .timeout = 300);

#define FOREIGN      "a\033[2J\xC3\xBC\xF0\x9F\x98\x80\xE2\x80\xAEz"
#define FOREIGN_SAFE "a\\u001b[2J\xC3\xBC\xF0\x9F\x98\x80\\u202ez"

Test(output, a_pipe_gets_the_text_to_the_byte)
{
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ FALSE);
        asm_output_text(&screen.output, FOREIGN, strlen(FOREIGN));
        cr_expect_str_eq(screen_out(&screen), FOREIGN);
}

Test(output, a_terminal_gets_safe_text_wherever_it_was_cut)
{
        gsize len = strlen(FOREIGN);

        for (gsize cut = 0; cut <= len; cut++) {
                g_auto(Screen) screen;

                screen_init(&screen, /* is_terminal= */ TRUE);
                asm_output_text(&screen.output, FOREIGN, cut);
                asm_output_text(&screen.output, &FOREIGN[cut], len - cut);
                cr_expect_str_eq(screen_out(&screen), FOREIGN_SAFE, "cut at %zu", cut);
        }
}

Test(output, a_character_that_never_gets_complete_is_replaced_at_the_end)
{
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ TRUE);
        asm_output_text(&screen.output, "x\xF0\x9F", 3);
        asm_output_end_line(&screen.output);
        cr_expect_str_eq(screen_out(&screen), "x\xEF\xBF\xBD\n");
}

Test(output, the_last_line_is_completed_once)
{
        static const struct {
                const char *text;
                const char *out;
        } cases[] = { { "", "" }, { "a", "a\n" }, { "a\n", "a\n" }, { "a\n\n", "a\n\n" } };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Screen) screen;

                screen_init(&screen, /* is_terminal= */ FALSE);
                asm_output_text(&screen.output, cases[i].text, strlen(cases[i].text));
                asm_output_end_line(&screen.output);
                asm_output_end_line(&screen.output);
                cr_expect_str_eq(screen_out(&screen), cases[i].out);
        }
}

Test(output, a_note_is_not_glued_to_a_half_line_of_the_same_screen)
{
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ TRUE);
        asm_output_text(&screen.output, "half", 4);
        asm_output_note(&screen.output, "note %d", 1);
        asm_output_end_line(&screen.output);
        cr_expect_str_eq(screen_out(&screen), "half");
        cr_expect_str_eq(screen_err(&screen), "\nnote 1\n");
}

Test(output, a_note_leaves_a_pipe_alone)
{
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ FALSE);
        asm_output_text(&screen.output, "half", 4);
        asm_output_note(&screen.output, "note");
        asm_output_end_line(&screen.output);
        cr_expect_str_eq(screen_out(&screen), "half\n");
        cr_expect_str_eq(screen_err(&screen), "note\n");
}

Test(output, notes_and_errors_are_always_safe)
{
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ FALSE);
        asm_output_note(&screen.output, "a%s", "\033[2J");
        asm_output_error(&screen.output, "b\033c\nd");
        cr_expect_str_eq(screen_err(&screen), "a\\u001b[2J\nasmctl: b\\u001bc\nd\n");
}

Test(output, colour_is_around_notes_and_errors_only_if_wanted)
{
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ TRUE);
        screen.output.has_colour = TRUE;
        asm_output_note(&screen.output, "n");
        asm_output_error(&screen.output, "e");
        cr_expect_str_eq(screen_err(&screen), "\033[2mn\033[0m\n\033[31masmctl: e\033[0m\n");
}

Test(output, whatever_is_shown_next_completes_the_line_of_a_question)
{
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ TRUE);
        screen.output.has_colour = TRUE;
        asm_output_ask(&screen.output, "a\033b\nc", "well? ");
        cr_expect(screen.output.is_asking);
        asm_output_text(&screen.output, "text\n", 5);
        cr_expect_not(screen.output.is_asking);
        asm_output_ask(&screen.output, "d", "well? ");
        asm_output_ask(&screen.output, "e", "well? ");
        cr_expect_str_eq(screen_err(&screen), "a\\u001bb\nc\nwell? \nd\nwell? \ne\nwell? ");
}

Test(output, an_answered_question_has_its_line_completed_by_the_terminal)
{
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ TRUE);
        asm_output_ask(&screen.output, "a", "well? ");
        asm_output_answered(&screen.output);
        asm_output_error(&screen.output, "b");
        cr_expect_str_eq(screen_err(&screen), "a\nwell? asmctl: b\n");
}

Test(output, what_goes_to_a_pipe_leaves_a_question_alone)
{
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ TRUE);
        screen.output.out_is_terminal = FALSE;
        asm_output_ask(&screen.output, "a", "well? ");
        asm_output_text(&screen.output, "text\n", 5);
        cr_expect(screen.output.is_asking);
        cr_expect_str_eq(screen_out(&screen), "text\n");
}

Test(output, lines_are_cut_at_the_edge_of_a_terminal_when_they_may_be)
{
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ TRUE);
        screen.output.columns = 4;
        asm_output_line(&screen.output, "abcdef", /* may_cut= */ TRUE);
        asm_output_line(&screen.output, "abcdef", /* may_cut= */ FALSE);
        asm_output_line(&screen.output, "a\nb", /* may_cut= */ TRUE);
        cr_expect_str_eq(screen_out(&screen), "abc\xE2\x80\xA6\nabcdef\na\\nb\n");
}

Test(output, json_is_one_line)
{
        g_auto(Screen) screen;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        screen_init(&screen, /* is_terminal= */ TRUE);
        asm_builder_text(&value, "a\nb\033\177");
        asm_output_json(&screen.output, asm_builder_peek(&value));
        cr_expect_str_eq(screen_out(&screen), "\"a\\nb\\u001b\\u007f\"\n");
}

Test(output, a_full_disk_is_an_error_that_is_told)
{
        g_autoptr(GError) error = NULL;
        FILE *full = fopen("/dev/full", "w");
        AsmOutput output;

        cr_assert_not_null(full);
        asm_output_init(&output, full, stderr);
        cr_expect_not(asm_output_is_broken(&output));
        asm_output_text(&output, "x", 1);
        cr_expect(asm_output_is_broken(&output));
        cr_expect_not(asm_output_check(&output, &error));
        cr_expect_eq(asm_cli_exit_code(error), 1);
        (void)fclose(full);
}

Test(output, all_that_arrived_is_no_error)
{
        g_autoptr(GError) error = NULL;
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ FALSE);
        asm_output_text(&screen.output, "x", 1);
        cr_expect(asm_output_check(&screen.output, &error));
        cr_expect_null(error);
}
