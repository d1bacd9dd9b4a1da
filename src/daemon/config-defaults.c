/* SPDX-License-Identifier: MIT */

/*
 * [defaults] and [defaults PROVIDER]: options of sessions and runs, which are checked here so that no
 * run stumbles over them, each by itself, so that a mistake has its line. Options that asmd does not
 * know are handed on, as those of a run are: a newer CLI or another node may know them. So a
 * misspelt one is a warning.
 */

#include "config-private.h"

#include "base/spelling.h"
#include "term/print.h"

#include <string.h>

static const char *
provider_of(const char *group)
{
        return g_str_has_prefix(group, "defaults ") ? group + strlen("defaults ") : "";
}

gboolean
asm_config_is_secret(const char *group, const char *key)
{
        static const char *const words[] = { "cookie",     "secret",     "password",
                                             "passphrase", "credential", "token",
                                             "api_key",    "api-key",    "private_key" };
        g_autofree char *lower = g_ascii_strdown(key, -1);

        if (!asm_config_is_defaults_group(group) || g_str_has_prefix(lower, "max_"))
                return FALSE;
        for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
                if (strstr(lower, words[i]) != NULL)
                        return TRUE;
        }
        return FALSE;
}

void
asm_config_put_default(AsmBuilder *list, const AsmConfigSetting *setting)
{
        const char *value = setting->value;
        gint64 number;

        if (strcmp(setting->key, "remote_cookie") == 0 && strlen(value) <= ASM_COOKIE_MAX)
                asm_builder_atom(list, value);
        else if (g_ascii_string_to_signed(value, 10, G_MININT64, G_MAXINT64, &number, NULL))
                asm_builder_int(list, number);
        else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ||
                 strcmp(value, "infinity") == 0)
                asm_builder_atom(list, value);
        else
                asm_builder_text(list, value);
}

static void
put_default(AsmBuilder *list, const AsmConfigSetting *setting)
{
        asm_builder_tuple(list, 2);
        asm_builder_atom(list, setting->key);
        asm_config_put_default(list, setting);
}

static void
add_flags(GPtrArray *names, const AsmProviderFlag *flags)
{
        for (; flags->option != NULL; flags++)
                g_ptr_array_add(names, (gpointer)flags->option);
}

/* @ret_nearest: set to what was most likely meant, if anything was */
static gboolean
is_known_option(const char *provider, const char *key, const char **ret_nearest)
{
        static const char *const others[] = { "max_line_bytes", "on_parse_error", "driver_opts" };
        const AsmProvider *one = *provider != '\0' ? asm_provider_find(provider, NULL) : NULL;
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        const char *name;
        guint least = G_MAXUINT;
        const AsmProvider *const *providers = asm_provider_all();

        for (guint i = 0; (name = asm_options_nth(i)) != NULL; i++)
                g_ptr_array_add(names, (gpointer)name);
        for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
                g_ptr_array_add(names, (gpointer)others[i]);
        for (; *providers != NULL; providers++) {
                if (one == NULL || *providers == one)
                        add_flags(names, (*providers)->flags);
        }
        for (guint i = 0; i < names->len; i++) {
                name = g_ptr_array_index(names, i);
                if (strcmp(name, key) == 0)
                        return TRUE;
                if (asm_spelling_is_nearer(key, name, &least))
                        *ret_nearest = name;
        }
        return FALSE;
}

static gboolean
check_group(const AsmConfigSetting *setting, AsmConfigReport *report)
{
        const char *provider = provider_of(setting->group);
        g_autoptr(GError) error = NULL;

        if (*provider == '\0' || asm_provider_find(provider, &error) != NULL)
                return TRUE;
        asm_config_mistake(report, setting, "%s", error->message);
        return FALSE;
}

gboolean
asm_config_check_default(const AsmConfigSetting *setting, AsmConfigReport *report)
{
        g_auto(AsmBuilder) list = ASM_BUILDER_INIT;
        g_auto(AsmOptions) options = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autoptr(GError) error = NULL;
        const char *nearest = NULL;
        AsmLineRules line_rules;
        AsmView view;

        if (setting->key == NULL)
                return check_group(setting, report);
        asm_builder_list(&list, 1);
        put_default(&list, setting);
        asm_builder_nil(&list);
        view = asm_builder_peek(&list);
        asm_options_init(&options);
        if (!asm_options_apply(&options, &view, 1, &failure)) {
                asm_config_mistake(report, setting, "%s", failure->message);
                return FALSE;
        }
        if (!asm_line_rules_read(view, &line_rules, &error)) {
                asm_config_mistake(report, setting, "%s", error->message);
                return FALSE;
        }
        if (!is_known_option(provider_of(setting->group), setting->key, &nearest))
                asm_config_warning(report,
                                   setting,
                                   "no option that asmd knows, it is handed on as it is%s%s%s",
                                   nearest != NULL ? "; did you mean " : "",
                                   nearest != NULL ? nearest : "",
                                   nearest != NULL ? "?" : "");
        return TRUE;
}

static gboolean
is_of(const AsmConfigSetting *setting, const char *group)
{
        return setting->key != NULL && strcmp(setting->group, group) == 0;
}

static void
make_group(AsmConfig *config, const char *group)
{
        g_auto(AsmBuilder) list = ASM_BUILDER_INIT;
        guint n = 0;

        for (guint i = 0; i < config->settings->len; i++)
                n += is_of(g_ptr_array_index(config->settings, i), group);
        asm_builder_list(&list, n);
        for (guint i = 0; i < config->settings->len; i++) {
                const AsmConfigSetting *setting = g_ptr_array_index(config->settings, i);

                if (is_of(setting, group))
                        put_default(&list, setting);
        }
        asm_builder_nil(&list);
        g_hash_table_replace(config->defaults,
                             g_strdup(provider_of(group)),
                             asm_builder_end(&list));
}

void
asm_config_make_defaults(AsmConfig *config)
{
        for (guint i = 0; i < config->settings->len; i++) {
                const AsmConfigSetting *setting = g_ptr_array_index(config->settings, i);

                if (setting->key == NULL && asm_config_is_defaults_group(setting->group))
                        make_group(config, setting->group);
        }
}
