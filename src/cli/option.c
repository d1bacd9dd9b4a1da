/* SPDX-License-Identifier: MIT */

/*
 * Options as tables of offsets into a struct: so a command can keep its options in a struct of its
 * own, and `help` can show them without running it. GLib's GOption wants the address of one
 * variable per option, and converts texts from the locale's character set; here the bytes of the
 * command line are UTF-8 or refused, whatever the locale.
 *
 * Global options may stand before and behind the command. Before it (@stop_at_first) the first
 * operand is the command's name; behind it both tables are looked through.
 *
 * Every message names the option, as it was typed.
 */

#include "cli/option-private.h"

#include "cli/error-private.h"

#include <string.h>

#define SECONDS_MAX (365.0 * 24 * 3600)

typedef struct {
        const AsmCliOption *option;
        gpointer values;
} Found;

static gboolean
usage(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean
usage(GError **error, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        g_set_error_literal(error, ASM_CLI_ERROR, ASM_CLI_ERROR_USAGE, "");
        if (error != NULL) {
                g_free((*error)->message);
                (*error)->message = g_strdup_vprintf(format, args);
        }
        va_end(args);
        return FALSE;
}
