/* SPDX-License-Identifier: MIT */
#include "cli-run.h"
#include "kit-dir.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

TestSuite(kit, .timeout = 300);

#define READY  "echo '{\"type\":\"ready\",\"version\":1}'\n"
#define DELTA  "{\"type\":\"event\",\"kind\":\"assistant_delta\",\"payload\":{\"content\":\"x\"}}"
#define RESULT "echo '{\"type\":\"event\",\"kind\":\"result\",\"payload\":{}}'\n"

static void
kit_run_init(CliRun *run, const char *body, const char *more)
{
        cli_run_init(run, "");
        run->klass = &asm_backend_kit;
        kit_dir_install(&run->dir, body, more);
}

static void
expect_failure(const char *body, const char *more, AsmFailureKind kind, const char *part)
{
        CliRun run;

        kit_run_init(&run, body, more);
        cli_run_start(&run);
        cli_run_finish(&run);
        cr_assert_not_null(run.failure, "%s", body);
        cr_expect_eq(run.failure->kind, kind, "%d: %s", run.failure->kind, run.failure->message);
        cr_expect(strstr(run.failure->message, "kit ") == run.failure->message,
                  "%s",
                  run.failure->message);
        cr_expect(strstr(run.failure->message, part) != NULL, "%s", run.failure->message);
        cr_expect_str_eq(run.failure->provider, "codex");
        cli_run_clear(&run);
}

Test(kit, a_run_is_what_the_kit_tells)
{
        CliRun run;

        kit_run_init(&run, "read -r start\n" READY "echo '" DELTA "'\n" RESULT, "");
        cli_run_start(&run);
        cli_run_finish(&run);
        cr_expect_null(run.failure);
        cr_expect_str_eq(run.kinds->str, "run_started assistant_delta result");
        cr_expect_eq(run.n_ended, 1);
        cli_run_clear(&run);
}

Test(kit, lines_that_come_byte_by_byte_are_the_same)
{
        CliRun run;

        kit_run_init(&run,
                     "read -r start\n( " READY "echo '" DELTA "'\n" RESULT
                     ") | dd bs=1 2>/dev/null",
                     "");
        cli_run_start(&run);
        cli_run_finish(&run);
        cr_expect_str_eq(run.kinds->str, "run_started assistant_delta result");
        cli_run_clear(&run);
}

Test(kit, a_kit_is_told_what_to_do_and_not_the_environment)
{
        CliRun run;
        g_autofree char *start = NULL, *token = NULL, *where = NULL;

        kit_run_init(&run,
                     "read -r start\nprintf '%s\\n' \"$start\" >$d/start.new\n"
                     "echo \"$TOKEN\" >$d/token\npwd >$d/where\nmv $d/start.new $d/start\n" READY
                     "cat >/dev/null",
                     "");
        run.spec.cwd = run.dir.path;
        asm_builder_reset(&run.options);
        asm_builder_list(&run.options, 2);
        asm_builder_tuple(&run.options, 2);
        asm_builder_atom(&run.options, "env");
        asm_builder_map(&run.options, 1);
        asm_builder_text(&run.options, "TOKEN");
        asm_builder_text(&run.options, "s3cret");
        asm_builder_tuple(&run.options, 2);
        asm_builder_atom(&run.options, "model");
        asm_builder_text(&run.options, "m");
        asm_builder_nil(&run.options);
        run.spec.options = asm_builder_peek(&run.options);
        cli_run_start(&run);
        start = cli_run_await(&run, "start");
        token = cli_read(&run.dir, "token");
        where = cli_read(&run.dir, "where");
        cr_expect(strstr(start, "\"model\":\"m\"") != NULL, "%s", start);
        cr_expect(strstr(start, "\"prompt\":\"hello\"") != NULL, "%s", start);
        cr_expect(strstr(start, "s3cret") == NULL, "%s", start);
        cr_expect_str_eq(token, "s3cret\n");
        cr_expect(g_str_has_prefix(where, run.dir.path), "%s", where);
        cli_run_clear(&run);
}

Test(kit, a_decision_input_and_an_interrupt_reach_the_kit_and_then_close_and_the_end)
{
        CliRun run;
        g_autofree char *told = NULL;

        kit_run_init(&run,
                     "read -r start\n" READY "while read -r line; do printf '%s\\n' \"$line\" "
                     ">>$d/told.new; done\nmv $d/told.new $d/told",
                     "");
        cli_run_start(&run);
        cli_run_await_events(&run, 1);
        asm_backend_kit.approve(run.backend, "a1", TRUE, NULL);
        asm_backend_kit.send_input(run.backend, "more", 4);
        asm_backend_kit.end_input(run.backend);
        asm_backend_kit.interrupt(run.backend);
        cli_run_close(&run);
        told = cli_run_await(&run, "told");
        cr_expect_str_eq(told,
                         "{\"type\":\"approve\",\"approval_id\":\"a1\",\"decision\":\"allow\","
                         "\"reason\":null}\n{\"type\":\"input\",\"text\":\"more\"}\n"
                         "{\"type\":\"input\",\"text\":null}\n{\"type\":\"interrupt\"}\n"
                         "{\"type\":\"close\"}");
        cli_run_clear(&run);
}

Test(kit, a_kit_of_another_version_does_not_start)
{
        expect_failure("echo '{\"type\":\"ready\",\"version\":2}'; cat >/dev/null",
                       "",
                       ASM_FAILURE_CONFIG_INVALID,
                       "version 2");
}

Test(kit, a_kit_can_say_why_it_does_not_start)
{
        expect_failure("echo '{\"type\":\"error\",\"code\":\"auth_error\",\"message\":\"log in\"}'",
                       "",
                       ASM_FAILURE_AUTH_ERROR,
                       "kit test: log in");
}

Test(kit, a_kit_that_is_not_ready_in_time_is_ended)
{
        expect_failure("echo $$ >$d/pid; exec sleep 600",
                       ",\"start_timeout_ms\":100",
                       ASM_FAILURE_TIMEOUT,
                       "not ready after 100 ms");
}

Test(kit, a_kit_that_dies_before_it_is_ready_leaves_its_last_words)
{
        expect_failure("echo 'no module named agent' >&2; exit 3",
                       "",
                       ASM_FAILURE_TRANSPORT_ERROR,
                       "(exit status 3): no module named agent");
        expect_failure("kill -KILL $$", "", ASM_FAILURE_TRANSPORT_ERROR, "(signal 9)");
        expect_failure("exit 0", "", ASM_FAILURE_TRANSPORT_ERROR, "(exit status 0)");
}

Test(kit, a_first_line_that_is_no_answer_is_a_failure)
{
        expect_failure("echo Welcome; cat >/dev/null", "", ASM_FAILURE_PARSE_ERROR, "'Welcome'");
        expect_failure("echo '" DELTA "'; cat >/dev/null", "", ASM_FAILURE_PARSE_ERROR, "ready");
        expect_failure("head -c 17000000 /dev/zero | tr '\\0' x; cat >/dev/null",
                       "",
                       ASM_FAILURE_BUFFER_OVERFLOW,
                       "16777216 bytes");
}

Test(kit, a_kit_that_cannot_be_executed_is_a_failure)
{
        CliRun run;
        g_autofree char *program = NULL;

        kit_run_init(&run, "", "");
        program = kit_dir_file(&run.dir, "kit");
        cr_assert_eq(g_chmod(program, 0644), 0);
        cli_run_start(&run);
        cli_run_finish(&run);
        cr_expect_eq(run.failure->kind, ASM_FAILURE_CONFIG_INVALID);
        cli_run_clear(&run);
}

Test(kit, an_interpreter_that_is_missing_is_a_failure)
{
        CliRun run;
        g_autofree char *program = NULL;

        kit_run_init(&run, "", "");
        program = kit_dir_file(&run.dir, "kit");
        cr_assert(g_file_set_contents(program, "#!/nowhere/sh\n", -1, NULL));
        cr_assert_eq(g_chmod(program, 0755), 0);
        cli_run_start(&run);
        cli_run_finish(&run);
        cr_expect_eq(run.failure->kind, ASM_FAILURE_CLI_NOT_FOUND);
        cr_expect(strstr(run.failure->message, "interpreter") != NULL, "%s", run.failure->message);
        cli_run_clear(&run);
}

Test(kit, a_kit_that_dies_later_is_an_error_with_its_status)
{
        CliRun run;

        kit_run_init(&run, "read -r start\n" READY "echo broken >&2\nexit 4", "");
        cli_run_start(&run);
        cli_run_finish(&run);
        cr_expect_str_eq(run.errors->str, "kit test exited with code 4: broken");
        cli_run_clear(&run);
}

Test(kit, what_a_kit_says_on_stderr_before_it_is_ready_is_told_when_it_is)
{
        CliRun run;

        kit_run_init(&run, "echo early >&2\nread -r start\nsleep 0.1\n" READY RESULT, "");
        cli_run_start(&run);
        cli_run_finish(&run);
        cr_expect_str_eq(run.kinds->str, "run_started stderr result");
        cli_run_clear(&run);
}

Test(kit, a_line_over_the_limit_is_an_error_that_names_it)
{
        CliRun run;

        kit_run_init(&run,
                     "read -r start\n" READY "head -c 17000000 /dev/zero | tr '\\0' x\necho\n"
                     "cat >/dev/null",
                     "");
        cli_run_start(&run);
        cli_run_await_events(&run, 2);
        cr_expect(strstr(run.errors->str, "16777216 bytes") != NULL, "%s", run.errors->str);
        cli_run_clear(&run);
}

static void
pause_at_100(CliRun *run)
{
        if (run->n_events == 100)
                asm_backend_kit.set_paused(run->backend, TRUE);
}

Test(kit, a_kit_that_floods_waits_for_its_listener_and_ends_when_it_is_closed)
{
        CliRun run;
        g_autofree char *pid = NULL;

        kit_run_init(&run, "read -r start\necho $$ >$d/pid\n" READY "exec yes '" DELTA "'", "");
        run.on_event = pause_at_100;
        cli_run_start(&run);
        cli_run_await_events(&run, 100);
        for (int i = 0; i < 20; i++)
                cli_iterate();
        cr_expect_eq(run.n_events, 100);
        run.on_event = NULL;
        asm_backend_kit.set_paused(run.backend, FALSE);
        cli_run_await_events(&run, 5000);
        pid = cli_run_await(&run, "pid");
        cli_run_close(&run);
        cli_await_gone(pid);
        cli_run_clear(&run);
}

Test(kit, a_kit_that_does_not_want_to_go_and_its_children_are_killed)
{
        CliRun run;
        g_autofree char *pid = NULL, *child = NULL;

        kit_run_init(&run,
                     "trap '' TERM\nread -r start\nsleep 600 &\necho $! >$d/child\necho $$ "
                     ">$d/pid\n" READY "while :; do sleep 1; done",
                     "");
        cli_run_start(&run);
        cli_run_await_events(&run, 1);
        pid = cli_run_await(&run, "pid");
        child = cli_run_await(&run, "child");
        cli_run_close(&run);
        cli_await_gone(pid);
        cli_await_gone(child);
        cli_run_clear(&run);
}

Test(kit, no_descriptor_is_left)
{
        guint before;

        for (int i = 0; i < 3; i++) {
                CliRun run;

                kit_run_init(&run, "read -r start\n" READY RESULT, "");
                before = cli_count_fds();
                cli_run_start(&run);
                cli_run_finish(&run);
                cli_run_clear(&run);
                if (i > 0)
                        cr_expect_eq(cli_count_fds(), before);
        }
}
