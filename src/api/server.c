/* SPDX-License-Identifier: MIT */

/*
 * The gen_server face: calls `{Function, Args}` to the registered server `asm`. Functions and
 * errors are those of the other faces; a function that does not exist is an error too, since a
 * gen_server call has no `undef`.
 */

#include "host-private.h"

#include "term/print.h"
#include "term/reader.h"

typedef struct {
        AsmServer server;
        AsmApi *api;
} ApiServer;

typedef struct {
        AsmReply reply;
        AsmProcs *procs;
        AsmTerm *from;
} CallReply;

static void
call_reply_send(AsmReply *reply, AsmView value)
{
        CallReply *self = (CallReply *)reply;

        asm_procs_reply(self->procs, asm_term_view(self->from), value);
        asm_term_unref(self->from);
        g_free(self);
}

static void
on_call(AsmServer *server, AsmView from, AsmView request)
{
        AsmApi *api = asm_api_of_server(server);
        CallReply *reply;
        AsmView sender[2];
        AsmView part[2];
        AsmCaller caller;
        g_autoptr(AsmFailure) failure = NULL;
        g_autofree char *shown = NULL;

        if (!asm_view_get_tuple(from, 2, sender))
                return;
        caller = (AsmCaller){ sender[0], asm_server_get_origin(server) };
        reply = g_new0(CallReply, 1);
        reply->reply.send = call_reply_send;
        reply->procs = api->procs;
        reply->from = asm_term_new(from);
        if (asm_view_get_tuple(request, 2, part) &&
            asm_method_call(api, part[0], part[1], &caller, &reply->reply))
                return;
        shown = asm_view_print(request, ASM_SYNTAX_ERLANG, 120);
        failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                  ASM_DOMAIN_CONFIG,
                                  "no such function: %s; a call is {Function, [Argument]} with a "
                                  "function and a number of arguments that asm exports",
                                  shown);
        asm_reply_failure(&reply->reply, failure);
}

static void
on_finalize(AsmServer *server)
{
        g_free(server);
}

const AsmServerClass asm_api_server_class = { .module = "asm",
                                              .traps_exits = TRUE,
                                              .is_permanent = TRUE,
                                              .call = on_call,
                                              .finalize = on_finalize };

AsmApi *
asm_api_of_server(AsmServer *server)
{
        return ((ApiServer *)server)->api;
}

AsmServer *
asm_api_start_server(AsmApi *api, const AsmServerClass *klass, const char *name)
{
        ApiServer *self = g_new0(ApiServer, 1);

        self->api = api;
        asm_server_start(&self->server, klass, api->procs);
        asm_server_register(&self->server, name);
        g_ptr_array_add(api->servers, self);
        return &self->server;
}

AsmApi *
asm_api_new(AsmProcs *procs, AsmManager *manager)
{
        AsmApi *api = g_new0(AsmApi, 1);
        gsize n_methods;

        api->procs = procs;
        api->manager = manager;
        asm_method_list(&n_methods);
        api->n_calls = g_new0(guint64, n_methods);
        api->started_us = g_get_monotonic_time();
        api->survey = asm_survey_new();
        api->servers = g_ptr_array_new_with_free_func((GDestroyNotify)asm_server_unref);
        asm_api_start_server(api, &asm_api_server_class, "asm");
        asm_api_serve(api);
        api->host = asm_host_new(api);
        return api;
}

void
asm_api_free(AsmApi *api)
{
        if (api == NULL)
                return;
        asm_survey_free(api->survey);
        asm_procs_set_spawner(api->procs, NULL, NULL, NULL);
        g_clear_pointer(&api->host, asm_host_free);
        for (guint i = 0; i < api->servers->len; i++)
                asm_server_stop_atom(g_ptr_array_index(api->servers, i), "shutdown");
        g_ptr_array_unref(api->servers);
        g_free(api->n_calls);
        g_free(api);
}

void
asm_api_set_host(AsmApi *api, const AsmHostConfig *config)
{
        asm_host_configure(api->host, config);
}

void
asm_api_set_config_func(AsmApi *api, AsmApiConfigFunc func, gpointer user_data)
{
        api->tell_config = func;
        api->config_data = user_data;
}

guint
asm_api_count_hosted(AsmApi *api)
{
        return api->host->sessions->len;
}

void
asm_api_drain_hosted(AsmApi *api)
{
        api->host->is_draining = TRUE;
}

void
asm_api_stop_hosted(AsmApi *api)
{
        asm_host_stop_all(api->host);
}

void
asm_api_drained(AsmApi *api)
{
        asm_host_drained(api->host);
}
