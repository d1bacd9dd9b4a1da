/* SPDX-License-Identifier: MIT */
/*
 * The history of runs: what is kept within its limits, in which order it goes, and what is told of
 * what has gone.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "erlang.h"
#include "run/history.h"
#include "term/reader.h"

TestSuite(history, .timeout = 60);

/* bytes of text in an event of these tests; beside it an event takes less than that */
#define TEXT 1000

static AsmHistory *
new_history(gsize max_bytes, gsize max_run_bytes)
{
        return asm_history_new(&(AsmHistoryLimits){ max_bytes, max_run_bytes });
}

static AsmTerm *
new_message(const char *run_id, gint64 sequence, gsize text)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autofree char *content = g_strnfill(text, 'x');

        asm_builder_tuple(&builder, 3);
        asm_builder_atom(&builder, "asm_run_event");
        asm_builder_text(&builder, run_id);
        asm_builder_map(&builder, 2);
        asm_builder_atom(&builder, "sequence");
        asm_builder_int(&builder, sequence);
        asm_builder_atom(&builder, "content");
        asm_builder_text(&builder, content);
        return asm_builder_end(&builder);
}

static void
add_one(AsmRecord *record, const char *run_id, gint64 sequence, gsize text)
{
        g_autoptr(AsmTerm) message = new_message(run_id, sequence, text);

        asm_record_add(record, message, sequence, ASM_RUN_STATUS_RUNNING);
}

static AsmRecord *
begin(AsmHistory *history, const char *run_id, guint n_events)
{
        AsmRecord *record = asm_history_begin(history, run_id, "s", "claude");

        asm_record_start(record);
        for (guint i = 1; i <= n_events; i++)
                add_one(record, run_id, i, TEXT);
        return record;
}

static void
finish(AsmRecord *record)
{
        asm_record_finish(record, ASM_RUN_STATUS_COMPLETED, NULL);
}

static guint64
n_kept(const AsmRecord *record)
{
        return asm_record_get_end(record) - asm_record_get_first(record);
}

static gsize
bytes_of(const AsmHistory *history)
{
        AsmHistoryStats stats;

        asm_history_get_stats(history, &stats);
        return stats.n_bytes;
}

/* "ID status events missing, ..." of what list_runs would tell, and the total */
static char *
list(const AsmHistory *history, const AsmRunFilter *filter)
{
        static const char *const keys[] = { "run_id", "status", "events", "missing", NULL };
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        GString *text = g_string_new(NULL);
        g_autofree char *shown_total = NULL;
        AsmView runs, total, run, values[4];
        AsmListCursor cursor;

        asm_builder_runs(&builder, history, filter);
        cr_assert(asm_view_map_get(asm_builder_peek(&builder), "runs", &runs));
        cr_assert(asm_view_map_get(asm_builder_peek(&builder), "total", &total));
        cursor = asm_view_list(runs);
        while (asm_list_next(&cursor, &run)) {
                cr_assert_eq(asm_view_map_pick(run, keys, values), 4);
                for (guint i = 0; i < 4; i++) {
                        g_autofree char *shown = test_show(values[i]);

                        g_string_append_printf(text, "%s%s", shown, i < 3 ? " " : ", ");
                }
        }
        shown_total = test_show(total);
        g_string_append(text, shown_total);
        return g_string_free(text, FALSE);
}

Test(history, keeps_all_events_of_a_run_up_to_its_limit_and_cuts_the_first_ones_above)
{
        g_autoptr(AsmHistory) history = new_history(1 << 20, 1 << 20);
        AsmRecord *record = begin(history, "a", 10);
        gsize full = bytes_of(history);
        AsmHistoryLimits at_limit = { 1 << 20, full };
        AsmHistoryLimits below = { 1 << 20, full - 1 };

        asm_history_set_limits(history, &at_limit);
        cr_expect_eq(n_kept(record), 10, "at the limit");
        asm_history_set_limits(history, &below);
        cr_expect_eq(n_kept(record), 9, "a byte above");
        cr_expect_eq(asm_record_get_first(record), 1);
        for (gint64 i = 11; i <= 100; i++) {
                add_one(record, "a", i, TEXT);
                cr_assert_leq(bytes_of(history), full - 1);
        }
        cr_expect_eq(asm_record_get_end(record), 100);
        cr_expect_geq(n_kept(record), 8);
        finish(record);
}

Test(history, event_that_is_larger_than_the_limit_takes_all_before_it_along)
{
        g_autoptr(AsmHistory) history = new_history(1 << 20, 20 * TEXT);
        AsmRecord *record = begin(history, "a", 5);

        add_one(record, "a", 6, 30 * TEXT);
        cr_expect_eq(n_kept(record), 0);
        cr_expect_eq(asm_record_get_first(record), 6);
        add_one(record, "a", 7, TEXT);
        cr_expect_eq(n_kept(record), 1);
        finish(record);
}

Test(history, over_the_limit_of_all_the_run_that_ended_first_is_forgotten_first)
{
        g_autoptr(AsmHistory) history = new_history(1 << 20, 1 << 20);
        g_autoptr(AsmFailure) failure = NULL;
        AsmRecord *one = begin(history, "one", 5);
        AsmRecord *two = begin(history, "two", 5);
        AsmRecord *active;
        AsmHistoryLimits limits = { 0, 1 << 20 };

        /* begun first, ended last */
        finish(two);
        finish(one);
        active = begin(history, "active", 5);
        limits.max_bytes = bytes_of(history);
        asm_history_set_limits(history, &limits);
        cr_expect_not_null(asm_history_find(history, "two", NULL, &failure), "at the limit");
        add_one(active, "active", 6, 1);
        cr_expect_null(asm_history_find(history, "two", NULL, &failure), "above");
        cr_expect_eq(failure->kind, ASM_FAILURE_UNKNOWN);
        cr_expect(strstr(failure->message, "run two has ended and is not kept any more") != NULL,
                  "%s",
                  failure->message);
        cr_expect_not_null(asm_history_find(history, "one", NULL, &failure));
        cr_expect_eq(n_kept(active), 6);
        finish(active);
}

Test(history, without_finished_runs_active_ones_pay_in_turn)
{
        g_autoptr(AsmHistory) history = new_history(1 << 20, 1 << 20);
        AsmRecord *records[4];
        AsmHistoryLimits limits = { 0, 1 << 20 };

        for (guint i = 0; i < G_N_ELEMENTS(records); i++)
                records[i] = begin(history, (const char *const[]){ "a", "b", "c", "d" }[i], 10);
        limits.max_bytes = bytes_of(history);
        asm_history_set_limits(history, &limits);
        for (gint64 i = 11; i <= 18; i++) {
                add_one(records[3], "d", i, TEXT);
                cr_assert_leq(bytes_of(history), limits.max_bytes);
        }
        for (guint i = 0; i < 3; i++)
                cr_expect_eq(n_kept(records[i]), 8, "%u: %d", i, (int)n_kept(records[i]));
        cr_expect_eq(n_kept(records[3]), 16);
        limits.max_bytes = 0;
        asm_history_set_limits(history, &limits);
        for (guint i = 0; i < 4; i++) {
                cr_expect_eq(n_kept(records[i]), 0);
                add_one(records[i], "x", 20, TEXT);
                cr_expect_eq(n_kept(records[i]), 0);
                finish(records[i]);
        }
        cr_expect_eq(bytes_of(history), 0, "with nothing kept, nothing is left");
}

Test(history, tells_forgotten_from_never_been)
{
        g_autoptr(AsmHistory) history = new_history(20 * TEXT, 20 * TEXT);
        g_autoptr(AsmFailure) never = NULL;
        g_autoptr(AsmFailure) forgotten = NULL;
        g_autoptr(AsmFailure) unsure = NULL;

        cr_expect_null(asm_history_find(history, "never\n", NULL, &never));
        cr_expect_str_eq(never->message, "there has been no run never\\n here");
        for (guint i = 0; i < 3000; i++) {
                g_autofree char *id = g_strdup_printf("run-%u", i);

                finish(begin(history, id, 1));
        }
        cr_expect_null(asm_history_find(history, "run-2900", NULL, &forgotten));
        cr_expect(strstr(forgotten->message, "is not kept any more") != NULL);
        cr_expect_null(asm_history_find(history, "run-1", NULL, &unsure));
        cr_expect(strstr(unsure->message, "never here, or was forgotten long ago") != NULL);
}

Test(history, result_is_kept_if_it_takes_no_more_than_half_of_what_a_run_may)
{
        for (guint above = 0; above < 2; above++) {
                g_autoptr(AsmHistory) history = new_history(1 << 20, 10000);
                g_autoptr(AsmTerm) result = NULL;
                g_autoptr(AsmFailure) failure = NULL;
                g_auto(AsmBuilder) info = ASM_BUILDER_INIT;
                g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
                g_autofree char *text = g_strnfill(5000 - 5 + above, 'x');
                const AsmRecord *record;
                AsmView kept;

                asm_builder_binary(&builder, text, strlen(text));
                result = asm_builder_end(&builder);
                cr_assert_eq(result->len, 5000 + above);
                asm_record_finish(begin(history, "a", 5), ASM_RUN_STATUS_COMPLETED, result);
                record = asm_history_find(history, "a", NULL, &failure);
                cr_assert_not_null(record);
                asm_builder_run_info(&info, record);
                cr_assert(asm_view_map_get(asm_builder_peek(&info), "result", &kept));
                cr_expect_eq(asm_view_is_atom(kept, "nil") ? 1u : 0u, above);
                cr_expect_leq(bytes_of(history), 10000);
        }
}

Test(history, lists_active_runs_and_then_finished_ones_the_newest_first)
{
        g_autoptr(AsmHistory) history = new_history(1 << 20, 1 << 20);
        AsmRecord *a = begin(history, "aa", 1);
        AsmRecord *b = begin(history, "ab", 2);
        AsmRecord *c = asm_history_begin(history, "c", "t", "codex");
        AsmRecord *d = begin(history, "d", 0);
        AsmRecord *e = begin(history, "e", 0);
        const struct {
                AsmRunFilter filter;
                const char *expected;
        } cases[] = {
                { { .max = 9 },
                  "<<\"c\">> queued 0 0, <<\"ab\">> running 2 0, <<\"e\">> interrupted 0 0, "
                  "<<\"aa\">> failed 1 0, 4" },
                { { .max = 1 }, "<<\"c\">> queued 0 0, 4" },
                { { .max = 9, .prefix = "a" }, "<<\"ab\">> running 2 0, <<\"aa\">> failed 1 0, 2" },
                { { .max = 9, .session_id = "t" }, "<<\"c\">> queued 0 0, 1" },
                { { .max = 9, .no_active = TRUE },
                  "<<\"e\">> interrupted 0 0, <<\"aa\">> failed 1 0, 2" },
                { { .max = 9, .no_finished = TRUE, .prefix = "aa" }, "0" },
        };

        asm_record_finish(a, ASM_RUN_STATUS_FAILED, NULL);
        asm_record_finish(e, ASM_RUN_STATUS_INTERRUPTED, NULL);
        asm_record_drop(d);
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *got = list(history, &cases[i].filter);

                cr_expect_str_eq(got, cases[i].expected, "%zu: %s", i, got);
        }
        finish(b);
        finish(c);
}

Test(history, run_id_that_comes_again_means_the_active_run_then_the_newest)
{
        g_autoptr(AsmHistory) history = new_history(1 << 20, 1 << 20);
        g_autoptr(AsmFailure) failure = NULL;
        AsmRecord *one = asm_history_begin(history, "x", "s1", "claude");
        AsmRecord *two = asm_history_begin(history, "x", "s2", "claude");
        AsmRecord *three = asm_history_begin(history, "x", "s3", "claude");

        cr_expect_eq(asm_history_find(history, "x", NULL, &failure), three);
        finish(three);
        cr_expect_eq(asm_history_find(history, "x", NULL, &failure), two);
        finish(two);
        cr_expect_eq(asm_history_find(history, "x", NULL, &failure), one);
        finish(one);
        cr_expect_eq(asm_history_find(history, "x", NULL, &failure), three);
        cr_expect_eq(asm_history_find(history, "x", "s1", &failure), one);
        cr_expect_null(asm_history_find(history, "x", "s4", &failure));
        asm_history_set_limits(history, &(AsmHistoryLimits){ bytes_of(history) - 1, 1 << 20 });
        cr_expect_eq(asm_history_find(history, "x", NULL, &failure), two, "three ended first");
}

/* pages of @max_bytes from @from on: the sequences, with a bar between pages; what is missing first */
static char *
read_pages(const AsmRecord *record, gint64 from, gsize max_bytes, guint max_pages)
{
        static const char *const keys[] = { "page", "next", "more", "missing", NULL };
        GString *text = g_string_new(NULL);
        gboolean more = TRUE;

        for (guint page = 0; more && page < max_pages; page++) {
                g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
                AsmView values[4], event, sequence;
                AsmListCursor cursor;
                gint64 missing;

                asm_builder_run_events(&builder, record, from, max_bytes);
                cr_assert_eq(asm_view_map_pick(asm_builder_peek(&builder), keys, values), 4);
                cr_assert(asm_view_get_int(values[1], &from));
                cr_assert(asm_view_get_bool(values[2], &more));
                cr_assert(asm_view_get_int(values[3], &missing));
                if (missing > 0)
                        g_string_append_printf(text, "-%d ", (int)missing);
                cursor = asm_view_list(values[0]);
                while (asm_list_next(&cursor, &event)) {
                        gint64 number;

                        cr_assert(asm_view_map_get(event, "sequence", &sequence) &&
                                  asm_view_get_int(sequence, &number));
                        g_string_append_printf(text, "%d ", (int)number);
                }
                g_string_append(text, "| ");
        }
        g_string_append_printf(text, "%d", (int)from);
        return g_string_free(text, FALSE);
}

Test(history, pages_are_bounded_by_bytes_and_go_on_where_they_ended)
{
        g_autoptr(AsmHistory) history = new_history(1 << 20, 1 << 20);
        AsmRecord *record = asm_history_begin(history, "a", "s", "claude");
        static const gint64 sequences[] = { 1, 2, 3, 10, 11, 40 };
        g_autoptr(AsmTerm) message = new_message("a", 1, TEXT);
        AsmView part[2];
        const struct {
                gint64 from;
                gsize events;
                gssize bytes_more;
                const char *expected;
        } cases[] = {
                { 0, 9, 0, "1 2 3 10 11 40 | 41" },
                { 0, 2, 0, "1 2 | 3 10 | 11 40 | 41" },
                { 0, 2, -1, "1 | 2 | 3 | 10 | 11 | 40 | 41" },
                { 0, 0, 0, "1 | 2 | 3 | 10 | 11 | 40 | 41" },
                { 4, 2, 0, "10 11 | 40 | 41" },
                { 41, 2, 0, "| 41" },
                { 99, 2, 0, "| 99" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(sequences); i++)
                add_one(record, "a", sequences[i], TEXT);
        cr_assert(asm_view_get_tagged(asm_term_view(message), "asm_run_event", 3, part));
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                gsize max = part[1].len * cases[i].events + cases[i].bytes_more;
                g_autofree char *got = read_pages(record, cases[i].from, max, 99);

                cr_expect_str_eq(got, cases[i].expected, "%zu: %s", i, got);
        }
        asm_history_set_limits(history, &(AsmHistoryLimits){ 1 << 20, bytes_of(history) - 1500 });
        {
                g_autofree char *got = read_pages(record, 0, 1, 2);
                g_autofree char *later = read_pages(record, 2, 1, 1);

                cr_expect_str_eq(got, "-2 3 | 10 | 11", "%s", got);
                cr_expect_str_eq(later, "-1 3 | 10", "%s", later);
        }
        finish(record);
}

Test(history, counts_what_there_was)
{
        g_autoptr(AsmHistory) history = new_history(5 * TEXT, 5 * TEXT);
        AsmHistoryStats stats;

        for (guint i = 0; i < 10; i++)
                finish(begin(history, "a", 3));
        asm_record_finish(begin(history, "b", 1), ASM_RUN_STATUS_FAILED, NULL);
        asm_record_finish(begin(history, "c", 1), ASM_RUN_STATUS_INTERRUPTED, NULL);
        asm_history_get_stats(history, &stats);
        cr_expect_eq(stats.n_events, 32);
        cr_expect_eq(stats.n_started, 12);
        cr_expect_eq(stats.n_completed, 10);
        cr_expect_eq(stats.n_failed, 1);
        cr_expect_eq(stats.n_interrupted, 1);
        cr_expect_eq(stats.n_active, 0);
        cr_expect_leq(stats.n_bytes, 5 * TEXT);
        cr_expect(stats.n_finished >= 1 && stats.n_finished < 12);
}
