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

/**
 * AsmDecoderWriteFunc: bytes for the CLI's stdin, whole lines with their newline
 * @data: (nullable): NULL ends the input
 *
 * It may neither feed nor free the decoder.
 */
typedef void (*AsmDecoderWriteFunc)(const char *data, gsize len, gpointer user_data);

/**
 * AsmProviderLaunch: what a CLI is started for
 * @options: the provider's options, a keyword list or a map; may be not set
 * @answers_approvals: whoever starts the CLI answers its approvals, so it may be started in a form
 *   that waits for answers. TRUE for the runs of this daemon. FALSE for a caller that never
 *   forwards a decision, as an Elixir ASM node: its CLI would wait for ever, so it gets the
 *   plain command line (ASM_PROTOCOL.md section 7).
 * @file_path: (nullable): where the text of the provider's build_file() is; NULL while arguments are
 *   only checked
 */
typedef struct {
        const char *prompt;
        AsmView options;
        gboolean answers_approvals;
        const char *file_path;
} AsmProviderLaunch;

/* what an option of a provider takes */
typedef enum {
        ASM_OPTION_BOOLEAN, /* true gives the flag */
        ASM_OPTION_WORD,    /* a name, an id or a path: text that does not begin with "-" */
        ASM_OPTION_TEXT,    /* any text */
        ASM_OPTION_COUNT,   /* an integer of at least 1 */
        ASM_OPTION_WORDS,   /* a list of words, each with the flag in front of it */
        ASM_OPTION_PAIRS,   /* a list of pairs {Name, Value} */
        ASM_OPTION_JSON,    /* a map or a list, which the CLI gets as JSON */
        ASM_OPTION_SWITCH,  /* true, or a word behind the flag */
        ASM_OPTION_MODEL,   /* a word; the model_payload of an ASM session comes first */
        ASM_OPTION_MODE,    /* a permission mode of the table of these */
        ASM_OPTION_REFUSED, /* the CLI cannot do it: whoever asks for it gets an error */
} AsmOptionType;

typedef struct _AsmArguments AsmArguments;
typedef struct _AsmProviderFlag AsmProviderFlag;

/* an option of a provider and what it becomes on the command line */
struct _AsmProviderFlag {
        const char *option; /* "max_turns"; NULL ends a table */
        AsmOptionType type;
        const char *flag;     /* "--max-turns"; NULL for what is refused */
        const char *fallback; /* what holds when it is not given, for people; NULL: the CLI's own */
        /* private; what appends it where its type does not say all */
        void (*add)(AsmArguments *arguments, const AsmProviderFlag *flag);
};

typedef struct {
        const char *mode;           /* normalized name; NULL ends a table */
        const char *native;         /* the CLI's own name for it, which may be given as well */
        const char *const flags[3]; /* what it adds, NULL-terminated */
} AsmPermissionMode;

typedef struct {
        const char *name;          /* "codex" */
        const char *display_name;  /* "Codex CLI" */
        const char *profile;       /* "Elixir.CliSubprocessCore.ProviderProfiles.Codex" */
        const char *command;       /* what is looked for in PATH */
        const char *path_variable; /* environment variable that overrides it */
        const char *schema_tool;   /* nullable: the tool with which the CLI itself fills a schema */
        gboolean stdin_open;       /* stdin stays open after the start, in any form */
        const char *const *capabilities; /* NULL-terminated, sorted */
        const AsmProviderFlag *flags;    /* its options, in the order of the command line */
        const AsmPermissionMode *permission_modes;

        /**
         * build_args: (transfer full): arguments behind the command
         *
         * Returns NULL with @error (ASM_PROVIDER_ERROR_OPTION) for an option with a wrong value.
         */
        GStrv (*build_args)(const AsmProviderLaunch *launch, GError **error);
        /**
         * build_file: (nullable) (transfer full): text that the CLI reads from a file
         *
         * Whoever starts the CLI writes it where nobody else can read it, tells build_args() the
         * path, and removes the file when the CLI has ended. NULL, from the function as well: none
         * is wanted.
         */
        char *(*build_file)(const AsmProviderLaunch *launch);
        /**
         * is_conversation: (nullable): whether the CLI is started in its two-way form
         *
         * In this form the CLI reads lines from its stdin, which is open whatever @stdin_open says:
         * the prompt, answers, interrupts. The command line of build_args() is then another one.
         * NULL: there is no such form.
         */
        gboolean (*is_conversation)(const AsmProviderLaunch *launch);
        /* (nullable): writes the first lines of a conversation; the launch is in the decoder */
        void (*begin)(AsmDecoder *decoder);
        /* (nullable): asks the CLI in its own words to stop; FALSE: it has none for that now */
        gboolean (*interrupt)(AsmDecoder *decoder);
        /* one line of stdout without its newline; NULL: this version does not decode it */
        void (*decode_line)(AsmDecoder *decoder, const char *line, gsize len);
        /**
         * approval_line: (transfer full) (nullable): what answers an approval on stdin, with its
         *   newline; for a CLI here by asm_decoder_approve(), for one on a node as its input
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

/* "boolean", "text", "list of texts", ...: for people and for lists of options */
const char *asm_option_type_name(AsmOptionType type);

/* Errors: ASM_PROVIDER_ERROR_UNKNOWN */
const AsmProvider *asm_provider_find(const char *name, GError **error);
/* NULL-terminated */
const AsmProvider *const *asm_provider_all(void);
gboolean asm_provider_is_conversation(const AsmProvider *provider, const AsmProviderLaunch *launch);

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

/* longest line of stdout unless told otherwise; an agent's largest are files read by a tool */
#define ASM_LINE_MAX_DEFAULT ((gsize)16 * 1024 * 1024)

/* what becomes of lines that are no good; options of every provider */
typedef struct {
        gsize max_line;              /* bytes; a longer line is an error in any case */
        gboolean skips_parse_errors; /* a line that is not JSON is a raw event, not an error */
} AsmLineRules;

/**
 * asm_line_rules_read: the options max_line_bytes and on_parse_error, or their defaults
 *
 * Errors: ASM_PROVIDER_ERROR_OPTION, which build_args() gives as well
 */
gboolean asm_line_rules_read(AsmView options, AsmLineRules *ret_rules, GError **error);
/**
 * asm_line_rules_apply: an event that was decoded elsewhere, as @rules want it
 * @builder: where the result is if it is another one; reset
 *
 * Returns: (transfer none): @event itself, or a raw event instead of the error for a broken line
 */
AsmView asm_line_rules_apply(const AsmLineRules *rules, AsmView event, AsmBuilder *builder);
void asm_decoder_set_line_rules(AsmDecoder *decoder, const AsmLineRules *rules);
/* where lines for the CLI's stdin go; @write gets the user_data of the decoder. Without it nothing
 * is ever written. */
void asm_decoder_set_writer(AsmDecoder *decoder, AsmDecoderWriteFunc write);
/**
 * asm_decoder_set_launch: tells what the CLI is started for (copied)
 *
 * Before asm_decoder_started(), which begins the conversation if the launch is one: the prompt
 * and whatever else comes first is written then.
 */
void asm_decoder_set_launch(AsmDecoder *decoder, const AsmProviderLaunch *launch);
/**
 * asm_decoder_approve: answers an approval that the CLI has asked for, in the CLI's own words
 * @reason: (nullable): for the model, when it is denied
 *
 * Returns: FALSE: nobody asks for it (any more), or this CLI cannot be answered
 */
gboolean asm_decoder_approve(AsmDecoder *decoder,
                             const char *approval_id,
                             gboolean allow,
                             const char *reason);
/**
 * asm_decoder_interrupt: asks the CLI in its own words to stop what it does
 *
 * Returns: FALSE: it has no words for that, use a signal. With TRUE the caller still
 *   has to see to it that it ends.
 */
gboolean asm_decoder_interrupt(AsmDecoder *decoder);
/* the CLI runs: emits run_started, then begins the conversation; @cwd nullable */
void asm_decoder_started(AsmDecoder *decoder,
                         const char *command,
                         const char *const *args,
                         const char *cwd);
/* a line of stdout without its newline; emits no, one or several events */
void asm_decoder_line(AsmDecoder *decoder, const char *line, gsize len);
/* a line of stdout was longer than @limit bytes and is lost (asm_decoder_line() says so of one that
 * is longer than its limit): emits a fatal error, buffer_overflow */
void asm_decoder_line_too_long(AsmDecoder *decoder, gint64 limit);
/* a chunk of stderr; kept (the last 64 KiB) for the exit */
void asm_decoder_stderr(AsmDecoder *decoder, const char *data, gsize len);
/**
 * asm_decoder_exit: the CLI has ended (ASM_PROTOCOL.md section 7, "Exit")
 * @code: exit code, or -1 if a signal ended it
 * @signal: 0 or the signal
 */
void asm_decoder_exit(AsmDecoder *decoder, gint code, gint signal);
