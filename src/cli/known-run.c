/* SPDX-License-Identifier: MIT */

/*
 * Ids are long, so the beginning of one is enough where it is the beginning of one only. A whole id
 * always means that run, also when others begin with it; so it is asked for first, and what the
 * daemon says about an id that nothing begins with (there was none; it is forgotten) is its answer
 * to that.
 */

#include "cli/known-run-private.h"

#include "cli/error-private.h"
#include "cli/text-private.h"
#include "event/event.h"
#include "term/print.h"
#include "term/reader.h"

#include <string.h>

/* ids that are named when a beginning is not enough */
#define NAMED_MAX 4
/* of a cell that nobody has thought of */
#define CELL_MAX 60

static char *
dup_text(AsmView value)
{
        char *text = NULL;

        if (!asm_view_is_set(value))
                return g_strdup("");
        text = asm_view_dup_text(value, /* accept_atoms= */ TRUE);
        return text != NULL ? text : asm_view_print(value, ASM_SYNTAX_ERLANG, CELL_MAX);
}

static gint64
get_int(AsmView value, gint64 otherwise)
{
        gint64 number;

        return asm_view_is_set(value) && asm_view_get_int(value, &number) ? number : otherwise;
}

void
asm_known_run_read(AsmView facts, AsmKnownRun *ret_run)
{
        static const char *const keys[] = { "run_id",     "session_id",  "status",
                                            "started_at", "duration_ms", "sequence",
                                            "missing",    "events",      NULL };
        AsmView values[G_N_ELEMENTS(keys) - 1];

        asm_view_map_pick(facts, keys, values);
        *ret_run = (AsmKnownRun){ .run_id = dup_text(values[0]),
                                  .session_id = dup_text(values[1]),
                                  .status = dup_text(values[2]),
                                  .duration_ms = get_int(values[4], -1),
                                  .sequence = get_int(values[5], 0),
                                  .missing = get_int(values[6], 0),
                                  .events = get_int(values[7], 0) };
        if (!asm_view_is_set(values[3]) || !asm_view_get_datetime(values[3], &ret_run->started_us))
                ret_run->started_us = 0;
}

void
asm_known_run_clear(AsmKnownRun *run)
{
        g_clear_pointer(&run->run_id, g_free);
        g_clear_pointer(&run->session_id, g_free);
        g_clear_pointer(&run->status, g_free);
}

gboolean
asm_known_run_is_over(const AsmKnownRun *run)
{
        static const char *const ends[] = { "completed", "failed", "interrupted", NULL };

        return g_strv_contains(ends, run->status);
}

void
asm_known_run_put_filter(AsmBuilder *args,
                         const char *prefix,
                         const char *session,
                         const char *state,
                         guint limit)
{
        asm_builder_list(args, 1);
        asm_builder_map(args, (prefix != NULL) + (session != NULL) + (state != NULL) + (limit > 0));
        if (prefix != NULL) {
                asm_builder_atom(args, "prefix");
                asm_builder_text(args, prefix);
        }
        if (session != NULL) {
                asm_builder_atom(args, "session");
                asm_builder_text(args, session);
        }
        if (state != NULL) {
                asm_builder_atom(args, "state");
                asm_builder_atom(args, state);
        }
        if (limit > 0) {
                asm_builder_atom(args, "limit");
                asm_builder_uint(args, limit);
        }
        asm_builder_nil(args);
}

/* --- the one that is meant -------------------------------------------------------------------- */

static AsmTerm *
ask_info(AsmCli *cli, const char *run_id, AsmView *ret_info, GError **error)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        const char *texts[] = { run_id, NULL };

        asm_cli_put_texts(&args, texts);
        return asm_cli_ask(cli, "run_info", asm_builder_peek(&args), ret_info, error);
}

static void
set_ambiguous(GError **error, const char *name, AsmView runs, gint64 total)
{
        g_autoptr(GString) ids = g_string_new(NULL);
        AsmListCursor cursor = asm_view_list(runs);
        AsmView facts;

        while (asm_list_next(&cursor, &facts)) {
                g_auto(AsmKnownRun) run = { 0 };

                asm_known_run_read(facts, &run);
                g_string_append_printf(ids, "%s%s", ids->len > 0 ? ", " : "", run.run_id);
        }
        if (total > NAMED_MAX)
                g_string_append(ids, ", ...");
        asm_cli_usage(error,
                      "'%s' is the beginning of %" G_GINT64_FORMAT " runs: %s",
                      name,
                      total,
                      ids->str);
}

AsmTerm *
asm_known_run_find(AsmCli *cli, const char *name, AsmView *ret_info, GError **error)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_auto(AsmKnownRun) run = { 0 };
        g_autoptr(AsmTerm) answer = NULL;
        g_autoptr(GError) unknown = NULL;
        AsmView value, runs, total, facts;
        AsmListCursor cursor;
        gint64 n;

        answer = ask_info(cli, name, ret_info, &unknown);
        if (answer != NULL)
                return g_steal_pointer(&answer);
        if (!g_error_matches(unknown, ASM_CLI_ERROR, ASM_CLI_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&unknown));
                return NULL;
        }
        asm_known_run_put_filter(&args, name, NULL, NULL, NAMED_MAX);
        answer = asm_cli_ask(cli, "list_runs", asm_builder_peek(&args), &value, error);
        if (answer == NULL)
                return NULL;
        if (!asm_view_map_get(value, "runs", &runs) || !asm_view_map_get(value, "total", &total) ||
            !asm_view_get_int(total, &n))
                n = 0;
        if (n > 1) {
                set_ambiguous(error, name, runs, n);
                return NULL;
        }
        if (n == 1) {
                cursor = asm_view_list(runs);
                n = asm_list_next(&cursor, &facts) ? 1 : 0;
        }
        if (n != 1) {
                g_propagate_error(error, g_steal_pointer(&unknown));
                return NULL;
        }
        asm_known_run_read(facts, &run);
        return ask_info(cli, run.run_id, ret_info, error);
}

/* --- all of them ------------------------------------------------------------------------------ */

/* the time of day for what began today, else the day */
static char *
dup_start(gint64 started_us)
{
        g_autoptr(GDateTime) now = g_date_time_new_now_local();
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(started_us / G_USEC_PER_SEC);

        if (started_us == 0 || time == NULL)
                return NULL;
        if (g_date_time_get_year(now) == g_date_time_get_year(time) &&
            g_date_time_get_day_of_year(now) == g_date_time_get_day_of_year(time))
                return g_date_time_format(time, "%H:%M:%S");
        return g_date_time_format(time, "%Y-%m-%d");
}

AsmTable *
asm_known_run_table(AsmView runs)
{
        static const char *const headings[] = { "RUN",   "SESSION", "PROVIDER", "STATUS",
                                                "BEGAN", "EVENTS",  "TIME",     NULL };
        static const char *const keys[] = { "provider", "events", NULL };
        AsmTable *table = asm_table_new(headings);
        AsmListCursor cursor = asm_view_list(runs);
        AsmView facts, values[2];

        while (asm_list_next(&cursor, &facts)) {
                g_auto(AsmKnownRun) run = { 0 };
                g_autofree char *provider = NULL, *events = NULL, *start = NULL, *time = NULL;

                asm_view_map_pick(facts, keys, values);
                asm_known_run_read(facts, &run);
                provider = dup_text(values[0]);
                events = dup_text(values[1]);
                start = dup_start(run.started_us);
                time = run.duration_ms >= 0 ? asm_text_duration(run.duration_ms) : NULL;
                asm_table_add(table,
                              (const char *const[]){ run.run_id,
                                                     run.session_id,
                                                     provider,
                                                     run.status,
                                                     start,
                                                     events,
                                                     time });
        }
        return table;
}
