/* SPDX-License-Identifier: MIT */

#include <criterion/criterion.h>

#include "bytes.h"
#include "term/error.h"
#include "term/json.h"

TestSuite(json, .timeout = 300);

static char *
term_of_json(const char *json)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonNode) node = json_from_string(json, &error);
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        gsize used = 0;

        cr_assert_not_null(node, "%s", json);
        cr_assert(asm_builder_json(&builder, node, &error));
        cr_assert(asm_term_check(builder.data, builder.len, NULL, &used, NULL), "%s", json);
        cr_assert_eq(used, builder.len);
        return asm_view_print(asm_builder_peek(&builder), ASM_SYNTAX_ERLANG, 0);
}

Test(json, becomes_what_elixir_would_decode)
{
        static const char *const table[][2] = {
                { "null", "nil" },
                { "true", "true" },
                { "false", "false" },
                { "7", "7" },
                { "-9223372036854775808", "-9223372036854775808" },
                { "1.5", "1.5" },
                { "\"\"", "<<>>" },
                { "\"h\303\251\"", "<<\"h\303\251\"/utf8>>" },
                { "[]", "[]" },
                { "[1,2,3]", "[1,2,3]" },
                { "[97,98]", "\"ab\"" },
                { "{}", "#{}" },
                { "{\"a\":[{\"b\":null}],\"c\":\"d\"}",
                  "#{<<\"a\">> => [#{<<\"b\">> => nil}],<<\"c\">> => <<\"d\">>}" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autofree char *text = term_of_json(table[i][0]);

                cr_expect_str_eq(text, table[i][1], "%s", text);
        }
}

Test(json, nests_as_deeply_as_terms_and_no_deeper)
{
        for (guint depth = 512; depth <= 513; depth++) {
                g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
                g_autoptr(JsonNode) node = json_node_init_int(json_node_alloc(), 7);
                g_autoptr(GError) error = NULL;
                gsize used = 0;

                for (guint i = 0; i < depth; i++) {
                        JsonArray *array = json_array_new();
                        json_array_add_element(array, node);
                        node = json_node_init_array(json_node_alloc(), array);
                        json_array_unref(array);
                }
                asm_builder_tuple(&builder, 1);
                if (depth == 512) {
                        cr_expect(asm_builder_json(&builder, node, &error));
                        cr_expect(asm_term_check(builder.data + 2,
                                                 builder.len - 2,
                                                 NULL,
                                                 &used,
                                                 NULL));
                } else {
                        cr_expect_not(asm_builder_json(&builder, node, &error));
                        cr_expect(g_error_matches(error, ASM_TERM_ERROR, ASM_TERM_ERROR_TOO_DEEP));
                        cr_expect_eq(builder.len, 2, "nothing of it stays behind");
                }
        }
}

#define DATE_HEAD  "t\0\0\0\15w\12__struct__w\17Elixir.DateTime"
#define DATE_DAY   "w\4yearb\0\0\7\352w\5montha\13w\3daya\4w\10calendarw\23Elixir.Calendar.ISO"
#define DATE_TIME  "w\4houra\7w\6minutea\5w\6seconda\3"
#define DATE_ZONE  "w\11time_zonem\0\0\0\7Etc/UTCw\11zone_abbrm\0\0\0\3UTC"
#define DATE_MICRO "w\13microsecondh\2b\0\0\4\322a\6"
#define DATE_UTC   "w\12utc_offseta\0w\12std_offseta\0"

Test(json, shows_every_kind_of_term)
{
        static const struct {
                const guint8 *data;
                gsize len;
                const char *expected;
        } table[] = {
                { BYTES("w\3nil"), "null" },
                { BYTES("w\11undefined"), "null" },
                { BYTES("w\4true"), "true" },
                { BYTES("w\2ok"), "\"ok\"" },
                { BYTES("d\0\1\351"), "\"\303\251\"" },
                { BYTES("w\3a\0b"), "\"'a\\\\000b'\"" },
                { BYTES("m\0\0\0\2hi"), "\"hi\"" },
                { BYTES("m\0\0\0\2\0\377"), "{\"base64\":\"AP8=\"}" },
                { BYTES("m\0\0\0\2a\0"), "{\"base64\":\"YQA=\"}" },
                { BYTES("M\0\0\0\1\3\340"), "\"<<7:3>>\"" },
                { BYTES("b\377\377\377\376"), "-2" },
                { BYTES("n\10\0\0\0\0\0\0\0\0\200"), "\"9223372036854775808\"" },
                { BYTES("F\77\370\0\0\0\0\0\0"), "1.5" },
                { BYTES("j"), "[]" },
                { BYTES("k\0\2ab"), "[97,98]" },
                { BYTES("l\0\0\0\1a\1j"), "[1]" },
                { BYTES("l\0\0\0\1a\1l\0\0\0\1a\2j"), "[1,2]" },
                { BYTES("l\0\0\0\1a\1k\0\1\2"), "[1,2]" },
                { BYTES("l\0\0\0\1a\1a\2"), "[1,2]" },
                { BYTES("h\2w\2okh\0"), "[\"ok\",[]]" },
                { BYTES("t\0\0\0\0"), "{}" },
                { BYTES("t\0\0\0\3w\1aa\1m\0\0\0\1ba\2h\1a\7a\3"), "{\"a\":1,\"b\":2,\"{7}\":3}" },
                { BYTES("t\0\0\0\1m\0\0\0\1\377a\1"), "{\"<<255>>\":1}" },
                { BYTES("t\0\0\0\1w\12__struct__w\20Elixir.ASM.Error"),
                  "{\"__struct__\":\"ASM.Error\"}" },
                { BYTES("t\0\0\0\1w\12__struct__w\3foo"), "{\"__struct__\":\"foo\"}" },
                { BYTES("t\0\0\0\1w\1aw\20Elixir.ASM.Error"), "{\"a\":\"Elixir.ASM.Error\"}" },
                { BYTES("Xw\3a@b\0\0\0\7\0\0\0\1\0\0\0\3"), "\"<a@b.7.1>\"" },
                { BYTES("qw\5listsw\3mapa\2"), "\"fun lists:map/2\"" },
                { BYTES(DATE_HEAD DATE_DAY DATE_TIME DATE_MICRO DATE_ZONE DATE_UTC),
                  "\"2026-11-04T07:05:03.001234Z\"" },
                { BYTES(DATE_HEAD DATE_DAY DATE_TIME "w\13microsecondh\2a\0a\0" DATE_ZONE DATE_UTC),
                  "\"2026-11-04T07:05:03Z\"" },
                { BYTES(DATE_HEAD DATE_DAY DATE_TIME
                        "w\13microsecondh\2b\0\7\241 a\3" DATE_ZONE
                        "w\12utc_offsetb\0\0\016\020w\12std_offsetb\0\0\016\020"),
                  "\"2026-11-04T07:05:03.500+02:00\"" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
                AsmView view = { table[i].data, table[i].len };
                g_autofree char *text = NULL;
                gsize used = 0;

                cr_assert(asm_term_check(view.data, view.len, NULL, &used, NULL), "case %zu", i);
                cr_assert_eq(used, view.len, "case %zu", i);
                text = asm_view_to_json_text(view);
                cr_expect_str_eq(text, table[i].expected, "case %zu: %s", i, text);
        }
}

Test(json, a_date_out_of_range_is_a_map_like_any_other)
{
        g_autofree char *text = asm_view_to_json_text(
                VIEW(DATE_HEAD "w\4yearb\0\0\7\352w\5montha\15w\3daya\4w\10calendarw\23Elixir."
                               "Calendar.ISO" DATE_TIME DATE_MICRO DATE_ZONE DATE_UTC));

        cr_expect(g_str_has_prefix(text, "{\"__struct__\":\"DateTime\",\"year\":2026,\"month\":13"),
                  "%s",
                  text);
}

Test(json, terms_deeper_than_the_default_limit_end_in_dots)
{
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autofree char *text = NULL;

        for (guint i = 0; i < 600; i++) {
                g_byte_array_append(bytes, (const guint8 *)"h\1", 2);
        }
        g_byte_array_append(bytes, (const guint8 *)"j", 1);
        text = asm_view_to_json_text((AsmView){ bytes->data, bytes->len });

        cr_expect_not_null(strstr(text, "[\"...\"]"));
}

Test(json, nothing_is_null)
{
        g_autofree char *text = asm_view_to_json_text(ASM_VIEW_NONE);

        cr_expect_str_eq(text, "null");
}
