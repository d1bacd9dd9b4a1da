/* SPDX-License-Identifier: MIT */

/*
 * How single values look in Erlang and in Elixir.
 *
 * The text can be pasted back where the language has a syntax for the value at all, so quoting
 * is decided by the grammar and not by taste; where the grammars have more unquoted forms than
 * are told apart here (Elixir's operators, letters outside ASCII), the quoted form is right too.
 * Every character from outside goes through asm_print_char(): what is a control character, a
 * line separator or invisible (Unicode's class "format", which can turn the direction of text)
 * leaves as an escape sequence.
 *
 * Floats: the shortest digits that read back as the same number, with an exponent where that is
 * shorter, as BEAM prints them. Integers above 4096 bits are shown in base 16: decimal digits
 * take a time that grows with the square of their number.
 */

#include "term/print-private.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "term/format-private.h"
#include "term/reader.h"

#define MAX_DECIMAL_BYTES 512

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

static void
print_atom_chars(AsmPrinter *printer, const guint8 *at, char quote)
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
        print_atom_chars(printer, at, quote);
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
static void
print_elixir_name(AsmPrinter *printer, const guint8 *at)
{
        if (is_plain_elixir_atom(at)) {
                print_atom_chars(printer, at, '"');
        } else {
                print_quoted_atom(printer, at, '"');
        }
}

void
asm_print_keyword_key(AsmPrinter *printer, const guint8 *at)
{
        print_elixir_name(printer, at);
        g_string_append(printer->out, ": ");
}

static void
print_atom(AsmPrinter *printer, const guint8 *at)
{
        AsmView atom = { at, asm_view_skip(at) };

        if (!asm_printer_is_elixir(printer)) {
                if (is_plain_erlang_atom(at)) {
                        print_atom_chars(printer, at, '\'');
                } else {
                        print_quoted_atom(printer, at, '\'');
                }
        } else if (!asm_print_alias(printer, at)) {
                if (!asm_view_is_atom(atom, "nil") && !asm_view_is_atom(atom, "true") &&
                    !asm_view_is_atom(atom, "false")) {
                        g_string_append_c(printer->out, ':');
                }
                print_elixir_name(printer, at);
        }
}

/* digits and power of ten of the shortest text that reads back; @value > 0 */
static int
shortest_digits(double value, char digits[static 20])
{
        char text[40], format[8];
        char *exponent;
        /* 15 digits are never too many, but for numbers that have lost bits to the left */
        int precision = value < DBL_MIN ? 1 : 15;
        gsize n = 0;

        for (;; precision++) {
                g_snprintf(format, sizeof format, "%%.%de", precision - 1);
                g_ascii_formatd(text, sizeof text, format, value);
                if (precision == 17 || g_ascii_strtod(text, NULL) == value) {
                        break;
                }
        }
        exponent = strchr(text, 'e');
        for (const char *at = text; at < exponent; at++) {
                if (*at != '.') {
                        digits[n++] = *at;
                }
        }
        while (n > 1 && digits[n - 1] == '0') {
                n--;
        }
        digits[n] = '\0';
        return atoi(exponent + 1);
}

static void
append_zeros(GString *out, int n)
{
        for (; n > 0; n--) {
                g_string_append_c(out, '0');
        }
}

/* @place: where the point is, counted from the first digit */
static void
append_with_point(GString *out, const char *digits, int place)
{
        int n = (int)strlen(digits);

        if (place <= 0) {
                g_string_append(out, "0.");
                append_zeros(out, -place);
                g_string_append(out, digits);
        } else if (place >= n) {
                g_string_append(out, digits);
                append_zeros(out, place - n);
                g_string_append(out, ".0");
        } else {
                g_string_append_len(out, digits, place);
                g_string_append_printf(out, ".%s", digits + place);
        }
}

static void
print_float(AsmPrinter *printer, double value)
{
        GString *out = printer->out;
        char digits[20], exponent[8];
        int place, n, exponent_cost, point_cost;

        if (signbit(value)) {
                g_string_append_c(out, '-');
                value = -value;
        }
        if (value == 0) {
                g_string_append(out, "0.0");
                return;
        }
        place = shortest_digits(value, digits) + 1;
        n = (int)strlen(digits);
        g_snprintf(exponent, sizeof exponent, "%d", place - 1);
        /* BEAM's rule: what is longer, `e` and its number, or the zeros */
        exponent_cost = (int)strlen(exponent) + 1 + (n == 1 ? 2 : 1);
        point_cost = place < 0 ? 2 - place : place >= n ? place - n + 2 : 0;
        if (point_cost <= exponent_cost && (place < n || value < 9007199254740992.0)) {
                append_with_point(out, digits, place);
        } else {
                g_string_append_printf(out,
                                       "%c.%se%s",
                                       digits[0],
                                       n == 1 ? "0" : digits + 1,
                                       exponent);
        }
}

/* base 256 to base 10^9: divides the number in place again and again */
static void
append_decimal(GString *out, const guint8 *digits, gsize n)
{
        guint32 words[MAX_DECIMAL_BYTES / 4] = { 0 };
        guint32 parts[MAX_DECIMAL_BYTES / 3];
        gsize n_words = (n + 3) / 4, n_parts = 0;

        for (gsize i = 0; i < n; i++) {
                words[i / 4] |= (guint32)digits[i] << (8 * (i % 4));
        }
        while (n_words > 0) {
                guint64 rest = 0;
                for (gsize i = n_words; i-- > 0;) {
                        rest = rest << 32 | words[i];
                        words[i] = (guint32)(rest / 1000000000u);
                        rest %= 1000000000u;
                }
                parts[n_parts++] = (guint32)rest;
                while (n_words > 0 && words[n_words - 1] == 0) {
                        n_words--;
                }
        }
        g_string_append_printf(out, "%u", n_parts > 0 ? parts[--n_parts] : 0);
        while (n_parts > 0) {
                g_string_append_printf(out, "%09u", parts[--n_parts]);
        }
}

static void
print_big(AsmPrinter *printer, const guint8 *at)
{
        gboolean negative = FALSE;
        const guint8 *digits = NULL;
        gsize n = 0;

        asm_big_head(at, &negative, &n, &digits);
        while (n > 0 && digits[n - 1] == 0) {
                n--;
        }
        if (negative && n > 0) {
                g_string_append_c(printer->out, '-');
        }
        if (n <= MAX_DECIMAL_BYTES) {
                append_decimal(printer->out, digits, n);
                return;
        }
        g_string_append(printer->out, asm_printer_is_elixir(printer) ? "0x" : "16#");
        g_string_append_printf(printer->out, "%X", digits[--n]);
        while (n > 0 && !asm_printer_is_full(printer)) {
                g_string_append_printf(printer->out, "%02X", digits[--n]);
        }
}

static void
print_int(AsmPrinter *printer, AsmView view)
{
        gint64 value;

        if (asm_view_get_int(view, &value)) {
                g_string_append_printf(printer->out, "%" G_GINT64_FORMAT, value);
        } else {
                print_big(printer, view.data);
        }
}

static gboolean
is_text(const guint8 *data, gsize len)
{
        const char *at = (const char *)data;
        const char *end = at + len;

        if (!g_utf8_validate_len(at, len, NULL)) {
                return FALSE;
        }
        for (; at < end; at = g_utf8_next_char(at)) {
                if (!asm_is_text_char(g_utf8_get_char(at))) {
                        return FALSE;
                }
        }
        return TRUE;
}

static void
print_text_binary(AsmPrinter *printer, const guint8 *data, gsize len)
{
        const char *end = (const char *)data + len;
        gboolean is_ascii = TRUE;

        g_string_append(printer->out, asm_printer_is_elixir(printer) ? "\"" : "<<\"");
        for (const char *at = (const char *)data; at < end && !asm_printer_is_full(printer);
             at = g_utf8_next_char(at)) {
                is_ascii = is_ascii && (guint8)*at < 0x80;
                asm_print_char(printer, g_utf8_get_char(at), '"');
        }
        g_string_append_c(printer->out, '"');
        if (!asm_printer_is_elixir(printer)) {
                g_string_append(printer->out, is_ascii ? ">>" : "/utf8>>");
        }
}

/* @last_bits: how many bits of the last byte count */
static void
print_bytes(AsmPrinter *printer, const guint8 *data, gsize len, guint last_bits)
{
        const char *comma = asm_printer_is_elixir(printer) ? ", " : ",";

        g_string_append(printer->out, "<<");
        for (gsize i = 0; i < len && !asm_printer_is_full(printer); i++) {
                guint bits = i + 1 < len ? 8 : last_bits;
                g_string_append_printf(printer->out,
                                       "%s%d",
                                       i > 0 ? comma : "",
                                       data[i] >> (8 - bits));
                if (bits < 8) {
                        g_string_append_printf(printer->out,
                                               asm_printer_is_elixir(printer) ? "::size(%u)"
                                                                              : ":%u",
                                               bits);
                }
        }
        g_string_append(printer->out, ">>");
}

static void
print_binary(AsmPrinter *printer, AsmView view)
{
        const guint8 *data;
        gsize len;

        if (!asm_view_get_binary(view, &data, &len)) {
                print_bytes(printer, view.data + 6, asm_get32(view.data + 1), view.data[5]);
        } else if (is_text(data, len) && (len > 0 || asm_printer_is_elixir(printer))) {
                print_text_binary(printer, data, len);
        } else {
                print_bytes(printer, data, len, 8);
        }
}

/* @at: the node's atom. Returns: where the numbers behind it begin */
static const guint8 *
print_node(AsmPrinter *printer, const char *open, const guint8 *at)
{
        g_string_append(printer->out, open);
        print_atom_chars(printer, at, '\0');
        return at + asm_view_skip(at);
}

static void
print_pid(AsmPrinter *printer, const guint8 *at)
{
        at = print_node(printer, asm_printer_is_elixir(printer) ? "#PID<" : "<", at + 1);
        g_string_append_printf(printer->out, ".%u.%u>", asm_get32(at), asm_get32(at + 4));
}

static void
print_port(AsmPrinter *printer, const guint8 *at)
{
        guint8 tag = at[0];
        guint64 id;

        at = print_node(printer, "#Port<", at + 1);
        id = asm_get32(at);
        if (tag == ERL_V4_PORT_EXT) {
                id = id << 32 | asm_get32(at + 4);
        }
        g_string_append_printf(printer->out, ".%" G_GUINT64_FORMAT ">", id);
}

/* the words from the last to the first, as BEAM does */
static void
print_reference(AsmPrinter *printer, const guint8 *at)
{
        const char *open = asm_printer_is_elixir(printer) ? "#Reference<" : "#Ref<";
        guint8 tag = at[0];
        guint n = tag == ERL_REFERENCE_EXT ? 1 : asm_get16(at + 1);

        at = print_node(printer, open, at + (tag == ERL_REFERENCE_EXT ? 1 : 3));
        at += tag == ERL_NEWER_REFERENCE_EXT ? 4 : tag == ERL_NEW_REFERENCE_EXT ? 1 : 0;
        while (n-- > 0) {
                g_string_append_printf(printer->out, ".%u", asm_get32(at + 4 * n));
        }
        g_string_append_c(printer->out, '>');
}

static void
print_fun(AsmPrinter *printer, const guint8 *at)
{
        const guint8 *module = at + 30;
        const guint8 *index = module + asm_view_skip(module);
        const guint8 *uniq = index + asm_view_skip(index);
        gint64 numbers[2] = { 0, 0 };

        (void)asm_view_get_int((AsmView){ index, (gsize)(uniq - index) }, &numbers[0]);
        (void)asm_view_get_int((AsmView){ uniq, asm_view_skip(uniq) }, &numbers[1]);
        if (asm_printer_is_elixir(printer)) {
                g_string_append_printf(printer->out,
                                       "#Function<%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT "/%d in ",
                                       numbers[0],
                                       numbers[1],
                                       at[5]);
                print_atom(printer, module);
                g_string_append_c(printer->out, '>');
        } else {
                g_string_append(printer->out, "#Fun<");
                print_atom(printer, module);
                g_string_append_printf(printer->out,
                                       ".%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT ">",
                                       numbers[0],
                                       numbers[1]);
        }
}

static void
print_export(AsmPrinter *printer, const guint8 *at)
{
        const guint8 *module = at + 1;
        const guint8 *function = module + asm_view_skip(module);
        const guint8 *arity = function + asm_view_skip(function);

        g_string_append(printer->out, asm_printer_is_elixir(printer) ? "&" : "fun ");
        print_atom(printer, module);
        if (asm_printer_is_elixir(printer)) {
                g_string_append_c(printer->out, '.');
                print_elixir_name(printer, function);
        } else {
                g_string_append_c(printer->out, ':');
                print_atom(printer, function);
        }
        g_string_append_printf(printer->out, "/%d", arity[1]);
}

void
asm_print_leaf(AsmPrinter *printer, AsmView view)
{
        double value = 0;

        switch (asm_view_kind(view)) {
        case ASM_KIND_ATOM:
                print_atom(printer, view.data);
                break;
        case ASM_KIND_INT:
                print_int(printer, view);
                break;
        case ASM_KIND_FLOAT:
                (void)asm_view_get_double(view, &value);
                print_float(printer, value);
                break;
        case ASM_KIND_BINARY:
        case ASM_KIND_BITSTRING:
                print_binary(printer, view);
                break;
        case ASM_KIND_PID:
                print_pid(printer, view.data);
                break;
        case ASM_KIND_REF:
                print_reference(printer, view.data);
                break;
        case ASM_KIND_PORT:
                print_port(printer, view.data);
                break;
        case ASM_KIND_FUN:
                print_fun(printer, view.data);
                break;
        case ASM_KIND_EXPORT:
                print_export(printer, view.data);
                break;
        case ASM_KIND_NIL:
                g_string_append(printer->out, "[]");
                break;
        case ASM_KIND_LIST:
        case ASM_KIND_TUPLE:
        case ASM_KIND_MAP:
                g_assert_not_reached();
        }
}
