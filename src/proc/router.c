/* SPDX-License-Identifier: MIT */

/*
 * Signals from peers to local servers (DIST.md B.4).
 *
 * What can end a process or hold it up needs a right (AsmServerClass); the mail of a peer carries
 * its name, by which the receiver knows what it may ask for.
 *
 * A peer may speak only for its own processes: a link, monitor, exit or spawn request whose sender
 * lives elsewhere is dropped. Messages to nobody are dropped, as in Erlang; a monitor on nobody
 * fires with noproc, a link to nobody breaks with noproc.
 */

#include "procs-private.h"

#include "term/reader.h"

/* what an atom or a pid names here */
static AsmServer *
find_target(AsmProcs *procs, AsmView to)
{
        const char *name;
        gsize len;

        if (asm_view_get_atom(to, &name, &len))
                return asm_procs_find_name(procs, name, len);
        return asm_procs_find(procs, to);
}

static gboolean
comes_from_peer(AsmLink *link, AsmView from, AsmPid *ret_from)
{
        g_auto(AsmPid) pid = { 0 };

        if (!asm_pid_from_view(from, &pid))
                return FALSE;
        if (pid.node != asm_link_get_peer(link)) {
                g_debug("'%s' speaks for a process of '%s', ignoring",
                        asm_link_get_peer(link),
                        pid.node);
                return FALSE;
        }
        *ret_from = pid;
        pid.node = NULL;
        return TRUE;
}

static void
on_message(AsmLink *link, AsmServer *server, AsmView message)
{
        if (server != NULL)
                asm_server_push_from(server, asm_link_get_peer(link), message);
}

static AsmView
atom_view(AsmBuilder *builder, const char *atom)
{
        asm_builder_reset(builder);
        asm_builder_atom(builder, atom);
        return asm_builder_peek(builder);
}

static void
on_monitor(AsmProcs *procs, AsmLink *link, const AsmControl *control)
{
        AsmServer *server = find_target(procs, control->to);
        g_auto(AsmPid) from = { 0 };
        AsmView name = asm_view_kind(control->to) == ASM_KIND_ATOM ? control->to : ASM_VIEW_NONE;

        if (!comes_from_peer(link, control->from, &from))
                return;
        if (server != NULL) {
                asm_server_add_watcher(server, control->ref, control->from, name);
                return;
        }
        asm_control_encode_monitor_exit(asm_link_out(link),
                                        asm_link_get_flags(link),
                                        control->to,
                                        control->from,
                                        control->ref,
                                        atom_view(&procs->scratch, "noproc"));
        asm_link_queued(link);
}

static void
on_link(AsmProcs *procs, AsmLink *link, const AsmControl *control)
{
        AsmServer *server = asm_procs_find(procs, control->to);
        g_auto(AsmPid) from = { 0 };
        g_auto(AsmPid) to = { 0 };
        const char *why;

        if (!comes_from_peer(link, control->from, &from))
                return;
        if (server != NULL && asm_server_may_end(server, asm_link_get_peer(link), "link with")) {
                asm_server_add_link(server, &from);
                return;
        }
        if (!asm_pid_from_view(control->to, &to))
                return;
        why = server != NULL ? "not_allowed" : "noproc";
        asm_control_encode_exit(asm_link_out(link),
                                asm_link_get_flags(link),
                                &to,
                                &from,
                                atom_view(&procs->scratch, why));
        asm_link_queued(link);
}

static void
on_unlink(AsmProcs *procs, AsmLink *link, const AsmControl *control)
{
        AsmServer *server = asm_procs_find(procs, control->to);
        g_auto(AsmPid) from = { 0 };
        g_auto(AsmPid) to = { 0 };
        AsmLinked *linked;

        if (!comes_from_peer(link, control->from, &from) || !asm_pid_from_view(control->to, &to))
                return;
        linked = server != NULL && server->links != NULL ? g_hash_table_lookup(server->links, &from)
                                                         : NULL;
        if (linked != NULL && linked->is_active)
                g_hash_table_remove(server->links, &from);
        asm_control_encode_unlink_id_ack(asm_link_out(link), control->unlink_id, &to, &from);
        asm_link_queued(link);
}

static void
on_unlink_ack(AsmProcs *procs, AsmLink *link, const AsmControl *control)
{
        AsmServer *server = asm_procs_find(procs, control->to);
        g_auto(AsmPid) from = { 0 };
        AsmLinked *linked;

        if (server == NULL || server->links == NULL || !comes_from_peer(link, control->from, &from))
                return;
        linked = g_hash_table_lookup(server->links, &from);
        if (linked != NULL && !linked->is_active && linked->unlink_id == control->unlink_id)
                g_hash_table_remove(server->links, &from);
}

static void
on_exit_signal(AsmProcs *procs, AsmLink *link, const AsmControl *control)
{
        AsmServer *server = asm_procs_find(procs, control->to);
        g_auto(AsmPid) from = { 0 };

        /* the end of a link is what both sides have agreed to when it was made */
        if (server != NULL && comes_from_peer(link, control->from, &from) &&
            (control->kind == ASM_CONTROL_EXIT ||
             asm_server_may_end(server, asm_link_get_peer(link), "send an exit signal to")))
                asm_server_exit_signal(server,
                                       control->from,
                                       control->payload,
                                       control->kind == ASM_CONTROL_EXIT);
}

static gboolean
has_option(AsmView options, const char *name)
{
        AsmListCursor cursor = asm_view_list(options);
        AsmView option;
        AsmView parts[2];

        while (asm_list_next(&cursor, &option)) {
                if (asm_view_is_atom(option, name) ||
                    (asm_view_get_tuple(option, 2, parts) && asm_view_is_atom(parts[0], name)))
                        return TRUE;
        }
        return FALSE;
}

static void
spawn_reply(AsmLink *link, const AsmControl *control, guint flags, AsmView result)
{
        asm_control_encode_spawn_reply(asm_link_out(link),
                                       control->ref,
                                       control->from,
                                       flags,
                                       result);
        asm_link_queued(link);
}

static void
on_spawn_request(AsmProcs *procs, AsmLink *link, const AsmControl *control)
{
        AsmSpawnRequest request = { .caller = control->from,
                                    .peer = asm_link_get_peer(link),
                                    .request_ref = control->ref,
                                    .module = control->module,
                                    .function = control->function,
                                    .args = control->payload,
                                    .arity = control->arity,
                                    .wants_monitor = has_option(control->options, "monitor"),
                                    .wants_link = has_option(control->options, "link") };
        g_auto(AsmBuilder) result = ASM_BUILDER_INIT;
        g_auto(AsmPid) from = { 0 };
        AsmServer *server;

        if (!comes_from_peer(link, control->from, &from))
                return;
        if (procs->spawn == NULL || (procs->limits.max_servers > 0 &&
                                     asm_procs_count(procs) >= procs->limits.max_servers)) {
                asm_builder_atom(&result, procs->spawn == NULL ? "notsup" : "system_limit");
                spawn_reply(link, control, 0, asm_builder_peek(&result));
                return;
        }
        server = procs->spawn(procs, &request, procs->spawn_data);
        asm_server_ref(server);
        asm_builder_server_pid(&result, server);
        if (request.wants_monitor)
                asm_server_add_watcher(server, control->ref, control->from, ASM_VIEW_NONE);
        if (request.wants_link)
                asm_server_add_link(server, &from);
        spawn_reply(link,
                    control,
                    (request.wants_link ? ASM_SPAWN_FLAG_LINK : 0) |
                            (request.wants_monitor ? ASM_SPAWN_FLAG_MONITOR : 0),
                    asm_builder_peek(&result));
        procs->spawned(server, procs->spawn_data);
        asm_server_unref(server);
}

/* an atom instead of a pid: there is no process, and no monitor will fire for it */
static void
on_spawn_reply(AsmProcs *procs, AsmLink *link, const AsmControl *control)
{
        AsmServer *server = asm_procs_find(procs, control->to);
        g_auto(AsmBuilder) reason = ASM_BUILDER_INIT;

        if (server == NULL || asm_view_kind(control->from) == ASM_KIND_PID)
                return;
        asm_builder_tuple(&reason, 2);
        asm_builder_atom(&reason, "$spawn_refused");
        asm_builder_view(&reason, control->from);
        asm_server_fire_monitor(server,
                                control->ref,
                                asm_link_get_peer(link),
                                asm_builder_peek(&reason));
}

static void
on_monitor_exit(AsmProcs *procs, AsmLink *link, const AsmControl *control)
{
        AsmServer *server = asm_procs_find(procs, control->to);

        if (server != NULL)
                asm_server_fire_monitor(server,
                                        control->ref,
                                        asm_link_get_peer(link),
                                        control->payload);
}

static void
on_demonitor(AsmProcs *procs, AsmLink *link, const AsmControl *control)
{
        AsmServer *server = find_target(procs, control->to);
        g_auto(AsmPid) from = { 0 };

        if (server != NULL && comes_from_peer(link, control->from, &from))
                asm_server_remove_watcher(server, control->ref, &from);
}

static void
on_control(AsmLink *link, const AsmControl *control, gpointer user_data)
{
        AsmProcs *procs = user_data;

        switch (control->kind) {
        case ASM_CONTROL_SEND:
                on_message(link, asm_procs_find(procs, control->to), control->payload);
                break;
        case ASM_CONTROL_REG_SEND:
                on_message(link, find_target(procs, control->to), control->payload);
                break;
        case ASM_CONTROL_LINK:
                on_link(procs, link, control);
                break;
        case ASM_CONTROL_UNLINK_ID:
                on_unlink(procs, link, control);
                break;
        case ASM_CONTROL_UNLINK_ID_ACK:
                on_unlink_ack(procs, link, control);
                break;
        case ASM_CONTROL_EXIT:
        case ASM_CONTROL_EXIT2:
                on_exit_signal(procs, link, control);
                break;
        case ASM_CONTROL_MONITOR:
                on_monitor(procs, link, control);
                break;
        case ASM_CONTROL_DEMONITOR:
                on_demonitor(procs, link, control);
                break;
        case ASM_CONTROL_MONITOR_EXIT:
                on_monitor_exit(procs, link, control);
                break;
        case ASM_CONTROL_SPAWN_REQUEST:
                on_spawn_request(procs, link, control);
                break;
        case ASM_CONTROL_SPAWN_REPLY:
                on_spawn_reply(procs, link, control);
                break;
        case ASM_CONTROL_ALIAS_SEND: /* this node makes no aliases: for nobody */
        case ASM_CONTROL_ALIAS_EXIT:
        case ASM_CONTROL_GROUP_LEADER: /* servers print nothing: no group leader is kept */
        case ASM_CONTROL_N_KINDS:
                break;
        }
}

static void
on_link_up(AsmLink *link, gpointer user_data)
{
        AsmProcs *procs = user_data;

        if (procs->peer_func != NULL)
                procs->peer_func(procs, link, TRUE, procs->peer_data);
}

static void
on_link_down(AsmLink *link, gpointer user_data)
{
        AsmProcs *procs = user_data;

        asm_procs_peer_lost(procs, asm_link_get_peer(link));
        if (procs->peer_func != NULL)
                procs->peer_func(procs, link, FALSE, procs->peer_data);
}

static void
on_drained(AsmLink *link, gpointer user_data)
{
        AsmProcs *procs = user_data;

        if (procs->peer_func != NULL)
                procs->peer_func(procs, link, TRUE, procs->peer_data);
}

const AsmNodeListener asm_procs_node_listener = { .link_up = on_link_up,
                                                  .link_down = on_link_down,
                                                  .control = on_control,
                                                  .drained = on_drained };
