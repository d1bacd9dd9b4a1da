/* SPDX-License-Identifier: MIT */

/*
 * `asmctl logs`: what a run has said, once more, and its end if it has one. How the run went is part
 * of what is shown and not of how showing it went, so the exit status of a failed run's log is 0.
 */

#include "cli/watch-private.h"

#include "cli/command-private.h"
#include "cli/error-private.h"
#include "cli/text-private.h"
#include "term/reader.h"

static void
tell_that_it_goes_on(const AsmWatch *watch)
{
        g_autofree char *time = asm_text_duration(watch->run.duration_ms);

        if (watch->run.duration_ms < 0)
                asm_output_note(&watch->cli->output,
                                "run %s: waits for its turn; 'asmctl attach %s' follows it",
                                watch->run.run_id,
                                watch->run.run_id);
        else
                asm_output_note(&watch->cli->output,
                                "run %s: goes on since %s; 'asmctl attach %s' follows it",
                                watch->run.run_id,
                                time,
                                watch->run.run_id);
}

static gboolean
show_run(AsmCli *cli, const AsmWatchOptions *options, const char *name, GError **error)
{
        g_auto(AsmWatch) watch = { 0 };
        g_autoptr(GError) why = NULL;
        gboolean is_read;

        if (!asm_watch_init(&watch, cli, options, name, error))
                return FALSE;
        watch.printer.is_still = TRUE;
        asm_event_printer_begin(&watch.printer);
        is_read = asm_watch_read(&watch, error);
        asm_event_printer_end(&watch.printer);
        if (!is_read || watch.has_left)
                return is_read && asm_output_check(&cli->output, error);
        if (!asm_known_run_is_over(&watch.run))
                tell_that_it_goes_on(&watch);
        else if (!asm_watch_finish(&watch, &why) && !asm_output_is_broken(&cli->output))
                asm_output_note(&cli->output, "%s", why->message);
        return asm_output_check(&cli->output, error);
}

static gboolean
list_runs(AsmCli *cli, const char *session, GError **error)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) answer = NULL;
        g_autoptr(AsmTable) table = NULL;
        AsmView value, runs, total, run;
        gint64 n, n_shown = 0;
        AsmListCursor cursor;

        asm_known_run_put_filter(&args, NULL, session, NULL, /* limit= */ 0);
        answer = asm_cli_ask(cli, "list_runs", asm_builder_peek(&args), &value, error);
        if (answer == NULL)
                return FALSE;
        if (!asm_view_map_get(value, "runs", &runs))
                runs = value;
        if (cli->output.is_json) {
                asm_output_json(&cli->output, runs);
                return TRUE;
        }
        table = asm_known_run_table(runs);
        asm_table_print(table, &cli->output);
        cursor = asm_view_list(runs);
        while (asm_list_next(&cursor, &run))
                n_shown++;
        if (asm_view_map_get(value, "total", &total) && asm_view_get_int(total, &n) && n > n_shown)
                asm_output_note(&cli->output, "and older ones: %" G_GINT64_FORMAT " in all", n);
        return TRUE;
}

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        const AsmWatchOptions *given = options;

        if (operands[0] == NULL)
                return list_runs(cli, given->session, error);
        if (given->session != NULL)
                return asm_cli_usage(error, "--session selects from the list; RUN is one already");
        return show_run(cli, given, operands[0], error);
}

static const AsmCliOption options[] = {
        { "session",
          0,
          ASM_CLI_TEXT,
          G_STRUCT_OFFSET(AsmWatchOptions, session),
          "SESSION",
          "list the runs of this session only" },
        { "verbose",
          'v',
          ASM_CLI_FLAG,
          G_STRUCT_OFFSET(AsmWatchOptions, is_verbose),
          NULL,
          "show thinking, and notes as long as they are" },
        { NULL },
};

const AsmCliCommand asm_cli_cmd_logs = {
        .name = "logs",
        .operands = "[RUN]",
        .max_operands = 1,
        .summary = "show what a run has said, or list the runs",
        .help = "Without RUN: the runs that the daemon knows, active ones first, the last one on\n"
                "top. A run is known until others need its place, also when its session has\n"
                "ended: see max_history_bytes in asmd.conf(5).\n"
                "\n"
                "With RUN, an id or the beginning of one: what it has said, as query shows it;\n"
                "of an active run what it has said so far. The exit status is 0, however the run\n"
                "ended. With --json every event is a line, and the last one of a run that has\n"
                "ended is the result or the error.\n",
        .examples = "asmctl logs\n"
                    "asmctl logs 01M84WKFDRHACFYC0KG3EZWSZ2\n"
                    "asmctl --json logs | jq -r '.[] | select(.status == \"failed\") | .run_id'\n",
        .options = options,
        .options_size = sizeof(AsmWatchOptions),
        .run = run,
};
