/* SPDX-License-Identifier: MIT */

/*
 * Where peers come in. By default asmd listens on loopback only. A node name, however, is resolved
 * by the peer, and Debian maps a machine's own name to 127.0.1.1: so with a loopback address the
 * addresses that our host name resolves to are listened on too, as far as they are loopback. A
 * host name that leads elsewhere is worth a warning, since peers will knock there in vain.
 */

#include "node-private.h"

#include "node/error.h"
#include "node/name.h"

static gboolean
listen_on(AsmNode *node, GInetAddress *ip, GError **error)
{
        g_autoptr(GSocketAddress) wanted = g_inet_socket_address_new(ip, node->port);
        g_autoptr(GSocketAddress) got = NULL;
        g_autoptr(GError) cause = NULL;

        if (!g_socket_listener_add_address(G_SOCKET_LISTENER(node->service),
                                           wanted,
                                           G_SOCKET_TYPE_STREAM,
                                           G_SOCKET_PROTOCOL_TCP,
                                           NULL,
                                           &got,
                                           &cause)) {
                g_autofree char *text = g_inet_address_to_string(ip);
                g_set_error(error,
                            ASM_NODE_ERROR,
                            ASM_NODE_ERROR_LISTEN,
                            "cannot listen on %s port %u: %s; choose another one with --listen",
                            text,
                            node->port,
                            cause->message);
                return FALSE;
        }
        node->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(got));
        return TRUE;
}

static void
on_resolved(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmNode *node = user_data;
        g_autoptr(GError) error = NULL;
        GList *addresses = g_resolver_lookup_by_name_finish(G_RESOLVER(source), result, &error);

        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
                return;
        if (error != NULL)
                g_warning("the host of '%s' cannot be found (%s): peers will not find it either",
                          node->name,
                          error->message);
        for (GList *l = addresses; l != NULL; l = l->next) {
                g_autofree char *text = g_inet_address_to_string(l->data);
                g_autoptr(GError) cause = NULL;

                if (g_inet_address_get_family(l->data) != G_SOCKET_FAMILY_IPV4 ||
                    g_str_equal(text, node->config.listen_address))
                        continue;
                if (!g_inet_address_get_is_loopback(l->data))
                        g_warning("the host of '%s' is %s, but asmd listens on loopback only: for "
                                  "peers that come that way use --listen %s",
                                  node->name,
                                  text,
                                  text);
                else if (!listen_on(node, l->data, &cause))
                        g_warning("%s, ignoring", cause->message);
        }
        g_resolver_free_addresses(addresses);
}

/* a peer that has to show a certificate before anything of it is heard */
typedef struct {
        AsmNode *node;
        GCancellable *cancellable;
        AsmTimer timer;
        char *address;
} Arrival;

void
asm_arrival_free(gpointer data)
{
        Arrival *arrival = data;

        g_cancellable_cancel(arrival->cancellable);
        g_object_unref(arrival->cancellable);
        asm_timer_disarm(&arrival->timer);
        g_free(arrival->address);
        g_free(arrival);
}

static void
turn_away(Arrival *arrival, const char *why)
{
        g_message("a connection from %s was not accepted: %s", arrival->address, why);
        g_ptr_array_remove(arrival->node->arrivals, arrival);
}

static void
on_arrival_timeout(AsmTimer *timer, gpointer user_data)
{
        turn_away(user_data, "the TLS handshake was not finished in time");
}

static void
on_arrived(GObject *source, GAsyncResult *result, gpointer user_data)
{
        Arrival *arrival = user_data;
        g_autoptr(GError) error = NULL;
        g_autoptr(GIOStream) stream = asm_tls_finish(result, &error);
        AsmNode *node;

        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
                return;
        if (stream == NULL) {
                turn_away(arrival, error->message);
                return;
        }
        node = arrival->node;
        g_ptr_array_remove(node->arrivals, arrival);
        g_ptr_array_add(node->links, asm_link_new_acceptor(node, stream));
}

static char *
address_of(GSocketConnection *connection)
{
        g_autoptr(GSocketAddress) address =
                g_socket_connection_get_remote_address(connection, NULL);

        return address != NULL ? g_inet_address_to_string(g_inet_socket_address_get_address(
                                         G_INET_SOCKET_ADDRESS(address)))
                               : g_strdup("somewhere");
}

static void
begin_arrival(AsmNode *node, GSocketConnection *connection)
{
        Arrival *arrival = g_new0(Arrival, 1);

        arrival->node = node;
        arrival->cancellable = g_cancellable_new();
        arrival->address = address_of(connection);
        asm_timer_init(&arrival->timer, node->timers, on_arrival_timeout, arrival);
        asm_timer_arm(&arrival->timer, node->config.setup_timeout_ms);
        g_ptr_array_add(node->arrivals, arrival);
        asm_tls_accept_async(node->tls, connection, arrival->cancellable, on_arrived, arrival);
}

static gboolean
on_incoming(GSocketService *service,
            GSocketConnection *connection,
            GObject *source,
            gpointer user_data)
{
        AsmNode *node = user_data;

        if (node->links->len + node->arrivals->len >=
            node->config.max_links + node->config.max_links / 4 + 16) {
                g_warning("a connection was refused: %u are open, the limit is %u",
                          node->links->len,
                          node->config.max_links);
                return FALSE;
        }
        if (node->tls != NULL)
                begin_arrival(node, connection);
        else
                g_ptr_array_add(node->links, asm_link_new_acceptor(node, G_IO_STREAM(connection)));
        return FALSE;
}

gboolean
asm_node_listen(AsmNode *node, GError **error)
{
        g_autoptr(GInetAddress) ip = g_inet_address_new_from_string(node->config.listen_address);

        if (ip == NULL) {
                g_set_error(error,
                            ASM_NODE_ERROR,
                            ASM_NODE_ERROR_LISTEN,
                            "'%s' is no IP address; give --listen ADDRESS or ADDRESS:PORT",
                            node->config.listen_address);
                return FALSE;
        }
        node->service = g_socket_service_new();
        node->port = node->config.listen_port;
        if (!listen_on(node, ip, error))
                return FALSE;
        g_signal_connect(node->service, "incoming", G_CALLBACK(on_incoming), node);
        if (g_inet_address_get_is_loopback(ip)) {
                g_autoptr(GResolver) resolver = g_resolver_get_default();
                g_resolver_lookup_by_name_async(resolver,
                                                asm_node_name_host(node->name),
                                                node->cancellable,
                                                on_resolved,
                                                node);
        }
        return TRUE;
}
