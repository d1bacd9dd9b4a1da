/* SPDX-License-Identifier: MIT */
#pragma once

/* The composition root: builds the rooms bottom-up, runs the loop, takes them down again. */

#include "daemon/config.h"

typedef struct _AsmDaemon AsmDaemon;

/* Errors: ASM_NODE_ERROR_COOKIE_FILE */
AsmDaemon *asm_daemon_new(const AsmConfig *config, GError **error);
void asm_daemon_free(AsmDaemon *daemon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmDaemon, asm_daemon_free)

/**
 * asm_daemon_run: until SIGTERM or SIGINT, or until the node cannot be started
 *
 * Prints `ready NODE` on stdout when peers are accepted.
 * Errors: ASM_NODE_ERROR_LISTEN, _EPMD, _NAME_TAKEN
 */
gboolean asm_daemon_run(AsmDaemon *daemon, GError **error);
