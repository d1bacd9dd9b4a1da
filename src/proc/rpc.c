/* SPDX-License-Identifier: MIT */

/*
 * Remote calls out of this node. A call is a spawn request for erpc:execute_call/4 with a monitor;
 * the reference of the request names the call in everything that comes back (DIST.md B.5):
 *
 *     -> SPAWN_REQUEST Ref, erpc:execute_call(Ref, M, F, A), [monitor]
 *     <- SPAWN_REPLY Ref, Pid | Atom          (an Atom: no process, the call has failed)
 *     <- MONITOR_EXIT Ref, {Ref, return, Value} | {Ref, throw | exit | error, ...} | Other
 *
 * One server has all calls of the node; a lost link is a DOWN with noconnection for each.
 */

#include "proc/rpc.h"

#include "procs-private.h"

#include "dist/flags.h"
#include "term/print.h"
#include "term/reader.h"

/* longest part of a foreign reason that is put into a message */
#define REASON_SHOWN_MAX 400

struct _AsmRpc {
        AsmServer server;
        GHashTable *calls;  /* guint64 id -> owned Call */
        GHashTable *by_ref; /* AsmRef -> borrowed Call */
};

typedef struct {
        guint64 id;
        AsmRpc *rpc;
        AsmRef ref;
        AsmTimer timer;
        guint timeout_ms;
        char *what; /* "module:function on 'node'" for messages */
        AsmRpcFunc func;
        gpointer user_data;
} Call;

static void
call_free(gpointer data)
{
        Call *call = data;

        asm_timer_disarm(&call->timer);
        asm_ref_clear(&call->ref);
        g_free(call->what);
        g_free(call);
}

/* out of both tables; the caller frees it */
static void
take_call(AsmRpc *rpc, Call *call)
{
        g_hash_table_remove(rpc->by_ref, &call->ref);
        g_hash_table_steal(rpc->calls, &call->id);
}

static void
finish(Call *call, AsmView value, const GError *error, AsmView reason)
{
        take_call(call->rpc, call);
        asm_timer_disarm(&call->timer);
        call->func(value, error, reason, call->user_data);
        call_free(call);
}

static void
fail(Call *call, gint code, AsmView reason, const char *why)
{
        g_autoptr(GError) error = g_error_new(ASM_PROC_ERROR, code, "%s: %s", call->what, why);

        finish(call, ASM_VIEW_NONE, error, reason);
}

static void
on_timeout(AsmTimer *timer, gpointer user_data)
{
        Call *call = user_data;
        g_autofree char *why = g_strdup_printf("no answer within %u ms", call->timeout_ms);

        asm_server_demonitor(&call->rpc->server, &call->ref);
        fail(call, ASM_PROC_ERROR_TIMEOUT, ASM_VIEW_NONE, why);
}

/* {Ref, error, Reason, Stack}, {Ref, throw | exit, Reason} */
static gboolean
is_exception(AsmView term, AsmView *ret_reason)
{
        AsmView part[4];
        guint arity;

        if (!asm_view_get_tuple_arity(term, &arity) || arity < 3 || arity > 4 ||
            !asm_view_get_tuple(term, arity, part) || asm_view_kind(part[0]) != ASM_KIND_REF)
                return FALSE;
        if (!asm_view_is_atom(part[1], "error") && !asm_view_is_atom(part[1], "throw") &&
            !asm_view_is_atom(part[1], "exit"))
                return FALSE;
        *ret_reason = part[2];
        return TRUE;
}

static void
on_down(AsmServer *server, const AsmRef *ref, AsmView term)
{
        AsmRpc *rpc = (AsmRpc *)server;
        Call *call = g_hash_table_lookup(rpc->by_ref, ref);
        AsmView part[3];
        AsmView reason = term;
        g_autofree char *shown = NULL;

        if (call == NULL)
                return;
        if (asm_view_get_tuple(term, 3, part) && asm_view_kind(part[0]) == ASM_KIND_REF &&
            asm_view_is_atom(part[1], "return")) {
                finish(call, part[2], NULL, ASM_VIEW_NONE);
                return;
        }
        if (asm_view_is_atom(term, "noconnection")) {
                fail(call, ASM_PROC_ERROR_NO_CONNECTION, ASM_VIEW_NONE, "the connection broke");
                return;
        }
        if (asm_view_get_tagged(term, "$spawn_refused", 2, &reason)) {
                shown = asm_view_print(reason, ASM_SYNTAX_ERLANG, REASON_SHOWN_MAX);
                fail(call, ASM_PROC_ERROR_REFUSED, reason, shown);
                return;
        }
        is_exception(term, &reason);
        shown = asm_view_print(reason, ASM_SYNTAX_ERLANG, REASON_SHOWN_MAX);
        fail(call,
             asm_view_is_atom(reason, "undef") ? ASM_PROC_ERROR_UNDEF : ASM_PROC_ERROR_EXCEPTION,
             reason,
             shown);
}

static void
on_terminate(AsmServer *server, AsmView reason)
{
        AsmRpc *rpc = (AsmRpc *)server;

        g_hash_table_remove_all(rpc->by_ref);
        g_hash_table_remove_all(rpc->calls);
}

static void
on_finalize(AsmServer *server)
{
        AsmRpc *rpc = (AsmRpc *)server;

        g_hash_table_unref(rpc->by_ref);
        g_hash_table_unref(rpc->calls);
        g_free(rpc);
}

static const AsmServerClass rpc_class = { .module = "asm_rpc",
                                          .traps_exits = TRUE,
                                          .is_permanent = TRUE,
                                          .down = on_down,
                                          .terminate = on_terminate,
                                          .finalize = on_finalize };

AsmRpc *
asm_rpc_new(AsmProcs *procs)
{
        AsmRpc *rpc = g_new0(AsmRpc, 1);

        rpc->calls = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, call_free);
        rpc->by_ref = g_hash_table_new(asm_ref_hash, asm_ref_equal);
        asm_server_start(&rpc->server, &rpc_class, procs);
        return rpc;
}

void
asm_rpc_free(AsmRpc *rpc)
{
        if (rpc == NULL)
                return;
        asm_server_stop_atom(&rpc->server, "normal");
        asm_server_unref(&rpc->server);
}

/* the end of a call that is not sent, told from the main loop: @what, or {@what, @detail} */
static void
fire(Call *call, const GRefString *peer, const char *what, const char *detail)
{
        g_auto(AsmBuilder) parts = ASM_BUILDER_INIT;
        gsize ref_len;

        asm_builder_ref(&parts, &call->ref);
        ref_len = parts.len;
        if (detail != NULL)
                asm_builder_tuple(&parts, 2);
        asm_builder_atom(&parts, what);
        if (detail != NULL)
                asm_builder_atom(&parts, detail);
        asm_server_fire_monitor(&call->rpc->server,
                                (AsmView){ parts.data, ref_len },
                                peer,
                                (AsmView){ parts.data + ref_len, parts.len - ref_len });
}

guint64
asm_rpc_call(AsmRpc *rpc,
             AsmLink *link,
             const char *module,
             const char *function,
             AsmView args,
             guint timeout_ms,
             AsmRpcFunc func,
             gpointer user_data)
{
        AsmProcs *procs = rpc->server.procs;
        AsmPid target = { .node = asm_link_get_peer(link) };
        g_auto(AsmPid) self = asm_server_get_pid(&rpc->server);
        g_auto(AsmBuilder) execute = ASM_BUILDER_INIT;
        Call *call = g_new0(Call, 1);

        call->rpc = rpc;
        call->ref = asm_procs_make_ref(procs);
        call->id = procs->next_ref;
        call->func = func;
        call->user_data = user_data;
        call->timeout_ms = timeout_ms;
        call->what = g_strdup_printf("%s:%s on '%s'", module, function, target.node);
        g_hash_table_insert(rpc->calls, &call->id, call);
        g_hash_table_insert(rpc->by_ref, &call->ref, call);
        asm_timer_init(&call->timer, asm_procs_get_timers(procs), on_timeout, call);
        if (timeout_ms > 0)
                asm_timer_arm(&call->timer, timeout_ms);
        asm_server_add_monitor(&rpc->server, &call->ref, &target);
        /* of this link only: there may be a newer one to the same peer by now */
        if (!asm_link_is_up(link)) {
                fire(call, target.node, "noconnection", NULL);
                return call->id;
        }
        if ((asm_link_get_flags(link) & ASM_FLAG_SPAWN) == 0) {
                fire(call, target.node, "$spawn_refused", "notsup");
                return call->id;
        }
        asm_builder_list(&execute, 4);
        asm_builder_ref(&execute, &call->ref);
        asm_builder_atom(&execute, module);
        asm_builder_atom(&execute, function);
        asm_builder_view(&execute, args);
        asm_builder_nil(&execute);
        asm_control_encode_spawn_request(asm_link_out(link),
                                         &call->ref,
                                         &self,
                                         "erpc",
                                         "execute_call",
                                         4,
                                         asm_builder_peek(&execute));
        asm_link_queued(link);
        return call->id;
}

void
asm_rpc_cancel(AsmRpc *rpc, guint64 id)
{
        Call *call = g_hash_table_lookup(rpc->calls, &id);

        if (call == NULL)
                return;
        asm_server_demonitor(&rpc->server, &call->ref);
        take_call(rpc, call);
        call_free(call);
}
