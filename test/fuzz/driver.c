/* SPDX-License-Identifier: MIT */

/*
 * Runs a fuzz target over the files of its corpus as an ordinary test. Each file is one
 * check: the target ends the process when it finds something, and then the name of the
 * file is the last thing that was said.
 */

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

static guint
run_file(guint number, const char *folder, const char *name)
{
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *data = NULL;
        g_autoptr(GError) error = NULL;
        gsize len;

        if (!g_file_get_contents(path, &data, &len, &error)) {
                printf("not ok %u - %s\n", number, error->message);
                return 1;
        }
        printf("# %s\n", name);
        fflush(stdout);
        LLVMFuzzerTestOneInput((const guint8 *)data, len);
        printf("ok %u - survives %s\n", number, name);
        return 0;
}

int
main(int argc, char **argv)
{
        guint n = 0;
        guint n_failed = 0;

        for (int i = 1; i < argc; i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(GDir) folder = g_dir_open(argv[i], 0, &error);
                const char *name;

                if (folder == NULL) {
                        printf("not ok %u - %s\n", ++n, error->message);
                        n_failed++;
                        continue;
                }
                while ((name = g_dir_read_name(folder)) != NULL)
                        n_failed += run_file(++n, argv[i], name);
        }
        printf("1..%u\n", n);
        return n_failed == 0 && n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
