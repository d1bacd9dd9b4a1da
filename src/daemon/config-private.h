/* SPDX-License-Identifier: MIT */
#pragma once

/* How the configuration is put together; see config-read.c. */

#include "daemon/config-rules.h"

/* asmd/asmd.conf where the build wants configuration */
#define ASM_CONFIG_SYSTEM_FILE ASM_SYSCONFDIR "/asmd/asmd.conf"

/* --- config-report.c ------------------------------------------------------------------------- */

/**
 * asm_config_mistake: "WHERE: WHAT", where WHERE names file, line, group and key, as far as there are any
 * @setting: (nullable)
 */
void asm_config_mistake(AsmConfigReport *report,
                        const AsmConfigSetting *setting,
                        const char *format,
                        ...) G_GNUC_PRINTF(3, 4);
void asm_config_warning(AsmConfigReport *report,
                        const AsmConfigSetting *setting,
                        const char *format,
                        ...) G_GNUC_PRINTF(3, 4);
/* (transfer full): foreign text for a message: escaped, and cut */
char *asm_config_shown(const char *text);

/* --- config-places.c ------------------------------------------------------------------------- */

/* whether a file can be used; what is not there is no mistake for one that was only looked for */
typedef enum {
        ASM_CONFIG_FILE_READ,
        ASM_CONFIG_FILE_NONE,
        ASM_CONFIG_FILE_BAD, /* reported */
} AsmConfigFileState;

typedef struct {
        const char *path;
        gboolean is_searched; /* nobody has named it: it must be trustworthy, and may be missing */
        gboolean is_client;   /* one that this user may not read is as good as missing */
} AsmConfigFile;

/* @ret_text: (transfer full); @ret_mode: who may read it */
AsmConfigFileState asm_config_file_read(const AsmConfigFile *file,
                                        AsmConfigReport *report,
                                        GString **ret_text,
                                        guint *ret_mode);

/* --- config-read.c --------------------------------------------------------------------------- */

GPtrArray *asm_config_settings_new(void);
/* (transfer full): to which names of files in the value are relative */
char *asm_config_folder(const AsmConfigSetting *setting);
/* (transfer full) (nullable): the variable of the environment: "ASMD_LIMITS_MAX_RUNS" */
char *asm_config_rule_variable(const AsmConfigRule *rule);

/* --- config-peers.c, config-defaults.c ------------------------------------------------------- */

/* @config->peers from the groups [peer PATTERN], [peers] and [host]; reads the cookies */
void asm_config_make_peers(AsmConfig *config, gboolean is_client, AsmConfigReport *report);

/* a setting of [defaults] or [defaults PROVIDER], or the group itself, by itself */
gboolean asm_config_check_default(const AsmConfigSetting *setting, AsmConfigReport *report);
/* @config->defaults from those */
void asm_config_make_defaults(AsmConfig *config);
/* the value of a setting of [defaults]: numbers as integers, true and false as atoms, a cookie, which
 * must be one, too; else text */
void asm_config_put_default(AsmBuilder *out, const AsmConfigSetting *setting);
/* what is in a value of [defaults] is nobody's business */
gboolean asm_config_is_secret(const char *group, const char *key);

/* --- config.c -------------------------------------------------------------------------------- */

/* name, address and port of epmd, and what only several keys together can tell */
void asm_config_check(const AsmConfig *config, gboolean is_client, AsmConfigReport *report);
