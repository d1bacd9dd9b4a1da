/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "term/builder.h"
#include "term/print.h"
#include "term/term.h"

/* a table's literal as bytes; the NUL at its end is not one of them */
#define BYTES(literal) (const guint8 *)(literal), sizeof(literal) - 1
#define VIEW(literal)  ((AsmView){ BYTES(literal) })

/*
 * The check over a copy that ends where its block ends, so that the sanitizer sees a read of one
 * byte too many.
 */
static inline gboolean
check_exact(const guint8 *data,
            gsize len,
            const AsmTermLimits *limits,
            gsize *ret_used,
            GError **error)
{
        g_autofree guint8 *copy = g_malloc(MAX(len, 1));
        guint8 *block = len > 0 ? copy : copy + 1;

        memcpy(block, data, len);
        return asm_term_check(block, len, limits, ret_used, error);
}
