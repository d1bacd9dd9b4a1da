/* SPDX-License-Identifier: MIT */

/*
 * Who may be a peer of this node, and what each may do: the list of peers put to use. It is asked
 *
 * - when a peer has said its name and before it gets a challenge, so that a node that is not wanted
 *   never sees an answer made with a cookie;
 * - before we connect to a node ourselves, for a link is used from both ends;
 * - when the list changes, about the links that are up;
 * - about each call, for which a link remembers the rights of its peer.
 */

#include "node-private.h"

#include "node/error.h"

#include <string.h>

gboolean
asm_node_admits(AsmNode *node, const char *peer, GInetAddress *address, GError **error)
{
        return asm_peers_admit(node->peers, peer, address, error);
}

void
asm_node_set_peers(AsmNode *node, AsmPeers *peers)
{
        g_autoptr(GPtrArray) links = asm_node_list_links(node);

        /* the same ones may be set again */
        asm_peers_ref(peers);
        g_clear_pointer(&node->peers, asm_peers_unref);
        node->peers = peers;
        for (guint i = 0; i < links->len; i++) {
                AsmLink *link = g_ptr_array_index(links, i);
                g_autoptr(GError) error = NULL;

                link->rights = asm_peers_get_rights(peers, link->peer);
                if (!asm_peers_admit(peers, link->peer, link->address, &error))
                        asm_link_close(link, error->message);
        }
}

AsmPeers *
asm_node_get_peers(AsmNode *node)
{
        return node->peers;
}

gboolean
asm_node_permits(AsmNode *node, GRefString *peer, AsmRight right)
{
        const AsmLink *link;

        if (peer == NULL || peer == node->name)
                return TRUE;
        link = g_hash_table_lookup(node->up, peer);
        /* what has been sent before a link broke is handled after it */
        return ((link != NULL ? link->rights : asm_peers_get_rights(node->peers, peer)) & right) !=
               0;
}

void
asm_node_set_max_attempts(AsmNode *node, guint per_second)
{
        node->config.max_attempts = per_second;
}

const char *
asm_node_get_cookie(AsmNode *node, const char *peer)
{
        const char *cookie = asm_peers_get_cookie(node->peers, peer);

        return cookie != NULL ? cookie : asm_cookies_get(node->cookies, peer);
}

gboolean
asm_node_set_cookie(AsmNode *node, const char *peer, const char *cookie, GError **error)
{
        const char *configured = asm_peers_get_cookie(node->peers, peer);

        if (configured == NULL)
                return asm_cookies_set(node->cookies, peer, cookie, error);
        if (strcmp(configured, cookie) == 0)
                return TRUE;
        g_set_error(error,
                    ASM_NODE_ERROR,
                    ASM_NODE_ERROR_COOKIE_CONFLICT,
                    "the [peer] group of '%s' in asmd.conf has another cookie",
                    peer);
        return FALSE;
}
