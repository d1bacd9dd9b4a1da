/* SPDX-License-Identifier: MIT */

/*
 * Identities of processes and of references.
 *
 * Two pids are the same when node, id, serial and creation are, whatever form they came in: the
 * old forms (8 bits of creation) and the new ones read to the same numbers. The name of the node
 * is interned while anybody holds it, so comparing two of them is comparing two pointers; it is
 * released with its last holder, because peers may invent any number of names.
 *
 * A node name with a NUL inside is a legal atom, but in C it would read as the shorter name of
 * another node, whose processes it could then pretend to be. Such a pid is no pid here.
 */

#include "term/pid.h"

#include "term/format-private.h"

/* libei's index counts in int; what it decodes here takes 1050 bytes at most */
static gboolean
node_has_nul(const guint8 *at, gsize head)
{
        const guint8 *name = NULL;
        gsize len = 0;

        asm_atom_head(at + head, &name, &len);
        return len == 0 || memchr(name, '\0', len) != NULL;
}

gboolean
asm_pid_from_view(AsmView view, AsmPid *ret_pid)
{
        erlang_pid pid;
        int index = 0;

        if (!asm_view_is_set(view) ||
            (view.data[0] != ERL_NEW_PID_EXT && view.data[0] != ERL_PID_EXT) ||
            node_has_nul(view.data, 1) ||
            ei_decode_pid((const char *)view.data, &index, &pid) != 0) {
                return FALSE;
        }
        *ret_pid = (AsmPid){ .node = g_ref_string_new_intern(pid.node),
                             .id = pid.num,
                             .serial = pid.serial,
                             .creation = pid.creation };
        return TRUE;
}

gboolean
asm_ref_from_view(AsmView view, AsmRef *ret_ref)
{
        erlang_ref ref;
        int index = 0;
        guint8 tag = asm_view_is_set(view) ? view.data[0] : 0;

        if ((tag != ERL_NEWER_REFERENCE_EXT && tag != ERL_NEW_REFERENCE_EXT &&
             tag != ERL_REFERENCE_EXT) ||
            node_has_nul(view.data, tag == ERL_REFERENCE_EXT ? 1 : 3) ||
            ei_decode_ref((const char *)view.data, &index, &ref) != 0 || ref.len < 1 ||
            ref.len > ASM_REF_MAX_WORDS) {
                return FALSE;
        }
        *ret_ref = (AsmRef){ .node = g_ref_string_new_intern(ref.node),
                             .creation = ref.creation,
                             .n_words = (guint)ref.len };
        for (guint i = 0; i < ret_ref->n_words; i++) {
                ret_ref->words[i] = ref.n[i];
        }
        return TRUE;
}

AsmPid
asm_pid_copy(const AsmPid *pid)
{
        AsmPid copy = *pid;

        if (copy.node != NULL) {
                g_ref_string_acquire(copy.node);
        }
        return copy;
}

AsmRef
asm_ref_copy(const AsmRef *ref)
{
        AsmRef copy = *ref;

        if (copy.node != NULL) {
                g_ref_string_acquire(copy.node);
        }
        return copy;
}

void
asm_pid_clear(AsmPid *pid)
{
        g_clear_pointer(&pid->node, g_ref_string_release);
        *pid = (AsmPid){ 0 };
}

void
asm_ref_clear(AsmRef *ref)
{
        g_clear_pointer(&ref->node, g_ref_string_release);
        *ref = (AsmRef){ 0 };
}

/* ids count up by one: multiplying spreads them over the high bits that GHashTable folds in */
static inline guint
mix(guint hash, guint32 word)
{
        hash = (hash ^ word) * 0x9E3779B1u;
        return hash ^ (hash >> 15);
}

guint
asm_pid_hash(gconstpointer pid)
{
        const AsmPid *p = pid;

        return mix(mix(mix(g_direct_hash(p->node), p->creation), p->serial), p->id);
}

gboolean
asm_pid_equal(gconstpointer a, gconstpointer b)
{
        const AsmPid *p = a, *q = b;

        return p->id == q->id && p->serial == q->serial && p->creation == q->creation &&
               p->node == q->node;
}

guint
asm_ref_hash(gconstpointer ref)
{
        const AsmRef *r = ref;
        guint hash = mix(g_direct_hash(r->node), r->creation);

        for (guint i = 0; i < r->n_words; i++) {
                hash = mix(hash, r->words[i]);
        }
        return hash;
}

gboolean
asm_ref_equal(gconstpointer a, gconstpointer b)
{
        const AsmRef *r = a, *s = b;

        return r->n_words == s->n_words && r->creation == s->creation && r->node == s->node &&
               memcmp(r->words, s->words, r->n_words * sizeof r->words[0]) == 0;
}
