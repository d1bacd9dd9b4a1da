/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the sources of this room share: the tags (libei's names for them), big-endian numbers at
 * unaligned addresses, and the heads of containers in trusted bytes.
 */

#include <ei.h>
#include <glib.h>
#include <string.h>

static inline guint16
asm_get16(const guint8 *at)
{
        guint16 value;
        memcpy(&value, at, sizeof value);
        return GUINT16_FROM_BE(value);
}

static inline guint32
asm_get32(const guint8 *at)
{
        guint32 value;
        memcpy(&value, at, sizeof value);
        return GUINT32_FROM_BE(value);
}

static inline void
asm_put16(guint8 *at, guint16 value)
{
        value = GUINT16_TO_BE(value);
        memcpy(at, &value, sizeof value);
}

static inline void
asm_put32(guint8 *at, guint32 value)
{
        value = GUINT32_TO_BE(value);
        memcpy(at, &value, sizeof value);
}

/* the arity of a tuple and where its first element is; FALSE: no tuple */
static inline gboolean
asm_tuple_head(const guint8 *at, guint32 *ret_arity, const guint8 **ret_first)
{
        if (at[0] == ERL_SMALL_TUPLE_EXT) {
                *ret_arity = at[1];
                *ret_first = at + 2;
                return TRUE;
        }
        if (at[0] == ERL_LARGE_TUPLE_EXT) {
                *ret_arity = asm_get32(at + 1);
                *ret_first = at + 5;
                return TRUE;
        }
        return FALSE;
}

/* behind a leaf, or behind the head of a container, whose number of elements is added to @left */
const guint8 *asm_skip_head(const guint8 *at, guint64 *left);

/* the bytes of an atom's name and their number; FALSE: no atom */
static inline gboolean
asm_atom_head(const guint8 *at, const guint8 **ret_name, gsize *ret_len)
{
        switch (at[0]) {
        case ERL_SMALL_ATOM_UTF8_EXT:
        case ERL_SMALL_ATOM_EXT:
                *ret_len = at[1];
                *ret_name = at + 2;
                return TRUE;
        case ERL_ATOM_EXT:
        case ERL_ATOM_UTF8_EXT:
                *ret_len = asm_get16(at + 1);
                *ret_name = at + 3;
                return TRUE;
        default:
                return FALSE;
        }
}

static inline gboolean
asm_atom_is_latin1(const guint8 *at)
{
        return at[0] == ERL_ATOM_EXT || at[0] == ERL_SMALL_ATOM_EXT;
}

/* the sign, the number of digits and the digits (base 256, lowest first) of a big integer */
static inline gboolean
asm_big_head(const guint8 *at, gboolean *ret_negative, gsize *ret_n, const guint8 **ret_digits)
{
        if (at[0] == ERL_SMALL_BIG_EXT) {
                *ret_n = at[1];
                *ret_negative = at[2] != 0;
                *ret_digits = at + 3;
                return TRUE;
        }
        if (at[0] == ERL_LARGE_BIG_EXT) {
                *ret_n = asm_get32(at + 1);
                *ret_negative = at[5] != 0;
                *ret_digits = at + 6;
                return TRUE;
        }
        return FALSE;
}
