/* SPDX-License-Identifier: MIT */
#pragma once

/* The parts of manual pages that tables of the programs say, as mdoc, and an example of asmd.conf. */

#include <glib.h>

/* text of a help, its paragraphs and sentences, in mdoc */
void asm_manual_append_text(GString *out, const char *text);

/* a section of asmd.conf(5) for each group of keys */
void asm_manual_append_config(GString *out);
/* asmd.conf with all keys, commented out */
void asm_manual_append_example(GString *out);

/**
 * asm_manual_fill: (transfer full): @page with each line "@commands@", "@options@",
 * "@exit-status@", "@program-options@", "@config@" and "@config-example@" replaced by what it names
 * @help: (nullable): what the program says of its options, as GOption prints it
 */
char *asm_manual_fill(const char *page, const char *help);
