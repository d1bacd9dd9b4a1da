/* SPDX-License-Identifier: MIT */
#pragma once

/* What the parts of the printer share: containers (print.c), atoms, and everything else. */

#include "term/print.h"

typedef struct {
        GString *out;
        AsmSyntax syntax;
        gsize max_len; /* G_MAXSIZE: no limit */
        guint depth;
        gsize scan_left; /* bytes that may still be looked at ahead, see print.c */
} AsmPrinter;

/* nothing more is to be printed: the text will be cut anyway */
static inline gboolean
asm_printer_is_full(const AsmPrinter *printer)
{
        return printer->out->len > printer->max_len;
}

static inline gboolean
asm_printer_is_elixir(const AsmPrinter *printer)
{
        return printer->syntax == ASM_SYNTAX_ELIXIR;
}

/* a character inside of quotes, escaped if it must be; @quote 0: outside of quotes */
void asm_print_char(AsmPrinter *printer, gunichar c, char quote);
/* whether BEAM would show a list with this character as text */
gboolean asm_is_text_char(gint64 c);

/* the atom at @at as Elixir's alias without the prefix, FALSE if it is none; prints nothing then */
gboolean asm_print_alias(AsmPrinter *printer, const guint8 *at);
gboolean asm_is_alias(const guint8 *at);
void asm_print_atom(AsmPrinter *printer, const guint8 *at);
/* only the characters of the atom's name, see asm_print_char() */
void asm_print_atom_chars(AsmPrinter *printer, const guint8 *at, char quote);
/* Elixir: the name of a function, an atom without the colon in front */
void asm_print_elixir_name(AsmPrinter *printer, const guint8 *at);
/* as the key of a keyword list: `a:`, `"a b":` */
void asm_print_keyword_key(AsmPrinter *printer, const guint8 *at);

/* anything that is not a list, tuple or map */
void asm_print_leaf(AsmPrinter *printer, AsmView view);
