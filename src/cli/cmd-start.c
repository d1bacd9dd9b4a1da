/* SPDX-License-Identifier: MIT */

/*
 * `asmctl start`: makes a session that stays until it is stopped, and prints its id. The id is
 * chosen here if the user does not: so it is known even when the answer gets lost, and a script
 * needs no second question.
 */

#include "cli/command-private.h"
#include "cli/place-private.h"

#include "base/id.h"
#include "cli/error-private.h"

typedef struct {
        char *session_id;
        AsmCliPlace place;
} StartOptions;

static const AsmCliOption start_options[] = {
        { "session-id",
          0,
          ASM_CLI_TEXT,
          G_STRUCT_OFFSET(StartOptions, session_id),
          "ID",
          "an id of your choice (default: a new ULID)" },
        ASM_CLI_PLACE_OPTIONS(StartOptions, place),
        { NULL },
};

static void
put_arguments(AsmBuilder *args, const AsmCliPlace *place, const char *id)
{
        AsmBuilderMark mark;
        guint n;

        asm_builder_list(args, 1);
        mark = asm_builder_list_begin(args);
        asm_cli_put_text_option(args, "session_id", id);
        n = 1 + asm_cli_put_place(args, place);
        asm_builder_list_end(args, mark, n);
        asm_builder_nil(args);
}

static void
print_id(AsmOutput *output, const char *id)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        if (!output->is_json) {
                asm_output_line(output, id, /* may_cut= */ FALSE);
                return;
        }
        asm_builder_map(&value, 1);
        asm_builder_atom(&value, "session_id");
        asm_builder_text(&value, id);
        asm_output_json(output, asm_builder_peek(&value));
}

static gboolean
run(AsmCli *cli, gconstpointer data, char **operands, GError **error)
{
        const StartOptions *options = data;
        AsmId made = asm_id_new();
        const char *id = options->session_id != NULL ? options->session_id : made.text;
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) answer = NULL;
        AsmView pid;

        if (!asm_id_is_valid(id))
                return asm_cli_usage(
                        error,
                        "option --session-id: 1 to 128 printable characters without blanks");
        if (!asm_cli_place_check(&options->place, error))
                return FALSE;
        put_arguments(&args, &options->place, id);
        answer = asm_cli_ask(cli, "start_session", asm_builder_peek(&args), &pid, error);
        if (answer == NULL)
                return FALSE;
        print_id(&cli->output, id);
        return TRUE;
}

const AsmCliCommand asm_cli_cmd_start = {
        .name = "start",
        .heading = "Sessions",
        .summary = "start a session, print its id",
        .help = "The options hold for every run of the session; they are those of query.\n",
        .examples = "asmctl start --provider codex --cwd .\n"
                    "asmctl start --session-id nightly --permission plan --set max_turns=20\n",
        .options = start_options,
        .options_size = sizeof(StartOptions),
        .run = run,
};
