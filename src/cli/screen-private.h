/* SPDX-License-Identifier: MIT */
#pragma once

/* The whole screen of a terminal, given back as it was. */

#include "cli/output-private.h"

typedef struct _AsmScreen AsmScreen;

/* @output: borrowed, with is_live set; nothing else writes to it meanwhile */
AsmScreen *asm_screen_new(AsmOutput *output);
/* restores the terminal */
void asm_screen_free(AsmScreen *screen);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmScreen, asm_screen_free)

/**
 * asm_screen_draw: shows @lines in place of what was there, as many as there is room for, and
 *   @footer in the last row
 * @lines: of text, made safe; cut at the edge
 */
void asm_screen_draw(AsmScreen *screen, const GPtrArray *lines, const char *footer);
/* what keys are read from, a byte each, without echo; -1: there is no keyboard */
int asm_screen_get_fd(const AsmScreen *screen);
