/* SPDX-License-Identifier: MIT */

/*
 * A configuration file is a key file as GKeyFile reads it, with two differences: every entry knows its
 * line, and a line that is wrong is told and left out instead of ending it all, so that all mistakes
 * of a file are told at once. Values, escapes (\s \n \t \r \\), blanks, comments and CR at the end of
 * lines mean what they mean to GKeyFile.
 *
 * What follows a broken [group line belongs to no group: its entries are not taken for those of the
 * group before, nor reported one by one.
 */

#include "config-scan-private.h"

#include <string.h>

#define BOM "\xef\xbb\xbf"

typedef struct {
        const AsmConfigScanListener *listener;
        gpointer user_data;
        guint line;
        enum {
                BEFORE_GROUPS,
                IN_GROUP,
                IN_BROKEN_GROUP
        } place;
} Scan;

static void
mistake(const Scan *scan, const char *what)
{
        scan->listener->mistake(what, scan->line, scan->user_data);
}

/* the names that GKeyFile takes for groups */
static gboolean
is_group_name(const char *name)
{
        if (*name == '\0')
                return FALSE;
        for (const char *c = name; *c != '\0'; c++) {
                if (*c == '[' || *c == ']' || g_ascii_iscntrl(*c))
                        return FALSE;
        }
        return TRUE;
}

static void
scan_group(Scan *scan, char *text)
{
        char *end = strchr(text, ']');

        scan->place = IN_BROKEN_GROUP;
        if (end == NULL || end[1 + strspn(end + 1, " \t")] != '\0') {
                mistake(scan, "a group is one [name] and nothing behind it");
                return;
        }
        *end = '\0';
        if (!is_group_name(text + 1)) {
                mistake(scan, "a group needs a name without brackets and control characters");
                return;
        }
        scan->place = IN_GROUP;
        scan->listener->group(text + 1, scan->line, scan->user_data);
}

/* in place; FALSE: there is an escape that is none */
static gboolean
unescape(char *value)
{
        static const char letters[] = "sntr\\";
        static const char meanings[] = " \n\t\r\\";
        char *to = value;

        for (const char *from = value; *from != '\0'; from++) {
                const char *letter;

                if (*from != '\\') {
                        *to++ = *from;
                        continue;
                }
                from++;
                letter = *from != '\0' ? strchr(letters, *from) : NULL;
                if (letter == NULL)
                        return FALSE;
                *to++ = meanings[letter - letters];
        }
        *to = '\0';
        return TRUE;
}

static gboolean
is_key(const char *key)
{
        return *key != '\0' &&
               key[strspn(key, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_-?")] == '\0' &&
               strlen(key) <= ASM_CONFIG_KEY_MAX;
}

static void
scan_entry(Scan *scan, char *text)
{
        char *equals = strchr(text, '=');
        char *value;

        if (equals == NULL || equals == text) {
                mistake(scan, "neither a [group], nor KEY = VALUE, nor a # comment");
                return;
        }
        if (scan->place == BEFORE_GROUPS) {
                mistake(scan, "a key before the first [group]");
                return;
        }
        if (scan->place == IN_BROKEN_GROUP)
                return;
        *equals = '\0';
        if (!is_key(g_strchomp(text))) {
                mistake(scan, "a key is made of letters, digits, _, - and ?");
                return;
        }
        value = g_strchug(equals + 1);
        if (!unescape(value)) {
                mistake(scan, "a backslash that is none of \\s \\n \\t \\r \\\\");
                return;
        }
        scan->listener->entry(text, g_strstrip(value), scan->line, scan->user_data);
}

/* @text: without its newline, terminated by NUL as well */
static void
scan_line(Scan *scan, char *text, gsize len)
{
        if (len > ASM_CONFIG_LINE_MAX) {
                mistake(scan, "longer than 65536 bytes");
                return;
        }
        if (memchr(text, '\0', len) != NULL) {
                mistake(scan, "a NUL byte");
                return;
        }
        if (!g_utf8_validate(text, (gssize)len, NULL)) {
                mistake(scan, "not UTF-8");
                return;
        }
        if (scan->line == 1 && g_str_has_prefix(text, BOM)) {
                mistake(scan, "a byte order mark: save the file without it");
                return;
        }
        if (len > 0 && text[len - 1] == '\r')
                text[len - 1] = '\0';
        text = g_strchug(text);
        if (*text == '[')
                scan_group(scan, text);
        else if (*text != '\0' && *text != '#')
                scan_entry(scan, text);
}

void
asm_config_scan(const char *text,
                gsize len,
                const AsmConfigScanListener *listener,
                gpointer user_data)
{
        Scan scan = { .listener = listener, .user_data = user_data };
        const char *end = text + len;

        while (text < end) {
                const char *newline = memchr(text, '\n', (gsize)(end - text));
                gsize line_len = (gsize)((newline != NULL ? newline : end) - text);
                g_autofree char *line = g_malloc(line_len + 1);

                memcpy(line, text, line_len);
                line[line_len] = '\0';
                scan.line++;
                scan_line(&scan, line, line_len);
                text += line_len + (newline != NULL);
        }
}
