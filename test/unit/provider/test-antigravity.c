/* SPDX-License-Identifier: MIT */
#include "conversation.h"

#include <criterion/criterion.h>

TestSuite(antigravity, .timeout = 300);

Test(antigravity, every_line_that_is_not_blank_is_a_delta)
{
        g_autoptr(Conversation) conversation = conversation_new("antigravity");
        g_autofree char *raw = NULL;

        conversation_line(conversation, "Hello. ");
        conversation_line(conversation, "");
        conversation_line(conversation, "  {\"type\":\"result\"}");
        asm_decoder_exit(conversation->decoder, 0, 0);

        raw = conversation_event(conversation, 0, "raw");
        cr_expect_str_eq(raw, "\"Hello. \"");
        cr_expect_str_eq(asm_reducer_get_text(conversation->reducer),
                         "Hello.\n{\"type\":\"result\"}");
        cr_expect_eq(asm_reducer_get_status(conversation->reducer), ASM_RUN_STATUS_COMPLETED);
        cr_expect_eq(conversation->events->len, 3);
}
