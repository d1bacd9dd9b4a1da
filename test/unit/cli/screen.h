/* SPDX-License-Identifier: MIT */
#pragma once

/* An AsmOutput whose two streams are memory. For tests only. */

#include "cli/output-private.h"

#include <stdlib.h>

typedef struct {
        AsmOutput output;
        char *out;
        char *err;
        size_t out_len;
        size_t err_len;
} Screen;

static inline void
screen_init(Screen *screen, gboolean is_terminal)
{
        FILE *out, *err;

        *screen = (Screen){ 0 };
        out = open_memstream(&screen->out, &screen->out_len);
        err = open_memstream(&screen->err, &screen->err_len);
        asm_output_init(&screen->output, out, err);
        screen->output.out_is_terminal = is_terminal;
        screen->output.err_is_terminal = is_terminal;
}

static inline void
screen_clear(Screen *screen)
{
        fclose(screen->output.out);
        fclose(screen->output.err);
        free(screen->out);
        free(screen->err);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Screen, screen_clear)

/* what has been written so far, borrowed */
static inline const char *
screen_out(Screen *screen)
{
        fflush(screen->output.out);
        return screen->out;
}

static inline const char *
screen_err(Screen *screen)
{
        fflush(screen->output.err);
        return screen->err;
}
