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

Test(claude, the_real_cli_gives_an_object_for_a_schema)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        conversation_file(conversation, "claude_structured.jsonl");

        expect_result(conversation, "object", "#{\"n\"=>7,\"name\"=>\"a value\"}");
        cr_expect_eq(asm_reducer_get_status(conversation->reducer), ASM_RUN_STATUS_COMPLETED);
}

Test(claude, the_real_cli_shows_text_as_it_comes_and_it_counts_once)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        conversation_file(conversation, "claude_partial.jsonl");

        cr_expect_eq(count(conversation, "assistant_delta"), 3);
        cr_expect_eq(count(conversation, "thinking"), 1);
        expect_result(conversation, "text", "\"Turn 1 of the scripted model.\"");
}

Test(claude, the_real_cli_fails_with_the_words_of_the_api_or_its_own)
{
        static const struct {
                const char *file;
                AsmFailureKind kind;
                const char *message;
        } cases[] = {
                { "claude_auth_error.jsonl",
                  ASM_FAILURE_AUTH_ERROR,
                  "Failed to authenticate. API Error: 401 the scripted model fails as asked" },
                { "claude_max_turns.jsonl",
                  ASM_FAILURE_UNKNOWN,
                  "Claude CLI reported an error result: Reached maximum number of turns (1)" },
                { "claude_interrupt.jsonl",
                  ASM_FAILURE_UNKNOWN,
                  "Claude CLI reported an error result: [ede_diagnostic] result_type=user "
                  "last_content_type=n/a stop_reason=null" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Conversation) conversation = conversation_new("claude");
                const AsmFailure *failure;

                conversation_file(conversation, cases[i].file);
                failure = asm_reducer_get_failure(conversation->reducer);
                cr_assert_not_null(failure, "%s", cases[i].file);
                cr_expect_eq(failure->kind, cases[i].kind, "%s", cases[i].file);
                cr_expect_str_eq(failure->message, cases[i].message);
        }
}

Test(claude, the_real_cli_takes_a_request_back_when_it_is_interrupted)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        conversation_launch(conversation, "use-tool:touch_/srv/project/cancelled");
        conversation_file(conversation, "claude_cancelled_approval.jsonl");

        cr_expect_eq(count(conversation, "approval_requested"), 1);
        cr_expect_eq(count(conversation, "approval_resolved"), 1);
        cr_expect_not(asm_reducer_is_pending(conversation->reducer,
                                             "5d2013a3-9b35-4fdc-ac67-776a8be32a4e"));
        cr_expect_not(asm_decoder_approve(conversation->decoder,
                                          "5d2013a3-9b35-4fdc-ac67-776a8be32a4e",
                                          TRUE,
                                          NULL));
}

/* what was written when the conversations were recorded is what the decoder writes */
Test(claude, the_real_cli_is_told_what_it_understands)
{
        static const struct {
                const char *file;
                const char *id;
                gboolean allow;
        } cases[] = {
                { "claude_approval_allow.jsonl", "7c2f6664-cd1f-4f1b-a168-f066185bbb07", TRUE },
                { "claude_approval_deny.jsonl", "5c4c7f1a-d159-4241-bc25-696f05388cab", FALSE },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Conversation) conversation = conversation_new("claude");
                char *end;

                conversation_launch(conversation, "USE_TOOL please");
                conversation_file(conversation, cases[i].file);

                end = strstr(conversation->written->str, "EOF");
                cr_assert_not_null(end, "stdin ends with the result");
                g_string_erase(conversation->written, end - conversation->written->str, 3);
                cr_expect(asm_decoder_approve(conversation->decoder,
                                              cases[i].id,
                                              cases[i].allow,
                                              cases[i].allow ? NULL : "not today"));
                conversation_expect_told(conversation, cases[i].file);
        }
}

Test(claude, a_conversation_is_the_prompt_and_the_end_of_input_behind_the_result)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        conversation_launch(conversation, "-x \"\xc3\xa9\"\n");
        conversation_expect_written(
                conversation,
                "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":[{\"type\":"
                "\"text\",\"text\":\"-x \\\"\xc3\xa9\\\"\\n\"}]},\"parent_tool_use_id\":null,"
                "\"session_id\":\"\"}\n");
        conversation_line(conversation, "{\"type\":\"assistant\",\"message\":{}}");
        conversation_expect_written(conversation, "");
        conversation_line(conversation, "{\"type\":\"result\",\"is_error\":true}");
        conversation_expect_written(conversation, "EOF");
}

Test(claude, a_plain_cli_is_told_nothing)
{
        AsmProviderLaunch launch = { .prompt = "hi", .answers_approvals = FALSE };
        g_autoptr(Conversation) conversation = conversation_new("claude");

        asm_decoder_set_launch(conversation->decoder, &launch);
        asm_decoder_started(conversation->decoder, "/usr/bin/claude", NULL, NULL);
        conversation_line(conversation, "{\"type\":\"result\"}");

        conversation_expect_written(conversation, "");
}

Test(claude, a_request_that_nobody_knows_is_refused_so_that_the_cli_goes_on)
{
        static const char *const requests[] = {
                "{\"subtype\":\"mcp_message\"}", "{}", "null", "5", "[]", "{\"subtype\":7}",
        };

        for (gsize i = 0; i < G_N_ELEMENTS(requests); i++) {
                g_autoptr(Conversation) conversation = conversation_new("claude");
                g_autofree char *line = g_strdup_printf(
                        "{\"type\":\"control_request\",\"request_id\":\"r1\",\"request\":%s}",
                        requests[i]);

                conversation_line(conversation, line);
                conversation_expect_written(
                        conversation,
                        "{\"type\":\"control_response\",\"response\":{\"subtype\":\"error\","
                        "\"request_id\":\"r1\",\"error\":\"this host does not support the control "
                        "request\"}}\n");
                cr_expect_eq(count(conversation, "raw"), 1);
        }
}

Test(claude, a_request_without_an_id_is_raw_and_has_no_answer)
{
        static const char *const ids[] = { "null", "5", "{}", "[\"a\"]", "true" };

        for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
                g_autoptr(Conversation) conversation = conversation_new("claude");
                g_autofree char *line =
                        g_strdup_printf("{\"type\":\"control_request\",\"request_id\":%s,"
                                        "\"request\":{\"subtype\":\"can_use_tool\"}}",
                                        ids[i]);

                conversation_line(conversation, line);
                conversation_expect_written(conversation, "");
                cr_expect_eq(count(conversation, "raw"), 1, "%s", line);
        }
}

Test(claude, an_input_that_is_no_object_is_allowed_as_an_empty_one)
{
        static const char *const inputs[] = { "null", "5", "\"rm\"", "[1]" };

        for (gsize i = 0; i < G_N_ELEMENTS(inputs); i++) {
                g_autoptr(Conversation) conversation = conversation_new("claude");
                g_autofree char *line = g_strdup_printf(
                        "{\"type\":\"control_request\",\"request_id\":\"a\",\"request\":"
                        "{\"subtype\":\"can_use_tool\",\"tool_name\":7,\"input\":%s}}",
                        inputs[i]);

                conversation_line(conversation, line);
                cr_expect(asm_decoder_approve(conversation->decoder, "a", TRUE, NULL));
                cr_expect(strstr(conversation->written->str, "\"updatedInput\":{}}") != NULL,
                          "%s",
                          conversation->written->str);
        }
}

Test(claude, a_request_that_is_taken_back_was_denied)
{
        g_autoptr(Conversation) conversation = conversation_new("claude");

        conversation_line(conversation,
                          "{\"type\":\"control_request\",\"request_id\":\"a\",\"request\":"
                          "{\"subtype\":\"can_use_tool\",\"tool_name\":\"Bash\",\"input\":{}}}");
        conversation_forget(conversation);
        conversation_line(conversation,
                          "{\"type\":\"control_cancel_request\",\"request_id\":\"a\"}");
        conversation_line(conversation,
                          "{\"type\":\"control_cancel_request\",\"request_id\":\"a\"}");
        conversation_line(conversation, "{\"type\":\"control_cancel_request\",\"request_id\":[]}");

        conversation_expect(
                conversation,
                "approval_resolved #{approval_id=>\"a\",decision=>deny,"
                "reason=>\"the CLI has taken the request back\"}",
                "raw #{content=>#{\"request_id\"=>\"a\",\"type\"=>\"control_cancel_request\"},"
                "stream=>stdout}",
                "raw #{content=>#{\"request_id\"=>[],\"type\"=>\"control_cancel_request\"},"
                "stream=>stdout}",
                NULL);
        cr_expect_not(asm_decoder_approve(conversation->decoder, "a", TRUE, NULL));
        conversation_expect_written(conversation, "");
}

Test(claude, the_status_of_the_api_tells_the_kind_of_an_error)
{
        static const struct {
                const char *status;
                AsmFailureKind kind;
        } cases[] = {
                { "401", ASM_FAILURE_AUTH_ERROR },  { "403", ASM_FAILURE_AUTH_ERROR },
                { "429", ASM_FAILURE_RATE_LIMIT },  { "529", ASM_FAILURE_RATE_LIMIT },
                { "400", ASM_FAILURE_UNKNOWN },     { "null", ASM_FAILURE_UNKNOWN },
                { "\"401\"", ASM_FAILURE_UNKNOWN }, { "[401]", ASM_FAILURE_UNKNOWN },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Conversation) conversation = conversation_new("claude");
                g_autofree char *line = g_strdup_printf(
                        "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":true,"
                        "\"result\":\"API Error\",\"api_error_status\":%s}",
                        cases[i].status);
                const AsmFailure *failure;

                conversation_line(conversation, line);
                failure = asm_reducer_get_failure(conversation->reducer);
                cr_assert_not_null(failure, "%s", line);
                cr_expect_eq(failure->kind, cases[i].kind, "%s", line);
        }
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
                { "{\"type\":\"result\",\"subtype\":\"error_max_budget_usd\",\"errors\":[]}",
                  ASM_FAILURE_UNKNOWN,
                  "Claude CLI reported an error result" },
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
                "assistant",
                "user",
                "stream_event",
                "assistant_delta",
                "thinking",
                "tool_use",
                "tool_result",
                "control_request",
                "approval_requested",
                "cost_update",
                "result",
                "error",
                "approval_resolved",
                "system",
                "control_cancel_request",
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
