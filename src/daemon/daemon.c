/* SPDX-License-Identifier: MIT */

/*
 * Who owns whom: the daemon owns timers, node, processes, the rpc client, the session manager and
 * the API, in this order, and takes them down in the opposite one. Sessions have ended by then (see
 * shutdown.c), so that their subscribers heard of it while there were links; what is left of
 * processes (backends waiting for the other side to confirm) ends with reason `shutdown`, which by
 * the links ends their CLIs.
 */

#include "daemon/daemon.h"

#include "api/api.h"
#include "api/metrics.h"
#include "backend/kit.h"
#include "base/log.h"
#include "service-private.h"
#include "shutdown-private.h"

#include <glib-unix.h>
#include <stdio.h>

struct _AsmDaemon {
        GMainLoop *loop;
        AsmTimers *timers;
        AsmNode *node;
        AsmProcs *procs;
        AsmRpc *rpc;
        AsmManager *manager;
        AsmApi *api;
        AsmShutdown *shutdown;
        AsmService *service; /* NULL: not asked for */
        gboolean is_stopping;
        void (*reload)(gpointer user_data); /* NULL: nothing is reloaded */
        gpointer reload_data;
        guint term_id;
        guint int_id;
        guint hup_id;
        GError *error; /* why the node could not be started */
};

static void
on_peer(AsmProcs *procs, AsmLink *link, gboolean is_up, gpointer user_data)
{
        AsmDaemon *daemon = user_data;

        asm_manager_drained(daemon->manager);
        asm_api_drained(daemon->api);
}

static void
set_defaults(AsmManager *manager, GHashTable *defaults)
{
        GHashTableIter iter;
        gpointer provider;
        gpointer options;

        g_hash_table_iter_init(&iter, defaults);
        while (g_hash_table_iter_next(&iter, &provider, &options))
                asm_manager_set_defaults(manager, provider, asm_term_view(options));
}

static void
on_shut_down(gpointer user_data)
{
        AsmDaemon *daemon = user_data;

        g_main_loop_quit(daemon->loop);
}

AsmDaemon *
asm_daemon_new(const AsmConfig *config, GError **error)
{
        g_autofree char *cookie = asm_cookie_load(config->cookie_file, error);

        return cookie != NULL ? asm_daemon_new_with_cookie(config, cookie, error) : NULL;
}

AsmDaemon *
asm_daemon_new_with_cookie(const AsmConfig *config, const char *cookie, GError **error)
{
        AsmProcsLimits limits = { .max_servers = 0, .max_mail = config->max_mail };
        AsmBackendContext backend;
        AsmShutdownContext shutdown;
        AsmDaemon *daemon;
        AsmTls *tls = NULL;

        if (asm_tls_config_is_set(&config->tls) && (tls = asm_tls_new(&config->tls, error)) == NULL)
                return NULL;
        asm_kit_set_path(config->kit_path);
        limits.max_servers = config->limits.max_sessions + 4 * config->limits.max_runs + 1024;
        daemon = g_new0(AsmDaemon, 1);
        daemon->loop = g_main_loop_new(NULL, FALSE);
        daemon->timers = asm_timers_new(NULL);
        daemon->node = asm_node_new(&config->node, asm_cookies_new(cookie), daemon->timers);
        if (tls != NULL)
                asm_node_set_tls(daemon->node, tls);
        asm_node_set_peers(daemon->node, config->peers);
        daemon->procs = asm_procs_new(daemon->node, &limits);
        daemon->rpc = asm_rpc_new(daemon->procs);
        backend = (AsmBackendContext){ .procs = daemon->procs, .rpc = daemon->rpc };
        daemon->manager = asm_manager_new(&backend, &config->limits);
        set_defaults(daemon->manager, config->defaults);
        daemon->api = asm_api_new(daemon->procs, daemon->manager);
        asm_api_set_host(daemon->api, &config->host);
        asm_procs_set_peer_func(daemon->procs, on_peer, daemon);
        shutdown = (AsmShutdownContext){ .procs = daemon->procs,
                                         .manager = daemon->manager,
                                         .api = daemon->api,
                                         .grace_ms = config->shutdown_grace_ms };
        daemon->shutdown = asm_shutdown_new(&shutdown, on_shut_down, daemon);
        return daemon;
}

void
asm_daemon_free(AsmDaemon *daemon)
{
        if (daemon == NULL)
                return;
        g_clear_pointer(&daemon->service, asm_service_free);
        asm_shutdown_free(daemon->shutdown);
        asm_manager_stop_all(daemon->manager);
        asm_api_free(daemon->api);
        asm_manager_free(daemon->manager);
        /* no loop runs any more that would give CLIs a grace */
        asm_backend_local_kill_all();
        /* backends cancel their calls when they end: the client goes after them */
        asm_procs_stop_all(daemon->procs);
        asm_rpc_free(daemon->rpc);
        asm_node_free(daemon->node);
        asm_procs_free(daemon->procs);
        asm_timers_free(daemon->timers);
        g_clear_handle_id(&daemon->term_id, g_source_remove);
        g_clear_handle_id(&daemon->int_id, g_source_remove);
        g_clear_handle_id(&daemon->hup_id, g_source_remove);
        g_main_loop_unref(daemon->loop);
        g_clear_error(&daemon->error);
        g_free(daemon);
}

AsmProcs *
asm_daemon_get_procs(AsmDaemon *daemon)
{
        return daemon->procs;
}

char *
asm_daemon_make_metrics(AsmDaemon *daemon)
{
        g_auto(AsmBuilder) metrics = ASM_BUILDER_INIT;

        asm_builder_metrics(&metrics, daemon->api);
        return asm_metrics_to_text(asm_builder_peek(&metrics));
}

static void
on_started(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmDaemon *daemon = user_data;

        if (!asm_node_start_finish(daemon->node, result, &daemon->error)) {
                g_main_loop_quit(daemon->loop);
                return;
        }
        asm_log(G_LOG_LEVEL_MESSAGE,
                &(AsmLogTags){ .event = ASM_LOG_EVENT_READY },
                "'%s' is ready on port %u",
                asm_node_get_name(daemon->node),
                asm_node_get_port(daemon->node));
        if (daemon->service != NULL)
                asm_service_ready(daemon->service);
        printf("ready %s\n", asm_node_get_name(daemon->node));
        fflush(stdout);
}

static gboolean
on_stop_signal(gpointer user_data)
{
        AsmDaemon *daemon = user_data;

        if (!daemon->is_stopping && daemon->service != NULL)
                asm_service_stopping(daemon->service, asm_shutdown_get_max_ms(daemon->shutdown));
        daemon->is_stopping = TRUE;
        asm_shutdown_hurry(daemon->shutdown);
        return G_SOURCE_CONTINUE;
}

static gboolean
on_reload_signal(gpointer user_data)
{
        AsmDaemon *daemon = user_data;

        if (daemon->service != NULL)
                asm_service_reloading(daemon->service);
        if (daemon->reload != NULL)
                daemon->reload(daemon->reload_data);
        if (daemon->service != NULL)
                asm_service_ready(daemon->service);
        return G_SOURCE_CONTINUE;
}

void
asm_daemon_set_reload_func(AsmDaemon *daemon, void (*func)(gpointer user_data), gpointer user_data)
{
        daemon->reload = func;
        daemon->reload_data = user_data;
}

void
asm_daemon_set_config_func(AsmDaemon *daemon, AsmApiConfigFunc func, gpointer user_data)
{
        asm_api_set_config_func(daemon->api, func, user_data);
}

void
asm_daemon_reconfigure(AsmDaemon *daemon, const AsmConfig *config)
{
        asm_kit_set_path(config->kit_path);
        asm_manager_set_limits(daemon->manager, &config->limits);
        asm_manager_clear_defaults(daemon->manager);
        set_defaults(daemon->manager, config->defaults);
        asm_api_set_host(daemon->api, &config->host);
        asm_node_set_peers(daemon->node, config->peers);
        asm_node_set_max_attempts(daemon->node, config->node.max_attempts);
        asm_shutdown_set_grace(daemon->shutdown, config->shutdown_grace_ms);
}

static void
describe(GString *out, gpointer user_data)
{
        AsmDaemon *daemon = user_data;
        g_autoptr(GPtrArray) links = asm_node_list_links(daemon->node);
        guint n_running;
        guint n_queued;

        asm_manager_count_runs(daemon->manager, &n_running, &n_queued);
        g_string_append_printf(out,
                               "%s%s: %u sessions, %u runs, %u waiting, %u for other nodes; %u "
                               "peers",
                               daemon->is_stopping ? "stopping, " : "",
                               asm_node_get_name(daemon->node),
                               asm_manager_count(daemon->manager),
                               n_running,
                               n_queued,
                               asm_api_count_hosted(daemon->api),
                               links->len);
}

void
asm_daemon_use_service_manager(AsmDaemon *daemon)
{
        int fds[ASM_SERVICE_FDS_MAX];
        guint n;

        g_return_if_fail(daemon->service == NULL);
        daemon->service = asm_service_new();
        asm_service_begin(daemon->service, daemon->timers, describe, daemon);
        n = asm_service_take_fds(daemon->service, fds);
        if (n > 0)
                asm_node_adopt(daemon->node, fds, n);
}

gboolean
asm_daemon_run(AsmDaemon *daemon, GError **error)
{
        daemon->term_id = g_unix_signal_add(SIGTERM, on_stop_signal, daemon);
        daemon->int_id = g_unix_signal_add(SIGINT, on_stop_signal, daemon);
        daemon->hup_id = g_unix_signal_add(SIGHUP, on_reload_signal, daemon);
        asm_node_start_async(daemon->node, on_started, daemon);
        g_main_loop_run(daemon->loop);
        if (daemon->error == NULL)
                return TRUE;
        g_propagate_error(error, g_steal_pointer(&daemon->error));
        return FALSE;
}
