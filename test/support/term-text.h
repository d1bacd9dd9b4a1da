/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A term as text that does not depend on the order of map keys nor on the encoding of atoms:
 * two terms are the same value if their texts are equal. For expectations in tests only.
 */

#include "term/reader.h"

static inline gint
term_text_compare(gconstpointer a, gconstpointer b)
{
        return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

static inline void term_text_append(GString *text, AsmView view);

static inline void
term_text_append_map(GString *text, AsmView view)
{
        g_autoptr(GPtrArray) pairs = g_ptr_array_new_with_free_func(g_free);
        AsmMapCursor cursor = asm_view_map(view);
        AsmView key, value;

        while (asm_map_next(&cursor, &key, &value)) {
                GString *pair = g_string_new(NULL);

                term_text_append(pair, key);
                g_string_append(pair, "=>");
                term_text_append(pair, value);
                g_ptr_array_add(pairs, g_string_free(pair, FALSE));
        }
        g_ptr_array_sort(pairs, term_text_compare);
        g_string_append(text, "#{");
        for (guint i = 0; i < pairs->len; i++)
                g_string_append_printf(text,
                                       "%s%s",
                                       i > 0 ? "," : "",
                                       (char *)g_ptr_array_index(pairs, i));
        g_string_append_c(text, '}');
}

static inline void
term_text_append_elements(GString *text, AsmView view)
{
        AsmListCursor cursor = asm_view_list(view);
        AsmView element;
        gboolean is_first = TRUE;

        g_string_append_c(text, '[');
        while (asm_list_next(&cursor, &element)) {
                if (!is_first)
                        g_string_append_c(text, ',');
                is_first = FALSE;
                term_text_append(text, element);
        }
        if (asm_view_kind(cursor.tail) != ASM_KIND_NIL) {
                g_string_append_c(text, '|');
                term_text_append(text, cursor.tail);
        }
        g_string_append_c(text, ']');
}

static inline void
term_text_append_tuple(GString *text, AsmView view)
{
        guint arity = 0;
        g_autofree AsmView *elements = NULL;

        g_assert_true(asm_view_get_tuple_arity(view, &arity));
        elements = g_new(AsmView, arity + 1);
        g_assert_true(asm_view_get_tuple(view, arity, elements));
        g_string_append_c(text, '{');
        for (guint i = 0; i < arity; i++) {
                if (i > 0)
                        g_string_append_c(text, ',');
                term_text_append(text, elements[i]);
        }
        g_string_append_c(text, '}');
}

static inline void
term_text_append(GString *text, AsmView view)
{
        g_autofree char *name = asm_view_dup_atom(view);
        const guint8 *data;
        gsize len;
        gint64 number;
        double real;

        if (name != NULL) {
                g_string_append(text, name);
        } else if (asm_view_get_int(view, &number)) {
                g_string_append_printf(text, "%" G_GINT64_FORMAT, number);
        } else if (asm_view_get_double(view, &real)) {
                g_string_append_printf(text, "%g", real);
        } else if (asm_view_get_binary(view, &data, &len)) {
                g_string_append_c(text, '"');
                g_string_append_len(text, (const char *)data, (gssize)len);
                g_string_append_c(text, '"');
        } else if (asm_view_kind(view) == ASM_KIND_MAP) {
                term_text_append_map(text, view);
        } else if (asm_view_kind(view) == ASM_KIND_TUPLE) {
                term_text_append_tuple(text, view);
        } else if (asm_view_kind(view) == ASM_KIND_LIST || asm_view_kind(view) == ASM_KIND_NIL) {
                term_text_append_elements(text, view);
        } else {
                g_string_append_printf(text, "?%d", (int)asm_view_kind(view));
        }
}

/* (transfer full) */
static inline char *
term_text(AsmView view)
{
        GString *text = g_string_new(NULL);

        term_text_append(text, view);
        return g_string_free(text, FALSE);
}

/* (transfer full): the value under an atom key as text, "-" if there is none */
static inline char *
term_text_of(AsmView map, const char *key)
{
        AsmView value;

        return asm_view_map_get(map, key, &value) ? term_text(value) : g_strdup("-");
}

/* (transfer full): the keys of a map, sorted, separated by blanks */
static inline char *
term_text_keys(AsmView map)
{
        g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
        AsmMapCursor cursor = asm_view_map(map);
        AsmView key, value;

        while (asm_map_next(&cursor, &key, &value))
                g_ptr_array_add(keys, term_text(key));
        g_ptr_array_sort(keys, term_text_compare);
        g_ptr_array_add(keys, NULL);
        return g_strjoinv(" ", (char **)keys->pdata);
}
