/* SPDX-License-Identifier: MIT */

/*
 * Exported functions about runs. A query waits for the result, a stream only for the run's id; for
 * both, a provider's name instead of a session makes a session for this one run.
 */

#include "method-private.h"

#include "term/reader.h"

/* most events that are asked for at once */
#define DEMAND_MAX 1000000
/* longest prompt in bytes */
#define PROMPT_MAX (16 * 1024 * 1024)

static char *
dup_prompt(AsmView view, AsmFailure **ret_failure)
{
        g_autofree char *prompt = asm_view_dup_text(view, /* accept_atoms= */ FALSE);

        if (prompt != NULL && *prompt != '\0' && view.len <= PROMPT_MAX)
                return g_steal_pointer(&prompt);
        *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                       ASM_DOMAIN_CONFIG,
                                       "prompt: expected a string of 1 to %d bytes in UTF-8",
                                       PROMPT_MAX);
        return NULL;
}

/* an existing session, or with an atom a new one that ends with its only run */
static AsmSession *
session_for_run(const AsmRequest *request, gboolean *ret_is_temporary, AsmFailure **ret_failure)
{
        g_autofree char *provider = asm_view_dup_atom(request->args[0]);

        *ret_is_temporary = provider != NULL;
        if (provider == NULL)
                return asm_method_find_session(request->api, request->args[0], ret_failure);
        return asm_session_start(request->api->manager, request->args[2], provider, ret_failure);
}

static void
on_result(AsmView result, gpointer user_data)
{
        AsmReply *reply = user_data;

        reply->send(reply, result);
}

void
asm_method_query(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *prompt = dup_prompt(request->args[1], &failure);
        gboolean is_temporary = FALSE;
        AsmSession *session =
                prompt != NULL ? session_for_run(request, &is_temporary, &failure) : NULL;

        if (session == NULL) {
                asm_reply_failure(reply, failure);
                return;
        }
        if (is_temporary)
                asm_session_set_one_shot(session);
        if (asm_session_submit(session,
                               &(AsmSubmission){ .prompt = prompt,
                                                 .options = request->args[2],
                                                 .waiter = on_result,
                                                 .user_data = reply },
                               &failure) == NULL) {
                if (is_temporary)
                        asm_session_stop(session);
                asm_reply_failure(reply, failure);
        }
}

void
asm_method_stream(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *prompt = dup_prompt(request->args[1], &failure);
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        gboolean is_temporary = FALSE;
        AsmSession *session =
                prompt != NULL ? session_for_run(request, &is_temporary, &failure) : NULL;
        AsmRun *run = NULL;

        if (session != NULL && is_temporary)
                asm_session_set_one_shot(session);
        if (session != NULL)
                run = asm_session_submit(session,
                                         &(AsmSubmission){ .prompt = prompt,
                                                           .options = request->args[2],
                                                           .subscriber = request->caller },
                                         &failure);
        if (run == NULL) {
                if (session != NULL && is_temporary)
                        asm_session_stop(session);
                asm_reply_failure(reply, failure);
                return;
        }
        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        asm_builder_text(&value, asm_run_get_id(run));
        reply->send(reply, asm_builder_peek(&value));
}

char *
asm_method_session_and_text(const AsmRequest *request,
                            const char *what,
                            AsmSession **ret_session,
                            AsmFailure **ret_failure)
{
        g_autofree char *text = NULL;

        *ret_session = asm_method_find_session(request->api, request->args[0], ret_failure);
        if (*ret_session == NULL)
                return NULL;
        text = asm_view_dup_text(request->args[1], /* accept_atoms= */ FALSE);
        if (text == NULL)
                *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                               ASM_DOMAIN_CONFIG,
                                               "%s: expected a string",
                                               what);
        return g_steal_pointer(&text);
}

static void
reply_ok(AsmReply *reply, const AsmFailure *failure)
{
        if (failure != NULL)
                asm_reply_failure(reply, failure);
        else
                asm_reply_atom(reply, "ok");
}

void
asm_method_interrupt(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        AsmSession *session;
        g_autofree char *run_id =
                asm_method_session_and_text(request, "run id", &session, &failure);

        if (failure == NULL)
                asm_session_interrupt(session, run_id, &failure);
        reply_ok(reply, failure);
}

/* subscribe(Session, RunId[, Pid]): events from now on go to Pid, or to the caller */
void
asm_method_subscribe(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        AsmSession *session;
        g_autofree char *run_id =
                asm_method_session_and_text(request, "run id", &session, &failure);
        AsmView pid = request->n_args > 2 ? request->args[2] : request->caller;

        if (failure == NULL)
                asm_session_subscribe(session, run_id, pid, &failure);
        reply_ok(reply, failure);
}

/* demand(Session, RunId, N): the caller, a subscriber, wants N more events, and no others */
void
asm_method_demand(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        AsmSession *session;
        g_autofree char *run_id =
                asm_method_session_and_text(request, "run id", &session, &failure);
        gint64 n = 0;

        if (failure == NULL && (!asm_view_get_int(request->args[2], &n) || n < 1 || n > DEMAND_MAX))
                failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                          ASM_DOMAIN_CONFIG,
                                          "demand: expected a number from 1 to %d",
                                          DEMAND_MAX);
        if (failure == NULL)
                asm_session_demand(session, run_id, request->caller, (guint)n, &failure);
        reply_ok(reply, failure);
}

void
asm_method_unsubscribe(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        AsmSession *session;
        g_autofree char *run_id =
                asm_method_session_and_text(request, "run id", &session, &failure);
        AsmView pid = request->n_args > 2 ? request->args[2] : request->caller;

        if (failure == NULL)
                asm_session_unsubscribe(session, run_id, pid, &failure);
        reply_ok(reply, failure);
}

void
asm_method_pause(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        AsmSession *session;
        g_autofree char *run_id =
                asm_method_session_and_text(request, "run id", &session, &failure);

        if (failure == NULL)
                asm_session_pause(session, run_id, &failure);
        reply_ok(reply, failure);
}

/* approve(Session, ApprovalId, allow | deny) */
void
asm_method_approve(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        AsmSession *session;
        g_autofree char *id =
                asm_method_session_and_text(request, "approval id", &session, &failure);
        gboolean allow = asm_view_is_atom(request->args[2], "allow");

        if (failure == NULL && !allow && !asm_view_is_atom(request->args[2], "deny"))
                failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                          ASM_DOMAIN_CONFIG,
                                          "decision: expected allow or deny");
        if (failure == NULL)
                asm_session_approve(session, id, allow, &failure);
        reply_ok(reply, failure);
}

/* {ok, [#{approval_id, run_id, subject, details, requested_at}]} */
static void
put_approvals(AsmBuilder *builder, AsmSession *session)
{
        asm_builder_tuple(builder, 2);
        asm_builder_atom(builder, "ok");
        asm_builder_session_approvals(builder, session);
}

void
asm_method_approvals(const AsmRequest *request, AsmReply *reply)
{
        asm_method_ask_session(request, reply, put_approvals);
}

void
asm_method_checkpoint(const AsmRequest *request, AsmReply *reply)
{
        asm_method_ask_session(request, reply, asm_builder_checkpoint);
}

static void
reply_submitted(AsmReply *reply, const AsmRun *run, const AsmFailure *failure)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        if (run == NULL) {
                asm_reply_failure(reply, failure);
                return;
        }
        asm_builder_submitted(&value, run);
        reply->send(reply, asm_builder_peek(&value));
}

/* resume_run(Session, Prompt[, Options]) */
void
asm_method_resume_run(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *prompt = dup_prompt(request->args[1], &failure);
        AsmSession *session =
                prompt != NULL ? asm_method_find_session(request->api, request->args[0], &failure)
                               : NULL;
        AsmRun *run = NULL;

        if (session != NULL)
                run = asm_session_resume(session,
                                         &(AsmSubmission){ .prompt = prompt,
                                                           .options = request->args[2],
                                                           .subscriber = request->caller },
                                         &failure);
        reply_submitted(reply, run, failure);
}

/* intervene(Session, RunId, Prompt[, Options]) */
void
asm_method_intervene(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        AsmSession *session;
        g_autofree char *run_id =
                asm_method_session_and_text(request, "run id", &session, &failure);
        g_autofree char *prompt = failure == NULL ? dup_prompt(request->args[2], &failure) : NULL;
        AsmRun *run = NULL;

        if (prompt != NULL)
                run = asm_session_intervene(session,
                                            run_id,
                                            &(AsmSubmission){ .prompt = prompt,
                                                              .options = request->args[3],
                                                              .subscriber = request->caller },
                                            &failure);
        reply_submitted(reply, run, failure);
}
