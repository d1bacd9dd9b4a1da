/* SPDX-License-Identifier: MIT */

/*
 * `asmctl providers`: which agents could run here, and how. The daemon is asked, since it is its
 * machine and its PATH that count; with --local it is this program's, as for `run`.
 *
 * Options of a provider are those of --set: a table of what it takes, and what that becomes on its
 * command line.
 */

#include "cli/command-private.h"

#include "cli/error-private.h"
#include "cli/local-private.h"
#include "cli/place-private.h"
#include "cli/table-private.h"
#include "term/reader.h"

/* starting five programs takes longer than an answer from memory */
#define TIMEOUT_MS 20000

typedef struct {
        gboolean is_local;
} ProvidersOptions;

static const AsmCliOption providers_options[] = {
        { "local",
          0,
          ASM_CLI_FLAG,
          G_STRUCT_OFFSET(ProvidersOptions, is_local),
          NULL,
          "look here, without a daemon: what 'asmctl run' finds" },
        { NULL },
};

/* (transfer full) (nullable): NULL also for nil and what is no text */
static char *
dup_text(AsmView map, const char *key)
{
        AsmView value;

        if (!asm_view_is_set(map) || !asm_view_map_get(map, key, &value) ||
            asm_view_is_atom(value, "nil"))
                return NULL;
        return asm_view_dup_text(value, /* accept_atoms= */ TRUE);
}

/* "a, b": the texts of a list, or @key of its maps */
static char *
join(AsmView map, const char *list, const char *key)
{
        GString *text = g_string_new(NULL);
        AsmListCursor cursor;
        AsmView value, element;

        if (!asm_view_is_set(map) || !asm_view_map_get(map, list, &value))
                return g_string_free(text, FALSE);
        cursor = asm_view_list(value);
        while (asm_list_next(&cursor, &element)) {
                g_autofree char *word =
                        key != NULL ? dup_text(element, key) : asm_view_dup_text(element, TRUE);

                if (word != NULL)
                        g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", word);
        }
        return g_string_free(text, FALSE);
}

static AsmView
get(AsmView map, const char *key)
{
        AsmView value;

        return asm_view_map_get(map, key, &value) ? value : ASM_VIEW_NONE;
}

/* --- all of them ------------------------------------------------------------------------------ */

static void
print_all(AsmOutput *output, AsmView list)
{
        static const char *const headings[] = { "PROVIDER", "VERSION",     "LANES",
                                                "PROGRAM",  "PERMISSIONS", NULL };
        g_autoptr(AsmTable) table = asm_table_new(headings);
        AsmListCursor cursor = asm_view_list(list);
        AsmView entry;

        while (asm_list_next(&cursor, &entry)) {
                AsmView info = get(entry, "info");
                g_autofree char *name = dup_text(entry, "provider");
                g_autofree char *version = dup_text(entry, "version");
                g_autofree char *path = dup_text(entry, "path");
                g_autofree char *problem = dup_text(entry, "problem");
                g_autofree char *lanes = join(info, "available_lanes", NULL);
                g_autofree char *modes = join(info, "permission_modes", "mode");
                const char *cells[] = { name,
                                        version,
                                        lanes,
                                        path != NULL ? path : "not installed",
                                        modes };

                if (path != NULL && version == NULL)
                        cells[1] = problem;
                asm_table_add(table, cells);
        }
        asm_table_print(table, output);
}

/* --- one of them ------------------------------------------------------------------------------ */

static void
print_fact(AsmOutput *output, const char *label, const char *text)
{
        g_autofree char *line = NULL;

        if (text == NULL || *text == '\0')
                return;
        line = g_strdup_printf("%-12s %s", label, text);
        asm_output_line(output, line, /* may_cut= */ FALSE);
}

/* the kit that lane sdk runs in, or why what is installed as one cannot be used */
static void
print_kit(AsmOutput *output, AsmView info)
{
        AsmView kit = get(info, "kit");
        g_autofree char *name = dup_text(kit, "name");
        g_autofree char *version = dup_text(kit, "version");
        g_autofree char *path = dup_text(kit, "path");
        g_autofree char *error = dup_text(kit, "error");
        g_autofree char *capabilities = join(kit, "capabilities", NULL);
        g_autofree char *shown = NULL;

        if (name != NULL)
                shown = g_strdup_printf("%s %s in %s (%s)", name, version, path, capabilities);
        print_fact(output, "kit", shown != NULL ? shown : error);
}

static void
print_modes(AsmOutput *output, AsmView info)
{
        static const char *const headings[] = { "PERMISSION", "NATIVE", "FLAGS", NULL };
        g_autoptr(AsmTable) table = asm_table_new(headings);
        AsmListCursor cursor = asm_view_list(get(info, "permission_modes"));
        AsmView mode;

        while (asm_list_next(&cursor, &mode)) {
                g_autofree char *name = dup_text(mode, "mode");
                g_autofree char *native = dup_text(mode, "native");
                g_autofree char *flags = join(mode, "flags", NULL);
                const char *cells[] = { name, native, flags };

                asm_table_add(table, cells);
        }
        asm_output_line(output, "", /* may_cut= */ FALSE);
        asm_table_print(table, output);
}

static void
print_options(AsmOutput *output, AsmView info)
{
        static const char *const headings[] = { "OPTION", "TYPE", "FLAG", "DEFAULT", NULL };
        g_autoptr(AsmTable) table = asm_table_new(headings);
        AsmListCursor cursor = asm_view_list(get(info, "options"));
        AsmView option;

        while (asm_list_next(&cursor, &option)) {
                g_autofree char *name = dup_text(option, "option");
                g_autofree char *type = dup_text(option, "type");
                g_autofree char *flag = dup_text(option, "flag");
                g_autofree char *fallback = dup_text(option, "default");
                const char *cells[] = { name, type, flag, fallback };

                asm_table_add(table, cells);
        }
        asm_output_line(output, "", /* may_cut= */ FALSE);
        asm_table_print(table, output);
}

static void
print_one(AsmOutput *output, AsmView entry)
{
        AsmView info = get(entry, "info");
        g_autofree char *name = dup_text(entry, "provider");
        g_autofree char *title = dup_text(info, "display_name");
        g_autofree char *path = dup_text(entry, "path");
        g_autofree char *version = dup_text(entry, "version");
        g_autofree char *problem = dup_text(entry, "problem");
        g_autofree char *command = dup_text(info, "command");
        g_autofree char *variable = dup_text(info, "path_variable");
        g_autofree char *lanes = join(info, "available_lanes", NULL);
        g_autofree char *capabilities = join(info, "capabilities", NULL);

        print_fact(output, "provider", name);
        print_fact(output, "name", title);
        print_fact(output, "program", path != NULL ? path : "not installed");
        print_fact(output, "version", version);
        print_fact(output, "problem", problem);
        print_fact(output, "command", command);
        print_fact(output, "variable", variable);
        print_fact(output, "lanes", lanes);
        print_fact(output, "capabilities", capabilities);
        print_kit(output, info);
        print_modes(output, info);
        print_options(output, info);
}

static gboolean
run(AsmCli *cli, gconstpointer data, char **operands, GError **error)
{
        const ProvidersOptions *options = data;
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) answer = NULL;
        AsmListCursor cursor;
        AsmView list, entry;

        if (operands[0] != NULL && !asm_cli_check_atom("PROVIDER", operands[0], error))
                return FALSE;
        if (options->is_local && !asm_cli_open_local(cli, /* remote= */ NULL, error))
                return FALSE;
        if (cli->globals.timeout_ms == 0)
                cli->globals.timeout_ms = TIMEOUT_MS;
        asm_builder_list(&args, operands[0] != NULL ? 1 : 0);
        if (operands[0] != NULL)
                asm_builder_atom(&args, operands[0]);
        asm_builder_nil(&args);
        answer = asm_cli_ask(cli, "providers", asm_builder_peek(&args), &list, error);
        if (answer == NULL)
                return FALSE;
        cursor = asm_view_list(list);
        if (cli->output.is_json)
                asm_output_json(&cli->output, list);
        else if (operands[0] == NULL)
                print_all(&cli->output, list);
        else if (asm_list_next(&cursor, &entry))
                print_one(&cli->output, entry);
        return TRUE;
}

const AsmCliCommand asm_cli_cmd_providers = {
        .name = "providers",
        .operands = "[PROVIDER]",
        .max_operands = 1,
        .summary = "show which agents are installed, and what they take",
        .help = "Without an operand a line per provider. With one, what its options are (--set)\n"
                "and what they and its permission modes become on its command line. Each program\n"
                "is asked for its --version; one that does not answer in 10 seconds is ended.\n",
        .examples = "asmctl providers\n"
                    "asmctl providers --local codex\n",
        .options = providers_options,
        .options_size = sizeof(ProvidersOptions),
        .run = run,
};
