/* SPDX-License-Identifier: MIT */

/*
 * Help is made from the tables: commands, options, exit codes. What is in a table cannot be
 * missing from the help, and the manual page is checked against it by a test.
 */

#include "cli/command-private.h"

#include "cli/error-private.h"

static void
put_exit_codes(GString *out)
{
        const char *meaning;
        gint code;

        g_string_append(out, "\nExit status:\n");
        for (guint i = 0; (meaning = asm_cli_exit_meaning(i, &code)) != NULL; i++)
                g_string_append_printf(out, "  %3d  %s\n", code, meaning);
}

static char *
general_help(void)
{
        GString *out = g_string_new("asmctl - runs prompts on coding agents through asmd\n\n"
                                    "usage: asmctl [OPTION]... COMMAND [OPTION]... [OPERAND]...\n");
        const AsmCliCommand *command;

        for (guint i = 0; (command = asm_cli_command_nth(i)) != NULL; i++) {
                if (command->heading != NULL)
                        g_string_append_printf(out, "\n%s:\n", command->heading);
                g_string_append_printf(out, "  %-11s %s\n", command->name, command->summary);
        }
        g_string_append(out, "\nOptions, before or behind the command:\n");
        asm_cli_options_help(out, asm_cli_global_options);
        put_exit_codes(out);
        g_string_append(out, "\n'asmctl help COMMAND' tells more; so does asmctl(1).\n");
        return g_string_free(out, FALSE);
}

static void
put_examples(GString *out, const AsmCliCommand *command)
{
        g_auto(GStrv) lines = g_strsplit(command->examples, "\n", -1);

        g_string_append(out, "\nExamples:\n");
        for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
                g_string_append_printf(out, "  $ %s\n", lines[i]);
}

static char *
command_help(const AsmCliCommand *command)
{
        GString *out = g_string_new(NULL);
        gboolean has_options = command->options != NULL;

        g_string_append_printf(out, "asmctl %s - %s\n\n", command->name, command->summary);
        g_string_append_printf(out,
                               "usage: asmctl %s%s%s%s\n",
                               command->name,
                               has_options ? " [OPTION]..." : "",
                               command->operands != NULL ? " " : "",
                               command->operands != NULL ? command->operands : "");
        if (command->help != NULL)
                g_string_append_printf(out, "\n%s", command->help);
        if (has_options) {
                g_string_append(out, "\nOptions:\n");
                asm_cli_options_help(out, command->options);
        }
        put_examples(out, command);
        g_string_append(out, "\nOptions of all commands:\n");
        asm_cli_options_help(out, asm_cli_global_options);
        return g_string_free(out, FALSE);
}

char *
asm_cli_command_help(const AsmCliCommand *command)
{
        return command != NULL ? command_help(command) : general_help();
}
