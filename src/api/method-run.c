/* SPDX-License-Identifier: MIT */

/*
 * Exported functions about runs. A query waits for the result, a stream only for the run's id; for
 * both, a provider's name instead of a session makes a session for this one run.
 */

#include "method-private.h"

#include "term/reader.h"

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
                               prompt,
                               request->args[2],
                               ASM_VIEW_NONE,
                               on_result,
                               reply,
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
                                         prompt,
                                         request->args[2],
                                         request->caller,
                                         NULL,
                                         NULL,
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

void
asm_method_interrupt(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *run_id = asm_view_dup_text(request->args[1], /* accept_atoms= */ FALSE);
        AsmSession *session = asm_method_find_session(request->api, request->args[0], &failure);

        if (session != NULL && run_id == NULL)
                failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                          ASM_DOMAIN_CONFIG,
                                          "run id: expected a string");
        if (failure == NULL)
                asm_session_interrupt(session, run_id, &failure);
        if (failure != NULL)
                asm_reply_failure(reply, failure);
        else
                asm_reply_atom(reply, "ok");
}
