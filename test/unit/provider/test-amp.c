/* SPDX-License-Identifier: MIT */
#include "conversation.h"

#include <criterion/criterion.h>

TestSuite(amp, .timeout = 300);

Test(amp, each_line_is_one_event)
{
        g_autoptr(Conversation) conversation = conversation_new("amp");

        conversation_line(conversation, "{\"type\":\"message_streamed\",\"content\":\"He\"}");
        conversation_line(conversation,
                          "{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\","
                          "\"text\":\"He\"}],\"model\":\"m\",\"stop_reason\":\"end_turn\","
                          "\"usage\":{\"input_tokens\":4,\"output_tokens\":2}}}");
        conversation_line(conversation,
                          "{\"type\":\"tool_call_started\",\"tool_call_id\":\"1\","
                          "\"tool_name\":\"Bash\",\"tool_input\":{\"cmd\":\"ls\"}}");
        conversation_line(conversation,
                          "{\"type\":\"tool_call_completed\",\"tool_call_id\":\"1\","
                          "\"tool_output\":\"out\"}");
        conversation_line(conversation, "{\"type\":\"tool_call_failed\",\"tool_call_id\":\"1\"}");
        conversation_line(conversation, "{\"type\":\"result\",\"duration_ms\":5}");

        conversation_expect(
                conversation,
                "assistant_delta #{content=>\"He\",format=>text,index=>nil}",
                "assistant_message #{content=>[#{\"text\"=>\"He\",\"type\"=>\"text\"}],"
                "metadata=>#{source=>cursor_final_snapshot},model=>\"m\",role=>assistant}",
                "tool_use #{input=>#{\"cmd\"=>\"ls\"},tool_call_id=>\"1\",tool_name=>\"Bash\"}",
                "tool_result #{content=>\"out\",is_error=>false,tool_call_id=>\"1\"}",
                "tool_result #{content=>nil,is_error=>true,tool_call_id=>\"1\"}",
                "result #{object=>nil,output=>#{duration_ms=>5,usage=>#{input_tokens=>4,"
                "output_tokens=>2}},status=>completed,stop_reason=>\"end_turn\"}",
                NULL);
        cr_expect_str_eq(asm_reducer_get_text(conversation->reducer), "He");
        cr_expect_eq(asm_reducer_get_cost(conversation->reducer)->input_tokens, 4);
}

Test(amp, token_usage_is_cost_and_the_result_does_not_count_it_again)
{
        g_autoptr(Conversation) conversation = conversation_new("amp");

        conversation_line(conversation,
                          "{\"type\":\"token_usage_updated\",\"token_usage\":{"
                          "\"input_tokens\":3,\"output_tokens\":\"2\"}}");
        conversation_line(conversation,
                          "{\"type\":\"run_completed\",\"status\":\"done\",\"usage\":{"
                          "\"input_tokens\":3,\"output_tokens\":2}}");

        conversation_expect(conversation,
                            "cost_update #{cost_usd=>0,input_tokens=>3,output_tokens=>2,"
                            "total_tokens=>5}",
                            "result #{object=>nil,output=>#{duration_ms=>nil,usage=>#{"
                            "input_tokens=>3,output_tokens=>2}},status=>completed,"
                            "stop_reason=>\"done\"}",
                            NULL);
        cr_expect_eq(asm_reducer_get_cost(conversation->reducer)->input_tokens, 3);
}

Test(amp, a_cancelled_run_is_interrupted_and_a_failed_one_failed)
{
        g_autoptr(Conversation) cancelled = conversation_new("amp");
        g_autoptr(Conversation) failed = conversation_new("amp");

        conversation_line(cancelled, "{\"type\":\"run_cancelled\"}");
        conversation_line(failed,
                          "{\"type\":\"run_failed\",\"error_message\":\"x\","
                          "\"error_kind\":\"tool_failed\"}");

        cr_expect_eq(asm_reducer_get_status(cancelled->reducer), ASM_RUN_STATUS_INTERRUPTED);
        cr_expect_eq(asm_reducer_get_status(failed->reducer), ASM_RUN_STATUS_FAILED);
        cr_expect_eq(asm_reducer_get_failure(failed->reducer)->kind, ASM_FAILURE_TOOL_FAILED);
}
