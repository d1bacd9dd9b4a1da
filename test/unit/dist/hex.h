/* SPDX-License-Identifier: MIT */
#pragma once

/* Bytes written as hexadecimal text, spaces ignored: how the tables of this room's tests show them. */

#include "term/builder.h"

#include <criterion/criterion.h>
#include <string.h>

static inline void
hex_append(AsmBuilder *out, const char *text)
{
        for (; *text != '\0'; text++) {
                guint8 byte;

                if (*text == ' ')
                        continue;
                cr_assert(g_ascii_isxdigit(text[0]) && g_ascii_isxdigit(text[1]), "%s", text);
                byte = (guint8)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
                asm_builder_raw(out, &byte, 1);
                text++;
        }
}

static inline AsmBuilder
hex_decode(const char *text)
{
        AsmBuilder out = ASM_BUILDER_INIT;

        hex_append(&out, text);
        return out;
}

/* (transfer full) */
static inline char *
hex_encode(const guint8 *data, gsize len)
{
        GString *text = g_string_new(NULL);

        for (gsize i = 0; i < len; i++)
                g_string_append_printf(text, "%02x", data[i]);
        return g_string_free(text, FALSE);
}

/* fails the test, showing both, unless the bytes are those of @expected */
static inline void
hex_expect(const guint8 *data, gsize len, const char *expected, const char *what)
{
        g_auto(AsmBuilder) bytes = hex_decode(expected);
        g_autofree char *actual_text = hex_encode(data, len);
        g_autofree char *expected_text = hex_encode(bytes.data, bytes.len);

        cr_expect_str_eq(actual_text,
                         expected_text,
                         "%s: is %s instead of %s",
                         what,
                         actual_text,
                         expected_text);
}
