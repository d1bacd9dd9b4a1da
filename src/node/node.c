/* SPDX-License-Identifier: MIT */

/*
 * The node: who it is and whom it is connected to.
 *
 * `links` owns every connection that is not closed, in a handshake or up; `up` finds the one that
 * counts for a peer. There is never more than one up per peer: of two that come up at the same
 * moment the handshake's rules leave one, and a peer that was restarted replaces its old
 * connection (DIST.md B.2).
 *
 * Things that must not happen inside a caller's stack are queued and done by `chores`, a source
 * that is ready exactly when a queue is not empty: writing out dirty links, and telling the
 * listener of ends. An end is told before the next beginning with the same peer.
 */

#include "node-private.h"

#include "dist/epmd.h"
#include "dist/error.h"
#include "holder-private.h"
#include "node/error.h"
#include "node/name.h"

#include <string.h>
#include <sys/random.h>

typedef struct {
        GSource base;
        AsmNode *node;
} Chores;

void
asm_node_config_init(AsmNodeConfig *config)
{
        *config = (AsmNodeConfig){ .epmd_port = ASM_EPMD_DEFAULT_PORT,
                                   .start_epmd = TRUE,
                                   .net_ticktime_s = 60,
                                   .setup_timeout_ms = 7000,
                                   .max_links = 1024,
                                   .max_attempts = 1000,
                                   .max_frame = 64 * 1024 * 1024,
                                   .high_water = 4 * 1024 * 1024,
                                   .max_queued = 256 * 1024 * 1024,
                                   .max_held = 32 * 1024 * 1024 };
}

void
asm_node_config_clear(AsmNodeConfig *config)
{
        g_clear_pointer(&config->name, g_free);
        g_clear_pointer(&config->listen_address, g_free);
}

/* hidden peers are mostly clients that come and go with each command */
static void
log_link(const AsmLink *link, AsmLogEvent event, const char *what, const char *why)
{
        asm_log(link->is_published ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_INFO,
                &(AsmLogTags){ .event = event, .peer = link->peer },
                "link to '%s' %s%s",
                link->peer,
                what,
                why);
}

/* whoever it is, somebody has to look into it */
static void
log_broken(AsmNode *node, const AsmLink *link)
{
        asm_quiet_message(&node->broken,
                          &(AsmLogTags){ .event = ASM_LOG_EVENT_PEER_DOWN, .peer = link->peer },
                          "the link to '%s' is closed, the peer breaks the protocol: %s",
                          link->peer,
                          link->error->message);
}

static void
tell_closed(AsmNode *node)
{
        AsmLink *link;

        while ((link = g_queue_pop_head(&node->closed)) != NULL) {
                if (link->was_up) {
                        if (link->error->domain == ASM_DIST_ERROR)
                                log_broken(node, link);
                        else
                                log_link(link,
                                         ASM_LOG_EVENT_PEER_DOWN,
                                         "is down: ",
                                         link->error->message);
                        node->listener->link_down(link, node->user_data);
                } else if (!link->is_initiator) {
                        node->counted.n_refused++;
                        asm_quiet_message(&node->rejected,
                                          &(AsmLogTags){ .event = ASM_LOG_EVENT_PEER_REFUSED,
                                                         .peer = link->peer },
                                          "a connection%s%s%s was not accepted: %s",
                                          link->peer != NULL ? " from '" : "",
                                          link->peer != NULL ? link->peer : "",
                                          link->peer != NULL ? "'" : "",
                                          link->error->message);
                }
                asm_node_attempt_failed(node, link);
                asm_link_unref(link);
        }
}

static gboolean
chores_wait(Chores *chores)
{
        AsmNode *node = chores->node;

        return node->dirty.length + node->closed.length + node->drained.length > 0;
}

static gboolean
chores_prepare(GSource *source, gint *timeout_ms)
{
        *timeout_ms = -1;
        return chores_wait((Chores *)source);
}

static gboolean
chores_check(GSource *source)
{
        return chores_wait((Chores *)source);
}

void
asm_node_flush(AsmNode *node)
{
        AsmLink *link;

        while ((link = g_queue_pop_head(&node->dirty)) != NULL) {
                asm_link_flush(link);
                asm_link_unref(link);
        }
}

static gboolean
chores_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
        AsmNode *node = ((Chores *)source)->node;
        AsmLink *link;

        asm_node_flush(node);
        tell_closed(node);
        while ((link = g_queue_pop_head(&node->drained)) != NULL) {
                if (link->state == ASM_LINK_UP)
                        node->listener->drained(link, node->user_data);
                asm_link_unref(link);
        }
        return G_SOURCE_CONTINUE;
}

static GSourceFuncs chores_funcs = { .prepare = chores_prepare,
                                     .check = chores_check,
                                     .dispatch = chores_dispatch };

static void
on_quarter(AsmTimer *timer, gpointer user_data)
{
        AsmNode *node = user_data;

        /* backwards: a link that ends here leaves the array */
        for (guint i = node->links->len; i-- > 0;)
                asm_link_quarter(g_ptr_array_index(node->links, i));
        asm_timer_arm(timer, node->config.net_ticktime_s * 250);
}

static guint32
random_creation(void)
{
        guint32 creation = 0;

        while (creation < 4) {
                if (getrandom(&creation, sizeof creation, 0) != (ssize_t)sizeof creation)
                        creation = g_random_int();
        }
        return creation;
}

AsmNode *
asm_node_new(const AsmNodeConfig *config, AsmCookies *cookies, AsmTimers *timers)
{
        AsmNode *node = g_new0(AsmNode, 1);

        node->config = *config;
        node->config.name = g_strdup(config->name);
        node->config.listen_address = g_strdup(config->listen_address);
        node->name = g_ref_string_new_intern(config->name);
        node->creation = random_creation();
        node->cookies = cookies;
        node->peers = asm_peers_new();
        node->gate = asm_gate_new();
        node->timers = timers;
        node->cancellable = g_cancellable_new();
        node->arrivals = g_ptr_array_new_with_free_func(asm_arrival_free);
        node->links = g_ptr_array_new_with_free_func((GDestroyNotify)asm_link_unref);
        node->up = g_hash_table_new(g_direct_hash, g_direct_equal);
        node->attempts = g_hash_table_new(g_direct_hash, g_direct_equal);
        node->scratch = g_malloc(ASM_NODE_SCRATCH_SIZE);
        asm_timer_init(&node->quarter, timers, on_quarter, node);
        asm_timer_arm(&node->quarter, config->net_ticktime_s * 250);
        node->chores = g_source_new(&chores_funcs, sizeof(Chores));
        ((Chores *)node->chores)->node = node;
        g_source_attach(node->chores, g_main_context_get_thread_default());
        return node;
}

static void
free_queue(GQueue *queue)
{
        g_queue_clear_full(queue, (GDestroyNotify)asm_link_unref);
}

static void
free_attempts(AsmNode *node)
{
        GHashTableIter iter;
        gpointer attempt;

        while (g_hash_table_size(node->attempts) > 0) {
                g_hash_table_iter_init(&iter, node->attempts);
                g_hash_table_iter_next(&iter, NULL, &attempt);
                g_hash_table_iter_steal(&iter);
                asm_attempt_free(attempt);
        }
}

void
asm_node_free(AsmNode *node)
{
        g_autoptr(GTask) starting = NULL;

        if (node == NULL)
                return;
        starting = g_steal_pointer(&node->starting);
        g_cancellable_cancel(node->cancellable);
        g_object_unref(node->cancellable);
        g_source_destroy(node->chores);
        g_source_unref(node->chores);
        asm_timer_disarm(&node->quarter);
        asm_timer_disarm(&node->accept_timer);
        g_clear_pointer(&node->doors, g_ptr_array_unref);
        asm_node_adopt(node, NULL, 0);
        g_clear_pointer(&node->epmd, asm_epmd_client_free);
        for (guint i = node->links->len; i-- > 0;) {
                AsmLink *link = asm_link_ref(g_ptr_array_index(node->links, i));
                /* last words: what servers had to say when they ended */
                asm_link_flush(link);
                asm_link_detach(link);
                asm_link_unref(link);
        }
        g_ptr_array_unref(node->links);
        free_queue(&node->dirty);
        free_queue(&node->closed);
        free_queue(&node->drained);
        free_attempts(node);
        g_hash_table_unref(node->attempts);
        g_hash_table_unref(node->up);
        g_ptr_array_unref(node->arrivals);
        asm_tls_free(node->tls);
        asm_cookies_free(node->cookies);
        asm_peers_unref(node->peers);
        asm_gate_free(node->gate);
        asm_node_config_clear(&node->config);
        g_ref_string_release(node->name);
        g_free(node->scratch);
        g_free(node);
        if (starting != NULL)
                g_task_return_new_error(starting,
                                        ASM_NODE_ERROR,
                                        ASM_NODE_ERROR_STOPPED,
                                        "the node is stopping");
}

void
asm_node_set_tls(AsmNode *node, AsmTls *tls)
{
        g_return_if_fail(node->tls == NULL && node->doors == NULL);
        node->tls = tls;
}

void
asm_node_set_listener(AsmNode *node, const AsmNodeListener *listener, gpointer user_data)
{
        g_return_if_fail(node->listener == NULL);
        node->listener = listener;
        node->user_data = user_data;
}

/* the name is taken, and here is the port of who has it */
static void
on_holder(GObject *source, GAsyncResult *result, gpointer user_data)
{
        g_autoptr(GTask) task = user_data;
        GError *taken = g_task_get_task_data(task);
        guint16 port = asm_epmd_lookup_finish(result, NULL);

        if (port == 0) {
                g_task_return_error(task, g_error_copy(taken));
                return;
        }
        g_autofree char *who = asm_holder_describe(port);
        g_task_return_new_error(task,
                                taken->domain,
                                taken->code,
                                "%s; it is held by %s, which listens on port %u",
                                taken->message,
                                who,
                                port);
}

static void
on_registered(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmNode *node = user_data;
        GError *error = NULL;
        guint32 creation = asm_epmd_client_register_finish(result, &error);
        g_autoptr(GTask) task = NULL;

        if (g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_STOPPED)) {
                g_error_free(error);
                return;
        }
        task = g_steal_pointer(&node->starting);
        if (g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_NAME_TAKEN)) {
                g_task_set_task_data(task, error, (GDestroyNotify)g_error_free);
                asm_epmd_lookup_async(node->name,
                                      node->config.epmd_port,
                                      node->cancellable,
                                      on_holder,
                                      g_steal_pointer(&task));
                return;
        }
        if (error != NULL) {
                g_task_return_error(task, error);
                return;
        }
        node->creation = creation;
        node->is_alive = TRUE;
        asm_node_accept(node);
        g_task_return_boolean(task, TRUE);
}

void
asm_node_start_async(AsmNode *node, GAsyncReadyCallback callback, gpointer user_data)
{
        g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
        g_autofree char *alive = asm_node_name_alive(node->name);
        GError *error = NULL;

        g_return_if_fail(node->listener != NULL && node->starting == NULL);
        if (!asm_node_listen(node, &error)) {
                g_task_return_error(task, error);
                return;
        }
        /* peers are accepted when epmd has told us our creation */
        node->starting = g_steal_pointer(&task);
        node->epmd =
                asm_epmd_client_new(node->config.epmd_port, node->config.start_epmd, node->timers);
        asm_epmd_client_register_async(node->epmd, alive, node->port, on_registered, node);
}

gboolean
asm_node_is_alive(AsmNode *node)
{
        return node->is_alive || node->config.listen_address == NULL;
}

gboolean
asm_node_start_finish(AsmNode *node, GAsyncResult *result, GError **error)
{
        return g_task_propagate_boolean(G_TASK(result), error);
}

gboolean
asm_node_is_flushed(AsmNode *node)
{
        for (guint i = 0; i < node->links->len; i++) {
                const AsmLink *link = g_ptr_array_index(node->links, i);

                if (link->sent < link->out.len)
                        return FALSE;
        }
        return TRUE;
}

/* --- what links ask and tell ------------------------------------------------------------ */

AsmHandshakeAnswer
asm_node_link_decide(AsmNode *node, AsmLink *link, const char *peer)
{
        const AsmLogTags tags = { .event = ASM_LOG_EVENT_PEER_REFUSED, .peer = peer };
        g_autoptr(GRefString) name = g_ref_string_new_intern(peer);
        g_autoptr(GError) error = NULL;

        if (!asm_node_admits(node, peer, link->address, &error)) {
                asm_quiet_message(&node->refused,
                                  &tags,
                                  "a connection was refused: %s",
                                  error->message);
                return ASM_HANDSHAKE_ANSWER_NOT_ALLOWED;
        }
        if (name == node->name) {
                asm_quiet_message(&node->refused,
                                  &tags,
                                  "a connection was refused: it comes in our own name '%s'",
                                  peer);
                return ASM_HANDSHAKE_ANSWER_NOT_ALLOWED;
        }
        if (g_hash_table_contains(node->up, name))
                return ASM_HANDSHAKE_ANSWER_ALIVE;
        if (g_hash_table_size(node->up) >= node->config.max_links) {
                asm_quiet_message(&node->refused,
                                  &tags,
                                  "'%s' was refused: %u connections are open, which is the limit",
                                  peer,
                                  node->config.max_links);
                return ASM_HANDSHAKE_ANSWER_NOT_ALLOWED;
        }
        if (asm_node_is_connecting(node, name)) {
                if (strcmp(peer, node->name) < 0)
                        return ASM_HANDSHAKE_ANSWER_NOK;
                asm_node_attempt_yield(node, name);
                return ASM_HANDSHAKE_ANSWER_OK_SIMULTANEOUS;
        }
        return ASM_HANDSHAKE_ANSWER_OK;
}

gboolean
asm_node_link_up(AsmNode *node, AsmLink *link, gboolean replaces, GError **error)
{
        AsmLink *old = g_hash_table_lookup(node->up, link->peer);

        if (old != NULL && !replaces) {
                g_set_error(error,
                            ASM_NODE_ERROR,
                            ASM_NODE_ERROR_REFUSED,
                            "there is a connection with '%s' already",
                            link->peer);
                return FALSE;
        }
        /* once more: others may have come up while this one shook hands */
        if (old == NULL && g_hash_table_size(node->up) >= node->config.max_links) {
                g_set_error(error,
                            ASM_NODE_ERROR,
                            ASM_NODE_ERROR_LIMIT,
                            "%u connections are open, which is the limit",
                            node->config.max_links);
                return FALSE;
        }
        if (old != NULL)
                asm_link_close(old, "the peer has connected anew");
        tell_closed(node);
        link->rights = asm_peers_get_rights(node->peers, link->peer);
        g_hash_table_insert(node->up, link->peer, link);
        node->counted.n_opened++;
        log_link(link, ASM_LOG_EVENT_PEER_UP, "is up", "");
        node->listener->link_up(link, node->user_data);
        asm_node_attempt_done(node, link);
        return TRUE;
}

void
asm_node_link_closed(AsmNode *node, AsmLink *link)
{
        g_queue_push_tail(&node->closed, asm_link_ref(link));
        if (link->peer != NULL && g_hash_table_lookup(node->up, link->peer) == link)
                g_hash_table_remove(node->up, link->peer);
        g_ptr_array_remove(node->links, link);
}

void
asm_node_link_dirty(AsmNode *node, AsmLink *link)
{
        g_queue_push_tail(&node->dirty, asm_link_ref(link));
}

void
asm_node_link_drained(AsmNode *node, AsmLink *link)
{
        g_queue_push_tail(&node->drained, asm_link_ref(link));
}

void
asm_node_link_control(AsmNode *node, AsmLink *link, const AsmControl *control)
{
        node->listener->control(link, control, node->user_data);
}

/* --- what others ask --------------------------------------------------------------------- */

AsmLink *
asm_node_find_link(AsmNode *node, GRefString *peer)
{
        return g_hash_table_lookup(node->up, peer);
}

GPtrArray *
asm_node_list_links(AsmNode *node)
{
        GPtrArray *links = g_ptr_array_new();
        GHashTableIter iter;
        gpointer link;

        g_hash_table_iter_init(&iter, node->up);
        while (g_hash_table_iter_next(&iter, NULL, &link))
                g_ptr_array_add(links, link);
        return links;
}

AsmNodeStats *
asm_node_get_counted(AsmNode *node)
{
        return &node->counted;
}

void
asm_node_get_stats(AsmNode *node, AsmNodeStats *ret_stats)
{
        GHashTableIter iter;
        gpointer value;

        *ret_stats = node->counted;
        g_hash_table_iter_init(&iter, node->up);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const AsmLink *link = value;

                ret_stats->n_links++;
                ret_stats->n_busy += link->is_busy ? 1 : 0;
                ret_stats->n_paused += link->is_paused ? 1 : 0;
                ret_stats->n_queued_bytes += link->out.len - link->sent;
        }
}

GRefString *
asm_node_get_name(AsmNode *node)
{
        return node->name;
}

guint32
asm_node_get_creation(AsmNode *node)
{
        return node->creation;
}

AsmTimers *
asm_node_get_timers(AsmNode *node)
{
        return node->timers;
}

guint16
asm_node_get_port(AsmNode *node)
{
        return node->port;
}

const AsmNodeConfig *
asm_node_get_config(AsmNode *node)
{
        return &node->config;
}

guint8 *
asm_node_get_scratch(AsmNode *node)
{
        return node->scratch;
}
