/* SPDX-License-Identifier: MIT */
#pragma once

/* A run on a remote node: its state, shared by remote-node.c (life) and remote-start.c (start). */

#include "backend/backend.h"

typedef enum {
        REMOTE_CONNECTING,
        REMOTE_PREFLIGHT,
        REMOTE_BOOTSTRAP,
        REMOTE_STARTING,
        REMOTE_ABANDONED, /* given up while starting: what the start still brings is closed */
        REMOTE_RUNNING,
        REMOTE_CLOSING, /* asked to end, waiting for the DOWN */
        REMOTE_OVER,
} AsmRemoteState;

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
        AsmTerm *surface;
        guint connect_timeout_ms;
        guint rpc_timeout_ms;
        gboolean ensure_started;

        AsmLink *link;
        guint check;      /* which check of the preflight is under way */
        guint64 rpc_call; /* 0: none */
        AsmTimer timer;   /* of the start, then of the close */
        gboolean has_raw_lines;
        AsmDecoder *decoder; /* only when the host ships raw lines */
        AsmRef ref;          /* of the subscription, and of the monitor */
        AsmRef monitor;
        AsmPid session; /* the remote session process */
        gboolean is_paused;
} AsmRemote;

/* the steps before the session runs; they end in asm_remote_running() or asm_remote_fail()
 * @cookie: (nullable): for this node, unless it has another one already, which is an error */
void asm_remote_begin(AsmRemote *self, const char *cookie);
/* the CLI's session exists: link, monitor, tell the run */
void asm_remote_running(AsmRemote *self, const AsmPid *session);
/* @failure: (transfer full) */
void asm_remote_fail(AsmRemote *self, AsmFailure *failure);
/* the session of a start that was given up: it is ended like any other */
void asm_remote_late(AsmRemote *self, const AsmPid *session);
/* nothing is left to wait for */
void asm_remote_over(AsmRemote *self);
