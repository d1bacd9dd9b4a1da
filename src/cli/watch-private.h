/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A run that somebody else has started, shown as `query` shows its own: what `attach` and `logs` have
 * in common. What a run has said is read in pages.
 */

#include "cli/known-run-private.h"
#include "cli/printer-private.h"
#include "cli/tally-private.h"

typedef struct {
        AsmCli *cli;
        AsmKnownRun run;
        AsmEventPrinter printer;
        AsmTally *tally;
        gint64 next;         /* the sequence of the event that comes next */
        gboolean is_partial; /* not all of its events have been shown */
        gboolean has_left;   /* nobody wants more of it */
} AsmWatch;

/* options of the commands */
typedef struct {
        gboolean from_now;
        gboolean is_verbose;
        char *session;
} AsmWatchOptions;

/* connects and finds the run; errors of asm_known_run_find() */
gboolean asm_watch_init(AsmWatch *watch,
                        AsmCli *cli,
                        const AsmWatchOptions *options,
                        const char *name,
                        GError **error);
void asm_watch_clear(AsmWatch *watch);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmWatch, asm_watch_clear)

/* @event: printed and remembered, unless it has been before: FALSE */
gboolean asm_watch_feed(AsmWatch *watch, AsmView event);
/* says that @n events are not kept any more, if it is not 0 */
void asm_watch_missed(AsmWatch *watch, gint64 n);
/* feeds what the daemon has from watch->next on, until there is no more or has_left is set */
gboolean asm_watch_read(AsmWatch *watch, GError **error);
/* asks how the run is now */
gboolean asm_watch_refresh(AsmWatch *watch, AsmTerm **ret_info, GError **error);
/**
 * asm_watch_finish: the run is over: prints its end, as `query` does
 *
 * FALSE and @error: how it went wrong, with the exit code of a query
 */
gboolean asm_watch_finish(AsmWatch *watch, GError **error);
