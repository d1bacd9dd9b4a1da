/* SPDX-License-Identifier: MIT */

/*
 * A run whose CLI is a child of this program. One GSource is the whole of it: it polls the pipes
 * and the child, its ready time is the deadline of the state, and its memory is the backend's. So
 * a callback may close the backend it comes from: GLib keeps a source that is being dispatched.
 *
 *     STARTING --exec done--> RUNNING --exit--> DRAINING --output done--> ENDING --> OVER
 *        |  exec failed          |  close          |  close                 ^
 *        +-----------------------+-----------------+------------------------+
 *
 *   DRAINING   the CLI has exited. What it had written by then is in the pipes and is delivered,
 *              however long the listener keeps it paused; what its left-over children hold open is
 *              waited for DRAIN_MS.
 *   ENDING     nobody listens; output is read and dropped, so that a CLI that writes on its way out
 *              can. The group gets SIGTERM, at once or after the grace that close() gives an
 *              interrupted CLI, and SIGKILL GRACE_MS later, or as soon as the CLI
 *              has exited and nobody holds its pipes. Then the child is reaped, and not before: a
 *              zombie keeps the number of the group ours.
 *
 * So whatever a CLI leaves running in its group ends with the run, also after a normal exit.
 *
 * Back-pressure: paused, the pipes are not polled, they fill, and the CLI waits in its write.
 * References: one is the owner's, given back by close(); one is the main loop's, until OVER.
 */

#include "backend/backend.h"
#include "backend/command-private.h"
#include "backend/line-private.h"
#include "backend/spawn-private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* longest line of stdout; an agent's largest are files read by a tool, a few MiB */
#define LINE_MAX_BYTES (16 * 1024 * 1024)

/* most bytes taken from a pipe per dispatch: what a pipe holds, and other runs get their turn */
#define READ_MAX (64 * 1024)

/* most bytes waiting for a CLI that does not read its stdin */
#define INPUT_MAX (16 * 1024 * 1024)

/* how long children of a CLI that has exited may keep its pipes open */
#define DRAIN_MS 500

/* how long a group may take to end after SIGTERM */
#define GRACE_MS 2000

typedef enum {
        LOCAL_STARTING,
        LOCAL_RUNNING,
        LOCAL_DRAINING,
        LOCAL_ENDING,
        LOCAL_OVER,
} LocalState;

/* one of the CLI's outputs */
typedef struct {
        int *fd;      /* in the spawn; -1: at its end */
        gpointer tag; /* NULL: not polled */
        gsize left;   /* bytes that were in it when the CLI exited */
} Output;

typedef struct {
        GSource source;
        AsmBackend backend;
        LocalState state;
        GList link; /* in living */
        const AsmProvider *provider;
        AsmFailure *failure; /* of the start, to be told from the main loop */
        AsmDecoder *decoder;
        AsmCommand command;
        AsmSpawn spawn; /* pid 0: nothing was started */
        gpointer report_tag;
        gpointer exit_tag;
        Output out;
        Output err;
        AsmLineReader lines; /* of stdout */
        GByteArray *input;   /* not yet written to stdin; NULL: nothing was ever sent */
        guint input_done;    /* bytes at its front that are */
        gpointer input_tag;
        gboolean is_input_ending;
        gboolean has_exited;
        gint exit_code; /* -1: a signal */
        gint exit_signal;
        gboolean is_patient; /* ENDING: no SIGTERM yet */
        gboolean is_killed;
        gboolean is_paused;
        gboolean is_woken;  /* there may be lines that were read before a pause */
        gint64 deadline_us; /* of DRAINING and ENDING; -1: none */
} AsmLocal;

/* every group that may still have a process */
static GQueue living = G_QUEUE_INIT;

static AsmLocal *
from_backend(AsmBackend *backend)
{
        return (AsmLocal *)((char *)backend - G_STRUCT_OFFSET(AsmLocal, backend));
}

/* --- descriptors and time -------------------------------------------------------------------- */

static gpointer
watch(AsmLocal *self, int fd, GIOCondition condition)
{
        return g_source_add_unix_fd(&self->source, fd, condition | G_IO_HUP | G_IO_ERR);
}

static void
unwatch(AsmLocal *self, gpointer *tag)
{
        gpointer old = g_steal_pointer(tag);

        if (old != NULL)
                g_source_remove_unix_fd(&self->source, old);
}

static gboolean
is_ready(AsmLocal *self, gpointer tag)
{
        return tag != NULL && g_source_query_unix_fd(&self->source, tag) != 0;
}

static void
watch_output(AsmLocal *self, Output *output)
{
        if (output->tag == NULL && *output->fd >= 0)
                output->tag = watch(self, *output->fd, G_IO_IN);
}

static void
close_output(AsmLocal *self, Output *output)
{
        unwatch(self, &output->tag);
        asm_spawn_close_fd(output->fd);
}

static void
close_input(AsmLocal *self)
{
        unwatch(self, &self->input_tag);
        asm_spawn_close_fd(&self->spawn.stdin_fd);
        g_clear_pointer(&self->input, g_byte_array_unref);
}

static void
set_deadline(AsmLocal *self, gint delay_ms)
{
        self->deadline_us = g_get_monotonic_time() + (gint64)delay_ms * 1000;
}

static void
arm(AsmLocal *self)
{
        gboolean is_urgent = self->is_woken || self->failure != NULL;

        if (self->state != LOCAL_OVER)
                g_source_set_ready_time(&self->source, is_urgent ? 0 : self->deadline_us);
}

/* --- the end --------------------------------------------------------------------------------- */

static void
set_over(AsmLocal *self)
{
        self->state = LOCAL_OVER;
        g_queue_unlink(&living, &self->link);
        close_output(self, &self->out);
        close_output(self, &self->err);
        unwatch(self, &self->exit_tag);
        asm_spawn_close_fd(&self->spawn.pidfd);
        g_source_destroy(&self->source);
}

static void
terminate_group(AsmLocal *self)
{
        self->is_patient = FALSE;
        asm_spawn_signal(&self->spawn, SIGTERM);
        /* a stopped process does not see the other one */
        asm_spawn_signal(&self->spawn, SIGCONT);
        set_deadline(self, GRACE_MS);
}

/* in ENDING: is there still somebody to wait for? */
static void
finish_ending(AsmLocal *self)
{
        gboolean is_gone = self->has_exited && *self->out.fd < 0 && *self->err.fd < 0;

        if (self->is_patient && g_get_monotonic_time() >= self->deadline_us)
                terminate_group(self);
        if (!self->is_killed && (is_gone || g_get_monotonic_time() >= self->deadline_us)) {
                self->is_killed = TRUE;
                self->deadline_us = -1;
                asm_spawn_signal(&self->spawn, SIGKILL);
                close_output(self, &self->out);
                close_output(self, &self->err);
        }
        if (!self->is_killed || !self->has_exited)
                return;
        waitpid(self->spawn.pid, NULL, 0);
        set_over(self);
}

/* @grace_ms: for a CLI that has been interrupted; 0: SIGTERM now */
static void
begin_ending(AsmLocal *self, guint grace_ms)
{
        self->state = LOCAL_ENDING;
        self->is_paused = FALSE;
        asm_line_reader_clear(&self->lines);
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
                terminate_group(self);
        }
        finish_ending(self);
        arm(self);
}

/* --- failures -------------------------------------------------------------------------------- */

static void
tell_failed(AsmLocal *self)
{
        const AsmBackendListener *listener = g_steal_pointer(&self->backend.listener);
        g_autoptr(AsmFailure) failure = g_steal_pointer(&self->failure);

        begin_ending(self, 0);
        if (listener != NULL)
                listener->failed(failure, self->backend.user_data);
}

/* --- output ---------------------------------------------------------------------------------- */

static void
emit_event(AsmView event, gpointer user_data)
{
        AsmLocal *self = user_data;

        if (self->backend.listener != NULL)
                self->backend.listener->event(event, self->backend.user_data);
}

/* as many of the lines that were read as the listener takes; it may pause or close meanwhile */
static void
emit_lines(AsmLocal *self)
{
        AsmLineStatus status = ASM_LINE_READY;
        const char *line;
        gsize len;

        while (status != ASM_LINE_MORE && !self->is_paused && self->state < LOCAL_ENDING) {
                status = asm_line_reader_next(&self->lines, &line, &len);
                if (status == ASM_LINE_READY)
                        asm_decoder_line(self->decoder, line, len);
                else if (status == ASM_LINE_TOO_LONG)
                        asm_decoder_line_too_long(self->decoder, LINE_MAX_BYTES);
        }
}

/* Returns: how many of READ_MAX bytes were there; closes @output at its end */
static gsize
read_output(AsmLocal *self, Output *output, char *buffer)
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
read_stdout(AsmLocal *self)
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
        if (self->state >= LOCAL_ENDING)
                asm_line_reader_clear(&self->lines);
        emit_lines(self);
}

static void
read_stderr(AsmLocal *self)
{
        char chunk[READ_MAX];
        gsize n = is_ready(self, self->err.tag) ? read_output(self, &self->err, chunk) : 0;

        if (n > 0 && self->state < LOCAL_ENDING)
                asm_decoder_stderr(self->decoder, chunk, n);
}

/* --- input ----------------------------------------------------------------------------------- */

static void
write_input(AsmLocal *self)
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
on_report(AsmLocal *self)
{
        AsmSpawnStage stage = ASM_SPAWN_STAGE_EXEC;
        int error = asm_spawn_read_report(self->spawn.report_fd, &stage);

        if (error < 0)
                return;
        unwatch(self, &self->report_tag);
        asm_spawn_close_fd(&self->spawn.report_fd);
        if (error > 0) {
                self->failure = asm_command_failure(&self->command, self->provider, stage, error);
                tell_failed(self);
                return;
        }
        self->state = LOCAL_RUNNING;
        if (!self->is_paused) {
                watch_output(self, &self->out);
                watch_output(self, &self->err);
        }
        self->backend.listener->started(self->backend.user_data);
        asm_decoder_started(self->decoder,
                            self->command.path,
                            (const char *const *)self->command.argv + 1,
                            self->command.cwd);
}

static gsize
count_left(const Output *output)
{
        int n = 0;

        return *output->fd >= 0 && ioctl(*output->fd, FIONREAD, &n) == 0 ? (gsize)n : 0;
}

static void
on_child_exit(AsmLocal *self)
{
        siginfo_t info = { 0 };

        if (waitid(P_PID, (id_t)self->spawn.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid == 0)
                return;
        self->has_exited = TRUE;
        self->exit_code = info.si_code == CLD_EXITED ? info.si_status : -1;
        self->exit_signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
        unwatch(self, &self->exit_tag);
        if (self->state != LOCAL_RUNNING)
                return;
        self->state = LOCAL_DRAINING;
        self->out.left = count_left(&self->out);
        self->err.left = count_left(&self->err);
        set_deadline(self, DRAIN_MS);
}

static gboolean
is_drained(const AsmLocal *self, const Output *output)
{
        return *output->fd < 0 ||
               (output->left == 0 && g_get_monotonic_time() >= self->deadline_us);
}

static void
tell_end(AsmLocal *self)
{
        g_auto(AsmBuilder) normal = ASM_BUILDER_INIT;
        const AsmBackendListener *listener;

        /* a child that still holds stdout does not turn half a line into none */
        asm_line_reader_end(&self->lines);
        emit_lines(self);
        if (self->is_paused || self->state != LOCAL_DRAINING)
                return;
        begin_ending(self, 0);
        asm_decoder_exit(self->decoder, self->exit_code, self->exit_signal);
        listener = g_steal_pointer(&self->backend.listener);
        if (listener == NULL)
                return;
        asm_builder_atom(&normal, "normal");
        listener->ended(asm_builder_peek(&normal), self->backend.user_data);
}

static gboolean
dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
        AsmLocal *self = (AsmLocal *)source;

        self->is_woken = FALSE;
        if (self->failure != NULL)
                tell_failed(self);
        if (is_ready(self, self->report_tag))
                on_report(self);
        read_stdout(self);
        read_stderr(self);
        if (is_ready(self, self->input_tag))
                write_input(self);
        /* a report is there whenever an exit is, but perhaps not yet when it was asked for */
        if (self->state != LOCAL_STARTING && is_ready(self, self->exit_tag))
                on_child_exit(self);
        if (self->state == LOCAL_DRAINING && !self->is_paused && is_drained(self, &self->out) &&
            is_drained(self, &self->err))
                tell_end(self);
        if (self->state == LOCAL_ENDING)
                finish_ending(self);
        arm(self);
        return G_SOURCE_CONTINUE;
}

static void
finalize(GSource *source)
{
        AsmLocal *self = (AsmLocal *)source;

        g_assert(self->state == LOCAL_OVER);
        asm_failure_free(self->failure);
        asm_decoder_free(self->decoder);
        asm_command_clear(&self->command);
        asm_line_reader_clear(&self->lines);
}

static GSourceFuncs source_funcs = { .dispatch = dispatch, .finalize = finalize };

/* --- the backend ----------------------------------------------------------------------------- */

static void
local_send_input(AsmBackend *backend, const char *data, gsize len)
{
        AsmLocal *self = from_backend(backend);
        gsize waiting;

        if (self->spawn.stdin_fd < 0 || self->is_input_ending || len == 0)
                return;
        if (self->input == NULL)
                self->input = g_byte_array_new();
        waiting = self->input->len - self->input_done;
        if (len >= INPUT_MAX - waiting) {
                g_debug("'%s' does not read its input: %" G_GSIZE_FORMAT
                        " bytes wait, dropping %" G_GSIZE_FORMAT " more",
                        self->command.path,
                        waiting,
                        len);
                return;
        }
        if (self->input_done > 0) {
                g_byte_array_remove_range(self->input, 0, self->input_done);
                self->input_done = 0;
        }
        g_byte_array_append(self->input, (const guint8 *)data, (guint)len);
        /* CLIs read lines */
        if (data[len - 1] != '\n')
                g_byte_array_append(self->input, (const guint8 *)"\n", 1);
        write_input(self);
}

static void
local_end_input(AsmBackend *backend)
{
        AsmLocal *self = from_backend(backend);

        if (self->spawn.stdin_fd < 0)
                return;
        self->is_input_ending = TRUE;
        write_input(self);
}

/* what the decoder has to say to the CLI */
static void
write_line(const char *data, gsize len, gpointer user_data)
{
        AsmLocal *self = user_data;

        if (data != NULL)
                local_send_input(&self->backend, data, len);
        else
                local_end_input(&self->backend);
}

/* Returns: (transfer full) (nullable): NULL if a child is on its way */
static AsmFailure *
start_cli(AsmLocal *self, const AsmBackendSpec *spec)
{
        AsmFailure *failure = asm_command_init(&self->command, spec, /* inherited= */ NULL);
        AsmProviderLaunch launch = { .prompt = spec->prompt,
                                     .options = asm_builder_peek(&self->command.options),
                                     .answers_approvals = spec->answers_approvals };
        AsmSpawnSpec what = { .path = self->command.path,
                              .argv = self->command.argv,
                              .envp = self->command.envp,
                              .cwd = self->command.cwd,
                              .has_stdin = self->command.has_stdin };
        int error;

        if (failure != NULL)
                return failure;
        asm_decoder_set_writer(self->decoder, write_line);
        asm_decoder_set_launch(self->decoder, &launch);
        error = asm_spawn_start(&what, &self->spawn);
        if (error != 0)
                return asm_command_failure(&self->command,
                                           spec->provider,
                                           ASM_SPAWN_STAGE_SETUP,
                                           error);
        self->report_tag = watch(self, self->spawn.report_fd, G_IO_IN);
        self->exit_tag = watch(self, self->spawn.pidfd, G_IO_IN);
        return NULL;
}

static AsmBackend *
local_start(const AsmBackendContext *context,
            const AsmBackendSpec *spec,
            const AsmBackendListener *listener,
            gpointer user_data)
{
        AsmLocal *self = (AsmLocal *)g_source_new(&source_funcs, sizeof(AsmLocal));

        self->backend = (AsmBackend){ .klass = &asm_backend_local,
                                      .listener = listener,
                                      .user_data = user_data };
        self->provider = spec->provider;
        self->link.data = self;
        self->spawn = ASM_SPAWN_INIT;
        self->out.fd = &self->spawn.stdout_fd;
        self->err.fd = &self->spawn.stderr_fd;
        self->deadline_us = -1;
        asm_line_reader_init(&self->lines, LINE_MAX_BYTES);
        self->decoder = asm_decoder_new(spec->provider, /* wall_us= */ NULL, emit_event, self);
        self->failure = start_cli(self, spec);
        g_queue_push_tail_link(&living, &self->link);
        g_source_set_static_name(&self->source, "asm-local-backend");
        g_source_attach(&self->source, g_main_context_get_thread_default());
        arm(self);
        return &self->backend;
}

static void
local_approve(AsmBackend *backend, const char *approval_id, gboolean allow, const char *reason)
{
        AsmLocal *self = from_backend(backend);

        if (!asm_decoder_approve(self->decoder, approval_id, allow, reason))
                g_debug("approval '%s' has no answer on stdin", approval_id);
}

static void
local_interrupt(AsmBackend *backend)
{
        AsmLocal *self = from_backend(backend);

        if (self->spawn.pid != 0 && self->state < LOCAL_ENDING &&
            !asm_decoder_interrupt(self->decoder))
                asm_spawn_signal(&self->spawn, SIGINT);
}

static void
local_set_paused(AsmBackend *backend, gboolean is_paused)
{
        AsmLocal *self = from_backend(backend);

        if (self->is_paused == is_paused || self->state >= LOCAL_ENDING)
                return;
        self->is_paused = is_paused;
        if (is_paused) {
                /* out of the poll set altogether: a hang-up is reported whatever is asked for */
                unwatch(self, &self->out.tag);
                unwatch(self, &self->err.tag);
                return;
        }
        if (self->state != LOCAL_STARTING) {
                watch_output(self, &self->out);
                watch_output(self, &self->err);
        }
        if (self->state == LOCAL_DRAINING)
                set_deadline(self, DRAIN_MS);
        self->is_woken = TRUE;
        arm(self);
}

static void
local_close(AsmBackend *backend, guint grace_ms)
{
        AsmLocal *self = from_backend(backend);

        backend->listener = NULL;
        if (self->state < LOCAL_ENDING)
                begin_ending(self, grace_ms);
        g_source_unref(&self->source);
}

void
asm_backend_local_kill_all(void)
{
        for (GList *link = living.head; link != NULL; link = link->next) {
                AsmLocal *self = link->data;

                if (self->spawn.pid != 0)
                        asm_spawn_signal(&self->spawn, SIGKILL);
        }
}

const AsmBackendClass asm_backend_local = { .name = "local",
                                            .start = local_start,
                                            .send_input = local_send_input,
                                            .end_input = local_end_input,
                                            .approve = local_approve,
                                            .interrupt = local_interrupt,
                                            .close = local_close,
                                            .set_paused = local_set_paused };
