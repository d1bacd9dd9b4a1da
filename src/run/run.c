/* SPDX-License-Identifier: MIT */

/*
 * The life of a run:
 *
 *     queued --start--> initializing --first event--> running --> completed | failed | interrupted
 *
 * The status is the reducer's: it follows from the events, also from those that the run makes itself
 * (an interrupt, a timeout, a start that failed, a backend that crashed), so that subscribers see
 * the same story as the result tells. When the status is final, in this order: the backend is closed,
 * subscribers get `{asm_run_done, RunId}`, waiters the result, the session hears of it.
 *
 * Events are numbered here: one more than the one before, or the backend's own number if that is
 * larger. An event is built once, and the same bytes go to the history and to the subscribers.
 *
 * While no subscriber can take more (subscribers.c decides) the backend is paused, and a run that has ended
 * by itself takes a short time more to be over.
 */

#include "run-private.h"

#include "proc/procs.h"
#include "term/print.h"
#include "term/reader.h"

#include <string.h>

/* how long a run that has ended may wait for slow subscribers */
#define TELLING_MS 5000

typedef struct {
        AsmRunWaiterFunc func;
        gpointer user_data;
} Waiter;

static void conclude(AsmRun *run);
static void finish(AsmRun *run, guint grace_ms);

static void
send_to_all(AsmRun *run, AsmTerm *message)
{
        if (asm_subscribers_send(&run->subscribers, message) && !run->is_paused &&
            run->backend != NULL) {
                run->is_paused = TRUE;
                run->backend->klass->set_paused(run->backend, TRUE);
        }
}

static void
begin_message(AsmRun *run, const char *tag, guint arity)
{
        asm_builder_reset(&run->message);
        asm_builder_tuple(&run->message, arity);
        asm_builder_atom(&run->message, tag);
        asm_builder_text(&run->message, run->id);
}

static void
emit(AsmRun *run, const AsmCoreEvent *core)
{
        AsmEventFrame frame = { .run_id = run->id,
                                .session_id = run->session_id,
                                .provider = run->provider->name,
                                .metadata = asm_term_view(run->metadata) };
        g_autoptr(AsmTerm) message = NULL;

        run->sequence = MAX(run->sequence + 1, core->sequence);
        run->n_events++;
        run->last_event_us = g_get_monotonic_time();
        asm_reducer_feed(run->reducer, core);
        begin_message(run, "asm_run_event", 3);
        asm_builder_event(&run->message, &frame, core, run->sequence, g_get_real_time());
        message = asm_builder_end(&run->message);
        asm_record_add(run->record, message, run->sequence, asm_reducer_get_status(run->reducer));
        send_to_all(run, message);
}

/* --- events that the run makes itself -------------------------------------------------------- */

static void
emit_own(AsmRun *run, AsmEventKind kind, AsmView payload)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        AsmCoreEvent core;
        AsmCoreEventSpec spec = { .kind = kind,
                                  .provider = run->provider->name,
                                  .id = run->sequence + 1,
                                  .sequence = run->sequence + 1,
                                  .timestamp_us = g_get_real_time(),
                                  .provider_session_id =
                                          asm_reducer_get_provider_session_id(run->reducer),
                                  .payload = payload };

        asm_builder_core_event(&builder, &spec);
        if (asm_core_event_from_view(asm_builder_peek(&builder), &core))
                emit(run, &core);
}

static void
emit_completed(AsmRun *run)
{
        g_auto(AsmBuilder) payload = ASM_BUILDER_INIT;

        asm_builder_payload_begin(&payload, ASM_EVENT_RUN_COMPLETED, 1, ASM_VIEW_NONE);
        asm_builder_atom(&payload, "status");
        asm_builder_atom(&payload, "completed");
        emit_own(run, ASM_EVENT_RUN_COMPLETED, asm_builder_peek(&payload));
}

/* the metadata tells what the code cannot: the domain, and the reason term */
static void
emit_error(AsmRun *run, const AsmFailure *failure, const char *severity)
{
        g_auto(AsmBuilder) metadata = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) payload = ASM_BUILDER_INIT;

        asm_builder_map(&metadata, failure->cause != NULL ? 2 : 1);
        asm_builder_atom(&metadata, "asm_error_domain");
        asm_builder_atom(&metadata, asm_failure_domain_name(failure->domain));
        if (failure->cause != NULL) {
                asm_builder_atom(&metadata, "asm_error_cause");
                asm_builder_term(&metadata, failure->cause);
        }
        asm_builder_payload_begin(&payload, ASM_EVENT_ERROR, 3, asm_builder_peek(&metadata));
        asm_builder_atom(&payload, "message");
        asm_builder_text(&payload, failure->message);
        asm_builder_atom(&payload, "code");
        asm_builder_text(&payload, asm_failure_kind_name(failure->kind));
        asm_builder_atom(&payload, "severity");
        asm_builder_atom(&payload, severity);
        emit_own(run, ASM_EVENT_ERROR, asm_builder_peek(&payload));
}

void
asm_run_fail(AsmRun *run, const AsmFailure *failure)
{
        if (run->is_over)
                return;
        emit_error(run, failure, "fatal");
        finish(run, 0);
}

void
asm_run_interrupt(AsmRun *run, const char *message)
{
        g_autoptr(AsmFailure) failure = NULL;

        if (run->is_over) {
                conclude(run);
                return;
        }
        if (run->backend != NULL)
                run->backend->klass->interrupt(run->backend);
        failure = asm_failure_new(ASM_FAILURE_USER_CANCELLED, ASM_DOMAIN_RUNTIME, "%s", message);
        emit_error(run, failure, "warning");
        finish(run, run->options.interrupt_grace_ms);
}

/* --- the end --------------------------------------------------------------------------------- */

static void
close_backend(AsmRun *run, guint grace_ms)
{
        AsmBackend *backend = g_steal_pointer(&run->backend);

        if (backend != NULL)
                backend->klass->close(backend, grace_ms);
}

static void
tell_done(AsmRun *run)
{
        begin_message(run, "asm_run_done", 2);
        asm_subscribers_finish(&run->subscribers, asm_builder_peek(&run->message));
}

static void
put_result(AsmRun *run, AsmBuilder *builder)
{
        const AsmFailure *failure = asm_reducer_get_failure(run->reducer);
        gint64 elapsed_ms =
                run->started_us > 0 ? (g_get_monotonic_time() - run->started_us) / 1000 : 0;

        asm_builder_tuple(builder, 2);
        if (failure != NULL) {
                asm_builder_atom(builder, "error");
                asm_builder_failure(builder, failure);
        } else {
                asm_builder_atom(builder, "ok");
                asm_builder_result(builder,
                                   run->reducer,
                                   run->id,
                                   run->session_id,
                                   asm_term_view(run->metadata),
                                   elapsed_ms);
        }
}

/* (transfer full): NULL: nobody wants it */
static AsmTerm *
make_result(AsmRun *run)
{
        g_auto(AsmBuilder) result = ASM_BUILDER_INIT;

        if (run->waiters == NULL &&
            !asm_record_takes_result(run->record, asm_reducer_get_size(run->reducer)))
                return NULL;
        put_result(run, &result);
        return asm_builder_end(&result);
}

/* the kind of what went wrong and not its message, which may quote prompts and what CLIs print */
static void
log_end(const AsmRun *run)
{
        const AsmLogTags tags = asm_run_tags(run, ASM_LOG_EVENT_RUN_ENDED);
        const AsmFailure *failure = asm_reducer_get_failure(run->reducer);
        gint64 elapsed_us = run->started_us > 0 ? g_get_monotonic_time() - run->started_us : 0;

        asm_log(G_LOG_LEVEL_INFO,
                &tags,
                "run %s: %s%s%s after %" G_GINT64_FORMAT " events, %.3f s",
                run->id,
                asm_run_status_name(asm_reducer_get_status(run->reducer)),
                failure != NULL ? ", " : "",
                failure != NULL ? asm_failure_kind_name(failure->kind) : "",
                run->sequence,
                (double)elapsed_us / G_USEC_PER_SEC);
}

static void
tell_waiters(AsmRun *run, const AsmTerm *result)
{
        g_autoptr(GArray) waiters = g_steal_pointer(&run->waiters);

        for (guint i = 0; waiters != NULL && i < waiters->len; i++) {
                Waiter *waiter = &g_array_index(waiters, Waiter, i);
                waiter->func(asm_term_view(result), waiter->user_data);
        }
}

/* the history knows it before subscribers do: who is told can ask */
static void
conclude(AsmRun *run)
{
        AsmRunStatus status = asm_reducer_get_status(run->reducer);
        g_autoptr(AsmTerm) result = NULL;

        if (run->is_concluded)
                return;
        run->is_concluded = TRUE;
        asm_timer_disarm(&run->deadline);
        asm_timer_disarm(&run->replay);
        result = make_result(run);
        asm_record_finish(g_steal_pointer(&run->record), status, result);
        tell_done(run);
        log_end(run);
        asm_server_ref(&run->server);
        tell_waiters(run, result);
        run->listener->finished(run, run->user_data);
        asm_server_unref(&run->server);
}

static void
stop_work(AsmRun *run, guint grace_ms)
{
        run->is_over = TRUE;
        asm_timer_disarm(&run->deadline);
        asm_timer_disarm(&run->stream_timer);
        g_clear_pointer(&run->approvals, asm_approvals_free);
        close_backend(run, grace_ms);
}

static void
finish(AsmRun *run, guint grace_ms)
{
        stop_work(run, grace_ms);
        conclude(run);
}

static void
on_told(AsmTimer *timer, gpointer user_data)
{
        conclude(user_data);
}

/* the end that comes by itself: slow subscribers get some time to be told everything before it */
static void
finish_when_told(AsmRun *run)
{
        stop_work(run, 0);
        if (!asm_subscribers_has_backlog(&run->subscribers)) {
                conclude(run);
                return;
        }
        asm_timer_init(&run->deadline,
                       asm_procs_get_timers(run->context.backend.procs),
                       on_told,
                       run);
        asm_timer_arm(&run->deadline, TELLING_MS);
}

/* --- approvals and tools --------------------------------------------------------------------- */

/* (transfer full) (nullable) */
static char *
dup_approval_id(const AsmCoreEvent *core)
{
        AsmView view;

        return asm_view_map_get(core->payload, "approval_id", &view)
                       ? asm_view_dup_text(view, /* accept_atoms= */ FALSE)
                       : NULL;
}

/* tells subscribers, then the backend, then in its own words a CLI that the backend does not talk to */
static void
resolve_approval(AsmRun *run, const char *id, AsmView raw, gboolean allow, const char *reason)
{
        g_auto(AsmBuilder) payload = ASM_BUILDER_INIT;
        g_autofree char *line = NULL;

        asm_builder_payload_begin(&payload, ASM_EVENT_APPROVAL_RESOLVED, 3, ASM_VIEW_NONE);
        asm_builder_atom(&payload, "approval_id");
        asm_builder_text(&payload, id);
        asm_builder_atom(&payload, "decision");
        asm_builder_atom(&payload, allow ? "allow" : "deny");
        asm_builder_atom(&payload, "reason");
        asm_builder_text(&payload, reason);
        emit_own(run, ASM_EVENT_APPROVAL_RESOLVED, asm_builder_peek(&payload));
        if (run->backend == NULL)
                return;
        run->backend->klass->approve(run->backend, id, allow, reason);
        if (run->backend->wants_approval_lines && run->provider->approval_line != NULL &&
            asm_view_is_set(raw))
                line = run->provider->approval_line(raw, allow, reason);
        if (line != NULL)
                run->backend->klass->send_input(run->backend, line, strlen(line));
}

/* one that cannot be kept is denied at once: the CLI must not wait for an answer that cannot come */
static void
approval_requested(AsmRun *run, const AsmCoreEvent *core)
{
        g_autofree char *id = NULL;
        AsmLogTags tags;

        if (asm_approvals_add(run->approvals, core))
                return;
        id = dup_approval_id(core);
        tags = asm_run_tags(run, ASM_LOG_EVENT_NONE);
        asm_log(G_LOG_LEVEL_WARNING,
                &tags,
                "run %s: an approval %s",
                run->id,
                id != NULL ? "too many, denied" : "without an id, ignoring");
        if (id != NULL)
                resolve_approval(run, id, core->raw, /* allow= */ FALSE, "too many open approvals");
}

static void
approval_resolved_elsewhere(AsmRun *run, const AsmCoreEvent *core)
{
        g_autofree char *id = dup_approval_id(core);

        if (id != NULL)
                asm_approval_free(asm_approvals_take(run->approvals, id));
}

gboolean
asm_run_approve(AsmRun *run, const char *approval_id, gboolean allow, const char *reason)
{
        g_autoptr(AsmApproval) approval =
                run->approvals != NULL ? asm_approvals_take(run->approvals, approval_id) : NULL;

        if (approval == NULL)
                return FALSE;
        resolve_approval(run,
                         approval_id,
                         approval->raw != NULL ? asm_term_view(approval->raw) : ASM_VIEW_NONE,
                         allow,
                         reason);
        return TRUE;
}

static void
on_approval_expired(const char *id, gpointer user_data)
{
        asm_run_approve(user_data, id, /* allow= */ FALSE, "timeout");
}

gboolean
asm_run_has_approval(const AsmRun *run, const char *approval_id)
{
        return run->approvals != NULL && asm_approvals_has(run->approvals, approval_id);
}

guint
asm_run_count_approvals(const AsmRun *run)
{
        return run->approvals != NULL ? asm_approvals_count(run->approvals) : 0;
}

void
asm_builder_run_approvals(AsmBuilder *builder, const AsmRun *run)
{
        if (run->approvals != NULL)
                asm_builder_approvals(builder, run->approvals, run->id);
}

/* a tool that is not in allowed_tools ends the run */
static void
check_tool(AsmRun *run, const AsmCoreEvent *core)
{
        const char *const *allowed = (const char *const *)run->options.allowed_tools;
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *tool = NULL;
        AsmView view;

        if (allowed == NULL || allowed[0] == NULL)
                return;
        if (asm_view_map_get(core->payload, "tool_name", &view))
                tool = asm_view_dup_text(view, /* accept_atoms= */ TRUE);
        if (tool != NULL &&
            (g_strv_contains(allowed, tool) || g_strcmp0(tool, run->provider->schema_tool) == 0))
                return;
        failure = asm_failure_new(ASM_FAILURE_GUARDRAIL_BLOCKED,
                                  ASM_DOMAIN_GUARDRAIL,
                                  "tool '%s' is not in allowed_tools",
                                  tool != NULL ? tool : "(unnamed)");
        asm_run_fail(run, failure);
}

/* --- what the backend says ------------------------------------------------------------------- */

static void
on_backend_started(gpointer user_data)
{
}

/* a result that has outgrown its limit is final by an event that does not say so */
static void
end_by_event(AsmRun *run, const AsmCoreEvent *core)
{
        const AsmFailure *failure = asm_reducer_get_failure(run->reducer);

        if (failure != NULL && core->kind != ASM_EVENT_ERROR)
                emit_error(run, failure, "fatal");
        finish_when_told(run);
}

static void
on_backend_event(AsmView view, gpointer user_data)
{
        AsmRun *run = user_data;
        AsmCoreEvent core;

        if (run->is_over || !asm_core_event_from_view(view, &core))
                return;
        run->has_spoken |= core.kind != ASM_EVENT_RUN_STARTED;
        emit(run, &core);
        if (asm_run_status_is_final(asm_reducer_get_status(run->reducer)))
                end_by_event(run, &core);
        else if (core.kind == ASM_EVENT_APPROVAL_REQUESTED)
                approval_requested(run, &core);
        else if (core.kind == ASM_EVENT_APPROVAL_RESOLVED)
                approval_resolved_elsewhere(run, &core);
        else if (core.kind == ASM_EVENT_TOOL_USE)
                check_tool(run, &core);
}

static void
on_backend_failed(const AsmFailure *failure, gpointer user_data)
{
        asm_run_fail(user_data, failure);
}

static void
on_backend_ended(AsmView reason, gpointer user_data)
{
        AsmRun *run = user_data;
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *shown = NULL;

        if (run->is_over)
                return;
        if (asm_view_is_atom(reason, "normal") || asm_view_is_atom(reason, "shutdown")) {
                emit_completed(run);
                finish_when_told(run);
                return;
        }
        shown = asm_view_print(reason, ASM_SYNTAX_ERLANG, 400);
        failure = asm_failure_new(ASM_FAILURE_TRANSPORT_ERROR,
                                  ASM_DOMAIN_TRANSPORT,
                                  "backend crashed: %s",
                                  shown);
        failure->cause = asm_term_new(reason);
        asm_run_fail(run, failure);
}

static const AsmBackendListener backend_listener = { .started = on_backend_started,
                                                     .event = on_backend_event,
                                                     .failed = on_backend_failed,
                                                     .ended = on_backend_ended };

/* --- time ------------------------------------------------------------------------------------ */

static void
on_deadline(AsmTimer *timer, gpointer user_data)
{
        AsmRun *run = user_data;
        g_autoptr(AsmFailure) failure =
                asm_failure_new(ASM_FAILURE_TIMEOUT,
                                ASM_DOMAIN_RUNTIME,
                                "run %s exceeded its total run deadline of %ums",
                                run->id,
                                run->options.run_deadline_ms);

        if (run->backend != NULL)
                run->backend->klass->interrupt(run->backend);
        emit_error(run, failure, "fatal");
        finish(run, run->options.interrupt_grace_ms);
}

/* the longest silence: until the CLI has said something, startup_timeout_ms counts as well */
static guint
silence_limit_ms(const AsmRun *run)
{
        guint stream_ms = run->options.stream_timeout_ms;
        guint startup_ms = run->options.startup_timeout_ms;

        if (run->has_spoken || startup_ms == ASM_TIMEOUT_INFINITY)
                return stream_ms;
        return stream_ms == ASM_TIMEOUT_INFINITY ? startup_ms : MIN(stream_ms, startup_ms);
}

/* armed once, it looks when the last event came: events do not touch the timers */
static void
on_stream_timeout(AsmTimer *timer, gpointer user_data)
{
        AsmRun *run = user_data;
        guint limit_ms = silence_limit_ms(run);
        gint64 silent_ms = (g_get_monotonic_time() - run->last_event_us) / 1000;
        /* a subscriber that does not read, or a person who has not answered yet */
        gboolean is_our_turn = run->is_paused || asm_run_count_approvals(run) > 0;
        gboolean is_startup = limit_ms != run->options.stream_timeout_ms;
        g_autoptr(AsmFailure) failure = NULL;

        if (limit_ms == ASM_TIMEOUT_INFINITY)
                return;
        if (silent_ms < limit_ms || is_our_turn) {
                asm_timer_arm(timer, is_our_turn ? limit_ms : MAX(limit_ms - silent_ms, 1));
                return;
        }
        failure = asm_failure_new(ASM_FAILURE_TIMEOUT,
                                  ASM_DOMAIN_RUNTIME,
                                  "run %s: no %s for %ums; raise %s if the provider needs longer",
                                  run->id,
                                  is_startup ? "word of the CLI since its start" : "event",
                                  limit_ms,
                                  is_startup ? "startup_timeout_ms" : "stream_timeout_ms");
        asm_run_fail(run, failure);
}

static void
arm_timers(AsmRun *run)
{
        AsmTimers *timers = asm_procs_get_timers(run->context.backend.procs);

        asm_timer_init(&run->deadline, timers, on_deadline, run);
        asm_timer_init(&run->stream_timer, timers, on_stream_timeout, run);
        if (run->options.run_deadline_ms != ASM_TIMEOUT_INFINITY)
                asm_timer_arm(&run->deadline, run->options.run_deadline_ms);
        if (silence_limit_ms(run) != ASM_TIMEOUT_INFINITY)
                asm_timer_arm(&run->stream_timer, silence_limit_ms(run));
}

void
asm_run_start(AsmRun *run)
{
        const AsmLogTags tags = asm_run_tags(run, ASM_LOG_EVENT_RUN_STARTED);
        const AsmOptions *options = &run->options;
        g_auto(AsmBuilder) provider_options = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) surface = ASM_BUILDER_INIT;
        gboolean is_remote = options->mode == ASM_MODE_REMOTE_NODE;
        AsmBackendSpec spec = { .provider = run->provider,
                                .run_id = run->id,
                                .session_id = run->session_id,
                                .prompt = run->prompt,
                                .cli_path = options->cli_path,
                                .metadata = asm_term_view(run->metadata),
                                .answers_approvals = TRUE,
                                .node = options->remote_node,
                                .cookie = options->remote_cookie,
                                .connect_timeout_ms = options->remote_connect_timeout_ms,
                                .rpc_timeout_ms = options->remote_rpc_timeout_ms,
                                .call_timeout_ms = asm_options_get_call_timeout_ms(options),
                                .ensure_started = options->ensure_started != 0 };

        g_return_if_fail(run->started_us == 0);
        asm_log(G_LOG_LEVEL_INFO, &tags, "run %s: starts with %s", run->id, run->provider->name);
        spec.cwd = is_remote && options->remote_cwd != NULL ? options->remote_cwd
                   : options->cwd != NULL                   ? options->cwd
                                                            : options->workspace_root;
        asm_builder_surface(&surface, options);
        spec.surface = asm_builder_peek(&surface);
        asm_builder_provider_options(&provider_options, options);
        spec.options = asm_builder_peek(&provider_options);
        run->started_us = run->last_event_us = g_get_monotonic_time();
        asm_record_start(run->record);
        arm_timers(run);
        run->backend =
                run->backend_class->start(&run->context.backend, &spec, &backend_listener, run);
}

/* --- subscribers ----------------------------------------------------------------------------- */

static void
on_down(AsmServer *server, const AsmRef *ref, AsmView reason)
{
        AsmRun *run = (AsmRun *)server;

        asm_subscribers_remove(&run->subscribers, ref);
        asm_run_drained(run);
}

void
asm_run_add_waiter(AsmRun *run, AsmRunWaiterFunc func, gpointer user_data)
{
        Waiter waiter = { func, user_data };

        if (run->waiters == NULL)
                run->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
        g_array_append_val(run->waiters, waiter);
}

/* --- the process ----------------------------------------------------------------------------- */

static void
get_state(AsmServer *server, AsmBuilder *builder)
{
        AsmRun *run = (AsmRun *)server;

        asm_builder_map(builder, 5);
        asm_builder_atom(builder, "run_id");
        asm_builder_text(builder, run->id);
        asm_builder_atom(builder, "session_id");
        asm_builder_text(builder, run->session_id);
        asm_builder_atom(builder, "provider");
        asm_builder_atom(builder, run->provider->name);
        asm_builder_atom(builder, "status");
        asm_builder_atom(builder, asm_run_status_name(asm_reducer_get_status(run->reducer)));
        asm_builder_atom(builder, "sequence");
        asm_builder_int(builder, run->sequence);
}

/* somebody has ended the process: an interrupt by other means */
static void
on_terminate(AsmServer *server, AsmView reason)
{
        asm_run_interrupt((AsmRun *)server, "Run process was ended");
}

static void
on_finalize(AsmServer *server)
{
        AsmRun *run = (AsmRun *)server;

        asm_options_clear(&run->options);
        g_free(run->id);
        g_free(run->session_id);
        g_free(run->prompt);
        asm_term_unref(run->metadata);
        asm_reducer_free(run->reducer);
        g_clear_pointer(&run->approvals, asm_approvals_free);
        asm_subscribers_clear(&run->subscribers);
        g_clear_pointer(&run->waiters, g_array_unref);
        asm_builder_clear(&run->message);
        g_free(run);
}

static const AsmServerClass run_class = { .module = "Elixir.ASM.Run.Server",
                                          .end_right = ASM_RIGHT_CONTROL,
                                          .down = on_down,
                                          .get_state = get_state,
                                          .terminate = on_terminate,
                                          .finalize = on_finalize };

AsmRun *
asm_run_new(const AsmRunContext *context,
            AsmOptions *options,
            const AsmProvider *provider,
            const AsmLaneChoice *lane,
            const char *prompt,
            const char *session_id,
            const AsmRunListener *listener,
            gpointer user_data)
{
        AsmRun *run = g_new0(AsmRun, 1);
        g_auto(AsmBuilder) metadata = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) lane_map = ASM_BUILDER_INIT;

        run->context = *context;
        run->options = *options;
        *options = (AsmOptions){ 0 };
        run->provider = provider;
        run->backend_class = lane->mode == ASM_MODE_REMOTE_NODE ? &asm_backend_remote_node
                             : lane->lane == ASM_LANE_SDK       ? &asm_backend_kit
                                                                : &asm_backend_local;
        run->listener = listener;
        run->user_data = user_data;
        run->id = run->options.run_id != NULL ? g_strdup(run->options.run_id)
                                              : g_strdup(asm_id_new().text);
        run->session_id = g_strdup(session_id);
        run->prompt = g_strdup(prompt);
        asm_builder_lane(&lane_map, provider, lane);
        asm_builder_metadata(&metadata,
                             asm_builder_peek(&lane_map),
                             run->options.metadata != NULL ? asm_term_view(run->options.metadata)
                                                           : ASM_VIEW_NONE);
        run->metadata = asm_builder_end(&metadata);
        run->reducer = asm_reducer_new(provider->name, context->max_result);
        run->approvals = asm_approvals_new(asm_procs_get_timers(context->backend.procs),
                                           run->options.approval_timeout_ms,
                                           context->max_approvals,
                                           on_approval_expired,
                                           run);
        run->record = asm_history_begin(context->history, run->id, run->session_id, provider->name);
        asm_server_start(&run->server, &run_class, context->backend.procs);
        asm_subscribers_init(&run->subscribers, &run->server, &run->context, run->id);
        return run;
}

void
asm_run_free(AsmRun *run)
{
        if (run == NULL)
                return;
        if (!run->is_concluded) {
                stop_work(run, 0);
                asm_timer_disarm(&run->replay);
                g_clear_pointer(&run->record, asm_record_drop);
                tell_done(run);
        }
        asm_server_stop_atom(&run->server, "normal");
        asm_server_unref(&run->server);
}
