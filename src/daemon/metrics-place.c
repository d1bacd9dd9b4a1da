/* SPDX-License-Identifier: MIT */

/*
 * Where the endpoint of the metrics may be. It has no secret: whoever connects may read. So it is on
 * loopback, and anything else has to be asked for twice. Apart from the endpoint itself, because who
 * only reads a configuration (asmctl) needs no HTTP.
 */

#include "metrics-server-private.h"

#include <string.h>

/* "127.0.0.1:9568", "[::1]:9568" */
GInetSocketAddress *
asm_metrics_place_parse(const char *place)
{
        const char *colon = strrchr(place, ':');
        g_autofree char *address = NULL;
        guint64 port;

        if (colon == NULL ||
            !g_ascii_string_to_unsigned(colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
                return NULL;
        address = g_strndup(place, (gsize)(colon - place));
        if (address[0] == '[' && g_str_has_suffix(address, "]")) {
                address[strlen(address) - 1] = '\0';
                memmove(address, address + 1, strlen(address));
        } else if (strchr(address, ':') != NULL) {
                return NULL;
        }
        return (GInetSocketAddress *)g_inet_socket_address_new_from_string(address, (guint)port);
}

char *
asm_metrics_place_problem(const AsmConfig *config)
{
        g_autoptr(GInetSocketAddress) address = NULL;
        const char *what = NULL;
        g_autofree char *shown = NULL;

        if (config->metrics_listen == NULL)
                return NULL;
        address = asm_metrics_place_parse(config->metrics_listen);
        if (address == NULL)
                what = "is not valid, expected ADDRESS:PORT, as 127.0.0.1:9568 or [::1]:9568";
        else if (!config->metrics_allow_remote &&
                 !g_inet_address_get_is_loopback(g_inet_socket_address_get_address(address)))
                what = "is no loopback address: whoever reaches it may read, without a cookie; if "
                       "that is meant, say allow_remote = true";
#ifndef ASM_HAVE_SOUP
        else
                what = "cannot be had: this asmd was built without libsoup (meson option metrics); "
                       "asmctl metrics shows the same";
#endif
        if (what == NULL)
                return NULL;
        shown = g_strescape(config->metrics_listen, NULL);
        return g_strdup_printf("'%s' %s", shown, what);
}
