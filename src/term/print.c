/* SPDX-License-Identifier: MIT */

/*
 * Terms as text: the containers, and the limit.
 *
 * Printing walks the bytes once, from left to right: each function prints the term at an address
 * and returns the address behind it, so that no subtree is measured before it is printed. Some
 * forms of Elixir need a look ahead, though (is this list a keyword list? is this map a struct?),
 * and looking ahead in every level of a deep term would cost the square of its size. So there is
 * an allowance of bytes for it, a multiple of the term's size; when a term made for the purpose
 * has used it up, the rest is printed in the plain form.
 *
 * Depth is bounded as well: deeper than what the check at the border lets through by default
 * stands "...".
 */

#include "term/print.h"

#include "term/format-private.h"
#include "term/print-private.h"
#include "term/reader.h"

#define MAX_DEPTH 512
/* how often each byte may be looked at ahead on the average: the nesting of sane terms */
#define SCANS_PER_BYTE 32

static const char ellipsis[] = "...";

static const guint8 *print_term(AsmPrinter *printer, const guint8 *at);

static void
print_comma(AsmPrinter *printer, gboolean is_first)
{
        if (!is_first) {
                g_string_append(printer->out, asm_printer_is_elixir(printer) ? ", " : ",");
        }
}

/* skips for a look ahead; NULL: the allowance is used up */
static const guint8 *
scan_over(AsmPrinter *printer, const guint8 *at)
{
        gsize len = asm_view_skip(at);

        if (len > printer->scan_left) {
                printer->scan_left = 0;
                return NULL;
        }
        printer->scan_left -= len;
        return at + len;
}

/* `[a: 1]` is possible: an atom that is not shown as an alias */
static gboolean
is_keyword_key(const guint8 *at)
{
        const guint8 *name;
        gsize len;

        return asm_atom_head(at, &name, &len) && (len < 7 || memcmp(name, "Elixir.", 7) != 0);
}

static gboolean
is_keyword_list(AsmPrinter *printer, const guint8 *at, guint32 n)
{
        for (at += 5; n > 0 && at != NULL; n--) {
                if (at[0] != ERL_SMALL_TUPLE_EXT || at[1] != 2 || !is_keyword_key(at + 2)) {
                        return FALSE;
                }
                at = scan_over(printer, at);
        }
        return at != NULL && at[0] == ERL_NIL_EXT;
}

/* one character behind the other; NULL: not text */
static const guint8 *
next_text_char(AsmPrinter *printer, const guint8 *at, gint64 *ret_c)
{
        if (at[0] == ERL_SMALL_INTEGER_EXT) {
                *ret_c = at[1];
                at += 2;
        } else if (at[0] == ERL_INTEGER_EXT) {
                *ret_c = (gint32)asm_get32(at + 1);
                at += 5;
        } else {
                return NULL;
        }
        /* as Elixir: ~c"" for ASCII only */
        return asm_is_text_char(*ret_c) && (*ret_c < 0x80 || !asm_printer_is_elixir(printer))
                       ? at
                       : NULL;
}

static gboolean
is_text_list(AsmPrinter *printer, const guint8 *at, guint32 n)
{
        gint64 c;

        for (at += 5; n > 0 && at != NULL; n--) {
                at = next_text_char(printer, at, &c);
        }
        return at != NULL && at[0] == ERL_NIL_EXT;
}

static const guint8 *
print_text_list(AsmPrinter *printer, const guint8 *at, guint32 n)
{
        gint64 c = 0;

        g_string_append(printer->out, asm_printer_is_elixir(printer) ? "~c\"" : "\"");
        for (at += 5; n > 0 && !asm_printer_is_full(printer); n--) {
                at = next_text_char(printer, at, &c);
                asm_print_char(printer, (gunichar)c, '"');
        }
        g_string_append_c(printer->out, '"');
        return at + 1;
}

static const guint8 *
print_keyword_list(AsmPrinter *printer, const guint8 *at, guint32 n)
{
        at += 5;
        for (guint32 i = 0; i < n && !asm_printer_is_full(printer); i++) {
                print_comma(printer, i == 0);
                asm_print_keyword_key(printer, at + 2);
                at = print_term(printer, at + 2 + asm_view_skip(at + 2));
        }
        return at + 1;
}

/* STRING_EXT, without the brackets */
static const guint8 *
print_byte_list(AsmPrinter *printer, const guint8 *at, gboolean is_first)
{
        guint n = asm_get16(at + 1);

        for (guint i = 0; i < n && !asm_printer_is_full(printer); i++) {
                print_comma(printer, is_first && i == 0);
                g_string_append_printf(printer->out, "%d", at[3 + i]);
        }
        return at + 3 + n;
}

/* the elements and the tail, which may be one more piece of the list */
static const guint8 *
print_elements(AsmPrinter *printer, const guint8 *at)
{
        gboolean is_first = TRUE;

        while (at[0] == ERL_LIST_EXT && !asm_printer_is_full(printer)) {
                guint32 n = asm_get32(at + 1);
                at += 5;
                for (; n > 0 && !asm_printer_is_full(printer); n--) {
                        print_comma(printer, is_first);
                        at = print_term(printer, at);
                        is_first = FALSE;
                }
        }
        if (asm_printer_is_full(printer)) {
                return at;
        }
        if (at[0] == ERL_STRING_EXT) {
                return print_byte_list(printer, at, is_first);
        }
        if (at[0] == ERL_NIL_EXT) {
                return at + 1;
        }
        g_string_append(printer->out, asm_printer_is_elixir(printer) ? " | " : "|");
        return print_term(printer, at);
}

static const guint8 *
print_list(AsmPrinter *printer, const guint8 *at)
{
        guint32 n = asm_get32(at + 1);

        if (is_text_list(printer, at, n)) {
                return print_text_list(printer, at, n);
        }
        g_string_append_c(printer->out, '[');
        if (asm_printer_is_elixir(printer) && is_keyword_list(printer, at, n)) {
                at = print_keyword_list(printer, at, n);
        } else {
                at = print_elements(printer, at);
        }
        g_string_append_c(printer->out, ']');
        return at;
}

static const guint8 *
print_string(AsmPrinter *printer, const guint8 *at)
{
        guint n = asm_get16(at + 1);
        gboolean is_text = TRUE;

        for (guint i = 0; i < n && is_text; i++) {
                is_text = asm_is_text_char(at[3 + i]) &&
                          (at[3 + i] < 0x80 || !asm_printer_is_elixir(printer));
        }
        if (!is_text) {
                g_string_append_c(printer->out, '[');
                print_byte_list(printer, at, TRUE);
                g_string_append_c(printer->out, ']');
                return at + 3 + n;
        }
        g_string_append(printer->out, asm_printer_is_elixir(printer) ? "~c\"" : "\"");
        for (guint i = 0; i < n && !asm_printer_is_full(printer); i++) {
                asm_print_char(printer, at[3 + i], '"');
        }
        g_string_append_c(printer->out, '"');
        return at + 3 + n;
}

static const guint8 *
print_tuple(AsmPrinter *printer, const guint8 *at)
{
        guint32 n = 0;

        asm_tuple_head(at, &n, &at);
        g_string_append_c(printer->out, '{');
        for (guint32 i = 0; i < n && !asm_printer_is_full(printer); i++) {
                print_comma(printer, i == 0);
                at = print_term(printer, at);
        }
        g_string_append_c(printer->out, '}');
        return at;
}

static gboolean
is_struct_key(const guint8 *at)
{
        return asm_view_is_atom((AsmView){ at, asm_view_skip(at) }, "__struct__");
}

/* @ret_name: the alias under `__struct__`, NULL for a plain map */
static gboolean
is_keyword_map(AsmPrinter *printer, const guint8 *at, const guint8 **ret_name)
{
        const guint8 *name = NULL, *value;
        guint32 n = asm_get32(at + 1);
        AsmView view;

        for (at += 5; n > 0; n--) {
                if (!is_keyword_key(at)) {
                        return FALSE;
                }
                value = at + asm_view_skip(at);
                view = (AsmView){ value, 0 };
                if (is_struct_key(at) && asm_view_kind(view) == ASM_KIND_ATOM &&
                    asm_is_alias(value)) {
                        name = value;
                }
                at = scan_over(printer, value);
                if (at == NULL) {
                        return FALSE;
                }
        }
        *ret_name = name;
        return TRUE;
}

static const guint8 *
print_keyword_map(AsmPrinter *printer, const guint8 *at, const guint8 *name)
{
        guint32 n = asm_get32(at + 1);
        gboolean is_first = TRUE;

        for (at += 5; n > 0 && !asm_printer_is_full(printer); n--) {
                const guint8 *value = at + asm_view_skip(at);
                if (value == name) {
                        at = value + asm_view_skip(value);
                        continue;
                }
                print_comma(printer, is_first);
                asm_print_keyword_key(printer, at);
                at = print_term(printer, value);
                is_first = FALSE;
        }
        return at;
}

static const guint8 *
print_map(AsmPrinter *printer, const guint8 *at)
{
        const guint8 *name = NULL;
        guint32 n = asm_get32(at + 1);

        g_string_append_c(printer->out, asm_printer_is_elixir(printer) ? '%' : '#');
        if (asm_printer_is_elixir(printer) && is_keyword_map(printer, at, &name)) {
                if (name != NULL) {
                        asm_print_alias(printer, name);
                }
                g_string_append_c(printer->out, '{');
                at = print_keyword_map(printer, at, name);
        } else {
                g_string_append_c(printer->out, '{');
                at += 5;
                for (guint32 i = 0; i < n && !asm_printer_is_full(printer); i++) {
                        print_comma(printer, i == 0);
                        at = print_term(printer, at);
                        g_string_append(printer->out, " => ");
                        if (!asm_printer_is_full(printer)) {
                                at = print_term(printer, at);
                        }
                }
        }
        g_string_append_c(printer->out, '}');
        return at;
}

/* what it returns means nothing once the printer is full */
static const guint8 *
print_term(AsmPrinter *printer, const guint8 *at)
{
        if (printer->depth == MAX_DEPTH) {
                g_string_append(printer->out, ellipsis);
                return at + asm_view_skip(at);
        }
        printer->depth++;
        switch (at[0]) {
        case ERL_SMALL_TUPLE_EXT:
        case ERL_LARGE_TUPLE_EXT:
                at = print_tuple(printer, at);
                break;
        case ERL_LIST_EXT:
                at = print_list(printer, at);
                break;
        case ERL_STRING_EXT:
                at = print_string(printer, at);
                break;
        case ERL_MAP_EXT:
                at = print_map(printer, at);
                break;
        default: {
                AsmView leaf = { at, asm_view_skip(at) };
                asm_print_leaf(printer, leaf);
                at += leaf.len;
        }
        }
        printer->depth--;
        return at;
}

static void
cut(GString *text, gsize max_len)
{
        gsize n_dots = MIN(strlen(ellipsis), max_len);
        gsize keep = max_len - n_dots;

        /* not in the middle of a character */
        while (keep > 0 && ((guint8)text->str[keep] & 0xC0) == 0x80) {
                keep--;
        }
        g_string_truncate(text, keep);
        g_string_append_len(text, ellipsis, (gssize)n_dots);
}

char *
asm_view_print(AsmView view, AsmSyntax syntax, gsize max_len)
{
        AsmPrinter printer = { .out = g_string_new(NULL),
                               .syntax = syntax,
                               .max_len = max_len == 0 ? G_MAXSIZE : max_len,
                               .scan_left = view.len > G_MAXSIZE / SCANS_PER_BYTE
                                                    ? G_MAXSIZE
                                                    : view.len * SCANS_PER_BYTE };

        if (asm_view_is_set(view)) {
                print_term(&printer, view.data);
        }
        if (asm_printer_is_full(&printer)) {
                cut(printer.out, printer.max_len);
        }
        return g_string_free(printer.out, FALSE);
}
