/* SPDX-License-Identifier: MIT */

#include <criterion/criterion.h>

#include "bytes.h"
#include "term/reader.h"

TestSuite(reader, .timeout = 300);

/* one term of each kind */
static const struct {
        AsmKind kind;
        const guint8 *data;
        gsize len;
} kinds[] = {
        { ASM_KIND_ATOM, BYTES("w\2ok") },
        { ASM_KIND_ATOM, BYTES("d\0\2ok") },
        { ASM_KIND_INT, BYTES("a\1") },
        { ASM_KIND_INT, BYTES("n\1\0\1") },
        { ASM_KIND_FLOAT, BYTES("F\77\370\0\0\0\0\0\0") },
        { ASM_KIND_BINARY, BYTES("m\0\0\0\1x") },
        { ASM_KIND_BINARY, BYTES("M\0\0\0\1\10x") },
        { ASM_KIND_BITSTRING, BYTES("M\0\0\0\1\7x") },
        { ASM_KIND_NIL, BYTES("j") },
        { ASM_KIND_LIST, BYTES("l\0\0\0\1a\1j") },
        { ASM_KIND_LIST, BYTES("k\0\1a") },
        { ASM_KIND_TUPLE, BYTES("h\0") },
        { ASM_KIND_TUPLE, BYTES("i\0\0\0\1a\1") },
        { ASM_KIND_MAP, BYTES("t\0\0\0\0") },
        { ASM_KIND_PID, BYTES("Xw\3a@b\0\0\0\7\0\0\0\1\0\0\0\3") },
        { ASM_KIND_REF, BYTES("Z\0\1w\3a@b\0\0\0\1\0\0\0\1") },
        { ASM_KIND_PORT, BYTES("Yw\3a@b\0\0\0\1\0\0\0\1") },
        { ASM_KIND_EXPORT, BYTES("qw\1mw\1fa\2") },
};

Test(reader, every_reader_answers_false_for_other_kinds)
{
        for (gsize i = 0; i <= G_N_ELEMENTS(kinds); i++) {
                gboolean is_set = i < G_N_ELEMENTS(kinds);
                AsmView view = is_set ? (AsmView){ kinds[i].data, kinds[i].len } : ASM_VIEW_NONE;
                int kind = is_set ? (int)kinds[i].kind : -1;
                const char *name;
                const guint8 *data;
                gsize len;
                guint n;
                gint64 integer;
                double number;
                gboolean flag;
                AsmView element, value;
                g_autofree char *atom = asm_view_dup_atom(view);
                AsmListCursor list = asm_view_list(view);
                AsmMapCursor map = asm_view_map(view);

                if (is_set) {
                        cr_expect_eq(asm_view_kind(view), kinds[i].kind, "case %zu", i);
                }
                cr_expect_eq(asm_view_get_atom(view, &name, &len), kind == ASM_KIND_ATOM);
                cr_expect_eq(atom != NULL, kind == ASM_KIND_ATOM);
                cr_expect_eq(asm_view_is_atom(view, "ok"), kind == ASM_KIND_ATOM);
                cr_expect_eq(asm_view_get_int(view, &integer), kind == ASM_KIND_INT);
                cr_expect_eq(asm_view_get_double(view, &number),
                             kind == ASM_KIND_INT || kind == ASM_KIND_FLOAT);
                cr_expect_not(asm_view_get_bool(view, &flag));
                cr_expect_eq(asm_view_get_binary(view, &data, &len), kind == ASM_KIND_BINARY);
                cr_expect_eq(asm_view_get_tuple_arity(view, &n), kind == ASM_KIND_TUPLE);
                cr_expect_not(asm_view_get_tuple(view, 7, &element));
                cr_expect_not(asm_view_get_tagged(view, "ok", 7, &element));
                cr_expect_eq(asm_view_get_list_length(view, &n),
                             kind == ASM_KIND_LIST || kind == ASM_KIND_NIL);
                cr_expect_eq(asm_list_next(&list, &element), kind == ASM_KIND_LIST);
                cr_expect_eq(asm_view_get_map_size(view, &n), kind == ASM_KIND_MAP);
                cr_expect_not(asm_map_next(&map, &element, &value));
                cr_expect_not(asm_view_map_get(view, "ok", &value));
                cr_expect_eq(asm_view_map_pick(view, (const char *[]){ "ok", NULL }, &value), 0);
        }
}

Test(reader, atoms_compare_whatever_their_encoding)
{
        cr_expect(asm_view_is_atom(VIEW("w\2ok"), "ok"));
        cr_expect(asm_view_is_atom(VIEW("v\0\2ok"), "ok"));
        cr_expect(asm_view_is_atom(VIEW("d\0\2ok"), "ok"));
        cr_expect(asm_view_is_atom(VIEW("s\2ok"), "ok"));
        cr_expect_not(asm_view_is_atom(VIEW("w\2ok"), "o"));
        cr_expect_not(asm_view_is_atom(VIEW("w\2ok"), "oka"));
        cr_expect_not(asm_view_is_atom(VIEW("w\3ok\0"), "ok"));
        cr_expect_not(asm_view_is_atom(VIEW("m\0\0\0\2ok"), "ok"));
        cr_expect(asm_view_is_atom(VIEW("w\0"), ""));
}

Test(reader, names_of_atoms_come_as_utf8)
{
        g_autofree char *latin1 = asm_view_dup_atom(VIEW("d\0\2\351a"));
        g_autofree char *utf8 = asm_view_dup_atom(VIEW("w\3\303\251a"));
        g_autofree char *empty = asm_view_dup_atom(VIEW("w\0"));

        cr_expect_str_eq(latin1, "\303\251a");
        cr_expect_str_eq(utf8, "\303\251a");
        cr_expect_str_eq(empty, "");
        cr_expect_null(asm_view_dup_atom(VIEW("w\4nil\0")), "as C text it is another atom");
}

Test(reader, the_longest_atoms_can_be_read)
{
        guint8 latin1[3 + 255] = { 'd', 0, 255 },
                          utf8[3 + 4 * 255] = { 'v', 1020 >> 8, 1020 & 255 };

        memset(latin1 + 3, 0xE9, 255);
        for (guint i = 0; i < 255; i++) {
                memcpy(utf8 + 3 + 4 * i, "\360\237\232\200", 4);
        }
        g_autofree char *a = asm_view_dup_atom((AsmView){ latin1, sizeof latin1 });
        g_autofree char *b = asm_view_dup_atom((AsmView){ utf8, sizeof utf8 });

        cr_assert_not_null(a);
        cr_assert_not_null(b);
        cr_expect_eq(g_utf8_strlen(a, -1), 255);
        cr_expect_eq(strlen(b), 1020);
}

Test(reader, integers_are_read_if_they_fit)
{
        static const struct {
                const guint8 *data;
                gsize len;
                gboolean fits;
                gint64 value;
        } table[] = {
                { BYTES("a\377"), TRUE, 255 },
                { BYTES("b\377\377\377\376"), TRUE, -2 },
                { BYTES("n\0\0"), TRUE, 0 },
                { BYTES("n\1\1\5"), TRUE, -5 },
                { BYTES("n\10\0\377\377\377\377\377\377\377\177"), TRUE, G_MAXINT64 },
                { BYTES("n\10\0\0\0\0\0\0\0\0\200"), FALSE, 0 },
                { BYTES("n\10\1\0\0\0\0\0\0\0\200"), TRUE, G_MININT64 },
                { BYTES("n\10\1\1\0\0\0\0\0\0\200"), FALSE, 0 },
                { BYTES("n\11\0\1\0\0\0\0\0\0\0\0"), TRUE, 1 },
                { BYTES("n\11\0\1\0\0\0\0\0\0\0\1"), FALSE, 0 },
                { BYTES("o\0\0\0\1\1\7"), TRUE, -7 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
                gint64 value = 4711;

                cr_expect_eq(asm_view_get_int((AsmView){ table[i].data, table[i].len }, &value),
                             table[i].fits,
                             "case %zu",
                             i);
                cr_expect_eq(value, table[i].fits ? table[i].value : 4711, "case %zu", i);
        }
}

Test(reader, numbers_are_read_as_doubles)
{
        static const struct {
                const guint8 *data;
                gsize len;
                double value;
        } table[] = {
                { BYTES("F\77\370\0\0\0\0\0\0"), 1.5 },
                { BYTES("c-2.50000000000000000000e+00\0\0\0\0"), -2.5 },
                { BYTES("a\7"), 7 },
                { BYTES("n\11\1\0\0\0\0\0\0\0\0\1"), -18446744073709551616.0 },
        };
        guint8 huge[3 + 255] = { 'n', 255, 0 };
        double value = 0;

        for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
                cr_expect(asm_view_get_double((AsmView){ table[i].data, table[i].len }, &value));
                cr_expect(value >= table[i].value && value <= table[i].value,
                          "case %zu: %g",
                          i,
                          value);
        }
        memset(huge + 3, 0xFF, 255);
        cr_expect_not(asm_view_get_double((AsmView){ huge, sizeof huge }, &value));
}

Test(reader, booleans_are_two_atoms)
{
        gboolean flag = FALSE;

        cr_expect(asm_view_get_bool(VIEW("w\4true"), &flag));
        cr_expect(flag);
        cr_expect(asm_view_get_bool(VIEW("d\0\5false"), &flag));
        cr_expect_not(flag);
        cr_expect_not(asm_view_get_bool(VIEW("w\3nil"), &flag));
}

Test(reader, tuples_are_taken_apart_at_once)
{
        AsmView view = VIEW("h\3w\3tagl\0\0\0\1a\1jt\0\0\0\0");
        AsmView elements[3], rest[2];

        cr_assert(asm_view_get_tuple(view, 3, elements));
        cr_expect(asm_view_same_bytes(elements[0], VIEW("w\3tag")));
        cr_expect(asm_view_same_bytes(elements[1], VIEW("l\0\0\0\1a\1j")));
        cr_expect(asm_view_same_bytes(elements[2], VIEW("t\0\0\0\0")));
        cr_assert(asm_view_get_tagged(view, "tag", 3, rest));
        cr_expect(asm_view_same_bytes(rest[0], elements[1]));
        cr_expect(asm_view_same_bytes(rest[1], elements[2]));

        cr_expect_not(asm_view_get_tuple(view, 2, elements));
        cr_expect_not(asm_view_get_tagged(view, "tag", 2, rest));
        cr_expect_not(asm_view_get_tagged(view, "other", 3, rest));
        cr_expect(asm_view_get_tuple(VIEW("h\0"), 0, elements));
        cr_expect_not(asm_view_get_tagged(VIEW("h\0"), "tag", 0, rest));
        cr_expect(asm_view_get_tagged(VIEW("h\1w\3tag"), "tag", 1, rest));
        cr_expect(asm_view_get_tuple(VIEW("i\0\0\0\2a\1a\2"), 2, elements));
        cr_expect(asm_view_same_bytes(elements[1], VIEW("a\2")));
}

static void
expect_list(AsmView view, const char *numbers, AsmView tail)
{
        AsmListCursor cursor = asm_view_list(view);
        g_autoptr(GString) seen = g_string_new(NULL);
        AsmView element;
        gint64 value = -1;

        while (asm_list_next(&cursor, &element)) {
                cr_expect(asm_view_get_int(element, &value));
                g_string_append_printf(seen, "%d ", (int)value);
        }
        cr_expect_str_eq(seen->str, numbers);
        cr_expect(asm_view_same_bytes(cursor.tail, tail));
        cr_expect_not(asm_list_next(&cursor, &element));
}

Test(reader, a_list_is_one_list_in_every_encoding)
{
        expect_list(VIEW("l\0\0\0\2a\1a\2j"), "1 2 ", VIEW("j"));
        expect_list(VIEW("k\0\3\1\200\377"), "1 128 255 ", VIEW("j"));
        expect_list(VIEW("l\0\0\0\1a\1l\0\0\0\1a\2j"), "1 2 ", VIEW("j"));
        expect_list(VIEW("l\0\0\0\1a\1k\0\2\2\3"), "1 2 3 ", VIEW("j"));
        expect_list(VIEW("l\0\0\0\1a\1l\0\0\0\1a\2w\1x"), "1 2 ", VIEW("w\1x"));
        expect_list(VIEW("j"), "", VIEW("j"));
        expect_list(VIEW("w\1x"), "", VIEW("w\1x"));
}

Test(reader, every_byte_of_a_string_is_an_integer)
{
        guint8 bytes[3 + 256] = { 'k', 1, 0 };
        AsmListCursor cursor = asm_view_list((AsmView){ bytes, sizeof bytes });
        AsmView element;
        gint64 value = -1;

        for (guint i = 0; i < 256; i++) {
                bytes[3 + i] = (guint8)i;
        }
        for (guint i = 0; i < 256; i++) {
                cr_assert(asm_list_next(&cursor, &element));
                cr_assert(asm_view_get_int(element, &value));
                cr_expect_eq(value, i);
        }
}

Test(reader, length_is_that_of_proper_lists)
{
        guint n = 77;

        cr_expect(asm_view_get_list_length(VIEW("l\0\0\0\2a\1a\2j"), &n));
        cr_expect_eq(n, 2);
        cr_expect(asm_view_get_list_length(VIEW("k\0\3abc"), &n));
        cr_expect_eq(n, 3);
        cr_expect(asm_view_get_list_length(VIEW("j"), &n));
        cr_expect_eq(n, 0);
        /* the last byte of the improper tail is that of `[]` */
        cr_expect_not(asm_view_get_list_length(VIEW("l\0\0\0\1a\1m\0\0\0\1j"), &n));
        cr_expect_eq(n, 0);
}

#define MAP "t\0\0\0\4w\4kinda\1m\0\0\0\4kinda\2d\0\2idl\0\0\0\1a\3jw\3idsa\4"

Test(reader, maps_are_walked_in_their_order)
{
        AsmMapCursor cursor = asm_view_map(VIEW(MAP));
        AsmView key, value;
        guint n = 0;

        while (asm_map_next(&cursor, &key, &value)) {
                n++;
        }
        cr_expect_eq(n, 4);
        cr_expect(asm_view_same_bytes(key, VIEW("w\3ids")));
        cr_expect(asm_view_same_bytes(value, VIEW("a\4")));
}

Test(reader, map_get_finds_atoms_only)
{
        AsmView value = ASM_VIEW_NONE;

        cr_expect(asm_view_map_get(VIEW(MAP), "kind", &value));
        cr_expect(asm_view_same_bytes(value, VIEW("a\1")));
        cr_expect(asm_view_map_get(VIEW(MAP), "ids", &value));
        cr_expect(asm_view_same_bytes(value, VIEW("a\4")));
        cr_expect_not(asm_view_map_get(VIEW(MAP), "i", &value));
        cr_expect(asm_view_same_bytes(value, VIEW("a\4")));
}

Test(reader, map_pick_fills_what_is_there)
{
        static const char *const keys[] = { "ids", "none", "id", "kind", NULL };
        AsmView values[4] = { VIEW("j"), VIEW("j"), VIEW("j"), VIEW("j") };

        cr_expect_eq(asm_view_map_pick(VIEW(MAP), keys, values), 3);

        cr_expect(asm_view_same_bytes(values[0], VIEW("a\4")));
        cr_expect_not(asm_view_is_set(values[1]));
        cr_expect(asm_view_same_bytes(values[2], VIEW("l\0\0\0\1a\3j")));
        cr_expect(asm_view_same_bytes(values[3], VIEW("a\1")));

        cr_expect_eq(asm_view_map_pick(VIEW("j"), keys, values), 0);
        cr_expect_not(asm_view_is_set(values[0]));
}
