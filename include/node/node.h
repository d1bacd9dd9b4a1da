/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * This node on the network: its name, its registration with epmd, the listening socket and the
 * links to peer nodes. Received signals go to the listener; nothing here knows what they mean.
 */

#include "base/timers.h"
#include "dist/control.h"
#include "node/cookie.h"
#include "node/link.h"
#include "node/peers.h"
#include "node/tls.h"

#include <gio/gio.h>

typedef struct _AsmNode AsmNode;

typedef struct {
        char *name;           /* "asmd@host" */
        char *listen_address; /* "127.0.0.1"; NULL: do not listen and do not register (clients) */
        guint16 listen_port;  /* 0: any */
        guint16 epmd_port;
        gboolean start_epmd; /* start `epmd -daemon` when none answers */
        guint net_ticktime_s;
        guint setup_timeout_ms; /* for a handshake */
        guint max_links;
        guint max_attempts; /* connections from one address in a second; 0: any number */
        gsize max_frame;    /* bytes */
        gsize high_water;   /* bytes queued to a peer that make its link busy */
        gsize max_queued;   /* bytes queued to a peer that end its link */
        gsize max_held;     /* bytes from a peer that nobody can take yet: its link is not read */
} AsmNodeConfig;

/* the defaults of DESIGN.md section 4; @name and @listen_address still unset */
void asm_node_config_init(AsmNodeConfig *config);
void asm_node_config_clear(AsmNodeConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmNodeConfig, asm_node_config_clear)

/**
 * AsmNodeListener: called from the main loop, never from inside a function of this room
 * @control: a signal from @link; its views are valid during the call
 * @link_down: the link is out of the table already; sending to it does nothing
 * @drained: a busy link is not busy any more
 */
typedef struct {
        void (*link_up)(AsmLink *link, gpointer user_data);
        void (*link_down)(AsmLink *link, gpointer user_data);
        void (*control)(AsmLink *link, const AsmControl *control, gpointer user_data);
        void (*drained)(AsmLink *link, gpointer user_data);
} AsmNodeListener;

/**
 * asm_node_new:
 * @config: copied
 * @cookies: (transfer full)
 * @timers: borrowed, outlives the node
 */
AsmNode *asm_node_new(const AsmNodeConfig *config, AsmCookies *cookies, AsmTimers *timers);
/**
 * asm_node_free: closes every link without a word to the listener
 *
 * What is starting or connecting is answered with ASM_NODE_ERROR_STOPPED, perhaps from inside this
 * function. Not to be called from the listener's functions.
 */
void asm_node_free(AsmNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmNode, asm_node_free)

/* (transfer full): from now on every connection, from here and to here, is made with TLS */
void asm_node_set_tls(AsmNode *node, AsmTls *tls);
/* exactly once, before anything is started */
void asm_node_set_listener(AsmNode *node, const AsmNodeListener *listener, gpointer user_data);

/**
 * asm_node_adopt: sockets that listen already, for asm_node_start_async() to use instead of
 *   AsmNodeConfig.listen_address
 * @fds: (transfer full): IPv4 stream sockets, all on one port; anything else is the error of the start
 */
void asm_node_adopt(AsmNode *node, const int *fds, guint n);

/**
 * asm_node_start_async: listens, registers with epmd (starting it if need be)
 *
 * Later losses of epmd are healed without a word: the name is registered again, with the same
 * creation. Errors: ASM_NODE_ERROR_LISTEN, _EPMD, _NAME_TAKEN.
 */
void asm_node_start_async(AsmNode *node, GAsyncReadyCallback callback, gpointer user_data);
gboolean asm_node_start_finish(AsmNode *node, GAsyncResult *result, GError **error);
/* as erlang:is_alive/0: it has been started; one that does not listen needs no start */
gboolean asm_node_is_alive(AsmNode *node);

/**
 * asm_node_connect_async: a link to @peer, the one there is or a new one
 * @timeout_ms: for the whole of look-up, TCP connection and handshake; 0: no limit of the caller's
 *
 * asm_node_connect_finish() returns (transfer full) the link, or NULL with ASM_NODE_ERROR_NAME,
 * _UNKNOWN_NODE, _EPMD, _CONNECT, _TIMEOUT, _REFUSED, _LIMIT, _STOPPED.
 */
void asm_node_connect_async(AsmNode *node,
                            const char *peer,
                            guint timeout_ms,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
AsmLink *asm_node_connect_finish(AsmNode *node, GAsyncResult *result, GError **error);

/**
 * asm_node_flush: writes what is queued, now
 *
 * The node does this once per loop iteration anyway; whoever knows that nothing more will be
 * queued in this one saves the way round the loop.
 */
void asm_node_flush(AsmNode *node);

/* whether nothing is waiting to be written to any peer */
gboolean asm_node_is_flushed(AsmNode *node);

/* borrowed: the link to @peer (an interned name) if it is up, else NULL; NULL for ourselves */
AsmLink *asm_node_find_link(AsmNode *node, GRefString *peer);
/* borrowed links that are up; (transfer container) */
GPtrArray *asm_node_list_links(AsmNode *node);

/* @n_* since the start of the node, but for the first four, which are of now */
typedef struct {
        guint n_links;
        guint n_busy;         /* of them: do not read as much as there is for them */
        guint n_paused;       /* of them: are not read */
        gsize n_queued_bytes; /* wait to be written */
        guint64 n_opened;     /* links */
        guint64 n_refused;    /* connections and names */
        guint64 n_bytes_in;   /* on links, with their handshakes */
        guint64 n_bytes_out;
        guint64 n_frames_in; /* without ticks */
        guint64 n_frames_out;
} AsmNodeStats;

void asm_node_get_stats(AsmNode *node, AsmNodeStats *ret_stats);

GRefString *asm_node_get_name(AsmNode *node);
guint32 asm_node_get_creation(AsmNode *node);
AsmTimers *asm_node_get_timers(AsmNode *node);
guint16 asm_node_get_port(AsmNode *node);

/**
 * asm_node_set_peers: who may be a peer from now on
 * @peers: a reference is taken
 *
 * Links to nodes that are no peers any more are closed; rights count for the next call.
 */
void asm_node_set_peers(AsmNode *node, AsmPeers *peers);
/* borrowed, never NULL; without groups until it is set */
AsmPeers *asm_node_get_peers(AsmNode *node);
/* whether @peer has @right; ourselves and NULL, which is this node, have every one */
gboolean asm_node_permits(AsmNode *node, GRefString *peer, AsmRight right);
/* see AsmNodeConfig.max_attempts */
void asm_node_set_max_attempts(AsmNode *node, guint per_second);

/* the secret shared with @peer: its group's, its own, or that of all; borrowed, never NULL */
const char *asm_node_get_cookie(AsmNode *node, const char *peer);
/* as asm_cookies_set(); the cookie of a group is there already */
gboolean asm_node_set_cookie(AsmNode *node, const char *peer, const char *cookie, GError **error);
