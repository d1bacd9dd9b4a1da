/* SPDX-License-Identifier: MIT */

/*
 * Writes terms.
 *
 * One buffer, one direction: a container's head goes first and its elements follow, so building
 * never goes back but for the arity of a container that was begun without one (a mark).
 *
 * libei encodes what needs thought (big integers, floats, atoms outside ASCII). Three kinds of
 * bytes are written here instead: lengths and arities; integers of up to 32 bits, which libei
 * would send as big ones above 28 bits, unlike BEAM; and ASCII atoms, pids and references,
 * because a message is mostly atoms, and libei goes through each name three times and wants node
 * names copied into structs of a kilobyte.
 *
 * What is written is always a valid term: names are cut to what an atom holds, bytes that are not
 * UTF-8 are replaced in atoms, and floats that BEAM does not have become atoms.
 */

#include "term/builder.h"

#include <math.h>

#include "term/format-private.h"

#define MIN_SIZE            256
#define MAX_ATOM_CHARACTERS 255
/* elements of a STRING_EXT: its length has 16 bits */
#define MAX_STRING 65535
/* longest of what libei writes for a number: SMALL_BIG_EXT of 8 bytes, NEW_FLOAT_EXT */
#define NUMBER_SIZE 16

void
asm_builder_clear(AsmBuilder *builder)
{
        g_free(builder->data);
        *builder = ASM_BUILDER_INIT;
}

guint8 *
asm_builder_reserve(AsmBuilder *builder, gsize n)
{
        if (G_UNLIKELY(n > builder->size - builder->len)) {
                gsize need = builder->len + n;
                gsize size = MAX(builder->size, MIN_SIZE);

                g_assert(need >= n);
                while (size < need) {
                        size = size > G_MAXSIZE / 2 ? need : size * 2;
                }
                builder->data = g_realloc(builder->data, size);
                builder->size = size;
        }
        return builder->data + builder->len;
}

void
asm_builder_raw(AsmBuilder *builder, gconstpointer data, gsize len)
{
        if (len > 0) {
                memcpy(asm_builder_reserve(builder, len), data, len);
                builder->len += len;
        }
}

void
asm_builder_view(AsmBuilder *builder, AsmView view)
{
        g_return_if_fail(asm_view_is_set(view));

        asm_builder_raw(builder, view.data, view.len);
}

void
asm_builder_term(AsmBuilder *builder, const AsmTerm *term)
{
        asm_builder_raw(builder, term->data, term->len);
}

static inline void
put_tag(AsmBuilder *builder, guint8 tag)
{
        asm_builder_reserve(builder, 1)[0] = tag;
        builder->len += 1;
}

static inline void
put_tag8(AsmBuilder *builder, guint8 tag, guint8 value)
{
        guint8 *to = asm_builder_reserve(builder, 2);

        to[0] = tag;
        to[1] = value;
        builder->len += 2;
}

static inline void
put_tag32(AsmBuilder *builder, guint8 tag, guint32 value)
{
        guint8 *to = asm_builder_reserve(builder, 5);

        to[0] = tag;
        asm_put32(to + 1, value);
        builder->len += 5;
}

static inline void
put32(AsmBuilder *builder, guint32 value)
{
        asm_put32(asm_builder_reserve(builder, 4), value);
        builder->len += 4;
}

static void
put_unusual_atom(AsmBuilder *builder, const char *name)
{
        g_autofree char *valid = g_utf8_make_valid(name, -1);
        gsize len = strlen(valid);
        int index = 0;

        if (g_utf8_strlen(valid, -1) > MAX_ATOM_CHARACTERS) {
                len = (gsize)(g_utf8_offset_to_pointer(valid, MAX_ATOM_CHARACTERS) - valid);
        }
        ei_encode_atom_len_as((char *)asm_builder_reserve(builder, 3 + len),
                              &index,
                              valid,
                              (int)len,
                              ERLANG_UTF8,
                              ERLANG_UTF8);
        builder->len += (gsize)index;
}

void
asm_builder_atom(AsmBuilder *builder, const char *name)
{
        guint8 *to = asm_builder_reserve(builder, 2 + MAX_ATOM_CHARACTERS);
        gsize len = 0;

        for (; name[len] != '\0'; len++) {
                if (G_UNLIKELY((guint8)name[len] >= 0x80 || len == MAX_ATOM_CHARACTERS)) {
                        put_unusual_atom(builder, name);
                        return;
                }
                to[2 + len] = (guint8)name[len];
        }
        to[0] = ERL_SMALL_ATOM_UTF8_EXT;
        to[1] = (guint8)len;
        builder->len += 2 + len;
}

void
asm_builder_bool(AsmBuilder *builder, gboolean value)
{
        asm_builder_atom(builder, value ? "true" : "false");
}

void
asm_builder_nil_atom(AsmBuilder *builder)
{
        asm_builder_atom(builder, "nil");
}

void
asm_builder_int(AsmBuilder *builder, gint64 value)
{
        if (value >= 0 && value <= G_MAXUINT8) {
                put_tag8(builder, ERL_SMALL_INTEGER_EXT, (guint8)value);
        } else if (value >= G_MININT32 && value <= G_MAXINT32) {
                put_tag32(builder, ERL_INTEGER_EXT, (guint32)value);
        } else {
                int index = 0;
                ei_encode_longlong((char *)asm_builder_reserve(builder, NUMBER_SIZE),
                                   &index,
                                   value);
                builder->len += (gsize)index;
        }
}

void
asm_builder_uint(AsmBuilder *builder, guint64 value)
{
        if (value <= G_MAXINT64) {
                asm_builder_int(builder, (gint64)value);
        } else {
                int index = 0;
                ei_encode_ulonglong((char *)asm_builder_reserve(builder, NUMBER_SIZE),
                                    &index,
                                    value);
                builder->len += (gsize)index;
        }
}

void
asm_builder_decimal(AsmBuilder *builder, const char *digits)
{
        gboolean is_negative = digits[0] == '-';
        g_autoptr(GByteArray) number = g_byte_array_new(); /* the lowest byte first */

        for (const char *at = digits + is_negative; g_ascii_isdigit(*at); at++) {
                guint carry = (guint)g_ascii_digit_value(*at);

                for (guint i = 0; i < number->len; i++) {
                        carry += number->data[i] * 10u;
                        number->data[i] = (guint8)carry;
                        carry >>= 8;
                }
                if (carry > 0)
                        g_byte_array_append(number, &(guint8){ (guint8)carry }, 1);
        }
        if (number->len <= G_MAXUINT8)
                put_tag8(builder, ERL_SMALL_BIG_EXT, (guint8)number->len);
        else
                put_tag32(builder, ERL_LARGE_BIG_EXT, number->len);
        asm_builder_raw(builder, &(guint8){ is_negative ? 1 : 0 }, 1);
        asm_builder_raw(builder, number->data, number->len);
}

void
asm_builder_double(AsmBuilder *builder, double value)
{
        int index = 0;

        if (isnan(value)) {
                asm_builder_atom(builder, "nan");
        } else if (isinf(value)) {
                asm_builder_atom(builder, value > 0 ? "infinity" : "neg_infinity");
        } else {
                ei_encode_double((char *)asm_builder_reserve(builder, NUMBER_SIZE), &index, value);
                builder->len += (gsize)index;
        }
}

void
asm_builder_binary(AsmBuilder *builder, gconstpointer data, gsize len)
{
        g_return_if_fail(len <= G_MAXUINT32);

        asm_builder_reserve(builder, 5 + len);
        put_tag32(builder, ERL_BINARY_EXT, (guint32)len);
        asm_builder_raw(builder, data, len);
}

void
asm_builder_text(AsmBuilder *builder, const char *text)
{
        if (text == NULL) {
                asm_builder_nil_atom(builder);
        } else {
                asm_builder_binary(builder, text, strlen(text));
        }
}

void
asm_builder_text_printf(AsmBuilder *builder, const char *format, ...)
{
        g_autofree char *text = NULL;
        va_list args;

        va_start(args, format);
        text = g_strdup_vprintf(format, args);
        va_end(args);
        asm_builder_text(builder, text);
}

/* the characters one by one, as BEAM sends a list of integers that are not all bytes */
static void
put_char_list(AsmBuilder *builder, const char *text, guint n)
{
        asm_builder_list(builder, n);
        for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
                asm_builder_int(builder, g_utf8_get_char(at));
        }
        asm_builder_nil(builder);
}

void
asm_builder_charlist(AsmBuilder *builder, const char *text)
{
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        guint n = (guint)g_utf8_strlen(valid, -1);
        guint8 *to;

        if (n == 0) {
                asm_builder_nil(builder);
                return;
        }
        to = n <= MAX_STRING ? asm_builder_reserve(builder, 3 + n) : NULL;
        for (const char *at = valid; to != NULL && *at != '\0'; at = g_utf8_next_char(at)) {
                gunichar c = g_utf8_get_char(at);
                to = c <= G_MAXUINT8 ? to : NULL;
        }
        if (to == NULL) {
                put_char_list(builder, valid, n);
                return;
        }
        *to++ = ERL_STRING_EXT;
        asm_put16(to, (guint16)n);
        to += 2;
        for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
                *to++ = (guint8)g_utf8_get_char(at);
        }
        builder->len += 3 + n;
}

void
asm_builder_tuple(AsmBuilder *builder, guint arity)
{
        if (arity <= G_MAXUINT8) {
                put_tag8(builder, ERL_SMALL_TUPLE_EXT, (guint8)arity);
        } else {
                put_tag32(builder, ERL_LARGE_TUPLE_EXT, arity);
        }
}

void
asm_builder_map(AsmBuilder *builder, guint pairs)
{
        put_tag32(builder, ERL_MAP_EXT, pairs);
}

void
asm_builder_list(AsmBuilder *builder, guint n)
{
        if (n > 0) {
                put_tag32(builder, ERL_LIST_EXT, n);
        }
}

void
asm_builder_nil(AsmBuilder *builder)
{
        put_tag(builder, ERL_NIL_EXT);
}

void
asm_builder_pid(AsmBuilder *builder, const AsmPid *pid)
{
        g_return_if_fail(pid->node != NULL);

        put_tag(builder, ERL_NEW_PID_EXT);
        asm_builder_atom(builder, pid->node);
        put32(builder, pid->id);
        put32(builder, pid->serial);
        put32(builder, pid->creation);
}

void
asm_builder_ref(AsmBuilder *builder, const AsmRef *ref)
{
        guint8 *head;

        g_return_if_fail(ref->node != NULL);
        g_return_if_fail(ref->n_words >= 1 && ref->n_words <= ASM_REF_MAX_WORDS);

        head = asm_builder_reserve(builder, 3);
        head[0] = ERL_NEWER_REFERENCE_EXT;
        asm_put16(head + 1, (guint16)ref->n_words);
        builder->len += 3;
        asm_builder_atom(builder, ref->node);
        put32(builder, ref->creation);
        for (guint i = 0; i < ref->n_words; i++) {
                put32(builder, ref->words[i]);
        }
}

AsmBuilderMark
asm_builder_map_begin(AsmBuilder *builder)
{
        AsmBuilderMark mark = builder->len;

        put_tag32(builder, ERL_MAP_EXT, 0);
        return mark;
}

void
asm_builder_map_end(AsmBuilder *builder, AsmBuilderMark mark, guint pairs)
{
        g_return_if_fail(mark + 5 <= builder->len && builder->data[mark] == ERL_MAP_EXT);

        asm_put32(builder->data + mark + 1, pairs);
}

AsmBuilderMark
asm_builder_list_begin(AsmBuilder *builder)
{
        AsmBuilderMark mark = builder->len;

        put_tag32(builder, ERL_LIST_EXT, 0);
        return mark;
}

void
asm_builder_list_end(AsmBuilder *builder, AsmBuilderMark mark, guint n)
{
        g_return_if_fail(mark + 5 <= builder->len && builder->data[mark] == ERL_LIST_EXT);

        if (n == 0) {
                /* the empty list has a form of its own */
                builder->len = mark;
        } else {
                asm_put32(builder->data + mark + 1, n);
        }
        asm_builder_nil(builder);
}

AsmTerm *
asm_builder_end(AsmBuilder *builder)
{
        AsmTerm *term = asm_term_new(asm_builder_peek(builder));

        asm_builder_reset(builder);
        return term;
}
