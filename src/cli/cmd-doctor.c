/* SPDX-License-Identifier: MIT */

/*
 * `asmctl doctor`: why a node would not run a prompt. The daemon makes the checks, because it is
 * the daemon that would run it: one line per check, and below each one that failed what to do.
 *
 *      ok      distribution       asmd@here listens on port 41231
 *      FAILED  provider_cli       no claude in PATH of build@there
 *              -> install it there, or set CLAUDE_CLI_PATH
 *      -       workspace          not checked: no --cwd
 *
 * The words are for people and for grep; a script takes --json and the exit status, which is 1 as
 * soon as one check failed.
 */

#include "cli/command-private.h"
#include "cli/place-private.h"

#include "cli/error-private.h"
#include "cli/text-private.h"
#include "term/print.h"
#include "term/reader.h"

#include <string.h>

/* it waits for a node that may not answer, several times */
#define DOCTOR_TIMEOUT_MS 90000
/* of a detail that is no text */
#define DETAIL_MAX 300

typedef struct {
        char *provider;
        char *cwd;
} DoctorOptions;

static const AsmCliOption doctor_options[] = {
        { "provider",
          0,
          ASM_CLI_TEXT,
          G_STRUCT_OFFSET(DoctorOptions, provider),
          "PROVIDER",
          "the provider whose CLI is looked for (default: claude)" },
        { "cwd",
          0,
          ASM_CLI_TEXT,
          G_STRUCT_OFFSET(DoctorOptions, cwd),
          "DIR",
          "the directory, there, that must be writable" },
        { NULL },
};

static const struct {
        const char *status;
        const char *mark;
} marks[] = {
        { "ok", "ok" },
        { "failed", "FAILED" },
        { "skipped", "-" },
};

static const char *
mark_of(AsmView status)
{
        for (gsize i = 0; i < G_N_ELEMENTS(marks); i++) {
                if (asm_view_is_set(status) && asm_view_is_atom(status, marks[i].status))
                        return marks[i].mark;
        }
        return "?";
}

/* one line, safe also in a file: a detail must not pass for a check */
static char *
dup_detail(AsmView value)
{
        g_autofree char *text = NULL;
        GString *safe = g_string_new(NULL);

        if (!asm_view_is_set(value) || asm_view_is_atom(value, "nil"))
                return g_string_free(safe, FALSE);
        text = asm_view_dup_text(value, /* accept_atoms= */ TRUE);
        if (text == NULL)
                text = asm_view_print(value, ASM_SYNTAX_ERLANG, DETAIL_MAX);
        asm_text_append_safe(safe, text, strlen(text), ASM_TEXT_ONE_LINE);
        return g_string_free(safe, FALSE);
}

static void
print_check(AsmOutput *output, const AsmView *values)
{
        g_autofree char *name = dup_detail(values[0]);
        g_autofree char *detail = dup_detail(values[2]);
        g_autofree char *remedy = dup_detail(values[3]);
        g_autofree char *line =
                g_strchomp(g_strdup_printf("%-6s  %-18s  %s", mark_of(values[1]), name, detail));
        g_autofree char *below = g_strdup_printf("        -> %s", remedy);

        asm_output_line(output, line, /* may_cut= */ FALSE);
        if (*remedy != '\0' && asm_view_is_set(values[1]) && asm_view_is_atom(values[1], "failed"))
                asm_output_line(output, below, /* may_cut= */ FALSE);
}

/* FALSE if one of them failed */
static gboolean
show_checks(AsmOutput *output, AsmView checks, GError **error)
{
        static const char *const keys[] = { "check", "status", "detail", "remedy", NULL };
        AsmListCursor cursor = asm_view_list(checks);
        AsmView check, values[4];
        guint n = 0, n_failed = 0;

        if (output->is_json)
                asm_output_json(output, checks);
        while (asm_list_next(&cursor, &check)) {
                asm_view_map_pick(check, keys, values);
                n++;
                if (asm_view_is_set(values[1]) && asm_view_is_atom(values[1], "failed"))
                        n_failed++;
                if (!output->is_json)
                        print_check(output, values);
        }
        if (n_failed == 0)
                return TRUE;
        g_set_error(error,
                    ASM_CLI_ERROR,
                    ASM_CLI_ERROR_FAILED,
                    "%u of %u checks failed",
                    n_failed,
                    n);
        return FALSE;
}

/* [Node, [{provider, _}, {cwd, _}]] */
static void
put_arguments(AsmBuilder *args, const char *node, const DoctorOptions *options)
{
        AsmBuilderMark mark;
        guint n = 0;

        asm_builder_list(args, 2);
        asm_builder_atom(args, node);
        mark = asm_builder_list_begin(args);
        if (options->provider != NULL) {
                asm_cli_put_atom_option(args, "provider", options->provider);
                n++;
        }
        if (options->cwd != NULL) {
                asm_cli_put_text_option(args, "cwd", options->cwd);
                n++;
        }
        asm_builder_list_end(args, mark, n);
        asm_builder_nil(args);
}

static gboolean
run(AsmCli *cli, gconstpointer data, char **operands, GError **error)
{
        const DoctorOptions *options = data;
        AsmCliPlace place = { .provider = options->provider,
                              .remote = operands[0],
                              .cwd = options->cwd };
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) answer = NULL;
        AsmView checks;

        if (strchr(operands[0], '@') == NULL)
                return asm_cli_usage(error, "'%s' is no node, which is NAME@HOST", operands[0]);
        if (!asm_cli_place_check(&place, error) || !asm_cli_open(cli, error))
                return FALSE;
        if (cli->globals.timeout_ms == 0)
                cli->globals.timeout_ms = DOCTOR_TIMEOUT_MS;
        put_arguments(&args, operands[0], options);
        answer = asm_cli_ask(cli, "doctor", asm_builder_peek(&args), &checks, error);
        return answer != NULL && show_checks(&cli->output, checks, error);
}

const AsmCliCommand asm_cli_cmd_doctor = {
        .name = "doctor",
        .operands = "NODE",
        .min_operands = 1,
        .max_operands = 1,
        .summary = "check whether a node can run prompts",
        .help = "A line per check: ok, FAILED, or '-' if it was not made, and what to do about\n"
                "each that failed; the status is 1 if one did. NODE is the BEAM node that\n"
                "--remote would name. The daemon makes the checks.\n",
        .examples = "asmctl doctor backend@build1\n"
                    "asmctl doctor backend@build1 --provider codex --cwd /srv/project\n",
        .options = doctor_options,
        .options_size = sizeof(DoctorOptions),
        .run = run,
};
