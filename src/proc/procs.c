/* SPDX-License-Identifier: MIT */

/*
 * The process table: pids and names to servers, fresh references, and sending.
 *
 * A pid is never given twice: ids count up to 2^32, then the serial counts. Pids of an earlier
 * life of this node differ in their creation, so a message to them finds nobody.
 */

#include "procs-private.h"

#include "dist/flags.h"
#include "term/reader.h"

#include <string.h>

G_DEFINE_QUARK(asm_proc_error, asm_proc_error)

/* a reference's first word has 18 bits (erl_ext_dist NEWER_REFERENCE_EXT) */
#define REF_WORD0_BITS 18

AsmProcs *
asm_procs_new(AsmNode *node, const AsmProcsLimits *limits)
{
        AsmProcs *procs = g_new0(AsmProcs, 1);

        procs->node = node;
        procs->limits = *limits;
        procs->by_id = g_hash_table_new(g_direct_hash, g_direct_equal);
        procs->by_name = g_hash_table_new(g_str_hash, g_str_equal);
        procs->related = g_hash_table_new(g_direct_hash, g_direct_equal);
        procs->next_id = 1;
        procs->ref_salt = g_random_int();
        asm_node_set_listener(node, &asm_procs_node_listener, procs);
        return procs;
}

void
asm_procs_free(AsmProcs *procs)
{
        if (procs == NULL)
                return;
        g_assert(g_hash_table_size(procs->by_id) == 0);
        g_hash_table_unref(procs->by_id);
        g_hash_table_unref(procs->by_name);
        g_hash_table_unref(procs->related);
        asm_builder_clear(&procs->scratch);
        g_free(procs);
}

void
asm_procs_stop_all(AsmProcs *procs)
{
        GHashTableIter iter;
        gpointer server;

        /* the end of one may be the end of others: begin anew each time */
        while (g_hash_table_size(procs->by_id) > 0) {
                g_hash_table_iter_init(&iter, procs->by_id);
                g_hash_table_iter_next(&iter, NULL, &server);
                asm_server_stop_atom(server, "shutdown");
        }
}

AsmNode *
asm_procs_get_node(AsmProcs *procs)
{
        return procs->node;
}

AsmTimers *
asm_procs_get_timers(AsmProcs *procs)
{
        return asm_node_get_timers(procs->node);
}

void
asm_procs_get_stats(AsmProcs *procs, AsmProcsStats *ret_stats)
{
        *ret_stats = procs->counted;
        ret_stats->n_servers = asm_procs_count(procs);
}

guint
asm_procs_count(AsmProcs *procs)
{
        return g_hash_table_size(procs->by_id);
}

void
asm_procs_set_spawner(AsmProcs *procs,
                      AsmSpawnFunc spawn,
                      AsmSpawnedFunc spawned,
                      gpointer user_data)
{
        procs->spawn = spawn;
        procs->spawned = spawned;
        procs->spawn_data = user_data;
}

void
asm_procs_set_peer_func(AsmProcs *procs, AsmPeerFunc func, gpointer user_data)
{
        procs->peer_func = func;
        procs->peer_data = user_data;
}

static AsmServer *
find_pid(AsmProcs *procs, const AsmPid *pid)
{
        AsmServer *server;

        if (pid->node != asm_node_get_name(procs->node) ||
            pid->creation != asm_node_get_creation(procs->node))
                return NULL;
        server = g_hash_table_lookup(procs->by_id, GUINT_TO_POINTER(pid->id));
        return server != NULL && server->serial == pid->serial ? server : NULL;
}

AsmServer *
asm_procs_find(AsmProcs *procs, AsmView view)
{
        g_auto(AsmPid) pid = { 0 };

        return asm_pid_from_view(view, &pid) ? find_pid(procs, &pid) : NULL;
}

AsmServer *
asm_procs_find_name(AsmProcs *procs, const char *name, gsize len)
{
        char text[256];

        if (len >= sizeof text || memchr(name, '\0', len) != NULL)
                return NULL;
        memcpy(text, name, len);
        text[len] = '\0';
        return g_hash_table_lookup(procs->by_name, text);
}

AsmRef
asm_procs_make_ref(AsmProcs *procs)
{
        guint64 n = ++procs->next_ref;

        return (AsmRef){ .node = g_ref_string_acquire(asm_node_get_name(procs->node)),
                         .creation = asm_node_get_creation(procs->node),
                         .n_words = 3,
                         .words = { (guint32)(n & ((1u << REF_WORD0_BITS) - 1)),
                                    (guint32)(n >> REF_WORD0_BITS),
                                    procs->ref_salt } };
}

AsmLink *
asm_procs_send(AsmProcs *procs, AsmView to, AsmView message)
{
        g_auto(AsmPid) pid = { 0 };
        AsmServer *server;
        AsmLink *link;

        if (!asm_pid_from_view(to, &pid))
                return NULL;
        if (pid.node == asm_node_get_name(procs->node)) {
                server = find_pid(procs, &pid);
                if (server != NULL)
                        asm_server_push(server, ASM_MAIL_MESSAGE, message, ASM_VIEW_NONE);
                return NULL;
        }
        link = asm_node_find_link(procs->node, pid.node);
        if (link == NULL)
                return NULL;
        asm_control_encode_send(asm_link_out(link),
                                asm_link_get_flags(link),
                                /* from= */ NULL,
                                to,
                                message);
        asm_link_queued(link);
        return link;
}

void
asm_procs_send_name(AsmProcs *procs,
                    AsmLink *link,
                    const AsmServer *from,
                    const char *name,
                    AsmView message)
{
        g_auto(AsmPid) pid = asm_server_get_pid(from);

        asm_control_encode_reg_send(asm_link_out(link), &pid, name, message);
        asm_link_queued(link);
}

/* [alias|Ref]: the form of a tag behind which the caller has an alias (DIST.md B.6) */
static gboolean
is_alias_tag(AsmView tag, AsmView *ret_alias)
{
        AsmListCursor cursor = asm_view_list(tag);
        AsmView head;

        if (!asm_list_next(&cursor, &head) || !asm_view_is_atom(head, "alias") ||
            asm_list_next(&cursor, &head) || asm_view_kind(cursor.tail) != ASM_KIND_REF)
                return FALSE;
        *ret_alias = cursor.tail;
        return TRUE;
}

static gboolean
find_alias(AsmView tag, AsmView *ret_alias)
{
        AsmListCursor cursor = asm_view_list(tag);
        AsmView head;

        return is_alias_tag(tag, ret_alias) ||
               (asm_list_next(&cursor, &head) && is_alias_tag(head, ret_alias));
}

void
asm_procs_reply(AsmProcs *procs, AsmView from, AsmView reply)
{
        AsmBuilder *message = &procs->scratch;
        AsmView parts[2];
        AsmView alias;
        g_auto(AsmPid) caller = { 0 };
        AsmLink *link;

        if (!asm_view_get_tuple(from, 2, parts) || !asm_pid_from_view(parts[0], &caller))
                return;
        asm_builder_reset(message);
        asm_builder_tuple(message, 2);
        asm_builder_view(message, parts[1]);
        asm_builder_view(message, reply);
        link = asm_node_find_link(procs->node, caller.node);
        if (link != NULL && (asm_link_get_flags(link) & ASM_FLAG_ALIAS) != 0 &&
            find_alias(parts[1], &alias)) {
                g_auto(AsmPid) self = { 0 };

                /* any pid of ours will do as the sender of an alias message */
                self.node = g_ref_string_acquire(asm_node_get_name(procs->node));
                self.creation = asm_node_get_creation(procs->node);
                asm_control_encode_alias_send(asm_link_out(link),
                                              asm_link_get_flags(link),
                                              &self,
                                              alias,
                                              asm_builder_peek(message));
                asm_link_queued(link);
        } else {
                asm_procs_send(procs, parts[0], asm_builder_peek(message));
        }
        if (message->size > 1024 * 1024)
                asm_builder_clear(message);
}
