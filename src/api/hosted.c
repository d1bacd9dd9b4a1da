/* SPDX-License-Identifier: MIT */

/*
 * A session that another node has started here: a process around a local backend, in the place of
 * the core session that an ASM node would have (ASM_PROTOCOL.md section 1).
 *
 *     start --run_started--> running --CLI ends--> over, reason normal
 *       | failed               | GenServer.stop: its reason; an exit signal: its reason;
 *       v                      v no subscriber for headless_ms: normal
 *     {error, Reason}         over: the CLI's group gets SIGTERM, and SIGKILL later
 *
 * Subscribers get the backend's events as they are, each with its own reference. The answer to the
 * start comes after the first event, which says what has been started.
 *
 * Other than ASM's, this session leaves no orphan: it does not outlive its last subscriber for longer
 * than the headless timeout, nor a linked process at all. It does not trap exits, so every way out
 * goes through on_terminate(), which closes the backend.
 *
 * A subscriber whose link is busy pauses the CLI until the link has drained, and so does one that
 * says `{asm_pause, Ref}` until it says `{asm_resume, Ref}` (capability run_pause_v1).
 *
 * Approvals: a decision arrives as `{asm_approval_resolved, Id, allow | deny, Reason}`, and the
 * backend tells the CLI in its own words. A caller that knows this (capability
 * approval_decisions_v1) says answers_approvals; for others the CLI is started in its plain form.
 */

#include "host-private.h"

#include "base/log.h"
#include "term/json.h"
#include "term/print.h"
#include "term/reader.h"

#include <string.h>

#define SUBSCRIBERS_MAX 64
#define INPUT_MAX       (16 * 1024 * 1024)

/* --- the answer to the start ----------------------------------------------------------------- */

static void
answer_started(AsmHosted *self)
{
        AsmReply *starter = g_steal_pointer(&self->starter);
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        asm_builder_tuple(&value, 3);
        asm_builder_atom(&value, "ok");
        asm_builder_server_pid(&value, &self->server);
        asm_builder_hosted_info(&value, self);
        starter->send(starter, asm_builder_peek(&value));
}

static void
refuse(AsmReply *reply, AsmView reason)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "error");
        asm_builder_view(&value, reason);
        reply->send(reply, asm_builder_peek(&value));
}

/* as ASM says it: `missing` for a file that was named, a struct for one that was looked for */
static void
put_failure(AsmBuilder *reason, const AsmHosted *self, const AsmFailure *failure)
{
        if (failure->kind != ASM_FAILURE_CLI_NOT_FOUND) {
                asm_builder_failure(reason, failure);
                return;
        }
        if (self->is_command_given) {
                asm_builder_atom(reason, "missing");
                return;
        }
        asm_builder_map(reason, 6);
        asm_builder_atom(reason, "__struct__");
        asm_builder_atom(reason, "Elixir.CliSubprocessCore.ProviderCLI.Error");
        asm_builder_atom(reason, "__exception__");
        asm_builder_bool(reason, TRUE);
        asm_builder_atom(reason, "kind");
        asm_builder_atom(reason, "cli_not_found");
        asm_builder_atom(reason, "provider");
        asm_builder_atom(reason, self->provider->name);
        asm_builder_atom(reason, "message");
        asm_builder_text(reason, failure->message);
        asm_builder_atom(reason, "cause");
        asm_builder_nil_atom(reason);
}

/* --- subscribers ----------------------------------------------------------------------------- */

static void
subscriber_clear(gpointer data)
{
        AsmHostedSubscriber *subscriber = data;

        asm_pid_clear(&subscriber->pid);
        asm_ref_clear(&subscriber->monitor);
        g_clear_pointer(&subscriber->address, asm_term_unref);
        g_clear_pointer(&subscriber->tag, asm_term_unref);
        g_clear_pointer(&subscriber->link, asm_link_unref);
}

static AsmHostedSubscriber *
subscriber_at(AsmHosted *self, guint i)
{
        return &g_array_index(self->subscribers, AsmHostedSubscriber, i);
}

static void
on_headless(AsmTimer *timer, gpointer user_data)
{
        AsmHosted *self = user_data;

        asm_log(G_LOG_LEVEL_MESSAGE,
                &(AsmLogTags){ .peer = self->peer },
                "hosted session of '%s': nobody has listened for %u ms, ending its CLI",
                self->peer,
                self->headless_ms);
        asm_server_stop_atom(&self->server, "normal");
}

static void
check_headless(AsmHosted *self)
{
        if (self->subscribers->len > 0)
                asm_timer_disarm(&self->headless);
        else if (!asm_timer_is_armed(&self->headless))
                asm_timer_arm(&self->headless, self->headless_ms);
}

/* FALSE: there are too many. @tag: unset for a legacy subscriber */
static gboolean
subscribe(AsmHosted *self, AsmView pid, AsmView tag)
{
        AsmHostedSubscriber added = { 0 };
        AsmHostedSubscriber *known = NULL;

        if (!asm_pid_from_view(pid, &added.pid))
                return FALSE;
        for (guint i = 0; known == NULL && i < self->subscribers->len; i++) {
                if (asm_pid_equal(&subscriber_at(self, i)->pid, &added.pid))
                        known = subscriber_at(self, i);
        }
        if (known != NULL) {
                asm_pid_clear(&added.pid);
                g_clear_pointer(&known->tag, asm_term_unref);
                known->tag = asm_view_is_set(tag) ? asm_term_new(tag) : NULL;
                return TRUE;
        }
        if (self->subscribers->len >= SUBSCRIBERS_MAX) {
                asm_pid_clear(&added.pid);
                return FALSE;
        }
        added.address = asm_term_new(pid);
        added.tag = asm_view_is_set(tag) ? asm_term_new(tag) : NULL;
        added.monitor = asm_server_monitor(&self->server, &added.pid);
        g_array_append_val(self->subscribers, added);
        check_headless(self);
        return TRUE;
}

static void
unsubscribe(AsmHosted *self, AsmView view)
{
        g_auto(AsmPid) pid = { 0 };

        if (!asm_pid_from_view(view, &pid))
                return;
        for (guint i = 0; i < self->subscribers->len; i++) {
                if (asm_pid_equal(&subscriber_at(self, i)->pid, &pid)) {
                        asm_server_demonitor(&self->server, &subscriber_at(self, i)->monitor);
                        g_array_remove_index(self->subscribers, i);
                        break;
                }
        }
        check_headless(self);
        asm_hosted_drained(self);
}

static void
set_paused(AsmHosted *self, gboolean is_paused)
{
        if (self->is_paused == is_paused || self->backend == NULL)
                return;
        self->is_paused = is_paused;
        self->backend->klass->set_paused(self->backend, is_paused);
}

void
asm_hosted_drained(AsmHosted *self)
{
        for (guint i = 0; i < self->subscribers->len; i++) {
                AsmHostedSubscriber *subscriber = subscriber_at(self, i);

                if (subscriber->wants_no_more)
                        return;
                if (subscriber->link == NULL)
                        continue;
                if (asm_link_is_up(subscriber->link) && asm_link_is_busy(subscriber->link))
                        return;
                g_clear_pointer(&subscriber->link, asm_link_unref);
        }
        set_paused(self, FALSE);
}

/* {Tag, Ref, {event, Event}}, or {session_event, Event} for who did not give a reference */
static void
send_event(AsmHosted *self, AsmHostedSubscriber *subscriber, AsmView event)
{
        AsmProcs *procs = self->server.procs;
        AsmLink *link;

        asm_builder_reset(&self->message);
        if (subscriber->tag != NULL) {
                asm_builder_tuple(&self->message, 3);
                asm_builder_atom(&self->message, self->event_tag);
                asm_builder_term(&self->message, subscriber->tag);
                asm_builder_tuple(&self->message, 2);
                asm_builder_atom(&self->message, "event");
        } else {
                asm_builder_tuple(&self->message, 2);
                asm_builder_atom(&self->message, "session_event");
        }
        asm_builder_view(&self->message, event);
        link = asm_procs_send(procs,
                              asm_term_view(subscriber->address),
                              asm_builder_peek(&self->message));
        if (link == NULL || !asm_link_is_busy(link))
                return;
        if (subscriber->link != link) {
                g_clear_pointer(&subscriber->link, asm_link_unref);
                subscriber->link = asm_link_ref(link);
        }
        set_paused(self, TRUE);
}

/* --- messages -------------------------------------------------------------------------------- */

static void
on_pause(AsmHosted *self, AsmView tag, gboolean is_pause)
{
        for (guint i = 0; i < self->subscribers->len; i++) {
                AsmHostedSubscriber *subscriber = subscriber_at(self, i);

                if (subscriber->tag != NULL &&
                    asm_view_same_bytes(asm_term_view(subscriber->tag), tag)) {
                        subscriber->wants_no_more = is_pause;
                        if (is_pause)
                                set_paused(self, TRUE);
                }
        }
        if (!is_pause)
                asm_hosted_drained(self);
}

/* {asm_approval_resolved, Id, allow | deny, Reason | nil} */
static void
on_decision(AsmHosted *self, const AsmView *part)
{
        g_autofree char *id = NULL;
        g_autofree char *reason = NULL;
        gboolean allow;

        allow = asm_view_is_atom(part[1], "allow");
        id = asm_view_dup_text(part[0], /* accept_atoms= */ FALSE);
        if (id == NULL || (!allow && !asm_view_is_atom(part[1], "deny")))
                return;
        reason = asm_view_dup_text(part[2], /* accept_atoms= */ FALSE);
        self->backend->klass->approve(self->backend, id, allow, reason);
}

static void
on_info(AsmServer *server, AsmView message)
{
        AsmHosted *self = (AsmHosted *)server;
        AsmView part[3];

        if (asm_view_get_tagged(message, "asm_approval_resolved", 4, part))
                on_decision(self, part);
        else if (asm_view_get_tagged(message, "asm_pause", 2, part))
                on_pause(self, part[0], TRUE);
        else if (asm_view_get_tagged(message, "asm_resume", 2, part))
                on_pause(self, part[0], FALSE);
}

/* --- what the backend says ------------------------------------------------------------------- */

static void
take_note(AsmHosted *self, const AsmCoreEvent *core)
{
        self->sequence = MAX(self->sequence, core->sequence);
        if (asm_view_is_set(core->provider_session_id)) {
                g_clear_pointer(&self->provider_id, asm_term_unref);
                self->provider_id = asm_term_new(core->provider_session_id);
        }
        if (core->kind == ASM_EVENT_RUN_STARTED && self->started == NULL)
                self->started = asm_term_new(core->payload);
}

static void
on_started(gpointer user_data)
{
}

static void
on_event(AsmView event, gpointer user_data)
{
        AsmHosted *self = user_data;
        AsmCoreEvent core;

        if (!asm_core_event_from_view(event, &core))
                return;
        for (guint i = 0; i < self->subscribers->len; i++)
                send_event(self, subscriber_at(self, i), event);
        take_note(self, &core);
        if (self->starter != NULL && self->started != NULL)
                answer_started(self);
}

static void
on_failed(const AsmFailure *failure, gpointer user_data)
{
        AsmHosted *self = user_data;
        AsmReply *starter = g_steal_pointer(&self->starter);
        g_auto(AsmBuilder) reason = ASM_BUILDER_INIT;

        put_failure(&reason, self, failure);
        if (starter != NULL)
                refuse(starter, asm_builder_peek(&reason));
        asm_server_stop_atom(&self->server, "normal");
}

static void
on_ended(AsmView reason, gpointer user_data)
{
        AsmHosted *self = user_data;

        asm_server_stop(&self->server, reason);
}

static const AsmBackendListener listener = { .started = on_started,
                                             .event = on_event,
                                             .failed = on_failed,
                                             .ended = on_ended };

/* --- calls ----------------------------------------------------------------------------------- */

static void
put_error(AsmBuilder *reply, const char *what)
{
        asm_builder_tuple(reply, 2);
        asm_builder_atom(reply, "error");
        asm_builder_atom(reply, what);
}

/* {error, {What, Shown}} */
static void
put_error_with(AsmBuilder *reply, const char *what, AsmView value)
{
        g_autofree char *shown = asm_view_print(value, ASM_SYNTAX_ERLANG, 200);

        asm_builder_tuple(reply, 2);
        asm_builder_atom(reply, "error");
        asm_builder_tuple(reply, 2);
        asm_builder_atom(reply, what);
        asm_builder_text(reply, shown);
}

/* (transfer full) (nullable): iodata as it is, maps and other lists as JSON */
static GBytes *
input_bytes(AsmView input)
{
        const guint8 *data;
        gsize len;
        char *text = NULL;

        if (asm_view_get_binary(input, &data, &len))
                return g_bytes_new(data, len);
        if (asm_view_kind(input) != ASM_KIND_MAP)
                text = asm_view_dup_text(input, /* accept_atoms= */ FALSE);
        if (text == NULL &&
            (asm_view_kind(input) == ASM_KIND_MAP || asm_view_kind(input) == ASM_KIND_LIST))
                text = asm_view_to_json_text(input);
        return text != NULL ? g_bytes_new_take(text, strlen(text)) : NULL;
}

static void
send_input(AsmHosted *self, AsmView input, AsmBuilder *reply)
{
        g_autoptr(GBytes) bytes = input_bytes(input);
        const char *data;
        gsize len;

        if (bytes == NULL) {
                put_error_with(reply, "unsupported_input", input);
                return;
        }
        data = g_bytes_get_data(bytes, &len);
        if (!self->is_input_open) {
                put_error(reply, "stdin_closed");
        } else if (len > INPUT_MAX) {
                put_error(reply, "input_too_large");
        } else {
                if (len > 0)
                        self->backend->klass->send_input(self->backend, data, len);
                asm_builder_atom(reply, "ok");
        }
}

static gboolean
is_tag(AsmView view)
{
        return asm_view_kind(view) == ASM_KIND_REF || asm_view_is_atom(view, "legacy");
}

static void
handle(AsmHosted *self, AsmView request, AsmBuilder *reply)
{
        AsmView part[2];

        if (asm_view_is_atom(request, "info")) {
                asm_builder_hosted_info(reply, self);
        } else if (asm_view_is_atom(request, "interrupt")) {
                self->backend->klass->interrupt(self->backend);
                asm_builder_atom(reply, "ok");
        } else if (asm_view_is_atom(request, "end_input")) {
                self->is_input_open = FALSE;
                self->backend->klass->end_input(self->backend);
                asm_builder_atom(reply, "ok");
        } else if (asm_view_get_tagged(request, "send", 2, part)) {
                send_input(self, part[0], reply);
        } else if (asm_view_get_tagged(request, "subscribe", 3, part) &&
                   asm_view_kind(part[0]) == ASM_KIND_PID && is_tag(part[1])) {
                if (asm_view_kind(part[1]) != ASM_KIND_REF)
                        part[1] = ASM_VIEW_NONE;
                if (subscribe(self, part[0], part[1]))
                        asm_builder_atom(reply, "ok");
                else
                        put_error(reply, "too_many_subscribers");
        } else if (asm_view_get_tagged(request, "unsubscribe", 2, part)) {
                unsubscribe(self, part[0]);
                asm_builder_atom(reply, "ok");
        } else {
                put_error_with(reply, "unsupported_call", request);
        }
}

static void
on_call(AsmServer *server, AsmView from, AsmView request)
{
        g_auto(AsmBuilder) reply = ASM_BUILDER_INIT;

        handle((AsmHosted *)server, request, &reply);
        asm_procs_reply(server->procs, from, asm_builder_peek(&reply));
}

/* --- the life -------------------------------------------------------------------------------- */

static void
on_down(AsmServer *server, const AsmRef *ref, AsmView reason)
{
        AsmHosted *self = (AsmHosted *)server;

        for (guint i = 0; i < self->subscribers->len; i++) {
                if (asm_ref_equal(&subscriber_at(self, i)->monitor, ref)) {
                        g_array_remove_index(self->subscribers, i);
                        break;
                }
        }
        check_headless(self);
        asm_hosted_drained(self);
}

static void
get_state(AsmServer *server, AsmBuilder *builder)
{
        asm_builder_hosted_info(builder, (AsmHosted *)server);
}

static void
on_terminate(AsmServer *server, AsmView reason)
{
        AsmHosted *self = (AsmHosted *)server;
        AsmBackend *backend = g_steal_pointer(&self->backend);
        AsmReply *starter = g_steal_pointer(&self->starter);

        asm_timer_disarm(&self->headless);
        g_ptr_array_remove(self->host->sessions, self);
        if (backend != NULL)
                backend->klass->close(backend, /* grace_ms= */ 0);
        if (starter != NULL)
                refuse(starter, reason);
        /* the reference of a living server on itself */
        asm_server_unref(server);
}

static void
on_finalize(AsmServer *server)
{
        AsmHosted *self = (AsmHosted *)server;

        g_ref_string_release(self->peer);
        g_free(self->event_tag);
        asm_term_unref(self->metadata);
        asm_term_unref(self->started);
        asm_term_unref(self->provider_id);
        g_array_unref(self->subscribers);
        asm_builder_clear(&self->message);
        g_free(self);
}

static const AsmServerClass hosted_class = { .module = "Elixir.CliSubprocessCore.Session",
                                             .mail_right = ASM_RIGHT_HOST,
                                             .end_right = ASM_RIGHT_HOST,
                                             .call = on_call,
                                             .info = on_info,
                                             .down = on_down,
                                             .get_state = get_state,
                                             .terminate = on_terminate,
                                             .finalize = on_finalize };

static AsmTerm *
metadata_term(AsmView metadata)
{
        g_auto(AsmBuilder) empty = ASM_BUILDER_INIT;

        if (asm_view_is_set(metadata))
                return asm_term_new(metadata);
        asm_builder_map(&empty, 0);
        return asm_builder_end(&empty);
}

static void
start_backend(AsmHosted *self, const AsmHostedSpec *spec)
{
        AsmBackendSpec what = { .provider = spec->provider,
                                .run_id = spec->run_id,
                                .session_id = spec->session_id,
                                .prompt = spec->prompt,
                                .cwd = spec->cwd,
                                .cli_path = spec->command,
                                .options = asm_term_view(spec->options),
                                .metadata = asm_term_view(self->metadata),
                                .surface = spec->surface,
                                .answers_approvals = spec->answers_approvals };

        self->backend = asm_backend_local.start(&self->host->backend, &what, &listener, self);
        if (spec->input != NULL)
                self->backend->klass->send_input(self->backend, spec->input, strlen(spec->input));
}

void
asm_hosted_start(AsmHost *host, const AsmHostedSpec *spec, GRefString *peer, AsmReply *reply)
{
        AsmHosted *self = g_new0(AsmHosted, 1);
        AsmView cleared;

        self->host = host;
        self->provider = spec->provider;
        self->peer = g_ref_string_acquire(peer);
        self->event_tag = g_strdup(spec->event_tag);
        self->metadata = metadata_term(spec->metadata);
        self->is_command_given = spec->command != NULL;
        self->is_env_cleared =
                asm_view_option_get(asm_term_view(spec->options), "clear_env?", &cleared) &&
                asm_view_is_atom(cleared, "true");
        self->starter = reply;
        self->headless_ms = spec->headless_ms;
        self->subscribers = g_array_new(FALSE, FALSE, sizeof(AsmHostedSubscriber));
        g_array_set_clear_func(self->subscribers, subscriber_clear);
        self->is_input_open = spec->is_input_open;
        asm_timer_init(&self->headless,
                       asm_procs_get_timers(host->backend.procs),
                       on_headless,
                       self);
        asm_server_start(&self->server, &hosted_class, host->backend.procs);
        g_ptr_array_add(host->sessions, self);
        start_backend(self, spec);
        if (asm_view_is_set(spec->subscriber))
                subscribe(self, spec->subscriber, spec->tag);
        check_headless(self);
}
