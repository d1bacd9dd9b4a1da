/* SPDX-License-Identifier: MIT */

#include <criterion/criterion.h>
#include <math.h>

#include "bytes.h"

TestSuite(builder, .timeout = 300);

#define expect_bytes(builder, literal)                                                             \
        do {                                                                                       \
                cr_expect(asm_view_same_bytes(asm_builder_peek(builder), VIEW(literal)));          \
                asm_builder_reset(builder);                                                        \
        } while (0)

Test(builder, integers_take_the_form_that_a_beam_gives_them)
{
        static const struct {
                gint64 value;
                const guint8 *bytes;
                gsize len;
        } table[] = {
                { 0, BYTES("a\0") },
                { 255, BYTES("a\377") },
                { 256, BYTES("b\0\0\1\0") },
                { -1, BYTES("b\377\377\377\377") },
                { 134217728, BYTES("b\10\0\0\0") },
                { G_MAXINT32, BYTES("b\177\377\377\377") },
                { G_MININT32, BYTES("b\200\0\0\0") },
                { G_MAXINT32 + G_GINT64_CONSTANT(1), BYTES("n\4\0\0\0\0\200") },
                { G_MININT32 - G_GINT64_CONSTANT(1), BYTES("n\4\1\1\0\0\200") },
                { G_MAXINT64, BYTES("n\10\0\377\377\377\377\377\377\377\177") },
                { G_MININT64, BYTES("n\10\1\0\0\0\0\0\0\0\200") },
        };
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
                asm_builder_reset(&builder);
                asm_builder_int(&builder, table[i].value);
                cr_expect(asm_view_same_bytes(asm_builder_peek(&builder),
                                              (AsmView){ table[i].bytes, table[i].len }),
                          "%" G_GINT64_FORMAT,
                          table[i].value);
        }
}

Test(builder, unsigned_integers_use_all_64_bits)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_uint(&builder, 7);
        expect_bytes(&builder, "a\7");
        asm_builder_uint(&builder, G_MAXUINT64);
        expect_bytes(&builder, "n\10\0\377\377\377\377\377\377\377\377");
}

Test(builder, atoms_are_cut_at_255_characters)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autofree char *ascii = g_strnfill(256, 'a');
        g_autoptr(GString) rockets = g_string_new(NULL);
        gsize used = 0;

        for (guint i = 0; i < 256; i++) {
                g_string_append(rockets, "\360\237\232\200");
        }
        ascii[255] = '\0';
        asm_builder_atom(&builder, ascii);
        cr_expect_eq(builder.len, 2 + 255);
        asm_builder_reset(&builder);
        ascii[255] = 'a';
        asm_builder_atom(&builder, ascii);
        cr_expect(asm_term_check(builder.data, builder.len, NULL, &used, NULL));
        cr_expect_eq(asm_builder_peek(&builder).data[builder.len - 1], 'a');
        cr_expect(builder.len == 2 + 255 || builder.len == 3 + 255);

        asm_builder_reset(&builder);
        asm_builder_atom(&builder, rockets->str);
        cr_expect_eq(builder.len, 3 + 4 * 255);
        cr_expect(asm_term_check(builder.data, builder.len, NULL, &used, NULL));
}

Test(builder, atoms_are_always_valid)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        gsize used = 0;

        asm_builder_atom(&builder, "caf\303\251");
        expect_bytes(&builder, "w\5caf\303\251");
        asm_builder_atom(&builder, "");
        expect_bytes(&builder, "w\0");
        asm_builder_atom(&builder, "a\200b");
        cr_expect(asm_term_check(builder.data, builder.len, NULL, &used, NULL));
}

Test(builder, floats_that_no_beam_has_become_atoms)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_double(&builder, 1.5);
        expect_bytes(&builder, "F\77\370\0\0\0\0\0\0");
        asm_builder_double(&builder, (double)NAN);
        expect_bytes(&builder, "w\3nan");
        asm_builder_double(&builder, (double)INFINITY);
        expect_bytes(&builder, "w\10infinity");
        asm_builder_double(&builder, -(double)INFINITY);
        expect_bytes(&builder, "w\14neg_infinity");
}

Test(builder, texts_are_binaries_and_no_text_is_nil)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_text(&builder, "abc");
        expect_bytes(&builder, "m\0\0\0\3abc");
        asm_builder_text(&builder, "");
        expect_bytes(&builder, "m\0\0\0\0");
        asm_builder_text(&builder, NULL);
        expect_bytes(&builder, "w\3nil");
        asm_builder_text_printf(&builder, "%d-%s", 7, "x");
        expect_bytes(&builder, "m\0\0\0\0037-x");
        asm_builder_binary(&builder, "\0\1", 2);
        expect_bytes(&builder, "m\0\0\0\2\0\1");
        asm_builder_bool(&builder, TRUE);
        expect_bytes(&builder, "w\4true");
}

Test(builder, charlists_are_strings_as_long_as_characters_are_bytes)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autofree char *longest = g_strnfill(65535, 'a');
        g_autofree char *longer = g_strnfill(65536, 'a');

        asm_builder_charlist(&builder, "h\303\251");
        expect_bytes(&builder, "k\0\2h\351");
        asm_builder_charlist(&builder, "");
        expect_bytes(&builder, "j");
        asm_builder_charlist(&builder, "a\342\202\254");
        expect_bytes(&builder, "l\0\0\0\2aab\0\0\40\254j");
        asm_builder_charlist(&builder, longest);
        cr_expect_eq(builder.data[0], 'k');
        cr_expect_eq(builder.len, 3 + 65535);
        asm_builder_reset(&builder);
        asm_builder_charlist(&builder, longer);
        cr_expect_eq(builder.data[0], 'l');
        cr_expect_eq(builder.len, 5 + 2 * 65536 + 1);
}

Test(builder, tuples_get_the_large_form_above_255)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_tuple(&builder, 0);
        expect_bytes(&builder, "h\0");
        asm_builder_tuple(&builder, 255);
        expect_bytes(&builder, "h\377");
        asm_builder_tuple(&builder, 256);
        expect_bytes(&builder, "i\0\0\1\0");
}

Test(builder, an_empty_list_has_no_head)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_list(&builder, 0);
        asm_builder_nil(&builder);
        expect_bytes(&builder, "j");
        asm_builder_list(&builder, 1);
        asm_builder_int(&builder, 1);
        asm_builder_nil(&builder);
        expect_bytes(&builder, "l\0\0\0\1a\1j");
}

Test(builder, marks_fill_in_how_many_there_were)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        AsmBuilderMark map, list, empty;

        map = asm_builder_map_begin(&builder);
        asm_builder_atom(&builder, "a");
        list = asm_builder_list_begin(&builder);
        asm_builder_int(&builder, 1);
        asm_builder_int(&builder, 2);
        asm_builder_list_end(&builder, list, 2);
        asm_builder_atom(&builder, "b");
        empty = asm_builder_list_begin(&builder);
        asm_builder_list_end(&builder, empty, 0);
        asm_builder_map_end(&builder, map, 2);

        expect_bytes(&builder, "t\0\0\0\2w\1al\0\0\0\2a\1a\2jw\1bj");
}

Test(builder, grows_and_keeps_what_it_has)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        gsize used = 0;

        asm_builder_list(&builder, 100000);
        for (guint i = 0; i < 100000; i++) {
                asm_builder_int(&builder, i);
        }
        asm_builder_nil(&builder);

        cr_expect(asm_term_check(builder.data, builder.len, NULL, &used, NULL));
        cr_expect_eq(used, builder.len);
}

Test(builder, end_gives_a_term_of_its_own_and_an_empty_builder)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) term = NULL;
        g_autoptr(AsmTerm) again = NULL;

        asm_builder_atom(&builder, "ok");
        term = asm_builder_end(&builder);
        cr_expect_eq(builder.len, 0);
        asm_builder_atom(&builder, "no");

        cr_expect(asm_view_same_bytes(asm_term_view(term), VIEW("w\2ok")));
        again = asm_term_ref(term);
        asm_builder_term(&builder, again);
        asm_builder_view(&builder, asm_term_view(term));
        expect_bytes(&builder, "w\2now\2okw\2ok");
}

Test(builder, pids_and_references_take_the_new_form)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_auto(AsmPid) pid = { g_ref_string_new_intern("a@b"), 1, 2, 3 };
        g_auto(AsmRef) ref = { g_ref_string_new_intern("a@b"), 3, 2, { 0x01020304, 5 } };

        asm_builder_pid(&builder, &pid);
        expect_bytes(&builder, "Xw\3a@b\0\0\0\1\0\0\0\2\0\0\0\3");
        asm_builder_ref(&builder, &ref);
        expect_bytes(&builder, "Z\0\2w\3a@b\0\0\0\3\1\2\3\4\0\0\0\5");
}
