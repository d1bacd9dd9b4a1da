/* SPDX-License-Identifier: MIT */

/*
 * How a run ended, as the shell is told: the last line on standard error, the result or its object
 * on standard output where that was asked for, and the one error.
 *
 *      who has ended it       the daemon's answer     error
 *      itself                 {ok, Result}            none, unless the output is broken
 *      itself                 {error, Error}          what it says
 *      ctrl-C, --timeout      either                  cancelled, timeout
 *      ctrl-C twice           none                    cancelled; the run may go on in the daemon
 *
 * A run that ended well by itself, after it was interrupted, counts as interrupted: its result may
 * be half of what was asked for.
 */

#include "cli/query-private.h"

#include "cli/error-private.h"
#include "cli/summary-private.h"
#include "cli/text-private.h"
#include "term/reader.h"

static void
summarize_failure(AsmCliQuery *query)
{
        g_autofree char *duration = asm_text_duration(asm_cli_query_elapsed_ms(query));

        asm_output_note(&query->cli->output,
                        "run %s: failed after %s",
                        query->run_id.text,
                        duration);
}

/* FALSE if it did not end by itself */
static gboolean
check_cause(AsmCliQuery *query, GError **error)
{
        g_autofree char *limit = NULL;
        const char *id = query->run_id.text;

        if (query->cause == ASM_CLI_CAUSE_NONE || query->cause == ASM_CLI_CAUSE_OUTPUT)
                return asm_output_check(&query->cli->output, error);
        limit = asm_text_duration(query->cli->globals.timeout_ms);
        if (query->cause == ASM_CLI_CAUSE_TIMEOUT)
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
finish_failed(AsmCliQuery *query, AsmView reason, GError **error)
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
finish_left(AsmCliQuery *query, GError **error)
{
        const char *id = query->run_id.text;
        AsmCliError code = query->cause == ASM_CLI_CAUSE_TIMEOUT ? ASM_CLI_ERROR_TIMEOUT
                                                                 : ASM_CLI_ERROR_CANCELLED;

        if (query->cause == ASM_CLI_CAUSE_OUTPUT)
                return asm_output_check(&query->cli->output, error);
        if (query->cli->daemon != NULL)
                g_set_error(error, ASM_CLI_ERROR, (gint)code, "run %s was killed", id);
        else
                g_set_error(error,
                            ASM_CLI_ERROR,
                            (gint)code,
                            "left run %s, which may go on; 'asmctl interrupt %s %s' ends it",
                            id,
                            query->session,
                            id);
        return FALSE;
}

/* with a schema the answer is an object, and its text only what led there */
static gboolean
print_object(AsmCliQuery *query, AsmView result, GError **error)
{
        AsmView object;

        if (asm_view_map_get(result, "object", &object) && !asm_view_is_atom(object, "nil")) {
                asm_output_json(&query->cli->output, object);
                return TRUE;
        }
        g_set_error(error,
                    ASM_CLI_ERROR,
                    ASM_CLI_ERROR_FAILED,
                    "run %s: the provider has answered with text and no object; without --schema "
                    "the text is shown",
                    query->run_id.text);
        return FALSE;
}

gboolean
asm_cli_query_finish(AsmCliQuery *query, GError **error)
{
        g_autofree char *summary = NULL;
        AsmView answer, reason, result;
        gboolean has_object = TRUE;

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
        else if (query->schema != NULL && query->cause == ASM_CLI_CAUSE_NONE)
                has_object = print_object(query, result, error);
        summary = asm_cli_run_summary(query->run_id.text, result, asm_cli_query_elapsed_ms(query));
        asm_output_note(&query->cli->output, "%s", summary);
        return has_object && check_cause(query, error);
}
