/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Terms as people read them, in Erlang's and in Elixir's syntax. Output is always valid UTF-8
 * without control characters, and bounded.
 */

#include "term/term.h"

typedef enum {
        ASM_SYNTAX_ERLANG,
        ASM_SYNTAX_ELIXIR,
} AsmSyntax;

/**
 * asm_view_print:
 * @max_len: most bytes of output, 0 for no limit; longer output ends in "..."
 *
 * Printable binaries as text (<<"x">> / "x"), printable lists as "x" / ~c"x"; Elixir: aliases without the
 * prefix (ASM.Error), structs as %Name{}, keyword lists as [a: 1], nil/true/false bare.
 *
 * Returns: (transfer full): never NULL
 */
char *asm_view_print(AsmView view, AsmSyntax syntax, gsize max_len);
