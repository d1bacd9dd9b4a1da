/* SPDX-License-Identifier: MIT */

/*
 * Bytes of a term as a peer sends them. Whatever passes the check is safe for every reader, for
 * the printers and for the JSON face; its length is what skipping over it gives.
 */

#include "fuzz.h"
#include "term/json.h"
#include "term/print.h"

/* printing costs more than the rest and finds its mistakes within its first bytes */
#define PRINT_MAX 512

/* text and JSON are made of short inputs only, for the same reason */
#define FACE_MAX 4096

static void
show(AsmView view)
{
        g_autofree char *erlang = asm_view_print(view, ASM_SYNTAX_ERLANG, PRINT_MAX);
        g_autofree char *elixir = asm_view_print(view, ASM_SYNTAX_ELIXIR, PRINT_MAX);
        g_autofree char *json = asm_view_to_json_text(view);
        g_autofree char *text = asm_view_dup_text(view, /* accept_atoms= */ TRUE);
        g_autofree char *atom = asm_view_dup_atom(view);

        g_assert_true(g_utf8_validate(erlang, -1, NULL));
        g_assert_true(g_utf8_validate(elixir, -1, NULL));
        g_assert_true(g_utf8_validate(json, -1, NULL));
        g_assert_true(text == NULL || g_utf8_validate(text, -1, NULL));
        g_assert_true(atom == NULL || g_utf8_validate(atom, -1, NULL));
}

static void
walk_options(AsmView view)
{
        AsmOptionCursor cursor;
        AsmView key;
        AsmView value;

        asm_option_cursor_init(&cursor, view);
        while (asm_option_next(&cursor, &key, &value))
                ;
        (void)asm_option_cursor_is_malformed(&cursor);
        (void)!asm_view_option_get(view, "provider", &value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        AsmView view;

        if (!asm_view_from_bytes(data, size, NULL, &view, NULL))
                return 0;

        g_assert_cmpuint(asm_view_skip(view.data), ==, view.len);
        asm_fuzz_walk(view);
        walk_options(view);
        if (size <= FACE_MAX)
                show(view);
        return 0;
}
