/* SPDX-License-Identifier: MIT */

/*
 * `asmctl status`: what the daemon says of itself, one fact per line. Only what it says is shown,
 * so a daemon of another version prints fewer lines, not wrong ones.
 */

#include "cli/command-private.h"

#include "cli/text-private.h"
#include "term/print.h"
#include "term/reader.h"

#define FACT_MAX 200

static void
print_fact(AsmOutput *output, const char *name, const char *text)
{
        g_autofree char *line = NULL;

        if (text == NULL)
                return;
        line = g_strdup_printf("%-10s %s", name, text);
        asm_output_line(output, line, /* may_cut= */ FALSE);
}

static void
print_value(AsmOutput *output, const char *name, AsmView value)
{
        g_autofree char *text = NULL;

        if (!asm_view_is_set(value))
                return;
        text = asm_view_dup_text(value, /* accept_atoms= */ TRUE);
        if (text == NULL)
                text = asm_view_print(value, ASM_SYNTAX_ERLANG, FACT_MAX);
        print_fact(output, name, text);
}

static void
print_number(AsmOutput *output, const char *name, AsmView value, char *(*show)(gint64))
{
        g_autofree char *text = NULL;
        gint64 number;

        if (!asm_view_is_set(value) || !asm_view_get_int(value, &number))
                return;
        text = show(number);
        print_fact(output, name, text);
}

static void
print_runs(AsmOutput *output, AsmView runs, AsmView queued)
{
        g_autofree char *text = NULL;
        gint64 n_running, n_queued;

        if (!asm_view_is_set(runs) || !asm_view_get_int(runs, &n_running))
                return;
        if (!asm_view_is_set(queued) || !asm_view_get_int(queued, &n_queued))
                n_queued = 0;
        text = g_strdup_printf("%" G_GINT64_FORMAT " running, %" G_GINT64_FORMAT " waiting",
                               n_running,
                               n_queued);
        print_fact(output, "runs", text);
}

static void
print_peers(AsmOutput *output, AsmView peers)
{
        g_autoptr(GString) text = g_string_new(NULL);
        AsmListCursor cursor;
        AsmView peer, node;

        if (!asm_view_is_set(peers))
                return;
        cursor = asm_view_list(peers);
        while (asm_list_next(&cursor, &peer)) {
                g_autofree char *name = NULL;

                if (!asm_view_map_get(peer, "node", &node))
                        continue;
                name = asm_view_dup_text(node, /* accept_atoms= */ TRUE);
                if (name != NULL)
                        g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", name);
        }
        print_fact(output, "peers", text->len > 0 ? text->str : "none");
}

/* "3 of 256 sessions: 2 for a@one, 1 for b@two"; nothing when this daemon hosts nothing */
static void
print_host(AsmOutput *output, AsmView host)
{
        static const char *const keys[] = { "sessions", "max_sessions", "peers", NULL };
        g_autoptr(GString) text = g_string_new(NULL);
        AsmListCursor cursor;
        AsmView values[G_N_ELEMENTS(keys) - 1], peer, node, sessions;
        gint64 n, max;

        if (!asm_view_is_set(host) || asm_view_map_pick(host, keys, values) < 3 ||
            !asm_view_get_int(values[0], &n) || !asm_view_get_int(values[1], &max))
                return;
        g_string_append_printf(text,
                               "%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " sessions",
                               n,
                               max);
        cursor = asm_view_list(values[2]);
        for (guint i = 0; asm_list_next(&cursor, &peer); i++) {
                g_autofree char *name = NULL;

                if (!asm_view_map_get(peer, "node", &node) ||
                    !asm_view_map_get(peer, "sessions", &sessions) ||
                    !asm_view_get_int(sessions, &n))
                        continue;
                name = asm_view_dup_text(node, /* accept_atoms= */ TRUE);
                g_string_append_printf(text,
                                       "%s%" G_GINT64_FORMAT " for %s",
                                       i > 0 ? ", " : ": ",
                                       n,
                                       name != NULL ? name : "?");
        }
        print_fact(output, "host", text->str);
}

static void
print_status(AsmOutput *output, AsmView status)
{
        static const char *const keys[] = { "node",  "version", "uptime_ms", "sessions",
                                            "runs",  "queued",  "processes", "rss_bytes",
                                            "peers", "host",    NULL };
        AsmView values[G_N_ELEMENTS(keys) - 1];

        asm_view_map_pick(status, keys, values);
        print_value(output, "node", values[0]);
        print_value(output, "version", values[1]);
        print_number(output, "uptime", values[2], asm_text_duration);
        print_value(output, "sessions", values[3]);
        print_runs(output, values[4], values[5]);
        print_value(output, "processes", values[6]);
        print_number(output, "memory", values[7], asm_text_size);
        print_peers(output, values[8]);
        print_host(output, values[9]);
}

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) answer = NULL;
        AsmView status;

        asm_builder_nil(&args);
        answer = asm_cli_ask(cli, "status", asm_builder_peek(&args), &status, error);
        if (answer == NULL)
                return FALSE;
        if (cli->output.is_json)
                asm_output_json(&cli->output, status);
        else
                print_status(&cli->output, status);
        return TRUE;
}

const AsmCliCommand asm_cli_cmd_status = {
        .name = "status",
        .heading = "The daemon",
        .summary = "show what the daemon does",
        .examples = "asmctl status\n"
                    "asmctl --node asmd@build1 --cookie-file build1.cookie status\n",
        .run = run,
};
