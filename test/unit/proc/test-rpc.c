/* SPDX-License-Identifier: MIT */
/*
 * Calls of functions on a peer: every way one can end is told exactly once, and never from inside
 * the call. The peer is a socket that answers as a BEAM would, or does not.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "raw-peer.h"
#include "term/reader.h"
#include "world.h"

TestSuite(proc_rpc, .timeout = 300);

typedef struct {
        TestEpmd *epmd;
        TestWorld a;
        TestPeer *peer;
        AsmLink *link;
        AsmPid worker; /* the process that the peer says it has started */
        AsmTerm *request_ref;
        AsmTerm *caller;
        AsmTerm *args;
        AsmBuilder out;
} Fixture;

typedef struct {
        guint n_calls;
        char *value;
        char *reason;
        GError *error;
} Answer;

static void
answer_clear(Answer *answer)
{
        g_free(answer->value);
        g_free(answer->reason);
        g_clear_error(&answer->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, answer_clear)

static void
on_answer(AsmView value, const GError *error, AsmView reason, gpointer user_data)
{
        Answer *answer = user_data;

        answer->n_calls++;
        cr_assert_neq(asm_view_is_set(value), error != NULL);
        g_free(answer->value);
        g_free(answer->reason);
        answer->value = test_show(value);
        answer->reason = test_show(reason);
        if (error != NULL && answer->error == NULL)
                answer->error = g_error_copy(error);
}

static void
fixture_init(Fixture *f)
{
        f->epmd = test_epmd_new();
        test_world_init(&f->a, "a", f->epmd->port, 0);
        f->peer = test_peer_connect(asm_node_get_port(f->a.self.node),
                                    "x@127.0.0.1",
                                    "a@127.0.0.1",
                                    TEST_COOKIE,
                                    NULL);
        cr_assert(test_wait(test_world_link(&f->a, "x@127.0.0.1") != NULL));
        f->link = asm_link_ref(test_world_link(&f->a, "x@127.0.0.1"));
        f->worker = test_peer_pid(f->peer, 50);
}

static void
forget_request(Fixture *f)
{
        g_clear_pointer(&f->request_ref, asm_term_unref);
        g_clear_pointer(&f->caller, asm_term_unref);
        g_clear_pointer(&f->args, asm_term_unref);
}

static void
fixture_clear(Fixture *f)
{
        forget_request(f);
        asm_pid_clear(&f->worker);
        asm_builder_clear(&f->out);
        asm_link_unref(f->link);
        test_world_clear(&f->a);
        test_peer_free(f->peer);
        test_epmd_free(f->epmd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static guint64
call(Fixture *f, Answer *answer, guint timeout_ms)
{
        g_autoptr(AsmTerm) args = test_term("[1, two]");
        guint64 id = asm_rpc_call(f->a.rpc,
                                  f->link,
                                  "mod",
                                  "fun",
                                  asm_term_view(args),
                                  timeout_ms,
                                  on_answer,
                                  answer);

        cr_assert_neq(id, 0);
        cr_assert_eq(answer->n_calls, 0);
        return id;
}

/* the peer takes the spawn request in */
static void
hear_request(Fixture *f)
{
        AsmControl control;

        cr_assert(test_peer_hear(f->peer, &control));
        cr_assert_eq(control.kind, ASM_CONTROL_SPAWN_REQUEST);
        forget_request(f);
        f->request_ref = asm_term_new(control.ref);
        f->caller = asm_term_new(control.from);
        f->args = asm_term_new(control.payload);
}

static void
say(Fixture *f)
{
        test_peer_say(f->peer, &f->out);
        asm_builder_reset(&f->out);
}

static void
put_reply(Fixture *f, AsmView result)
{
        asm_control_encode_spawn_reply(&f->out,
                                       asm_term_view(f->request_ref),
                                       asm_term_view(f->caller),
                                       ASM_SPAWN_FLAG_MONITOR,
                                       result);
}

/* @reason: ~w is the reference that stands first in the arguments of execute_call */
static void
put_exit(Fixture *f, const char *reason_text)
{
        g_auto(AsmBuilder) worker = ASM_BUILDER_INIT;
        AsmListCursor cursor = asm_view_list(asm_term_view(f->args));
        g_autoptr(AsmTerm) reason = NULL;
        AsmView tag;

        cr_assert(asm_list_next(&cursor, &tag));
        asm_builder_pid(&worker, &f->worker);
        reason = test_term(reason_text, tag);
        asm_control_encode_monitor_exit(&f->out,
                                        f->peer->flags,
                                        asm_builder_peek(&worker),
                                        asm_term_view(f->caller),
                                        asm_term_view(f->request_ref),
                                        asm_term_view(reason));
}

static void
answer_with(Fixture *f, const char *reason_text)
{
        g_auto(AsmBuilder) worker = ASM_BUILDER_INIT;

        asm_builder_pid(&worker, &f->worker);
        hear_request(f);
        put_reply(f, asm_builder_peek(&worker));
        put_exit(f, reason_text);
        say(f);
}

Test(proc_rpc, is_a_spawn_request_for_execute_call)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Answer) answer = { 0 };
        AsmControl control;
        AsmListCursor cursor;
        AsmView arg;

        fixture_init(&f);
        call(&f, &answer, 5000);
        cr_assert(test_peer_hear(f.peer, &control));

        cr_assert_eq(control.kind, ASM_CONTROL_SPAWN_REQUEST);
        test_expect_term(control.module, "erpc");
        test_expect_term(control.function, "execute_call");
        cr_expect_eq(control.arity, 4);
        test_expect_term(control.options, "[monitor]");
        cursor = asm_view_list(control.payload);
        cr_assert(asm_list_next(&cursor, &arg));
        cr_expect(asm_view_same_bytes(arg, control.ref));
        cr_assert(asm_list_next(&cursor, &arg));
        test_expect_term(arg, "mod");
        cr_assert(asm_list_next(&cursor, &arg));
        test_expect_term(arg, "'fun'");
        cr_assert(asm_list_next(&cursor, &arg));
        test_expect_term(arg, "[1,two]");
        cr_expect(!asm_list_next(&cursor, &arg));
}

typedef struct {
        const char *exit_reason;
        const char *value; /* NULL: an error */
        gint code;
        const char *in_message;
} Case;

Test(proc_rpc, ends_with_the_value_or_the_reason)
{
        static const Case cases[] = {
                { "{~w, return, {ok, [1,2]}}", "{ok,[1,2]}", 0, NULL },
                { "{~w, return, undef}", "undef", 0, NULL },
                { "{~w, error, undef, [{mod, fun, [1, two], []}]}",
                  NULL,
                  ASM_PROC_ERROR_UNDEF,
                  "mod:fun on 'x@127.0.0.1'" },
                { "{~w, error, badarg, []}", NULL, ASM_PROC_ERROR_EXCEPTION, "badarg" },
                { "{~w, error, {erpc, badarg}}", NULL, ASM_PROC_ERROR_EXCEPTION, "erpc" },
                { "{~w, throw, ball}", NULL, ASM_PROC_ERROR_EXCEPTION, "ball" },
                { "{~w, exit, enough}", NULL, ASM_PROC_ERROR_EXCEPTION, "enough" },
                { "killed", NULL, ASM_PROC_ERROR_EXCEPTION, "killed" },
                { "normal", NULL, ASM_PROC_ERROR_EXCEPTION, "normal" },
                { "{~w, other, x}", NULL, ASM_PROC_ERROR_EXCEPTION, "other" },
                { "{x, return, y}", NULL, ASM_PROC_ERROR_EXCEPTION, "return" },
                { "[]", NULL, ASM_PROC_ERROR_EXCEPTION, "[]" },
                { "noconnection", NULL, ASM_PROC_ERROR_NO_CONNECTION, "connection" },
        };
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Answer) answer = { 0 };

                call(&f, &answer, 5000);
                answer_with(&f, cases[i].exit_reason);
                cr_assert(test_wait(answer.n_calls == 1));
                test_settle();
                cr_expect_eq(answer.n_calls, 1);
                if (cases[i].value != NULL) {
                        cr_expect_str_eq(answer.value, cases[i].value);
                        continue;
                }
                cr_assert(g_error_matches(answer.error, ASM_PROC_ERROR, cases[i].code),
                          "case %zu: %s",
                          i,
                          answer.error->message);
                cr_expect_not_null(strstr(answer.error->message, cases[i].in_message));
        }
}

Test(proc_rpc, exception_gives_its_reason_term)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Answer) answer = { 0 };

        fixture_init(&f);
        call(&f, &answer, 5000);
        answer_with(&f, "{~w, error, {badmatch, x}, []}");
        cr_assert(test_wait(answer.n_calls == 1));
        cr_expect_str_eq(answer.reason, "{badmatch,x}");
}

Test(proc_rpc, that_is_not_allowed_to_start_is_refused)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Answer) answer = { 0 };
        g_autoptr(AsmTerm) notsup = test_term("notsup");

        fixture_init(&f);
        call(&f, &answer, 5000);
        hear_request(&f);
        put_reply(&f, asm_term_view(notsup));
        say(&f);

        cr_assert(test_wait(answer.n_calls == 1));
        cr_expect(g_error_matches(answer.error, ASM_PROC_ERROR, ASM_PROC_ERROR_REFUSED));
        cr_expect_not_null(strstr(answer.error->message, "notsup"));
}

Test(proc_rpc, without_an_answer_ends_with_its_time_and_later_answers_find_nobody)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Answer) answer = { 0 };
        AsmControl control;

        fixture_init(&f);
        call(&f, &answer, 50);
        hear_request(&f);
        cr_assert(test_wait(answer.n_calls == 1));
        cr_expect(g_error_matches(answer.error, ASM_PROC_ERROR, ASM_PROC_ERROR_TIMEOUT));
        cr_expect_not_null(strstr(answer.error->message, "50 ms"));
        cr_assert(test_peer_hear(f.peer, &control));
        cr_expect_eq(control.kind, ASM_CONTROL_DEMONITOR);

        put_exit(&f, "{~w, return, late}");
        say(&f);
        test_settle();
        cr_expect_eq(answer.n_calls, 1);
}

Test(proc_rpc, ends_when_the_connection_breaks)
{
        g_auto(Fixture) f = { 0 };
        Answer answers[3] = { 0 };

        fixture_init(&f);
        for (guint i = 0; i < 3; i++)
                call(&f, &answers[i], 60000);
        hear_request(&f);
        asm_link_close(f.link, "for a test");
        for (guint i = 0; i < 3; i++) {
                cr_assert(test_wait(answers[i].n_calls == 1));
                cr_expect(g_error_matches(answers[i].error,
                                          ASM_PROC_ERROR,
                                          ASM_PROC_ERROR_NO_CONNECTION));
        }
        for (guint i = 0; i < 3; i++)
                answer_clear(&answers[i]);
}

Test(proc_rpc, over_a_link_that_is_gone_ends_from_the_main_loop)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Answer) answer = { 0 };

        fixture_init(&f);
        asm_link_close(f.link, "for a test");
        test_settle();
        call(&f, &answer, 60000);
        cr_assert(test_wait(answer.n_calls == 1));
        cr_expect(g_error_matches(answer.error, ASM_PROC_ERROR, ASM_PROC_ERROR_NO_CONNECTION));
}

Test(proc_rpc, over_a_link_that_is_gone_leaves_calls_over_the_new_one_alone)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Answer) stale = { 0 };
        g_auto(Answer) fresh = { 0 };
        g_autoptr(AsmLink) old = NULL;

        fixture_init(&f);
        old = g_steal_pointer(&f.link);
        asm_link_close(old, "for a test");
        test_peer_free(f.peer);
        f.peer = test_peer_connect(asm_node_get_port(f.a.self.node),
                                   "x@127.0.0.1",
                                   "a@127.0.0.1",
                                   TEST_COOKIE,
                                   NULL);
        cr_assert(test_wait(test_world_link(&f.a, "x@127.0.0.1") != NULL));
        f.link = asm_link_ref(test_world_link(&f.a, "x@127.0.0.1"));
        call(&f, &fresh, 60000);
        {
                AsmLink *link = f.link;

                f.link = old;
                call(&f, &stale, 60000);
                f.link = link;
        }
        cr_assert(test_wait(stale.n_calls == 1));
        test_settle();
        cr_expect_eq(fresh.n_calls, 0);
        answer_with(&f, "{~w, return, fine}");
        cr_assert(test_wait(fresh.n_calls == 1));
        cr_expect_str_eq(fresh.value, "fine");
}

Test(proc_rpc, that_was_cancelled_does_not_call_back)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Answer) answer = { 0 };
        guint64 id;

        fixture_init(&f);
        id = call(&f, &answer, 50);
        asm_rpc_cancel(f.a.rpc, id);
        asm_rpc_cancel(f.a.rpc, id);
        asm_rpc_cancel(f.a.rpc, id + 1000);
        answer_with(&f, "{~w, return, late}");
        cr_expect(!test_wait_ms(answer.n_calls > 0, 100));
}

Test(proc_rpc, that_is_under_way_when_the_client_is_freed_does_not_call_back)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Answer) answer = { 0 };

        fixture_init(&f);
        call(&f, &answer, 50);
        g_clear_pointer(&f.a.rpc, asm_rpc_free);
        cr_expect(!test_wait_ms(answer.n_calls > 0, 100));
}

static void
call_again(AsmView value, const GError *error, AsmView reason, gpointer user_data)
{
        Fixture *f = user_data;
        g_autoptr(AsmTerm) args = test_term("[]");
        static guint n_again;

        if (n_again++ < 3)
                asm_rpc_call(f->a.rpc,
                             f->link,
                             "mod",
                             "fun",
                             asm_term_view(args),
                             5000,
                             call_again,
                             f);
}

Test(proc_rpc, may_be_made_from_inside_the_answer_to_another)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) args = test_term("[]");

        fixture_init(&f);
        asm_rpc_call(f.a.rpc, f.link, "mod", "fun", asm_term_view(args), 5000, call_again, &f);
        for (guint i = 0; i < 4; i++)
                answer_with(&f, "{~w, return, x}");
        test_settle();
}

Test(proc_rpc, server_is_not_ended_by_exit_signals_nor_by_sys)
{
        static const char *const reasons[] = { "kill", "normal", "crash" };
        g_auto(Fixture) f = { 0 };
        g_auto(Answer) answer = { 0 };
        g_auto(AsmPid) caller = { 0 };
        g_autoptr(AsmTerm) terminate = test_term("{system, {x, tag}, {terminate, enough}}");

        fixture_init(&f);
        call(&f, &answer, 5000);
        hear_request(&f);
        cr_assert(asm_pid_from_view(asm_term_view(f.caller), &caller));
        asm_control_encode_link(&f.out, &f.worker, &caller);
        for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
                g_autoptr(AsmTerm) reason = test_term(reasons[i]);

                asm_control_encode_exit2(&f.out,
                                         f.peer->flags,
                                         &f.worker,
                                         &caller,
                                         asm_term_view(reason));
                asm_control_encode_exit(&f.out,
                                        f.peer->flags,
                                        &f.worker,
                                        &caller,
                                        asm_term_view(reason));
        }
        asm_control_encode_send(&f.out,
                                f.peer->flags,
                                NULL,
                                asm_term_view(f.caller),
                                asm_term_view(terminate));
        put_exit(&f, "{~w, return, fine}");
        say(&f);

        cr_assert(test_wait(answer.n_calls == 1));
        cr_expect_str_eq(answer.value, "fine");
}
