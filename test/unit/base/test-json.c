/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(json, .timeout = 300);

static JsonNode *
parse(const char *text)
{
        JsonNode *node = json_from_string(text, NULL);

        cr_assert_not_null(node, "%s", text);
        return node;
}

Test(json, a_member_of_another_type_is_as_good_as_none)
{
        static const char *const objects[] = {
                "{}",
                "{\"k\":null}",
                "{\"k\":[1]}",
                "{\"k\":{\"a\":1}}",
        };

        for (gsize i = 0; i < G_N_ELEMENTS(objects); i++) {
                g_autoptr(JsonNode) node = parse(objects[i]);
                JsonObject *object = json_node_get_object(node);

                cr_expect_null(asm_json_get_string(object, "k"), "%s", objects[i]);
                cr_expect_eq(asm_json_get_int(object, "k", 7), 7, "%s", objects[i]);
                cr_expect_eq(asm_json_get_double(object, "k", 0.5), 0.5, "%s", objects[i]);
        }
}

Test(json, every_getter_takes_a_missing_object)
{
        cr_expect_null(asm_json_get_string(NULL, "k"));
        cr_expect_null(asm_json_get_object(NULL, "k"));
        cr_expect_null(asm_json_get_array(NULL, "k"));
        cr_expect_eq(asm_json_get_int(NULL, "k", -3), -3);
}

Test(json, whole_doubles_are_integers_and_integers_are_doubles)
{
        g_autoptr(JsonNode) node = parse("{\"whole\":12.0,\"half\":12.5,\"big\":1e300,\"int\":3}");
        JsonObject *object = json_node_get_object(node);

        cr_expect_eq(asm_json_get_int(object, "whole", 0), 12);
        cr_expect_eq(asm_json_get_int(object, "half", -1), -1);
        cr_expect_eq(asm_json_get_int(object, "big", -1), -1);
        cr_expect_eq(asm_json_get_double(object, "int", 0), 3.0);
}

Test(json, containers_are_found_by_their_type)
{
        g_autoptr(JsonNode) node = parse("{\"o\":{\"a\":1},\"l\":[1,2],\"s\":\"x\",\"b\":true}");
        JsonObject *object = json_node_get_object(node);

        cr_expect_eq(asm_json_get_int(asm_json_get_object(object, "o"), "a", 0), 1);
        cr_expect_eq(json_array_get_length(asm_json_get_array(object, "l")), 2);
        cr_expect_null(asm_json_get_object(object, "l"));
        cr_expect_null(asm_json_get_array(object, "o"));
        cr_expect_str_eq(asm_json_get_string(object, "s"), "x");
}

Test(json, what_rfc_8259_accepts_is_json)
{
        static const char *const documents[] = {
                "{}",
                "[]",
                " [ ] ",
                "null",
                "true",
                "false",
                "0",
                "-0.5e+10",
                "\"\"",
                "\"\\u00e9\\n\\\"\\/\"",
                "\"\\ud83d\\ude00\"",
                "{\"a\":[1,{\"b\":null}],\"c\":\"d\"}\r",
                "\"\xc3\xa9\"",
        };

        for (gsize i = 0; i < G_N_ELEMENTS(documents); i++) {
                g_autofree char *problem = asm_json_check(documents[i], strlen(documents[i]), 200);

                cr_expect_null(problem, "%s: %s", documents[i], problem);
        }
}

Test(json, what_rfc_8259_does_not_accept_is_told_with_its_position)
{
        static const struct {
                const char *text;
                const char *problem;
        } cases[] = {
                { "not json at all", "unexpected byte at position 0: 0x6E (\"n\")" },
                { "", "unexpected end of input at position 0" },
                { "{", "unexpected end of input at position 1" },
                { "{\"a\"", "unexpected end of input at position 4" },
                { "[1,", "unexpected end of input at position 3" },
                { "[1,]", "unexpected byte at position 3: 0x5D (\"]\")" },
                { "{\"a\":1,}", "unexpected byte at position 7: 0x7D (\"}\")" },
                { "{\"a\":1} {\"b\":2}", "unexpected byte at position 8: 0x7B (\"{\")" },
                { "var x = {};", "unexpected byte at position 0: 0x76 (\"v\")" },
                { "// c", "unexpected byte at position 0: 0x2F (\"/\")" },
                { "'a'", "unexpected byte at position 0: 0x27 (\"'\")" },
                { "[01]", "unexpected byte at position 2: 0x31 (\"1\")" },
                { "[1.]", "unexpected byte at position 3: 0x5D (\"]\")" },
                { "\"a\nb\"", "unexpected byte at position 2: 0x0A" },
                { "\"\\x\"", "unexpected byte at position 2: 0x78 (\"x\")" },
                { "\"\\ud800x\"", "unexpected byte at position 7: 0x78 (\"x\")" },
                { "[}", "unexpected byte at position 1: 0x7D (\"}\")" },
                { "{]", "unexpected byte at position 1: 0x5D (\"]\")" },
                { "\"\xff\"", "not UTF-8 at position 1: byte 0xFF" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *problem = asm_json_check(cases[i].text, strlen(cases[i].text), 8);

                cr_expect_str_eq(problem, cases[i].problem, "%s: %s", cases[i].text, problem);
        }
}

Test(json, a_document_cut_at_any_byte_is_not_json)
{
        static const char text[] = "{\"a\":[1.5e1,{\"b\":\"\\ud83d\\ude00\"}],\"c\":true}";

        for (gsize len = 0; len < sizeof(text) - 1; len++) {
                g_autofree char *problem = asm_json_check(text, len, 8);

                cr_expect_not_null(problem, "%.*s", (int)len, text);
        }
}

Test(json, nesting_is_accepted_up_to_the_limit_and_not_above)
{
        for (guint depth = 199; depth <= 201; depth++) {
                g_autoptr(GString) text = g_string_new(NULL);
                g_autofree char *problem = NULL;

                for (guint i = 0; i < depth; i++)
                        g_string_append(text, i % 2 ? "[" : "{\"k\":");
                g_string_append_c(text, '1');
                for (guint i = depth; i > 0; i--)
                        g_string_append_c(text, (i - 1) % 2 ? ']' : '}');
                problem = asm_json_check(text->str, text->len, 200);
                if (depth <= 200)
                        cr_expect_null(problem, "%u: %s", depth, problem);
                else
                        cr_expect(strstr(problem, "nested deeper than 200 levels") != NULL);
        }
}
