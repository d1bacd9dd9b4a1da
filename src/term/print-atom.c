/* SPDX-License-Identifier: MIT */

/*
 * Characters, atoms and names as text.
 *
 * Quoting is decided by the grammar and not by taste; where the grammars have more unquoted forms
 * than are told apart here (Elixir's operators, letters outside ASCII), the quoted form is right
 * too. Every character from outside goes through asm_print_char(): what is a control character, a
 * line separator or invisible (Unicode's class "format", which can turn the direction of text)
 * leaves as an escape sequence, or as a question mark outside of quotes.
 */

#include "term/print-private.h"

#include "term/format-private.h"
#include "term/reader.h"

static const char *const reserved_words[] = {
        "after", "and",   "andalso", "band",   "begin",   "bnot", "bor", "bsl",  "bsr", "bxor",
        "case",  "catch", "cond",    "div",    "else",    "end",  "fun", "if",   "let", "maybe",
        "not",   "of",    "or",      "orelse", "receive", "rem",  "try", "when", "xor",
};

static gboolean
is_printed_as_it_is(gunichar c)
{
        return c != 0x2028 && c != 0x2029 && g_unichar_isprint(c);
}

static void
print_escape(AsmPrinter *printer, gunichar c)
{
        static const char letters[] = "\bb\tt\nn\vv\ff\rr\033e\177d";
        const char *known = c != 0 && c < 0x80 ? strchr(letters, (int)c) : NULL;

        /* the codes are at the even places of the table, none of them is a letter */
        if (known != NULL && (known - letters) % 2 == 0) {
                g_string_append_printf(printer->out, "\\%c", known[1]);
        } else if (!asm_printer_is_elixir(printer)) {
                g_string_append_printf(printer->out, c < 0xA0 ? "\\%03o" : "\\x{%X}", c);
        } else {
                g_string_append_printf(printer->out, c < 0x80 ? "\\x%02X" : "\\u{%X}", c);
        }
}

void
asm_print_char(AsmPrinter *printer, gunichar c, char quote)
{
        GString *out = printer->out;

        if (quote == '\0') {
                g_string_append_unichar(out, is_printed_as_it_is(c) ? c : '?');
        } else if (c == (guint8)quote || c == '\\') {
                g_string_append_printf(out, "\\%c", (char)c);
        } else if (c == '{' && asm_printer_is_elixir(printer) && out->str[out->len - 1] == '#') {
                /* `#{` would begin an interpolation */
                out->str[out->len - 1] = '\\';
                g_string_append(out, "#{");
        } else if (is_printed_as_it_is(c)) {
                g_string_append_unichar(out, c);
        } else {
                print_escape(printer, c);
        }
}

gboolean
asm_is_text_char(gint64 c)
{
        return (c >= 8 && c <= 13) || c == 27 || (c >= 32 && c <= 126) ||
               (c >= 0xA0 && c <= 0x10FFFD && g_unichar_validate((gunichar)c));
}

typedef struct {
        const guint8 *at;
        const guint8 *end;
        gboolean is_latin1;
} AtomCursor;

static AtomCursor
atom_open(const guint8 *at)
{
        AtomCursor cursor = { .is_latin1 = asm_atom_is_latin1(at) };
        gsize len = 0;

        asm_atom_head(at, &cursor.at, &len);
        cursor.end = cursor.at + len;
        return cursor;
}

static gboolean
atom_next(AtomCursor *cursor, gunichar *ret_c)
{
        if (cursor->at == cursor->end) {
                return FALSE;
        }
        if (cursor->is_latin1) {
                *ret_c = *cursor->at++;
        } else {
                *ret_c = g_utf8_get_char((const char *)cursor->at);
                cursor->at = (const guint8 *)g_utf8_next_char((const char *)cursor->at);
        }
        return TRUE;
}

void
asm_print_atom_chars(AsmPrinter *printer, const guint8 *at, char quote)
{
        AtomCursor cursor = atom_open(at);
        gunichar c;

        while (atom_next(&cursor, &c)) {
                asm_print_char(printer, c, quote);
        }
}

static void
print_quoted_atom(AsmPrinter *printer, const guint8 *at, char quote)
{
        g_string_append_c(printer->out, quote);
        asm_print_atom_chars(printer, at, quote);
        g_string_append_c(printer->out, quote);
}

static gboolean
is_reserved(const guint8 *at)
{
        AsmView atom = { at, asm_view_skip(at) };

        for (guint i = 0; i < G_N_ELEMENTS(reserved_words); i++) {
                if (asm_view_is_atom(atom, reserved_words[i])) {
                        return TRUE;
                }
        }
        return FALSE;
}

/* the letters that Erlang's scanner knows are those of latin1 */
static gboolean
is_plain_erlang_atom(const guint8 *at)
{
        AtomCursor cursor = atom_open(at);
        gunichar c = 0;

        if (!atom_next(&cursor, &c) ||
            !((c < 0x80 && g_ascii_islower((char)c)) || (c >= 0xDF && c <= 0xFF && c != 0xF7))) {
                return FALSE;
        }
        while (atom_next(&cursor, &c)) {
                gboolean is_ascii_part =
                        c < 0x80 && (g_ascii_isalnum((char)c) || c == '_' || c == '@');
                if (!is_ascii_part && !(c >= 0xC0 && c <= 0xFF && c != 0xD7 && c != 0xF7)) {
                        return FALSE;
                }
        }
        return !is_reserved(at);
}

static gboolean
is_plain_elixir_atom(const guint8 *at)
{
        AtomCursor cursor = atom_open(at);
        gunichar c = 0;

        if (!atom_next(&cursor, &c) || c >= 0x80 || (!g_ascii_isalpha((char)c) && c != '_')) {
                return FALSE;
        }
        while (atom_next(&cursor, &c)) {
                gboolean is_last = cursor.at == cursor.end;
                if (c >= 0x80 || (!g_ascii_isalnum((char)c) && c != '_' && c != '@' &&
                                  !(is_last && (c == '?' || c == '!')))) {
                        return FALSE;
                }
        }
        return TRUE;
}

/* "Elixir." and then words with a capital letter, joined by dots */
gboolean
asm_is_alias(const guint8 *at)
{
        AtomCursor cursor = atom_open(at);
        gboolean begins_word = TRUE;

        if (cursor.end - cursor.at <= 7 || memcmp(cursor.at, "Elixir.", 7) != 0) {
                return FALSE;
        }
        for (const guint8 *c = cursor.at + 7; c < cursor.end; c++) {
                if (begins_word ? !g_ascii_isupper(*c)
                                : !g_ascii_isalnum(*c) && *c != '_' && *c != '.') {
                        return FALSE;
                }
                begins_word = *c == '.';
        }
        return !begins_word;
}

gboolean
asm_print_alias(AsmPrinter *printer, const guint8 *at)
{
        AtomCursor cursor = atom_open(at);

        if (!asm_is_alias(at)) {
                return FALSE;
        }
        g_string_append_len(printer->out, (const char *)cursor.at + 7, cursor.end - cursor.at - 7);
        return TRUE;
}

/* the name of a function or of a keyword: an atom without the colon in front */
void
asm_print_elixir_name(AsmPrinter *printer, const guint8 *at)
{
        if (is_plain_elixir_atom(at)) {
                asm_print_atom_chars(printer, at, '"');
        } else {
                print_quoted_atom(printer, at, '"');
        }
}

void
asm_print_keyword_key(AsmPrinter *printer, const guint8 *at)
{
        asm_print_elixir_name(printer, at);
        g_string_append(printer->out, ": ");
}

void
asm_print_atom(AsmPrinter *printer, const guint8 *at)
{
        AsmView atom = { at, asm_view_skip(at) };

        if (!asm_printer_is_elixir(printer)) {
                if (is_plain_erlang_atom(at)) {
                        asm_print_atom_chars(printer, at, '\'');
                } else {
                        print_quoted_atom(printer, at, '\'');
                }
        } else if (!asm_print_alias(printer, at)) {
                if (!asm_view_is_atom(atom, "nil") && !asm_view_is_atom(atom, "true") &&
                    !asm_view_is_atom(atom, "false")) {
                        g_string_append_c(printer->out, ':');
                }
                asm_print_elixir_name(printer, at);
        }
}
