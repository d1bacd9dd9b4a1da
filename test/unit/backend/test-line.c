/* SPDX-License-Identifier: MIT */
/* Lines out of a byte stream: where it is cut into reads must make no difference. */
#include "backend/line-private.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(line, .timeout = 300);

static void
feed(AsmLineReader *reader, const char *data, gsize len)
{
        memcpy(asm_line_reader_reserve(reader, len), data, len);
        asm_line_reader_commit(reader, len);
}

/* every line in brackets; "!" for one that is too long */
static void
drain(AsmLineReader *reader, GString *text)
{
        AsmLineStatus status;
        const char *line;
        gsize len;

        while ((status = asm_line_reader_next(reader, &line, &len)) != ASM_LINE_MORE) {
                if (status == ASM_LINE_TOO_LONG)
                        g_string_append_c(text, '!');
                else
                        g_string_append_printf(text, "[%.*s]", (int)len, line);
        }
}

static char *
split(const char *stream, gsize limit, gsize piece)
{
        g_auto(AsmLineReader) reader = { 0 };
        GString *text = g_string_new(NULL);
        gsize len = strlen(stream);

        asm_line_reader_init(&reader, limit);
        for (gsize at = 0; at < len; at += piece) {
                feed(&reader, stream + at, MIN(piece, len - at));
                drain(&reader, text);
        }
        asm_line_reader_end(&reader);
        drain(&reader, text);
        return g_string_free(text, FALSE);
}

static const struct {
        const char *stream;
        const char *lines;
} cases[] = {
        { "", "" },
        { "\n", "[]" },
        { "a", "[a]" },
        { "a\n", "[a]" },
        { "a\nb", "[a][b]" },
        { "\n\na\n", "[][][a]" },
        { "a\r\nb\n", "[a\r][b]" },
        { "12345678\nx\n", "[12345678][x]" },
        { "123456789\nx\n", "![x]" },
        { "12345678", "[12345678]" },
        { "123456789", "!" },
        { "x\n1234567890123456789012345\n\ny", "[x]![][y]" },
        { "1234567890123456789012345\n1234567890123456789\ny\n", "!![y]" },
        { "12345678901234567890", "!" },
};

Test(line, any_cut_of_the_stream_gives_the_same_lines)
{
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                for (gsize piece = 1; piece <= strlen(cases[i].stream) + 1; piece++) {
                        g_autofree char *lines = split(cases[i].stream, /* limit= */ 8, piece);

                        cr_expect_str_eq(lines,
                                         cases[i].lines,
                                         "case %zu in pieces of %zu: %s",
                                         i,
                                         piece,
                                         lines);
                }
        }
}

Test(line, a_line_without_end_is_told_at_the_limit_and_takes_no_memory_after)
{
        g_auto(AsmLineReader) reader = { 0 };
        g_autofree char *chunk = g_strnfill(1000, 'x');
        const char *line;
        gsize len;
        guint n_told = 0;

        asm_line_reader_init(&reader, 10000);
        for (guint i = 0; i < 1000; i++) {
                feed(&reader, chunk, 1000);
                n_told += asm_line_reader_next(&reader, &line, &len) == ASM_LINE_TOO_LONG;
                cr_assert_eq(n_told, i >= 10 ? 1 : 0);
                cr_assert_leq(reader.size, 32 * 1024);
        }
}

Test(line, a_reader_that_has_handed_out_everything_holds_no_memory)
{
        g_auto(AsmLineReader) reader = { 0 };
        const char *line;
        gsize len;

        asm_line_reader_init(&reader, 100);
        feed(&reader, "one\ntwo\n", 8);
        cr_assert_eq(asm_line_reader_next(&reader, &line, &len), ASM_LINE_READY);
        cr_assert_eq(asm_line_reader_next(&reader, &line, &len), ASM_LINE_READY);
        cr_assert_not_null(reader.data);

        cr_assert_eq(asm_line_reader_next(&reader, &line, &len), ASM_LINE_MORE);
        cr_assert_null(reader.data);
}
