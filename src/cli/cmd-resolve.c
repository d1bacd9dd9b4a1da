/* SPDX-License-Identifier: MIT */

/*
 * `asmctl resolve`: which lane a run of a provider would take, and why. Nothing is started; an
 * impossible combination is refused with the same words that a run would get.
 */

#include "cli/command-private.h"
#include "cli/place-private.h"

#include "cli/error-private.h"
#include "term/print.h"
#include "term/reader.h"

/* of a fact that is no text */
#define FACT_MAX 200

typedef struct {
        char *lane;
        gboolean is_remote;
} ResolveOptions;

static const AsmCliOption resolve_options[] = {
        { "lane",
          0,
          ASM_CLI_TEXT,
          G_STRUCT_OFFSET(ResolveOptions, lane),
          "LANE",
          "auto, core or sdk (default: auto)" },
        { "remote",
          0,
          ASM_CLI_FLAG,
          G_STRUCT_OFFSET(ResolveOptions, is_remote),
          NULL,
          "for a run on a remote node" },
        { NULL },
};

/* "core, sdk": a list of names; else what there is */
static char *
dup_fact(AsmView value)
{
        g_autoptr(GString) text = g_string_new(NULL);
        AsmListCursor cursor = asm_view_list(value);
        AsmView element;
        char *atom = asm_view_dup_text(value, /* accept_atoms= */ TRUE);

        if (atom != NULL && asm_view_kind(value) != ASM_KIND_NIL)
                return atom;
        g_free(atom);
        while (asm_list_next(&cursor, &element)) {
                g_autofree char *name = asm_view_dup_text(element, /* accept_atoms= */ TRUE);

                if (name == NULL)
                        return asm_view_print(value, ASM_SYNTAX_ERLANG, FACT_MAX);
                g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", name);
        }
        if (text->len == 0)
                return asm_view_print(value, ASM_SYNTAX_ERLANG, FACT_MAX);
        return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
print_lane(AsmOutput *output, AsmView lane)
{
        static const char *const keys[] = {
                "provider",       "lane",        "execution_mode",       "requested_lane",
                "preferred_lane", "lane_reason", "lane_fallback_reason", "available_lanes",
                "capabilities",   NULL
        };
        static const char *const labels[] = { "provider",  "lane",      "mode",
                                              "requested", "preferred", "because",
                                              "fallback",  "available", "capabilities" };
        AsmView values[G_N_ELEMENTS(keys) - 1];

        G_STATIC_ASSERT(G_N_ELEMENTS(labels) == G_N_ELEMENTS(values));
        asm_view_map_pick(lane, keys, values);
        for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
                g_autofree char *fact = NULL, *line = NULL;

                if (!asm_view_is_set(values[i]) || asm_view_is_atom(values[i], "nil"))
                        continue;
                fact = dup_fact(values[i]);
                line = g_strdup_printf("%-12s %s", labels[i], fact);
                asm_output_line(output, line, /* may_cut= */ FALSE);
        }
}

/* [Provider, [{lane, _}, {execution_mode, _}]] */
static void
put_arguments(AsmBuilder *args, const char *provider, const ResolveOptions *options)
{
        AsmBuilderMark mark;
        guint n = 0;

        asm_builder_list(args, 2);
        asm_builder_atom(args, provider);
        mark = asm_builder_list_begin(args);
        if (options->lane != NULL) {
                asm_cli_put_atom_option(args, "lane", options->lane);
                n++;
        }
        if (options->is_remote) {
                asm_cli_put_atom_option(args, "execution_mode", "remote_node");
                n++;
        }
        asm_builder_list_end(args, mark, n);
        asm_builder_nil(args);
}

static gboolean
run(AsmCli *cli, gconstpointer data, char **operands, GError **error)
{
        const ResolveOptions *options = data;
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) answer = NULL;
        AsmView lane;

        if (!asm_cli_check_atom("PROVIDER", operands[0], error) ||
            !asm_cli_check_atom("option --lane", options->lane, error))
                return FALSE;
        put_arguments(&args, operands[0], options);
        answer = asm_cli_ask(cli, "resolve", asm_builder_peek(&args), &lane, error);
        if (answer == NULL)
                return FALSE;
        if (cli->output.is_json)
                asm_output_json(&cli->output, lane);
        else
                print_lane(&cli->output, lane);
        return TRUE;
}

const AsmCliCommand asm_cli_cmd_resolve = {
        .name = "resolve",
        .operands = "PROVIDER",
        .min_operands = 1,
        .max_operands = 1,
        .summary = "show which lane a run would take",
        .help = "Nothing is started. An impossible choice is refused with the words that a run\n"
                "would get.\n",
        .examples = "asmctl resolve claude\n"
                    "asmctl resolve --lane core --remote codex\n",
        .options = resolve_options,
        .options_size = sizeof(ResolveOptions),
        .run = run,
};
