/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Builds the external format of terms into one growing buffer. Containers are announced by
 * their arity and then filled: asm_builder_tuple(b, 2), first element, second element. Scalars
 * are encoded by libei into space reserved beforehand.
 */

#include "term/pid.h"
#include "term/term.h"

typedef struct {
        guint8 *data;
        gsize len;
        gsize size;
} AsmBuilder;

#define ASM_BUILDER_INIT ((AsmBuilder){ NULL, 0, 0 })

void asm_builder_clear(AsmBuilder *builder);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmBuilder, asm_builder_clear)

/* forgets the content and keeps the memory */
static inline void
asm_builder_reset(AsmBuilder *builder)
{
        builder->len = 0;
}

/* makes room for @n more bytes and returns where they go; builder->len is not changed */
guint8 *asm_builder_reserve(AsmBuilder *builder, gsize n);

/* any bytes, for headers around terms (frame length, version byte) */
void asm_builder_raw(AsmBuilder *builder, gconstpointer data, gsize len);
/* a finished term, copied as it is */
void asm_builder_view(AsmBuilder *builder, AsmView view);
void asm_builder_term(AsmBuilder *builder, const AsmTerm *term);

/* @name: valid UTF-8 of at most 255 characters; longer ones are cut at a character */
void asm_builder_atom(AsmBuilder *builder, const char *name);
void asm_builder_bool(AsmBuilder *builder, gboolean value);
/* the atom `nil`, Elixir's "nothing" */
void asm_builder_nil_atom(AsmBuilder *builder);
void asm_builder_int(AsmBuilder *builder, gint64 value);
void asm_builder_uint(AsmBuilder *builder, guint64 value);
/* @digits: of an integer beyond 64 bits, perhaps behind a "-"; takes the square of their number */
void asm_builder_decimal(AsmBuilder *builder, const char *digits);
/* not finite, which no BEAM has: the atom nan, infinity or neg_infinity */
void asm_builder_double(AsmBuilder *builder, double value);
void asm_builder_binary(AsmBuilder *builder, gconstpointer data, gsize len);
/* a binary with the bytes of a C string; NULL gives the atom `nil` */
void asm_builder_text(AsmBuilder *builder, const char *text);
void asm_builder_text_printf(AsmBuilder *builder, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* a charlist */
void asm_builder_charlist(AsmBuilder *builder, const char *text);

/* headers: the caller adds exactly @arity elements (a map: @pairs times key and value) */
void asm_builder_tuple(AsmBuilder *builder, guint arity);
void asm_builder_map(AsmBuilder *builder, guint pairs);
/* @n elements and then asm_builder_nil() or an improper tail; nothing at all for @n = 0 */
void asm_builder_list(AsmBuilder *builder, guint n);
/* the empty list, also the end of a proper list */
void asm_builder_nil(AsmBuilder *builder);

void asm_builder_pid(AsmBuilder *builder, const AsmPid *pid);
void asm_builder_ref(AsmBuilder *builder, const AsmRef *ref);

/**
 * AsmBuilderMark: a container whose arity is not known when it is begun.
 *
 * mark = asm_builder_map_begin(b); ...pairs...; asm_builder_map_end(b, mark, n_pairs);
 * The list variant writes the empty list when n is 0 and ends the list otherwise.
 */
typedef gsize AsmBuilderMark;
AsmBuilderMark asm_builder_map_begin(AsmBuilder *builder);
void asm_builder_map_end(AsmBuilder *builder, AsmBuilderMark mark, guint pairs);
AsmBuilderMark asm_builder_list_begin(AsmBuilder *builder);
void asm_builder_list_end(AsmBuilder *builder, AsmBuilderMark mark, guint n);

/* the content as a view; borrowed, valid until the next change of the builder */
static inline AsmView
asm_builder_peek(const AsmBuilder *builder)
{
        return (AsmView){ builder->data, builder->len };
}

/* (transfer full): the content as a term of its own; the builder is empty afterwards */
AsmTerm *asm_builder_end(AsmBuilder *builder);
