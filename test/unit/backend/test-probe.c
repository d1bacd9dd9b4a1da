/* SPDX-License-Identifier: MIT */
/* What a CLI says of its version, and what is told of one that says nothing, fails or hangs. */
#include "backend/probe.h"

#include "backend/backend.h"

#include "../../support/loop.h"
#include "cli-script.h"
#include <criterion/criterion.h>
#include <string.h>

TestSuite(probe, .timeout = 300);

typedef struct {
        AsmProbe *probe;
        char *path;
        char *version;
        char *problem;
        guint n_calls;
} Answer;

static void
on_answer(const AsmProbeResult *result, gpointer user_data)
{
        Answer *answer = user_data;

        answer->n_calls++;
        answer->path = g_strdup(result->path);
        answer->version = g_strdup(result->version);
        answer->problem = g_strdup(result->problem);
}

static void
answer_clear(Answer *answer)
{
        asm_probe_free(answer->probe);
        g_free(answer->path);
        g_free(answer->version);
        g_free(answer->problem);
}

/* asks a codex that is this script */
static void
ask(Answer *answer, AsmTimers *timers, const char *script, guint timeout_ms)
{
        CliDir dir;
        g_autofree char *path = NULL;

        *answer = (Answer){ 0 };
        cli_dir_init(&dir);
        path = script != NULL ? cli_script(&dir, "codex", script) : g_strdup("/nowhere/codex");
        g_setenv("CODEX_PATH", path, TRUE);
        answer->probe = asm_probe_start(timers,
                                        asm_provider_find("codex", NULL),
                                        timeout_ms,
                                        on_answer,
                                        answer);
        cr_expect_eq(answer->n_calls, 0, "it is answered from the main loop");
        while (answer->n_calls == 0)
                g_main_context_iteration(NULL, /* may_block= */ TRUE);
        cli_dir_clear(&dir);
}

Test(probe, the_first_line_that_says_something_is_the_version)
{
        static const struct {
                const char *script;
                const char *version;
                const char *problem;
        } cases[] = {
                { "echo codex-cli 1.2", "codex-cli 1.2", NULL },
                { "echo; echo '  2.0  '; echo 3.0", "2.0", NULL },
                { "printf 4.0", "4.0", NULL },
                { "[ \"$*\" = --version ] && echo yes", "yes", NULL },
                { "printf 'a\\377b\\n'",
                  "a\xEF\xBF\xBD"
                  "b",
                  NULL },
                { "true", NULL, "printed nothing" },
                { "echo 1.0; exit 3", NULL, "exited with code 3" },
                { "kill -KILL $$", NULL, "signal 9" },
                { "echo oops >&2; exit 1", NULL, "exited with code 1" },
        };
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                Answer answer;

                ask(&answer, timers, cases[i].script, 60000);
                cr_expect_eq(g_strcmp0(answer.version, cases[i].version), 0, "%s", answer.version);
                cr_expect_eq(answer.problem == NULL, cases[i].problem == NULL);
                if (cases[i].problem != NULL)
                        cr_expect_not_null(strstr(answer.problem, cases[i].problem),
                                           "%s",
                                           answer.problem);
                cr_expect_not_null(answer.path);
                answer_clear(&answer);
        }
}

Test(probe, a_version_is_cut_at_120_characters)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        Answer answer;

        ask(&answer, timers, "head -c 121 /dev/zero | tr '\\0' x; echo", 60000);
        cr_expect_eq(strlen(answer.version), 120);
        answer_clear(&answer);
}

Test(probe, a_cli_that_is_not_there_has_no_path_and_the_reason_names_it)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        Answer answer;

        ask(&answer, timers, NULL, 60000);
        cr_expect_null(answer.path);
        cr_expect_null(answer.version);
        cr_expect_not_null(strstr(answer.problem, "/nowhere/codex"), "%s", answer.problem);
        answer_clear(&answer);
}

Test(probe, a_cli_that_hangs_is_ended_and_said_to_hang)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        Answer answer;

        ask(&answer, timers, "echo 1.0; sleep 100000", 200);
        cr_expect_null(answer.version);
        cr_expect_not_null(strstr(answer.problem, "within 200 ms"), "%s", answer.problem);
        answer_clear(&answer);
        while (asm_backend_local_count() > 0)
                g_main_context_iteration(NULL, /* may_block= */ TRUE);
}
