/* SPDX-License-Identifier: MIT */

/*
 * `asmctl config`: what the daemon is configured with, as it runs, and where each value was given:
 * asked of the daemon, because the files may have changed since it read them, and its environment
 * and command line are its own.
 */

#include "cli/command-private.h"

#include "cli/table-private.h"
#include "term/print.h"
#include "term/reader.h"

/* of a value that is no text */
#define VALUE_MAX 200

typedef struct {
        gboolean is_given_only;
} ConfigOptions;

static const AsmCliOption config_options[] = {
        { "given",
          0,
          ASM_CLI_FLAG,
          G_STRUCT_OFFSET(ConfigOptions, is_given_only),
          NULL,
          "leave out what has its default" },
        { NULL },
};

static const char *const setting_keys[] = { "group", "key",  "value",   "origin",
                                            "where", "line", "pending", NULL };

/* (transfer full) (nullable): NULL for what is not set */
static char *
dup_value(AsmView value)
{
        char *text;

        if (!asm_view_is_set(value) || asm_view_is_atom(value, "nil"))
                return NULL;
        text = asm_view_dup_text(value, /* accept_atoms= */ TRUE);
        return text != NULL ? text : asm_view_print(value, ASM_SYNTAX_ERLANG, VALUE_MAX);
}

/* "FILE:LINE", the variable, the option, or what kind of origin it is */
static char *
dup_origin(AsmView origin, AsmView where, AsmView line)
{
        g_autofree char *place = dup_value(where);
        gint64 number;

        if (place == NULL)
                return dup_value(origin);
        if (asm_view_is_set(line) && asm_view_get_int(line, &number))
                return g_strdup_printf("%s:%" G_GINT64_FORMAT, place, number);
        return g_steal_pointer(&place);
}

/* "64 (FILE:LINE)": what holds at the next start; NULL: what holds now */
static char *
dup_pending(AsmView pending)
{
        static const char *const keys[] = { "value", "origin", "where", "line", NULL };
        AsmView values[G_N_ELEMENTS(keys) - 1];
        g_autofree char *value = NULL, *origin = NULL;

        if (!asm_view_is_set(pending) || asm_view_map_pick(pending, keys, values) == 0)
                return NULL;
        value = dup_value(values[0]);
        origin = dup_origin(values[1], values[2], values[3]);
        return g_strdup_printf("%s (%s)", value != NULL ? value : "-", origin);
}

static gboolean
is_given(AsmView setting)
{
        AsmView values[G_N_ELEMENTS(setting_keys) - 1];

        asm_view_map_pick(setting, setting_keys, values);
        return !asm_view_is_atom(values[3], "default") ||
               (asm_view_is_set(values[6]) && !asm_view_is_atom(values[6], "nil"));
}

/* (transfer full): @config without the settings that nobody has given */
static AsmTerm *
leave_out_defaults(AsmView config)
{
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
        AsmMapCursor pairs = asm_view_map(config);
        AsmView key, value, setting;
        AsmBuilderMark map = asm_builder_map_begin(&out);
        guint n = 0;

        while (asm_map_next(&pairs, &key, &value)) {
                AsmListCursor settings = asm_view_list(value);
                AsmBuilderMark list;
                guint n_given = 0;

                n++;
                asm_builder_view(&out, key);
                if (!asm_view_is_atom(key, "settings")) {
                        asm_builder_view(&out, value);
                        continue;
                }
                list = asm_builder_list_begin(&out);
                while (asm_list_next(&settings, &setting)) {
                        if (!is_given(setting))
                                continue;
                        asm_builder_view(&out, setting);
                        n_given++;
                }
                asm_builder_list_end(&out, list, n_given);
        }
        asm_builder_map_end(&out, map, n);
        return asm_builder_end(&out);
}

static void
add_row(AsmTable *table, AsmView setting)
{
        AsmView values[G_N_ELEMENTS(setting_keys) - 1];
        g_autofree char *group = NULL, *key = NULL, *value = NULL, *origin = NULL, *pending = NULL;
        const char *cells[5];

        if (asm_view_map_pick(setting, setting_keys, values) == 0)
                return;
        group = dup_value(values[0]);
        key = dup_value(values[1]);
        value = dup_value(values[2]);
        origin = dup_origin(values[3], values[4], values[5]);
        pending = dup_pending(values[6]);
        cells[0] = group;
        cells[1] = key;
        cells[2] = value;
        cells[3] = origin;
        cells[4] = pending;
        asm_table_add(table, cells);
}

static gboolean
is_any_pending(AsmView settings)
{
        AsmListCursor cursor = asm_view_list(settings);
        AsmView setting, pending;

        while (asm_list_next(&cursor, &setting)) {
                if (asm_view_map_get(setting, "pending", &pending) &&
                    !asm_view_is_atom(pending, "nil"))
                        return TRUE;
        }
        return FALSE;
}

static void
print_settings(AsmOutput *output, AsmView settings)
{
        static const char *const headings[] = { "GROUP", "KEY", "VALUE", "FROM", NULL };
        static const char *const all_headings[] = { "GROUP", "KEY",        "VALUE",
                                                    "FROM",  "NEXT START", NULL };
        gboolean has_pending = is_any_pending(settings);
        g_autoptr(AsmTable) table = asm_table_new(has_pending ? all_headings : headings);
        AsmListCursor cursor = asm_view_list(settings);
        AsmView setting;

        while (asm_list_next(&cursor, &setting))
                add_row(table, setting);
        asm_table_print(table, output);
}

static gboolean
run(AsmCli *cli, gconstpointer data, char **operands, GError **error)
{
        const ConfigOptions *options = data;
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) answer = NULL, given = NULL;
        AsmView config, settings;

        asm_builder_nil(&args);
        answer = asm_cli_ask(cli, "config", asm_builder_peek(&args), &config, error);
        if (answer == NULL)
                return FALSE;
        if (options->is_given_only) {
                given = leave_out_defaults(config);
                config = asm_term_view(given);
        }
        if (cli->output.is_json)
                asm_output_json(&cli->output, config);
        else if (asm_view_map_get(config, "settings", &settings))
                print_settings(&cli->output, settings);
        return TRUE;
}

const AsmCliCommand asm_cli_cmd_config = {
        .name = "config",
        .summary = "show the configuration of the daemon, and where it was given",
        .help = "A line per key: its value in the daemon as it runs, and the file and line, the\n"
                "variable of the environment or the option that gave it; 'default' if nothing\n"
                "did. A key that has changed since, and that a daemon takes over at its start\n"
                "only, shows that value, too. Secrets are not shown. Needs the right control.\n"
                "asmd --check-config looks at a file that no daemon has read yet.\n",
        .examples = "asmctl config\n"
                    "asmctl config --given\n"
                    "asmctl --json config\n",
        .options = config_options,
        .options_size = sizeof(ConfigOptions),
        .run = run,
};
