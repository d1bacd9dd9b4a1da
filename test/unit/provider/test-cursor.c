/* SPDX-License-Identifier: MIT */
#include "conversation.h"

#include <criterion/criterion.h>

TestSuite(cursor, .timeout = 300);

Test(cursor, partial_texts_are_deltas_and_the_whole_is_a_snapshot)
{
        g_autoptr(Conversation) conversation = conversation_new("cursor");

        conversation_line(conversation,
                          "{\"type\":\"assistant\",\"timestamp_ms\":1,\"message\":{\"content\":[{"
                          "\"type\":\"text\",\"text\":\"Hel\"}]}}");
        conversation_line(conversation,
                          "{\"type\":\"assistant\",\"timestamp_ms\":2,\"message\":{\"content\":[{"
                          "\"type\":\"text\",\"text\":\"lo\"}]}}");
        conversation_line(conversation,
                          "{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\","
                          "\"text\":\"Hello.\"}]}}");

        conversation_expect(conversation,
                            "assistant_delta #{content=>\"Hel\",format=>text,index=>nil,"
                            "metadata=>#{source=>cursor_partial}}",
                            "assistant_delta #{content=>\"lo\",format=>text,index=>nil,"
                            "metadata=>#{source=>cursor_partial}}",
                            "assistant_delta #{content=>\".\",format=>text,index=>nil,"
                            "metadata=>#{source=>cursor_snapshot_suffix}}",
                            "assistant_message #{content=>[#{\"text\"=>\"Hello.\",\"type\"=>"
                            "\"text\"}],metadata=>#{source=>cursor_final_snapshot},model=>nil,"
                            "role=>assistant}",
                            NULL);
        cr_expect_str_eq(asm_reducer_get_text(conversation->reducer), "Hello.");
}

Test(cursor, a_snapshot_after_a_snapshot_adds_only_what_is_new)
{
        g_autoptr(Conversation) conversation = conversation_new("cursor");

        conversation_line(conversation,
                          "{\"type\":\"assistant\",\"timestamp_ms\":1,\"message\":{\"content\":"
                          "\"One.\"}}");
        conversation_line(conversation,
                          "{\"type\":\"assistant\",\"message\":{\"content\":\"One.\"}}");
        conversation_line(conversation,
                          "{\"type\":\"assistant\",\"message\":{\"content\":\"One. Two.\"}}");

        cr_expect_str_eq(asm_reducer_get_text(conversation->reducer), "One. Two.");
}

Test(cursor, a_message_of_its_own_adds_its_text)
{
        g_autoptr(Conversation) conversation = conversation_new("cursor");

        conversation_line(conversation,
                          "{\"type\":\"assistant\",\"message\":{\"content\":\"One.\"}}");
        conversation_line(conversation,
                          "{\"type\":\"assistant\",\"message\":{\"content\":\"Two.\"}}");

        cr_expect_str_eq(asm_reducer_get_text(conversation->reducer), "One.Two.");
}

Test(cursor, shell_calls_are_pairs_and_open_ones_fail_on_reconnect)
{
        g_autoptr(Conversation) conversation = conversation_new("cursor");

        conversation_line(conversation,
                          "{\"type\":\"tool_call\",\"subtype\":\"started\",\"call_id\":\"c1\","
                          "\"tool_call\":{\"shellToolCall\":{\"args\":{\"command\":\"ls\"}}}}");
        conversation_line(conversation,
                          "{\"type\":\"tool_call\",\"subtype\":\"completed\",\"call_id\":\"c1\","
                          "\"tool_call\":{\"shellToolCall\":{\"result\":{\"success\":{"
                          "\"stdout\":\"out\",\"exitCode\":1}}}}}");
        conversation_line(conversation,
                          "{\"type\":\"tool_call\",\"subtype\":\"started\",\"call_id\":\"c2\","
                          "\"tool_call\":{\"shellToolCall\":{\"args\":{}}}}");
        conversation_line(conversation, "{\"type\":\"connection\",\"subtype\":\"reconnecting\"}");

        conversation_expect(
                conversation,
                "tool_use #{input=>#{\"command\"=>\"ls\"},tool_call_id=>\"c1\","
                "tool_name=>\"shell\"}",
                "tool_result #{content=>\"out\",is_error=>true,tool_call_id=>\"c1\"}",
                "tool_use #{input=>#{},tool_call_id=>\"c2\",tool_name=>\"shell\"}",
                "tool_result #{content=>nil,is_error=>true,tool_call_id=>\"c2\"}",
                "raw #{content=>#{\"subtype\"=>\"reconnecting\",\"type\"=>\"connection\"},"
                "stream=>stdout}",
                NULL);
}

Test(cursor, usage_comes_in_camel_case)
{
        g_autoptr(Conversation) conversation = conversation_new("cursor");

        conversation_line(conversation,
                          "{\"type\":\"thinking\",\"subtype\":\"delta\",\"text\":\"hm\"}");
        conversation_line(conversation,
                          "{\"type\":\"result\",\"subtype\":\"success\",\"duration_ms\":9,"
                          "\"usage\":{\"inputTokens\":6,\"outputTokens\":4}}");

        conversation_expect(conversation,
                            "thinking #{content=>\"hm\",signature=>nil}",
                            "result #{object=>nil,output=>#{duration_ms=>9,usage=>#{"
                            "input_tokens=>6,output_tokens=>4}},status=>completed,"
                            "stop_reason=>\"success\"}",
                            NULL);
        cr_expect_eq(asm_reducer_get_cost(conversation->reducer)->output_tokens, 4);
}
