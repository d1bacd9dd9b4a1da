/* SPDX-License-Identifier: MIT */
/*
 * Messages that an unmodified ASM 0.9.2 node sent to a plain Erlang subscriber, in external
 * format, each behind its length in 4 bytes: {Tag, Ref, {event, CoreEvent}}. A conversation begins
 * with run_started. The same messages, printed, say what is expected here.
 */
#include "result/reducer.h"

#include "../../support/term-text.h"
#include <criterion/criterion.h>

TestSuite(capture, .timeout = 300);

#define N_CONVERSATIONS 7

enum {
        CODEX_OK,
        CODEX_FAIL,
        CLAUDE_OK,
        CODEX_INTERRUPT,
        CODEX_STOP,
        CODEX_KILL,
        AMP_OK
};

static char *data;
static gsize data_len;
static GArray *views; /* of the core events */

static void
load(void)
{
        g_autofree char *path =
                g_build_filename(g_getenv("ASM_TEST_DATA"), "asm", "remote-events.etf", NULL);
        gsize at = 0;

        cr_assert(g_file_get_contents(path, &data, &data_len, NULL), "%s", path);
        views = g_array_new(FALSE, FALSE, sizeof(AsmView));
        while (at < data_len) {
                AsmView message, elements[3], payload[1];
                guint32 len;

                cr_assert_leq(at + 4, data_len);
                memcpy(&len, data + at, 4);
                len = GUINT32_FROM_BE(len);
                cr_assert(asm_view_from_bytes((const guint8 *)data + at + 4,
                                              len,
                                              NULL,
                                              &message,
                                              NULL));
                cr_assert(asm_view_get_tuple(message, 3, elements));
                cr_assert(asm_view_get_tagged(elements[2], "event", 2, payload));
                g_array_append_val(views, payload[0]);
                at += 4 + len;
        }
}

static void
unload(void)
{
        g_array_unref(views);
        g_free(data);
}

/* feeds the events of conversation @n, the first @max of them */
static AsmReducer *
reduce(guint n, guint max)
{
        AsmReducer *reducer = NULL;
        gint conversation = -1;

        for (guint i = 0; i < views->len; i++) {
                AsmCoreEvent event;
                g_autofree char *provider = NULL;

                cr_assert(asm_core_event_from_view(g_array_index(views, AsmView, i), &event));
                if (event.kind == ASM_EVENT_RUN_STARTED) {
                        cr_assert_eq(event.sequence, 1);
                        conversation++;
                }
                if (conversation != (gint)n || max == 0)
                        continue;
                max--;
                provider = asm_view_dup_atom(event.provider);
                if (reducer == NULL)
                        reducer = asm_reducer_new(provider, 1024 * 1024);
                asm_reducer_feed(reducer, &event);
        }
        cr_assert_not_null(reducer);
        return reducer;
}

static char *
result_field(const AsmReducer *reducer, const char *key)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_result(&builder, reducer, "r", "s", ASM_VIEW_NONE, 99);
        return term_text_of(asm_builder_peek(&builder), key);
}

static void
expect_field(const AsmReducer *reducer, const char *key, const char *expected)
{
        g_autofree char *text = result_field(reducer, key);

        cr_expect_str_eq(text, expected, "%s: %s", key, text);
}

Test(capture, all_recorded_conversations_are_there, .init = load, .fini = unload)
{
        guint n = 0;

        for (guint i = 0; i < views->len; i++) {
                AsmCoreEvent event;

                cr_assert(asm_core_event_from_view(g_array_index(views, AsmView, i), &event));
                cr_expect_neq(event.kind, ASM_EVENT_OTHER);
                n += event.kind == ASM_EVENT_RUN_STARTED;
        }
        cr_expect_eq(views->len, 31);
        cr_expect_eq(n, N_CONVERSATIONS);
}

Test(capture, codex_says_its_text_and_its_tokens, .init = load, .fini = unload)
{
        g_autoptr(AsmReducer) reducer = reduce(CODEX_OK, G_MAXUINT);

        cr_expect_eq(asm_reducer_get_status(reducer), ASM_RUN_STATUS_COMPLETED);
        cr_expect_str_eq(asm_reducer_get_text(reducer), "REMOTE_OK");
        cr_expect_null(asm_reducer_get_failure(reducer));
        cr_expect_str_eq(asm_reducer_get_provider_session_id(reducer), "thread-1");
        expect_field(reducer, "text", "\"REMOTE_OK\"");
        expect_field(reducer, "cost", "#{cost_usd=>0,input_tokens=>11,output_tokens=>7}");
        expect_field(reducer, "stop_reason", "end_turn");
        expect_field(reducer, "error", "nil");
        expect_field(reducer, "duration_ms", "99");
        expect_field(reducer, "session_id_from_cli", "\"thread-1\"");
}

Test(capture, codex_messages_come_in_order, .init = load, .fini = unload)
{
        g_autoptr(AsmReducer) reducer = reduce(CODEX_OK, G_MAXUINT);

        expect_field(reducer,
                     "messages",
                     "[#{__struct__=>Elixir.ASM.Message.Raw,data=>#{\"thread_id\"=>\"thread-1\","
                     "\"type\"=>\"thread.started\"},provider=>codex,type=>\"thread.started\"},"
                     "#{__struct__=>Elixir.ASM.Message.Raw,data=>#{\"type\"=>\"turn.started\"},"
                     "provider=>codex,type=>\"turn.started\"},"
                     "#{__struct__=>Elixir.ASM.Message.Thinking,signature=>nil,"
                     "thinking=>\"thinking about it\"},"
                     "#{__struct__=>Elixir.ASM.Message.Assistant,"
                     "content=>[#{__struct__=>Elixir.ASM.Content.Text,text=>\"REMOTE_OK\"}],"
                     "metadata=>#{},model=>nil},"
                     "#{__struct__=>Elixir.ASM.Message.Result,duration_ms=>nil,metadata=>#{},"
                     "object=>nil,stop_reason=>end_turn,"
                     "usage=>#{input_tokens=>11,output_tokens=>7,total_tokens=>0}}]");
}

Test(capture, the_first_error_is_the_outcome, .init = load, .fini = unload)
{
        g_autoptr(AsmReducer) reducer = reduce(CODEX_FAIL, G_MAXUINT);
        const AsmFailure *failure = asm_reducer_get_failure(reducer);

        cr_expect_eq(asm_reducer_get_status(reducer), ASM_RUN_STATUS_FAILED);
        cr_assert_not_null(failure);
        cr_expect_eq(failure->kind, ASM_FAILURE_PARSE_ERROR);
        cr_expect_eq(failure->domain, ASM_DOMAIN_RUNTIME);
        cr_expect_str_eq(failure->message, "unexpected byte at position 0: 0x6E (\"n\")");
        cr_expect_str_eq(failure->provider, "codex");
        cr_expect_not(failure->has_exit_code);
        cr_expect_eq(failure->retryable, -1);
        expect_field(reducer, "text", "\"\"");
        expect_field(reducer, "session_id_from_cli", "\"thread-3\"");
}

/* the exit's event alone: in the conversation the parse error came first */
Test(capture, an_exit_tells_its_code_and_whether_to_try_again, .init = load, .fini = unload)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("codex", 1024 * 1024);
        g_autofree char *stderr_text = NULL;
        const AsmFailure *failure;
        AsmCoreEvent event;

        cr_assert(asm_core_event_from_view(g_array_index(views, AsmView, 10), &event));
        asm_reducer_feed(reducer, &event);

        failure = asm_reducer_get_failure(reducer);
        cr_assert_not_null(failure);
        cr_expect_eq(failure->kind, ASM_FAILURE_TRANSPORT_ERROR);
        cr_expect_eq(failure->domain, ASM_DOMAIN_TRANSPORT);
        cr_expect(failure->has_exit_code);
        cr_expect_eq(failure->exit_code, 3);
        cr_assert_not_null(failure->cause);
        stderr_text = term_text_of(asm_term_view(failure->cause), "stderr");
        cr_expect_str_eq(stderr_text, "\"boom: something broke\n\"", "%s", stderr_text);
        cr_expect_eq(failure->retryable, 1);
        cr_expect_not_null(failure->recovery);
        cr_expect_str_eq(failure->message, "Codex CLI exited with code 3: boom: something broke");
}

Test(capture, claude_costs_are_not_counted_twice, .init = load, .fini = unload)
{
        g_autoptr(AsmReducer) reducer = reduce(CLAUDE_OK, G_MAXUINT);

        cr_expect_eq(asm_reducer_get_status(reducer), ASM_RUN_STATUS_COMPLETED);
        cr_expect_str_eq(asm_reducer_get_text(reducer), "Hello ");
        cr_expect_str_eq(asm_reducer_get_provider_session_id(reducer), "sess-1");
        cr_expect(asm_reducer_is_pending(reducer, "ap-1"));
        expect_field(reducer, "cost", "#{cost_usd=>0.01,input_tokens=>5,output_tokens=>3}");
        expect_field(reducer, "stop_reason", "\"end_turn\"");
        expect_field(reducer, "duration_ms", "12");
        expect_field(reducer, "error", "nil");
        expect_field(reducer,
                     "metadata",
                     "#{cost=>#{cost_usd=>0.01,input_tokens=>5,output_tokens=>3},"
                     "provider_session_id=>\"sess-1\"}");
}

Test(capture, an_interrupted_cli_fails_with_its_exit_code, .init = load, .fini = unload)
{
        g_autoptr(AsmReducer) reducer = reduce(CODEX_INTERRUPT, G_MAXUINT);
        const AsmFailure *failure = asm_reducer_get_failure(reducer);

        cr_expect_eq(asm_reducer_get_status(reducer), ASM_RUN_STATUS_FAILED);
        cr_assert_not_null(failure);
        cr_expect_eq(failure->kind, ASM_FAILURE_TRANSPORT_ERROR);
        cr_expect_eq(failure->domain, ASM_DOMAIN_TRANSPORT);
        cr_expect_eq(failure->exit_code, 2);
        cr_expect_str_eq(failure->message, "Codex CLI exited with code 2");
        expect_field(reducer, "stop_reason", "nil");
        expect_field(reducer, "cost", "#{cost_usd=>0,input_tokens=>0,output_tokens=>0}");
}

Test(capture, a_conversation_that_was_cut_off_is_still_running, .init = load, .fini = unload)
{
        g_autoptr(AsmReducer) stopped = reduce(CODEX_STOP, G_MAXUINT);
        g_autoptr(AsmReducer) killed = reduce(CODEX_KILL, G_MAXUINT);

        cr_expect_eq(asm_reducer_get_status(stopped), ASM_RUN_STATUS_RUNNING);
        cr_expect_eq(asm_reducer_get_status(killed), ASM_RUN_STATUS_RUNNING);
        expect_field(stopped, "error", "nil");
        expect_field(killed, "text", "\"\"");
}

Test(capture, a_synthetic_result_completes_without_text, .init = load, .fini = unload)
{
        g_autoptr(AsmReducer) reducer = reduce(AMP_OK, G_MAXUINT);

        cr_expect_eq(asm_reducer_get_status(reducer), ASM_RUN_STATUS_COMPLETED);
        expect_field(reducer, "text", "\"\"");
        expect_field(reducer, "stop_reason", "normal");
        expect_field(reducer, "cost", "#{cost_usd=>0,input_tokens=>0,output_tokens=>0}");
        expect_field(reducer, "error", "nil");
}

Test(capture, the_same_events_give_the_same_bytes, .init = load, .fini = unload)
{
        for (guint n = 0; n < N_CONVERSATIONS; n++) {
                g_autoptr(AsmReducer) first = reduce(n, G_MAXUINT);
                g_autoptr(AsmReducer) second = reduce(n, G_MAXUINT);
                g_auto(AsmBuilder) a = ASM_BUILDER_INIT;
                g_auto(AsmBuilder) b = ASM_BUILDER_INIT;
                gsize used = 0;

                asm_builder_result(&a, first, "r", "s", ASM_VIEW_NONE, 1);
                asm_builder_result(&b, second, "r", "s", ASM_VIEW_NONE, 1);
                cr_expect(asm_view_same_bytes(asm_builder_peek(&a), asm_builder_peek(&b)));
                cr_expect(asm_term_check(a.data, a.len, NULL, &used, NULL));
                cr_expect_eq(used, a.len);
        }
}

Test(capture, every_prefix_of_a_conversation_has_a_result, .init = load, .fini = unload)
{
        for (guint n = 0; n < N_CONVERSATIONS; n++) {
                for (guint max = 1; max <= 7; max++) {
                        g_autoptr(AsmReducer) reducer = reduce(n, max);
                        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
                        gsize used = 0;

                        asm_builder_result(&builder, reducer, "r", "s", ASM_VIEW_NONE, 1);
                        cr_expect(asm_term_check(builder.data, builder.len, NULL, &used, NULL));
                        cr_expect_eq(used, builder.len);
                }
        }
}
