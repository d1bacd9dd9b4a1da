/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A caller of the API from outside: a small hidden node of its own that connects to a daemon, makes
 * gen_server calls to its server `asm`, and receives run events. What asmctl is made of.
 */

#include "event/failure.h"
#include "node/error.h"
#include "node/tls.h"
#include "proc/error.h"
#include "proc/procs.h"
#include "term/builder.h"

#include <gio/gio.h>

typedef struct _AsmClient AsmClient;

typedef struct {
        const char *node;        /* the daemon: "asmd@host" */
        const char *cookie_file; /* nullable: ~/.erlang.cookie */
        const AsmTlsConfig *tls; /* nullable; nothing set in it: a plain connection */
        guint16 epmd_port;       /* 0: ERL_EPMD_PORT or 4369 */
} AsmClientConfig;

/**
 * AsmClientListener: called from the main loop; each may be NULL
 * @event: an ASM.Event of run @run_id
 * @lagged: we were too slow, which @error tells (an ASM.Error): of this run only `done` follows
 * @done: the last message of a run
 * @lost: the connection is gone; nothing follows
 */
typedef struct {
        void (*event)(const char *run_id, AsmView event, gpointer user_data);
        void (*lagged)(const char *run_id, AsmView error, gpointer user_data);
        void (*done)(const char *run_id, gpointer user_data);
        void (*lost)(gpointer user_data);
} AsmClientListener;

/* Errors: ASM_NODE_ERROR_NAME, ASM_NODE_ERROR_COOKIE_FILE, ASM_NODE_ERROR_TLS */
AsmClient *asm_client_new(const AsmClientConfig *config,
                          const AsmClientListener *listener,
                          gpointer user_data,
                          GError **error);
/**
 * asm_client_new_local: a caller of the API that is in this program: connected from the start
 * @procs: borrowed, outlives the client: where the server `asm` is
 */
AsmClient *asm_client_new_local(AsmProcs *procs,
                                const AsmClientListener *listener,
                                gpointer user_data);
void asm_client_free(AsmClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmClient, asm_client_free)

/* Errors: ASM_NODE_ERROR_*, as asm_node_connect_finish() */
void asm_client_connect_async(AsmClient *client,
                              guint timeout_ms,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean asm_client_connect_finish(AsmClient *client, GAsyncResult *result, GError **error);

/**
 * asm_client_call_async: gen_server:call({asm, Node}, {Function, Args})
 * @args: a list term
 * @timeout_ms: 0: no limit
 *
 * asm_client_call_finish() returns (transfer full) what the function returned ({ok, _}, {error, _},
 * ...: any term), or NULL with ASM_PROC_ERROR_TIMEOUT or ASM_PROC_ERROR_NO_CONNECTION.
 */
void asm_client_call_async(AsmClient *client,
                           const char *function,
                           AsmView args,
                           guint timeout_ms,
                           GAsyncReadyCallback callback,
                           gpointer user_data);
AsmTerm *asm_client_call_finish(AsmClient *client, GAsyncResult *result, GError **error);

/* appends the pid that receives events: for the option `subscriber` */
void asm_builder_client_pid(AsmBuilder *builder, AsmClient *client);
/* the daemon's node name */
const char *asm_client_get_node(AsmClient *client);
