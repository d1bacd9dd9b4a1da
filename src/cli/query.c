/* SPDX-License-Identifier: MIT */

/*
 * A run as seen from the shell. The ids of the run and of a session made for it are chosen here,
 * before anything is sent: so a ctrl-C at any time can name what it ends, and the messages can name
 * what goes on.
 *
 *      waiting --SIGINT, --timeout, output closed--> interrupting --SIGINT, 5 s--> left
 *         \------------- the daemon's answer -------------/--> over
 *
 * A run that is interrupted ends by itself: the daemon stops the provider and answers the query
 * with user_cancelled. Only when this takes too long, or the user says so, asmctl leaves first; the
 * run may then go on, and the error says how to end it.
 *
 * Events arrive before the answer, as messages of their own to the pid in `subscriber`.
 *
 * Without a daemon all of this is the same but for two things: nobody else can answer a question,
 * and leaving means that the provider's processes are killed.
 *
 * resume_run is answered when the run has been accepted. Then the events and the message that the
 * run is over, in any order with the answer, make what a query would be answered with (tally.c).
 */

#include "cli/query-private.h"

#include "backend/backend.h"
#include "cli/approval-private.h"
#include "cli/error-private.h"
#include "cli/local-private.h"
#include "cli/prompt-private.h"
#include "term/reader.h"

#include <glib-unix.h>
#include <unistd.h>

/* how long an interrupted run may take to end */
#define GRACE_MS 5000

/* --- the end before the end ------------------------------------------------------------------ */

static void
on_interrupted(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmCliQuery *query = user_data;
        g_autoptr(GError) error = NULL;
        AsmTerm *answer = asm_client_call_finish(query->cli->client, result, &error);

        /* how the run ends is told by the answer to the query; here it only did not help */
        if (answer == NULL)
                asm_output_note(&query->cli->output, "cannot interrupt it: %s", error->message);
        else
                asm_term_unref(answer);
}

static gboolean
on_grace_over(gpointer user_data)
{
        AsmCliQuery *query = user_data;

        query->timer = 0;
        query->has_left = TRUE;
        return G_SOURCE_REMOVE;
}

static void
interrupt(AsmCliQuery *query, AsmCliCause cause)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        const char *texts[] = { query->session, query->run_id.text, NULL };

        query->cause = cause;
        g_clear_handle_id(&query->timer, g_source_remove);
        query->timer = g_timeout_add(GRACE_MS, on_grace_over, query);
        asm_cli_put_texts(&args, texts);
        asm_client_call_async(query->cli->client,
                              "interrupt",
                              asm_builder_peek(&args),
                              GRACE_MS,
                              on_interrupted,
                              query);
}

static gboolean
on_signal(gpointer user_data)
{
        AsmCliQuery *query = user_data;

        if (query->cause == ASM_CLI_CAUSE_SIGNAL || query->is_ending) {
                query->has_left = TRUE;
        } else if (query->cause == ASM_CLI_CAUSE_NONE) {
                asm_output_note(&query->cli->output,
                                "interrupting run %s; once more to %s",
                                query->run_id.text,
                                query->cli->daemon != NULL ? "kill it" : "leave");
                interrupt(query, ASM_CLI_CAUSE_SIGNAL);
        } else {
                query->cause = ASM_CLI_CAUSE_SIGNAL;
        }
        return G_SOURCE_CONTINUE;
}

static gboolean
on_timeout(gpointer user_data)
{
        AsmCliQuery *query = user_data;

        query->timer = 0;
        if (query->cause == ASM_CLI_CAUSE_NONE)
                interrupt(query, ASM_CLI_CAUSE_TIMEOUT);
        return G_SOURCE_REMOVE;
}

/* --- approvals ------------------------------------------------------------------------------- */

static void
decide(const char *approval_id, gboolean is_allowed, gpointer user_data)
{
        AsmCliQuery *query = user_data;

        asm_cli_decide_async(query->cli, query->session, approval_id, is_allowed);
}

/* --- the run --------------------------------------------------------------------------------- */

static void
on_event(AsmView event, gpointer user_data)
{
        AsmCliQuery *query = user_data;

        asm_event_printer_feed(&query->printer, event);
        asm_approver_feed(query->approver, event);
        if (query->tally != NULL)
                asm_tally_feed(query->tally, event);
        if (query->cause == ASM_CLI_CAUSE_NONE && asm_output_is_broken(&query->cli->output))
                interrupt(query, ASM_CLI_CAUSE_OUTPUT);
}

gint64
asm_cli_query_elapsed_ms(const AsmCliQuery *query)
{
        return (g_get_monotonic_time() - query->started_us) / 1000;
}

static void
settle(AsmCliQuery *query)
{
        if (!query->is_accepted || !query->is_done || query->is_answered)
                return;
        query->answer = asm_tally_answer(query->tally,
                                         query->run_id.text,
                                         query->session,
                                         asm_cli_query_elapsed_ms(query));
        query->is_answered = TRUE;
}

static void
on_done(gpointer user_data)
{
        AsmCliQuery *query = user_data;

        query->is_done = TRUE;
        settle(query);
}

/* what is shown is not all any more; a result that is added up from events would be wrong */
static void
on_lagged(const AsmFailure *failure, gpointer user_data)
{
        AsmCliQuery *query = user_data;

        asm_output_note(&query->cli->output, "%s", failure->message);
        if (query->tally == NULL || query->is_answered)
                return;
        g_set_error(&query->error,
                    ASM_PROC_ERROR,
                    ASM_PROC_ERROR_NO_CONNECTION,
                    "the result is not known: %s",
                    failure->message);
        query->is_answered = TRUE;
}

/* a call that waits fails by itself */
static void
on_lost(gpointer user_data)
{
        AsmCliQuery *query = user_data;

        if (!query->is_accepted || query->is_answered)
                return;
        g_set_error(&query->error,
                    ASM_PROC_ERROR,
                    ASM_PROC_ERROR_NO_CONNECTION,
                    "the connection to '%s' broke",
                    asm_client_get_node(query->cli->client));
        query->is_answered = TRUE;
}

static const AsmCliListener listener = { .event = on_event,
                                         .lagged = on_lagged,
                                         .done = on_done,
                                         .lost = on_lost };

static void
on_accepted(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmCliQuery *query = user_data;

        query->answer = asm_client_call_finish(query->cli->client, result, &query->error);
        if (query->answer == NULL ||
            asm_view_is_set(asm_cli_answer_error(asm_term_view(query->answer)))) {
                query->is_answered = TRUE;
                return;
        }
        g_clear_pointer(&query->answer, asm_term_unref);
        query->is_accepted = TRUE;
        settle(query);
}

static void
on_answer(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmCliQuery *query = user_data;

        query->answer = asm_client_call_finish(query->cli->client, result, &query->error);
        query->is_answered = TRUE;
}

/*
 * Without a daemon the provider's processes are ours, and may need a moment after the run's end:
 * they are given the time that an interrupted run has. What is left then, or at another signal, is
 * killed when this program ends.
 */
static void
wait_for_processes(AsmCliQuery *query)
{
        g_clear_handle_id(&query->timer, g_source_remove);
        query->timer = g_timeout_add(GRACE_MS, on_grace_over, query);
        query->is_ending = TRUE;
        while (!asm_cli_local_is_idle(query->cli) && !query->has_left)
                g_main_context_iteration(NULL, /* may_block= */ TRUE);
        query->has_left = FALSE;
}

static void
wait_for_answer(AsmCliQuery *query)
{
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
        guint sources[G_N_ELEMENTS(signals)];

        for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
                sources[i] = g_unix_signal_add(signals[i], on_signal, query);
        if (query->cli->globals.timeout_ms != 0)
                query->timer = g_timeout_add(query->cli->globals.timeout_ms, on_timeout, query);
        while (!query->is_answered && !query->has_left)
                g_main_context_iteration(NULL, /* may_block= */ TRUE);
        asm_event_printer_end(&query->printer);
        if (query->cli->daemon != NULL && !query->has_left)
                wait_for_processes(query);
        g_clear_handle_id(&query->timer, g_source_remove);
        for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
                g_source_remove(sources[i]);
}

/* --- from the beginning to the end ------------------------------------------------------------ */

static void
put_arguments(AsmCliQuery *query, AsmBuilder *args, const char *prompt)
{
        g_auto(AsmBuilder) pid = ASM_BUILDER_INIT;
        AsmCliRequestFacts facts = { .prompt = prompt,
                                     .run_id = query->run_id.text,
                                     .schema = query->schema };

        if (query->request->session == NULL)
                facts.new_session = query->session_id.text;
        asm_builder_client_pid(&pid, query->cli->client);
        facts.subscriber = asm_builder_peek(&pid);
        asm_cli_put_request(args, query->request, &facts);
}

static void
run_query(AsmCliQuery *query, const char *prompt)
{
        AsmCli *cli = query->cli;
        AsmApproverConfig approver = { .output = &cli->output,
                                       .fd = asm_approver_find_terminal(&cli->output, STDIN_FILENO),
                                       .is_alone = cli->daemon != NULL,
                                       .node = cli->globals.node,
                                       .session = query->session,
                                       .decide = decide,
                                       .user_data = query };
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;

        query->started_us = g_get_monotonic_time();
        query->approver = asm_approver_new(&approver);
        asm_event_printer_begin(&query->printer);
        cli->listener = &listener;
        cli->user_data = query;
        put_arguments(query, &args, prompt);
        asm_client_call_async(cli->client,
                              query->tally != NULL ? "resume_run" : "query",
                              asm_builder_peek(&args),
                              /* timeout_ms= */ 0,
                              query->tally != NULL ? on_accepted : on_answer,
                              query);
        wait_for_answer(query);
        cli->listener = NULL;
        g_clear_pointer(&query->approver, asm_approver_free);
}

/* what can be wrong with the command line is told before anything is started or connected to */
static char *
prepare(AsmCliQuery *query, char **operands, GError **error)
{
        const AsmCliRequest *request = query->request;

        if (!asm_cli_request_check(request, error))
                return NULL;
        if (request->schema != NULL) {
                query->schema = asm_cli_schema_read(request->schema, error);
                if (query->schema == NULL)
                        return NULL;
        }
        return asm_cli_prompt_read(operands[0], STDIN_FILENO, error);
}

static gboolean
run(AsmCliQuery *query, char **operands, AsmPrintForm form, gboolean is_local, GError **error)
{
        AsmCli *cli = query->cli;
        g_autofree char *prompt = prepare(query, operands, error);
        gboolean is_ok = FALSE;

        if (prompt != NULL &&
            (is_local ? asm_cli_open_local(cli, query->request->place.remote, error)
                      : asm_cli_open(cli, error))) {
                query->session_id = asm_id_new();
                query->run_id = asm_id_new();
                query->session = query->request->session != NULL ? query->request->session
                                                                 : query->session_id.text;
                asm_event_printer_init(&query->printer,
                                       &cli->output,
                                       cli->globals.is_json ? ASM_PRINT_JSON : form);
                query->printer.is_verbose = query->request->is_verbose;
                query->printer.hides_text = query->schema != NULL;
                run_query(query, prompt);
                is_ok = asm_cli_query_finish(query, error);
        }
        g_clear_pointer(&query->answer, asm_term_unref);
        g_clear_pointer(&query->schema, json_node_unref);
        g_clear_error(&query->error);
        return is_ok;
}

gboolean
asm_cli_query(AsmCli *cli,
              const AsmCliRequest *request,
              char **operands,
              AsmPrintForm form,
              GError **error)
{
        AsmCliQuery query = { .cli = cli, .request = request };

        return run(&query, operands, form, /* is_local= */ FALSE, error);
}

gboolean
asm_cli_run(AsmCli *cli,
            const AsmCliRequest *request,
            char **operands,
            AsmPrintForm form,
            GError **error)
{
        AsmCliQuery query = { .cli = cli, .request = request };

        if (cli->globals.node != NULL)
                return asm_cli_usage(
                        error,
                        "run needs no daemon, so --node means nothing; the node that a "
                        "provider is to run on is --remote NODE");
        return run(&query, operands, form, /* is_local= */ TRUE, error);
}

gboolean
asm_cli_resume(AsmCli *cli,
               const AsmCliRequest *request,
               char **operands,
               AsmPrintForm form,
               GError **error)
{
        g_autoptr(AsmTally) tally = asm_tally_new();
        AsmCliQuery query = { .cli = cli, .request = request, .tally = tally };

        if (request->session == NULL)
                return asm_cli_usage(error, "which session? name it with --session");
        return run(&query, operands, form, /* is_local= */ FALSE, error);
}
