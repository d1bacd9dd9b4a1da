/* SPDX-License-Identifier: MIT */
#include "conversation.h"

#include "term/json.h"
#include <criterion/criterion.h>
#include <string.h>

TestSuite(codex_server, .timeout = 300);

#define THREAD "01a20a51-0000-7000-8000-000000000001"
#define TURN   "01a20a51-0000-7000-8000-000000000002"

static void
put_pair(AsmBuilder *options, const char *key, const char *value)
{
        asm_builder_tuple(options, 2);
        asm_builder_atom(options, key);
        asm_builder_text(options, value);
}

/* as a run of the daemon that asks for approvals; @resume and @schema nullable */
static Conversation *
begin(const char *prompt, const char *resume, const char *schema)
{
        Conversation *conversation = conversation_new("codex");
        g_auto(AsmBuilder) options = ASM_BUILDER_INIT;
        AsmProviderLaunch launch = { .prompt = prompt, .answers_approvals = TRUE };
        AsmBuilderMark mark = asm_builder_list_begin(&options);
        guint n = 2;

        put_pair(&options, "permission_mode", "default");
        put_pair(&options, "cwd", "/srv/agent/project");
        if (resume != NULL) {
                put_pair(&options, "resume", resume);
                n++;
        }
        if (schema != NULL) {
                g_autoptr(JsonNode) node = json_from_string(schema, NULL);

                asm_builder_tuple(&options, 2);
                asm_builder_atom(&options, "output_schema");
                cr_assert(asm_builder_json(&options, node, NULL));
                n++;
        }
        asm_builder_list_end(&options, mark, n);
        launch.options = asm_builder_peek(&options);
        asm_decoder_set_launch(conversation->decoder, &launch);
        asm_decoder_started(conversation->decoder, "codex", NULL, NULL);
        conversation_forget(conversation);
        return conversation;
}

static void
forget(Conversation *conversation)
{
        conversation_forget(conversation);
        g_string_truncate(conversation->written, 0);
}

/* up to a turn that runs */
static Conversation *
begin_turn(void)
{
        Conversation *conversation = begin("hi", NULL, NULL);

        conversation_line(conversation, "{\"id\":1,\"result\":{}}");
        conversation_line(conversation,
                          "{\"id\":2,\"result\":{\"thread\":{\"id\":\"" THREAD "\"}}}");
        conversation_line(conversation, "{\"id\":3,\"result\":{\"turn\":{\"id\":\"" TURN "\"}}}");
        forget(conversation);
        return conversation;
}

/* one that we answer, not a request of ours */
static gboolean
is_answer(const char *line)
{
        return g_str_has_prefix(line, "{\"id\":0,");
}

/* (transfer full): of the last event */
static char *
dup_approval_id(Conversation *conversation)
{
        const char *text = g_ptr_array_index(conversation->texts, conversation->texts->len - 1);
        const char *id = strstr(text, "approval_id=>\"");

        cr_assert_not_null(id, "%s", text);
        id += strlen("approval_id=>\"");
        return g_strndup(id, strcspn(id, "\""));
}

/* A recording ("> " what we wrote, "< " what the CLI wrote): what we write is what was recorded, with
 * @allow as the decision about each approval, and then the end of the input. */
static void
replay(Conversation *conversation, const char *name, gboolean allow)
{
        g_autofree char *path = g_build_filename(g_getenv("ASM_TEST_DATA"), "provider", name, NULL);
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;
        g_autoptr(GString) due = g_string_new(NULL);

        cr_assert(g_file_get_contents(path, &text, NULL, NULL), "%s", path);
        lines = g_strsplit(text, "\n", -1);
        for (guint i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++) {
                const char *line = lines[i] + 2;

                if (lines[i][0] == '<') {
                        conversation_line(conversation, line);
                        continue;
                }
                if (is_answer(line)) {
                        g_autofree char *id = dup_approval_id(conversation);

                        cr_assert(asm_decoder_approve(conversation->decoder, id, allow, NULL));
                }
                g_string_append(due, line);
                g_string_append_c(due, '\n');
        }
        g_string_replace(due, "@VERSION@", ASM_VERSION, 1);
        g_string_append(due, "EOF");
        conversation_expect_written(conversation, due->str);
        asm_decoder_exit(conversation->decoder, 0, 0);
}

static void
expect_result(Conversation *conversation, const char *key, const char *expected)
{
        g_autofree char *text = conversation_result(conversation, key);

        cr_expect_str_eq(text, expected, "%s: %s", key, text);
}

static guint
count_kind(const Conversation *conversation, const char *prefix)
{
        guint n = 0;

        for (guint i = 0; i < conversation->texts->len; i++)
                n += g_str_has_prefix(g_ptr_array_index(conversation->texts, i), prefix);
        return n;
}

Test(codex_server, the_real_server_answers_a_prompt_and_its_input_ends)
{
        g_autoptr(Conversation) conversation = begin("hello", NULL, NULL);

        replay(conversation, "codex_server_plain.jsonl", TRUE);

        cr_expect_eq(asm_reducer_get_status(conversation->reducer), ASM_RUN_STATUS_COMPLETED);
        expect_result(conversation, "text", "\"You said: hello (turn 0)\"");
        expect_result(conversation, "stop_reason", "end_turn");
        expect_result(conversation, "cost", "#{cost_usd=>0,input_tokens=>10,output_tokens=>9}");
        expect_result(conversation,
                      "session_id_from_cli",
                      "\"01a20a5e-0f75-7482-b56f-bcd85c0bfef9\"");
        cr_expect_gt(count_kind(conversation, "assistant_delta"), 1u);
}

Test(codex_server, the_real_server_resumes_a_thread_and_fills_a_schema)
{
        g_autoptr(Conversation) conversation =
                begin("again",
                      "01a20a5e-0f75-7482-b56f-bcd85c0bfef9",
                      "{\"additionalProperties\":false,\"properties\":{\"answer\":{\"type\":"
                      "\"integer\"}},\"required\":[\"answer\"],\"type\":\"object\"}");

        replay(conversation, "codex_server_resume.jsonl", TRUE);

        expect_result(conversation, "object", "#{\"answer\"=>42}");
        expect_result(conversation, "error", "nil");
}

Test(codex_server, the_real_server_runs_what_is_allowed)
{
        g_autoptr(Conversation) conversation = begin("USE_TOOL", NULL, NULL);

        replay(conversation, "codex_server_allow.jsonl", TRUE);

        cr_expect_eq(count_kind(conversation, "approval_requested"), 1u);
        cr_expect_eq(count_kind(conversation, "tool_use"), 1u);
        cr_expect_eq(count_kind(conversation, "tool_result #{content=>nil,is_error=>false"), 1u);
        cr_expect_eq(asm_reducer_get_status(conversation->reducer), ASM_RUN_STATUS_COMPLETED);
}

Test(codex_server, the_real_server_does_not_run_what_is_denied_and_goes_on)
{
        g_autoptr(Conversation) conversation = begin("USE_TOOL", NULL, NULL);

        replay(conversation, "codex_server_deny.jsonl", FALSE);

        cr_expect_eq(count_kind(conversation, "tool_result #{content=>nil,is_error=>true"), 1u);
        cr_expect_eq(asm_reducer_get_status(conversation->reducer), ASM_RUN_STATUS_COMPLETED);
}

Test(codex_server, the_real_server_reports_an_error_of_the_api_once)
{
        g_autoptr(Conversation) conversation = begin("API_ERROR", NULL, NULL);

        replay(conversation, "codex_server_error.jsonl", TRUE);

        cr_expect_eq(count_kind(conversation, "error"), 1u);
        cr_expect_eq(count_kind(conversation, "result"), 0u);
        cr_expect_eq(asm_reducer_get_status(conversation->reducer), ASM_RUN_STATUS_FAILED);
}

Test(codex_server, a_request_is_asked_about_and_answered_in_its_own_words)
{
        static const struct {
                const char *method;
                const char *params;
                const char *subject;
                const char *allowed;
                const char *denied;
        } cases[] = {
                { "item/commandExecution/requestApproval",
                  "{\"command\":\"ls\"}",
                  "subject=>\"command_execution\"",
                  "{\"decision\":\"accept\"}",
                  "{\"decision\":\"decline\"}" },
                { "item/fileChange/requestApproval",
                  "{\"itemId\":\"i\"}",
                  "subject=>\"file_change\"",
                  "{\"decision\":\"accept\"}",
                  "{\"decision\":\"decline\"}" },
                { "execCommandApproval",
                  "{\"command\":[\"ls\"]}",
                  "subject=>\"command_execution\"",
                  "{\"decision\":\"approved\"}",
                  "{\"decision\":{\"denied\":{\"rejection\":\"no\"}}}" },
                { "applyPatchApproval",
                  "{\"fileChanges\":{}}",
                  "subject=>\"file_change\"",
                  "{\"decision\":\"approved\"}",
                  "{\"decision\":{\"denied\":{\"rejection\":\"no\"}}}" },
                { "item/permissions/requestApproval",
                  "{\"permissions\":{\"network\":{\"enabled\":true}}}",
                  "subject=>\"permissions\"",
                  "{\"permissions\":{\"network\":{\"enabled\":true}},\"scope\":\"turn\"}",
                  "{\"permissions\":{},\"scope\":\"turn\"}" },
                { "mcpServer/elicitation/request",
                  "{\"mode\":\"form\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{}}}",
                  "subject=>\"mcp_elicitation\"",
                  "{\"action\":\"accept\",\"content\":{},\"_meta\":null}",
                  "{\"action\":\"decline\",\"content\":null,\"_meta\":null}" },
        };

        for (gsize i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
                g_autoptr(Conversation) conversation = begin_turn();
                gboolean allow = i % 2 == 0;
                g_autofree char *line =
                        g_strdup_printf("{\"id\":\"r7\",\"method\":\"%s\",\"params\":%s}",
                                        cases[i / 2].method,
                                        cases[i / 2].params);
                g_autofree char *expected =
                        g_strdup_printf("{\"id\":\"r7\",\"result\":%s}\n",
                                        allow ? cases[i / 2].allowed : cases[i / 2].denied);
                conversation_line(conversation, line);
                cr_expect_eq(count_kind(conversation, "approval_requested"), 1u);
                cr_expect_not_null(
                        strstr(g_ptr_array_index(conversation->texts, 0), cases[i / 2].subject));
                conversation_expect_written(conversation, "");
                cr_expect(asm_decoder_approve(conversation->decoder, TURN ":\"r7\"", allow, "no"));
                cr_expect_not(
                        asm_decoder_approve(conversation->decoder, TURN ":\"r7\"", TRUE, NULL));
                conversation_expect_written(conversation, expected);
        }
}

Test(codex_server, what_is_asked_about_is_the_call_that_was_seen_to_start)
{
        g_autoptr(Conversation) conversation = begin_turn();

        conversation_line(conversation,
                          "{\"method\":\"item/started\",\"params\":{\"threadId\":\"" THREAD
                          "\",\"item\":{\"type\":\"fileChange\",\"id\":\"c\",\"changes\":[1]}}}");
        conversation_line(conversation,
                          "{\"method\":\"item/fileChange/requestApproval\",\"id\":0,\"params\":"
                          "{\"threadId\":\"" THREAD "\",\"itemId\":\"c\",\"reason\":\"why\"}}");

        conversation_expect(conversation,
                            "tool_use #{input=>#{\"changes\"=>[1]},tool_call_id=>\"c\","
                            "tool_name=>\"file_change\"}",
                            "approval_requested #{approval_id=>\"" TURN ":0\",details=>"
                            "#{\"tool_input\"=>#{\"changes\"=>[1],\"reason\"=>\"why\"}},"
                            "subject=>\"file_change\"}",
                            NULL);
}

Test(codex_server, a_request_that_is_taken_back_is_resolved_and_gets_no_answer)
{
        g_autoptr(Conversation) conversation = begin_turn();

        conversation_line(conversation,
                          "{\"method\":\"execCommandApproval\",\"id\":0,\"params\":{}}");
        conversation_forget(conversation);
        conversation_line(conversation,
                          "{\"method\":\"serverRequest/resolved\",\"params\":{\"requestId\":0}}");

        conversation_expect(conversation,
                            "approval_resolved #{approval_id=>\"" TURN ":0\",decision=>deny,"
                            "reason=>\"withdrawn\"}",
                            NULL);
        cr_expect_not(asm_decoder_approve(conversation->decoder, TURN ":0", TRUE, NULL));
        conversation_expect_written(conversation, "");
}

Test(codex_server, a_request_without_an_answer_of_ours_is_refused_at_once)
{
        static const struct {
                const char *line;
                const char *answer;
        } cases[] = {
                { "{\"method\":\"item/tool/call\",\"id\":5,\"params\":{}}",
                  "{\"id\":5,\"error\":{\"code\":-32601,\"message\":\"asmd has no answer to this "
                  "request\"}}\n" },
                { "{\"method\":\"execCommandApproval\",\"id\":null,\"params\":{}}",
                  "{\"id\":null,\"error\":{\"code\":-32601,\"message\":\"asmd has no answer to "
                  "this request\"}}\n" },
                { "{\"method\":\"mcpServer/elicitation/request\",\"id\":6,\"params\":{\"mode\":"
                  "\"url\"}}",
                  "{\"id\":6,\"result\":{\"action\":\"decline\",\"content\":null,\"_meta\":null}}"
                  "\n" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Conversation) conversation = begin_turn();

                conversation_line(conversation, cases[i].line);
                cr_expect_eq(count_kind(conversation, "raw"), 1u, "%s", cases[i].line);
                conversation_expect_written(conversation, cases[i].answer);
        }
}

Test(codex_server, an_interrupt_is_asked_for_as_soon_as_there_is_a_turn)
{
        g_autoptr(Conversation) conversation = begin("hi", NULL, NULL);
        static const char *const asked =
                "{\"id\":4,\"method\":\"turn/interrupt\",\"params\":{\"threadId\":\"" THREAD
                "\",\"turnId\":\"" TURN "\"}}\n";

        cr_expect(asm_decoder_interrupt(conversation->decoder));
        conversation_line(conversation, "{\"id\":1,\"result\":{}}");
        conversation_line(conversation,
                          "{\"id\":2,\"result\":{\"thread\":{\"id\":\"" THREAD "\"}}}");
        forget(conversation);
        conversation_line(conversation,
                          "{\"method\":\"turn/started\",\"params\":{\"threadId\":\"" THREAD
                          "\",\"turn\":{\"id\":\"" TURN "\"}}}");
        conversation_expect_written(conversation, asked);
        /* and the result that says the same does not ask twice */
        conversation_line(conversation, "{\"id\":3,\"result\":{\"turn\":{\"id\":\"" TURN "\"}}}");
        conversation_expect_written(conversation, "");
        conversation_line(conversation,
                          "{\"method\":\"turn/completed\",\"params\":{\"threadId\":\"" THREAD
                          "\",\"turn\":{\"id\":\"" TURN "\",\"status\":\"interrupted\"}}}");
        conversation_expect_written(conversation, "EOF");
        asm_decoder_exit(conversation->decoder, 0, 0);
        cr_expect_eq(asm_reducer_get_failure(conversation->reducer)->kind,
                     ASM_FAILURE_USER_CANCELLED);
        cr_expect_eq(count_kind(conversation, "result"), 0u);
}

Test(codex_server, what_fails_on_the_way_ends_the_run_and_the_input)
{
        static const char *const answers[] = { "{\"id\":1,\"result\":{}}",
                                               "{\"id\":2,\"result\":{\"thread\":{\"id\":\"" THREAD
                                               "\"}}}",
                                               NULL };

        for (guint n = 0; n <= 2; n++) {
                g_autoptr(Conversation) conversation = begin("hi", NULL, NULL);
                g_autofree char *line =
                        g_strdup_printf("{\"id\":%u,\"error\":{\"code\":1,\"message\":\"no\"}}",
                                        n + 1);

                for (guint i = 0; i < n; i++)
                        conversation_line(conversation, answers[i]);
                forget(conversation);
                conversation_line(conversation, line);
                conversation_expect_written(conversation, "EOF");
                asm_decoder_exit(conversation->decoder, 0, 0);
                cr_expect_eq(conversation->texts->len, 1u);
                cr_expect_str_eq(asm_reducer_get_failure(conversation->reducer)->message, "no");
        }
}

Test(codex_server, an_error_that_is_tried_again_is_not_the_end)
{
        static const struct {
                const char *error;
                AsmFailureKind kind;
        } cases[] = {
                { "{\"message\":\"m\",\"codexErrorInfo\":\"usageLimitExceeded\"}",
                  ASM_FAILURE_RATE_LIMIT },
                { "{\"message\":\"m\",\"codexErrorInfo\":\"unauthorized\"}",
                  ASM_FAILURE_AUTH_ERROR },
                { "{\"message\":\"m\",\"codexErrorInfo\":{\"httpConnectionFailed\":{}}}",
                  ASM_FAILURE_TRANSPORT_ERROR },
                { "{\"message\":\"m\",\"codexErrorInfo\":\"other\"}", ASM_FAILURE_UNKNOWN },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Conversation) conversation = begin_turn();
                g_autofree char *retry = g_strdup_printf(
                        "{\"method\":\"error\",\"params\":{\"error\":%s,\"willRetry\":true}}",
                        cases[i].error);
                g_autofree char *end = g_strdup_printf(
                        "{\"method\":\"error\",\"params\":{\"error\":%s,\"willRetry\":false}}",
                        cases[i].error);

                conversation_line(conversation, retry);
                cr_expect_null(asm_reducer_get_failure(conversation->reducer));
                conversation_line(conversation, end);
                cr_assert_not_null(asm_reducer_get_failure(conversation->reducer));
                cr_expect_eq(asm_reducer_get_failure(conversation->reducer)->kind, cases[i].kind);
        }
}

Test(codex_server, the_turn_of_another_thread_is_not_ours)
{
        static const char *const lines[] = {
                "{\"method\":\"item/agentMessage/delta\",\"params\":{\"threadId\":\"other\","
                "\"delta\":\"x\"}}",
                "{\"method\":\"turn/completed\",\"params\":{\"threadId\":\"other\",\"turn\":"
                "{\"id\":\"" TURN "\",\"status\":\"completed\"}}}",
                "{\"method\":\"turn/completed\",\"params\":{\"threadId\":\"" THREAD
                "\",\"turn\":{\"id\":\"other\",\"status\":\"completed\"}}}",
        };
        g_autoptr(Conversation) conversation = begin_turn();

        for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
                conversation_line(conversation, lines[i]);

        cr_expect_eq(count_kind(conversation, "raw"), G_N_ELEMENTS(lines));
        conversation_expect_written(conversation, "");
}

Test(codex_server, a_line_of_any_shape_does_no_harm)
{
        static const char *const lines[] = {
                "[]",
                "1",
                "null",
                "{}",
                "{\"id\":1}",
                "{\"id\":2,\"result\":{\"thread\":{}}}",
                "{\"id\":3,\"result\":[]}",
                "{\"id\":-1,\"result\":{}}",
                "{\"id\":4,\"error\":{}}",
                "{\"id\":{},\"result\":{}}",
                "{\"method\":7}",
                "{\"method\":7,\"id\":1}",
                "{\"method\":\"error\"}",
                "{\"method\":\"error\",\"params\":[]}",
                "{\"method\":\"item/completed\",\"params\":{}}",
                "{\"method\":\"item/completed\",\"params\":{\"item\":{\"type\":\"reasoning\","
                "\"summary\":[1,null,{}]}}}",
                "{\"method\":\"item/completed\",\"params\":{\"item\":{\"type\":"
                "\"commandExecution\"}}}",
                "{\"method\":\"item/started\",\"params\":{\"item\":{\"type\":[]}}}",
                "{\"method\":\"serverRequest/resolved\",\"params\":{\"requestId\":{}}}",
                "{\"method\":\"turn/completed\",\"params\":{\"turn\":3}}",
                "{\"method\":\"thread/tokenUsage/updated\",\"params\":{\"tokenUsage\":{\"last\":"
                "{\"inputTokens\":9223372036854775807,\"outputTokens\":-5}}}}",
                "{\"method\":\"item/permissions/requestApproval\",\"id\":0,\"params\":"
                "{\"permissions\":5}}",
        };

        for (guint n = 0; n < 2; n++) {
                g_autoptr(Conversation) conversation =
                        n == 0 ? begin("hi", NULL, NULL) : begin_turn();

                for (gsize i = 0; i < 2 * G_N_ELEMENTS(lines); i++)
                        conversation_line(conversation, lines[i % G_N_ELEMENTS(lines)]);
                asm_decoder_approve(conversation->decoder, TURN ":0", TRUE, NULL);
                asm_decoder_exit(conversation->decoder, 1, 0);
        }
}
