/* SPDX-License-Identifier: MIT */

/*
 * The region: a few lines at the bottom of the screen that are drawn again and again, while what
 * was said stays above them. It is on the screen only between two lines of output; whatever is
 * written next erases it first (output.c), and it comes back with the next drawing. So nothing has
 * to be known of where the cursor was in the middle of a line.
 *
 *      The tests are green.            said; scrolls away
 *      ✓ Bash make test  3.1 s
 *      ⠹ Read src/main.c  0.2 s        the region; the cursor stays behind its last character
 *      ⠹ 4.0 s · 812 tokens in
 *
 * Lines are cut one column before the edge, so none wraps; but after somebody has made the window
 * narrower they do, and erasing goes up as many rows as they take now.
 */

#include "cli/output-private.h"

#include "cli/text-private.h"

#include <sys/ioctl.h>
#include <unistd.h>

/* of a terminal that does not tell */
#define DEFAULT_COLUMNS 80
/* no line is worth drawing in less */
#define LEAST_COLUMNS 8

guint
asm_output_err_columns(const AsmOutput *output)
{
        struct winsize size;

        if (!output->err_is_terminal)
                return 0;
        if (ioctl(fileno(output->err), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
                return DEFAULT_COLUMNS;
        return MAX(size.ws_col, LEAST_COLUMNS);
}

/* rows behind the first that lines as wide as these take now */
static guint
rows_below(const AsmOutput *output, guint columns)
{
        guint rows = 0;

        for (guint i = 0; i < output->n_region_lines; i++)
                rows += MAX(1, (output->region_columns[i] + columns - 1) / columns);
        return rows > 0 ? rows - 1 : 0;
}

void
asm_output_region_erase(AsmOutput *output)
{
        guint up = 0;

        if (output->n_region_lines == 0)
                return;
        up = rows_below(output, asm_output_err_columns(output));
        output->n_region_lines = 0;
        fputs("\r", output->err);
        if (up > 0)
                fprintf(output->err, "\033[%uA", up);
        fputs("\033[J", output->err);
        fflush(output->err);
}

void
asm_output_region_draw(AsmOutput *output, const char *const *lines)
{
        guint columns;

        if (!output->is_live || output->is_mid_line || output->is_asking)
                return;
        columns = asm_output_err_columns(output);
        asm_output_region_erase(output);
        for (guint i = 0; lines[i] != NULL && i < ASM_OUTPUT_REGION_MAX; i++) {
                g_autoptr(GString) line = g_string_new(lines[i]);

                asm_text_clip(line, columns - 1);
                output->region_columns[i] = asm_text_columns(line->str);
                output->n_region_lines = i + 1;
                fprintf(output->err,
                        "%s%s%s%s",
                        i > 0 ? "\r\n" : "",
                        output->has_colour ? ASM_STYLE_DIM : "",
                        line->str,
                        output->has_colour ? ASM_STYLE_END : "");
        }
        fflush(output->err);
}
