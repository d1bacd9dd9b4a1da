/* SPDX-License-Identifier: MIT */
#include "conversation.h"

#include "provider/kit.h"
#include "term/json.h"
#include "term/reader.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(kit, .timeout = 300);

#define EVENT(kind, payload) "{\"type\":\"event\",\"kind\":\"" kind "\",\"payload\":" payload "}"

static const struct {
        const char *line;
        const char *event;
} events[] = {
        { EVENT("run_started", "{\"command\":\"x\",\"args\":[\"a\"],\"cwd\":\"/\"}"),
          "run_started #{args=>[\"a\"],command=>\"x\",cwd=>\"/\",provider_session_id=>nil}" },
        { EVENT("assistant_delta", "{\"content\":\" a \",\"index\":1.0}"),
          "assistant_delta #{content=>\" a \",format=>text,index=>1}" },
        { EVENT("assistant_message", "{\"content\":\"hi\",\"model\":\"m\"}"),
          "assistant_message #{content=>[\"hi\"],model=>\"m\",role=>assistant}" },
        { EVENT("user_message", "{\"content\":[\"a\",{\"b\":1}]}"),
          "user_message #{content=>[\"a\",#{\"b\"=>1}],role=>user}" },
        { EVENT("thinking", "{\"content\":\"hm\",\"signature\":null}"),
          "thinking #{content=>\"hm\",signature=>nil}" },
        { EVENT("tool_use",
                "{\"tool_name\":\"Bash\",\"tool_call_id\":\"t1\",\"input\":{\"c\":"
                "true}}"),
          "tool_use #{input=>#{\"c\"=>true},tool_call_id=>\"t1\",tool_name=>\"Bash\"}" },
        { EVENT("tool_result", "{\"tool_call_id\":\"t1\",\"content\":[1,\"x\"],\"is_error\":true}"),
          "tool_result #{content=>[1,\"x\"],is_error=>true,tool_call_id=>\"t1\"}" },
        { EVENT("approval_requested",
                "{\"approval_id\":\"a1\",\"subject\":\"Bash\",\"details\":{\"tool_input\":{}}}"),
          "approval_requested #{approval_id=>\"a1\",details=>#{\"tool_input\"=>#{}},"
          "subject=>\"Bash\"}" },
        { EVENT("approval_resolved", "{\"approval_id\":\"a1\",\"decision\":\"deny\"}"),
          "approval_resolved #{approval_id=>\"a1\",decision=>deny,reason=>nil}" },
        { EVENT("cost_update", "{\"input_tokens\":1,\"output_tokens\":2,\"cost_usd\":0.5}"),
          "cost_update #{cost_usd=>0.5,input_tokens=>1,output_tokens=>2,total_tokens=>3}" },
        { EVENT("stderr", "{\"content\":\"oops\"}"), "stderr #{content=>\"oops\"}" },
        { EVENT("raw", "{\"content\":{\"x\":null}}"),
          "raw #{content=>#{\"x\"=>nil},stream=>stdout}" },
        { EVENT("result",
                "{\"status\":\"completed\",\"stop_reason\":\"end_turn\",\"object\":{\"n\":1},"
                "\"output\":{\"duration_ms\":5,\"usage\":{\"input_tokens\":1,"
                "\"output_tokens\":2}}}"),
          "result #{object=>#{\"n\"=>1},output=>#{duration_ms=>5,usage=>#{input_tokens=>1,"
          "output_tokens=>2}},status=>completed,stop_reason=>\"end_turn\"}" },
};

Test(kit, each_kind_of_event_has_the_payload_of_that_kind)
{
        for (gsize i = 0; i < G_N_ELEMENTS(events); i++) {
                g_autoptr(Conversation) conversation = conversation_new_for_kit("claude");

                conversation_line(conversation, events[i].line);
                conversation_expect(conversation, events[i].event, NULL);
        }
}

Test(kit, a_line_that_is_cut_anywhere_is_one_parse_error_and_never_half_an_event)
{
        for (gsize i = 0; i < G_N_ELEMENTS(events); i++) {
                for (gsize len = 1; len < strlen(events[i].line); len++) {
                        g_autoptr(Conversation) conversation = conversation_new_for_kit("claude");
                        g_autofree char *code = NULL;

                        asm_decoder_line(conversation->decoder, events[i].line, len);
                        cr_assert_eq(conversation->events->len, 1);
                        code = conversation_event(conversation, 0, "payload");
                        cr_assert(strstr(code, "\"parse_error\"") != NULL, "%s", code);
                }
        }
}

static const struct {
        const char *line;
        const char *message;
} mistakes[] = {
        { "{\"type\":\"event\"}",
          "kit kit-1: event.kind is missing, expected text that is not empty" },
        { "{\"type\":\"event\",\"kind\":7}", "event.kind is a number" },
        { "{\"type\":\"event\",\"kind\":\"\"}", "event.kind is ''" },
        { "{\"type\":\"event\",\"kind\":\"tool_use\"}",
          "event tool_use: payload is missing, expected an object" },
        { "{\"type\":\"event\",\"kind\":\"tool_use\",\"payload\":[]}", "payload is a list" },
        { "{\"type\":\"event\",\"kind\":\"raw\",\"provider_session_id\":1,\"payload\":{}}",
          "event.provider_session_id is a number, expected text" },
        { EVENT("assistant_delta", "{}"), "event assistant_delta: payload.content is missing" },
        { EVENT("assistant_delta", "{\"content\":\"x\",\"index\":-1}"),
          "payload.index is a number, expected an integer from 0" },
        { EVENT("assistant_message", "{\"content\":[1]}"),
          "payload.content is a list, expected text, or a list of texts and objects" },
        { EVENT("user_message", "{\"content\":{}}"), "payload.content is an object" },
        { EVENT("thinking", "{\"content\":true}"), "payload.content is a boolean" },
        { EVENT("tool_use", "{\"tool_name\":\"x\",\"input\":\"y\"}"),
          "payload.input is 'y', expected an object" },
        { EVENT("tool_result", "{\"is_error\":\"no\"}"),
          "payload.is_error is 'no', expected true or false" },
        { EVENT("approval_requested", "{\"approval_id\":\"\",\"subject\":\"x\"}"),
          "payload.approval_id is '', expected text that is not empty" },
        { EVENT("approval_requested", "{\"approval_id\":\"a\"}"), "payload.subject is missing" },
        { EVENT("approval_resolved", "{\"approval_id\":\"a\",\"decision\":\"maybe\"}"),
          "payload.decision is 'maybe', expected allow or deny" },
        { EVENT("cost_update", "{\"input_tokens\":1.5}"), "payload.input_tokens is a number" },
        { EVENT("cost_update", "{\"cost_usd\":-1}"), "payload.cost_usd is a number" },
        { EVENT("result", "{\"status\":\"done\"}"),
          "payload.status is 'done', expected completed or error" },
        { EVENT("result", "{\"output\":{\"usage\":3}}"), "payload.output.usage is a number" },
        { EVENT("result", "{\"output\":{\"usage\":{\"input_tokens\":\"3\"}}}"),
          "payload.output.usage.input_tokens is '3'" },
        { EVENT("result", "{\"output\":{\"duration_ms\":[]}}"), "payload.output.duration_ms" },
        { EVENT("error", "{}"), "payload.message is missing" },
        { EVENT("error", "{\"message\":\"x\",\"severity\":\"bad\"}"), "payload.severity is 'bad'" },
        { EVENT("stderr", "{\"content\":1}"), "payload.content is a number" },
        { EVENT("raw", "{}"), "payload.content is missing, expected a value" },
        { EVENT("raw", "{\"content\":1,\"stream\":\"tty\"}"),
          "payload.stream is 'tty', expected stdout or stderr" },
        { EVENT("run_started", "{\"args\":[1]}"),
          "payload.args is a list, expected a list of texts" },
        { "{\"type\":\"error\"}", "error.message is missing, expected text" },
        { "{\"type\":\"error\",\"message\":\"x\",\"code\":5}", "error.code is a number" },
};

Test(kit, a_field_of_another_type_is_an_error_that_names_it)
{
        for (gsize i = 0; i < G_N_ELEMENTS(mistakes); i++) {
                g_autoptr(Conversation) conversation = conversation_new_for_kit("claude");
                g_autofree char *payload = NULL;

                conversation_line(conversation, mistakes[i].line);
                cr_assert_eq(conversation->events->len, 1, "%s", mistakes[i].line);
                payload = conversation_event(conversation, 0, "payload");
                cr_expect(strstr(payload, mistakes[i].message) != NULL,
                          "expected '%s' got %s",
                          mistakes[i].message,
                          payload);
                cr_expect(strstr(payload, "\"parse_error\"") != NULL &&
                                  strstr(payload, "severity=>fatal") != NULL,
                          "%s",
                          payload);
        }
}

Test(kit, what_this_version_does_not_know_is_raw)
{
        static const char *const lines[] = {
                "{\"type\":\"news\",\"a\":1}",
                "{\"type\":\"ready\",\"version\":1}",
                "{\"kind\":\"x\"}",
                "[1]",
                "{\"type\":\"event\",\"kind\":\"applause\",\"payload\":3}",
        };
        g_autoptr(Conversation) conversation = conversation_new_for_kit("claude");

        for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
                g_autofree char *kind = NULL;

                conversation_line(conversation, lines[i]);
                kind = conversation_event(conversation, (guint)i, "kind");
                cr_expect_str_eq(kind, "raw", "%s", lines[i]);
        }
}

Test(kit, text_that_was_told_as_deltas_and_as_a_message_counts_once)
{
        g_autoptr(Conversation) conversation = conversation_new_for_kit("claude");
        g_autofree char *text = NULL;

        conversation_line(conversation, EVENT("assistant_delta", "{\"content\":\"one \"}"));
        conversation_line(conversation, EVENT("assistant_delta", "{\"content\":\"two\"}"));
        conversation_line(conversation,
                          EVENT("assistant_message", "{\"content\":\"one two three\"}"));
        conversation_line(conversation, EVENT("result", "{}"));

        text = conversation_result(conversation, "text");
        cr_expect_str_eq(text, "\"one two three\"");
}

Test(kit, the_session_id_and_the_raw_of_an_event_are_the_kit_s)
{
        g_autoptr(Conversation) conversation = conversation_new_for_kit("codex");
        g_autofree char *id = NULL, *raw = NULL, *other = NULL;

        conversation_line(conversation,
                          "{\"type\":\"event\",\"kind\":\"raw\",\"provider_session_id\":\"s-1\","
                          "\"raw\":[1],\"payload\":{\"content\":1}}");
        conversation_line(conversation, EVENT("thinking", "{\"content\":\"x\",\"more\":2}"));

        id = conversation_event(conversation, 1, "provider_session_id");
        raw = conversation_event(conversation, 0, "raw");
        other = conversation_event(conversation, 1, "raw");
        cr_expect_str_eq(id, "\"s-1\"");
        cr_expect_str_eq(raw, "[1]");
        cr_expect(strstr(other, "\"more\"=>2") != NULL, "nothing of a line is lost: %s", other);
}

Test(kit, an_error_is_fatal_and_has_the_code_that_the_kit_gave)
{
        g_autoptr(Conversation) conversation = conversation_new_for_kit("claude");
        g_autofree char *payload = NULL;

        conversation_line(conversation,
                          "{\"type\":\"error\",\"code\":\"rate_limit\",\"message\":\"slow down\"}");

        payload = conversation_event(conversation, 0, "payload");
        cr_expect(strstr(payload, "code=>\"rate_limit\"") != NULL, "%s", payload);
        cr_expect(strstr(payload, "message=>\"slow down\"") != NULL, "%s", payload);
        cr_expect(strstr(payload, "severity=>fatal") != NULL, "%s", payload);
}

Test(kit, an_exit_names_the_kit)
{
        g_autoptr(Conversation) conversation = conversation_new_for_kit("claude");
        g_autofree char *payload = NULL;

        asm_decoder_exit(conversation->decoder, 3, 0);

        payload = conversation_event(conversation, 0, "payload");
        cr_expect(strstr(payload, "kit kit-1 exited with code 3") != NULL, "%s", payload);
}

/* --- the first line -------------------------------------------------------------------------- */

static const struct {
        const char *line;
        AsmFailureKind kind;
        const char *message;
} refusals[] = {
        { "{\"type\":\"ready\",\"version\":2}", ASM_FAILURE_CONFIG_INVALID, "version 2" },
        { "{\"type\":\"ready\"}", ASM_FAILURE_PARSE_ERROR, "has to be" },
        { "{\"type\":\"ready\",\"version\":\"1\"}", ASM_FAILURE_PARSE_ERROR, "has to be" },
        { "{\"type\":\"event\"}", ASM_FAILURE_PARSE_ERROR, "\\\"event\\\"" },
        { "Welcome!", ASM_FAILURE_PARSE_ERROR, "'Welcome!'" },
        { "\xff\x1b[2J", ASM_FAILURE_PARSE_ERROR, "\\033[2J" },
        { "[]", ASM_FAILURE_PARSE_ERROR, "'[]'" },
        { "", ASM_FAILURE_PARSE_ERROR, "''" },
        { "{\"type\":\"error\",\"code\":\"auth_error\",\"message\":\"log in\"}",
          ASM_FAILURE_AUTH_ERROR,
          "log in" },
        { "{\"type\":\"error\"}", ASM_FAILURE_UNKNOWN, "no message" },
};

Test(kit, only_ready_of_this_version_starts_a_kit)
{
        AsmFailure *failure = NULL;
        const char *ready = "{\"type\":\"ready\",\"version\":1,\"name\":\"x\"}";

        cr_expect(asm_kit_read_ready(ready, strlen(ready), &failure));
        cr_expect_null(failure);
        for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
                const char *line = refusals[i].line;

                cr_assert_not(asm_kit_read_ready(line, strlen(line), &failure), "%s", line);
                cr_expect_eq(failure->kind, refusals[i].kind, "%s: %d", line, failure->kind);
                cr_expect(strstr(failure->message, refusals[i].message) != NULL,
                          "%s: %s",
                          line,
                          failure->message);
                g_clear_pointer(&failure, asm_failure_free);
        }
}

/* --- what is said to a kit ------------------------------------------------------------------- */

Test(kit, a_start_has_the_options_and_none_of_the_environment)
{
        g_auto(AsmBuilder) options = ASM_BUILDER_INIT;
        AsmKitStart start = { .provider = asm_provider_find("claude", NULL),
                              .run_id = "r",
                              .session_id = "s",
                              .prompt = "say \"hi\"\n",
                              .cwd = "/w" };
        g_autofree char *line = NULL;

        asm_builder_list(&options, 4);
        asm_builder_tuple(&options, 2);
        asm_builder_atom(&options, "env");
        asm_builder_map(&options, 1);
        asm_builder_text(&options, "TOKEN");
        asm_builder_text(&options, "s3cret");
        asm_builder_tuple(&options, 2);
        asm_builder_atom(&options, "clear_env?");
        asm_builder_bool(&options, TRUE);
        asm_builder_tuple(&options, 2);
        asm_builder_atom(&options, "model");
        asm_builder_text(&options, "m");
        asm_builder_tuple(&options, 2);
        asm_builder_atom(&options, "permission_mode");
        asm_builder_atom(&options, "plan");
        asm_builder_nil(&options);
        start.options = asm_builder_peek(&options);

        line = asm_kit_start_line(&start);
        cr_expect_str_eq(line,
                         "{\"type\":\"start\",\"version\":1,\"provider\":\"claude\",\"run_id\":"
                         "\"r\",\"session_id\":\"s\",\"cwd\":\"/w\",\"cli_path\":null,"
                         "\"options\":{\"model\":\"m\",\"permission_mode\":\"plan\"},"
                         "\"prompt\":\"say \\\"hi\\\"\\n\"}\n");
}

Test(kit, decisions_and_input_are_lines)
{
        g_autofree char *allow = asm_kit_approve_line("a\"1", TRUE, NULL);
        g_autofree char *deny = asm_kit_approve_line("a2", FALSE, "no");
        g_autofree char *input = asm_kit_input_line("more\n", 5);
        g_autofree char *end = asm_kit_input_line(NULL, 0);

        cr_expect_str_eq(allow,
                         "{\"type\":\"approve\",\"approval_id\":\"a\\\"1\",\"decision\":\"allow\","
                         "\"reason\":null}\n");
        cr_expect_str_eq(deny,
                         "{\"type\":\"approve\",\"approval_id\":\"a2\",\"decision\":\"deny\","
                         "\"reason\":\"no\"}\n");
        cr_expect_str_eq(input, "{\"type\":\"input\",\"text\":\"more\\n\"}\n");
        cr_expect_str_eq(end, "{\"type\":\"input\",\"text\":null}\n");
}
