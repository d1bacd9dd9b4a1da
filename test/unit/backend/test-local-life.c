/* SPDX-License-Identifier: MIT */
/* How local CLIs end: by themselves, when asked, with their children, with this program. */
#include "cli-run.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(local_life, .timeout = 300);

/* a shell that goes on until somebody ends it; $d/pid has its number */
#define FOREVER "echo $$ > $d/pid; while :; do sleep 0.02; done"

Test(local_life, an_interrupt_is_sigint_and_the_cli_may_have_a_last_word)
{
        CliRun run;
        g_autofree char *pid = NULL;

        cli_run_init(&run, "bye() { echo '" CLI_RESULT "'; exit 0; }\ntrap bye INT\n" FOREVER);
        cli_run_start(&run);
        pid = cli_run_await(&run, "pid");
        run.backend->klass->interrupt(run.backend);
        cli_run_finish(&run);

        cr_expect_str_eq(run.kinds->str, "run_started result", "%s", run.kinds->str);
        cli_run_clear(&run);
}

Test(local_life, an_interrupt_right_after_the_start_is_not_lost)
{
        CliRun run;

        cli_run_init(&run, FOREVER);
        cli_run_start(&run);
        run.backend->klass->interrupt(run.backend);
        cli_run_finish(&run);

        cr_expect_str_eq(run.errors->str, "Codex CLI terminated by signal 2");
        cli_run_clear(&run);
}

Test(local_life, close_ends_the_cli_and_its_children_also_those_that_ignore_sigterm)
{
        CliRun run;
        g_autofree char *pid = NULL, *polite = NULL, *stubborn = NULL;
        gint64 begun;

        cli_run_init(
                &run,
                "sh -c 'echo $$ > '$d'/polite; exec sleep 1000' &\n"
                "sh -c 'trap \"\" TERM; echo $$ > '$d'/stubborn; exec sleep 1000' &\n" FOREVER);
        cli_run_start(&run);
        pid = cli_run_await(&run, "pid");
        polite = cli_run_await(&run, "polite");
        stubborn = cli_run_await(&run, "stubborn");
        cr_assert(cli_is_running(pid) && cli_is_running(polite) && cli_is_running(stubborn));

        begun = g_get_monotonic_time();
        cli_run_close(&run);
        cli_await_gone(pid);
        cli_await_gone(polite);
        cli_await_gone(stubborn);
        cr_expect_lt(g_get_monotonic_time() - begun, 4 * G_USEC_PER_SEC);
        cli_run_clear(&run);
}

Test(local_life, children_without_the_pipes_end_with_the_cli_as_well)
{
        CliRun run;
        g_autofree char *child = NULL;

        cli_run_init(&run,
                     "sh -c 'trap \"\" TERM; echo $$ > '$d'/child; exec sleep 1000' "
                     "</dev/null >/dev/null 2>&1 &\n"
                     "while [ ! -s $d/child ]; do sleep 0.01; done\n"
                     "echo '" CLI_RESULT "'");
        cli_run_start(&run);
        child = cli_run_await(&run, "child");
        cli_run_finish(&run);
        cli_await_gone(child);

        cr_expect_str_eq(run.kinds->str, "run_started result");
        cli_run_clear(&run);
}

Test(local_life, a_child_that_holds_the_pipes_does_not_delay_the_end_for_ever)
{
        CliRun run;
        g_autofree char *child = NULL;
        gint64 begun = g_get_monotonic_time();

        cli_run_init(&run,
                     "sh -c 'echo $$ > '$d'/child; exec sleep 1000' &\n"
                     "while [ ! -s $d/child ]; do sleep 0.01; done\n"
                     "printf '" CLI_RESULT "'");
        cli_run_start(&run);
        child = cli_run_await(&run, "child");
        cli_run_finish(&run);

        cr_expect_str_eq(run.kinds->str, "run_started result");
        cr_expect_lt(g_get_monotonic_time() - begun, 10 * G_USEC_PER_SEC);
        cli_await_gone(child);
        cli_run_clear(&run);
}

Test(local_life, a_stopped_cli_hears_of_its_end)
{
        CliRun run;
        g_autofree char *pid = NULL, *word = NULL;

        cli_run_init(&run, "trap 'echo bye > $d/word; exit 0' TERM\n" FOREVER);
        cli_run_start(&run);
        pid = cli_run_await(&run, "pid");
        kill(-(pid_t)g_ascii_strtoll(pid, NULL, 10), SIGSTOP);
        cli_run_close(&run);
        cli_await_gone(pid);

        word = cli_read(&run.dir, "word");
        cr_expect_str_eq(word, "bye\n");
        cli_run_clear(&run);
}

Test(local_life, a_cli_that_floods_while_it_is_closed_can_write_its_last_words)
{
        CliRun run;
        g_autofree char *pid = NULL, *word = NULL;

        cli_run_init(&run,
                     "trap 'head -c 1000000 /dev/zero; echo bye > $d/word; exit 0' TERM\n" FOREVER);
        cli_run_start(&run);
        pid = cli_run_await(&run, "pid");
        cli_run_close(&run);
        word = cli_run_await(&run, "word");
        cli_await_gone(pid);

        cr_expect_str_eq(word, "bye");
        cli_run_clear(&run);
}

Test(local_life, closed_at_once_it_calls_nobody)
{
        CliRun run;

        cli_run_init(&run, "echo '" CLI_RESULT "'");
        cli_run_start(&run);
        cli_run_close(&run);
        cli_run_clear(&run);

        cli_run_init(&run, "");
        run.spec.cwd = "/no/such";
        cli_run_start(&run);
        cli_run_close(&run);
        cli_run_clear(&run);
}

static void
close_now(CliRun *run)
{
        cli_run_close(run);
}

Test(local_life, closed_from_inside_an_event_it_calls_nobody_any_more)
{
        CliRun run;
        g_autofree char *pid = NULL;

        cli_run_init(&run,
                     "echo '" CLI_MESSAGE("one") "'; echo '" CLI_MESSAGE("two") "'\n" FOREVER);
        run.on_event = close_now;
        cli_run_start(&run);
        cli_run_await_events(&run, 1);
        pid = cli_read(&run.dir, "pid");
        if (pid != NULL)
                cli_await_gone(g_strchomp(pid));

        cr_expect_eq(run.n_events, 1);
        cli_run_clear(&run);
}

Test(local_life, closed_from_inside_its_end_or_failure_it_is_gone)
{
        CliRun run;

        cli_run_init(&run, "echo '" CLI_RESULT "'");
        run.on_end = close_now;
        cli_run_start(&run);
        cli_run_finish(&run);
        cli_run_clear(&run);

        cli_run_init(&run, "");
        run.spec.cwd = "/no/such";
        run.on_end = close_now;
        cli_run_start(&run);
        cli_run_finish(&run);
        cr_expect_not_null(run.failure);
        cli_run_clear(&run);
}

Test(local_life, closed_while_paused_the_cli_ends)
{
        CliRun run;

        cli_run_init(&run, "exec yes '" CLI_MESSAGE("x") "'");
        cli_run_start(&run);
        cli_run_await_events(&run, 10);
        run.backend->klass->set_paused(run.backend, TRUE);
        cli_iterate();
        cli_run_clear(&run);
}

Test(local_life, fifty_at_once_all_end_and_leave_neither_descriptors_nor_zombies)
{
        static CliRun runs[50];
        guint n_fds;

        /* what GLib opens once for itself does not count */
        cli_run_init(&runs[0], "");
        cli_run_start(&runs[0]);
        cli_run_finish(&runs[0]);
        cli_run_clear(&runs[0]);
        n_fds = cli_count_fds();

        for (gsize i = 0; i < G_N_ELEMENTS(runs); i++) {
                cli_run_init(&runs[i],
                             "for i in 1 2 3; do echo '" CLI_MESSAGE("x") "'; done\n"
                                                                          "echo '" CLI_RESULT "'");
                cli_run_start(&runs[i]);
        }
        for (gsize i = 0; i < G_N_ELEMENTS(runs); i++) {
                cli_run_finish(&runs[i]);
                cr_expect_str_eq(runs[i].kinds->str,
                                 "run_started assistant_message assistant_message "
                                 "assistant_message result");
        }
        for (gsize i = 0; i < G_N_ELEMENTS(runs); i++)
                cli_run_close(&runs[i]);
        /* their guards are on their way, and reaped by the loop */
        while (waitid(P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOHANG | WNOWAIT) == 0)
                cli_iterate();
        cr_expect_eq(errno, ECHILD);
        cr_expect_eq(cli_count_fds(), n_fds);
        for (gsize i = 0; i < G_N_ELEMENTS(runs); i++)
                cli_run_clear(&runs[i]);
}

Test(local_life, failed_starts_leave_no_descriptors)
{
        guint n_fds;

        for (guint i = 0; i < 3; i++) {
                CliRun run;

                cli_run_init(&run, "");
                cr_assert(g_file_set_contents(run.spec.cli_path, "no program", -1, NULL));
                cr_assert_eq(chmod(run.spec.cli_path, 0755), 0);
                cli_run_start(&run);
                cli_run_finish(&run);
                cr_expect_not_null(run.failure);
                cli_run_clear(&run);
                if (i == 0)
                        n_fds = cli_count_fds();
        }
        cr_expect_eq(cli_count_fds(), n_fds);
}

Test(local_life, kill_all_ends_every_group_at_once)
{
        CliRun run;
        g_autofree char *pid = NULL, *child = NULL;

        cli_run_init(&run,
                     "sh -c 'trap \"\" TERM; echo $$ > '$d'/child; exec sleep 1000' &\n" FOREVER);
        cli_run_start(&run);
        pid = cli_run_await(&run, "pid");
        child = cli_run_await(&run, "child");
        asm_backend_local_kill_all();
        while (cli_is_running(pid) || cli_is_running(child))
                continue;
        cli_run_finish(&run);
        cli_run_clear(&run);
}

/* forked twice, in a session of its own, deaf to SIGTERM, and with a child like that */
#define RUNAWAY                                                                                    \
        "setsid sh -c 'trap \"\" TERM HUP; (setsid sh -c \"trap \\\"\\\" TERM HUP; echo \\$\\$ "   \
        "> '$d'/deep; exec sleep 1000\" &) ; echo $$ > '$d'/runaway; exec sleep 1000' "            \
        "</dev/null >/dev/null 2>&1 &\n"                                                           \
        "while [ ! -s $d/deep ] || [ ! -s $d/runaway ]; do sleep 0.01; done\n"

Test(local_life, what_has_left_its_group_and_its_parent_ends_with_the_cli)
{
        CliRun run;
        g_autofree char *runaway = NULL, *deep = NULL;

        cli_run_init(&run, RUNAWAY "echo '" CLI_RESULT "'");
        cli_run_start(&run);
        runaway = cli_run_await(&run, "runaway");
        deep = cli_run_await(&run, "deep");
        cli_run_finish(&run);
        cli_await_gone(runaway);
        cli_await_gone(deep);

        cr_expect_str_eq(run.kinds->str, "run_started result");
        cli_run_clear(&run);
}

Test(local_life, a_guard_that_is_killed_takes_the_cli_along_and_the_run_ends)
{
        CliRun run;
        g_autofree char *pid = NULL, *guard = NULL;

        cli_run_init(&run, "echo $PPID > $d/guard\n" FOREVER);
        cli_run_start(&run);
        pid = cli_run_await(&run, "pid");
        guard = cli_run_await(&run, "guard");
        kill((pid_t)g_ascii_strtoll(guard, NULL, 10), SIGKILL);
        cli_run_finish(&run);
        cli_await_gone(pid);

        cr_expect_str_eq(run.errors->str, "Codex CLI terminated by signal 9");
        cli_run_clear(&run);
}

Test(local_life, a_prompt_is_on_one_command_line_only)
{
        CliRun run;
        g_autofree char *guard = NULL, *path = NULL, *line = NULL;
        gsize len = 0;

        cli_run_init(&run, "echo $PPID > $d/guard\n" FOREVER);
        run.spec.prompt = "a prompt that nobody else says";
        cli_run_start(&run);
        guard = cli_run_await(&run, "guard");
        path = g_strdup_printf("/proc/%s/cmdline", guard);
        do {
                g_clear_pointer(&line, g_free);
                cr_assert(g_file_get_contents(path, &line, &len, NULL));
        } while (memmem(line, len, "nobody", 6) != NULL);

        cli_run_clear(&run);
}

Test(local_life, without_its_helper_a_run_says_what_is_missing)
{
        CliRun run;

        cli_run_init(&run, "");
        g_setenv("ASM_EXEC", "/no/such/asm_exec", TRUE);
        cli_run_start(&run);
        cli_run_finish(&run);

        cr_assert_not_null(run.failure);
        cr_expect_not_null(strstr(run.failure->message, "asm_exec"), "%s", run.failure->message);
        cli_run_clear(&run);
}

Test(local_life, a_killed_daemon_takes_the_cli_along_and_all_it_has_started)
{
        CliRun run;
        g_autofree char *pid = NULL, *runaway = NULL, *deep = NULL;
        pid_t daemon;

        cli_run_init(&run, RUNAWAY FOREVER);
        daemon = fork();
        if (daemon == 0) {
                cli_run_start(&run);
                for (;;)
                        cli_iterate();
        }
        pid = cli_run_await(&run, "pid");
        cr_assert(cli_is_running(pid));
        kill(daemon, SIGKILL);
        waitpid(daemon, NULL, 0);
        runaway = cli_read(&run.dir, "runaway");
        deep = cli_read(&run.dir, "deep");

        cli_await_gone(pid);
        cli_await_gone(g_strchomp(runaway));
        cli_await_gone(g_strchomp(deep));
        cli_run_clear(&run);
}
