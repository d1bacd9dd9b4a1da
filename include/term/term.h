/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A term is the external-format bytes of one Erlang term, without the leading version byte
 * 131. AsmView borrows such bytes, AsmTerm owns them. Both always hold exactly one term that
 * has passed asm_term_check() or was made by AsmBuilder, so readers need no bounds errors.
 */

#include <glib.h>

/* ERL_EXT version byte in front of a term on the wire (erl_ext_dist, "Introduction"). */
#define ASM_TERM_VERSION 131

/**
 * AsmTermLimits:
 * @max_depth: deepest nesting of tuples, lists and maps that is accepted
 * @max_elements: most terms (containers and leaves) in one term
 */
typedef struct {
        guint max_depth;
        guint max_elements;
} AsmTermLimits;

/* depth 512, 8 Mi elements: far above what Erlang programs send, far below what hurts */
extern const AsmTermLimits ASM_TERM_LIMITS_DEFAULT;

typedef struct {
        const guint8 *data;
        gsize len;
} AsmView;

typedef struct _AsmTerm AsmTerm;
struct _AsmTerm {
        /*< private >*/
        guint ref_count;
        gsize len;
        guint8 data[];
};

#define ASM_VIEW_NONE ((AsmView){ NULL, 0 })

static inline gboolean
asm_view_is_set(AsmView view)
{
        return view.data != NULL;
}

/**
 * asm_term_check:
 * @data: foreign bytes, without the version byte
 * @len: how many
 * @limits: (nullable): NULL for %ASM_TERM_LIMITS_DEFAULT
 * @ret_used: (out): how many bytes the first term takes
 *
 * The bounds-checking walk over one term: every tag, every length, every UTF-8 atom, depth and
 * number of elements. Does not recurse and does not allocate in proportion to declared lengths.
 * Accepts the tags of DIST.md "Terms" (incl. legacy 99, 101, 102, 103, 114) and not the cache
 * tags 82 and 68 nor a nested version byte nor compressed terms (80), nor LIST_EXT and STRING_EXT
 * of length 0 (the empty list is NIL_EXT), nor maps with a key twice, in whatever forms.
 *
 * Errors: %ASM_TERM_ERROR, the message names tag and offset.
 */
gboolean asm_term_check(const guint8 *data,
                        gsize len,
                        const AsmTermLimits *limits,
                        gsize *ret_used,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * asm_view_from_bytes:
 * @data: foreign bytes: the version byte 131 and one term, nothing behind it
 *
 * Checks and borrows: @ret_view points into @data (the version byte left out).
 */
gboolean asm_view_from_bytes(const guint8 *data,
                             gsize len,
                             const AsmTermLimits *limits,
                             AsmView *ret_view,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * asm_view_skip:
 * @data: the start of a term that has been checked
 *
 * Returns: the length in bytes of the term that starts at @data.
 */
gsize asm_view_skip(const guint8 *data);

/* (transfer full): a copy of the bytes of @view */
AsmTerm *asm_term_new(AsmView view);
AsmTerm *asm_term_ref(AsmTerm *term);
void asm_term_unref(AsmTerm *term);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmTerm, asm_term_unref)

static inline AsmView
asm_term_view(const AsmTerm *term)
{
        return (AsmView){ term->data, term->len };
}

/* equality of the bytes; the same value in another encoding is not equal */
gboolean asm_view_same_bytes(AsmView a, AsmView b);
