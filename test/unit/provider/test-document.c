/* SPDX-License-Identifier: MIT */
/*
 * The tables of options and permission modes in doc/providers.md are the tables of the source.
 * With ASM_TEST_WRITE in the environment they are written instead of compared.
 */
#include "provider/provider.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(document, .timeout = 300);

static void
add_code(GString *table, const char *text)
{
        if (text != NULL)
                g_string_append_printf(table, " `%s` |", text);
        else
                g_string_append(table, " |");
}

static char *
make_options(const AsmProvider *provider)
{
        GString *table = g_string_new("| Option | Type | Default | Flag |\n|---|---|---|---|\n");

        for (const AsmProviderFlag *flag = provider->flags; flag->option != NULL; flag++) {
                g_string_append_printf(table,
                                       "| `%s` | %s | %s |",
                                       flag->option,
                                       asm_option_type_name(flag->type),
                                       flag->fallback != NULL             ? flag->fallback
                                       : flag->type == ASM_OPTION_REFUSED ? ""
                                                                          : "the CLI's own");
                add_code(table, flag->flag);
                g_string_append_c(table, '\n');
        }
        return g_string_free(table, FALSE);
}

static char *
make_modes(const AsmProvider *provider)
{
        GString *table = g_string_new("| Mode | Native | Flags |\n|---|---|---|\n");

        for (const AsmPermissionMode *mode = provider->permission_modes; mode->mode != NULL;
             mode++) {
                g_autofree char *flags = g_strjoinv(" ", (GStrv)mode->flags);

                g_string_append_printf(table, "| `%s` | `%s` |", mode->mode, mode->native);
                add_code(table, flags[0] != '\0' ? flags : NULL);
                g_string_append_c(table, '\n');
        }
        return g_string_free(table, FALSE);
}

/* puts @table between "<!-- WHAT PROVIDER -->" and "<!-- end -->"; FALSE: another one was there */
static gboolean
put_table(GString *document, const char *what, const char *provider, const char *table)
{
        g_autofree char *mark = g_strdup_printf("<!-- %s %s -->\n", what, provider);
        g_autofree char *old = NULL;
        char *start = strstr(document->str, mark);
        char *end = start != NULL ? strstr(start, "<!-- end -->") : NULL;
        gssize at;

        cr_assert_not_null(end, "doc/providers.md has no %s", mark);
        at = start - document->str + (gssize)strlen(mark);
        old = g_strndup(document->str + at, (gsize)(end - document->str - at));
        g_string_erase(document, at, (gssize)strlen(old));
        g_string_insert(document, at, table);
        return strcmp(old, table) == 0;
}

Test(document, the_tables_in_the_guide_are_those_of_the_source)
{
        g_autofree char *path = g_build_filename(g_getenv("ASM_TEST_DATA"),
                                                 "..",
                                                 "..",
                                                 "doc",
                                                 "providers.md",
                                                 NULL);
        gboolean is_writing = g_getenv("ASM_TEST_WRITE") != NULL;
        g_autoptr(GString) document = NULL;
        g_autofree char *text = NULL;

        cr_assert(g_file_get_contents(path, &text, NULL, NULL), "%s", path);
        document = g_string_new(text);
        for (const AsmProvider *const *all = asm_provider_all(); *all != NULL; all++) {
                g_autofree char *options = make_options(*all);
                g_autofree char *modes = make_modes(*all);
                gboolean is_same = put_table(document, "options", (*all)->name, options);

                is_same &= put_table(document, "modes", (*all)->name, modes);
                cr_expect(is_same || is_writing,
                          "doc/providers.md: the tables of %s are out of date, run this test with "
                          "ASM_TEST_WRITE=1",
                          (*all)->name);
        }
        if (is_writing)
                cr_assert(g_file_set_contents(path, document->str, -1, NULL));
}
