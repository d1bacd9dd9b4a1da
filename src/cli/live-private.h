/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What an agent does, on a terminal: tool calls with a spinner until they have ended, thinking in a
 * line, and at the bottom the time and what has been used. The text is the printer's.
 */

#include "cli/output-private.h"
#include "event/event.h"

typedef struct _AsmLive AsmLive;

/* @output: borrowed, with is_live set; @is_still: nothing moves, only what has ended is shown */
AsmLive *asm_live_new(AsmOutput *output, gboolean is_verbose, gboolean is_still);
/* erases what moves; tools without a result are said to have none */
void asm_live_free(AsmLive *live);

/* the run began at @started_us, and where that was told it is @now_us */
void asm_live_set_clock(AsmLive *live, gint64 started_us, gint64 now_us);

/* text is going to be printed: what was thought before it is said first */
void asm_live_before_text(AsmLive *live);

/**
 * asm_live_feed:
 * @payload: of an event of @kind
 * @event_us: its time; 0: not known
 *
 * Returns: TRUE: it has been shown, and nothing else need be said about it
 */
gboolean asm_live_feed(AsmLive *live, AsmEventKind kind, AsmView payload, gint64 event_us);
