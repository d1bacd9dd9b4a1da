/* SPDX-License-Identifier: MIT */

/*
 * This node as the remote node of others: the calls that an Elixir ASM 0.12 node, or another asmd,
 * makes before it starts a CLI on a node, and the start itself (ASM_PROTOCOL.md sections 1 and 2).
 *
 * Everything that can be called is in one table. A call is looked up there first, and then its caller
 * is: a node that is not on the allow list finds a node without ASM, where these functions are
 * `undef`, and the log says who was refused and what would let it in.
 *
 * The release: an ASM node refuses a remote node of another Erlang/OTP major. asmd has none, and
 * speaks the same protocol to all of them; so it answers with what is configured, else with the
 * release of the caller's node, which it asks for it. A caller that is no BEAM cannot tell, and gets
 * the oldest release that the protocol needs.
 *
 * 'Elixir.ASM.Remote.BackendSupervisor' is a process here too: it answers what a DynamicSupervisor is
 * asked. It supervises nothing, the sessions end by themselves.
 */

#include "host-private.h"

#include "term/print.h"
#include "term/reader.h"

#include <string.h>

#define STARTER            "Elixir.ASM.Remote.BackendStarter"
#define CAPABILITIES       "Elixir.ASM.Remote.Capabilities"
#define ASM_VERSION_SPOKEN "0.12.1"
#define OTP_LENGTH_MAX     16

/* a caller's own timeout for a handshake is 5 s */
#define ASK_TIMEOUT_MS 2000

typedef struct {
        const char *module;
        const char *function;
        guint arity;
        void (*handle)(AsmHostCall *call);
        gboolean is_of_asm; /* whoever calls it wants to run CLIs; others may just ask around */
} HostFunction;

static const HostFunction *find_function(AsmView module, AsmView function, guint arity);

/* --- who ------------------------------------------------------------------------------------- */

static const char *
why_refused(AsmHost *host)
{
        AsmNode *node = asm_procs_get_node(host->backend.procs);

        if (!host->config.is_enabled)
                return "enabled in [host] is not true";
        return asm_peers_is_empty(asm_node_get_peers(node))
                       ? "it is not in allow of [host]"
                       : "its [peer] group has not the right host";
}

/* whether a call of @peer (NULL: this node) may use this one */
static gboolean
admits(AsmHost *host, GRefString *peer, gboolean is_logged)
{
        AsmNode *node = asm_procs_get_node(host->backend.procs);
        g_autofree char *shown = NULL;

        if (host->config.is_enabled && asm_node_permits(node, peer, ASM_RIGHT_HOST))
                return TRUE;
        if (!is_logged || peer == NULL)
                return FALSE;
        shown = g_strescape(peer, NULL);
        asm_quiet_message(&host->refused,
                          &(AsmLogTags){ .event = ASM_LOG_EVENT_CALL_REFUSED, .peer = peer },
                          "'%s' asks to run CLIs here and is refused: %s",
                          shown,
                          why_refused(host));
        return FALSE;
}

/* --- the checks of a caller's preflight ------------------------------------------------------ */

static void
is_loaded(AsmHostCall *call)
{
        gboolean is_ours = asm_view_is_atom(call->args[0], STARTER) ||
                           asm_view_is_atom(call->args[0], CAPABILITIES);

        asm_reply_atom(call->reply, is_ours ? "true" : "false");
}

static void
is_exported(AsmHostCall *call)
{
        gint64 arity;
        gboolean is_ours = asm_view_get_int(call->args[2], &arity) && arity >= 0 && arity <= 3 &&
                           find_function(call->args[0], call->args[1], (guint)arity) != NULL;

        asm_reply_atom(call->reply, is_ours ? "true" : "false");
}

static void
find_supervisor(AsmHostCall *call, const char *none)
{
        AsmServer *server = asm_procs_find_name(call->host->backend.procs,
                                                ASM_HOST_SUPERVISOR,
                                                strlen(ASM_HOST_SUPERVISOR));
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        if (server == NULL || !asm_view_is_atom(call->args[0], ASM_HOST_SUPERVISOR)) {
                asm_reply_atom(call->reply, none);
                return;
        }
        asm_builder_server_pid(&value, server);
        call->reply->send(call->reply, asm_builder_peek(&value));
}

static void
whereis_elixir(AsmHostCall *call)
{
        find_supervisor(call, "nil");
}

static void
whereis_erlang(AsmHostCall *call)
{
        find_supervisor(call, "undefined");
}

/* {ok, []}, since it runs already; any other application: {error, {App, {File, Why}}} */
static void
ensure_all_started(AsmHostCall *call)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        gboolean is_ours = asm_view_is_atom(call->args[0], "agent_session_manager");

        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, is_ours ? "ok" : "error");
        if (is_ours) {
                asm_builder_nil(&value);
        } else {
                g_autofree char *shown = asm_view_print(call->args[0], ASM_SYNTAX_ERLANG, 100);
                g_autofree char *file = g_strconcat(shown, ".app", NULL);

                asm_builder_tuple(&value, 2);
                asm_builder_view(&value, call->args[0]);
                asm_builder_tuple(&value, 2);
                asm_builder_charlist(&value, "no such file or directory");
                asm_builder_charlist(&value, file);
        }
        call->reply->send(call->reply, asm_builder_peek(&value));
}

/* --- the handshake --------------------------------------------------------------------------- */

/* a caller whose node is being asked for its release */
typedef struct {
        AsmHost *host;
        AsmReply *reply;
        guint64 rpc_call;
} Ask;

static void
reply_handshake(AsmReply *reply, const char *otp_release)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        asm_builder_map(&value, 3);
        asm_builder_atom(&value, "asm_version");
        asm_builder_text(&value, ASM_VERSION_SPOKEN);
        asm_builder_atom(&value, "otp_release");
        asm_builder_text(&value, otp_release);
        asm_builder_atom(&value, "capabilities");
        asm_builder_list(&value, 3);
        asm_builder_atom(&value, "remote_backend_start_v1");
        asm_builder_atom(&value, ASM_HOST_DECISIONS);
        asm_builder_atom(&value, ASM_HOST_PAUSES);
        asm_builder_nil(&value);
        reply->send(reply, asm_builder_peek(&value));
}

static void
on_release(AsmView value, const GError *error, AsmView reason, gpointer user_data)
{
        Ask *ask = user_data;
        g_autofree char *release = error == NULL ? asm_view_dup_text(value, FALSE) : NULL;
        gboolean is_number =
                release != NULL && g_ascii_isdigit(release[0]) && strlen(release) <= OTP_LENGTH_MAX;

        reply_handshake(ask->reply, is_number ? release : ASM_HOST_OTP_OLDEST);
        g_ptr_array_remove_fast(ask->host->asks, ask);
        g_free(ask);
}

static void
handshake(AsmHostCall *call)
{
        AsmHost *host = call->host;
        AsmLink *link = asm_node_find_link(asm_procs_get_node(host->backend.procs), call->peer);
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        Ask *ask;

        if (host->config.otp_release != NULL || link == NULL) {
                reply_handshake(call->reply,
                                host->config.otp_release != NULL ? host->config.otp_release
                                                                 : ASM_HOST_OTP_OLDEST);
                return;
        }
        asm_builder_list(&args, 1);
        asm_builder_atom(&args, "otp_release");
        asm_builder_nil(&args);
        ask = g_new0(Ask, 1);
        ask->host = host;
        ask->reply = call->reply;
        g_ptr_array_add(host->asks, ask);
        ask->rpc_call = asm_rpc_call(host->backend.rpc,
                                     link,
                                     "erlang",
                                     "system_info",
                                     asm_builder_peek(&args),
                                     ASK_TIMEOUT_MS,
                                     on_release,
                                     ask);
}

/* --- the start ------------------------------------------------------------------------------- */

/* a start that comes at the wrong time */
static void
refuse(AsmHostCall *call, const char *why)
{
        GRefString *name = asm_node_get_name(asm_procs_get_node(call->host->backend.procs));
        g_autoptr(AsmFailure) failure =
                asm_failure_new(ASM_FAILURE_AT_CAPACITY, ASM_DOMAIN_RUNTIME, "'%s' %s", name, why);

        asm_log(G_LOG_LEVEL_MESSAGE,
                &(AsmLogTags){ .event = ASM_LOG_EVENT_CALL_REFUSED, .peer = call->peer },
                "'%s' asks for a session and is refused: this node %s",
                call->peer,
                why);
        asm_reply_failure(call->reply, failure);
}

static void
refuse_full(AsmHostCall *call)
{
        g_autofree char *why = g_strdup_printf("runs %u CLIs for other nodes, which is its limit "
                                               "(max_sessions in [host] of its configuration)",
                                               call->host->sessions->len);

        refuse(call, why);
}

static void
start_core_session(AsmHostCall *call)
{
        AsmHost *host = call->host;
        g_auto(AsmHostedSpec) spec = { 0 };
        g_auto(AsmBuilder) reason = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        if (host->is_draining) {
                refuse(call, "is shutting down and starts nothing new");
                return;
        }
        if (host->sessions->len >= host->config.max_sessions) {
                refuse_full(call);
                return;
        }
        if (asm_hosted_spec_init(&spec, call->args[0], host->config.headless_timeout_ms, &reason)) {
                asm_hosted_start(host, &spec, call->peer, call->reply);
                return;
        }
        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "error");
        asm_builder_view(&value, asm_builder_peek(&reason));
        call->reply->send(call->reply, asm_builder_peek(&value));
}

/* --- the supervisor -------------------------------------------------------------------------- */

/* [{undefined, Pid, worker, [Module]}] */
static void
put_children(AsmBuilder *value, const AsmHost *host)
{
        asm_builder_list(value, host->sessions->len);
        for (guint i = 0; i < host->sessions->len; i++) {
                AsmHosted *hosted = g_ptr_array_index(host->sessions, i);

                asm_builder_tuple(value, 4);
                asm_builder_atom(value, "undefined");
                asm_builder_server_pid(value, &hosted->server);
                asm_builder_atom(value, "worker");
                asm_builder_list(value, 1);
                asm_builder_atom(value, "Elixir.CliSubprocessCore.Session");
                asm_builder_nil(value);
        }
        asm_builder_nil(value);
}

/* [{specs, N}, {active, N}, {supervisors, 0}, {workers, N}], of which Elixir makes a map */
static void
put_counts(AsmBuilder *value, const AsmHost *host, gboolean is_map)
{
        static const char *const keys[] = { "specs", "active", "supervisors", "workers" };

        if (is_map)
                asm_builder_map(value, G_N_ELEMENTS(keys));
        else
                asm_builder_list(value, G_N_ELEMENTS(keys));
        for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
                if (!is_map)
                        asm_builder_tuple(value, 2);
                asm_builder_atom(value, keys[i]);
                asm_builder_int(value, i == 2 ? 0 : host->sessions->len);
        }
        if (!is_map)
                asm_builder_nil(value);
}

static void
which_children(AsmHostCall *call)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        put_children(&value, call->host);
        call->reply->send(call->reply, asm_builder_peek(&value));
}

static void
count_children(AsmHostCall *call)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        put_counts(&value, call->host, /* is_map= */ TRUE);
        call->reply->send(call->reply, asm_builder_peek(&value));
}

/* ends a session that is ours */
static gboolean
terminate_child(AsmHost *host, AsmView pid)
{
        AsmServer *server = asm_procs_find(host->backend.procs, pid);

        if (server == NULL || !g_ptr_array_find(host->sessions, server, NULL))
                return FALSE;
        asm_server_stop_atom(server, "shutdown");
        return TRUE;
}

static void
supervisor_call(AsmServer *server, AsmView from, AsmView request)
{
        AsmHost *host = asm_api_of_server(server)->host;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        AsmView part[2];

        if (asm_view_is_atom(request, "which_children")) {
                put_children(&value, host);
        } else if (asm_view_is_atom(request, "count_children")) {
                put_counts(&value, host, /* is_map= */ FALSE);
        } else if (asm_view_get_tagged(request, "terminate_child", 2, part) &&
                   terminate_child(host, part[0])) {
                asm_builder_atom(&value, "ok");
        } else {
                asm_builder_tuple(&value, 2);
                asm_builder_atom(&value, "error");
                asm_builder_atom(&value, "not_found");
        }
        asm_procs_reply(host->backend.procs, from, asm_builder_peek(&value));
}

static void
supervisor_finalize(AsmServer *server)
{
        g_free(server);
}

static const AsmServerClass supervisor_class = { .module = "Elixir.DynamicSupervisor",
                                                 .traps_exits = TRUE,
                                                 .is_permanent = TRUE,
                                                 .mail_right = ASM_RIGHT_HOST,
                                                 .call = supervisor_call,
                                                 .finalize = supervisor_finalize };

/* --- the table ------------------------------------------------------------------------------- */

static const HostFunction functions[] = {
        { "Elixir.Code", "ensure_loaded?", 1, is_loaded, TRUE },
        { "erlang", "function_exported", 3, is_exported },
        { CAPABILITIES, "handshake", 0, handshake, TRUE },
        { "Elixir.Process", "whereis", 1, whereis_elixir, TRUE },
        { "erlang", "whereis", 1, whereis_erlang },
        { "Elixir.Application", "ensure_all_started", 1, ensure_all_started, TRUE },
        { STARTER, "start_core_session", 1, start_core_session, TRUE },
        { "Elixir.DynamicSupervisor", "which_children", 1, which_children, TRUE },
        { "Elixir.DynamicSupervisor", "count_children", 1, count_children, TRUE },
        { "erlang", "node", 0, asm_host_node },
        { "erlang", "system_info", 1, asm_host_system_info },
        { "erlang", "system_time", 1, asm_host_system_time },
        { "os", "find_executable", 1, asm_host_find_executable },
        { "file", "read_file_info", 1, asm_host_read_file_info },
};

static const HostFunction *
find_function(AsmView module, AsmView function, guint arity)
{
        for (gsize i = 0; i < G_N_ELEMENTS(functions); i++) {
                if (functions[i].arity == arity &&
                    asm_view_is_atom(function, functions[i].function) &&
                    asm_view_is_atom(module, functions[i].module))
                        return &functions[i];
        }
        return NULL;
}

gboolean
asm_host_call(AsmHost *host, const AsmView *mfa, const AsmCaller *caller, AsmReply *reply)
{
        AsmListCursor cursor = asm_view_list(mfa[2]);
        AsmHostCall call = { .host = host, .reply = reply, .peer = caller->peer };
        const HostFunction *function;
        AsmView args[3];
        guint n;

        if (!asm_view_get_list_length(mfa[2], &n) || n > G_N_ELEMENTS(args))
                return FALSE;
        function = find_function(mfa[0], mfa[1], n);
        if (function == NULL || caller->peer == NULL ||
            !admits(host, caller->peer, function->is_of_asm))
                return FALSE;
        for (guint i = 0; i < n; i++)
                asm_list_next(&cursor, &args[i]);
        call.args = args;
        function->handle(&call);
        return TRUE;
}

/* --- the whole ------------------------------------------------------------------------------- */

AsmHost *
asm_host_new(AsmApi *api)
{
        AsmHost *host = g_new0(AsmHost, 1);

        host->backend = *asm_manager_get_backend_context(api->manager);
        host->sessions = g_ptr_array_new();
        host->asks = g_ptr_array_new();
        asm_api_start_server(api, &supervisor_class, ASM_HOST_SUPERVISOR);
        return host;
}

void
asm_host_configure(AsmHost *host, const AsmHostConfig *config)
{
        AsmHostConfig old = host->config;

        host->config = *config;
        host->config.otp_release = g_strdup(config->otp_release);
        g_free(old.otp_release);
}

void
asm_host_stop_all(AsmHost *host)
{
        while (host->sessions->len > 0) {
                AsmHosted *hosted = g_ptr_array_index(host->sessions, host->sessions->len - 1);

                asm_server_stop_atom(&hosted->server, "shutdown");
        }
}

void
asm_host_free(AsmHost *host)
{
        asm_host_stop_all(host);
        for (guint i = 0; i < host->asks->len; i++) {
                Ask *ask = g_ptr_array_index(host->asks, i);

                asm_rpc_cancel(host->backend.rpc, ask->rpc_call);
                reply_handshake(ask->reply, ASM_HOST_OTP_OLDEST);
                g_free(ask);
        }
        g_ptr_array_unref(host->sessions);
        g_ptr_array_unref(host->asks);
        g_free(host->config.otp_release);
        g_free(host);
}

void
asm_host_drained(AsmHost *host)
{
        for (guint i = 0; i < host->sessions->len; i++)
                asm_hosted_drained(g_ptr_array_index(host->sessions, i));
}

/* --- for the status -------------------------------------------------------------------------- */

static void
put_peers(AsmBuilder *builder, const AsmHost *host)
{
        g_autoptr(GHashTable) counts = g_hash_table_new(NULL, NULL);
        GHashTableIter iter;
        gpointer peer, count;

        for (guint i = 0; i < host->sessions->len; i++) {
                AsmHosted *hosted = g_ptr_array_index(host->sessions, i);
                guint n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, hosted->peer));

                g_hash_table_insert(counts, hosted->peer, GUINT_TO_POINTER(n + 1));
        }
        asm_builder_list(builder, g_hash_table_size(counts));
        g_hash_table_iter_init(&iter, counts);
        while (g_hash_table_iter_next(&iter, &peer, &count)) {
                asm_builder_map(builder, 2);
                asm_builder_atom(builder, "node");
                asm_builder_atom(builder, peer);
                asm_builder_atom(builder, "sessions");
                asm_builder_int(builder, GPOINTER_TO_UINT(count));
        }
        asm_builder_nil(builder);
}

void
asm_builder_host(AsmBuilder *builder, AsmHost *host)
{
        if (!host->config.is_enabled) {
                asm_builder_nil_atom(builder);
                return;
        }
        asm_builder_map(builder, 3);
        asm_builder_atom(builder, "sessions");
        asm_builder_int(builder, host->sessions->len);
        asm_builder_atom(builder, "max_sessions");
        asm_builder_int(builder, host->config.max_sessions);
        asm_builder_atom(builder, "peers");
        put_peers(builder, host);
}
