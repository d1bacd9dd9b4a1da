/* SPDX-License-Identifier: MIT */

#include <criterion/criterion.h>

#include "bytes.h"
#include "term/reader.h"

TestSuite(option, .timeout = 300);

/* "key=value " for every option, "!" at the end of a malformed list */
static char *
listing(AsmView options)
{
        GString *text = g_string_new(NULL);
        AsmOptionCursor cursor;
        AsmView key, value;

        asm_option_cursor_init(&cursor, options);
        while (asm_option_next(&cursor, &key, &value)) {
                g_autofree char *k = asm_view_dup_text(key, /* accept_atoms= */ TRUE);
                g_autofree char *v = asm_view_print(value, ASM_SYNTAX_ERLANG, 0);
                g_string_append_printf(text, "%s=%s ", k, v);
        }
        cr_expect_not(asm_option_next(&cursor, &key, &value));
        if (asm_option_cursor_is_malformed(&cursor)) {
                g_string_append_c(text, '!');
        }
        return g_string_free(text, FALSE);
}

Test(option, keyword_lists_property_lists_and_maps_are_options)
{
        static const struct {
                const guint8 *data;
                gsize len;
                const char *expected;
        } table[] = {
                { BYTES("j"), "" },
                { BYTES("l\0\0\0\2h\2w\1aa\1h\2m\0\0\0\1ba\2j"), "a=1 b=2 " },
                { BYTES("l\0\0\0\2w\1ah\2w\1bj"
                        "j"),
                  "a=true b=[] " },
                { BYTES("t\0\0\0\2w\1aa\1m\0\0\0\1ba\2"), "a=1 b=2 " },
                { BYTES("t\0\0\0\0"), "" },
                { BYTES("l\0\0\0\1w\1al\0\0\0\1w\1bj"), "a=true b=true " },
                { BYTES("l\0\0\0\1w\1aw\1b"), "a=true !" },
                { BYTES("l\0\0\0\2w\1aa\1j"), "a=true !" },
                { BYTES("l\0\0\0\1h\2a\1a\1j"), "!" },
                { BYTES("l\0\0\0\1h\3w\1aa\1a\1j"), "!" },
                { BYTES("l\0\0\0\1m\0\0\0\1aj"), "!" },
                { BYTES("t\0\0\0\2w\1aa\1a\1a\1"), "a=1 !" },
                { BYTES("k\0\1a"), "!" },
                { BYTES("a\1"), "!" },
                { BYTES("w\1a"), "!" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autofree char *text = listing((AsmView){ table[i].data, table[i].len });

                cr_expect_str_eq(text, table[i].expected, "case %zu: %s", i, text);
        }
}

Test(option, nothing_is_not_an_option_list)
{
        g_autofree char *text = listing(ASM_VIEW_NONE);

        cr_expect_str_eq(text, "!");
}

Test(option, the_first_of_equal_keys_is_taken)
{
        AsmView list = VIEW("l\0\0\0\3h\2m\0\0\0\1aa\1h\2w\1aa\2w\1bj");
        AsmView value = ASM_VIEW_NONE;

        cr_expect(asm_view_option_get(list, "a", &value));
        cr_expect(asm_view_same_bytes(value, VIEW("a\1")));
        cr_expect(asm_view_option_get(list, "b", &value));
        cr_expect(asm_view_is_atom(value, "true"));
        cr_expect_not(asm_view_option_get(list, "c", &value));
        cr_expect(asm_view_option_get(VIEW("t\0\0\0\1m\0\0\0\1aa\3"), "a", &value));
        cr_expect(asm_view_same_bytes(value, VIEW("a\3")));
        cr_expect_not(asm_view_option_get(VIEW("a\1"), "a", &value));
}
