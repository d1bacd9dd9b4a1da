/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A run on a remote node: its state, shared by remote-node.c (life), remote-start.c (start),
 * remote-control.c (what is asked of the session) and remote-flow.c (while the run is paused).
 */

#include "backend/backend.h"

typedef enum {
        REMOTE_CONNECTING,
        REMOTE_PREFLIGHT,
        REMOTE_BOOTSTRAP,
        REMOTE_STARTING,
        REMOTE_ABANDONED, /* given up while starting: what the start still brings is closed */
        REMOTE_RUNNING,
        REMOTE_DRAINING, /* the session is over, but what it has said is not yet told */
        REMOTE_GRACE,    /* closed by the run: it may still end by itself */
        REMOTE_CLOSING,  /* asked to end, waiting for the DOWN */
        REMOTE_OVER,
} AsmRemoteState;

/* what a session is asked to do, each a gen_server call */
typedef enum {
        ASM_REMOTE_INTERRUPT,
        ASM_REMOTE_END_INPUT,
        ASM_REMOTE_SEND,
} AsmRemoteControl;

typedef struct {
        AsmServer server; /* the subscriber of the remote session */
        AsmBackend backend;
        AsmBackendContext context;
        AsmRemoteState state;

        const AsmProvider *provider;
        char *node;
        char *run_id;
        char *session_id;
        char *prompt;
        char *cwd;
        char *cli_path;
        AsmTerm *options;
        AsmTerm *metadata;
        AsmTerm *surface;
        guint connect_timeout_ms;
        guint rpc_timeout_ms;
        guint call_timeout_ms; /* 0: no limit */
        gboolean ensure_started;

        AsmLink *link;
        guint check;      /* which check of the preflight is under way */
        guint64 rpc_call; /* 0: none */
        AsmTimer timer;   /* of the start, then of the close */
        gboolean has_raw_lines;
        gboolean takes_decisions; /* the host answers the CLI's approvals itself */
        AsmDecoder *decoder;      /* only when the host ships raw lines */
        AsmRef ref;               /* of the subscription, and of the monitor */
        AsmLineRules rules;
        AsmRef monitor;
        AsmPid session; /* the remote session process */
        GQueue calls;   /* owned: control calls without an answer */
        gboolean is_interrupted;
        guint grace_ms; /* of a start that was closed before it was over */

        gboolean is_paused;      /* by the run */
        gboolean takes_pauses;   /* the host can be asked to wait */
        gboolean is_host_paused; /* it has been */
        GQueue held;             /* owned: payloads that the run has not been told yet */
        AsmTimer drain;
        AsmTerm *end_reason; /* of the session, to be told after what is held; NULL: none */
} AsmRemote;

/* the steps before the session runs; they end in asm_remote_running() or asm_remote_fail()
 * @cookie: (nullable): for this node, unless it has another one already, which is an error */
void asm_remote_begin(AsmRemote *self, const char *cookie);
/* the CLI's session exists: link, monitor, tell the run */
void asm_remote_running(AsmRemote *self, const AsmPid *session);
/* @failure: (transfer full) */
void asm_remote_fail(AsmRemote *self, AsmFailure *failure);
/* the session of a start that was given up: it is interrupted and ended like any other */
void asm_remote_late(AsmRemote *self, const AsmPid *session);
/* it does not do what the run needs: the run fails with @failure (transfer none) and closes it */
void asm_remote_lost(AsmRemote *self, const AsmFailure *failure);
/* it gets no more time to end by itself */
void asm_remote_end_grace(AsmRemote *self);
/* hands a payload of the session on to the run */
void asm_remote_deliver(AsmRemote *self, AsmView payload);
/* everything has been told: the end of the session is, too */
void asm_remote_ended(AsmRemote *self);
/* the words at the end of a reference say which it is, in any encoding */
gboolean asm_remote_is_ref(const AsmRef *ref, AsmView view);

/* remote-control.c */
/* @data: of a send; nothing while no session runs */
void asm_remote_control(AsmRemote *self, AsmRemoteControl what, AsmView data);
/* TRUE: @message was the answer to a control call */
gboolean asm_remote_answered(AsmRemote *self, AsmView message);
/* nobody waits for their answers any more */
void asm_remote_drop_calls(AsmRemote *self);
/* nothing is left to wait for */
void asm_remote_over(AsmRemote *self);

/* remote-flow.c */
void asm_remote_init_flow(AsmRemote *self);
/* TRUE: what the session says now has to be held */
gboolean asm_remote_is_holding(const AsmRemote *self);
void asm_remote_hold(AsmRemote *self, AsmView payload);
void asm_remote_hold_end(AsmRemote *self, AsmView reason);
void asm_remote_set_paused(AsmRemote *self, gboolean is_paused);
/* nobody listens any more: what is held is dropped, and nothing is held again */
void asm_remote_end_flow(AsmRemote *self);
