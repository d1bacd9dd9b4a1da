/* SPDX-License-Identifier: MIT */

/*
 * Three independent looks at terms for tests.
 *
 * Rebuilding uses the public readers and builders only, so a mistake on either side shows as a
 * different term at the other end of the round trip. Kinds that have no builder function
 * (integers of more than 64 bits, bit strings, ports, funs, exports, old references of a BEAM)
 * are copied as bytes. The comparison normalizes what BEAM may encode in another way: the width
 * of integers, the alphabet of atoms, strings as lists, the order of keys.
 */

#include "term-sample.h"

#include <ei.h>
#include <string.h>

#include "term/print.h"

static void
rebuild_list(AsmBuilder *builder, AsmView view)
{
        AsmListCursor cursor = asm_view_list(view);
        AsmBuilderMark mark;
        AsmView element;
        g_autofree char *text = NULL;
        guint n = 0;

        if (view.data[0] == ERL_STRING_EXT) {
                text = asm_view_dup_text(view, /* accept_atoms= */ FALSE);
        }
        if (text != NULL) {
                asm_builder_charlist(builder, text);
                return;
        }
        mark = asm_builder_list_begin(builder);
        while (asm_list_next(&cursor, &element)) {
                sample_rebuild(builder, element);
                n++;
        }
        asm_builder_list_end(builder, mark, n);
        if (asm_view_kind(cursor.tail) != ASM_KIND_NIL) {
                builder->len--; /* the end of a proper list */
                sample_rebuild(builder, cursor.tail);
        }
}

static void
rebuild_tuple(AsmBuilder *builder, AsmView view)
{
        g_autofree AsmView *elements = NULL;
        guint arity = 0;

        g_assert_true(asm_view_get_tuple_arity(view, &arity));
        elements = g_new(AsmView, arity);
        g_assert_true(asm_view_get_tuple(view, arity, elements));
        asm_builder_tuple(builder, arity);
        for (guint i = 0; i < arity; i++) {
                sample_rebuild(builder, elements[i]);
        }
}

static void
rebuild_map(AsmBuilder *builder, AsmView view)
{
        AsmMapCursor cursor = asm_view_map(view);
        AsmBuilderMark mark = asm_builder_map_begin(builder);
        AsmView key, value;
        guint n = 0;

        while (asm_map_next(&cursor, &key, &value)) {
                sample_rebuild(builder, key);
                sample_rebuild(builder, value);
                n++;
        }
        asm_builder_map_end(builder, mark, n);
}

static gboolean
rebuild_scalar(AsmBuilder *builder, AsmView view)
{
        g_autofree char *name = asm_view_dup_atom(view);
        g_auto(AsmPid) pid = { 0 };
        g_auto(AsmRef) ref = { 0 };
        const guint8 *data;
        gsize len;
        gint64 integer;
        double number;

        if (name != NULL) {
                asm_builder_atom(builder, name);
        } else if (asm_view_get_int(view, &integer)) {
                asm_builder_int(builder, integer);
        } else if (asm_view_kind(view) == ASM_KIND_FLOAT && asm_view_get_double(view, &number)) {
                asm_builder_double(builder, number);
        } else if (asm_view_get_binary(view, &data, &len)) {
                asm_builder_binary(builder, data, len);
        } else if (asm_pid_from_view(view, &pid)) {
                asm_builder_pid(builder, &pid);
        } else if (asm_ref_from_view(view, &ref)) {
                asm_builder_ref(builder, &ref);
        } else {
                return FALSE;
        }
        return TRUE;
}

void
sample_rebuild(AsmBuilder *builder, AsmView view)
{
        switch (asm_view_kind(view)) {
        case ASM_KIND_LIST:
                rebuild_list(builder, view);
                break;
        case ASM_KIND_TUPLE:
                rebuild_tuple(builder, view);
                break;
        case ASM_KIND_MAP:
                rebuild_map(builder, view);
                break;
        case ASM_KIND_NIL:
                asm_builder_nil(builder);
                break;
        case ASM_KIND_ATOM:
        case ASM_KIND_INT:
        case ASM_KIND_FLOAT:
        case ASM_KIND_BINARY:
        case ASM_KIND_BITSTRING:
        case ASM_KIND_PID:
        case ASM_KIND_REF:
        case ASM_KIND_PORT:
        case ASM_KIND_FUN:
        case ASM_KIND_EXPORT:
                if (!rebuild_scalar(builder, view)) {
                        asm_builder_view(builder, view);
                }
                break;
        }
}

/* the sign and the bytes of the magnitude, lowest first, without leading zeros */
static GByteArray *
magnitude(AsmView view, gboolean *ret_negative)
{
        GByteArray *bytes = g_byte_array_new();
        guint64 small;
        gint64 value;

        if (asm_view_get_int(view, &value)) {
                *ret_negative = value < 0;
                small = value < 0 ? 0 - (guint64)value : (guint64)value;
                for (; small > 0; small >>= 8) {
                        guint8 byte = (guint8)small;
                        g_byte_array_append(bytes, &byte, 1);
                }
                return bytes;
        }
        gsize head = view.data[0] == ERL_SMALL_BIG_EXT ? 3 : 6;
        *ret_negative = view.data[head - 1] != 0;
        g_byte_array_append(bytes, view.data + head, (guint)(view.len - head));
        while (bytes->len > 0 && bytes->data[bytes->len - 1] == 0) {
                g_byte_array_set_size(bytes, bytes->len - 1);
        }
        return bytes;
}

static gboolean
equal_ints(AsmView a, AsmView b)
{
        gboolean a_negative, b_negative;
        g_autoptr(GByteArray) x = magnitude(a, &a_negative);
        g_autoptr(GByteArray) y = magnitude(b, &b_negative);

        return x->len == y->len &&
               (x->len == 0 || (a_negative == b_negative && memcmp(x->data, y->data, x->len) == 0));
}

static gboolean
equal_atoms(AsmView a, AsmView b)
{
        g_autofree char *x = asm_view_dup_atom(a);
        g_autofree char *y = asm_view_dup_atom(b);

        return x != NULL ? g_strcmp0(x, y) == 0 : asm_view_same_bytes(a, b);
}

static gboolean
equal_bits(AsmView a, AsmView b)
{
        guint bits = a.data[5];
        guint8 mask = (guint8)(0xFF << (8 - bits));

        return a.len == b.len && bits == b.data[5] &&
               memcmp(a.data + 1, b.data + 1, a.len - 2) == 0 &&
               (a.data[a.len - 1] & mask) == (b.data[b.len - 1] & mask);
}

static gboolean
equal_lists(AsmView a, AsmView b)
{
        AsmListCursor x = asm_view_list(a), y = asm_view_list(b);
        AsmView p, q;

        for (;;) {
                gboolean more = asm_list_next(&x, &p);
                if (more != asm_list_next(&y, &q)) {
                        return FALSE;
                }
                if (!more) {
                        return sample_equal(x.tail, y.tail);
                }
                if (!sample_equal(p, q)) {
                        return FALSE;
                }
        }
}

static gboolean
equal_tuples(AsmView a, AsmView b)
{
        guint n = 0, m = 0;

        g_assert_true(asm_view_get_tuple_arity(a, &n) && asm_view_get_tuple_arity(b, &m));
        if (n != m) {
                return FALSE;
        }
        g_autofree AsmView *x = g_new(AsmView, n);
        g_autofree AsmView *y = g_new(AsmView, n);
        g_assert_true(asm_view_get_tuple(a, n, x) && asm_view_get_tuple(b, n, y));
        for (guint i = 0; i < n; i++) {
                if (!sample_equal(x[i], y[i])) {
                        return FALSE;
                }
        }
        return TRUE;
}

static gboolean
has_pair(AsmView map, AsmView key, AsmView value)
{
        AsmMapCursor cursor = asm_view_map(map);
        AsmView k, v;

        while (asm_map_next(&cursor, &k, &v)) {
                if (sample_equal(k, key)) {
                        return sample_equal(v, value);
                }
        }
        return FALSE;
}

static gboolean
equal_maps(AsmView a, AsmView b)
{
        AsmMapCursor cursor = asm_view_map(a);
        AsmView key, value;
        guint n = 0, m = 0;

        if (!asm_view_get_map_size(a, &n) || !asm_view_get_map_size(b, &m) || n != m) {
                return FALSE;
        }
        while (asm_map_next(&cursor, &key, &value)) {
                if (!has_pair(b, key, value)) {
                        return FALSE;
                }
        }
        return TRUE;
}

/* head, module, old index, old uniq, pid and the free variables, each compared as a term */
static gboolean
equal_funs(AsmView a, AsmView b)
{
        const guint8 *x = a.data + 30, *y = b.data + 30;

        if (memcmp(a.data + 5, b.data + 5, 25) != 0) {
                return FALSE;
        }
        while (x < a.data + a.len && y < b.data + b.len) {
                AsmView p = { x, asm_view_skip(x) }, q = { y, asm_view_skip(y) };
                if (!sample_equal(p, q)) {
                        return FALSE;
                }
                x += p.len;
                y += q.len;
        }
        return x == a.data + a.len && y == b.data + b.len;
}

/* what is printed says everything of an export; of a port all but the creation */
static gboolean
equal_as_text(AsmView a, AsmView b)
{
        g_autofree char *x = asm_view_print(a, ASM_SYNTAX_ERLANG, 0);
        g_autofree char *y = asm_view_print(b, ASM_SYNTAX_ERLANG, 0);

        return strcmp(x, y) == 0 &&
               (asm_view_kind(a) != ASM_KIND_PORT || a.data[a.len - 1] == b.data[b.len - 1]);
}

static gboolean
equal_pids(AsmView a, AsmView b)
{
        g_auto(AsmPid) x = { 0 };
        g_auto(AsmPid) y = { 0 };

        return asm_pid_from_view(a, &x) && asm_pid_from_view(b, &y) && asm_pid_equal(&x, &y);
}

static gboolean
equal_refs(AsmView a, AsmView b)
{
        g_auto(AsmRef) x = { 0 };
        g_auto(AsmRef) y = { 0 };

        return asm_ref_from_view(a, &x) && asm_ref_from_view(b, &y) && asm_ref_equal(&x, &y);
}

static gboolean
equal_floats(AsmView a, AsmView b)
{
        double x = 0, y = 0;

        return asm_view_get_double(a, &x) && asm_view_get_double(b, &y) &&
               memcmp(&x, &y, sizeof x) == 0;
}

static gboolean
equal_binaries(AsmView a, AsmView b)
{
        const guint8 *x, *y;
        gsize n, m;

        return asm_view_get_binary(a, &x, &n) && asm_view_get_binary(b, &y, &m) && n == m &&
               memcmp(x, y, n) == 0;
}

gboolean
sample_equal(AsmView a, AsmView b)
{
        static gboolean (*const equal[])(AsmView, AsmView) = {
                [ASM_KIND_ATOM] = equal_atoms,     [ASM_KIND_INT] = equal_ints,
                [ASM_KIND_FLOAT] = equal_floats,   [ASM_KIND_BINARY] = equal_binaries,
                [ASM_KIND_BITSTRING] = equal_bits, [ASM_KIND_NIL] = asm_view_same_bytes,
                [ASM_KIND_LIST] = equal_lists,     [ASM_KIND_TUPLE] = equal_tuples,
                [ASM_KIND_MAP] = equal_maps,       [ASM_KIND_PID] = equal_pids,
                [ASM_KIND_REF] = equal_refs,       [ASM_KIND_PORT] = equal_as_text,
                [ASM_KIND_FUN] = equal_funs,       [ASM_KIND_EXPORT] = equal_as_text,
        };
        AsmKind kind = asm_view_kind(a);

        return asm_view_same_bytes(a, b) || (kind == asm_view_kind(b) && equal[kind](a, b));
}

static guint
below(GRand *random, guint n)
{
        return (guint)g_rand_int_range(random, 0, (gint32)n);
}

static void
append_byte(AsmBuilder *builder, guint byte)
{
        guint8 raw = (guint8)byte;

        asm_builder_raw(builder, &raw, 1);
}

static void
append_random_bytes(AsmBuilder *builder, GRand *random, guint n)
{
        while (n-- > 0) {
                append_byte(builder, g_rand_int(random));
        }
}

static void
append_number(AsmBuilder *builder, guint32 value, guint n_bytes)
{
        while (n_bytes-- > 0) {
                append_byte(builder, value >> (8 * n_bytes));
        }
}

/* a latin1 name in one of the old forms, or a UTF-8 one; few names: atoms stay in a BEAM */
static void
append_random_atom(AsmBuilder *builder, GRand *random)
{
        static const char *const names[] = {
                "ok",
                "nil",
                "true",
                "",
                "a b",
                "Elixir.ASM.Error",
                "\xC3\xA9t\xC3\xA9",
                "\xE2\x82\xAC",
                "\xF0\x9F\x9A\x80",
                "it's",
                "a\nb",
                "fun",
        };
        static const guint8 latin1[] = { 'c', 'a', 'f', 0xE9 };

        switch (below(random, 4)) {
        case 0:
                append_byte(builder, ERL_ATOM_EXT);
                append_number(builder, sizeof latin1, 2);
                asm_builder_raw(builder, latin1, sizeof latin1);
                break;
        case 1:
                append_byte(builder, ERL_SMALL_ATOM_EXT);
                append_number(builder, sizeof latin1, 1);
                asm_builder_raw(builder, latin1, sizeof latin1);
                break;
        default:
                asm_builder_atom(builder, names[below(random, G_N_ELEMENTS(names))]);
        }
}

static void
append_random_int(AsmBuilder *builder, GRand *random)
{
        guint64 value = (guint64)g_rand_int(random) << 32 | g_rand_int(random);
        guint n = below(random, 300);

        switch (below(random, 3)) {
        case 0:
                asm_builder_int(builder, (gint64)(value >> below(random, 64)));
                break;
        case 1:
                asm_builder_int(builder, -(gint64)(value >> (1 + below(random, 63))));
                break;
        default:
                append_byte(builder, n < 256 ? ERL_SMALL_BIG_EXT : ERL_LARGE_BIG_EXT);
                append_number(builder, n, n < 256 ? 1 : 4);
                append_byte(builder, below(random, 2));
                append_random_bytes(builder, random, n);
        }
}

static void
append_random_identifier(AsmBuilder *builder, GRand *random)
{
        static const guint8 heads[][2] = {
                { ERL_NEW_PID_EXT, 0 },       { ERL_PID_EXT, 0 },
                { ERL_PORT_EXT, 0 },          { ERL_NEW_PORT_EXT, 0 },
                { ERL_V4_PORT_EXT, 0 },       { ERL_REFERENCE_EXT, 0 },
                { ERL_NEW_REFERENCE_EXT, 1 }, { ERL_NEWER_REFERENCE_EXT, 1 },
        };
        const guint8 *head = heads[below(random, G_N_ELEMENTS(heads))];
        guint n_words = 1 + below(random, head[0] == ERL_NEW_REFERENCE_EXT ? 3 : ASM_REF_MAX_WORDS);
        gboolean is_pid = head[0] == ERL_NEW_PID_EXT || head[0] == ERL_PID_EXT;
        gboolean is_old = head[0] == ERL_PID_EXT || head[0] == ERL_PORT_EXT ||
                          head[0] == ERL_REFERENCE_EXT || head[0] == ERL_NEW_REFERENCE_EXT;

        append_byte(builder, head[0]);
        if (head[1] != 0) {
                append_number(builder, n_words, 2);
        }
        asm_builder_atom(builder, below(random, 2) ? "peer@host" : "other@host");
        if (head[1] != 0) {
                append_number(builder, 1 + below(random, 3), is_old ? 1 : 4);
                /* BEAM keeps 18 bits of the first word */
                append_number(builder, below(random, 1 << 18), 4);
                append_random_bytes(builder, random, 4 * (n_words - 1));
                return;
        }
        if (head[0] == ERL_V4_PORT_EXT) {
                append_number(builder, below(random, 1 << 20), 4);
        }
        append_number(builder, below(random, 1 << 15), 4);
        if (is_pid) {
                append_number(builder, below(random, 1 << 13), 4);
        }
        append_number(builder, 1 + below(random, 3), is_old ? 1 : 4);
}

static void
append_random_fun(AsmBuilder *builder, GRand *random, guint depth)
{
        gsize start = builder->len;
        guint n_free = depth > 0 ? below(random, 4) : 0;
        guint32 size;

        append_byte(builder, ERL_NEW_FUN_EXT);
        append_number(builder, 0, 4);
        append_byte(builder, below(random, 4));
        append_random_bytes(builder, random, 16);
        append_number(builder, below(random, 100), 4);
        append_number(builder, n_free, 4);
        asm_builder_atom(builder, "some_module");
        asm_builder_int(builder, below(random, 100));
        asm_builder_int(builder, below(random, 1 << 26));
        asm_builder_pid(builder, &(AsmPid){ (char *)"peer@host", 7, 0, 1 });
        for (guint i = 0; i < n_free; i++) {
                sample_append_random(builder, random, depth - 1);
        }
        size = GUINT32_TO_BE((guint32)(builder->len - start - 1));
        memcpy(builder->data + start + 1, &size, sizeof size);
}

static void
append_random_leaf(AsmBuilder *builder, GRand *random)
{
        guint n = below(random, 40);

        switch (below(random, 9)) {
        case 0:
                append_random_atom(builder, random);
                break;
        case 1:
                asm_builder_double(builder, g_rand_double_range(random, -1e9, 1e9));
                break;
        case 2:
                asm_builder_binary(builder, "the quick brown fox jumps over the lazy dog", n);
                break;
        case 3:
                append_byte(builder, ERL_BIT_BINARY_EXT);
                append_number(builder, n + 1, 4);
                append_byte(builder, 1 + below(random, 8));
                append_random_bytes(builder, random, n + 1);
                break;
        case 4:
                append_byte(builder, ERL_STRING_EXT);
                append_number(builder, n + 1, 2);
                append_random_bytes(builder, random, n + 1);
                break;
        case 5:
                append_random_identifier(builder, random);
                break;
        case 6:
                append_byte(builder, ERL_EXPORT_EXT);
                append_random_atom(builder, random);
                append_random_atom(builder, random);
                asm_builder_int(builder, below(random, 256));
                break;
        case 7:
                asm_builder_nil(builder);
                break;
        default:
                append_random_int(builder, random);
        }
}

void
sample_append_random(AsmBuilder *builder, GRand *random, guint depth)
{
        guint n = below(random, below(random, 20) == 0 ? 300 : 6);
        guint kind = below(random, depth > 0 ? 7 : 3);

        switch (kind) {
        case 3:
                asm_builder_tuple(builder, n);
                break;
        case 4:
                n++;
                asm_builder_list(builder, n);
                break;
        case 5:
                asm_builder_map(builder, n);
                break;
        case 6:
                append_random_fun(builder, random, depth);
                return;
        default:
                append_random_leaf(builder, random);
                return;
        }
        for (guint i = 0; i < n; i++) {
                if (kind == 5) {
                        /* keys that differ; a BEAM refuses a map with equal ones */
                        asm_builder_tuple(builder, 2);
                        asm_builder_int(builder, i);
                        append_random_leaf(builder, random);
                }
                sample_append_random(builder, random, n > 6 ? 0 : depth - 1);
        }
        if (kind == 4) {
                append_random_leaf(builder, random);
        }
}
