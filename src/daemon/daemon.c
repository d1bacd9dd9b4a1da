/* SPDX-License-Identifier: MIT */

/*
 * Who owns whom: the daemon owns timers, node, processes, the rpc client, the session manager and
 * the API, in this order, and takes them down in the opposite one. Sessions end first, so that
 * their subscribers hear of it while there are links; what is left of processes (backends waiting
 * for the other side to confirm) ends with reason `shutdown`, which by the links ends their CLIs.
 */

#include "daemon/daemon.h"

#include "api/api.h"

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
        guint term_id;
        guint int_id;
        GError *error; /* why the node could not be started */
};

static void
on_peer(AsmProcs *procs, AsmLink *link, gboolean is_up, gpointer user_data)
{
        AsmDaemon *daemon = user_data;

        asm_manager_drained(daemon->manager);
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

AsmDaemon *
asm_daemon_new(const AsmConfig *config, GError **error)
{
        g_autofree char *cookie = asm_cookie_load(config->cookie_file, error);
        AsmProcsLimits limits = { .max_servers = 0, .max_mail = config->max_mail };
        AsmBackendContext backend;
        AsmDaemon *daemon;

        if (cookie == NULL)
                return NULL;
        limits.max_servers = config->limits.max_sessions + 4 * config->limits.max_runs + 1024;
        daemon = g_new0(AsmDaemon, 1);
        daemon->loop = g_main_loop_new(NULL, FALSE);
        daemon->timers = asm_timers_new(NULL);
        daemon->node = asm_node_new(&config->node, asm_cookies_new(cookie), daemon->timers);
        daemon->procs = asm_procs_new(daemon->node, &limits);
        daemon->rpc = asm_rpc_new(daemon->procs);
        backend = (AsmBackendContext){ .procs = daemon->procs, .rpc = daemon->rpc };
        daemon->manager = asm_manager_new(&backend, &config->limits);
        set_defaults(daemon->manager, config->defaults);
        daemon->api = asm_api_new(daemon->procs, daemon->manager);
        asm_procs_set_peer_func(daemon->procs, on_peer, daemon);
        return daemon;
}

void
asm_daemon_free(AsmDaemon *daemon)
{
        if (daemon == NULL)
                return;
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
        g_main_loop_unref(daemon->loop);
        g_clear_error(&daemon->error);
        g_free(daemon);
}

static void
on_started(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmDaemon *daemon = user_data;

        if (!asm_node_start_finish(daemon->node, result, &daemon->error)) {
                g_main_loop_quit(daemon->loop);
                return;
        }
        printf("ready %s\n", asm_node_get_name(daemon->node));
        fflush(stdout);
}

static gboolean
on_stop_signal(gpointer user_data)
{
        AsmDaemon *daemon = user_data;

        g_message("stopping: %u sessions", asm_manager_count(daemon->manager));
        g_main_loop_quit(daemon->loop);
        return G_SOURCE_CONTINUE;
}

gboolean
asm_daemon_run(AsmDaemon *daemon, GError **error)
{
        daemon->term_id = g_unix_signal_add(SIGTERM, on_stop_signal, daemon);
        daemon->int_id = g_unix_signal_add(SIGINT, on_stop_signal, daemon);
        asm_node_start_async(daemon->node, on_started, daemon);
        g_main_loop_run(daemon->loop);
        if (daemon->error == NULL)
                return TRUE;
        g_propagate_error(error, g_steal_pointer(&daemon->error));
        return FALSE;
}
