/* SPDX-License-Identifier: MIT */

/*
 * From options of the command line to the options of the API. asmctl does not know which providers,
 * models and modes there are: the daemon checks them, so an older asmctl can use a newer daemon.
 * Only what could not be sent is refused here: names become atoms, and atoms have 255 characters.
 *
 * A directory is one of the machine where the provider runs. Without --remote that is taken to be
 * seen from here, so `--cwd .` means this directory; with --remote it goes there as it is.
 */

#include "cli/place-private.h"

#include "cli/error-private.h"

#include <string.h>

/* characters in an atom */
#define ATOM_MAX 255

gboolean
asm_cli_check_atom(const char *what, const char *text, GError **error)
{
        if (text != NULL && !g_utf8_validate(text, -1, NULL))
                return asm_cli_usage(error, "%s: not UTF-8", what);
        if (text != NULL && g_utf8_strlen(text, -1) > ATOM_MAX)
                return asm_cli_usage(error, "%s: more than %d characters", what, ATOM_MAX);
        return TRUE;
}

gboolean
asm_cli_place_check(const AsmCliPlace *place, GError **error)
{
        if (!asm_cli_check_atom("option --provider", place->provider, error) ||
            !asm_cli_check_atom("option --permission", place->permission, error) ||
            !asm_cli_check_atom("option --remote", place->remote, error))
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
        return n;
}
