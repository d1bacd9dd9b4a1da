/* SPDX-License-Identifier: MIT */

/*
 * The configuration file is a key file. Every key is in one table with its range; a group or key
 * that is not in the table is an error, because a misspelt limit is no limit.
 */

#include "config-private.h"

#include "dist/epmd.h"
#include "node/name.h"

#include <string.h>

G_DEFINE_QUARK(asm_config_error, asm_config_error)

typedef enum {
        KEY_TEXT,
        KEY_FILE, /* relative to the folder of the configuration file */
        KEY_UINT,
        KEY_SIZE,
        KEY_BOOL,
        KEY_NODES, /* patterns of node names, separated by `;` */
} KeyType;

typedef struct {
        const char *group;
        const char *key;
        KeyType type;
        gsize offset;
        guint64 min;
        guint64 max;
        gboolean is_live; /* a daemon that runs takes a new value over */
} KeyRule;

#define AT(member) G_STRUCT_OFFSET(AsmConfig, member)
#define KIB        G_GUINT64_CONSTANT(1024)
#define MIB        (KIB * 1024)

static const KeyRule rules[] = {
        { "node", "name", KEY_TEXT, AT(name), 0, 0 },
        { "node", "long_name", KEY_BOOL, AT(is_long_name), 0, 0 },
        { "node", "cookie_file", KEY_FILE, AT(cookie_file), 0, 0 },
        { "node", "listen", KEY_TEXT, AT(listen), 0, 0 },
        { "node", "net_ticktime", KEY_UINT, AT(node.net_ticktime_s), 1, 86400 },
        { "node", "setup_timeout_ms", KEY_UINT, AT(node.setup_timeout_ms), 100, 120000 },
        { "node", "start_epmd", KEY_BOOL, AT(node.start_epmd), 0, 0 },
        { "node", "shutdown_grace_ms", KEY_UINT, AT(shutdown_grace_ms), 0, 86400000, TRUE },
        { "tls", "certificate", KEY_FILE, AT(tls.certificate), 0, 0 },
        { "tls", "private_key", KEY_FILE, AT(tls.private_key), 0, 0 },
        { "tls", "authorities", KEY_FILE, AT(tls.authorities), 0, 0 },
        { "tls", "verify_host", KEY_BOOL, AT(tls.verify_host), 0, 0 },
        { "kits", "path", KEY_TEXT, AT(kit_path), 0, 0, TRUE },
        { "limits", "max_connections", KEY_UINT, AT(node.max_links), 1, 65536 },
        { "limits", "max_attempts", KEY_UINT, AT(node.max_attempts), 0, 1000000, TRUE },
        { "limits", "max_frame", KEY_SIZE, AT(node.max_frame), 64 * KIB, 1024 * MIB },
        { "limits", "high_water", KEY_SIZE, AT(node.high_water), 64 * KIB, 1024 * MIB },
        { "limits", "max_held_bytes", KEY_SIZE, AT(node.max_held), 64 * KIB, 1024 * MIB },
        { "limits", "max_queued_bytes", KEY_SIZE, AT(node.max_queued), MIB, 1024 * MIB },
        { "limits", "max_mailbox", KEY_UINT, AT(max_mail), 16, 10000000 },
        { "limits", "max_sessions", KEY_UINT, AT(limits.max_sessions), 1, 10000000, TRUE },
        { "limits", "max_runs", KEY_UINT, AT(limits.max_runs), 1, 10000000, TRUE },
        { "limits", "max_result", KEY_SIZE, AT(limits.max_result), 64 * KIB, 1024 * MIB, TRUE },
        { "limits", "max_subscribers", KEY_UINT, AT(limits.max_subscribers), 1, 100000, TRUE },
        { "limits", "max_lag_bytes", KEY_SIZE, AT(limits.max_lag), 64 * KIB, 1024 * MIB, TRUE },
        { "limits",
          "drop_slow_subscribers",
          KEY_BOOL,
          AT(limits.drops_slow_subscribers),
          0,
          0,
          TRUE },
        { "limits", "max_approvals", KEY_UINT, AT(limits.max_approvals), 1, 100000, TRUE },
        { "peers", "allow", KEY_NODES, AT(allow), 0, 0, TRUE },
        { "peers", "default_rights", KEY_TEXT, AT(default_rights), 0, 0, TRUE },
        { "host", "enabled", KEY_BOOL, AT(host.is_enabled), 0, 0, TRUE },
        { "host", "allow", KEY_NODES, AT(host_allow), 0, 0, TRUE },
        { "host", "max_sessions", KEY_UINT, AT(host.max_sessions), 1, 1000000, TRUE },
        { "host",
          "headless_timeout_ms",
          KEY_UINT,
          AT(host.headless_timeout_ms),
          0,
          86400000,
          TRUE },
        { "host", "otp_release", KEY_TEXT, AT(host.otp_release), 0, 0, TRUE },
};

static void
free_term(gpointer term)
{
        asm_term_unref(term);
}

void
asm_config_init(AsmConfig *config)
{
        *config = (AsmConfig){
                .name = g_strdup("asmd"),
                .listen = g_strdup("127.0.0.1"),
                .limits = { .max_sessions = 100000,
                            .max_runs = 20000,
                            .max_result = ASM_RUN_RESULT_MAX,
                            .max_subscribers = 1000,
                            .max_lag = ASM_RUN_LAG_MAX,
                            .drops_slow_subscribers = TRUE,
                            .max_approvals = 64 },
                .max_mail = 100000,
                .shutdown_grace_ms = 10000,
                .host = { .max_sessions = 256, .headless_timeout_ms = 30000 },
                .peers = asm_peers_new(),
                .defaults = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_term)
        };
        asm_node_config_init(&config->node);
        asm_tls_config_init(&config->tls);
}

void
asm_config_clear(AsmConfig *config)
{
        g_clear_pointer(&config->name, g_free);
        g_clear_pointer(&config->cookie_file, g_free);
        g_clear_pointer(&config->listen, g_free);
        g_clear_pointer(&config->host_allow, g_strfreev);
        g_clear_pointer(&config->allow, g_strfreev);
        g_clear_pointer(&config->default_rights, g_free);
        g_clear_pointer(&config->peers, asm_peers_unref);
        g_clear_pointer(&config->host.otp_release, g_free);
        g_clear_pointer(&config->kit_path, g_free);
        g_clear_pointer(&config->defaults, g_hash_table_unref);
        asm_node_config_clear(&config->node);
        asm_tls_config_clear(&config->tls);
}

static const KeyRule *
find_rule(const char *group, const char *key)
{
        for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
                if (strcmp(rules[i].group, group) == 0 && strcmp(rules[i].key, key) == 0)
                        return &rules[i];
        }
        return NULL;
}

static gboolean
set_number(gpointer field, const KeyRule *rule, const char *value)
{
        guint64 number;

        if (!g_ascii_string_to_unsigned(value, 10, rule->min, rule->max, &number, NULL))
                return FALSE;
        if (rule->type == KEY_SIZE)
                *(gsize *)field = number;
        else
                *(guint *)field = (guint)number;
        return TRUE;
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

static char *
resolve_file(const char *path, const char *value)
{
        g_autofree char *whole = g_canonicalize_filename(path, NULL);
        g_autofree char *folder = g_path_get_dirname(whole);

        return g_canonicalize_filename(value, folder);
}

static gboolean
set_value(AsmConfig *config, const KeyRule *rule, const char *path, const char *value)
{
        gpointer field = G_STRUCT_MEMBER_P(config, rule->offset);

        switch (rule->type) {
        case KEY_TEXT:
                g_free(*(char **)field);
                *(char **)field = g_strdup(value);
                return *value != '\0';
        case KEY_FILE:
                g_free(*(char **)field);
                *(char **)field = resolve_file(path, value);
                return *value != '\0';
        case KEY_BOOL:
                *(gboolean *)field = strcmp(value, "true") == 0;
                return *(gboolean *)field || strcmp(value, "false") == 0;
        case KEY_NODES:
                return set_nodes(field, value);
        case KEY_UINT:
        case KEY_SIZE:
                return set_number(field, rule, value);
        }
        return FALSE;
}

static void
value_error(const KeyRule *rule, const char *path, const char *value, GError **error)
{
        g_autofree char *shown = g_strescape(value, NULL);
        g_autofree char *range =
                g_strdup_printf("a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                                rule->min,
                                rule->max);

        g_set_error(error,
                    ASM_CONFIG_ERROR,
                    ASM_CONFIG_ERROR_VALUE,
                    "%s: %s in [%s]: '%s' is not valid, expected %s",
                    path,
                    rule->key,
                    rule->group,
                    shown,
                    rule->type == KEY_TEXT    ? "some text"
                    : rule->type == KEY_FILE  ? "a file"
                    : rule->type == KEY_BOOL  ? "true or false"
                    : rule->type == KEY_NODES ? "names of nodes, as asm@build1;*@10.0.*"
                                              : range);
}

/* numbers as integers, true and false as atoms, a cookie, which must be one, too; else text */
static void
put_default(AsmBuilder *list, const char *key, const char *value)
{
        gint64 number;

        asm_builder_tuple(list, 2);
        asm_builder_atom(list, key);
        if (strcmp(key, "remote_cookie") == 0 && strlen(value) <= ASM_COOKIE_MAX)
                asm_builder_atom(list, value);
        else if (g_ascii_string_to_signed(value, 10, G_MININT64, G_MAXINT64, &number, NULL))
                asm_builder_int(list, number);
        else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ||
                 strcmp(value, "infinity") == 0)
                asm_builder_atom(list, value);
        else
                asm_builder_text(list, value);
}

/* [defaults] and [defaults PROVIDER]: options, checked here so that no run stumbles over them */
static gboolean
load_defaults(AsmConfig *config,
              GKeyFile *file,
              const char *path,
              const char *group,
              GError **error)
{
        const char *provider =
                g_str_has_prefix(group, "defaults ") ? group + strlen("defaults ") : "";
        g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, NULL);
        guint n = keys != NULL ? g_strv_length(keys) : 0;
        g_auto(AsmBuilder) list = ASM_BUILDER_INIT;
        g_auto(AsmOptions) options = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        AsmLineRules line_rules;
        AsmView view;

        if (*provider != '\0' && asm_provider_find(provider, error) == NULL) {
                g_prefix_error(error, "%s: group [%s]: ", path, group);
                return FALSE;
        }
        asm_builder_list(&list, n);
        for (guint i = 0; i < n; i++) {
                g_autofree char *value = g_key_file_get_string(file, group, keys[i], NULL);
                put_default(&list, keys[i], value != NULL ? g_strstrip(value) : "");
        }
        asm_builder_nil(&list);
        view = asm_builder_peek(&list);
        asm_options_init(&options);
        if (!asm_options_apply(&options, &view, 1, &failure)) {
                g_set_error(error,
                            ASM_CONFIG_ERROR,
                            ASM_CONFIG_ERROR_VALUE,
                            "%s: group [%s]: %s",
                            path,
                            group,
                            failure->message);
                return FALSE;
        }
        if (!asm_line_rules_read(view, &line_rules, error)) {
                g_prefix_error(error, "%s: group [%s]: ", path, group);
                return FALSE;
        }
        g_hash_table_replace(config->defaults, g_strdup(provider), asm_builder_end(&list));
        return TRUE;
}

static gboolean
is_group(const char *group)
{
        for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
                if (strcmp(rules[i].group, group) == 0)
                        return TRUE;
        }
        return FALSE;
}

static gboolean
load_group(AsmConfig *config, GKeyFile *file, const char *path, const char *group, GError **error)
{
        g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, NULL);

        if (!is_group(group)) {
                g_set_error(error,
                            ASM_CONFIG_ERROR,
                            ASM_CONFIG_ERROR_KEY,
                            "%s: there is no group [%s]; see asmd.conf(5)",
                            path,
                            group);
                return FALSE;
        }
        for (guint i = 0; keys != NULL && keys[i] != NULL; i++) {
                const KeyRule *rule = find_rule(group, keys[i]);
                g_autofree char *value = NULL;

                if (rule == NULL) {
                        g_set_error(error,
                                    ASM_CONFIG_ERROR,
                                    ASM_CONFIG_ERROR_KEY,
                                    "%s: there is no key %s in [%s]; see asmd.conf(5)",
                                    path,
                                    keys[i],
                                    group);
                        return FALSE;
                }
                value = g_key_file_get_string(file, group, keys[i], NULL);
                if (value == NULL || !set_value(config, rule, path, g_strstrip(value))) {
                        value_error(rule, path, value != NULL ? value : "", error);
                        return FALSE;
                }
        }
        return TRUE;
}

/* a release that no caller would accept is a mistake */
static gboolean
check_release(const AsmConfig *config, const char *path, GError **error)
{
        const char *release = config->host.otp_release;
        g_autofree char *shown = NULL;

        if (release == NULL || g_ascii_isdigit(release[0]))
                return TRUE;
        shown = g_strescape(release, NULL);
        g_set_error(error,
                    ASM_CONFIG_ERROR,
                    ASM_CONFIG_ERROR_VALUE,
                    "%s: otp_release in [host]: '%s' is not valid, expected a release of "
                    "Erlang/OTP, as 27",
                    path,
                    shown);
        return FALSE;
}

gboolean
asm_config_load(AsmConfig *config, const char *path, GError **error)
{
        g_autoptr(GKeyFile) file = g_key_file_new();
        g_autoptr(GError) cause = NULL;
        g_auto(GStrv) groups = NULL;

        if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &cause)) {
                g_set_error(error,
                            ASM_CONFIG_ERROR,
                            ASM_CONFIG_ERROR_FILE,
                            "configuration file '%s': %s",
                            path,
                            cause->message);
                return FALSE;
        }
        groups = g_key_file_get_groups(file, NULL);
        for (guint i = 0; groups[i] != NULL; i++) {
                gboolean is_defaults = strcmp(groups[i], "defaults") == 0 ||
                                       g_str_has_prefix(groups[i], "defaults ");

                if (asm_config_is_peer_group(groups[i]))
                        continue;
                if (!(is_defaults ? load_defaults
                                  : load_group)(config, file, path, groups[i], error))
                        return FALSE;
        }
        return check_release(config, path, error) &&
               asm_config_load_peers(config, file, path, error);
}

static gboolean
is_same(const KeyRule *rule, const AsmConfig *a, const AsmConfig *b)
{
        gconstpointer one = G_STRUCT_MEMBER_P(a, rule->offset);
        gconstpointer other = G_STRUCT_MEMBER_P(b, rule->offset);

        switch (rule->type) {
        case KEY_TEXT:
        case KEY_FILE:
                return g_strcmp0(*(char *const *)one, *(char *const *)other) == 0;
        case KEY_BOOL:
        case KEY_UINT:
                return *(const guint *)one == *(const guint *)other;
        case KEY_SIZE:
                return *(const gsize *)one == *(const gsize *)other;
        case KEY_NODES:
                break; /* live */
        }
        return TRUE;
}

void
asm_config_log_changes(const AsmConfig *running, const AsmConfig *config)
{
        for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
                if (!rules[i].is_live && !is_same(&rules[i], running, config))
                        g_warning(
                                "configuration: %s in [%s] has changed, which takes effect at the "
                                "next start only",
                                rules[i].key,
                                rules[i].group);
        }
}

/* "ADDRESS" or "ADDRESS:PORT" */
static gboolean
split_listen(AsmConfig *config, GError **error)
{
        const char *colon = strrchr(config->listen, ':');
        guint64 port = 0;
        g_autoptr(GInetAddress) ip = NULL;
        g_autofree char *address =
                colon != NULL ? g_strndup(config->listen, (gsize)(colon - config->listen))
                              : g_strdup(config->listen);

        ip = g_inet_address_new_from_string(address);
        if (ip == NULL || g_inet_address_get_family(ip) != G_SOCKET_FAMILY_IPV4 ||
            (colon != NULL &&
             !g_ascii_string_to_unsigned(colon + 1, 10, 0, G_MAXUINT16, &port, NULL))) {
                g_autofree char *shown = g_strescape(config->listen, NULL);
                g_set_error(error,
                            ASM_CONFIG_ERROR,
                            ASM_CONFIG_ERROR_VALUE,
                            "listen: '%s' is not valid, expected an IPv4 address, or ADDRESS:PORT",
                            shown);
                return FALSE;
        }
        config->node.listen_address = g_steal_pointer(&address);
        config->node.listen_port = (guint16)port;
        return TRUE;
}

static gboolean
read_epmd_port(AsmConfig *config, GError **error)
{
        const char *text = g_getenv("ERL_EPMD_PORT");
        guint64 port = ASM_EPMD_DEFAULT_PORT;

        if (text != NULL && !g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &port, NULL)) {
                g_autofree char *shown = g_strescape(text, NULL);
                g_set_error(error,
                            ASM_CONFIG_ERROR,
                            ASM_CONFIG_ERROR_VALUE,
                            "ERL_EPMD_PORT: '%s' is not valid, expected a port from 1 to 65535",
                            shown);
                return FALSE;
        }
        config->node.epmd_port = (guint16)port;
        return TRUE;
}

gboolean
asm_config_finish(AsmConfig *config, GError **error)
{
        g_free(config->node.name);
        config->node.name = asm_node_name_complete(config->name, config->is_long_name, error);
        return config->node.name != NULL && split_listen(config, error) &&
               read_epmd_port(config, error);
}
