/* SPDX-License-Identifier: MIT */

/*
 * `asmctl attach`: looks at a run that goes on, as if it had been started here. All it has said comes
 * first, then what it says, each event once. Nothing of the run depends on who looks: several can,
 * and who leaves ends nothing.
 *
 *      joining --answer--> watching --done--> over
 *         ^                   |
 *         +----- lagged ------+        too slow: joined again where the last event left off
 *
 * A run that ends while it is joined is unknown then; what it has said is read in pages, as of one
 * that had ended before.
 *
 * What has been includes questions that were answered long ago. So nobody is asked before all of it
 * is here; what is open then, is. Of events that do not come (from now on, or not kept) the daemon
 * tells which questions are open.
 */

#include "cli/watch-private.h"

#include "cli/approval-private.h"
#include "cli/approver-private.h"
#include "cli/command-private.h"
#include "cli/error-private.h"
#include "cli/text-private.h"
#include "term/reader.h"

#include <glib-unix.h>
#include <unistd.h>

typedef struct {
        AsmWatch watch;
        const AsmWatchOptions *options;
        AsmApprover *approver;
        AsmCliError why_left;
        gint64 last_before; /* the sequence of what had been last when it was joined; -1: not known */
        guint n_calls;      /* whose answers decide what is shown */
        gboolean is_held;   /* nobody is asked yet */
        gboolean is_done;
        gboolean is_unknown; /* there is no such active run any more */
        GError *error;
} Attach;

static void
leave(Attach *attach, AsmCliError why)
{
        attach->watch.has_left = TRUE;
        attach->why_left = why;
}

static gboolean
on_signal(gpointer user_data)
{
        leave(user_data, ASM_CLI_ERROR_CANCELLED);
        return G_SOURCE_CONTINUE;
}

static gboolean
on_timeout(gpointer user_data)
{
        leave(user_data, ASM_CLI_ERROR_TIMEOUT);
        return G_SOURCE_CONTINUE;
}

/* --- questions -------------------------------------------------------------------------------- */

static void
decide(const char *approval_id, gboolean is_allowed, gpointer user_data)
{
        Attach *attach = user_data;

        asm_cli_decide_async(attach->watch.cli,
                             attach->watch.run.session_id,
                             approval_id,
                             is_allowed);
}

static void
ask_when_all_is_here(Attach *attach)
{
        if (!attach->is_held || attach->n_calls > 0 || attach->last_before < 0 ||
            attach->watch.next <= attach->last_before)
                return;
        attach->is_held = FALSE;
        asm_approver_release(attach->approver);
}

/* {ok, [#{approval_id, run_id, ...}]} */
static void
add_open_questions(Attach *attach, AsmView answer)
{
        AsmListCursor cursor;
        AsmView approvals, approval, run_id;

        if (!asm_view_get_tagged(answer, "ok", 2, &approvals))
                return;
        cursor = asm_view_list(approvals);
        while (asm_list_next(&cursor, &approval)) {
                g_autofree char *id = NULL;

                if (asm_view_map_get(approval, "run_id", &run_id))
                        id = asm_view_dup_text(run_id, /* accept_atoms= */ FALSE);
                if (g_strcmp0(id, attach->watch.run.run_id) == 0)
                        asm_approver_add(attach->approver, approval);
        }
}

static void
on_approvals(GObject *source, GAsyncResult *result, gpointer user_data)
{
        Attach *attach = user_data;
        g_autoptr(GError) error = NULL;
        g_autoptr(AsmTerm) answer =
                asm_client_call_finish(attach->watch.cli->client, result, &error);

        attach->n_calls--;
        if (answer != NULL)
                add_open_questions(attach, asm_term_view(answer));
        ask_when_all_is_here(attach);
}

static void
find_open_questions(Attach *attach)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        const char *texts[] = { attach->watch.run.session_id, NULL };

        attach->n_calls++;
        asm_cli_put_texts(&args, texts);
        asm_client_call_async(attach->watch.cli->client,
                              "approvals",
                              asm_builder_peek(&args),
                              ASM_CLI_TIMEOUT_MS,
                              on_approvals,
                              attach);
}

/* --- joining ---------------------------------------------------------------------------------- */

static void
joined(Attach *attach, AsmView facts)
{
        g_auto(AsmKnownRun) run = { 0 };
        gboolean is_first = attach->last_before < 0;

        asm_known_run_read(facts, &run);
        asm_watch_missed(&attach->watch, run.missing);
        if (!is_first)
                return;
        attach->last_before = run.sequence;
        asm_event_printer_set_clock(&attach->watch.printer, run.started_us, run.duration_ms);
        if (attach->options->from_now) {
                attach->watch.is_partial = TRUE;
                attach->watch.next = MAX(attach->watch.next, run.sequence + 1);
        }
        if (run.missing >= run.events)
                attach->watch.next = MAX(attach->watch.next, run.sequence + 1);
        if (attach->watch.is_partial)
                find_open_questions(attach);
}

static void
on_joined(GObject *source, GAsyncResult *result, gpointer user_data)
{
        Attach *attach = user_data;
        AsmView reason, facts;
        g_autoptr(AsmTerm) answer =
                asm_client_call_finish(attach->watch.cli->client, result, &attach->error);

        attach->n_calls--;
        if (answer == NULL)
                return;
        reason = asm_cli_answer_error(asm_term_view(answer));
        if (asm_view_is_set(reason)) {
                g_autoptr(AsmFailure) failure = asm_cli_answer_failure(reason);

                attach->is_unknown = failure->kind == ASM_FAILURE_UNKNOWN;
                if (!attach->is_unknown)
                        asm_cli_set_lookup_failure(&attach->error, failure);
                return;
        }
        if (asm_view_get_tagged(asm_term_view(answer), "ok", 2, &facts))
                joined(attach, facts);
        ask_when_all_is_here(attach);
}

static void
join(Attach *attach)
{
        AsmWatch *watch = &attach->watch;
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;

        attach->n_calls++;
        asm_builder_list(&args, 3);
        asm_builder_text(&args, watch->run.session_id);
        asm_builder_text(&args, watch->run.run_id);
        asm_builder_map(&args, 1);
        asm_builder_atom(&args, "from");
        if (attach->options->from_now && attach->last_before < 0)
                asm_builder_atom(&args, "now");
        else
                asm_builder_int(&args, watch->next);
        asm_builder_nil(&args);
        asm_client_call_async(watch->cli->client,
                              "attach",
                              asm_builder_peek(&args),
                              ASM_CLI_TIMEOUT_MS,
                              on_joined,
                              attach);
}

/* --- what comes ------------------------------------------------------------------------------- */

static void
on_event(AsmView event, gpointer user_data)
{
        Attach *attach = user_data;

        if (!asm_watch_feed(&attach->watch, event))
                return;
        asm_approver_feed(attach->approver, event);
        ask_when_all_is_here(attach);
        if (asm_output_is_broken(&attach->watch.cli->output))
                leave(attach, ASM_CLI_ERROR_CLOSED);
}

static void
on_lagged(const AsmFailure *failure, gpointer user_data)
{
        join(user_data);
}

static void
on_done(gpointer user_data)
{
        ((Attach *)user_data)->is_done = TRUE;
}

/* a call that waits fails by itself */
static void
on_lost(gpointer user_data)
{
        Attach *attach = user_data;

        if (attach->error == NULL && attach->n_calls == 0)
                g_set_error(&attach->error,
                            ASM_PROC_ERROR,
                            ASM_PROC_ERROR_NO_CONNECTION,
                            "the connection to '%s' broke",
                            asm_client_get_node(attach->watch.cli->client));
}

static const AsmCliListener listener = { .event = on_event,
                                         .lagged = on_lagged,
                                         .done = on_done,
                                         .lost = on_lost };

static void
wait_for_the_end(Attach *attach)
{
        AsmWatch *watch = &attach->watch;
        AsmApproverConfig approver = { .output = &watch->cli->output,
                                       .fd = asm_approver_find_terminal(&watch->cli->output,
                                                                        STDIN_FILENO),
                                       .node = watch->cli->globals.node,
                                       .session = watch->run.session_id,
                                       .decide = decide,
                                       .user_data = attach };

        attach->approver = asm_approver_new(&approver);
        asm_approver_hold(attach->approver);
        attach->is_held = TRUE;
        watch->cli->listener = &listener;
        watch->cli->user_data = attach;
        join(attach);
        while (!watch->has_left && attach->error == NULL &&
               (attach->n_calls > 0 || !(attach->is_done || attach->is_unknown)))
                g_main_context_iteration(NULL, /* may_block= */ TRUE);
        watch->cli->listener = NULL;
        g_clear_pointer(&attach->approver, asm_approver_free);
}

/* --- from the beginning to the end ------------------------------------------------------------ */

static gboolean
set_left(Attach *attach, GError **error)
{
        const AsmCli *cli = attach->watch.cli;
        g_autofree char *node = NULL, *session = NULL, *run = NULL;

        if (attach->why_left == ASM_CLI_ERROR_CLOSED)
                return asm_output_check(&attach->watch.cli->output, error);
        node = cli->globals.node != NULL ? asm_text_quote(cli->globals.node) : NULL;
        session = asm_text_quote(attach->watch.run.session_id);
        run = asm_text_quote(attach->watch.run.run_id);
        g_set_error(error,
                    ASM_CLI_ERROR,
                    (gint)attach->why_left,
                    "left run %s, which goes on; 'asmctl%s%s interrupt %s %s' ends it",
                    attach->watch.run.run_id,
                    node != NULL ? " --node " : "",
                    node != NULL ? node : "",
                    session,
                    run);
        return FALSE;
}

static gboolean
show(Attach *attach, GError **error)
{
        AsmWatch *watch = &attach->watch;
        gboolean is_read = TRUE;

        attach->is_unknown = asm_known_run_is_over(&watch->run);
        watch->printer.is_still = attach->is_unknown;
        asm_event_printer_begin(&watch->printer);
        if (!attach->is_unknown)
                wait_for_the_end(attach);
        if (attach->error == NULL && attach->is_unknown && !attach->options->from_now)
                is_read = asm_watch_read(watch, &attach->error);
        asm_event_printer_end(&watch->printer);
        if (watch->has_left)
                return set_left(attach, error);
        if (!is_read || attach->error != NULL) {
                g_propagate_prefixed_error(error,
                                           g_steal_pointer(&attach->error),
                                           "run %s may go on ('asmctl sessions' shows it): ",
                                           watch->run.run_id);
                return FALSE;
        }
        return asm_watch_finish(watch, error);
}

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
        Attach attach = { .options = options, .last_before = -1 };
        guint sources[G_N_ELEMENTS(signals)], timer = 0;
        gboolean is_ok = FALSE;

        if (!asm_watch_init(&attach.watch, cli, options, operands[0], error))
                return FALSE;
        for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
                sources[i] = g_unix_signal_add(signals[i], on_signal, &attach);
        if (cli->globals.timeout_ms != 0)
                timer = g_timeout_add(cli->globals.timeout_ms, on_timeout, &attach);
        is_ok = show(&attach, error);
        for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
                g_source_remove(sources[i]);
        g_clear_handle_id(&timer, g_source_remove);
        asm_watch_clear(&attach.watch);
        g_clear_error(&attach.error);
        return is_ok;
}

static const AsmCliOption options[] = {
        { "now",
          0,
          ASM_CLI_FLAG,
          G_STRUCT_OFFSET(AsmWatchOptions, from_now),
          NULL,
          "only what comes from now on" },
        { "verbose",
          'v',
          ASM_CLI_FLAG,
          G_STRUCT_OFFSET(AsmWatchOptions, is_verbose),
          NULL,
          "show thinking, and notes as long as they are" },
        { NULL },
};

const AsmCliCommand asm_cli_cmd_attach = {
        .name = "attach",
        .operands = "RUN",
        .min_operands = 1,
        .max_operands = 1,
        .summary = "look at a run that goes on, from its first event",
        .help = "What the run has said so far, and then what it says, as query shows it, with the\n"
                "exit status that query would have. RUN is an id or the beginning of one:\n"
                "'asmctl logs' lists them. Several can look at a run; one that has ended already\n"
                "is shown to its end.\n"
                "\n"
                "Events that are not kept any more are counted on standard error, see\n"
                "max_run_history_bytes in asmd.conf(5). With --now nothing of what has been is\n"
                "shown. A tool call that waits for permission is asked for, here as well as\n"
                "wherever else somebody looks: the first answer counts.\n"
                "\n"
                "Ctrl-C leaves the run, which goes on, and says how to end it; so does a\n"
                "--timeout that is over.\n",
        .examples = "asmctl attach 01M84WKFDRHACFYC0KG3EZWSZ2\n"
                    "asmctl attach --now 01M84W\n"
                    "asmctl --json attach 01M84W | jq -r .kind\n",
        .options = options,
        .options_size = sizeof(AsmWatchOptions),
        .run = run,
};
