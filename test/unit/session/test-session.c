/* SPDX-License-Identifier: MIT */
/*
 * Sessions and their runs, against a host on another node: what subscribers and waiters are told,
 * in which order, how often; and that nothing is left when it is over.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "daemon-world.h"
#include "raw-peer.h"
#include "session/session.h"
#include "term/reader.h"

TestSuite(session, .timeout = 300);

typedef struct {
        TestDaemonWorld w;
        AsmSession *session;
        AsmTerm *subscriber;
} Fixture;

typedef struct {
        guint n;
        char *text;
} Result;

static void
result_clear(Result *result)
{
        g_free(result->text);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Result, result_clear)

static void
on_result(AsmView view, gpointer user_data)
{
        Result *result = user_data;

        result->n++;
        g_free(result->text);
        result->text = test_show(view);
}

static void
fixture_init_limits(Fixture *f, const char *more, const AsmManagerLimits *limits)
{
        g_autoptr(AsmTerm) options = test_remote_options(more);
        g_autoptr(AsmFailure) failure = NULL;

        test_daemon_world_init(&f->w, limits);
        f->subscriber = test_server_pid(f->w.subscriber);
        f->session = asm_session_start(f->w.manager, asm_term_view(options), NULL, &failure);
        cr_assert_not_null(f->session);
}

static void
fixture_init(Fixture *f, const char *more)
{
        fixture_init_limits(f, more, NULL);
}

static void
fixture_clear(Fixture *f)
{
        asm_term_unref(f->subscriber);
        test_daemon_world_clear(&f->w);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

/* the id of the run, owned; NULL with @ret_failure */
static char *
submit_with(Fixture *f, const char *options_text, Result *result, AsmFailure **ret_failure)
{
        g_autoptr(AsmTerm) options = test_term(options_text);
        AsmRun *run =
                asm_session_submit(f->session,
                                   &(AsmSubmission){ .prompt = "hello",
                                                     .options = asm_term_view(options),
                                                     .subscriber = asm_term_view(f->subscriber),
                                                     .waiter = result != NULL ? on_result : NULL,
                                                     .user_data = result },
                                   ret_failure);

        return run != NULL ? g_strdup(asm_run_get_id(run)) : NULL;
}

static char *
submit(Fixture *f, Result *result)
{
        g_autoptr(AsmFailure) failure = NULL;
        char *id = submit_with(f, "[]", result, &failure);

        cr_assert_not_null(id, "%s", failure != NULL ? failure->message : "");
        return id;
}

static TestHostSession *
wait_for_session(Fixture *f, guint i)
{
        cr_assert(test_wait(test_host_session(&f->w.host, i) != NULL));
        return test_host_session(&f->w.host, i);
}

/* "info {asm_run_event,<<"ID">>,#{...}}" lines as "kind sequence" and "done" */
static char *
summary(Fixture *f)
{
        GString *text = g_string_new(NULL);
        g_auto(GStrv) lines = g_strsplit(f->w.subscriber->log->str, "\n", -1);

        for (guint i = 0; lines[i] != NULL; i++) {
                const char *kind = NULL;
                const char *sequence = NULL;

                if (g_str_has_prefix(lines[i], "info {asm_run_done,"))
                        g_string_append(text, "done ");
                if (!g_str_has_prefix(lines[i], "info {asm_run_event,"))
                        continue;
                /* the event's own fields; those of the core event inside follow `core_event` */
                for (const char *at = lines[i]; (at = strstr(at, ",kind => ")) != NULL; at++)
                        kind = at + strlen(",kind => ");
                for (const char *at = lines[i]; (at = strstr(at, ",sequence => ")) != NULL; at++)
                        sequence = at + strlen(",sequence => ");
                cr_assert(kind != NULL && sequence != NULL, "%s", lines[i]);
                g_string_append_printf(text,
                                       "%.*s:%.*s ",
                                       (int)strcspn(kind, ",}"),
                                       kind,
                                       (int)strspn(sequence, "0123456789"),
                                       sequence);
        }
        return g_string_free(text, FALSE);
}

static guint
count_of(const char *text, const char *what)
{
        guint n = 0;

        for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
                n++;
        return n;
}

/* nothing is left of runs: neither here nor on the host */
static void
expect_nothing_left(Fixture *f, guint n_sessions)
{
        cr_expect(test_wait_ms(asm_procs_count(f->w.near.procs) == f->w.n_idle + n_sessions, 3000),
                  "%u processes instead of %u",
                  asm_procs_count(f->w.near.procs),
                  f->w.n_idle + n_sessions);
        cr_expect(test_wait_ms(test_host_count_alive(&f->w.host) == 0, 3000));
}

Test(session, run_tells_its_events_numbered_without_gaps_then_done_then_the_result)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_autofree char *id = NULL;
        g_autofree char *told = NULL;

        fixture_init(&f, "");
        id = submit(&f, &result);
        test_host_complete(wait_for_session(&f, 0), "hi there");
        cr_assert(test_wait(result.n == 1));
        test_settle();

        told = summary(&f);
        cr_expect_str_eq(told, "run_started:1 assistant_delta:2 result:3 done ");
        cr_expect_eq(result.n, 1);
        cr_expect(g_str_has_prefix(result.text, "{ok,"), "%s", result.text);
        cr_expect_not_null(strstr(result.text, "hi there"));
        expect_nothing_left(&f, 1);
        cr_expect_str_eq(f.w.host.calls->str,
                         "{'Elixir.Code','ensure_loaded?'}\n{erlang,function_exported}\n"
                         "{'Elixir.ASM.Remote.Capabilities',handshake}\n"
                         "{'Elixir.Process',whereis}\n"
                         "{'Elixir.ASM.Remote.BackendStarter',start_core_session}\n");
}

Test(session, events_behind_the_last_one_are_not_told)
{
        g_auto(Fixture) f = { 0 };
        g_autofree char *id = NULL;
        g_autofree char *told = NULL;
        TestHostSession *host;

        fixture_init(&f, "");
        id = submit(&f, NULL);
        host = wait_for_session(&f, 0);
        test_host_complete(host, "one");
        test_host_emit(host, ASM_EVENT_ASSISTANT_DELTA, "content => <<\"late\">>");
        test_host_complete(host, "two");
        expect_nothing_left(&f, 1);
        told = summary(&f);
        cr_expect_str_eq(told, "run_started:1 assistant_delta:2 result:3 done ");
}

Test(session, events_that_come_right_behind_the_start_are_not_lost)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_autofree char *id = NULL;
        g_autofree char *told = NULL;

        fixture_init(&f, "");
        f.w.host.completes = TRUE;
        id = submit(&f, &result);
        cr_assert(test_wait_ms(result.n == 1, 3000));
        test_settle();
        told = summary(&f);
        cr_expect_str_eq(told, "run_started:1 assistant_delta:2 result:3 done ");
        expect_nothing_left(&f, 1);
}

Test(session, backend_that_ends_normally_completes_the_run)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_autofree char *id = NULL;
        g_autofree char *told = NULL;
        TestHostSession *host;

        fixture_init(&f, "");
        id = submit(&f, &result);
        host = wait_for_session(&f, 0);
        test_host_emit(host, ASM_EVENT_RUN_STARTED, "");
        test_settle();
        test_host_end(host, "normal");
        cr_assert(test_wait(result.n == 1));
        test_settle();
        told = summary(&f);
        cr_expect_str_eq(told, "run_started:1 run_completed:2 done ");
        cr_expect(g_str_has_prefix(result.text, "{ok,"));
        expect_nothing_left(&f, 1);
}

typedef struct {
        const char *what;
        const char *in_error;
} EndCase;

static void
expect_error(const Result *result, const char *kind, const char *text)
{
        g_autofree char *wanted = g_strdup_printf("kind => %s", kind);

        cr_assert_eq(result->n, 1);
        cr_expect(g_str_has_prefix(result->text, "{error,"), "%s", result->text);
        cr_expect_not_null(strstr(result->text, wanted), "%s in %s", wanted, result->text);
        cr_expect_not_null(strstr(result->text, text), "%s in %s", text, result->text);
}

Test(session, backend_that_crashes_fails_the_run)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_autofree char *id = NULL;
        g_autofree char *told = NULL;

        fixture_init(&f, "");
        id = submit(&f, &result);
        wait_for_session(&f, 0);
        test_settle();
        test_host_end(test_host_session(&f.w.host, 0), "{boom, 42}");
        cr_assert(test_wait(result.n == 1));
        test_settle();
        expect_error(&result, "transport_error", "boom");
        told = summary(&f);
        cr_expect_str_eq(told, "error:1 done ");
        expect_nothing_left(&f, 1);
}

Test(session, node_that_is_lost_fails_the_run_and_the_next_run_tries_again)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) first = { 0 };
        g_auto(Result) second = { 0 };
        g_autofree char *id = NULL;
        g_autofree char *id2 = NULL;

        fixture_init(&f, "");
        id = submit(&f, &first);
        wait_for_session(&f, 0);
        test_settle();
        asm_link_close(test_world_link(&f.w.far, "asmd@127.0.0.1"), "for a test");
        cr_assert(test_wait(first.n == 1));
        expect_error(&first, "transport_error", "noconnection");
        cr_expect_eq(test_host_count_alive(&f.w.host), 0, "the link has taken it along");
        test_daemon_world_lose_host(&f.w);

        id2 = submit(&f, &second);
        cr_assert(test_wait(second.n == 1));
        expect_error(&second, "connection_failed", "host@127.0.0.1");
        cr_expect(test_wait(asm_procs_count(f.w.near.procs) == f.w.n_idle + 1));
}

Test(session, start_that_fails_fails_the_run_and_leaves_nothing)
{
        static const struct {
                TestHostMode mode;
                const char *in_error;
        } cases[] = {
                { TEST_HOST_REFUSES, "refused_by_test" },
                { TEST_HOST_RAISES, "badarg" },
                { TEST_HOST_EMPTY, "not ready" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Fixture) f = { 0 };
                g_auto(Result) result = { 0 };
                g_autofree char *id = NULL;
                g_autofree char *told = NULL;

                fixture_init(&f, "");
                f.w.host.mode = cases[i].mode;
                id = submit(&f, &result);
                cr_assert(test_wait(result.n == 1));
                test_settle();
                expect_error(&result, "connection_failed", cases[i].in_error);
                told = summary(&f);
                cr_expect_str_eq(told, "error:1 done ");
                expect_nothing_left(&f, 1);
        }
}

Test(session, host_that_does_not_answer_is_given_up_after_its_time)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_autofree char *id = NULL;

        fixture_init(&f, "{remote_rpc_timeout_ms, 100}");
        f.w.host.mode = TEST_HOST_MUTE;
        id = submit(&f, &result);
        cr_assert(test_wait(result.n == 1));
        expect_error(&result, "connection_failed", "remote_rpc_timeout");
        cr_expect(test_wait(asm_procs_count(f.w.near.procs) == f.w.n_idle + 1));
}

Test(session, session_that_a_given_up_start_brings_late_is_ended)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_autofree char *id = NULL;

        fixture_init(&f, "{remote_rpc_timeout_ms, 100}");
        f.w.host.mode = TEST_HOST_WAITS;
        id = submit(&f, &result);
        cr_assert(test_wait(result.n == 1));
        expect_error(&result, "connection_failed", "remote_rpc_timeout");
        test_host_release(&f.w.host);
        expect_nothing_left(&f, 1);
        cr_expect_str_eq(test_host_session(&f.w.host, 0)->log->str, "end normal\n");
}

Test(session, session_that_an_interrupted_start_brings_late_is_ended)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *id = NULL;

        fixture_init(&f, "");
        f.w.host.mode = TEST_HOST_WAITS;
        id = submit(&f, &result);
        cr_assert(test_wait(f.w.host.waiting->len == 1));
        cr_assert(asm_session_interrupt(f.session, id, &failure));
        cr_expect_eq(result.n, 1);
        test_host_release(&f.w.host);
        expect_nothing_left(&f, 1);
}

Test(session, interrupted_run_ends_as_cancelled_and_its_cli_is_told)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *id = NULL;
        g_autofree char *told = NULL;
        TestHostSession *host;

        fixture_init(&f, "{interrupt_grace_ms, 50}");
        id = submit(&f, &result);
        host = wait_for_session(&f, 0);
        test_host_emit(host, ASM_EVENT_RUN_STARTED, "");
        test_settle();
        cr_assert(asm_session_interrupt(f.session, id, &failure));
        expect_error(&result, "user_cancelled", "interrupted");
        expect_nothing_left(&f, 1);
        told = summary(&f);
        cr_expect_str_eq(told, "run_started:1 error:2 done ");
        cr_expect_str_eq(host->log->str, "call interrupt\nend normal\n");

        cr_expect(!asm_session_interrupt(f.session, id, &failure));
        cr_expect_not_null(strstr(failure->message, id));
}

Test(session, runs_wait_their_turn_first_come_first_served)
{
        g_auto(Fixture) f = { 0 };
        Result results[4] = { 0 };
        guint running;
        guint queued;

        fixture_init(&f, "");
        for (guint i = 0; i < 4; i++)
                g_free(submit(&f, &results[i]));
        for (guint i = 0; i < 4; i++) {
                TestHostSession *host = wait_for_session(&f, i);

                asm_manager_count_runs(f.w.manager, &running, &queued);
                cr_expect_eq(running, 1);
                cr_expect_eq(queued, 3 - i);
                for (guint j = 0; j < 4; j++)
                        cr_expect_eq(results[j].n, j < i);
                test_host_complete(host, "x");
                cr_assert(test_wait(results[i].n == 1));
        }
        expect_nothing_left(&f, 1);
        for (guint i = 0; i < 4; i++)
                result_clear(&results[i]);
}

Test(session, start_that_fails_does_not_stall_the_queue)
{
        g_auto(Fixture) f = { 0 };
        Result results[5] = { 0 };

        fixture_init(&f, "");
        f.w.host.mode = TEST_HOST_REFUSES;
        for (guint i = 0; i < 5; i++)
                g_free(submit(&f, &results[i]));
        for (guint i = 0; i < 5; i++) {
                cr_assert(test_wait(results[i].n == 1));
                expect_error(&results[i], "connection_failed", "refused_by_test");
                result_clear(&results[i]);
        }
        expect_nothing_left(&f, 1);
}

Test(session, as_many_runs_as_are_allowed_run_at_a_time)
{
        g_auto(Fixture) f = { 0 };
        guint running;
        guint queued;

        fixture_init(&f, "{max_concurrent_runs, 3}");
        for (guint i = 0; i < 5; i++)
                g_free(submit(&f, NULL));
        wait_for_session(&f, 2);
        asm_manager_count_runs(f.w.manager, &running, &queued);
        cr_expect_eq(running, 3);
        cr_expect_eq(queued, 2);
        cr_expect_null(test_host_session(&f.w.host, 3));
}

Test(session, run_beyond_the_queue_is_refused)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmFailure) failure = NULL;

        fixture_init(&f, "{max_queued_runs, 2}");
        for (guint i = 0; i < 3; i++)
                g_free(submit(&f, NULL));
        cr_expect_null(submit_with(&f, "[]", NULL, &failure));
        cr_expect_eq(failure->kind, ASM_FAILURE_AT_CAPACITY);
        asm_session_stop(f.session);
        expect_nothing_left(&f, 0);
}

Test(session, run_beyond_the_limit_of_the_daemon_is_refused_until_one_has_ended)
{
        AsmManagerLimits limits = { .max_sessions = 1,
                                    .max_runs = 2,
                                    .max_result = 65536,
                                    .max_subscribers = 1,
                                    .max_approvals = 1 };
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autoptr(AsmFailure) second = NULL;
        g_auto(Result) result = { 0 };

        fixture_init_limits(&f, "", &limits);
        g_free(submit(&f, &result));
        g_free(submit(&f, NULL));
        cr_expect_null(submit_with(&f, "[]", NULL, &failure));
        cr_expect_eq(failure->kind, ASM_FAILURE_AT_CAPACITY);
        cr_expect_null(asm_session_start(f.w.manager, ASM_VIEW_NONE, NULL, &second));
        cr_expect_eq(second->kind, ASM_FAILURE_AT_CAPACITY);
        test_host_complete(wait_for_session(&f, 0), "x");
        cr_assert(test_wait(result.n == 1));
        g_free(submit(&f, NULL));
}

Test(session, run_that_waits_can_be_interrupted)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *waiting = NULL;

        fixture_init(&f, "");
        g_free(submit(&f, NULL));
        waiting = submit(&f, &result);
        cr_assert(asm_session_interrupt(f.session, waiting, &failure));
        expect_error(&result, "user_cancelled", "interrupted");
        test_host_complete(wait_for_session(&f, 0), "x");
        expect_nothing_left(&f, 1);
        cr_expect_eq(f.w.host.sessions->len, 1);
}

Test(session, run_waits_no_longer_than_its_queue_timeout)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *waiting = NULL;

        fixture_init(&f, "");
        g_free(submit(&f, NULL));
        waiting = submit_with(&f, "[{queue_timeout_ms, 50}]", &result, &failure);
        cr_assert(test_wait(result.n == 1));
        expect_error(&result, "timeout", "queue_timeout_ms");
}

Test(session, run_ends_at_its_deadline)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *id = NULL;

        fixture_init(&f, "{interrupt_grace_ms, 10}");
        id = submit_with(&f, "[{run_deadline_ms, 150}]", &result, &failure);
        wait_for_session(&f, 0);
        cr_assert(test_wait(result.n == 1));
        expect_error(&result, "timeout", "deadline of 150ms");
        expect_nothing_left(&f, 1);
}

Test(session, run_without_events_ends_at_its_stream_timeout_and_events_keep_it_alive)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *id = NULL;
        TestHostSession *host;

        fixture_init(&f, "");
        id = submit_with(&f, "[{stream_timeout_ms, 200}]", &result, &failure);
        host = wait_for_session(&f, 0);
        for (guint i = 0; i < 4; i++) {
                test_host_emit(host, ASM_EVENT_ASSISTANT_DELTA, "content => <<\"x\">>");
                cr_expect(!test_wait_ms(result.n > 0, 100));
        }
        cr_assert(test_wait(result.n == 1));
        expect_error(&result, "timeout", "stream_timeout_ms");
        expect_nothing_left(&f, 1);
}

Test(session, stop_interrupts_all_runs_and_frees_everything)
{
        g_auto(Fixture) f = { 0 };
        Result results[4] = { 0 };
        g_autofree char *told = NULL;

        fixture_init(&f, "{max_concurrent_runs, 2}, {interrupt_grace_ms, 10}");
        for (guint i = 0; i < 4; i++)
                g_free(submit(&f, &results[i]));
        wait_for_session(&f, 1);
        test_settle();
        asm_session_stop(f.session);
        for (guint i = 0; i < 4; i++) {
                expect_error(&results[i], "user_cancelled", "Session stopped");
                result_clear(&results[i]);
        }
        cr_expect_eq(asm_manager_count(f.w.manager), 0);
        expect_nothing_left(&f, 0);
        told = summary(&f);
        cr_expect_eq(count_of(told, "done"), 4);
        cr_expect_eq(count_of(told, "error:1"), 4);
}

Test(session, process_of_a_run_that_is_killed_ends_the_run)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_auto(AsmBuilder) pid = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) kill = test_term("kill");
        g_autoptr(AsmTerm) options = test_term("[{interrupt_grace_ms, 10}]");
        g_auto(AsmPid) victim = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        AsmRun *run;

        fixture_init(&f, "");
        run = asm_session_submit(f.session,
                                 &(AsmSubmission){ .prompt = "hello",
                                                   .options = asm_term_view(options),
                                                   .waiter = on_result,
                                                   .user_data = &result },
                                 &failure);
        asm_builder_run_pid(&pid, run);
        cr_assert(asm_pid_from_view(asm_builder_peek(&pid), &victim));
        wait_for_session(&f, 0);
        test_settle();
        asm_server_exit(&f.w.subscriber->server, &victim, asm_term_view(kill));
        expect_error(&result, "user_cancelled", "process was ended");
        expect_nothing_left(&f, 1);
}

Test(session, ends_with_its_owner)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) options = NULL;
        g_autoptr(AsmFailure) failure = NULL;
        TestServer *owner;

        fixture_init(&f, "");
        owner = test_server_new(f.w.near.procs, FALSE);
        {
                g_autoptr(AsmTerm) pid = test_server_pid(owner);

                options = test_term("[{owner, ~w}]", asm_term_view(pid));
        }
        cr_assert_not_null(asm_session_start(f.w.manager, asm_term_view(options), NULL, &failure));
        cr_expect_eq(asm_manager_count(f.w.manager), 2);
        test_server_free(owner);
        cr_expect(test_wait(asm_manager_count(f.w.manager) == 1));
}

Test(session, subscriber_that_died_is_forgotten)
{
        g_auto(Fixture) f = { 0 };
        g_auto(Result) result = { 0 };
        g_autofree char *id = NULL;
        TestHostSession *host;

        fixture_init(&f, "");
        id = submit(&f, &result);
        host = wait_for_session(&f, 0);
        asm_server_stop_atom(&f.w.subscriber->server, "gone");
        test_host_complete(host, "x");
        cr_assert(test_wait(result.n == 1));
        cr_expect(g_str_has_prefix(result.text, "{ok,"));
}

Test(session, wrong_options_of_a_run_are_refused_before_anything_starts)
{
        static const struct {
                const char *options;
                const char *in_message;
        } cases[] = {
                { "[{run_deadline_ms, soon}]", "run_deadline_ms" },
                { "[{provider, codex}]", "provider" },
                { "not_a_list", "keyword list" },
                { "[{subscriber, me}]", "subscriber" },
                { "[{run_id, <<\"a b\">>}]", "run_id" },
        };
        g_auto(Fixture) f = { 0 };

        fixture_init(&f, "");
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(AsmFailure) failure = NULL;

                cr_expect_null(submit_with(&f, cases[i].options, NULL, &failure));
                cr_assert_not_null(failure, "%s", cases[i].options);
                cr_expect_eq(failure->kind, ASM_FAILURE_CONFIG_INVALID);
                cr_expect_not_null(strstr(failure->message, cases[i].in_message),
                                   "%s",
                                   failure->message);
        }
        expect_nothing_left(&f, 1);
}

/* what the host is given as the options a, b and c, of which the configuration knows a and b */
Test(session, defaults_of_a_provider_lie_key_by_key_over_those_for_all)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) for_all = test_term("[{a, all}, {b, all}, {c, all}]");
        g_autoptr(AsmTerm) for_one = test_term("[{b, one}, {c, one}]");
        g_autoptr(AsmTerm) for_other = test_term("[{a, other}]");
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *id = NULL;
        g_autofree char *given = NULL;

        fixture_init(&f, "{provider, codex}");
        asm_manager_set_defaults(f.w.manager, NULL, asm_term_view(for_all));
        asm_manager_set_defaults(f.w.manager, "codex", asm_term_view(for_one));
        asm_manager_set_defaults(f.w.manager, "claude", asm_term_view(for_other));
        id = submit_with(&f, "[{c, run}]", NULL, &failure);
        cr_assert_not_null(id);
        given = test_show(asm_term_view(wait_for_session(&f, 0)->options));
        cr_expect_not_null(strstr(given, "{a,all}"), "%s", given);
        cr_expect_not_null(strstr(given, "{b,one}"), "%s", given);
        cr_expect_not_null(strstr(given, "{c,run}"), "%s", given);
}

Test(session, run_id_of_the_caller_is_used_and_not_twice)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *id = NULL;

        fixture_init(&f, "");
        id = submit_with(&f, "[{run_id, <<\"mine\">>}]", NULL, &failure);
        cr_expect_str_eq(id, "mine");
        cr_expect_null(submit_with(&f, "[{run_id, <<\"mine\">>}]", NULL, &failure));
        cr_expect_eq(failure->kind, ASM_FAILURE_CONFIG_INVALID);
}

/* as the daemon does it */
static void
on_peer(AsmProcs *procs, AsmLink *link, gboolean is_up, gpointer user_data)
{
        asm_manager_drained(user_data);
}

Test(session, subscriber_on_a_slow_link_that_drops_leaves_no_dangling_link)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(TestPeer) slow = NULL;
        TestPeer *other;
        g_auto(AsmPid) him = { 0 };
        g_auto(AsmBuilder) him_term = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) options = NULL;
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *big = g_strnfill(200000, 'x');
        g_autofree char *fields = g_strdup_printf("content => <<\"%s\">>", big);
        g_auto(Result) result = { 0 };
        TestHostSession *host;
        AsmLink *link;
        guint16 port;

        fixture_init(&f, "");
        port = asm_node_get_port(f.w.near.self.node);
        slow = test_peer_connect(port, "slow@127.0.0.1", "asmd@127.0.0.1", TEST_COOKIE, NULL);
        other = test_peer_connect(port, "other@127.0.0.1", "asmd@127.0.0.1", TEST_COOKIE, NULL);
        cr_assert(test_wait(test_world_link(&f.w.near, "slow@127.0.0.1") != NULL));
        cr_assert(test_wait(test_world_link(&f.w.near, "other@127.0.0.1") != NULL));
        him = test_peer_pid(slow, 1);
        asm_builder_pid(&him_term, &him);
        options = test_term("[{subscriber, ~w}]", asm_builder_peek(&him_term));
        cr_assert_not_null(asm_session_submit(f.session,
                                              &(AsmSubmission){ .prompt = "hello",
                                                                .options = asm_term_view(options),
                                                                .waiter = on_result,
                                                                .user_data = &result },
                                              &failure));
        host = wait_for_session(&f, 0);
        link = test_world_link(&f.w.near, "slow@127.0.0.1");
        for (guint i = 0; i < 200 && !asm_link_is_busy(link); i++) {
                test_host_emit(host, ASM_EVENT_RAW, fields);
                test_settle();
        }
        cr_assert(asm_link_is_busy(link));

        /* both end in one iteration: the second end must not look at the first link */
        asm_procs_set_peer_func(f.w.near.procs, on_peer, f.w.manager);
        asm_link_close(link, "for a test");
        asm_link_close(test_world_link(&f.w.near, "other@127.0.0.1"), "for a test");
        test_settle();
        test_host_complete(host, "x");
        cr_expect(test_wait(result.n == 1));
        test_peer_free(other);
}
