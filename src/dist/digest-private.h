/* SPDX-License-Identifier: MIT */
#pragma once

/* The answer to a challenge: what proves knowledge of a cookie without showing it. */

#include <glib.h>

#define ASM_DIGEST_LEN 16

void asm_digest_make(const char *cookie, guint32 challenge, guint8 ret_digest[ASM_DIGEST_LEN]);
/* takes the same time wherever the two differ */
gboolean asm_digest_matches(const guint8 a[ASM_DIGEST_LEN], const guint8 b[ASM_DIGEST_LEN]);
