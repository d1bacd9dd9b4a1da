/* SPDX-License-Identifier: MIT */
#pragma once

/* The composition root: builds the rooms bottom-up, runs the loop, takes them down again. */

#include "daemon/config.h"

typedef struct _AsmDaemon AsmDaemon;

/* Errors: ASM_NODE_ERROR_COOKIE_FILE, _TLS */
AsmDaemon *asm_daemon_new(const AsmConfig *config, GError **error);
/**
 * asm_daemon_new_with_cookie: the same, without a look at the cookie's file
 *
 * As long as asm_daemon_run() is not called it neither listens nor is known to epmd, but it runs
 * sessions for those in the same program and connects to the nodes that these need: what is left is
 * to turn the default main context. Errors: ASM_NODE_ERROR_TLS
 */
AsmDaemon *asm_daemon_new_with_cookie(const AsmConfig *config, const char *cookie, GError **error);
void asm_daemon_free(AsmDaemon *daemon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmDaemon, asm_daemon_free)

/* borrowed: where its processes are; the server `asm` is one of them */
AsmProcs *asm_daemon_get_procs(AsmDaemon *daemon);
/* (transfer full): what it counts, see asm_metrics_to_text() */
char *asm_daemon_make_metrics(AsmDaemon *daemon);

/**
 * asm_daemon_set_reload_func: @func is called from the main loop on each SIGHUP
 */
void asm_daemon_set_reload_func(AsmDaemon *daemon,
                                void (*func)(gpointer user_data),
                                gpointer user_data);
/* @func appends what is answered to who asks for the configuration, as asm_config_tell() does */
void asm_daemon_set_config_func(AsmDaemon *daemon, AsmApiConfigFunc func, gpointer user_data);
/**
 * asm_daemon_use_service_manager: what the one that has started this program has passed is used, and it
 *   is told what becomes of the daemon: see sd_notify(3), sd_listen_fds(3)
 *
 * Takes variables out of the environment; before asm_daemon_run(), and not for a daemon inside of another
 * program.
 */
void asm_daemon_use_service_manager(AsmDaemon *daemon);

/* takes over what a running daemon can: limits of sessions and runs, peers and
 * their rights, defaults, the grace of its end */
void asm_daemon_reconfigure(AsmDaemon *daemon, const AsmConfig *config);

/**
 * asm_daemon_run: until SIGTERM or SIGINT have ended it, or until the node cannot be started
 *
 * The first signal lets runs finish for shutdown_grace_ms, the second interrupts them, the third
 * ends the daemon at once.
 *
 * Prints `ready NODE` on stdout when peers are accepted.
 * Errors: ASM_NODE_ERROR_LISTEN, _EPMD, _NAME_TAKEN
 */
gboolean asm_daemon_run(AsmDaemon *daemon, GError **error);
