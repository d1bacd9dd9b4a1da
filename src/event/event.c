/* SPDX-License-Identifier: MIT */
/*
 * Two shapes of one thing. A core event is what a backend says, and it is never taken apart
 * further than its eleven keys: one pass over the map gives borrowed views, and whatever this
 * version does not know (a new kind, a new payload field) is handed on as the bytes that came.
 * An ASM event is the envelope that subscribers get:
 *
 *      ASM.Event  id run_id session_id provider kind sequence ... metadata     (written here)
 *       |-- payload       \
 *       |-- timestamp      > copied out of the core event as bytes
 *       `-- core_event    /  the core event itself
 *
 * This is the hottest code of a run, for every event of every run passes here. The keys of the
 * envelope and those values that never change are therefore encoded once per process, cut into
 * stretches that end where a value has to go in; writing an event alternates between copying a
 * stretch and writing a value, and scalars are the only thing that is encoded.
 */

#include "event/event.h"

#include "term/reader.h"
#include <string.h>

#define CORE_EVENT_STRUCT "Elixir.CliSubprocessCore.Event"
#define EVENT_STRUCT      "Elixir.ASM.Event"
#define PAYLOAD_PREFIX    "Elixir.CliSubprocessCore.Payload."

/* pairs of a core event and of an ASM event (ASM_PROTOCOL.md, section 3) */
#define CORE_EVENT_PAIRS 11
#define EVENT_PAIRS      15

/* room for the envelope without what is copied: keys, ids and numbers take some 400 bytes */
#define EVENT_OVERHEAD 768

typedef struct {
        const char *name;
        guint8 len;
        const char *payload; /* the payload struct; NULL: a plain map */
} KindInfo;

#define KIND(text, payload_name)                                                                   \
        {                                                                                          \
                .name = text, .len = sizeof(text) - 1, .payload = payload_name                     \
        }

static const KindInfo kinds[] = {
        [ASM_EVENT_RUN_STARTED] = KIND("run_started", PAYLOAD_PREFIX "RunStarted"),
        [ASM_EVENT_ASSISTANT_DELTA] = KIND("assistant_delta", PAYLOAD_PREFIX "AssistantDelta"),
        [ASM_EVENT_ASSISTANT_MESSAGE] =
                KIND("assistant_message", PAYLOAD_PREFIX "AssistantMessage"),
        [ASM_EVENT_USER_MESSAGE] = KIND("user_message", PAYLOAD_PREFIX "UserMessage"),
        [ASM_EVENT_THINKING] = KIND("thinking", PAYLOAD_PREFIX "Thinking"),
        [ASM_EVENT_TOOL_USE] = KIND("tool_use", PAYLOAD_PREFIX "ToolUse"),
        [ASM_EVENT_TOOL_RESULT] = KIND("tool_result", PAYLOAD_PREFIX "ToolResult"),
        [ASM_EVENT_APPROVAL_REQUESTED] =
                KIND("approval_requested", PAYLOAD_PREFIX "ApprovalRequested"),
        [ASM_EVENT_APPROVAL_RESOLVED] =
                KIND("approval_resolved", PAYLOAD_PREFIX "ApprovalResolved"),
        [ASM_EVENT_COST_UPDATE] = KIND("cost_update", PAYLOAD_PREFIX "CostUpdate"),
        [ASM_EVENT_RESULT] = KIND("result", PAYLOAD_PREFIX "Result"),
        [ASM_EVENT_ERROR] = KIND("error", PAYLOAD_PREFIX "Error"),
        [ASM_EVENT_STDERR] = KIND("stderr", PAYLOAD_PREFIX "Stderr"),
        [ASM_EVENT_RAW] = KIND("raw", PAYLOAD_PREFIX "Raw"),
        [ASM_EVENT_RUN_COMPLETED] = KIND("run_completed", NULL),
        [ASM_EVENT_HOST_TOOL_REQUESTED] = KIND("host_tool_requested", NULL),
        [ASM_EVENT_HOST_TOOL_COMPLETED] = KIND("host_tool_completed", NULL),
        [ASM_EVENT_HOST_TOOL_FAILED] = KIND("host_tool_failed", NULL),
        [ASM_EVENT_HOST_TOOL_DENIED] = KIND("host_tool_denied", NULL),
        [ASM_EVENT_SESSION_CHECKPOINT] = KIND("session_checkpoint", NULL),
        [ASM_EVENT_SESSION_RESUMED] = KIND("session_resumed", NULL),
        [ASM_EVENT_OTHER] = KIND("unknown", NULL),
};

const char *
asm_event_kind_name(AsmEventKind kind)
{
        g_return_val_if_fail((guint)kind <= ASM_EVENT_OTHER, "unknown");
        return kinds[kind].name;
}

AsmEventKind
asm_event_kind_from_view(AsmView atom)
{
        const char *name;
        gsize len;

        if (!asm_view_get_atom(atom, &name, &len))
                return ASM_EVENT_OTHER;
        for (guint i = 0; i < ASM_EVENT_OTHER; i++) {
                if (kinds[i].len == len && memcmp(kinds[i].name, name, len) == 0)
                        return i;
        }
        return ASM_EVENT_OTHER;
}

/* An ASM 0.9.2 node sends the text of the atom `nil` where it has no session id. */
static AsmView
session_id_or_none(AsmView view)
{
        const guint8 *data;
        gsize len;

        if (!asm_view_is_set(view) || !asm_view_get_binary(view, &data, &len) || len == 0)
                return ASM_VIEW_NONE;
        return len == 3 && memcmp(data, "nil", 3) == 0 ? ASM_VIEW_NONE : view;
}

static AsmView
map_or_none(AsmView view)
{
        return asm_view_is_set(view) && asm_view_kind(view) == ASM_KIND_MAP ? view : ASM_VIEW_NONE;
}

gboolean
asm_core_event_from_view(AsmView view, AsmCoreEvent *ret_event)
{
        static const char *const keys[] = { "kind",      "payload",  "sequence",
                                            "timestamp", "metadata", "provider_session_id",
                                            "id",        "provider", "raw",
                                            "extra",     NULL };
        enum {
                KIND_,
                PAYLOAD,
                SEQUENCE,
                TIMESTAMP,
                METADATA,
                SESSION_ID,
                ID,
                PROVIDER,
                RAW,
                EXTRA,
                N
        };
        AsmView values[N];
        gint64 sequence = 0;

        asm_view_map_pick(view, keys, values);
        if (!asm_view_is_set(values[KIND_]) || asm_view_kind(values[KIND_]) != ASM_KIND_ATOM)
                return FALSE;
        if (!asm_view_is_set(map_or_none(values[PAYLOAD])))
                return FALSE;
        if (asm_view_is_set(values[SEQUENCE]) && !asm_view_get_int(values[SEQUENCE], &sequence))
                sequence = 0;
        *ret_event = (AsmCoreEvent){
                .kind = asm_event_kind_from_view(values[KIND_]),
                .kind_atom = values[KIND_],
                .id = values[ID],
                .provider = values[PROVIDER],
                .sequence_term = values[SEQUENCE],
                .timestamp = map_or_none(values[TIMESTAMP]),
                .payload = values[PAYLOAD],
                .raw = values[RAW],
                .provider_session_id = session_id_or_none(values[SESSION_ID]),
                .metadata = map_or_none(values[METADATA]),
                .extra = map_or_none(values[EXTRA]),
                .whole = view,
                .sequence = MAX(sequence, 0),
        };
        return TRUE;
}

static void
put_view_or_empty_map(AsmBuilder *builder, AsmView view)
{
        if (asm_view_is_set(view))
                asm_builder_view(builder, view);
        else
                asm_builder_map(builder, 0);
}

static void
put_view_or_nil(AsmBuilder *builder, AsmView view)
{
        if (asm_view_is_set(view))
                asm_builder_view(builder, view);
        else
                asm_builder_nil_atom(builder);
}

static void
put_int_field(AsmBuilder *builder, const char *key, gint64 value)
{
        asm_builder_atom(builder, key);
        asm_builder_int(builder, value);
}

void
asm_builder_datetime(AsmBuilder *builder, gint64 wall_us)
{
        gint64 seconds = wall_us / G_USEC_PER_SEC;
        gint64 us = wall_us % G_USEC_PER_SEC;
        g_autoptr(GDateTime) time = NULL;

        if (us < 0) {
                us += G_USEC_PER_SEC;
                seconds--;
        }
        time = g_date_time_new_from_unix_utc(seconds);
        if (time == NULL) /* beyond the year 9999: a clock gone mad, not a reason to stop */
                time = g_date_time_new_from_unix_utc(0);
        asm_builder_map(builder, 13);
        asm_builder_atom(builder, "__struct__");
        asm_builder_atom(builder, "Elixir.DateTime");
        asm_builder_atom(builder, "calendar");
        asm_builder_atom(builder, "Elixir.Calendar.ISO");
        put_int_field(builder, "year", g_date_time_get_year(time));
        put_int_field(builder, "month", g_date_time_get_month(time));
        put_int_field(builder, "day", g_date_time_get_day_of_month(time));
        put_int_field(builder, "hour", g_date_time_get_hour(time));
        put_int_field(builder, "minute", g_date_time_get_minute(time));
        put_int_field(builder, "second", g_date_time_get_second(time));
        asm_builder_atom(builder, "microsecond");
        asm_builder_tuple(builder, 2);
        asm_builder_int(builder, us);
        asm_builder_int(builder, 6); /* digits that count */
        asm_builder_atom(builder, "time_zone");
        asm_builder_text(builder, "Etc/UTC");
        asm_builder_atom(builder, "zone_abbr");
        asm_builder_text(builder, "UTC");
        put_int_field(builder, "utc_offset", 0);
        put_int_field(builder, "std_offset", 0);
}

gboolean
asm_view_get_datetime(AsmView view, gint64 *ret_wall_us)
{
        static const char *const keys[] = { "year",   "month",  "day",         "hour",
                                            "minute", "second", "microsecond", NULL };
        AsmView values[G_N_ELEMENTS(keys) - 1], part[2];
        gint64 numbers[G_N_ELEMENTS(keys) - 2], us;
        g_autoptr(GDateTime) time = NULL;

        if (asm_view_kind(view) != ASM_KIND_MAP ||
            asm_view_map_pick(view, keys, values) < G_N_ELEMENTS(values) ||
            !asm_view_get_tuple(values[6], 2, part) || !asm_view_get_int(part[0], &us))
                return FALSE;
        for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
                if (!asm_view_get_int(values[i], &numbers[i]) || numbers[i] < 0 ||
                    numbers[i] > 9999)
                        return FALSE;
        }
        if (us < 0 || us >= G_USEC_PER_SEC)
                return FALSE;
        time = g_date_time_new_utc((gint)numbers[0],
                                   (gint)numbers[1],
                                   (gint)numbers[2],
                                   (gint)numbers[3],
                                   (gint)numbers[4],
                                   (gdouble)numbers[5]);
        if (time == NULL)
                return FALSE;
        *ret_wall_us = g_date_time_to_unix(time) * G_USEC_PER_SEC + us;
        return TRUE;
}

void
asm_builder_payload_begin(AsmBuilder *builder, AsmEventKind kind, guint n_fields, AsmView metadata)
{
        g_return_if_fail((guint)kind <= ASM_EVENT_OTHER);

        if (kinds[kind].payload == NULL) {
                asm_builder_map(builder, n_fields);
                return;
        }
        asm_builder_map(builder, n_fields + 3);
        asm_builder_atom(builder, "__struct__");
        asm_builder_atom(builder, kinds[kind].payload);
        asm_builder_atom(builder, "metadata");
        put_view_or_empty_map(builder, metadata);
        asm_builder_atom(builder, "extra");
        asm_builder_map(builder, 0);
}

void
asm_builder_core_event(AsmBuilder *builder, const AsmCoreEventSpec *spec)
{
        asm_builder_map(builder, CORE_EVENT_PAIRS);
        asm_builder_atom(builder, "__struct__");
        asm_builder_atom(builder, CORE_EVENT_STRUCT);
        put_int_field(builder, "id", spec->id);
        asm_builder_atom(builder, "kind");
        asm_builder_atom(builder, asm_event_kind_name(spec->kind));
        asm_builder_atom(builder, "provider");
        asm_builder_atom(builder, spec->provider);
        put_int_field(builder, "sequence", spec->sequence);
        asm_builder_atom(builder, "timestamp");
        asm_builder_datetime(builder, spec->timestamp_us);
        asm_builder_atom(builder, "payload");
        put_view_or_empty_map(builder, spec->payload);
        asm_builder_atom(builder, "raw");
        put_view_or_nil(builder, spec->raw);
        asm_builder_atom(builder, "provider_session_id");
        asm_builder_text(builder, spec->provider_session_id);
        asm_builder_atom(builder, "metadata");
        put_view_or_empty_map(builder, spec->metadata);
        asm_builder_atom(builder, "extra");
        asm_builder_map(builder, 0);
}

/* the values of an ASM event that differ from event to event, in the order they are written */
typedef enum {
        SLOT_ID,
        SLOT_RUN_ID,
        SLOT_SESSION_ID,
        SLOT_PROVIDER,
        SLOT_KIND,
        SLOT_PAYLOAD,
        SLOT_CORE_EVENT,
        SLOT_SEQUENCE,
        SLOT_PROVIDER_SESSION_ID,
        SLOT_TIMESTAMP,
        SLOT_METADATA,
        SLOT_EXTRA,
        N_SLOTS
} EventSlot;

typedef struct {
        AsmBuilder bytes;
        gsize ends[N_SLOTS]; /* where the stretch in front of each value ends */
} EventTemplate;

static const EventTemplate *
get_template(void)
{
        static const char *const slot_keys[N_SLOTS] = {
                "id",         "run_id",   "session_id",          "provider",  "kind",     "payload",
                "core_event", "sequence", "provider_session_id", "timestamp", "metadata", "extra",
        };
        static EventTemplate template;
        static gsize is_ready;

        if (g_once_init_enter(&is_ready)) {
                asm_builder_map(&template.bytes, EVENT_PAIRS);
                asm_builder_atom(&template.bytes, "__struct__");
                asm_builder_atom(&template.bytes, EVENT_STRUCT);
                asm_builder_atom(&template.bytes, "correlation_id");
                asm_builder_nil_atom(&template.bytes);
                asm_builder_atom(&template.bytes, "causation_id");
                asm_builder_nil_atom(&template.bytes);
                for (guint i = 0; i < N_SLOTS; i++) {
                        asm_builder_atom(&template.bytes, slot_keys[i]);
                        template.ends[i] = template.bytes.len;
                }
                g_once_init_leave(&is_ready, 1);
        }
        return &template;
}

static void
put_stretch(AsmBuilder *builder, const EventTemplate *template, EventSlot slot)
{
        gsize start = slot == 0 ? 0 : template->ends[slot - 1];

        asm_builder_raw(builder, template->bytes.data + start, template->ends[slot] - start);
}

void
asm_builder_event(AsmBuilder *builder,
                  const AsmEventFrame *frame,
                  const AsmCoreEvent *core,
                  gint64 sequence,
                  gint64 wall_us)
{
        const EventTemplate *template = get_template();
        gboolean is_local = core->kind >= ASM_EVENT_RUN_COMPLETED && core->kind != ASM_EVENT_OTHER;
        AsmId id = asm_id_new();

        asm_builder_reserve(builder,
                            EVENT_OVERHEAD + core->whole.len + core->payload.len +
                                    frame->metadata.len);
        put_stretch(builder, template, SLOT_ID);
        asm_builder_binary(builder, id.text, ASM_ID_LENGTH);
        put_stretch(builder, template, SLOT_RUN_ID);
        asm_builder_text(builder, frame->run_id);
        put_stretch(builder, template, SLOT_SESSION_ID);
        asm_builder_text(builder, frame->session_id);
        put_stretch(builder, template, SLOT_PROVIDER);
        asm_builder_atom(builder, frame->provider);
        put_stretch(builder, template, SLOT_KIND);
        asm_builder_view(builder, core->kind_atom);
        put_stretch(builder, template, SLOT_PAYLOAD);
        asm_builder_view(builder, core->payload);
        put_stretch(builder, template, SLOT_CORE_EVENT);
        put_view_or_nil(builder, is_local ? ASM_VIEW_NONE : core->whole);
        put_stretch(builder, template, SLOT_SEQUENCE);
        asm_builder_int(builder, sequence);
        put_stretch(builder, template, SLOT_PROVIDER_SESSION_ID);
        put_view_or_nil(builder, core->provider_session_id);
        put_stretch(builder, template, SLOT_TIMESTAMP);
        if (asm_view_is_set(core->timestamp))
                asm_builder_view(builder, core->timestamp);
        else
                asm_builder_datetime(builder, wall_us);
        put_stretch(builder, template, SLOT_METADATA);
        asm_builder_metadata(builder, frame->metadata, core->metadata);
        put_stretch(builder, template, SLOT_EXTRA);
        put_view_or_empty_map(builder, core->extra);
}
