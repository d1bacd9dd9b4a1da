/* SPDX-License-Identifier: MIT */

/*
 * Reads a checked term in every way the daemon has. None of the readers is allowed an error path:
 * what passed the check must be safe to read, whatever it holds. The order of the work is
 * that of the elements; the depth is bounded by the check, so recursion is fine here.
 */

#include "fuzz.h"

static void
walk_scalars(AsmView view)
{
        const guint8 *bytes;
        const char *name;
        gint64 number;
        double real;
        gboolean is_true;
        gsize len;

        (void)!asm_view_get_atom(view, &name, &len);
        (void)!asm_view_get_int(view, &number);
        (void)!asm_view_get_double(view, &real);
        (void)!asm_view_get_bool(view, &is_true);
        (void)!asm_view_get_binary(view, &bytes, &len);
}

static void
walk_tuple(AsmView view)
{
        AsmView elements[8];
        guint arity;

        if (!asm_view_get_tuple_arity(view, &arity) || arity > G_N_ELEMENTS(elements))
                return;
        g_assert_true(asm_view_get_tuple(view, arity, elements));
        for (guint i = 0; i < arity; i++)
                asm_fuzz_walk(elements[i]);
}

static void
walk_list(AsmView view)
{
        AsmListCursor cursor = asm_view_list(view);
        AsmView element;

        while (asm_list_next(&cursor, &element))
                asm_fuzz_walk(element);
}

static void
walk_map(AsmView view)
{
        AsmMapCursor cursor = asm_view_map(view);
        AsmView key;
        AsmView value;
        AsmView found;

        while (asm_map_next(&cursor, &key, &value)) {
                asm_fuzz_walk(key);
                asm_fuzz_walk(value);
        }
        (void)!asm_view_map_get(view, "kind", &found);
}

void
asm_fuzz_walk(AsmView view)
{
        switch (asm_view_kind(view)) {
        case ASM_KIND_TUPLE:
                walk_tuple(view);
                break;
        case ASM_KIND_LIST:
                walk_list(view);
                break;
        case ASM_KIND_MAP:
                walk_map(view);
                break;
        case ASM_KIND_ATOM:
        case ASM_KIND_INT:
        case ASM_KIND_FLOAT:
        case ASM_KIND_BINARY:
        case ASM_KIND_BITSTRING:
        case ASM_KIND_NIL:
        case ASM_KIND_PID:
        case ASM_KIND_REF:
        case ASM_KIND_PORT:
        case ASM_KIND_FUN:
        case ASM_KIND_EXPORT:
                walk_scalars(view);
                break;
        }
}

void
asm_fuzz_demand_term(AsmView view)
{
        g_autoptr(GError) error = NULL;
        gsize used;

        (void)!asm_term_check(view.data, view.len, NULL, &used, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(used, ==, view.len);
}
