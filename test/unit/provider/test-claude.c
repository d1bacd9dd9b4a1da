/* SPDX-License-Identifier: MIT */
#include "conversation.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(claude, .timeout = 300);

static void
expect_result(Conversation *conversation, const char *key, const char *expected)
{
        g_autofree char *text = conversation_result(conversation, key);

        cr_expect_str_eq(text, expected, "%s: %s", key, text);
}

static guint
count(const Conversation *conversation, const char *kind)
{
        g_autofree char *prefix = g_strconcat(kind, " ", NULL);
        guint n = 0;

        for (guint i = 0; i < conversation->texts->len; i++)
                n += g_str_has_prefix(g_ptr_array_index(conversation->texts, i), prefix);
        return n;
}

Test(claude, the_real_cli_answers_a_prompt)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        conversation_file(conversation, "claude_plain.jsonl");

        cr_expect_eq(asm_reducer_get_status(conversation->reducer), ASM_RUN_STATUS_COMPLETED);
        cr_expect_eq(count(conversation, "raw"), 1);
        expect_result(conversation, "text", "\"Hello from the scripted model.\"");
        expect_result(conversation,
                      "cost",
                      "#{cost_usd=>0.000275,input_tokens=>10,output_tokens=>9}");
        expect_result(conversation, "stop_reason", "\"end_turn\"");
        expect_result(conversation, "duration_ms", "144");
        expect_result(conversation,
                      "session_id_from_cli",
                      "\"d9d87f9f-3f25-4f86-a460-22a31ef3945f\"");
}

Test(claude, the_real_cli_asks_and_runs_a_tool_when_allowed)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        conversation_file(conversation, "claude_approval_allow.jsonl");

        cr_expect_eq(count(conversation, "tool_use"), 1);
        cr_expect_eq(count(conversation, "approval_requested"), 1);
        cr_expect_eq(count(conversation, "tool_result"), 1);
        cr_expect(asm_reducer_is_pending(conversation->reducer,
                                         "7c2f6664-cd1f-4f1b-a168-f066185bbb07"));
        expect_result(conversation, "text", "\"Hello from the scripted model.\"");
        expect_result(conversation,
                      "cost",
                      "#{cost_usd=>0.000825,input_tokens=>20,output_tokens=>29}");
        cr_expect(strstr(g_ptr_array_index(conversation->texts, 4), "is_error=>false") != NULL);
}

Test(claude, the_real_cli_reports_a_denied_tool_as_a_failed_result)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        conversation_file(conversation, "claude_approval_deny.jsonl");

        cr_expect_str_eq(g_ptr_array_index(conversation->texts, 4),
                         "tool_result #{content=>\"not today\",is_error=>true,"
                         "tool_call_id=>\"toolu_1\"}");
        cr_expect_eq(asm_reducer_get_status(conversation->reducer), ASM_RUN_STATUS_COMPLETED);
}

Test(claude, an_assistant_line_gives_thinking_message_and_tool_use_in_this_order)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");
        g_autofree char *raw = NULL;

        conversation_line(conversation,
                          "{\"type\":\"assistant\",\"message\":{\"model\":\"m\",\"content\":["
                          "{\"type\":\"thinking\",\"thinking\":\" hm \",\"signature\":\"sig\"},"
                          "{\"type\":\"text\",\"text\":\"so \"},"
                          "{\"type\":\"tool_use\",\"id\":\"t-1\",\"name\":\"Bash\","
                          "\"input\":{\"command\":\"ls\"}}]}}");

        raw = conversation_event(conversation, 2, "raw");
        cr_expect_str_eq(raw,
                         "#{\"id\"=>\"t-1\",\"input\"=>#{\"command\"=>\"ls\"},\"name\"=>\"Bash\","
                         "\"type\"=>\"tool_use\"}");
        conversation_expect(
                conversation,
                "thinking #{content=>\"hm\",signature=>\"sig\"}",
                "assistant_message #{content=>[#{\"signature\"=>\"sig\",\"thinking\"=>\" hm \","
                "\"type\"=>\"thinking\"},#{\"text\"=>\"so \",\"type\"=>\"text\"},"
                "#{\"id\"=>\"t-1\",\"input\"=>#{\"command\"=>\"ls\"},\"name\"=>\"Bash\","
                "\"type\"=>\"tool_use\"}],model=>\"m\",role=>assistant}",
                "tool_use #{input=>#{\"command\"=>\"ls\"},tool_call_id=>\"t-1\","
                "tool_name=>\"Bash\"}",
                NULL);
        cr_expect_str_eq(asm_reducer_get_text(conversation->reducer), "so ");
}

Test(claude, partial_text_is_not_said_twice)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        conversation_line(conversation,
                          "{\"type\":\"stream_event\",\"event\":{\"type\":\"message_start\"}}");
        conversation_line(conversation,
                          "{\"type\":\"stream_event\",\"event\":{\"type\":\"content_block_delta\","
                          "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hel\"}}}");
        conversation_line(conversation,
                          "{\"type\":\"stream_event\",\"event\":{\"type\":\"content_block_delta\","
                          "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"lo\"}}}");
        conversation_line(conversation,
                          "{\"type\":\"assistant\",\"message\":{\"content\":["
                          "{\"type\":\"text\",\"text\":\"Hello.\"}]}}");
        conversation_line(conversation,
                          "{\"type\":\"assistant\",\"message\":{\"content\":["
                          "{\"type\":\"text\",\"text\":\" Bye.\"}]}}");

        conversation_expect(
                conversation,
                "raw #{content=>#{\"event\"=>#{\"type\"=>\"message_start\"},"
                "\"type\"=>\"stream_event\"},stream=>stdout}",
                "assistant_delta #{content=>\"Hel\",format=>text,index=>0}",
                "assistant_delta #{content=>\"lo\",format=>text,index=>0}",
                "assistant_delta #{content=>\".\",format=>text,index=>nil,"
                "metadata=>#{source=>cursor_snapshot_suffix}}",
                "assistant_message #{content=>[#{\"text\"=>\"Hello.\",\"type\"=>\"text\"}],"
                "metadata=>#{source=>cursor_final_snapshot},model=>nil,role=>assistant}",
                "assistant_message #{content=>[#{\"text\"=>\" Bye.\",\"type\"=>\"text\"}],"
                "model=>nil,role=>assistant}",
                NULL);
        cr_expect_str_eq(asm_reducer_get_text(conversation->reducer), "Hello. Bye.");
}

/* the lines behind the conversation that was recorded from an ASM node */
Test(claude, the_lines_of_the_simple_vocabulary_give_the_payloads_of_an_asm_node)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        conversation_line(conversation,
                          "{\"type\":\"approval_requested\",\"approval_id\":\"ap-1\","
                          "\"tool_name\":\"bash\",\"tool_input\":{\"command\":\"ls\"}}");
        conversation_line(conversation,
                          "{\"type\":\"cost_update\",\"input_tokens\":5,\"output_tokens\":3,"
                          "\"cost_usd\":0.01}");
        conversation_line(conversation,
                          "{\"type\":\"result\",\"subtype\":\"success\",\"result\":\"Hello \","
                          "\"stop_reason\":\"end_turn\",\"session_id\":\"sess-1\","
                          "\"duration_ms\":12,\"usage\":{\"input_tokens\":5,\"output_tokens\":3}}");

        conversation_expect(conversation,
                            "approval_requested #{approval_id=>\"ap-1\",details=>#{\"tool_input\""
                            "=>#{\"command\"=>\"ls\"}},subject=>\"bash\"}",
                            "cost_update #{cost_usd=>0.01,input_tokens=>5,output_tokens=>3,"
                            "total_tokens=>8}",
                            "result #{object=>nil,output=>#{duration_ms=>12,"
                            "usage=>#{input_tokens=>5,output_tokens=>3}},status=>completed,"
                            "stop_reason=>\"end_turn\"}",
                            NULL);
        expect_result(conversation, "cost", "#{cost_usd=>0.01,input_tokens=>5,output_tokens=>3}");
}

Test(claude, the_other_words_are_what_their_names_say)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        conversation_line(conversation, "{\"type\":\"assistant_delta\",\"delta\":\" a \"}");
        conversation_line(conversation, "{\"event\":\"text_delta\",\"text\":\"b\"}");
        conversation_line(conversation, "{\"type\":\"thinking\",\"text\":\"hm\"}");
        conversation_line(conversation,
                          "{\"type\":\"tool_use\",\"tool_name\":\"T\",\"tool_id\":\"1\","
                          "\"tool_input\":{}}");
        conversation_line(conversation,
                          "{\"type\":\"tool_result\",\"id\":\"1\",\"content\":[1],"
                          "\"is_error\":\"true\"}");
        conversation_line(conversation,
                          "{\"type\":\"approval_resolved\",\"approval_id\":\"a\","
                          "\"decision\":\"approved\"}");
        conversation_line(conversation,
                          "{\"type\":\"approval_resolved\",\"approval_id\":\"a\","
                          "\"decision\":\"maybe\",\"reason\":\"no\"}");
        conversation_line(conversation, "{\"type\":\"user\",\"message\":{\"content\":\"hi\"}}");
        conversation_line(conversation,
                          "{\"type\":\"control_request\",\"request_id\":\"1\","
                          "\"request\":{\"subtype\":\"other\"}}");

        conversation_expect(
                conversation,
                "assistant_delta #{content=>\" a \",format=>text,index=>nil}",
                "assistant_delta #{content=>\"b\",format=>text,index=>nil}",
                "thinking #{content=>\"hm\",signature=>nil}",
                "tool_use #{input=>#{},tool_call_id=>\"1\",tool_name=>\"T\"}",
                "tool_result #{content=>[1],is_error=>true,tool_call_id=>\"1\"}",
                "approval_resolved #{approval_id=>\"a\",decision=>allow,reason=>nil}",
                "approval_resolved #{approval_id=>\"a\",decision=>deny,reason=>\"no\"}",
                "user_message #{content=>[\"hi\"],role=>user}",
                "raw #{content=>#{\"request\"=>#{\"subtype\"=>\"other\"},\"request_id\"=>\"1\","
                "\"type\"=>\"control_request\"},stream=>stdout}",
                NULL);
}

Test(claude, a_result_that_says_it_failed_is_an_error)
{
        static const struct {
                const char *line;
                AsmFailureKind kind;
                const char *message;
        } cases[] = {
                { "{\"type\":\"result\",\"is_error\":true,\"result\":\"Please log in\"}",
                  ASM_FAILURE_AUTH_ERROR,
                  "Please log in" },
                { "{\"type\":\"result\",\"subtype\":\"error_max_turns\"}",
                  ASM_FAILURE_UNKNOWN,
                  "Claude CLI reported an error result" },
                { "{\"type\":\"result\",\"subtype\":\"error_during_execution\","
                  "\"error\":\"rate_limit\"}",
                  ASM_FAILURE_RATE_LIMIT,
                  "rate_limit" },
                { "{\"type\":\"error\",\"kind\":\"timeout\",\"message\":\"slow\"}",
                  ASM_FAILURE_TIMEOUT,
                  "slow" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Conversation) conversation = conversation_new("claude");
                const AsmFailure *failure;

                conversation_line(conversation, cases[i].line);
                failure = asm_reducer_get_failure(conversation->reducer);
                cr_assert_not_null(failure, "%s", cases[i].line);
                cr_expect_eq(failure->kind, cases[i].kind, "%s", cases[i].line);
                cr_expect_str_eq(failure->message, cases[i].message);
                cr_expect_eq(failure->retryable, 1);
        }
}

Test(claude, after_a_failed_result_the_exit_makes_no_other)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        conversation_line(conversation, "{\"type\":\"result\",\"is_error\":true}");
        conversation_forget(conversation);
        asm_decoder_exit(conversation->decoder, 0, 0);

        conversation_expect(conversation, NULL, NULL);
}

Test(claude, a_schema_gives_an_object)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        conversation_line(conversation,
                          "{\"type\":\"result\",\"structured_output\":{\"a\":[1,2]}}");

        expect_result(conversation, "object", "#{\"a\"=>[1,2]}");
        expect_result(conversation, "stop_reason", "unknown");
}

Test(claude, members_of_other_types_do_no_harm)
{
        static const char *const members[] = { "null", "5", "\"x\"", "[]", "[null,5,[],{}]", "{}" };
        static const char *const types[] = {
                "assistant",          "user",        "stream_event", "assistant_delta",
                "thinking",           "tool_use",    "tool_result",  "control_request",
                "approval_requested", "cost_update", "result",       "error",
                "approval_resolved",  "system",
        };

        for (gsize i = 0; i < G_N_ELEMENTS(types) * G_N_ELEMENTS(members); i++) {
                const char *member = members[i % G_N_ELEMENTS(members)];
                g_autoptr(Conversation) conversation = conversation_new("claude");
                g_autofree char *line = g_strdup_printf(
                        "{\"type\":\"%s\",\"message\":%s,\"content\":%s,\"event\":%s,"
                        "\"request\":%s,\"usage\":%s,\"delta\":%s,\"input\":%s,\"name\":%s,"
                        "\"id\":%s,\"session_id\":%s,\"is_error\":%s,\"duration_ms\":%s}",
                        types[i / G_N_ELEMENTS(members)],
                        member,
                        member,
                        member,
                        member,
                        member,
                        member,
                        member,
                        member,
                        member,
                        member,
                        member,
                        member);

                conversation_line(conversation, line);
                cr_expect_geq(conversation->events->len, 1, "%s", line);
        }
}
