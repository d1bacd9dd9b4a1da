/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where asmctl writes: the result to standard output and nothing else there, notes to standard
 * error. Foreign text is made safe for terminals; a file or a pipe gets the bytes as they are.
 */

#include "term/term.h"

#include <stdio.h>

typedef struct {
        FILE *out;
        FILE *err;
        gboolean is_json;
        gboolean out_is_terminal;
        gboolean err_is_terminal;
        gboolean has_colour; /* of @err */
        guint columns;       /* of the terminal behind @out, 0: none, or not known */
        gboolean is_asking;  /* a question on standard error waits for its answer */
        /*< private >*/
        gboolean is_mid_line; /* the last character of the text was no newline */
        gint write_errno;
        char pending[4]; /* the start of a character that was cut by a delta */
        gsize n_pending;
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
/**
 * asm_output_ask: @text on a line of standard error, made safe, and @question, which ends no line
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
