/* SPDX-License-Identifier: MIT */
/*
 * Subscribers that do not keep up: peers that are connected and do not read. What they are told
 * when they do, and what others get meanwhile.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "daemon-world.h"
#include "raw-peer.h"
#include "session/session.h"
#include "term/reader.h"

TestSuite(slow, .timeout = 300);

typedef struct {
        TestDaemonWorld w;
        AsmSession *session;
        AsmTerm *subscriber;
        guint n_results;
} Fixture;

/* as the daemon does it */
static void
on_peer(AsmProcs *procs, AsmLink *link, gboolean is_up, gpointer user_data)
{
        asm_manager_drained(user_data);
}

static void
fixture_init(Fixture *f, gboolean drops_slow_subscribers)
{
        AsmManagerLimits limits = { .max_sessions = 10,
                                    .max_runs = 10,
                                    .max_result = ASM_RUN_RESULT_MAX,
                                    .max_subscribers = 10,
                                    .max_lag = 1000000,
                                    .drops_slow_subscribers = drops_slow_subscribers,
                                    .max_approvals = 10 };
        g_autoptr(AsmTerm) options = test_remote_options("");
        g_autoptr(AsmFailure) failure = NULL;

        test_daemon_world_init(&f->w, &limits);
        asm_procs_set_peer_func(f->w.near.procs, on_peer, f->w.manager);
        f->subscriber = test_server_pid(f->w.subscriber);
        f->session = asm_session_start(f->w.manager, asm_term_view(options), NULL, &failure);
        cr_assert_not_null(f->session);
}

static void
fixture_clear(Fixture *f)
{
        asm_term_unref(f->subscriber);
        test_daemon_world_clear(&f->w);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static void
on_result(AsmView result, gpointer user_data)
{
        ((Fixture *)user_data)->n_results++;
}

/* a run whose events go to a process here; its id, owned */
static char *
submit(Fixture *f)
{
        g_autoptr(AsmFailure) failure = NULL;
        AsmSubmission wanted = { .prompt = "hello",
                                 .subscriber = asm_term_view(f->subscriber),
                                 .waiter = on_result,
                                 .user_data = f };
        AsmRun *run = asm_session_submit(f->session, &wanted, &failure);

        cr_assert_not_null(run);
        return g_strdup(asm_run_get_id(run));
}

static TestHostSession *
wait_for_session(Fixture *f)
{
        cr_assert(test_wait(test_host_session(&f->w.host, 0) != NULL));
        return test_host_session(&f->w.host, 0);
}

static guint
count_of(const char *text, const char *what)
{
        guint n = 0;

        for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
                n++;
        return n;
}

static AsmTerm *
peer_pid_term(const TestPeer *peer)
{
        g_auto(AsmPid) pid = test_peer_pid(peer, 1);
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_pid(&builder, &pid);
        return asm_builder_end(&builder);
}

/* a peer that subscribes to the run @id and reads nothing yet */
static TestPeer *
subscribe_peer(Fixture *f, const char *name, const char *id)
{
        guint16 port = asm_node_get_port(f->w.near.self.node);
        TestPeer *peer = test_peer_connect(port, name, "asmd@127.0.0.1", TEST_COOKIE, NULL);
        g_autoptr(AsmTerm) pid = peer_pid_term(peer);
        g_autoptr(AsmFailure) failure = NULL;

        cr_assert(test_wait(test_world_link(&f->w.near, name) != NULL));
        cr_assert(asm_session_subscribe(f->session, id, asm_term_view(pid), &failure));
        cr_assert(asm_session_subscribe(f->session, id, asm_term_view(pid), &failure), "twice");
        return peer;
}

/* what a peer is told of a run: events as their number, lagged, done */
static char *
heard(TestPeer *peer)
{
        GString *text = g_string_new(NULL);
        gint64 last = 0;
        gboolean is_over = FALSE;

        while (!is_over) {
                AsmControl control;
                AsmView part[2];
                AsmView sequence;
                gint64 number;

                cr_assert(test_peer_hear(peer, &control), "after %s", text->str);
                if (control.kind != ASM_CONTROL_SEND)
                        continue;
                if (asm_view_get_tagged(control.payload, "asm_run_event", 3, part)) {
                        cr_assert(asm_view_map_get(part[1], "sequence", &sequence) &&
                                  asm_view_get_int(sequence, &number));
                        if (last > 0 && number != last + 1)
                                g_string_append_printf(text,
                                                       "gap at %" G_GINT64_FORMAT " ",
                                                       number);
                        last = number;
                } else if (asm_view_get_tagged(control.payload, "asm_run_lagged", 3, part)) {
                        g_string_append(text, "lagged ");
                } else if (asm_view_get_tagged(control.payload, "asm_run_done", 2, part)) {
                        g_string_append(text, "done");
                        is_over = TRUE;
                }
        }
        return g_string_free(text, FALSE);
}

static void
emit_big(TestHostSession *host, guint n)
{
        g_autofree char *big = g_strnfill(200000, 'x');
        g_autofree char *fields = g_strdup_printf("content => <<\"%s\">>", big);

        for (guint i = 0; i < n; i++) {
                test_host_emit(host, ASM_EVENT_RAW, fields);
                test_settle();
        }
}

/* the high-water mark and what the kernel holds is less than that */
#define MANY_BIG 100

Test(slow, slow_subscriber_is_left_behind_and_told_while_another_misses_nothing)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(TestPeer) slow = NULL;
        g_autofree char *id = NULL;
        g_autofree char *told = NULL;
        TestHostSession *host;

        fixture_init(&f, TRUE);
        id = submit(&f);
        host = wait_for_session(&f);
        slow = subscribe_peer(&f, "slow@127.0.0.1", id);
        emit_big(host, MANY_BIG);
        cr_expect(
                test_wait(count_of(f.w.subscriber->log->str, "info {asm_run_event,") == MANY_BIG));
        test_host_complete(host, "x");
        cr_expect(test_wait(f.n_results == 1));

        told = heard(slow);
        cr_expect_str_eq(told, "lagged done");
}

Test(slow, run_waits_for_its_slow_subscriber_if_there_is_no_other_or_it_is_not_to_be_dropped)
{
        for (guint with_other = 0; with_other < 2; with_other++) {
                g_auto(Fixture) f = { 0 };
                g_autoptr(TestPeer) slow = NULL;
                g_autoptr(AsmFailure) failure = NULL;
                g_autofree char *id = NULL;
                g_autofree char *told = NULL;
                TestHostSession *host;

                fixture_init(&f, !with_other);
                id = submit(&f);
                host = wait_for_session(&f);
                slow = subscribe_peer(&f, "slow@127.0.0.1", id);
                if (!with_other)
                        cr_assert(asm_session_unsubscribe(f.session,
                                                          id,
                                                          asm_term_view(f.subscriber),
                                                          &failure));
                emit_big(host, MANY_BIG);
                test_host_complete(host, "x");
                test_settle();
                cr_expect_eq(f.n_results, 0, "it waits");

                told = heard(slow);
                cr_expect_str_eq(told, "done");
                cr_expect(test_wait(f.n_results == 1));
        }
}

static guint
n_events(const Fixture *f)
{
        return count_of(f->w.subscriber->log->str, "info {asm_run_event,");
}

Test(slow, subscriber_that_counts_gets_what_it_has_asked_for_and_the_run_waits)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *id = NULL;
        TestHostSession *host;
        AsmView pid;
        guint n_before;

        fixture_init(&f, TRUE);
        id = submit(&f);
        host = wait_for_session(&f);
        test_settle();
        n_before = n_events(&f);
        pid = asm_term_view(f.subscriber);
        cr_assert(asm_session_demand(f.session, id, pid, 2, &failure));
        emit_big(host, 5);
        cr_expect_eq(n_events(&f), n_before + 2);

        cr_assert(asm_session_demand(f.session, id, pid, 1, &failure));
        test_settle();
        cr_expect_eq(n_events(&f), n_before + 3);
        cr_expect_eq(f.n_results, 0);

        cr_assert(asm_session_demand(f.session, id, pid, 100, &failure));
        test_host_complete(host, "x");
        cr_expect(test_wait(f.n_results == 1));
        cr_expect(test_wait(n_events(&f) >= n_before + 5));
}

Test(slow, what_is_not_asked_for_comes_when_the_run_is_interrupted)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *id = NULL;
        TestHostSession *host;

        fixture_init(&f, TRUE);
        id = submit(&f);
        host = wait_for_session(&f);
        cr_assert(asm_session_demand(f.session, id, asm_term_view(f.subscriber), 1, &failure));
        emit_big(host, 3);
        cr_assert(asm_session_interrupt(f.session, id, &failure));
        cr_expect(test_wait(f.n_results == 1));
        cr_expect(test_wait(strstr(f.w.subscriber->log->str, "asm_run_done") != NULL));
        cr_expect_geq(n_events(&f), 2, "the one that was asked for, and the error");
}

Test(slow, demand_of_who_is_no_subscriber_is_an_error)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autoptr(AsmFailure) again = NULL;
        g_autofree char *id = NULL;
        AsmView pid;

        fixture_init(&f, TRUE);
        pid = asm_term_view(f.subscriber);
        cr_expect(!asm_session_demand(f.session, "none", pid, 1, &failure));
        cr_expect_eq(failure->kind, ASM_FAILURE_UNKNOWN);
        id = submit(&f);
        cr_assert(asm_session_unsubscribe(f.session, id, pid, &failure));
        cr_expect(!asm_session_demand(f.session, id, pid, 1, &again));
        cr_expect_eq(again->kind, ASM_FAILURE_CONFIG_INVALID);
}

Test(slow, subscribing_to_no_run_is_an_error)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autoptr(AsmFailure) again = NULL;

        fixture_init(&f, TRUE);
        cr_expect(!asm_session_subscribe(f.session, "none", asm_term_view(f.subscriber), &failure));
        cr_expect_eq(failure->kind, ASM_FAILURE_UNKNOWN);
        cr_expect(!asm_session_unsubscribe(f.session, "none", asm_term_view(f.subscriber), &again));
}
