/* SPDX-License-Identifier: MIT */

/*
 * Events come by two ways, as messages and in pages, and a run can be joined, lost and joined again:
 * so each event is looked at for its sequence, and one that is not higher than the last is not shown
 * again.
 *
 * How a run ended is what the daemon kept of it, which a limit may have taken: a result that is too
 * large is not kept, and a run is forgotten when others need its place, at once where nothing is
 * kept. Then it is added up from the events (tally.c), and if these were not all, only whether it
 * went well is told.
 */

#include "cli/watch-private.h"

#include "cli/error-private.h"
#include "cli/summary-private.h"
#include "cli/text-private.h"
#include "term/reader.h"

#include <string.h>

gboolean
asm_watch_init(AsmWatch *watch,
               AsmCli *cli,
               const AsmWatchOptions *options,
               const char *name,
               GError **error)
{
        g_autoptr(AsmTerm) answer = NULL;
        AsmView info;

        *watch = (AsmWatch){ .cli = cli };
        answer = asm_known_run_find(cli, name, &info, error);
        if (answer == NULL)
                return FALSE;
        asm_known_run_read(info, &watch->run);
        watch->tally = asm_tally_new();
        asm_event_printer_init(&watch->printer,
                               &cli->output,
                               cli->globals.is_json ? ASM_PRINT_JSON : ASM_PRINT_TEXT);
        watch->printer.is_verbose = options->is_verbose;
        return TRUE;
}

void
asm_watch_clear(AsmWatch *watch)
{
        asm_known_run_clear(&watch->run);
        g_clear_pointer(&watch->tally, asm_tally_free);
}

gboolean
asm_watch_feed(AsmWatch *watch, AsmView event)
{
        AsmView value;
        gint64 sequence;

        if (!asm_view_map_get(event, "sequence", &value) || !asm_view_get_int(value, &sequence) ||
            sequence < watch->next || sequence == G_MAXINT64)
                return FALSE;
        watch->next = sequence + 1;
        asm_event_printer_feed(&watch->printer, event);
        asm_tally_feed(watch->tally, event);
        return TRUE;
}

void
asm_watch_missed(AsmWatch *watch, gint64 n)
{
        if (n <= 0)
                return;
        watch->is_partial = TRUE;
        asm_output_note(&watch->cli->output,
                        "%" G_GINT64_FORMAT
                        " events before this are not kept any more (max_run_history_bytes)",
                        n);
}

/* --- pages ------------------------------------------------------------------------------------ */

static void
put_page_arguments(AsmBuilder *args, const AsmWatch *watch)
{
        asm_builder_list(args, 2);
        asm_builder_text(args, watch->run.run_id);
        asm_builder_map(args, 1);
        asm_builder_atom(args, "from");
        asm_builder_int(args, watch->next);
        asm_builder_nil(args);
}

/* TRUE: there is another page */
static gboolean
feed_page(AsmWatch *watch, AsmView reply)
{
        static const char *const keys[] = { "page", "next", "more", "missing", NULL };
        AsmView values[G_N_ELEMENTS(keys) - 1], event;
        gint64 next, missing = 0, from = watch->next;
        AsmListCursor cursor;

        if (asm_view_map_pick(reply, keys, values) < G_N_ELEMENTS(values) ||
            !asm_view_get_int(values[1], &next) || !asm_view_get_int(values[3], &missing))
                return FALSE;
        asm_known_run_clear(&watch->run);
        asm_known_run_read(reply, &watch->run);
        asm_watch_missed(watch, missing);
        cursor = asm_view_list(values[0]);
        while (!watch->has_left && asm_list_next(&cursor, &event))
                asm_watch_feed(watch, event);
        if (asm_output_is_broken(&watch->cli->output))
                watch->has_left = TRUE;
        /* a daemon that stays where it is would keep us here */
        return asm_view_is_atom(values[2], "true") && next > from;
}

gboolean
asm_watch_read(AsmWatch *watch, GError **error)
{
        gboolean has_more = TRUE;

        while (has_more && !watch->has_left) {
                g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
                g_autoptr(AsmTerm) answer = NULL;
                AsmView reply;

                put_page_arguments(&args, watch);
                answer = asm_cli_ask(watch->cli,
                                     "run_events",
                                     asm_builder_peek(&args),
                                     &reply,
                                     error);
                if (answer == NULL)
                        return FALSE;
                has_more = feed_page(watch, reply);
        }
        return TRUE;
}

/* --- the end ---------------------------------------------------------------------------------- */

gboolean
asm_watch_refresh(AsmWatch *watch, AsmTerm **ret_info, GError **error)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        const char *texts[] = { watch->run.run_id, NULL };
        g_autoptr(AsmTerm) answer = NULL;
        AsmView info;

        asm_cli_put_texts(&args, texts);
        answer = asm_cli_ask(watch->cli, "run_info", asm_builder_peek(&args), &info, error);
        if (answer == NULL)
                return FALSE;
        asm_known_run_clear(&watch->run);
        asm_known_run_read(info, &watch->run);
        *ret_info = asm_term_new(info);
        return TRUE;
}

/* (transfer full): {ok, Result} or {error, Error}; @ret_is_whole: whether Result is all of it */
static AsmTerm *
find_result(AsmWatch *watch, gboolean *ret_is_whole)
{
        g_autoptr(AsmTerm) info = NULL;
        g_autoptr(GError) forgotten = NULL;
        AsmView result;

        *ret_is_whole = TRUE;
        if (asm_watch_refresh(watch, &info, &forgotten) &&
            asm_view_map_get(asm_term_view(info), "result", &result) &&
            !asm_view_is_atom(result, "nil"))
                return asm_term_new(result);
        *ret_is_whole = !watch->is_partial;
        return asm_tally_answer(watch->tally,
                                watch->run.run_id,
                                watch->run.session_id,
                                MAX(watch->run.duration_ms, 0));
}

static gboolean
finish_failed(AsmWatch *watch, AsmView reason, GError **error)
{
        g_autoptr(AsmFailure) failure = asm_cli_answer_failure(reason);
        g_autofree char *time = asm_text_duration(watch->run.duration_ms);

        if (watch->printer.form == ASM_PRINT_JSON)
                asm_output_json(&watch->cli->output, reason);
        asm_output_note(&watch->cli->output, "run %s: failed after %s", watch->run.run_id, time);
        asm_cli_set_failure(error, failure);
        return FALSE;
}

gboolean
asm_watch_finish(AsmWatch *watch, GError **error)
{
        gboolean is_whole;
        g_autoptr(AsmTerm) answer = find_result(watch, &is_whole);
        g_autofree char *summary = NULL;
        AsmView reason = asm_cli_answer_error(asm_term_view(answer)), result;

        if (asm_view_is_set(reason))
                return finish_failed(watch, reason, error);
        if (!asm_view_get_tagged(asm_term_view(answer), "ok", 2, &result))
                result = asm_term_view(answer);
        if (is_whole && watch->printer.form == ASM_PRINT_JSON)
                asm_output_json(&watch->cli->output, result);
        summary = asm_cli_run_summary(watch->run.run_id, result, watch->run.duration_ms);
        asm_output_note(&watch->cli->output, "%s", summary);
        if (!is_whole)
                asm_output_note(&watch->cli->output, "its result is not kept any more");
        return asm_output_check(&watch->cli->output, error);
}
