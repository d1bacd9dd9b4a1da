/* SPDX-License-Identifier: MIT */
#include "conversation.h"

#include <criterion/criterion.h>
#include <string.h>

/* of decoder-private.h */
#define PENDING_MAX       256
#define PENDING_BYTES_MAX (32 * 1024 * 1024)

TestSuite(conversation, .timeout = 300);

/* claude's way to ask: its answers can be told apart by the id */
static void
ask(Conversation *conversation, const char *id)
{
        g_autofree char *line = g_strdup_printf(
                "{\"type\":\"control_request\",\"request_id\":\"%s\",\"request\":{\"subtype\":"
                "\"can_use_tool\",\"tool_name\":\"Bash\",\"input\":{\"n\":1.5}}}",
                id);

        conversation_line(conversation, line);
}

Test(conversation, an_approval_is_answered_once_by_the_decision_that_comes_first)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        ask(conversation, "a");
        ask(conversation, "b");
        conversation_expect_written(conversation, "");

        cr_expect(asm_decoder_approve(conversation->decoder, "b", FALSE, "not \"now\""));
        conversation_expect_written(
                conversation,
                "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\","
                "\"request_id\":\"b\",\"response\":{\"behavior\":\"deny\","
                "\"message\":\"not \\\"now\\\"\"}}}\n");
        cr_expect_not(asm_decoder_approve(conversation->decoder, "b", TRUE, NULL));
        cr_expect_not(asm_decoder_approve(conversation->decoder, "c", TRUE, NULL));
        conversation_expect_written(conversation, "");
        cr_expect(asm_decoder_approve(conversation->decoder, "a", TRUE, NULL));
        conversation_expect_written(
                conversation,
                "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\","
                "\"request_id\":\"a\",\"response\":{\"behavior\":\"allow\","
                "\"updatedInput\":{\"n\":1.5}}}}\n");
}

Test(conversation, an_approval_that_the_cli_resolved_has_no_answer)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        ask(conversation, "a");
        conversation_line(
                conversation,
                "{\"type\":\"approval_resolved\",\"approval_id\":\"a\",\"decision\":true}");

        cr_expect_not(asm_decoder_approve(conversation->decoder, "a", TRUE, NULL));
        conversation_expect_written(conversation, "");
}

Test(conversation, a_request_that_cannot_be_kept_is_denied_on_the_spot)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        for (guint i = 0; i < PENDING_MAX; i++) {
                g_autofree char *id = g_strdup_printf("%u", i);

                ask(conversation, id);
        }
        conversation_expect_written(conversation, "");
        conversation_forget(conversation);
        /* asked for again it takes the place that it has */
        ask(conversation, "0");
        conversation_expect_written(conversation, "");
        ask(conversation, "more");
        cr_expect(strstr(conversation->written->str, "\"request_id\":\"more\"") != NULL);
        cr_expect(strstr(conversation->written->str, "too many open approvals") != NULL);
        conversation_expect(conversation,
                            "approval_requested #{approval_id=>\"0\",details=>#{\"tool_input\"=>"
                            "#{\"n\"=>1.5}},subject=>\"Bash\"}",
                            "approval_requested #{approval_id=>\"more\",details=>#{\"tool_input\""
                            "=>#{\"n\"=>1.5}},subject=>\"Bash\"}",
                            "approval_resolved #{approval_id=>\"more\",decision=>deny,"
                            "reason=>\"too many open approvals\"}",
                            NULL);
        cr_expect_not(asm_decoder_approve(conversation->decoder, "more", TRUE, NULL));
        cr_expect(asm_decoder_approve(conversation->decoder, "0", TRUE, NULL));
        g_string_truncate(conversation->written, 0);
        ask(conversation, "more");
        conversation_expect_written(conversation, "");
}

Test(conversation, the_lines_that_are_kept_have_a_limit_together)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");
        g_autofree char *large = g_strnfill(PENDING_BYTES_MAX / 3, 'x');

        for (guint i = 0; i < 3; i++) {
                g_autofree char *id = g_strdup_printf("%u%s", i, large);

                ask(conversation, id);
                cr_expect_eq(conversation->written->len > 0, i == 2);
        }
}

Test(conversation, nothing_is_written_without_a_writer_and_the_events_are_the_same)
{
        g_autoptr(Conversation) with = conversation_new("claude");
        g_autoptr(Conversation) without = conversation_new("claude");
        g_autoptr(GByteArray) expected = NULL;
        g_autoptr(GByteArray) bytes = NULL;

        asm_decoder_set_writer(without->decoder, NULL);
        ask(with, "a");
        ask(without, "a");

        expected = conversation_bytes(with);
        bytes = conversation_bytes(without);
        cr_assert_eq(bytes->len, expected->len);
        cr_expect(memcmp(bytes->data, expected->data, bytes->len) == 0);
        cr_expect_not(asm_decoder_approve(without->decoder, "a", TRUE, NULL));
        cr_expect_not(asm_decoder_interrupt(without->decoder));
}

Test(conversation, a_cli_that_has_no_two_way_form_hears_nothing)
{
        AsmProviderLaunch launch = { .prompt = "hi", .answers_approvals = TRUE };
        g_autoptr(Conversation) conversation = conversation_new("amp");

        cr_expect_not(asm_provider_is_conversation(asm_provider_find("amp", NULL), &launch));
        asm_decoder_set_launch(conversation->decoder, &launch);
        asm_decoder_started(conversation->decoder, "/usr/bin/amp", NULL, NULL);

        cr_expect_not(asm_decoder_interrupt(conversation->decoder));
        conversation_expect_written(conversation, "");
}
