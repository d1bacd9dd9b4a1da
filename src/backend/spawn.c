/* SPDX-License-Identifier: MIT */

/*
 * fork and exec, by hand, for three things that GSubprocess does not give:
 *
 *   - its child is reaped by a thread, at any time; a signal to the group may then reach a number
 *     that is not ours any more.
 *   - it waits inside the loop until exec is through. Here the child reports on a pipe: end of
 *     file (the pipe is close-on-exec) is success, else errno and the stage come out of it.
 *   - the child must reset what the daemon has set: ignored signals and the signal mask.
 *
 * Between this program and the CLI stands asm_exec, a small program that holds nothing but one end of a
 * socket (priv/erlang/c_src/asm_exec_guard.c):
 *
 *     asmd ---socket--- asm_exec --guard        0, 1, 2: the pipes, straight from asmd to the CLI
 *                           `-- CLI             3: the report pipe, closed by exec
 *                                `-- ...        4: the socket, only in asm_exec
 *
 * However this program ends, the socket closes, and then asm_exec ends the CLI and all that comes from
 * it, also what has forked twice and made a session of its own. The kernel's death signal would reach
 * the CLI alone, and none that has set-user-id rights.
 *
 * This program has threads (GIO's), so between fork and exec the child calls only what POSIX calls
 * async-signal-safe; all memory was made before. Signals are blocked around the fork, so that no
 * handler of ours runs in the child: GLib's would write into an eventfd that both share.
 */

#include "backend/spawn-private.h"

#include "backend/backend.h"

#include <glib-unix.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* the guard's ends, in the order of its descriptors */
enum {
        FD_STDIN,
        FD_STDOUT,
        FD_STDERR,
        FD_REPORT,
        FD_CONTROL,
        N_FDS,
};

#define KIND_SIGNAL 1

/* what execve() takes, made before the fork */
typedef struct {
        const char *path;
        char **argv; /* the strings are the spec's */
        char *const *envp;
} Guard;

typedef struct {
        int error;
        int stage;
} Report;

/* what this program was started with; zero: nothing was changed */
static struct rlimit inherited_fds;

void
asm_backend_local_raise_limits(void)
{
        struct rlimit limit;

        if (inherited_fds.rlim_max != 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
            limit.rlim_cur >= limit.rlim_max)
                return;
        inherited_fds = limit;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
                inherited_fds = (struct rlimit){ 0 };
}

void
asm_spawn_close_fd(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

static _Noreturn void
child_failed(int report_fd, AsmSpawnStage stage)
{
        Report report = { errno, (int)stage };
        ssize_t ignored = write(report_fd, &report, sizeof report);

        (void)ignored;
        _exit(127);
}

/* to their places; nothing else is open behind this */
static void
child_take_fds(int *fds)
{
        /* out of the way first: a daemon without a stdin has pipes at 0, 1 and 2 */
        for (int i = 0; i < N_FDS; i++) {
                int high = fcntl(fds[i], F_DUPFD, N_FDS);

                if (high < 0)
                        child_failed(fds[FD_REPORT], ASM_SPAWN_STAGE_SETUP);
                fds[i] = high;
        }
        for (int i = 0; i < N_FDS; i++) {
                if (dup2(fds[i], i) < 0)
                        child_failed(fds[FD_REPORT], ASM_SPAWN_STAGE_SETUP);
        }
        closefrom(N_FDS);
}

/* from here to exec: no memory, no GLib, nothing that is not async-signal-safe */
static _Noreturn void
child_run(const Guard *guard, int *fds)
{
        sigset_t none;

        /* away from the terminal of this program: a Ctrl-C there is not the guard's */
        setsid();
        for (int signo = 1; signo <= SIGRTMAX; signo++)
                signal(signo, SIG_DFL);
        /* not the limit that this program has raised for itself: select() breaks above 1024 */
        if (inherited_fds.rlim_max != 0)
                setrlimit(RLIMIT_NOFILE, &inherited_fds);
        child_take_fds(fds);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(guard->path, guard->argv, guard->envp);
        child_failed(FD_REPORT, ASM_SPAWN_STAGE_GUARD);
}

static gboolean
open_pipe(int *ret_read, int *ret_write)
{
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) != 0)
                return FALSE;
        *ret_read = ends[0];
        *ret_write = ends[1];
        return TRUE;
}

static gboolean
open_socket(int *ret_ours, int *ret_theirs)
{
        int ends[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
                return FALSE;
        *ret_ours = ends[0];
        *ret_theirs = ends[1];
        return TRUE;
}

static gboolean
open_fds(const AsmSpawnSpec *spec, AsmSpawn *spawn, int *child)
{
        if (spec->has_stdin) {
                if (!open_pipe(&child[FD_STDIN], &spawn->stdin_fd))
                        return FALSE;
        } else {
                child[FD_STDIN] = open("/dev/null", O_RDONLY | O_CLOEXEC);
                if (child[FD_STDIN] < 0)
                        return FALSE;
        }
        return open_pipe(&spawn->stdout_fd, &child[FD_STDOUT]) &&
               open_pipe(&spawn->stderr_fd, &child[FD_STDERR]) &&
               open_pipe(&spawn->report_fd, &child[FD_REPORT]) &&
               open_socket(&spawn->control_fd, &child[FD_CONTROL]);
}

static void
close_all(AsmSpawn *spawn)
{
        int *const fds[] = { &spawn->pidfd,    &spawn->control_fd, &spawn->report_fd,
                             &spawn->stdin_fd, &spawn->stdout_fd,  &spawn->stderr_fd };

        for (gsize i = 0; i < G_N_ELEMENTS(fds); i++)
                asm_spawn_close_fd(fds[i]);
}

/* Returns: 0 or errno */
static int
fork_guard(const Guard *guard, AsmSpawn *spawn, int *child)
{
        sigset_t all;
        sigset_t before;
        int error = 0;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        spawn->pid = fork();
        if (spawn->pid == 0)
                child_run(guard, child);
        if (spawn->pid < 0)
                error = errno;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (error != 0)
                return error;
        spawn->pidfd = (int)syscall(SYS_pidfd_open, spawn->pid, 0);
        if (spawn->pidfd >= 0)
                return 0;
        error = errno;
        kill(spawn->pid, SIGKILL);
        waitpid(spawn->pid, NULL, 0);
        return error;
}

/* @path, argv[0] of the CLI being the path that is executed, stands in front of its arguments */
static Guard
make_guard(const AsmSpawnSpec *spec, const char *path)
{
        guint n = g_strv_length((char **)spec->argv);
        Guard guard = { .path = path, .argv = g_new0(char *, n + 4), .envp = spec->envp };

        guard.argv[0] = (char *)path;
        guard.argv[1] = (char *)"--guard";
        guard.argv[2] = (char *)(spec->cwd != NULL ? spec->cwd : "");
        memcpy(guard.argv + 3, spec->argv, n * sizeof *guard.argv);
        return guard;
}

/*
 * A CLI that does not read its input must not end this program (GIO ignores SIGPIPE as well, once it
 * has made a socket), and a program that was started with SIGCHLD ignored would have no zombies.
 * Handlers that somebody has set stay.
 */
static void
prepare_signals(void)
{
        struct sigaction action;

        if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
                signal(SIGPIPE, SIG_IGN);
        if (sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
                signal(SIGCHLD, SIG_DFL);
}

char *
asm_spawn_find_guard(void)
{
        const char *named = g_getenv("ASM_EXEC");
        g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
        g_autofree char *dir = g_path_get_dirname(self != NULL ? self : "");
        char *places[] = { g_build_filename(dir, "asm_exec", NULL),
                           g_build_filename(dir, "..", "libexec", "asmd", "asm_exec", NULL),
                           g_strdup(ASM_LIBEXECDIR "/asm_exec") };
        char *found = named != NULL ? g_strdup(named) : NULL;

        for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
                if (found == NULL && g_file_test(places[i], G_FILE_TEST_IS_EXECUTABLE))
                        found = g_steal_pointer(&places[i]);
                g_free(places[i]);
        }
        return found;
}

int
asm_spawn_start(const AsmSpawnSpec *spec, AsmSpawn *ret_spawn)
{
        g_autofree char *path = asm_spawn_find_guard();
        /* the last place looked at is the one that the error names */
        Guard guard = make_guard(spec, path != NULL ? path : ASM_LIBEXECDIR "/asm_exec");
        AsmSpawn spawn = ASM_SPAWN_INIT;
        int child[N_FDS] = { -1, -1, -1, -1, -1 };
        int error;

        prepare_signals();
        error = open_fds(spec, &spawn, child) ? fork_guard(&guard, &spawn, child) : errno;
        g_free(guard.argv);
        for (gsize i = 0; i < G_N_ELEMENTS(child); i++)
                asm_spawn_close_fd(&child[i]);
        if (error != 0) {
                close_all(&spawn);
                return error;
        }
        g_unix_set_fd_nonblocking(spawn.report_fd, TRUE, NULL);
        g_unix_set_fd_nonblocking(spawn.control_fd, TRUE, NULL);
        g_unix_set_fd_nonblocking(spawn.stdout_fd, TRUE, NULL);
        g_unix_set_fd_nonblocking(spawn.stderr_fd, TRUE, NULL);
        if (spawn.stdin_fd >= 0)
                g_unix_set_fd_nonblocking(spawn.stdin_fd, TRUE, NULL);
        *ret_spawn = spawn;
        return 0;
}

int
asm_spawn_read_report(int report_fd, AsmSpawnStage *ret_stage)
{
        Report report;
        ssize_t n = read(report_fd, &report, sizeof report);

        if (n == 0)
                return 0;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return -1;
        *ret_stage = ASM_SPAWN_STAGE_SETUP;
        if (n != (ssize_t)sizeof report)
                return EIO;
        *ret_stage = (AsmSpawnStage)report.stage;
        return report.error;
}

gboolean
asm_spawn_read_exit(int control_fd, gint *ret_code, gint *ret_signo)
{
        guint8 message[3];
        ssize_t n = read(control_fd, message, sizeof message);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return FALSE;
        if (n == (ssize_t)sizeof message && message[1] != KIND_SIGNAL) {
                *ret_code = message[2];
                *ret_signo = 0;
                return TRUE;
        }
        *ret_code = -1;
        *ret_signo = n == (ssize_t)sizeof message ? message[2] : SIGKILL;
        return TRUE;
}

void
asm_spawn_signal(const AsmSpawn *spawn, int signo)
{
        char command = signo == SIGTERM ? 'T' : signo == SIGKILL ? 'K' : (char)signo;

        /* a guard that is gone has left nothing behind */
        send(spawn->control_fd, &command, 1, MSG_NOSIGNAL);
}
