/* SPDX-License-Identifier: MIT */

/*
 * A run whose CLI is a child of this program: the command that a spec stands for, a process that
 * runs it, and the provider's decoder between its lines and the listener. How the process lives and
 * ends, and how it is paused, is told in process.c.
 *
 * With the surface ssh_exec the process is an ssh, and ssh.c stands between its pipes and the CLI.
 *
 * What goes wrong before there is a process (no such file, a bad directory) is told like a failed
 * exec, from the main loop: nobody is called from inside the start.
 */

#include "backend/backend.h"
#include "backend/command-private.h"
#include "backend/process-private.h"
#include "backend/scratch-private.h"
#include "backend/ssh-private.h"

#include <signal.h>
#include <string.h>

typedef struct {
        AsmProcess process;
        AsmBackend backend;
        const AsmProvider *provider;
        AsmFailure *failure; /* why there is no command */
        AsmDecoder *decoder;
        AsmCommand command;
        AsmSsh *ssh; /* NULL: the CLI is the process itself */
        AsmLineRules rules;
} AsmLocal;

static AsmLocal *
from_backend(AsmBackend *backend)
{
        return (AsmLocal *)((char *)backend - G_STRUCT_OFFSET(AsmLocal, backend));
}

/* --- what the process tells ------------------------------------------------------------------ */

static void
emit_event(AsmView event, gpointer user_data)
{
        AsmLocal *self = user_data;

        if (self->backend.listener != NULL)
                self->backend.listener->event(event, self->backend.user_data);
}

static void
tell_started(AsmLocal *self)
{
        const AsmCommand *cli = self->ssh != NULL ? &self->ssh->cli : &self->command;

        self->backend.listener->started(self->backend.user_data);
        asm_decoder_started(self->decoder, cli->path, (const char *const *)cli->argv + 1, cli->cwd);
}

static void
on_running(AsmProcess *process)
{
        AsmLocal *self = (AsmLocal *)process;

        if (self->ssh == NULL)
                tell_started(self);
}

static void
on_failed(AsmProcess *process, AsmSpawnStage stage, int error)
{
        AsmLocal *self = (AsmLocal *)process;
        const AsmBackendListener *listener = g_steal_pointer(&self->backend.listener);
        g_autoptr(AsmFailure) failure = g_steal_pointer(&self->failure);

        if (failure == NULL)
                failure = asm_command_failure(&self->command, self->provider, stage, error);
        listener->failed(failure, self->backend.user_data);
}

static void
on_line(AsmProcess *process, const char *line, gsize len)
{
        AsmLocal *self = (AsmLocal *)process;
        AsmSshWord word = ASM_SSH_LINE;

        if (self->ssh != NULL)
                word = asm_ssh_read(self->ssh, line, len, &len);
        if (word == ASM_SSH_STARTED)
                tell_started(self);
        else if (word == ASM_SSH_LINE || (word == ASM_SSH_EXITED && len > 0))
                asm_decoder_line(self->decoder, line, len);
}

static void
on_line_too_long(AsmProcess *process)
{
        AsmLocal *self = (AsmLocal *)process;

        asm_decoder_line_too_long(self->decoder, (gint64)self->rules.max_line);
}

static void
on_errors(AsmProcess *process, const char *data, gsize len)
{
        AsmLocal *self = (AsmLocal *)process;

        if (self->ssh != NULL && !self->ssh->is_started)
                asm_ssh_add_errors(self->ssh, data, len);
        else
                asm_decoder_stderr(self->decoder, data, len);
}

/* what ssh_exec ends with when the CLI itself has not told its end; TRUE: that was it */
static gboolean
end_without_cli(AsmLocal *self, gint code, gint signo)
{
        const AsmBackendListener *listener = self->backend.listener;
        g_autoptr(AsmFailure) failure = NULL;
        g_auto(AsmBuilder) reason = ASM_BUILDER_INIT;
        g_autofree char *text = NULL;

        if (self->ssh == NULL || self->ssh->has_exited)
                return FALSE;
        self->backend.listener = NULL;
        if (!self->ssh->is_started) {
                failure = asm_ssh_failure(self->ssh, self->provider, code, signo);
                listener->failed(failure, self->backend.user_data);
                return TRUE;
        }
        text = g_strdup_printf("ssh to '%s' ended with %s %d before the CLI did",
                               self->ssh->destination,
                               signo != 0 ? "signal" : "status",
                               signo != 0 ? signo : code);
        asm_builder_tuple(&reason, 2);
        asm_builder_atom(&reason, "connection_lost");
        asm_builder_text(&reason, text);
        listener->ended(asm_builder_peek(&reason), self->backend.user_data);
        return TRUE;
}

static void
on_exited(AsmProcess *process, gint code, gint signo)
{
        AsmLocal *self = (AsmLocal *)process;
        g_auto(AsmBuilder) normal = ASM_BUILDER_INIT;
        const AsmBackendListener *listener;

        if (end_without_cli(self, code, signo))
                return;
        if (self->ssh != NULL)
                asm_decoder_exit(self->decoder, self->ssh->exit_code, /* signo= */ 0);
        else
                asm_decoder_exit(self->decoder, code, signo);
        listener = g_steal_pointer(&self->backend.listener);
        if (listener == NULL)
                return;
        asm_builder_atom(&normal, "normal");
        listener->ended(asm_builder_peek(&normal), self->backend.user_data);
}

static void
clear(AsmProcess *process)
{
        AsmLocal *self = (AsmLocal *)process;

        asm_failure_free(self->failure);
        asm_decoder_free(self->decoder);
        asm_command_clear(&self->command);
        asm_ssh_free(self->ssh);
}

static const AsmProcessClass process_class = { .running = on_running,
                                               .failed = on_failed,
                                               .line = on_line,
                                               .line_too_long = on_line_too_long,
                                               .errors = on_errors,
                                               .exited = on_exited,
                                               .clear = clear };

/* --- the backend ----------------------------------------------------------------------------- */

static void
local_send_input(AsmBackend *backend, const char *data, gsize len)
{
        AsmLocal *self = from_backend(backend);
        g_autofree char *framed = NULL;

        if (self->ssh != NULL)
                data = framed = asm_ssh_frame_input(data, len, &len);
        if (!asm_process_send(&self->process, data, len))
                g_debug("'%s' does not read its input, dropping %" G_GSIZE_FORMAT " bytes",
                        self->command.path,
                        len);
}

static void
local_end_input(AsmBackend *backend)
{
        AsmLocal *self = from_backend(backend);

        if (self->ssh != NULL)
                asm_process_send(&self->process, ASM_SSH_END_INPUT, strlen(ASM_SSH_END_INPUT));
        else
                asm_process_end_input(&self->process);
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

static void
start_cli(AsmLocal *self, const AsmBackendSpec *spec)
{
        const AsmCommand *cli = self->ssh != NULL ? &self->ssh->cli : &self->command;
        AsmProviderLaunch launch = { .prompt = spec->prompt,
                                     .options = asm_builder_peek(&cli->options),
                                     .answers_approvals = spec->answers_approvals };
        AsmSpawnSpec what = { .path = self->command.path,
                              .argv = self->command.argv,
                              .envp = self->command.envp,
                              .cwd = self->command.cwd,
                              .has_stdin = self->command.has_stdin };

        asm_decoder_set_writer(self->decoder, write_line);
        asm_decoder_set_launch(self->decoder, &launch);
        asm_process_start(&self->process, &what);
        if (self->ssh == NULL)
                return;
        self->process.holds_input = TRUE;
        asm_process_send(&self->process, self->ssh->preamble, strlen(self->ssh->preamble));
        if (!cli->has_stdin)
                local_end_input(&self->backend);
}

static AsmBackend *
local_start(const AsmBackendContext *context,
            const AsmBackendSpec *spec,
            const AsmBackendListener *listener,
            gpointer user_data)
{
        AsmLineRules rules = { .max_line = ASM_LINE_MAX_DEFAULT };
        AsmProcess *process;
        AsmLocal *self;

        /* what is wrong with them is told when the command line is built */
        asm_line_rules_read(spec->options, &rules, NULL);
        process = asm_process_new(&process_class, sizeof(AsmLocal), rules.max_line);
        self = (AsmLocal *)process;
        self->rules = rules;
        self->backend = (AsmBackend){ .klass = &asm_backend_local,
                                      .listener = listener,
                                      .user_data = user_data };
        self->provider = spec->provider;
        self->decoder = asm_decoder_new(spec->provider, /* wall_us= */ NULL, emit_event, self);
        asm_decoder_set_line_rules(self->decoder, &rules);
        self->failure = asm_ssh_is_wanted(spec->surface)
                                ? asm_ssh_new(spec, &self->command, &self->ssh)
                                : asm_command_init(&self->command, spec, /* inherited= */ NULL);
        if (self->failure == NULL)
                start_cli(self, spec);
        else
                asm_process_start(process, /* spec= */ NULL);
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

        if (asm_decoder_interrupt(self->decoder))
                return;
        if (self->ssh != NULL)
                asm_process_send(&self->process, ASM_SSH_INTERRUPT, strlen(ASM_SSH_INTERRUPT));
        else
                asm_process_signal(&self->process, SIGINT);
}

static void
local_set_paused(AsmBackend *backend, gboolean is_paused)
{
        asm_process_set_paused(&from_backend(backend)->process, is_paused);
}

static void
local_close(AsmBackend *backend, guint grace_ms)
{
        backend->listener = NULL;
        asm_process_close(&from_backend(backend)->process, grace_ms);
}

void
asm_backend_local_kill_all(void)
{
        asm_process_kill_all();
        asm_scratch_remove_all();
}

guint
asm_backend_local_count(void)
{
        return asm_process_count();
}

const AsmBackendClass asm_backend_local = { .name = "local",
                                            .start = local_start,
                                            .send_input = local_send_input,
                                            .end_input = local_end_input,
                                            .approve = local_approve,
                                            .interrupt = local_interrupt,
                                            .close = local_close,
                                            .set_paused = local_set_paused };
