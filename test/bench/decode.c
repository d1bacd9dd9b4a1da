/* SPDX-License-Identifier: MIT */
/*
 * bench-decode PROVIDER FILE: decodes the lines of FILE, all of it in memory, again and again for
 * at least a second, and prints lines per second and MB per second. The events are made and
 * dropped, as their subscribers are no part of a decoder. The seconds are the processor's, so that
 * what else the machine does counts for nothing.
 */

#include "provider/provider.h"

#include <string.h>
#include <time.h>

#define LEAST_US G_USEC_PER_SEC

static gint64
get_processor_us(void)
{
        return (gint64)clock() * G_USEC_PER_SEC / CLOCKS_PER_SEC;
}

static void
count_event(AsmView event, gpointer user_data)
{
        (*(guint64 *)user_data)++;
}

static guint64
decode(const AsmProvider *provider, const char *text, gsize len, guint64 *n_events)
{
        g_autoptr(AsmDecoder) decoder =
                asm_decoder_new(provider, /* wall_us= */ NULL, count_event, n_events);
        const char *end = text + len;
        guint64 n = 0;

        for (const char *at = text; at < end; n++) {
                const char *newline = memchr(at, '\n', (gsize)(end - at));

                if (newline == NULL)
                        newline = end;
                asm_decoder_line(decoder, at, (gsize)(newline - at));
                at = newline + 1;
        }
        return n;
}

int
main(int argc, char **argv)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL;
        const AsmProvider *provider = argc == 3 ? asm_provider_find(argv[1], &error) : NULL;
        guint64 n_lines = 0, n_bytes = 0, n_events = 0;
        gint64 start_us, taken_us;
        gsize len;

        if (provider == NULL || !g_file_get_contents(argv[2], &text, &len, &error)) {
                g_printerr("bench-decode: %s\n",
                           error != NULL ? error->message : "usage: bench-decode PROVIDER FILE");
                return 2;
        }
        start_us = get_processor_us();
        do {
                n_lines += decode(provider, text, len, &n_events);
                n_bytes += len;
                taken_us = get_processor_us() - start_us;
        } while (taken_us < LEAST_US);
        g_print("%.0f %.1f\n",
                (double)n_lines * G_USEC_PER_SEC / (double)taken_us,
                (double)n_bytes / (double)taken_us);
        return n_events > 0 ? 0 : 1;
}
