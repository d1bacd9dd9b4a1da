/* SPDX-License-Identifier: MIT */
#pragma once

/* The table of all keys of the configuration, which the reader, the manual and the example share. */

#include "daemon/config.h"

typedef enum {
        ASM_CONFIG_TEXT,
        ASM_CONFIG_FILE, /* relative to the folder of its file, or to ~ */
        ASM_CONFIG_UINT,
        ASM_CONFIG_SIZE,
        ASM_CONFIG_BOOL,
        ASM_CONFIG_CHOICE, /* one of a few words; the field is a guint: which of them */
        ASM_CONFIG_NODES,  /* patterns of node names, separated by `;` */
        ASM_CONFIG_PEER,   /* of a group [peer PATTERN]: config-peers.c reads it, no field has it */
} AsmConfigType;

/**
 * AsmConfigRule:
 * @offset: of the field in AsmConfig; its type is that of @type
 * @is_live: a daemon that runs takes a new value over
 * @choices: (nullable): for ASM_CONFIG_CHOICE, with a NULL behind the last
 * @help: sentences; two newlines begin a new paragraph
 * @unset: (nullable): what holds if the key is not given, for keys that have no value then
 * @sample: (nullable): a value for those
 */
typedef struct {
        const char *group;
        const char *key;
        AsmConfigType type;
        gsize offset;
        guint64 min;
        guint64 max;
        gboolean is_live;
        const char *help;
        const char *unset;
        const char *sample;
        const char *const *choices;
} AsmConfigRule;

typedef struct {
        const char *name; /* "limits"; "peer PATTERN" for all that begin with "peer " */
        const char *help;
        const char *sample; /* (nullable): a name, if @name stands for many */
} AsmConfigGroup;

#define ASM_CONFIG_PEER_PREFIX "peer "
#define ASM_CONFIG_PEER_GROUP  "peer PATTERN"

/* all keys, group by group in the order of the manual */
const AsmConfigRule *asm_config_rules(gsize *ret_n);
const AsmConfigGroup *asm_config_groups(gsize *ret_n);

/* (nullable): the rule of @key in the group @group, as a file names it: "limits", "peer *@one" */
const AsmConfigRule *asm_config_rule_find(const char *group, const char *key);
/* (nullable): what was most likely meant by a @key that [@group] does not have */
const char *asm_config_rule_nearest(const char *group, const char *key);
gboolean asm_config_group_is_known(const char *group);
/* (nullable): what was most likely meant by a @group that there is not */
const char *asm_config_group_nearest(const char *group);

/* @group is [peer PATTERN]; [defaults] or [defaults PROVIDER] */
gboolean asm_config_is_peer_group(const char *group);
gboolean asm_config_is_defaults_group(const char *group);

/* config-value.c; (transfer full): the value of the rule's field; NULL: it is not set */
char *asm_config_rule_get(const AsmConfigRule *rule, const AsmConfig *config);
/* (transfer full): "a number from 1 to 65536" */
char *asm_config_rule_expected(const AsmConfigRule *rule);
/**
 * asm_config_rule_set: @value into the rule's field
 * @folder: to which names of files are relative
 *
 * Returns: FALSE: @value is not valid; the field is as it was
 */
gboolean asm_config_rule_set(const AsmConfigRule *rule,
                             AsmConfig *config,
                             const char *value,
                             const char *folder);
/* (transfer full): absolute; `~/` is the home of the user, anything else relative is so to @folder */
char *asm_config_resolve_file(const char *value, const char *folder);
