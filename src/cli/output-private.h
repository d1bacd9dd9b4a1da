/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where asmctl writes: the result to standard output and nothing else there, notes to standard
 * error. Foreign text is made safe for terminals; a file or a pipe gets the bytes as they are.
 */

#include "term/term.h"

#include <stdio.h>

/* most lines of the region at the bottom of the screen */
#define ASM_OUTPUT_REGION_MAX 8

#define ASM_STYLE_DIM "\033[2m"
#define ASM_STYLE_END "\033[0m"

/* what stands before a line that says how something went */
typedef enum {
        ASM_MARK_NONE, /* a dot */
        ASM_MARK_GOOD,
        ASM_MARK_BAD,
} AsmMark;

typedef struct {
        FILE *out;
        FILE *err;
        gboolean is_json;
        gboolean out_is_terminal;
        gboolean err_is_terminal;
        gboolean has_colour; /* of @err */
        gboolean is_live;    /* both are a terminal, where lines can be drawn again */
        guint columns;       /* of the terminal behind @out, 0: none, or not known */
        gboolean is_asking;  /* a question on standard error waits for its answer */
        /*< private >*/
        gboolean is_mid_line; /* the last character of the text was no newline */
        gint write_errno;
        char pending[4]; /* the start of a character that was cut by a delta */
        gsize n_pending;
        guint n_region_lines; /* that are on the screen */
        guint region_columns[ASM_OUTPUT_REGION_MAX];
} AsmOutput;

/* @environment: NO_COLOR and TERM decide about colour; borrowed streams */
void asm_output_init(AsmOutput *output, FILE *out, FILE *err);

/* the model's text, in pieces of any size, at once */
void asm_output_text(AsmOutput *output, const char *text, gsize len);
/* the next text begins on a new line: completes the one that was begun */
void asm_output_end_line(AsmOutput *output);
/* one line of standard output; @line holds no newline; cut at the terminal's edge if @may_cut */
void asm_output_line(AsmOutput *output, const char *line, gboolean may_cut);
/* one line of JSON */
void asm_output_json(AsmOutput *output, AsmView view);

/* one line on standard error, made safe; said on the side, so dim where there is colour */
void asm_output_note(AsmOutput *output, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* one line on standard error; @text is safe already, and cut so that @end still fits */
void asm_output_mark(AsmOutput *output, AsmMark mark, const char *text, const char *end);
/* columns of the terminal behind standard error, now; 0: it is none */
guint asm_output_err_columns(const AsmOutput *output);
/* completes a line of text on a screen that standard error shares */
void asm_output_break_line(AsmOutput *output);

/* region.c: shows @lines at the bottom, if is_live and no line is half written; in place of others */
void asm_output_region_draw(AsmOutput *output, const char *const *lines);
/* nothing of it is on the screen; whatever is written next does this first */
void asm_output_region_erase(AsmOutput *output);

/* "auto", "always" or "never"; FALSE for anything else */
gboolean asm_output_set_colour(AsmOutput *output, const char *when);

/**
 * asm_output_ask: @text, which is safe already and may have several lines, on standard error, and
 * @question, which ends no line
 *
 * Whatever is shown next on the terminal completes the line; it clears is_asking, and the question
 * has to be shown again. asm_output_answered() says that the terminal has completed it.
 */
void asm_output_ask(AsmOutput *output, const char *text, const char *question);
void asm_output_answered(AsmOutput *output);
/* "asmctl: " and @message on standard error; the newlines of @message stay */
void asm_output_error(AsmOutput *output, const char *message);

/* whether all that was written has arrived; FALSE: ASM_CLI_ERROR_CLOSED or _FAILED */
gboolean asm_output_check(AsmOutput *output, GError **error);
/* a write has failed: there is no point in producing more */
gboolean asm_output_is_broken(const AsmOutput *output);
