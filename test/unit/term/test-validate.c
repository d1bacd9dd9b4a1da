/* SPDX-License-Identifier: MIT */

#include <criterion/criterion.h>

#include "bytes.h"
#include "term/error.h"

#include "../../support/term-sample.h"

TestSuite(validate, .timeout = 300);

typedef struct {
        const char *name;
        const guint8 *data;
        gsize len;
        int code; /* AsmTermError, -1: a term */
} Case;

#define GOOD        -1
#define TRUNCATED   ASM_TERM_ERROR_TRUNCATED
#define BAD_TAG     ASM_TERM_ERROR_BAD_TAG
#define MALFORMED   ASM_TERM_ERROR_MALFORMED
#define NODE        "w\6a@host"
#define PID         "X" NODE "\0\0\0\1\0\0\0\0\0\0\0\1"
#define FUN_NUMBERS "\2uuuuuuuuuuuuuuuu\0\0\0\1"

static const Case cases[] = {
        { "small integer", BYTES("a\377"), GOOD },
        { "integer", BYTES("b\377\377\377\377"), GOOD },
        { "small big", BYTES("n\4\1\1\2\3\4"), GOOD },
        { "small big without digits", BYTES("n\0\0"), GOOD },
        { "small big, sign 2", BYTES("n\1\2\1"), MALFORMED },
        { "large big", BYTES("o\0\0\0\2\0\1\2"), GOOD },
        { "large big, sign 255", BYTES("o\0\0\0\2\377\1\2"), MALFORMED },
        { "large big of 4 GiB", BYTES("o\377\377\377\377\0\1\2"), TRUNCATED },
        { "float", BYTES("F\77\370\0\0\0\0\0\0"), GOOD },
        { "float infinity", BYTES("F\177\360\0\0\0\0\0\0"), MALFORMED },
        { "float -infinity", BYTES("F\377\360\0\0\0\0\0\0"), MALFORMED },
        { "float nan", BYTES("F\177\370\0\0\0\0\0\1"), MALFORMED },
        { "largest float", BYTES("F\177\357\377\377\377\377\377\377"), GOOD },
        { "text float", BYTES("c1.50000000000000000000e+00\0\0\0\0\0"), GOOD },
        { "text float without end", BYTES("c1.500000000000000000000000000e0"), MALFORMED },
        { "text float inf",
          BYTES("cinf\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
          MALFORMED },
        { "text float in hex",
          BYTES("c0x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
          MALFORMED },
        { "text float empty",
          BYTES("c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
          MALFORMED },
        { "text float too large",
          BYTES("c1.0e999\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
          MALFORMED },
        { "utf8 atom", BYTES("w\2ok"), GOOD },
        { "utf8 atom, empty", BYTES("w\0"), GOOD },
        { "utf8 atom, long form", BYTES("v\0\3\342\202\254"), GOOD },
        { "utf8 atom with NUL", BYTES("w\3a\0b"), GOOD },
        { "utf8 atom, letters and more", BYTES("w\013abcdefgh\303\251x"), GOOD },
        { "utf8 atom, stray byte", BYTES("w\2a\200"), MALFORMED },
        { "utf8 atom, stray byte in a long one", BYTES("w\12abcdefgh\200x"), MALFORMED },
        { "utf8 atom, cut character", BYTES("w\2a\303"), MALFORMED },
        { "utf8 atom, cut by its own end", BYTES("h\2w\1\303a\251"), MALFORMED },
        { "utf8 atom, overlong", BYTES("w\2\300\200"), MALFORMED },
        { "utf8 atom, surrogate", BYTES("w\3\355\240\200"), MALFORMED },
        { "utf8 atom above Unicode", BYTES("w\4\364\220\200\200"), MALFORMED },
        { "latin1 atom", BYTES("d\0\2\351a"), GOOD },
        { "small latin1 atom", BYTES("s\2\351a"), GOOD },
        { "binary", BYTES("m\0\0\0\3abc"), GOOD },
        { "binary of 4 GiB", BYTES("m\377\377\377\377abc"), TRUNCATED },
        { "bits", BYTES("M\0\0\0\1\7\376"), GOOD },
        { "whole bytes as bits", BYTES("M\0\0\0\1\10\376"), GOOD },
        { "bits, 0 in the last byte", BYTES("M\0\0\0\1\0\376"), MALFORMED },
        { "bits, 9 in the last byte", BYTES("M\0\0\0\1\11\376"), MALFORMED },
        { "bits without a byte", BYTES("M\0\0\0\0\1"), MALFORMED },
        { "nil", BYTES("j"), GOOD },
        { "string", BYTES("k\0\2ab"), GOOD },
        { "string without characters", BYTES("k\0\0"), MALFORMED },
        { "list", BYTES("l\0\0\0\1a\1j"), GOOD },
        { "improper list", BYTES("l\0\0\0\1a\1a\2"), GOOD },
        { "list without elements", BYTES("l\0\0\0\0j"), MALFORMED },
        { "list of 4 Gi", BYTES("l\377\377\377\377a\1j"), TRUNCATED },
        { "empty tuple", BYTES("h\0"), GOOD },
        { "tuple", BYTES("h\2a\1j"), GOOD },
        { "large tuple", BYTES("i\0\0\0\1a\1"), GOOD },
        { "tuple of 4 Gi", BYTES("i\377\377\377\377a\1"), TRUNCATED },
        { "empty map", BYTES("t\0\0\0\0"), GOOD },
        { "map", BYTES("t\0\0\0\1a\1a\2"), GOOD },
        { "map, keys out of order", BYTES("t\0\0\0\2a\2ja\1j"), GOOD },
        { "map with a key without value", BYTES("t\0\0\0\1a\1"), TRUNCATED },
        { "map of 4 Gi", BYTES("t\377\377\377\377a\1a\1"), TRUNCATED },
        { "map whose size wraps in 32 bits", BYTES("t\200\0\0\0a\1a\1"), TRUNCATED },
        { "pid", BYTES(PID), GOOD },
        { "old pid", BYTES("g" NODE "\0\0\0\1\0\0\0\0\1"), GOOD },
        { "pid of a latin1 node", BYTES("Xd\0\3a@b\0\0\0\1\0\0\0\0\0\0\0\1"), GOOD },
        { "pid without a node", BYTES("Xa\1\0\0\0\1\0\0\0\0\0\0\0\1"), BAD_TAG },
        { "pid of a node that is not UTF-8", BYTES("Xw\1\200\0\0\0\1\0\0\0\0\0\0\0\1"), MALFORMED },
        { "port", BYTES("Y" NODE "\0\0\0\1\0\0\0\1"), GOOD },
        { "old port", BYTES("f" NODE "\0\0\0\1\1"), GOOD },
        { "new port", BYTES("x" NODE "\0\0\0\1\0\0\0\1\0\0\0\1"), GOOD },
        { "reference", BYTES("Z\0\1" NODE "\0\0\0\1\0\0\0\1"), GOOD },
        { "reference of 5 words", BYTES("Z\0\5" NODE "ccccaaaabbbbccccddddeeee"), GOOD },
        { "reference of 6 words", BYTES("Z\0\6" NODE "ccccaaaabbbbccccddddeeeeffff"), MALFORMED },
        { "reference of no words", BYTES("Z\0\0" NODE "cccc"), MALFORMED },
        { "reference without a node", BYTES("Z\0\1j\0\0\0\1\0\0\0\1"), BAD_TAG },
        { "old reference", BYTES("r\0\3" NODE "caaaabbbbcccc"), GOOD },
        { "oldest reference", BYTES("e" NODE "aaaac"), GOOD },
        { "export", BYTES("qw\1mw\1fa\2"), GOOD },
        { "export of a string", BYTES("qw\1mk\0\1fa\2"), BAD_TAG },
        { "export, arity of 32 bits", BYTES("qw\1mw\1fb\0\0\0\2"), MALFORMED },
        { "fun", BYTES("p\0\0\0\71" FUN_NUMBERS "\0\0\0\0w\1ma\1a\2" PID), GOOD },
        { "fun with a variable",
          BYTES("p\0\0\0\73" FUN_NUMBERS "\0\0\0\1w\1ma\1a\2" PID "a\7"),
          GOOD },
        { "fun, integers",
          BYTES("p\0\0\0\77" FUN_NUMBERS "\0\0\0\0w\1mb\0\0\0\1b\0\0\0\2" PID),
          GOOD },
        { "fun, size one short",
          BYTES("p\0\0\0\70" FUN_NUMBERS "\0\0\0\0w\1ma\1a\2" PID),
          MALFORMED },
        { "fun, size one more",
          BYTES("p\0\0\0\72" FUN_NUMBERS "\0\0\0\0w\1ma\1a\2" PID "j"),
          MALFORMED },
        { "fun, size ends in a variable",
          BYTES("p\0\0\0\72" FUN_NUMBERS "\0\0\0\1w\1ma\1a\2" PID "a\7"),
          MALFORMED },
        { "fun, size 0", BYTES("p\0\0\0\0" FUN_NUMBERS "\0\0\0\0w\1ma\1a\2" PID), MALFORMED },
        { "fun, size 4 GiB",
          BYTES("p\377\377\377\377" FUN_NUMBERS "\0\0\0\0w\1ma\1a\2" PID),
          TRUNCATED },
        { "fun, 4 Gi variables",
          BYTES("p\0\0\0\71" FUN_NUMBERS "\377\377\377\377w\1ma\1a\2" PID),
          TRUNCATED },
        { "fun of a module that is none",
          BYTES("p\0\0\0\70" FUN_NUMBERS "\0\0\0\0a\1a\1a\2" PID),
          BAD_TAG },
        { "fun, index that is none",
          BYTES("p\0\0\0\71" FUN_NUMBERS "\0\0\0\0w\1mw\0a\2" PID),
          BAD_TAG },
        { "fun, pid that is none", BYTES("p\0\0\0\45" FUN_NUMBERS "\0\0\0\0w\1ma\1a\2j"), BAD_TAG },
        { "nothing", BYTES(""), TRUNCATED },
        { "cached atom", BYTES("R\0"), BAD_TAG },
        { "distribution header", BYTES("D\0"), BAD_TAG },
        { "compressed term", BYTES("P\0\0\0\1x"), BAD_TAG },
        { "version byte", BYTES("\203a\1"), BAD_TAG },
        { "old fun", BYTES("u\0\0\0\0"), BAD_TAG },
        { "local term of OTP 26", BYTES("y\0\0\0\0"), BAD_TAG },
        { "tag 0", BYTES("\0"), BAD_TAG },
        { "tag 255 in a tuple", BYTES("h\2a\1\377"), BAD_TAG },
};

Test(validate, accepts_what_a_beam_sends_and_refuses_what_none_would)
{
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                const Case *c = &cases[i];
                g_autoptr(GError) error = NULL;
                gsize used = 4711;

                gboolean is_good = check_exact(c->data, c->len, NULL, &used, &error);

                if (c->code == GOOD) {
                        cr_expect(is_good, "%s: %s", c->name, is_good ? "" : error->message);
                        cr_expect_eq(used, c->len, "%s: used %zu", c->name, used);
                        cr_expect_eq(asm_view_skip(c->data), c->len, "%s: skip", c->name);
                } else {
                        cr_expect_not(is_good, "%s was accepted", c->name);
                        cr_expect(g_error_matches(error, ASM_TERM_ERROR, c->code),
                                  "%s: %s",
                                  c->name,
                                  error != NULL ? error->message : "");
                        cr_expect_eq(used, 4711, "%s: ret_used was written", c->name);
                }
        }
}

Test(validate, every_tag_without_a_meaning_is_refused)
{
        const char *known = "abcdefghijklmnopqrstvwxFMXYZ";

        for (int tag = 0; tag < 256; tag++) {
                guint8 bytes[64] = { (guint8)tag };
                g_autoptr(GError) error = NULL;
                gsize used;

                if (tag == 0 || strchr(known, tag) == NULL) {
                        cr_expect_not(check_exact(bytes, sizeof bytes, NULL, &used, &error));
                        cr_expect(g_error_matches(error, ASM_TERM_ERROR, BAD_TAG), "tag %d", tag);
                }
        }
}

Test(validate, refuses_every_truncation_and_reads_nothing_behind_the_end)
{
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                for (gsize len = 0; cases[i].code == GOOD && len < cases[i].len; len++) {
                        g_autoptr(GError) error = NULL;
                        gsize used;

                        cr_expect_not(check_exact(cases[i].data, len, NULL, &used, &error),
                                      "%s cut to %zu",
                                      cases[i].name,
                                      len);
                }
        }
}

Test(validate, uses_only_the_first_term)
{
        gsize used = 0;

        cr_expect(asm_term_check(BYTES("h\1a\1\377\377"), NULL, &used, NULL));

        cr_expect_eq(used, 4);
}

Test(validate, atoms_have_up_to_255_characters)
{
        static const struct {
                guint8 tag;
                const char *character;
                guint n;
                gboolean is_good;
        } table[] = {
                { 'v', "a", 255, TRUE },
                { 'v', "a", 256, FALSE },
                { 'v', "\303\251", 255, TRUE },
                { 'v', "\303\251", 256, FALSE },
                { 'v', "\360\237\232\200", 255, TRUE },
                { 'v', "\360\237\232\200", 256, FALSE },
                { 'd', "\351", 255, TRUE },
                { 'd', "\351", 256, FALSE },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
                guint8 bytes[3 + 4 * 256];
                gsize size = strlen(table[i].character), used, len = 3;

                bytes[0] = table[i].tag;
                bytes[1] = (guint8)(table[i].n * size >> 8);
                bytes[2] = (guint8)(table[i].n * size);
                for (guint n = 0; n < table[i].n; n++, len += size) {
                        memcpy(bytes + len, table[i].character, size);
                }
                cr_expect_eq(check_exact(bytes, len, NULL, &used, NULL),
                             table[i].is_good,
                             "case %zu",
                             i);
        }
}

/* @n one-element tuples around a small integer, or one-element maps, lists */
static GByteArray *
nested(const char *head, gsize head_len, const char *tail, gsize tail_len, guint n)
{
        GByteArray *bytes = g_byte_array_new();

        for (guint i = 0; i < n; i++) {
                g_byte_array_append(bytes, (const guint8 *)head, (guint)head_len);
        }
        g_byte_array_append(bytes, (const guint8 *)"a\1", 2);
        for (guint i = 0; i < n; i++) {
                g_byte_array_append(bytes, (const guint8 *)tail, (guint)tail_len);
        }
        return bytes;
}

Test(validate, depth_is_accepted_up_to_the_limit)
{
        static const struct {
                const char *head;
                gsize head_len;
                const char *tail;
                gsize tail_len;
        } kinds[] = {
                { "h\1", 2, "", 0 },          { "i\0\0\0\1", 5, "", 0 },
                { "l\0\0\0\1", 5, "j", 1 },   { "l\0\0\0\1j", 6, "", 0 },
                { "t\0\0\0\1a\1", 7, "", 0 }, { "t\0\0\0\1", 5, "a\1", 2 },
        };
        static const guint limits[] = { 1, 23, 24, 25, 48, 49, 512 };

        for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
                for (gsize i = 0; i < G_N_ELEMENTS(limits); i++) {
                        AsmTermLimits limit = { limits[i], 10000 };
                        g_autoptr(GError) error = NULL;
                        g_autoptr(GByteArray) at_limit = nested(kinds[k].head,
                                                                kinds[k].head_len,
                                                                kinds[k].tail,
                                                                kinds[k].tail_len,
                                                                limits[i]);
                        g_autoptr(GByteArray) above = nested(kinds[k].head,
                                                             kinds[k].head_len,
                                                             kinds[k].tail,
                                                             kinds[k].tail_len,
                                                             limits[i] + 1);
                        gsize used = 0;

                        cr_expect(check_exact(at_limit->data, at_limit->len, &limit, &used, NULL));
                        cr_expect_eq(used, at_limit->len);
                        cr_expect_eq(asm_view_skip(at_limit->data), at_limit->len);
                        cr_expect_not(check_exact(above->data, above->len, &limit, &used, &error));
                        cr_expect(g_error_matches(error, ASM_TERM_ERROR, ASM_TERM_ERROR_TOO_DEEP));
                }
        }
}

Test(validate, the_default_depth_is_512)
{
        g_autoptr(GByteArray) at_limit = nested("h\1", 2, "", 0, 512);
        g_autoptr(GByteArray) above = nested("h\1", 2, "", 0, 513);
        gsize used;

        cr_expect(asm_term_check(at_limit->data, at_limit->len, NULL, &used, NULL));
        cr_expect_not(asm_term_check(above->data, above->len, NULL, &used, NULL));
}

Test(validate, elements_are_counted_up_to_the_limit)
{
        static const struct {
                const guint8 *data;
                gsize len;
                guint n;
        } table[] = {
                { BYTES("a\1"), 1 },
                { BYTES("h\0"), 1 },
                { BYTES("h\2a\1a\2"), 3 },
                { BYTES("l\0\0\0\2a\1a\2j"), 4 },
                { BYTES("t\0\0\0\2a\1a\2a\3h\1a\5"), 6 },
                { BYTES("k\0\3abc"), 1 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
                AsmTermLimits limit = { 10, table[i].n };
                g_autoptr(GError) error = NULL;
                gsize used;

                cr_expect(check_exact(table[i].data, table[i].len, &limit, &used, NULL),
                          "case %zu",
                          i);
                limit.max_elements--;
                cr_expect_not(check_exact(table[i].data, table[i].len, &limit, &used, &error),
                              "case %zu",
                              i);
                cr_expect(g_error_matches(error, ASM_TERM_ERROR, ASM_TERM_ERROR_TOO_BIG),
                          "case %zu",
                          i);
        }
}

Test(validate, the_error_names_tag_and_place)
{
        g_autoptr(GError) error = NULL;
        gsize used;

        cr_expect_not(asm_term_check(BYTES("h\2a\1R\0"), NULL, &used, &error));

        cr_expect_str_eq(error->message, "term at byte 4 (tag 82): no such kind of term");
}

Test(validate, a_message_is_the_version_byte_and_one_term)
{
        AsmView view = ASM_VIEW_NONE;
        g_autoptr(GError) error = NULL;

        cr_expect(asm_view_from_bytes(BYTES("\203w\2ok"), NULL, &view, &error));
        cr_expect_eq(view.len, 4);
        cr_expect_eq(view.data[0], 'w');

        view = ASM_VIEW_NONE;
        cr_expect_not(asm_view_from_bytes(BYTES("w\2ok"), NULL, &view, NULL));
        cr_expect_not(asm_view_from_bytes(BYTES("\203w\2okj"), NULL, &view, NULL));
        cr_expect_not(asm_view_from_bytes(BYTES("\203"), NULL, &view, NULL));
        cr_expect_not(asm_view_from_bytes(BYTES(""), NULL, &view, NULL));
        cr_expect_not(asm_view_is_set(view));
}

/* every reader over whatever the check lets through: the sanitizer looks for wrong reads */
static void
read_everything(const guint8 *data, gsize used)
{
        AsmView view = { data, used };
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autofree char *erlang = asm_view_print(view, ASM_SYNTAX_ERLANG, 0);
        g_autofree char *elixir = asm_view_print(view, ASM_SYNTAX_ELIXIR, 0);
        gsize again = 0;

        sample_rebuild(&builder, view);
        cr_expect_eq(asm_view_skip(data), used);
        cr_expect(asm_term_check(builder.data, builder.len, NULL, &again, NULL), "%s", erlang);
        cr_expect_eq(again, builder.len);
        cr_expect(sample_equal(view, asm_builder_peek(&builder)), "%s", erlang);
        cr_expect(g_utf8_validate(erlang, -1, NULL) && g_utf8_validate(elixir, -1, NULL));
}

Test(validate, mutated_terms_are_refused_or_readable)
{
        g_autoptr(GRand) random = g_rand_new_with_seed(3);
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        guint n_good = 0, n_bad = 0;

        for (guint i = 0; i < 5000; i++) {
                gsize used = 0;

                if (i % 20 == 0) {
                        asm_builder_reset(&builder);
                        sample_append_random(&builder, random, 3);
                }
                gsize len = MIN(builder.len, 2000);
                guint8 *copy = g_memdup2(builder.data, len);
                for (guint flips = (guint)g_rand_int_range(random, 0, 4); flips > 0; flips--) {
                        copy[g_rand_int_range(random, 0, (gint32)len)] = (guint8)g_rand_int(random);
                }
                if (asm_term_check(copy, len, NULL, &used, NULL)) {
                        n_good++;
                        guint8 *exact = g_memdup2(copy, used);
                        read_everything(exact, used);
                        g_free(exact);
                } else {
                        n_bad++;
                }
                g_free(copy);
        }
        cr_expect_gt(n_good, 2000);
        cr_expect_gt(n_bad, 2000);
}
