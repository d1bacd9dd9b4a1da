/* SPDX-License-Identifier: MIT */

/*
 * Writes a manual page, or the example of asmd.conf, on standard output, a step of the build:
 * make-manual TEMPLATE [HELP], where HELP is the file with what the program prints for --help.
 */

#include "cli/manual-private.h"

#include <stdio.h>

int
main(int argc, char **argv)
{
        g_autofree char *page = NULL, *help = NULL, *filled = NULL;
        g_autoptr(GError) error = NULL;

        if (argc < 2 || !g_file_get_contents(argv[1], &page, NULL, &error) ||
            (argc > 2 && !g_file_get_contents(argv[2], &help, NULL, &error))) {
                fprintf(stderr,
                        "make-manual: %s\n",
                        error != NULL ? error->message : "no template");
                return 1;
        }
        filled = asm_manual_fill(page, help);
        return fputs(filled, stdout) < 0 || fflush(stdout) != 0;
}
