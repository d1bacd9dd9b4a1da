/* SPDX-License-Identifier: MIT */

/*
 * Starting a run on a remote node (ASM_PROTOCOL.md section 1), one step after the other:
 *
 *     CONNECTING   cookie, then a link to the node
 *     PREFLIGHT    the five checks, each a remote call; their order is part of the protocol
 *     BOOTSTRAP    only when asked for: start the application there
 *     STARTING     start_core_session/1, which answers with the pid of the session
 *
 * Each step has one error. A start that takes too long is given up, but not forgotten: the call
 * goes on, and a session that it brings later is closed at once, so that no CLI is orphaned.
 */

#include "remote-private.h"

#include "node/error.h"
#include "term/print.h"
#include "term/reader.h"

#include <string.h>

#define STARTER    "Elixir.ASM.Remote.BackendStarter"
#define SUPERVISOR "Elixir.ASM.Remote.BackendSupervisor"
#define CAPABILITY "remote_backend_start_v1"
#define RAW_LINES  "raw_lines_v1"
#define DECISIONS  "approval_decisions_v1"
#define PAUSES     "run_pause_v1"
/* the ASM whose remote side this is (major.minor must agree), and the oldest OTP of its nodes */
#define ASM_API_VERSION "0.12"
#define OTP_OLDEST      25
/* how long a start that was given up may still bring a session that must be closed */
#define ABANDONED_MS (10 * 60 * 1000)

static void next_check(AsmRemote *self);
static void start_session(AsmRemote *self);

/* a failure whose cause is the atom or tuple that ASM uses for it */
static AsmFailure *
start_failure(const char *step, const char *why, AsmTerm *cause)
{
        AsmFailure *failure = asm_failure_new(ASM_FAILURE_CONNECTION_FAILED,
                                              ASM_DOMAIN_RUNTIME,
                                              "remote %s failed: %s",
                                              step,
                                              why);

        failure->cause = cause;
        return failure;
}

static AsmTerm *
atom_term(const char *name)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_atom(&builder, name);
        return asm_builder_end(&builder);
}

/* {Tag, Value} */
static AsmTerm *
tagged_term(const char *tag, AsmView value)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_tuple(&builder, 2);
        asm_builder_atom(&builder, tag);
        if (asm_view_is_set(value))
                asm_builder_view(&builder, value);
        else
                asm_builder_nil_atom(&builder);
        return asm_builder_end(&builder);
}

/* --- checks of the preflight --------------------------------------------------------------- */

typedef struct {
        const char *module;
        const char *function;
        void (*put_args)(AsmBuilder *args);
        AsmFailure *(*judge)(AsmRemote *self, AsmView value); /* NULL: passed */
} Check;

static AsmFailure *
not_ready(AsmRemote *self, const char *what)
{
        g_autofree char *why = g_strdup_printf(
                "'%s' is not ready: %s; start its backend host (asmd_host or "
                "agent_session_manager; an asmd has to allow this node, see [host] in "
                "asmd.conf(5)), or set remote_bootstrap_mode to ensure_started",
                self->node,
                what);

        return start_failure("preflight", why, atom_term("remote_not_ready"));
}

static void
put_starter(AsmBuilder *args)
{
        asm_builder_list(args, 1);
        asm_builder_atom(args, STARTER);
        asm_builder_nil(args);
}

static void
put_starter_mfa(AsmBuilder *args)
{
        asm_builder_list(args, 3);
        asm_builder_atom(args, STARTER);
        asm_builder_atom(args, "start_core_session");
        asm_builder_int(args, 1);
        asm_builder_nil(args);
}

static void
put_supervisor(AsmBuilder *args)
{
        asm_builder_list(args, 1);
        asm_builder_atom(args, SUPERVISOR);
        asm_builder_nil(args);
}

static AsmFailure *
judge_true(AsmRemote *self, AsmView value)
{
        return asm_view_is_atom(value, "true") ? NULL : not_ready(self, STARTER " is not there");
}

static AsmFailure *
judge_pid(AsmRemote *self, AsmView value)
{
        return asm_view_kind(value) == ASM_KIND_PID
                       ? NULL
                       : not_ready(self, "its backend supervisor does not run");
}

/* #{required => [C], missing => unknown | [C]} */
static AsmFailure *
capability_mismatch(AsmRemote *self, gboolean is_known)
{
        g_auto(AsmBuilder) map = ASM_BUILDER_INIT;
        g_autofree char *why = NULL;

        asm_builder_map(&map, 2);
        asm_builder_atom(&map, "required");
        asm_builder_list(&map, 1);
        asm_builder_atom(&map, CAPABILITY);
        asm_builder_nil(&map);
        asm_builder_atom(&map, "missing");
        if (is_known) {
                asm_builder_list(&map, 1);
                asm_builder_atom(&map, CAPABILITY);
                asm_builder_nil(&map);
        } else {
                asm_builder_atom(&map, "unknown");
        }
        why = g_strdup_printf(
                is_known ? "'%s' lacks the capability " CAPABILITY
                         : "what '%s' says of its capabilities cannot be understood (" CAPABILITY
                           " is needed)",
                self->node);
        return start_failure("preflight",
                             why,
                             tagged_term("remote_capability_mismatch", asm_builder_peek(&map)));
}

static AsmFailure *
version_mismatch(const char *local_key,
                 const char *local,
                 const char *remote_key,
                 const char *remote)
{
        g_auto(AsmBuilder) map = ASM_BUILDER_INIT;
        g_autofree char *shown = g_strescape(remote, NULL);
        g_autofree char *why =
                g_strdup_printf("version mismatch: %s here, '%s' there", local, shown);

        asm_builder_map(&map, 2);
        asm_builder_atom(&map, local_key);
        asm_builder_text(&map, local);
        asm_builder_atom(&map, remote_key);
        asm_builder_text(&map, remote);
        return start_failure("preflight",
                             why,
                             tagged_term("remote_version_mismatch", asm_builder_peek(&map)));
}

static gboolean
has_capability(AsmView list, const char *name)
{
        AsmListCursor cursor = asm_view_list(list);
        AsmView element;

        while (asm_list_next(&cursor, &element)) {
                g_autofree char *text = asm_view_dup_text(element, /* accept_atoms= */ TRUE);
                if (g_strcmp0(text, name) == 0)
                        return TRUE;
        }
        return FALSE;
}

/* the first two groups of digits: "v0.12.1-rc" is 0.12 */
static char *
major_minor(const char *version)
{
        const char *major = version + strcspn(version, "0123456789");
        gsize n_major = strspn(major, "0123456789");
        const char *minor = major + n_major + strcspn(major + n_major, "0123456789");
        gsize n_minor = strspn(minor, "0123456789");

        return g_strdup_printf("%.*s.%.*s", (int)n_major, major, (int)n_minor, minor);
}

static AsmFailure *
judge_handshake(AsmRemote *self, AsmView value)
{
        static const char *const keys[] = { "asm_version", "otp_release", "capabilities", NULL };
        AsmView found[3];
        g_autofree char *version = NULL;
        g_autofree char *otp = NULL;
        g_autofree char *agreed = NULL;
        guint n;

        if (asm_view_map_pick(value, keys, found) < 3 ||
            (version = asm_view_dup_text(found[0], FALSE)) == NULL ||
            (otp = asm_view_dup_text(found[1], FALSE)) == NULL ||
            !asm_view_get_list_length(found[2], &n))
                return capability_mismatch(self, /* is_known= */ FALSE);
        if (!has_capability(found[2], CAPABILITY))
                return capability_mismatch(self, /* is_known= */ TRUE);
        agreed = major_minor(version);
        if (strcmp(agreed, ASM_API_VERSION) != 0)
                return version_mismatch("local", ASM_API_VERSION, "remote", version);
        if (g_ascii_strtoll(g_strstrip(otp), NULL, 10) < OTP_OLDEST)
                return version_mismatch("local_otp", "25", "remote_otp", otp);
        self->has_raw_lines = has_capability(found[2], RAW_LINES);
        self->takes_decisions = has_capability(found[2], DECISIONS);
        self->takes_pauses = has_capability(found[2], PAUSES);
        self->backend.wants_approval_lines = !self->takes_decisions;
        return NULL;
}

static void
put_nothing(AsmBuilder *args)
{
        asm_builder_nil(args);
}

static const Check checks[] = {
        { "Elixir.Code", "ensure_loaded?", put_starter, judge_true },
        { "erlang", "function_exported", put_starter_mfa, judge_true },
        { "Elixir.ASM.Remote.Capabilities", "handshake", put_nothing, judge_handshake },
        { "Elixir.Process", "whereis", put_supervisor, judge_pid },
};

/* --- the steps ----------------------------------------------------------------------------- */

static AsmFailure *
rpc_failure(AsmRemote *self, const char *step, const GError *error, AsmView reason)
{
        if (error->code == ASM_PROC_ERROR_TIMEOUT)
                return start_failure(step, error->message, atom_term("remote_rpc_timeout"));
        if (error->code == ASM_PROC_ERROR_UNDEF && self->state == REMOTE_PREFLIGHT)
                return not_ready(self, error->message);
        return start_failure(step, error->message, tagged_term("remote_rpc_failed", reason));
}

static gboolean
is_not_ready(const AsmFailure *failure)
{
        return failure->cause != NULL &&
               asm_view_is_atom(asm_term_view(failure->cause), "remote_not_ready");
}

static void
on_bootstrapped(AsmView value, const GError *error, AsmView reason, gpointer user_data)
{
        AsmRemote *self = user_data;
        AsmView part[2];
        g_autofree char *shown = NULL;

        self->rpc_call = 0;
        if (error != NULL) {
                asm_remote_fail(self, rpc_failure(self, "bootstrap", error, reason));
        } else if (asm_view_get_tagged(value, "ok", 2, part)) {
                start_session(self);
        } else {
                shown = asm_view_print(value, ASM_SYNTAX_ERLANG, 400);
                asm_remote_fail(self, start_failure("bootstrap", shown, asm_term_new(value)));
        }
}

static void
bootstrap(AsmRemote *self)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;

        self->state = REMOTE_BOOTSTRAP;
        asm_builder_list(&args, 1);
        asm_builder_atom(&args, "agent_session_manager");
        asm_builder_nil(&args);
        self->rpc_call = asm_rpc_call(self->context.rpc,
                                      self->link,
                                      "Elixir.Application",
                                      "ensure_all_started",
                                      asm_builder_peek(&args),
                                      self->rpc_timeout_ms,
                                      on_bootstrapped,
                                      self);
}

static void
on_checked(AsmView value, const GError *error, AsmView reason, gpointer user_data)
{
        AsmRemote *self = user_data;
        AsmFailure *failure = error != NULL ? rpc_failure(self, "preflight", error, reason)
                                            : checks[self->check].judge(self, value);

        self->rpc_call = 0;
        if (failure == NULL) {
                self->check++;
                next_check(self);
        } else if (self->ensure_started && is_not_ready(failure)) {
                asm_failure_free(failure);
                self->check = G_N_ELEMENTS(checks);
                next_check(self);
        } else {
                asm_remote_fail(self, failure);
        }
}

static void
next_check(AsmRemote *self)
{
        const Check *check = &checks[self->check];
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;

        if (self->check == G_N_ELEMENTS(checks)) {
                if (self->ensure_started)
                        bootstrap(self);
                else
                        start_session(self);
                return;
        }
        self->state = REMOTE_PREFLIGHT;
        check->put_args(&args);
        self->rpc_call = asm_rpc_call(self->context.rpc,
                                      self->link,
                                      check->module,
                                      check->function,
                                      asm_builder_peek(&args),
                                      self->rpc_timeout_ms,
                                      on_checked,
                                      self);
}

static void
on_link(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmRemote *self = user_data;
        AsmNode *node = asm_procs_get_node(self->context.procs);
        g_autoptr(GError) error = NULL;
        AsmLink *link = asm_node_connect_finish(node, result, &error);

        if (self->state != REMOTE_CONNECTING) {
                g_clear_pointer(&link, asm_link_unref);
        } else if (link == NULL) {
                asm_remote_fail(self,
                                start_failure("connect",
                                              error->message,
                                              atom_term(error->code == ASM_NODE_ERROR_TIMEOUT
                                                                ? "remote_connect_timeout"
                                                                : "remote_connect_failed")));
        } else {
                self->link = link;
                next_check(self);
        }
        /* the reference that the connecting held */
        asm_server_unref(&self->server);
}

static void
on_not_distributed(AsmTimer *timer, gpointer user_data)
{
        g_autofree char *why = NULL;
        AsmRemote *self = user_data;

        why = g_strdup_printf("this node is not started, and only a node can reach '%s': use an "
                              "asmd that runs, or execution_mode local",
                              self->node);
        asm_remote_fail(self, start_failure("connect", why, atom_term("distribution_not_enabled")));
}

static void
on_cookie_conflict(AsmTimer *timer, gpointer user_data)
{
        AsmRemote *self = user_data;
        g_autofree char *why = g_strdup_printf("another cookie is in use for '%s' already; the "
                                               "first one stays until asmd is restarted",
                                               self->node);

        asm_remote_fail(self, start_failure("connect", why, atom_term("cookie_conflict")));
}

/* from the main loop, like every other failure */
static void
fail_later(AsmRemote *self, AsmTimerFunc fail)
{
        asm_timer_init(&self->timer, asm_procs_get_timers(self->context.procs), fail, self);
        asm_timer_arm(&self->timer, 0);
}

void
asm_remote_begin(AsmRemote *self, const char *cookie)
{
        AsmNode *node = asm_procs_get_node(self->context.procs);

        if (!asm_node_is_alive(node)) {
                fail_later(self, on_not_distributed);
                return;
        }
        if (cookie != NULL && !asm_node_set_cookie(node, self->node, cookie, NULL)) {
                fail_later(self, on_cookie_conflict);
                return;
        }
        asm_server_ref(&self->server);
        asm_node_connect_async(node, self->node, self->connect_timeout_ms, on_link, self);
}

/* --- starting the session ------------------------------------------------------------------ */

static void
put_option_text(AsmBuilder *options, const char *key, const char *value, guint *n)
{
        if (value == NULL)
                return;
        asm_builder_tuple(options, 2);
        asm_builder_atom(options, key);
        asm_builder_text(options, value);
        (*n)++;
}

static void
put_option_atom(AsmBuilder *options, const char *key, const char *value, guint *n)
{
        asm_builder_tuple(options, 2);
        asm_builder_atom(options, key);
        asm_builder_atom(options, value);
        (*n)++;
}

/* {subscriber, {Pid, Ref}} */
static void
put_subscriber(AsmRemote *self, AsmBuilder *options, guint *n)
{
        asm_builder_tuple(options, 2);
        asm_builder_atom(options, "subscriber");
        asm_builder_tuple(options, 2);
        asm_builder_server_pid(options, &self->server);
        asm_builder_ref(options, &self->ref);
        (*n)++;
}

/* the run's metadata, and what a host is told of every run */
static void
put_metadata(AsmRemote *self, AsmBuilder *options, guint *n)
{
        g_auto(AsmBuilder) own = ASM_BUILDER_INIT;

        asm_builder_map(&own, 4);
        asm_builder_atom(&own, "lane");
        asm_builder_atom(&own, "core");
        asm_builder_atom(&own, "asm_provider");
        asm_builder_atom(&own, self->provider->name);
        asm_builder_atom(&own, "run_id");
        asm_builder_text(&own, self->run_id);
        asm_builder_atom(&own, "session_id");
        asm_builder_text(&own, self->session_id);
        asm_builder_tuple(options, 2);
        asm_builder_atom(options, "metadata");
        asm_builder_metadata(options, asm_term_view(self->metadata), asm_builder_peek(&own));
        (*n)++;
}

/* the argument list of start_core_session/1: [SessionOpts] */
static void
put_session_options(AsmRemote *self, AsmBuilder *args)
{
        AsmOptionCursor cursor;
        AsmBuilderMark mark;
        AsmView key;
        AsmView value;
        guint n = 0;

        asm_builder_list(args, 1);
        mark = asm_builder_list_begin(args);
        put_subscriber(self, args, &n);
        put_option_atom(args, "provider", self->provider->name, &n);
        put_option_atom(args, "profile", self->provider->profile, &n);
        put_metadata(self, args, &n);
        asm_builder_tuple(args, 2);
        asm_builder_atom(args, "execution_surface");
        asm_builder_term(args, self->surface);
        n++;
        put_option_text(args, "prompt", self->prompt, &n);
        put_option_text(args, "cwd", self->cwd, &n);
        put_option_text(args, "command", self->cli_path, &n);
        if (self->has_raw_lines)
                put_option_atom(args, "event_delivery", "raw_lines", &n);
        if (self->takes_decisions)
                put_option_atom(args, "answers_approvals", "true", &n);
        asm_option_cursor_init(&cursor, asm_term_view(self->options));
        while (asm_option_next(&cursor, &key, &value)) {
                asm_builder_tuple(args, 2);
                asm_builder_view(args, key);
                asm_builder_view(args, value);
                n++;
        }
        asm_builder_list_end(args, mark, n);
        asm_builder_nil(args);
}

static AsmFailure *
refused(AsmRemote *self, AsmView reason)
{
        /* the answer to a command that was given and is not there */
        gboolean is_missing = self->cli_path != NULL && asm_view_is_atom(reason, "missing");
        g_autofree char *shown =
                is_missing ? g_strdup_printf("'%s' has no CLI '%s'", self->node, self->cli_path)
                           : asm_view_print(reason, ASM_SYNTAX_ERLANG, 400);
        AsmFailure *failure;
        AsmView kind;
        AsmView message;

        /* the provider's own error struct says more than its term */
        if (asm_view_map_get(reason, "message", &message)) {
                g_autofree char *text = asm_view_dup_text(message, FALSE);
                if (text != NULL) {
                        g_free(shown);
                        shown = g_steal_pointer(&text);
                }
        }
        failure = start_failure("backend start", shown, asm_term_new(reason));
        if (is_missing ||
            (asm_view_map_get(reason, "kind", &kind) && asm_view_is_atom(kind, "cli_not_found")))
                failure->kind = ASM_FAILURE_CLI_NOT_FOUND;
        return failure;
}

static void
on_started(AsmView value, const GError *error, AsmView reason, gpointer user_data)
{
        AsmRemote *self = user_data;
        g_auto(AsmPid) session = { 0 };
        AsmView ok[2];
        AsmView refusal;

        self->rpc_call = 0;
        asm_timer_disarm(&self->timer);
        if (error == NULL && asm_view_get_tagged(value, "ok", 3, ok) &&
            asm_pid_from_view(ok[0], &session)) {
                if (self->state == REMOTE_ABANDONED) {
                        asm_remote_late(self, &session);
                } else {
                        asm_remote_running(self, &session);
                }
                return;
        }
        if (self->state == REMOTE_ABANDONED) {
                asm_remote_over(self);
        } else if (error != NULL) {
                asm_remote_fail(self, rpc_failure(self, "backend start", error, reason));
        } else if (asm_view_get_tagged(value, "error", 2, &refusal)) {
                asm_remote_fail(self, refused(self, refusal));
        } else {
                asm_remote_fail(self, refused(self, value));
        }
}

static void
on_start_timeout(AsmTimer *timer, gpointer user_data)
{
        AsmRemote *self = user_data;
        g_autofree char *why = g_strdup_printf("'%s' did not start the session within %u ms",
                                               self->node,
                                               self->rpc_timeout_ms);

        asm_remote_fail(self, start_failure("backend start", why, atom_term("remote_rpc_timeout")));
}

static void
start_session(AsmRemote *self)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;

        self->state = REMOTE_STARTING;
        put_session_options(self, &args);
        asm_timer_init(&self->timer,
                       asm_procs_get_timers(self->context.procs),
                       on_start_timeout,
                       self);
        if (self->rpc_timeout_ms > 0)
                asm_timer_arm(&self->timer, self->rpc_timeout_ms);
        self->rpc_call =
                asm_rpc_call(self->context.rpc,
                             self->link,
                             STARTER,
                             "start_core_session",
                             asm_builder_peek(&args),
                             self->rpc_timeout_ms > 0 ? MAX(self->rpc_timeout_ms, ABANDONED_MS) : 0,
                             on_started,
                             self);
}
