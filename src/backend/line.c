/* SPDX-License-Identifier: MIT */

/*
 * What a CLI prints, as lines. The rules:
 *
 *   - where reads end makes no difference to the lines that come out;
 *   - a line of exactly the limit passes, one byte more does not, and a line that never ends takes
 *     no more memory than the limit and one read;
 *   - a byte is looked at once for being a newline, so a long line that comes in small pieces costs
 *     its length and not its square;
 *   - a reader that has nothing left holds no memory: a thousand quiet CLIs cost nothing here.
 *
 *      data           start        scanned          end            size
 *       | handed out    | no newline   | not looked at  | free        |
 */

#include "backend/line-private.h"

#include <string.h>

void
asm_line_reader_init(AsmLineReader *reader, gsize limit)
{
        *reader = (AsmLineReader){ .limit = limit };
}

void
asm_line_reader_clear(AsmLineReader *reader)
{
        g_free(reader->data);
        *reader = (AsmLineReader){ .limit = reader->limit };
}

static void
forget(AsmLineReader *reader)
{
        g_clear_pointer(&reader->data, g_free);
        reader->size = reader->start = reader->scanned = reader->end = 0;
}

char *
asm_line_reader_reserve(AsmLineReader *reader, gsize n)
{
        if (reader->start > 0) {
                memmove(reader->data, reader->data + reader->start, reader->end - reader->start);
                reader->end -= reader->start;
                reader->scanned -= reader->start;
                reader->start = 0;
        }
        if (reader->size - reader->end < n) {
                /* twice as much only once a line does not fit into a read */
                reader->size = MAX(reader->end + n, reader->end > 0 ? 2 * reader->size : 0);
                reader->data = g_realloc(reader->data, reader->size);
        }
        return reader->data + reader->end;
}

void
asm_line_reader_commit(AsmLineReader *reader, gsize n)
{
        g_return_if_fail(n <= reader->size - reader->end);

        reader->end += n;
}

void
asm_line_reader_end(AsmLineReader *reader)
{
        reader->is_ended = TRUE;
}

/* the line between start and @newline, or all that is left if there is none */
static AsmLineStatus
take(AsmLineReader *reader, const char *newline, const char **ret_line, gsize *ret_len)
{
        gsize end = newline != NULL ? (gsize)(newline - reader->data) : reader->end;
        gsize start = reader->start;

        reader->start = reader->scanned = newline != NULL ? end + 1 : end;
        if (reader->is_skipping) {
                reader->is_skipping = FALSE;
                return ASM_LINE_MORE;
        }
        if (end - start > reader->limit)
                return ASM_LINE_TOO_LONG;
        *ret_line = reader->data + start;
        *ret_len = end - start;
        return ASM_LINE_READY;
}

AsmLineStatus
asm_line_reader_next(AsmLineReader *reader, const char **ret_line, gsize *ret_len)
{
        while (reader->start < reader->end) {
                const char *newline =
                        memchr(reader->data + reader->scanned, '\n', reader->end - reader->scanned);
                AsmLineStatus status = ASM_LINE_MORE;

                if (newline == NULL && !reader->is_ended)
                        break;
                status = take(reader, newline, ret_line, ret_len);
                if (status != ASM_LINE_MORE)
                        return status;
        }
        reader->scanned = reader->end;
        if (reader->is_skipping) {
                forget(reader);
        } else if (reader->end - reader->start > reader->limit) {
                forget(reader);
                reader->is_skipping = TRUE;
                return ASM_LINE_TOO_LONG;
        } else if (reader->start == reader->end) {
                forget(reader);
        }
        return ASM_LINE_MORE;
}
