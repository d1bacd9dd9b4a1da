/* SPDX-License-Identifier: MIT */

/*
 * From options of the command line to the options of the API. asmctl does not know which providers,
 * models and modes there are: the daemon checks them, so an older asmctl can use a newer daemon.
 * Only what could not be sent is refused here: names become atoms, and atoms have 255 characters.
 *
 * `--set KEY=VALUE` is for all options that have none of their own here. A value that is JSON is
 * sent as what it says (a number, true, a list, an object), any other as text; who wants the text
 * "3" writes KEY='"3"'.
 *
 * A directory is one of the machine where the provider runs. Without --remote that is taken to be
 * seen from here, so `--cwd .` means this directory; with --remote it goes there as it is.
 */

#include "cli/place-private.h"

#include "base/json.h"
#include "cli/error-private.h"
#include "term/json.h"

#include <string.h>

/* characters in an atom */
#define ATOM_MAX 255
/* deepest nesting of a value of --set */
#define VALUE_MAX_DEPTH 32

gboolean
asm_cli_check_atom(const char *what, const char *text, GError **error)
{
        if (text != NULL && !g_utf8_validate(text, -1, NULL))
                return asm_cli_usage(error, "%s: not UTF-8", what);
        if (text != NULL && g_utf8_strlen(text, -1) > ATOM_MAX)
                return asm_cli_usage(error, "%s: more than %d characters", what, ATOM_MAX);
        return TRUE;
}

/* the key of a setting: what Elixir can write as an atom without quotes, and what comes behind it */
static gboolean
check_setting(const char *text, GError **error)
{
        const char *at = text;

        while (g_ascii_islower(*at) || (at > text && (g_ascii_isdigit(*at) || *at == '_')))
                at++;
        if (at == text || at - text > ATOM_MAX || *(*at == '?' ? at + 1 : at) != '=')
                return asm_cli_usage(
                        error,
                        "option --set: '%s' is not KEY=VALUE with a KEY like max_turns",
                        text);
        return TRUE;
}

static gboolean
check_settings(const AsmCliPlace *place, GError **error)
{
        for (guint i = 0; place->settings != NULL && place->settings[i] != NULL; i++) {
                if (!check_setting(place->settings[i], error))
                        return FALSE;
        }
        return TRUE;
}

gboolean
asm_cli_place_check(const AsmCliPlace *place, GError **error)
{
        if (!asm_cli_check_atom("option --provider", place->provider, error) ||
            !asm_cli_check_atom("option --permission", place->permission, error) ||
            !asm_cli_check_atom("option --remote", place->remote, error) ||
            !asm_cli_check_atom("option --lane", place->lane, error) ||
            !check_settings(place, error))
                return FALSE;
        if (place->remote == NULL)
                return TRUE;
        if (strchr(place->remote, '@') == NULL)
                return asm_cli_usage(error,
                                     "option --remote: '%s' is no node, which is NAME@HOST",
                                     place->remote);
        if (place->cwd != NULL && !g_path_is_absolute(place->cwd))
                return asm_cli_usage(
                        error,
                        "option --cwd: '%s' is relative, and with --remote nobody knows to what",
                        place->cwd);
        return TRUE;
}

void
asm_cli_put_atom_option(AsmBuilder *builder, const char *key, const char *atom)
{
        asm_builder_tuple(builder, 2);
        asm_builder_atom(builder, key);
        asm_builder_atom(builder, atom);
}

void
asm_cli_put_text_option(AsmBuilder *builder, const char *key, const char *text)
{
        asm_builder_tuple(builder, 2);
        asm_builder_atom(builder, key);
        asm_builder_text(builder, text);
}

static guint
put_remote(AsmBuilder *builder, const AsmCliPlace *place)
{
        asm_cli_put_atom_option(builder, "execution_mode", "remote_node");
        asm_builder_tuple(builder, 2);
        asm_builder_atom(builder, "driver_opts");
        asm_builder_list(builder, place->cwd != NULL ? 2 : 1);
        asm_cli_put_atom_option(builder, "remote_node", place->remote);
        if (place->cwd != NULL)
                asm_cli_put_text_option(builder, "remote_cwd", place->cwd);
        asm_builder_nil(builder);
        return 2;
}

static void
put_value(AsmBuilder *builder, const char *text)
{
        g_autofree char *fault = asm_json_check(text, strlen(text), VALUE_MAX_DEPTH);
        g_autoptr(JsonNode) node = fault == NULL ? json_from_string(text, NULL) : NULL;

        if (node == NULL || !asm_builder_json(builder, node, NULL))
                asm_builder_text(builder, text);
}

static guint
put_settings(AsmBuilder *builder, const AsmCliPlace *place)
{
        guint n = 0;

        for (; place->settings != NULL && place->settings[n] != NULL; n++) {
                const char *value = strchr(place->settings[n], '=') + 1;
                g_autofree char *key =
                        g_strndup(place->settings[n], (gsize)(value - 1 - place->settings[n]));

                asm_builder_tuple(builder, 2);
                asm_builder_atom(builder, key);
                put_value(builder, value);
        }
        return n;
}

guint
asm_cli_put_place(AsmBuilder *builder, const AsmCliPlace *place)
{
        guint n = 0;

        if (place->provider != NULL) {
                asm_cli_put_atom_option(builder, "provider", place->provider);
                n++;
        }
        if (place->remote != NULL) {
                n += put_remote(builder, place);
        } else if (place->cwd != NULL) {
                g_autofree char *path = g_canonicalize_filename(place->cwd, NULL);

                asm_cli_put_text_option(builder, "cwd", path);
                n++;
        }
        if (place->model != NULL) {
                asm_cli_put_text_option(builder, "model", place->model);
                n++;
        }
        if (place->permission != NULL) {
                asm_cli_put_atom_option(builder, "permission_mode", place->permission);
                n++;
        }
        if (place->cli_path != NULL) {
                asm_cli_put_text_option(builder, "cli_path", place->cli_path);
                n++;
        }
        if (place->lane != NULL) {
                asm_cli_put_atom_option(builder, "lane", place->lane);
                n++;
        }
        return n + put_settings(builder, place);
}
