/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/**
 * asm_keys_find_twice: a map in a checked term that has a key twice
 * @data: a term that asm_term_check() has walked over
 *
 * Keys are equal as a BEAM sees it, in whatever form they are written: `=:=`.
 * Returns: (nullable): where that map begins; NULL: there is none
 */
const guint8 *asm_keys_find_twice(const guint8 *data);
