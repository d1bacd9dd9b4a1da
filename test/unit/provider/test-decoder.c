/* SPDX-License-Identifier: MIT */
#include "conversation.h"

#include "../../support/term-text.h"
#include "term/print.h"
#include <criterion/criterion.h>
#include <string.h>

TestSuite(decoder, .timeout = 300);

static const char *const codex_ok[] = {
        "{\"type\":\"thread.started\",\"thread_id\":\"thread-1\"}",
        "{\"type\":\"turn.started\"}",
        "{\"type\":\"item.completed\",\"item\":{\"id\":\"item_0\",\"type\":\"reasoning\","
        "\"text\":\"thinking about it\"}}",
        "{\"type\":\"item.completed\",\"item\":{\"id\":\"item_1\",\"type\":\"agent_message\","
        "\"text\":\"REMOTE_OK\"}}",
        "{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":11,\"output_tokens\":7}}",
        NULL,
};

Test(decoder, the_start_is_an_event_with_command_and_arguments)
{
        static const char *const args[] = { "exec", "--json", "hello", NULL };
        g_autoptr(Conversation) conversation = conversation_new("codex");
        g_autofree char *session_id = NULL, *raw = NULL;

        asm_decoder_started(conversation->decoder, "/usr/bin/codex", args, NULL);

        session_id = conversation_event(conversation, 0, "provider_session_id");
        raw = conversation_event(conversation, 0, "raw");
        cr_expect_str_eq(session_id, "nil");
        cr_expect_str_eq(raw, "nil");
        conversation_expect(conversation,
                            "run_started #{args=>[\"exec\",\"--json\",\"hello\"],"
                            "command=>\"/usr/bin/codex\",cwd=>nil,provider_session_id=>nil}",
                            NULL);
}

Test(decoder, the_session_id_stays_until_another_one_comes)
{
        static const char *const lines[] = {
                "{\"type\":\"x\",\"thread_id\":\"t-1\",\"run_id\":\"no\"}",
                "{\"type\":\"x\"}",
                "{\"type\":\"x\",\"session_id\":\"\"}",
                "{\"type\":\"x\",\"sessionId\":\"t-2\"}",
        };
        static const char *const expected[] = { "\"t-1\"", "\"t-1\"", "\"t-1\"", "\"t-2\"" };
        g_autoptr(Conversation) conversation = conversation_new("codex");

        for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
                g_autofree char *id = NULL;

                conversation_line(conversation, lines[i]);
                id = conversation_event(conversation, i, "provider_session_id");
                cr_expect_str_eq(id, expected[i]);
        }
}

Test(decoder, a_line_that_is_not_json_is_a_parse_error_that_quotes_it)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");
        g_autofree char *raw = NULL;

        conversation_line(conversation, "not json at all");

        raw = conversation_event(conversation, 0, "raw");
        cr_expect_str_eq(raw, "\"not json at all\"");
        conversation_expect(conversation,
                            "error #{code=>\"parse_error\","
                            "message=>\"unexpected byte at position 0: 0x6E (\"n\")\","
                            "metadata=>#{line=>\"not json at all\"},severity=>error}",
                            NULL);
        cr_expect_eq(asm_reducer_get_failure(conversation->reducer)->kind, ASM_FAILURE_PARSE_ERROR);
}

Test(decoder, lines_cut_short_or_doubled_or_in_latin1_are_parse_errors)
{
        static const char *const lines[] = {
                "{\"type\":\"x\"",        "{\"type\":\"x\"} {\"type\":\"y\"}",
                "{\"type\":\"\xe9\"}",    "// {}",
                "{\"type\":\"\\ud800\"}",
        };

        for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
                g_autoptr(Conversation) conversation = conversation_new("claude");

                conversation_line(conversation, lines[i]);
                cr_assert_eq(conversation->texts->len, 1);
                cr_expect(g_str_has_prefix(g_ptr_array_index(conversation->texts, 0),
                                           "error #{code=>\"parse_error\""));
        }
}

Test(decoder, json_that_is_no_object_is_raw)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");

        conversation_line(conversation, "[1,null,true]");
        conversation_line(conversation, "\"text\"\r");
        conversation_line(conversation, "{\"no\":\"type\"}");
        conversation_line(conversation, "{\"type\":5}");

        conversation_expect(conversation,
                            "raw #{content=>[1,nil,true],stream=>stdout}",
                            "raw #{content=>\"text\",stream=>stdout}",
                            "raw #{content=>#{\"no\"=>\"type\"},stream=>stdout}",
                            "raw #{content=>#{\"type\"=>5},stream=>stdout}",
                            NULL);
}

Test(decoder, blank_lines_are_nothing)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");

        conversation_line(conversation, "");
        conversation_line(conversation, " \t\r");

        conversation_expect(conversation, NULL, NULL);
}

/* {"type":"x","v":"aaa..."} of exactly @len bytes */
static char *
make_line(gsize len)
{
        static const char head[] = "{\"type\":\"x\",\"v\":\"", tail[] = "\"}";
        char *line = g_strnfill(len, 'a');

        memcpy(line, head, sizeof(head) - 1);
        memcpy(line + len - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
        return line;
}

Test(decoder, a_line_of_16_mib_is_decoded_and_a_longer_one_is_not)
{
        for (guint i = 0; i < 2; i++) {
                g_autoptr(Conversation) conversation = conversation_new("codex");
                g_autofree char *line = make_line(16 * 1024 * 1024 + i);
                const char *text;

                conversation_line(conversation, line);
                cr_assert_eq(conversation->texts->len, 1);
                text = g_ptr_array_index(conversation->texts, 0);
                if (i == 0)
                        cr_expect(g_str_has_prefix(text, "raw "));
                else
                        cr_expect(strstr(text, "longer than the limit of 16777216 bytes") != NULL);
                if (i == 1)
                        cr_expect_lt(strlen(text), 6000);
        }
}

Test(decoder, the_longest_line_is_what_the_option_says)
{
        for (guint i = 0; i < 2; i++) {
                g_autoptr(Conversation) conversation = conversation_new("amp");
                g_autofree char *line = make_line(1024 + i);

                conversation_options(conversation, "max_line_bytes", 1024, NULL);
                conversation_line(conversation, line);
                cr_assert_eq(conversation->texts->len, 1);
                cr_expect(g_str_has_prefix(g_ptr_array_index(conversation->texts, 0),
                                           i == 0 ? "raw " : "error #{code=>\"buffer_overflow\""));
        }
}

Test(decoder, a_broken_line_is_a_raw_event_where_that_is_asked_for)
{
        g_autoptr(Conversation) conversation = conversation_new("amp");
        g_autofree char *raw = NULL;

        conversation_options(conversation, "on_parse_error", 0, "skip");
        conversation_line(conversation, "npm notice");
        conversation_line(conversation, "{\"type\":\"message_streamed\",\"delta\":\"Hi\"}");
        conversation_line(conversation, "{\"type\":\"result\",\"status\":\"done\"}");

        raw = conversation_event(conversation, 0, "raw");
        cr_expect_str_eq(raw, "\"npm notice\"");
        cr_expect_str_eq(g_ptr_array_index(conversation->texts, 0),
                         "raw #{content=>\"npm notice\",metadata=>#{parse_error=>\"unexpected byte "
                         "at position 0: 0x6E (\"n\")\"},stream=>stdout}");
        cr_expect_eq(asm_reducer_get_status(conversation->reducer), ASM_RUN_STATUS_COMPLETED);
        cr_expect_str_eq(asm_reducer_get_text(conversation->reducer), "Hi");
}

Test(decoder, the_error_of_a_node_for_a_broken_line_becomes_the_same_raw_event)
{
        g_autoptr(Conversation) here = conversation_new("amp");
        g_autoptr(Conversation) there = conversation_new("amp");
        AsmLineRules rules = { .skips_parse_errors = TRUE };
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autofree char *ours = NULL, *theirs = NULL;
        AsmView event;

        conversation_options(here, "on_parse_error", 0, "skip");
        conversation_line(here, "npm notice");
        conversation_line(there, "npm notice");
        event = asm_term_view(g_ptr_array_index(there->events, 0));

        ours = conversation_event(here, 0, "payload");
        theirs = term_text_of(asm_line_rules_apply(&rules, event, &builder), "payload");
        cr_expect_str_eq(theirs, ours);
        rules.skips_parse_errors = FALSE;
        cr_expect_eq(asm_line_rules_apply(&rules, event, &builder).data, event.data);
}

static gboolean
has_printed(Conversation *conversation, guint i, const char *part)
{
        g_autofree char *text =
                asm_view_print(asm_term_view(g_ptr_array_index(conversation->events, i)),
                               ASM_SYNTAX_ERLANG,
                               0);

        return strstr(text, part) != NULL;
}

Test(decoder, integers_of_any_size_and_odd_strings_stay_what_they_are)
{
        static const char *const parts[] = {
                "<<\"a\">> => 9223372036854775807",
                "<<\"b\">> => 9223372036854775808",
                "<<\"c\">> => -9223372036854775809",
                "<<\"d\">> => 340282366920938463463374607431768211456",
                "<<\"e\">> => 0.5",
                "<<\"f\">> => 0",
                "<<\"g\">> => <<\"\u00e9\U0001f600/\\n\"/utf8>>",
        };
        g_autoptr(Conversation) conversation = conversation_new("amp");

        conversation_line(
                conversation,
                "{\"type\":\"x\",\"a\":9223372036854775807,\"b\":9223372036854775808,"
                "\"c\":-9223372036854775809,\"d\":340282366920938463463374607431768211456,"
                "\"e\":0.5e0,\"f\":-0,\"g\":\"\\u00e9\\ud83d\\ude00\\/\\n\"}");
        for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
                cr_expect(has_printed(conversation, 0, parts[i]), "%s", parts[i]);
        conversation_forget(conversation);
        conversation_line(conversation,
                          "{\"type\":\"tool_use\",\"id\":18446744073709551616,\"input\":{\"n\":"
                          "18446744073709551616},\"name\":\"a\\u0000b\"}");
        cr_expect(has_printed(conversation, 1, "<<\"n\">> => 18446744073709551616"));
        cr_expect(has_printed(conversation, 1, "tool_name => <<\"a\ufffdb\"/utf8>>"));
        cr_expect(has_printed(conversation, 1, "tool_call_id => nil"));
}

Test(decoder, numbers_that_no_node_has_are_parse_errors)
{
        g_autofree char *digits = g_strnfill(1001, '9');
        g_autofree char *longest = g_strdup_printf("{\"n\":%s}", digits + 1);
        g_autofree char *longer = g_strdup_printf("{\"n\":%s}", digits);
        g_autoptr(Conversation) conversation = conversation_new("amp");

        conversation_line(conversation, longest);
        cr_expect(has_printed(conversation, 0, digits + 1));
        conversation_line(conversation, longer);
        cr_expect(has_printed(conversation, 1, "integer of more than 1000 digits at position 5"));
        conversation_line(conversation, "{\"n\":[1,-1e999]}");
        cr_expect(has_printed(conversation, 2, "number too large for a float at position 8"));
}

Test(decoder, a_line_that_the_reader_gave_up_is_a_fatal_buffer_overflow)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");
        const char *text;

        asm_decoder_line_too_long(conversation->decoder, 1048576);

        cr_assert_eq(conversation->texts->len, 1);
        text = g_ptr_array_index(conversation->texts, 0);
        cr_expect(g_str_has_prefix(text,
                                   "error #{code=>\"buffer_overflow\",message=>\"a line of stdout "
                                   "is longer than the limit of 1048576 bytes, "
                                   "which the option max_line_bytes sets\""));
        cr_expect_eq(asm_reducer_get_failure(conversation->reducer)->kind,
                     ASM_FAILURE_BUFFER_OVERFLOW);
        cr_expect_eq(asm_reducer_get_failure(conversation->reducer)->retryable, 0);
}

Test(decoder, nesting_of_200_is_decoded_and_a_deeper_one_is_not)
{
        for (guint depth = 200; depth <= 201; depth++) {
                g_autoptr(Conversation) conversation = conversation_new("codex");
                g_autoptr(GString) line = g_string_new("{\"type\":");

                for (guint i = 1; i < depth; i++)
                        g_string_append_c(line, '[');
                for (guint i = 1; i < depth; i++)
                        g_string_append_c(line, ']');
                g_string_append_c(line, '}');
                conversation_line(conversation, line->str);
                cr_expect(g_str_has_prefix(g_ptr_array_index(conversation->texts, 0),
                                           depth == 200 ? "raw " : "error "));
        }
}

Test(decoder, stderr_is_an_event_trimmed_and_whole_in_raw)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");
        g_autofree char *raw = NULL;

        asm_decoder_stderr(conversation->decoder, " boom\n", 6);
        asm_decoder_stderr(conversation->decoder, "", 0);

        raw = conversation_event(conversation, 0, "raw");
        cr_expect_str_eq(raw, "\" boom\n\"");
        conversation_expect(conversation, "stderr #{content=>\"boom\"}", NULL);
}

Test(decoder, exit_0_after_a_result_adds_nothing)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");

        for (guint i = 0; codex_ok[i] != NULL; i++)
                conversation_line(conversation, codex_ok[i]);
        conversation_forget(conversation);
        asm_decoder_exit(conversation->decoder, 0, 0);
        asm_decoder_exit(conversation->decoder, 1, 0);
        conversation_line(conversation, "{}");

        conversation_expect(conversation, NULL, NULL);
}

Test(decoder, exit_0_without_a_result_makes_one)
{
        g_autoptr(Conversation) conversation = conversation_new("amp");
        g_autofree char *raw = NULL;

        asm_decoder_exit(conversation->decoder, 0, 0);

        raw = conversation_event(conversation, 0, "raw");
        cr_expect_str_eq(raw,
                         "#{exit=>#{__struct__=>Elixir.ExecutionPlane.ProcessExit,code=>0,"
                         "reason=>normal,signal=>nil,status=>success,stderr=>\"\"}}");
        conversation_expect(conversation,
                            "result #{metadata=>#{synthetic=>true},object=>nil,"
                            "output=>#{code=>0,reason=>normal,signal=>nil},status=>completed,"
                            "stop_reason=>normal}",
                            NULL);
        cr_expect_eq(asm_reducer_get_status(conversation->reducer), ASM_RUN_STATUS_COMPLETED);
}

Test(decoder, another_exit_code_is_an_error_with_stderr_and_recovery)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");
        const AsmFailure *failure;

        asm_decoder_started(conversation->decoder, "/w/codex", (const char *const[]){ NULL }, NULL);
        asm_decoder_stderr(conversation->decoder, "boom: something ", 16);
        asm_decoder_stderr(conversation->decoder, "broke\n", 6);
        conversation_forget(conversation);
        asm_decoder_exit(conversation->decoder, 3, 0);

        conversation_expect(
                conversation,
                "error #{code=>\"transport_exit\","
                "message=>\"Codex CLI exited with code 3: boom: something broke\","
                "metadata=>#{exit=>#{code=>3,reason=>{exit_status,3},signal=>nil,status=>exit,"
                "stderr=>\"boom: something broke\n\"},runtime_failure=>#{"
                "context=>#{command=>\"/w/codex\",display_name=>\"Codex CLI\",exit_code=>3,"
                "nonlocal_path?=>false,path_semantics=>local,provider=>codex,remote?=>false,"
                "stderr=>\"boom: something broke\n\"},exit_code=>3,kind=>process_exit,"
                "provider=>codex,recovery=>#{\"class\"=>\"provider_runtime_claim\","
                "\"local_deterministic?\"=>false,\"origin\"=>\"remote_provider\","
                "\"phase\"=>\"stream\",\"provider_code\"=>\"runtime_error\","
                "\"remote_claim?\"=>true,\"repairable?\"=>true,\"resumeable?\"=>false,"
                "\"retryable?\"=>true,\"severity\"=>\"error\",\"suggested_delay_ms\"=>1500,"
                "\"suggested_max_attempts\"=>3},stderr=>\"boom: something broke\n\"}},"
                "severity=>error}",
                NULL);
        failure = asm_reducer_get_failure(conversation->reducer);
        cr_assert_not_null(failure);
        cr_expect_eq(failure->exit_code, 3);
        cr_expect_eq(failure->retryable, 1);
}

Test(decoder, what_stderr_says_decides_the_kind_of_an_exit)
{
        static const struct {
                gint code;
                gint signal;
                const char *text;
                const char *error;
                const char *message;
        } cases[] = {
                { 1, 0, "", "transport_exit", "Codex CLI exited with code 1" },
                { -1, 9, "", "transport_exit", "Codex CLI terminated by signal 9" },
                { 127,
                  0,
                  "sh: codex: not found",
                  "cli_not_found",
                  "Codex CLI not found.: sh: codex: not found" },
                { 127,
                  0,
                  "sh: other: not found",
                  "transport_exit",
                  "Codex CLI exited with code 127: sh: other: not found" },
                { 1,
                  0,
                  "Please log in first",
                  "auth_error",
                  "Codex CLI requires authentication.: Please log in first" },
                { 2,
                  0,
                  "sh: cd: /nope: No such file or directory",
                  "config_invalid",
                  "Working directory does not exist: sh: cd: /nope: No such file or directory" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Conversation) conversation = conversation_new("codex");
                g_autofree char *payload = NULL, *expected = NULL;

                asm_decoder_stderr(conversation->decoder, cases[i].text, strlen(cases[i].text));
                asm_decoder_exit(conversation->decoder, cases[i].code, cases[i].signal);
                payload =
                        conversation_event(conversation, conversation->events->len - 1, "payload");
                expected = g_strdup_printf("code=>\"%s\",extra=>#{},message=>\"%s\"",
                                           cases[i].error,
                                           cases[i].message);
                cr_expect(strstr(payload, expected) != NULL, "%s\n%s", expected, payload);
        }
}

Test(decoder, of_stderr_the_last_64_kib_are_kept)
{
        g_autoptr(Conversation) conversation = conversation_new("codex");
        g_autofree char *large = g_strnfill(64 * 1024, 'a');
        AsmView payload, metadata, exit, text;
        const guint8 *data;
        gsize len;

        for (guint i = 0; i < 3; i++)
                asm_decoder_stderr(conversation->decoder, large, strlen(large));
        asm_decoder_stderr(conversation->decoder, "b", 1);
        asm_decoder_exit(conversation->decoder, 1, 0);

        cr_assert(asm_view_map_get(asm_term_view(g_ptr_array_index(conversation->events, 4)),
                                   "payload",
                                   &payload));
        cr_assert(asm_view_map_get(payload, "metadata", &metadata));
        cr_assert(asm_view_map_get(metadata, "exit", &exit));
        cr_assert(asm_view_map_get(exit, "stderr", &text));
        cr_assert(asm_view_get_binary(text, &data, &len));
        cr_expect_eq(len, 64 * 1024);
        cr_expect_eq(data[len - 1], 'b');
        cr_expect_lt(strlen(asm_reducer_get_failure(conversation->reducer)->message), 5000);
}

static void
free_decoder(AsmView core_event, gpointer user_data)
{
        AsmDecoder **decoder = user_data;

        asm_decoder_free(g_steal_pointer(decoder));
}

/* a run that is over frees what it has while the line is still being decoded */
Test(decoder, the_callback_may_free_the_decoder)
{
        AsmDecoder *decoder =
                asm_decoder_new(asm_provider_find("claude", NULL), NULL, free_decoder, &decoder);
        static const char line[] =
                "{\"type\":\"assistant\",\"message\":{\"content\":["
                "{\"type\":\"thinking\",\"thinking\":\"a\"},"
                "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{}}]}}";

        asm_decoder_line(decoder, line, sizeof(line) - 1);

        cr_expect_null(decoder);
}

/* what a reader of a pipe does: bytes come in pieces, lines go out */
static void
feed_in_pieces(Conversation *conversation, const char *text, gsize len, gsize first)
{
        g_autoptr(GString) pending = g_string_new(NULL);
        gsize at = 0;

        while (at < len) {
                gsize n = MIN(at == 0 ? first : 7, len - at);
                char *end;

                g_string_append_len(pending, text + at, (gssize)n);
                at += n;
                while ((end = memchr(pending->str, '\n', pending->len)) != NULL) {
                        gsize line_len = (gsize)(end - pending->str);

                        asm_decoder_line(conversation->decoder, pending->str, line_len);
                        g_string_erase(pending, 0, (gssize)line_len + 1);
                }
        }
}

Test(decoder, the_same_stream_in_any_pieces_gives_the_same_bytes)
{
        static const char *const names[] = { "codex_plain.jsonl", "claude_plain.jsonl" };

        for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *path =
                        g_build_filename(g_getenv("ASM_TEST_DATA"), "provider", names[i], NULL);
                const char *provider = i == 0 ? "codex" : "claude";
                g_autoptr(Conversation) whole = conversation_new(provider);
                g_autoptr(GByteArray) expected = NULL;
                g_autofree char *text = NULL;
                gsize len;

                cr_assert(g_file_get_contents(path, &text, &len, NULL));
                feed_in_pieces(whole, text, len, len);
                expected = conversation_bytes(whole);
                /* every byte of the short stream, some of the long one */
                for (gsize first = 1; first <= len; first += i == 0 ? 1 : 23) {
                        g_autoptr(Conversation) pieces = conversation_new(provider);
                        g_autoptr(GByteArray) bytes = NULL;

                        feed_in_pieces(pieces, text, len, first);
                        bytes = conversation_bytes(pieces);
                        cr_assert_eq(bytes->len, expected->len);
                        cr_assert(memcmp(bytes->data, expected->data, bytes->len) == 0);
                }
        }
}
