/* SPDX-License-Identifier: MIT */

/*
 * doctor(Node[, Options]): what a run on a remote node needs, checked one thing after the other, each
 * with what to do when it is missing. Unlike the preflight of a run it does not stop at the first
 * fault, except where nothing more can be asked: without a connection the rest is skipped.
 */

#include "host-private.h"

#include "node/error.h"
#include "node/name.h"
#include "term/print.h"
#include "term/reader.h"

#include <string.h>

#define OTP_OLDEST      25
#define ASM_API_VERSION "0.12."
/* a difference of clocks that makes timestamps of events misleading */
#define SKEW_MAX_MS 2000

typedef struct {
        AsmApi *api;
        AsmReply *reply;
        char *node;
        char *cwd; /* NULL: no workspace was named */
        const AsmProvider *provider;
        guint connect_timeout_ms;
        guint rpc_timeout_ms;
        AsmLink *link;
        guint step;
        gboolean is_asmd; /* the node is another asmd, which runs agents and no other commands */
        gint64 asked_us;
        AsmBuilder results;
        guint n_results;
} Doctor;

typedef struct {
        const char *name;
        const char *module;
        const char *function;
        void (*put_args)(Doctor *doctor, AsmBuilder *args);
        /* @ret_detail, @ret_remedy: (transfer full); a remedy means that the check has failed */
        void (*judge)(Doctor *doctor, AsmView value, char **ret_detail, char **ret_remedy);
        const char *remedy; /* when the call itself fails */
} Step;

static void next_step(Doctor *doctor);

static void
add_result(Doctor *doctor,
           const char *check,
           const char *status,
           const char *detail,
           const char *remedy)
{
        AsmBuilder *results = &doctor->results;

        asm_builder_map(results, 4);
        asm_builder_atom(results, "check");
        asm_builder_atom(results, check);
        asm_builder_atom(results, "status");
        asm_builder_atom(results, status);
        asm_builder_atom(results, "detail");
        asm_builder_text(results, detail);
        asm_builder_atom(results, "remedy");
        asm_builder_text(results, remedy);
        doctor->n_results++;
}

static void
put_one_charlist(AsmBuilder *args, const char *text)
{
        asm_builder_list(args, 1);
        asm_builder_charlist(args, text);
        asm_builder_nil(args);
}

static void
put_one_atom(AsmBuilder *args, const char *atom)
{
        asm_builder_list(args, 1);
        asm_builder_atom(args, atom);
        asm_builder_nil(args);
}

/* --- the checks over a connection ------------------------------------------------------------ */

static void
args_none(Doctor *doctor, AsmBuilder *args)
{
        asm_builder_nil(args);
}

static void
judge_ping(Doctor *doctor, AsmView value, char **ret_detail, char **ret_remedy)
{
        *ret_detail = g_strdup_printf("answers in %.1f ms",
                                      (double)(g_get_monotonic_time() - doctor->asked_us) / 1000.0);
}

static void
args_otp(Doctor *doctor, AsmBuilder *args)
{
        put_one_atom(args, "otp_release");
}

static void
judge_otp(Doctor *doctor, AsmView value, char **ret_detail, char **ret_remedy)
{
        g_autofree char *release = asm_view_dup_text(value, /* accept_atoms= */ FALSE);

        *ret_detail = g_strdup_printf("OTP %s", release != NULL ? release : "unknown");
        if (release == NULL || g_ascii_strtoll(release, NULL, 10) < OTP_OLDEST)
                *ret_remedy = g_strdup_printf("run the node on OTP %d or later", OTP_OLDEST);
}

static void
judge_version(Doctor *doctor, AsmView value, char **ret_detail, char **ret_remedy)
{
        AsmView view;
        g_autofree char *version = NULL;

        if (asm_view_map_get(value, "asm_version", &view))
                version = asm_view_dup_text(view, /* accept_atoms= */ FALSE);
        *ret_detail = g_strdup_printf("ASM %s", version != NULL ? version : "unknown");
        if (version == NULL || !g_str_has_prefix(version, ASM_API_VERSION))
                *ret_remedy =
                        g_strdup("install agent_session_manager 0.12 there, or run asmd_host");
}

static void
judge_capability(Doctor *doctor, AsmView value, char **ret_detail, char **ret_remedy)
{
        AsmView list;
        AsmView element;
        AsmListCursor cursor;

        if (asm_view_map_get(value, "capabilities", &list)) {
                cursor = asm_view_list(list);
                while (asm_list_next(&cursor, &element)) {
                        if (asm_view_is_atom(element, ASM_HOST_DECISIONS))
                                doctor->is_asmd = TRUE;
                        if (asm_view_is_atom(element, "remote_backend_start_v1"))
                                *ret_detail = asm_view_print(list, ASM_SYNTAX_ERLANG, 200);
                }
                if (*ret_detail != NULL)
                        return;
        }
        *ret_detail = g_strdup("remote_backend_start_v1 is missing");
        *ret_remedy = g_strdup(
                "the node's backend host is too old or another program: use asmd_host or ASM 0.12");
}

static void
args_supervisor(Doctor *doctor, AsmBuilder *args)
{
        put_one_atom(args, "Elixir.ASM.Remote.BackendSupervisor");
}

static void
judge_supervisor(Doctor *doctor, AsmView value, char **ret_detail, char **ret_remedy)
{
        if (asm_view_kind(value) == ASM_KIND_PID) {
                *ret_detail = g_strdup("the backend supervisor runs");
                return;
        }
        *ret_detail = g_strdup("the backend supervisor does not run");
        *ret_remedy = g_strdup("start it there: asmd_host:start(), or "
                               "application:ensure_all_started(agent_session_manager)");
}

static void
args_cli(Doctor *doctor, AsmBuilder *args)
{
        put_one_charlist(args, doctor->provider->command);
}

static void
judge_cli(Doctor *doctor, AsmView value, char **ret_detail, char **ret_remedy)
{
        g_autofree char *path = asm_view_dup_text(value, /* accept_atoms= */ FALSE);

        if (path != NULL && *path != '\0') {
                *ret_detail = g_steal_pointer(&path);
                return;
        }
        *ret_detail = g_strdup_printf("'%s' is not in PATH there", doctor->provider->command);
        *ret_remedy = g_strdup_printf("install the %s on that host, or set %s for the node",
                                      doctor->provider->display_name,
                                      doctor->provider->path_variable);
}

/* the command is one of ours, without arguments from outside */
static void
args_cli_version(Doctor *doctor, AsmBuilder *args)
{
        g_autofree char *command =
                g_strdup_printf("%s --version 2>/dev/null </dev/null", doctor->provider->command);

        put_one_charlist(args, command);
}

static void
judge_cli_version(Doctor *doctor, AsmView value, char **ret_detail, char **ret_remedy)
{
        g_autofree char *text = asm_view_dup_text(value, /* accept_atoms= */ FALSE);
        char *end = text != NULL ? strchr(text, '\n') : NULL;

        if (end != NULL)
                *end = '\0';
        if (text != NULL && *g_strstrip(text) != '\0') {
                *ret_detail = g_steal_pointer(&text);
                return;
        }
        *ret_detail = g_strdup("it does not tell its version");
        *ret_remedy = g_strdup_printf("run '%s --version' there and see what it says",
                                      doctor->provider->command);
}

static void
args_workspace(Doctor *doctor, AsmBuilder *args)
{
        put_one_charlist(args, doctor->cwd != NULL ? doctor->cwd : ".");
}

/* {ok, #file_info{type = element 3, access = element 4}} */
static void
judge_workspace(Doctor *doctor, AsmView value, char **ret_detail, char **ret_remedy)
{
        const char *folder = doctor->cwd != NULL ? doctor->cwd : "the node's own folder";
        AsmView info[1];
        AsmView fields[14];

        if (asm_view_get_tagged(value, "ok", 2, info) && asm_view_get_tuple(info[0], 14, fields) &&
            asm_view_is_atom(fields[2], "directory") && asm_view_is_atom(fields[3], "read_write")) {
                *ret_detail = g_strdup_printf("%s can be written to", folder);
                return;
        }
        *ret_detail = g_strdup_printf("%s is no folder that the node may write to", folder);
        *ret_remedy = g_strdup(
                "make it there and give it to the node's user, or choose another with --cwd");
}

static void
args_clock(Doctor *doctor, AsmBuilder *args)
{
        put_one_atom(args, "millisecond");
}

static void
judge_clock(Doctor *doctor, AsmView value, char **ret_detail, char **ret_remedy)
{
        gint64 theirs;
        gint64 skew;

        if (!asm_view_get_int(value, &theirs)) {
                *ret_detail = g_strdup("the node does not tell its time");
                *ret_remedy = g_strdup("see why erlang:system_time/1 fails there");
                return;
        }
        skew = theirs - g_get_real_time() / 1000;
        *ret_detail = g_strdup_printf("%" G_GINT64_FORMAT " ms apart", ABS(skew));
        if (ABS(skew) > SKEW_MAX_MS)
                *ret_remedy = g_strdup("synchronise the clocks of both hosts (NTP)");
}

static const Step steps[] = {
        { "ping",
          "erlang",
          "node",
          args_none,
          judge_ping,
          "the node does not run functions for us: see its log" },
        { "otp_release", "erlang", "system_info", args_otp, judge_otp, NULL },
        { "asm_version",
          "Elixir.ASM.Remote.Capabilities",
          "handshake",
          args_none,
          judge_version,
          "install and start a backend host there: asmd_host, or agent_session_manager 0.12" },
        { "capability",
          "Elixir.ASM.Remote.Capabilities",
          "handshake",
          args_none,
          judge_capability,
          "install and start a backend host there: asmd_host, or agent_session_manager 0.12" },
        { "application",
          "Elixir.Process",
          "whereis",
          args_supervisor,
          judge_supervisor,
          "start it there: asmd_host:start(), or "
          "application:ensure_all_started(agent_session_manager)" },
        { "provider_cli", "os", "find_executable", args_cli, judge_cli, NULL },
        { "cli_version", "os", "cmd", args_cli_version, judge_cli_version, NULL },
        { "workspace", "file", "read_file_info", args_workspace, judge_workspace, NULL },
        { "clock", "erlang", "system_time", args_clock, judge_clock, NULL },
};

static void
finish(Doctor *doctor)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        asm_builder_list(&value, doctor->n_results);
        asm_builder_raw(&value, doctor->results.data, doctor->results.len);
        asm_builder_nil(&value);
        doctor->reply->send(doctor->reply, asm_builder_peek(&value));
        g_clear_pointer(&doctor->link, asm_link_unref);
        asm_builder_clear(&doctor->results);
        g_free(doctor->node);
        g_free(doctor->cwd);
        g_free(doctor);
}

static void
on_answer(AsmView value, const GError *error, AsmView reason, gpointer user_data)
{
        Doctor *doctor = user_data;
        const Step *step = &steps[doctor->step];
        g_autofree char *detail = NULL;
        g_autofree char *remedy = NULL;

        if (doctor->is_asmd && g_error_matches(error, ASM_PROC_ERROR, ASM_PROC_ERROR_UNDEF)) {
                add_result(doctor,
                           step->name,
                           "skipped",
                           "the node is an asmd, which does not do this for others",
                           NULL);
        } else if (error != NULL) {
                add_result(doctor,
                           step->name,
                           "failed",
                           error->message,
                           step->remedy != NULL ? step->remedy : "see the log of the node");
        } else {
                step->judge(doctor, value, &detail, &remedy);
                add_result(doctor, step->name, remedy != NULL ? "failed" : "ok", detail, remedy);
        }
        doctor->step++;
        next_step(doctor);
}

static void
next_step(Doctor *doctor)
{
        const Step *step = &steps[doctor->step];
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;

        if (doctor->step == G_N_ELEMENTS(steps)) {
                finish(doctor);
                return;
        }
        step->put_args(doctor, &args);
        doctor->asked_us = g_get_monotonic_time();
        asm_rpc_call(asm_manager_get_backend_context(doctor->api->manager)->rpc,
                     doctor->link,
                     step->module,
                     step->function,
                     asm_builder_peek(&args),
                     doctor->rpc_timeout_ms,
                     on_answer,
                     doctor);
}

/* --- the connection -------------------------------------------------------------------------- */

static void
on_link(GObject *source, GAsyncResult *result, gpointer user_data)
{
        Doctor *doctor = user_data;
        AsmNode *node = asm_procs_get_node(doctor->api->procs);
        g_autoptr(GError) error = NULL;
        gboolean is_cookie;

        doctor->link = asm_node_connect_finish(node, result, &error);
        if (doctor->link != NULL) {
                add_result(doctor, "connect", "ok", "connected", NULL);
                add_result(doctor, "cookie", "ok", "the cookies agree", NULL);
                next_step(doctor);
                return;
        }
        is_cookie = g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_REFUSED);
        add_result(doctor,
                   "connect",
                   is_cookie ? "ok" : "failed",
                   is_cookie ? "the node can be reached" : error->message,
                   is_cookie ? NULL
                             : "start the node (erl -sname NAME), check its host name and that "
                               "epmd runs there");
        if (is_cookie)
                add_result(doctor,
                           "cookie",
                           "failed",
                           error->message,
                           "give both the same cookie: --cookie-file, erl -setcookie, or the "
                           "option remote_cookie");
        else
                add_result(doctor, "cookie", "skipped", "there is no connection", NULL);
        for (gsize i = 0; i < G_N_ELEMENTS(steps); i++)
                add_result(doctor, steps[i].name, "skipped", "there is no connection", NULL);
        finish(doctor);
}

/* doctor(Node[, Options]) -> {ok, [#{check, status, detail, remedy}]} */
void
asm_method_doctor(const AsmRequest *request, AsmReply *reply)
{
        AsmNode *node = asm_procs_get_node(request->api->procs);
        g_auto(AsmOptions) options = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autoptr(GError) error = NULL;
        g_autofree char *name = asm_view_dup_text(request->args[0], /* accept_atoms= */ TRUE);
        g_autofree char *ours = NULL;
        const AsmProvider *provider = NULL;
        Doctor *doctor;

        asm_options_init(&options);
        if (asm_options_apply(&options, &request->args[1], 1, &failure))
                provider = asm_provider_find(options.provider, &error);
        if (failure == NULL && error == NULL)
                asm_node_name_check(name != NULL ? name : "", &error);
        if (failure == NULL && error != NULL)
                failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                          ASM_DOMAIN_CONFIG,
                                          "%s",
                                          error->message);
        if (failure != NULL) {
                asm_reply_failure(reply, failure);
                return;
        }
        doctor = g_new0(Doctor, 1);
        doctor->api = request->api;
        doctor->reply = reply;
        doctor->node = g_steal_pointer(&name);
        doctor->provider = provider;
        doctor->cwd = g_strdup(options.remote_cwd != NULL ? options.remote_cwd : options.cwd);
        doctor->connect_timeout_ms = options.remote_connect_timeout_ms;
        doctor->rpc_timeout_ms = options.remote_rpc_timeout_ms;
        ours = g_strdup_printf("this is '%s'", asm_node_get_name(node));
        add_result(doctor, "distribution", "ok", ours, NULL);
        asm_node_connect_async(node, doctor->node, doctor->connect_timeout_ms, on_link, doctor);
}
