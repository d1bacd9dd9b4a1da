/* SPDX-License-Identifier: MIT */

/*
 * The exported functions. Whatever is not in this table cannot be reached from outside: there is
 * no apply, no evaluation, no module but this one. Each row says which right a peer needs for it
 * (doc/security.md has this table too, and a test compares the two): what only looks, or puts a prompt
 * that brings no options along, is a query; options can name programs, directories and other nodes, so
 * what takes them is control.
 */

#include "method-private.h"

#include "term/reader.h"

#include <string.h>

static const AsmMethod methods[] = {
        { "start_session", 0, 1, ASM_RIGHT_CONTROL, asm_method_start_session },
        { "stop_session", 1, 1, ASM_RIGHT_CONTROL, asm_method_stop_session },
        { "session_info", 1, 1, ASM_RIGHT_QUERY, asm_method_session_info },
        { "session_id", 1, 1, ASM_RIGHT_QUERY, asm_method_session_id },
        { "list_sessions", 0, 0, ASM_RIGHT_QUERY, asm_method_list_sessions },
        { "health", 1, 1, ASM_RIGHT_QUERY, asm_method_health },
        { "cost", 1, 1, ASM_RIGHT_QUERY, asm_method_cost },
        { "query", 2, 2, ASM_RIGHT_QUERY, asm_method_query },
        { "query", 3, 3, ASM_RIGHT_CONTROL, asm_method_query },
        { "stream", 2, 2, ASM_RIGHT_QUERY, asm_method_stream },
        { "stream", 3, 3, ASM_RIGHT_CONTROL, asm_method_stream },
        { "subscribe", 2, 2, ASM_RIGHT_QUERY, asm_method_subscribe },
        { "subscribe", 3, 3, ASM_RIGHT_CONTROL, asm_method_subscribe },
        { "unsubscribe", 2, 2, ASM_RIGHT_QUERY, asm_method_unsubscribe },
        { "unsubscribe", 3, 3, ASM_RIGHT_CONTROL, asm_method_unsubscribe },
        { "interrupt", 2, 2, ASM_RIGHT_CONTROL, asm_method_interrupt },
        { "pause", 2, 2, ASM_RIGHT_CONTROL, asm_method_pause },
        { "approve", 3, 3, ASM_RIGHT_CONTROL, asm_method_approve },
        { "approvals", 1, 1, ASM_RIGHT_QUERY, asm_method_approvals },
        { "checkpoint", 1, 1, ASM_RIGHT_QUERY, asm_method_checkpoint },
        { "resume_run", 2, 3, ASM_RIGHT_CONTROL, asm_method_resume_run },
        { "intervene", 3, 4, ASM_RIGHT_CONTROL, asm_method_intervene },
        { "resolve", 1, 2, ASM_RIGHT_QUERY, asm_method_resolve },
        { "lane_info", 1, 2, ASM_RIGHT_QUERY, asm_method_lane_info },
        { "provider_info", 0, 1, ASM_RIGHT_QUERY, asm_method_provider_info },
        { "providers", 0, 1, ASM_RIGHT_QUERY, asm_method_providers },
        { "doctor", 1, 2, ASM_RIGHT_CONTROL, asm_method_doctor },
        { "status", 0, 0, ASM_RIGHT_QUERY, asm_method_status },
};

const AsmMethod *
asm_method_find(const char *name, gsize len, guint n_args)
{
        for (gsize i = 0; i < G_N_ELEMENTS(methods); i++) {
                const AsmMethod *method = &methods[i];

                if (strlen(method->name) == len && memcmp(method->name, name, len) == 0 &&
                    n_args >= method->min_args && n_args <= method->max_args)
                        return method;
        }
        return NULL;
}

gboolean
asm_method_is_module(AsmView module)
{
        return asm_view_is_atom(module, "asm") || asm_view_is_atom(module, "Elixir.ASM");
}

const AsmMethod *
asm_method_list(gsize *ret_n)
{
        *ret_n = G_N_ELEMENTS(methods);
        return methods;
}

/* FALSE: the reply has gone */
static gboolean
is_permitted(AsmApi *api, const AsmMethod *method, guint arity, GRefString *peer, AsmReply *reply)
{
        g_autofree char *function = NULL;
        g_autoptr(AsmFailure) failure = NULL;

        if (asm_node_permits(asm_procs_get_node(api->procs), peer, method->right))
                return TRUE;
        function = g_strdup_printf("%s/%u", method->name, arity);
        failure = asm_failure_new_not_allowed(function, peer, method->right);
        asm_quiet_message(&api->refused,
                          &(AsmLogTags){ .event = ASM_LOG_EVENT_CALL_REFUSED, .peer = peer },
                          "a call was refused: %s",
                          failure->message);
        asm_reply_failure(reply, failure);
        return FALSE;
}

gboolean
asm_method_call(AsmApi *api, AsmView name, AsmView args, const AsmCaller *caller, AsmReply *reply)
{
        AsmRequest request = { .api = api, .caller = caller->pid };
        AsmListCursor cursor = asm_view_list(args);
        const AsmMethod *method;
        const char *text;
        gsize len;
        guint n;

        if (!asm_view_get_atom(name, &text, &len) || !asm_view_get_list_length(args, &n) ||
            n > ASM_METHOD_ARGS_MAX)
                return FALSE;
        method = asm_method_find(text, len, n);
        if (method == NULL)
                return FALSE;
        while (request.n_args < n && asm_list_next(&cursor, &request.args[request.n_args]))
                request.n_args++;
        if (is_permitted(api, method, n, caller->peer, reply))
                method->handle(&request, reply);
        return TRUE;
}

void
asm_reply_failure(AsmReply *reply, const AsmFailure *failure)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "error");
        asm_builder_failure(&value, failure);
        reply->send(reply, asm_builder_peek(&value));
}

void
asm_reply_atom(AsmReply *reply, const char *atom)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        asm_builder_atom(&value, atom);
        reply->send(reply, asm_builder_peek(&value));
}
