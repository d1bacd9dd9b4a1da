/* SPDX-License-Identifier: MIT */
#include "kit-dir.h"

#include "backend/kit.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

TestSuite(kit_manifest, .timeout = 300);

static void
expect_refused(const char *part)
{
        g_autoptr(AsmKit) kit = NULL;
        g_autoptr(GError) error = NULL;

        cr_assert_not(asm_kit_find("codex", &kit, &error), "expected '%s'", part);
        cr_expect(g_error_matches(error, ASM_KIT_ERROR, ASM_KIT_ERROR_UNUSABLE));
        cr_expect(strstr(error->message, part) != NULL, "'%s' in: %s", part, error->message);
        cr_expect(strstr(error->message, "/codex") != NULL, "names the file: %s", error->message);
}

static void
expect_found(void)
{
        g_autoptr(AsmKit) kit = NULL;
        g_autoptr(GError) error = NULL;

        cr_assert(asm_kit_find("codex", &kit, &error), "%s", error->message);
        cr_assert_not_null(kit);
}

Test(kit_manifest, a_kit_is_found_with_what_its_manifest_says)
{
        CliDir dir;
        g_autoptr(AsmKit) kit = NULL;
        g_autofree char *program = NULL, *folder = NULL;

        cli_dir_init(&dir);
        kit_dir_install(&dir, "", ",\"capabilities\":[\"approval\"],\"description\":\"x\"");
        program = kit_dir_file(&dir, "kit");
        folder = g_path_get_dirname(program);

        cr_assert(asm_kit_find("codex", &kit, NULL));
        cr_expect_str_eq(kit->name, "test");
        cr_expect_str_eq(kit->version, "1.2");
        cr_expect_str_eq(kit->folder, folder);
        cr_expect_str_eq(kit->program, program);
        cr_expect_str_eq(kit->capabilities[0], "approval");
        cr_expect_eq(kit->start_timeout_ms, 30000);
        cli_dir_clear(&dir);
}

Test(kit_manifest, no_kit_is_no_error)
{
        AsmKit *kit = (AsmKit *)1;
        g_autoptr(GError) error = NULL;

        g_setenv("ASMD_KIT_PATH", "/nowhere::relative", TRUE);
        cr_expect(asm_kit_find("codex", &kit, &error));
        cr_expect_null(kit);
        cr_expect_null(error);
}

Test(kit_manifest, the_first_folder_of_the_search_path_decides)
{
        CliDir first, second;
        g_autofree char *path = NULL;

        cli_dir_init(&first);
        cli_dir_init(&second);
        kit_dir_install(&first, "", "");
        kit_dir_install(&second, "", "");
        path = g_strdup_printf("/nowhere:%s/kits:%s/kits", first.path, second.path);
        g_setenv("ASMD_KIT_PATH", path, TRUE);
        expect_found();
        kit_dir_write_manifest(&first, "{}");
        expect_refused("key 'name'");
        cli_dir_clear(&first);
        expect_found();
        cli_dir_clear(&second);
}

Test(kit_manifest, the_environment_wins_over_the_configuration)
{
        CliDir dir;
        g_autofree char *path = NULL;

        cli_dir_init(&dir);
        kit_dir_install(&dir, "", "");
        asm_kit_set_path("/nowhere");
        expect_found();
        path = g_build_filename(dir.path, "kits", NULL);
        asm_kit_set_path(path);
        g_unsetenv("ASMD_KIT_PATH");
        expect_found();
        asm_kit_set_path(NULL);
        cli_dir_clear(&dir);
}

#define KEYS(name, version, protocol, providers, program)                                          \
        "{\"name\":" name ",\"version\":" version ",\"protocol\":" protocol                        \
        ",\"providers\":" providers ",\"program\":" program "}"

static const struct {
        const char *text;
        const char *message;
} mistakes[] = {
        { "", "it is not a JSON object" },
        { "[]", "it is not a JSON object" },
        { "{\"name\":\"x\",}", "it is not a JSON object" },
        { "{\"nmae\":\"x\"}", "key 'nmae' is not known" },
        { KEYS("1", "\"1\"", "1", "[\"codex\"]", "\"kit\""), "key 'name'" },
        { KEYS("\"A b\"", "\"1\"", "1", "[\"codex\"]", "\"kit\""), "key 'name'" },
        { KEYS("\"-x\"", "\"1\"", "1", "[\"codex\"]", "\"kit\""), "key 'name'" },
        { KEYS("\"x\"", "1", "1", "[\"codex\"]", "\"kit\""), "key 'version'" },
        { KEYS("\"x\"", "\"\"", "1", "[\"codex\"]", "\"kit\""), "key 'version'" },
        { KEYS("\"x\"", "\"1\"", "\"1\"", "[\"codex\"]", "\"kit\""), "key 'protocol'" },
        { KEYS("\"x\"", "\"1\"", "2", "[\"codex\"]", "\"kit\""),
          "key 'protocol': 2, this asmd speaks 1" },
        { KEYS("\"x\"", "\"1\"", "1", "\"codex\"", "\"kit\""), "key 'providers'" },
        { KEYS("\"x\"", "\"1\"", "1", "[\"claude\"]", "\"kit\""),
          "key 'providers': 'codex' is not one" },
        { KEYS("\"x\"", "\"1\"", "1", "[\"codex\", 1]", "\"kit\""), "key 'providers'" },
        { KEYS("\"x\"", "\"1\"", "1", "[\"codex\"]", "7"), "key 'program'" },
        { KEYS("\"x\"", "\"1\"", "1", "[\"codex\"]", "\"/bin/sh\""), "key 'program'" },
        { KEYS("\"x\"", "\"1\"", "1", "[\"codex\"]", "\"a/../../kit\""), "key 'program'" },
        { KEYS("\"x\"", "\"1\"", "1", "[\"codex\"]", "\"gone\""), "gone': No such file" },
        { KEYS("\"x\"", "\"1\"", "1", "[\"codex\"]", "\".\""), "it is not a regular file" },
        { KEYS("\"x\"", "\"1\"", "1", "[\"codex\"]", "\"kit.json\""), "it is not executable" },
};

Test(kit_manifest, each_mistake_is_named_with_file_and_key)
{
        CliDir dir;

        cli_dir_init(&dir);
        kit_dir_install(&dir, "", "");
        for (gsize i = 0; i < G_N_ELEMENTS(mistakes); i++) {
                kit_dir_write_manifest(&dir, mistakes[i].text);
                expect_refused(mistakes[i].message);
        }
        cli_dir_clear(&dir);
}

static void
write_limits(const CliDir *dir, gsize name_len, gint timeout_ms, guint n_capabilities)
{
        g_autofree char *name = g_strnfill(name_len, 'n');
        g_autoptr(GString) words = g_string_new("\"w\"");
        g_autofree char *text = NULL;

        for (guint i = 1; i < n_capabilities; i++)
                g_string_append(words, ",\"w\"");
        text = g_strdup_printf("{\"name\":\"%s\",\"version\":\"1\",\"protocol\":1,\"providers\":"
                               "[\"codex\"],\"program\":\"kit\",\"start_timeout_ms\":%d,"
                               "\"capabilities\":[%s]}",
                               name,
                               timeout_ms,
                               words->str);
        kit_dir_write_manifest(dir, text);
}

Test(kit_manifest, limits_hold_at_the_limit_and_not_above)
{
        CliDir dir;
        g_autofree char *blanks = g_strnfill(64 * 1024 - 2, ' ');
        g_autofree char *at_limit = g_strconcat("{}", blanks, NULL);
        g_autofree char *over = g_strconcat(at_limit, " ", NULL);

        cli_dir_init(&dir);
        kit_dir_install(&dir, "", "");
        write_limits(&dir, 64, 100, 32);
        expect_found();
        write_limits(&dir, 64, 600000, 1);
        expect_found();
        write_limits(&dir, 65, 100, 1);
        expect_refused("key 'name'");
        write_limits(&dir, 1, 99, 1);
        expect_refused("key 'start_timeout_ms'");
        write_limits(&dir, 1, 600001, 1);
        expect_refused("key 'start_timeout_ms'");
        write_limits(&dir, 1, 100, 33);
        expect_refused("key 'capabilities'");
        kit_dir_write_manifest(&dir, at_limit);
        expect_refused("key 'name'");
        kit_dir_write_manifest(&dir, over);
        expect_refused("longer than 65536 bytes");
        cli_dir_clear(&dir);
}

Test(kit_manifest, what_everybody_can_write_is_refused)
{
        static const char *const names[] = { "kit.json", "kit", "" };
        CliDir dir;

        cli_dir_init(&dir);
        kit_dir_install(&dir, "", "");
        for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *file = kit_dir_file(&dir, names[i]);

                cr_assert_eq(g_chmod(file, 0777), 0);
                expect_refused("writable for everybody");
                cr_assert_eq(g_chmod(file, 0755), 0);
                expect_found();
        }
        cli_dir_clear(&dir);
}
