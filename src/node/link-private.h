/* SPDX-License-Identifier: MIT */
#pragma once

/* What the node and its links know of each other. */

#include "dist/flags.h"
#include "dist/handshake.h"
#include "node/node.h"

#include <gio/gio.h>

typedef enum {
        ASM_LINK_HANDSHAKE,
        ASM_LINK_UP,
        ASM_LINK_CLOSED,
} AsmLinkState;

struct _AsmLink {
        guint ref_count;
        AsmNode *node; /* borrowed; NULL once the node is gone */
        AsmLinkState state;
        gboolean is_initiator;
        GRefString *peer; /* NULL: the acceptor has not heard the name yet */
        guint64 flags;
        guint rights;          /* of the peer, see node/peers.h */
        GInetAddress *address; /* where the peer is; NULL: it has gone already */

        GIOStream *stream;
        GSocket *socket; /* under it */
        gboolean is_tls;
        AsmHandshake *handshake;
        AsmTimer setup_timer;
        GSource *source;       /* link-source.c; NULL once closed */
        GSource *write_source; /* under TLS, while blocked */
        GIOCondition wanted;
        gboolean is_blocked; /* the kernel takes no more for now */
        gsize held;          /* bytes of what was read that cannot be handed on yet */
        gboolean is_paused;  /* too many: not read */
        GByteArray *partial; /* the beginning of a frame whose end has not come */

        AsmBuilder out;
        gsize sent; /* bytes of out that are written already */
        gboolean is_dirty;
        gboolean is_busy;
        gboolean was_up;
        gboolean is_published; /* the peer is a full member of its cluster, no client or tool */

        gboolean has_read; /* since the last tick of the clock */
        gboolean has_written;
        guint silent_quarters;
        GError *error; /* why it was closed */
};

/**
 * asm_link_new_*: a link over a connected @stream; (transfer full)
 *
 * The caller puts it into the node's list of links; it leaves it by asm_node_link_closed().
 */
AsmLink *asm_link_new_initiator(AsmNode *node, GIOStream *stream, const char *peer);
AsmLink *asm_link_new_acceptor(AsmNode *node, GIOStream *stream);
/* link-source.c: waits for what the link can use now */
void asm_link_update_source(AsmLink *link);
void asm_link_remove_source(AsmLink *link);
/* what it waited for is there */
void asm_link_readable(AsmLink *link);
void asm_link_writable(AsmLink *link);
/* writes what is queued; called once per loop iteration for dirty links */
void asm_link_flush(AsmLink *link);
/* @error: (transfer full) */
void asm_link_fail(AsmLink *link, GError *error);
/* a quarter of the tick time has passed */
void asm_link_quarter(AsmLink *link);
/* forgets the node: its end */
void asm_link_detach(AsmLink *link);

/* the node's side: called by links */
AsmHandshakeAnswer asm_node_link_decide(AsmNode *node, AsmLink *link, const char *peer);
/* FALSE: there is another one with this name by now, or too many */
gboolean asm_node_link_up(AsmNode *node, AsmLink *link, gboolean replaces, GError **error);
void asm_node_link_closed(AsmNode *node, AsmLink *link);
void asm_node_link_dirty(AsmNode *node, AsmLink *link);
void asm_node_link_drained(AsmNode *node, AsmLink *link);
void asm_node_link_control(AsmNode *node, AsmLink *link, const AsmControl *control);
const AsmNodeConfig *asm_node_get_config(AsmNode *node);
/* for links to count in */
AsmNodeStats *asm_node_get_counted(AsmNode *node);
/* where all links read to: an unfinished frame and one read behind it */
#define ASM_NODE_SCRATCH_SIZE (65536 + 256 * 1024)
guint8 *asm_node_get_scratch(AsmNode *node);
