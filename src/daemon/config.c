/* SPDX-License-Identifier: MIT */

/*
 * The configuration as a whole: what holds when nothing is given, what only several keys together can
 * tell, and what of a new one a daemon that runs cannot take over. How it is read: config-read.c. Which
 * keys there are: config-rules.c. A group or key that is not in that table is an error, because a
 * misspelt limit is no limit.
 */

#include "config-private.h"
#include "metrics-server-private.h"

#include "base/log.h"
#include "dist/epmd.h"
#include "node/name.h"

#include <string.h>
#include <sys/stat.h>

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
                            .max_approvals = 64,
                            .history = { .max_bytes = ASM_HISTORY_MAX,
                                         .max_run_bytes = ASM_HISTORY_RUN_MAX } },
                .max_mail = 100000,
                .shutdown_grace_ms = 10000,
                .log_level = ASM_LOG_NOTICE,
                .host = { .max_sessions = 256, .headless_timeout_ms = 30000 },
                .peers = asm_peers_new(),
                .defaults = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_term),
                .settings = asm_config_settings_new(),
                .files = g_ptr_array_new_with_free_func(g_free)
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
        g_clear_pointer(&config->metrics_listen, g_free);
        g_clear_pointer(&config->defaults, g_hash_table_unref);
        g_clear_pointer(&config->settings, g_ptr_array_unref);
        g_clear_pointer(&config->files, g_ptr_array_unref);
        asm_node_config_clear(&config->node);
        asm_tls_config_clear(&config->tls);
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
split_listen(const char *listen, char **ret_address, guint16 *ret_port)
{
        const char *colon = strrchr(listen, ':');
        guint64 port = 0;
        g_autoptr(GInetAddress) ip = NULL;
        g_autofree char *address =
                colon != NULL ? g_strndup(listen, (gsize)(colon - listen)) : g_strdup(listen);

        ip = g_inet_address_new_from_string(address);
        if (ip == NULL || g_inet_address_get_family(ip) != G_SOCKET_FAMILY_IPV4 ||
            (colon != NULL &&
             !g_ascii_string_to_unsigned(colon + 1, 10, 0, G_MAXUINT16, &port, NULL)))
                return FALSE;
        g_free(*ret_address);
        *ret_address = g_steal_pointer(&address);
        *ret_port = (guint16)port;
        return TRUE;
}

#define LISTEN_EXPECTED "expected an IPv4 address, or ADDRESS:PORT"

static gboolean
read_epmd_port(guint16 *ret_port, GError **error)
{
        const char *text = g_getenv("ERL_EPMD_PORT");
        guint64 port = ASM_EPMD_DEFAULT_PORT;

        if (text != NULL && !g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &port, NULL)) {
                g_autofree char *shown = asm_config_shown(text);
                g_set_error(error,
                            ASM_CONFIG_ERROR,
                            ASM_CONFIG_ERROR_VALUE,
                            "ERL_EPMD_PORT: '%s' is not valid, expected a port from 1 to 65535",
                            shown);
                return FALSE;
        }
        *ret_port = (guint16)port;
        return TRUE;
}

gboolean
asm_config_finish(AsmConfig *config, GError **error)
{
        g_free(config->node.name);
        config->node.name = asm_node_name_complete(config->name, config->is_long_name, error);
        if (config->node.name == NULL || !read_epmd_port(&config->node.epmd_port, error))
                return FALSE;
        if (!split_listen(config->listen,
                          &config->node.listen_address,
                          &config->node.listen_port)) {
                g_autofree char *shown = asm_config_shown(config->listen);
                g_set_error(error,
                            ASM_CONFIG_ERROR,
                            ASM_CONFIG_ERROR_VALUE,
                            "listen: '%s' is not valid, " LISTEN_EXPECTED,
                            shown);
                return FALSE;
        }
        return TRUE;
}

/* --- what several keys together tell --------------------------------------------------------- */

static void
check_node(const AsmConfig *config, AsmConfigReport *report)
{
        const AsmConfigSetting *listen = asm_config_find(config, "node", "listen");
        const AsmConfigSetting *name = asm_config_find(config, "node", "name");
        g_autofree char *whole = NULL;
        g_autofree char *address = NULL;
        g_autoptr(GError) error = NULL;
        guint16 port;

        whole = asm_node_name_complete(config->name, config->is_long_name, &error);
        if (whole == NULL)
                asm_config_mistake(report,
                                   name != NULL ? name
                                                : asm_config_find(config, "node", "long_name"),
                                   "%s",
                                   error->message);
        if (!split_listen(config->listen, &address, &port)) {
                g_autofree char *shown = asm_config_shown(config->listen);

                asm_config_mistake(report, listen, "'%s' is not valid, " LISTEN_EXPECTED, shown);
        }
        g_clear_error(&error);
        if (!read_epmd_port(&port, &error))
                asm_config_mistake(report, NULL, "%s", error->message);
}

static void
check_tls(const AsmConfig *config, AsmConfigReport *report)
{
        static const char *const keys[] = { "certificate", "private_key", "authorities" };
        const AsmConfigSetting *given = NULL;
        GString *missing = g_string_new(NULL);

        for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
                const AsmConfigSetting *setting = asm_config_find(config, "tls", keys[i]);

                if (setting == NULL)
                        g_string_append_printf(missing,
                                               "%s%s",
                                               missing->len > 0 ? " and " : "",
                                               keys[i]);
                else
                        given = setting;
        }
        if (given != NULL && missing->len > 0)
                asm_config_mistake(report, given, "needs %s as well", missing->str);
        g_string_free(missing, TRUE);
}

/* a release that no caller would accept is a mistake */
static void
check_release(const AsmConfig *config, AsmConfigReport *report)
{
        const char *release = config->host.otp_release;
        g_autofree char *shown = NULL;

        if (release == NULL || g_ascii_isdigit(release[0]))
                return;
        shown = asm_config_shown(release);
        asm_config_mistake(report,
                           asm_config_find(config, "host", "otp_release"),
                           "'%s' is not valid, expected a release of Erlang/OTP, as 27",
                           shown);
}

static void
check_metrics(const AsmConfig *config, AsmConfigReport *report)
{
        g_autofree char *problem = asm_metrics_place_problem(config);

        if (problem != NULL)
                asm_config_mistake(report,
                                   asm_config_find(config, "metrics", "listen"),
                                   "%s",
                                   problem);
}

void
asm_config_check(const AsmConfig *config, gboolean is_client, AsmConfigReport *report)
{
        /* who only asks for the daemon's name has one of its own */
        if (!is_client) {
                check_node(config, report);
                check_metrics(config, report);
        }
        check_tls(config, report);
        check_release(config, report);
}

/* --- files that are named -------------------------------------------------------------------- */

static void
check_cookie(const AsmConfig *config, AsmConfigReport *report)
{
        g_autofree char *cookie = NULL;
        g_autoptr(GError) error = NULL;

        /* the default file is made when it is not there, but not by somebody who only asks */
        if (config->cookie_file == NULL)
                return;
        cookie = asm_cookie_load(config->cookie_file, &error);
        if (cookie != NULL)
                explicit_bzero(cookie, strlen(cookie));
        else
                asm_config_mistake(report,
                                   asm_config_find(config, "node", "cookie_file"),
                                   "%s",
                                   error->message);
}

static void
check_certificates(const AsmConfig *config, AsmConfigReport *report)
{
        const AsmTlsConfig *tls = &config->tls;
        g_autoptr(AsmTls) loaded = NULL;
        g_autoptr(GError) error = NULL;
        struct stat info;

        if (tls->certificate == NULL || tls->private_key == NULL || tls->authorities == NULL)
                return;
        loaded = asm_tls_new(tls, &error);
        if (loaded == NULL)
                asm_config_mistake(report,
                                   asm_config_find(config, "tls", "certificate"),
                                   "%s",
                                   error->message);
        if (stat(tls->private_key, &info) == 0 && (info.st_mode & 0007) != 0)
                asm_config_mistake(report,
                                   asm_config_find(config, "tls", "private_key"),
                                   "everybody may use the key '%s': chmod 600 it",
                                   tls->private_key);
}

gboolean
asm_config_check_files(const AsmConfig *config, AsmConfigReport *report)
{
        guint before = report->mistakes->len;

        check_cookie(config, report);
        check_certificates(config, report);
        return report->mistakes->len == before;
}
