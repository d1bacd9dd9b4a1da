/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What happens during a run. A core event is what a backend says (CliSubprocessCore.Event), an
 * ASM event what subscribers of the run get (ASM.Event): the core event with the run's identity
 * and metadata around it (ASM_PROTOCOL.md section 3). Both are terms; AsmCoreEvent is a core
 * event taken apart, all views borrowed.
 */

#include "base/id.h"
#include "term/builder.h"

typedef enum {
        ASM_EVENT_RUN_STARTED,
        ASM_EVENT_ASSISTANT_DELTA,
        ASM_EVENT_ASSISTANT_MESSAGE,
        ASM_EVENT_USER_MESSAGE,
        ASM_EVENT_THINKING,
        ASM_EVENT_TOOL_USE,
        ASM_EVENT_TOOL_RESULT,
        ASM_EVENT_APPROVAL_REQUESTED,
        ASM_EVENT_APPROVAL_RESOLVED,
        ASM_EVENT_COST_UPDATE,
        ASM_EVENT_RESULT,
        ASM_EVENT_ERROR,
        ASM_EVENT_STDERR,
        ASM_EVENT_RAW,
        ASM_EVENT_RUN_COMPLETED, /* from here on local kinds without a payload struct */
        ASM_EVENT_HOST_TOOL_REQUESTED,
        ASM_EVENT_HOST_TOOL_COMPLETED,
        ASM_EVENT_HOST_TOOL_FAILED,
        ASM_EVENT_HOST_TOOL_DENIED,
        ASM_EVENT_SESSION_CHECKPOINT,
        ASM_EVENT_SESSION_RESUMED,
        ASM_EVENT_OTHER, /* a kind this version does not know: handed on untouched */
} AsmEventKind;

const char *asm_event_kind_name(AsmEventKind kind);
AsmEventKind asm_event_kind_from_view(AsmView atom);

typedef struct {
        AsmEventKind kind;
        AsmView kind_atom;
        AsmView id;
        AsmView provider;
        AsmView sequence_term;
        AsmView timestamp;
        AsmView payload;
        AsmView raw;
        AsmView provider_session_id; /* a binary; unset for nil and for the text "nil" */
        AsmView metadata;
        AsmView extra;
        AsmView whole;   /* the core event itself */
        gint64 sequence; /* 0 if it has none */
} AsmCoreEvent;

/* FALSE: @view is not a core event (a map with kind, an atom, and payload, a map) */
gboolean asm_core_event_from_view(AsmView view, AsmCoreEvent *ret_event) G_GNUC_WARN_UNUSED_RESULT;

/**
 * AsmCoreEventSpec: what asm_builder_core_event() makes a core event of; for decoders and for
 * events that the run itself makes.
 */
typedef struct {
        AsmEventKind kind;
        const char *provider;            /* atom */
        gint64 id;                       /* positive */
        gint64 sequence;                 /* from 1 */
        gint64 timestamp_us;             /* wall clock, UTC, us since 1970 */
        AsmView payload;                 /* a whole payload map */
        AsmView raw;                     /* unset: nil */
        const char *provider_session_id; /* nullable */
        AsmView metadata;                /* unset: #{} */
} AsmCoreEventSpec;

void asm_builder_core_event(AsmBuilder *builder, const AsmCoreEventSpec *spec);

/**
 * asm_builder_payload_begin:
 * @n_fields: number of pairs the caller adds (atom key, value), besides __struct__, metadata and
 *   extra, which this function writes (#{} for a metadata that is not set)
 *
 * The head of 'Elixir.CliSubprocessCore.Payload.<Name>' for @kind; local kinds get a plain map
 * of the caller's @n_fields and nothing else.
 */
void asm_builder_payload_begin(AsmBuilder *builder,
                               AsmEventKind kind,
                               guint n_fields,
                               AsmView metadata);

/* Elixir's DateTime struct in UTC with microseconds */
void asm_builder_datetime(AsmBuilder *builder, gint64 wall_us);
/* the same back; FALSE: it is none. Calendars and time zones are not looked at */
gboolean asm_view_get_datetime(AsmView view, gint64 *ret_wall_us);

/**
 * AsmEventFrame: what is the same for all events of a run, encoded once.
 */
typedef struct {
        const char *run_id;
        const char *session_id;
        const char *provider;
        AsmView metadata; /* the run's metadata map (atom keys) */
} AsmEventFrame;

/**
 * asm_builder_metadata: appends @run merged with @incoming (each a map or not set)
 *
 * The incoming value wins except for the protected keys of ASM_PROTOCOL.md section 3, where the
 * run's wins. Takes time in proportion to the product of their sizes.
 */
void asm_builder_metadata(AsmBuilder *builder, AsmView run, AsmView incoming);

/**
 * asm_builder_event:
 *
 * Appends the ASM.Event of @core: id (new ULID), run_id, session_id, provider, kind, payload,
 * core_event, sequence (@sequence), provider_session_id, correlation_id nil, causation_id nil,
 * timestamp (the core event's, or @wall_us if it has none), metadata (merged: the event's own value
 * wins except for the protected keys of ASM_PROTOCOL.md section 3), extra. Cheap when the event has
 * no metadata: then the run's bytes are copied as they are. For local kinds core_event is nil.
 */
void asm_builder_event(AsmBuilder *builder,
                       const AsmEventFrame *frame,
                       const AsmCoreEvent *core,
                       gint64 sequence,
                       gint64 wall_us);
