/* SPDX-License-Identifier: MIT */
#pragma once

/* Unpredictable bytes, for handshake challenges and ids. */

#include <glib.h>

/* @len bytes from the kernel's generator, at most 256; never fails, never weaker */
void asm_random_bytes(gpointer ret_data, gsize len);
guint32 asm_random_uint32(void);
