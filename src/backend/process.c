/* SPDX-License-Identifier: MIT */

/*
 * The life of a child process. One GSource is the whole of it: it polls the pipes and the child, its
 * ready time is the deadline of the state, and its memory is its user's. So a callback may close
 * the process it comes from: GLib keeps a source that is being dispatched.
 *
 *     STARTING --exec done--> RUNNING --exit--> DRAINING --output done--> ENDING --> OVER
 *        |  exec failed          |  close          |  close                 ^
 *        +-----------------------+-----------------+------------------------+
 *
 *   DRAINING   the process has exited. What it had written by then is in the pipes and is delivered,
 *              however long the listener keeps it paused; what its left-over children hold open is
 *              waited for DRAIN_MS.
 *   ENDING     nobody listens; output is read and dropped, so that a process that writes on its way
 *              out can. It and what it has started get SIGTERM, at once or after the grace that
 *              close() gives, and SIGKILL GRACE_MS later, or as soon as the process has exited
 *              and nobody holds its pipes. The end of the guard (see spawn.c) says that nothing is
 *              left.
 *
 * So whatever a process leaves running ends with it, also after a normal exit.
 *
 * Back-pressure: paused, the pipes are not polled, they fill, and the process waits in its write.
 * References: one is the owner's, given back by close(); one is the main loop's, until OVER.
 */

#include "backend/process-private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* most bytes taken from a pipe per dispatch: what a pipe holds, and other runs get their turn */
#define READ_MAX (64 * 1024)

/* most bytes waiting for a process that does not read its stdin */
#define INPUT_MAX (16 * 1024 * 1024)

/* how long children of a process that has exited may keep its pipes open */
#define DRAIN_MS 500

/* how long a group may take to end after SIGTERM */
#define GRACE_MS 2000

typedef enum {
        PROCESS_STARTING,
        PROCESS_RUNNING,
        PROCESS_DRAINING,
        PROCESS_ENDING,
        PROCESS_OVER,
} ProcessState;

/* every group that may still have a process */
static GQueue living = G_QUEUE_INIT;

/* --- descriptors and time -------------------------------------------------------------------- */

static gpointer
watch(AsmProcess *self, int fd, GIOCondition condition)
{
        return g_source_add_unix_fd(&self->source, fd, condition | G_IO_HUP | G_IO_ERR);
}

static void
unwatch(AsmProcess *self, gpointer *tag)
{
        gpointer old = g_steal_pointer(tag);

        if (old != NULL)
                g_source_remove_unix_fd(&self->source, old);
}

static gboolean
is_ready(AsmProcess *self, gpointer tag)
{
        return tag != NULL && g_source_query_unix_fd(&self->source, tag) != 0;
}

static void
watch_output(AsmProcess *self, AsmProcessOutput *output)
{
        if (output->tag == NULL && *output->fd >= 0)
                output->tag = watch(self, *output->fd, G_IO_IN);
}

static void
close_output(AsmProcess *self, AsmProcessOutput *output)
{
        unwatch(self, &output->tag);
        asm_spawn_close_fd(output->fd);
}

static void
close_input(AsmProcess *self)
{
        unwatch(self, &self->input_tag);
        asm_spawn_close_fd(&self->spawn.stdin_fd);
        g_clear_pointer(&self->input, g_byte_array_unref);
}

static void
set_deadline(AsmProcess *self, gint delay_ms)
{
        self->deadline_us = g_get_monotonic_time() + (gint64)delay_ms * 1000;
}

static void
arm(AsmProcess *self)
{
        gboolean is_urgent = self->is_woken || self->is_failing;

        if (self->state != PROCESS_OVER)
                g_source_set_ready_time(&self->source, is_urgent ? 0 : self->deadline_us);
}

/* --- the end --------------------------------------------------------------------------------- */

static void
set_over(AsmProcess *self)
{
        self->state = PROCESS_OVER;
        g_queue_unlink(&living, &self->link);
        close_input(self);
        close_output(self, &self->out);
        close_output(self, &self->err);
        unwatch(self, &self->exit_tag);
        asm_spawn_close_fd(&self->spawn.control_fd);
        unwatch(self, &self->guard_tag);
        asm_spawn_close_fd(&self->spawn.pidfd);
        g_source_destroy(&self->source);
}

static void
terminate(AsmProcess *self)
{
        self->is_patient = FALSE;
        close_input(self);
        asm_spawn_signal(&self->spawn, SIGTERM);
        set_deadline(self, GRACE_MS);
}

/* in ENDING: is there still somebody to wait for? */
static void
finish_ending(AsmProcess *self)
{
        gboolean is_gone = self->has_exited && *self->out.fd < 0 && *self->err.fd < 0;

        if (self->is_patient && g_get_monotonic_time() >= self->deadline_us)
                terminate(self);
        if (!self->is_killed && (is_gone || g_get_monotonic_time() >= self->deadline_us)) {
                self->is_killed = TRUE;
                self->deadline_us = -1;
                asm_spawn_signal(&self->spawn, SIGKILL);
                close_output(self, &self->out);
                close_output(self, &self->err);
        }
        if (self->is_killed && self->is_reaped)
                set_over(self);
}

/* @grace_ms: for a CLI that has been interrupted; 0: SIGTERM now */
static void
begin_ending(AsmProcess *self, guint grace_ms)
{
        self->state = PROCESS_ENDING;
        self->is_paused = FALSE;
        asm_line_reader_clear(&self->lines);
        if (!self->holds_input)
                close_input(self);
        unwatch(self, &self->report_tag);
        asm_spawn_close_fd(&self->spawn.report_fd);
        if (self->spawn.pid == 0) {
                set_over(self);
                return;
        }
        watch_output(self, &self->out);
        watch_output(self, &self->err);
        if (grace_ms > 0) {
                self->is_patient = TRUE;
                set_deadline(self, grace_ms);
        } else {
                terminate(self);
        }
        finish_ending(self);
        arm(self);
}

/* --- failures -------------------------------------------------------------------------------- */

static void
fail(AsmProcess *self, AsmSpawnStage stage, int error)
{
        self->is_failing = TRUE;
        self->failed_stage = stage;
        self->failed_error = error;
}

static void
tell_failed(AsmProcess *self)
{
        self->is_failing = FALSE;
        begin_ending(self, 0);
        self->klass->failed(self, self->failed_stage, self->failed_error);
}

/* --- output ---------------------------------------------------------------------------------- */

/* as many of the lines that were read as the listener takes; it may pause or close meanwhile */
static void
emit_lines(AsmProcess *self)
{
        AsmLineStatus status = ASM_LINE_READY;
        const char *line;
        gsize len;

        while (status != ASM_LINE_MORE && !self->is_paused && self->state < PROCESS_ENDING) {
                status = asm_line_reader_next(&self->lines, &line, &len);
                if (status == ASM_LINE_READY)
                        self->klass->line(self, line, len);
                else if (status == ASM_LINE_TOO_LONG)
                        self->klass->line_too_long(self);
        }
}

/* Returns: how many of READ_MAX bytes were there; closes @output at its end */
static gsize
read_output(AsmProcess *self, AsmProcessOutput *output, char *buffer)
{
        ssize_t n;

        do {
                n = read(*output->fd, buffer, READ_MAX);
        } while (n < 0 && errno == EINTR);
        if (n > 0) {
                output->left -= MIN(output->left, (gsize)n);
                return (gsize)n;
        }
        if (n == 0 || errno != EAGAIN)
                close_output(self, output);
        return 0;
}

static void
read_stdout(AsmProcess *self)
{
        emit_lines(self);
        /* a tag may be gone by now: the lines have paused or ended the run */
        if (!is_ready(self, self->out.tag))
                return;
        asm_line_reader_commit(
                &self->lines,
                read_output(self, &self->out, asm_line_reader_reserve(&self->lines, READ_MAX)));
        if (*self->out.fd < 0)
                asm_line_reader_end(&self->lines);
        if (self->state >= PROCESS_ENDING)
                asm_line_reader_clear(&self->lines);
        emit_lines(self);
}

static void
read_stderr(AsmProcess *self)
{
        char chunk[READ_MAX];
        gsize n = is_ready(self, self->err.tag) ? read_output(self, &self->err, chunk) : 0;

        if (n > 0 && self->state < PROCESS_ENDING)
                self->klass->errors(self, chunk, n);
}

/* --- input ----------------------------------------------------------------------------------- */

static void
write_input(AsmProcess *self)
{
        GByteArray *input = self->input;

        while (input != NULL && self->input_done < input->len) {
                ssize_t n = write(self->spawn.stdin_fd,
                                  input->data + self->input_done,
                                  input->len - self->input_done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN) {
                        if (self->input_tag == NULL)
                                self->input_tag = watch(self, self->spawn.stdin_fd, G_IO_OUT);
                        return;
                }
                if (n < 0) {
                        /* the CLI has closed it: how it goes on is told by its output */
                        close_input(self);
                        return;
                }
                self->input_done += (guint)n;
        }
        unwatch(self, &self->input_tag);
        if (input != NULL)
                g_byte_array_set_size(input, 0);
        self->input_done = 0;
        if (self->is_input_ending)
                close_input(self);
}

/* --- what happens ---------------------------------------------------------------------------- */

static void
on_report(AsmProcess *self)
{
        AsmSpawnStage stage = ASM_SPAWN_STAGE_EXEC;
        int error = asm_spawn_read_report(self->spawn.report_fd, &stage);

        if (error < 0)
                return;
        unwatch(self, &self->report_tag);
        asm_spawn_close_fd(&self->spawn.report_fd);
        if (error > 0) {
                fail(self, stage, error);
                tell_failed(self);
                return;
        }
        self->state = PROCESS_RUNNING;
        if (!self->is_paused) {
                watch_output(self, &self->out);
                watch_output(self, &self->err);
        }
        self->klass->running(self);
}

static gsize
count_left(const AsmProcessOutput *output)
{
        int n = 0;

        return *output->fd >= 0 && ioctl(*output->fd, FIONREAD, &n) == 0 ? (gsize)n : 0;
}

static void
on_exit_told(AsmProcess *self)
{
        if (!asm_spawn_read_exit(self->spawn.control_fd, &self->exit_code, &self->exit_signal))
                return;
        self->has_exited = TRUE;
        unwatch(self, &self->exit_tag);
        if (self->state != PROCESS_RUNNING)
                return;
        self->state = PROCESS_DRAINING;
        self->out.left = count_left(&self->out);
        self->err.left = count_left(&self->err);
        set_deadline(self, DRAIN_MS);
}

static void
on_guard_ended(AsmProcess *self)
{
        self->is_reaped = waitpid(self->spawn.pid, NULL, WNOHANG) != 0;
        if (self->is_reaped)
                unwatch(self, &self->guard_tag);
}

static gboolean
is_drained(const AsmProcess *self, const AsmProcessOutput *output)
{
        return *output->fd < 0 ||
               (output->left == 0 && g_get_monotonic_time() >= self->deadline_us);
}

static void
tell_end(AsmProcess *self)
{
        /* a child that still holds stdout does not turn half a line into none */
        asm_line_reader_end(&self->lines);
        emit_lines(self);
        if (self->is_paused || self->state != PROCESS_DRAINING)
                return;
        begin_ending(self, 0);
        self->klass->exited(self, self->exit_code, self->exit_signal);
}

static gboolean
dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
        AsmProcess *self = (AsmProcess *)source;

        self->is_woken = FALSE;
        if (self->is_failing)
                tell_failed(self);
        if (is_ready(self, self->report_tag))
                on_report(self);
        read_stdout(self);
        read_stderr(self);
        if (is_ready(self, self->input_tag))
                write_input(self);
        /* a report is there whenever an exit is, but perhaps not yet when it was asked for */
        if (self->state != PROCESS_STARTING && is_ready(self, self->exit_tag))
                on_exit_told(self);
        if (is_ready(self, self->guard_tag))
                on_guard_ended(self);
        if (self->state == PROCESS_DRAINING && !self->is_paused && is_drained(self, &self->out) &&
            is_drained(self, &self->err))
                tell_end(self);
        if (self->state == PROCESS_ENDING)
                finish_ending(self);
        arm(self);
        return G_SOURCE_CONTINUE;
}

static void
finalize(GSource *source)
{
        AsmProcess *self = (AsmProcess *)source;

        g_assert(self->state == PROCESS_OVER);
        asm_line_reader_clear(&self->lines);
        self->klass->clear(self);
}

static GSourceFuncs source_funcs = { .dispatch = dispatch, .finalize = finalize };

/* --- for its user ---------------------------------------------------------------------------- */

AsmProcess *
asm_process_new(const AsmProcessClass *klass, gsize size, gsize line_max)
{
        AsmProcess *self = (AsmProcess *)g_source_new(&source_funcs, (guint)size);

        self->klass = klass;
        self->link.data = self;
        self->spawn = ASM_SPAWN_INIT;
        self->out.fd = &self->spawn.stdout_fd;
        self->err.fd = &self->spawn.stderr_fd;
        self->deadline_us = -1;
        asm_line_reader_init(&self->lines, line_max);
        return self;
}

void
asm_process_start(AsmProcess *self, const AsmSpawnSpec *spec)
{
        int error = spec != NULL ? asm_spawn_start(spec, &self->spawn) : 0;

        if (self->spawn.pid == 0) {
                fail(self, ASM_SPAWN_STAGE_SETUP, error);
        } else {
                self->report_tag = watch(self, self->spawn.report_fd, G_IO_IN);
                self->exit_tag = watch(self, self->spawn.control_fd, G_IO_IN);
                self->guard_tag = watch(self, self->spawn.pidfd, G_IO_IN);
        }
        g_queue_push_tail_link(&living, &self->link);
        g_source_set_static_name(&self->source, "asm-process");
        g_source_attach(&self->source, g_main_context_get_thread_default());
        arm(self);
}

gboolean
asm_process_send(AsmProcess *self, const char *data, gsize len)
{
        if (self->spawn.stdin_fd < 0 || self->is_input_ending || len == 0)
                return TRUE;
        if (self->input == NULL)
                self->input = g_byte_array_new();
        if (len >= INPUT_MAX - (self->input->len - self->input_done))
                return FALSE;
        if (self->input_done > 0) {
                g_byte_array_remove_range(self->input, 0, self->input_done);
                self->input_done = 0;
        }
        g_byte_array_append(self->input, (const guint8 *)data, (guint)len);
        if (data[len - 1] != '\n')
                g_byte_array_append(self->input, (const guint8 *)"\n", 1);
        write_input(self);
        return TRUE;
}

void
asm_process_end_input(AsmProcess *self)
{
        if (self->spawn.stdin_fd < 0)
                return;
        self->is_input_ending = TRUE;
        write_input(self);
}

void
asm_process_signal(AsmProcess *self, int signo)
{
        if (self->spawn.pid != 0 && self->state < PROCESS_ENDING)
                asm_spawn_signal(&self->spawn, signo);
}

void
asm_process_set_paused(AsmProcess *self, gboolean is_paused)
{
        if (self->is_paused == is_paused || self->state >= PROCESS_ENDING)
                return;
        self->is_paused = is_paused;
        if (is_paused) {
                /* out of the poll set altogether: a hang-up is reported whatever is asked for */
                unwatch(self, &self->out.tag);
                unwatch(self, &self->err.tag);
                return;
        }
        if (self->state != PROCESS_STARTING) {
                watch_output(self, &self->out);
                watch_output(self, &self->err);
        }
        if (self->state == PROCESS_DRAINING)
                set_deadline(self, DRAIN_MS);
        self->is_woken = TRUE;
        arm(self);
}

void
asm_process_close(AsmProcess *self, guint grace_ms)
{
        if (self->state < PROCESS_ENDING)
                begin_ending(self, grace_ms);
        g_source_unref(&self->source);
}

void
asm_process_kill_all(void)
{
        for (GList *link = living.head; link != NULL; link = link->next) {
                AsmProcess *self = link->data;

                if (self->spawn.pid != 0)
                        asm_spawn_signal(&self->spawn, SIGKILL);
        }
}

guint
asm_process_count(void)
{
        return living.length;
}
