/* SPDX-License-Identifier: MIT */

/*
 * A frame of `top`: a few facts, one per line as in `status`, and a line per active run. The daemon
 * counts events since its start, so a rate is the difference to the frame before, over the daemon's
 * own time: a frame that came late is not a burst.
 *
 *      node      asmd@vm 0.1.0, up 3 h 2 min
 *      runs      2 running, 1 waiting, 118 ended
 *      events    10233, 12.5/s
 *
 *      RUN                         SESSION  PROVIDER  STATUS   BEGAN     EVENTS  TIME
 */

#include "cli/top-private.h"

#include "cli/known-run-private.h"
#include "cli/table-private.h"
#include "cli/text-private.h"
#include "term/reader.h"

#include <string.h>

enum {
        NODE,
        VERSION,
        UPTIME,
        SESSIONS,
        RUNS,
        QUEUED,
        ENDED,
        EVENTS,
        RSS,
        KEPT,
        PEERS,
        N_FACTS
};

static gint64
get_int(AsmView value)
{
        gint64 number;

        return asm_view_is_set(value) && asm_view_get_int(value, &number) ? number : 0;
}

static void
add(GPtrArray *lines, const char *name, const char *text)
{
        GString *line = g_string_new(NULL);

        g_string_append_printf(line, "%-10s", name);
        asm_text_append_safe(line, text, strlen(text), ASM_TEXT_ONE_LINE);
        g_ptr_array_add(lines, g_string_free(line, FALSE));
}

static void
add_node(GPtrArray *lines, const AsmView *facts)
{
        g_autofree char *node = NULL, *version = NULL, *text = NULL;
        g_autofree char *uptime = asm_text_duration(get_int(facts[UPTIME]));

        if (asm_view_is_set(facts[NODE]))
                node = asm_view_dup_text(facts[NODE], /* accept_atoms= */ TRUE);
        if (asm_view_is_set(facts[VERSION]))
                version = asm_view_dup_text(facts[VERSION], /* accept_atoms= */ TRUE);
        text = g_strdup_printf("%s %s, up %s",
                               node != NULL ? node : "?",
                               version != NULL ? version : "?",
                               uptime);
        add(lines, "node", text);
}

static void
add_events(GPtrArray *lines, const AsmView *facts, AsmTopSample *sample)
{
        gint64 events = get_int(facts[EVENTS]), uptime_ms = get_int(facts[UPTIME]);
        gint64 ms = uptime_ms - sample->uptime_ms;
        g_autofree char *text = NULL;
        double rate = 0;

        /* a daemon that has been started again counts from 0 */
        if (ms > 0 && events >= sample->events)
                rate = (double)(events - sample->events) * 1000 / (double)ms;
        text = g_strdup_printf("%" G_GINT64_FORMAT ", %.1f/s%s",
                               events,
                               rate,
                               sample->uptime_ms == 0 ? " since the start" : "");
        add(lines, "events", text);
        *sample = (AsmTopSample){ events, uptime_ms };
}

static void
add_peers(GPtrArray *lines, AsmView peers)
{
        g_autoptr(GString) text = g_string_new(NULL);
        AsmListCursor cursor;
        AsmView peer, node;

        if (!asm_view_is_set(peers))
                return;
        cursor = asm_view_list(peers);
        while (asm_list_next(&cursor, &peer)) {
                g_autofree char *name = NULL;

                if (asm_view_map_get(peer, "node", &node))
                        name = asm_view_dup_text(node, /* accept_atoms= */ TRUE);
                if (name != NULL)
                        g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", name);
        }
        add(lines, "peers", text->len > 0 ? text->str : "none");
}

static void
add_runs(GPtrArray *lines, AsmView reply)
{
        g_autoptr(AsmTable) table = NULL;
        g_autoptr(GPtrArray) rows = NULL;
        AsmView runs;

        if (!asm_view_map_get(reply, "runs", &runs))
                return;
        table = asm_known_run_table(runs);
        rows = asm_table_dup_lines(table);
        g_ptr_array_add(lines, g_strdup(""));
        g_ptr_array_extend_and_steal(lines, g_steal_pointer(&rows));
}

GPtrArray *
asm_top_lines(AsmView status, AsmView reply, AsmTopSample *sample)
{
        static const char *const keys[] = {
                [NODE] = "node",          [VERSION] = "version", [UPTIME] = "uptime_ms",
                [SESSIONS] = "sessions",  [RUNS] = "runs",       [QUEUED] = "queued",
                [ENDED] = "ended",        [EVENTS] = "events",   [RSS] = "rss_bytes",
                [KEPT] = "history_bytes", [PEERS] = "peers",     [N_FACTS] = NULL,
        };
        GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *sessions = NULL, *runs = NULL, *memory = NULL, *rss = NULL, *kept = NULL;
        AsmView facts[N_FACTS];

        asm_view_map_pick(status, keys, facts);
        add_node(lines, facts);
        sessions = g_strdup_printf("%" G_GINT64_FORMAT, get_int(facts[SESSIONS]));
        add(lines, "sessions", sessions);
        runs = g_strdup_printf("%" G_GINT64_FORMAT " running, %" G_GINT64_FORMAT
                               " waiting, %" G_GINT64_FORMAT " ended",
                               get_int(facts[RUNS]),
                               get_int(facts[QUEUED]),
                               get_int(facts[ENDED]));
        add(lines, "runs", runs);
        add_events(lines, facts, sample);
        rss = asm_text_size(get_int(facts[RSS]));
        kept = asm_text_size(get_int(facts[KEPT]));
        memory = g_strdup_printf("%s, %s of it what runs have said", rss, kept);
        add(lines, "memory", memory);
        add_peers(lines, facts[PEERS]);
        add_runs(lines, reply);
        return lines;
}
