/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Calls of functions on peers, as erpc:call/5 makes them: a spawn request for
 * erpc:execute_call/4 and its exit reason as the answer (DIST.md B.5).
 */

#include "proc/error.h"
#include "proc/procs.h"

typedef struct _AsmRpc AsmRpc;

/**
 * AsmRpcFunc:
 * @value: what the function returned, valid during the call; unset with @error
 * @error: (nullable): %ASM_PROC_ERROR
 * @reason: with ASM_PROC_ERROR_EXCEPTION the reason term, else unset
 */
typedef void (*AsmRpcFunc)(AsmView value, const GError *error, AsmView reason, gpointer user_data);

/* one process for all calls of this node */
AsmRpc *asm_rpc_new(AsmProcs *procs);
/* calls under way are forgotten without a callback */
void asm_rpc_free(AsmRpc *rpc);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmRpc, asm_rpc_free)

/**
 * asm_rpc_call:
 * @link: to the peer
 * @args: a list term of @arity elements
 * @timeout_ms: 0: no limit
 *
 * Calls back exactly once, never before it returns, unless cancelled.
 * Returns: an id for asm_rpc_cancel(), never 0
 */
guint64 asm_rpc_call(AsmRpc *rpc,
                     AsmLink *link,
                     const char *module,
                     const char *function,
                     AsmView args,
                     guint timeout_ms,
                     AsmRpcFunc func,
                     gpointer user_data);
/* no callback any more; the function on the peer goes on */
void asm_rpc_cancel(AsmRpc *rpc, guint64 id);
