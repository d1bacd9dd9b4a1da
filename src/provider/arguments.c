/* SPDX-License-Identifier: MIT */
/*
 * Options come from anybody who may call this node, and they end up as arguments of a program
 * that is allowed to edit files. Two rules follow. A value never becomes an option of the CLI:
 * names and ids that begin with "-" are refused, for some CLIs read such a value as the next flag.
 * And a value of the wrong type is an error that names option and value, never a silently
 * missing flag: somebody who misspells `plan` must not get a run that may write.
 *
 * Keys this version does not know are not looked at: ASM's sessions send about forty.
 */

#include "provider/arguments-private.h"

#include "term/json.h"
#include "term/print.h"
#include "term/reader.h"
#include <string.h>

/* Linux' MAX_ARG_STRLEN is 128 KiB including the NUL; a longer argument makes execve fail */
#define ARGUMENT_MAX (128 * 1024 - 1)

/* A prompt on stdin: JSON makes six bytes of a control character, and what waits for a CLI that
 * does not read yet is limited to 16 MiB. No model takes as much. */
#define INPUT_PROMPT_MAX (2 * 1024 * 1024)

/* longest value that is shown in an error */
#define SHOWN_VALUE_MAX 80

void
asm_arguments_init(AsmArguments *arguments, const char *provider, AsmView options)
{
        *arguments = (AsmArguments){
                .args = g_ptr_array_new_with_free_func(g_free),
                .options = options,
                .provider = provider,
        };
}

AsmView
asm_arguments_get(const AsmArguments *arguments, const char *key)
{
        AsmView value;

        if (!asm_view_is_set(arguments->options) ||
            !asm_view_option_get(arguments->options, key, &value) ||
            asm_view_is_atom(value, "nil") || asm_view_is_atom(value, "undefined"))
                return ASM_VIEW_NONE;
        return value;
}

void
asm_arguments_fail(AsmArguments *arguments, const char *key, AsmView value, const char *expected)
{
        g_autofree char *shown = NULL;

        if (arguments->error != NULL)
                return;
        shown = asm_view_is_set(value) ? asm_view_print(value, ASM_SYNTAX_ERLANG, SHOWN_VALUE_MAX)
                                       : g_strdup("missing");
        g_set_error(&arguments->error,
                    ASM_PROVIDER_ERROR,
                    ASM_PROVIDER_ERROR_OPTION,
                    "option '%s' of provider %s is %s, expected %s",
                    key,
                    arguments->provider,
                    shown,
                    expected);
}

void
asm_arguments_add(AsmArguments *arguments, const char *arg)
{
        g_ptr_array_add(arguments->args, g_strdup(arg));
}

static void
add_pair(AsmArguments *arguments, const char *flag, const char *value)
{
        asm_arguments_add(arguments, flag);
        asm_arguments_add(arguments, value);
}

gboolean
asm_arguments_get_flag(AsmArguments *arguments, const char *key)
{
        AsmView value = asm_arguments_get(arguments, key);
        gboolean is_true = FALSE;

        if (asm_view_is_set(value) && !asm_view_get_bool(value, &is_true))
                asm_arguments_fail(arguments, key, value, "true or false");
        return is_true;
}

void
asm_arguments_add_flag(AsmArguments *arguments, const char *flag, const char *key)
{
        if (asm_arguments_get_flag(arguments, key))
                asm_arguments_add(arguments, flag);
}

/* (nullable): NULL for nothing to add and for an error */
static char *
dup_text(AsmArguments *arguments, const char *key, AsmView value, gboolean is_word)
{
        g_autofree char *text = NULL;

        if (!asm_view_is_set(value))
                return NULL;
        text = asm_view_dup_text(value, /* accept_atoms= */ TRUE);
        if (text == NULL) {
                asm_arguments_fail(arguments, key, value, "text");
                return NULL;
        }
        if (is_word)
                g_strstrip(text);
        if (text[0] == '\0')
                return NULL;
        if (is_word && text[0] == '-') {
                asm_arguments_fail(arguments, key, value, "text that does not begin with '-'");
                return NULL;
        }
        if (strlen(text) > ARGUMENT_MAX) {
                asm_arguments_fail(arguments, key, value, "at most 131071 bytes");
                return NULL;
        }
        return g_steal_pointer(&text);
}

void
asm_arguments_add_word(AsmArguments *arguments, const char *flag, const char *key)
{
        g_autofree char *text =
                dup_text(arguments, key, asm_arguments_get(arguments, key), /* is_word= */ TRUE);

        if (text != NULL)
                add_pair(arguments, flag, text);
}

void
asm_arguments_add_text(AsmArguments *arguments, const char *flag, const char *key)
{
        g_autofree char *text =
                dup_text(arguments, key, asm_arguments_get(arguments, key), /* is_word= */ FALSE);

        if (text != NULL)
                add_pair(arguments, flag, text);
}

void
asm_arguments_add_switch(AsmArguments *arguments, const char *flag, const char *key)
{
        AsmView value = asm_arguments_get(arguments, key);

        if (!asm_view_is_set(value) || asm_view_is_atom(value, "false"))
                return;
        if (asm_view_is_atom(value, "true"))
                asm_arguments_add(arguments, flag);
        else
                asm_arguments_add_word(arguments, flag, key);
}

void
asm_arguments_add_int(AsmArguments *arguments, const char *flag, const char *key, gint64 min)
{
        AsmView value = asm_arguments_get(arguments, key);
        g_autofree char *expected = NULL, *text = NULL;
        gint64 number;

        if (!asm_view_is_set(value))
                return;
        if (!asm_view_get_int(value, &number) || number < min) {
                expected = g_strdup_printf("an integer of at least %" G_GINT64_FORMAT, min);
                asm_arguments_fail(arguments, key, value, expected);
                return;
        }
        text = g_strdup_printf("%" G_GINT64_FORMAT, number);
        add_pair(arguments, flag, text);
}

void
asm_arguments_add_repeat(AsmArguments *arguments, const char *flag, const char *key)
{
        AsmView value = asm_arguments_get(arguments, key), element;
        AsmListCursor cursor;
        guint n;

        if (!asm_view_is_set(value))
                return;
        if (!asm_view_get_list_length(value, &n)) {
                asm_arguments_fail(arguments, key, value, "a list of texts");
                return;
        }
        cursor = asm_view_list(value);
        while (asm_list_next(&cursor, &element)) {
                g_autofree char *text = dup_text(arguments, key, element, /* is_word= */ TRUE);

                if (text != NULL)
                        add_pair(arguments, flag, text);
        }
}

void
asm_arguments_add_json(AsmArguments *arguments, const char *flag, const char *key)
{
        AsmView value = asm_arguments_get(arguments, key);
        g_autofree char *text = NULL;
        AsmKind kind;

        if (!asm_view_is_set(value))
                return;
        kind = asm_view_kind(value);
        if (kind != ASM_KIND_MAP && kind != ASM_KIND_LIST) {
                asm_arguments_fail(arguments, key, value, "a map");
                return;
        }
        text = asm_view_to_json_text(value);
        if (strlen(text) > ARGUMENT_MAX)
                asm_arguments_fail(arguments, key, value, "at most 131071 bytes of JSON");
        else
                add_pair(arguments, flag, text);
}

static gboolean
is_mode(const AsmPermissionMode *modes, guint n, const char *name)
{
        for (guint i = 0; i < n; i++) {
                if (strcmp(modes[i].mode, name) == 0 || strcmp(modes[i].native, name) == 0)
                        return TRUE;
        }
        return FALSE;
}

/* what a caller may give: every name once, in the order of the table */
static char *
list_modes(const AsmPermissionMode *modes)
{
        GString *names = g_string_new("one of ");

        for (guint i = 0; modes[i].mode != NULL; i++) {
                g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", modes[i].mode);
                if (strcmp(modes[i].native, modes[i].mode) != 0 &&
                    !is_mode(modes, i, modes[i].native))
                        g_string_append_printf(names, ", %s", modes[i].native);
        }
        return g_string_free(names, FALSE);
}

void
asm_arguments_add_permission(AsmArguments *arguments, const AsmPermissionMode *modes)
{
        const char *key = "provider_permission_mode";
        AsmView value = asm_arguments_get(arguments, key);
        g_autofree char *mode = NULL, *expected = NULL;

        if (!asm_view_is_set(value)) {
                key = "permission_mode";
                value = asm_arguments_get(arguments, key);
        }
        mode = asm_view_is_set(value) ? asm_view_dup_text(value, /* accept_atoms= */ TRUE)
                                      : g_strdup("default");
        for (guint i = 0; mode != NULL && modes[i].mode != NULL; i++) {
                if (!is_mode(modes + i, 1, mode))
                        continue;
                for (guint j = 0; modes[i].flags[j] != NULL; j++)
                        asm_arguments_add(arguments, modes[i].flags[j]);
                return;
        }
        expected = list_modes(modes);
        asm_arguments_fail(arguments, key, value, expected);
}

char *
asm_arguments_dup_model(AsmArguments *arguments, const char *field, const char *key)
{
        AsmView payload = asm_arguments_get(arguments, "model_payload"), value;

        if (asm_view_is_set(payload) && asm_view_kind(payload) == ASM_KIND_MAP &&
            asm_view_option_get(payload, field, &value) && !asm_view_is_atom(value, "nil"))
                return dup_text(arguments, "model_payload", value, /* is_word= */ TRUE);
        return dup_text(arguments, key, asm_arguments_get(arguments, key), /* is_word= */ TRUE);
}

void
asm_arguments_refuse(AsmArguments *arguments, const char *key)
{
        AsmView value = asm_arguments_get(arguments, key);

        if (asm_view_is_set(value) && !asm_view_is_atom(value, "false"))
                asm_arguments_fail(arguments,
                                   key,
                                   value,
                                   "nothing: this provider does not have the option");
}

static void
add_model(AsmArguments *arguments, const char *flag, const char *key)
{
        const char *field = strcmp(key, "effort") == 0 ? "reasoning" : "resolved_model";
        g_autofree char *model = asm_arguments_dup_model(arguments, field, key);

        if (model != NULL)
                add_pair(arguments, flag, model);
}

static void
add_by_type(AsmArguments *arguments, const AsmProviderFlag *flag, const AsmPermissionMode *modes)
{
        switch (flag->type) {
        case ASM_OPTION_BOOLEAN:
                asm_arguments_add_flag(arguments, flag->flag, flag->option);
                break;
        case ASM_OPTION_WORD:
                asm_arguments_add_word(arguments, flag->flag, flag->option);
                break;
        case ASM_OPTION_TEXT:
                asm_arguments_add_text(arguments, flag->flag, flag->option);
                break;
        case ASM_OPTION_COUNT:
                asm_arguments_add_int(arguments, flag->flag, flag->option, /* min= */ 1);
                break;
        case ASM_OPTION_WORDS:
                asm_arguments_add_repeat(arguments, flag->flag, flag->option);
                break;
        case ASM_OPTION_JSON:
                asm_arguments_add_json(arguments, flag->flag, flag->option);
                break;
        case ASM_OPTION_SWITCH:
                asm_arguments_add_switch(arguments, flag->flag, flag->option);
                break;
        case ASM_OPTION_MODEL:
                add_model(arguments, flag->flag, flag->option);
                break;
        case ASM_OPTION_MODE:
                asm_arguments_add_permission(arguments, modes);
                break;
        case ASM_OPTION_REFUSED:
                asm_arguments_refuse(arguments, flag->option);
                break;
        case ASM_OPTION_PAIRS: /* each CLI writes them in its own way */
                g_assert_not_reached();
        }
}

void
asm_arguments_add_table(AsmArguments *arguments,
                        const AsmProviderFlag *flags,
                        const AsmPermissionMode *modes)
{
        for (; flags->option != NULL; flags++) {
                if (flags->add != NULL)
                        flags->add(arguments, flags);
                else
                        add_by_type(arguments, flags, modes);
        }
}

static gboolean
check_prompt(AsmArguments *arguments, const char *prompt, gsize max, const char *where)
{
        if (arguments->error != NULL)
                return FALSE;
        if (prompt == NULL || prompt[0] == '\0')
                g_set_error(&arguments->error,
                            ASM_PROVIDER_ERROR,
                            ASM_PROVIDER_ERROR_OPTION,
                            "the prompt for provider %s is empty",
                            arguments->provider);
        else if (strlen(prompt) > max)
                g_set_error(&arguments->error,
                            ASM_PROVIDER_ERROR,
                            ASM_PROVIDER_ERROR_OPTION,
                            "the prompt for provider %s has %" G_GSIZE_FORMAT
                            " bytes, %s takes at most %" G_GSIZE_FORMAT,
                            arguments->provider,
                            strlen(prompt),
                            where,
                            max);
        return arguments->error == NULL;
}

gboolean
asm_arguments_check_prompt(AsmArguments *arguments, const char *prompt)
{
        return check_prompt(arguments, prompt, ARGUMENT_MAX, "an argument");
}

gboolean
asm_arguments_check_input(AsmArguments *arguments, const char *prompt)
{
        return check_prompt(arguments, prompt, INPUT_PROMPT_MAX, "its input");
}

GStrv
asm_arguments_end(AsmArguments *arguments, GError **error)
{
        g_autoptr(GPtrArray) args = g_steal_pointer(&arguments->args);
        AsmLineRules rules;

        if (arguments->error != NULL ||
            !asm_line_rules_read(arguments->options, &rules, &arguments->error)) {
                g_propagate_error(error, g_steal_pointer(&arguments->error));
                return NULL;
        }
        g_ptr_array_add(args, NULL);
        return (GStrv)g_ptr_array_free(g_steal_pointer(&args), FALSE);
}
