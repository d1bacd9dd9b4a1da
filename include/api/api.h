/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a peer can call, and nothing else: one table of functions with three faces. rpc and erpc come
 * as spawn requests for module `asm` or 'Elixir.ASM', gen_server calls come to the server `asm`.
 */

#include "session/session.h"

typedef struct _AsmApi AsmApi;

/**
 * asm_api_new: registers `asm`, `net_kernel` and `rex` and takes spawn requests
 * @manager: borrowed, outlives the API
 */
AsmApi *asm_api_new(AsmProcs *procs, AsmManager *manager);
void asm_api_free(AsmApi *api);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmApi, asm_api_free)
