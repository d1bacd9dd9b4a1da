/* SPDX-License-Identifier: MIT */
#pragma once

/* The node's tables, shared by its files: node.c, listener.c, connect.c, access.c. */

#include "base/quiet.h"
#include "epmd-client-private.h"
#include "gate-private.h"
#include "link-private.h"

typedef struct _AsmAttempt AsmAttempt;

struct _AsmNode {
        AsmNodeConfig config;
        GRefString *name;
        guint32 creation;
        gboolean is_alive;
        AsmCookies *cookies;
        AsmTls *tls;     /* NULL: plain connections */
        AsmPeers *peers; /* never NULL */
        AsmGate *gate;
        AsmNodeStats counted; /* what is counted; the rest is looked up */
        AsmQuiet refused;     /* connections that were not even looked at */
        AsmQuiet rejected;    /* and those that were */
        AsmQuiet broken;      /* links whose peer broke the protocol */
        AsmTimers *timers;
        AsmTimer quarter;
        const AsmNodeListener *listener;
        gpointer user_data;

        AsmEpmdClient *epmd;
        GCancellable *cancellable; /* of what must not outlive the node */
        GTask *starting;
        GArray *adopted;  /* of int: sockets to listen on; NULL: we make our own */
        GPtrArray *doors; /* owned: the sockets that are listened on */
        guint16 port;
        gboolean is_accepting;
        AsmTimer accept_timer; /* armed: accepting has failed */
        gboolean is_accept_failing;

        GPtrArray *arrivals;  /* owned AsmArrival: TLS handshakes of peers that come in */
        GPtrArray *links;     /* owned: every link that is not closed */
        GHashTable *up;       /* GRefString -> borrowed AsmLink */
        GHashTable *attempts; /* GRefString -> owned AsmAttempt */
        GQueue dirty;         /* owned refs: links with something to write */
        GQueue closed;        /* owned refs: links whose end is to be told */
        GQueue drained;       /* owned refs */
        GSource *chores;      /* flushes, tells ends; runs when a queue above is not empty */
        guint8 *scratch;
};

/* connect.c */
/* @link ended before it was up: its attempt fails, unless the peer's own one goes on */
void asm_node_attempt_failed(AsmNode *node, AsmLink *link);
/* a link to @peer is up: whoever waits for it has it */
void asm_node_attempt_done(AsmNode *node, AsmLink *link);
/* our own connection attempt to @peer that is under way */
gboolean asm_node_is_connecting(AsmNode *node, GRefString *peer);
/* the peer's attempt wins: ours is dropped, those who wait go on waiting */
void asm_node_attempt_yield(AsmNode *node, GRefString *peer);
void asm_attempt_free(gpointer attempt);

/* access.c: asm_peers_admit() of the list that we have */
gboolean asm_node_admits(AsmNode *node, const char *peer, GInetAddress *address, GError **error);

/* listener.c */
void asm_arrival_free(gpointer arrival);
gboolean asm_node_listen(AsmNode *node, GError **error);
/* lets peers in from now on; called once after asm_node_listen() */
void asm_node_accept(AsmNode *node);
