/* SPDX-License-Identifier: MIT */

/*
 * The second screen that terminals have, so that what was on the first is there again afterwards. A
 * frame is written over the one before and only what is left of that is erased: nothing flickers.
 * Its size is asked for with each frame.
 *
 * Keys come at once and are not shown. Ctrl-C stays a signal; ctrl-Z is none meanwhile, for nobody
 * would tidy up the screen for the shell. In the background the keyboard is the shell's.
 */

#include "cli/screen-private.h"

#include "cli/text-private.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define DEFAULT_COLUMNS 80
#define DEFAULT_ROWS    24

#define ENTER       "\033[?1049h\033[?25l"
#define LEAVE       "\033[?25h\033[?1049l"
#define TO_TOP      "\033[H"
#define ERASE_RIGHT "\033[K"
#define ERASE_BELOW "\033[J"

struct _AsmScreen {
        AsmOutput *output;
        int fd; /* -1: no keyboard */
        struct termios saved;
};

static int
find_keyboard(struct termios *ret_saved)
{
        if (tcgetpgrp(STDIN_FILENO) != getpgrp() || tcgetattr(STDIN_FILENO, ret_saved) != 0)
                return -1;
        return STDIN_FILENO;
}

AsmScreen *
asm_screen_new(AsmOutput *output)
{
        AsmScreen *screen = g_new0(AsmScreen, 1);

        screen->output = output;
        screen->fd = find_keyboard(&screen->saved);
        if (screen->fd >= 0) {
                struct termios raw = screen->saved;

                raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
                raw.c_cc[VMIN] = 1;
                raw.c_cc[VTIME] = 0;
                raw.c_cc[VSUSP] = _POSIX_VDISABLE;
                tcsetattr(screen->fd, TCSANOW, &raw);
        }
        fputs(ENTER, output->out);
        fflush(output->out);
        return screen;
}

void
asm_screen_free(AsmScreen *screen)
{
        if (screen == NULL)
                return;
        fputs(LEAVE, screen->output->out);
        fflush(screen->output->out);
        if (screen->fd >= 0)
                tcsetattr(screen->fd, TCSAFLUSH, &screen->saved);
        g_free(screen);
}

int
asm_screen_get_fd(const AsmScreen *screen)
{
        return screen->fd;
}

static void
put_line(GString *frame, const char *text, guint columns)
{
        g_autoptr(GString) line = g_string_new(text);

        asm_text_clip(line, columns);
        g_string_append(frame, line->str);
        g_string_append(frame, ERASE_RIGHT);
}

void
asm_screen_draw(AsmScreen *screen, const GPtrArray *lines, const char *footer)
{
        g_autoptr(GString) frame = g_string_new(TO_TOP);
        FILE *out = screen->output->out;
        struct winsize size = { 0 };
        guint columns, n;

        if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
                size = (struct winsize){ .ws_col = DEFAULT_COLUMNS, .ws_row = DEFAULT_ROWS };
        /* the last column is left free, where a terminal may already have begun the next line */
        columns = MAX(size.ws_col, 2U) - 1;
        n = MIN(lines->len, size.ws_row - 1U);
        for (guint i = 0; i < n; i++) {
                put_line(frame, g_ptr_array_index(lines, i), columns);
                g_string_append(frame, "\r\n");
        }
        if (n < lines->len) {
                g_autofree char *more =
                        g_strdup_printf("%s, %u lines more", footer, lines->len - n);

                put_line(frame, more, columns);
        } else {
                put_line(frame, footer, columns);
        }
        g_string_append(frame, ERASE_BELOW);
        fwrite(frame->str, 1, frame->len, out);
        if (fflush(out) != 0)
                screen->output->write_errno = EIO;
}
