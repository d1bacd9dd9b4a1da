/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a peer can call, and nothing else: one table of functions with three faces. rpc and erpc come
 * as spawn requests for module `asm` or 'Elixir.ASM', gen_server calls come to the server `asm`.
 */

#include "session/session.h"

typedef struct _AsmApi AsmApi;

/**
 * AsmHostConfig: whether nodes with ASM_RIGHT_HOST may run CLIs here, as on a remote node of Elixir's
 *   ASM
 * @headless_timeout_ms: how long a CLI may run when nobody listens to it
 * @otp_release: (nullable): what a caller is told; NULL: the release of its own node
 */
typedef struct {
        gboolean is_enabled;
        guint max_sessions;
        guint headless_timeout_ms;
        char *otp_release;
} AsmHostConfig;

/**
 * asm_api_new: registers `asm`, `net_kernel` and `rex` and takes spawn requests
 * @manager: borrowed, outlives the API
 */
AsmApi *asm_api_new(AsmProcs *procs, AsmManager *manager);
void asm_api_free(AsmApi *api);
/* @config: copied. For calls from now on; without it this node hosts nothing. */
void asm_api_set_host(AsmApi *api, const AsmHostConfig *config);
/* appends what `config` tells of the configuration of this daemon, a map */
typedef void (*AsmApiConfigFunc)(AsmBuilder *out, gpointer user_data);
/* without @func `config` tells an empty map */
void asm_api_set_config_func(AsmApi *api, AsmApiConfigFunc func, gpointer user_data);
/* CLIs that run here for other nodes */
guint asm_api_count_hosted(AsmApi *api);
/* no new ones are started for other nodes any more */
void asm_api_drain_hosted(AsmApi *api);
/* ends them, reason `shutdown` */
void asm_api_stop_hosted(AsmApi *api);
/* a link is not busy any more, or gone */
void asm_api_drained(AsmApi *api);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmApi, asm_api_free)
