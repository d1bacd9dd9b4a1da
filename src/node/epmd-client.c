/* SPDX-License-Identifier: MIT */

/*
 * epmd keeps a name for as long as the TCP connection lives on which it was registered. So the
 * client holds that connection open and watches it: when it ends, epmd was restarted (or killed),
 * and the name is registered again with a growing pause between attempts. The node keeps the
 * creation of its first registration, as OTP does, since pids that carry it are known to peers.
 *
 *     IDLE --register--> CONNECTING --> ASKING --> REGISTERED
 *                            ^                        | connection lost
 *                            +---- WAITING <----------+
 *
 * Before the first success a refused connection starts `epmd -daemon` once and is tried again
 * for a few seconds; later it is tried for ever.
 */

#include "epmd-client-private.h"

#include "base/log.h"

#include "dist/epmd.h"
#include "node/error.h"
#include "node/name.h"
#include "reach-private.h"

/* epmd needs some 100 ms to come up */
#define FIRST_TRY_MS 50
#define FIRST_TRIES  100
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 5000
/* the longest answer: PORT2_RESP with a 255-byte name and extra data */
#define ANSWER_MAX 1024

struct _AsmEpmdClient {
        guint16 port;
        gboolean may_start;
        gboolean has_started;
        guint tries;
        guint retry_ms;
        AsmTimer retry;
        char *alive;
        guint16 listen_port;
        GTask *first; /* the caller's, until the first success */
        GCancellable *cancellable;
        GSocketConnection *connection;
        AsmBuilder request;
        guint8 answer[ANSWER_MAX];
        gsize n_answer;
};

static void connect_to_epmd(AsmEpmdClient *client);

static void
on_retry(AsmTimer *timer, gpointer user_data)
{
        connect_to_epmd(user_data);
}

AsmEpmdClient *
asm_epmd_client_new(guint16 port, gboolean start, AsmTimers *timers)
{
        AsmEpmdClient *client = g_new0(AsmEpmdClient, 1);

        client->port = port;
        client->may_start = start;
        client->cancellable = g_cancellable_new();
        client->retry_ms = RETRY_MIN_MS;
        asm_timer_init(&client->retry, timers, on_retry, client);
        return client;
}

void
asm_epmd_client_free(AsmEpmdClient *client)
{
        if (client == NULL)
                return;
        g_cancellable_cancel(client->cancellable);
        g_clear_object(&client->cancellable);
        asm_timer_disarm(&client->retry);
        if (client->connection != NULL)
                g_io_stream_close(G_IO_STREAM(client->connection), NULL, NULL);
        g_clear_object(&client->connection);
        if (client->first != NULL)
                g_task_return_new_error(client->first,
                                        ASM_NODE_ERROR,
                                        ASM_NODE_ERROR_STOPPED,
                                        "the node is stopping");
        g_clear_object(&client->first);
        asm_builder_clear(&client->request);
        g_free(client->alive);
        g_free(client);
}

/* TRUE: cancelled, which means that @client may be gone: touch nothing */
static gboolean
is_cancelled(const GError *error)
{
        return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* a connection that was given up may still have an answer on its way */
static gboolean
is_current(AsmEpmdClient *client, GObject *stream)
{
        GIOStream *connection = (GIOStream *)client->connection;

        return connection != NULL &&
               (stream == G_OBJECT(g_io_stream_get_input_stream(connection)) ||
                stream == G_OBJECT(g_io_stream_get_output_stream(connection)));
}

static void
give_up_or_retry(AsmEpmdClient *client, gint code, const char *why)
{
        guint delay_ms = client->retry_ms;

        if (client->connection != NULL)
                g_io_stream_close(G_IO_STREAM(client->connection), NULL, NULL);
        g_clear_object(&client->connection);
        if (client->first != NULL) {
                if (code == ASM_NODE_ERROR_NAME_TAKEN || ++client->tries > FIRST_TRIES ||
                    !client->may_start) {
                        g_task_return_new_error(client->first, ASM_NODE_ERROR, code, "%s", why);
                        g_clear_object(&client->first);
                        return;
                }
                delay_ms = FIRST_TRY_MS;
        } else {
                asm_log(G_LOG_LEVEL_MESSAGE,
                        &(AsmLogTags){ .event = ASM_LOG_EVENT_EPMD_LOST },
                        "epmd on port %u: %s, registering '%s' again in %u ms",
                        client->port,
                        why,
                        client->alive,
                        delay_ms);
                client->retry_ms = MIN(client->retry_ms * 2, RETRY_MAX_MS);
        }
        asm_timer_arm(&client->retry, delay_ms);
}

static void
start_epmd(AsmEpmdClient *client)
{
        g_autoptr(GSubprocessLauncher) launcher = NULL;
        g_autoptr(GSubprocess) process = NULL;
        g_autoptr(GError) error = NULL;
        g_autofree char *port = g_strdup_printf("%u", client->port);

        client->has_started = TRUE;
        launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE |
                                             G_SUBPROCESS_FLAGS_STDERR_SILENCE);
        g_subprocess_launcher_setenv(launcher, "ERL_EPMD_PORT", port, TRUE);
        process = g_subprocess_launcher_spawn(launcher, &error, "epmd", "-daemon", NULL);
        if (process == NULL)
                g_warning("no epmd answers on port %u and none can be started (%s): install "
                          "erlang-base or start epmd",
                          client->port,
                          error->message);
        else
                g_message("started epmd on port %u", client->port);
}

static void
on_answer(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmEpmdClient *client = user_data;
        g_autoptr(GError) error = NULL;
        gssize n = g_input_stream_read_finish(G_INPUT_STREAM(source), result, &error);
        guint32 creation = 0;

        if (is_cancelled(error) || !is_current(client, source))
                return;
        if (n <= 0) {
                give_up_or_retry(client, ASM_NODE_ERROR_EPMD, "epmd closed the connection");
                return;
        }
        client->n_answer += (gsize)n;
        switch (asm_epmd_decode_register(client->answer, client->n_answer, &creation)) {
        case ASM_EPMD_OK:
                client->retry_ms = RETRY_MIN_MS;
                if (client->first != NULL)
                        g_task_return_int(client->first, creation);
                else
                        asm_log(G_LOG_LEVEL_MESSAGE,
                                &(AsmLogTags){ .event = ASM_LOG_EVENT_EPMD_REGISTERED },
                                "registered '%s' with epmd again",
                                client->alive);
                g_clear_object(&client->first);
                /* nothing more comes: the next read ends when epmd does */
                client->n_answer = 0;
                break;
        case ASM_EPMD_MORE:
                break;
        case ASM_EPMD_REFUSED: {
                g_autofree char *why =
                        g_strdup_printf("the name '%s' is taken on this host: another node uses "
                                        "it; stop that one or choose another name",
                                        client->alive);
                give_up_or_retry(client, ASM_NODE_ERROR_NAME_TAKEN, why);
                return;
        }
        case ASM_EPMD_BROKEN:
                give_up_or_retry(client, ASM_NODE_ERROR_EPMD, "what answers there is no epmd");
                return;
        }
        g_input_stream_read_async(G_INPUT_STREAM(source),
                                  client->answer + client->n_answer,
                                  ANSWER_MAX - client->n_answer,
                                  G_PRIORITY_DEFAULT,
                                  client->cancellable,
                                  on_answer,
                                  client);
}

static void
on_asked(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmEpmdClient *client = user_data;
        g_autoptr(GError) error = NULL;

        if (!g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, NULL, &error) &&
            !is_cancelled(error) && is_current(client, source))
                give_up_or_retry(client, ASM_NODE_ERROR_EPMD, error->message);
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmEpmdClient *client = user_data;
        g_autoptr(GError) error = NULL;
        GSocketConnection *connection =
                g_socket_client_connect_finish(G_SOCKET_CLIENT(source), result, &error);
        GIOStream *stream;

        if (connection == NULL) {
                if (is_cancelled(error))
                        return;
                if (client->first != NULL && client->may_start && !client->has_started)
                        start_epmd(client);
                give_up_or_retry(client, ASM_NODE_ERROR_EPMD, error->message);
                return;
        }
        client->connection = connection;
        client->n_answer = 0;
        stream = G_IO_STREAM(connection);
        asm_builder_reset(&client->request);
        asm_epmd_encode_register(&client->request, client->alive, client->listen_port);
        g_output_stream_write_all_async(g_io_stream_get_output_stream(stream),
                                        client->request.data,
                                        client->request.len,
                                        G_PRIORITY_DEFAULT,
                                        client->cancellable,
                                        on_asked,
                                        client);
        g_input_stream_read_async(g_io_stream_get_input_stream(stream),
                                  client->answer,
                                  ANSWER_MAX,
                                  G_PRIORITY_DEFAULT,
                                  client->cancellable,
                                  on_answer,
                                  client);
}

static void
connect_to_epmd(AsmEpmdClient *client)
{
        g_autoptr(GSocketClient) tcp = g_socket_client_new();
        g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
        g_autoptr(GSocketAddress) address = g_inet_socket_address_new(loopback, client->port);

        g_socket_client_set_enable_proxy(tcp, FALSE);
        g_socket_client_connect_async(tcp,
                                      G_SOCKET_CONNECTABLE(address),
                                      client->cancellable,
                                      on_connected,
                                      client);
}

void
asm_epmd_client_register_async(AsmEpmdClient *client,
                               const char *alive,
                               guint16 listen_port,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
        g_return_if_fail(client->alive == NULL);
        client->alive = g_strdup(alive);
        client->listen_port = listen_port;
        client->first = g_task_new(NULL, NULL, callback, user_data);
        connect_to_epmd(client);
}

guint32
asm_epmd_client_register_finish(GAsyncResult *result, GError **error)
{
        gssize creation = g_task_propagate_int(G_TASK(result), error);

        return creation > 0 ? (guint32)creation : 0;
}

/* --- looking up a peer ---------------------------------------------------------------- */

typedef struct {
        char *peer;
        guint16 epmd_port;
        GSocketConnection *connection;
        AsmBuilder request;
        guint8 answer[ANSWER_MAX];
        gsize n_answer;
} Lookup;

static void
lookup_free(gpointer data)
{
        Lookup *lookup = data;

        g_free(lookup->peer);
        g_clear_object(&lookup->connection);
        asm_builder_clear(&lookup->request);
        g_free(lookup);
}

static void
lookup_broken(GTask *task, const char *why)
{
        Lookup *lookup = g_task_get_task_data(task);

        g_task_return_new_error(task,
                                ASM_NODE_ERROR,
                                ASM_NODE_ERROR_EPMD,
                                "no epmd for '%s' on port %u of its host: %s",
                                lookup->peer,
                                lookup->epmd_port,
                                why);
}

static void
on_lookup_answer(GObject *source, GAsyncResult *result, gpointer user_data)
{
        g_autoptr(GTask) task = user_data;
        Lookup *lookup = g_task_get_task_data(task);
        g_autoptr(GError) error = NULL;
        gssize n = g_input_stream_read_finish(G_INPUT_STREAM(source), result, &error);
        guint16 port = 0;
        guint16 lowest = 0;
        guint16 highest = 0;

        if (n <= 0) {
                lookup_broken(task, error != NULL ? error->message : "it closed the connection");
                return;
        }
        lookup->n_answer += (gsize)n;
        switch (asm_epmd_decode_lookup(lookup->answer,
                                       lookup->n_answer,
                                       &port,
                                       &lowest,
                                       &highest)) {
        case ASM_EPMD_OK:
                if (highest < ASM_DIST_VERSION || lowest > ASM_DIST_VERSION)
                        g_task_return_new_error(task,
                                                ASM_NODE_ERROR,
                                                ASM_NODE_ERROR_REFUSED,
                                                "'%s' speaks distribution versions %u to %u, not "
                                                "%d: OTP 25 or later is needed",
                                                lookup->peer,
                                                lowest,
                                                highest,
                                                ASM_DIST_VERSION);
                else
                        g_task_return_int(task, port);
                return;
        case ASM_EPMD_REFUSED:
                g_task_return_new_error(
                        task,
                        ASM_NODE_ERROR,
                        ASM_NODE_ERROR_UNKNOWN_NODE,
                        "no node '%s': the epmd of its host does not know it; is it running?",
                        lookup->peer);
                return;
        case ASM_EPMD_BROKEN:
                lookup_broken(task, "what answers there is no epmd");
                return;
        case ASM_EPMD_MORE:
                break;
        }
        g_input_stream_read_async(G_INPUT_STREAM(source),
                                  lookup->answer + lookup->n_answer,
                                  ANSWER_MAX - lookup->n_answer,
                                  G_PRIORITY_DEFAULT,
                                  g_task_get_cancellable(task),
                                  on_lookup_answer,
                                  g_object_ref(task));
}

static void
on_lookup_asked(GObject *source, GAsyncResult *result, gpointer user_data)
{
        g_autoptr(GTask) task = user_data;
        Lookup *lookup = g_task_get_task_data(task);
        g_autoptr(GError) error = NULL;

        if (!g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, NULL, &error)) {
                lookup_broken(task, error->message);
                return;
        }
        g_input_stream_read_async(g_io_stream_get_input_stream(G_IO_STREAM(lookup->connection)),
                                  lookup->answer,
                                  ANSWER_MAX,
                                  G_PRIORITY_DEFAULT,
                                  g_task_get_cancellable(task),
                                  on_lookup_answer,
                                  g_object_ref(task));
}

static void
on_lookup_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
        g_autoptr(GTask) task = user_data;
        Lookup *lookup = g_task_get_task_data(task);
        g_autoptr(GError) error = NULL;
        g_autofree char *alive = NULL;

        lookup->connection = asm_reach_finish(result, &error);
        if (lookup->connection == NULL) {
                if (error->domain == G_RESOLVER_ERROR)
                        g_task_return_new_error(task,
                                                ASM_NODE_ERROR,
                                                ASM_NODE_ERROR_UNKNOWN_NODE,
                                                "no node '%s': its host cannot be found (%s)",
                                                lookup->peer,
                                                error->message);
                else
                        lookup_broken(task, error->message);
                return;
        }
        alive = asm_node_name_alive(lookup->peer);
        asm_epmd_encode_lookup(&lookup->request, alive);
        g_output_stream_write_all_async(
                g_io_stream_get_output_stream(G_IO_STREAM(lookup->connection)),
                lookup->request.data,
                lookup->request.len,
                G_PRIORITY_DEFAULT,
                g_task_get_cancellable(task),
                on_lookup_asked,
                g_object_ref(task));
}

void
asm_epmd_lookup_async(const char *peer,
                      guint16 epmd_port,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
        GTask *task = g_task_new(NULL, cancellable, callback, user_data);
        Lookup *lookup = g_new0(Lookup, 1);

        lookup->peer = g_strdup(peer);
        lookup->epmd_port = epmd_port;
        g_task_set_task_data(task, lookup, lookup_free);
        asm_reach_async(asm_node_name_host(peer),
                        epmd_port,
                        cancellable,
                        on_lookup_connected,
                        task);
}

guint16
asm_epmd_lookup_finish(GAsyncResult *result, GError **error)
{
        gssize port = g_task_propagate_int(G_TASK(result), error);

        return port > 0 ? (guint16)port : 0;
}
