/* SPDX-License-Identifier: MIT */
#include "kit-dir.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>

char *
kit_dir_file(const CliDir *dir, const char *name)
{
        return g_build_filename(dir->path, "kits", "codex", name, NULL);
}

void
kit_dir_write_manifest(const CliDir *dir, const char *text)
{
        g_autofree char *file = kit_dir_file(dir, "kit.json");

        cr_assert(g_file_set_contents(file, text, -1, NULL));
        cr_assert_eq(g_chmod(file, 0644), 0);
}

void
kit_dir_install(const CliDir *dir, const char *program_body, const char *more)
{
        g_autofree char *folder = g_build_filename(dir->path, "kits", "codex", NULL);
        CliDir inner = { folder };
        g_autofree char *body = g_strdup_printf("d=%s\n%s", dir->path, program_body);
        g_autofree char *text = g_strdup_printf(
                "{\"name\":\"test\",\"version\":\"1.2\",\"protocol\":1,\"providers\":[\"codex\"],"
                "\"program\":\"kit\"%s}",
                more);
        g_autofree char *path = g_path_get_dirname(folder);
        g_autofree char *program = NULL;

        cr_assert_eq(g_mkdir_with_parents(folder, 0755), 0);
        program = cli_script(&inner, "kit", body);
        kit_dir_write_manifest(dir, text);
        g_setenv("ASMD_KIT_PATH", path, TRUE);
}
