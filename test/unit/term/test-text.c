/* SPDX-License-Identifier: MIT */

#include <criterion/criterion.h>

#include "bytes.h"
#include "term/reader.h"

TestSuite(text, .timeout = 300);

Test(text, chardata_is_text_and_nothing_else_is)
{
        static const struct {
                const guint8 *data;
                gsize len;
                const char *expected;
        } table[] = {
                { BYTES("m\0\0\0\3abc"), "abc" },
                { BYTES("m\0\0\0\0"), "" },
                { BYTES("j"), "" },
                { BYTES("k\0\2h\351"), "h\303\251" },
                { BYTES("l\0\0\0\2aab\0\0\40\254j"), "a\342\202\254" },
                { BYTES("l\0\0\0\3m\0\0\0\1ak\0\1bl\0\0\0\2acjjj"), "abc" },
                { BYTES("l\0\0\0\1aam\0\0\0\1b"), "ab" },
                { BYTES("l\0\0\0\1l\0\0\0\1aam\0\0\0\1bj"), "ab" },
                { BYTES("m\0\0\0\2\303\251"), "\303\251" },
                { BYTES("m\0\0\0\1\351"), NULL },
                { BYTES("m\0\0\0\2a\0"), NULL },
                { BYTES("k\0\2a\0"), NULL },
                { BYTES("l\0\0\0\1b\0\0\330\0j"), NULL },
                { BYTES("l\0\0\0\1b\0\21\0\0j"), NULL },
                { BYTES("l\0\0\0\1b\377\377\377\377j"), NULL },
                { BYTES("l\0\0\0\1n\11\0aaaaaaaaaj"), NULL },
                { BYTES("l\0\0\0\1aaab"), NULL },
                { BYTES("l\0\0\0\1w\1aj"), NULL },
                { BYTES("l\0\0\0\1m\0\0\0\1\351j"), NULL },
                { BYTES("a\141"), NULL },
                { BYTES("h\0"), NULL },
                { BYTES("M\0\0\0\1\7a"), NULL },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autofree char *text = asm_view_dup_text((AsmView){ table[i].data, table[i].len },
                                                          /* accept_atoms= */ FALSE);

                cr_expect_eq(text != NULL, table[i].expected != NULL, "case %zu", i);
                if (text != NULL && table[i].expected != NULL) {
                        cr_expect_str_eq(text, table[i].expected, "case %zu", i);
                }
        }
}

Test(text, atoms_are_text_where_they_may_be)
{
        g_autofree char *text = asm_view_dup_text(VIEW("w\3abc"), /* accept_atoms= */ TRUE);

        cr_expect_str_eq(text, "abc");
        cr_expect_null(asm_view_dup_text(VIEW("w\3abc"), /* accept_atoms= */ FALSE));
        cr_expect_null(asm_view_dup_text(VIEW("w\3nil"), /* accept_atoms= */ TRUE));
        cr_expect_null(asm_view_dup_text(ASM_VIEW_NONE, /* accept_atoms= */ TRUE));
}

Test(text, lists_may_be_as_deep_as_the_check_allows)
{
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autofree char *text = NULL;
        const guint n = 512;

        for (guint i = 0; i < n; i++) {
                g_byte_array_append(bytes, (const guint8 *)"l\0\0\0\1", 5);
        }
        g_byte_array_append(bytes, (const guint8 *)"ax", 2);
        for (guint i = 0; i < n; i++) {
                g_byte_array_append(bytes, (const guint8 *)"j", 1);
        }
        text = asm_view_dup_text((AsmView){ bytes->data, bytes->len }, /* accept_atoms= */ FALSE);

        cr_expect_str_eq(text, "x");
}
