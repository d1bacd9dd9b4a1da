/* SPDX-License-Identifier: MIT */
#pragma once

/* Did you mean: the name that is nearest to a word that is none. */

#include <glib.h>

/**
 * asm_spelling_is_nearer: whether @name is near enough to what was @typed, and nearer than others
 * @least: (inout): changes that the nearest one needs so far; G_MAXUINT before the first
 */
gboolean asm_spelling_is_nearer(const char *typed, const char *name, guint *least);
