/* SPDX-License-Identifier: MIT */

/*
 * The client is a node like the daemon, only that it neither listens nor registers: a hidden node
 * may connect without being known to epmd. Its one process makes gen_server calls and is the
 * subscriber of runs. Of a call's tag only a plain reference is used, so answers come to the pid.
 *
 * In the program that has the API itself the process is one among the others there: the calls are
 * the same messages to the same server, only that no link carries them and none can break.
 */

#include "api/client.h"

#include "dist/epmd.h"
#include "node/name.h"
#include "proc/procs.h"
#include "term/reader.h"

#include <unistd.h>

struct _AsmClient {
        AsmServer server;
        const AsmClientListener *listener;
        gpointer user_data;
        char *peer;
        AsmTimers *timers;
        AsmNode *node; /* NULL: the API is in this program, and @procs is its */
        AsmProcs *procs;
        AsmLink *link;     /* NULL as long as not connected */
        GHashTable *calls; /* AsmRef -> owned Call */
};

typedef struct {
        AsmClient *client;
        AsmRef ref;
        GTask *task;
        AsmTimer timer;
        guint timeout_ms;
} Call;

static void
call_free(gpointer data)
{
        Call *call = data;

        asm_timer_disarm(&call->timer);
        asm_ref_clear(&call->ref);
        g_clear_object(&call->task);
        g_free(call);
}

static void
fail_call(Call *call, gint code, const char *why)
{
        g_autoptr(GTask) task = g_steal_pointer(&call->task);

        g_hash_table_remove(call->client->calls, &call->ref);
        g_task_return_new_error(task, ASM_PROC_ERROR, code, "%s", why);
}

static void
on_call_timeout(AsmTimer *timer, gpointer user_data)
{
        Call *call = user_data;
        g_autofree char *why = g_strdup_printf("'%s' did not answer within %u ms",
                                               call->client->peer,
                                               call->timeout_ms);

        fail_call(call, ASM_PROC_ERROR_TIMEOUT, why);
}

static gboolean
take_answer(AsmClient *client, AsmView message)
{
        g_auto(AsmRef) ref = { 0 };
        g_autoptr(GTask) task = NULL;
        AsmView part[2];
        Call *call;

        if (!asm_view_get_tuple(message, 2, part) || !asm_ref_from_view(part[0], &ref) ||
            (call = g_hash_table_lookup(client->calls, &ref)) == NULL)
                return FALSE;
        task = g_steal_pointer(&call->task);
        g_hash_table_remove(client->calls, &ref);
        g_task_return_pointer(task, asm_term_new(part[1]), (GDestroyNotify)asm_term_unref);
        return TRUE;
}

static void
on_info(AsmServer *server, AsmView message)
{
        AsmClient *client = (AsmClient *)server;
        g_autofree char *run_id = NULL;
        AsmView part[2];

        if (take_answer(client, message))
                return;
        if (asm_view_get_tagged(message, "asm_run_event", 3, part)) {
                run_id = asm_view_dup_text(part[0], FALSE);
                if (run_id != NULL && client->listener->event != NULL)
                        client->listener->event(run_id, part[1], client->user_data);
        } else if (asm_view_get_tagged(message, "asm_run_lagged", 3, part)) {
                run_id = asm_view_dup_text(part[0], FALSE);
                if (run_id != NULL && client->listener->lagged != NULL)
                        client->listener->lagged(run_id, part[1], client->user_data);
        } else if (asm_view_get_tagged(message, "asm_run_done", 2, part)) {
                run_id = asm_view_dup_text(part[0], FALSE);
                if (run_id != NULL && client->listener->done != NULL)
                        client->listener->done(run_id, client->user_data);
        }
}

static void
on_peer(AsmProcs *procs, AsmLink *link, gboolean is_up, gpointer user_data)
{
        AsmClient *client = user_data;

        if (is_up)
                return;
        while (g_hash_table_size(client->calls) > 0) {
                g_autofree char *why =
                        g_strdup_printf("the connection to '%s' broke", client->peer);
                GHashTableIter iter;
                gpointer call;

                g_hash_table_iter_init(&iter, client->calls);
                g_hash_table_iter_next(&iter, NULL, &call);
                fail_call(call, ASM_PROC_ERROR_NO_CONNECTION, why);
        }
        if (client->listener->lost != NULL)
                client->listener->lost(client->user_data);
}

/* freed by asm_client_free(), not by references */
static const AsmServerClass client_class = { .module = "asm_client",
                                             .traps_exits = TRUE,
                                             .info = on_info };

static guint16
default_epmd_port(void)
{
        const char *text = g_getenv("ERL_EPMD_PORT");
        guint64 port;

        if (text != NULL && g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &port, NULL))
                return (guint16)port;
        return ASM_EPMD_DEFAULT_PORT;
}

/* a name that no other client has: pid and a random number */
static char *
own_name(const char *peer, GError **error)
{
        g_autofree char *alive =
                g_strdup_printf("asmctl-%d-%08x", (int)getpid(), (unsigned)g_random_int());
        gboolean is_long = asm_node_name_is_long(peer);

        if (is_long || g_str_has_suffix(peer, "@localhost")) {
                g_autofree char *name = g_strdup_printf("%s@%s", alive, asm_node_name_host(peer));
                return asm_node_name_complete(name, is_long, error);
        }
        return asm_node_name_complete(alive, FALSE, error);
}

static AsmClient *
client_new(const char *peer, const AsmClientListener *listener, gpointer user_data)
{
        AsmClient *client = g_new0(AsmClient, 1);

        client->listener = listener;
        client->user_data = user_data;
        client->peer = g_strdup(peer);
        client->calls = g_hash_table_new_full(asm_ref_hash, asm_ref_equal, NULL, call_free);
        return client;
}

AsmClient *
asm_client_new(const AsmClientConfig *config,
               const AsmClientListener *listener,
               gpointer user_data,
               GError **error)
{
        AsmClient *client;
        g_auto(AsmNodeConfig) node = { 0 };
        g_autofree char *cookie = NULL;
        g_autoptr(AsmTls) tls = NULL;
        AsmProcsLimits limits = { .max_servers = 16, .max_mail = G_MAXUINT };

        asm_node_config_init(&node);
        if (!asm_node_name_check(config->node, error))
                return NULL;
        node.name = own_name(config->node, error);
        if (node.name == NULL)
                return NULL;
        cookie = asm_cookie_load(config->cookie_file, error);
        if (cookie == NULL)
                return NULL;
        if (config->tls != NULL && asm_tls_config_is_set(config->tls) &&
            (tls = asm_tls_new(config->tls, error)) == NULL)
                return NULL;
        node.epmd_port = config->epmd_port != 0 ? config->epmd_port : default_epmd_port();
        client = client_new(config->node, listener, user_data);
        client->timers = asm_timers_new(NULL);
        client->node = asm_node_new(&node, asm_cookies_new(cookie), client->timers);
        if (tls != NULL)
                asm_node_set_tls(client->node, g_steal_pointer(&tls));
        client->procs = asm_procs_new(client->node, &limits);
        asm_procs_set_peer_func(client->procs, on_peer, client);
        asm_server_start(&client->server, &client_class, client->procs);
        return client;
}

AsmClient *
asm_client_new_local(AsmProcs *procs, const AsmClientListener *listener, gpointer user_data)
{
        AsmClient *client =
                client_new(asm_node_get_name(asm_procs_get_node(procs)), listener, user_data);

        client->timers = asm_procs_get_timers(procs);
        client->procs = procs;
        asm_server_start(&client->server, &client_class, procs);
        return client;
}

void
asm_client_free(AsmClient *client)
{
        if (client == NULL)
                return;
        asm_server_stop_atom(&client->server, "normal");
        g_clear_pointer(&client->link, asm_link_unref);
        g_hash_table_unref(client->calls);
        if (client->node != NULL) {
                asm_node_free(client->node);
                asm_procs_free(client->procs);
                asm_timers_free(client->timers);
        }
        g_free(client->peer);
        g_free(client);
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
        g_autoptr(GTask) task = user_data;
        AsmClient *client = g_task_get_task_data(task);
        GError *error = NULL;

        client->link = asm_node_connect_finish(client->node, result, &error);
        if (client->link == NULL)
                g_task_return_error(task, error);
        else
                g_task_return_boolean(task, TRUE);
}

void
asm_client_connect_async(AsmClient *client,
                         guint timeout_ms,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
        GTask *task = g_task_new(NULL, NULL, callback, user_data);

        g_task_set_task_data(task, client, NULL);
        asm_node_connect_async(client->node, client->peer, timeout_ms, on_connected, task);
}

gboolean
asm_client_connect_finish(AsmClient *client, GAsyncResult *result, GError **error)
{
        return g_task_propagate_boolean(G_TASK(result), error);
}

/* FALSE: there is nobody to send it to */
static gboolean
send_to_api(AsmClient *client, AsmView message)
{
        AsmServer *api;
        g_auto(AsmBuilder) pid = ASM_BUILDER_INIT;

        if (client->node != NULL) {
                if (client->link == NULL || !asm_link_is_up(client->link))
                        return FALSE;
                asm_procs_send_name(client->procs, client->link, &client->server, "asm", message);
                return TRUE;
        }
        api = asm_procs_find_name(client->procs, "asm", 3);
        if (api == NULL)
                return FALSE;
        asm_builder_server_pid(&pid, api);
        asm_procs_send(client->procs, asm_builder_peek(&pid), message);
        return TRUE;
}

void
asm_client_call_async(AsmClient *client,
                      const char *function,
                      AsmView args,
                      guint timeout_ms,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
        g_auto(AsmBuilder) message = ASM_BUILDER_INIT;
        g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
        g_auto(AsmRef) ref = asm_procs_make_ref(client->procs);
        Call *call;

        asm_builder_tuple(&message, 3);
        asm_builder_atom(&message, "$gen_call");
        asm_builder_tuple(&message, 2);
        asm_builder_server_pid(&message, &client->server);
        asm_builder_ref(&message, &ref);
        asm_builder_tuple(&message, 2);
        asm_builder_atom(&message, function);
        asm_builder_view(&message, args);
        if (!send_to_api(client, asm_builder_peek(&message))) {
                g_task_return_new_error(task,
                                        ASM_PROC_ERROR,
                                        ASM_PROC_ERROR_NO_CONNECTION,
                                        "there is no connection to '%s'",
                                        client->peer);
                return;
        }
        call = g_new0(Call, 1);
        call->client = client;
        call->ref = ref;
        ref = (AsmRef){ 0 };
        call->task = g_steal_pointer(&task);
        call->timeout_ms = timeout_ms;
        asm_timer_init(&call->timer, client->timers, on_call_timeout, call);
        if (timeout_ms > 0)
                asm_timer_arm(&call->timer, timeout_ms);
        g_hash_table_insert(client->calls, &call->ref, call);
}

AsmTerm *
asm_client_call_finish(AsmClient *client, GAsyncResult *result, GError **error)
{
        return g_task_propagate_pointer(G_TASK(result), error);
}

void
asm_builder_client_pid(AsmBuilder *builder, AsmClient *client)
{
        asm_builder_server_pid(builder, &client->server);
}

const char *
asm_client_get_node(AsmClient *client)
{
        return client->peer;
}
