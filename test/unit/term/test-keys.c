/* SPDX-License-Identifier: MIT */
/*
 * A key that is twice in a map: found in whatever forms it is written and however large the map is,
 * and never where there is none.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "bytes.h"
#include "term/builder.h"
#include "term/error.h"
#include "term/term.h"

TestSuite(keys, .timeout = 300);

typedef struct {
        const guint8 *data;
        gsize len;
} Key;

#define NODE "w\1n"
#define FUN(free)                                                                                  \
        "p\0\0\0\101\2uuuuuuuuuuuuuuuu\0\0\0\1\0\0\0\1w\1ma\1a\2X" NODE                            \
        "\0\0\0\1\0\0\0\0\0\0\0\1" free

/* each line is one value in several forms; no two lines have the same */
static const Key values[][5] = {
        { { BYTES("a\141") },
          { BYTES("b\0\0\0\141") },
          { BYTES("n\1\0\141") },
          { BYTES("n\4\0\141\0\0\0") },
          { BYTES("o\0\0\0\2\0\141\0") } },
        { { BYTES("b\377\377\377\377") }, { BYTES("n\1\1\1") } },
        { { BYTES("a\0") }, { BYTES("b\0\0\0\0") }, { BYTES("n\0\1") }, { BYTES("n\1\0\0") } },
        { { BYTES("n\11\0\1\2\3\4\5\6\7\10\11") },
          { BYTES("o\0\0\0\12\0\1\2\3\4\5\6\7\10\11\0") } },
        { { BYTES("n\11\1\1\2\3\4\5\6\7\10\11") } },
        { { BYTES("w\1a") }, { BYTES("v\0\1a") }, { BYTES("d\0\1a") }, { BYTES("s\1a") } },
        { { BYTES("w\2\303\251") }, { BYTES("d\0\1\351") }, { BYTES("s\1\351") } },
        { { BYTES("w\0") } },
        { { BYTES("m\0\0\0\1a") }, { BYTES("M\0\0\0\1\10a") } },
        { { BYTES("M\0\0\0\1\3\140") }, { BYTES("M\0\0\0\1\3\177") } },
        { { BYTES("m\0\0\0\0") } },
        { { BYTES("m\0\0\0\10abcdefgh") } },
        { { BYTES("m\0\0\0\11abcdefgh\0") } },
        { { BYTES("F\77\370\0\0\0\0\0\0") }, { BYTES("c1.50000000000000000000e+00\0\0\0\0\0") } },
        { { BYTES("F\0\0\0\0\0\0\0\0") }, { BYTES("F\200\0\0\0\0\0\0\0") } },
        { { BYTES("F\77\360\0\0\0\0\0\0") } },
        { { BYTES("j") } },
        { { BYTES("k\0\2ab") },
          { BYTES("l\0\0\0\2a\141a\142j") },
          { BYTES("l\0\0\0\1a\141k\0\1b") },
          { BYTES("l\0\0\0\1a\141l\0\0\0\1b\0\0\0\142j") } },
        { { BYTES("l\0\0\0\1a\141a\142") } },
        { { BYTES("l\0\0\0\1k\0\2abj") } },
        { { BYTES("h\2a\1a\2") }, { BYTES("i\0\0\0\2a\1b\0\0\0\2") } },
        { { BYTES("h\2a\2a\1") } },
        { { BYTES("h\1h\2a\1a\2") } },
        { { BYTES("h\0") }, { BYTES("i\0\0\0\0") } },
        { { BYTES("t\0\0\0\0") } },
        { { BYTES("t\0\0\0\2a\1a\2a\3a\4") }, { BYTES("t\0\0\0\2a\3a\4b\0\0\0\1a\2") } },
        { { BYTES("t\0\0\0\2a\1a\4a\3a\2") } },
        { { BYTES("X" NODE "\0\0\0\1\0\0\0\0\0\0\0\2") }, { BYTES("gd\0\1n\0\0\0\1\0\0\0\0\2") } },
        { { BYTES("Y" NODE "\0\0\0\1\0\0\0\2") },
          { BYTES("x" NODE "\0\0\0\0\0\0\0\1\0\0\0\2") },
          { BYTES("f" NODE "\0\0\0\1\2") } },
        { { BYTES("Z\0\2" NODE "\0\0\0\2\0\0\0\1\0\0\0\0") },
          { BYTES("Z\0\1" NODE "\0\0\0\2\0\0\0\1") },
          { BYTES("r\0\1" NODE "\2\0\0\0\1") },
          { BYTES("e" NODE "\0\0\0\1\2") } },
        { { BYTES("qw\1mw\1fa\1") }, { BYTES("qd\0\1ms\1fa\1") } },
        { { BYTES("qw\1mw\1fa\2") } },
};

static gboolean
check(const AsmBuilder *term, GError **error)
{
        gsize used;

        return asm_term_check(term->data, term->len, NULL, &used, error);
}

static void
put(AsmBuilder *term, gconstpointer bytes, gsize len)
{
        asm_builder_view(term, (AsmView){ bytes, len });
}

Test(keys, the_same_value_is_found_in_every_form_and_others_are_not)
{
        for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
                for (gsize j = 0; j < G_N_ELEMENTS(values); j++) {
                        for (gsize k = 0; k < 25; k++) {
                                const Key *one = &values[i][k / 5];
                                const Key *other = &values[j][k % 5];
                                g_auto(AsmBuilder) term = ASM_BUILDER_INIT;
                                g_autoptr(GError) error = NULL;

                                if (one->data == NULL || other->data == NULL)
                                        continue;
                                asm_builder_map(&term, 2);
                                put(&term, one->data, one->len);
                                asm_builder_int(&term, 1);
                                put(&term, other->data, other->len);
                                asm_builder_int(&term, 2);
                                cr_expect_eq(check(&term, &error),
                                             i != j,
                                             "value %zu form %zu, value %zu form %zu: %s",
                                             i,
                                             k / 5,
                                             j,
                                             k % 5,
                                             error != NULL ? error->message : "taken");
                                if (error != NULL)
                                        cr_expect_not_null(strstr(error->message, "key"),
                                                           "%s",
                                                           error->message);
                        }
                }
        }
}

/* #{0 => 0, ..}, the last key being @last */
static void
put_numbers(AsmBuilder *term, guint n, guint last)
{
        asm_builder_map(term, n);
        for (guint i = 0; i < n; i++) {
                asm_builder_int(term, i + 1 < n ? i : last);
                asm_builder_int(term, 0);
        }
}

Test(keys, one_among_many_is_found)
{
        static const guint sizes[] = { 2, 3, 24, 25, 26, 32, 33, 1000, 100000 };

        for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
                guint n = sizes[i];

                for (guint last = 0; last < n; last += MAX(n / 7, 1)) {
                        g_auto(AsmBuilder) term = ASM_BUILDER_INIT;

                        put_numbers(&term, n, last);
                        cr_expect_eq(check(&term, NULL), last == n - 1, "%u of %u", last, n);
                }
                g_auto(AsmBuilder) good = ASM_BUILDER_INIT;
                put_numbers(&good, n, n - 1);
                cr_expect(check(&good, NULL), "%u", n);
        }
}

Test(keys, a_map_is_looked_at_wherever_it_lies)
{
        static const struct {
                const char *what;
                Key term;
                gboolean is_good;
        } cases[] = {
                { "in a tuple", { BYTES("h\2a\1t\0\0\0\2a\1a\1a\1a\2") }, FALSE },
                { "in a list", { BYTES("l\0\0\0\1t\0\0\0\2a\1a\1a\1a\2j") }, FALSE },
                { "as a tail", { BYTES("l\0\0\0\1a\0t\0\0\0\2a\1a\1a\1a\2") }, FALSE },
                { "as a value", { BYTES("t\0\0\0\1a\1t\0\0\0\2a\1a\1a\1a\2") }, FALSE },
                { "as a key", { BYTES("t\0\0\0\1t\0\0\0\2a\1a\1a\1a\2a\1") }, FALSE },
                { "behind a map",
                  { BYTES("h\2t\0\0\0\2a\1a\1a\2a\1t\0\0\0\2a\1a\1a\1a\2") },
                  FALSE },
                { "in a fun", { BYTES(FUN("t\0\0\0\2a\1a\1a\1a\2")) }, FALSE },
                { "one key outside and inside", { BYTES("t\0\0\0\1a\1t\0\0\0\1a\1a\1") }, TRUE },
                { "one key in two maps",
                  { BYTES("h\2t\0\0\0\2a\1a\1a\2a\1t\0\0\0\2a\1a\1a\2a\1") },
                  TRUE },
                { "values that are equal", { BYTES("t\0\0\0\2a\1a\1a\2a\1") }, TRUE },
                { "a value that is a key", { BYTES("t\0\0\0\2a\1a\2a\2a\1") }, TRUE },
                { "behind an inner map",
                  { BYTES("t\0\0\0\2a\1t\0\0\0\2a\1a\1a\2a\2a\1a\0") },
                  FALSE },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                gsize used;

                cr_expect_eq(
                        asm_term_check(cases[i].term.data, cases[i].term.len, NULL, &used, &error),
                        cases[i].is_good,
                        "%s: %s",
                        cases[i].what,
                        error != NULL ? error->message : "taken");
                if (!cases[i].is_good && error != NULL)
                        cr_expect_not_null(strstr(error->message, "a key that is there twice"),
                                           "%s: %s",
                                           cases[i].what,
                                           error->message);
        }
}

/* keys in keys, as deep as a term may be: each byte is looked at once, or this would take for ever */
Test(keys, deep_keys_cost_no_more_than_flat_ones)
{
        g_auto(AsmBuilder) term = ASM_BUILDER_INIT;

        for (guint i = 0; i < 500; i++) {
                asm_builder_map(&term, 2);
                asm_builder_int(&term, 7);
                asm_builder_int(&term, 7);
        }
        put_numbers(&term, 100000, 99999);
        for (guint i = 0; i < 500; i++)
                asm_builder_int(&term, 8);
        cr_expect(check(&term, NULL));
}
