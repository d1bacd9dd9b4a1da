/* SPDX-License-Identifier: MIT */
#pragma once

/* The runs that the daemon knows of, and the one that a command line means. */

#include "cli/cli-private.h"
#include "cli/table-private.h"

/* what is told of a run; ids are owned */
typedef struct {
        char *run_id;
        char *session_id;
        char *status;
        gint64 started_us;  /* wall clock of the daemon; 0: not yet */
        gint64 duration_ms; /* -1: it has not begun */
        gint64 events;
        gint64 sequence; /* of its last event */
        gint64 missing;  /* how many of its first events are not kept */
} AsmKnownRun;

/* @facts: as of run_info; what is not told is 0 or "" */
void asm_known_run_read(AsmView facts, AsmKnownRun *ret_run);
void asm_known_run_clear(AsmKnownRun *run);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmKnownRun, asm_known_run_clear)
gboolean asm_known_run_is_over(const AsmKnownRun *run);

/**
 * asm_known_run_find: connects, and looks for the run whose id is @name, or begins with it
 * @ret_info: as of run_info; borrowed from the returned term
 *
 * Returns: (transfer full): NULL with ASM_CLI_ERROR_NOT_FOUND; ASM_CLI_ERROR_USAGE if there are
 *   several, with their ids
 */
AsmTerm *asm_known_run_find(AsmCli *cli, const char *name, AsmView *ret_info, GError **error);

/* appends [#{...}] for list_runs; what is NULL or 0 is left out */
void asm_known_run_put_filter(AsmBuilder *args,
                              const char *prefix,
                              const char *session,
                              const char *state,
                              guint limit);
/* @runs: a list of facts */
AsmTable *asm_known_run_table(AsmView runs);
