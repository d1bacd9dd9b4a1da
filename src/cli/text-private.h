/* SPDX-License-Identifier: MIT */
#pragma once

/* Text for people: foreign text made harmless, widths in columns, durations and sizes. */

#include <glib.h>

typedef enum {
        ASM_TEXT_LINES,    /* newline and tab stay what they are */
        ASM_TEXT_ONE_LINE, /* they become \n and \t */
} AsmTextForm;

/**
 * asm_text_append_safe: appends @text so that a terminal only prints it
 *
 * Control characters (C0, DEL, C1), line separators and characters that turn the direction of
 * text become \uXXXX, bytes that are not UTF-8 become U+FFFD. The result is still JSON if @text is.
 */
void asm_text_append_safe(GString *out, const char *text, gsize len, AsmTextForm form);

/* columns that @text, UTF-8 without control characters, takes on a terminal */
guint asm_text_columns(const char *text);
/* cuts @text to at most @columns (0: no limit), the last one an ellipsis if something was cut */
void asm_text_clip(GString *text, guint columns);

/**
 * asm_text_clip_for: cuts @text so that with @before columns in front of it and @end behind it a
 * line has less than @columns (0: no limit); a few of its characters always stay
 */
void asm_text_clip_for(GString *text, guint columns, guint before, const char *end);

/* @word as it is typed into a shell; (transfer full) */
char *asm_text_quote(const char *word);

/* "310 ms", "2.1 s", "3 min 5 s", "2 h 5 min", "4 d 1 h"; (transfer full) */
char *asm_text_duration(gint64 ms);
/* "812 B", "6.4 MiB"; (transfer full) */
char *asm_text_size(gint64 bytes);
