/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The table of local processes and the way between them and the peers' processes: received
 * signals to mailboxes, links and monitors, and what servers send out to links.
 */

#include "node/node.h"
#include "proc/server.h"

/**
 * AsmSpawnRequest: a peer asks for a process (SPAWN_REQUEST). Views are valid during the call.
 */
typedef struct {
        AsmView caller;   /* pid of @peer */
        GRefString *peer; /* the node that asks */
        AsmView request_ref;
        AsmView module;
        AsmView function;
        AsmView args; /* a list */
        guint arity;
        gboolean wants_monitor;
        gboolean wants_link;
} AsmSpawnRequest;

/**
 * AsmSpawnFunc: (transfer none): the server that stands for the asked-for process
 *
 * It must have been started with asm_server_start() and must not have ended; the reply, the
 * monitor and the link are done by the caller, and afterwards @begin of the returned server's
 * owner is called through @ret_begin.
 */
typedef AsmServer *(*AsmSpawnFunc)(AsmProcs *procs,
                                   const AsmSpawnRequest *request,
                                   gpointer user_data);
/* the spawned server may do its work (and end) now */
typedef void (*AsmSpawnedFunc)(AsmServer *server, gpointer user_data);

/* called when the state of a link changes; @is_up FALSE: links and monitors have fired */
typedef void (*AsmPeerFunc)(AsmProcs *procs, AsmLink *link, gboolean is_up, gpointer user_data);

typedef struct {
        guint max_servers; /* 0: no limit */
        guint max_mail;    /* messages per mailbox */
} AsmProcsLimits;

/* @node: (transfer none), outlives it; its listener is set here */
AsmProcs *asm_procs_new(AsmNode *node, const AsmProcsLimits *limits);
/* every server must have ended: asserted */
void asm_procs_free(AsmProcs *procs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmProcs, asm_procs_free)

/* ends every server with reason `shutdown` */
void asm_procs_stop_all(AsmProcs *procs);

AsmNode *asm_procs_get_node(AsmProcs *procs);
AsmTimers *asm_procs_get_timers(AsmProcs *procs);
guint asm_procs_count(AsmProcs *procs);

typedef struct {
        guint n_servers;
        guint64 n_waiting;  /* messages in all mailboxes */
        guint64 n_received; /* ever */
        guint64 n_dropped;  /* ever: for want of room */
} AsmProcsStats;

void asm_procs_get_stats(AsmProcs *procs, AsmProcsStats *ret_stats);

void asm_procs_set_spawner(AsmProcs *procs,
                           AsmSpawnFunc spawn,
                           AsmSpawnedFunc spawned,
                           gpointer user_data);
void asm_procs_set_peer_func(AsmProcs *procs, AsmPeerFunc func, gpointer user_data);

/* borrowed (nullable): the living local server of this pid or name */
AsmServer *asm_procs_find(AsmProcs *procs, AsmView pid);
AsmServer *asm_procs_find_name(AsmProcs *procs, const char *name, gsize len);

AsmRef asm_procs_make_ref(AsmProcs *procs);

/**
 * asm_procs_send: a message to a process anywhere
 * @to: a pid
 *
 * Never connects: without a link the message is lost, as with erlang:send(.., [noconnect]).
 * Returns: the link it went to (borrowed), NULL for a local process or none
 */
AsmLink *asm_procs_send(AsmProcs *procs, AsmView to, AsmView message);
/* to a registered name on the peer of @link */
void asm_procs_send_name(AsmProcs *procs,
                         AsmLink *link,
                         const AsmServer *from,
                         const char *name,
                         AsmView message);
/**
 * asm_procs_reply: answers a gen call
 * @from: the From of the call, `{Pid, Tag}`: the tag goes back untouched, to the alias in it if
 *   there is one
 */
void asm_procs_reply(AsmProcs *procs, AsmView from, AsmView reply);
