/* SPDX-License-Identifier: MIT */

/*
 * What the word that is being typed may become. The line before it is read with the tables and the
 * parser that the command itself uses, mistakes passed over:
 *
 *      behind an option that wants one      its values
 *      --option=...                         its values
 *      -...                                 options that are not given yet
 *      before the command                   commands
 *      anything else                        the values of the operand that would be next
 *
 * Options that say which daemon to ask (--node, --cookie-file, --config) count here, too.
 */

#include "cli/candidates-private.h"

#include <string.h>

typedef struct {
        AsmCli *cli;
        const AsmCliCommand *command; /* NULL: it comes later */
        const AsmCliOptionSet *sets;
        guint n_sets;
        char **before;       /* the words that the options are looked for in */
        GPtrArray *operands; /* NULL-terminated; the first one is the command */
        AsmCandidates *candidates;
} Line;

/* (nullable): what has been given for the placeholder @name */
static const char *
given(const Line *line, const char *name)
{
        const AsmPlaceholder *wanted = asm_placeholder_find(name, -1);

        for (guint i = 1; line->command != NULL && i + 1 < line->operands->len; i++) {
                if (asm_placeholder_of_operand(line->command->operands, i - 1) == wanted)
                        return g_ptr_array_index(line->operands, i);
        }
        for (guint i = 0; i < line->n_sets; i++) {
                const AsmCliOption *option = line->sets[i].options;

                for (; option != NULL && option->name != NULL; option++) {
                        if (option->type == ASM_CLI_TEXT && strcmp(option->argument, name) == 0)
                                return *(char **)((guint8 *)line->sets[i].values + option->offset);
                }
        }
        return NULL;
}

static void
add_values(const Line *line, const AsmPlaceholder *placeholder)
{
        const AsmValuesScope scope = { given(line, "SESSION"), given(line, "PROVIDER") };

        if (placeholder != NULL)
                asm_values_add(line->cli, placeholder, &scope, line->candidates);
}

static gboolean
is_given(const Line *line, const char *word)
{
        gsize len = strlen(word);

        for (char **at = line->before; *at != NULL; at++) {
                if (strncmp(*at, word, len) == 0 && ((*at)[len] == '\0' || (*at)[len] == '='))
                        return TRUE;
        }
        return FALSE;
}

static void
add_options(const Line *line)
{
        for (guint i = 0; i < line->n_sets; i++) {
                const AsmCliOption *option = line->sets[i].options;

                for (; option != NULL && option->name != NULL; option++) {
                        g_autofree char *word = g_strconcat("--", option->name, NULL);

                        if (option->type == ASM_CLI_TEXTS || !is_given(line, word))
                                asm_candidates_add(line->candidates, word, option->help);
                }
        }
}

/* "--option=VALUE" is one word, of which only VALUE is typed */
static gboolean
add_assigned(const Line *line)
{
        AsmCandidates *candidates = line->candidates;
        const char *value = NULL;
        const AsmCliOption *option =
                asm_cli_options_find_assigned(line->sets, line->n_sets, candidates->typed, &value);
        g_autofree char *typed = NULL;

        if (option == NULL)
                return FALSE;
        typed = g_steal_pointer(&candidates->typed);
        g_free(candidates->kept);
        candidates->kept = g_strndup(typed, (gsize)(value - typed));
        candidates->typed = g_strdup(value);
        add_values(line, asm_placeholder_find(option->argument, -1));
        return TRUE;
}

static void
complete_line(Line *line)
{
        const AsmCliOption *pending = NULL;
        gboolean is_ended = FALSE;
        guint n_operands;

        line->operands =
                asm_cli_options_scan(line->sets, line->n_sets, line->before, &pending, &is_ended);
        n_operands = line->operands->len - 1;
        if (pending != NULL)
                add_values(line, asm_placeholder_find(pending->argument, -1));
        else if (!is_ended && add_assigned(line))
                ;
        else if (!is_ended && line->candidates->typed[0] == '-')
                add_options(line);
        else if (line->command == NULL)
                add_values(line, asm_placeholder_find("COMMAND", -1));
        else if (n_operands - 1 < line->command->max_operands)
                add_values(line,
                           asm_placeholder_of_operand(line->command->operands, n_operands - 1));
        g_ptr_array_unref(line->operands);
}

/* (nullable): the command, when it has been typed to its end */
static const AsmCliCommand *
find_command(char **words)
{
        AsmCliGlobals globals = { 0 };
        const AsmCliOptionSet set = { asm_cli_global_options, &globals };
        g_autoptr(GPtrArray) rest =
                asm_cli_options_parse(&set, 1, words, /* stop_at_first= */ TRUE, NULL);
        const char *name = rest != NULL ? g_ptr_array_index(rest, 0) : NULL;

        asm_cli_options_clear(asm_cli_global_options, &globals);
        return name != NULL ? asm_cli_command_find(name) : NULL;
}

void
asm_complete(AsmCli *cli, char **words, AsmCandidates *candidates)
{
        guint n = g_strv_length(words);
        g_auto(GStrv) before = g_new0(char *, n);
        const AsmCliCommand *command;
        g_autofree gpointer values = NULL;

        for (guint i = 0; i + 1 < n; i++)
                before[i] = g_strdup(words[i]);
        command = find_command(before);
        values = g_malloc0(MAX(command != NULL ? command->options_size : 0, 1));
        g_free(candidates->typed);
        candidates->typed = g_strdup(words[n - 1]);
        complete_line(&(Line){
                .cli = cli,
                .command = command,
                .sets = (const AsmCliOptionSet[]){ { asm_cli_global_options, &cli->globals },
                                                   { command != NULL ? command->options : NULL,
                                                     values } },
                .n_sets = 2,
                .before = before,
                .candidates = candidates });
        if (command != NULL)
                asm_cli_options_clear(command->options, values);
}
