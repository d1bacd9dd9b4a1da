/* SPDX-License-Identifier: MIT */
#include "event/event.h"

#include "../../support/term-text.h"
#include <criterion/criterion.h>
#include <string.h>

TestSuite(event, .timeout = 300);

#define CORE_KEYS                                                                                  \
        "__struct__ extra id kind metadata payload provider provider_session_id raw sequence "     \
        "timestamp"
#define EVENT_KEYS                                                                                 \
        "__struct__ causation_id core_event correlation_id extra id kind metadata payload "        \
        "provider provider_session_id run_id sequence session_id timestamp"

/* 2026-11-23 14:16:43.463563 UTC */
#define WALL_US G_GINT64_CONSTANT(1795443403463563)
#define WALL_TEXT                                                                                  \
        "#{__struct__=>Elixir.DateTime,calendar=>Elixir.Calendar.ISO,day=>23,hour=>14,"            \
        "microsecond=>{463563,6},minute=>16,month=>11,second=>43,std_offset=>0,"                   \
        "time_zone=>\"Etc/UTC\",utc_offset=>0,year=>2026,zone_abbr=>\"UTC\"}"

static void
put_delta(AsmBuilder *payload, const char *text)
{
        asm_builder_payload_begin(payload, ASM_EVENT_ASSISTANT_DELTA, 1, ASM_VIEW_NONE);
        asm_builder_atom(payload, "content");
        asm_builder_text(payload, text);
}

/* a core event of @kind with the payload of a delta and @metadata */
static void
put_core_event(AsmBuilder *builder, AsmEventKind kind, const char *session_id, AsmView metadata)
{
        g_auto(AsmBuilder) payload = ASM_BUILDER_INIT;
        AsmCoreEventSpec spec = {
                .kind = kind,
                .provider = "codex",
                .id = 5,
                .sequence = 3,
                .timestamp_us = WALL_US,
                .provider_session_id = session_id,
                .metadata = metadata,
        };

        put_delta(&payload, "hello");
        spec.payload = asm_builder_peek(&payload);
        asm_builder_core_event(builder, &spec);
}

static AsmCoreEvent
read_core_event(const AsmBuilder *builder)
{
        AsmCoreEvent event;

        cr_assert(asm_core_event_from_view(asm_builder_peek(builder), &event));
        return event;
}

Test(event, every_kind_is_found_again_by_its_name)
{
        for (guint kind = 0; kind < ASM_EVENT_OTHER; kind++) {
                g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

                asm_builder_atom(&builder, asm_event_kind_name(kind));
                cr_expect_eq(asm_event_kind_from_view(asm_builder_peek(&builder)), kind);
        }
}

Test(event, a_kind_of_a_later_version_is_other)
{
        static const char *const names[] = { "", "result_", "resul", "telepathy" };

        for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
                g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

                asm_builder_atom(&builder, names[i]);
                cr_expect_eq(asm_event_kind_from_view(asm_builder_peek(&builder)),
                             ASM_EVENT_OTHER,
                             "%s",
                             names[i]);
        }
}

Test(event, a_core_event_has_exactly_the_keys_of_the_struct)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autofree char *keys = NULL, *name = NULL, *timestamp = NULL, *raw = NULL;

        put_core_event(&builder, ASM_EVENT_ASSISTANT_DELTA, NULL, ASM_VIEW_NONE);

        keys = term_text_keys(asm_builder_peek(&builder));
        name = term_text_of(asm_builder_peek(&builder), "__struct__");
        timestamp = term_text_of(asm_builder_peek(&builder), "timestamp");
        raw = term_text_of(asm_builder_peek(&builder), "raw");
        cr_expect_str_eq(keys, CORE_KEYS);
        cr_expect_str_eq(name, "Elixir.CliSubprocessCore.Event");
        cr_expect_str_eq(timestamp, WALL_TEXT);
        cr_expect_str_eq(raw, "nil");
}

Test(event, every_payload_is_the_struct_of_its_kind_with_metadata_and_extra)
{
        static const struct {
                AsmEventKind kind;
                const char *name;
        } cases[] = {
                { ASM_EVENT_RUN_STARTED, "RunStarted" },
                { ASM_EVENT_ASSISTANT_DELTA, "AssistantDelta" },
                { ASM_EVENT_ASSISTANT_MESSAGE, "AssistantMessage" },
                { ASM_EVENT_USER_MESSAGE, "UserMessage" },
                { ASM_EVENT_THINKING, "Thinking" },
                { ASM_EVENT_TOOL_USE, "ToolUse" },
                { ASM_EVENT_TOOL_RESULT, "ToolResult" },
                { ASM_EVENT_APPROVAL_REQUESTED, "ApprovalRequested" },
                { ASM_EVENT_APPROVAL_RESOLVED, "ApprovalResolved" },
                { ASM_EVENT_COST_UPDATE, "CostUpdate" },
                { ASM_EVENT_RESULT, "Result" },
                { ASM_EVENT_ERROR, "Error" },
                { ASM_EVENT_STDERR, "Stderr" },
                { ASM_EVENT_RAW, "Raw" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
                g_autofree char *text = NULL, *expected = NULL;

                asm_builder_payload_begin(&builder, cases[i].kind, 0, ASM_VIEW_NONE);
                text = term_text(asm_builder_peek(&builder));
                expected = g_strdup_printf("#{__struct__=>Elixir.CliSubprocessCore.Payload.%s,"
                                           "extra=>#{},metadata=>#{}}",
                                           cases[i].name);
                cr_expect_str_eq(text, expected);
        }
}

Test(event, the_payload_of_a_local_kind_is_a_plain_map)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autofree char *text = NULL;

        asm_builder_payload_begin(&builder, ASM_EVENT_RUN_COMPLETED, 1, ASM_VIEW_NONE);
        asm_builder_atom(&builder, "status");
        asm_builder_atom(&builder, "completed");

        text = term_text(asm_builder_peek(&builder));
        cr_expect_str_eq(text, "#{status=>completed}");
}

Test(event, times_before_1970_and_at_the_last_microsecond_are_right)
{
        static const struct {
                gint64 wall_us;
                const char *year;
                const char *microsecond;
        } cases[] = {
                { 0, "1970", "{0,6}" },
                { -1, "1969", "{999999,6}" },
                { 999999, "1970", "{999999,6}" },
                { G_GINT64_CONSTANT(253402300799999999), "9999", "{999999,6}" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
                g_autofree char *year = NULL, *microsecond = NULL;

                asm_builder_datetime(&builder, cases[i].wall_us);
                year = term_text_of(asm_builder_peek(&builder), "year");
                microsecond = term_text_of(asm_builder_peek(&builder), "microsecond");
                cr_expect_str_eq(year, cases[i].year);
                cr_expect_str_eq(microsecond, cases[i].microsecond);
        }
}

Test(event, the_views_of_a_core_event_are_its_own_bytes)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        AsmCoreEvent event;

        put_core_event(&builder, ASM_EVENT_ASSISTANT_DELTA, "thread-1", ASM_VIEW_NONE);
        event = read_core_event(&builder);

        cr_expect_eq(event.kind, ASM_EVENT_ASSISTANT_DELTA);
        cr_expect_eq(event.sequence, 3);
        cr_expect_eq(event.whole.data, builder.data);
        cr_expect(event.payload.data > builder.data &&
                  event.payload.data + event.payload.len <= builder.data + builder.len);
        cr_expect(asm_view_is_set(event.provider_session_id));
}

Test(event, the_text_nil_is_no_session_id)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        AsmCoreEvent event;

        put_core_event(&builder, ASM_EVENT_RAW, "nil", ASM_VIEW_NONE);
        event = read_core_event(&builder);

        cr_expect_not(asm_view_is_set(event.provider_session_id));
}

Test(event, a_term_without_kind_or_payload_is_no_core_event)
{
        AsmCoreEvent event;

        for (guint i = 0; i < 4; i++) {
                g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

                if (i == 0) {
                        asm_builder_atom(&builder, "event");
                } else {
                        asm_builder_map(&builder, 2);
                        asm_builder_atom(&builder, i == 1 ? "sort" : "kind");
                        if (i == 2)
                                asm_builder_text(&builder, "raw");
                        else
                                asm_builder_atom(&builder, "raw");
                        asm_builder_atom(&builder, "payload");
                        if (i == 3)
                                asm_builder_nil(&builder);
                        else
                                asm_builder_map(&builder, 0);
                }
                cr_expect_not(asm_core_event_from_view(asm_builder_peek(&builder), &event),
                              "case %u",
                              i);
        }
}

Test(event, an_event_has_exactly_the_keys_of_the_struct_and_the_values_of_its_core)
{
        g_auto(AsmBuilder) core = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) metadata = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        AsmEventFrame frame = { .run_id = "r-1", .session_id = "s-1", .provider = "codex" };
        g_autofree char *keys = NULL, *text = NULL, *core_text = NULL, *payload = NULL;
        g_autofree char *timestamp = NULL, *sequence = NULL, *session_id = NULL;
        AsmCoreEvent event;
        AsmView id;
        const guint8 *data;
        gsize len = 0;

        asm_builder_map(&metadata, 1);
        asm_builder_atom(&metadata, "lane");
        asm_builder_atom(&metadata, "core");
        frame.metadata = asm_builder_peek(&metadata);
        put_core_event(&core, ASM_EVENT_ASSISTANT_DELTA, "thread-1", ASM_VIEW_NONE);
        event = read_core_event(&core);
        asm_builder_event(&builder, &frame, &event, 42, 0);

        keys = term_text_keys(asm_builder_peek(&builder));
        cr_expect_str_eq(keys, EVENT_KEYS);
        cr_assert(asm_view_map_get(asm_builder_peek(&builder), "id", &id));
        cr_expect(asm_view_get_binary(id, &data, &len) && len == ASM_ID_LENGTH);
        text = term_text_of(asm_builder_peek(&builder), "core_event");
        core_text = term_text(asm_builder_peek(&core));
        cr_expect_str_eq(text, core_text);
        payload = term_text_of(asm_builder_peek(&builder), "metadata");
        cr_expect_str_eq(payload, "#{lane=>core}");
        timestamp = term_text_of(asm_builder_peek(&builder), "timestamp");
        cr_expect_str_eq(timestamp, WALL_TEXT);
        sequence = term_text_of(asm_builder_peek(&builder), "sequence");
        cr_expect_str_eq(sequence, "42");
        session_id = term_text_of(asm_builder_peek(&builder), "provider_session_id");
        cr_expect_str_eq(session_id, "\"thread-1\"");
}

Test(event, an_event_is_one_well_formed_term)
{
        g_auto(AsmBuilder) core = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        AsmEventFrame frame = { .run_id = "r", .session_id = "s", .provider = "claude" };
        AsmCoreEvent event;
        gsize used = 0;

        put_core_event(&core, ASM_EVENT_OTHER, NULL, ASM_VIEW_NONE);
        event = read_core_event(&core);
        asm_builder_event(&builder, &frame, &event, 1, WALL_US);

        cr_assert(asm_term_check(builder.data, builder.len, NULL, &used, NULL));
        cr_expect_eq(used, builder.len);
}

Test(event, a_local_event_has_no_core_event_and_the_clock_of_the_run)
{
        g_auto(AsmBuilder) core = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        AsmEventFrame frame = { .run_id = "r", .session_id = "s", .provider = "claude" };
        g_autofree char *text = NULL, *timestamp = NULL, *kind = NULL;
        AsmCoreEvent event;

        asm_builder_map(&core, 2);
        asm_builder_atom(&core, "kind");
        asm_builder_atom(&core, "run_completed");
        asm_builder_atom(&core, "payload");
        asm_builder_map(&core, 0);
        event = read_core_event(&core);
        asm_builder_event(&builder, &frame, &event, 1, WALL_US);

        text = term_text_of(asm_builder_peek(&builder), "core_event");
        timestamp = term_text_of(asm_builder_peek(&builder), "timestamp");
        kind = term_text_of(asm_builder_peek(&builder), "kind");
        cr_expect_str_eq(text, "nil");
        cr_expect_str_eq(timestamp, WALL_TEXT);
        cr_expect_str_eq(kind, "run_completed");
}

Test(event, two_events_have_two_ids)
{
        g_auto(AsmBuilder) core = ASM_BUILDER_INIT;
        AsmEventFrame frame = { .run_id = "r", .session_id = "s", .provider = "claude" };
        g_autofree char *first = NULL, *second = NULL;
        AsmCoreEvent event;

        put_core_event(&core, ASM_EVENT_RAW, NULL, ASM_VIEW_NONE);
        event = read_core_event(&core);
        for (guint i = 0; i < 2; i++) {
                g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

                asm_builder_event(&builder, &frame, &event, 1, WALL_US);
                *(i == 0 ? &first : &second) = term_text_of(asm_builder_peek(&builder), "id");
        }

        cr_expect_str_neq(first, second);
}
