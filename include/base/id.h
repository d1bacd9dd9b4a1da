/* SPDX-License-Identifier: MIT */
#pragma once

/* Session, run and event ids: ULIDs, 26 characters of Crockford's base 32, ordered by time. */

#include <glib.h>

#define ASM_ID_LENGTH 26

typedef struct {
        char text[ASM_ID_LENGTH + 1];
} AsmId;

/* wall clock in ms and 80 random bits; two of the same ms are ordered by when they were made */
AsmId asm_id_new(void);
/* any text a user may choose as an id: 1 to 128 printable ASCII characters without spaces */
gboolean asm_id_is_valid(const char *text);
