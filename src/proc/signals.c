/* SPDX-License-Identifier: MIT */

/*
 * Links and monitors of local servers, by the rules of the protocol (erl_dist_protocol "Link
 * Protocol", DIST.md B.4).
 *
 * A link is an entry on both sides. Unlinking sends an id and keeps an inactive entry until the
 * other side has acknowledged that id: what it sent before (an exit signal, a link) is then known
 * to be old and is ignored. Monitors are one-way: `monitors` holds what a server watches, `watchers`
 * who watches it. All three tables exist only while they have something in them, so that an idle
 * server stays small; `related` lists the servers that have any, for when a peer is lost.
 */

#include "procs-private.h"

#include "dist/flags.h"
#include "term/reader.h"

static void
linked_free(gpointer data)
{
        AsmLinked *linked = data;

        asm_pid_clear(&linked->pid);
        g_free(linked);
}

static void
monitored_free(gpointer data)
{
        AsmMonitored *monitored = data;

        asm_ref_clear(&monitored->ref);
        asm_pid_clear(&monitored->target);
        g_free(monitored);
}

static void
watcher_free(gpointer data)
{
        AsmWatcher *watcher = data;

        asm_ref_clear(&watcher->ref);
        asm_pid_clear(&watcher->watcher);
        g_clear_pointer(&watcher->name, asm_term_unref);
        g_free(watcher);
}

static void
relate(AsmServer *server)
{
        g_hash_table_add(server->procs->related, server);
}

static gboolean
is_local(AsmProcs *procs, const AsmPid *pid)
{
        return pid->node == asm_node_get_name(procs->node);
}

static AsmServer *
find_local(AsmProcs *procs, const AsmPid *pid)
{
        AsmServer *server = g_hash_table_lookup(procs->by_id, GUINT_TO_POINTER(pid->id));

        return server != NULL && server->serial == pid->serial &&
                               pid->creation == asm_node_get_creation(procs->node)
                       ? server
                       : NULL;
}

/* a link's output buffer and a note that it is in use; NULL: there is no link */
static AsmLink *
link_to(AsmProcs *procs, const AsmPid *pid)
{
        return asm_node_find_link(procs->node, pid->node);
}

/* with one of the two flags alone a BEAM sends no monitor signals either */
static gboolean
serves_monitors(AsmLink *link)
{
        guint64 both = ASM_FLAG_DIST_MONITOR | ASM_FLAG_DIST_MONITOR_NAME;

        return (asm_link_get_flags(link) & both) == both;
}

static void
push_atom_reason(AsmServer *server, AsmMailKind kind, AsmView first, const char *reason)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_atom(&builder, reason);
        asm_server_push(server, kind, first, asm_builder_peek(&builder));
}

static void
push_down(AsmServer *server, AsmMonitored *monitored, const char *reason)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        monitored->has_fired = TRUE;
        asm_builder_ref(&builder, &monitored->ref);
        push_atom_reason(server, ASM_MAIL_DOWN, asm_builder_peek(&builder), reason);
}

/* --- monitors ------------------------------------------------------------------------------ */

AsmMonitored *
asm_server_add_monitor(AsmServer *server, const AsmRef *ref, const AsmPid *target)
{
        AsmMonitored *monitored = g_new0(AsmMonitored, 1);

        monitored->ref = asm_ref_copy(ref);
        monitored->target = asm_pid_copy(target);
        if (server->monitors == NULL)
                server->monitors =
                        g_hash_table_new_full(asm_ref_hash, asm_ref_equal, NULL, monitored_free);
        g_hash_table_insert(server->monitors, &monitored->ref, monitored);
        relate(server);
        return monitored;
}

AsmRef
asm_server_monitor(AsmServer *server, const AsmPid *target)
{
        AsmProcs *procs = server->procs;
        AsmRef ref = asm_procs_make_ref(procs);
        g_auto(AsmPid) self = asm_server_get_pid(server);
        g_auto(AsmBuilder) scratch = ASM_BUILDER_INIT;
        AsmMonitored *monitored = asm_server_add_monitor(server, &ref, target);
        AsmLink *link;

        asm_builder_pid(&scratch, target);
        if (is_local(procs, target)) {
                AsmServer *watched = find_local(procs, target);
                g_auto(AsmBuilder) views = ASM_BUILDER_INIT;
                gsize ref_len;

                if (watched == NULL) {
                        push_down(server, monitored, "noproc");
                        return ref;
                }
                asm_builder_ref(&views, &ref);
                ref_len = views.len;
                asm_builder_pid(&views, &self);
                asm_server_add_watcher(watched,
                                       (AsmView){ views.data, ref_len },
                                       (AsmView){ views.data + ref_len, views.len - ref_len },
                                       ASM_VIEW_NONE);
                return ref;
        }
        link = link_to(procs, target);
        if (link == NULL) {
                push_down(server, monitored, "noconnection");
                return ref;
        }
        /* a peer that serves no monitors is watched through its link alone */
        if (!serves_monitors(link))
                return ref;
        asm_control_encode_monitor(asm_link_out(link), &self, asm_builder_peek(&scratch), &ref);
        asm_link_queued(link);
        return ref;
}

void
asm_server_demonitor(AsmServer *server, const AsmRef *ref)
{
        AsmMonitored *monitored =
                server->monitors != NULL ? g_hash_table_lookup(server->monitors, ref) : NULL;
        g_auto(AsmPid) self = { 0 };
        g_auto(AsmBuilder) target = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) ref_bytes = ASM_BUILDER_INIT;
        AsmLink *link;

        if (monitored == NULL)
                return;
        self = asm_server_get_pid(server);
        asm_builder_pid(&target, &monitored->target);
        asm_builder_ref(&ref_bytes, ref);
        if (is_local(server->procs, &monitored->target)) {
                AsmServer *watched = find_local(server->procs, &monitored->target);
                if (watched != NULL)
                        asm_server_remove_watcher(watched, asm_builder_peek(&ref_bytes), &self);
        } else if ((link = link_to(server->procs, &monitored->target)) != NULL &&
                   serves_monitors(link)) {
                asm_control_encode_demonitor(asm_link_out(link),
                                             &self,
                                             asm_builder_peek(&target),
                                             ref);
                asm_link_queued(link);
        }
        g_hash_table_remove(server->monitors, ref);
}

/* a reference that is in use already belongs to the one who came first */
void
asm_server_add_watcher(AsmServer *server, AsmView ref, AsmView pid, AsmView name)
{
        AsmWatcher *watcher = g_new0(AsmWatcher, 1);

        if (!asm_ref_from_view(ref, &watcher->ref) || !asm_pid_from_view(pid, &watcher->watcher)) {
                watcher_free(watcher);
                return;
        }
        if (asm_view_is_set(name))
                watcher->name = asm_term_new(name);
        if (server->watchers == NULL)
                server->watchers =
                        g_hash_table_new_full(asm_ref_hash, asm_ref_equal, NULL, watcher_free);
        if (g_hash_table_contains(server->watchers, &watcher->ref)) {
                watcher_free(watcher);
                return;
        }
        g_hash_table_insert(server->watchers, &watcher->ref, watcher);
        relate(server);
}

void
asm_server_remove_watcher(AsmServer *server, AsmView ref_view, const AsmPid *pid)
{
        g_auto(AsmRef) ref = { 0 };
        AsmWatcher *watcher;

        if (server->watchers == NULL || !asm_ref_from_view(ref_view, &ref))
                return;
        watcher = g_hash_table_lookup(server->watchers, &ref);
        if (watcher != NULL && asm_pid_equal(&watcher->watcher, pid))
                g_hash_table_remove(server->watchers, &ref);
}

void
asm_server_fire_monitor(AsmServer *server, AsmView ref_view, const GRefString *node, AsmView reason)
{
        g_auto(AsmRef) ref = { 0 };
        AsmMonitored *monitored;

        if (server->monitors == NULL || !asm_ref_from_view(ref_view, &ref))
                return;
        monitored = g_hash_table_lookup(server->monitors, &ref);
        if (monitored == NULL || monitored->has_fired || monitored->target.node != node)
                return;
        monitored->has_fired = TRUE;
        asm_server_push(server, ASM_MAIL_DOWN, ref_view, reason);
}

static void
tell_watcher(AsmServer *server, const AsmWatcher *watcher, AsmView reason)
{
        AsmProcs *procs = server->procs;
        g_auto(AsmBuilder) parts = ASM_BUILDER_INIT;
        gsize ref_len;
        gsize pid_len;
        AsmLink *link;

        asm_builder_ref(&parts, &watcher->ref);
        ref_len = parts.len;
        if (is_local(procs, &watcher->watcher)) {
                AsmServer *local = find_local(procs, &watcher->watcher);
                if (local != NULL)
                        asm_server_fire_monitor(local,
                                                asm_builder_peek(&parts),
                                                asm_node_get_name(procs->node),
                                                reason);
                return;
        }
        link = link_to(procs, &watcher->watcher);
        if (link == NULL)
                return;
        asm_builder_pid(&parts, &watcher->watcher);
        pid_len = parts.len - ref_len;
        asm_builder_server_pid(&parts, server);
        asm_control_encode_monitor_exit(asm_link_out(link),
                                        asm_link_get_flags(link),
                                        watcher->name != NULL
                                                ? asm_term_view(watcher->name)
                                                : (AsmView){ parts.data + ref_len + pid_len,
                                                             parts.len - ref_len - pid_len },
                                        (AsmView){ parts.data + ref_len, pid_len },
                                        (AsmView){ parts.data, ref_len },
                                        reason);
        asm_link_queued(link);
}

/* --- links --------------------------------------------------------------------------------- */

static AsmLinked *
find_linked(AsmServer *server, const AsmPid *pid)
{
        return server->links != NULL ? g_hash_table_lookup(server->links, pid) : NULL;
}

void
asm_server_add_link(AsmServer *server, const AsmPid *pid)
{
        AsmLinked *linked = find_linked(server, pid);

        /* a link that crosses our unlink is older than it */
        if (linked != NULL)
                return;
        linked = g_new0(AsmLinked, 1);
        linked->pid = asm_pid_copy(pid);
        linked->is_active = TRUE;
        if (server->links == NULL)
                server->links =
                        g_hash_table_new_full(asm_pid_hash, asm_pid_equal, NULL, linked_free);
        g_hash_table_insert(server->links, &linked->pid, linked);
        relate(server);
}

void
asm_server_link(AsmServer *server, const AsmPid *target)
{
        AsmProcs *procs = server->procs;
        g_auto(AsmPid) self = asm_server_get_pid(server);
        AsmLinked *linked = find_linked(server, target);
        AsmServer *local;
        AsmLink *link;

        if (linked != NULL && linked->is_active)
                return;
        if (is_local(procs, target)) {
                local = find_local(procs, target);
                if (local != NULL) {
                        asm_server_add_link(server, target);
                        asm_server_add_link(local, &self);
                        return;
                }
        } else if ((link = link_to(procs, target)) != NULL) {
                if (linked != NULL) {
                        linked->is_active = TRUE;
                        linked->unlink_id = 0;
                } else {
                        asm_server_add_link(server, target);
                }
                asm_control_encode_link(asm_link_out(link), &self, target);
                asm_link_queued(link);
                return;
        }
        if (server->klass->traps_exits) {
                g_auto(AsmBuilder) pid = ASM_BUILDER_INIT;
                asm_builder_pid(&pid, target);
                push_atom_reason(server,
                                 ASM_MAIL_EXIT,
                                 asm_builder_peek(&pid),
                                 is_local(procs, target) ? "noproc" : "noconnection");
        } else {
                asm_server_stop_atom(server, is_local(procs, target) ? "noproc" : "noconnection");
        }
}

void
asm_server_unlink(AsmServer *server, const AsmPid *target)
{
        AsmProcs *procs = server->procs;
        g_auto(AsmPid) self = asm_server_get_pid(server);
        AsmLinked *linked = find_linked(server, target);
        AsmLink *link;

        if (linked == NULL || !linked->is_active)
                return;
        link = link_to(procs, target);
        if (is_local(procs, target) || link == NULL) {
                AsmServer *local = is_local(procs, target) ? find_local(procs, target) : NULL;
                if (local != NULL && local->links != NULL)
                        g_hash_table_remove(local->links, &self);
                g_hash_table_remove(server->links, target);
                return;
        }
        linked->is_active = FALSE;
        linked->unlink_id = ++procs->next_unlink_id;
        asm_control_encode_unlink_id(asm_link_out(link), linked->unlink_id, &self, target);
        asm_link_queued(link);
}

static void
send_exit(AsmServer *server, const AsmPid *to, AsmView reason, gboolean is_link)
{
        AsmProcs *procs = server->procs;
        g_auto(AsmPid) self = asm_server_get_pid(server);
        AsmLink *link;

        if (is_local(procs, to)) {
                AsmServer *local = find_local(procs, to);
                g_auto(AsmBuilder) from = ASM_BUILDER_INIT;

                asm_builder_pid(&from, &self);
                if (local != NULL)
                        asm_server_exit_signal(local, asm_builder_peek(&from), reason, is_link);
                return;
        }
        link = link_to(procs, to);
        if (link == NULL)
                return;
        if (is_link)
                asm_control_encode_exit(asm_link_out(link),
                                        asm_link_get_flags(link),
                                        &self,
                                        to,
                                        reason);
        else
                asm_control_encode_exit2(asm_link_out(link),
                                         asm_link_get_flags(link),
                                         &self,
                                         to,
                                         reason);
        asm_link_queued(link);
}

void
asm_server_exit(AsmServer *server, const AsmPid *target, AsmView reason)
{
        send_exit(server, target, reason, /* is_link= */ FALSE);
}

void
asm_server_exit_signal(AsmServer *server, AsmView from, AsmView reason, gboolean is_link)
{
        g_auto(AsmPid) pid = { 0 };
        AsmLinked *linked;

        if (!asm_pid_from_view(from, &pid))
                return;
        if (is_link) {
                linked = find_linked(server, &pid);
                if (linked == NULL || !linked->is_active)
                        return;
                g_hash_table_remove(server->links, &pid);
        } else if (asm_view_is_atom(reason, "kill")) {
                if (!server->klass->is_permanent)
                        asm_server_stop_atom(server, "killed");
                return;
        }
        if (server->klass->traps_exits) {
                /* of broken links there are no more than links; these anybody may send */
                if (is_link || server->n_mail + server->n_held < server->procs->limits.max_mail)
                        asm_server_push(server, ASM_MAIL_EXIT, from, reason);
        } else if (!asm_view_is_atom(reason, "normal")) {
                asm_server_stop(server, reason);
        }
}

/* --- ends ---------------------------------------------------------------------------------- */

void
asm_server_drop_relations(AsmServer *server, AsmView reason)
{
        GHashTable *links = g_steal_pointer(&server->links);
        GHashTable *watchers = g_steal_pointer(&server->watchers);
        GHashTableIter iter;
        gpointer value;

        /* what we watch goes first: nobody may hear of us through it any more */
        while (server->monitors != NULL && g_hash_table_size(server->monitors) > 0) {
                AsmMonitored *monitored;
                g_auto(AsmRef) ref = { 0 };

                g_hash_table_iter_init(&iter, server->monitors);
                g_hash_table_iter_next(&iter, NULL, &value);
                monitored = value;
                ref = asm_ref_copy(&monitored->ref);
                asm_server_demonitor(server, &ref);
        }
        g_clear_pointer(&server->monitors, g_hash_table_unref);
        g_hash_table_remove(server->procs->related, server);
        if (links != NULL) {
                g_hash_table_iter_init(&iter, links);
                while (g_hash_table_iter_next(&iter, NULL, &value)) {
                        AsmLinked *linked = value;
                        if (linked->is_active)
                                send_exit(server, &linked->pid, reason, /* is_link= */ TRUE);
                }
                g_hash_table_unref(links);
        }
        if (watchers != NULL) {
                g_hash_table_iter_init(&iter, watchers);
                while (g_hash_table_iter_next(&iter, NULL, &value))
                        tell_watcher(server, value, reason);
                g_hash_table_unref(watchers);
        }
}

static void
lose_links(AsmServer *server, GRefString *peer)
{
        g_autoptr(GPtrArray) lost = g_ptr_array_new();
        GHashTableIter iter;
        gpointer key;
        gpointer value;

        g_hash_table_iter_init(&iter, server->links);
        while (g_hash_table_iter_next(&iter, &key, &value)) {
                AsmLinked *linked = value;

                if (linked->pid.node != peer)
                        continue;
                if (!linked->is_active) {
                        g_hash_table_iter_remove(&iter);
                        continue;
                }
                g_ptr_array_add(lost, linked);
        }
        for (guint i = 0; i < lost->len && asm_server_is_alive(server); i++) {
                AsmLinked *linked = g_ptr_array_index(lost, i);
                g_auto(AsmBuilder) parts = ASM_BUILDER_INIT;
                gsize pid_len;

                asm_builder_pid(&parts, &linked->pid);
                pid_len = parts.len;
                asm_builder_atom(&parts, "noconnection");
                asm_server_exit_signal(server,
                                       (AsmView){ parts.data, pid_len },
                                       (AsmView){ parts.data + pid_len, parts.len - pid_len },
                                       /* is_link= */ TRUE);
        }
}

static gboolean
watcher_is_at(gpointer key, gpointer value, gpointer peer)
{
        return ((AsmWatcher *)value)->watcher.node == peer;
}

static void
lose_monitors(AsmServer *server, GRefString *peer)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, server->monitors);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                AsmMonitored *monitored = value;
                if (monitored->target.node == peer && !monitored->has_fired)
                        push_down(server, monitored, "noconnection");
        }
}

void
asm_procs_peer_lost(AsmProcs *procs, GRefString *peer)
{
        g_autoptr(GPtrArray) servers =
                g_ptr_array_new_with_free_func((GDestroyNotify)asm_server_unref);
        GHashTableIter iter;
        gpointer server;

        /* a server that ends here changes the table: walk over a copy */
        g_hash_table_iter_init(&iter, procs->related);
        while (g_hash_table_iter_next(&iter, &server, NULL))
                g_ptr_array_add(servers, asm_server_ref(server));
        for (guint i = 0; i < servers->len; i++) {
                AsmServer *related = g_ptr_array_index(servers, i);

                if (related->watchers != NULL)
                        g_hash_table_foreach_remove(related->watchers, watcher_is_at, peer);
                if (related->monitors != NULL)
                        lose_monitors(related, peer);
                if (related->links != NULL)
                        lose_links(related, peer);
        }
}
