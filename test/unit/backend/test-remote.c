/* SPDX-License-Identifier: MIT */
/*
 * A session on another node that does not do as it is told: interrupts and input that are refused
 * or not answered, a start that is interrupted, and a node that is none. The host is another world
 * in this process.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "backend/backend.h"
#include "host.h"
#include "term/reader.h"

TestSuite(remote, .timeout = 120);

/* a time that no test waits for, one that each can, and one in which something else still happens */
#define LONG_MS   600000
#define MEDIUM_MS 1000
#define SHORT_MS  60

typedef struct {
        TestEpmd *epmd;
        TestWorld near;
        TestWorld far;
        TestHost host;
        guint n_idle;
        AsmBackendSpec spec;
        AsmTerm *options;
        AsmTerm *metadata;
        AsmBackend *backend; /* NULL once closed */
        GString *told;       /* "started ", "event ", "ended REASON ", "failed " */
        AsmFailure *failure;
} Fixture;

static void
close_backend(Fixture *f, guint grace_ms)
{
        AsmBackend *backend = g_steal_pointer(&f->backend);

        if (backend != NULL)
                backend->klass->close(backend, grace_ms);
}

static void
on_started(gpointer user_data)
{
        g_string_append(((Fixture *)user_data)->told, "started ");
}

static void
on_event(AsmView event, gpointer user_data)
{
        g_string_append(((Fixture *)user_data)->told, "event ");
}

/* a run closes its backend when it hears of its end */
static void
on_failed(const AsmFailure *failure, gpointer user_data)
{
        Fixture *f = user_data;

        g_string_append(f->told, "failed ");
        f->failure = asm_failure_copy(failure);
        close_backend(f, 0);
}

static void
on_ended(AsmView reason, gpointer user_data)
{
        Fixture *f = user_data;
        g_autofree char *shown = test_show(reason);

        g_string_append_printf(f->told, "ended %s ", shown);
        close_backend(f, 0);
}

static const AsmBackendListener listener = { .started = on_started,
                                             .event = on_event,
                                             .failed = on_failed,
                                             .ended = on_ended };

static void
fixture_init(Fixture *f)
{
        f->epmd = test_epmd_new();
        test_world_init(&f->near, "asmd", f->epmd->port, 0);
        test_world_init(&f->far, "host", f->epmd->port, 0);
        test_host_init(&f->host, &f->far);
        f->n_idle = asm_procs_count(f->near.procs);
        f->told = g_string_new(NULL);
        f->options = test_term("[]");
        f->metadata = test_term("#{ticket => 17, run_id => <<\"not mine\">>}");
        f->spec = (AsmBackendSpec){ .provider = asm_provider_find("codex", NULL),
                                    .run_id = "run-1",
                                    .session_id = "session-1",
                                    .prompt = "hello",
                                    .options = asm_term_view(f->options),
                                    .metadata = asm_term_view(f->metadata),
                                    .surface = asm_term_view(f->metadata),
                                    .node = "host@127.0.0.1",
                                    .connect_timeout_ms = 5000,
                                    .rpc_timeout_ms = 5000,
                                    .call_timeout_ms = LONG_MS };
}

static void
fixture_clear(Fixture *f)
{
        close_backend(f, 0);
        test_host_clear(&f->host);
        test_world_clear(&f->near);
        test_world_clear(&f->far);
        test_epmd_free(f->epmd);
        asm_term_unref(f->options);
        asm_term_unref(f->metadata);
        g_string_free(f->told, TRUE);
        asm_failure_free(f->failure);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static void
start(Fixture *f)
{
        AsmBackendContext context = { .procs = f->near.procs, .rpc = f->near.rpc };

        f->backend = asm_backend_remote_node.start(&context, &f->spec, &listener, f);
}

/* borrowed: the session on the host, which runs */
static TestHostSession *
start_and_wait(Fixture *f)
{
        start(f);
        cr_assert(test_wait(strcmp(f->told->str, "started ") == 0), "%s", f->told->str);
        return test_host_session(&f->host, 0);
}

static void
send_text(Fixture *f, const char *text)
{
        f->backend->klass->send_input(f->backend, text, strlen(text));
}

static void
expect_over(Fixture *f)
{
        cr_expect(test_wait(asm_procs_count(f->near.procs) == f->n_idle));
        cr_expect_eq(test_host_count_alive(&f->host), 0);
}

static void
expect_cause(Fixture *f, const char *expected)
{
        cr_assert(test_wait(f->failure != NULL));
        cr_expect_str_eq(f->told->str, "started failed ");
        cr_expect_eq(f->failure->kind, ASM_FAILURE_TRANSPORT_ERROR);
        cr_expect_eq(f->failure->domain, ASM_DOMAIN_TRANSPORT);
        test_expect_term(asm_term_view(f->failure->cause), expected);
        cr_expect_not_null(strstr(f->failure->message, "host@127.0.0.1"));
}

/* --- interrupt ------------------------------------------------------------------------------- */

Test(remote, interrupted_session_has_its_grace_to_end_by_itself)
{
        g_auto(Fixture) f = { 0 };
        TestHostSession *session;

        fixture_init(&f);
        session = start_and_wait(&f);
        f.backend->klass->interrupt(f.backend);
        close_backend(&f, LONG_MS);
        cr_assert(test_wait(strcmp(session->log->str, "call interrupt\n") == 0));
        test_wait_ms(FALSE, SHORT_MS);
        cr_expect_str_eq(session->log->str, "call interrupt\n");
        test_host_end(session, "normal");
        expect_over(&f);
        cr_expect_str_eq(f.told->str, "started ");
}

Test(remote, interrupt_that_is_refused_ends_the_grace_at_once)
{
        g_auto(Fixture) f = { 0 };
        TestHostSession *session;

        fixture_init(&f);
        test_log_capture();
        session = start_and_wait(&f);
        f.host.answer = TEST_HOST_SAYS_NO;
        f.backend->klass->interrupt(f.backend);
        close_backend(&f, LONG_MS);
        expect_over(&f);
        cr_expect_str_eq(session->log->str, "call interrupt\nend normal\n");
        cr_expect(test_log_has("did not do interrupt: not_running"));
        cr_expect(test_log_has("run-1"));
}

Test(remote, interrupt_that_is_not_answered_in_time_ends_the_grace)
{
        g_auto(Fixture) f = { 0 };
        TestHostSession *session;

        fixture_init(&f);
        test_log_capture();
        f.spec.call_timeout_ms = SHORT_MS;
        session = start_and_wait(&f);
        f.host.answer = TEST_HOST_SAYS_NOTHING;
        f.backend->klass->interrupt(f.backend);
        close_backend(&f, LONG_MS);
        expect_over(&f);
        cr_expect_str_eq(session->log->str, "call interrupt\nend normal\n");
        cr_expect(test_log_has("no answer within 60 ms"));
}

Test(remote, interrupt_without_a_limit_waits_for_the_grace)
{
        g_auto(Fixture) f = { 0 };
        TestHostSession *session;

        fixture_init(&f);
        f.spec.call_timeout_ms = 0;
        session = start_and_wait(&f);
        f.host.answer = TEST_HOST_SAYS_NOTHING;
        f.backend->klass->interrupt(f.backend);
        close_backend(&f, SHORT_MS);
        expect_over(&f);
        cr_expect_str_eq(session->log->str, "call interrupt\nend normal\n");
}

Test(remote, session_of_an_interrupted_start_is_interrupted_when_it_comes_and_has_its_grace)
{
        g_auto(Fixture) f = { 0 };
        TestHostSession *session;

        fixture_init(&f);
        f.host.mode = TEST_HOST_WAITS;
        start(&f);
        cr_assert(test_wait(f.host.waiting->len == 1));
        f.backend->klass->interrupt(f.backend);
        close_backend(&f, LONG_MS);
        test_host_release(&f.host);
        session = test_host_session(&f.host, 0);
        cr_assert(test_wait(strcmp(session->log->str, "call interrupt\n") == 0));
        test_wait_ms(FALSE, SHORT_MS);
        cr_expect_str_eq(session->log->str, "call interrupt\n");
        test_host_end(session, "normal");
        expect_over(&f);
        cr_expect_str_eq(f.told->str, "");
}

Test(remote, session_of_an_interrupted_start_is_ended_after_its_grace)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        f.host.mode = TEST_HOST_WAITS;
        start(&f);
        cr_assert(test_wait(f.host.waiting->len == 1));
        f.backend->klass->interrupt(f.backend);
        close_backend(&f, SHORT_MS);
        test_host_release(&f.host);
        expect_over(&f);
        cr_expect_str_eq(test_host_session(&f.host, 0)->log->str, "call interrupt\nend normal\n");
}

Test(remote, session_of_a_start_that_was_closed_is_ended_without_a_grace)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        f.host.mode = TEST_HOST_WAITS;
        start(&f);
        cr_assert(test_wait(f.host.waiting->len == 1));
        close_backend(&f, LONG_MS);
        test_host_release(&f.host);
        expect_over(&f);
        cr_expect_str_eq(test_host_session(&f.host, 0)->log->str, "end normal\n");
}

/* --- input ----------------------------------------------------------------------------------- */

Test(remote, input_comes_in_its_order)
{
        g_auto(Fixture) f = { 0 };
        TestHostSession *session;

        fixture_init(&f);
        f.spec.call_timeout_ms = SHORT_MS;
        session = start_and_wait(&f);
        send_text(&f, "one");
        send_text(&f, "two");
        f.backend->klass->end_input(f.backend);
        cr_assert(test_wait(strstr(session->log->str, "end_input") != NULL));
        cr_expect_str_eq(session->log->str,
                         "call {send,<<\"one\">>}\ncall {send,<<\"two\">>}\ncall end_input\n");
        test_wait_ms(FALSE, 2 * SHORT_MS);
        cr_expect_str_eq(f.told->str, "started ");
}

Test(remote, input_that_is_not_answered_in_time_fails_the_run)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        f.spec.call_timeout_ms = SHORT_MS;
        start_and_wait(&f);
        f.host.answer = TEST_HOST_SAYS_NOTHING;
        send_text(&f, "one");
        send_text(&f, "two");
        expect_cause(&f, "{send,timeout}");
        expect_over(&f);
}

Test(remote, end_of_input_that_is_not_answered_in_time_fails_the_run)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        f.spec.call_timeout_ms = SHORT_MS;
        start_and_wait(&f);
        f.host.answer = TEST_HOST_SAYS_NOTHING;
        f.backend->klass->end_input(f.backend);
        expect_cause(&f, "{end_input,timeout}");
        expect_over(&f);
}

Test(remote, input_that_is_refused_fails_the_run_unless_the_session_ends_first)
{
        for (guint i = 0; i < 2; i++) {
                g_auto(Fixture) f = { 0 };
                TestHostSession *session;

                fixture_init(&f);
                f.spec.call_timeout_ms = i == 0 ? SHORT_MS : LONG_MS;
                session = start_and_wait(&f);
                f.host.answer = TEST_HOST_SAYS_NO;
                send_text(&f, "one");
                cr_assert(test_wait(session->log->len > 0));
                if (i == 0) {
                        expect_cause(&f, "{send,not_running}");
                } else {
                        test_settle();
                        test_host_emit(session, ASM_EVENT_ERROR, "code => <<\"transport_exit\">>");
                        test_host_end(session, "normal");
                        cr_assert(test_wait(f.backend == NULL));
                        cr_expect_str_eq(f.told->str, "started event ended normal ");
                }
                expect_over(&f);
        }
}

Test(remote, input_that_is_refused_fails_at_once_when_there_is_no_limit)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        f.spec.call_timeout_ms = 0;
        start_and_wait(&f);
        f.host.answer = TEST_HOST_SAYS_NO;
        send_text(&f, "one");
        expect_cause(&f, "{send,not_running}");
}

Test(remote, end_of_input_that_is_refused_is_an_end_of_input)
{
        g_auto(Fixture) f = { 0 };
        TestHostSession *session;

        fixture_init(&f);
        f.spec.call_timeout_ms = SHORT_MS;
        session = start_and_wait(&f);
        f.host.answer = TEST_HOST_SAYS_NO;
        f.backend->klass->end_input(f.backend);
        cr_assert(test_wait(session->log->len > 0));
        test_wait_ms(FALSE, 2 * SHORT_MS);
        cr_expect_str_eq(f.told->str, "started ");
}

/* --- a run that cannot take more ------------------------------------------------------------- */

Test(remote, time_does_not_count_while_the_link_is_not_read)
{
        g_auto(Fixture) f = { 0 };
        TestHostSession *session;
        AsmLink *link;
        gsize held = 64 * 1024 * 1024;

        fixture_init(&f);
        f.spec.call_timeout_ms = MEDIUM_MS;
        session = start_and_wait(&f);
        link = test_world_link(&f.near, "host@127.0.0.1");
        asm_link_hold(link, held);
        cr_assert(asm_link_is_paused(link));
        send_text(&f, "one");
        cr_assert(test_wait(session->log->len > 0));
        /* between two of its times: there is half of one to read the answer in */
        test_wait_ms(FALSE, MEDIUM_MS + MEDIUM_MS / 2);
        cr_expect_str_eq(f.told->str, "started ");
        asm_link_release(link, held);
        test_wait_ms(FALSE, MEDIUM_MS + MEDIUM_MS / 2);
        cr_expect_str_eq(f.told->str, "started ");
}

Test(remote, what_a_paused_run_is_not_told_it_is_told_later_in_order_and_the_end_last)
{
        g_auto(Fixture) f = { 0 };
        TestHostSession *session;

        fixture_init(&f);
        session = start_and_wait(&f);
        f.backend->klass->set_paused(f.backend, TRUE);
        test_settle();
        test_host_emit(session, ASM_EVENT_RAW, "content => 1");
        test_host_emit(session, ASM_EVENT_RAW, "content => 2");
        test_host_end(session, "crashed");
        test_settle();
        cr_expect_str_eq(f.told->str, "started ");
        cr_expect(!asm_link_is_paused(test_world_link(&f.near, "host@127.0.0.1")),
                  "other runs of the host go on");

        f.backend->klass->set_paused(f.backend, FALSE);
        cr_expect_str_eq(f.told->str, "started ", "never from inside the call");
        cr_assert(test_wait(f.backend == NULL));
        cr_expect_str_eq(f.told->str, "started event event ended crashed ");
        expect_over(&f);
}

Test(remote, what_is_held_of_a_run_that_is_closed_is_dropped)
{
        g_auto(Fixture) f = { 0 };
        TestHostSession *session;
        g_autofree char *big = g_strnfill(4 * 1024 * 1024, 'x');
        g_autofree char *fields = g_strdup_printf("content => <<\"%s\">>", big);
        AsmLink *link;

        fixture_init(&f);
        session = start_and_wait(&f);
        link = test_world_link(&f.near, "host@127.0.0.1");
        f.backend->klass->set_paused(f.backend, TRUE);
        for (guint i = 0; i < 20 && !asm_link_is_paused(link); i++) {
                test_host_emit(session, ASM_EVENT_RAW, fields);
                test_settle();
        }
        cr_expect(test_wait(asm_link_is_paused(link)), "a host that sends on is not read");

        close_backend(&f, 0);
        cr_expect(!asm_link_is_paused(link));
        cr_expect_str_eq(f.told->str, "started ");
        expect_over(&f);
}

Test(remote, host_that_can_wait_is_asked_to_until_nothing_is_held)
{
        g_auto(Fixture) f = { 0 };
        TestHostSession *session;

        fixture_init(&f);
        f.host.takes_pauses = TRUE;
        session = start_and_wait(&f);
        f.backend->klass->set_paused(f.backend, TRUE);
        cr_assert(test_wait(strstr(session->log->str, "info {asm_pause,") != NULL));
        test_host_emit(session, ASM_EVENT_RAW, "content => 1");
        test_settle();
        cr_expect_str_eq(f.told->str, "started ");
        cr_expect_null(strstr(session->log->str, "asm_resume"));

        f.backend->klass->set_paused(f.backend, FALSE);
        cr_assert(test_wait(strstr(session->log->str, "info {asm_resume,") != NULL));
        cr_expect_str_eq(f.told->str, "started event ");
}

Test(remote, host_that_waits_goes_on_when_its_cli_is_to_end_by_itself)
{
        g_auto(Fixture) f = { 0 };
        TestHostSession *session;

        fixture_init(&f);
        f.host.takes_pauses = TRUE;
        session = start_and_wait(&f);
        f.backend->klass->set_paused(f.backend, TRUE);
        f.backend->klass->interrupt(f.backend);
        close_backend(&f, LONG_MS);
        cr_assert(test_wait(strstr(session->log->str, "info {asm_resume,") != NULL));
        test_host_end(session, "normal");
        expect_over(&f);
}

Test(remote, calls_without_an_answer_are_bounded)
{
        for (guint over = 0; over < 3; over++) {
                g_auto(Fixture) f = { 0 };

                fixture_init(&f);
                start_and_wait(&f);
                f.host.answer = TEST_HOST_SAYS_NOTHING;
                for (guint i = 0; i < 256 + over; i++)
                        send_text(&f, "x");
                if (over == 0) {
                        test_wait_ms(FALSE, SHORT_MS);
                        cr_expect_str_eq(f.told->str, "started ");
                } else {
                        expect_cause(&f, "{send,transport_busy}");
                }
        }
}

/* --- start ----------------------------------------------------------------------------------- */

Test(remote, host_is_told_the_metadata_of_the_run_and_whose_it_is)
{
        g_auto(Fixture) f = { 0 };
        TestHostSession *session;
        g_autofree char *shown = NULL;
        AsmView metadata;

        fixture_init(&f);
        session = start_and_wait(&f);
        cr_assert(asm_view_option_get(asm_term_view(session->options), "metadata", &metadata));
        shown = test_show(metadata);
        cr_expect_not_null(strstr(shown, "ticket => 17"), "%s", shown);
        cr_expect_not_null(strstr(shown, "run_id => <<\"run-1\">>"), "%s", shown);
        cr_expect_not_null(strstr(shown, "session_id => <<\"session-1\">>"), "%s", shown);
        cr_expect_not_null(strstr(shown, "lane => core"), "%s", shown);
        cr_expect_not_null(strstr(shown, "asm_provider => codex"), "%s", shown);
        cr_expect_null(strstr(shown, "not mine"), "%s", shown);
}

Test(remote, node_that_was_never_started_cannot_start_anything)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmNodeConfig) config = { 0 };
        AsmProcsLimits limits = { .max_mail = 10 };
        TestWorld alone = { 0 };
        AsmBackendContext context;

        fixture_init(&f);
        test_node_config_init(&config, f.epmd->port);
        config.name = g_strdup("alone@127.0.0.1");
        alone.self = test_node_make(&config, NULL);
        alone.procs = asm_procs_new(alone.self.node, &limits);
        alone.rpc = asm_rpc_new(alone.procs);
        context = (AsmBackendContext){ .procs = alone.procs, .rpc = alone.rpc };
        f.backend = asm_backend_remote_node.start(&context, &f.spec, &listener, &f);

        cr_expect_str_eq(f.told->str, "");
        cr_assert(test_wait(f.failure != NULL));
        cr_expect_str_eq(f.told->str, "failed ");
        cr_expect_eq(f.failure->kind, ASM_FAILURE_CONNECTION_FAILED);
        cr_expect_eq(f.failure->domain, ASM_DOMAIN_RUNTIME);
        test_expect_term(asm_term_view(f.failure->cause), "distribution_not_enabled");
        cr_expect(g_str_has_prefix(f.failure->message, "remote connect failed: "));
        cr_expect_str_eq(f.host.calls->str, "");
        test_world_clear(&alone);
}
