/* SPDX-License-Identifier: MIT */

/*
 * Taking part in runs: approvals, pause, and going on where a run ended.
 *
 * An approval is found by its id among the active runs: it belongs to a run and ends with it. A
 * checkpoint is where the provider's own conversation stands; a resumed run gives its id to the
 * provider and is otherwise a run like any other.
 */

#include "session-private.h"

#include "term/print.h"
#include "term/reader.h"

static AsmRun *
find_waiting_run(const AsmSession *session, const char *approval_id)
{
        for (guint i = 0; session->active != NULL && i < session->active->len; i++) {
                AsmRun *run = g_ptr_array_index(session->active, i);

                if (asm_run_has_approval(run, approval_id))
                        return run;
        }
        return NULL;
}

gboolean
asm_session_approve(AsmSession *session,
                    const char *approval_id,
                    gboolean allow,
                    AsmFailure **ret_failure)
{
        AsmRun *run = find_waiting_run(session, approval_id);

        if (run != NULL && asm_run_approve(run, approval_id, allow, /* reason= */ NULL))
                return TRUE;
        *ret_failure = asm_failure_new(
                ASM_FAILURE_UNKNOWN,
                ASM_DOMAIN_APPROVAL,
                "no run of session %s waits for approval '%s': it was answered, timed out, or never asked for",
                session->id,
                approval_id);
        return FALSE;
}

void
asm_builder_session_approvals(AsmBuilder *builder, const AsmSession *session)
{
        AsmBuilderMark mark = asm_builder_list_begin(builder);
        guint n = 0;

        for (guint i = 0; session->active != NULL && i < session->active->len; i++) {
                const AsmRun *run = g_ptr_array_index(session->active, i);

                n += asm_run_count_approvals(run);
                asm_builder_run_approvals(builder, run);
        }
        asm_builder_list_end(builder, mark, n);
}

static AsmRun *
find_active(const AsmSession *session, const char *run_id)
{
        for (guint i = 0; session->active != NULL && i < session->active->len; i++) {
                AsmRun *run = g_ptr_array_index(session->active, i);

                if (g_strcmp0(asm_run_get_id(run), run_id) == 0)
                        return run;
        }
        return NULL;
}

static gboolean
interrupt_active(AsmSession *session,
                 const char *run_id,
                 const char *why,
                 AsmFailure **ret_failure)
{
        AsmRun *run = find_active(session, run_id);

        if (run == NULL) {
                *ret_failure = asm_failure_new(ASM_FAILURE_UNKNOWN,
                                               ASM_DOMAIN_RUNTIME,
                                               "session %s has no active run %s",
                                               session->id,
                                               run_id);
                return FALSE;
        }
        asm_run_interrupt(run, why);
        return TRUE;
}

gboolean
asm_session_pause(AsmSession *session, const char *run_id, AsmFailure **ret_failure)
{
        return interrupt_active(session, run_id, "Run paused", ret_failure);
}

const AsmTerm *
asm_session_get_checkpoint(AsmSession *session)
{
        for (guint i = 0; session->active != NULL && i < session->active->len; i++)
                asm_session_take_checkpoint(session, g_ptr_array_index(session->active, i));
        return session->checkpoint;
}

/* (transfer full): the provider's session id in a checkpoint, a map like one, or itself */
static char *
dup_provider_session_id(AsmView continuation)
{
        AsmView id = continuation;

        if (asm_view_kind(continuation) == ASM_KIND_MAP &&
            !asm_view_option_get(continuation, "provider_session_id", &id))
                return NULL;
        return asm_view_dup_text(id, /* accept_atoms= */ FALSE);
}

static gboolean
can_resume(const AsmProvider *provider)
{
        return g_strv_contains(provider->capabilities, "resume");
}

AsmRun *
asm_session_resume(AsmSession *session, const AsmSubmission *submission, AsmFailure **ret_failure)
{
        const AsmTerm *checkpoint = asm_session_get_checkpoint(session);
        AsmSubmission resumed = *submission;
        g_autofree char *id = NULL;
        AsmView continuation;

        if (asm_view_is_set(submission->options) &&
            asm_view_option_get(submission->options, "continuation", &continuation))
                id = dup_provider_session_id(continuation);
        else if (checkpoint != NULL)
                id = dup_provider_session_id(asm_term_view(checkpoint));
        if (id == NULL || !can_resume(session->provider)) {
                *ret_failure = asm_failure_new(
                        ASM_FAILURE_CONFIG_INVALID,
                        ASM_DOMAIN_CONFIG,
                        can_resume(session->provider)
                                ? "session %s has no checkpoint to resume from: no run of it has got a provider session id; give the option continuation"
                                : "session %s cannot resume: its provider's CLI does not take up earlier conversations",
                        session->id);
                return NULL;
        }
        resumed.resume = id;
        return asm_session_submit(session, &resumed, ret_failure);
}

AsmRun *
asm_session_intervene(AsmSession *session,
                      const char *run_id,
                      const AsmSubmission *submission,
                      AsmFailure **ret_failure)
{
        if (find_active(session, run_id) != NULL && asm_session_get_checkpoint(session) == NULL) {
                *ret_failure = asm_failure_new(
                        ASM_FAILURE_CONFIG_INVALID,
                        ASM_DOMAIN_CONFIG,
                        "run %s cannot be intervened yet: it has no checkpoint to resume from",
                        run_id);
                return NULL;
        }
        if (!interrupt_active(session, run_id, "Run interrupted for an intervention", ret_failure))
                return NULL;
        return asm_session_resume(session, submission, ret_failure);
}

void
asm_builder_submitted(AsmBuilder *builder, const AsmRun *run)
{
        if (run == NULL)
                return;
        asm_builder_tuple(builder, 3);
        asm_builder_atom(builder, "ok");
        asm_builder_text(builder, asm_run_get_id(run));
        if (asm_run_is_started(run))
                asm_builder_run_pid(builder, run);
        else
                asm_builder_atom(builder, "queued");
}

void
asm_builder_checkpoint(AsmBuilder *builder, AsmSession *session)
{
        const AsmTerm *checkpoint = asm_session_get_checkpoint(session);

        asm_builder_tuple(builder, 2);
        asm_builder_atom(builder, "ok");
        if (checkpoint != NULL)
                asm_builder_term(builder, checkpoint);
        else
                asm_builder_nil_atom(builder);
}
