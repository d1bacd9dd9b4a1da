/* SPDX-License-Identifier: MIT */
/*
 * The fold over a run's events (ASM_PROTOCOL.md, section 4):
 *
 *      run_started                      initializing -> running
 *      result, run_completed            -> completed
 *      error, code user_cancelled       -> interrupted
 *      error, any other code            -> failed, whatever its severity; the CLI's own end
 *                                          (code transport_exit) is a transport_error
 *      more than max_bytes              -> failed, kind buffer_overflow
 *
 * completed, failed and interrupted are final: whatever comes after them is ignored, so that a
 * run has one outcome although a dying CLI may report twice. The list of messages is encoded
 * while the events pass, and the result only wraps those bytes.
 *
 * Cost: cost_update events add up. The usage that a result tells is the total of the same
 * tokens, and so it counts only when no cost_update came before it.
 *
 * Text: deltas and the text blocks of messages, in the order they came. A message that repeats
 * what its deltas have said already is marked by the decoder (source: cursor_final_snapshot) and
 * adds no text.
 *
 * What is kept is bounded by max_bytes; the event that would exceed it is not kept, so that what
 * was there before it is still in the result.
 */

#include "result/reducer.h"

#include "result/message-private.h"
#include "result/reducer-private.h"
#include "term/reader.h"
#include <math.h>
#include <string.h>

/* keys of metadata that events may add to a run; a backend that sends more is not describing it */
#define METADATA_KEYS_MAX 256

static const char *const status_names[] = {
        [ASM_RUN_STATUS_INITIALIZING] = "initializing", [ASM_RUN_STATUS_RUNNING] = "running",
        [ASM_RUN_STATUS_COMPLETED] = "completed",       [ASM_RUN_STATUS_FAILED] = "failed",
        [ASM_RUN_STATUS_INTERRUPTED] = "interrupted",
};

const char *
asm_run_status_name(AsmRunStatus status)
{
        g_return_val_if_fail((guint)status < G_N_ELEMENTS(status_names), "failed");
        return status_names[status];
}

gboolean
asm_run_status_is_final(AsmRunStatus status)
{
        return status >= ASM_RUN_STATUS_COMPLETED;
}

AsmReducer *
asm_reducer_new(const char *provider, gsize max_bytes)
{
        AsmReducer *reducer;

        g_return_val_if_fail(provider != NULL, NULL);

        reducer = g_new0(AsmReducer, 1);
        reducer->provider = g_strdup(provider);
        reducer->max_bytes = max_bytes;
        reducer->text = g_string_new(NULL);
        reducer->pending = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        reducer->duration_ms = -1;
        return reducer;
}

void
asm_reducer_free(AsmReducer *reducer)
{
        if (reducer == NULL)
                return;
        g_string_free(reducer->text, TRUE);
        asm_builder_clear(&reducer->messages);
        g_free(reducer->provider);
        g_free(reducer->provider_session_id);
        asm_failure_free(reducer->failure);
        g_clear_pointer(&reducer->stop_reason, asm_term_unref);
        g_clear_pointer(&reducer->object, asm_term_unref);
        g_clear_pointer(&reducer->metadata, asm_term_unref);
        g_hash_table_unref(reducer->pending);
        g_free(reducer);
}

static gboolean
is_something(AsmView view)
{
        return asm_view_is_set(view) && !asm_view_is_atom(view, "nil");
}

/* the value under an atom or binary key of @map, not set if there is none or it is nil */
static AsmView
map_get(AsmView map, const char *key)
{
        AsmView value;

        if (!asm_view_is_set(map) || asm_view_kind(map) != ASM_KIND_MAP ||
            !asm_view_option_get(map, key, &value) || !is_something(value))
                return ASM_VIEW_NONE;
        return value;
}

/* foreign text as UTF-8, whatever bytes it has */
static char *
dup_valid_text(AsmView view)
{
        const guint8 *data;
        gsize len;

        if (asm_view_is_set(view) && asm_view_get_binary(view, &data, &len))
                return g_utf8_make_valid((const char *)data, (gssize)len);
        return asm_view_is_set(view) ? asm_view_dup_text(view, /* accept_atoms= */ TRUE) : NULL;
}

static void
add_tokens(gint64 *total, AsmView view)
{
        gint64 n;

        if (!asm_view_is_set(view) || !asm_view_get_int(view, &n) || n < 0)
                return;
        *total = *total > G_MAXINT64 - n ? G_MAXINT64 : *total + n;
}

static void
add_usd(double *total, AsmView view)
{
        double usd;

        if (asm_view_is_set(view) && asm_view_get_double(view, &usd) && usd >= 0 && isfinite(usd))
                *total += usd;
}

static void
add_cost_update(AsmReducer *reducer, AsmView payload)
{
        add_tokens(&reducer->cost.input_tokens, map_get(payload, "input_tokens"));
        add_tokens(&reducer->cost.output_tokens, map_get(payload, "output_tokens"));
        add_usd(&reducer->cost.cost_usd, map_get(payload, "cost_usd"));
        reducer->has_cost_update = TRUE;
}

static void
take_result(AsmReducer *reducer, AsmView payload)
{
        static const char *const keys[] = { "stop_reason", "object", "output", NULL };
        AsmView values[3], output, usage, duration;
        gint64 duration_ms;

        asm_view_map_pick(payload, keys, values);
        if (is_something(values[0]))
                reducer->stop_reason = asm_term_new(values[0]);
        if (is_something(values[1]))
                reducer->object = asm_term_new(values[1]);
        output = values[2];
        duration = map_get(output, "duration_ms");
        if (asm_view_is_set(duration) && asm_view_get_int(duration, &duration_ms) &&
            duration_ms >= 0)
                reducer->duration_ms = duration_ms;
        if (!reducer->has_cost_update) {
                usage = map_get(output, "usage");
                add_tokens(&reducer->cost.input_tokens, map_get(usage, "input_tokens"));
                add_tokens(&reducer->cost.output_tokens, map_get(usage, "output_tokens"));
                add_usd(&reducer->cost.cost_usd, map_get(output, "total_cost_usd"));
        }
        reducer->status = ASM_RUN_STATUS_COMPLETED;
}

static AsmFailureDomain
get_error_domain(AsmView metadata, AsmView code)
{
        g_autofree char *name = dup_valid_text(map_get(metadata, "asm_error_domain"));
        g_autofree char *lower = name != NULL ? g_ascii_strdown(g_strstrip(name), -1) : NULL;

        if (lower == NULL && asm_message_is_exit(code))
                return ASM_DOMAIN_TRANSPORT;
        return asm_failure_domain_from_name(lower);
}

/* what the backend gives as the reason; of a CLI that has exited, how it did, with its stderr */
static AsmTerm *
get_error_cause(AsmView metadata)
{
        AsmView cause = map_get(metadata, "asm_error_cause");

        if (!asm_view_is_set(cause))
                cause = map_get(metadata, "exit");
        return asm_view_is_set(cause) ? asm_term_new(cause) : NULL;
}

/* what the backend says about trying again, see ASM_PROTOCOL.md section 4 */
static void
take_recovery(AsmFailure *failure, AsmView recovery)
{
        AsmView value;
        gint64 number;
        gboolean is_true = FALSE;
        g_autofree char *text = NULL;

        if (!asm_view_is_set(recovery) || asm_view_kind(recovery) != ASM_KIND_MAP)
                return;
        failure->recovery = asm_term_new(recovery);
        value = map_get(recovery, "retryable?");
        if (!asm_view_is_set(value) || asm_view_get_bool(value, &is_true))
                failure->retryable = is_true;
        else if (asm_view_get_int(value, &number))
                failure->retryable = number == 1;
        else
                failure->retryable = (text = dup_valid_text(value)) != NULL &&
                                     g_ascii_strcasecmp(text, "true") == 0;
}

static void
take_exit_code(AsmFailure *failure, AsmView code)
{
        gint64 value;

        if (!asm_view_is_set(code) || !asm_view_get_int(code, &value) || value < G_MININT ||
            value > G_MAXINT)
                return;
        failure->has_exit_code = TRUE;
        failure->exit_code = (gint)value;
}

static void
take_error(AsmReducer *reducer, AsmView payload)
{
        static const char *const keys[] = { "message", "code", "metadata", NULL };
        AsmView values[3], metadata, runtime_failure, recovery, exit_code;
        AsmFailureKind kind;
        g_autofree char *message = NULL;

        asm_view_map_pick(payload, keys, values);
        metadata = values[2];
        kind = asm_message_error_kind(values[1]);
        message = dup_valid_text(values[0]);
        runtime_failure = map_get(metadata, "runtime_failure");
        recovery = map_get(metadata, "recovery");
        exit_code = map_get(runtime_failure, "exit_code");
        if (!asm_view_is_set(recovery))
                recovery = map_get(runtime_failure, "recovery");
        if (!asm_view_is_set(exit_code))
                exit_code = map_get(map_get(metadata, "exit"), "code");

        reducer->failure = asm_failure_new(
                kind,
                get_error_domain(metadata, values[1]),
                "%s",
                message != NULL && message[0] != '\0' ? message : "unknown runtime error");
        reducer->failure->provider = g_strdup(reducer->provider);
        reducer->failure->cause = get_error_cause(metadata);
        take_recovery(reducer->failure, recovery);
        take_exit_code(reducer->failure, exit_code);
        reducer->status = kind == ASM_FAILURE_USER_CANCELLED ? ASM_RUN_STATUS_INTERRUPTED
                                                             : ASM_RUN_STATUS_FAILED;
}

static gboolean
is_snapshot(AsmView metadata)
{
        g_autofree char *source = dup_valid_text(map_get(metadata, "source"));

        return g_strcmp0(source, "cursor_final_snapshot") == 0;
}

static void
append_text(AsmReducer *reducer, const AsmCoreEvent *event)
{
        static const char *const keys[] = { "content", "metadata", NULL };
        AsmView values[2];
        guint n_pairs;

        if (event->kind == ASM_EVENT_ASSISTANT_DELTA) {
                if (asm_view_map_get(event->payload, "content", &values[0]) &&
                    asm_view_kind(values[0]) == ASM_KIND_BINARY)
                        asm_message_append_text(reducer->text, values[0]);
                return;
        }
        asm_view_map_pick(event->payload, keys, values);
        if (!asm_view_is_set(values[0]))
                return;
        if (asm_view_is_set(values[1]) && asm_view_get_map_size(values[1], &n_pairs) &&
            n_pairs > 0 && is_snapshot(values[1]))
                return;
        asm_message_append_text(reducer->text, values[0]);
}

static void
take_approval(AsmReducer *reducer, const AsmCoreEvent *event)
{
        g_autofree char *id = dup_valid_text(map_get(event->payload, "approval_id"));
        gsize size;

        if (id == NULL)
                return;
        size = strlen(id);
        if (event->kind == ASM_EVENT_APPROVAL_REQUESTED) {
                if (g_hash_table_add(reducer->pending, g_steal_pointer(&id)))
                        reducer->pending_bytes += size;
        } else if (g_hash_table_remove(reducer->pending, id)) {
                reducer->pending_bytes -= size;
        }
}

static void
take_metadata(AsmReducer *reducer, AsmView incoming)
{
        g_auto(AsmBuilder) merged = ASM_BUILDER_INIT;
        AsmView known =
                reducer->metadata != NULL ? asm_term_view(reducer->metadata) : ASM_VIEW_NONE;
        guint n_known = 0, n_incoming = 0;

        if (!asm_view_is_set(incoming) || !asm_view_get_map_size(incoming, &n_incoming) ||
            n_incoming == 0)
                return;
        if (asm_view_is_set(known) && !asm_view_get_map_size(known, &n_known))
                n_known = 0;
        if (n_known + (guint64)n_incoming > METADATA_KEYS_MAX)
                return;
        asm_builder_metadata(&merged, known, incoming);
        g_clear_pointer(&reducer->metadata, asm_term_unref);
        reducer->metadata = asm_builder_end(&merged);
}

static void
take_session_id(AsmReducer *reducer, AsmView id)
{
        const guint8 *data;
        gsize len;

        if (!asm_view_is_set(id) || !asm_view_get_binary(id, &data, &len) || len == 0)
                return;
        if (reducer->provider_session_id != NULL && strlen(reducer->provider_session_id) == len &&
            memcmp(reducer->provider_session_id, data, len) == 0)
                return;
        g_free(reducer->provider_session_id);
        reducer->provider_session_id = g_utf8_make_valid((const char *)data, (gssize)len);
}

gsize
asm_reducer_get_size(const AsmReducer *reducer)
{
        return reducer->text->len + reducer->messages.len + reducer->pending_bytes +
               (reducer->metadata != NULL ? reducer->metadata->len : 0);
}

/* the event is left out of the text and of the messages, and the run fails */
static void
fail_overflow(AsmReducer *reducer, gsize text_len, gsize messages_len, guint n_messages)
{
        g_string_truncate(reducer->text, text_len);
        reducer->messages.len = messages_len;
        reducer->n_messages = n_messages;
        if (asm_reducer_get_size(reducer) > reducer->max_bytes) {
                g_clear_pointer(&reducer->metadata, asm_term_unref);
                g_hash_table_remove_all(reducer->pending);
                reducer->pending_bytes = 0;
        }
        asm_failure_free(reducer->failure);
        reducer->failure = asm_failure_new(ASM_FAILURE_BUFFER_OVERFLOW,
                                           ASM_DOMAIN_RUNTIME,
                                           "text and messages of the run exceed the limit of "
                                           "%" G_GSIZE_FORMAT " bytes",
                                           reducer->max_bytes);
        reducer->failure->provider = g_strdup(reducer->provider);
        reducer->status = ASM_RUN_STATUS_FAILED;
}

static void
apply_kind(AsmReducer *reducer, const AsmCoreEvent *event)
{
        switch (event->kind) {
        case ASM_EVENT_RUN_STARTED:
                reducer->status = ASM_RUN_STATUS_RUNNING;
                take_session_id(reducer, map_get(event->payload, "provider_session_id"));
                break;
        case ASM_EVENT_ASSISTANT_DELTA:
        case ASM_EVENT_ASSISTANT_MESSAGE:
                append_text(reducer, event);
                break;
        case ASM_EVENT_APPROVAL_REQUESTED:
        case ASM_EVENT_APPROVAL_RESOLVED:
                take_approval(reducer, event);
                break;
        case ASM_EVENT_COST_UPDATE:
                add_cost_update(reducer, event->payload);
                break;
        case ASM_EVENT_RESULT:
                take_result(reducer, event->payload);
                break;
        case ASM_EVENT_ERROR:
                take_error(reducer, event->payload);
                break;
        case ASM_EVENT_RUN_COMPLETED:
                reducer->status = ASM_RUN_STATUS_COMPLETED;
                break;
        case ASM_EVENT_USER_MESSAGE:
        case ASM_EVENT_THINKING:
        case ASM_EVENT_TOOL_USE:
        case ASM_EVENT_TOOL_RESULT:
        case ASM_EVENT_STDERR:
        case ASM_EVENT_RAW:
        case ASM_EVENT_HOST_TOOL_REQUESTED:
        case ASM_EVENT_HOST_TOOL_COMPLETED:
        case ASM_EVENT_HOST_TOOL_FAILED:
        case ASM_EVENT_HOST_TOOL_DENIED:
        case ASM_EVENT_SESSION_CHECKPOINT:
        case ASM_EVENT_SESSION_RESUMED:
        case ASM_EVENT_OTHER:
                break;
        }
}

AsmRunStatus
asm_reducer_feed(AsmReducer *reducer, const AsmCoreEvent *event)
{
        gsize text_len = reducer->text->len;
        gsize messages_len = reducer->messages.len;
        guint n_messages = reducer->n_messages;

        if (asm_run_status_is_final(reducer->status))
                return reducer->status;
        take_metadata(reducer, event->metadata);
        take_session_id(reducer, event->provider_session_id);
        if (asm_builder_message(&reducer->messages, reducer->provider, event))
                reducer->n_messages++;
        apply_kind(reducer, event);
        if (asm_reducer_get_size(reducer) > reducer->max_bytes)
                fail_overflow(reducer, text_len, messages_len, n_messages);
        return reducer->status;
}

AsmRunStatus
asm_reducer_get_status(const AsmReducer *reducer)
{
        return reducer->status;
}

const AsmCost *
asm_reducer_get_cost(const AsmReducer *reducer)
{
        return &reducer->cost;
}

const char *
asm_reducer_get_text(const AsmReducer *reducer)
{
        return reducer->text->str;
}

const char *
asm_reducer_get_provider_session_id(const AsmReducer *reducer)
{
        return reducer->provider_session_id;
}

const AsmFailure *
asm_reducer_get_failure(const AsmReducer *reducer)
{
        return reducer->failure;
}

guint
asm_reducer_get_n_pending(const AsmReducer *reducer)
{
        return g_hash_table_size(reducer->pending);
}

gboolean
asm_reducer_is_pending(const AsmReducer *reducer, const char *approval_id)
{
        return g_hash_table_contains(reducer->pending, approval_id);
}
