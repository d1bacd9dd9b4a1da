/* SPDX-License-Identifier: MIT */

#include <criterion/criterion.h>

#include "bytes.h"

TestSuite(print, .timeout = 300);

typedef struct {
        const guint8 *data;
        gsize len;
        const char *erlang;
        const char *elixir;
} Case;

#define KW "h\2w\1aa\1"

static const Case cases[] = {
        /* atoms */
        { BYTES("w\2ok"), "ok", ":ok" },
        { BYTES("w\3nil"), "nil", "nil" },
        { BYTES("w\4true"), "true", "true" },
        { BYTES("w\0"), "''", ":\"\"" },
        { BYTES("w\3end"), "'end'", ":end" },
        { BYTES("w\5maybe"), "'maybe'", ":maybe" },
        { BYTES("w\3Abc"), "'Abc'", ":Abc" },
        { BYTES("w\2_x"), "'_x'", ":_x" },
        { BYTES("w\3a@b"), "a@b", ":a@b" },
        { BYTES("w\3ok?"), "'ok?'", ":ok?" },
        { BYTES("w\3o?k"), "'o?k'", ":\"o?k\"" },
        { BYTES("w\0031st"), "'1st'", ":\"1st\"" },
        { BYTES("w\3a b"), "'a b'", ":\"a b\"" },
        { BYTES("w\3a'b"), "'a\\'b'", ":\"a'b\"" },
        { BYTES("w\3a\"b"), "'a\"b'", ":\"a\\\"b\"" },
        { BYTES("w\3a\\b"), "'a\\\\b'", ":\"a\\\\b\"" },
        { BYTES("w\3a#{"), "'a#{'", ":\"a\\#{\"" },
        { BYTES("w\3a\nb"), "'a\\nb'", ":\"a\\nb\"" },
        { BYTES("w\3a\0b"), "'a\\000b'", ":\"a\\x00b\"" },
        { BYTES("w\2\302\233"), "'\\233'", ":\"\\u{9B}\"" },
        { BYTES("w\3\342\200\256"), "'\\x{202E}'", ":\"\\u{202E}\"" },
        { BYTES("w\3\342\200\250"), "'\\x{2028}'", ":\"\\u{2028}\"" },
        { BYTES("d\0\4caf\351"), "caf\303\251", ":\"caf\303\251\"" },
        { BYTES("w\20Elixir.ASM.Error"), "'Elixir.ASM.Error'", "ASM.Error" },
        { BYTES("w\7Elixir."), "'Elixir.'", ":\"Elixir.\"" },
        { BYTES("w\12Elixir.a.B"), "'Elixir.a.B'", ":\"Elixir.a.B\"" },
        { BYTES("w\12Elixir.A.."), "'Elixir.A..'", ":\"Elixir.A..\"" },
        /* numbers */
        { BYTES("b\377\377\377\376"), "-2", "-2" },
        { BYTES("n\11\1\0\0\0\0\0\0\0\0\1"), "-18446744073709551616", "-18446744073709551616" },
        { BYTES("n\1\1\0"), "0", "0" },
        { BYTES("n\12\1\0\0\0\0\0\0\0\0\0\0"), "0", "0" },
        { BYTES("F\77\370\0\0\0\0\0\0"), "1.5", "1.5" },
        /* binaries */
        { BYTES("m\0\0\0\0"), "<<>>", "\"\"" },
        { BYTES("m\0\0\0\3a\"b"), "<<\"a\\\"b\">>", "\"a\\\"b\"" },
        { BYTES("m\0\0\0\3a'b"), "<<\"a'b\">>", "\"a'b\"" },
        { BYTES("m\0\0\0\4\033[1m"), "<<\"\\e[1m\">>", "\"\\e[1m\"" },
        { BYTES("m\0\0\0\3\342\202\254"), "<<\"\342\202\254\"/utf8>>", "\"\342\202\254\"" },
        { BYTES("m\0\0\0\3\342\200\215"), "<<\"\\x{200D}\"/utf8>>", "\"\\u{200D}\"" },
        { BYTES("m\0\0\0\5#{1}#"), "<<\"#{1}#\">>", "\"\\#{1}#\"" },
        { BYTES("m\0\0\0\2\0\377"), "<<0,255>>", "<<0, 255>>" },
        { BYTES("M\0\0\0\2\3\1\340"), "<<1,7:3>>", "<<1, 7::size(3)>>" },
        { BYTES("M\0\0\0\1\10a"), "<<\"a\">>", "\"a\"" },
        /* lists */
        { BYTES("j"), "[]", "[]" },
        { BYTES("k\0\2ab"), "\"ab\"", "~c\"ab\"" },
        { BYTES("k\0\2a\""), "\"a\\\"\"", "~c\"a\\\"\"" },
        { BYTES("k\0\3#{}"), "\"#{}\"", "~c\"\\#{}\"" },
        { BYTES("k\0\2\0\1"), "[0,1]", "[0, 1]" },
        { BYTES("k\0\1\351"), "\"\303\251\"", "[233]" },
        { BYTES("l\0\0\0\1b\0\0\40\254j"), "\"\342\202\254\"", "[8364]" },
        { BYTES("l\0\0\0\1b\377\377\377\377j"), "[-1]", "[-1]" },
        { BYTES("l\0\0\0\2w\1aw\1bj"), "[a,b]", "[:a, :b]" },
        { BYTES("l\0\0\0\2w\1aw\1bw\1c"), "[a,b|c]", "[:a, :b | :c]" },
        { BYTES("l\0\0\0\1w\1al\0\0\0\1w\1bj"), "[a,b]", "[:a, :b]" },
        { BYTES("l\0\0\0\1w\1ak\0\2xy"), "[a,120,121]", "[:a, 120, 121]" },
        { BYTES("l\0\0\0\2" KW "h\2w\3b cjj"), "[{a,1},{'b c',[]}]", "[a: 1, \"b c\": []]" },
        { BYTES("l\0\0\0\2" KW "w\1bj"), "[{a,1},b]", "[{:a, 1}, :b]" },
        { BYTES("l\0\0\0\1" KW "w\1b"), "[{a,1}|b]", "[{:a, 1} | :b]" },
        { BYTES("l\0\0\0\1h\2w\12Elixir.Foojj"), "[{'Elixir.Foo',[]}]", "[{Foo, []}]" },
        { BYTES("l\0\0\0\1h\2w\3niljj"), "[{nil,[]}]", "[nil: []]" },
        /* tuples and maps */
        { BYTES("h\0"), "{}", "{}" },
        { BYTES("h\2w\1aj"), "{a,[]}", "{:a, []}" },
        { BYTES("i\0\0\0\1j"), "{[]}", "{[]}" },
        { BYTES("t\0\0\0\0"), "#{}", "%{}" },
        { BYTES("t\0\0\0\2w\1aa\1w\1ba\2"), "#{a => 1,b => 2}", "%{a: 1, b: 2}" },
        { BYTES("t\0\0\0\2w\1aa\1m\0\0\0\1ba\2"),
          "#{a => 1,<<\"b\">> => 2}",
          "%{:a => 1, \"b\" => 2}" },
        { BYTES("t\0\0\0\1w\12Elixir.Fooa\1"), "#{'Elixir.Foo' => 1}", "%{Foo => 1}" },
        { BYTES("t\0\0\0\2w\12__struct__w\12Elixir.Foow\1aa\1"),
          "#{'__struct__' => 'Elixir.Foo',a => 1}",
          "%Foo{a: 1}" },
        { BYTES("t\0\0\0\2w\1aa\1w\12__struct__w\12Elixir.Foo"),
          "#{a => 1,'__struct__' => 'Elixir.Foo'}",
          "%Foo{a: 1}" },
        { BYTES("t\0\0\0\1w\12__struct__w\12Elixir.Foo"),
          "#{'__struct__' => 'Elixir.Foo'}",
          "%Foo{}" },
        { BYTES("t\0\0\0\1w\12__struct__w\3foo"), "#{'__struct__' => foo}", "%{__struct__: :foo}" },
        { BYTES("t\0\0\0\1w\12__struct__t\0\0\0\0"),
          "#{'__struct__' => #{}}",
          "%{__struct__: %{}}" },
        /* what has no syntax */
        { BYTES("Xw\3a@b\0\0\0\7\0\0\0\1\0\0\0\3"), "<a@b.7.1>", "#PID<a@b.7.1>" },
        { BYTES("Xw\3a\n@\0\0\0\7\0\0\0\1\0\0\0\3"), "<a?@.7.1>", "#PID<a?@.7.1>" },
        { BYTES("Z\0\2w\3a@b\0\0\0\7\0\0\0\1\0\0\0\2"), "#Ref<a@b.2.1>", "#Reference<a@b.2.1>" },
        { BYTES("r\0\2w\3a@b\7\0\0\0\1\0\0\0\2"), "#Ref<a@b.2.1>", "#Reference<a@b.2.1>" },
        { BYTES("ew\3a@b\0\0\0\7\1"), "#Ref<a@b.7>", "#Reference<a@b.7>" },
        { BYTES("Yw\3a@b\0\0\0\7\0\0\0\3"), "#Port<a@b.7>", "#Port<a@b.7>" },
        { BYTES("xw\3a@b\0\0\0\1\0\0\0\0\0\0\0\3"),
          "#Port<a@b.4294967296>",
          "#Port<a@b.4294967296>" },
        { BYTES("qw\5listsw\3mapa\2"), "fun lists:map/2", "&:lists.map/2" },
        { BYTES("qw\12Elixir.Foow\3a ba\2"), "fun 'Elixir.Foo':'a b'/2", "&Foo.\"a b\"/2" },
        { BYTES("p\0\0\0\66\2uuuuuuuuuuuuuuuu\0\0\0\1\0\0\0\0w\1ma\3a\4Xw\3a@"
                "b\0\0\0\7\0\0\0\1\0\0\0\3"),
          "#Fun<m.3.4>",
          "#Function<3.4/2 in :m>" },
};

Test(print, terms_look_as_in_the_two_languages)
{
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                AsmView view = { cases[i].data, cases[i].len };
                g_autofree char *erlang = NULL;
                g_autofree char *elixir = NULL;
                gsize used = 0;

                cr_assert(asm_term_check(view.data, view.len, NULL, &used, NULL),
                          "%s",
                          cases[i].erlang);
                cr_assert_eq(used, view.len, "%s", cases[i].erlang);
                erlang = asm_view_print(view, ASM_SYNTAX_ERLANG, 0);
                elixir = asm_view_print(view, ASM_SYNTAX_ELIXIR, 0);
                cr_expect_str_eq(erlang, cases[i].erlang, "%s", erlang);
                cr_expect_str_eq(elixir, cases[i].elixir, "%s", elixir);
        }
}

Test(print, output_ends_in_dots_when_it_is_longer_than_the_limit)
{
        AsmView list = VIEW("l\0\0\0\2w\3abcw\3defj");            /* [abc,def] */
        AsmView text = VIEW("m\0\0\0\6\342\202\254\342\202\254"); /* two characters of 3 bytes */
        static const struct {
                gsize max_len;
                const char *expected;
        } table[] = { { 9, "[abc,def]" }, { 8, "[abc,..." }, { 4, "[..." },
                      { 3, "..." },       { 2, ".." },       { 1, "." } };

        for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autofree char *printed =
                        asm_view_print(list, ASM_SYNTAX_ERLANG, table[i].max_len);
                cr_expect_str_eq(printed, table[i].expected);
        }
        for (gsize max_len = 1; max_len < 30; max_len++) {
                g_autofree char *printed = asm_view_print(text, ASM_SYNTAX_ERLANG, max_len);
                cr_expect(g_utf8_validate(printed, -1, NULL), "%zu", max_len);
                cr_expect_leq(strlen(printed), max_len);
        }
}

Test(print, big_integers_are_decimal_up_to_4096_bits)
{
        guint8 bytes[6 + 513] = { 'o', 0, 0, 2, 0, 0 };
        g_autofree char *decimal = NULL;
        g_autofree char *hex = NULL;
        g_autofree char *elixir = NULL;

        memset(bytes + 6, 0xFF, 513);
        decimal = asm_view_print((AsmView){ bytes, 6 + 512 }, ASM_SYNTAX_ERLANG, 0);
        /* 2^4096 - 1 */
        cr_expect_eq(strlen(decimal), 1234);
        cr_expect(
                g_str_has_prefix(decimal,
                                 "10443888814131525066917527107166243825799642490473837803842334"));
        cr_expect(g_str_has_suffix(decimal, "708340403154190335"));

        bytes[4] = 1;
        bytes[518] = 0x0A;
        hex = asm_view_print((AsmView){ bytes, 6 + 513 }, ASM_SYNTAX_ERLANG, 0);
        elixir = asm_view_print((AsmView){ bytes, 6 + 513 }, ASM_SYNTAX_ELIXIR, 0);
        cr_expect_eq(strlen(hex), 3 + 1 + 1024);
        cr_expect(g_str_has_prefix(hex, "16#AFF"));
        cr_expect(g_str_has_prefix(elixir, "0xAFF"));
}

Test(print, floats_read_back_as_the_same_number)
{
        g_autoptr(GRand) random = g_rand_new_with_seed(5);
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        for (guint i = 0; i < 20000; i++) {
                guint64 bits = (guint64)g_rand_int(random) << 32 | g_rand_int(random);
                g_autofree char *text = NULL;
                double value, again;

                /* every tenth one close to zero, where floats lose digits */
                bits = i % 10 == 0 ? bits & G_GUINT64_CONSTANT(0x800FFFFFFFFFFFFF) : bits;
                memcpy(&value, &bits, sizeof value);
                asm_builder_reset(&builder);
                asm_builder_double(&builder, value);
                if (builder.data[0] != 'F') {
                        continue;
                }
                text = asm_view_print(asm_builder_peek(&builder), ASM_SYNTAX_ERLANG, 0);
                again = g_ascii_strtod(text, NULL);
                cr_expect(memcmp(&value, &again, sizeof value) == 0, "%s", text);
                cr_expect(strchr(text, '.') != NULL, "%s", text);
        }
}

/* the text of everything has neither control characters nor broken UTF-8, at any limit */
Test(print, any_bytes_print_as_clean_text)
{
        g_autoptr(GRand) random = g_rand_new_with_seed(6);
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        for (guint i = 0; i < 5000; i++) {
                guint8 bytes[24];
                AsmView view;

                for (guint n = 0; n < sizeof bytes; n++) {
                        bytes[n] = (guint8)g_rand_int_range(random, 0, i % 2 == 0 ? 256 : 160);
                }
                asm_builder_reset(&builder);
                asm_builder_tuple(&builder, 3);
                asm_builder_binary(&builder, bytes, i % sizeof bytes);
                asm_builder_raw(&builder, "d\0\30", 3);
                asm_builder_raw(&builder, bytes, sizeof bytes);
                asm_builder_raw(&builder, "k\0\30", 3);
                asm_builder_raw(&builder, bytes, sizeof bytes);
                view = asm_builder_peek(&builder);
                for (int syntax = ASM_SYNTAX_ERLANG; syntax <= ASM_SYNTAX_ELIXIR; syntax++) {
                        gsize max_len = i % 3 == 0 ? 0 : i % 100 + 1;
                        g_autofree char *text = asm_view_print(view, (AsmSyntax)syntax, max_len);

                        cr_expect(g_utf8_validate(text, -1, NULL));
                        cr_expect(max_len == 0 || strlen(text) <= max_len);
                        for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
                                cr_expect_not(g_unichar_iscntrl(g_utf8_get_char(at)), "%s", text);
                        }
                }
        }
}

/* @n lists of two elements inside of each other, as `{a, [{a, ...}, 1 2 3]}` would be in Elixir */
static void
append_nested_keywords(AsmBuilder *builder, guint n)
{
        for (guint i = 0; i < n; i++) {
                asm_builder_raw(builder, "l\0\0\0\1h\2w\1a", 10);
        }
        asm_builder_list(builder, 100000);
        for (guint i = 0; i < 100000; i++) {
                asm_builder_nil(builder);
        }
        asm_builder_nil(builder);
        for (guint i = 0; i < n; i++) {
                asm_builder_nil(builder);
        }
}

Test(print, looking_ahead_ends_in_time_in_terms_made_against_it)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autofree char *text = NULL;
        gint64 start;
        gsize used;

        append_nested_keywords(&builder, 250);
        cr_assert(asm_term_check(builder.data, builder.len, NULL, &used, NULL));
        start = g_get_monotonic_time();
        text = asm_view_print(asm_builder_peek(&builder), ASM_SYNTAX_ELIXIR, 0);

        cr_expect(g_str_has_prefix(text, "[a: [a: ["));
        cr_expect_lt(g_get_monotonic_time() - start, 5 * G_TIME_SPAN_SECOND);
}

Test(print, terms_as_deep_as_the_check_allows_are_printed)
{
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autofree char *text = NULL;
        g_autofree char *deeper = NULL;

        for (guint i = 0; i < 600; i++) {
                g_byte_array_append(bytes, (const guint8 *)"h\1", 2);
        }
        g_byte_array_append(bytes, (const guint8 *)"j", 1);
        text = asm_view_print((AsmView){ bytes->data + 2 * 89, bytes->len - 2 * 89 },
                              ASM_SYNTAX_ERLANG,
                              0);
        deeper = asm_view_print((AsmView){ bytes->data, bytes->len }, ASM_SYNTAX_ERLANG, 0);

        cr_expect_eq(strlen(text), 511 * 2 + 2);
        cr_expect_not_null(strstr(text, "{[]}"));
        cr_expect_not_null(strstr(deeper, "{...}"));
}

Test(print, nothing_prints_as_nothing)
{
        g_autofree char *text = asm_view_print(ASM_VIEW_NONE, ASM_SYNTAX_ERLANG, 0);

        cr_expect_str_eq(text, "");
}
