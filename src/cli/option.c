/* SPDX-License-Identifier: MIT */

/*
 * Options as tables of offsets into a struct: so a command can keep its options in a struct of its
 * own, and `help` can show them without running it. GLib's GOption wants the address of one
 * variable per option, and converts texts from the locale's character set; here the bytes of the
 * command line are UTF-8 or refused, whatever the locale.
 *
 * Global options may stand before and behind the command. Before it (@stop_at_first) the first
 * operand is the command's name; behind it both tables are looked through.
 *
 * Every message names the option, as it was typed.
 */

#include "cli/option-private.h"

#include "base/spelling.h"
#include "cli/error-private.h"

#include <string.h>

/* 30 days; in milliseconds it must fit a guint */
#define SECONDS_MAX (30.0 * 24 * 3600)

/* where the help of an option begins, and where a line ends */
#define HELP_INDENT  29
#define HELP_COLUMNS 80

typedef struct {
        const AsmCliOption *option; /* NULL: there is none of this name */
        gpointer values;
} Found;

static gboolean
is_called(const AsmCliOption *option, const char *name, gsize len)
{
        return (strlen(option->name) == len && memcmp(option->name, name, len) == 0) ||
               (len == 1 && option->letter != 0 && option->letter == name[0]);
}

/* @name: without dashes; one letter only fits letters, as no name is that short */
static Found
find_option(const AsmCliOptionSet *sets, guint n_sets, const char *name, gsize len)
{
        for (guint i = 0; i < n_sets; i++) {
                const AsmCliOption *option = sets[i].options;

                for (; option != NULL && option->name != NULL; option++) {
                        if (is_called(option, name, len))
                                return (Found){ option, sets[i].values };
                }
        }
        return (Found){ NULL, NULL };
}

static gboolean
check_text(const char *name, const char *text, GError **error)
{
        if (*text == '\0')
                return asm_cli_usage(error, "option %s must not be empty", name);
        if (!g_utf8_validate(text, -1, NULL))
                return asm_cli_usage(error, "option %s: the value is not UTF-8", name);
        return TRUE;
}

static void
set_text(char **field, const char *text)
{
        g_free(*field);
        *field = g_strdup(text);
}

static void
add_text(GStrv *field, const char *text)
{
        guint n = *field != NULL ? g_strv_length(*field) : 0;

        *field = g_renew(char *, *field, n + 2);
        (*field)[n] = g_strdup(text);
        (*field)[n + 1] = NULL;
}

static gboolean
set_seconds(guint *field, const char *name, const char *text, GError **error)
{
        char *end = NULL;
        double seconds = g_ascii_strtod(text, &end);

        /* written so that a NaN is refused, too */
        if (end == text || *end != '\0' || !(seconds >= 0.001 && seconds <= SECONDS_MAX))
                return asm_cli_usage(error,
                                     "option %s: '%s' is no number of seconds from 0.001 to %.0f",
                                     name,
                                     text,
                                     SECONDS_MAX);
        *field = (guint)(seconds * 1000 + 0.5);
        return TRUE;
}

static gboolean
set_value(const Found *found, const char *name, const char *text, GError **error)
{
        gpointer field = (guint8 *)found->values + found->option->offset;

        switch (found->option->type) {
        case ASM_CLI_FLAG:
                *(gboolean *)field = TRUE;
                return TRUE;
        case ASM_CLI_TEXT:
        case ASM_CLI_TEXTS:
                if (!check_text(name, text, error))
                        return FALSE;
                if (found->option->type == ASM_CLI_TEXT)
                        set_text(field, text);
                else
                        add_text(field, text);
                return TRUE;
        case ASM_CLI_SECONDS:
                return set_seconds(field, name, text, error);
        }
        g_return_val_if_reached(FALSE);
}

/* @shown: as it was typed, with its dashes */
static gboolean
refuse_unknown(const AsmCliOptionSet *sets, guint n_sets, const char *shown, GError **error)
{
        const char *nearest = NULL;
        guint least = G_MAXUINT;

        for (guint i = 0; i < n_sets && g_str_has_prefix(shown, "--"); i++) {
                const AsmCliOption *option = sets[i].options;

                for (; option != NULL && option->name != NULL; option++) {
                        if (asm_spelling_is_nearer(shown + 2, option->name, &least))
                                nearest = option->name;
                }
        }
        if (nearest == NULL)
                return asm_cli_usage(error, "there is no option %s", shown);
        return asm_cli_usage(error, "there is no option %s; did you mean --%s?", shown, nearest);
}

/* @at: at an argument that begins with a dash; moved to the last one that was used */
static gboolean
take_option(const AsmCliOptionSet *sets, guint n_sets, char ***at, GError **error)
{
        const char *arg = **at;
        gboolean is_long = g_str_has_prefix(arg, "--");
        const char *name = arg + (is_long ? 2 : 1);
        const char *equals = is_long ? strchr(name, '=') : NULL;
        gsize len = equals != NULL ? (gsize)(equals - name) : strlen(name);
        g_autofree char *shown = g_strndup(arg, (gsize)(name - arg) + len);
        Found found = { NULL, NULL };
        const char *value = equals != NULL ? equals + 1 : NULL;

        if (is_long == (len > 1))
                found = find_option(sets, n_sets, name, len);
        if (found.option == NULL)
                return refuse_unknown(sets, n_sets, shown, error);
        if (found.option->type == ASM_CLI_FLAG && value != NULL)
                return asm_cli_usage(error, "option %s takes no value", shown);
        if (found.option->type != ASM_CLI_FLAG && value == NULL) {
                value = *++*at;
                if (value == NULL)
                        return asm_cli_usage(error,
                                             "option %s wants %s",
                                             shown,
                                             found.option->argument);
        }
        return set_value(&found, shown, value, error);
}

GPtrArray *
asm_cli_options_parse(const AsmCliOptionSet *sets,
                      guint n_sets,
                      char **args,
                      gboolean stop_at_first,
                      GError **error)
{
        g_autoptr(GPtrArray) operands = g_ptr_array_new();
        char **at = args;

        for (; *at != NULL; at++) {
                gboolean is_operand = (*at)[0] != '-' || (*at)[1] == '\0';

                if (is_operand && stop_at_first)
                        break;
                if (is_operand) {
                        g_ptr_array_add(operands, *at);
                } else if (strcmp(*at, "--") == 0) {
                        at++;
                        break;
                } else if (!take_option(sets, n_sets, &at, error)) {
                        return NULL;
                }
        }
        for (; *at != NULL; at++)
                g_ptr_array_add(operands, *at);
        g_ptr_array_add(operands, NULL);
        return g_steal_pointer(&operands);
}

GPtrArray *
asm_cli_options_scan(const AsmCliOptionSet *sets,
                     guint n_sets,
                     char **args,
                     const AsmCliOption **ret_pending,
                     gboolean *ret_is_ended)
{
        g_autoptr(GPtrArray) operands = g_ptr_array_new();

        *ret_pending = NULL;
        *ret_is_ended = FALSE;
        for (char **at = args; *at != NULL; at++) {
                const char *name = *at + strspn(*at, "-");
                Found found = { NULL, NULL };

                if (*ret_is_ended || (*at)[0] != '-' || (*at)[1] == '\0') {
                        g_ptr_array_add(operands, *at);
                        continue;
                }
                *ret_is_ended = *name == '\0';
                found = find_option(sets, n_sets, name, strlen(name));
                if (at[1] == NULL && found.option != NULL && found.option->type != ASM_CLI_FLAG)
                        *ret_pending = found.option;
                else if (!*ret_is_ended)
                        take_option(sets, n_sets, &at, /* error= */ NULL);
        }
        g_ptr_array_add(operands, NULL);
        return g_steal_pointer(&operands);
}

const AsmCliOption *
asm_cli_options_find_assigned(const AsmCliOptionSet *sets,
                              guint n_sets,
                              const char *arg,
                              const char **ret_value)
{
        const char *equals = g_str_has_prefix(arg, "--") ? strchr(arg, '=') : NULL;
        Found found;

        if (equals == NULL)
                return NULL;
        found = find_option(sets, n_sets, arg + 2, (gsize)(equals - arg - 2));
        if (found.option == NULL || found.option->type == ASM_CLI_FLAG)
                return NULL;
        *ret_value = equals + 1;
        return found.option;
}

void
asm_cli_options_clear(const AsmCliOption *options, gpointer values)
{
        for (; options != NULL && options->name != NULL; options++) {
                gpointer field = (guint8 *)values + options->offset;

                if (options->type == ASM_CLI_TEXT)
                        g_clear_pointer((char **)field, g_free);
                else if (options->type == ASM_CLI_TEXTS)
                        g_clear_pointer((GStrv *)field, g_strfreev);
        }
}

/* the words of @text behind what stands in the line already, further lines below the first */
static void
append_wrapped(GString *out, const char *text)
{
        g_auto(GStrv) words = g_strsplit(text, " ", -1);
        guint column = HELP_INDENT;

        for (guint i = 0; words[i] != NULL; i++) {
                guint len = (guint)g_utf8_strlen(words[i], -1);

                if (i > 0 && column + 1 + len > HELP_COLUMNS) {
                        g_string_append_printf(out, "\n%*s", HELP_INDENT, "");
                        column = HELP_INDENT;
                } else if (i > 0) {
                        g_string_append_c(out, ' ');
                        column++;
                }
                g_string_append(out, words[i]);
                column += len;
        }
        g_string_append_c(out, '\n');
}

void
asm_cli_options_help(GString *out, const AsmCliOption *options)
{
        for (; options != NULL && options->name != NULL; options++) {
                g_autofree char *shown =
                        g_strdup_printf("--%s%s%s",
                                        options->name,
                                        options->argument != NULL ? " " : "",
                                        options->argument != NULL ? options->argument : "");

                if (options->letter != 0)
                        g_string_append_printf(out, "  -%c, ", options->letter);
                else
                        g_string_append(out, "      ");
                g_string_append_printf(out, "%-22s ", shown);
                append_wrapped(out, options->help);
        }
}
