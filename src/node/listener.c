/* SPDX-License-Identifier: MIT */

/*
 * Where peers come in. By default asmd listens on loopback only. A node name, however, is resolved
 * by the peer, and Debian maps a machine's own name to 127.0.1.1: so with a loopback address the
 * addresses that our host name resolves to are listened on too, as far as they are loopback. A
 * host name that leads elsewhere is worth a warning, since peers will knock there in vain.
 *
 * When nothing can be accepted, mostly for want of descriptors, the listening sockets are left
 * alone for a moment: who knocks keeps them readable, and the loop would do nothing else. That is
 * why there is no GSocketService here, which asks again at once.
 */

#include "node-private.h"

#include "node/error.h"
#include "node/name.h"

#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_PAUSE_MS 100
#define BACKLOG         128

static const AsmLogTags refused_tags = { .event = ASM_LOG_EVENT_PEER_REFUSED };

typedef struct {
        AsmNode *node;
        GSocket *socket;
        GInetAddress *address;
        GSource *source; /* NULL while nobody is let in */
} Door;

static void
door_free(gpointer data)
{
        Door *door = data;

        if (door->source != NULL)
                g_source_destroy(door->source);
        g_clear_pointer(&door->source, g_source_unref);
        g_socket_close(door->socket, NULL);
        g_object_unref(door->socket);
        g_object_unref(door->address);
        g_free(door);
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
        arrival->node->counted.n_refused++;
        asm_log(G_LOG_LEVEL_MESSAGE,
                &refused_tags,
                "a connection from %s was not accepted: %s",
                arrival->address,
                why);
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

static void
come_in(AsmNode *node, GSocketConnection *connection)
{
        g_autoptr(GSocketAddress) remote = g_socket_connection_get_remote_address(connection, NULL);
        GInetAddress *address =
                G_IS_INET_SOCKET_ADDRESS(remote)
                        ? g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(remote))
                        : NULL;

        /* it has gone already */
        if (address == NULL)
                return;
        if (!asm_gate_admit(node->gate,
                            address,
                            node->config.max_attempts,
                            g_get_monotonic_time())) {
                g_autofree char *text = g_inet_address_to_string(address);

                node->counted.n_refused++;
                asm_quiet_message(&node->refused,
                                  &refused_tags,
                                  "a connection from %s was refused: more than %u in a second, "
                                  "which is the limit (max_attempts in [limits])",
                                  text,
                                  node->config.max_attempts);
                return;
        }
        if (node->links->len + node->arrivals->len >=
            node->config.max_links + node->config.max_links / 4 + 16) {
                node->counted.n_refused++;
                asm_quiet_message(&node->refused,
                                  &refused_tags,
                                  "a connection was refused: %u are open, the limit is %u",
                                  node->links->len,
                                  node->config.max_links);
                return;
        }
        if (node->tls != NULL)
                begin_arrival(node, connection);
        else
                g_ptr_array_add(node->links, asm_link_new_acceptor(node, G_IO_STREAM(connection)));
}

/* what could not be accepted waits in the kernel's queue */
static void
accept_failed(AsmNode *node, const GError *error)
{
        if (!node->is_accept_failing)
                g_warning("no connection can be accepted: %s; those that are open go on, others "
                          "wait; if asmd needs more descriptors, raise its limit (ulimit -n, "
                          "LimitNOFILE)",
                          error->message);
        node->is_accept_failing = TRUE;
        for (guint i = 0; i < node->doors->len; i++) {
                Door *door = g_ptr_array_index(node->doors, i);

                g_source_destroy(door->source);
                g_clear_pointer(&door->source, g_source_unref);
        }
        asm_timer_arm(&node->accept_timer, ACCEPT_PAUSE_MS);
}

static gboolean
on_knock(GSocket *socket, GIOCondition condition, gpointer user_data)
{
        AsmNode *node = ((Door *)user_data)->node;
        g_autoptr(GError) error = NULL;
        g_autoptr(GSocket) accepted = g_socket_accept(socket, NULL, &error);
        g_autoptr(GSocketConnection) connection = NULL;

        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
                return G_SOURCE_CONTINUE;
        if (accepted == NULL) {
                accept_failed(node, error);
                return G_SOURCE_REMOVE;
        }
        if (node->is_accept_failing)
                g_message("connections are accepted again");
        node->is_accept_failing = FALSE;
        connection = g_socket_connection_factory_create_connection(accepted);
        come_in(node, connection);
        return G_SOURCE_CONTINUE;
}

static void
open_door(Door *door)
{
        door->source = g_socket_create_source(door->socket, G_IO_IN, NULL);
        g_source_set_callback(door->source, G_SOURCE_FUNC(on_knock), door, NULL);
        g_source_attach(door->source, g_main_context_get_thread_default());
}

void
asm_node_accept(AsmNode *node)
{
        node->is_accepting = TRUE;
        for (guint i = 0; i < node->doors->len; i++)
                open_door(g_ptr_array_index(node->doors, i));
}

static void
on_accept_timer(AsmTimer *timer, gpointer user_data)
{
        asm_node_accept(user_data);
}

/* the port that was free, 0 on an error */
static guint16
bind_and_listen(GSocket *socket, GSocketAddress *wanted, GError **error)
{
        g_autoptr(GSocketAddress) got = NULL;

        g_socket_set_blocking(socket, FALSE);
        g_socket_set_listen_backlog(socket, BACKLOG);
        if (!g_socket_bind(socket, wanted, /* allow_reuse= */ TRUE, error) ||
            !g_socket_listen(socket, error))
                return 0;
        got = g_socket_get_local_address(socket, error);
        return got != NULL ? g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(got)) : 0;
}

/* @socket: (transfer full) */
static void
add_door(AsmNode *node, GSocket *socket, GInetAddress *address)
{
        Door *door = g_new0(Door, 1);

        door->node = node;
        door->socket = socket;
        door->address = g_object_ref(address);
        g_ptr_array_add(node->doors, door);
        if (node->is_accepting && !asm_timer_is_armed(&node->accept_timer))
                open_door(door);
}

static gboolean
has_door(AsmNode *node, GInetAddress *address)
{
        for (guint i = 0; i < node->doors->len; i++) {
                if (g_inet_address_equal(((Door *)g_ptr_array_index(node->doors, i))->address,
                                         address))
                        return TRUE;
        }
        return FALSE;
}

static gboolean
is_loopback_only(AsmNode *node)
{
        for (guint i = 0; i < node->doors->len; i++) {
                if (!g_inet_address_get_is_loopback(
                            ((Door *)g_ptr_array_index(node->doors, i))->address))
                        return FALSE;
        }
        return TRUE;
}

static gboolean
listen_on(AsmNode *node, GInetAddress *ip, GError **error)
{
        g_autoptr(GSocketAddress) wanted = g_inet_socket_address_new(ip, node->port);
        g_autoptr(GError) cause = NULL;
        g_autoptr(GSocket) socket = g_socket_new(g_inet_address_get_family(ip),
                                                 G_SOCKET_TYPE_STREAM,
                                                 G_SOCKET_PROTOCOL_TCP,
                                                 &cause);
        guint16 port = socket != NULL ? bind_and_listen(socket, wanted, &cause) : 0;

        if (port == 0) {
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
        node->port = port;
        add_door(node, g_steal_pointer(&socket), ip);
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
                    has_door(node, l->data))
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

static void
begin_looking_up(AsmNode *node)
{
        g_autoptr(GResolver) resolver = g_resolver_get_default();

        g_resolver_lookup_by_name_async(resolver,
                                        asm_node_name_host(node->name),
                                        node->cancellable,
                                        on_resolved,
                                        node);
}

/* --- sockets that were given to us ----------------------------------------------------------- */

void
asm_node_adopt(AsmNode *node, const int *fds, guint n)
{
        for (guint i = 0; node->adopted != NULL && i < node->adopted->len; i++)
                close(g_array_index(node->adopted, int, i));
        g_clear_pointer(&node->adopted, g_array_unref);
        if (n == 0)
                return;
        node->adopted = g_array_new(FALSE, FALSE, sizeof(int));
        g_array_append_vals(node->adopted, fds, n);
}

/* (transfer full) (nullable): its address; @socket listens, and is one that peers can come to */
static GInetSocketAddress *
check_adopted(GSocket *socket)
{
        g_autoptr(GSocketAddress) address = g_socket_get_local_address(socket, NULL);
        gint is_listening = 0;

        if (g_socket_get_family(socket) != G_SOCKET_FAMILY_IPV4 ||
            g_socket_get_socket_type(socket) != G_SOCKET_TYPE_STREAM ||
            !g_socket_get_option(socket, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, NULL) ||
            !is_listening || address == NULL)
                return NULL;
        return G_INET_SOCKET_ADDRESS(g_steal_pointer(&address));
}

/* @fd: (transfer full) */
static gboolean
adopt(AsmNode *node, int fd, GError **error)
{
        g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, NULL);
        g_autoptr(GInetSocketAddress) address = socket != NULL ? check_adopted(socket) : NULL;
        guint16 port;

        if (socket == NULL)
                close(fd);
        if (address == NULL) {
                g_set_error(error,
                            ASM_NODE_ERROR,
                            ASM_NODE_ERROR_LISTEN,
                            "descriptor %d, which the service manager has passed, is no IPv4 TCP "
                            "socket that listens; in asmd.socket use ListenStream=ADDRESS:PORT",
                            fd);
                return FALSE;
        }
        port = g_inet_socket_address_get_port(address);
        if (node->port != 0 && node->port != port) {
                g_set_error(error,
                            ASM_NODE_ERROR,
                            ASM_NODE_ERROR_LISTEN,
                            "the service manager has passed sockets on the ports %u and %u, but a "
                            "node has one port: use the same in all of asmd.socket",
                            node->port,
                            port);
                return FALSE;
        }
        node->port = port;
        g_socket_set_blocking(socket, FALSE);
        add_door(node, g_steal_pointer(&socket), g_inet_socket_address_get_address(address));
        return TRUE;
}

static gboolean
adopt_all(AsmNode *node, GError **error)
{
        g_autoptr(GArray) fds = g_steal_pointer(&node->adopted);
        gboolean is_fine = TRUE;

        node->port = 0;
        for (guint i = 0; i < fds->len; i++) {
                int fd = g_array_index(fds, int, i);

                if (is_fine)
                        is_fine = adopt(node, fd, error);
                else
                        close(fd);
        }
        if (is_fine && is_loopback_only(node))
                begin_looking_up(node);
        return is_fine;
}

/* --------------------------------------------------------------------------------------------- */

gboolean
asm_node_listen(AsmNode *node, GError **error)
{
        g_autoptr(GInetAddress) ip = NULL;

        node->doors = g_ptr_array_new_with_free_func(door_free);
        asm_timer_init(&node->accept_timer, node->timers, on_accept_timer, node);
        if (node->adopted != NULL)
                return adopt_all(node, error);
        ip = g_inet_address_new_from_string(node->config.listen_address);
        if (ip == NULL) {
                g_set_error(error,
                            ASM_NODE_ERROR,
                            ASM_NODE_ERROR_LISTEN,
                            "'%s' is no IP address; give --listen ADDRESS or ADDRESS:PORT",
                            node->config.listen_address);
                return FALSE;
        }
        node->port = node->config.listen_port;
        if (!listen_on(node, ip, error))
                return FALSE;
        if (g_inet_address_get_is_loopback(ip))
                begin_looking_up(node);
        return TRUE;
}
