/* SPDX-License-Identifier: MIT */

/*
 * A run whose CLI runs on another node. This server is the subscriber of a session process there
 * and is linked with it: a session of Elixir's ASM does not end when its subscriber does, but it
 * does when a link breaks (ASM_PROTOCOL.md section 1). So however asmd goes, the CLI goes with it.
 *
 *     start: CONNECTING -> PREFLIGHT -> [BOOTSTRAP] -> STARTING -> RUNNING
 *     end:   RUNNING -> [DRAINING] -> OVER
 *     close: RUNNING -> [GRACE] -> CLOSING -> OVER
 *            STARTING -> ABANDONED -> [GRACE] -> CLOSING -> OVER; else -> OVER
 *
 * After close() the run hears nothing more, but this server lives on until the other side has
 * confirmed the end of the session, or its time for that is over.
 *
 * While the run is paused its events are held (remote-flow.c).
 *
 * Events are the messages `{Tag, Ref, Payload}` with our reference. They come from the session and
 * may overtake the answer to the start, which comes from another process; a session that ends at
 * once may be gone before we monitor it, and `noproc` is then its normal end.
 */

#include "remote-private.h"

#include "term/print.h"
#include "term/reader.h"

#include <string.h>

/* how long a session may take to end its CLI before it is killed */
#define CLOSE_TIMEOUT_MS 10000

static AsmRemote *
from_backend(AsmBackend *backend)
{
        return (AsmRemote *)((char *)backend - G_STRUCT_OFFSET(AsmRemote, backend));
}

void
asm_remote_over(AsmRemote *self)
{
        self->state = REMOTE_OVER;
        asm_server_stop_atom(&self->server, "normal");
}

void
asm_remote_fail(AsmRemote *self, AsmFailure *failure)
{
        const AsmBackendListener *listener = g_steal_pointer(&self->backend.listener);

        /* the run closes us when it hears of this */
        asm_server_ref(&self->server);
        asm_timer_disarm(&self->timer);
        /* set before: the run's close() must not take an answered start for one under way */
        self->state = self->state == REMOTE_STARTING && self->rpc_call != 0 ? REMOTE_ABANDONED
                                                                            : REMOTE_OVER;
        if (listener != NULL)
                listener->failed(failure, self->backend.user_data);
        asm_failure_free(failure);
        if (self->state != REMOTE_ABANDONED)
                asm_remote_over(self);
        asm_server_unref(&self->server);
}

/* {system, {Self, Ref}, {terminate, normal}}: what GenServer.stop/1 sends */
static void
terminate_session(AsmRemote *self)
{
        g_auto(AsmBuilder) message = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) to = ASM_BUILDER_INIT;

        asm_builder_tuple(&message, 3);
        asm_builder_atom(&message, "system");
        asm_builder_tuple(&message, 2);
        asm_builder_server_pid(&message, &self->server);
        asm_builder_ref(&message, &self->ref);
        asm_builder_tuple(&message, 2);
        asm_builder_atom(&message, "terminate");
        asm_builder_atom(&message, "normal");
        asm_builder_pid(&to, &self->session);
        asm_procs_send(self->context.procs, asm_builder_peek(&to), asm_builder_peek(&message));
}

static void
attach_session(AsmRemote *self, AsmRemoteState state, const AsmPid *session)
{
        self->state = state;
        self->session = asm_pid_copy(session);
        asm_server_link(&self->server, session);
        self->monitor = asm_server_monitor(&self->server, session);
}

void
asm_remote_running(AsmRemote *self, const AsmPid *session)
{
        attach_session(self, REMOTE_RUNNING, session);
        if (self->is_paused)
                asm_remote_set_paused(self, TRUE);
        self->backend.listener->started(self->backend.user_data);
}

/* --- what the session says ----------------------------------------------------------------- */

static void
emit_event(AsmView event, gpointer user_data)
{
        AsmRemote *self = user_data;

        if (self->backend.listener != NULL)
                self->backend.listener->event(event, self->backend.user_data);
}

gboolean
asm_remote_is_ref(const AsmRef *ref, AsmView view)
{
        guint32 tail[4] = { GUINT32_TO_BE(ref->creation),
                            GUINT32_TO_BE(ref->words[0]),
                            GUINT32_TO_BE(ref->words[1]),
                            GUINT32_TO_BE(ref->words[2]) };

        return asm_view_kind(view) == ASM_KIND_REF && view.len > sizeof tail &&
               memcmp(view.data + view.len - sizeof tail, tail, sizeof tail) == 0;
}

static void
decode_started(AsmRemote *self, AsmView info)
{
        static const char *const keys[] = { "command", "args", "cwd", NULL };
        AsmView found[3];
        g_autofree char *command = NULL;
        g_autofree char *cwd = NULL;
        g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
        AsmListCursor cursor;
        AsmView arg;

        asm_view_map_pick(info, keys, found);
        if (asm_view_is_set(found[0]))
                command = asm_view_dup_text(found[0], FALSE);
        if (asm_view_is_set(found[2]))
                cwd = asm_view_dup_text(found[2], FALSE);
        if (asm_view_is_set(found[1])) {
                cursor = asm_view_list(found[1]);
                while (asm_list_next(&cursor, &arg)) {
                        char *text = asm_view_dup_text(arg, FALSE);
                        g_ptr_array_add(args, text != NULL ? text : g_strdup(""));
                }
        }
        g_ptr_array_add(args, NULL);
        asm_decoder_started(self->decoder,
                            command != NULL ? command : self->provider->command,
                            (const char *const *)args->pdata,
                            cwd);
}

static void
decode_lines(AsmRemote *self, AsmView lines)
{
        AsmListCursor cursor = asm_view_list(lines);
        AsmView line;
        const guint8 *data;
        gsize len;

        while (self->backend.listener != NULL && asm_list_next(&cursor, &line)) {
                if (asm_view_get_binary(line, &data, &len))
                        asm_decoder_line(self->decoder, (const char *)data, len);
        }
}

static gint
exit_number(AsmView map, const char *key, gint fallback)
{
        AsmView value;
        gint64 number;

        if (!asm_view_map_get(map, key, &value) || !asm_view_get_int(value, &number) ||
            number < 0 || number > 255)
                return fallback;
        return (gint)number;
}

/* the events of a host that ships what the CLI prints and leaves the decoding to us */
static void
decode_raw(AsmRemote *self, AsmView payload)
{
        AsmView content;
        const guint8 *data;
        gsize len;
        gint64 limit;

        if (asm_view_get_tagged(payload, "stdout", 2, &content)) {
                decode_lines(self, content);
        } else if (asm_view_get_tagged(payload, "stderr", 2, &content)) {
                if (asm_view_get_binary(content, &data, &len))
                        asm_decoder_stderr(self->decoder, (const char *)data, len);
        } else if (asm_view_get_tagged(payload, "started", 2, &content)) {
                decode_started(self, content);
        } else if (asm_view_get_tagged(payload, "exit", 2, &content)) {
                asm_decoder_exit(self->decoder,
                                 exit_number(content, "code", -1),
                                 exit_number(content, "signal", 0));
        } else if (asm_view_get_tagged(payload, "line_too_long", 2, &content)) {
                asm_decoder_line_too_long(self->decoder,
                                          asm_view_get_int(content, &limit) ? limit : 0);
        }
}

void
asm_remote_deliver(AsmRemote *self, AsmView payload)
{
        g_auto(AsmBuilder) raw = ASM_BUILDER_INIT;
        AsmView event;

        if (asm_view_get_tagged(payload, "event", 2, &event))
                emit_event(asm_line_rules_apply(&self->rules, event, &raw), self);
        else if (self->decoder != NULL)
                decode_raw(self, payload);
}

static void
on_info(AsmServer *server, AsmView message)
{
        AsmRemote *self = (AsmRemote *)server;
        GRefString *origin = asm_server_get_origin(server);
        AsmView part[3];

        /* whoever else may have guessed the reference has no say in this run */
        if (origin != NULL && strcmp(origin, self->node) != 0)
                return;
        if (asm_remote_answered(self, message) || self->backend.listener == NULL ||
            !asm_view_get_tuple(message, 3, part) || !asm_remote_is_ref(&self->ref, part[1]))
                return;
        if (asm_remote_is_holding(self))
                asm_remote_hold(self, part[2]);
        else
                asm_remote_deliver(self, part[2]);
}

/* --- ends ---------------------------------------------------------------------------------- */

static void
ended(AsmRemote *self, AsmView reason)
{
        const AsmBackendListener *listener = g_steal_pointer(&self->backend.listener);

        if (listener != NULL)
                listener->ended(reason, self->backend.user_data);
}

static void
on_down(AsmServer *server, const AsmRef *ref, AsmView reason)
{
        AsmRemote *self = (AsmRemote *)server;
        g_auto(AsmBuilder) normal = ASM_BUILDER_INIT;

        if (asm_view_is_atom(reason, "noproc")) {
                asm_builder_atom(&normal, "normal");
                reason = asm_builder_peek(&normal);
        }
        asm_timer_disarm(&self->timer);
        if (self->backend.listener != NULL && self->held.length > 0) {
                asm_remote_hold_end(self, reason);
                return;
        }
        ended(self, reason);
        asm_remote_over(self);
}

void
asm_remote_ended(AsmRemote *self)
{
        g_autoptr(AsmTerm) reason = g_steal_pointer(&self->end_reason);

        ended(self, asm_term_view(reason));
        asm_remote_over(self);
}

/* the monitor tells the end of the session; other exit signals are for nobody */
static void
on_linked_exit(AsmServer *server, const AsmPid *from, AsmView reason)
{
}

static void
on_terminate(AsmServer *server, AsmView reason)
{
        AsmRemote *self = (AsmRemote *)server;

        asm_remote_end_flow(self);
        asm_timer_disarm(&self->timer);
        asm_remote_drop_calls(self);
        if (self->rpc_call != 0)
                asm_rpc_cancel(self->context.rpc, self->rpc_call);
        self->rpc_call = 0;
        self->state = REMOTE_OVER;
        /* somebody has killed this process: the link has taken the session along */
        ended(self, reason);
        /* the reference of a living server on itself */
        asm_server_unref(server);
}

static void
on_finalize(AsmServer *server)
{
        AsmRemote *self = (AsmRemote *)server;

        g_free(self->node);
        g_free(self->run_id);
        g_free(self->session_id);
        g_free(self->prompt);
        g_free(self->cwd);
        g_free(self->cli_path);
        asm_term_unref(self->options);
        asm_term_unref(self->metadata);
        asm_term_unref(self->surface);
        g_clear_pointer(&self->link, asm_link_unref);
        g_clear_pointer(&self->end_reason, asm_term_unref);
        g_clear_pointer(&self->decoder, asm_decoder_free);
        asm_ref_clear(&self->ref);
        asm_ref_clear(&self->monitor);
        asm_pid_clear(&self->session);
        g_free(self);
}

static const AsmServerClass remote_class = { .module = "asm_remote_backend",
                                             .end_right = ASM_RIGHT_CONTROL,
                                             .traps_exits = TRUE,
                                             .info = on_info,
                                             .down = on_down,
                                             .exit = on_linked_exit,
                                             .terminate = on_terminate,
                                             .finalize = on_finalize };

static void
on_close_timeout(AsmTimer *timer, gpointer user_data)
{
        AsmRemote *self = user_data;
        g_auto(AsmBuilder) kill = ASM_BUILDER_INIT;

        asm_builder_atom(&kill, "kill");
        asm_server_exit(&self->server, &self->session, asm_builder_peek(&kill));
        asm_remote_over(self);
}

void
asm_remote_end_grace(AsmRemote *self)
{
        self->state = REMOTE_CLOSING;
        asm_remote_drop_calls(self);
        terminate_session(self);
        asm_timer_disarm(&self->timer);
        asm_timer_init(&self->timer,
                       asm_procs_get_timers(self->context.procs),
                       on_close_timeout,
                       self);
        asm_timer_arm(&self->timer, CLOSE_TIMEOUT_MS);
}

/* the session has had its time to end by itself */
static void
on_grace_over(AsmTimer *timer, gpointer user_data)
{
        asm_remote_end_grace(user_data);
}

static void
begin_grace(AsmRemote *self, guint grace_ms)
{
        if (grace_ms == 0) {
                asm_remote_end_grace(self);
                return;
        }
        self->state = REMOTE_GRACE;
        asm_timer_init(&self->timer,
                       asm_procs_get_timers(self->context.procs),
                       on_grace_over,
                       self);
        asm_timer_arm(&self->timer, grace_ms);
}

void
asm_remote_late(AsmRemote *self, const AsmPid *session)
{
        attach_session(self, REMOTE_GRACE, session);
        if (self->is_interrupted)
                asm_remote_control(self, ASM_REMOTE_INTERRUPT, ASM_VIEW_NONE);
        begin_grace(self, self->is_interrupted ? self->grace_ms : 0);
}

void
asm_remote_lost(AsmRemote *self, const AsmFailure *failure)
{
        const AsmBackendListener *listener = g_steal_pointer(&self->backend.listener);

        if (listener != NULL)
                listener->failed(failure, self->backend.user_data);
}

static void
remote_close(AsmBackend *backend, guint grace_ms)
{
        AsmRemote *self = from_backend(backend);

        backend->listener = NULL;
        asm_remote_end_flow(self);
        switch (self->state) {
        case REMOTE_RUNNING:
                begin_grace(self, grace_ms);
                break;
        case REMOTE_STARTING:
                self->state = REMOTE_ABANDONED;
                self->grace_ms = grace_ms;
                asm_timer_disarm(&self->timer);
                break;
        case REMOTE_CONNECTING:
        case REMOTE_PREFLIGHT:
        case REMOTE_BOOTSTRAP:
        case REMOTE_DRAINING:
                asm_remote_over(self);
                break;
        case REMOTE_ABANDONED:
        case REMOTE_GRACE:
        case REMOTE_CLOSING:
        case REMOTE_OVER:
                break;
        }
        /* the run's reference */
        asm_server_unref(&self->server);
}

/* --- control ------------------------------------------------------------------------------- */

static void
remote_interrupt(AsmBackend *backend)
{
        AsmRemote *self = from_backend(backend);

        /* a session that is not there yet hears of it as soon as it is */
        self->is_interrupted = TRUE;
        asm_remote_control(self, ASM_REMOTE_INTERRUPT, ASM_VIEW_NONE);
}

static void
remote_end_input(AsmBackend *backend)
{
        asm_remote_control(from_backend(backend), ASM_REMOTE_END_INPUT, ASM_VIEW_NONE);
}

static void
remote_send_input(AsmBackend *backend, const char *data, gsize len)
{
        g_auto(AsmBuilder) binary = ASM_BUILDER_INIT;

        asm_builder_binary(&binary, data, len);
        asm_remote_control(from_backend(backend), ASM_REMOTE_SEND, asm_builder_peek(&binary));
}

/* {asm_approval_resolved, Id, allow | deny, Reason | nil}: an ASM node ignores it, a host acts */
static void
remote_approve(AsmBackend *backend, const char *approval_id, gboolean allow, const char *reason)
{
        AsmRemote *self = from_backend(backend);
        g_auto(AsmBuilder) message = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) to = ASM_BUILDER_INIT;

        if (self->state != REMOTE_RUNNING)
                return;
        asm_builder_tuple(&message, 4);
        asm_builder_atom(&message, "asm_approval_resolved");
        asm_builder_text(&message, approval_id);
        asm_builder_atom(&message, allow ? "allow" : "deny");
        asm_builder_text(&message, reason);
        asm_builder_pid(&to, &self->session);
        asm_procs_send(self->context.procs, asm_builder_peek(&to), asm_builder_peek(&message));
}

static void
remote_set_paused(AsmBackend *backend, gboolean is_paused)
{
        asm_remote_set_paused(from_backend(backend), is_paused);
}

static AsmBackend *
remote_start(const AsmBackendContext *context,
             const AsmBackendSpec *spec,
             const AsmBackendListener *listener,
             gpointer user_data)
{
        AsmRemote *self = g_new0(AsmRemote, 1);
        AsmProviderLaunch launch = { .prompt = spec->prompt, .options = spec->options };

        self->backend = (AsmBackend){ .klass = &asm_backend_remote_node,
                                      .listener = listener,
                                      .user_data = user_data,
                                      .wants_approval_lines = TRUE };
        self->context = *context;
        self->provider = spec->provider;
        self->node = g_strdup(spec->node);
        self->run_id = g_strdup(spec->run_id);
        self->session_id = g_strdup(spec->session_id);
        self->prompt = g_strdup(spec->prompt);
        self->cwd = g_strdup(spec->cwd);
        self->cli_path = g_strdup(spec->cli_path);
        self->options = asm_term_new(spec->options);
        self->metadata = asm_term_new(spec->metadata);
        self->surface = asm_term_new(spec->surface);
        self->connect_timeout_ms = spec->connect_timeout_ms;
        self->rpc_timeout_ms = spec->rpc_timeout_ms;
        self->call_timeout_ms = spec->call_timeout_ms;
        self->ensure_started = spec->ensure_started;
        self->ref = asm_procs_make_ref(context->procs);
        asm_remote_init_flow(self);
        asm_server_start(&self->server, &remote_class, context->procs);
        /* one reference is the run's, one the living server's own */
        asm_server_ref(&self->server);
        self->decoder = asm_decoder_new(spec->provider, /* wall_us= */ NULL, emit_event, self);
        self->rules.max_line = ASM_LINE_MAX_DEFAULT;
        /* what is wrong with them was told when the options were checked */
        asm_line_rules_read(spec->options, &self->rules, NULL);
        asm_decoder_set_line_rules(self->decoder, &self->rules);
        asm_decoder_set_launch(self->decoder, &launch);
        asm_remote_begin(self, spec->cookie);
        return &self->backend;
}

const AsmBackendClass asm_backend_remote_node = { .name = "remote_node",
                                                  .start = remote_start,
                                                  .send_input = remote_send_input,
                                                  .end_input = remote_end_input,
                                                  .approve = remote_approve,
                                                  .interrupt = remote_interrupt,
                                                  .close = remote_close,
                                                  .set_paused = remote_set_paused };
