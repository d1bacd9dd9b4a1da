/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the parts of asm_exec share: the state of the one command that is run, byte queues and
 * frames to the parent, and how a command is started and ended. The protocols and the rules are told
 * at the top of asm_exec.c and of asm_exec_guard.c.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* where a start failed; the numbers are part of the protocol */
typedef enum {
        STAGE_REQUEST = 0,
        STAGE_FORK = 1,
        STAGE_CWD = 2,
        STAGE_EXEC = 3,
} Stage;

typedef enum {
        PHASE_WAIT,  /* for S */
        PHASE_RUN,   /* the command runs */
        PHASE_DRAIN, /* it has exited, its pipes may hold output */
        PHASE_SWEEP, /* what it left behind is being ended */
        PHASE_FLUSH, /* the last frame is on its way or there, the parent has to go first */
} Phase;

typedef struct {
        uint8_t *data;
        size_t start, end, size;
} Bytes;

typedef struct {
        int fd;
        uint8_t tag;
        size_t owed; /* in the pipe when the command exited: to be delivered whatever it takes */
} Output;

typedef struct {
        Phase phase;
        bool host_gone, discard, killed;
        pid_t pid;
        int status_kind, status_value;
        int signal_fd, stdin_fd;
        bool stdin_ends;
        uint32_t n_written; /* not yet told */
        Output outputs[2];
        Bytes from_host, to_host, to_command;
        uint64_t credit;
        int64_t grace_ms, drain_ms;
        int64_t kill_at_ms, drain_until_ms; /* -1: not set */
} Helper;

static inline int64_t
now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void *
must(void *memory)
{
        if (!memory) {
                static const char text[] = "asm_exec: out of memory\n";
                ssize_t ignored = write(2, text, sizeof text - 1);

                (void)ignored;
                _exit(70);
        }
        return memory;
}

static inline void
close_fd(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

static inline size_t
bytes_len(const Bytes *bytes)
{
        return bytes->end - bytes->start;
}

static inline uint8_t *
bytes_reserve(Bytes *bytes, size_t n)
{
        if (bytes->start > 0 && (bytes->start == bytes->end || bytes->size - bytes->end < n)) {
                memmove(bytes->data, bytes->data + bytes->start, bytes_len(bytes));
                bytes->end -= bytes->start;
                bytes->start = 0;
        }
        if (bytes->size - bytes->end < n) {
                bytes->size = bytes->end + n > 2 * bytes->size ? bytes->end + n : 2 * bytes->size;
                bytes->data = must(realloc(bytes->data, bytes->size));
        }
        return bytes->data + bytes->end;
}

static inline void
bytes_append(Bytes *bytes, const void *data, size_t n)
{
        if (n == 0)
                return;
        memcpy(bytes_reserve(bytes, n), data, n);
        bytes->end += n;
}

static inline void
bytes_drop(Bytes *bytes)
{
        bytes->start = bytes->end = 0;
}

static inline void
put_u32(uint8_t *at, uint32_t value)
{
        at[0] = (uint8_t)(value >> 24);
        at[1] = (uint8_t)(value >> 16);
        at[2] = (uint8_t)(value >> 8);
        at[3] = (uint8_t)value;
}

static inline uint32_t
get_u32(const uint8_t *at)
{
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void
push_frame(Helper *helper, uint8_t tag, const void *payload, size_t n)
{
        uint8_t head[5];

        if (helper->host_gone)
                return;
        put_u32(head, (uint32_t)n + 1);
        head[4] = tag;
        bytes_append(&helper->to_host, head, sizeof head);
        bytes_append(&helper->to_host, payload, n);
}

static inline void
push_u32(Helper *helper, uint8_t tag, uint32_t value)
{
        uint8_t payload[4];

        put_u32(payload, value);
        push_frame(helper, tag, payload, sizeof payload);
}

static inline void
start_failed(Helper *helper, int error, Stage stage)
{
        uint8_t payload[5];

        put_u32(payload, (uint32_t)error);
        payload[4] = (uint8_t)stage;
        push_frame(helper, 'F', payload, sizeof payload);
        helper->phase = PHASE_FLUSH;
}

/* asm_exec_start.c: an S frame; ends in PHASE_RUN with P, or in PHASE_FLUSH with F, under way */
void helper_start(Helper *helper, const uint8_t *payload, size_t n);

/* asm_exec_start.c: in a child, from here to exec no memory, no stdio, nothing unsafe after fork;
 * @cwd "" is where the parent is; what fails is written to @report_fd as { errno, stage } */
_Noreturn void run_child(char *const *argv,
                         const char *cwd,
                         const int fds[3],
                         int report_fd,
                         pid_t parent);

/* asm_exec_sweep.c: SIGCHLD and what asks us to end, blocked, as a descriptor; -1: errno */
int open_signals(void);
/* asm_exec_sweep.c: to each of our children; as a subreaper we inherit what loses its parent */
void signal_children(int signo);

/* asm_exec_guard.c: @arguments: the directory, then the command's own; returns the exit status */
int guard_main(char **arguments);
