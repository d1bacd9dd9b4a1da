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
 * resume_run is answered when the run has been accepted. Then the events and the message that the
 * run is over, in any order with the answer, make what a query would be answered with (tally.c).
 */

#include "cli/query-private.h"

#include "base/id.h"
#include "cli/approval-private.h"
#include "cli/approver-private.h"
#include "cli/error-private.h"
#include "cli/prompt-private.h"
#include "cli/summary-private.h"
#include "cli/tally-private.h"
#include "cli/text-private.h"
#include "term/reader.h"

#include <glib-unix.h>
#include <unistd.h>

/* how long an interrupted run may take to end */
#define GRACE_MS         5000
#define DEFAULT_PROVIDER "claude"

typedef enum {
        CAUSE_NONE,
        CAUSE_SIGNAL,
        CAUSE_TIMEOUT,
        CAUSE_OUTPUT,
} Cause;

typedef struct {
        AsmCli *cli;
        AsmEventPrinter printer;
        AsmApprover *approver;
        AsmTally *tally;      /* NULL: the answer is the result */
        gboolean is_accepted; /* with a tally: the answer has come */
        gboolean is_done;     /* with a tally: all events have come */
        const char *session;  /* borrowed: an existing one, or session_id */
        AsmId session_id;
        AsmId run_id;
        gint64 started_us;
        Cause cause; /* of the interruption */
        gboolean has_left;
        gboolean is_answered;
        AsmTerm *answer;
        GError *error;
        guint timer;
} Query;

#define AT(member) G_STRUCT_OFFSET(AsmCliQueryOptions, member)

const AsmCliOption asm_cli_query_options[] = {
        { "session",
          0,
          ASM_CLI_TEXT,
          AT(session),
          "ID",
          "run it in this session (default: in one of its own)" },
        ASM_CLI_PLACE_OPTIONS(AsmCliQueryOptions, place),
        { NULL },
};

/* --- the end before the end ------------------------------------------------------------------ */

static void
on_interrupted(GObject *source, GAsyncResult *result, gpointer user_data)
{
        Query *query = user_data;
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
        Query *query = user_data;

        query->timer = 0;
        query->has_left = TRUE;
        return G_SOURCE_REMOVE;
}

static void
interrupt(Query *query, Cause cause)
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
        Query *query = user_data;

        if (query->cause == CAUSE_SIGNAL) {
                query->has_left = TRUE;
        } else if (query->cause == CAUSE_NONE) {
                asm_output_note(&query->cli->output,
                                "interrupting run %s; once more to leave",
                                query->run_id.text);
                interrupt(query, CAUSE_SIGNAL);
        } else {
                query->cause = CAUSE_SIGNAL;
        }
        return G_SOURCE_CONTINUE;
}

static gboolean
on_timeout(gpointer user_data)
{
        Query *query = user_data;

        query->timer = 0;
        if (query->cause == CAUSE_NONE)
                interrupt(query, CAUSE_TIMEOUT);
        return G_SOURCE_REMOVE;
}

/* --- approvals ------------------------------------------------------------------------------- */

static void
on_decided(GObject *source, GAsyncResult *result, gpointer user_data)
{
        Query *query = user_data;
        g_autoptr(GError) error = NULL;
        g_autoptr(AsmTerm) answer = asm_client_call_finish(query->cli->client, result, &error);
        g_autoptr(AsmFailure) failure = NULL;
        AsmView reason = ASM_VIEW_NONE;

        if (answer != NULL)
                reason = asm_cli_answer_error(asm_term_view(answer));
        if (asm_view_is_set(reason))
                failure = asm_cli_answer_failure(reason);
        /* the run goes on: it is told by an event if the answer has come too late */
        if (error != NULL || failure != NULL)
                asm_output_note(&query->cli->output,
                                "the answer does not count: %s",
                                failure != NULL ? failure->message : error->message);
}

static void
decide(const char *approval_id, gboolean is_allowed, gpointer user_data)
{
        Query *query = user_data;
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;

        asm_cli_put_decision(&args, query->session, approval_id, is_allowed);
        asm_client_call_async(query->cli->client,
                              "approve",
                              asm_builder_peek(&args),
                              ASM_CLI_TIMEOUT_MS,
                              on_decided,
                              query);
}

/* --- the run --------------------------------------------------------------------------------- */

static void
on_event(AsmView event, gpointer user_data)
{
        Query *query = user_data;

        asm_event_printer_feed(&query->printer, event);
        asm_approver_feed(query->approver, event);
        if (query->tally != NULL)
                asm_tally_feed(query->tally, event);
        if (query->cause == CAUSE_NONE && asm_output_is_broken(&query->cli->output))
                interrupt(query, CAUSE_OUTPUT);
}

static gint64
elapsed_ms(const Query *query)
{
        return (g_get_monotonic_time() - query->started_us) / 1000;
}

static void
settle(Query *query)
{
        if (!query->is_accepted || !query->is_done || query->is_answered)
                return;
        query->answer = asm_tally_answer(query->tally,
                                         query->run_id.text,
                                         query->session,
                                         elapsed_ms(query));
        query->is_answered = TRUE;
}

static void
on_done(gpointer user_data)
{
        Query *query = user_data;

        query->is_done = TRUE;
        settle(query);
}

/* a call that waits fails by itself */
static void
on_lost(gpointer user_data)
{
        Query *query = user_data;

        if (!query->is_accepted || query->is_answered)
                return;
        g_set_error(&query->error,
                    ASM_PROC_ERROR,
                    ASM_PROC_ERROR_NO_CONNECTION,
                    "the connection to '%s' broke",
                    asm_client_get_node(query->cli->client));
        query->is_answered = TRUE;
}

static const AsmCliListener listener = { .event = on_event, .done = on_done, .lost = on_lost };

static void
on_accepted(GObject *source, GAsyncResult *result, gpointer user_data)
{
        Query *query = user_data;

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
        Query *query = user_data;

        query->answer = asm_client_call_finish(query->cli->client, result, &query->error);
        query->is_answered = TRUE;
}

/* [Session | Provider, Prompt, Options] */
static void
put_arguments(Query *query, AsmBuilder *args, const AsmCliQueryOptions *options, const char *prompt)
{
        AsmCliPlace place = options->place;
        AsmBuilderMark mark;
        guint n = 2;

        place.provider = NULL;
        asm_builder_list(args, 3);
        if (options->session != NULL)
                asm_builder_text(args, options->session);
        else
                asm_builder_atom(args,
                                 options->place.provider != NULL ? options->place.provider
                                                                 : DEFAULT_PROVIDER);
        asm_builder_text(args, prompt);
        mark = asm_builder_list_begin(args);
        asm_cli_put_text_option(args, "run_id", query->run_id.text);
        asm_builder_tuple(args, 2);
        asm_builder_atom(args, "subscriber");
        asm_builder_client_pid(args, query->cli->client);
        if (options->session == NULL) {
                asm_cli_put_text_option(args, "session_id", query->session_id.text);
                n++;
        }
        n += asm_cli_put_place(args, &place);
        asm_builder_list_end(args, mark, n);
        asm_builder_nil(args);
}

static void
wait_for_answer(Query *query)
{
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
        guint sources[G_N_ELEMENTS(signals)];

        for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
                sources[i] = g_unix_signal_add(signals[i], on_signal, query);
        if (query->cli->globals.timeout_ms != 0)
                query->timer = g_timeout_add(query->cli->globals.timeout_ms, on_timeout, query);
        while (!query->is_answered && !query->has_left)
                g_main_context_iteration(NULL, /* may_block= */ TRUE);
        g_clear_handle_id(&query->timer, g_source_remove);
        for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
                g_source_remove(sources[i]);
        asm_event_printer_end(&query->printer);
}

/* --- the end --------------------------------------------------------------------------------- */

static void
summarize_failure(Query *query)
{
        g_autofree char *duration = asm_text_duration(elapsed_ms(query));

        asm_output_note(&query->cli->output,
                        "run %s: failed after %s",
                        query->run_id.text,
                        duration);
}

/* FALSE if it did not end by itself */
static gboolean
check_cause(Query *query, GError **error)
{
        g_autofree char *limit = NULL;
        const char *id = query->run_id.text;

        if (query->cause == CAUSE_NONE || query->cause == CAUSE_OUTPUT)
                return asm_output_check(&query->cli->output, error);
        limit = asm_text_duration(query->cli->globals.timeout_ms);
        if (query->cause == CAUSE_TIMEOUT)
                g_set_error(error,
                            ASM_CLI_ERROR,
                            ASM_CLI_ERROR_TIMEOUT,
                            "run %s took longer than %s (--timeout) and was interrupted",
                            id,
                            limit);
        else
                g_set_error(error,
                            ASM_CLI_ERROR,
                            ASM_CLI_ERROR_CANCELLED,
                            "run %s was interrupted",
                            id);
        return FALSE;
}

static gboolean
finish_failed(Query *query, AsmView reason, GError **error)
{
        g_autoptr(AsmFailure) failure = asm_cli_answer_failure(reason);

        if (query->printer.form == ASM_PRINT_JSON)
                asm_output_json(&query->cli->output, reason);
        if (!check_cause(query, error))
                return FALSE;
        if (query->printer.n_events == 0) {
                /* no run has begun, so it is about the request: the session, the options */
                asm_cli_set_lookup_failure(error, failure);
                return FALSE;
        }
        summarize_failure(query);
        asm_cli_set_failure(error, failure);
        return FALSE;
}

/* asmctl goes before the run has ended */
static gboolean
finish_left(Query *query, GError **error)
{
        const char *id = query->run_id.text;

        if (query->cause == CAUSE_OUTPUT)
                return asm_output_check(&query->cli->output, error);
        g_set_error(error,
                    ASM_CLI_ERROR,
                    query->cause == CAUSE_TIMEOUT ? ASM_CLI_ERROR_TIMEOUT : ASM_CLI_ERROR_CANCELLED,
                    "left run %s, which may go on; 'asmctl interrupt %s %s' ends it",
                    id,
                    query->session,
                    id);
        return FALSE;
}

static gboolean
finish(Query *query, GError **error)
{
        g_autofree char *summary = NULL;
        AsmView answer, reason, result;

        if (!query->is_answered)
                return finish_left(query, error);
        if (query->error != NULL) {
                g_propagate_prefixed_error(error,
                                           g_steal_pointer(&query->error),
                                           "run %s may go on ('asmctl sessions' shows it): ",
                                           query->run_id.text);
                return FALSE;
        }
        answer = asm_term_view(query->answer);
        reason = asm_cli_answer_error(answer);
        if (asm_view_is_set(reason))
                return finish_failed(query, reason, error);
        if (!asm_view_get_tagged(answer, "ok", 2, &result))
                result = answer;
        if (query->printer.form == ASM_PRINT_JSON)
                asm_output_json(&query->cli->output, result);
        summary = asm_cli_run_summary(query->run_id.text, result, elapsed_ms(query));
        asm_output_note(&query->cli->output, "%s", summary);
        return check_cause(query, error);
}

static gboolean
check_options(const AsmCliQueryOptions *options, GError **error)
{
        if (options->session != NULL && options->place.provider != NULL)
                return asm_cli_usage(
                        error,
                        "--session and --provider do not go together: a session has its provider");
        return asm_cli_place_check(&options->place, error);
}

static void
run_query(Query *query, const AsmCliQueryOptions *options, const char *prompt)
{
        AsmCli *cli = query->cli;
        AsmApproverConfig approver = { .output = &cli->output,
                                       .fd = asm_approver_find_terminal(&cli->output, STDIN_FILENO),
                                       .node = cli->globals.node,
                                       .session = query->session,
                                       .decide = decide,
                                       .user_data = query };
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;

        query->started_us = g_get_monotonic_time();
        query->approver = asm_approver_new(&approver);
        cli->listener = &listener;
        cli->user_data = query;
        put_arguments(query, &args, options, prompt);
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

static gboolean
run(Query *query,
    const AsmCliQueryOptions *options,
    char **operands,
    AsmPrintForm form,
    GError **error)
{
        g_autofree char *prompt = NULL;
        gboolean is_ok;

        if (!check_options(options, error))
                return FALSE;
        prompt = asm_cli_prompt_read(operands[0], STDIN_FILENO, error);
        if (prompt == NULL || !asm_cli_open(query->cli, error))
                return FALSE;
        query->session_id = asm_id_new();
        query->run_id = asm_id_new();
        query->session = options->session != NULL ? options->session : query->session_id.text;
        asm_event_printer_init(&query->printer,
                               &query->cli->output,
                               query->cli->globals.is_json ? ASM_PRINT_JSON : form);
        run_query(query, options, prompt);
        is_ok = finish(query, error);
        g_clear_pointer(&query->answer, asm_term_unref);
        g_clear_error(&query->error);
        return is_ok;
}

gboolean
asm_cli_query(AsmCli *cli,
              const AsmCliQueryOptions *options,
              char **operands,
              AsmPrintForm form,
              GError **error)
{
        Query query = { .cli = cli };

        return run(&query, options, operands, form, error);
}

gboolean
asm_cli_resume(AsmCli *cli,
               const AsmCliQueryOptions *options,
               char **operands,
               AsmPrintForm form,
               GError **error)
{
        g_autoptr(AsmTally) tally = asm_tally_new();
        Query query = { .cli = cli, .tally = tally };

        if (options->session == NULL)
                return asm_cli_usage(error, "which session? name it with --session");
        return run(&query, options, operands, form, error);
}
