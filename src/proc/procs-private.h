/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files of this room share: procs.c, server.c, signals.c, router.c, sys.c. */

#include "base/quiet.h"
#include "proc/error.h"
#include "proc/procs.h"

#include <gio/gio.h>

struct _AsmProcs {
        AsmNode *node;
        AsmProcsLimits limits;
        GHashTable *by_id;   /* id -> borrowed AsmServer */
        GHashTable *by_name; /* borrowed name -> borrowed AsmServer */
        GHashTable *related; /* set of borrowed servers with a link, monitor or watcher */
        guint32 next_id;
        guint32 serial;
        guint64 next_ref;
        guint32 ref_salt;
        guint64 next_unlink_id;
        guint n_ready;      /* servers with a source */
        AsmBuilder scratch; /* messages being put together */
        AsmSpawnFunc spawn;
        AsmSpawnedFunc spawned;
        gpointer spawn_data;
        AsmPeerFunc peer_func;
        gpointer peer_data;
        AsmProcsStats counted;
        AsmQuiet refused; /* signals without the right to them */
};

typedef enum {
        ASM_MAIL_MESSAGE, /* one term */
        ASM_MAIL_DOWN,    /* a ref and a reason */
        ASM_MAIL_EXIT,    /* a pid and a reason */
} AsmMailKind;

struct _AsmMail {
        AsmMail *next;
        AsmMailKind kind;
        GRefString *origin; /* the node it came from; NULL: this one */
        gsize len;
        guint8 data[];
};

/* one of our servers is linked with somebody */
typedef struct {
        AsmPid pid;
        gboolean is_active;
        guint64 unlink_id; /* of an unlink that is not acknowledged, else 0 */
} AsmLinked;

/* one of our servers watches somebody */
typedef struct {
        AsmRef ref;
        AsmPid target;
        gboolean has_fired; /* its DOWN is in the mailbox */
} AsmMonitored;

/* somebody watches one of our servers */
typedef struct {
        AsmRef ref;
        AsmPid watcher;
        AsmTerm *name; /* the atom, if it was watched by name */
} AsmWatcher;

/* mailbox: server.c */
void asm_server_push(AsmServer *server, AsmMailKind kind, AsmView first, AsmView second);
/* a message from a peer */
void asm_server_push_from(AsmServer *server, GRefString *origin, AsmView message);
/* whether @peer may end @server or hold it up; logs that it may not */
gboolean asm_server_may_end(AsmServer *server, GRefString *peer, const char *signal);
void asm_server_set_suspended(AsmServer *server, gboolean is_suspended);

/* links and monitors: signals.c */
void asm_server_add_watcher(AsmServer *server, AsmView ref, AsmView watcher, AsmView name);
/* only by the one who watches */
void asm_server_remove_watcher(AsmServer *server, AsmView ref, const AsmPid *watcher);
void asm_server_add_link(AsmServer *server, const AsmPid *pid);
AsmMonitored *asm_server_add_monitor(AsmServer *server, const AsmRef *ref, const AsmPid *target);
/* @node says that a monitor has fired; nothing unless it is one on @node, and the first time */
void asm_server_fire_monitor(AsmServer *server,
                             AsmView ref,
                             const GRefString *node,
                             AsmView reason);
/* a link of @server broke: @was_linked demanded; or somebody sent exit/2 */
void asm_server_exit_signal(AsmServer *server, AsmView from, AsmView reason, gboolean is_link);
/* tells links and watchers, and clears all tables */
void asm_server_drop_relations(AsmServer *server, AsmView reason);
/* the peer is gone: fires what concerned it */
void asm_procs_peer_lost(AsmProcs *procs, GRefString *peer);

/* sys.c */
void asm_server_handle_system(AsmServer *server, AsmView from, AsmView request);

/* router.c */
extern const AsmNodeListener asm_procs_node_listener;
