/* SPDX-License-Identifier: MIT */

/*
 * What `config` is answered with: each key with the value that is in force and where it was given.
 * A daemon that has read its configuration again has two: keys that it takes over are those of the
 * latest, the others those that it started with, and where the latest says something else that is
 * told as pending, the value of the next start. If both say the same the latest tells where: lines of
 * a file that was edited are those of the file as it is.
 *
 * Values have the types that they have in the daemon: integers, booleans, text, nil for what is not
 * set. Secrets never leave it.
 */

#include "config-private.h"

#include <string.h>

#define MASK "********"

typedef struct {
        AsmBuilder *out;
        const AsmConfig *started;
        const AsmConfig *latest;
        guint n; /* told so far */
} Teller;

static void
put_text(AsmBuilder *out, const char *key, const char *text)
{
        asm_builder_atom(out, key);
        if (text != NULL)
                asm_builder_text(out, text);
        else
                asm_builder_nil_atom(out);
}

/* three pairs of a map; @setting: (nullable): a default */
static void
put_origin(AsmBuilder *out, const AsmConfigSetting *setting)
{
        static const char *const names[] = { "file", "environment", "option" };

        asm_builder_atom(out, "origin");
        asm_builder_atom(out, setting != NULL ? names[setting->origin.kind] : "default");
        put_text(out, "where", setting != NULL ? setting->origin.where : NULL);
        asm_builder_atom(out, "line");
        if (setting != NULL && setting->origin.line > 0)
                asm_builder_uint(out, setting->origin.line);
        else
                asm_builder_nil_atom(out);
}

static void
put_value(AsmBuilder *out, const AsmConfigRule *rule, const char *value)
{
        asm_builder_atom(out, "value");
        if (value == NULL)
                asm_builder_nil_atom(out);
        else if (rule->type == ASM_CONFIG_UINT || rule->type == ASM_CONFIG_SIZE)
                asm_builder_uint(out, g_ascii_strtoull(value, NULL, 10));
        else if (rule->type == ASM_CONFIG_BOOL)
                asm_builder_bool(out, strcmp(value, "true") == 0);
        else
                asm_builder_text(out, value);
}

/* the map of one key up to its value, which the caller appends with the rest of the pairs */
static void
begin_setting(Teller *teller, const char *group, const char *key)
{
        teller->n++;
        asm_builder_map(teller->out, 7);
        put_text(teller->out, "group", group);
        put_text(teller->out, "key", key);
}

static void
tell_rule(Teller *teller, const AsmConfigRule *rule)
{
        g_autofree char *before = asm_config_rule_get(rule, teller->started);
        g_autofree char *now = asm_config_rule_get(rule, teller->latest);
        gboolean is_pending = !rule->is_live && g_strcmp0(before, now) != 0;
        const AsmConfigSetting *latest = asm_config_find(teller->latest, rule->group, rule->key);

        begin_setting(teller, rule->group, rule->key);
        put_value(teller->out, rule, is_pending ? before : now);
        put_origin(teller->out,
                   is_pending ? asm_config_find(teller->started, rule->group, rule->key) : latest);
        asm_builder_atom(teller->out, "pending");
        if (!is_pending) {
                asm_builder_nil_atom(teller->out);
                return;
        }
        asm_builder_map(teller->out, 4);
        put_value(teller->out, rule, now);
        put_origin(teller->out, latest);
}

/* settings of groups that have names of their own, in the order in which they were given; all live */
static void
tell_given(Teller *teller, gboolean (*is_mine)(const char *group))
{
        GPtrArray *settings = teller->latest->settings;

        for (guint i = 0; i < settings->len; i++) {
                const AsmConfigSetting *setting = g_ptr_array_index(settings, i);

                if (setting->key == NULL || !is_mine(setting->group))
                        continue;
                begin_setting(teller, setting->group, setting->key);
                if (asm_config_is_secret(setting->group, setting->key)) {
                        put_text(teller->out, "value", MASK);
                } else {
                        asm_builder_atom(teller->out, "value");
                        asm_config_put_default(teller->out, setting);
                }
                put_origin(teller->out, setting);
                asm_builder_atom(teller->out, "pending");
                asm_builder_nil_atom(teller->out);
        }
}

static void
tell_files(AsmBuilder *out, GPtrArray *files)
{
        asm_builder_list(out, files->len);
        for (guint i = 0; i < files->len; i++)
                asm_builder_text(out, g_ptr_array_index(files, i));
        asm_builder_nil(out);
}

void
asm_config_tell(AsmBuilder *out, const AsmConfig *started, const AsmConfig *latest)
{
        Teller teller = { .out = out, .started = started, .latest = latest };
        AsmBuilderMark mark;
        gboolean has_peers = FALSE;
        gsize n;
        const AsmConfigRule *rules = asm_config_rules(&n);

        asm_builder_map(out, 2);
        asm_builder_atom(out, "files");
        tell_files(out, latest->files);
        asm_builder_atom(out, "settings");
        mark = asm_builder_list_begin(out);
        for (gsize i = 0; i < n; i++) {
                if (rules[i].type != ASM_CONFIG_PEER)
                        tell_rule(&teller, &rules[i]);
                else if (!has_peers)
                        tell_given(&teller, asm_config_is_peer_group);
                has_peers |= rules[i].type == ASM_CONFIG_PEER;
        }
        tell_given(&teller, asm_config_is_defaults_group);
        asm_builder_list_end(out, mark, teller.n);
}
