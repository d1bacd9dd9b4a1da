/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/**
 * asm_cli_is_nearer: whether @name is near enough to what was @typed, and nearer than others
 * @least: (inout): changes that the nearest one needs so far; G_MAXUINT before the first
 */
gboolean asm_cli_is_nearer(const char *typed, const char *name, guint *least);
