/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What asmd is told: command line over environment over configuration files over defaults, key by key.
 * Every value that was given knows where, for messages and for `asmctl config`.
 */

#include "api/api.h"

/**
 * AsmConfigError:
 * @ASM_CONFIG_ERROR_VALUE: a value of the wrong form; the key and the value are named
 * @ASM_CONFIG_ERROR_USAGE: a command line that does not make sense
 */
typedef enum {
        ASM_CONFIG_ERROR_VALUE,
        ASM_CONFIG_ERROR_USAGE,
} AsmConfigError;

#define ASM_CONFIG_ERROR (asm_config_error_quark())
GQuark asm_config_error_quark(void);

/* the weakest first */
typedef enum {
        ASM_ORIGIN_FILE,
        ASM_ORIGIN_ENVIRONMENT,
        ASM_ORIGIN_OPTION,
} AsmOriginKind;

/* where a value was given */
typedef struct {
        AsmOriginKind kind;
        char *where; /* the file, the variable, the option of the command line */
        guint line;  /* of a file */
} AsmOrigin;

typedef struct {
        char *group;
        char *key;   /* NULL: the group itself, which may be without keys */
        char *value; /* as it was given; NULL without a key */
        AsmOrigin origin;
} AsmConfigSetting;

typedef struct {
        char *name; /* as given: "asmd" or "asmd@host" */
        gboolean is_long_name;
        char *cookie_file;  /* NULL: ~/.erlang.cookie */
        char *listen;       /* "ADDRESS" or "ADDRESS:PORT" */
        char *kit_path;     /* where kits are looked for; NULL: the default */
        AsmNodeConfig node; /* name and address filled in by asm_config_finish() */
        AsmTlsConfig tls;
        AsmManagerLimits limits;
        guint max_mail;
        guint shutdown_grace_ms; /* for runs to finish when the daemon is told to stop */
        AsmHostConfig host;
        GStrv host_allow;     /* NULL: none; patterns of nodes, as the next one */
        GStrv allow;          /* NULL: none */
        char *default_rights; /* NULL: none; of the nodes in allow */
        AsmPeers *peers;      /* what asm_config_read() makes of these and of [peer PATTERN] */
        char *metrics_listen; /* "ADDRESS:PORT"; NULL: no endpoint */
        gboolean metrics_allow_remote;
        guint log_format; /* AsmLogFormat */
        guint log_level;  /* AsmLogLevel */
        GHashTable
                *defaults; /* provider, "" for all -> owned AsmTerm: options of sessions and runs */
        GPtrArray *
                settings; /* of owned AsmConfigSetting: what was given, in the order it first was */
        GPtrArray *files; /* of owned paths: what was read, the weakest first */
} AsmConfig;

void asm_config_init(AsmConfig *config);
void asm_config_clear(AsmConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmConfig, asm_config_clear)

/* a value of the command line; @option: "--listen", for messages */
typedef struct {
        const char *group;
        const char *key;
        const char *value;
        const char *option;
} AsmConfigOption;

/**
 * AsmConfigInput:
 * @file: (nullable): of --config: the only one that is read. NULL: the one that ASMD_CONFIG names, or
 *   those of the places where they are looked for.
 * @options: what the command line says; ends with an element without a group
 * @environment: (nullable): NULL: that of the program
 * @system_file: (nullable): NULL: asmd/asmd.conf in the folder that asmd was built for
 * @is_client: for a program that uses the daemon: it does without files that its user may not read
 */
typedef struct {
        const char *file;
        const AsmConfigOption *options;
        char **environment;
        const char *system_file;
        gboolean is_client;
} AsmConfigInput;

/**
 * AsmConfigReport: what asm_config_read() has to say
 * @mistakes: of owned text: "FILE:LINE: [GROUP] KEY: what", or a variable or an option before the colon
 * @n_more: mistakes that were too many to tell
 * @warnings: of owned text: what is probably meant otherwise, but no mistake
 * @places: of owned paths: where files were looked for, the weakest first
 *
 * No secret is in any of them.
 */
typedef struct {
        GPtrArray *mistakes;
        guint n_more;
        GPtrArray *warnings;
        GPtrArray *places;
} AsmConfigReport;

void asm_config_report_init(AsmConfigReport *report);
void asm_config_report_clear(AsmConfigReport *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmConfigReport, asm_config_report_clear)
/* (transfer full): all mistakes, a line each */
char *asm_config_report_text(const AsmConfigReport *report);

/**
 * asm_config_places: (transfer full): where configuration files are looked for, the weakest first: the
 *   system's, those of XDG_CONFIG_DIRS from the last to the first, the user's, if there is a home
 */
GPtrArray *asm_config_places(char **environment, const char *system_file);

/**
 * asm_config_read: the whole configuration, with all that is wrong with it
 * @config: initialized by this function, in any case
 * @report: added to
 *
 * Returns: whether there is no mistake
 */
gboolean asm_config_read(AsmConfig *config, const AsmConfigInput *input, AsmConfigReport *report);

/**
 * asm_config_check_files: whether the files that the configuration names can be used: cookie and TLS
 *
 * Mistakes go to @report. For asmd, before it uses them itself.
 */
gboolean asm_config_check_files(const AsmConfig *config, AsmConfigReport *report);

/* (nullable): where [@group] @key was given; borrowed */
const AsmConfigSetting *asm_config_find(const AsmConfig *config,
                                        const char *group,
                                        const char *key);

/**
 * asm_config_log_changes: what of @config a daemon that runs with @running takes over at its next
 *   start only
 */
void asm_config_log_changes(const AsmConfig *running, const AsmConfig *config);

/**
 * asm_config_tell: appends what a daemon runs with and where each value was given, without secrets
 * @started: what it was started with
 * @latest: what it has read last, which is the same when it has read once
 *
 * A map: `files`, a list of paths, and `settings`, a list of maps with `group`, `key`, `value` (nil: it
 * is not set), `origin` (default, file, environment or option), `where` (file, variable or option; nil
 * for a default), `line` (of a file, else nil) and `pending` (what holds at the next start: a map with
 * `value` to `line`; nil: this).
 */
void asm_config_tell(AsmBuilder *out, const AsmConfig *started, const AsmConfig *latest);

/**
 * asm_config_finish: completes names and addresses, and reads ERL_EPMD_PORT
 *
 * Errors: ASM_CONFIG_ERROR_VALUE, ASM_NODE_ERROR_NAME
 */
gboolean asm_config_finish(AsmConfig *config, GError **error);
