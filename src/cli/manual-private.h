/* SPDX-License-Identifier: MIT */
#pragma once

/* The parts of asmctl(1) that the tables of this program say, as mdoc. */

#include <glib.h>

/* text of a help, its paragraphs and sentences, in mdoc */
void asm_manual_append_text(GString *out, const char *text);

/**
 * asm_manual_fill: (transfer full): @page with each line "@commands@", "@options@",
 * "@exit-status@" and "@program-options@" replaced by what it names
 * @help: (nullable): what the program says of its options, as GOption prints it
 */
char *asm_manual_fill(const char *page, const char *help);
