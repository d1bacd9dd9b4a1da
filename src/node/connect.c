/* SPDX-License-Identifier: MIT */

/*
 * Connecting to a peer: ask its epmd for the port, connect, shake hands. However many callers want
 * a peer there is one attempt, and each caller has a deadline of its own. A caller is served by any
 * link to the peer that comes up, also by one that the peer began at the same moment.
 *
 * An attempt that has given way to the peer's own one is not for ever: it fails with that one, or
 * when that one does not come within the time of a handshake. Otherwise callers who come one
 * after the other would keep a dead attempt alive and never reach the peer again.
 *
 * A peer also says `nok` when it still holds an attempt of ours that we have given up, and then
 * nothing of its own comes. So after a nok we do not only wait but ask again, less and less often:
 * when its own attempt is real, the answer is nok once more and nothing is lost.
 */

#include "node-private.h"

#include "dist/error.h"
#include "node/error.h"
#include "node/name.h"
#include "reach-private.h"

/* after the first nok; each time twice as long */
#define FIRST_RETRY_MS 250

struct _AsmAttempt {
        AsmNode *node;
        GRefString *peer;
        GPtrArray *waiters; /* owned Waiter */
        GCancellable *cancellable;
        AsmLink *link;        /* borrowed, while shaking hands */
        gboolean has_yielded; /* the peer's own attempt is waited for */
        AsmTimer patience;    /* with that one: the peer may be gone, or never have tried */
        guint retry_ms;       /* until the next try after a nok; 0: there is none */
        guint waited_ms;      /* between tries, so far */
        AsmTimer tls_timer;
};

typedef struct {
        AsmAttempt *attempt;
        GTask *task;
        AsmTimer timer;
        guint timeout_ms;
} Waiter;

static void
waiter_free(gpointer data)
{
        Waiter *waiter = data;

        asm_timer_disarm(&waiter->timer);
        if (waiter->task != NULL)
                g_task_return_new_error(waiter->task,
                                        ASM_NODE_ERROR,
                                        ASM_NODE_ERROR_STOPPED,
                                        "the node is stopping");
        g_clear_object(&waiter->task);
        g_free(waiter);
}

void
asm_attempt_free(gpointer data)
{
        AsmAttempt *attempt = data;

        asm_timer_disarm(&attempt->patience);
        asm_timer_disarm(&attempt->tls_timer);
        g_cancellable_cancel(attempt->cancellable);
        g_object_unref(attempt->cancellable);
        g_ptr_array_unref(attempt->waiters);
        g_ref_string_release(attempt->peer);
        g_free(attempt);
}

/* takes the attempt out of the table; the caller frees it */
static AsmAttempt *
take_attempt(AsmNode *node, GRefString *peer)
{
        gpointer attempt = NULL;

        g_hash_table_steal_extended(node->attempts, peer, NULL, &attempt);
        return attempt;
}

static void
fail_attempt(AsmAttempt *attempt, const GError *error)
{
        take_attempt(attempt->node, attempt->peer);
        for (guint i = 0; i < attempt->waiters->len; i++) {
                Waiter *waiter = g_ptr_array_index(attempt->waiters, i);
                GTask *task = g_steal_pointer(&waiter->task);

                g_task_return_error(task, g_error_copy(error));
                g_object_unref(task);
        }
        asm_attempt_free(attempt);
}

void
asm_node_attempt_done(AsmNode *node, AsmLink *link)
{
        AsmAttempt *attempt = take_attempt(node, link->peer);

        if (attempt == NULL)
                return;
        for (guint i = 0; i < attempt->waiters->len; i++) {
                Waiter *waiter = g_ptr_array_index(attempt->waiters, i);
                GTask *task = g_steal_pointer(&waiter->task);

                g_task_return_pointer(task, asm_link_ref(link), (GDestroyNotify)asm_link_unref);
                g_object_unref(task);
        }
        asm_attempt_free(attempt);
}

static void begin_lookup(AsmAttempt *attempt);

static void
on_peer_did_not_come(AsmTimer *timer, gpointer user_data)
{
        AsmAttempt *attempt = user_data;
        g_autoptr(GError) error = NULL;

        if (attempt->retry_ms > 0 && attempt->waited_ms < attempt->node->config.setup_timeout_ms) {
                attempt->has_yielded = FALSE;
                begin_lookup(attempt);
                return;
        }
        error = g_error_new(ASM_NODE_ERROR,
                            ASM_NODE_ERROR_TIMEOUT,
                            "'%s' said that it connects to us, and did not within %u ms",
                            attempt->peer,
                            attempt->node->config.setup_timeout_ms);

        fail_attempt(attempt, error);
}

static void
wait_for_peer(AsmAttempt *attempt)
{
        attempt->has_yielded = TRUE;
        attempt->retry_ms = 0;
        asm_timer_arm(&attempt->patience, attempt->node->config.setup_timeout_ms);
}

/* after a nok: the peer's own attempt, if there is one, comes soon */
static void
wait_and_retry(AsmAttempt *attempt)
{
        guint limit_ms = attempt->node->config.setup_timeout_ms;
        guint left_ms = limit_ms - MIN(attempt->waited_ms, limit_ms);

        attempt->has_yielded = TRUE;
        attempt->retry_ms = attempt->retry_ms > 0 ? 2 * attempt->retry_ms : FIRST_RETRY_MS;
        asm_timer_arm(&attempt->patience, MIN(attempt->retry_ms, left_ms));
        attempt->waited_ms += MIN(attempt->retry_ms, left_ms);
}

/* in the words of this room: what the handshake did not like is a refusal */
static void
fail_with_link(AsmAttempt *attempt, const AsmLink *link)
{
        gint code =
                link->error->domain == ASM_NODE_ERROR ? link->error->code : ASM_NODE_ERROR_REFUSED;
        g_autoptr(GError) error = g_error_new(ASM_NODE_ERROR,
                                              code,
                                              "cannot connect to '%s': %s",
                                              attempt->peer,
                                              link->error->message);

        fail_attempt(attempt, error);
}

void
asm_node_attempt_failed(AsmNode *node, AsmLink *link)
{
        AsmAttempt *attempt =
                link->peer != NULL ? g_hash_table_lookup(node->attempts, link->peer) : NULL;

        if (attempt == NULL)
                return;
        if (attempt->link == link) {
                attempt->link = NULL;
                if (attempt->has_yielded)
                        return;
                if (g_error_matches(link->error, ASM_DIST_ERROR, ASM_DIST_ERROR_SIMULTANEOUS))
                        wait_and_retry(attempt);
                else
                        fail_with_link(attempt, link);
        } else if (attempt->has_yielded && !link->is_initiator && !link->was_up) {
                fail_with_link(attempt, link);
        }
}

gboolean
asm_node_is_connecting(AsmNode *node, GRefString *peer)
{
        AsmAttempt *attempt = g_hash_table_lookup(node->attempts, peer);

        return attempt != NULL && attempt->link != NULL;
}

void
asm_node_attempt_yield(AsmNode *node, GRefString *peer)
{
        AsmAttempt *attempt = g_hash_table_lookup(node->attempts, peer);

        wait_for_peer(attempt);
        if (attempt->link != NULL)
                asm_link_close(attempt->link, "the peer connects at the same moment");
}

static gboolean
is_cancelled(const GError *error)
{
        return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
shake_hands(AsmAttempt *attempt, GIOStream *stream)
{
        attempt->link = asm_link_new_initiator(attempt->node, stream, attempt->peer);
        g_ptr_array_add(attempt->node->links, attempt->link);
}

static void
on_tls_timeout(AsmTimer *timer, gpointer user_data)
{
        AsmAttempt *attempt = user_data;
        g_autoptr(GError) error = g_error_new(
                ASM_NODE_ERROR,
                ASM_NODE_ERROR_TIMEOUT,
                "cannot connect to '%s': the TLS handshake was not finished within %u ms",
                attempt->peer,
                attempt->node->config.setup_timeout_ms);

        fail_attempt(attempt, error);
}

static void
on_tls_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmAttempt *attempt = user_data;
        g_autoptr(GError) error = NULL;
        g_autoptr(GIOStream) stream = asm_tls_finish(result, &error);

        if (is_cancelled(error))
                return;
        asm_timer_disarm(&attempt->tls_timer);
        if (stream == NULL) {
                g_prefix_error(&error, "cannot connect to '%s': ", attempt->peer);
                fail_attempt(attempt, error);
        } else if (!attempt->has_yielded) {
                shake_hands(attempt, stream);
        }
}

/* whether the peer is where its group in the list says */
static gboolean
is_at_home(AsmAttempt *attempt, GSocketConnection *connection, GError **error)
{
        g_autoptr(GSocketAddress) remote = g_socket_connection_get_remote_address(connection, NULL);
        GInetAddress *address =
                G_IS_INET_SOCKET_ADDRESS(remote)
                        ? g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(remote))
                        : NULL;

        return asm_node_admits(attempt->node, attempt->peer, address, error);
}

static void
on_tcp_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmAttempt *attempt = user_data;
        g_autoptr(GError) cause = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(GSocketConnection) connection = asm_reach_finish(result, &cause);

        if (is_cancelled(cause))
                return;
        if (connection == NULL) {
                error = g_error_new(ASM_NODE_ERROR,
                                    ASM_NODE_ERROR_CONNECT,
                                    "cannot connect to '%s': %s",
                                    attempt->peer,
                                    cause->message);
                fail_attempt(attempt, error);
                return;
        }
        if (attempt->has_yielded)
                return;
        if (!is_at_home(attempt, connection, &error)) {
                fail_attempt(attempt, error);
                return;
        }
        if (attempt->node->tls == NULL) {
                shake_hands(attempt, G_IO_STREAM(connection));
                return;
        }
        asm_timer_arm(&attempt->tls_timer, attempt->node->config.setup_timeout_ms);
        asm_tls_connect_async(attempt->node->tls,
                              connection,
                              asm_node_name_host(attempt->peer),
                              attempt->cancellable,
                              on_tls_connected,
                              attempt);
}

static void
on_port_known(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmAttempt *attempt = user_data;
        g_autoptr(GError) error = NULL;
        guint16 port = asm_epmd_lookup_finish(result, &error);

        if (is_cancelled(error))
                return;
        if (port == 0) {
                fail_attempt(attempt, error);
                return;
        }
        asm_reach_async(asm_node_name_host(attempt->peer),
                        port,
                        attempt->cancellable,
                        on_tcp_connected,
                        attempt);
}

static void
begin_lookup(AsmAttempt *attempt)
{
        asm_epmd_lookup_async(attempt->peer,
                              attempt->node->config.epmd_port,
                              attempt->cancellable,
                              on_port_known,
                              attempt);
}

static AsmAttempt *
begin_attempt(AsmNode *node, const char *peer)
{
        AsmAttempt *attempt = g_new0(AsmAttempt, 1);

        attempt->node = node;
        attempt->peer = g_ref_string_new_intern(peer);
        attempt->waiters = g_ptr_array_new_with_free_func(waiter_free);
        attempt->cancellable = g_cancellable_new();
        asm_timer_init(&attempt->patience, node->timers, on_peer_did_not_come, attempt);
        asm_timer_init(&attempt->tls_timer, node->timers, on_tls_timeout, attempt);
        g_hash_table_insert(node->attempts, attempt->peer, attempt);
        begin_lookup(attempt);
        return attempt;
}

static void
on_waiter_timeout(AsmTimer *timer, gpointer user_data)
{
        Waiter *waiter = user_data;
        AsmAttempt *attempt = waiter->attempt;
        g_autoptr(GTask) task = g_steal_pointer(&waiter->task);
        GError *error = g_error_new(ASM_NODE_ERROR,
                                    ASM_NODE_ERROR_TIMEOUT,
                                    "'%s' did not answer within %u ms",
                                    attempt->peer,
                                    waiter->timeout_ms);

        g_ptr_array_remove(attempt->waiters, waiter);
        if (attempt->waiters->len == 0) {
                take_attempt(attempt->node, attempt->peer);
                if (attempt->link != NULL)
                        asm_link_close(attempt->link, "nobody waits for it any more");
                asm_attempt_free(attempt);
        }
        /* last: who hears of it may connect again or free the node */
        g_task_return_error(task, error);
}

/* an answer without an attempt */
static gboolean
answer_at_once(AsmNode *node, const char *peer, GTask *task)
{
        GError *error = NULL;
        g_autoptr(GRefString) name = NULL;
        AsmLink *link;

        if (!asm_node_name_check(peer, &error)) {
                g_task_return_error(task, error);
                return TRUE;
        }
        if (!asm_node_admits(node, peer, /* address= */ NULL, &error)) {
                g_task_return_error(task, error);
                return TRUE;
        }
        name = g_ref_string_new_intern(peer);
        link = g_hash_table_lookup(node->up, name);
        if (link != NULL) {
                g_task_return_pointer(task, asm_link_ref(link), (GDestroyNotify)asm_link_unref);
                return TRUE;
        }
        if (name == node->name) {
                g_task_return_new_error(task,
                                        ASM_NODE_ERROR,
                                        ASM_NODE_ERROR_NAME,
                                        "'%s' is this node itself",
                                        peer);
                return TRUE;
        }
        if (asm_node_name_is_long(peer) != asm_node_name_is_long(node->name)) {
                g_task_return_new_error(
                        task,
                        ASM_NODE_ERROR,
                        ASM_NODE_ERROR_NAME,
                        "'%s' and '%s': nodes with long and short names do not talk to each other",
                        node->name,
                        peer);
                return TRUE;
        }
        if (g_hash_table_size(node->up) >= node->config.max_links) {
                g_task_return_new_error(
                        task,
                        ASM_NODE_ERROR,
                        ASM_NODE_ERROR_LIMIT,
                        "cannot connect to '%s': %u connections are open, which is the limit",
                        peer,
                        node->config.max_links);
                return TRUE;
        }
        return FALSE;
}

void
asm_node_connect_async(AsmNode *node,
                       const char *peer,
                       guint timeout_ms,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
        g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
        g_autoptr(GRefString) name = NULL;
        AsmAttempt *attempt;
        Waiter *waiter;

        if (answer_at_once(node, peer, task))
                return;
        name = g_ref_string_new_intern(peer);
        attempt = g_hash_table_lookup(node->attempts, name);
        if (attempt == NULL)
                attempt = begin_attempt(node, peer);
        waiter = g_new0(Waiter, 1);
        waiter->attempt = attempt;
        waiter->task = g_steal_pointer(&task);
        waiter->timeout_ms = timeout_ms;
        asm_timer_init(&waiter->timer, node->timers, on_waiter_timeout, waiter);
        if (timeout_ms > 0)
                asm_timer_arm(&waiter->timer, timeout_ms);
        g_ptr_array_add(attempt->waiters, waiter);
}

AsmLink *
asm_node_connect_finish(AsmNode *node, GAsyncResult *result, GError **error)
{
        return g_task_propagate_pointer(G_TASK(result), error);
}
