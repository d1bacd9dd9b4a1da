/* SPDX-License-Identifier: MIT */

/*
 * The table of the keys of asmd.conf in two forms for people: sections of asmd.conf(5), and a file to
 * begin with, in which all is commented out. Defaults are those of a configuration that nobody has
 * touched, so neither form can tell another one than asmd has.
 *
 * In the file a key with a default is "#key = default": without that # it changes nothing until its
 * value is changed. What would change something without it is indented: a sample for a key that has
 * no default, and the heading of a group that has such keys only.
 */

#include "cli/manual-private.h"

#include "daemon/config-rules.h"

#include <string.h>

#define LINE_MAX_LENGTH 78

static gboolean
is_of(const AsmConfigRule *rule, const AsmConfigGroup *group)
{
        return strcmp(rule->group, group->name) == 0;
}

/* "64 MiB"; NULL: no whole number of a unit */
static char *
dup_size(const AsmConfigRule *rule, const char *value)
{
        static const char *const units[] = { "KiB", "MiB", "GiB" };
        guint64 size = g_ascii_strtoull(value, NULL, 10);
        const char *unit = NULL;

        if (rule->type != ASM_CONFIG_SIZE)
                return NULL;
        for (guint i = 0; i < G_N_ELEMENTS(units) && size > 0 && size % 1024 == 0; i++) {
                size /= 1024;
                unit = units[i];
        }
        return unit != NULL ? g_strdup_printf("%" G_GUINT64_FORMAT " %s", size, unit) : NULL;
}

/* "Default: 1024, from 1 to 65536. Read at the start." */
static char *
dup_default(const AsmConfigRule *rule, const char *value)
{
        g_autofree char *size = value != NULL ? dup_size(rule, value) : NULL;
        GString *text = g_string_new(NULL);

        g_string_append_printf(text, "Default: %s", value != NULL ? value : rule->unset);
        if (size != NULL)
                g_string_append_printf(text, " (%s)", size);
        if (rule->type == ASM_CONFIG_UINT || rule->type == ASM_CONFIG_SIZE)
                g_string_append_printf(text,
                                       ", from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                                       rule->min,
                                       rule->max);
        g_string_append_c(text, '.');
        if (!rule->is_live)
                g_string_append(text, " Read at the start.");
        return g_string_free(text, FALSE);
}

/* @value: (nullable): the default */
typedef void (*RuleFunc)(GString *out, const AsmConfigRule *rule, const char *value);

static void
append_item(GString *out, const AsmConfigRule *rule, const char *value)
{
        g_autofree char *text = dup_default(rule, value);

        g_string_append_printf(out, ".It Cm %s\n", rule->key);
        asm_manual_append_text(out, rule->help);
        asm_manual_append_text(out, text);
}

static void
append_comment(GString *out, const char *text)
{
        g_auto(GStrv) words = g_strsplit_set(text, " \n", -1);
        gsize line = out->len;

        g_string_append_c(out, '#');
        for (guint i = 0; words[i] != NULL; i++) {
                if (*words[i] == '\0')
                        continue;
                if (out->len - line + 1 + strlen(words[i]) > LINE_MAX_LENGTH) {
                        g_string_append(out, "\n#");
                        line = out->len - 1;
                }
                g_string_append_printf(out, " %s", words[i]);
        }
        g_string_append_c(out, '\n');
}

static void
append_sample(GString *out, const AsmConfigRule *rule, const char *value)
{
        g_autofree char *fallback = dup_default(rule, value);
        g_autofree char *text = g_strconcat(fallback, value == NULL ? " For example:" : NULL, NULL);

        g_string_append_c(out, '\n');
        append_comment(out, rule->help);
        append_comment(out, text);
        if (value != NULL)
                g_string_append_printf(out, "#%s = %s\n", rule->key, value);
        else
                g_string_append_printf(out, "#   %s = %s\n", rule->key, rule->sample);
}

static void
each_rule(GString *out, const AsmConfigGroup *group, RuleFunc append)
{
        g_auto(AsmConfig) config = { 0 };
        gsize n;
        const AsmConfigRule *rules = asm_config_rules(&n);

        asm_config_init(&config);
        for (gsize i = 0; i < n; i++) {
                g_autofree char *value = NULL;

                if (!is_of(&rules[i], group))
                        continue;
                value = asm_config_rule_get(&rules[i], &config);
                append(out, &rules[i], value);
        }
}

static void
note_default(GString *out, const AsmConfigRule *rule, const char *value)
{
        g_string_append(out, value != NULL ? value : "");
}

static gboolean
has_defaults(const AsmConfigGroup *group)
{
        g_autoptr(GString) values = g_string_new(NULL);

        each_rule(values, group, note_default);
        return values->len > 0;
}

void
asm_manual_append_config(GString *out)
{
        gsize n;
        const AsmConfigGroup *groups = asm_config_groups(&n);

        for (gsize i = 0; i < n; i++) {
                g_string_append_printf(out, ".Ss [%s]\n", groups[i].name);
                asm_manual_append_text(out, groups[i].help);
                g_string_append(out, ".Bl -tag -width Ds\n");
                each_rule(out, &groups[i], append_item);
                g_string_append(out, ".El\n");
        }
}

void
asm_manual_append_example(GString *out)
{
        gsize n;
        const AsmConfigGroup *groups = asm_config_groups(&n);

        for (gsize i = 0; i < n; i++) {
                if (i > 0)
                        g_string_append_c(out, '\n');
                append_comment(out, groups[i].help);
                g_string_append_printf(out,
                                       "%s[%s]\n",
                                       has_defaults(&groups[i]) ? "" : "#   ",
                                       groups[i].sample != NULL ? groups[i].sample
                                                                : groups[i].name);
                each_rule(out, &groups[i], append_sample);
        }
}
