/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Pids and references taken out of their external form: what links, monitors and routing
 * compare. The node name is an interned GRefString (UTF-8), so equal names are equal pointers
 * and names that peers invent do not stay behind.
 */

#include "term/term.h"

/* longest reference that is accepted, in 32-bit words (DIST.md B.6: aliases have 5) */
#define ASM_REF_MAX_WORDS 5

typedef struct {
        GRefString *node; /* NULL: not set */
        guint32 id;
        guint32 serial;
        guint32 creation;
} AsmPid;

typedef struct {
        GRefString *node; /* NULL: not set */
        guint32 creation;
        guint n_words;
        guint32 words[ASM_REF_MAX_WORDS];
} AsmRef;

/*
 * FALSE: @view is no pid (or ref), or its node has no name or one with a NUL; @ret is set only on
 * success and is to be cleared
 */
gboolean asm_pid_from_view(AsmView view, AsmPid *ret_pid) G_GNUC_WARN_UNUSED_RESULT;
gboolean asm_ref_from_view(AsmView view, AsmRef *ret_ref) G_GNUC_WARN_UNUSED_RESULT;

AsmPid asm_pid_copy(const AsmPid *pid);
AsmRef asm_ref_copy(const AsmRef *ref);
void asm_pid_clear(AsmPid *pid);
void asm_ref_clear(AsmRef *ref);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmPid, asm_pid_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmRef, asm_ref_clear)

/* GHashFunc and GEqualFunc over const AsmPid * and const AsmRef * */
guint asm_pid_hash(gconstpointer pid);
gboolean asm_pid_equal(gconstpointer a, gconstpointer b);
guint asm_ref_hash(gconstpointer ref);
gboolean asm_ref_equal(gconstpointer a, gconstpointer b);
