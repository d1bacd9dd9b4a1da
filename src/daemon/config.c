/* SPDX-License-Identifier: MIT */

/*
 * The configuration file is a key file. Every key is in one table with its range; a group or key
 * that is not in the table is an error, because a misspelt limit is no limit.
 */

#include "config-private.h"
#include "config-rules-private.h"

#include "base/log.h"
#include "dist/epmd.h"
#include "node/name.h"

#include <string.h>

G_DEFINE_QUARK(asm_config_error, asm_config_error)

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
                .log_level = ASM_LOG_NOTICE,
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

static void
value_error(const AsmConfigRule *rule, const char *path, const char *value, GError **error)
{
        g_autofree char *shown = g_strescape(value, NULL);
        g_autofree char *expected = asm_config_rule_expected(rule);

        g_set_error(error,
                    ASM_CONFIG_ERROR,
                    ASM_CONFIG_ERROR_VALUE,
                    "%s: %s in [%s]: '%s' is not valid, expected %s",
                    path,
                    rule->key,
                    rule->group,
                    shown,
                    expected);
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
load_group(AsmConfig *config, GKeyFile *file, const char *path, const char *group, GError **error)
{
        g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, NULL);
        g_autofree char *whole = g_canonicalize_filename(path, NULL);
        g_autofree char *folder = g_path_get_dirname(whole);

        if (!asm_config_group_is_known(group)) {
                g_set_error(error,
                            ASM_CONFIG_ERROR,
                            ASM_CONFIG_ERROR_KEY,
                            "%s: there is no group [%s]; see asmd.conf(5)",
                            path,
                            group);
                return FALSE;
        }
        for (guint i = 0; keys != NULL && keys[i] != NULL; i++) {
                const AsmConfigRule *rule = asm_config_rule_find(group, keys[i]);
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
                if (value == NULL ||
                    !asm_config_rule_set(rule, config, g_strstrip(value), folder)) {
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
is_same(const AsmConfigRule *rule, const AsmConfig *a, const AsmConfig *b)
{
        g_autofree char *one = asm_config_rule_get(rule, a);
        g_autofree char *other = asm_config_rule_get(rule, b);

        return g_strcmp0(one, other) == 0;
}

void
asm_config_log_changes(const AsmConfig *running, const AsmConfig *config)
{
        gsize n;
        const AsmConfigRule *rules = asm_config_rules(&n);

        for (gsize i = 0; i < n; i++) {
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
