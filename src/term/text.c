/* SPDX-License-Identifier: MIT */

/*
 * Text as people in a shell give it: <<"abc">>, "abc" (a list of characters), or any nesting of
 * both, what Erlang calls chardata. An integer is one character, a binary is UTF-8, and the tail
 * of a list may be a binary: the rules of unicode:characters_to_binary/1. What is not text by
 * these rules gives NULL, never half a text.
 *
 * Lists may nest as deeply as the check at the border let them, so the open ones are kept in an
 * array and not on the C stack.
 */

#include "term/reader.h"

#include "term/format-private.h"

static gboolean
append_character(GString *text, AsmView view)
{
        gint64 c;

        if (!asm_view_get_int(view, &c) || c <= 0 || c > 0x10FFFF ||
            !g_unichar_validate((gunichar)c)) {
                return FALSE;
        }
        g_string_append_unichar(text, (gunichar)c);
        return TRUE;
}

static gboolean
append_binary(GString *text, AsmView view)
{
        const guint8 *data;
        gsize len;

        if (!asm_view_get_binary(view, &data, &len) ||
            !g_utf8_validate_len((const char *)data, len, NULL)) {
                return FALSE;
        }
        g_string_append_len(text, (const char *)data, (gssize)len);
        return TRUE;
}

/* whatever may stand in a list, but for a list */
static gboolean
append_leaf(GString *text, AsmView view)
{
        return append_character(text, view) || append_binary(text, view);
}

/* the end of a list: `[]`, or a binary */
static gboolean
append_tail(GString *text, AsmView tail)
{
        return tail.data[0] == ERL_NIL_EXT || append_binary(text, tail);
}

static gboolean
append_list(GString *text, AsmView list)
{
        g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(AsmListCursor));
        AsmListCursor cursor = asm_view_list(list);
        AsmView element;

        for (;;) {
                while (asm_list_next(&cursor, &element)) {
                        AsmKind kind = asm_view_kind(element);
                        if (kind == ASM_KIND_LIST) {
                                g_array_append_val(open, cursor);
                                cursor = asm_view_list(element);
                        } else if (kind != ASM_KIND_NIL && !append_leaf(text, element)) {
                                return FALSE;
                        }
                }
                if (!append_tail(text, cursor.tail)) {
                        return FALSE;
                }
                if (open->len == 0) {
                        return TRUE;
                }
                cursor = g_array_index(open, AsmListCursor, open->len - 1);
                g_array_set_size(open, open->len - 1);
        }
}

char *
asm_view_dup_text(AsmView view, gboolean accept_atoms)
{
        g_autoptr(GString) text = NULL;
        gboolean is_text = FALSE;

        if (!asm_view_is_set(view)) {
                return NULL;
        }
        switch (asm_view_kind(view)) {
        case ASM_KIND_ATOM:
                return accept_atoms && !asm_view_is_atom(view, "nil") ? asm_view_dup_atom(view)
                                                                      : NULL;
        case ASM_KIND_NIL:
                return g_strdup("");
        case ASM_KIND_BINARY:
                text = g_string_sized_new(view.len);
                is_text = append_binary(text, view);
                break;
        case ASM_KIND_LIST:
                text = g_string_sized_new(view.len);
                is_text = append_list(text, view);
                break;
        case ASM_KIND_INT:
        case ASM_KIND_FLOAT:
        case ASM_KIND_BITSTRING:
        case ASM_KIND_TUPLE:
        case ASM_KIND_MAP:
        case ASM_KIND_PID:
        case ASM_KIND_REF:
        case ASM_KIND_PORT:
        case ASM_KIND_FUN:
        case ASM_KIND_EXPORT:
                break;
        }
        return is_text ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}
