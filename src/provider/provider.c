/* SPDX-License-Identifier: MIT */
/*
 * The table of agent CLIs. A provider is data and two pure functions: options in, arguments
 * out; a line of output in, events out. Nothing outside of this room asks "is it claude?": who
 * needs to know a difference finds it as a field or a capability of the entry. A new CLI is a
 * new file with one entry, and a line here.
 */

#include "provider/provider.h"

#include "provider/providers-private.h"
#include <string.h>

G_DEFINE_QUARK(asm_provider_error, asm_provider_error)

/* longest foreign text that is repeated in an error */
#define SHOWN_NAME_MAX 64

/* sorted by name */
static const AsmProvider *const providers[] = {
        &asm_provider_amp,   &asm_provider_antigravity, &asm_provider_claude,
        &asm_provider_codex, &asm_provider_cursor,      NULL,
};

const char *
asm_option_type_name(AsmOptionType type)
{
        static const char *const names[] = {
                [ASM_OPTION_BOOLEAN] = "boolean",
                [ASM_OPTION_WORD] = "text",
                [ASM_OPTION_TEXT] = "text",
                [ASM_OPTION_COUNT] = "integer from 1",
                [ASM_OPTION_WORDS] = "list of texts",
                [ASM_OPTION_PAIRS] = "list of pairs",
                [ASM_OPTION_JSON] = "map",
                [ASM_OPTION_SWITCH] = "boolean or text",
                [ASM_OPTION_MODEL] = "text",
                [ASM_OPTION_MODE] = "permission mode",
                [ASM_OPTION_REFUSED] = "refused",
        };

        return names[type];
}

const AsmProvider *
asm_provider_find(const char *name, GError **error)
{
        g_autoptr(GString) names = NULL;
        g_autofree char *valid = NULL, *shown = NULL;

        g_return_val_if_fail(name != NULL, NULL);

        for (guint i = 0; providers[i] != NULL; i++) {
                if (strcmp(providers[i]->name, name) == 0)
                        return providers[i];
        }
        names = g_string_new(NULL);
        for (guint i = 0; providers[i] != NULL; i++)
                g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", providers[i]->name);
        valid = g_utf8_make_valid(name, (gssize)strnlen(name, SHOWN_NAME_MAX));
        shown = g_strescape(valid, NULL);
        g_set_error(error,
                    ASM_PROVIDER_ERROR,
                    ASM_PROVIDER_ERROR_UNKNOWN,
                    "unknown provider '%s', expected one of %s",
                    shown,
                    names->str);
        return NULL;
}

const AsmProvider *const *
asm_provider_all(void)
{
        return providers;
}
