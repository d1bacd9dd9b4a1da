/* SPDX-License-Identifier: MIT */

/*
 * The other end of a remote run. The functions are those of ASM's remote nodes: four checks and
 * start_core_session/1, called through erpc. A session monitors nobody and does nothing by itself;
 * it ends as a BEAM's would: by {terminate, normal}, by a broken link, by a kill.
 */

#include "host.h"

#include <string.h>

#include "term/reader.h"

/* a call that came as a spawn request */
typedef struct {
        AsmServer server;
        TestHost *host;
        AsmTerm *tag;
        AsmTerm *function; /* {Module, Function} */
        AsmTerm *args;
} HostCall;

static void
call_finalize(AsmServer *server)
{
        HostCall *call = (HostCall *)server;

        asm_term_unref(call->tag);
        asm_term_unref(call->function);
        asm_term_unref(call->args);
        g_free(call);
}

static void
call_terminate(AsmServer *server, AsmView reason)
{
        g_ptr_array_remove(((HostCall *)server)->host->waiting, server);
        asm_server_unref(server);
}

static const AsmServerClass call_class = { .module = "erpc",
                                           .terminate = call_terminate,
                                           .finalize = call_finalize };

static void
session_log(AsmServer *server, const char *what, AsmView view)
{
        g_autofree char *text = test_show(view);

        g_string_append_printf(((TestHostSession *)server)->log, "%s %s\n", what, text);
}

static void
session_call(AsmServer *server, AsmView from, AsmView request)
{
        TestHostAnswer answer = ((TestHostSession *)server)->host->answer;
        g_autoptr(AsmTerm) value =
                test_term(answer == TEST_HOST_SAYS_NO ? "{error, not_running}" : "ok");

        session_log(server, "call", request);
        if (answer != TEST_HOST_SAYS_NOTHING)
                asm_procs_reply(server->procs, from, asm_term_view(value));
}

static void
session_info(AsmServer *server, AsmView message)
{
        session_log(server, "info", message);
}

static void
session_terminate(AsmServer *server, AsmView reason)
{
        session_log(server, "end", reason);
        ((TestHostSession *)server)->is_alive = FALSE;
}

static void
session_finalize(AsmServer *server)
{
        TestHostSession *session = (TestHostSession *)server;

        g_string_free(session->log, TRUE);
        g_clear_pointer(&session->subscriber, asm_term_unref);
        g_clear_pointer(&session->ref, asm_term_unref);
        g_clear_pointer(&session->options, asm_term_unref);
        g_free(session);
}

static const AsmServerClass session_class = { .module = "test_host_session",
                                              .call = session_call,
                                              .info = session_info,
                                              .terminate = session_terminate,
                                              .finalize = session_finalize };

static void
session_free(gpointer data)
{
        TestHostSession *session = data;

        asm_server_stop_atom(&session->server, "normal");
        asm_server_unref(&session->server);
}

/* Reason text with ~w for the tag and, if it has two, @value */
static void
end_call(HostCall *call, const char *reason_text, AsmView value)
{
        g_autoptr(AsmTerm) reason = test_term(reason_text, asm_term_view(call->tag), value);

        asm_server_stop(&call->server, asm_term_view(reason));
}

static AsmTerm *
start_session(TestHost *host, AsmView args)
{
        TestHostSession *session = g_new0(TestHostSession, 1);
        g_auto(AsmBuilder) pid = ASM_BUILDER_INIT;
        AsmListCursor cursor = asm_view_list(args);
        AsmView options = ASM_VIEW_NONE;
        AsmView subscriber;
        AsmView part[2];

        if (!asm_list_next(&cursor, &options) ||
            !asm_view_option_get(options, "subscriber", &subscriber) ||
            !asm_view_get_tuple(subscriber, 2, part))
                g_error("start_core_session without a subscriber");
        session->host = host;
        session->log = g_string_new(NULL);
        session->subscriber = asm_term_new(part[0]);
        session->ref = asm_term_new(part[1]);
        session->options = asm_term_new(options);
        session->is_alive = TRUE;
        asm_server_start(&session->server, &session_class, host->world->procs);
        g_ptr_array_add(host->sessions, session);
        asm_builder_server_pid(&pid, &session->server);
        return test_term("{ok, ~w, #{}}", asm_builder_peek(&pid));
}

static void
answer_start(HostCall *call)
{
        TestHost *host = call->host;
        g_autoptr(AsmTerm) started = start_session(host, asm_term_view(call->args));

        end_call(call, "{~w, return, ~w}", asm_term_view(started));
        if (host->completes)
                test_host_complete(test_host_session(host, host->sessions->len - 1), "done");
}

static void
begin_start(HostCall *call)
{
        switch (call->host->mode) {
        case TEST_HOST_REFUSES:
                end_call(call, "{~w, return, {error, refused_by_test}}", ASM_VIEW_NONE);
                break;
        case TEST_HOST_RAISES:
                end_call(call, "{~w, error, badarg, []}", ASM_VIEW_NONE);
                break;
        case TEST_HOST_WAITS:
                g_ptr_array_add(call->host->waiting, call);
                break;
        case TEST_HOST_STARTS:
        case TEST_HOST_MUTE:
        case TEST_HOST_EMPTY:
                answer_start(call);
                break;
        }
}

static void
on_spawned(AsmServer *server, gpointer user_data)
{
        TestHost *host = user_data;
        HostCall *call = (HostCall *)server;
        g_autofree char *name = test_show(asm_term_view(call->function));
        AsmBuilder pid = ASM_BUILDER_INIT;

        g_string_append_printf(host->calls, "%s\n", name);
        if (strstr(name, "ensure_loaded") != NULL && host->mode == TEST_HOST_MUTE)
                return;
        if (strstr(name, "ensure_loaded") != NULL)
                end_call(call,
                         host->mode == TEST_HOST_EMPTY ? "{~w, return, false}"
                                                       : "{~w, return, true}",
                         ASM_VIEW_NONE);
        else if (strstr(name, "function_exported") != NULL)
                end_call(call, "{~w, return, true}", ASM_VIEW_NONE);
        else if (strstr(name, "handshake") != NULL)
                end_call(call,
                         call->host->takes_pauses
                                 ? "{~w, return, #{asm_version => <<\"0.12.3\">>, otp_release => "
                                   "<<\"25\">>, capabilities => [remote_backend_start_v1, "
                                   "run_pause_v1]}}"
                                 : "{~w, return, #{asm_version => <<\"0.12.3\">>, otp_release => "
                                   "<<\"25\">>, capabilities => [remote_backend_start_v1]}}",
                         ASM_VIEW_NONE);
        else if (strstr(name, "whereis") != NULL) {
                asm_builder_server_pid(&pid, server);
                end_call(call, "{~w, return, ~w}", asm_builder_peek(&pid));
                asm_builder_clear(&pid);
        } else if (strstr(name, "start_core_session") != NULL)
                begin_start(call);
        else
                end_call(call, "{~w, error, undef, []}", ASM_VIEW_NONE);
}

static AsmServer *
on_spawn(AsmProcs *procs, const AsmSpawnRequest *request, gpointer user_data)
{
        HostCall *call = g_new0(HostCall, 1);
        AsmListCursor cursor = asm_view_list(request->args);
        AsmView part[4];

        for (guint i = 0; i < 4; i++) {
                if (!asm_list_next(&cursor, &part[i]))
                        g_error("not a call of erpc:execute_call/4");
        }
        call->host = user_data;
        call->tag = asm_term_new(part[0]);
        call->function = test_term("{~w, ~w}", part[1], part[2]);
        call->args = asm_term_new(part[3]);
        asm_server_start(&call->server, &call_class, procs);
        return &call->server;
}

void
test_host_init(TestHost *host, TestWorld *world)
{
        *host = (TestHost){ .world = world,
                            .sessions = g_ptr_array_new_with_free_func(session_free),
                            .waiting = g_ptr_array_new(),
                            .calls = g_string_new(NULL) };
        asm_procs_set_spawner(world->procs, on_spawn, on_spawned, host);
}

void
test_host_clear(TestHost *host)
{
        if (host->world == NULL)
                return;
        asm_procs_set_spawner(host->world->procs, NULL, NULL, NULL);
        asm_procs_stop_all(host->world->procs);
        g_ptr_array_unref(host->sessions);
        g_ptr_array_unref(host->waiting);
        g_string_free(host->calls, TRUE);
        host->world = NULL;
}

TestHostSession *
test_host_session(TestHost *host, guint i)
{
        return i < host->sessions->len ? g_ptr_array_index(host->sessions, i) : NULL;
}

void
test_host_release(TestHost *host)
{
        while (host->waiting->len > 0)
                answer_start(g_ptr_array_index(host->waiting, 0));
}

guint
test_host_count_alive(TestHost *host)
{
        guint n = 0;

        for (guint i = 0; i < host->sessions->len; i++)
                n += test_host_session(host, i)->is_alive;
        return n;
}

void
test_host_emit(TestHostSession *session, AsmEventKind kind, const char *fields)
{
        g_autofree char *text = g_strdup_printf("#{%s}", fields);
        g_autoptr(AsmTerm) payload = test_term(text);
        g_auto(AsmBuilder) event = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) message = NULL;
        AsmCoreEventSpec spec = { .kind = kind,
                                  .provider = "claude",
                                  .id = ++session->n_emitted,
                                  .sequence = session->n_emitted,
                                  .timestamp_us = 1000000,
                                  .payload = asm_term_view(payload) };

        asm_builder_core_event(&event, &spec);
        message = test_term("{test_tag, ~w, {event, ~w}}",
                            asm_term_view(session->ref),
                            asm_builder_peek(&event));
        asm_procs_send(session->server.procs,
                       asm_term_view(session->subscriber),
                       asm_term_view(message));
}

void
test_host_complete(TestHostSession *session, const char *text)
{
        g_autofree char *delta = g_strdup_printf("content => <<\"%s\">>", text);

        test_host_emit(session, ASM_EVENT_RUN_STARTED, "");
        test_host_emit(session, ASM_EVENT_ASSISTANT_DELTA, delta);
        test_host_emit(session, ASM_EVENT_RESULT, "status => completed, stop_reason => end_turn");
}

void
test_host_end(TestHostSession *session, const char *reason_text)
{
        g_autoptr(AsmTerm) reason = test_term(reason_text);

        asm_server_stop(&session->server, asm_term_view(reason));
}
