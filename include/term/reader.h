/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Takes terms apart. Every function accepts any view and answers FALSE (or a cursor at its end)
 * when the term is of another type, so a reader of foreign messages is a chain of conditions
 * and never an error path. Returned views borrow from the view they came from.
 */

#include "term/term.h"

typedef enum {
        ASM_KIND_ATOM,
        ASM_KIND_INT, /* any integer, also big ones */
        ASM_KIND_FLOAT,
        ASM_KIND_BINARY,
        ASM_KIND_BITSTRING, /* not a whole number of bytes */
        ASM_KIND_NIL,       /* [] */
        ASM_KIND_LIST,      /* non-empty, STRING_EXT included */
        ASM_KIND_TUPLE,
        ASM_KIND_MAP,
        ASM_KIND_PID,
        ASM_KIND_REF,
        ASM_KIND_PORT,
        ASM_KIND_FUN,
        ASM_KIND_EXPORT,
} AsmKind;

AsmKind asm_view_kind(AsmView view);

/* @name: ASCII; compares whatever the encoding of the atom is */
gboolean asm_view_is_atom(AsmView view, const char *name);
/* the raw bytes of an atom's name (latin1 or UTF-8 as sent), borrowed */
gboolean asm_view_get_atom(AsmView view, const char **ret_name, gsize *ret_len);
/* (transfer full): name in UTF-8; NULL if not an atom, or one with a NUL in its name */
char *asm_view_dup_atom(AsmView view);
/* FALSE also when the integer does not fit */
gboolean asm_view_get_int(AsmView view, gint64 *ret_value);
/* floats and integers */
gboolean asm_view_get_double(AsmView view, double *ret_value);
gboolean asm_view_get_bool(AsmView view, gboolean *ret_value);
/* borrowed bytes of a binary */
gboolean asm_view_get_binary(AsmView view, const guint8 **ret_data, gsize *ret_len);
/**
 * asm_view_dup_text:
 *
 * Text in any of the forms a shell user may give it: binary, charlist, iodata of these.
 * Atoms only if @accept_atoms (and then never `nil`).
 *
 * Returns: (transfer full) (nullable): valid UTF-8 without NUL bytes, else NULL.
 */
char *asm_view_dup_text(AsmView view, gboolean accept_atoms);

/* a tuple of exactly @arity elements; @ret_elements has room for them */
gboolean asm_view_get_tuple(AsmView view, guint arity, AsmView *ret_elements);
/* a tuple of @arity whose first element is the atom @tag; the others go to @ret_rest[arity-1] */
gboolean asm_view_get_tagged(AsmView view, const char *tag, guint arity, AsmView *ret_rest);
gboolean asm_view_get_tuple_arity(AsmView view, guint *ret_arity);

/**
 * AsmListCursor:
 *
 * Walks a list, STRING_EXT included (its elements are views of static small integers). After
 * the last element @tail is the rest: `[]` for a proper list. Not a list: ends at once with
 * @tail = the view itself.
 */
typedef struct {
        AsmView tail;
        /*< private >*/
        const guint8 *at;
        const guint8 *end;
        guint32 left;
        gboolean is_string;
} AsmListCursor;

AsmListCursor asm_view_list(AsmView view);
gboolean asm_list_next(AsmListCursor *cursor, AsmView *ret_element);
/* number of elements of a proper list; FALSE for anything else */
gboolean asm_view_get_list_length(AsmView view, guint *ret_n);

typedef struct {
        /*< private >*/
        const guint8 *at;
        guint32 left;
} AsmMapCursor;

AsmMapCursor asm_view_map(AsmView view);
gboolean asm_map_next(AsmMapCursor *cursor, AsmView *ret_key, AsmView *ret_value);
gboolean asm_view_get_map_size(AsmView view, guint *ret_pairs);

/* the value under the atom @key of a map */
gboolean asm_view_map_get(AsmView map, const char *key, AsmView *ret_value);
/**
 * asm_view_map_pick:
 * @keys: NULL-terminated names of atoms, ASCII
 * @ret_values: one per key, ASM_VIEW_NONE where the map does not have it
 *
 * One pass over the map for all keys. Returns: how many were found (0 if not a map).
 */
guint asm_view_map_pick(AsmView map, const char *const *keys, AsmView *ret_values);

/**
 * AsmOptionCursor: the pairs of an option list: a keyword list (pairs of `{Key, Value}`, a bare
 * atom K meaning `{K, true}`) or a map. Keys are atoms or binaries.
 */
typedef struct {
        /*< private >*/
        AsmMapCursor map;
        AsmListCursor list;
        gboolean is_map;
        gboolean malformed;
} AsmOptionCursor;

void asm_option_cursor_init(AsmOptionCursor *cursor, AsmView options);
/* FALSE at the end; asm_option_cursor_is_malformed() tells whether it was a proper option list */
gboolean asm_option_next(AsmOptionCursor *cursor, AsmView *ret_key, AsmView *ret_value);
gboolean asm_option_cursor_is_malformed(const AsmOptionCursor *cursor);
/* the value under @key (atom or binary) in a keyword list (the first one) or a map */
gboolean asm_view_option_get(AsmView options, const char *key, AsmView *ret_value);
