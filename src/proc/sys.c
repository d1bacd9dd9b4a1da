/* SPDX-License-Identifier: MIT */

/*
 * System messages, `{system, From, Request}`: what sys:get_state/1, sys:suspend/1, observer and
 * release tools send to any OTP process (stdlib "sys", DIST.md B.6). Requests that would run code
 * or replace state are answered as an OTP process answers what it does not know.
 */

#include "procs-private.h"

#include "term/reader.h"

/*
 * Since OTP 26 the answer to get_state is {ok, State}, before it was the state itself; a caller takes
 * its own form only. What tells them apart is the alias in the tag of the call: references of later
 * releases are longer than three words.
 */
static gboolean
wants_tagged_state(AsmView from)
{
        AsmView parts[2];
        AsmListCursor cursor;
        AsmView head;
        g_auto(AsmRef) alias = { 0 };

        if (!asm_view_get_tuple(from, 2, parts))
                return FALSE;
        cursor = asm_view_list(parts[1]);
        return asm_list_next(&cursor, &head) && !asm_list_next(&cursor, &head) &&
               asm_ref_from_view(cursor.tail, &alias) && alias.n_words > 3;
}

static void
put_state(AsmServer *server, AsmBuilder *builder)
{
        if (server->klass->get_state != NULL)
                server->klass->get_state(server, builder);
        else
                asm_builder_nil_atom(builder);
}

/* {status, Pid, {module, M}, [PDict, SysState, Parent, Debug, Misc]} */
static void
put_status(AsmServer *server, AsmBuilder *builder)
{
        asm_builder_tuple(builder, 4);
        asm_builder_atom(builder, "status");
        asm_builder_server_pid(builder, server);
        asm_builder_tuple(builder, 2);
        asm_builder_atom(builder, "module");
        asm_builder_atom(builder, server->klass->module);
        asm_builder_list(builder, 5);
        asm_builder_nil(builder);
        asm_builder_atom(builder, server->is_suspended ? "suspended" : "running");
        asm_builder_server_pid(builder, server);
        asm_builder_nil(builder);
        asm_builder_list(builder, 1);
        asm_builder_tuple(builder, 2);
        asm_builder_atom(builder, "data");
        asm_builder_list(builder, 1);
        asm_builder_tuple(builder, 2);
        asm_builder_charlist(builder, "State");
        put_state(server, builder);
        asm_builder_nil(builder);
        asm_builder_nil(builder);
        asm_builder_nil(builder);
}

/* sys:trace/2 and its kin: nothing is traced here, and that is what is answered */
static void
put_debug(AsmBuilder *builder, AsmView option)
{
        AsmView what;
        gboolean is_log = asm_view_get_tagged(option, "log", 2, &what);

        if (!is_log && !asm_view_get_tagged(option, "statistics", 2, &what)) {
                asm_builder_atom(builder, "ok");
                return;
        }
        if (!asm_view_is_atom(what, "get")) {
                asm_builder_atom(builder, "ok");
                return;
        }
        asm_builder_tuple(builder, 2);
        asm_builder_atom(builder, "ok");
        if (is_log)
                asm_builder_nil(builder);
        else
                asm_builder_atom(builder, "no_statistics");
}

static void
put_unknown(AsmBuilder *builder, AsmView request)
{
        asm_builder_tuple(builder, 2);
        asm_builder_atom(builder, "error");
        asm_builder_tuple(builder, 2);
        asm_builder_atom(builder, "unknown_system_msg");
        asm_builder_view(builder, request);
}

/* {error, not_allowed}, which sys turns into an error of the caller */
static void
put_not_allowed(AsmBuilder *builder)
{
        asm_builder_tuple(builder, 2);
        asm_builder_atom(builder, "error");
        asm_builder_atom(builder, "not_allowed");
}

/* to look is a matter of queries, or of the right that all mail needs; the rest changes something */
static gboolean
is_permitted(AsmServer *server, AsmView request)
{
        guint mail_right = server->klass->mail_right;

        if (asm_view_is_atom(request, "get_state") || asm_view_is_atom(request, "get_status"))
                return asm_server_permits(server, mail_right != 0 ? mail_right : ASM_RIGHT_QUERY);
        return asm_server_may_end(server, asm_server_get_origin(server), "hold up");
}

void
asm_server_handle_system(AsmServer *server, AsmView from, AsmView request)
{
        AsmProcs *procs = server->procs;
        g_auto(AsmBuilder) reply = ASM_BUILDER_INIT;
        AsmView argument;

        if (!is_permitted(server, request)) {
                put_not_allowed(&reply);
                asm_procs_reply(procs, from, asm_builder_peek(&reply));
                return;
        }
        if (asm_view_is_atom(request, "get_state")) {
                if (wants_tagged_state(from)) {
                        asm_builder_tuple(&reply, 2);
                        asm_builder_atom(&reply, "ok");
                }
                put_state(server, &reply);
        } else if (asm_view_is_atom(request, "get_status")) {
                put_status(server, &reply);
        } else if (asm_view_is_atom(request, "suspend") || asm_view_is_atom(request, "resume")) {
                asm_server_set_suspended(server, asm_view_is_atom(request, "suspend"));
                asm_builder_atom(&reply, "ok");
        } else if (asm_view_get_tagged(request, "debug", 2, &argument)) {
                put_debug(&reply, argument);
        } else if (!server->klass->is_permanent &&
                   asm_view_get_tagged(request, "terminate", 2, &argument)) {
                /* answered first: the caller's monitor must find the answer before the end */
                asm_builder_atom(&reply, "ok");
                asm_procs_reply(procs, from, asm_builder_peek(&reply));
                asm_server_stop(server, argument);
                return;
        } else {
                put_unknown(&reply, request);
        }
        asm_procs_reply(procs, from, asm_builder_peek(&reply));
}
