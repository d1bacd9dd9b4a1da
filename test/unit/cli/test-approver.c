/* SPDX-License-Identifier: MIT */
#include "cli/approver-private.h"

#include "screen.h"
#include "term/builder.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

TestSuite(approver, .timeout = 300);

/* somebody at a keyboard, which is a pipe */
typedef struct {
        Screen screen;
        int keyboard[2];
        AsmApprover *approver;
        GString *decided; /* "ID=allow ID=deny " */
} Person;

static void
decide(const char *approval_id, gboolean is_allowed, gpointer user_data)
{
        Person *person = user_data;

        g_string_append_printf(person->decided,
                               "%s=%s ",
                               approval_id,
                               is_allowed ? "allow" : "deny");
}

static void
person_init(Person *person, gboolean can_be_asked, const char *node)
{
        AsmApproverConfig config = { .fd = -1, .session = "s 1", .node = node, .decide = decide };

        screen_init(&person->screen, /* is_terminal= */ TRUE);
        cr_assert_eq(pipe(person->keyboard), 0);
        person->decided = g_string_new(NULL);
        config.output = &person->screen.output;
        config.user_data = person;
        if (can_be_asked)
                config.fd = person->keyboard[0];
        person->approver = asm_approver_new(&config);
}

static void
person_clear(Person *person)
{
        asm_approver_free(person->approver);
        g_string_free(person->decided, TRUE);
        close(person->keyboard[0]);
        if (person->keyboard[1] >= 0)
                close(person->keyboard[1]);
        screen_clear(&person->screen);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Person, person_clear)

static void
feed(Person *person, const char *kind, const char *id, const char *tool, const char *input)
{
        g_auto(AsmBuilder) event = ASM_BUILDER_INIT;

        asm_builder_map(&event, 2);
        asm_builder_atom(&event, "kind");
        asm_builder_atom(&event, kind);
        asm_builder_atom(&event, "payload");
        asm_builder_map(&event, 3);
        asm_builder_atom(&event, "approval_id");
        asm_builder_text(&event, id);
        asm_builder_atom(&event, "subject");
        asm_builder_text(&event, tool);
        asm_builder_atom(&event, "details");
        asm_builder_map(&event, 1);
        asm_builder_text(&event, "tool_input");
        asm_builder_text(&event, input);
        asm_approver_feed(person->approver, asm_builder_peek(&event));
}

static void
request(Person *person, const char *id, const char *tool, const char *input)
{
        feed(person, "approval_requested", id, tool, input);
}

static void
type(Person *person, const char *text)
{
        cr_assert_eq(write(person->keyboard[1], text, strlen(text)), (gssize)strlen(text));
        while (g_main_context_iteration(NULL, /* may_block= */ FALSE))
                continue;
}

Test(approver, a_line_that_says_yes_or_no_decides_and_any_other_asks_again)
{
        static const struct {
                const char *typed;
                const char *decided;
                guint n_questions;
        } cases[] = {
                { "y\n", "a=allow ", 1 },   { "YES\n", "a=allow ", 1 },
                { " y \n", "a=allow ", 1 }, { "n\n", "a=deny ", 1 },
                { "No\n", "a=deny ", 1 },   { "\n", "", 2 },
                { "yy\n", "", 2 },          { "y", "", 1 },
                { "maybe\n", "", 2 },       { "allow\n", "", 2 },
                { "ja\n", "", 2 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Person) person;
                guint n = 0;

                person_init(&person, /* can_be_asked= */ TRUE, NULL);
                request(&person, "a", "Bash", "ls");
                type(&person, cases[i].typed);

                cr_expect_str_eq(person.decided->str, cases[i].decided, "case %zu", i);
                for (const char *at = screen_err(&person.screen);
                     (at = strstr(at, "Bash\n  \"ls\"\nallow? [y/n] ")) != NULL;
                     at++)
                        n++;
                cr_expect_eq(n, cases[i].n_questions, "case %zu: %u questions", i, n);
        }
}

Test(approver, an_answer_may_come_in_pieces)
{
        g_auto(Person) person;

        person_init(&person, /* can_be_asked= */ TRUE, NULL);
        request(&person, "a", "Bash", "ls");
        type(&person, "y");
        type(&person, "e");
        type(&person, "s");
        cr_expect_str_eq(person.decided->str, "");
        type(&person, "\n");

        cr_expect_str_eq(person.decided->str, "a=allow ");
}

Test(approver, a_line_that_is_too_long_is_no_answer)
{
        g_auto(Person) person;
        g_autofree char *blanks = g_strnfill(1000, ' ');

        person_init(&person, /* can_be_asked= */ TRUE, NULL);
        request(&person, "a", "Bash", "ls");
        type(&person, blanks);
        type(&person, "y\n");

        cr_expect_str_eq(person.decided->str, "");
}

Test(approver, questions_are_asked_one_after_the_other)
{
        g_auto(Person) person;

        person_init(&person, /* can_be_asked= */ TRUE, NULL);
        request(&person, "a", "First", "1");
        request(&person, "b", "Second", "2");
        cr_expect_null(strstr(screen_err(&person.screen), "Second"));
        type(&person, "y\n");
        cr_expect_not_null(strstr(screen_err(&person.screen), "Second"));
        type(&person, "n\n");

        cr_expect_str_eq(person.decided->str, "a=allow b=deny ");
}

Test(approver, one_line_answers_one_question)
{
        g_auto(Person) person;

        person_init(&person, /* can_be_asked= */ TRUE, NULL);
        request(&person, "a", "First", "1");
        request(&person, "b", "Second", "2");
        type(&person, "y\ny\n");

        cr_expect_str_eq(person.decided->str, "a=allow ");
}

Test(approver, what_was_typed_for_a_question_goes_with_it)
{
        g_auto(Person) person;

        person_init(&person, /* can_be_asked= */ TRUE, NULL);
        request(&person, "a", "First", "1");
        request(&person, "b", "Second", "2");
        type(&person, "y");
        feed(&person, "approval_resolved", "a", "", "");
        cr_expect_not_null(strstr(screen_err(&person.screen), "no answer needed any more\n"));
        type(&person, "\n");
        cr_expect_str_eq(person.decided->str, "");
        type(&person, "n\n");

        cr_expect_str_eq(person.decided->str, "b=deny ");
}

Test(approver, a_question_that_others_answered_before_it_was_shown_is_not_asked)
{
        g_auto(Person) person;

        person_init(&person, /* can_be_asked= */ TRUE, NULL);
        request(&person, "a", "First", "1");
        request(&person, "b", "Second", "2");
        feed(&person, "approval_resolved", "b", "", "");
        feed(&person, "approval_resolved", "unknown", "", "");
        type(&person, "y\n");

        cr_expect_str_eq(person.decided->str, "a=allow ");
        cr_expect_null(strstr(screen_err(&person.screen), "Second"));
}

Test(approver, an_id_that_comes_again_replaces_its_question)
{
        g_auto(Person) person;

        person_init(&person, /* can_be_asked= */ TRUE, NULL);
        request(&person, "a", "Old", "1");
        request(&person, "a", "New", "2");
        cr_expect_not_null(strstr(screen_err(&person.screen), "New\n  \"2\"\nallow? [y/n] "));
        type(&person, "y\n");
        type(&person, "y\n");

        cr_expect_str_eq(person.decided->str, "a=allow ");
}

Test(approver, what_is_shown_in_between_shows_the_question_again)
{
        g_auto(Person) person;

        person_init(&person, /* can_be_asked= */ TRUE, NULL);
        request(&person, "a", "Bash", "ls");
        feed(&person, "thinking", "", "", "");
        cr_expect_str_eq(screen_err(&person.screen), "Bash\n  \"ls\"\nallow? [y/n] ");
        asm_output_note(&person.screen.output, "a note");
        feed(&person, "thinking", "", "", "");

        cr_expect_str_eq(screen_err(&person.screen),
                         "Bash\n  \"ls\"\nallow? [y/n] \na note\nBash\n  \"ls\"\nallow? [y/n] ");
}

Test(approver, what_is_asked_cannot_act_on_the_terminal)
{
        g_auto(Person) person;

        person_init(&person, /* can_be_asked= */ TRUE, NULL);
        request(&person, "a", "B\033[2J\nash", "rm \xE2\x80\xAE x");

        cr_expect_str_eq(screen_err(&person.screen),
                         "B\\u001b[2J\\nash\n  \"rm \\u202e x\"\nallow? [y/n] ");
}

Test(approver, an_input_is_shown_whole_up_to_the_limit_and_said_to_be_cut_behind_it)
{
        /* with the tool, a new line and its quotes in JSON it has nine characters more */
        for (guint more = 0; more <= 1; more++) {
                g_auto(Person) person;
                g_autofree char *input = g_strnfill(1991 + more, 'x');

                person_init(&person, /* can_be_asked= */ TRUE, NULL);
                request(&person, "a", "Bash", input);

                cr_expect_eq(strstr(screen_err(&person.screen),
                                    "x... and 1 characters more: see") != NULL,
                             more == 1);
        }
}

Test(approver, where_nobody_else_could_answer_what_cannot_be_asked_is_denied)
{
        g_auto(Person) person;
        AsmApproverConfig config = { .fd = -1, .is_alone = TRUE, .session = "s", .decide = decide };

        person_init(&person, /* can_be_asked= */ FALSE, NULL);
        config.output = &person.screen.output;
        config.user_data = &person;
        asm_approver_free(person.approver);
        person.approver = asm_approver_new(&config);
        request(&person, "a", "Bash", "ls");

        cr_expect_str_eq(person.decided->str, "a=deny ");
        cr_expect_not_null(strstr(screen_err(&person.screen), "nobody can be asked"));
}

Test(approver, at_the_end_of_input_the_commands_are_told)
{
        g_auto(Person) person;

        person_init(&person, /* can_be_asked= */ TRUE, NULL);
        request(&person, "a", "First", "1");
        request(&person, "b", "Second", "2");
        close(person.keyboard[1]);
        person.keyboard[1] = -1;
        while (g_main_context_iteration(NULL, /* may_block= */ FALSE))
                continue;
        request(&person, "c", "Third", "3");

        cr_expect_str_eq(screen_err(&person.screen),
                         "First\n  \"1\"\nallow? [y/n] \n"
                         "allow it with: asmctl approve 's 1' a (or deny)\n"
                         "allow it with: asmctl approve 's 1' b (or deny)\n"
                         "allow it with: asmctl approve 's 1' c (or deny)\n");
}

Test(approver, the_command_can_be_pasted_whatever_the_id)
{
        g_auto(Person) person;

        person_init(&person, /* can_be_asked= */ FALSE, "asmd@host");
        request(&person, "a; rm -rf '~'", "Bash", "ls");

        cr_expect_str_eq(screen_err(&person.screen),
                         "allow it with: asmctl --node asmd@host approve 's 1' "
                         "'a; rm -rf '\\''~'\\''' (or deny)\n");
}
