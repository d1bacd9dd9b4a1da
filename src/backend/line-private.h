/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Cuts a byte stream into lines. Bytes are read straight into the buffer and lines are borrowed
 * from it, so nothing is copied but the part of a line that a read has left unfinished.
 */

#include <glib.h>

typedef enum {
        ASM_LINE_MORE,     /* no whole line is left */
        ASM_LINE_READY,    /* @ret_line is one */
        ASM_LINE_TOO_LONG, /* one over the limit begins here: told once, then skipped to its end */
} AsmLineStatus;

typedef struct {
        /*< private >*/
        gsize limit; /* most bytes of a line, its newline not counted */
        char *data;
        gsize size;
        gsize start;   /* of the first byte that was not handed out */
        gsize scanned; /* no newline between start and here */
        gsize end;
        gboolean is_skipping;
        gboolean is_ended;
} AsmLineReader;

void asm_line_reader_init(AsmLineReader *reader, gsize limit);
void asm_line_reader_clear(AsmLineReader *reader);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmLineReader, asm_line_reader_clear)

/* room for @n more bytes; what of it was filled is told to asm_line_reader_commit() */
char *asm_line_reader_reserve(AsmLineReader *reader, gsize n);
void asm_line_reader_commit(AsmLineReader *reader, gsize n);
/* nothing follows: what is left without a newline is a line as well */
void asm_line_reader_end(AsmLineReader *reader);

/**
 * asm_line_reader_next:
 * @ret_line: borrowed until the next call of any function here; set for ASM_LINE_READY only
 */
AsmLineStatus asm_line_reader_next(AsmLineReader *reader, const char **ret_line, gsize *ret_len);
