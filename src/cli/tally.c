/* SPDX-License-Identifier: MIT */

/*
 * A query is answered with its result; resume_run only with the run's id, and the result has to be
 * made from the events. That is what the daemon does itself, with the same reducer, and the same
 * events give the same result: an ASM event has the fields of the core event that it wraps, with
 * the run's metadata already merged in, so it is fed as it is.
 *
 * The limit of a result is the daemon's. When it is reached, or the session is stopped, the run is
 * over without an event that says so: then all that can be said is that it has ended.
 */

#include "cli/tally-private.h"

#include "result/reducer.h"
#include "term/reader.h"

struct _AsmTally {
        AsmReducer *reducer; /* NULL before the first event */
};

AsmTally *
asm_tally_new(void)
{
        return g_new0(AsmTally, 1);
}

void
asm_tally_free(AsmTally *tally)
{
        if (tally == NULL)
                return;
        asm_reducer_free(tally->reducer);
        g_free(tally);
}

void
asm_tally_feed(AsmTally *tally, AsmView event)
{
        g_autofree char *provider = NULL;
        AsmCoreEvent core;

        if (!asm_core_event_from_view(event, &core))
                return;
        if (tally->reducer == NULL) {
                provider = asm_view_is_set(core.provider) ? asm_view_dup_atom(core.provider) : NULL;
                tally->reducer =
                        asm_reducer_new(provider != NULL ? provider : "unknown", G_MAXSIZE / 2);
        }
        asm_reducer_feed(tally->reducer, &core);
}

AsmTerm *
asm_tally_answer(AsmTally *tally, const char *run_id, const char *session_id, gint64 elapsed_ms)
{
        const AsmReducer *reducer = tally->reducer;
        g_autoptr(AsmFailure) unknown = NULL;
        const AsmFailure *failure = NULL;
        g_auto(AsmBuilder) answer = ASM_BUILDER_INIT;

        if (reducer == NULL || !asm_run_status_is_final(asm_reducer_get_status(reducer)))
                failure = unknown = asm_failure_new(
                        ASM_FAILURE_RUNTIME,
                        ASM_DOMAIN_RUNTIME,
                        "the run is over, but no event tells how: its session was stopped, or its "
                        "result became too large");
        else
                failure = asm_reducer_get_failure(reducer);
        asm_builder_tuple(&answer, 2);
        if (failure != NULL) {
                asm_builder_atom(&answer, "error");
                asm_builder_failure(&answer, failure);
        } else {
                asm_builder_atom(&answer, "ok");
                asm_builder_result(&answer, reducer, run_id, session_id, ASM_VIEW_NONE, elapsed_ms);
        }
        return asm_builder_end(&answer);
}
