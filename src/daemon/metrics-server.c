/* SPDX-License-Identifier: MIT */

/*
 * GET /metrics, and nothing else, on an address that was asked for. libsoup speaks HTTP; what is done
 * here is what it leaves open: who may come (loopback, unless it was allowed otherwise), how many at a
 * time, how long one may be silent, and what becomes of connections when there are no descriptors left:
 * they wait, instead of keeping the loop busy.
 *
 * A request is answered when its head is there, before any body: none is read.
 */

#include "daemon/metrics-server.h"

#include "metrics-server-private.h"

#include <string.h>

#ifdef ASM_HAVE_SOUP

#include "api/metrics.h"

#include <libsoup/soup.h>

#define ACCEPT_PAUSE_MS 100
/* a scraper that is used to come every minute keeps its connection */
#define SILENT_S 65

struct _AsmMetricsServer {
        SoupServer *soup;
        GSocket *socket;
        GSource *source;  /* NULL while nobody is let in */
        GHashTable *open; /* set of connections, borrowed */
        AsmTimer pause;
        AsmDaemon *daemon; /* borrowed */
};

static void
on_request(SoupServer *soup,
           SoupServerMessage *message,
           const char *path,
           GHashTable *query,
           gpointer user_data)
{
        AsmMetricsServer *server = user_data;
        SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);
        char *text;

        if (strcmp(path, "/metrics") != 0) {
                soup_server_message_set_status(message, SOUP_STATUS_NOT_FOUND, NULL);
                return;
        }
        if (soup_server_message_get_method(message) != SOUP_METHOD_GET) {
                soup_message_headers_replace(headers, "Allow", "GET");
                soup_server_message_set_status(message, SOUP_STATUS_METHOD_NOT_ALLOWED, NULL);
                return;
        }
        text = asm_daemon_make_metrics(server->daemon);
        soup_message_headers_replace(headers, "Cache-Control", "no-store");
        soup_server_message_set_status(message, SOUP_STATUS_OK, NULL);
        soup_server_message_set_response(message,
                                         ASM_METRICS_CONTENT_TYPE,
                                         SOUP_MEMORY_TAKE,
                                         text,
                                         strlen(text));
}

static void
on_connection_gone(gpointer user_data, GObject *connection)
{
        AsmMetricsServer *server = user_data;

        g_hash_table_remove(server->open, connection);
}

static void
come_in(AsmMetricsServer *server, GSocket *socket)
{
        g_autoptr(GSocketConnection) connection =
                g_socket_connection_factory_create_connection(socket);
        g_autoptr(GSocketAddress) local = g_socket_get_local_address(socket, NULL);
        g_autoptr(GSocketAddress) remote = g_socket_get_remote_address(socket, NULL);

        if (g_hash_table_size(server->open) >= ASM_METRICS_CONNECTIONS_MAX)
                return;
        g_socket_set_timeout(socket, SILENT_S);
        g_hash_table_add(server->open, connection);
        g_object_weak_ref(G_OBJECT(connection), on_connection_gone, server);
        soup_server_accept_iostream(server->soup, G_IO_STREAM(connection), local, remote, NULL);
}

static gboolean
on_knock(GSocket *socket, GIOCondition condition, gpointer user_data)
{
        AsmMetricsServer *server = user_data;
        g_autoptr(GError) error = NULL;
        g_autoptr(GSocket) accepted = g_socket_accept(socket, NULL, &error);

        if (accepted != NULL) {
                come_in(server, accepted);
        } else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
                asm_timer_arm(&server->pause, ACCEPT_PAUSE_MS);
                g_clear_pointer(&server->source, g_source_unref);
                return G_SOURCE_REMOVE;
        }
        return G_SOURCE_CONTINUE;
}

static void
let_in(AsmTimer *timer, gpointer user_data)
{
        AsmMetricsServer *server = user_data;

        server->source = g_socket_create_source(server->socket, G_IO_IN, NULL);
        g_source_set_callback(server->source, G_SOURCE_FUNC(on_knock), server, NULL);
        g_source_attach(server->source, NULL);
}

static GSocket *
listen_on(GInetSocketAddress *address, GError **error)
{
        g_autoptr(GSocket) socket =
                g_socket_new(g_socket_address_get_family(G_SOCKET_ADDRESS(address)),
                             G_SOCKET_TYPE_STREAM,
                             G_SOCKET_PROTOCOL_TCP,
                             error);

        if (socket == NULL)
                return NULL;
        g_socket_set_blocking(socket, FALSE);
        g_socket_set_listen_backlog(socket, ASM_METRICS_CONNECTIONS_MAX);
        if (!g_socket_bind(socket, G_SOCKET_ADDRESS(address), /* allow_reuse= */ TRUE, error) ||
            !g_socket_listen(socket, error))
                return NULL;
        return g_steal_pointer(&socket);
}

AsmMetricsServer *
asm_metrics_server_new(const char *place, AsmDaemon *daemon, GError **error)
{
        g_autoptr(GInetSocketAddress) address = asm_metrics_place_parse(place);
        g_autoptr(GError) cause = NULL;
        g_autoptr(GSocket) socket = listen_on(address, &cause);
        AsmMetricsServer *server;

        if (socket == NULL) {
                g_set_error(error,
                            ASM_CONFIG_ERROR,
                            ASM_CONFIG_ERROR_VALUE,
                            "listen in [metrics]: nobody can listen on %s: %s",
                            place,
                            cause->message);
                return NULL;
        }
        server = g_new0(AsmMetricsServer, 1);
        server->socket = g_steal_pointer(&socket);
        server->open = g_hash_table_new(NULL, NULL);
        server->daemon = daemon;
        server->soup = soup_server_new("server-header", "asmd", NULL);
        soup_server_add_early_handler(server->soup, NULL, on_request, server, NULL);
        asm_timer_init(&server->pause,
                       asm_procs_get_timers(asm_daemon_get_procs(daemon)),
                       let_in,
                       server);
        let_in(&server->pause, server);
        return server;
}

void
asm_metrics_server_free(AsmMetricsServer *server)
{
        GHashTableIter iter;
        gpointer connection;

        if (server == NULL)
                return;
        asm_timer_disarm(&server->pause);
        if (server->source != NULL)
                g_source_destroy(server->source);
        g_clear_pointer(&server->source, g_source_unref);
        g_hash_table_iter_init(&iter, server->open);
        while (g_hash_table_iter_next(&iter, &connection, NULL))
                g_object_weak_unref(connection, on_connection_gone, server);
        soup_server_disconnect(server->soup);
        g_object_unref(server->soup);
        g_socket_close(server->socket, NULL);
        g_object_unref(server->socket);
        g_hash_table_unref(server->open);
        g_free(server);
}

#else

AsmMetricsServer *
asm_metrics_server_new(const char *place, AsmDaemon *daemon, GError **error)
{
        g_return_val_if_reached(NULL);
}

void
asm_metrics_server_free(AsmMetricsServer *server)
{
}

#endif
