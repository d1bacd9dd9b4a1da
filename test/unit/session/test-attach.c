/* SPDX-License-Identifier: MIT */
/*
 * Who attaches to a run that is going on: what has been and what comes, each event once and in
 * order, wherever the seam is; and what stays of a run when it and its session are over.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "daemon-world.h"
#include "raw-peer.h"
#include "session/session.h"
#include "term/reader.h"

TestSuite(attach, .timeout = 300);

typedef struct {
        TestDaemonWorld w;
        AsmSession *session;
        char *run_id;
        TestHostSession *host;
} Fixture;

static void
on_peer(AsmProcs *procs, AsmLink *link, gboolean is_up, gpointer user_data)
{
        asm_manager_drained(user_data);
}

static void
fixture_init(Fixture *f, const AsmManagerLimits *given)
{
        AsmManagerLimits limits = *given;
        g_autoptr(AsmTerm) options = test_remote_options("");
        g_autoptr(AsmFailure) failure = NULL;
        AsmRun *run;

        limits.max_sessions = limits.max_runs = limits.max_approvals = 10;
        limits.max_result = ASM_RUN_RESULT_MAX;
        limits.max_subscribers = 20;
        test_daemon_world_init(&f->w, &limits);
        asm_procs_set_peer_func(f->w.near.procs, on_peer, f->w.manager);
        f->session = asm_session_start(f->w.manager, asm_term_view(options), NULL, &failure);
        cr_assert_not_null(f->session);
        run = asm_session_submit(f->session, &(AsmSubmission){ .prompt = "hello" }, &failure);
        cr_assert_not_null(run);
        f->run_id = g_strdup(asm_run_get_id(run));
        cr_assert(test_wait(test_host_session(&f->w.host, 0) != NULL));
        f->host = test_host_session(&f->w.host, 0);
}

static void
fixture_clear(Fixture *f)
{
        g_free(f->run_id);
        test_daemon_world_clear(&f->w);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static const AsmManagerLimits WIDE = { .max_lag = 16 << 20,
                                       .drops_slow_subscribers = TRUE,
                                       .history = { 8 << 20, 8 << 20 } };

static const AsmHistory *
history_of(Fixture *f)
{
        return asm_manager_get_history(f->w.manager);
}

static guint64
n_events(Fixture *f)
{
        AsmHistoryStats stats;

        asm_history_get_stats(history_of(f), &stats);
        return stats.n_events;
}

static guint64
n_completed(Fixture *f)
{
        AsmHistoryStats stats;

        asm_history_get_stats(history_of(f), &stats);
        return stats.n_completed;
}

/* @n events that asmd has got */
static void
emit(Fixture *f, guint n)
{
        guint64 before = n_events(f);

        for (guint i = 0; i < n; i++)
                test_host_emit(f->host, ASM_EVENT_ASSISTANT_DELTA, "content => <<\"x\">>");
        cr_assert(test_wait(n_events(f) == before + n));
}

static void
emit_big(Fixture *f, guint n)
{
        g_autofree char *big = g_strnfill(200000, 'x');
        g_autofree char *fields = g_strdup_printf("content => <<\"%s\">>", big);

        for (guint i = 0; i < n; i++) {
                test_host_emit(f->host, ASM_EVENT_RAW, fields);
                test_settle();
        }
}

/* completes the run, which is in the history then */
static void
complete(Fixture *f)
{
        test_host_complete(f->host, "x");
        cr_assert(test_wait(n_completed(f) == 1));
}

/* returns what is missing */
static guint
attach_pid(Fixture *f, AsmView pid, gint64 from)
{
        g_autoptr(AsmFailure) failure = NULL;
        guint64 missing = 0;

        cr_assert(asm_session_attach(f->session, f->run_id, pid, from, &missing, &failure) != NULL,
                  "%s",
                  failure != NULL ? failure->message : "");
        return (guint)missing;
}

static guint
attach(Fixture *f, TestServer *watcher, gint64 from)
{
        g_autoptr(AsmTerm) pid = test_server_pid(watcher);

        return attach_pid(f, asm_term_view(pid), from);
}

/* the sequences that @watcher has heard of, and `done` */
static char *
heard_here(TestServer *watcher)
{
        GString *text = g_string_new(NULL);
        g_auto(GStrv) lines = g_strsplit(watcher->log->str, "\n", -1);

        for (guint i = 0; lines[i] != NULL; i++) {
                const char *at = strstr(lines[i], "sequence => ");
                const char *last = at;

                /* the event's own comes behind that of the core event in it */
                while (at != NULL && (at = strstr(at + 1, "sequence => ")) != NULL)
                        last = at;
                if (g_str_has_prefix(lines[i], "info {asm_run_event") && last != NULL)
                        g_string_append_printf(text, "%d ", atoi(last + strlen("sequence => ")));
                else if (g_str_has_prefix(lines[i], "info {asm_run_done"))
                        g_string_append(text, "done");
        }
        return g_string_free(text, FALSE);
}

static char *
counting(guint from, guint to)
{
        GString *text = g_string_new(NULL);

        for (guint i = from; i <= to; i++)
                g_string_append_printf(text, "%u ", i);
        g_string_append(text, "done");
        return g_string_free(text, FALSE);
}

Test(attach, from_the_first_event_each_comes_once_and_in_order_wherever_one_attaches)
{
        for (guint before = 0; before <= 4; before++) {
                g_auto(Fixture) f = { 0 };
                g_autoptr(TestServer) first = NULL;
                g_autoptr(TestServer) later = NULL;
                g_autofree char *heard = NULL, *heard_later = NULL, *expected = NULL;

                fixture_init(&f, &WIDE);
                first = test_server_new(f.w.near.procs, FALSE);
                later = test_server_new(f.w.near.procs, FALSE);
                emit(&f, before);
                cr_expect_eq(attach(&f, first, ASM_FROM_FIRST), 0);
                cr_expect_eq(attach(&f, first, ASM_FROM_FIRST), 0, "again changes nothing");
                emit(&f, 2);
                cr_expect_eq(attach(&f, later, ASM_FROM_FIRST), 0);
                /* before the loop has sent what has been */
                test_host_emit(f.host, ASM_EVENT_ASSISTANT_DELTA, "content => <<\"x\">>");
                complete(&f);
                cr_expect(test_wait(strstr(first->log->str, "asm_run_done") != NULL));
                cr_expect(test_wait(strstr(later->log->str, "asm_run_done") != NULL));
                heard = heard_here(first);
                heard_later = heard_here(later);
                expected = counting(1, (guint)n_events(&f));
                cr_expect_str_eq(heard, expected, "%u: %s", before, heard);
                cr_expect_str_eq(heard_later, expected, "%u: %s", before, heard_later);
        }
}

Test(attach, from_a_sequence_or_from_now_gives_what_follows)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(TestServer) middle = NULL;
        g_autoptr(TestServer) now = NULL;
        g_autofree char *heard_middle = NULL, *heard_now = NULL;
        g_autofree char *from_3 = NULL, *from_6 = NULL;

        fixture_init(&f, &WIDE);
        middle = test_server_new(f.w.near.procs, FALSE);
        now = test_server_new(f.w.near.procs, FALSE);
        emit(&f, 5);
        attach(&f, middle, 3);
        attach(&f, now, ASM_FROM_NOW);
        emit(&f, 3);
        complete(&f);
        cr_expect(test_wait(strstr(now->log->str, "asm_run_done") != NULL));
        heard_middle = heard_here(middle);
        heard_now = heard_here(now);
        from_3 = counting(3, (guint)n_events(&f));
        from_6 = counting(6, (guint)n_events(&f));
        cr_expect_str_eq(heard_middle, from_3, "%s", heard_middle);
        cr_expect_str_eq(heard_now, from_6, "%s", heard_now);
}

Test(attach, what_is_not_kept_any_more_is_told_as_missing)
{
        static const AsmManagerLimits limits = { .max_lag = 16 << 20,
                                                 .drops_slow_subscribers = TRUE,
                                                 .history = { 500000, 500000 } };
        g_auto(Fixture) f = { 0 };
        g_autoptr(TestServer) watcher = NULL;
        g_autofree char *heard = NULL, *expected = NULL;
        g_autoptr(AsmFailure) failure = NULL;
        const AsmRecord *record;
        guint missing;

        fixture_init(&f, &limits);
        watcher = test_server_new(f.w.near.procs, FALSE);
        emit_big(&f, 10);
        cr_assert(test_wait(n_events(&f) == 10));
        record = asm_history_find(history_of(&f), f.run_id, NULL, &failure);
        cr_assert_not_null(record);
        missing = attach(&f, watcher, ASM_FROM_FIRST);
        cr_expect(missing > 0 && missing < 10, "%u", missing);
        cr_expect_eq(missing, asm_record_get_first(record));
        complete(&f);
        cr_expect(test_wait(strstr(watcher->log->str, "asm_run_done") != NULL));
        heard = heard_here(watcher);
        expected = counting(missing + 1, (guint)n_events(&f));
        cr_expect_str_eq(heard, expected, "%s", heard);
}

Test(attach, replay_is_at_most_half_of_what_a_slow_subscriber_may_lag)
{
        static const AsmManagerLimits limits = { .max_lag = 2000000,
                                                 .drops_slow_subscribers = TRUE,
                                                 .history = { 8 << 20, 8 << 20 } };
        g_auto(Fixture) f = { 0 };
        g_autoptr(TestServer) watcher = NULL;
        guint missing;

        fixture_init(&f, &limits);
        watcher = test_server_new(f.w.near.procs, FALSE);
        emit_big(&f, 10);
        cr_assert(test_wait(n_events(&f) == 10));
        missing = attach(&f, watcher, ASM_FROM_FIRST);
        /* an event tells its content twice: in the payload, and in the core event */
        cr_expect_eq(missing, 8, "%u", missing);
        complete(&f);
}

static AsmTerm *
peer_pid_term(const TestPeer *peer)
{
        g_auto(AsmPid) pid = test_peer_pid(peer, 1);
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_pid(&builder, &pid);
        return asm_builder_end(&builder);
}

/* the sequences that @peer is told, `lagged`, `done` */
static char *
heard_there(TestPeer *peer, const char *until)
{
        GString *text = g_string_new(NULL);

        while (!g_str_has_suffix(text->str, until)) {
                AsmControl control;
                AsmView part[2], sequence;
                gint64 number;

                cr_assert(test_peer_hear(peer, &control), "after %s", text->str);
                if (control.kind != ASM_CONTROL_SEND)
                        continue;
                if (asm_view_get_tagged(control.payload, "asm_run_event", 3, part)) {
                        cr_assert(asm_view_map_get(part[1], "sequence", &sequence) &&
                                  asm_view_get_int(sequence, &number));
                        g_string_append_printf(text, "%d ", (int)number);
                } else if (asm_view_get_tagged(control.payload, "asm_run_lagged", 3, part)) {
                        g_string_append(text, "lagged ");
                } else if (asm_view_get_tagged(control.payload, "asm_run_done", 2, part)) {
                        g_string_append(text, "done");
                }
        }
        return g_string_free(text, FALSE);
}

/* more than the high-water mark and the kernel hold */
#define MANY_BIG 60

Test(attach, peer_that_does_not_read_gets_everything_when_it_does)
{
        static const AsmManagerLimits limits = { .max_lag = 64 << 20,
                                                 .drops_slow_subscribers = TRUE,
                                                 .history = { 64 << 20, 64 << 20 } };
        g_auto(Fixture) f = { 0 };
        g_autoptr(TestPeer) peer = NULL;
        g_autoptr(AsmTerm) pid = NULL;
        g_autoptr(TestServer) other = NULL;
        g_autofree char *heard = NULL, *expected = NULL;

        fixture_init(&f, &limits);
        other = test_server_new(f.w.near.procs, FALSE);
        attach(&f, other, ASM_FROM_NOW);
        emit_big(&f, MANY_BIG);
        cr_assert(test_wait(n_events(&f) == MANY_BIG));
        peer = test_peer_connect(asm_node_get_port(f.w.near.self.node),
                                 "slow@127.0.0.1",
                                 "asmd@127.0.0.1",
                                 TEST_COOKIE,
                                 NULL);
        cr_assert(test_wait(test_world_link(&f.w.near, "slow@127.0.0.1") != NULL));
        pid = peer_pid_term(peer);
        cr_expect_eq(attach_pid(&f, asm_term_view(pid), ASM_FROM_FIRST), 0);
        test_settle();
        emit_big(&f, 3);
        test_host_complete(f.host, "x");
        heard = heard_there(peer, "done");
        expected = counting(1, (guint)n_events(&f));
        cr_expect_str_eq(heard, expected, "%s", heard);
}

Test(attach, who_was_left_behind_can_attach_again_and_get_what_it_missed)
{
        static const AsmManagerLimits limits = { .max_lag = 8 << 20,
                                                 .drops_slow_subscribers = TRUE,
                                                 .history = { 64 << 20, 64 << 20 } };
        g_auto(Fixture) f = { 0 };
        g_autoptr(TestPeer) peer = NULL;
        g_autoptr(AsmTerm) pid = NULL;
        g_autoptr(TestServer) other = NULL;
        g_autofree char *lagged = NULL, *rest = NULL;

        fixture_init(&f, &limits);
        other = test_server_new(f.w.near.procs, FALSE);
        attach(&f, other, ASM_FROM_NOW);
        peer = test_peer_connect(asm_node_get_port(f.w.near.self.node),
                                 "slow@127.0.0.1",
                                 "asmd@127.0.0.1",
                                 TEST_COOKIE,
                                 NULL);
        cr_assert(test_wait(test_world_link(&f.w.near, "slow@127.0.0.1") != NULL));
        pid = peer_pid_term(peer);
        attach_pid(&f, asm_term_view(pid), ASM_FROM_FIRST);
        emit_big(&f, MANY_BIG);
        cr_assert(test_wait(n_events(&f) == MANY_BIG));
        lagged = heard_there(peer, "lagged ");
        attach_pid(&f, asm_term_view(pid), MANY_BIG - 2);
        test_host_complete(f.host, "x");
        rest = heard_there(peer, "done");
        cr_expect(g_str_has_prefix(rest, "58 59 60 61 "), "%s", rest);
}

Test(attach, run_that_has_ended_is_known_when_its_session_is_gone)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(TestServer) watcher = NULL;
        g_autoptr(AsmTerm) pid = NULL;
        g_autoptr(AsmFailure) ended = NULL;
        g_autoptr(AsmFailure) failure = NULL;
        g_auto(AsmBuilder) info = ASM_BUILDER_INIT;
        const AsmRecord *record;
        AsmView result, rest;
        guint64 missing;

        fixture_init(&f, &WIDE);
        watcher = test_server_new(f.w.near.procs, FALSE);
        pid = test_server_pid(watcher);
        emit(&f, 3);
        complete(&f);
        cr_expect_null(asm_session_attach(f.session,
                                          f.run_id,
                                          asm_term_view(pid),
                                          ASM_FROM_FIRST,
                                          &missing,
                                          &ended));
        cr_expect(strstr(ended->message, "has ended; run_events tells what it said") != NULL,
                  "%s",
                  ended->message);
        asm_session_stop(f.session);
        record = asm_history_find(history_of(&f), f.run_id, NULL, &failure);
        cr_assert_not_null(record);
        cr_expect(asm_record_is_finished(record));
        asm_builder_run_info(&info, record);
        cr_expect(asm_view_map_get(asm_builder_peek(&info), "result", &result));
        cr_expect(asm_view_get_tagged(result, "ok", 2, &rest));
}
