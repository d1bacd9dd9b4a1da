/* SPDX-License-Identifier: MIT */
#include "cli/text-private.h"

#include <criterion/criterion.h>
#include <json-glib/json-glib.h>
#include <string.h>

TestSuite(text, .timeout = 300);

static char *
make_safe(const char *text, gsize len, AsmTextForm form)
{
        GString *out = g_string_new(NULL);

        asm_text_append_safe(out, text, len, form);
        return g_string_free(out, FALSE);
}

Test(text, what_could_act_on_a_terminal_is_shown_instead)
{
        static const struct {
                const char *text;
                gsize len;
                const char *safe;
        } cases[] = {
                { "plain \xC3\xBC \xF0\x9F\x98\x80", 13, "plain \xC3\xBC \xF0\x9F\x98\x80" },
                { "a\033[2Jb", 6, "a\\u001b[2Jb" },
                { "a\rb\bc\177d", 7, "a\\u000db\\u0008c\\u007fd" },
                { "\xC2\x9B"
                  "31m",
                  5,
                  "\\u009b31m" },
                { "rm \xE2\x80\xAEx", 7, "rm \\u202ex" },
                { "\xE2\x81\xA6x\xE2\x80\xA8", 7, "\\u2066x\\u2028" },
                { "a\0b", 3, "a\\u0000b" },
                { "a\xFF"
                  "b\xC3",
                  4,
                  "a\xEF\xBF\xBD"
                  "b\xEF\xBF\xBD" },
                { "", 0, "" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *safe = make_safe(cases[i].text, cases[i].len, ASM_TEXT_ONE_LINE);

                cr_expect_str_eq(safe, cases[i].safe, "case %zu: %s", i, safe);
        }
}

Test(text, no_byte_below_blank_survives_but_newline_and_tab)
{
        for (guint c = 0; c < 256; c++) {
                char text[] = { (char)c };
                g_autofree char *lines = make_safe(text, 1, ASM_TEXT_LINES);
                g_autofree char *one_line = make_safe(text, 1, ASM_TEXT_ONE_LINE);
                gboolean is_kept = c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7F);

                cr_expect_eq(lines[0] == (char)c && lines[1] == '\0', is_kept, "byte %u", c);
                cr_expect_null(strpbrk(one_line, "\n\t\033\r\x9B"));
        }
}

Test(text, json_stays_the_same_json)
{
        const char *json = "{\"a\":\"x\177y\xC2\x9Bz\xE2\x80\xAE\"}";
        g_autofree char *safe = make_safe(json, strlen(json), ASM_TEXT_ONE_LINE);
        g_autoptr(JsonNode) before = json_from_string(json, NULL);
        g_autoptr(JsonNode) after = json_from_string(safe, NULL);

        cr_assert_not_null(after);
        cr_expect_str_neq(safe, json);
        cr_expect(json_node_equal(before, after));
}

Test(text, columns_are_counted_not_bytes)
{
        cr_expect_eq(asm_text_columns(""), 0);
        cr_expect_eq(asm_text_columns("abc"), 3);
        cr_expect_eq(asm_text_columns("\xC3\xBC"), 1);
        cr_expect_eq(asm_text_columns("\xE6\xBC\xA2\xE5\xAD\x97"), 4);
        cr_expect_eq(asm_text_columns("e\xCC\x81"), 1);
}

Test(text, clipped_text_fits_and_ends_in_an_ellipsis)
{
        static const struct {
                const char *text;
                guint columns;
                const char *clipped;
        } cases[] = {
                { "abcdef", 0, "abcdef" },
                { "abcdef", 6, "abcdef" },
                { "abcdef", 5, "abcd\xE2\x80\xA6" },
                { "abcdef", 1, "\xE2\x80\xA6" },
                { "\xE6\xBC\xA2\xE5\xAD\x97", 4, "\xE6\xBC\xA2\xE5\xAD\x97" },
                { "\xE6\xBC\xA2\xE5\xAD\x97", 3, "\xE6\xBC\xA2\xE2\x80\xA6" },
                { "\xE6\xBC\xA2\xE5\xAD\x97", 2, "\xE2\x80\xA6" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GString) text = g_string_new(cases[i].text);

                asm_text_clip(text, cases[i].columns);
                cr_expect_str_eq(text->str, cases[i].clipped, "case %zu: %s", i, text->str);
        }
}

Test(text, durations_and_sizes_have_the_unit_that_fits)
{
        static const struct {
                gint64 number;
                const char *duration;
                const char *size;
        } cases[] = {
                { -1, "0 ms", "0 B" },
                { 0, "0 ms", "0 B" },
                { 999, "999 ms", "999 B" },
                { 1000, "1.0 s", "1000 B" },
                { 1023, "1.0 s", "1023 B" },
                { 1024, "1.0 s", "1.0 KiB" },
                { 59999, "59.9 s", "58.6 KiB" },
                { 60000, "1 min 0 s", "58.6 KiB" },
                { 3599999, "59 min 59 s", "3.4 MiB" },
                { 3600000, "1 h 0 min", "3.4 MiB" },
                { 86399999, "23 h 59 min", "82.4 MiB" },
                { 86400000, "1 d 0 h", "82.4 MiB" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *duration = asm_text_duration(cases[i].number);
                g_autofree char *size = asm_text_size(cases[i].number);

                cr_expect_str_eq(duration, cases[i].duration, "case %zu: %s", i, duration);
                cr_expect_str_eq(size, cases[i].size, "case %zu: %s", i, size);
        }
}
