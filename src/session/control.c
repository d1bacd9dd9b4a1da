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
        *ret_failure = asm_failure_new(ASM_FAILURE_UNKNOWN,
                                       ASM_DOMAIN_APPROVAL,
                                       "no run of session %s waits for approval '%s': it was "
                                       "answered, timed out, or never asked for",
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

static void
no_active_run(const AsmSession *session, const char *run_id, AsmFailure **ret_failure)
{
        *ret_failure = asm_failure_new(ASM_FAILURE_UNKNOWN,
                                       ASM_DOMAIN_RUNTIME,
                                       "session %s has no active run %s",
                                       session->id,
                                       run_id);
}

gboolean
asm_session_pause(AsmSession *session, const char *run_id, AsmFailure **ret_failure)
{
        AsmRun *run = find_active(session, run_id);

        if (run == NULL) {
                no_active_run(session, run_id, ret_failure);
                return FALSE;
        }
        asm_run_interrupt(run, "Run paused");
        return TRUE;
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

/* (transfer full): what to go on from: a continuation that is given, else @own, else the checkpoint */
static char *
dup_resume_id(AsmSession *session, AsmView options, const char *own, AsmFailure **ret_failure)
{
        const AsmTerm *checkpoint = asm_session_get_checkpoint(session);
        g_autofree char *id = NULL;
        AsmView continuation;

        if (asm_view_is_set(options) && asm_view_option_get(options, "continuation", &continuation))
                id = dup_provider_session_id(continuation);
        else if (own != NULL)
                id = g_strdup(own);
        else if (checkpoint != NULL)
                id = dup_provider_session_id(asm_term_view(checkpoint));
        if (id != NULL && can_resume(session->provider))
                return g_steal_pointer(&id);
        *ret_failure = asm_failure_new(
                ASM_FAILURE_CONFIG_INVALID,
                ASM_DOMAIN_CONFIG,
                can_resume(session->provider)
                        ? "session %s has no checkpoint to resume from: no run of it has got a "
                          "provider session id; give the option continuation"
                        : "session %s cannot resume: its provider's CLI does not take up earlier "
                          "conversations",
                session->id);
        return NULL;
}

AsmRun *
asm_session_resume(AsmSession *session, const AsmSubmission *submission, AsmFailure **ret_failure)
{
        AsmSubmission resumed = *submission;
        g_autofree char *id = dup_resume_id(session, submission->options, NULL, ret_failure);

        if (id == NULL)
                return NULL;
        resumed.resume = id;
        return asm_session_submit(session, &resumed, ret_failure);
}

/* everything is checked before the run is interrupted: an intervention that is refused costs nothing */
AsmRun *
asm_session_intervene(AsmSession *session,
                      const char *run_id,
                      const AsmSubmission *submission,
                      AsmFailure **ret_failure)
{
        AsmRun *run = find_active(session, run_id);
        AsmSubmission resumed = *submission;
        gboolean is_one_shot = session->is_one_shot;
        g_autofree char *id = NULL;

        if (run == NULL) {
                no_active_run(session, run_id, ret_failure);
                return NULL;
        }
        id = dup_resume_id(session,
                           submission->options,
                           asm_run_get_provider_session_id(run),
                           ret_failure);
        resumed.resume = id;
        if (id == NULL || !asm_session_check(session, &resumed, ret_failure))
                return NULL;
        /* a session that ends with its only run ends with the one that takes its place */
        session->is_one_shot = FALSE;
        asm_run_interrupt(run, "Run interrupted for an intervention");
        session->is_one_shot = is_one_shot;
        run = asm_session_submit(session, &resumed, ret_failure);
        if (run == NULL && is_one_shot)
                asm_session_stop(session);
        return run;
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
