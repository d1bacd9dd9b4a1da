/* SPDX-License-Identifier: MIT */

/*
 * Keys that are twice in a map. A BEAM takes no such map and drops the connection that it came by; a
 * peer could send one to asmd for others, who would then drop asmd. So they are refused at the edge.
 *
 * One pass over the term gives each key a hash of its value, not of its bytes: the same value can be
 * written in several ways (97 in one byte or four, "ab" as STRING_EXT or as a list, an atom in latin1
 * or UTF-8, a map with its pairs in any order). Values that are equal have equal hashes, always; so
 * nothing gets through. Values that differ have equal hashes by chance only, once in 2^64 pairs,
 * since the hash has a secret that is made when the program starts: nobody can write two keys which
 * collide, and have the messages of others refused by it.
 *
 * What is no key, nor inside one, is passed over without a hash. Each byte is hashed at most once,
 * however deep keys lie in keys: the hash of a container is made of those of its elements. The hashes
 * of a map's keys lie together on a stack; small numbers of them are compared in pairs, large ones
 * are sorted by their bits, so the time is that of the number of bytes, whatever they are.
 */

#include "keys-private.h"

#include "base/random.h"
#include "format-private.h"
#include "term/term.h"

/* nearly every message has no more: nothing is allocated */
#define FEW 24

/* so many are compared in pairs */
#define PAIRS_MAX 24

__extension__ typedef unsigned __int128 Wide;

typedef enum {
        SHAPE_TUPLE = 1,
        SHAPE_LIST,
        SHAPE_MAP,
        SHAPE_FUN,
        SHAPE_INT,
        SHAPE_FLOAT,
        SHAPE_ATOM,
        SHAPE_BINARY,
        SHAPE_BITS,
        SHAPE_PID,
        SHAPE_PORT,
        SHAPE_REF,
        SHAPE_EXPORT,
        SHAPE_NIL,
        SHAPE_TAIL,
} Shape;

typedef struct {
        const guint8 *at;
        guint64 left; /* elements to come; of a list its tail, too */
        guint64 hash;
        guint64 key; /* of a map: the hash of the key whose value comes next */
        guint base;  /* of a map: where its hashes begin on the stack */
        Shape shape;
        gboolean is_hashed;
} Frame;

typedef struct {
        Frame *frames;
        guint n_frames;
        guint frames_size;
        guint64 *hashes; /* keys of the maps that are open */
        guint n_hashes;
        guint hashes_size;
        Frame few_frames[FEW];
        guint64 few_hashes[4 * FEW];
} Pass;

static guint64 secrets[3];

static inline guint64
mix(guint64 a, guint64 b)
{
        Wide product = (Wide)(a ^ secrets[0]) * (b ^ secrets[1]);

        return ((guint64)product ^ (guint64)(product >> 64)) + secrets[2];
}

static inline guint64
hash_bytes(guint64 hash, const guint8 *bytes, gsize len)
{
        guint64 word;

        hash = mix(hash, len);
        for (; len >= 8; bytes += 8, len -= 8) {
                memcpy(&word, bytes, 8);
                hash = mix(hash, word);
        }
        word = 0;
        if (len > 0)
                memcpy(&word, bytes, len);
        return mix(hash, word);
}

/* --- leaves ---------------------------------------------------------------------------------- */

static guint64
hash_atom(const guint8 *at, const guint8 **ret_behind)
{
        guint8 utf8[2 * 255];
        const guint8 *name = NULL;
        gsize len = 0;
        gsize n = 0;

        asm_atom_head(at, &name, &len);
        *ret_behind = name + len;
        if (!asm_atom_is_latin1(at))
                return hash_bytes(SHAPE_ATOM, name, len);
        for (gsize i = 0; i < len; i++) {
                if (name[i] >= 0x80)
                        utf8[n++] = (guint8)(0xC0 | name[i] >> 6);
                utf8[n++] = name[i] >= 0x80 ? (guint8)(0x80 | (name[i] & 0x3F)) : name[i];
        }
        return hash_bytes(SHAPE_ATOM, utf8, n);
}

static guint64
hash_digits(gboolean is_negative, const guint8 *digits, gsize n)
{
        guint64 hash;
        guint64 word = 0;

        while (n > 0 && digits[n - 1] == 0)
                n--;
        hash = mix(SHAPE_INT, is_negative && n > 0);
        if (n > 8)
                return hash_bytes(hash, digits, n);
        for (gsize i = n; i > 0; i--)
                word = word << 8 | digits[i - 1];
        return mix(hash, word);
}

static guint64
hash_int(gint64 value)
{
        return mix(mix(SHAPE_INT, value < 0), value < 0 ? -(guint64)value : (guint64)value);
}

static guint64
hash_big(const guint8 *at)
{
        const guint8 *digits = NULL;
        gboolean is_negative = FALSE;
        gsize n = 0;

        asm_big_head(at, &is_negative, &n, &digits);
        return hash_digits(is_negative, digits, n);
}

/* 0.0 and -0.0 are one key for releases before 27 */
static guint64
hash_float(const guint8 *at)
{
        double value;
        guint64 bits;

        if (at[0] == ERL_FLOAT_EXT) {
                value = g_ascii_strtod((const char *)at + 1, NULL);
                memcpy(&bits, &value, sizeof bits);
        } else {
                bits = (guint64)asm_get32(at + 1) << 32 | asm_get32(at + 5);
        }
        return mix(SHAPE_FLOAT, bits << 1 == 0 ? 0 : bits);
}

/* eight bits in the last byte make a binary of it; other bits of that byte do not count */
static guint64
hash_bits(const guint8 *at)
{
        gsize len = asm_get32(at + 1);
        guint n_bits = at[5];

        if (n_bits == 8)
                return hash_bytes(SHAPE_BINARY, at + 6, len);
        return mix(hash_bytes(mix(SHAPE_BITS, n_bits), at + 6, len - 1),
                   at[5 + len] >> (8 - n_bits));
}

static guint64
hash_numbers(guint64 hash, const guint8 *at, guint n_words)
{
        for (guint i = 0; i < n_words; i++)
                hash = mix(hash, asm_get32(at + 4 * i));
        return hash;
}

static guint64
hash_pid(const guint8 *at)
{
        const guint8 *numbers;
        guint64 hash = mix(SHAPE_PID, hash_atom(at + 1, &numbers));

        hash = hash_numbers(hash, numbers, 2);
        return mix(hash, at[0] == ERL_PID_EXT ? numbers[8] : asm_get32(numbers + 8));
}

static guint64
hash_port(const guint8 *at)
{
        const guint8 *numbers;
        guint64 hash = mix(SHAPE_PORT, hash_atom(at + 1, &numbers));
        gboolean is_long = at[0] == ERL_V4_PORT_EXT;
        guint64 id = asm_get32(numbers);

        if (is_long)
                id = id << 32 | asm_get32(numbers + 4);
        numbers += is_long ? 8 : 4;
        return mix(mix(hash, id), at[0] == ERL_PORT_EXT ? numbers[0] : asm_get32(numbers));
}

/* words of 0 at the end of a reference do not count */
static guint64
hash_ref(const guint8 *at)
{
        gboolean is_oldest = at[0] == ERL_REFERENCE_EXT;
        guint n_words = is_oldest ? 1 : asm_get16(at + 1);
        const guint8 *numbers;
        guint64 hash = mix(SHAPE_REF, hash_atom(at + (is_oldest ? 1 : 3), &numbers));
        const guint8 *words = numbers;

        if (is_oldest) {
                hash = mix(hash, numbers[4]);
        } else if (at[0] == ERL_NEW_REFERENCE_EXT) {
                hash = mix(hash, numbers[0]);
                words += 1;
        } else {
                hash = mix(hash, asm_get32(numbers));
                words += 4;
        }
        while (n_words > 0 && asm_get32(words + 4 * (n_words - 1)) == 0)
                n_words--;
        return hash_numbers(hash, words, n_words);
}

static guint64
hash_export(const guint8 *at)
{
        const guint8 *function = at;
        const guint8 *arity = at;
        guint64 hash = mix(SHAPE_EXPORT, hash_atom(at + 1, &function));

        hash = mix(hash, hash_atom(function, &arity));
        return mix(hash, arity[1]);
}

/* STRING_EXT is a list of small integers without its tail */
static guint64
hash_string(guint64 hash, const guint8 *at)
{
        for (guint i = 0; i < asm_get16(at + 1); i++)
                hash = mix(hash, hash_int(at[3 + i]));
        return hash;
}

static guint64
hash_leaf(const guint8 *at)
{
        const guint8 *behind;

        switch (at[0]) {
        case ERL_SMALL_INTEGER_EXT:
                return hash_int(at[1]);
        case ERL_INTEGER_EXT:
                return hash_int((gint32)asm_get32(at + 1));
        case ERL_SMALL_BIG_EXT:
        case ERL_LARGE_BIG_EXT:
                return hash_big(at);
        case ERL_BINARY_EXT:
                return hash_bytes(SHAPE_BINARY, at + 5, asm_get32(at + 1));
        case ERL_BIT_BINARY_EXT:
                return hash_bits(at);
        case NEW_FLOAT_EXT:
        case ERL_FLOAT_EXT:
                return hash_float(at);
        case ERL_NIL_EXT:
                return mix(SHAPE_LIST, SHAPE_NIL);
        case ERL_STRING_EXT:
                return mix(hash_string(SHAPE_LIST, at), SHAPE_NIL);
        case ERL_PID_EXT:
        case ERL_NEW_PID_EXT:
                return hash_pid(at);
        case ERL_PORT_EXT:
        case ERL_NEW_PORT_EXT:
        case ERL_V4_PORT_EXT:
                return hash_port(at);
        case ERL_REFERENCE_EXT:
        case ERL_NEW_REFERENCE_EXT:
        case ERL_NEWER_REFERENCE_EXT:
                return hash_ref(at);
        case ERL_EXPORT_EXT:
                return hash_export(at);
        default:
                return hash_atom(at, &behind);
        }
}

/* --- containers ------------------------------------------------------------------------------ */

/* 0: a leaf */
static Shape
shape_of(const guint8 *at)
{
        switch (at[0]) {
        case ERL_SMALL_TUPLE_EXT:
        case ERL_LARGE_TUPLE_EXT:
                return SHAPE_TUPLE;
        case ERL_LIST_EXT:
                return SHAPE_LIST;
        case ERL_MAP_EXT:
                return SHAPE_MAP;
        case ERL_NEW_FUN_EXT:
                return SHAPE_FUN;
        default:
                return 0;
        }
}

/* what makes funs equal besides their free variables: module, index and uniq */
static guint64
hash_fun_head(const guint8 *at)
{
        const guint8 *behind;

        return mix(hash_bytes(SHAPE_FUN, at + 6, 20), hash_atom(at + 30, &behind));
}

static gboolean has_twice(guint64 *hashes, guint n, guint shift);

/* in place: those with the same eight bits together, then each such heap by the next eight */
static gboolean
has_twice_sorted(guint64 *hashes, guint n, guint shift)
{
        guint ends[256] = { 0 };
        guint next[256];
        guint start = 0;

        for (guint i = 0; i < n; i++)
                ends[hashes[i] >> shift & 0xFF]++;
        for (guint i = 0; i < 256; i++) {
                next[i] = start;
                start += ends[i];
                ends[i] = start;
        }
        for (guint heap = 0; heap < 256; heap++) {
                while (next[heap] < ends[heap]) {
                        guint64 hash = hashes[next[heap]];
                        guint where = hash >> shift & 0xFF;

                        hashes[next[heap]] = hashes[next[where]];
                        hashes[next[where]++] = hash;
                }
        }
        for (guint heap = 0; heap < 256; heap++) {
                guint begin = heap == 0 ? 0 : ends[heap - 1];

                if (has_twice(hashes + begin, ends[heap] - begin, shift - 8))
                        return TRUE;
        }
        return FALSE;
}

/* @shift: bits above it and the eight from it on are not known to be equal */
static gboolean
has_twice(guint64 *hashes, guint n, guint shift)
{
        if (n > PAIRS_MAX)
                return shift > 56 || has_twice_sorted(hashes, n, shift);
        for (guint i = 1; i < n; i++) {
                for (guint j = 0; j < i; j++) {
                        if (hashes[i] == hashes[j])
                                return TRUE;
                }
        }
        return FALSE;
}

/* asm_skip_head() takes a fun as a whole; its free variables are elements as well */
static const guint8 *
enter_term(const guint8 *at, guint64 *ret_n)
{
        const guint8 *next = at + 30;

        if (at[0] != ERL_NEW_FUN_EXT)
                return asm_skip_head(at, ret_n);
        *ret_n = asm_get32(at + 26);
        /* module, index, uniq, pid */
        for (guint i = 0; i < 4; i++)
                next += asm_view_skip(next);
        return next;
}

/* twice the room, on the heap from now on */
static gpointer
grow(gpointer items, gconstpointer few, guint *size, gsize item_size)
{
        gpointer grown;

        *size *= 2;
        if (items != few)
                return g_realloc_n(items, *size, item_size);
        grown = g_malloc_n(*size, item_size);
        memcpy(grown, items, *size / 2 * item_size);
        return grown;
}

static void
open_frame(Pass *pass, const guint8 *at, Shape shape, guint64 n, gboolean is_hashed)
{
        Frame *frame;

        if (G_UNLIKELY(pass->n_frames == pass->frames_size))
                pass->frames =
                        grow(pass->frames, pass->few_frames, &pass->frames_size, sizeof(Frame));
        frame = &pass->frames[pass->n_frames++];
        frame->at = at;
        frame->left = n;
        frame->hash = shape == SHAPE_FUN && is_hashed ? hash_fun_head(at) : shape;
        frame->base = pass->n_hashes;
        frame->shape = shape;
        frame->is_hashed = is_hashed;
}

static inline void
push_hash(Pass *pass, guint64 hash)
{
        if (G_UNLIKELY(pass->n_hashes == pass->hashes_size))
                pass->hashes =
                        grow(pass->hashes, pass->few_hashes, &pass->hashes_size, sizeof(guint64));
        pass->hashes[pass->n_hashes++] = hash;
}

/* an element of @frame is over, of which @hash is the hash if it was asked for */
static inline void
take_element(Pass *pass, Frame *frame, guint64 hash)
{
        frame->left--;
        if (frame->shape == SHAPE_MAP && frame->left % 2 == 1) {
                push_hash(pass, hash);
                frame->key = hash;
        } else if (!frame->is_hashed) {
                return;
        } else if (frame->shape == SHAPE_MAP) {
                /* a sum: the order of the pairs is nothing */
                frame->hash += mix(frame->key, hash);
        } else if (frame->shape == SHAPE_LIST && frame->left == 0) {
                frame->hash = mix(mix(frame->hash, SHAPE_TAIL), hash);
        } else {
                frame->hash = mix(frame->hash, hash);
        }
}

/* whether the hash of the next element of @frame is wanted */
static gboolean
wants_hash(const Frame *frame)
{
        return frame->is_hashed || (frame->shape == SHAPE_MAP && frame->left % 2 == 0);
}

/*
 * The tail of a list that is hashed, if it is a list as well: its elements are those of the list
 * before it, for [a | [b]] is [a, b]. FALSE: it is something else
 */
static gboolean
take_tail(Frame *frame, const guint8 **at)
{
        guint64 n = 0;

        if (!frame->is_hashed || frame->shape != SHAPE_LIST || frame->left != 1)
                return FALSE;
        switch ((*at)[0]) {
        case ERL_NIL_EXT:
                frame->hash = mix(frame->hash, SHAPE_NIL);
                break;
        case ERL_STRING_EXT:
                frame->hash = mix(hash_string(frame->hash, *at), SHAPE_NIL);
                break;
        case ERL_LIST_EXT:
                break;
        default:
                return FALSE;
        }
        *at = asm_skip_head(*at, &n);
        frame->left = n;
        return TRUE;
}

/* the frames that have no element left; (nullable): a map among them with a key twice */
static const guint8 *
close_frames(Pass *pass)
{
        while (pass->n_frames > 0 && pass->frames[pass->n_frames - 1].left == 0) {
                const Frame *frame = &pass->frames[--pass->n_frames];
                guint n = pass->n_hashes - frame->base;

                if (frame->shape == SHAPE_MAP && has_twice(pass->hashes + frame->base, n, 56))
                        return frame->at;
                pass->n_hashes = frame->base;
                if (pass->n_frames > 0)
                        take_element(pass, &pass->frames[pass->n_frames - 1], frame->hash);
        }
        return NULL;
}

static const guint8 *
run_pass(Pass *pass, const guint8 *at)
{
        const guint8 *map = NULL;

        do {
                Frame *top = pass->n_frames > 0 ? &pass->frames[pass->n_frames - 1] : NULL;
                gboolean is_hashed = top != NULL && wants_hash(top);
                const guint8 *here = at;
                guint64 n = 0;

                if (top == NULL || !take_tail(top, &at)) {
                        Shape shape = shape_of(here);

                        at = enter_term(here, &n);
                        if (shape != 0)
                                open_frame(pass, here, shape, n, is_hashed);
                        else if (top != NULL)
                                take_element(pass, top, is_hashed ? hash_leaf(here) : 0);
                }
                map = close_frames(pass);
        } while (map == NULL && pass->n_frames > 0);
        return map;
}

const guint8 *
asm_keys_find_twice(const guint8 *data)
{
        const guint8 *map;
        Pass pass;

        if (secrets[0] == 0)
                asm_random_bytes(secrets, sizeof secrets);
        /* not an initializer: it would clear the room for frames as well */
        pass.frames = pass.few_frames;
        pass.n_frames = 0;
        pass.frames_size = G_N_ELEMENTS(pass.few_frames);
        pass.hashes = pass.few_hashes;
        pass.n_hashes = 0;
        pass.hashes_size = G_N_ELEMENTS(pass.few_hashes);
        map = run_pass(&pass, data);
        if (pass.frames != pass.few_frames)
                g_free(pass.frames);
        if (pass.hashes != pass.few_hashes)
                g_free(pass.hashes);
        return map;
}
