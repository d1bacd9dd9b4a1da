/* SPDX-License-Identifier: MIT */
#include "cli/printer-private.h"

#include "event/event.h"
#include "screen.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(printer, .timeout = 300);

/* one event of a conversation; a kind that needs more than a text has its own below */
typedef struct {
        AsmEventKind kind;
        const char *text;
} Said;

#define END                                                                                        \
        {                                                                                          \
                ASM_EVENT_OTHER, NULL                                                              \
        }
#define MAX_SAID 8

static void
put_payload(AsmBuilder *payload, const Said *said)
{
        if (said->kind == ASM_EVENT_TOOL_USE) {
                asm_builder_payload_begin(payload, said->kind, 2, ASM_VIEW_NONE);
                asm_builder_atom(payload, "tool_name");
                asm_builder_text(payload, said->text);
                asm_builder_atom(payload, "input");
                asm_builder_map(payload, 1);
                asm_builder_text(payload, "command");
                asm_builder_text(payload, "ls\n-l");
        } else if (said->kind == ASM_EVENT_TOOL_RESULT) {
                asm_builder_payload_begin(payload, said->kind, 2, ASM_VIEW_NONE);
                asm_builder_atom(payload, "content");
                asm_builder_text(payload, said->text);
                asm_builder_atom(payload, "is_error");
                asm_builder_bool(payload, strcmp(said->text, "bad") == 0);
        } else if (said->kind == ASM_EVENT_ASSISTANT_MESSAGE) {
                asm_builder_payload_begin(payload, said->kind, 1, ASM_VIEW_NONE);
                asm_builder_atom(payload, "content");
                asm_builder_list(payload, 3);
                asm_builder_text(payload, "");
                asm_builder_map(payload, 2);
                asm_builder_text(payload, "type");
                asm_builder_text(payload, "tool_use");
                asm_builder_text(payload, "text");
                asm_builder_text(payload, "not this");
                asm_builder_map(payload, 2);
                asm_builder_atom(payload, "type");
                asm_builder_atom(payload, "text");
                asm_builder_atom(payload, "text");
                asm_builder_text(payload, said->text);
                asm_builder_nil(payload);
        } else {
                asm_builder_payload_begin(payload, said->kind, 1, ASM_VIEW_NONE);
                asm_builder_atom(payload, "content");
                asm_builder_text(payload, said->text);
        }
}

static void
feed(AsmEventPrinter *printer, const Said *said, guint sequence)
{
        g_auto(AsmBuilder) payload = ASM_BUILDER_INIT, builder = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) event = ASM_BUILDER_INIT;
        AsmEventFrame frame = { .run_id = "r", .session_id = "s", .provider = "claude" };
        AsmCoreEventSpec spec = { .kind = said->kind, .provider = "claude", .id = 1 };
        AsmCoreEvent core;
        g_auto(AsmBuilder) metadata = ASM_BUILDER_INIT;

        put_payload(&payload, said);
        spec.sequence = sequence;
        spec.payload = asm_builder_peek(&payload);
        asm_builder_map(&metadata, 0);
        frame.metadata = asm_builder_peek(&metadata);
        asm_builder_core_event(&builder, &spec);
        cr_assert(asm_core_event_from_view(asm_builder_peek(&builder), &core));
        asm_builder_event(&event, &frame, &core, sequence, 0);
        asm_event_printer_feed(printer, asm_builder_peek(&event));
}

static void
play(Screen *screen, AsmPrintForm form, const Said *said)
{
        AsmEventPrinter printer;

        asm_event_printer_init(&printer, &screen->output, form);
        for (guint i = 0; said[i].text != NULL; i++)
                feed(&printer, &said[i], i + 1);
        asm_event_printer_end(&printer);
}

Test(printer, text_is_printed_once_however_it_is_told)
{
        static const struct {
                Said said[MAX_SAID];
                const char *out;
        } cases[] = {
                { { END }, "" },
                { { { ASM_EVENT_ASSISTANT_DELTA, "Hel" },
                    { ASM_EVENT_ASSISTANT_DELTA, "lo" },
                    END },
                  "Hello\n" },
                { { { ASM_EVENT_ASSISTANT_MESSAGE, "Hello\n" }, END }, "Hello\n" },
                { { { ASM_EVENT_ASSISTANT_DELTA, "Hel" },
                    { ASM_EVENT_ASSISTANT_DELTA, "lo" },
                    { ASM_EVENT_ASSISTANT_MESSAGE, "Hello" },
                    END },
                  "Hello\n" },
                { { { ASM_EVENT_ASSISTANT_DELTA, "Hel" },
                    { ASM_EVENT_ASSISTANT_MESSAGE, "Hello" },
                    END },
                  "Hello\n" },
                { { { ASM_EVENT_ASSISTANT_DELTA, "Hel" },
                    { ASM_EVENT_ASSISTANT_MESSAGE, "Bye" },
                    END },
                  "Hel\nBye\n" },
                { { { ASM_EVENT_ASSISTANT_DELTA, "Hello" },
                    { ASM_EVENT_ASSISTANT_MESSAGE, "Hell" },
                    END },
                  "Hello\nHell\n" },
                { { { ASM_EVENT_ASSISTANT_MESSAGE, "a" },
                    { ASM_EVENT_ASSISTANT_MESSAGE, "a" },
                    END },
                  "aa\n" },
                { { { ASM_EVENT_ASSISTANT_DELTA, "a" },
                    { ASM_EVENT_ASSISTANT_MESSAGE, "a" },
                    { ASM_EVENT_ASSISTANT_DELTA, "a" },
                    { ASM_EVENT_ASSISTANT_MESSAGE, "a" },
                    END },
                  "aa\n" },
                { { { ASM_EVENT_THINKING, "hm" }, { ASM_EVENT_RAW, "x" }, END }, "" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Screen) screen;

                screen_init(&screen, /* is_terminal= */ FALSE);
                play(&screen, ASM_PRINT_TEXT, cases[i].said);
                cr_expect_str_eq(screen_out(&screen),
                                 cases[i].out,
                                 "case %zu: %s",
                                 i,
                                 screen_out(&screen));
                cr_expect_str_eq(screen_err(&screen), "");
        }
}

Test(printer, tools_are_notes_and_the_text_goes_on_with_a_new_line)
{
        static const Said said[] = {
                { ASM_EVENT_ASSISTANT_MESSAGE, "I look." }, { ASM_EVENT_TOOL_USE, "Ba\033sh" },
                { ASM_EVENT_TOOL_RESULT, "good" },          { ASM_EVENT_TOOL_RESULT, "bad" },
                { ASM_EVENT_ASSISTANT_DELTA, "Done" },      END,
        };
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ FALSE);
        play(&screen, ASM_PRINT_TEXT, said);
        cr_expect_str_eq(screen_out(&screen), "I look.\nDone\n");
        cr_expect_str_eq(screen_err(&screen),
                         "tool: Ba\\u001bsh {\"command\":\"ls\\n-l\"}\n"
                         "tool failed: bad\n");
}

Test(printer, each_line_of_stderr_is_a_note_with_the_name_of_the_program)
{
        static const Said said[] = { { ASM_EVENT_STDERR, "one\n\ntwo\033\n" }, END };
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ FALSE);
        play(&screen, ASM_PRINT_TEXT, said);
        cr_expect_str_eq(screen_out(&screen), "");
        cr_expect_str_eq(screen_err(&screen), "claude: one\nclaude: two\\u001b\n");
}

Test(printer, in_line_form_every_event_is_one_line)
{
        static const Said said[] = {
                { ASM_EVENT_ASSISTANT_DELTA, "a\nb\033" }, { ASM_EVENT_TOOL_USE, "Bash" },
                { ASM_EVENT_TOOL_RESULT, "bad" },          { ASM_EVENT_THINKING, "" },
                { ASM_EVENT_HOST_TOOL_FAILED, "?" },       END,
        };
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ FALSE);
        play(&screen, ASM_PRINT_LINES, said);
        cr_expect_str_eq(screen_out(&screen),
                         "   1  assistant_delta     a\\nb\\u001b\n"
                         "   2  tool_use            Bash {\"command\":\"ls\\n-l\"}\n"
                         "   3  tool_result         is_error=true bad\n"
                         "   4  thinking\n"
                         "   5  host_tool_failed    {\"content\":\"?\"}\n",
                         "%s",
                         screen_out(&screen));
}

Test(printer, in_json_form_every_event_is_one_line_of_json)
{
        static const Said said[] = { { ASM_EVENT_ASSISTANT_DELTA, "a\nb" },
                                     { ASM_EVENT_RAW, "x" },
                                     END };
        g_auto(Screen) screen;
        g_auto(GStrv) lines = NULL;

        screen_init(&screen, /* is_terminal= */ FALSE);
        play(&screen, ASM_PRINT_JSON, said);
        lines = g_strsplit(screen_out(&screen), "\n", -1);
        cr_assert_eq(g_strv_length(lines), 3);
        cr_expect_not_null(strstr(lines[0], "\"content\":\"a\\nb\""));
        cr_expect_not_null(strstr(lines[1], "\"kind\":\"raw\""));
        cr_expect_str_eq(lines[2], "");
}

Test(printer, what_is_no_event_is_ignored)
{
        g_auto(Screen) screen;
        AsmEventPrinter printer;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        screen_init(&screen, /* is_terminal= */ FALSE);
        asm_event_printer_init(&printer, &screen.output, ASM_PRINT_LINES);
        asm_builder_text(&value, "kind");
        asm_event_printer_feed(&printer, asm_builder_peek(&value));
        asm_builder_reset(&value);
        asm_builder_map(&value, 1);
        asm_builder_atom(&value, "kind");
        asm_builder_int(&value, 1);
        asm_event_printer_feed(&printer, asm_builder_peek(&value));
        cr_expect_eq(printer.n_events, 0);
        cr_expect_str_eq(screen_out(&screen), "");
}

Test(printer, an_event_with_nothing_but_a_kind_does_no_harm)
{
        for (guint form = ASM_PRINT_TEXT; form <= ASM_PRINT_JSON; form++) {
                for (guint kind = 0; kind < ASM_EVENT_OTHER; kind++) {
                        g_auto(Screen) screen;
                        AsmEventPrinter printer;
                        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

                        screen_init(&screen, /* is_terminal= */ TRUE);
                        asm_event_printer_init(&printer, &screen.output, form);
                        asm_builder_map(&value, 1);
                        asm_builder_atom(&value, "kind");
                        asm_builder_atom(&value, asm_event_kind_name(kind));
                        asm_event_printer_feed(&printer, asm_builder_peek(&value));
                        asm_event_printer_end(&printer);
                        cr_expect_eq(printer.n_events, 1);
                }
        }
}
