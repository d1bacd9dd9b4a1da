/* SPDX-License-Identifier: MIT */

/*
 * The faces that a BEAM node knows without being told (DIST.md B.5, B.6):
 *
 * - spawn requests. `erpc:execute_call(Res, M, F, A)` is how erpc:call/5 and rpc:call/4 come; the
 *   process asked for ends with `{Res, return, Value}`, or with `{Res, error, undef, Stack}` as on a
 *   BEAM that does not have the function. A cast and a plain spawn run the function without an
 *   answer. No other code runs, whatever is asked for.
 * - `rex`, for rpc:block_call/4 and callers older than OTP 23.
 * - `net_kernel`, which net_adm:ping/1 asks `{is_auth, Node}`.
 *
 * A spawned process is a server that lives until its call is answered. It can be killed; the answer
 * then finds nobody.
 */

#include "host-private.h"

#include "term/reader.h"

typedef enum {
        SPAWN_CALL, /* the value is the exit reason, in erpc's form */
        SPAWN_CAST, /* no answer, ends with normal */
} SpawnKind;

typedef struct {
        AsmServer server;
        AsmApi *api;
        SpawnKind kind;
        AsmTerm *tag;     /* erpc's Res; NULL without */
        AsmTerm *caller;  /* pid */
        GRefString *peer; /* its node */
        AsmTerm *module;
        AsmTerm *function;
        AsmTerm *args;
} Spawned;

typedef struct {
        AsmReply reply;
        Spawned *spawned; /* owned ref */
} SpawnReply;

static void
spawned_finalize(AsmServer *server)
{
        Spawned *self = (Spawned *)server;

        g_clear_pointer(&self->tag, asm_term_unref);
        g_clear_pointer(&self->caller, asm_term_unref);
        g_clear_pointer(&self->peer, g_ref_string_release);
        g_clear_pointer(&self->module, asm_term_unref);
        g_clear_pointer(&self->function, asm_term_unref);
        g_clear_pointer(&self->args, asm_term_unref);
        g_free(self);
}

static void
spawned_terminate(AsmServer *server, AsmView reason)
{
        /* the reference that a living process has on itself */
        asm_server_unref(server);
}

static const AsmServerClass spawned_class = { .module = "erpc",
                                              .end_right = ASM_RIGHT_CONTROL,
                                              .terminate = spawned_terminate,
                                              .finalize = spawned_finalize };

static void
spawn_reply_send(AsmReply *reply, AsmView value)
{
        SpawnReply *self = (SpawnReply *)reply;
        Spawned *spawned = self->spawned;
        g_auto(AsmBuilder) reason = ASM_BUILDER_INIT;

        if (spawned->kind == SPAWN_CALL) {
                asm_builder_tuple(&reason, 3);
                asm_builder_term(&reason, spawned->tag);
                asm_builder_atom(&reason, "return");
                asm_builder_view(&reason, value);
        } else {
                asm_builder_atom(&reason, "normal");
        }
        asm_server_stop(&spawned->server, asm_builder_peek(&reason));
        asm_server_unref(&spawned->server);
        g_free(self);
}

/* the functions of asm and those of a remote node; FALSE: undef, the reply is still the caller's */
static gboolean
call_function(AsmApi *api, const AsmView *mfa, const AsmCaller *caller, AsmReply *reply)
{
        if (asm_method_is_module(mfa[0]))
                return asm_method_call(api, mfa[1], mfa[2], caller, reply);
        return asm_host_call(api->host, mfa, caller, reply);
}

/* [{M, F, A, []}] */
static void
put_stack(AsmBuilder *builder, const Spawned *spawned)
{
        asm_builder_list(builder, 1);
        asm_builder_tuple(builder, 4);
        asm_builder_term(builder, spawned->module);
        asm_builder_term(builder, spawned->function);
        asm_builder_term(builder, spawned->args);
        asm_builder_nil(builder);
        asm_builder_nil(builder);
}

static void
end_undef(Spawned *spawned)
{
        g_auto(AsmBuilder) reason = ASM_BUILDER_INIT;

        if (spawned->kind == SPAWN_CALL) {
                asm_builder_tuple(&reason, 4);
                asm_builder_term(&reason, spawned->tag);
                asm_builder_atom(&reason, "error");
        } else {
                asm_builder_tuple(&reason, 2);
        }
        asm_builder_atom(&reason, "undef");
        put_stack(&reason, spawned);
        asm_server_stop(&spawned->server, asm_builder_peek(&reason));
}

/* erpc:execute_call(Res, M, F, A) and erpc:execute_cast(M, F, A) carry the real call inside */
static gboolean
unwrap_erpc(Spawned *spawned, const AsmSpawnRequest *request)
{
        gboolean is_call = asm_view_is_atom(request->function, "execute_call");
        guint wanted = is_call ? 4 : 3;
        AsmListCursor cursor = asm_view_list(request->args);
        AsmView part[4];
        guint n = 0;

        if (!asm_view_is_atom(request->module, "erpc") || request->arity != wanted ||
            (!is_call && !asm_view_is_atom(request->function, "execute_cast")))
                return FALSE;
        while (n < wanted && asm_list_next(&cursor, &part[n]))
                n++;
        if (n != wanted)
                return FALSE;
        spawned->kind = is_call ? SPAWN_CALL : SPAWN_CAST;
        if (is_call)
                spawned->tag = asm_term_new(part[0]);
        spawned->module = asm_term_new(part[wanted - 3]);
        spawned->function = asm_term_new(part[wanted - 2]);
        spawned->args = asm_term_new(part[wanted - 1]);
        return TRUE;
}

static AsmServer *
on_spawn(AsmProcs *procs, const AsmSpawnRequest *request, gpointer user_data)
{
        Spawned *spawned = g_new0(Spawned, 1);

        spawned->api = user_data;
        spawned->kind = SPAWN_CAST;
        spawned->caller = asm_term_new(request->caller);
        spawned->peer = g_ref_string_acquire(request->peer);
        if (!unwrap_erpc(spawned, request)) {
                spawned->module = asm_term_new(request->module);
                spawned->function = asm_term_new(request->function);
                spawned->args = asm_term_new(request->args);
        }
        asm_server_start(&spawned->server, &spawned_class, procs);
        return &spawned->server;
}

static void
on_spawned(AsmServer *server, gpointer user_data)
{
        Spawned *spawned = (Spawned *)server;
        SpawnReply *reply = g_new0(SpawnReply, 1);
        AsmView mfa[3] = { asm_term_view(spawned->module),
                           asm_term_view(spawned->function),
                           asm_term_view(spawned->args) };
        AsmCaller caller;

        caller = (AsmCaller){ asm_term_view(spawned->caller), spawned->peer };
        reply->reply.send = spawn_reply_send;
        reply->spawned = (Spawned *)asm_server_ref(server);
        if (call_function(spawned->api, mfa, &caller, &reply->reply))
                return;
        g_free(reply);
        end_undef(spawned);
        asm_server_unref(server);
}

/* --- rex ------------------------------------------------------------------------------------- */

typedef struct {
        AsmReply reply;
        AsmProcs *procs;
        AsmTerm *to;      /* a From, or a pid for the old form */
        gboolean is_call; /* gen call; else the old `{rex, Value}` message */
} RexReply;

static void
rex_reply_send(AsmReply *reply, AsmView value)
{
        RexReply *self = (RexReply *)reply;
        g_auto(AsmBuilder) message = ASM_BUILDER_INIT;

        if (self->is_call) {
                asm_procs_reply(self->procs, asm_term_view(self->to), value);
        } else {
                asm_builder_tuple(&message, 2);
                asm_builder_atom(&message, "rex");
                asm_builder_view(&message, value);
                asm_procs_send(self->procs, asm_term_view(self->to), asm_builder_peek(&message));
        }
        asm_term_unref(self->to);
        g_free(self);
}

/* {badrpc, {'EXIT', {undef, [{M, F, A, []}]}}} */
static void
put_badrpc(AsmBuilder *value, const AsmView *mfa)
{
        asm_builder_tuple(value, 2);
        asm_builder_atom(value, "badrpc");
        asm_builder_tuple(value, 2);
        asm_builder_atom(value, "EXIT");
        asm_builder_tuple(value, 2);
        asm_builder_atom(value, "undef");
        asm_builder_list(value, 1);
        asm_builder_tuple(value, 4);
        for (guint i = 0; i < 3; i++)
                asm_builder_view(value, mfa[i]);
        asm_builder_nil(value);
        asm_builder_nil(value);
}

/* {call | block_call, M, F, A, GroupLeader}, and {cast, M, F, A, GroupLeader} without an answer */
static void
rex_apply(AsmServer *server, AsmView to, AsmView sender, gboolean is_call, AsmView request)
{
        AsmCaller caller = { sender, asm_server_get_origin(server) };
        AsmApi *api = asm_api_of_server(server);
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        AsmView part[4];
        RexReply *reply;

        if (!asm_view_get_tagged(request, "call", 5, part) &&
            !asm_view_get_tagged(request, "block_call", 5, part))
                return;
        reply = g_new0(RexReply, 1);
        reply->reply.send = rex_reply_send;
        reply->procs = api->procs;
        reply->to = asm_term_new(to);
        reply->is_call = is_call;
        if (call_function(api, part, &caller, &reply->reply))
                return;
        put_badrpc(&value, part);
        rex_reply_send(&reply->reply, asm_builder_peek(&value));
}

static void
rex_call(AsmServer *server, AsmView from, AsmView request)
{
        AsmView caller[2];

        if (asm_view_get_tuple(from, 2, caller))
                rex_apply(server, from, caller[0], /* is_call= */ TRUE, request);
}

static void
rex_info(AsmServer *server, AsmView message)
{
        AsmView part[2];

        if (asm_view_get_tuple(message, 2, part) && asm_view_kind(part[0]) == ASM_KIND_PID)
                rex_apply(server, part[0], part[0], /* is_call= */ FALSE, part[1]);
}

static void
small_finalize(AsmServer *server)
{
        g_free(server);
}

static const AsmServerClass rex_class = { .module = "rpc",
                                          .traps_exits = TRUE,
                                          .is_permanent = TRUE,
                                          .call = rex_call,
                                          .info = rex_info,
                                          .finalize = small_finalize };

/* --- net_kernel ------------------------------------------------------------------------------ */

static void
net_kernel_call(AsmServer *server, AsmView from, AsmView request)
{
        g_auto(AsmBuilder) reply = ASM_BUILDER_INIT;
        AsmView node;

        asm_builder_atom(&reply, asm_view_get_tagged(request, "is_auth", 2, &node) ? "yes" : "no");
        asm_procs_reply(asm_api_of_server(server)->procs, from, asm_builder_peek(&reply));
}

static const AsmServerClass net_kernel_class = { .module = "net_kernel",
                                                 .traps_exits = TRUE,
                                                 .is_permanent = TRUE,
                                                 .call = net_kernel_call,
                                                 .finalize = small_finalize };

void
asm_api_serve(AsmApi *api)
{
        asm_api_start_server(api, &rex_class, "rex");
        asm_api_start_server(api, &net_kernel_class, "net_kernel");
        asm_procs_set_spawner(api->procs, on_spawn, on_spawned, api);
}
