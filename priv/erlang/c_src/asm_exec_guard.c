/* SPDX-License-Identifier: MIT */
/*
 * asm_exec --guard CWD PATH ARGUMENT...: runs PATH for a parent that can handle descriptors.
 *
 * asmd gives the command its pipes itself, so nothing passes through here: 0, 1 and 2 are the command's,
 * 3 is the report pipe (see asm_exec_start.c), 4 is the control socket. What is left to do is what
 * no parent can do that may be killed: to end the command and all that it has started.
 *
 *   parent -> guard   one byte: 1..64 a signal for the group, 'T' SIGTERM for all, 'K' SIGKILL for all
 *   guard -> parent   'X', u8 kind (0 code, 1 signal), u8 value: the command has exited
 *
 * The end of the control socket is the death of the parent: 'T', and after GRACE_MS 'K'. So is a SIGTERM,
 * as service managers send it to everybody.
 *
 * All: the command's group, and whatever else is our child. As a subreaper we inherit what loses its
 * parent, so a daemon that has forked twice and called setsid() is still found; its own children
 * are found as soon as it is dead. 'K' is repeated until there is no child left, and then the guard
 * ends, which tells the parent that nothing of the command runs any more. The command stays a zombie
 * until 'K', so that its number cannot mean somebody else.
 *
 * The arguments are wiped from our own command line: a prompt is shown by `ps` once, and not twice.
 */

#include "asm_exec.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#define REPORT_FD  3
#define CONTROL_FD 4

#define GRACE_MS   2000
#define GIVE_UP_MS 3000 /* after SIGKILL; only an uninterruptible process outlives it */
#define TICK_MS    20   /* an orphan that is handed to us makes no signal */

typedef struct {
        pid_t pid;
        int control_fd, signal_fd;
        bool has_exited, is_killing, is_done;
        int64_t kill_at_ms, give_up_at_ms; /* -1: not set */
} Guard;

static void
tell_exit(Guard *guard, bool by_signal, int value)
{
        const uint8_t message[3] = { 'X', by_signal, (uint8_t)value };

        guard->has_exited = true;
        if (guard->control_fd >= 0)
                send(guard->control_fd, message, sizeof message, MSG_NOSIGNAL);
}

static void
terminate_all(Guard *guard)
{
        kill(-guard->pid, SIGTERM);
        kill(-guard->pid, SIGCONT); /* a stopped process does not see SIGTERM */
        signal_children(SIGTERM);
}

static void
kill_all(Guard *guard)
{
        if (guard->is_killing)
                return;
        guard->is_killing = true;
        guard->give_up_at_ms = now_ms() + GIVE_UP_MS;
        kill(-guard->pid, SIGKILL);
}

static void
parent_left(Guard *guard)
{
        close_fd(&guard->control_fd);
        if (guard->is_killing || guard->kill_at_ms >= 0)
                return;
        terminate_all(guard);
        guard->kill_at_ms = now_ms() + GRACE_MS;
}

/* until the child has made its group, the group is the child alone */
static void
signal_group(const Guard *guard, int signo)
{
        if (kill(-guard->pid, signo) != 0 && errno == ESRCH)
                kill(guard->pid, signo);
}

static void
read_control(Guard *guard)
{
        uint8_t commands[64];
        ssize_t n = read(guard->control_fd, commands, sizeof commands);

        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return;
        if (n <= 0)
                parent_left(guard);
        for (ssize_t i = 0; i < n; i++) {
                if (commands[i] == 'K')
                        kill_all(guard);
                else if (guard->is_killing)
                        continue;
                else if (commands[i] == 'T')
                        terminate_all(guard);
                else if (commands[i] <= SIGRTMAX)
                        signal_group(guard, commands[i]);
        }
}

static void
read_signals(Guard *guard)
{
        struct signalfd_siginfo signals[16];
        ssize_t n = read(guard->signal_fd, signals, sizeof signals);

        for (ssize_t i = 0; i < n / (ssize_t)sizeof signals[0]; i++) {
                if (signals[i].ssi_signo == SIGTERM)
                        parent_left(guard);
        }
}

/* the children that have ended, but not the command: that one goes with its group */
static void
watch_children(Guard *guard)
{
        siginfo_t info = { 0 };

        while (!guard->has_exited && waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               info.si_pid != 0) {
                if (info.si_pid == guard->pid)
                        tell_exit(guard, info.si_code != CLD_EXITED, info.si_status);
                else
                        waitpid(info.si_pid, NULL, 0);
                info.si_pid = 0;
        }
}

static void
sweep(Guard *guard)
{
        int status;
        pid_t pid;

        signal_children(SIGKILL);
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
                if (pid == guard->pid && !guard->has_exited)
                        tell_exit(guard,
                                  WIFSIGNALED(status),
                                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        }
        guard->is_done = pid < 0 || now_ms() >= guard->give_up_at_ms;
}

static void
step(Guard *guard)
{
        struct pollfd fds[] = { { .fd = guard->control_fd, .events = POLLIN },
                                { .fd = guard->signal_fd, .events = POLLIN } };
        int64_t left = guard->kill_at_ms - now_ms();
        int wait = guard->is_killing       ? TICK_MS
                   : guard->kill_at_ms < 0 ? -1
                   : left > 0              ? (int)left
                                           : 0;

        if (poll(fds, 2, wait) > 0) {
                if (fds[0].revents)
                        read_control(guard);
                if (fds[1].revents)
                        read_signals(guard);
        }
        watch_children(guard);
        /* nobody is there whom the grace could serve */
        if (guard->kill_at_ms >= 0 && (guard->has_exited || now_ms() >= guard->kill_at_ms))
                kill_all(guard);
        if (guard->is_killing)
                sweep(guard);
}

static void
wipe(char **strings)
{
        for (; *strings; strings++)
                memset(*strings, '\0', strlen(*strings));
}

static void
report_fork(int error)
{
        const int report[2] = { error, STAGE_FORK };
        ssize_t ignored = write(REPORT_FD, report, sizeof report);

        (void)ignored;
}

int
guard_main(char **arguments)
{
        static const int fds[3] = { 0, 1, 2 };
        Guard guard = { .control_fd = CONTROL_FD, .kill_at_ms = -1, .give_up_at_ms = -1 };
        pid_t self = getpid();

        fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC);
        fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC);
        guard.signal_fd = open_signals();
        if (guard.signal_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
                report_fork(errno);
                return 70;
        }
        guard.pid = fork();
        if (guard.pid == 0)
                run_child(arguments + 1, arguments[0], fds, REPORT_FD, self);
        if (guard.pid < 0) {
                report_fork(errno);
                return 70;
        }
        for (int fd = 0; fd <= REPORT_FD; fd++)
                close(fd);
        wipe(arguments);
        while (!guard.is_done)
                step(&guard);
        return 0;
}
