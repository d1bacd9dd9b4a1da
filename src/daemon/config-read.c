/* SPDX-License-Identifier: MIT */

/*
 * The configuration is made of layers: the files, the environment, the command line. Each is a list of
 * settings (group, key, value, origin), which are checked one by one and put into the field that the
 * table of keys names; a later one takes the place of an earlier one with the same group and key. What
 * only several keys together say, as the rights of a peer, is made of what is left at the end.
 *
 * A variable of the environment is ASMD_GROUP_KEY. There is none for [peer PATTERN] and [defaults],
 * whose names do not fit into one.
 */

#include "config-private.h"
#include "config-scan-private.h"

#include "base/spelling.h"

#include <string.h>

#define VARIABLE_PREFIX "ASMD_"
/* they are looked through one by one */
#define SETTINGS_MAX 10000

typedef struct {
        AsmConfig *config;
        const AsmConfigInput *input;
        AsmConfigReport *report;
        /* of the file that is read */
        const char *path;
        char *group; /* NULL: none yet, or one that is not known */
        guint mode;
        GHashTable *lines; /* "GROUP\nKEY" -> line */
} Reader;

static void
setting_free(gpointer data)
{
        AsmConfigSetting *setting = data;

        g_free(setting->group);
        g_free(setting->key);
        g_free(setting->value);
        g_free(setting->origin.where);
        g_free(setting);
}

GPtrArray *
asm_config_settings_new(void)
{
        return g_ptr_array_new_with_free_func(setting_free);
}

static AsmConfigSetting *
setting_new(const AsmConfigSetting *from)
{
        AsmConfigSetting *setting = g_new(AsmConfigSetting, 1);

        *setting = (AsmConfigSetting){
                .group = g_strdup(from->group),
                .key = g_strdup(from->key),
                .value = g_strdup(from->value),
                .origin = { from->origin.kind, g_strdup(from->origin.where), from->origin.line },
        };
        return setting;
}

static gboolean
find(const AsmConfig *config, const char *group, const char *key, guint *ret_index)
{
        for (guint i = 0; i < config->settings->len; i++) {
                const AsmConfigSetting *setting = g_ptr_array_index(config->settings, i);

                if (strcmp(setting->group, group) == 0 && g_strcmp0(setting->key, key) == 0) {
                        *ret_index = i;
                        return TRUE;
                }
        }
        return FALSE;
}

const AsmConfigSetting *
asm_config_find(const AsmConfig *config, const char *group, const char *key)
{
        guint index;

        return find(config, group, key, &index) ? g_ptr_array_index(config->settings, index) : NULL;
}

/* in the place of one with the same name, or behind all others */
static void
keep(Reader *reader, const AsmConfigSetting *from)
{
        GPtrArray *settings = reader->config->settings;
        guint index;

        if (settings->len >= SETTINGS_MAX) {
                asm_config_mistake(reader->report, from, "more than %d settings", SETTINGS_MAX);
        } else if (find(reader->config, from->group, from->key, &index)) {
                setting_free(g_ptr_array_index(settings, index));
                g_ptr_array_index(settings, index) = setting_new(from);
        } else {
                g_ptr_array_add(settings, setting_new(from));
        }
}

char *
asm_config_folder(const AsmConfigSetting *setting)
{
        g_autofree char *whole = setting->origin.kind == ASM_ORIGIN_FILE
                                         ? g_canonicalize_filename(setting->origin.where, NULL)
                                         : NULL;

        return whole != NULL ? g_path_get_dirname(whole) : g_get_current_dir();
}

/* --- one setting ----------------------------------------------------------------------------- */

static void
unknown_key(Reader *reader, const AsmConfigSetting *setting)
{
        const char *nearest = asm_config_rule_nearest(setting->group, setting->key);

        if (strcmp(setting->key, "cookie") == 0)
                asm_config_mistake(
                        reader->report,
                        setting,
                        "a cookie is no matter of this file: put it into one of its own, "
                        "mode 0400, and name that as cookie_file");
        else if (nearest != NULL)
                asm_config_mistake(reader->report,
                                   setting,
                                   "there is no such key; did you mean %s?",
                                   nearest);
        else
                asm_config_mistake(reader->report,
                                   setting,
                                   "there is no such key; see asmd.conf(5)");
}

static void
apply_rule(Reader *reader, const AsmConfigSetting *setting)
{
        const AsmConfigRule *rule = asm_config_rule_find(setting->group, setting->key);
        g_autofree char *folder = asm_config_folder(setting);
        g_autofree char *shown = NULL;
        g_autofree char *expected = NULL;

        if (rule == NULL) {
                unknown_key(reader, setting);
                return;
        }
        if (rule->type == ASM_CONFIG_PEER ||
            asm_config_rule_set(rule, reader->config, setting->value, folder)) {
                keep(reader, setting);
                return;
        }
        shown = asm_config_shown(setting->value);
        expected = asm_config_rule_expected(rule);
        asm_config_mistake(reader->report,
                           setting,
                           "'%s' is not valid, expected %s",
                           shown,
                           expected);
}

static void
apply(Reader *reader, const AsmConfigSetting *setting)
{
        if (!asm_config_is_defaults_group(setting->group))
                apply_rule(reader, setting);
        else if (asm_config_check_default(setting, reader->report))
                keep(reader, setting);
}

/* --- files ----------------------------------------------------------------------------------- */

static AsmConfigSetting
setting_here(const Reader *reader, const char *key, const char *value, guint line)
{
        return (AsmConfigSetting){ .group = reader->group,
                                   .key = (char *)key,
                                   .value = (char *)value,
                                   .origin = { ASM_ORIGIN_FILE, (char *)reader->path, line } };
}

static void
on_group(const char *name, guint line, gpointer user_data)
{
        Reader *reader = user_data;
        AsmConfigSetting setting;
        const char *nearest;

        g_free(reader->group);
        reader->group = g_strdup(name);
        setting = setting_here(reader, NULL, NULL, line);
        if (asm_config_group_is_known(name)) {
                if (!asm_config_is_defaults_group(name) ||
                    asm_config_check_default(&setting, reader->report))
                        keep(reader, &setting);
                return;
        }
        nearest = asm_config_group_nearest(name);
        if (nearest != NULL)
                asm_config_mistake(reader->report,
                                   &setting,
                                   "there is no such group; did you mean [%s]?",
                                   nearest);
        else
                asm_config_mistake(reader->report,
                                   &setting,
                                   "there is no such group; see asmd.conf(5)");
        g_clear_pointer(&reader->group, g_free);
}

static gboolean
is_twice(Reader *reader, const AsmConfigSetting *setting)
{
        g_autofree char *name = g_strconcat(setting->group, "\n", setting->key, NULL);
        guint before = GPOINTER_TO_UINT(g_hash_table_lookup(reader->lines, name));

        if (before != 0) {
                asm_config_mistake(reader->report,
                                   setting,
                                   "is given twice, before in line %u",
                                   before);
                return TRUE;
        }
        g_hash_table_insert(reader->lines,
                            g_steal_pointer(&name),
                            GUINT_TO_POINTER(setting->origin.line));
        return FALSE;
}

static void
on_entry(const char *key, const char *value, guint line, gpointer user_data)
{
        Reader *reader = user_data;
        AsmConfigSetting setting = setting_here(reader, key, value, line);

        /* the group that is none was told already */
        if (reader->group == NULL || is_twice(reader, &setting))
                return;
        if (asm_config_is_secret(reader->group, key) && (reader->mode & 0004) != 0)
                asm_config_mistake(reader->report,
                                   &setting,
                                   "is a secret in a file that everybody may read: chmod 600 it");
        apply(reader, &setting);
}

static void
on_mistake(const char *what, guint line, gpointer user_data)
{
        Reader *reader = user_data;
        AsmConfigSetting setting = setting_here(reader, NULL, NULL, line);

        setting.group = NULL;
        asm_config_mistake(reader->report, &setting, "%s", what);
}

static void
read_file(Reader *reader, const char *path, gboolean is_searched)
{
        static const AsmConfigScanListener listener = { on_group, on_entry, on_mistake };
        const AsmConfigFile file = { .path = path,
                                     .is_searched = is_searched,
                                     .is_client = reader->input->is_client };
        g_autoptr(GString) text = NULL;

        if (asm_config_file_read(&file, reader->report, &text, &reader->mode) !=
            ASM_CONFIG_FILE_READ)
                return;
        reader->path = path;
        reader->lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        asm_config_scan(text->str, text->len, &listener, reader);
        g_clear_pointer(&reader->lines, g_hash_table_unref);
        g_clear_pointer(&reader->group, g_free);
        g_ptr_array_add(reader->config->files, g_strdup(path));
}

static void
read_files(Reader *reader, char **environment)
{
        const char *named = reader->input->file;
        const char *system_file = reader->input->system_file;
        g_autoptr(GPtrArray) places = NULL;

        if (named == NULL)
                named = g_environ_getenv(environment, "ASMD_CONFIG");
        if (named != NULL && *named != '\0') {
                read_file(reader, named, /* is_searched= */ FALSE);
                return;
        }
        places = asm_config_places(environment,
                                   system_file != NULL ? system_file : ASM_CONFIG_SYSTEM_FILE);
        for (guint i = 0; i < places->len; i++) {
                read_file(reader, g_ptr_array_index(places, i), /* is_searched= */ TRUE);
                g_ptr_array_add(reader->report->places, g_strdup(g_ptr_array_index(places, i)));
        }
}

/* --- the environment and the command line ---------------------------------------------------- */

char *
asm_config_rule_variable(const AsmConfigRule *rule)
{
        g_autofree char *name = g_strconcat(VARIABLE_PREFIX, rule->group, "_", rule->key, NULL);

        return rule->type == ASM_CONFIG_PEER ? NULL : g_ascii_strup(name, -1);
}

static const AsmConfigRule *
find_variable(const char *name, char **ret_nearest)
{
        /* that of asmctl, that of the files, and that of kits by its shorter name */
        static const char *const others[] = { "ASMD_NODE", "ASMD_CONFIG", "ASMD_KIT_PATH" };
        gsize n;
        const AsmConfigRule *rules = asm_config_rules(&n);
        guint least = G_MAXUINT;

        for (gsize i = 0; i < n; i++) {
                g_autofree char *variable = asm_config_rule_variable(&rules[i]);

                if (variable == NULL)
                        continue;
                if (strcmp(variable, name) == 0)
                        return &rules[i];
                if (asm_spelling_is_nearer(name + strlen(VARIABLE_PREFIX),
                                           variable + strlen(VARIABLE_PREFIX),
                                           &least)) {
                        g_free(*ret_nearest);
                        *ret_nearest = g_steal_pointer(&variable);
                }
        }
        for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
                if (strcmp(others[i], name) == 0) {
                        g_free(*ret_nearest);
                        *ret_nearest = g_strdup(name);
                }
        }
        return NULL;
}

/* not a mistake: container systems make variables like ASMD_PORT of the names of services */
static void
unknown_variable(Reader *reader, const char *name, const char *nearest)
{
        g_autofree char *shown = asm_config_shown(name);

        if (g_strcmp0(name, nearest) == 0)
                return;
        asm_config_warning(reader->report,
                           NULL,
                           "%s: there is no such variable, it changes nothing; %s%s%s",
                           shown,
                           nearest != NULL ? "did you mean " : "see asmd.conf(5)",
                           nearest != NULL ? nearest : "",
                           nearest != NULL ? "?" : "");
}

static void
read_variable(Reader *reader, const char *name, const char *value)
{
        g_autofree char *nearest = NULL;
        const AsmConfigRule *rule = find_variable(name, &nearest);
        g_autofree char *stripped = g_strstrip(g_strdup(value));
        AsmConfigSetting setting = { .value = stripped,
                                     .origin = { ASM_ORIGIN_ENVIRONMENT, (char *)name, 0 } };

        if (strcmp(name, "ASMD_KIT_PATH") == 0)
                rule = asm_config_rule_find("kits", "path");
        if (rule == NULL) {
                unknown_variable(reader, name, nearest);
                return;
        }
        if (*stripped == '\0')
                return;
        setting.group = (char *)rule->group;
        setting.key = (char *)rule->key;
        if (g_utf8_validate(stripped, -1, NULL))
                apply(reader, &setting);
        else
                asm_config_mistake(reader->report, &setting, "not UTF-8");
}

static int
compare_texts(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
read_environment(Reader *reader, char **environment)
{
        g_autoptr(GPtrArray) mine = g_ptr_array_new();

        for (; *environment != NULL; environment++) {
                if (g_str_has_prefix(*environment, VARIABLE_PREFIX) &&
                    strchr(*environment, '=') != NULL)
                        g_ptr_array_add(mine, *environment);
        }
        /* so that messages come in the same order each time */
        g_ptr_array_sort(mine, compare_texts);
        for (guint i = 0; i < mine->len; i++) {
                const char *variable = g_ptr_array_index(mine, i);
                const char *value = strchr(variable, '=') + 1;
                g_autofree char *name = g_strndup(variable, (gsize)(value - 1 - variable));

                read_variable(reader, name, value);
        }
}

static void
read_options(Reader *reader, const AsmConfigOption *option)
{
        for (; option != NULL && option->group != NULL; option++) {
                AsmConfigSetting setting = {
                        .group = (char *)option->group,
                        .key = (char *)option->key,
                        .value = (char *)option->value,
                        .origin = { ASM_ORIGIN_OPTION, (char *)option->option, 0 },
                };

                if (g_utf8_validate(option->value, -1, NULL))
                        apply(reader, &setting);
                else
                        asm_config_mistake(reader->report, &setting, "not UTF-8");
        }
}

gboolean
asm_config_read(AsmConfig *config, const AsmConfigInput *input, AsmConfigReport *report)
{
        g_auto(GStrv) own = input->environment == NULL ? g_get_environ() : NULL;
        char **environment = own != NULL ? own : input->environment;
        Reader reader = { .config = config, .input = input, .report = report };

        asm_config_init(config);
        read_files(&reader, environment);
        read_environment(&reader, environment);
        read_options(&reader, input->options);
        asm_config_make_defaults(config);
        asm_config_make_peers(config, input->is_client, report);
        asm_config_check(config, input->is_client, report);
        return report->mistakes->len == 0;
}
