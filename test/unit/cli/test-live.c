/* SPDX-License-Identifier: MIT */
#include "cli/live-private.h"

#include "cli/text-private.h"
#include "screen.h"
#include "term/builder.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(live, .timeout = 300);

typedef struct {
        Screen screen;
        AsmLive *live;
} Run;

static void
run_init(Run *run)
{
        screen_init(&run->screen, /* is_terminal= */ TRUE);
        run->screen.output.is_live = TRUE;
        run->live =
                asm_live_new(&run->screen.output, /* is_verbose= */ FALSE, /* is_still= */ FALSE);
}

static void
run_clear(Run *run)
{
        g_clear_pointer(&run->live, asm_live_free);
        screen_clear(&run->screen);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* @id, @text: NULL for nil */
static gboolean
feed(Run *run, AsmEventKind kind, const char *id, const char *text, gboolean is_error)
{
        g_auto(AsmBuilder) payload = ASM_BUILDER_INIT;

        asm_builder_map(&payload, 4);
        asm_builder_atom(&payload, "tool_call_id");
        asm_builder_text(&payload, id);
        asm_builder_atom(&payload, "tool_name");
        asm_builder_text(&payload, text);
        asm_builder_atom(&payload, "content");
        asm_builder_text(&payload, text);
        asm_builder_atom(&payload, "is_error");
        asm_builder_bool(&payload, is_error);
        return asm_live_feed(run->live, kind, asm_builder_peek(&payload), /* event_us= */ 0);
}

Test(live, a_result_ends_the_call_with_its_id_and_without_one_the_oldest)
{
        g_auto(Run) run;
        const char *good, *bad;

        run_init(&run);
        cr_expect(feed(&run, ASM_EVENT_TOOL_USE, "a", "One", FALSE));
        cr_expect(feed(&run, ASM_EVENT_TOOL_USE, "b", "Two", FALSE));
        cr_expect(feed(&run, ASM_EVENT_TOOL_USE, NULL, "Three", FALSE));
        cr_expect(feed(&run, ASM_EVENT_TOOL_RESULT, "b", NULL, FALSE));
        cr_expect_not(feed(&run, ASM_EVENT_TOOL_RESULT, "c", NULL, FALSE), "there is no such call");
        cr_expect(feed(&run, ASM_EVENT_TOOL_RESULT, NULL, "why", TRUE));
        g_clear_pointer(&run.live, asm_live_free);
        good = strstr(screen_err(&run.screen), "✓ Two  ");
        bad = strstr(screen_err(&run.screen), "✗ One  ");

        cr_expect(good != NULL && bad != NULL && good < bad);
        cr_expect_not_null(strstr(screen_err(&run.screen), "\n  why\n"));
        cr_expect_not_null(strstr(screen_err(&run.screen), "· Three  no result\n"));
}

Test(live, what_is_thought_is_said_in_one_line_when_it_goes_on)
{
        g_auto(Run) run;

        run_init(&run);
        cr_expect(feed(&run, ASM_EVENT_THINKING, NULL, "one two", FALSE));
        cr_expect(feed(&run, ASM_EVENT_THINKING, NULL, " three", FALSE));
        cr_expect_not(feed(&run, ASM_EVENT_RAW, NULL, "x", FALSE));
        cr_expect_not(feed(&run, ASM_EVENT_ASSISTANT_MESSAGE, NULL, "", FALSE));
        cr_expect_null(strstr(screen_err(&run.screen), "thought"));
        asm_live_before_text(run.live);
        cr_expect_not_null(strstr(screen_err(&run.screen), "· thought, 3 words; -v shows them\n"));
}

Test(live, what_is_said_elsewhere_is_left_to_others)
{
        g_auto(Run) run;

        run_init(&run);
        cr_expect_not(feed(&run, ASM_EVENT_ASSISTANT_DELTA, NULL, "x", FALSE));
        cr_expect_not(feed(&run, ASM_EVENT_APPROVAL_REQUESTED, NULL, "x", FALSE));
        cr_expect_not(feed(&run, ASM_EVENT_STDERR, NULL, "x", FALSE));
        cr_expect_not(feed(&run, ASM_EVENT_TOOL_RESULT, NULL, "x", FALSE));
}

Test(live, a_label_leaves_room_for_what_stands_behind_it)
{
        static const struct {
                const char *text;
                guint columns;
                const char *clipped;
        } cases[] = {
                { "abcdefghij", 0, "abcdefghij" },   { "abcdefghij", 20, "abcdefghij" },
                { "abcdefghij", 19, "abcdefgh…" },   { "abcdefghij", 1, "abcdefg…" },
                { "漢字漢字漢字", 20, "漢字漢字…" }, { "ab", 1, "ab" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GString) text = g_string_new(cases[i].text);

                asm_text_clip_for(text, cases[i].columns, 2, "  1.0 s");
                cr_expect_str_eq(text->str, cases[i].clipped, "case %zu: %s", i, text->str);
        }
}

Test(live, the_region_is_not_drawn_into_a_line_or_a_question)
{
        const char *lines[] = { "moving", NULL };
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ TRUE);
        screen.output.is_live = TRUE;
        asm_output_text(&screen.output, "half", 4);
        asm_output_region_draw(&screen.output, lines);
        cr_expect_str_eq(screen_err(&screen), "");
        asm_output_text(&screen.output, "\n", 1);
        asm_output_ask(&screen.output, "Bash", "allow? ");
        asm_output_region_draw(&screen.output, lines);
        cr_expect_null(strstr(screen_err(&screen), "moving"));
        asm_output_answered(&screen.output);
        asm_output_region_draw(&screen.output, lines);
        cr_expect(g_str_has_suffix(screen_err(&screen), "moving"));
        asm_output_note(&screen.output, "said");
        cr_expect(g_str_has_suffix(screen_err(&screen), "moving\r\033[Jsaid\n"));
}
