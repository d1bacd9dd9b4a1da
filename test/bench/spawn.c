/* SPDX-License-Identifier: MIT */
/*
 * bench-spawn CLI N: starts CLI, which prints a line of JSON, N times one after the other, each
 * time by posix_spawn with a pipe and then through the local backend. Prints the median and the 99th
 * percentile, in microseconds, of the time from the call to the first line or event of the CLI:
 *
 *      posix_spawn MEDIAN P99
 *      backend MEDIAN P99
 */

#include "backend/backend.h"

#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef struct {
        GMainLoop *loop;
        gint64 start_us;
        gint64 first_us; /* 0: nothing yet */
        gboolean has_failed;
} Trial;

static gint64
time_plain(const char *cli)
{
        char *const argv[] = { (char *)cli, (char *)"exec", (char *)"--json", (char *)"hi", NULL };
        posix_spawn_file_actions_t actions;
        gint64 start_us = g_get_monotonic_time(), taken_us;
        char line[4096];
        int fds[2];
        pid_t pid;

        if (pipe(fds) != 0)
                return -1;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
        posix_spawn_file_actions_addclose(&actions, fds[0]);
        posix_spawn_file_actions_addclose(&actions, fds[1]);
        if (posix_spawn(&pid, cli, &actions, NULL, argv, environ) != 0)
                return -1;
        close(fds[1]);
        if (read(fds[0], line, sizeof line) <= 0)
                return -1;
        taken_us = g_get_monotonic_time() - start_us;
        close(fds[0]);
        waitpid(pid, NULL, 0);
        posix_spawn_file_actions_destroy(&actions);
        return taken_us;
}

static void
on_started(gpointer user_data)
{
}

/* run_started is made here; the first event of the CLI itself counts */
static void
on_event(AsmView view, gpointer user_data)
{
        Trial *trial = user_data;
        AsmCoreEvent event;

        if (trial->first_us == 0 && asm_core_event_from_view(view, &event) &&
            event.kind != ASM_EVENT_RUN_STARTED)
                trial->first_us = g_get_monotonic_time();
}

static void
on_failed(const AsmFailure *failure, gpointer user_data)
{
        Trial *trial = user_data;

        g_printerr("bench-spawn: %s\n", failure->message);
        trial->has_failed = TRUE;
        g_main_loop_quit(trial->loop);
}

static void
on_ended(AsmView reason, gpointer user_data)
{
        Trial *trial = user_data;

        g_main_loop_quit(trial->loop);
}

static const AsmBackendListener listener = { on_started, on_event, on_failed, on_ended };

static gint64
time_backend(const char *cli, GMainLoop *loop)
{
        g_auto(AsmBuilder) nothing = ASM_BUILDER_INIT;
        AsmBackendContext context = { 0 };
        AsmBackendSpec spec = { .provider = asm_provider_find("codex", NULL),
                                .run_id = "bench",
                                .session_id = "bench",
                                .prompt = "hi",
                                .cli_path = cli };
        Trial trial = { .loop = loop, .start_us = g_get_monotonic_time() };
        AsmBackend *backend;

        asm_builder_nil(&nothing);
        spec.options = asm_builder_peek(&nothing);
        backend = asm_backend_local.start(&context, &spec, &listener, &trial);
        g_main_loop_run(loop);
        asm_backend_local.close(backend, 0);
        return trial.has_failed || trial.first_us == 0 ? -1 : trial.first_us - trial.start_us;
}

static int
compare(const void *a, const void *b)
{
        gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

        return (x > y) - (x < y);
}

static void
print(const char *what, gint64 *times, guint n)
{
        qsort(times, n, sizeof *times, compare);
        g_print("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n",
                what,
                times[n / 2],
                times[n - 1 - n / 100]);
}

int
main(int argc, char **argv)
{
        g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
        guint64 n = 0;
        g_autofree gint64 *plain = NULL, *backend = NULL;

        if (argc != 3 || !g_ascii_string_to_unsigned(argv[2], 10, 1, 100000, &n, NULL)) {
                g_printerr("usage: bench-spawn CLI N\n");
                return 2;
        }
        plain = g_new(gint64, n);
        backend = g_new(gint64, n);
        /* in turns, so that what else the machine does hits both */
        for (guint i = 0; i < n; i++) {
                plain[i] = time_plain(argv[1]);
                backend[i] = time_backend(argv[1], loop);
                if (plain[i] < 0 || backend[i] < 0)
                        return 1;
        }
        print("posix_spawn", plain, (guint)n);
        print("backend", backend, (guint)n);
        return 0;
}
