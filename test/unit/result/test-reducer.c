/* SPDX-License-Identifier: MIT */
#include "result/reducer.h"

#include "../../support/term-text.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

TestSuite(reducer, .timeout = 300);

#define RESULT_KEYS                                                                                \
        "__struct__ cost duration_ms error messages metadata object run_id session_id "            \
        "session_id_from_cli stop_reason text"
#define LARGE (1024 * 1024)

/* one event under construction: payload fields are added, then it is fed */
typedef struct {
        AsmEventKind kind;
        AsmBuilder fields;
        guint n_fields;
        AsmBuilder payload_metadata;
        AsmBuilder metadata;
        const char *session_id;
} Event;

static Event
event_new(AsmEventKind kind)
{
        return (Event){ .kind = kind };
}

static AsmBuilder *
add(Event *event, const char *key)
{
        asm_builder_atom(&event->fields, key);
        event->n_fields++;
        return &event->fields;
}

static AsmView
view_or_none(const AsmBuilder *builder)
{
        return builder->len > 0 ? asm_builder_peek(builder) : ASM_VIEW_NONE;
}

static AsmRunStatus
feed(AsmReducer *reducer, Event *event)
{
        g_auto(AsmBuilder) payload = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        AsmCoreEventSpec spec = {
                .kind = event->kind,
                .provider = "claude",
                .id = 1,
                .sequence = 1,
                .provider_session_id = event->session_id,
                .metadata = view_or_none(&event->metadata),
        };
        AsmCoreEvent core;
        AsmRunStatus status;

        asm_builder_payload_begin(&payload,
                                  event->kind,
                                  event->n_fields,
                                  view_or_none(&event->payload_metadata));
        asm_builder_raw(&payload, event->fields.data, event->fields.len);
        spec.payload = asm_builder_peek(&payload);
        asm_builder_core_event(&builder, &spec);
        cr_assert(asm_core_event_from_view(asm_builder_peek(&builder), &core));
        status = asm_reducer_feed(reducer, &core);
        asm_builder_clear(&event->fields);
        asm_builder_clear(&event->payload_metadata);
        asm_builder_clear(&event->metadata);
        event->n_fields = 0;
        return status;
}

static AsmRunStatus
feed_delta(AsmReducer *reducer, const char *text)
{
        Event event = event_new(ASM_EVENT_ASSISTANT_DELTA);

        asm_builder_text(add(&event, "content"), text);
        return feed(reducer, &event);
}

static AsmRunStatus
feed_error(AsmReducer *reducer, const char *code, const char *severity)
{
        Event event = event_new(ASM_EVENT_ERROR);

        asm_builder_text(add(&event, "code"), code);
        asm_builder_text(add(&event, "message"), "it broke");
        asm_builder_atom(add(&event, "severity"), severity);
        return feed(reducer, &event);
}

static AsmRunStatus
feed_plain(AsmReducer *reducer, AsmEventKind kind)
{
        Event event = event_new(kind);

        return feed(reducer, &event);
}

static AsmRunStatus
feed_cost(AsmReducer *reducer, gint64 input, gint64 output, double usd)
{
        Event event = event_new(ASM_EVENT_COST_UPDATE);

        asm_builder_int(add(&event, "input_tokens"), input);
        asm_builder_int(add(&event, "output_tokens"), output);
        asm_builder_double(add(&event, "cost_usd"), usd);
        return feed(reducer, &event);
}

/* @is_binary: the keys of output and usage as decoded JSON has them */
static AsmRunStatus
feed_result(AsmReducer *reducer, gboolean is_binary)
{
        void (*put_key)(AsmBuilder *, const char *) =
                is_binary ? asm_builder_text : asm_builder_atom;
        Event event = event_new(ASM_EVENT_RESULT);
        AsmBuilder *builder;

        asm_builder_text(add(&event, "stop_reason"), "end_turn");
        builder = add(&event, "output");
        asm_builder_map(builder, 3);
        put_key(builder, "usage");
        asm_builder_map(builder, 2);
        put_key(builder, "input_tokens");
        asm_builder_int(builder, 20);
        put_key(builder, "output_tokens");
        asm_builder_int(builder, 29);
        put_key(builder, "total_cost_usd");
        asm_builder_double(builder, 0.5);
        put_key(builder, "duration_ms");
        asm_builder_int(builder, 170);
        return feed(reducer, &event);
}

static char *
result_field(const AsmReducer *reducer, const char *key)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_result(&builder, reducer, "r-1", "s-1", ASM_VIEW_NONE, 77);
        return term_text_of(asm_builder_peek(&builder), key);
}

static void
expect_field(const AsmReducer *reducer, const char *key, const char *expected)
{
        g_autofree char *text = result_field(reducer, key);

        cr_expect_str_eq(text, expected, "%s: %s", key, text);
}

static void
expect_cost(const AsmReducer *reducer, gint64 input, gint64 output, double usd)
{
        const AsmCost *cost = asm_reducer_get_cost(reducer);

        cr_expect_eq(cost->input_tokens, input);
        cr_expect_eq(cost->output_tokens, output);
        cr_expect(fabs(cost->cost_usd - usd) < 1e-9, "%g", cost->cost_usd);
}

Test(reducer, a_run_begins_with_run_started)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);

        cr_expect_eq(asm_reducer_get_status(reducer), ASM_RUN_STATUS_INITIALIZING);
        cr_expect_eq(feed_plain(reducer, ASM_EVENT_RUN_STARTED), ASM_RUN_STATUS_RUNNING);
        cr_expect_eq(feed_delta(reducer, "x"), ASM_RUN_STATUS_RUNNING);
}

Test(reducer, completed_failed_and_interrupted_are_final)
{
        cr_expect_not(asm_run_status_is_final(ASM_RUN_STATUS_INITIALIZING));
        cr_expect_not(asm_run_status_is_final(ASM_RUN_STATUS_RUNNING));
        cr_expect(asm_run_status_is_final(ASM_RUN_STATUS_COMPLETED));
        cr_expect(asm_run_status_is_final(ASM_RUN_STATUS_FAILED));
        cr_expect(asm_run_status_is_final(ASM_RUN_STATUS_INTERRUPTED));
        cr_expect_str_eq(asm_run_status_name(ASM_RUN_STATUS_INTERRUPTED), "interrupted");
}

Test(reducer, nothing_changes_after_the_final_event)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);
        g_auto(AsmBuilder) before = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) after = ASM_BUILDER_INIT;

        feed_delta(reducer, "done");
        cr_assert_eq(feed_result(reducer, FALSE), ASM_RUN_STATUS_COMPLETED);
        asm_builder_result(&before, reducer, "r", "s", ASM_VIEW_NONE, 1);
        cr_expect_eq(feed_error(reducer, "timeout", "fatal"), ASM_RUN_STATUS_COMPLETED);
        feed_delta(reducer, "late");
        feed_cost(reducer, 1, 1, 1);
        asm_builder_result(&after, reducer, "r", "s", ASM_VIEW_NONE, 1);

        cr_expect(asm_view_same_bytes(asm_builder_peek(&before), asm_builder_peek(&after)));
}

Test(reducer, run_completed_completes)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);

        cr_expect_eq(feed_plain(reducer, ASM_EVENT_RUN_COMPLETED), ASM_RUN_STATUS_COMPLETED);
        expect_field(reducer, "stop_reason", "nil");
        expect_field(reducer, "messages", "[]");
}

Test(reducer, deltas_and_messages_join_to_the_text)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);
        Event event = event_new(ASM_EVENT_ASSISTANT_MESSAGE);
        AsmBuilder *builder;

        feed_delta(reducer, "one ");
        builder = add(&event, "content");
        asm_builder_list(builder, 4);
        asm_builder_text(builder, "two ");
        asm_builder_map(builder, 2);
        asm_builder_text(builder, "type");
        asm_builder_text(builder, "text");
        asm_builder_text(builder, "text");
        asm_builder_text(builder, "three ");
        asm_builder_map(builder, 2);
        asm_builder_text(builder, "type");
        asm_builder_text(builder, "thinking");
        asm_builder_text(builder, "thinking");
        asm_builder_text(builder, "hm");
        asm_builder_map(builder, 2);
        asm_builder_atom(builder, "type");
        asm_builder_text(builder, "text");
        asm_builder_atom(builder, "text");
        asm_builder_text(builder, "four");
        asm_builder_nil(builder);
        feed(reducer, &event);

        cr_expect_str_eq(asm_reducer_get_text(reducer), "one two three four");
        expect_field(reducer,
                     "messages",
                     "[#{__struct__=>Elixir.ASM.Message.Partial,content_type=>text,"
                     "delta=>\"one \"},#{__struct__=>Elixir.ASM.Message.Assistant,content=>["
                     "#{__struct__=>Elixir.ASM.Content.Text,text=>\"two \"},"
                     "#{__struct__=>Elixir.ASM.Content.Text,text=>\"three \"},"
                     "#{__struct__=>Elixir.ASM.Content.Thinking,signature=>nil,thinking=>\"hm\"},"
                     "#{__struct__=>Elixir.ASM.Content.Text,text=>\"four\"}],"
                     "metadata=>#{},model=>nil}]");
}

Test(reducer, a_snapshot_is_a_message_without_text)
{
        for (guint i = 0; i < 2; i++) {
                g_autoptr(AsmReducer) reducer = asm_reducer_new("cursor", LARGE);
                Event event = event_new(ASM_EVENT_ASSISTANT_MESSAGE);
                AsmBuilder *builder = add(&event, "content");
                g_autofree char *messages = NULL;

                asm_builder_list(builder, 1);
                asm_builder_text(builder, "all of it");
                asm_builder_nil(builder);
                asm_builder_map(&event.payload_metadata, 1);
                if (i == 0) {
                        asm_builder_atom(&event.payload_metadata, "source");
                        asm_builder_atom(&event.payload_metadata, "cursor_final_snapshot");
                } else {
                        asm_builder_text(&event.payload_metadata, "source");
                        asm_builder_text(&event.payload_metadata, "cursor_final_snapshot");
                }
                feed_delta(reducer, "all of it");
                feed(reducer, &event);

                cr_expect_str_eq(asm_reducer_get_text(reducer), "all of it");
                messages = result_field(reducer, "messages");
                cr_expect(strstr(messages, "ASM.Message.Assistant") != NULL);
        }
}

Test(reducer, tools_thinking_and_users_are_messages)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);
        Event use = event_new(ASM_EVENT_TOOL_USE);
        Event result = event_new(ASM_EVENT_TOOL_RESULT);
        Event user = event_new(ASM_EVENT_USER_MESSAGE);
        Event thinking = event_new(ASM_EVENT_THINKING);
        Event text = event_new(ASM_EVENT_STDERR);
        AsmBuilder *builder;

        asm_builder_text(add(&use, "tool_name"), "Bash");
        asm_builder_text(add(&use, "tool_call_id"), "t-1");
        asm_builder_map(add(&use, "input"), 0);
        feed(reducer, &use);
        asm_builder_text(add(&result, "tool_call_id"), "t-1");
        asm_builder_text(add(&result, "content"), "out");
        asm_builder_bool(add(&result, "is_error"), TRUE);
        feed(reducer, &result);
        builder = add(&user, "content");
        asm_builder_list(builder, 1);
        asm_builder_text(builder, "hi");
        asm_builder_nil(builder);
        feed(reducer, &user);
        asm_builder_text(add(&thinking, "content"), "hm");
        asm_builder_nil_atom(add(&thinking, "signature"));
        feed(reducer, &thinking);
        asm_builder_text(add(&text, "content"), "warn");
        feed(reducer, &text);

        expect_field(reducer,
                     "messages",
                     "[#{__struct__=>Elixir.ASM.Message.ToolUse,input=>#{},tool_id=>\"t-1\","
                     "tool_name=>\"Bash\"},"
                     "#{__struct__=>Elixir.ASM.Message.ToolResult,content=>\"out\","
                     "is_error=>true,tool_id=>\"t-1\"},"
                     "#{__struct__=>Elixir.ASM.Message.User,"
                     "content=>[#{__struct__=>Elixir.ASM.Content.Text,text=>\"hi\"}]},"
                     "#{__struct__=>Elixir.ASM.Message.Thinking,signature=>nil,thinking=>\"hm\"},"
                     "#{__struct__=>Elixir.ASM.Message.Raw,data=>\"warn\",provider=>claude,"
                     "type=>\"stderr\"}]");
}

Test(reducer, cost_updates_add_up_and_keep_the_usage_of_the_result_out)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);

        feed_cost(reducer, 5, 3, 0.25);
        feed_cost(reducer, 7, 2, 0.5);
        expect_cost(reducer, 12, 5, 0.75);
        feed_result(reducer, FALSE);

        expect_cost(reducer, 12, 5, 0.75);
}

Test(reducer, a_result_alone_tells_the_cost_with_either_kind_of_keys)
{
        for (guint is_binary = 0; is_binary < 2; is_binary++) {
                g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);

                feed_result(reducer, is_binary);

                expect_cost(reducer, 20, 29, 0.5);
                expect_field(reducer, "duration_ms", "170");
        }
}

Test(reducer, costs_that_cannot_be_are_not_counted)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);

        feed_cost(reducer, -5, 1, -0.5);
        feed_cost(reducer, G_MAXINT64, 1, 0.5);
        feed_cost(reducer, G_MAXINT64, 1, 0.5);

        expect_cost(reducer, G_MAXINT64, 3, 1.0);
}

Test(reducer, an_error_fails_the_run_whatever_its_severity)
{
        static const char *const severities[] = { "info", "warning", "error", "fatal" };

        for (gsize i = 0; i < G_N_ELEMENTS(severities); i++) {
                g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);

                cr_expect_eq(feed_error(reducer, "rate_limit", severities[i]),
                             ASM_RUN_STATUS_FAILED);
                cr_expect_eq(asm_reducer_get_failure(reducer)->kind, ASM_FAILURE_RATE_LIMIT);
                cr_expect_str_eq(asm_reducer_get_failure(reducer)->message, "it broke");
        }
}

Test(reducer, a_code_is_the_kind_of_its_name_else_unknown)
{
        static const struct {
                const char *code;
                AsmFailureKind kind;
        } cases[] = {
                { "timeout", ASM_FAILURE_TIMEOUT },
                { " Auth-Error ", ASM_FAILURE_AUTH_ERROR },
                { "guardrail_blocked", ASM_FAILURE_GUARDRAIL_BLOCKED },
                { "transport_error", ASM_FAILURE_TRANSPORT_ERROR },
                { "transport_exit", ASM_FAILURE_TRANSPORT_ERROR },
                { "Transport-Exit ", ASM_FAILURE_TRANSPORT_ERROR },
                { "transport_exits", ASM_FAILURE_UNKNOWN },
                { "", ASM_FAILURE_UNKNOWN },
                { "a_code_that_is_longer_than_every_name_of_a_kind_that_there_is_or_will_be",
                  ASM_FAILURE_UNKNOWN },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);

                feed_error(reducer, cases[i].code, "error");
                cr_expect_eq(asm_reducer_get_failure(reducer)->kind,
                             cases[i].kind,
                             "%s",
                             cases[i].code);
        }
}

Test(reducer, user_cancelled_interrupts)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);

        cr_expect_eq(feed_error(reducer, "user_cancelled", "warning"), ASM_RUN_STATUS_INTERRUPTED);
        cr_expect_eq(asm_reducer_get_failure(reducer)->kind, ASM_FAILURE_USER_CANCELLED);
        cr_expect_eq(asm_reducer_get_failure(reducer)->domain, ASM_DOMAIN_RUNTIME);
}

Test(reducer, the_domain_of_an_error_is_in_its_metadata)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);
        Event event = event_new(ASM_EVENT_ERROR);

        asm_builder_text(add(&event, "code"), "guardrail_blocked");
        asm_builder_map(&event.payload_metadata, 1);
        asm_builder_atom(&event.payload_metadata, "asm_error_domain");
        asm_builder_text(&event.payload_metadata, " Guardrail ");
        feed(reducer, &event);

        cr_expect_eq(asm_reducer_get_failure(reducer)->domain, ASM_DOMAIN_GUARDRAIL);
        cr_expect_str_eq(asm_reducer_get_failure(reducer)->message, "unknown runtime error");
}

Test(reducer, an_approval_is_pending_until_it_is_resolved)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);
        Event event = event_new(ASM_EVENT_APPROVAL_REQUESTED);

        asm_builder_text(add(&event, "approval_id"), "ap-1");
        feed(reducer, &event);
        asm_builder_text(add(&event, "approval_id"), "ap-1");
        feed(reducer, &event);
        cr_expect(asm_reducer_is_pending(reducer, "ap-1"));
        cr_expect_eq(asm_reducer_get_n_pending(reducer), 1);
        event.kind = ASM_EVENT_APPROVAL_RESOLVED;
        asm_builder_text(add(&event, "approval_id"), "ap-1");
        feed(reducer, &event);

        cr_expect_eq(asm_reducer_get_n_pending(reducer), 0);
        cr_expect_eq(asm_reducer_get_size(reducer), 0);
}

Test(reducer, max_bytes_is_accepted_and_one_more_is_not)
{
        gsize size;

        {
                g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);

                feed_delta(reducer, "hello");
                feed_delta(reducer, "world");
                size = asm_reducer_get_size(reducer);
        }
        for (guint i = 0; i < 2; i++) {
                g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", size - i);
                g_autofree char *expected = g_strdup_printf("%" G_GSIZE_FORMAT, size - i);
                AsmRunStatus status;

                feed_plain(reducer, ASM_EVENT_RUN_STARTED);
                feed_delta(reducer, "hello");
                status = feed_delta(reducer, "world");
                cr_expect_eq(status, i == 0 ? ASM_RUN_STATUS_RUNNING : ASM_RUN_STATUS_FAILED);
                if (i == 0)
                        continue;
                cr_expect_eq(asm_reducer_get_failure(reducer)->kind, ASM_FAILURE_BUFFER_OVERFLOW);
                cr_expect(strstr(asm_reducer_get_failure(reducer)->message, expected) != NULL);
                cr_expect_str_eq(asm_reducer_get_text(reducer), "hello");
                cr_expect_leq(asm_reducer_get_size(reducer), size - i);
        }
}

Test(reducer, metadata_of_events_stays_within_max_bytes)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", 100);
        g_autofree char *large = g_strnfill(200, 'x');
        Event event = event_new(ASM_EVENT_RAW);

        asm_builder_map(&event.metadata, 1);
        asm_builder_atom(&event.metadata, "k");
        asm_builder_text(&event.metadata, large);
        cr_expect_eq(feed(reducer, &event), ASM_RUN_STATUS_FAILED);

        cr_expect_leq(asm_reducer_get_size(reducer), 100);
}

Test(reducer, the_result_has_exactly_the_keys_of_the_struct)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autofree char *keys = NULL;

        asm_builder_result(&builder, reducer, "r-1", "s-1", ASM_VIEW_NONE, 77);

        keys = term_text_keys(asm_builder_peek(&builder));
        cr_expect_str_eq(keys, RESULT_KEYS);
        expect_field(reducer, "__struct__", "Elixir.ASM.Result");
        expect_field(reducer, "run_id", "\"r-1\"");
        expect_field(reducer, "session_id", "\"s-1\"");
        expect_field(reducer, "duration_ms", "77");
        expect_field(reducer, "session_id_from_cli", "nil");
}

Test(reducer, every_key_of_the_metadata_is_there_once)
{
        g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);
        g_auto(AsmBuilder) metadata = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autofree char *text = NULL;
        Event event = event_new(ASM_EVENT_RAW);

        asm_builder_map(&metadata, 3);
        asm_builder_atom(&metadata, "cost");
        asm_builder_atom(&metadata, "run");
        asm_builder_atom(&metadata, "lane");
        asm_builder_atom(&metadata, "core");
        asm_builder_atom(&metadata, "provider_session_id");
        asm_builder_atom(&metadata, "run");
        asm_builder_map(&event.metadata, 3);
        asm_builder_atom(&event.metadata, "lane");
        asm_builder_atom(&event.metadata, "sdk");
        asm_builder_atom(&event.metadata, "cost");
        asm_builder_atom(&event.metadata, "event");
        asm_builder_atom(&event.metadata, "seen");
        asm_builder_atom(&event.metadata, "event");
        event.session_id = "sess";
        feed(reducer, &event);
        asm_builder_result(&builder, reducer, "r", "s", asm_builder_peek(&metadata), 1);

        text = term_text_of(asm_builder_peek(&builder), "metadata");
        cr_expect_str_eq(text,
                         "#{cost=>#{cost_usd=>0,input_tokens=>0,output_tokens=>0},lane=>core,"
                         "provider_session_id=>\"sess\",seen=>event}");
}

Test(reducer, a_payload_of_other_types_than_expected_does_no_harm)
{
        for (guint kind = 0; kind <= ASM_EVENT_OTHER; kind++) {
                static const char *const keys[] = { "content",     "code",     "message",
                                                    "metadata",    "output",   "stop_reason",
                                                    "tool_name",   "input",    "is_error",
                                                    "approval_id", "cost_usd", "severity",
                                                    "tool_call_id" };
                g_autoptr(AsmReducer) reducer = asm_reducer_new("claude", LARGE);
                g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
                Event event = event_new(kind);
                gsize used = 0;

                for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
                        if (g_str_equal(keys[i], "metadata"))
                                continue;
                        asm_builder_tuple(add(&event, keys[i]), 1);
                        asm_builder_double(&event.fields, 1.5);
                }
                feed(reducer, &event);
                asm_builder_result(&builder, reducer, "r", "s", ASM_VIEW_NONE, 1);
                cr_expect(asm_term_check(builder.data, builder.len, NULL, &used, NULL));
                cr_expect_eq(used, builder.len);
        }
}
