/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where a run executes. A backend starts a provider CLI somewhere, hands on its events and ends
 * it; the run that owns it cannot tell the kinds apart.
 */

#include "event/failure.h"
#include "proc/rpc.h"
#include "provider/provider.h"

typedef struct _AsmBackend AsmBackend;

/**
 * AsmBackendListener: called from the main loop, never from inside a function of this room
 * @started: the CLI runs, or is about to
 * @event: a core event; borrowed
 * @failed: it could not be started, or the CLI did not get its input; nothing follows
 * @ended: it is over, with an exit reason (`normal` when the CLI has ended by itself); nothing follows
 */
typedef struct {
        void (*started)(gpointer user_data);
        void (*event)(AsmView core_event, gpointer user_data);
        void (*failed)(const AsmFailure *failure, gpointer user_data);
        void (*ended)(AsmView reason, gpointer user_data);
} AsmBackendListener;

typedef struct {
        const AsmProvider *provider;
        const char *run_id;
        const char *session_id;
        const char *prompt;
        const char *cwd;      /* nullable: where the CLI works */
        const char *cli_path; /* nullable: its executable */
        AsmView options;      /* the provider's options: a keyword list */
        AsmView metadata;     /* the run's metadata: a map; a remote host is told it */
        AsmView surface;      /* the execution surface struct */
        /* local only: somebody decides about the CLI's approvals, see AsmProviderLaunch */
        gboolean answers_approvals;

        /* remote only */
        const char *node;
        const char *cookie; /* nullable */
        guint connect_timeout_ms;
        guint rpc_timeout_ms;
        /* for control calls: interrupt, input; 0: no limit. An interrupt without a good answer costs
         * the session its grace, input without one costs the run: it fails as transport_error */
        guint call_timeout_ms;
        gboolean ensure_started;
} AsmBackendSpec;

typedef struct {
        AsmProcs *procs;
        AsmRpc *rpc;
} AsmBackendContext;

typedef struct {
        const char *name; /* "local", "kit", "remote_node" */
        AsmBackend *(*start)(const AsmBackendContext *context,
                             const AsmBackendSpec *spec,
                             const AsmBackendListener *listener,
                             gpointer user_data);
        void (*send_input)(AsmBackend *backend, const char *data, gsize len);
        void (*end_input)(AsmBackend *backend);
        void (*approve)(AsmBackend *backend,
                        const char *approval_id,
                        gboolean allow,
                        const char *reason);
        /* SIGINT to the CLI, or to one that is about to start as soon as it has; close() follows */
        void (*interrupt)(AsmBackend *backend);
        /* (transfer full) of @backend: no callback any more; the CLI ends wherever it is, by itself
         * within @grace_ms or else by force */
        void (*close)(AsmBackend *backend, guint grace_ms);
        /* stops and resumes what feeds events, for a subscriber that does not keep up */
        void (*set_paused)(AsmBackend *backend, gboolean is_paused);
} AsmBackendClass;

struct _AsmBackend {
        const AsmBackendClass *klass;
        const AsmBackendListener *listener; /* NULL once closed */
        gpointer user_data;
        /* approve() does not write what the CLI itself wants to read: the run sends it as input */
        gboolean wants_approval_lines;
};

/* a child process of this program; of the context it needs nothing */
extern const AsmBackendClass asm_backend_local;
/* likewise: the provider's kit (backend/kit.h), which speaks the protocol of doc/kits.md */
extern const AsmBackendClass asm_backend_kit;
extern const AsmBackendClass asm_backend_remote_node;

/**
 * asm_backend_local_kill_all: SIGKILL to the group of every local CLI that still has one
 *
 * For the end of the program, when no main loop runs any more that could give them their time.
 */
void asm_backend_local_kill_all(void);
/* how many local CLIs, or groups that they left, are not gone yet */
guint asm_backend_local_count(void);

/**
 * asm_backend_local_raise_limits: as many descriptors as this program may have
 *
 * A local CLI takes six at its start and five while it runs; the usual limit of 1024 is reached by two
 * hundred. CLIs get the limit that this program was started with. To be called once, at the start.
 */
void asm_backend_local_raise_limits(void);
