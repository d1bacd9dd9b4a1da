/* SPDX-License-Identifier: MIT */
#pragma once

/* A TCP connection to a port of a host, which nodes and their epmd have one name for. */

#include <gio/gio.h>

/**
 * asm_reach_async:
 * @host: a name, or an IPv4 address
 *
 * asm_reach_finish() returns the connection, (transfer full), or NULL with an error of GIO.
 */
void asm_reach_async(const char *host,
                     guint16 port,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer user_data);
GSocketConnection *asm_reach_finish(GAsyncResult *result, GError **error);
