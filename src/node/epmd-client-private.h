/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The conversation with epmd: one connection that keeps our name registered for as long as the
 * node lives, made anew whenever it is lost; and short ones that ask where a peer listens.
 */

#include "base/timers.h"

#include <gio/gio.h>

typedef struct _AsmEpmdClient AsmEpmdClient;

/* @start: run `epmd -daemon` when nothing answers on @port */
AsmEpmdClient *asm_epmd_client_new(guint16 port, gboolean start, AsmTimers *timers);
void asm_epmd_client_free(AsmEpmdClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmEpmdClient, asm_epmd_client_free)

/**
 * asm_epmd_client_register_async:
 * @alive: the node's name without its host
 *
 * asm_epmd_client_register_finish() returns the creation that epmd gave, or 0 with
 * ASM_NODE_ERROR_EPMD or _NAME_TAKEN. After a success losses are healed silently.
 */
void asm_epmd_client_register_async(AsmEpmdClient *client,
                                    const char *alive,
                                    guint16 listen_port,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
guint32 asm_epmd_client_register_finish(GAsyncResult *result, GError **error);

/**
 * asm_epmd_lookup_async: where @peer ("alive@host") listens
 *
 * asm_epmd_lookup_finish() returns the port, or 0 with ASM_NODE_ERROR_EPMD (no epmd on the host)
 * or _UNKNOWN_NODE.
 */
void asm_epmd_lookup_async(const char *peer,
                           guint16 epmd_port,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data);
guint16 asm_epmd_lookup_finish(GAsyncResult *result, GError **error);
