/* SPDX-License-Identifier: MIT */
#pragma once

/* How the daemon ends: in order, and within a time that is known. */

#include "api/api.h"

typedef struct _AsmShutdown AsmShutdown;

typedef struct {
        AsmProcs *procs;
        AsmManager *manager;
        AsmApi *api;
        guint grace_ms; /* for runs to finish by themselves */
} AsmShutdownContext;

/**
 * asm_shutdown_new: when the daemon is complete and has no sessions yet
 * @done: called once, from the main loop, when nothing is left to wait for
 */
AsmShutdown *asm_shutdown_new(const AsmShutdownContext *context,
                              void (*done)(gpointer user_data),
                              gpointer user_data);
void asm_shutdown_free(AsmShutdown *shutdown);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmShutdown, asm_shutdown_free)

void asm_shutdown_set_grace(AsmShutdown *shutdown, guint grace_ms);
/* how long it takes at most, from its beginning */
guint64 asm_shutdown_get_max_ms(const AsmShutdown *shutdown);
/* the first time it begins, the second time it no longer waits for runs, the third for nothing */
void asm_shutdown_hurry(AsmShutdown *shutdown);
