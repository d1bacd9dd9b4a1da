/* SPDX-License-Identifier: MIT */

/*
 * The rules of the two streams:
 *
 *   - standard output carries the result: the model's text, a table, lines of JSON. Piped, it is
 *     exact to the byte, but for one newline at the end of text that has none.
 *   - everything else (tool calls, summaries, errors) is standard error.
 *   - what goes to a terminal is made safe first (text.c). A character may be cut between two
 *     pieces of text, so up to three bytes wait for the next piece.
 *   - when both streams are the same screen, a note must not be glued to a half line of text: then
 *     the line is completed, by a newline on standard *error*, which leaves the result as it is.
 *   - the region (region.c) is erased before anything else is written, and comes back after it.
 *   - every piece is flushed: who watches sees it when it comes.
 *
 * Writing may fail: the reader has gone (SIGPIPE is ignored), the disk is full. The first failure
 * is remembered and ends the output; asm_output_check() tells it at the end.
 */

#include "cli/output-private.h"

#include "cli/error-private.h"
#include "cli/text-private.h"
#include "term/json.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define STYLE_RED   "\033[31m"
#define STYLE_GREEN "\033[32m"

static guint
terminal_columns(int fd)
{
        struct winsize size;

        return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void
asm_output_init(AsmOutput *output, FILE *out, FILE *err)
{
        const char *no_colour = g_getenv("NO_COLOR");

        *output = (AsmOutput){ .out = out, .err = err };
        output->out_is_terminal = isatty(fileno(out));
        output->err_is_terminal = isatty(fileno(err));
        output->has_colour = output->err_is_terminal && (no_colour == NULL || *no_colour == '\0') &&
                             g_strcmp0(g_getenv("TERM"), "dumb") != 0;
        output->is_live = output->out_is_terminal && output->err_is_terminal &&
                          g_strcmp0(g_getenv("TERM"), "dumb") != 0;
        if (output->out_is_terminal)
                output->columns = terminal_columns(fileno(out));
}

gboolean
asm_output_set_colour(AsmOutput *output, const char *when)
{
        if (strcmp(when, "always") == 0)
                output->has_colour = TRUE;
        else if (strcmp(when, "never") == 0)
                output->has_colour = FALSE;
        return strcmp(when, "always") == 0 || strcmp(when, "never") == 0 ||
               strcmp(when, "auto") == 0;
}

/* also when the answer is half typed: what has been typed stays valid, it is only not seen */
static void
end_question(AsmOutput *output)
{
        if (!output->is_asking)
                return;
        output->is_asking = FALSE;
        fputc('\n', output->err);
        fflush(output->err);
}

static void
write_out(AsmOutput *output, const char *data, gsize len)
{
        if (output->write_errno != 0 || len == 0)
                return;
        if (output->out_is_terminal) {
                end_question(output);
                asm_output_region_erase(output);
        }
        if (fwrite(data, 1, len, output->out) != len || fflush(output->out) != 0)
                output->write_errno = errno != 0 ? errno : EIO;
        output->is_mid_line = data[len - 1] != '\n';
}

/* how many bytes at the end of @text begin a character that is not complete */
static gsize
cut_bytes(const char *text, gsize len)
{
        for (gsize n = 1; n <= MIN(len, 3); n++) {
                guint8 lead = (guint8)text[len - n];
                gsize wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;

                if (wanted > 0)
                        return wanted > n ? n : 0;
                if (lead < 0x80)
                        return 0;
        }
        return 0;
}

static void
write_safely(AsmOutput *output, const char *text, gsize len)
{
        g_autoptr(GString) joined = g_string_new_len(output->pending, (gssize)output->n_pending);
        g_autoptr(GString) safe = g_string_new(NULL);

        g_string_append_len(joined, text, (gssize)len);
        output->n_pending = cut_bytes(joined->str, joined->len);
        memcpy(output->pending, joined->str + joined->len - output->n_pending, output->n_pending);
        asm_text_append_safe(safe, joined->str, joined->len - output->n_pending, ASM_TEXT_LINES);
        write_out(output, safe->str, safe->len);
}

void
asm_output_text(AsmOutput *output, const char *text, gsize len)
{
        if (output->out_is_terminal)
                write_safely(output, text, len);
        else
                write_out(output, text, len);
}

void
asm_output_end_line(AsmOutput *output)
{
        if (output->n_pending > 0) {
                output->n_pending = 0;
                write_out(output, "\xEF\xBF\xBD", 3);
        }
        if (output->is_mid_line)
                write_out(output, "\n", 1);
}

void
asm_output_line(AsmOutput *output, const char *line, gboolean may_cut)
{
        g_autoptr(GString) text = g_string_new(NULL);

        if (output->out_is_terminal)
                asm_text_append_safe(text, line, strlen(line), ASM_TEXT_ONE_LINE);
        else
                g_string_append(text, line);
        if (may_cut)
                asm_text_clip(text, output->columns);
        g_string_append_c(text, '\n');
        write_out(output, text->str, text->len);
}

void
asm_output_json(AsmOutput *output, AsmView view)
{
        g_autofree char *text = asm_view_to_json_text(view);

        asm_output_line(output, text, /* may_cut= */ FALSE);
}

void
asm_output_break_line(AsmOutput *output)
{
        if (!output->is_mid_line || !output->out_is_terminal || !output->err_is_terminal)
                return;
        fputc('\n', output->err);
        output->is_mid_line = FALSE;
}

static void
write_err(AsmOutput *output, const char *style, const char *prefix, const char *text)
{
        g_autoptr(GString) line = g_string_new(NULL);

        end_question(output);
        asm_output_region_erase(output);
        asm_output_break_line(output);
        if (output->has_colour && *style != '\0')
                g_string_append(line, style);
        g_string_append(line, prefix);
        asm_text_append_safe(line, text, strlen(text), ASM_TEXT_LINES);
        if (output->has_colour && *style != '\0')
                g_string_append(line, ASM_STYLE_END);
        g_string_append_c(line, '\n');
        fwrite(line->str, 1, line->len, output->err);
        fflush(output->err);
}

void
asm_output_note(AsmOutput *output, const char *format, ...)
{
        g_autofree char *text = NULL;
        va_list args;

        va_start(args, format);
        text = g_strdup_vprintf(format, args);
        va_end(args);
        write_err(output, ASM_STYLE_DIM, "", text);
}

void
asm_output_mark(AsmOutput *output, AsmMark mark, const char *text, const char *end)
{
        static const struct {
                const char *style;
                const char *sign;
        } marks[] = { [ASM_MARK_NONE] = { "", "\xC2\xB7" },
                      [ASM_MARK_GOOD] = { STYLE_GREEN, "\xE2\x9C\x93" },
                      [ASM_MARK_BAD] = { STYLE_RED, "\xE2\x9C\x97" } };
        g_autoptr(GString) line = g_string_new(text);
        guint columns = asm_output_err_columns(output);

        end_question(output);
        asm_output_region_erase(output);
        asm_output_break_line(output);
        asm_text_clip_for(line, columns, 2, end);
        fprintf(output->err,
                "%s%s%s %s%s\n",
                output->has_colour ? marks[mark].style : "",
                marks[mark].sign,
                output->has_colour ? ASM_STYLE_END : "",
                line->str,
                end);
        fflush(output->err);
}

void
asm_output_ask(AsmOutput *output, const char *text, const char *question)
{
        write_err(output, "", "", text);
        fputs(question, output->err);
        fflush(output->err);
        output->is_asking = TRUE;
}

void
asm_output_answered(AsmOutput *output)
{
        output->is_asking = FALSE;
}

void
asm_output_error(AsmOutput *output, const char *message)
{
        write_err(output, STYLE_RED, "asmctl: ", message);
}

gboolean
asm_output_is_broken(const AsmOutput *output)
{
        return output->write_errno != 0;
}

gboolean
asm_output_check(AsmOutput *output, GError **error)
{
        if (output->write_errno == 0 && fflush(output->out) != 0)
                output->write_errno = errno;
        if (output->write_errno == 0)
                return TRUE;
        g_set_error(error,
                    ASM_CLI_ERROR,
                    output->write_errno == EPIPE ? ASM_CLI_ERROR_CLOSED : ASM_CLI_ERROR_FAILED,
                    "cannot write the output: %s",
                    g_strerror(output->write_errno));
        return FALSE;
}
