/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The agent CLIs: how each is started and how its output becomes core events (ASM_PROTOCOL.md
 * section 7). Pure: no process is started here, no file is opened.
 */

#include "event/event.h"

typedef struct _AsmDecoder AsmDecoder;

/* called once per event with a core event term; borrowed. It may free the decoder, not feed it. */
typedef void (*AsmDecoderFunc)(AsmView core_event, gpointer user_data);

typedef struct {
        const char *name;                /* "codex" */
        const char *display_name;        /* "Codex CLI" */
        const char *profile;             /* "Elixir.CliSubprocessCore.ProviderProfiles.Codex" */
        const char *command;             /* what is looked for in PATH */
        const char *path_variable;       /* environment variable that overrides it */
        gboolean stdin_open;             /* stdin stays open after the start */
        const char *const *capabilities; /* NULL-terminated, sorted */

        /**
         * build_args: (transfer full): arguments behind the command for a prompt and the run's options
         *
         * Returns NULL with @error (ASM_PROVIDER_ERROR_OPTION) for an option with a wrong value.
         */
        GStrv (*build_args)(const char *prompt, AsmView options, GError **error);
        /* one line of stdout without its newline; NULL: this version does not decode it */
        void (*decode_line)(AsmDecoder *decoder, const char *line, gsize len);
        /**
         * approval_line: (transfer full) (nullable): what answers an approval on stdin, with its newline
         * @raw: of the event that asked for it
         * @reason: (nullable)
         *
         * NULL, the function as well: this provider cannot be answered that way.
         */
        char *(*approval_line)(AsmView raw, gboolean allow, const char *reason);
} AsmProvider;

typedef enum {
        ASM_PROVIDER_ERROR_UNKNOWN, /* no provider of this name; the message lists those there are */
        ASM_PROVIDER_ERROR_OPTION,  /* option name, value and what is expected */
} AsmProviderError;

#define ASM_PROVIDER_ERROR (asm_provider_error_quark())
GQuark asm_provider_error_quark(void);

/* Errors: ASM_PROVIDER_ERROR_UNKNOWN */
const AsmProvider *asm_provider_find(const char *name, GError **error);
/* NULL-terminated */
const AsmProvider *const *asm_provider_all(void);

/**
 * asm_decoder_new: the state of one conversation
 * @wall_us: (nullable): clock for timestamps, NULL for g_get_real_time
 */
AsmDecoder *asm_decoder_new(const AsmProvider *provider,
                            gint64 (*wall_us)(void),
                            AsmDecoderFunc func,
                            gpointer user_data);
void asm_decoder_free(AsmDecoder *decoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmDecoder, asm_decoder_free)

/* the CLI runs: emits run_started; @cwd nullable */
void asm_decoder_started(AsmDecoder *decoder,
                         const char *command,
                         const char *const *args,
                         const char *cwd);
/* a line of stdout without its newline; emits no, one or several events */
void asm_decoder_line(AsmDecoder *decoder, const char *line, gsize len);
/* a line of stdout was longer than @limit bytes and is lost: emits a fatal error, buffer_overflow */
void asm_decoder_line_too_long(AsmDecoder *decoder, gint64 limit);
/* a chunk of stderr; kept (the last 64 KiB) for the exit */
void asm_decoder_stderr(AsmDecoder *decoder, const char *data, gsize len);
/**
 * asm_decoder_exit: the CLI has ended (ASM_PROTOCOL.md section 7, "Exit")
 * @code: exit code, or -1 if a signal ended it
 * @signal: 0 or the signal
 */
void asm_decoder_exit(AsmDecoder *decoder, gint code, gint signal);
