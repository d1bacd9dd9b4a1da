/* SPDX-License-Identifier: MIT */

/*
 * `asmctl sessions`: the sessions there are, one line each, with the runs that are active or wait:
 * the two ids that `interrupt` wants. A session without runs shows a dash.
 */

#include "cli/command-private.h"
#include "cli/table-private.h"

#include "term/print.h"
#include "term/reader.h"

/* columns of a cell that nobody has thought of */
#define CELL_MAX 60

static char *
dup_cell(AsmView value)
{
        char *text;

        if (!asm_view_is_set(value))
                return NULL;
        text = asm_view_dup_text(value, /* accept_atoms= */ TRUE);
        return text != NULL ? text : asm_view_print(value, ASM_SYNTAX_ERLANG, CELL_MAX);
}

/* "01J... running, 01J... queued" */
static char *
dup_runs(AsmView runs)
{
        static const char *const keys[] = { "run_id", "status", NULL };
        AsmListCursor cursor;
        GString *text = g_string_new(NULL);
        AsmView run, values[2];

        if (!asm_view_is_set(runs))
                return g_string_free(text, FALSE);
        cursor = asm_view_list(runs);
        while (asm_list_next(&cursor, &run)) {
                g_autofree char *id = NULL, *status = NULL;

                asm_view_map_pick(run, keys, values);
                id = dup_cell(values[0]);
                status = dup_cell(values[1]);
                g_string_append_printf(text,
                                       "%s%s %s",
                                       text->len > 0 ? ", " : "",
                                       id != NULL ? id : "?",
                                       status != NULL ? status : "");
        }
        return g_string_free(text, FALSE);
}

static void
print_sessions(AsmOutput *output, AsmView sessions)
{
        static const char *const headings[] = { "SESSION", "PROVIDER", "STATUS", "RUNS", NULL };
        static const char *const keys[] = { "session_id", "provider", "status", "runs", NULL };
        g_autoptr(AsmTable) table = asm_table_new(headings);
        AsmListCursor cursor = asm_view_list(sessions);
        AsmView session, values[4];

        while (asm_list_next(&cursor, &session)) {
                g_autofree char *id = NULL, *provider = NULL, *status = NULL, *runs = NULL;

                asm_view_map_pick(session, keys, values);
                id = dup_cell(values[0]);
                provider = dup_cell(values[1]);
                status = dup_cell(values[2]);
                runs = dup_runs(values[3]);
                asm_table_add(table, (const char *const[]){ id, provider, status, runs });
        }
        asm_table_print(table, output);
}

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) answer = NULL;
        AsmView sessions;

        asm_builder_nil(&args);
        answer = asm_cli_ask(cli, "list_sessions", asm_builder_peek(&args), &sessions, error);
        if (answer == NULL)
                return FALSE;
        if (cli->output.is_json)
                asm_output_json(&cli->output, sessions);
        else
                print_sessions(&cli->output, sessions);
        return TRUE;
}

const AsmCliCommand asm_cli_cmd_sessions = {
        .name = "sessions",
        .summary = "list the sessions and their runs",
        .examples = "asmctl sessions\n"
                    "asmctl --json sessions | jq -r .[].session_id\n",
        .run = run,
};
