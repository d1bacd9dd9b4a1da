/* SPDX-License-Identifier: MIT */

/*
 * What a model says, what a provider prints and what a peer calls itself is foreign text. On a
 * terminal an escape sequence in it could move the cursor, rename the window, or answer for the
 * user; a direction override could show a command as another one. So nothing foreign goes to a
 * terminal but through asm_text_append_safe(): what could act is shown instead.
 *
 *      "a\033[2J"       a\u001b[2J
 *      "rm \u202Ex"     rm \u202ex
 *      "\xff"           U+FFFD
 *
 * The form \uXXXX is taken because it means the same in JSON: a JSON line stays a JSON line.
 *
 * Widths are counted in terminal columns (wide characters two, combining ones none), so tables
 * with names in any script stay straight.
 */

#include "cli/text-private.h"

#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD"
/* columns that are left of a text in a terminal that is too narrow */
#define LEAST_CLIPPED 8
#define ELLIPSIS      "\xE2\x80\xA6"

static gboolean
is_harmful(gunichar c)
{
        return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0x061C ||
               c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
               (c >= 0x2066 && c <= 0x2069);
}

static void
append_char(GString *out, gunichar c, AsmTextForm form)
{
        if (form == ASM_TEXT_LINES && (c == '\n' || c == '\t'))
                g_string_append_c(out, (char)c);
        else if (c == '\n')
                g_string_append(out, "\\n");
        else if (c == '\t')
                g_string_append(out, "\\t");
        else if (is_harmful(c))
                g_string_append_printf(out, "\\u%04x", c);
        else
                g_string_append_unichar(out, c);
}

void
asm_text_append_safe(GString *out, const char *text, gsize len, AsmTextForm form)
{
        const char *end = text + len;

        while (text < end) {
                gunichar c = g_utf8_get_char_validated(text, end - text);

                if (*text == '\0') {
                        append_char(out, 0, form);
                        text++;
                } else if (c == (gunichar)-1 || c == (gunichar)-2) {
                        g_string_append(out, REPLACEMENT);
                        text++;
                } else {
                        append_char(out, c, form);
                        text = g_utf8_next_char(text);
                }
        }
}

static guint
char_columns(gunichar c)
{
        if (g_unichar_iszerowidth(c))
                return 0;
        return g_unichar_iswide(c) ? 2 : 1;
}

guint
asm_text_columns(const char *text)
{
        guint columns = 0;

        for (; *text != '\0'; text = g_utf8_next_char(text))
                columns += char_columns(g_utf8_get_char(text));
        return columns;
}

void
asm_text_clip(GString *text, guint columns)
{
        const char *cut = text->str;
        guint used = 0;

        if (columns == 0 || asm_text_columns(text->str) <= columns)
                return;
        while (used + char_columns(g_utf8_get_char(cut)) < columns) {
                used += char_columns(g_utf8_get_char(cut));
                cut = g_utf8_next_char(cut);
        }
        g_string_truncate(text, (gsize)(cut - text->str));
        g_string_append(text, ELLIPSIS);
}

void
asm_text_clip_for(GString *text, guint columns, guint before, const char *end)
{
        guint taken = before + asm_text_columns(end) + 1;

        if (columns > 0)
                asm_text_clip(text,
                              columns > taken + LEAST_CLIPPED ? columns - taken : LEAST_CLIPPED);
}

char *
asm_text_quote(const char *word)
{
        for (const char *at = word; *at != '\0'; at++) {
                if (!g_ascii_isalnum(*at) && strchr("-_.@:/+", *at) == NULL)
                        return g_shell_quote(word);
        }
        return *word != '\0' ? g_strdup(word) : g_shell_quote(word);
}

char *
asm_text_duration(gint64 ms)
{
        gint64 seconds = ms / 1000;

        if (ms < 1000)
                return g_strdup_printf("%" G_GINT64_FORMAT " ms", MAX(ms, 0));
        if (seconds < 60)
                return g_strdup_printf("%.1f s", (double)(ms / 100) / 10);
        if (seconds < 3600)
                return g_strdup_printf("%d min %d s", (int)(seconds / 60), (int)(seconds % 60));
        if (seconds < 24 * 3600)
                return g_strdup_printf("%d h %d min",
                                       (int)(seconds / 3600),
                                       (int)(seconds / 60 % 60));
        return g_strdup_printf("%" G_GINT64_FORMAT " d %d h",
                               seconds / (24 * 3600),
                               (int)(seconds / 3600 % 24));
}

char *
asm_text_size(gint64 bytes)
{
        static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
        double size = (double)bytes / 1024;
        guint unit = 0;

        if (bytes < 1024)
                return g_strdup_printf("%" G_GINT64_FORMAT " B", MAX(bytes, 0));
        while (size >= 1024 && unit + 1 < G_N_ELEMENTS(units)) {
                size /= 1024;
                unit++;
        }
        return g_strdup_printf("%.1f %s", size, units[unit]);
}
