/* SPDX-License-Identifier: MIT */

/*
 * Distribution and epmd speak IPv4, so a name is asked for its IPv4 addresses and for nothing else.
 * GSocketClient would ask for both kinds, and wait for both: the name of this machine is in
 * /etc/hosts with an IPv4 address alone as a rule, and for the other one each connection would wait
 * for a DNS server. The addresses of a host are tried one after the other; one that does not answer
 * holds up the next one for a moment only.
 */

#include "reach-private.h"

/* for an address, when there are others */
#define PATIENCE_S 2

typedef struct {
        guint16 port;
        GList *addresses; /* owned; the first one is tried */
} Reach;

static void
reach_free(gpointer data)
{
        Reach *reach = data;

        g_resolver_free_addresses(reach->addresses);
        g_free(reach);
}

static void try_first(GTask *task);

static void
on_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
        g_autoptr(GTask) task = user_data;
        Reach *reach = g_task_get_task_data(task);
        GError *error = NULL;
        GSocketConnection *connection =
                g_socket_client_connect_finish(G_SOCKET_CLIENT(source), result, &error);

        if (connection != NULL) {
                g_task_return_pointer(task, connection, g_object_unref);
                return;
        }
        g_object_unref(reach->addresses->data);
        reach->addresses = g_list_delete_link(reach->addresses, reach->addresses);
        if (reach->addresses == NULL || g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
                g_task_return_error(task, error);
                return;
        }
        g_error_free(error);
        try_first(g_steal_pointer(&task));
}

/* @task: (transfer full) */
static void
try_first(GTask *task)
{
        Reach *reach = g_task_get_task_data(task);
        g_autoptr(GSocketClient) tcp = g_socket_client_new();
        g_autoptr(GSocketAddress) address =
                g_inet_socket_address_new(reach->addresses->data, reach->port);

        g_socket_client_set_enable_proxy(tcp, FALSE);
        g_socket_client_set_timeout(tcp, reach->addresses->next != NULL ? PATIENCE_S : 0);
        g_socket_client_connect_async(tcp,
                                      G_SOCKET_CONNECTABLE(address),
                                      g_task_get_cancellable(task),
                                      on_connected,
                                      task);
}

static void
on_resolved(GObject *source, GAsyncResult *result, gpointer user_data)
{
        g_autoptr(GTask) task = user_data;
        Reach *reach = g_task_get_task_data(task);
        GError *error = NULL;

        reach->addresses =
                g_resolver_lookup_by_name_with_flags_finish(G_RESOLVER(source), result, &error);
        if (reach->addresses == NULL)
                g_task_return_error(task, error);
        else
                try_first(g_steal_pointer(&task));
}

void
asm_reach_async(const char *host,
                guint16 port,
                GCancellable *cancellable,
                GAsyncReadyCallback callback,
                gpointer user_data)
{
        g_autoptr(GResolver) resolver = g_resolver_get_default();
        GTask *task = g_task_new(NULL, cancellable, callback, user_data);
        Reach *reach = g_new0(Reach, 1);

        reach->port = port;
        g_task_set_task_data(task, reach, reach_free);
        g_resolver_lookup_by_name_with_flags_async(resolver,
                                                   host,
                                                   G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY,
                                                   cancellable,
                                                   on_resolved,
                                                   task);
}

GSocketConnection *
asm_reach_finish(GAsyncResult *result, GError **error)
{
        return g_task_propagate_pointer(G_TASK(result), error);
}
