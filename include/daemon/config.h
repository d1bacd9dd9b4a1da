/* SPDX-License-Identifier: MIT */
#pragma once

/* What asmd is told: command line over configuration file over defaults. */

#include "api/api.h"

/**
 * AsmConfigError:
 * @ASM_CONFIG_ERROR_FILE: the configuration file cannot be read or parsed
 * @ASM_CONFIG_ERROR_KEY: a group or key that asmd does not know
 * @ASM_CONFIG_ERROR_VALUE: a value out of range or of the wrong form; file, key and value are named
 * @ASM_CONFIG_ERROR_USAGE: a command line that does not make sense
 */
typedef enum {
        ASM_CONFIG_ERROR_FILE,
        ASM_CONFIG_ERROR_KEY,
        ASM_CONFIG_ERROR_VALUE,
        ASM_CONFIG_ERROR_USAGE,
} AsmConfigError;

#define ASM_CONFIG_ERROR (asm_config_error_quark())
GQuark asm_config_error_quark(void);

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
        AsmPeers *peers;      /* what asm_config_load() makes of these and of [peer PATTERN] */
        guint log_format;     /* AsmLogFormat */
        guint log_level;      /* AsmLogLevel */
        GHashTable
                *defaults; /* provider, "" for all -> owned AsmTerm: options of sessions and runs */
} AsmConfig;

void asm_config_init(AsmConfig *config);
void asm_config_clear(AsmConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmConfig, asm_config_clear)

/* Errors: ASM_CONFIG_ERROR_FILE, _KEY, _VALUE, ASM_NODE_ERROR_COOKIE_FILE */
gboolean asm_config_load(AsmConfig *config, const char *path, GError **error);

/**
 * asm_config_log_changes: what of @config a daemon that runs with @running takes over at its next
 *   start only
 */
void asm_config_log_changes(const AsmConfig *running, const AsmConfig *config);

/**
 * asm_config_finish: completes names and addresses, and reads ERL_EPMD_PORT
 *
 * Errors: ASM_CONFIG_ERROR_VALUE, ASM_NODE_ERROR_NAME
 */
gboolean asm_config_finish(AsmConfig *config, GError **error);
