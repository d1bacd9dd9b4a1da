/* SPDX-License-Identifier: MIT */
/*
 * What somebody at a terminal waits for. Prints the median and the 99th percentile in microseconds.
 *
 * bench-terminal command N PROGRAM ARGUMENT...
 *      from the start of the program to its end, its output read from a pipe
 * bench-terminal token N PROGRAM ARGUMENT...
 *      the program is run on a terminal of its own and must run the prompt "token" with this
 *      program as the provider's CLI, which is then started as
 * bench-terminal exec ... PROMPT
 *      and plays codex: with "token" it is quiet for a while and then prints the time as the first
 *      token of its answer. What counts is the time from then until it is on the terminal, so the way
 *      from the CLI to the daemon is in it. Any other prompt streams a token in every 20 ms.
 */

#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <pty.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* the agent thinks for so long: everybody is asleep when the token comes */
#define QUIET_US 50000
#define PACE_US  20000

#define GIVE_UP_MS 30000

/* --- the CLI ---------------------------------------------------------------------------------- */

static int
play_cli(const char *prompt)
{
        gboolean is_token = strcmp(prompt, "token") == 0;

        setvbuf(stdout, NULL, _IOLBF, 0);
        puts("{\"type\":\"thread.started\",\"thread_id\":\"bench\"}");
        g_usleep(QUIET_US);
        do {
                printf("{\"type\":\"response.output_text.delta\",\"delta\":\"<%" G_GINT64_FORMAT
                       "> \"}\n",
                       g_get_monotonic_time());
                if (!is_token)
                        g_usleep(PACE_US);
        } while (!is_token && !ferror(stdout));
        puts("{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}");
        return 0;
}

/* --- the clocks ------------------------------------------------------------------------------- */

/* -1: it could not be started, or did not end well */
static gint64
time_command(char **argv)
{
        gint64 start_us = g_get_monotonic_time(), taken_us;
        posix_spawn_file_actions_t actions;
        int fds[2], status = -1;
        char text[4096];
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) != 0)
                return -1;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
        if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) != 0)
                return -1;
        close(fds[1]);
        while (read(fds[0], text, sizeof(text)) > 0)
                ;
        waitpid(pid, &status, 0);
        taken_us = g_get_monotonic_time() - start_us;
        close(fds[0]);
        posix_spawn_file_actions_destroy(&actions);
        return status == 0 ? taken_us : -1;
}

/* the time in "<TIME>" on the screen; 0: it is not there yet */
static gint64
find_token(const GString *screen)
{
        const char *start = strchr(screen->str, '<');
        char *end = NULL;
        gint64 time = start != NULL ? g_ascii_strtoll(start + 1, &end, 10) : 0;

        return end != NULL && *end == '>' ? time : 0;
}

static gint64
read_token(int terminal)
{
        g_autoptr(GString) screen = g_string_new(NULL);
        struct pollfd poll_fd = { .fd = terminal, .events = POLLIN };
        gint64 taken_us = -1;
        char text[4096];
        ssize_t len;

        while (poll(&poll_fd, 1, GIVE_UP_MS) == 1 &&
               (len = read(terminal, text, sizeof(text))) > 0) {
                gint64 now_us = g_get_monotonic_time(), token_us;

                g_string_append_len(screen, text, len);
                token_us = find_token(screen);
                if (token_us != 0 && taken_us < 0)
                        taken_us = now_us - token_us;
        }
        if (taken_us < 0)
                fprintf(stderr, "no token: %s\n", screen->str);
        return taken_us;
}

static gint64
time_token(char **argv)
{
        gint64 taken_us;
        int terminal;
        pid_t pid = forkpty(&terminal, NULL, NULL, NULL);

        if (pid < 0)
                return -1;
        if (pid == 0) {
                execv(argv[0], argv);
                _exit(127);
        }
        taken_us = read_token(terminal);
        close(terminal);
        waitpid(pid, NULL, 0);
        return taken_us;
}

static int
compare(const void *a, const void *b)
{
        gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

        return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
        g_autofree gint64 *times = NULL;
        gboolean is_token;
        int n;

        if (argc > 2 && strcmp(argv[1], "exec") == 0)
                return play_cli(argv[argc - 1]);
        if (argc < 4 || (n = atoi(argv[2])) < 1) {
                fputs("usage: bench-terminal command|token N PROGRAM [ARGUMENT]...\n", stderr);
                return 2;
        }
        is_token = strcmp(argv[1], "token") == 0;
        times = g_new(gint64, n);
        /* the first ones find cold caches */
        for (int i = -2; i < n; i++) {
                gint64 taken_us = is_token ? time_token(argv + 3) : time_command(argv + 3);

                if (taken_us < 0)
                        return 1;
                times[MAX(i, 0)] = taken_us;
        }
        qsort(times, (size_t)n, sizeof(*times), compare);
        printf("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", times[n / 2], times[n * 99 / 100]);
        return 0;
}
