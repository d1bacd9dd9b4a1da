/* SPDX-License-Identifier: MIT */

/*
 * The manual page is the help in another form: the same tables, written as mdoc(7). What belongs to
 * no table (environment, the long examples) is in doc/asmctl.1.in, around lines such as
 * "@commands@".
 *
 * A new sentence begins a new line, as mdoc wants it, and no line is longer than 80 bytes. What
 * means something to roff is escaped: a backslash, a control character at the beginning of a line,
 * quotes and hyphens that are to be copied from the page as they are. An option that more commands
 * have is described where it comes first.
 *
 * The options of asmd are those that `asmd --help` prints, for GOption's table is in its main().
 */

#include "cli/manual-private.h"

#include "cli/command-private.h"
#include "cli/error-private.h"

#include <string.h>

#define LINE_MAX_LENGTH 78

static void
append_word(GString *out, const char *word)
{
        gboolean is_option = word[strspn(word, "'\"([")] == '-';

        if (*word == '.')
                g_string_append(out, "\\&");
        for (; *word != '\0'; word++) {
                switch (*word) {
                case '\\':
                        g_string_append(out, "\\e");
                        break;
                case '\'':
                        g_string_append(out, "\\(aq");
                        break;
                case '`':
                        g_string_append(out, "\\(ga");
                        break;
                case '~':
                        g_string_append(out, "\\(ti");
                        break;
                case '^':
                        g_string_append(out, "\\(ha");
                        break;
                case '-':
                        g_string_append(out, is_option ? "\\-" : "-");
                        break;
                default:
                        g_string_append_c(out, *word);
                }
        }
}

/* @next: (nullable): the word behind @word */
static gboolean
ends_sentence(const char *word, const char *next)
{
        gsize len = strlen(word);

        if (next == NULL || g_ascii_islower(next[strspn(next, "'\"([")]))
                return FALSE;
        while (len > 0 && strchr("'\")", word[len - 1]) != NULL)
                len--;
        return len > 1 && strchr(".?!", word[len - 1]) != NULL && word[len - 2] != '.';
}

static void
append_paragraph(GString *out, const char *text)
{
        g_auto(GStrv) words = g_strsplit_set(text, " \n", -1);
        gsize line = out->len;
        gboolean is_new = TRUE;

        for (guint i = 0; words[i] != NULL; i++) {
                gsize before = out->len;

                if (*words[i] == '\0')
                        continue;
                if (!is_new)
                        g_string_append_c(out, ' ');
                append_word(out, words[i]);
                if (!is_new && out->len - line > LINE_MAX_LENGTH) {
                        out->str[before] = '\n';
                        line = before + 1;
                }
                is_new = ends_sentence(words[i], words[i + 1]);
                if (is_new) {
                        g_string_append_c(out, '\n');
                        line = out->len;
                }
        }
        if (!is_new)
                g_string_append_c(out, '\n');
}

void
asm_manual_append_text(GString *out, const char *text)
{
        g_auto(GStrv) paragraphs = g_strsplit(text, "\n\n", -1);

        for (guint i = 0; paragraphs[i] != NULL; i++) {
                if (i > 0)
                        g_string_append(out, ".Pp\n");
                append_paragraph(out, paragraphs[i]);
        }
}

static gboolean
is_same(const AsmCliOption *a, const AsmCliOption *b)
{
        return strcmp(a->name, b->name) == 0 && strcmp(a->help, b->help) == 0 &&
               g_strcmp0(a->argument, b->argument) == 0;
}

/* (nullable): the command before @index where @option is described */
static const AsmCliCommand *
find_earlier(const AsmCliOption *option, guint index)
{
        for (guint i = 0; i < index; i++) {
                const AsmCliCommand *command = asm_cli_command_nth(i);
                const AsmCliOption *other = command->options;

                for (; other != NULL && other->name != NULL; other++) {
                        if (is_same(option, other))
                                return command;
                }
        }
        return NULL;
}

static void
append_options(GString *out, const AsmCliOption *options, guint index)
{
        gboolean is_open = FALSE;

        for (; options != NULL && options->name != NULL; options++) {
                if (find_earlier(options, index) != NULL)
                        continue;
                if (!is_open)
                        g_string_append(out, ".Bl -tag -width Ds\n");
                is_open = TRUE;
                g_string_append(out, ".It ");
                if (options->letter != 0)
                        g_string_append_printf(out, "Fl %c , ", options->letter);
                g_string_append_printf(out, "Fl -%s", options->name);
                if (options->argument != NULL)
                        g_string_append_printf(out, " Ar %s", options->argument);
                g_string_append_c(out, '\n');
                asm_manual_append_text(out, options->help);
        }
        if (is_open)
                g_string_append(out, ".El\n");
}

/* "Also --a, --b as for run." */
static void
append_shared(GString *out, const AsmCliCommand *command, guint index)
{
        g_autoptr(GString) names = g_string_new(NULL);
        const AsmCliOption *option = command->options;
        const AsmCliCommand *last = NULL;

        for (; option != NULL && option->name != NULL; option++) {
                const AsmCliCommand *earlier = find_earlier(option, index);

                if (earlier == NULL)
                        continue;
                if (last != NULL && last != earlier)
                        g_string_append_printf(names, " as for %s", last->name);
                g_string_append_printf(names, "%s --%s", last != NULL ? "," : "", option->name);
                last = earlier;
        }
        if (last == NULL)
                return;
        g_string_append_printf(names, " as for %s.", last->name);
        g_string_prepend(names, "Options:");
        g_string_append(out, ".Pp\n");
        asm_manual_append_text(out, names->str);
}

static void
append_examples(GString *out, const char *examples)
{
        g_auto(GStrv) lines = g_strsplit(examples, "\n", -1);

        g_string_append(out, ".Bd -literal -offset indent\n");
        for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++) {
                g_auto(GStrv) words = g_strsplit(lines[i], " ", -1);

                g_string_append_c(out, '$');
                for (guint n = 0; words[n] != NULL; n++) {
                        g_string_append_c(out, ' ');
                        append_word(out, words[n]);
                }
                g_string_append_c(out, '\n');
        }
        g_string_append(out, ".Ed\n");
}

/* "[RUN]..." is optional and may be repeated */
static void
append_operands(GString *out, const char *operands)
{
        g_auto(GStrv) words = g_strsplit(operands != NULL ? operands : "", " ", -1);

        for (guint i = 0; words[i] != NULL; i++) {
                const char *name = words[i] + strspn(words[i], "[");
                gboolean is_repeated = g_str_has_suffix(name, "...");
                int len = (int)strcspn(name, "].");

                if (*name == '\0')
                        continue;
                g_string_append(out, name != words[i] ? " Op" : "");
                if (g_str_has_prefix(name, "--"))
                        g_string_append_printf(out, " Fl %.*s", len - 1, name + 1);
                else
                        g_string_append_printf(out, " Ar %.*s", len, name);
                g_string_append(out, is_repeated ? " ..." : "");
        }
}

static void
append_command(GString *out, const AsmCliCommand *command, guint index)
{
        g_autofree char *summary =
                g_strdup_printf("%c%s.", g_ascii_toupper(*command->summary), command->summary + 1);

        g_string_append_printf(out, ".Ss %s", command->name);
        if (command->options != NULL)
                g_string_append(out, " Oo Ar option ... Oc");
        append_operands(out, command->operands);
        g_string_append_c(out, '\n');
        asm_manual_append_text(out, summary);
        if (command->help != NULL) {
                g_string_append(out, ".Pp\n");
                asm_manual_append_text(out, command->help);
        }
        append_shared(out, command, index);
        append_options(out, command->options, index);
        append_examples(out, command->examples);
}

static void
append_commands(GString *out)
{
        const AsmCliCommand *command;

        for (guint i = 0; (command = asm_cli_command_nth(i)) != NULL; i++) {
                if (command->heading != NULL) {
                        g_autofree char *heading = g_ascii_strup(command->heading, -1);

                        g_string_append_printf(out, ".Sh COMMANDS: %s\n", heading);
                }
                append_command(out, command, i);
        }
}

static void
append_exit_status(GString *out)
{
        const char *meaning;
        gint code;

        g_string_append(out, ".Bl -tag -width Ds\n");
        for (guint i = 0; (meaning = asm_cli_exit_meaning(i, &code)) != NULL; i++) {
                g_string_append_printf(out, ".It %d\n", code);
                asm_manual_append_text(out, meaning);
        }
        g_string_append(out, ".El\n");
}

/* "  -h, --help     Show help options" */
static void
append_help_line(GString *out, const char *line)
{
        const char *name = strstr(line, "--");
        int len = name != NULL ? (int)strcspn(name, "= ") : 0;
        const char *argument = name != NULL && name[len] == '=' ? name + len + 1 : NULL;
        const char *text = name != NULL ? strstr(name, "  ") : NULL;

        if (text == NULL || !g_str_has_prefix(line, "  "))
                return;
        g_string_append(out, ".It ");
        if (line[2] == '-' && line[3] != '-')
                g_string_append_printf(out, "Fl %c , ", line[3]);
        g_string_append_printf(out, "Fl %.*s", len - 1, name + 1);
        if (argument != NULL)
                g_string_append_printf(out, " Ar %.*s", (int)strcspn(argument, " "), argument);
        g_string_append_c(out, '\n');
        asm_manual_append_text(out, text);
}

static void
append_program_options(GString *out, const char *help)
{
        g_auto(GStrv) lines = g_strsplit(help != NULL ? help : "", "\n", -1);

        g_string_append(out, ".Bl -tag -width Ds\n");
        for (guint i = 0; lines[i] != NULL; i++)
                append_help_line(out, lines[i]);
        g_string_append(out, ".El\n");
}

char *
asm_manual_fill(const char *page, const char *help)
{
        g_auto(GStrv) lines = g_strsplit(page, "\n", -1);
        GString *out = g_string_new(NULL);

        for (guint i = 0; lines[i] != NULL; i++) {
                if (strcmp(lines[i], "@commands@") == 0)
                        append_commands(out);
                else if (strcmp(lines[i], "@options@") == 0)
                        append_options(out, asm_cli_global_options, 0);
                else if (strcmp(lines[i], "@exit-status@") == 0)
                        append_exit_status(out);
                else if (strcmp(lines[i], "@program-options@") == 0)
                        append_program_options(out, help);
                else if (strcmp(lines[i], "@config@") == 0)
                        asm_manual_append_config(out);
                else if (strcmp(lines[i], "@config-example@") == 0)
                        asm_manual_append_example(out);
                else if (lines[i + 1] != NULL || *lines[i] != '\0')
                        g_string_append_printf(out, "%s\n", lines[i]);
        }
        return g_string_free(out, FALSE);
}
