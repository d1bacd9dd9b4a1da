/* SPDX-License-Identifier: MIT */
/*
 * The reference of the API, doc/api.md, tells what the source has: its functions are written from the
 * table (with ASM_TEST_WRITE in the environment; otherwise they are compared), and kinds of events and
 * errors are all there.
 */
#include "api/method-private.h"

#include "event/event.h"
#include "event/failure.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(api_document, .timeout = 300);

#define BEGIN "<!-- functions -->\n"
#define END   "<!-- end -->"

static char *
document_path(void)
{
        return g_build_filename(g_getenv("ASM_TEST_DATA"), "..", "..", "doc", "api.md", NULL);
}

static char *
read_document(void)
{
        g_autofree char *path = document_path();
        char *text = NULL;

        cr_assert(g_file_get_contents(path, &text, NULL, NULL), "%s", path);
        return text;
}

static char *
make_functions(void)
{
        GString *out = g_string_new("\n");
        gsize n;
        const AsmMethod *methods = asm_method_list(&n);

        for (gsize i = 0; i < n; i++) {
                const AsmMethod *method = &methods[i];

                cr_assert(method->args != NULL && method->returns != NULL && method->help != NULL,
                          "%s is not documented in src/api/method.c",
                          method->name);
                g_string_append_printf(out, "### `%s(%s)`\n\n", method->name, method->args);
                g_string_append_printf(out,
                                       "-> `%s` · right `%s`\n\n%s\n\n",
                                       method->returns,
                                       asm_right_name(method->right),
                                       method->help);
        }
        return g_string_free(out, FALSE);
}

Test(api_document, the_functions_are_those_of_the_table)
{
        g_autofree char *path = document_path();
        g_autofree char *text = read_document();
        g_autofree char *functions = make_functions();
        char *begin = strstr(text, BEGIN);
        char *end = begin != NULL ? strstr(begin, END) : NULL;
        g_autofree char *old = NULL, *rest = NULL, *written = NULL;

        cr_assert_not_null(end, "doc/api.md has no " BEGIN "and " END);
        begin += strlen(BEGIN);
        old = g_strndup(begin, (gsize)(end - begin));
        if (g_getenv("ASM_TEST_WRITE") == NULL) {
                cr_expect_str_eq(old,
                                 functions,
                                 "doc/api.md is out of date: run this test with ASM_TEST_WRITE=1");
                return;
        }
        rest = g_strdup(end);
        *begin = '\0';
        written = g_strconcat(text, functions, rest, NULL);
        cr_assert(g_file_set_contents(path, written, -1, NULL));
}

/* the arguments that a row names are as many as it takes: those in brackets may be left out */
Test(api_document, the_arguments_have_names)
{
        gsize n;
        const AsmMethod *methods = asm_method_list(&n);

        for (gsize i = 0; i < n; i++) {
                const char *args = methods[i].args;
                const char *bracket = args != NULL ? strchr(args, '[') : NULL;
                guint most = 0, least = 0;

                for (const char *at = args; at != NULL && *at != '\0'; at = strchr(at, ',')) {
                        at += strspn(at, ", ");
                        most++;
                        least += bracket == NULL || at < bracket;
                }
                cr_expect_eq(most, methods[i].max_args, "%s(%s)", methods[i].name, args);
                cr_expect_eq(least, methods[i].min_args, "%s(%s)", methods[i].name, args);
        }
}

/* rows of the document that begin with @name, between two headings */
static void
expect_row(const char *text, const char *heading, const char *name)
{
        const char *begin = strstr(text, heading);
        const char *end = begin != NULL ? strstr(begin + 1, "\n## ") : NULL;
        g_autofree char *section = NULL;
        g_autofree char *code = g_strdup_printf("`%s`", name);
        g_auto(GStrv) lines = NULL;
        gboolean is_there = FALSE;

        cr_assert_not_null(begin, "doc/api.md has no %s", heading);
        section = end != NULL ? g_strndup(begin, (gsize)(end - begin)) : g_strdup(begin);
        lines = g_strsplit(section, "\n", -1);
        for (guint i = 0; lines[i] != NULL; i++) {
                g_auto(GStrv) cells = g_strsplit(lines[i], "|", 3);

                is_there |= g_strv_length(cells) == 3 && strstr(cells[1], code) != NULL;
        }
        cr_expect(is_there, "doc/api.md: %s lacks a row for %s", heading + 1, code);
}

Test(api_document, all_kinds_of_events_and_errors_are_there)
{
        g_autofree char *text = read_document();

        for (int i = 0; i <= ASM_EVENT_OTHER; i++)
                expect_row(text, "\n## Events", asm_event_kind_name((AsmEventKind)i));
        for (int i = 0; i < ASM_FAILURE_N_KINDS; i++)
                expect_row(text, "\n## Errors", asm_failure_kind_name((AsmFailureKind)i));
        for (int i = 0; i < ASM_DOMAIN_N; i++)
                expect_row(text, "\n## Errors", asm_failure_domain_name((AsmFailureDomain)i));
}
