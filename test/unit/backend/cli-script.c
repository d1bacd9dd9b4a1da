/* SPDX-License-Identifier: MIT */
#include "cli-script.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>

void
cli_dir_init(CliDir *dir)
{
        dir->path = g_dir_make_tmp("asm-cli-XXXXXX", NULL);
        cr_assert_not_null(dir->path);
}

static void
remove_all(const char *path)
{
        GDir *entries = g_dir_open(path, 0, NULL);
        const char *name;

        cr_assert_not_null(entries);
        while ((name = g_dir_read_name(entries)) != NULL) {
                g_autofree char *file = g_build_filename(path, name, NULL);

                if (g_file_test(file, G_FILE_TEST_IS_DIR) &&
                    !g_file_test(file, G_FILE_TEST_IS_SYMLINK))
                        remove_all(file);
                else
                        g_remove(file);
        }
        g_dir_close(entries);
        cr_expect_eq(g_rmdir(path), 0);
}

void
cli_dir_clear(CliDir *dir)
{
        remove_all(dir->path);
        g_clear_pointer(&dir->path, g_free);
}

char *
cli_script(const CliDir *dir, const char *name, const char *body)
{
        g_autofree char *text = g_strdup_printf("#!/bin/sh\nd=${0%%/*}\n%s\n", body);
        char *path = g_build_filename(dir->path, name, NULL);

        cr_assert(g_file_set_contents(path, text, -1, NULL));
        cr_assert_eq(g_chmod(path, 0755), 0);
        return path;
}

char *
cli_read(const CliDir *dir, const char *name)
{
        g_autofree char *path = g_build_filename(dir->path, name, NULL);
        char *text = NULL;

        g_file_get_contents(path, &text, NULL, NULL);
        return text;
}
