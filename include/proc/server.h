/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A server is a local process: a pid, a mailbox, links and monitors, and handlers. It speaks the
 * manners of a gen_server, so that Erlang code at the other end finds nothing odd about it. Its
 * GSource is attached to the main loop only while it has mail.
 */

#include "node/peers.h"
#include "term/builder.h"
#include "term/pid.h"

typedef struct _AsmProcs AsmProcs;
typedef struct _AsmServer AsmServer;

/**
 * AsmServerClass: what a kind of server does. Handlers may be NULL, which ignores the message
 * (a call then stays unanswered, as in a gen_server that returns noreply).
 *
 * @module: what sys:get_status/1 shows as the module
 * @traps_exits: exit signals other than `kill` go to @exit instead of ending the server
 * @is_permanent: what everybody depends on: neither `kill` nor sys:terminate/2 ends it, as if a
 *   supervisor had started it again at once; only asm_server_stop() does
 * @mail_right: the AsmRight without which nothing that a peer sends gets to @call, @cast and @info; 0:
 *   the handlers look themselves, with asm_server_permits()
 * @end_right: the AsmRight that a peer needs for what can end the server or hold it up: exit signals,
 *   links, sys:suspend/1, sys:terminate/2; 0 stands for ASM_RIGHT_ADMINISTER
 * @call: `{'$gen_call', From, Request}`; answer now or later with asm_procs_reply() (keep From
 *   with asm_term_new())
 * @down: a monitor of asm_server_monitor() has fired; it is gone
 * @exit: a linked process ended or somebody sent an exit signal; the link is gone
 * @get_state: what sys:get_state/1 answers; NULL: the atom `nil`
 * @terminate: the server has ended with @reason: it has no pid, name, link or monitor any more
 * @finalize: nobody holds the memory any more
 */
typedef struct {
        const char *module;
        gboolean traps_exits;
        gboolean is_permanent;
        guint mail_right;
        guint end_right;
        void (*call)(AsmServer *server, AsmView from, AsmView request);
        void (*cast)(AsmServer *server, AsmView request);
        void (*info)(AsmServer *server, AsmView message);
        void (*down)(AsmServer *server, const AsmRef *ref, AsmView reason);
        void (*exit)(AsmServer *server, const AsmPid *from, AsmView reason);
        void (*get_state)(AsmServer *server, AsmBuilder *builder);
        void (*terminate)(AsmServer *server, AsmView reason);
        void (*finalize)(AsmServer *server);
} AsmServerClass;

typedef struct _AsmMail AsmMail;

/* the first member of every server's struct */
struct _AsmServer {
        /*< private >*/
        const AsmServerClass *klass;
        AsmProcs *procs; /* NULL: not started, or ended */
        guint ref_count;
        guint32 id;
        guint32 serial;
        guint n_mail;
        AsmMail *first;
        AsmMail *last;
        GSource *source;     /* attached while there is mail */
        GRefString *origin;  /* see asm_server_get_origin() */
        AsmMail *held_first; /* what waits for sys:resume/1 */
        AsmMail *held_last;
        guint n_held;
        gboolean is_overfull; /* and that has been said */
        gboolean is_suspended;
        char *name;
        GHashTable *links;    /* AsmPid -> Linked; NULL while there is none */
        GHashTable *monitors; /* AsmRef -> Monitored: whom we watch */
        GHashTable *watchers; /* AsmRef -> Watcher: who watches us */
};

/**
 * asm_server_start: gives @server a pid and a place in @procs
 * @server: zeroed memory that begins with an AsmServer; the caller holds the first reference
 */
void asm_server_start(AsmServer *server, const AsmServerClass *klass, AsmProcs *procs);
AsmServer *asm_server_ref(AsmServer *server);
void asm_server_unref(AsmServer *server);
/**
 * asm_server_stop: ends the server: links get an exit signal, monitors a DOWN, both with @reason;
 * unread mail is dropped; then klass->terminate. Nothing if it has ended before.
 */
void asm_server_stop(AsmServer *server, AsmView reason);
/* the same with an atom */
void asm_server_stop_atom(AsmServer *server, const char *reason);
gboolean asm_server_is_alive(const AsmServer *server);

/* (transfer full) through asm_pid_clear() */
AsmPid asm_server_get_pid(const AsmServer *server);
void asm_builder_server_pid(AsmBuilder *builder, const AsmServer *server);

/**
 * asm_server_get_origin: the node from whose link the message came that is being handled; NULL: from
 * this node. Borrowed, only inside @call, @cast and @info. What a message says of its sender is not
 * to be relied on, this is.
 */
GRefString *asm_server_get_origin(const AsmServer *server);
/* whether that node has @right */
gboolean asm_server_permits(const AsmServer *server, AsmRight right);

/* FALSE: the name is taken; a server has at most one */
gboolean asm_server_register(AsmServer *server, const char *name);

/**
 * asm_server_monitor: klass->down when @target (a pid) ends or its node goes away
 *
 * Without a link to the node the DOWN comes at once (from the main loop), reason noconnection.
 * Returns: (transfer full) through asm_ref_clear()
 */
AsmRef asm_server_monitor(AsmServer *server, const AsmPid *target);
/* no down for @ref after this, even if one is in the mailbox already */
void asm_server_demonitor(AsmServer *server, const AsmRef *ref);
/* links with a remote or local process; klass->exit (or the end) when it ends */
void asm_server_link(AsmServer *server, const AsmPid *target);
void asm_server_unlink(AsmServer *server, const AsmPid *target);
/* exit/2: an exit signal to @target */
void asm_server_exit(AsmServer *server, const AsmPid *target, AsmView reason);
