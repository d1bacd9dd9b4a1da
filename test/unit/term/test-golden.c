/* SPDX-License-Identifier: MIT */

/*
 * Bytes that a real BEAM made (scripts/gen-terms): they are accepted, print as the BEAM prints
 * them, and come out of reader and builder as the same bytes.
 */

#include <criterion/criterion.h>

#include "bytes.h"

#include "../../support/term-sample.h"

TestSuite(golden, .timeout = 300);

static char *
data_path(const char *name)
{
        const char *data = g_getenv("ASM_TEST_DATA");

        cr_assert_not_null(data, "ASM_TEST_DATA is not set");
        return g_build_filename(data, "term", name, NULL);
}

static void
expect_golden(const char *path)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autoptr(GString) text_path = g_string_new(path);
        g_autoptr(GError) error = NULL;
        g_autofree char *bytes = NULL;
        g_autofree char *expected = NULL;
        gsize len = 0;
        AsmView view;

        cr_assert(g_file_get_contents(path, &bytes, &len, NULL), "%s", path);
        cr_assert(asm_view_from_bytes((const guint8 *)bytes, len, NULL, &view, &error),
                  "%s: %s",
                  path,
                  error != NULL ? error->message : "");
        sample_rebuild(&builder, view);
        cr_expect(asm_view_same_bytes(view, asm_builder_peek(&builder)),
                  "%s: not the same bytes",
                  path);

        g_string_replace(text_path, ".etf", ".txt", 1);
        if (g_file_get_contents(text_path->str, &expected, NULL, NULL)) {
                g_autofree char *text = asm_view_print(view, ASM_SYNTAX_ERLANG, 0);
                cr_expect_str_eq(text, g_strchomp(expected), "%s: %s", path, text);
        }
        for (gsize cut = 0; cut < len; cut++) {
                gsize used;
                cr_expect_not(check_exact((const guint8 *)bytes + 1,
                                          cut > 0 ? cut - 1 : 0,
                                          NULL,
                                          &used,
                                          NULL),
                              "%s cut to %zu",
                              path,
                              cut);
        }
}

Test(golden, terms_of_a_beam_survive_unchanged)
{
        g_autofree char *folder = data_path("");
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        guint n = 0;

        cr_assert_not_null(dir, "%s", folder);
        for (const char *name = g_dir_read_name(dir); name != NULL; name = g_dir_read_name(dir)) {
                if (g_str_has_suffix(name, ".etf")) {
                        g_autofree char *path = data_path(name);
                        expect_golden(path);
                        n++;
                }
        }
        cr_expect_geq(n, 15);
}
