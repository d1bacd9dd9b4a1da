/* SPDX-License-Identifier: MIT */

/*
 * The exported functions. Whatever is not in this table cannot be reached from outside: there is
 * no apply, no evaluation, no module but this one. Each row says which right a peer needs for it
 * (doc/security.md has this table too, and a test compares the two): what only looks, or puts a prompt
 * that brings no options along, is a query; options can name programs, directories and other nodes, so
 * what takes them is control. The words behind the handler are the reference, doc/api.md, which a test
 * keeps equal to this table. Calls that can fail are answered {error, Error} then, which is not repeated.
 */

#include "method-private.h"

#include "term/reader.h"

#include <string.h>

/* clang-format off */
static const AsmMethod methods[] = {
        { "start_session", 0, 1, ASM_RIGHT_CONTROL, asm_method_start_session,
          "[Options]", "{ok, Pid}",
          "Starts a session, a process of this node that lives until it is stopped, its owner "
          "ends or the daemon does. The options hold for every run of it; session_id is its id, "
          "else a new ULID." },
        { "stop_session", 1, 1, ASM_RIGHT_CONTROL, asm_method_stop_session,
          "Session", "ok",
          "Ends the session; its runs are interrupted." },
        { "session_info", 1, 1, ASM_RIGHT_QUERY, asm_method_session_info,
          "Session", "{ok, Info}",
          "What is known of the session: session_id, provider, options, status (ready or "
          "running), pid, and its runs, each with run_id, status, events and execution." },
        { "session_id", 1, 1, ASM_RIGHT_QUERY, asm_method_session_id,
          "Session", "Id | nil",
          "The id of the session, nil if there is none." },
        { "list_sessions", 0, 0, ASM_RIGHT_QUERY, asm_method_list_sessions,
          "", "[Info]",
          "All sessions, each as session_info tells it." },
        { "health", 1, 1, ASM_RIGHT_QUERY, asm_method_health,
          "Session", "healthy | {unhealthy, not_alive | not_found}",
          "Whether the session lives. Never an error." },
        { "cost", 1, 1, ASM_RIGHT_QUERY, asm_method_cost,
          "Session", "#{input_tokens, output_tokens, cost_usd}",
          "The sum of the session's runs." },
        { "query", 2, 2, ASM_RIGHT_QUERY, asm_method_query,
          "Session | Provider, Prompt", "{ok, Result}",
          "Runs the prompt and answers when the run is over. With a provider, an atom, in a "
          "session of its own that ends with the run." },
        { "query", 3, 3, ASM_RIGHT_CONTROL, asm_method_query,
          "Session | Provider, Prompt, Options", "{ok, Result}",
          "The same with options for this run." },
        { "stream", 2, 2, ASM_RIGHT_QUERY, asm_method_stream,
          "Session | Provider, Prompt", "{ok, RunId}",
          "Runs the prompt and answers at once; the caller gets the events." },
        { "stream", 3, 3, ASM_RIGHT_CONTROL, asm_method_stream,
          "Session | Provider, Prompt, Options", "{ok, RunId}",
          "The same with options for this run; the option subscriber is a process that gets the "
          "events in place of the caller." },
        { "subscribe", 2, 2, ASM_RIGHT_QUERY, asm_method_subscribe,
          "Session, RunId", "ok",
          "The caller gets the run's events from now on." },
        { "subscribe", 3, 3, ASM_RIGHT_CONTROL, asm_method_subscribe,
          "Session, RunId, Pid", "ok",
          "The same for another process." },
        { "subscribe", 4, 4, ASM_RIGHT_CONTROL, asm_method_subscribe_from,
          "Session, RunId, Pid, Options", "{ok, Map}",
          "As attach, for another process." },
        { "attach", 2, 3, ASM_RIGHT_QUERY, asm_method_attach,
          "Session, RunId[, Options]", "{ok, Map}",
          "The caller gets the run's events from the first one on, those that have been and then "
          "those that come; from is first, now or the sequence of an event. The map tells how "
          "many are missing because they are not kept any more." },
        { "list_runs", 0, 1, ASM_RIGHT_QUERY, asm_method_list_runs,
          "[Options]", "{ok, #{runs, total}}",
          "The runs that are known, those that are over included until they are forgotten. Options: "
          "prefix of the id, session, state (active, finished or all), limit." },
        { "run_info", 1, 1, ASM_RIGHT_QUERY, asm_method_run_info,
          "RunId", "{ok, Info}",
          "One of them, with its result when it is over." },
        { "run_events", 1, 2, ASM_RIGHT_QUERY, asm_method_run_events,
          "RunId[, Options]", "{ok, Map}",
          "A page of the events that are kept of a run, and where the next one begins. Options: "
          "from (first or a sequence), max_bytes." },
        { "demand", 3, 3, ASM_RIGHT_QUERY, asm_method_demand,
          "Session, RunId, N", "ok",
          "The caller, a subscriber, wants N more events. From the first call on it gets as many "
          "as it has asked for, and counts as slow while it wants none." },
        { "unsubscribe", 2, 2, ASM_RIGHT_QUERY, asm_method_unsubscribe,
          "Session, RunId", "ok",
          "The caller gets no more of the run's events." },
        { "unsubscribe", 3, 3, ASM_RIGHT_CONTROL, asm_method_unsubscribe,
          "Session, RunId, Pid", "ok",
          "The same for another process." },
        { "interrupt", 2, 2, ASM_RIGHT_CONTROL, asm_method_interrupt,
          "Session, RunId", "ok",
          "Ends the run, or takes it out of the queue; it ends as user_cancelled." },
        { "pause", 2, 2, ASM_RIGHT_CONTROL, asm_method_pause,
          "Session, RunId", "ok",
          "Interrupts a run that is active and keeps what resume_run needs to go on with it." },
        { "approve", 3, 3, ASM_RIGHT_CONTROL, asm_method_approve,
          "Session, ApprovalId, allow | deny", "ok",
          "Answers a request for permission. The first answer stands; without one it is denied "
          "after approval_timeout_ms." },
        { "approvals", 1, 1, ASM_RIGHT_QUERY, asm_method_approvals,
          "Session", "{ok, [Approval]}",
          "The requests that wait for an answer, each with approval_id, run_id, subject, "
          "details and requested_at." },
        { "checkpoint", 1, 1, ASM_RIGHT_QUERY, asm_method_checkpoint,
          "Session", "{ok, Checkpoint | nil}",
          "Where the session's conversation can be taken up: session_id, provider, run_id, "
          "provider_session_id, cost, captured_at, metadata." },
        { "resume_run", 2, 3, ASM_RIGHT_CONTROL, asm_method_resume_run,
          "Session, Prompt[, Options]", "{ok, RunId, Pid | queued}",
          "Goes on with the conversation of the checkpoint, or of the option continuation. The "
          "caller gets the events." },
        { "intervene", 3, 4, ASM_RIGHT_CONTROL, asm_method_intervene,
          "Session, RunId, Prompt[, Options]", "{ok, RunId, Pid | queued}",
          "Interrupts the run and goes on with its conversation and another prompt." },
        { "resolve", 1, 2, ASM_RIGHT_QUERY, asm_method_resolve,
          "Provider[, Options]", "{ok, Map}",
          "Which lane a run with these options (lane, execution_mode) would take, and why." },
        { "lane_info", 1, 2, ASM_RIGHT_QUERY, asm_method_lane_info,
          "Provider[, Options]", "{ok, Map}",
          "preferred_lane, lane_reason, default_lane and whether a kit is there "
          "(sdk_available?)." },
        { "provider_info", 0, 1, ASM_RIGHT_QUERY, asm_method_provider_info,
          "[Provider]", "{ok, Info}, without a provider {ok, [Info]}",
          "What the provider is: its command, its options and permission modes and what they "
          "become on the command line, its capabilities and lanes, its kit. Nothing is started." },
        { "providers", 0, 1, ASM_RIGHT_QUERY, asm_method_providers,
          "[Provider]", "{ok, [#{provider, path, version, problem, info}]}",
          "Which CLIs are installed here. Each is asked for its version, for 10 seconds at "
          "most." },
        { "doctor", 1, 2, ASM_RIGHT_CONTROL, asm_method_doctor,
          "Node[, Options]", "{ok, [#{check, status, detail, remedy}]}",
          "Whether that node could host runs, check by check." },
        { "status", 0, 0, ASM_RIGHT_QUERY, asm_method_status,
          "", "{ok, Map}",
          "node, version, uptime_ms, sessions, runs, queued, processes, rss_bytes, peers and "
          "host: what the daemon does." },
        { "metrics", 0, 0, ASM_RIGHT_QUERY, asm_method_metrics,
          "", "{ok, [#{name, type, help, samples => [#{name, labels, value}]}]}",
          "What the daemon counts, as its endpoint for Prometheus and asmctl metrics say it." },
        { "config", 0, 0, ASM_RIGHT_CONTROL, asm_method_config,
          "", "{ok, #{files, settings}}",
          "The configuration in force. files are those that were read, the weakest first. A setting "
          "is a map: group, key, value (nil if it is not set), origin (default, file, environment or "
          "option), where (the file, the variable, the option), line (of a file), and pending: nil, "
          "or value, origin, where and line that hold at the next start. Secrets are masked." },
};
/* clang-format on */

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
        api->n_refused++;
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
        api->n_calls[method - methods]++;
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
