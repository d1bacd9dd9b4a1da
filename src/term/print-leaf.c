/* SPDX-License-Identifier: MIT */

/*
 * How single values look in Erlang and in Elixir (atoms: print-atom.c).
 *
 * The text can be pasted back where the language has a syntax for the value at all. Floats: the
 * shortest digits that read back as the same number, with an exponent where that is shorter, as
 * BEAM prints them. Integers above 4096 bits are shown in base 16: decimal digits take a time
 * that grows with the square of their number. Binaries are text if all characters are what BEAM
 * calls printable, and numbers otherwise; pids, references, ports and funs have no syntax and
 * look as in a shell, with the name of the node in place of the shell's own number for it.
 */

#include "term/print-private.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "term/format-private.h"
#include "term/reader.h"

#define MAX_DECIMAL_BYTES 512

/* the next larger number of as many digits; FALSE: there is none, all digits are nines */
static gboolean
count_up(char *text)
{
        char *at = strchr(text, 'e') - 1;

        while (at > text && (*at == '9' || *at == '.')) {
                *at = *at == '.' ? '.' : '0';
                at--;
        }
        (*at)++;
        return *at <= '9';
}

/*
 * Whether a text of this many digits reads back; @text is then that text. Above a power of two
 * floats lie twice as far apart as below it, so there the nearest text may read as the neighbour
 * below while the next one above is still fine.
 */
static gboolean
reads_back(double value, int precision, char text[static 40])
{
        char format[8];

        g_snprintf(format, sizeof format, "%%.%de", precision - 1);
        g_ascii_formatd(text, 40, format, value);
        return g_ascii_strtod(text, NULL) == value ||
               (count_up(text) && g_ascii_strtod(text, NULL) == value);
}

/* digits and power of ten of the shortest text that reads back; @value > 0 */
static int
shortest_digits(double value, char digits[static 20])
{
        char text[40];
        char *exponent;
        /* 15 digits are never too many, but for numbers that have lost bits to the left */
        int precision = value < DBL_MIN ? 1 : 15;
        gsize n = 0;

        /* 17 digits always do */
        while (!reads_back(value, precision, text)) {
                precision++;
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
        return (int)g_ascii_strtoll(exponent + 1, NULL, 10);
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
        asm_print_atom_chars(printer, at, '\0');
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
                asm_print_atom(printer, module);
                g_string_append_c(printer->out, '>');
        } else {
                g_string_append(printer->out, "#Fun<");
                asm_print_atom(printer, module);
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
        asm_print_atom(printer, module);
        if (asm_printer_is_elixir(printer)) {
                g_string_append_c(printer->out, '.');
                asm_print_elixir_name(printer, function);
        } else {
                g_string_append_c(printer->out, ':');
                asm_print_atom(printer, function);
        }
        g_string_append_printf(printer->out, "/%d", arity[1]);
}

void
asm_print_leaf(AsmPrinter *printer, AsmView view)
{
        double value = 0;

        switch (asm_view_kind(view)) {
        case ASM_KIND_ATOM:
                asm_print_atom(printer, view.data);
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
