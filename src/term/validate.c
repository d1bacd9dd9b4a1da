/* SPDX-License-Identifier: MIT */

/*
 * The border between foreign bytes and terms.
 *
 * libei and our own readers trust their input: they follow lengths without knowing where the
 * buffer ends. So every term from outside is walked once, here, and what passes may be read
 * without bounds checks for the rest of its life. The invariant of the walk: no byte at or
 * behind `end` is read, and `left` elements of the innermost open container are still to come.
 *
 *     {a, [1, 2], b}     104 3 | 119 1 a | 108 0 0 0 2 | 97 1 | 97 2 | 106 | 119 1 b
 *     left (outer left)    3       2          3 (1)        2      1     0→1     0
 *
 * It does not recurse; the counters of the containers around are kept in a small stack that
 * grows with real depth only. A container announces how many elements it has; each takes a
 * byte at least, so an announced number that is larger than the rest of the buffer is refused
 * before anything is done for it.
 *
 * Two encodings that BEAM would read are refused, because nobody sends them and because they
 * would be lists without elements to every reader: LIST_EXT and STRING_EXT of length 0. A map
 * with a key twice is refused as a BEAM refuses it, by a second pass over terms with maps (keys.c).
 */

#include "term/term.h"

#include <math.h>

#include "keys-private.h"
#include "term/error.h"
#include "term/format-private.h"
#include "term/pid.h"

G_DEFINE_QUARK(asm_term_error, asm_term_error)

const AsmTermLimits ASM_TERM_LIMITS_DEFAULT = { .max_depth = 512, .max_elements = 8u << 20 };

/* the atom table of every BEAM ends here */
#define MAX_ATOM_CHARACTERS 255
/* bytes of the largest integer of a BEAM (BIG_ARITY_MAX, 65535 words, rounded up) */
#define MAX_BIG_BYTES (8u * 65536u)
/* tag, size, arity, uniq (16), index, number of free variables */
#define FUN_HEAD 30u
/* depth up to which the walk allocates nothing: nearly every message */
#define SMALL_DEPTH 24

typedef struct {
        guint64 left;          /* elements to come in the container outside */
        const guint8 *ends_at; /* where the container inside must end, NULL: anywhere */
} Frame;

typedef struct {
        const guint8 *start;
        const guint8 *end;
        guint64 elements;  /* still allowed */
        gboolean has_maps; /* with two keys or more */
        guint depth;
        guint max_depth;
        guint n_frames;
        Frame *frames;
        Frame small_frames[SMALL_DEPTH];

        const guint8 *bad_at;
        const char *problem;
        AsmTermError code;
} Walk;

G_GNUC_NO_INLINE static const guint8 *
refuse(Walk *walk, const guint8 *at, AsmTermError code, const char *problem)
{
        walk->bad_at = at;
        walk->code = code;
        walk->problem = problem;
        return NULL;
}

G_GNUC_NO_INLINE static const guint8 *
truncated(Walk *walk, const guint8 *at)
{
        return refuse(walk, at, ASM_TERM_ERROR_TRUNCATED, "the bytes end inside it");
}

G_GNUC_NO_INLINE static const guint8 *
malformed(Walk *walk, const guint8 *at, const char *problem)
{
        return refuse(walk, at, ASM_TERM_ERROR_MALFORMED, problem);
}

/* 64 bits also where gsize has 32: a length of 2^32-1 plus its head does not wrap */
static inline guint64
room_at(const Walk *walk, const guint8 *at)
{
        return (guint64)(walk->end - at);
}

static inline const guint8 *
take(Walk *walk, const guint8 *at, guint64 room, guint64 size)
{
        return G_LIKELY(size <= room) ? at + size : truncated(walk, at);
}

/* lengths behind the tag: 0 where they are cut off, the head alone is then too long for the room */
static inline guint64
length8(const guint8 *at, guint64 room)
{
        return room < 2 ? 0 : at[1];
}

static inline guint64
length16(const guint8 *at, guint64 room)
{
        return room < 3 ? 0 : asm_get16(at + 1);
}

static inline guint64
length32(const guint8 *at, guint64 room)
{
        return room < 5 ? 0 : asm_get32(at + 1);
}

/* eight bytes at a time, the last word overlapping: atoms are the most frequent terms */
static inline gboolean
is_ascii(const guint8 *s, gsize len)
{
        const guint64 high_bits = G_GUINT64_CONSTANT(0x8080808080808080);
        guint64 seen = 0, word;

        if (len < 8) {
                for (gsize i = 0; i < len; i++) {
                        seen |= s[i];
                }
                return (seen & 0x80) == 0;
        }
        for (gsize i = 0; i + 8 < len; i += 8) {
                memcpy(&word, s + i, 8);
                seen |= word;
        }
        memcpy(&word, s + len - 8, 8);
        return ((seen | word) & high_bits) == 0;
}

/* atoms may contain NUL, which GLib's validation of whole strings refuses */
G_GNUC_NO_INLINE static gboolean
is_utf8_atom(const guint8 *name, gsize len)
{
        const char *at = (const char *)name;
        const char *end = at + len;
        guint characters = 0;

        while (at < end) {
                if ((guint8)*at < 0x80) {
                        at++;
                } else if (g_utf8_get_char_validated(at, end - at) <= 0x10FFFF) {
                        at = g_utf8_next_char(at);
                } else {
                        return FALSE;
                }
                characters++;
        }
        return characters <= MAX_ATOM_CHARACTERS;
}

static inline const guint8 *
take_utf8_atom(Walk *walk, const guint8 *at, guint64 room, guint head, guint64 len)
{
        if (G_UNLIKELY(head + len > room)) {
                return truncated(walk, at);
        }
        if (G_UNLIKELY(!is_ascii(at + head, len) || len > MAX_ATOM_CHARACTERS) &&
            !is_utf8_atom(at + head, len)) {
                return malformed(walk, at, "an atom that is not UTF-8 of at most 255 characters");
        }
        return at + head + len;
}

static inline const guint8 *
take_latin1_atom(Walk *walk, const guint8 *at, guint64 room)
{
        guint64 len = length16(at, room);

        if (len > MAX_ATOM_CHARACTERS) {
                return malformed(walk, at, "an atom of more than 255 characters");
        }
        return take(walk, at, room, 3 + len);
}

/* an atom inside a pid, reference, port, fun or export */
static const guint8 *
take_inner_atom(Walk *walk, const guint8 *at)
{
        guint64 room = room_at(walk, at);

        if (room == 0) {
                return truncated(walk, at);
        }
        switch (at[0]) {
        case ERL_SMALL_ATOM_UTF8_EXT:
                return take_utf8_atom(walk, at, room, 2, length8(at, room));
        case ERL_ATOM_UTF8_EXT:
                return take_utf8_atom(walk, at, room, 3, length16(at, room));
        case ERL_SMALL_ATOM_EXT:
                return take(walk, at, room, 2 + length8(at, room));
        case ERL_ATOM_EXT:
                return take_latin1_atom(walk, at, room);
        default:
                return refuse(walk, at, ASM_TERM_ERROR_BAD_TAG, "not an atom where one must be");
        }
}

/* a small integer inside a fun */
static const guint8 *
take_inner_int(Walk *walk, const guint8 *at)
{
        guint64 room = room_at(walk, at);

        if (room == 0) {
                return truncated(walk, at);
        }
        switch (at[0]) {
        case ERL_SMALL_INTEGER_EXT:
                return take(walk, at, room, 2);
        case ERL_INTEGER_EXT:
                return take(walk, at, room, 5);
        default:
                return refuse(walk, at, ASM_TERM_ERROR_BAD_TAG, "not an integer of 32 bits");
        }
}

static inline const guint8 *
take_big(Walk *walk, const guint8 *at, guint64 room, guint head, guint64 n)
{
        if (head + n > room) {
                return truncated(walk, at);
        }
        if (at[head - 1] > 1) {
                return malformed(walk, at, "a sign that is not 0 or 1");
        }
        if (n > MAX_BIG_BYTES) {
                return malformed(walk, at, "an integer too large for any BEAM");
        }
        return at + head + n;
}

static inline const guint8 *
take_float(Walk *walk, const guint8 *at, guint64 room)
{
        if (room < 9) {
                return truncated(walk, at);
        }
        /* all bits of the exponent set: infinite, or not a number */
        if ((at[1] & 0x7F) == 0x7F && (at[2] & 0xF0) == 0xF0) {
                return malformed(walk, at, "a float that is not finite");
        }
        return at + 9;
}

/* the old form, as text; it must end in a NUL, or its readers would run out of it */
G_GNUC_NO_INLINE static const guint8 *
take_text_float(Walk *walk, const guint8 *at, guint64 room)
{
        char text[32] = { 0 };
        char *end = NULL;
        double value;

        if (room < 32) {
                return truncated(walk, at);
        }
        memcpy(text, at + 1, 31);
        value = g_ascii_strtod(text, &end);
        if (end == text || end == text + 31 || *end != '\0' || !isfinite(value) ||
            text[strspn(text, "0123456789+-.eE")] != '\0') {
                return malformed(walk, at, "a float that does not parse");
        }
        return at + 32;
}

static inline const guint8 *
take_bits(Walk *walk, const guint8 *at, guint64 room)
{
        guint64 len = length32(at, room);

        if (room < 6 || 6 + len > room) {
                return truncated(walk, at);
        }
        if (len == 0 || at[5] < 1 || at[5] > 8) {
                return malformed(walk, at, "a bit string without 1 to 8 bits in its last byte");
        }
        return at + 6 + len;
}

/* pids, ports and the oldest references: the node and numbers of a fixed size */
G_GNUC_NO_INLINE static const guint8 *
take_identifier(Walk *walk, const guint8 *at, guint numbers)
{
        const guint8 *behind_node = take_inner_atom(walk, at + 1);

        if (behind_node == NULL) {
                return NULL;
        }
        return room_at(walk, behind_node) < numbers ? truncated(walk, at) : behind_node + numbers;
}

G_GNUC_NO_INLINE static const guint8 *
take_reference(Walk *walk, const guint8 *at, guint64 room, guint creation_size)
{
        guint64 n_words = length16(at, room);
        const guint8 *behind_node;
        guint64 numbers = creation_size + 4 * n_words;

        if (room < 3) {
                return truncated(walk, at);
        }
        if (n_words < 1 || n_words > ASM_REF_MAX_WORDS) {
                return malformed(walk, at, "a reference without 1 to 5 words");
        }
        behind_node = take_inner_atom(walk, at + 3);
        if (behind_node == NULL) {
                return NULL;
        }
        return room_at(walk, behind_node) < numbers ? truncated(walk, at) : behind_node + numbers;
}

G_GNUC_NO_INLINE static const guint8 *
take_export(Walk *walk, const guint8 *at)
{
        const guint8 *next = take_inner_atom(walk, at + 1);

        next = next != NULL ? take_inner_atom(walk, next) : NULL;
        if (next == NULL) {
                return NULL;
        }
        if (room_at(walk, next) < 2) {
                return truncated(walk, at);
        }
        if (next[0] != ERL_SMALL_INTEGER_EXT) {
                return malformed(walk, next, "an arity that is not a small integer");
        }
        return next + 2;
}

G_GNUC_NO_INLINE static void
grow_frames(Walk *walk)
{
        guint n_frames = walk->n_frames * 2;

        if (walk->frames == walk->small_frames) {
                walk->frames = g_new(Frame, n_frames);
                memcpy(walk->frames, walk->small_frames, sizeof walk->small_frames);
        } else {
                walk->frames = g_renew(Frame, walk->frames, n_frames);
        }
        walk->n_frames = n_frames;
}

/* begins a container of @n elements that follow a head of @head bytes */
static inline const guint8 *
enter(Walk *walk, const guint8 *at, guint64 head, guint64 n, guint64 *left, const guint8 *ends_at)
{
        guint64 room = room_at(walk, at);

        if (head > room || n > room - head) {
                return truncated(walk, at);
        }
        if (n == 0) {
                return at + head;
        }
        if (n > walk->elements) {
                return refuse(walk, at, ASM_TERM_ERROR_TOO_BIG, "more elements than the limit");
        }
        if (walk->depth == walk->max_depth) {
                return refuse(walk, at, ASM_TERM_ERROR_TOO_DEEP, "nested deeper than the limit");
        }
        if (G_UNLIKELY(walk->depth == walk->n_frames)) {
                grow_frames(walk);
        }
        walk->elements -= n;
        walk->frames[walk->depth++] = (Frame){ *left, ends_at };
        *left = n;
        return at + head;
}

static inline const guint8 *
enter_list(Walk *walk, const guint8 *at, guint64 room, guint64 *left)
{
        guint64 n = length32(at, room);

        if (room >= 5 && n == 0) {
                return malformed(walk, at, "a list without elements");
        }
        return enter(walk, at, 5, n + 1 /* the tail */, left, NULL);
}

/* the size in its head must be right: asm_view_skip() and libei jump by it */
G_GNUC_NO_INLINE static const guint8 *
enter_fun(Walk *walk, const guint8 *at, guint64 room, guint64 *left)
{
        guint64 size = length32(at, room);
        guint64 n_free;
        const guint8 *next, *ends_at;

        if (room < FUN_HEAD || 1 + size > room) {
                return truncated(walk, at);
        }
        ends_at = at + 1 + size;
        n_free = asm_get32(at + FUN_HEAD - 4);
        next = take_inner_atom(walk, at + FUN_HEAD);
        next = next != NULL ? take_inner_int(walk, next) : NULL;
        next = next != NULL ? take_inner_int(walk, next) : NULL;
        if (next == NULL) {
                return NULL;
        }
        if (next == walk->end) {
                return truncated(walk, at);
        }
        if (next[0] != ERL_PID_EXT && next[0] != ERL_NEW_PID_EXT) {
                return refuse(walk, next, ASM_TERM_ERROR_BAD_TAG, "not a pid where one must be");
        }
        next = take_identifier(walk, next, next[0] == ERL_PID_EXT ? 9 : 12);
        if (next == NULL) {
                return NULL;
        }
        if (next > ends_at || (n_free == 0 && next != ends_at)) {
                return malformed(walk, at, "a fun whose size does not fit its content");
        }
        return enter(walk, at, (guint64)(next - at), n_free, left, ends_at);
}

G_GNUC_NO_INLINE static const guint8 *
take_rare(Walk *walk, const guint8 *at, guint64 room, guint64 *left)
{
        switch (at[0]) {
        case ERL_SMALL_BIG_EXT:
                return take_big(walk, at, room, 3, length8(at, room));
        case ERL_LARGE_BIG_EXT:
                return take_big(walk, at, room, 6, length32(at, room));
        case ERL_FLOAT_EXT:
                return take_text_float(walk, at, room);
        case ERL_BIT_BINARY_EXT:
                return take_bits(walk, at, room);
        case ERL_PID_EXT:
                return take_identifier(walk, at, 9);
        case ERL_PORT_EXT:
        case ERL_REFERENCE_EXT:
                return take_identifier(walk, at, 5);
        case ERL_NEW_PORT_EXT:
                return take_identifier(walk, at, 8);
        case ERL_V4_PORT_EXT:
                return take_identifier(walk, at, 12);
        case ERL_NEW_REFERENCE_EXT:
                return take_reference(walk, at, room, 1);
        case ERL_EXPORT_EXT:
                return take_export(walk, at);
        case ERL_NEW_FUN_EXT:
                return enter_fun(walk, at, room, left);
        case ERL_LARGE_TUPLE_EXT:
                return enter(walk, at, 5, length32(at, room), left, NULL);
        default:
                return refuse(walk, at, ASM_TERM_ERROR_BAD_TAG, "no such kind of term");
        }
}

/* one scalar, or the head of one container; NULL: refused */
static inline const guint8 *
step(Walk *walk, const guint8 *at, guint64 *left)
{
        guint64 room = room_at(walk, at);
        guint64 rare_left;

        if (G_UNLIKELY(room == 0)) {
                return truncated(walk, at);
        }
        switch (at[0]) {
        case ERL_SMALL_INTEGER_EXT:
                return take(walk, at, room, 2);
        case ERL_INTEGER_EXT:
                return take(walk, at, room, 5);
        case ERL_SMALL_ATOM_UTF8_EXT:
                return take_utf8_atom(walk, at, room, 2, length8(at, room));
        case ERL_ATOM_UTF8_EXT:
                return take_utf8_atom(walk, at, room, 3, length16(at, room));
        case ERL_SMALL_ATOM_EXT:
                return take(walk, at, room, 2 + length8(at, room));
        case ERL_ATOM_EXT:
                return take_latin1_atom(walk, at, room);
        case ERL_BINARY_EXT:
                return take(walk, at, room, 5 + length32(at, room));
        case ERL_NIL_EXT:
                return at + 1;
        case ERL_STRING_EXT:
                return room >= 3 && length16(at, room) == 0
                               ? malformed(walk, at, "a list without elements")
                               : take(walk, at, room, 3 + length16(at, room));
        case NEW_FLOAT_EXT:
                return take_float(walk, at, room);
        case ERL_NEW_PID_EXT:
                return take_identifier(walk, at, 12);
        case ERL_NEWER_REFERENCE_EXT:
                return take_reference(walk, at, room, 4);
        case ERL_SMALL_TUPLE_EXT:
                return enter(walk, at, 2, length8(at, room), left, NULL);
        case ERL_LIST_EXT:
                return enter_list(walk, at, room, left);
        case ERL_MAP_EXT:
                walk->has_maps |= length32(at, room) > 1;
                return enter(walk, at, 5, 2 * length32(at, room), left, NULL);
        default:
                /* a copy: @left itself stays in a register if its address goes nowhere */
                rare_left = *left;
                at = take_rare(walk, at, room, &rare_left);
                *left = rare_left;
                return at;
        }
}

/* the whole term; NULL: refused, and @walk says why */
static const guint8 *
walk_term(Walk *walk, const guint8 *at)
{
        guint64 left = 1;

        for (;;) {
                while (left > 0) {
                        left--;
                        at = step(walk, at, &left);
                        if (G_UNLIKELY(at == NULL)) {
                                return NULL;
                        }
                }
                if (walk->depth == 0) {
                        return at;
                }
                const Frame *frame = &walk->frames[--walk->depth];
                if (G_UNLIKELY(frame->ends_at != NULL && frame->ends_at != at)) {
                        return malformed(walk, at, "a fun whose size does not fit its content");
                }
                left = frame->left;
        }
}

gboolean
asm_term_check(const guint8 *data,
               gsize len,
               const AsmTermLimits *limits,
               gsize *ret_used,
               GError **error)
{
        const guint8 *behind = NULL;
        Walk walk;

        if (limits == NULL) {
                limits = &ASM_TERM_LIMITS_DEFAULT;
        }
        /* not a designated initializer: it would clear the frames as well */
        walk.start = data;
        walk.end = data + len;
        walk.elements = limits->max_elements;
        walk.depth = 0;
        walk.has_maps = FALSE;
        walk.max_depth = limits->max_depth;
        walk.n_frames = SMALL_DEPTH;
        walk.frames = walk.small_frames;
        walk.bad_at = data;
        walk.code = ASM_TERM_ERROR_TOO_BIG;
        walk.problem = "more elements than the limit";

        if (walk.elements > 0) {
                walk.elements--;
                behind = walk_term(&walk, data);
        }
        if (walk.frames != walk.small_frames) {
                g_free(walk.frames);
        }
        if (behind != NULL && walk.has_maps) {
                const guint8 *map = asm_keys_find_twice(data);

                if (map != NULL)
                        behind = malformed(&walk, map, "a map with a key that is there twice");
        }
        if (behind == NULL) {
                g_set_error(error,
                            ASM_TERM_ERROR,
                            walk.code,
                            "term at byte %" G_GSIZE_FORMAT " (tag %d): %s",
                            (gsize)(walk.bad_at - data),
                            walk.bad_at < walk.end ? walk.bad_at[0] : -1,
                            walk.problem);
                return FALSE;
        }
        *ret_used = (gsize)(behind - data);
        return TRUE;
}

gboolean
asm_view_from_bytes(const guint8 *data,
                    gsize len,
                    const AsmTermLimits *limits,
                    AsmView *ret_view,
                    GError **error)
{
        gsize used = 0;

        if (len == 0 || data[0] != ASM_TERM_VERSION) {
                g_set_error(error,
                            ASM_TERM_ERROR,
                            len == 0 ? ASM_TERM_ERROR_TRUNCATED : ASM_TERM_ERROR_MALFORMED,
                            "a term that does not begin with the version byte 131");
                return FALSE;
        }
        if (!asm_term_check(data + 1, len - 1, limits, &used, error)) {
                return FALSE;
        }
        if (used != len - 1) {
                g_set_error(error,
                            ASM_TERM_ERROR,
                            ASM_TERM_ERROR_MALFORMED,
                            "%" G_GSIZE_FORMAT " bytes behind the term",
                            len - 1 - used);
                return FALSE;
        }
        *ret_view = (AsmView){ data + 1, used };
        return TRUE;
}
