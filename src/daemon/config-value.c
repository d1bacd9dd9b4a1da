/* SPDX-License-Identifier: MIT */

/*
 * Values of the configuration: from the text of a file, a variable or an option into the field that
 * the table names, and back. A value that is not valid leaves the field as it was. Names of files are
 * made absolute when they are read, because what they are relative to is known only then.
 */

#include "daemon/config-rules.h"

#include <string.h>

char *
asm_config_rule_get(const AsmConfigRule *rule, const AsmConfig *config)
{
        gconstpointer field = (const char *)config + rule->offset;

        switch (rule->type) {
        case ASM_CONFIG_TEXT:
        case ASM_CONFIG_FILE:
                return g_strdup(*(char *const *)field);
        case ASM_CONFIG_UINT:
                return g_strdup_printf("%u", *(const guint *)field);
        case ASM_CONFIG_SIZE:
                return g_strdup_printf("%" G_GSIZE_FORMAT, *(const gsize *)field);
        case ASM_CONFIG_BOOL:
                return g_strdup(*(const gboolean *)field ? "true" : "false");
        case ASM_CONFIG_CHOICE:
                return g_strdup(rule->choices[*(const guint *)field]);
        case ASM_CONFIG_NODES:
                return *(const GStrv *)field != NULL ? g_strjoinv(";", *(const GStrv *)field)
                                                     : NULL;
        case ASM_CONFIG_PEER:
                break;
        }
        return NULL;
}

/* "auto, text or json" */
static char *
join_choices(const char *const *choices)
{
        GString *text = g_string_new(NULL);

        for (guint i = 0; choices[i] != NULL; i++)
                g_string_append_printf(text,
                                       "%s%s",
                                       i == 0                   ? ""
                                       : choices[i + 1] != NULL ? ", "
                                                                : " or ",
                                       choices[i]);
        return g_string_free(text, FALSE);
}

char *
asm_config_rule_expected(const AsmConfigRule *rule)
{
        switch (rule->type) {
        case ASM_CONFIG_TEXT:
        case ASM_CONFIG_PEER:
                return g_strdup("some text");
        case ASM_CONFIG_FILE:
                return g_strdup("a file");
        case ASM_CONFIG_BOOL:
                return g_strdup("true or false");
        case ASM_CONFIG_CHOICE:
                return join_choices(rule->choices);
        case ASM_CONFIG_NODES:
                return g_strdup("names of nodes, as asm@build1;*@10.0.*");
        case ASM_CONFIG_UINT:
        case ASM_CONFIG_SIZE:
                break;
        }
        return g_strdup_printf("a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                               rule->min,
                               rule->max);
}

static gboolean
set_number(gpointer field, const AsmConfigRule *rule, const char *value)
{
        guint64 number;

        if (!g_ascii_string_to_unsigned(value, 10, rule->min, rule->max, &number, NULL))
                return FALSE;
        if (rule->type == ASM_CONFIG_SIZE)
                *(gsize *)field = number;
        else
                *(guint *)field = (guint)number;
        return TRUE;
}

static gboolean
set_bool(gboolean *field, const char *value)
{
        gboolean is_true = strcmp(value, "true") == 0;

        if (!is_true && strcmp(value, "false") != 0)
                return FALSE;
        *field = is_true;
        return TRUE;
}

static gboolean
set_choice(guint *field, const char *const *choices, const char *value)
{
        for (guint i = 0; choices[i] != NULL; i++) {
                if (strcmp(choices[i], value) == 0) {
                        *field = i;
                        return TRUE;
                }
        }
        return FALSE;
}

/* NAME@HOST each, with wildcards or not; `*` alone is everybody */
static gboolean
set_nodes(GStrv *field, const char *value)
{
        g_auto(GStrv) parts = g_strsplit(value, ";", -1);
        g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func(g_free);

        for (guint i = 0; parts[i] != NULL; i++) {
                const char *node = g_strstrip(parts[i]);

                if (*node == '\0')
                        continue;
                if (strchr(node, '@') == NULL && strcmp(node, "*") != 0)
                        return FALSE;
                g_ptr_array_add(nodes, g_strdup(node));
        }
        if (nodes->len == 0)
                return FALSE;
        g_ptr_array_add(nodes, NULL);
        g_strfreev(*field);
        *field = (GStrv)g_ptr_array_free(g_steal_pointer(&nodes), FALSE);
        return TRUE;
}

/* @value: (transfer full) */
static gboolean
set_text(char **field, char *value)
{
        g_free(*field);
        *field = value;
        return TRUE;
}

char *
asm_config_resolve_file(const char *value, const char *folder)
{
        if (g_str_has_prefix(value, "~/"))
                return g_canonicalize_filename(value + 2, g_get_home_dir());
        return g_canonicalize_filename(value, folder);
}

gboolean
asm_config_rule_set(const AsmConfigRule *rule,
                    AsmConfig *config,
                    const char *value,
                    const char *folder)
{
        gpointer field = G_STRUCT_MEMBER_P(config, rule->offset);

        if (*value == '\0')
                return FALSE;
        switch (rule->type) {
        case ASM_CONFIG_TEXT:
                return set_text(field, g_strdup(value));
        case ASM_CONFIG_FILE:
                return set_text(field, asm_config_resolve_file(value, folder));
        case ASM_CONFIG_BOOL:
                return set_bool(field, value);
        case ASM_CONFIG_CHOICE:
                return set_choice(field, rule->choices, value);
        case ASM_CONFIG_NODES:
                return set_nodes(field, value);
        case ASM_CONFIG_UINT:
        case ASM_CONFIG_SIZE:
                return set_number(field, rule, value);
        case ASM_CONFIG_PEER:
                break;
        }
        return FALSE;
}
