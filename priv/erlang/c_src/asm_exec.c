/* SPDX-License-Identifier: MIT */
/*
 * asm_exec: runs one command for a parent that cannot do it itself.
 *
 * It has two faces: this one for an Erlang port, and asm_exec_guard.c for asmd.
 *
 * An Erlang port can neither tell stderr from stdout, nor close a command's stdin alone, nor end
 * its children. This program can. It leads nothing but its command: the command gets a session and
 * process group of its own, and whatever it leaves behind is ended before the exit is reported.
 *
 * Both directions of its own stdin and stdout carry frames: u32 length (big endian), u8 tag, rest.
 * A "str" is u32 length and bytes without NUL.
 *
 *   parent -> helper
 *     S  u32 flags (1: empty environment, 2: no stdin), u32 grace_ms, u32 drain_ms, u32 window,
 *        str cwd ("": inherited), u32 n, str argv[n] (argv[0] is the path that is executed),
 *        u32 n, str env[n] ("NAME=VALUE" sets, "NAME" removes)
 *     I  bytes for the command's stdin      E  end of the command's stdin
 *     K  u8 signal, sent to the group       A  u32 credit: so many output bytes were consumed
 *     T  end it: output is dropped from here on, SIGTERM, after grace_ms SIGKILL
 *   helper -> parent
 *     P  u32 pid: it runs                   F  u32 errno, u8 stage (see Stage): it does not
 *     O  bytes of stdout                    R  bytes of stderr
 *     W  u32 so many I bytes are gone       B  the command has closed its stdin
 *     X  u8 kind (0 code, 1 signal), u32 value: always the last frame; nothing of it runs any more
 *
 * Behind X or F the helper waits for the end of its stdin: were it gone, a frame on its way to it would
 * break the pipe, and with it the parent would lose what it has not read yet.
 *
 * Rules. No more output than `window` bytes plus given credit is ever under way, so a slow parent
 * stops the command, not the machine. End of our stdin is the same as T: a parent that dies takes
 * the command with it. Everything the command itself wrote before it exited is delivered; what its
 * left-over children hold open is waited for drain_ms at most. The command stays a zombie until the
 * group was signalled for the last time, so that its number cannot mean somebody else.
 */

#include "asm_exec.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#define MAX_FRAME       (17u * 1024 * 1024) /* one input of 16 MiB and its head fit */
#define MAX_STDIN_QUEUE (34u * 1024 * 1024)
#define CHUNK           65536u
#define GIVE_UP_MS      3000 /* after SIGKILL; only an uninterruptible process outlives it */
#define SWEEP_TICK_MS   20   /* an orphan that is handed to us makes no signal */

static void
finish(Helper *helper)
{
        uint8_t payload[5];

        payload[0] = (uint8_t)helper->status_kind;
        put_u32(payload + 1, (uint32_t)helper->status_value);
        push_frame(helper, 'X', payload, sizeof payload);
        helper->phase = PHASE_FLUSH;
}

static void
end_command(Helper *helper)
{
        helper->discard = true;
        if (helper->phase == PHASE_WAIT)
                helper->phase = PHASE_FLUSH;
        if (helper->phase != PHASE_RUN || helper->kill_at_ms >= 0)
                return;
        kill(-helper->pid, SIGTERM);
        kill(-helper->pid, SIGCONT); /* a stopped process does not see SIGTERM */
        helper->kill_at_ms = now_ms() + helper->grace_ms;
}

static void
host_left(Helper *helper)
{
        helper->host_gone = true;
        bytes_drop(&helper->to_host);
        end_command(helper);
}

static void
enter_drain(Helper *helper, const siginfo_t *info)
{
        helper->status_kind = info->si_code == CLD_EXITED ? 0 : 1;
        helper->status_value = info->si_status;
        helper->phase = PHASE_DRAIN;
        helper->drain_until_ms = now_ms() + helper->drain_ms;
        close_fd(&helper->stdin_fd);
        helper->n_written += (uint32_t)bytes_len(&helper->to_command);
        bytes_drop(&helper->to_command);
        for (int i = 0; i < 2; i++) {
                int waiting = 0;

                if (helper->outputs[i].fd >= 0 &&
                    ioctl(helper->outputs[i].fd, FIONREAD, &waiting) == 0)
                        helper->outputs[i].owed = (size_t)waiting;
        }
}

static void
enter_sweep(Helper *helper)
{
        int signo = helper->killed ? SIGKILL : SIGTERM;

        close_fd(&helper->outputs[0].fd);
        close_fd(&helper->outputs[1].fd);
        kill(-helper->pid, signo);
        waitpid(helper->pid, NULL, 0);
        signal_children(signo);
        helper->phase = PHASE_SWEEP;
        if (helper->kill_at_ms < 0)
                helper->kill_at_ms = now_ms() + helper->grace_ms;
}

static void
sweep(Helper *helper, int64_t now)
{
        pid_t pid;

        do
                pid = waitpid(-1, NULL, WNOHANG);
        while (pid > 0);
        if (pid < 0 || now >= helper->kill_at_ms + GIVE_UP_MS)
                finish(helper);
        else if (now >= helper->kill_at_ms)
                signal_children(SIGKILL);
}

static bool
drained(const Helper *helper, int64_t now)
{
        for (int i = 0; i < 2; i++) {
                const Output *output = &helper->outputs[i];

                if (output->fd >= 0 && !helper->discard &&
                    (output->owed > 0 || now < helper->drain_until_ms))
                        return false;
        }
        return true;
}

static void
advance(Helper *helper)
{
        int64_t now = now_ms();

        if (helper->phase == PHASE_RUN && helper->kill_at_ms >= 0 && now >= helper->kill_at_ms) {
                kill(-helper->pid, SIGKILL);
                helper->killed = true;
                if (now >= helper->kill_at_ms + GIVE_UP_MS) {
                        helper->status_kind = 1;
                        helper->status_value = SIGKILL;
                        finish(helper);
                }
        }
        if (helper->phase == PHASE_DRAIN && drained(helper, now))
                enter_sweep(helper);
        if (helper->phase == PHASE_SWEEP)
                sweep(helper, now);
}

static void
on_input(Helper *helper, const uint8_t *payload, size_t n)
{
        if (helper->stdin_fd < 0 || helper->stdin_ends)
                helper->n_written += (uint32_t)n;
        else if (bytes_len(&helper->to_command) + n > MAX_STDIN_QUEUE)
                host_left(helper); /* it does not keep to the protocol */
        else
                bytes_append(&helper->to_command, payload, n);
}

static void
on_end_input(Helper *helper)
{
        helper->stdin_ends = true;
        if (bytes_len(&helper->to_command) == 0)
                close_fd(&helper->stdin_fd);
}

static void
on_frame(Helper *helper, uint8_t tag, const uint8_t *payload, size_t n)
{
        if (tag == 'S' && helper->phase == PHASE_WAIT) {
                helper_start(helper, payload, n);
                return;
        }
        if (helper->phase == PHASE_FLUSH)
                return; /* it has crossed the last frame */
        switch (tag) {
        case 'I':
                on_input(helper, payload, n);
                break;
        case 'E':
                on_end_input(helper);
                break;
        case 'K':
                if (n == 1 && payload[0] <= SIGRTMAX && helper->phase == PHASE_RUN)
                        kill(-helper->pid, payload[0]);
                break;
        case 'A':
                if (n == 4)
                        helper->credit += get_u32(payload);
                break;
        case 'T':
                end_command(helper);
                break;
        default:
                host_left(helper);
                break;
        }
}

static void
read_host(Helper *helper)
{
        Bytes *in = &helper->from_host;
        ssize_t n = read(0, bytes_reserve(in, CHUNK), CHUNK);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0) {
                host_left(helper);
                return;
        }
        in->end += (size_t)n;
        while (bytes_len(in) >= 4 && !helper->host_gone) {
                size_t len = get_u32(in->data + in->start);

                if (len == 0 || len > MAX_FRAME) {
                        host_left(helper);
                        return;
                }
                if (bytes_len(in) < 4 + len)
                        return;
                on_frame(helper, in->data[in->start + 4], in->data + in->start + 5, len - 1);
                in->start += 4 + len;
        }
}

static void
write_host(Helper *helper)
{
        Bytes *out = &helper->to_host;
        ssize_t n = write(1, out->data + out->start, bytes_len(out));

        if (n >= 0)
                out->start += (size_t)n;
        else if (errno != EAGAIN && errno != EINTR)
                host_left(helper);
}

/* not before the last chunk is written: a parent that does not read must not fill our memory */
static bool
may_read(const Helper *helper, const Output *output)
{
        if (output->fd < 0)
                return false;
        return helper->discard || (helper->credit > 0 && bytes_len(&helper->to_host) == 0);
}

static void
read_output(Helper *helper, Output *output)
{
        static uint8_t chunk[CHUNK];
        size_t room = sizeof chunk;
        ssize_t n;

        if (!helper->discard && helper->credit < room)
                room = (size_t)helper->credit;
        n = read(output->fd, chunk, room);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
                close_fd(&output->fd);
                output->owed = 0;
        }
        if (n <= 0)
                return;
        output->owed -= output->owed < (size_t)n ? output->owed : (size_t)n;
        if (helper->discard)
                return;
        helper->credit -= (uint64_t)n;
        push_frame(helper, output->tag, chunk, (size_t)n);
}

static void
write_command(Helper *helper)
{
        Bytes *bytes = &helper->to_command;
        ssize_t n = write(helper->stdin_fd, bytes->data + bytes->start, bytes_len(bytes));

        if (n > 0) {
                bytes->start += (size_t)n;
                helper->n_written += (uint32_t)n;
        } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
                helper->n_written += (uint32_t)bytes_len(bytes);
                bytes_drop(bytes);
                close_fd(&helper->stdin_fd);
                push_frame(helper, 'B', NULL, 0);
        }
        if (bytes_len(bytes) == 0 && helper->stdin_ends)
                close_fd(&helper->stdin_fd);
}

static void
on_signals(Helper *helper)
{
        struct signalfd_siginfo signals[16];
        ssize_t n = read(helper->signal_fd, signals, sizeof signals);

        for (ssize_t i = 0; i < n / (ssize_t)sizeof signals[0]; i++) {
                if (signals[i].ssi_signo != SIGCHLD)
                        host_left(helper);
        }
        while (helper->phase == PHASE_RUN) {
                siginfo_t info = { 0 };

                if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
                        break;
                if (info.si_pid == helper->pid)
                        enter_drain(helper, &info);
                else
                        waitpid(info.si_pid, NULL, 0);
        }
}

static int
timeout_ms(const Helper *helper)
{
        int64_t now = now_ms();
        int64_t until = -1;

        if (helper->phase == PHASE_SWEEP)
                return SWEEP_TICK_MS;
        if (helper->phase == PHASE_RUN && helper->killed)
                return GIVE_UP_MS;
        if (helper->phase == PHASE_RUN)
                until = helper->kill_at_ms;
        if (helper->phase == PHASE_DRAIN && now < helper->drain_until_ms)
                until = helper->drain_until_ms;
        if (until < 0)
                return -1;
        return until > now ? (int)(until - now) : 0;
}

static void
step(Helper *helper)
{
        struct pollfd fds[6] = {
                { .fd = helper->signal_fd, .events = POLLIN },
                { .fd = helper->host_gone ? -1 : 0, .events = POLLIN },
                { .fd = bytes_len(&helper->to_host) > 0 ? 1 : -1, .events = POLLOUT },
                { .fd = bytes_len(&helper->to_command) > 0 ? helper->stdin_fd : -1,
                  .events = POLLOUT },
                { .fd = may_read(helper, &helper->outputs[0]) ? helper->outputs[0].fd : -1,
                  .events = POLLIN },
                { .fd = may_read(helper, &helper->outputs[1]) ? helper->outputs[1].fd : -1,
                  .events = POLLIN },
        };

        if (poll(fds, 6, timeout_ms(helper)) < 0)
                return;
        if (fds[1].revents)
                read_host(helper);
        if (fds[2].revents && !helper->host_gone)
                write_host(helper);
        if (fds[3].revents && helper->stdin_fd >= 0)
                write_command(helper);
        for (int i = 0; i < 2; i++) {
                if (fds[4 + i].revents && (helper->discard || helper->credit > 0))
                        read_output(helper, &helper->outputs[i]);
        }
        if (fds[0].revents)
                on_signals(helper);
        if (helper->n_written > 0 && bytes_len(&helper->to_host) == 0 &&
            helper->phase != PHASE_FLUSH) {
                push_u32(helper, 'W', helper->n_written);
                helper->n_written = 0;
        }
}

/* a descriptor of ours below 3 would be overwritten on its way into the command */
static void
fill_standard_fds(void)
{
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= 2);
        close_fd(&fd);
}

int
main(int argc, char **argv)
{
        Helper helper = { .phase = PHASE_WAIT,
                          .stdin_fd = -1,
                          .outputs = { { .fd = -1 }, { .fd = -1 } },
                          .kill_at_ms = -1,
                          .drain_until_ms = -1 };

        if (argc > 3 && strcmp(argv[1], "--guard") == 0)
                return guard_main(argv + 2);
        if (argc > 1 || isatty(0)) {
                fprintf(stderr, "%s: for asmd and its BEAM host only\n", argv[0]);
                return 2;
        }
        fill_standard_fds();
        helper.signal_fd = open_signals();
        if (helper.signal_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
                perror(argv[0]);
                return 70;
        }
        fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
        fcntl(1, F_SETFL, fcntl(1, F_GETFL) | O_NONBLOCK);
        while (helper.phase != PHASE_FLUSH || !helper.host_gone) {
                step(&helper);
                advance(&helper);
        }
        free(helper.from_host.data);
        free(helper.to_host.data);
        free(helper.to_command.data);
        return 0;
}
