/* SPDX-License-Identifier: MIT */
#pragma once

/* The answer of a run that is known by its events only. */

#include "term/builder.h"

typedef struct _AsmTally AsmTally;

AsmTally *asm_tally_new(void);
void asm_tally_free(AsmTally *tally);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmTally, asm_tally_free)

/* @event: an ASM.Event; anything else is ignored */
void asm_tally_feed(AsmTally *tally, AsmView event);

/**
 * asm_tally_answer: (transfer full): `{ok, ASM.Result}` or `{error, ASM.Error}`, as a query's
 *
 * To be asked for when the last event has been fed. No event that ends the run is an error, too.
 */
AsmTerm *asm_tally_answer(AsmTally *tally,
                          const char *run_id,
                          const char *session_id,
                          gint64 elapsed_ms);
