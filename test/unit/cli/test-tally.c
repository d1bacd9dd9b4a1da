/* SPDX-License-Identifier: MIT */
#include "cli/tally-private.h"

#include "event/event.h"
#include "event/failure.h"
#include "term/reader.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(tally, .timeout = 300);

/* as the daemon sends it: a core event with the run around it */
static void
feed(AsmTally *tally, AsmEventKind kind, const char *key, const char *text)
{
        static const AsmEventFrame frame = { "r1", "s1", "claude", ASM_VIEW_NONE };
        g_auto(AsmBuilder) payload = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) core = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) event = ASM_BUILDER_INIT;
        AsmCoreEvent parts;

        asm_builder_payload_begin(&payload, kind, 1, ASM_VIEW_NONE);
        asm_builder_atom(&payload, key);
        asm_builder_text(&payload, text);
        asm_builder_core_event(&core,
                               &(AsmCoreEventSpec){ .kind = kind,
                                                    .provider = "claude",
                                                    .id = 1,
                                                    .sequence = 1,
                                                    .provider_session_id = "p1",
                                                    .payload = asm_builder_peek(&payload) });
        cr_assert(asm_core_event_from_view(asm_builder_peek(&core), &parts));
        asm_builder_event(&event, &frame, &parts, 1, 0);
        asm_tally_feed(tally, asm_builder_peek(&event));
}

static AsmFailure *
answered_failure(AsmTally *tally)
{
        g_autoptr(AsmTerm) answer = asm_tally_answer(tally, "r1", "s1", 7);
        AsmView reason;

        cr_assert(asm_view_get_tagged(asm_term_view(answer), "error", 2, &reason));
        return asm_failure_from_view(reason);
}

Test(tally, the_events_of_a_run_make_its_result)
{
        static const char *const keys[] = { "text",
                                            "run_id",
                                            "session_id",
                                            "session_id_from_cli",
                                            NULL };
        static const char *const wanted[] = { "Hello", "r1", "s1", "p1" };
        g_autoptr(AsmTally) tally = asm_tally_new();
        g_autoptr(AsmTerm) answer = NULL;
        AsmView result, values[4];

        feed(tally, ASM_EVENT_ASSISTANT_DELTA, "content", "Hel");
        feed(tally, ASM_EVENT_ASSISTANT_DELTA, "content", "lo");
        feed(tally, ASM_EVENT_RUN_COMPLETED, "status", "completed");
        answer = asm_tally_answer(tally, "r1", "s1", 7);

        cr_assert(asm_view_get_tagged(asm_term_view(answer), "ok", 2, &result));
        cr_assert_eq(asm_view_map_pick(result, keys, values), 4);
        for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
                g_autofree char *text = asm_view_dup_text(values[i], /* accept_atoms= */ FALSE);

                cr_expect_str_eq(text, wanted[i], "%s: %s", keys[i], text);
        }
}

Test(tally, an_error_event_makes_the_answer_an_error)
{
        g_autoptr(AsmTally) tally = asm_tally_new();
        g_autoptr(AsmFailure) failure = NULL;

        feed(tally, ASM_EVENT_ASSISTANT_DELTA, "content", "Hel");
        feed(tally, ASM_EVENT_ERROR, "code", "user_cancelled");
        failure = answered_failure(tally);

        cr_expect_eq(failure->kind, ASM_FAILURE_USER_CANCELLED);
}

Test(tally, a_run_that_is_over_without_a_last_event_is_an_error)
{
        for (guint n = 0; n <= 1; n++) {
                g_autoptr(AsmTally) tally = asm_tally_new();
                g_autoptr(AsmFailure) failure = NULL;

                if (n > 0)
                        feed(tally, ASM_EVENT_ASSISTANT_DELTA, "content", "Hel");
                failure = answered_failure(tally);

                cr_expect_eq(failure->kind, ASM_FAILURE_RUNTIME);
                cr_expect_not_null(strstr(failure->message, "no event tells how"));
        }
}

Test(tally, what_is_no_event_is_ignored)
{
        g_autoptr(AsmTally) tally = asm_tally_new();
        g_autoptr(AsmFailure) failure = NULL;
        g_auto(AsmBuilder) other = ASM_BUILDER_INIT;

        asm_builder_atom(&other, "tick");
        asm_tally_feed(tally, asm_builder_peek(&other));
        failure = answered_failure(tally);

        cr_expect_eq(failure->kind, ASM_FAILURE_RUNTIME);
}
