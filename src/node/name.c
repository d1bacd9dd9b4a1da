/* SPDX-License-Identifier: MIT */

/*
 * Node names. A name is "alive@host": alive is what epmd registers, host is where that epmd runs.
 * Erlang keeps short and long names apart: a node with a dot in its host part does not talk to
 * nodes without one. The form is decided once, by --sname or --name, and completed here.
 */

#include "node/name.h"

#include "node/error.h"

#include <string.h>

G_DEFINE_QUARK(asm_node_error, asm_node_error)

static gboolean
is_name_char(char c)
{
        return g_ascii_isalnum(c) || strchr("_-.+", c) != NULL;
}

static gboolean
part_is_valid(const char *text, gsize len)
{
        for (gsize i = 0; i < len; i++) {
                if (!is_name_char(text[i]) && text[i] != ':' && text[i] != '%')
                        return FALSE;
        }
        return len > 0;
}

gboolean
asm_node_name_check(const char *name, GError **error)
{
        const char *at = strchr(name, '@');
        gsize len = strlen(name);
        g_autofree char *shown = NULL;

        if (len <= ASM_NODE_NAME_MAX && at != NULL && part_is_valid(name, (gsize)(at - name)) &&
            part_is_valid(at + 1, strlen(at + 1)))
                return TRUE;
        shown = g_strescape(name, NULL);
        if (strlen(shown) > 80)
                shown[80] = '\0';
        g_set_error(error,
                    ASM_NODE_ERROR,
                    ASM_NODE_ERROR_NAME,
                    "'%s' is not a node name; write it as NAME@HOST",
                    shown);
        return FALSE;
}

const char *
asm_node_name_host(const char *name)
{
        return strchr(name, '@') + 1;
}

char *
asm_node_name_alive(const char *name)
{
        return g_strndup(name, (gsize)(strchr(name, '@') - name));
}

gboolean
asm_node_name_is_long(const char *name)
{
        return strchr(asm_node_name_host(name), '.') != NULL;
}

char *
asm_node_name_complete(const char *name, gboolean is_long, GError **error)
{
        g_autofree char *complete = NULL;

        if (strchr(name, '@') != NULL) {
                complete = g_strdup(name);
        } else {
                g_autofree char *host = g_strdup(g_get_host_name());
                char *dot = strchr(host, '.');
                if (!is_long && dot != NULL)
                        *dot = '\0';
                complete = g_strdup_printf("%s@%s", name, host);
        }
        if (!asm_node_name_check(complete, error))
                return NULL;
        if (asm_node_name_is_long(complete) != is_long) {
                g_set_error(error,
                            ASM_NODE_ERROR,
                            ASM_NODE_ERROR_NAME,
                            is_long ? "'%s' is no long name: give the host in full, as in "
                                      "NAME@host.domain, or use --sname"
                                    : "'%s' is no short name: the host has a dot; use --name",
                            complete);
                return NULL;
        }
        return g_steal_pointer(&complete);
}
