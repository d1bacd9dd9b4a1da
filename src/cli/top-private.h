/* SPDX-License-Identifier: MIT */
#pragma once

/* What `top` shows, as lines. */

#include "term/term.h"

/* what has been seen last, for what is told per second */
typedef struct {
        gint64 events;
        gint64 uptime_ms; /* 0: nothing yet */
} AsmTopSample;

/**
 * asm_top_lines: (transfer full): owned texts, made safe, not cut
 * @status: as of the function status
 * @reply: as of list_runs, of active runs
 * @sample: of the frame before; becomes that of this one. Without one, events per second are those
 *   since the daemon's start
 */
GPtrArray *asm_top_lines(AsmView status, AsmView reply, AsmTopSample *sample);
