/* SPDX-License-Identifier: MIT */
/*
 * A local backend and its CLI, a shell script: what the script prints and how it ends, against what
 * the listener hears. No test waits for a time to pass unless that nothing happens is the point.
 */
#include "cli-run.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(local, .timeout = 300);

/* each line of what a CLI does, and the story that the run hears */
static const struct {
        const char *body;
        const char *kinds;
        const char *error;
} stories[] = {
        { "echo '{\"type\":\"thread.started\",\"thread_id\":\"t\"}'\n"
          "echo '" CLI_MESSAGE("hi") "'\necho '" CLI_RESULT "'",
          "run_started raw assistant_message result",
          "" },
        { "printf '%s\\n%s' '" CLI_MESSAGE("hi") "' '" CLI_RESULT "'",
          "run_started assistant_message result",
          "" },
        { "printf '" CLI_RESULT "\\r\\n\\n   \\n'", "run_started result", "" },
        { "", "run_started result", "" },
        { "echo oops >&2; exit 3",
          "run_started stderr error",
          "Codex CLI exited with code 3: oops" },
        { "kill -9 $$", "run_started error", "Codex CLI terminated by signal 9" },
        { "echo 'no json'", "run_started error result", "not" },
        { "exec cat", "run_started result", "" },
};

Test(local, what_the_cli_does_is_told_in_order_and_then_its_end)
{
        for (gsize i = 0; i < G_N_ELEMENTS(stories); i++) {
                CliRun run;

                cli_run_init(&run, stories[i].body);
                cli_run_start(&run);
                cli_run_finish(&run);

                cr_expect_str_eq(run.kinds->str, stories[i].kinds, "%zu: %s", i, run.kinds->str);
                cr_expect_eq(run.n_ended, 1);
                cr_expect_null(run.failure);
                if (strcmp(stories[i].error, "not") != 0)
                        cr_expect_str_eq(run.errors->str, stories[i].error);
                cli_run_clear(&run);
        }
}

Test(local, a_cli_that_is_not_there_is_told_from_the_main_loop_and_nothing_else)
{
        CliRun run;

        cli_run_init(&run, "");
        cr_assert_eq(g_remove(run.spec.cli_path), 0);
        cli_run_start(&run);
        cr_assert_null(run.failure);
        cli_run_finish(&run);
        cli_iterate();

        cr_assert_eq(run.failure->kind, ASM_FAILURE_CLI_NOT_FOUND);
        cr_assert_eq(run.n_started + run.n_ended + run.n_events, 0);
        cli_run_clear(&run);
}

Test(local, what_cannot_be_executed_says_why)
{
        static const struct {
                const char *text;
                gsize len;
                AsmFailureKind kind;
                const char *message;
        } cases[] = {
                { "#!/no/such/interpreter\n", 23, ASM_FAILURE_CLI_NOT_FOUND, "interpreter" },
                { "echo no first line\n", 19, ASM_FAILURE_CLI_NOT_FOUND, "#!/bin/sh" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                CliRun run;

                cli_run_init(&run, "");
                cr_assert(g_file_set_contents_full(run.spec.cli_path,
                                                   cases[i].text,
                                                   (gssize)cases[i].len,
                                                   G_FILE_SET_CONTENTS_NONE,
                                                   0755,
                                                   NULL));
                cr_assert_eq(chmod(run.spec.cli_path, 0755), 0);
                cli_run_start(&run);
                cli_run_finish(&run);

                cr_expect_eq(run.failure->kind, cases[i].kind);
                cr_expect_not_null(strstr(run.failure->message, cases[i].message),
                                   "%s",
                                   run.failure->message);
                cr_expect_eq(run.n_started, 0);
                cli_run_clear(&run);
        }
}

Test(local, too_much_environment_for_exec_is_the_callers_mistake)
{
        CliRun run;
        g_autofree char *value = g_strnfill(100000, 'x');

        cli_run_init(&run, "");
        asm_builder_clear(&run.options);
        asm_builder_list(&run.options, 1);
        asm_builder_tuple(&run.options, 2);
        asm_builder_atom(&run.options, "env");
        asm_builder_map(&run.options, 100);
        for (guint i = 0; i < 100; i++) {
                asm_builder_text_printf(&run.options, "V%u", i);
                asm_builder_text(&run.options, value);
        }
        asm_builder_nil(&run.options);
        run.spec.options = asm_builder_peek(&run.options);
        cli_run_start(&run);
        cli_run_finish(&run);

        cr_assert_eq(run.failure->kind, ASM_FAILURE_CONFIG_INVALID, "%s", run.failure->message);
        cli_run_clear(&run);
}

Test(local, the_cli_gets_its_directory_arguments_and_prompt)
{
        CliRun run;
        g_autofree char *got = NULL, *expected = NULL;

        cli_run_init(&run, "{ pwd; for a in \"$@\"; do echo \"<$a>\"; done; } > $d/got");
        run.spec.cwd = run.dir.path;
        run.spec.prompt = "two words\n$HOME 'quoted'";
        cli_run_start(&run);
        cli_run_finish(&run);

        got = cli_read(&run.dir, "got");
        expected = g_strdup_printf("%s\n<exec>\n<--json>\n<two words\n$HOME 'quoted'>\n",
                                   run.dir.path);
        cr_expect_str_eq(got, expected);
        cli_run_clear(&run);
}

Test(local, the_cli_starts_with_three_descriptors_and_default_signals)
{
        CliRun run;
        g_autofree char *fds = NULL, *signals = NULL;
        int leaked = open("/dev/null", O_RDONLY);
        sigset_t blocked;

        signal(SIGPIPE, SIG_IGN);
        signal(SIGUSR2, SIG_IGN);
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGUSR1);
        sigprocmask(SIG_BLOCK, &blocked, NULL);
        /* 3 is what ls reads the directory with */
        cli_run_init(&run,
                     "ls /proc/self/fd | tr '\\n' ' ' > $d/fds\n"
                     "grep -E 'Sig(Blk|Ign)' /proc/self/status > $d/signals");
        cli_run_start(&run);
        cli_run_finish(&run);

        fds = cli_read(&run.dir, "fds");
        signals = cli_read(&run.dir, "signals");
        cr_expect_str_eq(fds, "0 1 2 3 ");
        cr_expect_str_eq(signals, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
        close(leaked);
        cli_run_clear(&run);
}

Test(local, a_daemon_without_stdin_and_stdout_starts_clis_all_the_same)
{
        CliRun run;
        int in = dup(0), out = dup(1);

        cli_run_init(&run, "cat || exit 9; echo '" CLI_RESULT "' || exit 9; echo late >&2");
        close(0);
        close(1);
        cli_run_start(&run);
        cli_run_finish(&run);
        dup2(in, 0);
        dup2(out, 1);
        close(in);
        close(out);

        cr_expect_null(run.failure);
        cr_expect_not_null(strstr(run.kinds->str, "result"), "%s", run.kinds->str);
        cr_expect_not_null(strstr(run.kinds->str, "stderr"), "%s", run.kinds->str);
        cr_expect_str_eq(run.errors->str, "");
        cli_run_clear(&run);
}

Test(local, input_reaches_a_cli_whose_stdin_stays_open_as_lines_until_its_end)
{
        CliRun run;
        g_autofree char *got = NULL;

        cli_run_init(&run, "cat > $d/got; echo '{\"type\":\"result\",\"subtype\":\"success\"}'");
        run.spec.provider = asm_provider_find("claude", NULL);
        cli_run_start(&run);
        run.backend->klass->send_input(run.backend, "one", 3);
        run.backend->klass->send_input(run.backend, "two\n", 4);
        cli_run_await_events(&run, 1);
        run.backend->klass->send_input(run.backend, "three", 5);
        run.backend->klass->end_input(run.backend);
        run.backend->klass->send_input(run.backend, "late", 4);
        cli_run_finish(&run);

        got = cli_read(&run.dir, "got");
        cr_expect_str_eq(got, "one\ntwo\nthree\n");
        cli_run_clear(&run);
}

Test(local, input_over_what_a_pipe_holds_waits_and_arrives_whole)
{
        CliRun run;
        g_autofree char *got = NULL;
        g_autofree char *data = g_strnfill(1024 * 1024, 'x');

        cli_run_init(&run, "while [ ! -e $d/go ]; do sleep 0.01; done; cat | wc -c > $d/got");
        run.spec.provider = asm_provider_find("claude", NULL);
        cli_run_start(&run);
        for (guint i = 0; i < 4; i++)
                run.backend->klass->send_input(run.backend, data, 1024 * 1024);
        run.backend->klass->end_input(run.backend);
        cli_run_await_events(&run, 1);
        g_free(cli_script(&run.dir, "go", ""));
        cli_run_finish(&run);

        got = cli_read(&run.dir, "got");
        cr_expect_str_eq(g_strstrip(got), "4194308");
        cli_run_clear(&run);
}

static void
deny(CliRun *run)
{
        if (strstr(run->kinds->str, "approval_requested") != NULL &&
            strstr(run->kinds->str, "approval_resolved") == NULL)
                run->backend->klass->approve(run->backend, "a", /* allow= */ FALSE, "no");
}

Test(local, a_cli_that_is_talked_with_gets_prompt_answer_and_the_end_of_its_input)
{
        CliRun run;
        g_autofree char *got = NULL;

        cli_run_init(&run,
                     "read -r line; echo \"$line\" > $d/got\n"
                     "echo '{\"type\":\"control_request\",\"request_id\":\"a\",\"request\":"
                     "{\"subtype\":\"can_use_tool\",\"tool_name\":\"Bash\",\"input\":{}}}'\n"
                     "read -r line; echo \"$line\" >> $d/got\n"
                     "echo '{\"type\":\"result\",\"subtype\":\"success\"}'\n"
                     "cat >> $d/got; echo end >> $d/got");
        run.spec.provider = asm_provider_find("claude", NULL);
        run.spec.answers_approvals = TRUE;
        run.on_event = deny;
        cli_run_start(&run);
        cli_run_finish(&run);

        got = cli_read(&run.dir, "got");
        cr_expect_str_eq(got,
                         "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":[{\"type\":"
                         "\"text\",\"text\":\"hello\"}]},\"parent_tool_use_id\":null,"
                         "\"session_id\":\"\"}\n"
                         "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\","
                         "\"request_id\":\"a\",\"response\":{\"behavior\":\"deny\","
                         "\"message\":\"no\"}}}\nend\n");
        cr_expect_eq(run.n_ended, 1);
        cli_run_clear(&run);
}

Test(local, a_cli_that_closes_its_stdin_does_not_end_us)
{
        CliRun run;
        g_autofree char *closed = NULL;

        signal(SIGPIPE, SIG_DFL);
        cli_run_init(&run,
                     "exec 0<&-; echo > $d/closed\n"
                     "while [ ! -e $d/go ]; do sleep 0.01; done");
        run.spec.provider = asm_provider_find("claude", NULL);
        cli_run_start(&run);
        closed = cli_run_await(&run, "closed");
        run.backend->klass->send_input(run.backend, "one", 3);
        run.backend->klass->send_input(run.backend, "two", 3);
        g_free(cli_script(&run.dir, "go", ""));
        cli_run_finish(&run);

        cr_expect_eq(run.n_ended, 1);
        cli_run_clear(&run);
}

Test(local, a_line_of_many_reads_arrives_whole_and_one_over_the_limit_is_an_error)
{
        CliRun run;

        cli_run_init(&run,
                     "m() { printf '{\"type\":\"item.completed\",\"item\":{\"type\":"
                     "\"agent_message\",\"text\":\"'; head -c $1 /dev/zero | tr '\\0' x; "
                     "printf '\"}}\\n'; }\nm 5000000; m 17000000; m 10");
        cli_run_start(&run);
        cli_run_finish(&run);

        cr_expect_str_eq(run.kinds->str,
                         "run_started assistant_message error assistant_message result");
        cr_expect_eq(run.text_len, 5000010, "%" G_GINT64_FORMAT, run.text_len);
        cli_run_clear(&run);
}

static void
pause_after_third(CliRun *run)
{
        if (run->n_events == 3)
                run->backend->klass->set_paused(run->backend, TRUE);
}

/* n lines of 100 bytes, then a mark that the last one is out */
#define FLOOD                                                                                      \
        "yes '" CLI_MESSAGE("0123456789012345678901234567890123") "' | head -n 20000\n"            \
                                                                  "echo done > $d/done\n"

Test(local, rules_about_lines_are_those_of_the_run)
{
        CliRun run;

        cli_run_init(&run, "echo oops; printf '%01025d\\n' 0; echo '" CLI_RESULT "'");
        asm_builder_clear(&run.options);
        asm_builder_list(&run.options, 2);
        asm_builder_tuple(&run.options, 2);
        asm_builder_atom(&run.options, "max_line_bytes");
        asm_builder_int(&run.options, 1024);
        asm_builder_tuple(&run.options, 2);
        asm_builder_atom(&run.options, "on_parse_error");
        asm_builder_atom(&run.options, "skip");
        asm_builder_nil(&run.options);
        run.spec.options = asm_builder_peek(&run.options);
        cli_run_start(&run);
        cli_run_finish(&run);

        cr_expect_str_eq(run.kinds->str, "run_started raw error result", "%s", run.kinds->str);
        cr_expect_not_null(strstr(run.errors->str, "the limit of 1024 bytes"));
        cli_run_clear(&run);
}

Test(local, a_paused_cli_waits_in_its_write_and_loses_nothing)
{
        CliRun run;
        g_autofree char *before = NULL;
        gint64 until;

        cli_run_init(&run, FLOOD);
        run.on_event = pause_after_third;
        cli_run_start(&run);
        cli_run_await_events(&run, 3);
        until = g_get_monotonic_time() + 200 * 1000;
        while (g_get_monotonic_time() < until)
                cli_iterate();
        before = cli_read(&run.dir, "done");
        cr_expect_null(before, "the CLI was not stopped");
        cr_expect_eq(run.n_events, 3, "%u events", run.n_events);

        run.backend->klass->set_paused(run.backend, FALSE);
        cli_run_finish(&run);

        cr_expect_eq(run.n_events, 20002, "%u", run.n_events);
        cr_expect_eq(run.text_len, 20000 * 34);
        cli_run_clear(&run);
}

static void
pause_always(CliRun *run)
{
        run->backend->klass->set_paused(run->backend, TRUE);
}

Test(local, a_listener_that_pauses_at_each_event_gets_them_one_by_one_also_after_the_exit)
{
        CliRun run;
        guint n_seen = 0;
        g_autofree char *pid = NULL;

        cli_run_init(&run,
                     "echo $$ > $d/pid; for i in 1 2 3 4 5; do echo '" CLI_MESSAGE(
                             "x") "'; done\n"
                                  "printf '" CLI_RESULT "'");
        run.on_event = pause_always;
        cli_run_start(&run);
        pid = cli_run_await(&run, "pid");
        cli_await_gone(pid);
        while (run.n_ended == 0) {
                cr_assert_leq(run.n_events, n_seen + 1);
                n_seen = run.n_events;
                run.backend->klass->set_paused(run.backend, FALSE);
                cli_iterate();
        }

        cr_expect_eq(run.n_events, 7, "%s", run.kinds->str);
        cli_run_clear(&run);
}

Test(local, lines_that_were_read_before_a_pause_come_after_it_also_from_a_silent_cli)
{
        CliRun run;

        cli_run_init(&run,
                     "printf '%s\\n%s\\n%s\\n' '" CLI_MESSAGE("1") "' '" CLI_MESSAGE(
                             "2") "' '" CLI_MESSAGE("3") "'\n"
                                                         "exec sleep 1000");
        run.on_event = pause_always;
        cli_run_start(&run);
        for (guint i = 1; i <= 4; i++) {
                cli_run_await_events(&run, i);
                run.backend->klass->set_paused(run.backend, FALSE);
        }

        cr_expect_eq(run.text_len, 3);
        cli_run_clear(&run);
}

Test(local, one_with_much_to_say_does_not_keep_another_waiting)
{
        CliRun loud, quiet;

        cli_run_init(&loud, "exec yes '" CLI_MESSAGE("x") "'");
        cli_run_init(&quiet, "echo '" CLI_RESULT "'");
        cli_run_start(&loud);
        cli_run_await_events(&loud, 1000);
        cli_run_start(&quiet);
        cli_run_finish(&quiet);

        cr_expect_eq(quiet.n_ended, 1);
        cr_expect_eq(loud.n_ended, 0);
        cli_run_close(&loud);
        cli_run_clear(&quiet);
        cli_run_clear(&loud);
}
