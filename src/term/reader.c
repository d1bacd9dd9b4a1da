/* SPDX-License-Identifier: MIT */

/*
 * Reads terms in place.
 *
 * A view is the bytes of one checked term, so a reader looks at the tag and answers; nothing is
 * allocated but what is called dup, and nothing is checked twice. A container has no index:
 * going to its third element means walking over two. So cursors and asm_view_map_pick() go
 * through a container once, and what reads several fields of a map names them all at once.
 *
 *     #{kind => x, id => 7}    116 0 0 0 2 | key | value | key | value
 *                                            ^ at, left = 2
 *
 * A list may be sent in pieces, `[1 | [2, 3]]`, or as STRING_EXT if all elements are bytes: the
 * list cursor makes one list of it, as BEAM does. Names of atoms are compared as bytes, which is
 * right for ASCII in either encoding of atoms.
 */

#include "term/reader.h"

#include <math.h>

#include "term/format-private.h"

#define INTS_8(n)                                                                                  \
        97, (n), 97, (n) + 1, 97, (n) + 2, 97, (n) + 3, 97, (n) + 4, 97, (n) + 5, 97, (n) + 6, 97, \
                (n) + 7
#define INTS_64(n)                                                                                 \
        INTS_8(n), INTS_8((n) + 8), INTS_8((n) + 16), INTS_8((n) + 24), INTS_8((n) + 32),          \
                INTS_8((n) + 40), INTS_8((n) + 48), INTS_8((n) + 56)

/* SMALL_INTEGER_EXT of every byte: what the elements of a STRING_EXT are shown as */
static const guint8 byte_terms[512] = { INTS_64(0), INTS_64(64), INTS_64(128), INTS_64(192) };

static const guint8 nil_term[1] = { ERL_NIL_EXT };

AsmKind
asm_view_kind(AsmView view)
{
        switch (view.data[0]) {
        case ERL_SMALL_INTEGER_EXT:
        case ERL_INTEGER_EXT:
        case ERL_SMALL_BIG_EXT:
        case ERL_LARGE_BIG_EXT:
                return ASM_KIND_INT;
        case ERL_SMALL_ATOM_UTF8_EXT:
        case ERL_ATOM_UTF8_EXT:
        case ERL_SMALL_ATOM_EXT:
        case ERL_ATOM_EXT:
                return ASM_KIND_ATOM;
        case NEW_FLOAT_EXT:
        case ERL_FLOAT_EXT:
                return ASM_KIND_FLOAT;
        case ERL_BINARY_EXT:
                return ASM_KIND_BINARY;
        case ERL_BIT_BINARY_EXT:
                return view.data[5] == 8 ? ASM_KIND_BINARY : ASM_KIND_BITSTRING;
        case ERL_NIL_EXT:
                return ASM_KIND_NIL;
        case ERL_LIST_EXT:
        case ERL_STRING_EXT:
                return ASM_KIND_LIST;
        case ERL_SMALL_TUPLE_EXT:
        case ERL_LARGE_TUPLE_EXT:
                return ASM_KIND_TUPLE;
        case ERL_MAP_EXT:
                return ASM_KIND_MAP;
        case ERL_NEW_PID_EXT:
        case ERL_PID_EXT:
                return ASM_KIND_PID;
        case ERL_NEWER_REFERENCE_EXT:
        case ERL_NEW_REFERENCE_EXT:
        case ERL_REFERENCE_EXT:
                return ASM_KIND_REF;
        case ERL_V4_PORT_EXT:
        case ERL_NEW_PORT_EXT:
        case ERL_PORT_EXT:
                return ASM_KIND_PORT;
        case ERL_NEW_FUN_EXT:
                return ASM_KIND_FUN;
        case ERL_EXPORT_EXT:
                return ASM_KIND_EXPORT;
        default:
                g_assert_not_reached();
        }
}

static inline gboolean
atom_equals(const guint8 *at, const char *name, gsize name_len)
{
        const guint8 *bytes;
        gsize len;

        return asm_atom_head(at, &bytes, &len) && len == name_len && memcmp(bytes, name, len) == 0;
}

gboolean
asm_view_is_atom(AsmView view, const char *name)
{
        return asm_view_is_set(view) && atom_equals(view.data, name, strlen(name));
}

gboolean
asm_view_get_atom(AsmView view, const char **ret_name, gsize *ret_len)
{
        const guint8 *name;
        gsize len;

        if (!asm_view_is_set(view) || !asm_atom_head(view.data, &name, &len)) {
                return FALSE;
        }
        *ret_name = (const char *)name;
        *ret_len = len;
        return TRUE;
}

char *
asm_view_dup_atom(AsmView view)
{
        char name[MAXATOMLEN_UTF8];
        const char *bytes;
        gsize len;
        int index = 0;

        /* an atom with a NUL inside would read as another, shorter one */
        if (!asm_view_get_atom(view, &bytes, &len) || memchr(bytes, '\0', len) != NULL ||
            ei_decode_atom_as((const char *)view.data,
                              &index,
                              name,
                              sizeof name,
                              ERLANG_UTF8,
                              NULL,
                              NULL) != 0) {
                return NULL;
        }
        return g_strdup(name);
}

gboolean
asm_view_get_int(AsmView view, gint64 *ret_value)
{
        EI_LONGLONG value;
        int index = 0;

        if (!asm_view_is_set(view)) {
                return FALSE;
        }
        switch (view.data[0]) {
        case ERL_SMALL_INTEGER_EXT:
                *ret_value = view.data[1];
                return TRUE;
        case ERL_INTEGER_EXT:
                *ret_value = (gint32)asm_get32(view.data + 1);
                return TRUE;
        case ERL_SMALL_BIG_EXT:
        case ERL_LARGE_BIG_EXT:
                if (ei_decode_longlong((const char *)view.data, &index, &value) != 0) {
                        return FALSE;
                }
                *ret_value = value;
                return TRUE;
        default:
                return FALSE;
        }
}

/* the old floats are text; libei would read them with sscanf, which depends on the locale */
static double
text_float(const guint8 *at)
{
        char text[32] = { 0 };

        memcpy(text, at + 1, 31);
        return g_ascii_strtod(text, NULL);
}

static double
big_to_double(AsmView view)
{
        gboolean negative = FALSE;
        const guint8 *digits = NULL;
        gsize n = 0;
        double value = 0;

        asm_big_head(view.data, &negative, &n, &digits);
        while (n-- > 0 && isfinite(value)) {
                value = value * 256 + digits[n];
        }
        return negative ? -value : value;
}

gboolean
asm_view_get_double(AsmView view, double *ret_value)
{
        gint64 integer;
        double value;
        int index = 0;

        if (asm_view_get_int(view, &integer)) {
                *ret_value = (double)integer;
                return TRUE;
        }
        if (!asm_view_is_set(view)) {
                return FALSE;
        }
        switch (view.data[0]) {
        case NEW_FLOAT_EXT:
                if (ei_decode_double((const char *)view.data, &index, &value) != 0) {
                        return FALSE;
                }
                break;
        case ERL_FLOAT_EXT:
                value = text_float(view.data);
                break;
        case ERL_SMALL_BIG_EXT:
        case ERL_LARGE_BIG_EXT:
                value = big_to_double(view);
                break;
        default:
                return FALSE;
        }
        if (!isfinite(value)) {
                return FALSE;
        }
        *ret_value = value;
        return TRUE;
}

gboolean
asm_view_get_bool(AsmView view, gboolean *ret_value)
{
        if (asm_view_is_atom(view, "true")) {
                *ret_value = TRUE;
        } else if (asm_view_is_atom(view, "false")) {
                *ret_value = FALSE;
        } else {
                return FALSE;
        }
        return TRUE;
}

gboolean
asm_view_get_binary(AsmView view, const guint8 **ret_data, gsize *ret_len)
{
        if (!asm_view_is_set(view)) {
                return FALSE;
        }
        if (view.data[0] == ERL_BINARY_EXT) {
                *ret_data = view.data + 5;
                *ret_len = asm_get32(view.data + 1);
                return TRUE;
        }
        if (view.data[0] == ERL_BIT_BINARY_EXT && view.data[5] == 8) {
                *ret_data = view.data + 6;
                *ret_len = asm_get32(view.data + 1);
                return TRUE;
        }
        return FALSE;
}

/* keys and tags are atoms nearly always: their length is at hand without the general walk */
static inline const guint8 *
skip_key(const guint8 *at)
{
        return at[0] == ERL_SMALL_ATOM_UTF8_EXT ? at + 2 + at[1] : at + asm_view_skip(at);
}

static inline const guint8 *
take_view(const guint8 *at, AsmView *ret_view)
{
        *ret_view = (AsmView){ at, asm_view_skip(at) };
        return at + ret_view->len;
}

/* @n > 0 views from @at; the last one ends where the tuple ends, which spares a walk over it */
static inline void
take_views(const guint8 *at, const guint8 *end, guint n, AsmView *ret_views)
{
        for (guint i = 0; i + 1 < n; i++) {
                at = take_view(at, &ret_views[i]);
        }
        ret_views[n - 1] = (AsmView){ at, (gsize)(end - at) };
}

gboolean
asm_view_get_tuple(AsmView view, guint arity, AsmView *ret_elements)
{
        const guint8 *at;
        guint32 n;

        if (!asm_view_is_set(view) || !asm_tuple_head(view.data, &n, &at) || n != arity) {
                return FALSE;
        }
        if (n > 0) {
                take_views(at, view.data + view.len, n, ret_elements);
        }
        return TRUE;
}

gboolean
asm_view_get_tagged(AsmView view, const char *tag, guint arity, AsmView *ret_rest)
{
        const guint8 *at;
        guint32 n;

        if (!asm_view_is_set(view) || !asm_tuple_head(view.data, &n, &at) || n != arity || n == 0 ||
            !atom_equals(at, tag, strlen(tag))) {
                return FALSE;
        }
        if (n > 1) {
                take_views(skip_key(at), view.data + view.len, n - 1, ret_rest);
        }
        return TRUE;
}

gboolean
asm_view_get_tuple_arity(AsmView view, guint *ret_arity)
{
        const guint8 *at;
        guint32 n;

        if (!asm_view_is_set(view) || !asm_tuple_head(view.data, &n, &at)) {
                return FALSE;
        }
        *ret_arity = n;
        return TRUE;
}

AsmListCursor
asm_view_list(AsmView view)
{
        if (asm_view_is_set(view) && view.data[0] == ERL_LIST_EXT) {
                return (AsmListCursor){ .at = view.data + 5,
                                        .end = view.data + view.len,
                                        .left = asm_get32(view.data + 1) };
        }
        if (asm_view_is_set(view) && view.data[0] == ERL_STRING_EXT) {
                return (AsmListCursor){ .at = view.data + 3,
                                        .end = view.data + view.len,
                                        .left = asm_get16(view.data + 1),
                                        .is_string = TRUE };
        }
        return (AsmListCursor){ .tail = view };
}

gboolean
asm_list_next(AsmListCursor *cursor, AsmView *ret_element)
{
        if (cursor->left == 0) {
                return FALSE;
        }
        cursor->left--;
        if (cursor->is_string) {
                *ret_element = (AsmView){ byte_terms + 2 * *cursor->at++, 2 };
                if (cursor->left == 0) {
                        cursor->tail = (AsmView){ nil_term, sizeof nil_term };
                }
                return TRUE;
        }
        cursor->at = take_view(cursor->at, ret_element);
        if (cursor->left == 0) {
                /* the tail: `[]`, an improper end, or one more piece of the same list */
                *cursor = asm_view_list((AsmView){ cursor->at, (gsize)(cursor->end - cursor->at) });
        }
        return TRUE;
}

gboolean
asm_view_get_list_length(AsmView view, guint *ret_n)
{
        AsmListCursor cursor = asm_view_list(view);
        AsmView element;
        guint n = 0;

        while (asm_list_next(&cursor, &element)) {
                n++;
        }
        if (!asm_view_is_set(cursor.tail) || cursor.tail.data[0] != ERL_NIL_EXT) {
                return FALSE;
        }
        *ret_n = n;
        return TRUE;
}

AsmMapCursor
asm_view_map(AsmView view)
{
        if (!asm_view_is_set(view) || view.data[0] != ERL_MAP_EXT) {
                return (AsmMapCursor){ 0 };
        }
        return (AsmMapCursor){ .at = view.data + 5, .left = asm_get32(view.data + 1) };
}

gboolean
asm_map_next(AsmMapCursor *cursor, AsmView *ret_key, AsmView *ret_value)
{
        if (cursor->left == 0) {
                return FALSE;
        }
        cursor->left--;
        cursor->at = take_view(cursor->at, ret_key);
        cursor->at = take_view(cursor->at, ret_value);
        return TRUE;
}

gboolean
asm_view_get_map_size(AsmView view, guint *ret_pairs)
{
        if (!asm_view_is_set(view) || view.data[0] != ERL_MAP_EXT) {
                return FALSE;
        }
        *ret_pairs = asm_get32(view.data + 1);
        return TRUE;
}

gboolean
asm_view_map_get(AsmView map, const char *key, AsmView *ret_value)
{
        AsmMapCursor cursor = asm_view_map(map);
        gsize key_len = strlen(key);

        for (; cursor.left > 0; cursor.left--) {
                gboolean found = atom_equals(cursor.at, key, key_len);
                cursor.at = skip_key(cursor.at);
                if (found) {
                        take_view(cursor.at, ret_value);
                        return TRUE;
                }
                cursor.at += asm_view_skip(cursor.at);
        }
        return FALSE;
}

/* which of @keys the atom at @at is; -1: none of them, or no atom */
static inline int
find_key(const guint8 *at, const char *const *keys)
{
        const guint8 *name;
        gsize len;

        if (!asm_atom_head(at, &name, &len) || len == 0) {
                return -1;
        }
        for (int i = 0; keys[i] != NULL; i++) {
                /* the first letters mostly differ, which spares the call of strlen */
                if (keys[i][0] == (char)name[0] && strlen(keys[i]) == len &&
                    memcmp(keys[i], name, len) == 0) {
                        return i;
                }
        }
        return -1;
}

guint
asm_view_map_pick(AsmView map, const char *const *keys, AsmView *ret_values)
{
        AsmMapCursor cursor = asm_view_map(map);
        guint n_keys = 0, n_found = 0;

        for (; keys[n_keys] != NULL; n_keys++) {
                ret_values[n_keys] = ASM_VIEW_NONE;
        }
        for (; cursor.left > 0 && n_found < n_keys; cursor.left--) {
                int i = find_key(cursor.at, keys);
                AsmView value;

                cursor.at = take_view(skip_key(cursor.at), &value);
                if (i >= 0 && !asm_view_is_set(ret_values[i])) {
                        ret_values[i] = value;
                        n_found++;
                }
        }
        return n_found;
}
