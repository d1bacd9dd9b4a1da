/* SPDX-License-Identifier: MIT */
#pragma once

/* The events of a run as they come, for people (text, lines) or programs (JSON). */

#include "cli/live-private.h"
#include "cli/output-private.h"

typedef enum {
        ASM_PRINT_TEXT,  /* the assistant's text; tool calls and the like as notes */
        ASM_PRINT_LINES, /* every event as one line */
        ASM_PRINT_JSON,  /* every event as one line of JSON */
} AsmPrintForm;

typedef struct {
        AsmOutput *output;
        AsmPrintForm form;
        guint n_events;
        gboolean is_verbose; /* ASM_PRINT_TEXT: thinking, too, and notes as long as they are */
        gboolean is_still;   /* what is printed has been before: nothing moves */
        gboolean hides_text; /* ASM_PRINT_TEXT: only what happens besides */
        /*< private >*/
        AsmLive *live;      /* NULL: no terminal that could show it, or not begun */
        gsize streamed_len; /* of the deltas since the last whole message */
        guint64 streamed_hash;
        gboolean was_interrupted; /* something else happened since the last text */
} AsmEventPrinter;

/* @output: borrowed */
void asm_event_printer_init(AsmEventPrinter *printer, AsmOutput *output, AsmPrintForm form);
/* shows on a terminal that something is going on, until asm_event_printer_end() */
void asm_event_printer_begin(AsmEventPrinter *printer);
/* the run began at @started_us of the daemon's clock, and goes on for @duration_ms now */
void asm_event_printer_set_clock(AsmEventPrinter *printer, gint64 started_us, gint64 duration_ms);
/* @event: an ASM.Event; anything else is ignored */
void asm_event_printer_feed(AsmEventPrinter *printer, AsmView event);
/* the text is complete */
void asm_event_printer_end(AsmEventPrinter *printer);
