/* SPDX-License-Identifier: MIT */
#include "conversation.h"

#include "term/builder.h"
#include <criterion/criterion.h>
#include <string.h>

TestSuite(codex, .timeout = 300);

static void
expect_result(Conversation *conversation, const char *key, const char *expected)
{
        g_autofree char *text = conversation_result(conversation, key);

        cr_expect_str_eq(text, expected, "%s: %s", key, text);
}

Test(codex, the_real_cli_answers_a_prompt_and_its_warning_is_no_error)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");

        conversation_file(conversation, "codex_plain.jsonl");
        asm_decoder_exit(conversation->decoder, 0, 0);

        cr_expect_eq(asm_reducer_get_status(conversation->reducer), ASM_RUN_STATUS_COMPLETED);
        cr_expect_eq(conversation->events->len, 5);
        expect_result(conversation, "text", "\"Hello from the scripted model.\"");
        expect_result(conversation, "cost", "#{cost_usd=>0,input_tokens=>10,output_tokens=>9}");
        expect_result(conversation, "stop_reason", "end_turn");
        expect_result(conversation, "error", "nil");
        expect_result(conversation,
                      "session_id_from_cli",
                      "\"01a208c9-c9c6-7173-8e9b-236a147c8e5a\"");
}

Test(codex, a_command_is_a_tool_use_and_a_tool_result)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");

        conversation_line(conversation,
                          "{\"type\":\"item.started\",\"item\":{\"id\":\"i1\","
                          "\"type\":\"command_execution\",\"command\":\"ls\","
                          "\"aggregated_output\":\"\",\"status\":\"in_progress\"}}");
        conversation_line(conversation,
                          "{\"type\":\"item.completed\",\"item\":{\"id\":\"i1\","
                          "\"type\":\"command_execution\",\"command\":\"ls\","
                          "\"aggregated_output\":\"a\\n\",\"exit_code\":0,"
                          "\"status\":\"completed\"}}");

        conversation_expect(conversation,
                            "tool_use #{input=>#{\"command\"=>\"ls\"},tool_call_id=>\"i1\","
                            "tool_name=>\"command_execution\"}",
                            "tool_result #{content=>\"a\n\",is_error=>false,"
                            "tool_call_id=>\"i1\"}",
                            NULL);
}

Test(codex, a_tool_that_was_not_seen_to_start_is_still_a_pair)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");

        conversation_line(conversation,
                          "{\"type\":\"item.completed\",\"item\":{\"id\":\"i2\","
                          "\"type\":\"mcp_tool_call\",\"server\":\"s\",\"tool\":\"t\","
                          "\"arguments\":{\"a\":1},\"status\":\"failed\","
                          "\"error\":{\"message\":\"no\"}}}");

        conversation_expect(conversation,
                            "tool_use #{input=>#{\"a\"=>1},tool_call_id=>\"i2\",tool_name=>\"t\"}",
                            "tool_result #{content=>#{\"message\"=>\"no\"},is_error=>true,"
                            "tool_call_id=>\"i2\"}",
                            NULL);
}

Test(codex, the_simple_items_are_what_their_names_say)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");

        conversation_line(conversation,
                          "{\"type\":\"item.completed\",\"item\":{\"type\":\"tool_call\","
                          "\"id\":\"1\",\"name\":\"n\",\"input\":{}}}");
        conversation_line(conversation,
                          "{\"type\":\"item.completed\",\"item\":{\"type\":\"tool_result\","
                          "\"id\":\"1\",\"content\":\"c\"}}");
        conversation_line(conversation,
                          "{\"type\":\"item.completed\",\"item\":{\"type\":\"todo_list\"}}");
        conversation_line(conversation, "{\"type\":\"item.completed\"}");
        conversation_line(conversation, "{\"type\":\"item.updated\",\"item\":{}}");

        conversation_expect(
                conversation,
                "tool_use #{input=>#{},tool_call_id=>\"1\",tool_name=>\"n\"}",
                "tool_result #{content=>\"c\",is_error=>false,tool_call_id=>\"1\"}",
                "raw #{content=>#{\"item\"=>#{\"type\"=>\"todo_list\"},"
                "\"type\"=>\"item.completed\"},stream=>stdout}",
                "raw #{content=>#{\"type\"=>\"item.completed\"},stream=>stdout}",
                "raw #{content=>#{\"item\"=>#{},\"type\"=>\"item.updated\"},stream=>stdout}",
                NULL);
}

Test(codex, a_message_after_its_deltas_adds_no_text)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");

        conversation_line(conversation,
                          "{\"type\":\"response.output_text.delta\",\"delta\":\"He\"}");
        conversation_line(conversation,
                          "{\"type\":\"response.output_text.delta\",\"delta\":\"y\"}");
        conversation_line(conversation,
                          "{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\","
                          "\"text\":\"Hey\"}}");

        cr_expect_str_eq(asm_reducer_get_text(conversation->reducer), "Hey");
}

Test(codex, a_failed_turn_is_an_error_with_its_message)
{
        static const struct {
                const char *line;
                AsmFailureKind kind;
                const char *message;
        } cases[] = {
                { "{\"type\":\"turn.failed\",\"error\":{\"message\":\"quota\"}}",
                  ASM_FAILURE_UNKNOWN,
                  "quota" },
                { "{\"type\":\"turn.failed\",\"error\":{\"message\":\"x\","
                  "\"code\":\"rate_limit_exceeded\"}}",
                  ASM_FAILURE_RATE_LIMIT,
                  "x" },
                { "{\"type\":\"error\",\"message\":\"gone\",\"error_code\":\"timeout\"}",
                  ASM_FAILURE_TIMEOUT,
                  "gone" },
                { "{\"type\":\"error\"}", ASM_FAILURE_UNKNOWN, "Codex parser error" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Conversation) conversation = conversation_new("codex");
                const AsmFailure *failure;

                conversation_line(conversation, cases[i].line);
                failure = asm_reducer_get_failure(conversation->reducer);
                cr_assert_not_null(failure, "%s", cases[i].line);
                cr_expect_eq(failure->kind, cases[i].kind, "%s", cases[i].line);
                cr_expect_str_eq(failure->message, cases[i].message);
        }
}

/* as a run with a schema starts it */
static Conversation *
with_schema(void)
{
        Conversation *conversation = conversation_new("codex");
        g_auto(AsmBuilder) options = ASM_BUILDER_INIT;
        AsmProviderLaunch launch = { .prompt = "hi" };

        asm_builder_map(&options, 1);
        asm_builder_atom(&options, "output_schema");
        asm_builder_map(&options, 0);
        launch.options = asm_builder_peek(&options);
        asm_decoder_set_launch(conversation->decoder, &launch);
        return conversation;
}

Test(codex, the_real_cli_runs_a_command_thinks_and_fails)
{
        static const struct {
                const char *file;
                const char *key;
                const char *expected;
        } cases[] = {
                { "codex_tool.jsonl", "text", "\"You said: USE_TOOL (turn 0)\"" },
                { "codex_reasoning.jsonl", "text", "\"Thought.\"" },
                { "codex_object.jsonl", "object", "nil" },
                { "codex_object.jsonl", "text", "\"{\"answer\":42}\"" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Conversation) conversation = conversation_new("codex");

                conversation_file(conversation, cases[i].file);
                asm_decoder_exit(conversation->decoder, 0, 0);
                expect_result(conversation, cases[i].key, cases[i].expected);
                expect_result(conversation, "error", "nil");
        }
}

Test(codex, the_real_cli_reports_an_error_of_the_api)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");

        conversation_file(conversation, "codex_error.jsonl");
        asm_decoder_exit(conversation->decoder, 1, 0);

        cr_expect_eq(asm_reducer_get_status(conversation->reducer), ASM_RUN_STATUS_FAILED);
        cr_expect_not_null(strstr(asm_reducer_get_failure(conversation->reducer)->message,
                                  "the model is broken"));
}

Test(codex, with_a_schema_the_last_message_is_the_object)
{
        static const struct {
                const char *text;
                const char *expected;
        } cases[] = {
                { "{\\\"a\\\":1}", "#{\"a\"=>1}" },
                { "[1]", "[1]" },
                { "no JSON", "nil" },
                { "", "nil" },
        };
        g_autoptr(Conversation) real = with_schema();

        conversation_file(real, "codex_object.jsonl");
        expect_result(real, "object", "#{\"answer\"=>42}");
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Conversation) conversation = with_schema();
                g_autofree char *line = g_strdup_printf("{\"type\":\"item.completed\",\"item\":{"
                                                        "\"type\":\"agent_message\",\"text\":"
                                                        "\"%s\"}}",
                                                        cases[i].text);

                conversation_line(conversation,
                                  "{\"type\":\"item.completed\",\"item\":{\"type\":"
                                  "\"agent_message\",\"text\":\"{}\"}}");
                conversation_line(conversation, line);
                conversation_line(conversation, "{\"type\":\"turn.completed\"}");
                expect_result(conversation, "object", cases[i].expected);
        }
}

Test(codex, an_attempt_to_connect_again_is_not_the_end)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");

        conversation_line(conversation,
                          "{\"type\":\"error\",\"message\":\"Reconnecting... waiting for network "
                          "(Connection failed: error sending request)\"}");

        cr_expect_null(asm_reducer_get_failure(conversation->reducer));
        cr_expect(g_str_has_prefix(g_ptr_array_index(conversation->texts, 0), "raw "));
}

Test(codex, a_tool_that_starts_twice_is_one_call)
{
        static const char *const started =
                "{\"type\":\"item.started\",\"item\":{\"id\":\"i\",\"type\":\"web_search\","
                "\"query\":\"q\"}}";
        g_autoptr(Conversation) conversation = conversation_new("codex");

        conversation_line(conversation, started);
        conversation_forget(conversation);
        conversation_line(conversation, started);

        cr_expect(g_str_has_prefix(g_ptr_array_index(conversation->texts, 0), "raw "));
}
