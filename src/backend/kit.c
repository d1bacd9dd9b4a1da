/* SPDX-License-Identifier: MIT */

/*
 * A run whose agent is a kit: a process as in local.c that is told by JSON lines what to do.
 *
 *     WAITING --ready--> READY --exit--> (over)
 *        |  error, another line, exit, exec failed, start_timeout_ms
 *        +--> the start has failed
 *
 * Until a kit is ready it has no events: what it writes on stderr is kept, told as events when it is
 * ready, and part of the message when it ends before.
 *
 * close() says `close` and ends stdin. A kit gets a moment to leave by itself, as it may have a CLI
 * of its own to end and a session to write; then its group is ended as any CLI's is.
 */

#include "backend/kit.h"
#include "backend/backend.h"
#include "backend/command-private.h"
#include "backend/process-private.h"
#include "provider/kit.h"

#include <string.h>

/* how much of the stderr of a kit that does not start is kept, and how much of it is told */
#define EARLY_ERRORS_MAX   (64 * 1024)
#define MESSAGE_ERRORS_MAX 4096

/* how long a kit that was told to close may take without being asked again */
#define CLOSE_GRACE_MS 1000

typedef struct {
        AsmProcess process;
        AsmBackend backend;
        const AsmProvider *provider;
        AsmKit *kit;         /* NULL: none could be used */
        AsmFailure *failure; /* why there is no command */
        AsmDecoder *decoder;
        AsmCommand command;
        char *start_line;
        GString *early_errors; /* NULL once it is ready */
        guint start_timer;     /* 0: not waiting */
        AsmLineRules rules;
} AsmKitRun;

static AsmKitRun *
from_backend(AsmBackend *backend)
{
        return (AsmKitRun *)((char *)backend - G_STRUCT_OFFSET(AsmKitRun, backend));
}

static gboolean
is_ready(const AsmKitRun *self)
{
        return self->early_errors == NULL;
}

/* --- a start that fails ---------------------------------------------------------------------- */

/* @failure: (transfer full); nothing follows */
static void
fail(AsmKitRun *self, AsmFailure *failure)
{
        const AsmBackendListener *listener = g_steal_pointer(&self->backend.listener);
        g_autoptr(AsmFailure) told = failure;

        g_clear_handle_id(&self->start_timer, g_source_remove);
        if (told->provider == NULL)
                told->provider = g_strdup(self->provider->name);
        if (listener != NULL)
                listener->failed(told, self->backend.user_data);
}

/* the same with the kit's name in front, and its last words behind */
static void
fail_named(AsmKitRun *self, AsmFailure *failure)
{
        const GString *errors = self->early_errors;
        gsize len = MIN(errors->len, MESSAGE_ERRORS_MAX);
        g_autofree char *words = g_utf8_make_valid(errors->str + (errors->len - len), (gssize)len);
        g_autofree char *message = g_steal_pointer(&failure->message);

        g_strstrip(words);
        failure->message = g_strdup_printf("kit %s: %s%s%s",
                                           self->kit->name,
                                           message,
                                           *words != '\0' ? ": " : "",
                                           words);
        fail(self, failure);
}

static gboolean
on_start_timeout(gpointer user_data)
{
        AsmKitRun *self = user_data;

        self->start_timer = 0;
        fail_named(
                self,
                asm_failure_new(ASM_FAILURE_TIMEOUT,
                                ASM_DOMAIN_TRANSPORT,
                                "not ready after %u ms; start_timeout_ms in its kit.json gives it "
                                "more time",
                                self->kit->start_timeout_ms));
        return G_SOURCE_REMOVE;
}

/* --- what the process tells ------------------------------------------------------------------ */

static void
emit_event(AsmView event, gpointer user_data)
{
        AsmKitRun *self = user_data;

        if (self->backend.listener != NULL)
                self->backend.listener->event(event, self->backend.user_data);
}

static void
on_running(AsmProcess *process)
{
        AsmKitRun *self = (AsmKitRun *)process;
        g_autofree char *line = g_steal_pointer(&self->start_line);

        if (asm_process_send(process, line, strlen(line))) {
                self->start_timer =
                        g_timeout_add(self->kit->start_timeout_ms, on_start_timeout, self);
                return;
        }
        fail_named(self,
                   asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                   ASM_DOMAIN_CONFIG,
                                   "prompt and options are too long: %" G_GSIZE_FORMAT " bytes",
                                   strlen(line)));
}

static void
on_failed(AsmProcess *process, AsmSpawnStage stage, int error)
{
        AsmKitRun *self = (AsmKitRun *)process;

        if (self->failure != NULL)
                fail(self, g_steal_pointer(&self->failure));
        else if (stage != ASM_SPAWN_STAGE_EXEC)
                fail(self, asm_command_failure(&self->command, self->provider, stage, error));
        else
                fail_named(self,
                           asm_failure_new(ASM_FAILURE_CLI_NOT_FOUND,
                                           ASM_DOMAIN_PROVIDER,
                                           "'%s' cannot be executed: %s (does the interpreter that "
                                           "its first line names exist?)",
                                           self->command.path,
                                           g_strerror(error)));
}

static void
begin(AsmKitRun *self)
{
        g_autoptr(GString) errors = g_steal_pointer(&self->early_errors);
        AsmBackend *backend = &self->backend;

        g_clear_handle_id(&self->start_timer, g_source_remove);
        backend->listener->started(backend->user_data);
        asm_decoder_started(self->decoder, self->command.path, /* args= */ NULL, self->command.cwd);
        if (backend->listener != NULL)
                asm_decoder_stderr(self->decoder, errors->str, errors->len);
}

static void
on_line(AsmProcess *process, const char *line, gsize len)
{
        AsmKitRun *self = (AsmKitRun *)process;
        AsmFailure *failure = NULL;

        if (self->backend.listener == NULL)
                return;
        if (is_ready(self))
                asm_decoder_line(self->decoder, line, len);
        else if (asm_kit_read_ready(line, len, &failure))
                begin(self);
        else
                fail_named(self, failure);
}

static void
on_line_too_long(AsmProcess *process)
{
        AsmKitRun *self = (AsmKitRun *)process;

        if (self->backend.listener == NULL)
                return;
        if (is_ready(self))
                asm_decoder_line_too_long(self->decoder, (gint64)self->rules.max_line);
        else
                fail_named(self,
                           asm_failure_new(ASM_FAILURE_BUFFER_OVERFLOW,
                                           ASM_DOMAIN_TRANSPORT,
                                           "its first line is longer than %" G_GSIZE_FORMAT
                                           " bytes",
                                           self->rules.max_line));
}

static void
on_errors(AsmProcess *process, const char *data, gsize len)
{
        AsmKitRun *self = (AsmKitRun *)process;
        GString *early = self->early_errors;

        if (self->backend.listener == NULL)
                return;
        if (is_ready(self)) {
                asm_decoder_stderr(self->decoder, data, len);
                return;
        }
        g_string_append_len(early, data, (gssize)len);
        if (early->len > EARLY_ERRORS_MAX)
                g_string_erase(early, 0, (gssize)(early->len - EARLY_ERRORS_MAX));
}

static void
on_exited(AsmProcess *process, gint code, gint signo)
{
        AsmKitRun *self = (AsmKitRun *)process;
        g_auto(AsmBuilder) normal = ASM_BUILDER_INIT;
        const AsmBackendListener *listener;
        gboolean is_signal = code < 0;

        if (self->backend.listener == NULL)
                return;
        if (!is_ready(self)) {
                fail_named(self,
                           asm_failure_new(ASM_FAILURE_TRANSPORT_ERROR,
                                           ASM_DOMAIN_TRANSPORT,
                                           "it ended before it was ready (%s %d)",
                                           is_signal ? "signal" : "exit status",
                                           is_signal ? signo : code));
                return;
        }
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
        AsmKitRun *self = (AsmKitRun *)process;

        g_clear_handle_id(&self->start_timer, g_source_remove);
        asm_kit_free(self->kit);
        asm_failure_free(self->failure);
        asm_decoder_free(self->decoder);
        asm_command_clear(&self->command);
        g_free(self->start_line);
        if (self->early_errors != NULL)
                g_string_free(self->early_errors, TRUE);
}

static const AsmProcessClass process_class = { .running = on_running,
                                               .failed = on_failed,
                                               .line = on_line,
                                               .line_too_long = on_line_too_long,
                                               .errors = on_errors,
                                               .exited = on_exited,
                                               .clear = clear };

/* --- the backend ----------------------------------------------------------------------------- */

/* (transfer full) (nullable): why there is nothing to start */
static AsmFailure *
prepare(AsmKitRun *self, const AsmBackendSpec *spec)
{
        g_autoptr(GError) error = NULL;
        AsmFailure *failure;
        AsmKitStart start = { .provider = spec->provider,
                              .run_id = spec->run_id,
                              .session_id = spec->session_id,
                              .prompt = spec->prompt,
                              .cli_path = spec->cli_path,
                              .options = spec->options };

        if (!asm_kit_find(spec->provider->name, &self->kit, &error))
                return asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                       ASM_DOMAIN_CONFIG,
                                       "%s",
                                       error->message);
        /* it was there when the lane was chosen */
        if (self->kit == NULL)
                return asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                       ASM_DOMAIN_CONFIG,
                                       "the kit of provider %s is gone: install it again, or use "
                                       "lane core",
                                       spec->provider->name);
        failure = asm_command_init_kit(&self->command, spec, self->kit->program);
        if (failure != NULL)
                return failure;
        start.cwd = self->command.cwd;
        self->start_line = asm_kit_start_line(&start);
        return NULL;
}

static AsmBackend *
kit_start(const AsmBackendContext *context,
          const AsmBackendSpec *spec,
          const AsmBackendListener *listener,
          gpointer user_data)
{
        AsmLineRules rules = { .max_line = ASM_LINE_MAX_DEFAULT };
        AsmSpawnSpec what = { .has_stdin = TRUE };
        AsmProcess *process;
        AsmKitRun *self;

        /* what is wrong with them was told when the options were checked */
        asm_line_rules_read(spec->options, &rules, NULL);
        process = asm_process_new(&process_class, sizeof(AsmKitRun), rules.max_line);
        self = (AsmKitRun *)process;
        self->rules = rules;
        self->backend = (AsmBackend){ .klass = &asm_backend_kit,
                                      .listener = listener,
                                      .user_data = user_data };
        self->provider = spec->provider;
        self->early_errors = g_string_new(NULL);
        self->failure = prepare(self, spec);
        if (self->failure != NULL) {
                asm_process_start(process, /* spec= */ NULL);
                return &self->backend;
        }
        self->decoder = asm_decoder_new_for_kit(spec->provider,
                                                self->kit->name,
                                                /* wall_us= */ NULL,
                                                emit_event,
                                                self);
        asm_decoder_set_line_rules(self->decoder, &self->rules);
        what.path = self->command.path;
        what.argv = self->command.argv;
        what.envp = self->command.envp;
        what.cwd = self->command.cwd;
        asm_process_start(process, &what);
        return &self->backend;
}

/* before the start is told nothing else may be */
static void
say(AsmKitRun *self, const char *line)
{
        if (self->start_line == NULL && !asm_process_send(&self->process, line, strlen(line)))
                g_debug("kit %s does not read its input, dropping %" G_GSIZE_FORMAT " bytes",
                        self->kit->name,
                        strlen(line));
}

static void
kit_send_input(AsmBackend *backend, const char *data, gsize len)
{
        g_autofree char *line = asm_kit_input_line(data, len);

        say(from_backend(backend), line);
}

static void
kit_end_input(AsmBackend *backend)
{
        g_autofree char *line = asm_kit_input_line(NULL, 0);

        say(from_backend(backend), line);
}

static void
kit_approve(AsmBackend *backend, const char *approval_id, gboolean allow, const char *reason)
{
        g_autofree char *line = asm_kit_approve_line(approval_id, allow, reason);

        say(from_backend(backend), line);
}

static void
kit_interrupt(AsmBackend *backend)
{
        say(from_backend(backend), ASM_KIT_INTERRUPT_LINE);
}

static void
kit_set_paused(AsmBackend *backend, gboolean is_paused)
{
        asm_process_set_paused(&from_backend(backend)->process, is_paused);
}

static void
kit_close(AsmBackend *backend, guint grace_ms)
{
        AsmKitRun *self = from_backend(backend);

        backend->listener = NULL;
        g_clear_handle_id(&self->start_timer, g_source_remove);
        if (is_ready(self)) {
                say(self, ASM_KIT_CLOSE_LINE);
                grace_ms = MAX(grace_ms, CLOSE_GRACE_MS);
        }
        asm_process_close(&self->process, grace_ms);
}

const AsmBackendClass asm_backend_kit = { .name = "kit",
                                          .start = kit_start,
                                          .send_input = kit_send_input,
                                          .end_input = kit_end_input,
                                          .approve = kit_approve,
                                          .interrupt = kit_interrupt,
                                          .close = kit_close,
                                          .set_paused = kit_set_paused };
