/* SPDX-License-Identifier: MIT */

/*
 * fork and exec, by hand, for three things that GSubprocess does not give:
 *
 *   - its child is reaped by a thread, at any time; a signal to the group may then reach a number
 *     that is not ours any more. Ours stays a zombie until the group got its last signal.
 *   - it waits inside the loop until exec is through. Here the child reports on a pipe: end of
 *     file (the pipe is close-on-exec) is success, else errno and the stage come out of it.
 *   - the child must reset what the daemon has set: ignored signals and the signal mask.
 *
 * This program has threads (GIO's), so between fork and exec the child calls only what POSIX calls
 * async-signal-safe; all memory was made before. Signals are blocked around the fork, so that no
 * handler of ours runs in the child: GLib's would write into an eventfd that both share.
 *
 * If this program is killed, the kernel kills the CLI (PR_SET_PDEATHSIG; it looks at the thread that
 * has forked, which is the main one). That signal reaches the leader only. Its children keep running until they write into a broken pipe, and so does a CLI
 * that forks and lets its parent exit: the attribute is not inherited. It is dropped as well by
 * executing a set-user-id file. What leaves the process group (another setsid()) is out of
 * reach of every signal sent here. In all of these cases an orderly end, which signals the group,
 * does more than being killed.
 */

#include "backend/spawn-private.h"

#include <glib-unix.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
        int stdio[3]; /* the child's ends */
        int report;
} ChildFds;

typedef struct {
        int error;
        int stage;
} Report;

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

/* 0, 1, 2 and the report at 3; nothing else is open behind this */
static void
child_take_fds(ChildFds *fds)
{
        int *const from[] = { &fds->stdio[0], &fds->stdio[1], &fds->stdio[2], &fds->report };

        /* out of the way first: a daemon without a stdin has pipes at 0, 1 and 2 */
        for (int i = 0; i < 4; i++) {
                int high = fcntl(*from[i], F_DUPFD, 4);

                if (high < 0)
                        child_failed(fds->report, ASM_SPAWN_STAGE_SETUP);
                *from[i] = high;
        }
        for (int i = 0; i < 4; i++) {
                if (dup2(*from[i], i) < 0)
                        child_failed(fds->report, ASM_SPAWN_STAGE_SETUP);
        }
        fds->report = 3;
        fcntl(3, F_SETFD, FD_CLOEXEC);
        closefrom(4);
}

/* from here to exec: no memory, no GLib, nothing that is not async-signal-safe */
static _Noreturn void
child_run(const AsmSpawnSpec *spec, ChildFds *fds, pid_t parent)
{
        sigset_t none;

        setsid();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* it may have died before it could mean anything to us */
        if (getppid() != parent)
                _exit(127);
        for (int signo = 1; signo <= SIGRTMAX; signo++)
                signal(signo, SIG_DFL);
        child_take_fds(fds);
        if (spec->cwd != NULL && chdir(spec->cwd) != 0)
                child_failed(fds->report, ASM_SPAWN_STAGE_CWD);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(spec->path, spec->argv, spec->envp);
        child_failed(fds->report, ASM_SPAWN_STAGE_EXEC);
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
open_fds(const AsmSpawnSpec *spec, AsmSpawn *spawn, ChildFds *child)
{
        if (spec->has_stdin) {
                if (!open_pipe(&child->stdio[0], &spawn->stdin_fd))
                        return FALSE;
        } else {
                child->stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
                if (child->stdio[0] < 0)
                        return FALSE;
        }
        return open_pipe(&spawn->stdout_fd, &child->stdio[1]) &&
               open_pipe(&spawn->stderr_fd, &child->stdio[2]) &&
               open_pipe(&spawn->report_fd, &child->report);
}

static void
close_all(AsmSpawn *spawn)
{
        int *const fds[] = { &spawn->pidfd,
                             &spawn->report_fd,
                             &spawn->stdin_fd,
                             &spawn->stdout_fd,
                             &spawn->stderr_fd };

        for (gsize i = 0; i < G_N_ELEMENTS(fds); i++)
                asm_spawn_close_fd(fds[i]);
}

/* Returns: 0 or errno */
static int
fork_child(const AsmSpawnSpec *spec, AsmSpawn *spawn, ChildFds *child)
{
        pid_t self = getpid();
        sigset_t all;
        sigset_t before;
        int error = 0;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        spawn->pid = fork();
        if (spawn->pid == 0)
                child_run(spec, child, self);
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

int
asm_spawn_start(const AsmSpawnSpec *spec, AsmSpawn *ret_spawn)
{
        AsmSpawn spawn = ASM_SPAWN_INIT;
        ChildFds child = { { -1, -1, -1 }, -1 };
        int error;

        prepare_signals();
        error = open_fds(spec, &spawn, &child) ? fork_child(spec, &spawn, &child) : errno;
        for (gsize i = 0; i < G_N_ELEMENTS(child.stdio); i++)
                asm_spawn_close_fd(&child.stdio[i]);
        asm_spawn_close_fd(&child.report);
        if (error != 0) {
                close_all(&spawn);
                return error;
        }
        g_unix_set_fd_nonblocking(spawn.report_fd, TRUE, NULL);
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

void
asm_spawn_signal(const AsmSpawn *spawn, int signo)
{
        if (kill(-spawn->pid, signo) != 0 && errno == ESRCH)
                kill(spawn->pid, signo);
}
