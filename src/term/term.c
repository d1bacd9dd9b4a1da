/* SPDX-License-Identifier: MIT */

/*
 * Terms as bytes.
 *
 * A term is kept in the form in which it came: most of what passes through is looked at in a few
 * places and sent on, and bytes that were never taken apart cannot be put together wrongly. The
 * price is that the length of a term is only known after walking over it; asm_view_skip() does
 * this with one counter and no stack, since in trusted bytes nothing must be known about a
 * container but how many more terms it brings:
 *
 *     left = 1; each term read: left - 1; each container read: left + its number of elements
 */

#include "term/term.h"

#include "term/format-private.h"

/* the node's atom and behind it @numbers bytes */
static inline const guint8 *
skip_identifier(const guint8 *at, gsize head, gsize numbers)
{
        const guint8 *name = NULL;
        gsize len = 0;

        /* always an atom: the bytes were checked */
        asm_atom_head(at + head, &name, &len);
        return name + len + numbers;
}

G_GNUC_NO_INLINE static const guint8 *
skip_rare(const guint8 *at)
{
        switch (at[0]) {
        case ERL_SMALL_BIG_EXT:
                return at + 3 + at[1];
        case ERL_LARGE_BIG_EXT:
        case ERL_BIT_BINARY_EXT:
                return at + 6 + asm_get32(at + 1);
        case ERL_FLOAT_EXT:
                return at + 32;
        case ERL_PID_EXT:
                return skip_identifier(at, 1, 9);
        case ERL_PORT_EXT:
        case ERL_REFERENCE_EXT:
                return skip_identifier(at, 1, 5);
        case ERL_NEW_PORT_EXT:
                return skip_identifier(at, 1, 8);
        case ERL_V4_PORT_EXT:
                return skip_identifier(at, 1, 12);
        case ERL_NEW_REFERENCE_EXT:
                return skip_identifier(at, 3, 1 + 4u * asm_get16(at + 1));
        case ERL_EXPORT_EXT:
                return skip_identifier(skip_identifier(at, 1, 0), 0, 2);
        case ERL_NEW_FUN_EXT:
                return at + 1 + asm_get32(at + 1);
        default:
                g_assert_not_reached();
        }
}

static inline const guint8 *
skip_one(const guint8 *at, guint64 *left)
{
        switch (at[0]) {
        case ERL_SMALL_INTEGER_EXT:
                return at + 2;
        case ERL_INTEGER_EXT:
                return at + 5;
        case ERL_SMALL_ATOM_UTF8_EXT:
        case ERL_SMALL_ATOM_EXT:
                return at + 2 + at[1];
        case ERL_ATOM_EXT:
        case ERL_ATOM_UTF8_EXT:
        case ERL_STRING_EXT:
                return at + 3 + asm_get16(at + 1);
        case ERL_BINARY_EXT:
                return at + 5 + asm_get32(at + 1);
        case ERL_NIL_EXT:
                return at + 1;
        case NEW_FLOAT_EXT:
                return at + 9;
        case ERL_NEW_PID_EXT:
                return skip_identifier(at, 1, 12);
        case ERL_NEWER_REFERENCE_EXT:
                return skip_identifier(at, 3, 4 + 4u * asm_get16(at + 1));
        case ERL_SMALL_TUPLE_EXT:
                *left += at[1];
                return at + 2;
        case ERL_LIST_EXT:
                *left += (guint64)asm_get32(at + 1) + 1;
                return at + 5;
        case ERL_MAP_EXT:
                *left += 2 * (guint64)asm_get32(at + 1);
                return at + 5;
        case ERL_LARGE_TUPLE_EXT:
                *left += asm_get32(at + 1);
                return at + 5;
        default:
                return skip_rare(at);
        }
}

const guint8 *
asm_skip_head(const guint8 *at, guint64 *left)
{
        return skip_one(at, left);
}

gsize
asm_view_skip(const guint8 *data)
{
        const guint8 *at = data;
        guint64 left = 1;

        do {
                left--;
                at = skip_one(at, &left);
        } while (left > 0);
        return (gsize)(at - data);
}

AsmTerm *
asm_term_new(AsmView view)
{
        AsmTerm *term;

        g_return_val_if_fail(asm_view_is_set(view), NULL);

        term = g_malloc(sizeof *term + view.len);
        term->ref_count = 1;
        term->len = view.len;
        memcpy(term->data, view.data, view.len);
        return term;
}

AsmTerm *
asm_term_ref(AsmTerm *term)
{
        term->ref_count++;
        return term;
}

void
asm_term_unref(AsmTerm *term)
{
        if (term != NULL && --term->ref_count == 0) {
                g_free(term);
        }
}

gboolean
asm_view_same_bytes(AsmView a, AsmView b)
{
        return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
