/* SPDX-License-Identifier: MIT */

/* Exported functions about sessions. Shapes of arguments and results follow Elixir's ASM. */

#include "method-private.h"

#include "term/print.h"
#include "term/reader.h"

AsmSession *
asm_method_find_session(AsmApi *api, AsmView ref, AsmFailure **ret_failure)
{
        AsmSession *session = NULL;
        g_autofree char *shown = NULL;
        g_autofree char *id = NULL;

        if (asm_view_kind(ref) == ASM_KIND_PID) {
                session = asm_manager_find_pid(api->manager, ref);
        } else {
                id = asm_view_dup_text(ref, /* accept_atoms= */ FALSE);
                if (id != NULL)
                        session = asm_manager_find(api->manager, id);
        }
        if (session != NULL)
                return session;
        shown = asm_view_print(ref, ASM_SYNTAX_ERLANG, 120);
        *ret_failure = asm_failure_new(ASM_FAILURE_UNKNOWN,
                                       ASM_DOMAIN_RUNTIME,
                                       "no session %s; list_sessions shows those there are",
                                       shown);
        return NULL;
}

void
asm_method_ask_session(const AsmRequest *request, AsmReply *reply, AsmSessionFunc answer)
{
        g_autoptr(AsmFailure) failure = NULL;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        AsmSession *session = asm_method_find_session(request->api, request->args[0], &failure);

        if (session == NULL) {
                asm_reply_failure(reply, failure);
                return;
        }
        answer(&value, session);
        reply->send(reply, asm_builder_peek(&value));
}

void
asm_method_start_session(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        AsmSession *session =
                asm_session_start(request->api->manager, request->args[0], NULL, &failure);

        if (session == NULL) {
                asm_reply_failure(reply, failure);
                return;
        }
        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        asm_builder_session_pid(&value, session);
        reply->send(reply, asm_builder_peek(&value));
}

static void
stop_session(AsmBuilder *builder, AsmSession *session)
{
        asm_session_stop(session);
        asm_builder_atom(builder, "ok");
}

void
asm_method_stop_session(const AsmRequest *request, AsmReply *reply)
{
        asm_method_ask_session(request, reply, stop_session);
}

static void
put_info(AsmBuilder *builder, AsmSession *session)
{
        asm_builder_tuple(builder, 2);
        asm_builder_atom(builder, "ok");
        asm_builder_session_info(builder, session);
}

void
asm_method_session_info(const AsmRequest *request, AsmReply *reply)
{
        asm_method_ask_session(request, reply, put_info);
}

/* the id, or nil for a session that is not there */
void
asm_method_session_id(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        AsmSession *session = asm_method_find_session(request->api, request->args[0], &failure);

        asm_builder_text(&value, session != NULL ? asm_session_get_id(session) : NULL);
        reply->send(reply, asm_builder_peek(&value));
}

void
asm_method_list_sessions(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(GPtrArray) sessions = asm_manager_list(request->api->manager);
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        asm_builder_list(&value, sessions->len);
        for (guint i = 0; i < sessions->len; i++)
                asm_builder_session_info(&value, g_ptr_array_index(sessions, i));
        asm_builder_nil(&value);
        reply->send(reply, asm_builder_peek(&value));
}

/* healthy | {unhealthy, not_alive | not_found} */
void
asm_method_health(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        if (asm_method_find_session(request->api, request->args[0], &failure) != NULL) {
                asm_reply_atom(reply, "healthy");
                return;
        }
        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "unhealthy");
        asm_builder_atom(&value,
                         asm_view_kind(request->args[0]) == ASM_KIND_PID ? "not_alive"
                                                                         : "not_found");
        reply->send(reply, asm_builder_peek(&value));
}

static void
put_cost(AsmBuilder *builder, AsmSession *session)
{
        asm_builder_session_cost(builder, session);
}

void
asm_method_cost(const AsmRequest *request, AsmReply *reply)
{
        asm_method_ask_session(request, reply, put_cost);
}
