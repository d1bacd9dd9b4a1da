/* SPDX-License-Identifier: MIT */
/*
 * The faces of the API: whichever way a call comes, it has the same value and the same error, and
 * what is not exported does not exist. The caller is a socket that speaks the protocol.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "api/api.h"
#include "daemon-world.h"
#include "raw-peer.h"
#include "term/reader.h"

TestSuite(api, .timeout = 300);

typedef struct {
        TestDaemonWorld w;
        AsmApi *api;
        TestPeer *peer;
        AsmPid caller;
        AsmBuilder caller_term;
        AsmBuilder out;
        guint n_calls;
} Fixture;

static void
fixture_init(Fixture *f)
{
        test_daemon_world_init(&f->w, NULL);
        f->api = asm_api_new(f->w.near.procs, f->w.manager);
        f->peer = test_peer_connect(asm_node_get_port(f->w.near.self.node),
                                    "shell@127.0.0.1",
                                    "asmd@127.0.0.1",
                                    TEST_COOKIE,
                                    NULL);
        cr_assert(test_wait(test_world_link(&f->w.near, "shell@127.0.0.1") != NULL));
        f->caller = test_peer_pid(f->peer, 3);
        asm_builder_pid(&f->caller_term, &f->caller);
}

static void
fixture_clear(Fixture *f)
{
        asm_manager_stop_all(f->w.manager);
        asm_api_free(f->api);
        asm_pid_clear(&f->caller);
        asm_builder_clear(&f->caller_term);
        asm_builder_clear(&f->out);
        test_daemon_world_clear(&f->w);
        test_peer_free(f->peer);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static void
say(Fixture *f)
{
        test_peer_say(f->peer, &f->out);
        asm_builder_reset(&f->out);
}

/* events of a run, and the monitor that it has on its subscriber */
static gboolean
belongs_to_run(const AsmControl *control)
{
        AsmView part[2];

        return control->kind == ASM_CONTROL_MONITOR || control->kind == ASM_CONTROL_DEMONITOR ||
               (control->kind == ASM_CONTROL_SEND &&
                (asm_view_get_tagged(control->payload, "asm_run_event", 3, part) ||
                 asm_view_get_tagged(control->payload, "asm_run_done", 2, part)));
}

/* the next signal, which is of @kind */
static void
hear(Fixture *f, AsmControlKind kind, AsmControl *ret_control)
{
        do {
                cr_assert(test_peer_hear(f->peer, ret_control), "no answer");
        } while (belongs_to_run(ret_control));
        cr_assert_eq(ret_control->kind,
                     kind,
                     "%s instead of %s",
                     asm_control_kind_name(ret_control->kind),
                     asm_control_kind_name(kind));
}

/* ids and numbers are other ones each time */
static char *
normalize(AsmView view)
{
        static GRegex *id;
        static GRegex *number;
        g_autofree char *text = test_show(view);
        g_autofree char *step = NULL;

        if (id == NULL) {
                id = g_regex_new("[0-9A-Z]{26}", 0, 0, NULL);
                number = g_regex_new("[0-9]+", 0, 0, NULL);
        }
        step = g_regex_replace_literal(id, text, -1, 0, "ID", 0, NULL);
        return g_regex_replace_literal(number, step, -1, 0, "N", 0, NULL);
}

typedef enum {
        FACE_GEN,  /* gen_server:call({asm, Node}, {F, Args}) */
        FACE_ERPC, /* erpc:call(Node, asm, F, Args) */
        FACE_ERPC_ELIXIR,
        FACE_REX,     /* rpc:block_call/4 */
        FACE_REX_OLD, /* {Pid, {call, ...}} */
        N_FACES,
} Face;

static char *
gen_call(Fixture *f, const char *name, AsmView request)
{
        g_autoptr(AsmTerm) message = test_term("{'$gen_call', {~w, tag}, ~w}",
                                               asm_builder_peek(&f->caller_term),
                                               request);
        AsmControl control;
        AsmView part[1];

        asm_control_encode_reg_send(&f->out, &f->caller, name, asm_term_view(message));
        say(f);
        hear(f, ASM_CONTROL_SEND, &control);
        cr_assert(asm_view_get_tagged(control.payload, "tag", 2, part));
        return normalize(part[0]);
}

/* the exit reason of the spawned process */
static char *
spawn(Fixture *f, const char *module, const char *function, guint arity, AsmView args)
{
        g_auto(AsmRef) ref = test_peer_ref(f->peer, 100 + f->n_calls++);
        AsmControl control;

        asm_control_encode_spawn_request(&f->out, &ref, &f->caller, module, function, arity, args);
        say(f);
        hear(f, ASM_CONTROL_SPAWN_REPLY, &control);
        cr_assert_eq(control.spawn_flags, ASM_SPAWN_FLAG_MONITOR);
        hear(f, ASM_CONTROL_MONITOR_EXIT, &control);
        return normalize(control.payload);
}

static char *
erpc_call(Fixture *f, const char *module, const char *function, AsmView args)
{
        g_autofree char *text = g_strdup_printf("[res, '%s', '%s', ~w]", module, function);
        g_autoptr(AsmTerm) all = test_term(text, args);

        return spawn(f, "erpc", "execute_call", 4, asm_term_view(all));
}

static char *
rex_call(Fixture *f, const char *module, const char *function, AsmView args, gboolean is_old)
{
        g_autofree char *text = g_strdup_printf("{%s, '%s', '%s', ~w, user}",
                                                is_old ? "call" : "block_call",
                                                module,
                                                function);
        g_autoptr(AsmTerm) request = test_term(text, args);
        g_autoptr(AsmTerm) message = NULL;
        AsmControl control;
        AsmView part[1];

        if (!is_old)
                return gen_call(f, "rex", asm_term_view(request));
        message = test_term("{~w, ~w}", asm_builder_peek(&f->caller_term), asm_term_view(request));
        asm_control_encode_reg_send(&f->out, &f->caller, "rex", asm_term_view(message));
        say(f);
        hear(f, ASM_CONTROL_SEND, &control);
        cr_assert(asm_view_get_tagged(control.payload, "rex", 2, part));
        return normalize(part[0]);
}

/* the value of a call that exists; what a face puts around it is taken off */
static char *
call(Fixture *f, Face face, const char *function, AsmView args)
{
        g_autofree char *text = g_strdup_printf("{%s, ~w}", function);
        g_autoptr(AsmTerm) request = test_term(text, args);
        g_autofree char *reason = NULL;

        switch (face) {
        case FACE_GEN:
                return gen_call(f, "asm", asm_term_view(request));
        case FACE_REX:
                return rex_call(f, "asm", function, args, /* is_old= */ FALSE);
        case FACE_REX_OLD:
                return rex_call(f, "Elixir.ASM", function, args, /* is_old= */ TRUE);
        case FACE_ERPC:
        case FACE_ERPC_ELIXIR:
        case N_FACES:
                break;
        }
        reason = erpc_call(f, face == FACE_ERPC ? "asm" : "Elixir.ASM", function, args);
        cr_assert(g_str_has_prefix(reason, "{res,return,"), "%s", reason);
        return g_strndup(reason + strlen("{res,return,"),
                         strlen(reason) - strlen("{res,return,") - 1);
}

typedef struct {
        const char *function;
        const char *args;
        const char *begins; /* the value, normalized */
} Case;

#define REMOTE "[{execution_mode, remote_node}, {remote_node, 'host@127.0.0.1'}]"

static const Case cases[] = {
        { "start_session", "[]", "{ok,<" },
        { "start_session", "[[{provider, codex}]]", "{ok,<" },
        { "start_session", "[#{provider => <<\"codex\">>}]", "{ok,<" },
        { "start_session",
          "[[{provider, nobody}]]",
          "{error,#{'__struct__' => 'Elixir.ASM.Error'" },
        { "start_session", "[17]", "{error,#{" },
        { "start_session", "[[{session_id, <<\"fixed\">>}]]", "{error,#{" },
        { "session_info", "[<<\"fixed\">>]", "{ok,#{session_id => <<\"fixed\">>" },
        { "session_info", "[<<\"nobody\">>]", "{error,#{" },
        { "session_info", "[17]", "{error,#{" },
        { "session_id", "[<<\"fixed\">>]", "<<\"fixed\">>" },
        { "session_id", "[<<\"nobody\">>]", "nil" },
        { "list_sessions", "[]", "" },
        { "health", "[<<\"fixed\">>]", "healthy" },
        { "health", "[<<\"nobody\">>]", "{unhealthy," },
        { "cost", "[<<\"fixed\">>]", "#{" },
        { "query", "[<<\"fixed\">>, <<\"hello\">>]", "{ok,#{'__struct__' => 'Elixir.ASM.Result'" },
        { "query", "[<<\"fixed\">>, \"hello\", [{run_deadline_ms, 5000}]]", "{ok,#{" },
        { "query", "[claude, <<\"hello\">>, " REMOTE "]", "{ok,#{" },
        { "query", "[<<\"fixed\">>, <<\"\">>]", "{error,#{" },
        { "query", "[<<\"fixed\">>, 17]", "{error,#{" },
        { "query", "[<<\"nobody\">>, <<\"hello\">>]", "{error,#{" },
        { "query", "[nobody, <<\"hello\">>]", "{error,#{" },
        { "query", "[<<\"fixed\">>, <<\"hello\">>, [{run_deadline_ms, soon}]]", "{error,#{" },
        { "stream", "[<<\"fixed\">>, <<\"hello\">>]", "{ok,<<\"ID\">>}" },
        { "stream", "[<<\"nobody\">>, <<\"hello\">>]", "{error,#{" },
        { "interrupt", "[<<\"fixed\">>, <<\"no-run\">>]", "{error,#{" },
        { "interrupt", "[<<\"fixed\">>, 17]", "{error,#{" },
        { "stop_session", "[<<\"nobody\">>]", "{error,#{" },
        { "approvals", "[<<\"fixed\">>]", "{ok,[]}" },
        { "approvals", "[<<\"nobody\">>]", "{error,#{" },
        { "approve", "[<<\"fixed\">>, <<\"no-approval\">>, allow]", "{error,#{" },
        { "approve", "[<<\"fixed\">>, <<\"no-approval\">>, maybe]", "{error,#{" },
        { "approve", "[<<\"nobody\">>, <<\"no-approval\">>, deny]", "{error,#{" },
        { "approve", "[<<\"fixed\">>, 17, deny]", "{error,#{" },
        { "pause", "[<<\"fixed\">>, <<\"no-run\">>]", "{error,#{" },
        { "pause", "[<<\"fixed\">>, {run}]", "{error,#{" },
        { "checkpoint", "[<<\"fixed\">>]", "{ok,nil}" },
        { "checkpoint", "[17]", "{error,#{" },
        { "resume_run", "[<<\"fixed\">>, <<\"go on\">>]", "{error,#{" },
        { "resume_run", "[<<\"fixed\">>, <<>>, [{continuation, <<\"c\">>}]]", "{error,#{" },
        { "resume_run", "[<<\"nobody\">>, <<\"go on\">>]", "{error,#{" },
        { "intervene", "[<<\"fixed\">>, <<\"no-run\">>, <<\"stop\">>]", "{error,#{" },
        { "intervene", "[<<\"fixed\">>, <<\"no-run\">>, 17, []]", "{error,#{" },
        { "resolve", "[codex]", "{ok,#{provider => codex" },
        { "resolve", "[<<\"codex\">>, #{lane => core}]", "{ok,#{provider => codex" },
        { "resolve", "[codex, [{lane, sdk}, {execution_mode, remote_node}]]", "{error,#{" },
        { "resolve", "[nobody]", "{error,#{" },
        { "lane_info", "[amp]", "{ok,#{" },
        { "lane_info", "[amp, [{lane, fast}]]", "{error,#{" },
        { "lane_info", "[17]", "{error,#{" },
        { "provider_info", "[]", "{ok,[#{provider => amp" },
        { "provider_info", "[cursor]", "{ok,#{provider => cursor" },
        { "provider_info", "[nobody]", "{error,#{" },
        { "status", "[]", "{ok,#{node => 'asmd@N.N.N.N',version => " },
};

Test(api, call_has_the_same_value_and_the_same_error_whichever_way_it_comes)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) options =
                test_remote_options("{session_id, <<\"fixed\">>}, {max_queued_runs, 100}");
        g_autoptr(AsmFailure) failure = NULL;

        fixture_init(&f);
        f.w.host.completes = TRUE;
        cr_assert_not_null(asm_session_start(f.w.manager, asm_term_view(options), NULL, &failure));
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(AsmTerm) args = test_term(cases[i].args);
                g_autofree char *first = call(&f, FACE_GEN, cases[i].function, asm_term_view(args));

                cr_expect(g_str_has_prefix(first, cases[i].begins),
                          "%s%s: %s",
                          cases[i].function,
                          cases[i].args,
                          first);
                /* it grows with each call */
                if (g_str_equal(cases[i].function, "list_sessions"))
                        continue;
                for (Face face = FACE_GEN; face < N_FACES; face++) {
                        g_autofree char *value =
                                call(&f, face, cases[i].function, asm_term_view(args));

                        cr_expect_str_eq(value,
                                         first,
                                         "%s by face %d",
                                         cases[i].function,
                                         (int)face);
                }
        }
}

static void
expect_answer(Fixture *f, Face face, const char *function, const char *args_text, const char *part)
{
        g_autoptr(AsmTerm) args = test_term(args_text);
        g_autofree char *value = call(f, face, function, asm_term_view(args));

        cr_expect_not_null(strstr(value, part), "%s by face %d: %s", function, (int)face, value);
}

/* borrowed: the newest session of the host, of a run that has begun */
static TestHostSession *
begin_run(Fixture *f, Face face, const char *options)
{
        guint n = f->w.host.sessions->len;
        g_autofree char *args = g_strdup_printf("[<<\"fixed\">>, <<\"hello\">>, %s]", options);
        TestHostSession *session;

        expect_answer(f, face, "stream", args, "{ok,<<");
        cr_assert(test_wait(f->w.host.sessions->len == n + 1));
        session = test_host_session(&f->w.host, n);
        test_host_emit(session, ASM_EVENT_RUN_STARTED, "");
        test_settle();
        return session;
}

static void
start_fixed(Fixture *f)
{
        g_autoptr(AsmTerm) options =
                test_remote_options("{session_id, <<\"fixed\">>}, {interrupt_grace_ms, 0}");
        g_autoptr(AsmFailure) failure = NULL;

        cr_assert_not_null(asm_session_start(f->w.manager, asm_term_view(options), NULL, &failure));
}

Test(api, an_approval_is_listed_and_answered_once_by_any_face)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        start_fixed(&f);
        for (Face face = FACE_GEN; face < N_FACES; face++) {
                TestHostSession *host = begin_run(&f, face, "[{run_id, <<\"r\">>}]");

                test_host_emit(host,
                               ASM_EVENT_APPROVAL_REQUESTED,
                               "approval_id => <<\"ap\">>, subject => <<\"Bash\">>");
                test_settle();
                expect_answer(&f, face, "approvals", "[<<\"fixed\">>]", "subject => <<\"Bash\">>");
                expect_answer(&f, face, "approve", "[<<\"fixed\">>, <<\"ap\">>, allow]", "ok");
                expect_answer(&f, face, "approvals", "[<<\"fixed\">>]", "{ok,[]}");
                expect_answer(&f,
                              face,
                              "approve",
                              "[<<\"fixed\">>, <<\"ap\">>, deny]",
                              "domain => approval");
                cr_assert(test_wait(strstr(host->log->str,
                                           "info {asm_approval_resolved,<<\"ap\">>,allow,nil}\n") !=
                                    NULL));
                cr_expect_null(strstr(host->log->str, "deny"));
                test_host_complete(host, "done");
                test_settle();
        }
}

Test(api, a_run_is_paused_and_followed_by_an_intervention_by_any_face)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        start_fixed(&f);
        for (Face face = FACE_GEN; face < N_FACES; face++) {
                TestHostSession *paused = begin_run(&f, face, "[{run_id, <<\"r\">>}]");
                TestHostSession *next;
                guint n;

                expect_answer(&f, face, "pause", "[<<\"fixed\">>, <<\"r\">>]", "ok");
                expect_answer(&f,
                              face,
                              "pause",
                              "[<<\"fixed\">>, <<\"r\">>]",
                              "has no active run r");
                cr_assert(test_wait(!paused->is_alive));
                cr_expect(g_str_has_prefix(paused->log->str, "call interrupt\n"));

                begin_run(&f, face, "[{run_id, <<\"r\">>}]");
                n = f.w.host.sessions->len;
                expect_answer(&f,
                              face,
                              "intervene",
                              "[<<\"fixed\">>, <<\"r\">>, <<\"better\">>, "
                              "[{continuation, <<\"c\">>}, {run_id, <<\"i\">>}]]",
                              "{ok,<<\"i\">>,<");
                cr_assert(test_wait(f.w.host.sessions->len == n + 1));
                next = test_host_session(&f.w.host, n);
                cr_expect(asm_view_option_get(asm_term_view(next->options),
                                              "resume",
                                              &(AsmView){ 0 }));
                test_host_complete(next, "done");
                test_settle();

                expect_answer(&f,
                              face,
                              "resume_run",
                              "[<<\"fixed\">>, <<\"on\">>, [{continuation, <<\"c\">>}, "
                              "{run_id, <<\"o\">>}]]",
                              "{ok,<<\"o\">>,<");
                cr_assert(test_wait(f.w.host.sessions->len == n + 2));
                test_host_complete(test_host_session(&f.w.host, n + 1), "done");
                test_settle();
        }
}

Test(api, what_is_not_exported_is_undef)
{
        static const struct {
                const char *module;
                const char *function;
                const char *args;
        } absent[] = {
                { "asm", "nothing", "[]" },
                { "asm", "start_session", "[1, 2]" },
                { "asm", "query", "[]" },
                { "asm", "query", "[1, 2, 3, 4]" },
                { "asm", "module_info", "[]" },
                { "erlang", "halt", "[]" },
                { "os", "cmd", "[\"true\"]" },
                { "erlang", "node", "[]" },
                { "Elixir.Asm", "status", "[]" },
                { "asm", "status", "nolist" },
                { "asm", "status", "[a | b]" },
                { "asm", "STATUS", "[]" },
                { "asm", "query", "[1, 2, 3, 4, 5, 6, 7, 8]" },
        };
        g_auto(Fixture) f = { 0 };
        guint n_procs;

        fixture_init(&f);
        n_procs = asm_procs_count(f.w.near.procs);
        for (gsize i = 0; i < G_N_ELEMENTS(absent); i++) {
                g_autoptr(AsmTerm) args = test_term(absent[i].args);
                g_autofree char *erpc =
                        erpc_call(&f, absent[i].module, absent[i].function, asm_term_view(args));
                g_autofree char *rex = rex_call(&f,
                                                absent[i].module,
                                                absent[i].function,
                                                asm_term_view(args),
                                                FALSE);
                g_autofree char *old = rex_call(&f,
                                                absent[i].module,
                                                absent[i].function,
                                                asm_term_view(args),
                                                TRUE);

                cr_expect(g_str_has_prefix(erpc, "{res,error,undef,[{"), "%s", erpc);
                cr_expect(g_str_has_prefix(rex, "{badrpc,{'EXIT',{undef,[{"), "%s", rex);
                cr_expect_str_eq(old, rex);
        }
        cr_expect_eq(asm_procs_count(f.w.near.procs), n_procs);
}

Test(api, gen_call_of_what_is_not_exported_is_an_error)
{
        static const char *const requests[] = { "{nothing, []}",    "{status, [1]}", "status",
                                                "{status, nolist}", "{1, []}",       "[]",
                                                "{status, [a | b]}" };
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        for (gsize i = 0; i < G_N_ELEMENTS(requests); i++) {
                g_autoptr(AsmTerm) request = test_term(requests[i]);
                g_autofree char *value = gen_call(&f, "asm", asm_term_view(request));

                cr_expect(g_str_has_prefix(value, "{error,#{'__struct__' => 'Elixir.ASM.Error'"),
                          "%s: %s",
                          requests[i],
                          value);
                cr_expect_not_null(strstr(value, "no such function"));
        }
}

Test(api, spawn_without_an_answer_runs_the_function_or_nothing)
{
        static const struct {
                const char *module;
                const char *function;
                const char *args;
                guint arity;
                const char *reason;
        } spawns[] = {
                { "erpc", "execute_cast", "[asm, start_session, []]", 3, "normal" },
                { "asm", "start_session", "[]", 0, "normal" },
                { "erpc", "execute_cast", "[os, cmd, [\"true\"]]", 3, "{undef," },
                { "os", "cmd", "[\"true\"]", 1, "{undef," },
                { "erpc", "execute_call", "[res, asm, status]", 3, "{undef," },
                { "erpc", "execute_call", "[]", 0, "{undef," },
                { "erlang", "apply", "[os, cmd, []]", 3, "{undef," },
        };
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        for (gsize i = 0; i < G_N_ELEMENTS(spawns); i++) {
                g_autoptr(AsmTerm) args = test_term(spawns[i].args);
                g_autofree char *reason = spawn(&f,
                                                spawns[i].module,
                                                spawns[i].function,
                                                spawns[i].arity,
                                                asm_term_view(args));

                cr_expect(g_str_has_prefix(reason, spawns[i].reason), "%zu: %s", i, reason);
        }
        cr_expect_eq(asm_manager_count(f.w.manager), 2);
}

Test(api, ping_is_answered_yes)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) is_auth = test_term("{is_auth, 'shell@127.0.0.1'}");
        g_autoptr(AsmTerm) other = test_term("{halt, 'shell@127.0.0.1'}");
        g_autofree char *yes = NULL;
        g_autofree char *no = NULL;

        fixture_init(&f);
        yes = gen_call(&f, "net_kernel", asm_term_view(is_auth));
        no = gen_call(&f, "net_kernel", asm_term_view(other));
        cr_expect_str_eq(yes, "yes");
        cr_expect_str_eq(no, "no");
}

Test(api, noise_at_its_servers_is_harmless)
{
        static const char *const names[] = { "asm", "rex", "net_kernel" };
        static const char *const noise[] = {
                "x",
                "{}",
                "{'$gen_call', x, y}",
                "{'$gen_call', {x, y}, z}",
                "{'$gen_cast', x}",
                "{'$gen_call', {x}, {status, []}}",
                "{x, {call, asm, status, [], user}}",
                "{'$gen_call', {1, 2}, {status, []}}",
                "{system, x, get_state}",
                "{'$gen_call', [], {call, a, b, c, d}}",
                "{nodedown, x}",
        };
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) args = test_term("[]");
        g_autofree char *value = NULL;

        fixture_init(&f);
        for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
                for (gsize j = 0; j < G_N_ELEMENTS(noise); j++) {
                        g_autoptr(AsmTerm) message = test_term(noise[j]);

                        asm_control_encode_reg_send(&f.out,
                                                    &f.caller,
                                                    names[i],
                                                    asm_term_view(message));
                }
        }
        say(&f);
        value = call(&f, FACE_GEN, "status", asm_term_view(args));
        cr_expect(g_str_has_prefix(value, "{ok,#{"));
}

Test(api, caller_that_is_gone_when_the_answer_comes_does_no_harm)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmRef) ref = { 0 };
        g_autoptr(AsmTerm) options = test_remote_options("{session_id, <<\"fixed\">>}");
        g_autoptr(AsmTerm) args = test_term("[res, asm, query, [<<\"fixed\">>, <<\"hello\">>]]");
        g_autoptr(AsmFailure) failure = NULL;
        guint n_procs;
        AsmControl control;

        fixture_init(&f);
        cr_assert_not_null(asm_session_start(f.w.manager, asm_term_view(options), NULL, &failure));
        n_procs = asm_procs_count(f.w.near.procs);
        ref = test_peer_ref(f.peer, 1);
        asm_control_encode_spawn_request(&f.out,
                                         &ref,
                                         &f.caller,
                                         "erpc",
                                         "execute_call",
                                         4,
                                         asm_term_view(args));
        say(&f);
        cr_assert(test_peer_hear(f.peer, &control));
        cr_assert(test_wait(f.w.host.sessions->len == 1));
        asm_link_close(test_world_link(&f.w.near, "shell@127.0.0.1"), "for a test");
        test_host_complete(test_host_session(&f.w.host, 0), "done");
        cr_expect(test_wait(asm_procs_count(f.w.near.procs) == n_procs));
}

Test(api, spawned_process_that_is_killed_leaves_the_run_to_end_by_itself)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmRef) ref = { 0 };
        g_auto(AsmPid) spawned = { 0 };
        g_autoptr(AsmTerm) kill = test_term("kill");
        g_autoptr(AsmTerm) options = test_remote_options("{session_id, <<\"fixed\">>}");
        g_autoptr(AsmTerm) args = test_term("[res, asm, query, [<<\"fixed\">>, <<\"hello\">>]]");
        g_autoptr(AsmFailure) failure = NULL;
        guint n_procs;
        AsmControl control;

        fixture_init(&f);
        cr_assert_not_null(asm_session_start(f.w.manager, asm_term_view(options), NULL, &failure));
        n_procs = asm_procs_count(f.w.near.procs);
        ref = test_peer_ref(f.peer, 1);
        asm_control_encode_spawn_request(&f.out,
                                         &ref,
                                         &f.caller,
                                         "erpc",
                                         "execute_call",
                                         4,
                                         asm_term_view(args));
        say(&f);
        cr_assert(test_peer_hear(f.peer, &control));
        cr_assert(asm_pid_from_view(control.from, &spawned));
        cr_assert(test_wait(f.w.host.sessions->len == 1));
        asm_control_encode_exit2(&f.out, f.peer->flags, &f.caller, &spawned, asm_term_view(kill));
        say(&f);
        cr_assert(test_peer_hear(f.peer, &control));
        cr_expect_eq(control.kind, ASM_CONTROL_MONITOR_EXIT);
        test_expect_term(control.payload, "killed");
        test_host_complete(test_host_session(&f.w.host, 0), "done");
        cr_expect(test_wait(asm_procs_count(f.w.near.procs) == n_procs));
}
