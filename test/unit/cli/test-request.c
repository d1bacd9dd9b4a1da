/* SPDX-License-Identifier: MIT */
#include "cli/request-private.h"

#include "../../support/term-text.h"
#include "cli/error-private.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <unistd.h>

TestSuite(request, .timeout = 300);

/* the file is gone afterwards */
static JsonNode *
read_schema(const char *text, gsize len, GError **error)
{
        g_autofree char *path = NULL;
        JsonNode *node;
        int fd = g_file_open_tmp("asm-schema-XXXXXX", &path, NULL);

        cr_assert(fd >= 0 && g_file_set_contents(path, text, (gssize)len, NULL));
        close(fd);
        node = asm_cli_schema_read(path, error);
        g_unlink(path);
        return node;
}

Test(request, a_schema_is_a_json_object_and_anything_else_is_refused)
{
        static const struct {
                const char *text;
                const char *message; /* NULL: fine */
        } cases[] = {
                { "{}", NULL },
                { " {\"type\": \"object\"}\n", NULL },
                { "", "no JSON: " },
                { "{\"a\":", "no JSON: " },
                { "{} {}", "no JSON: " },
                { "[{}]", "no JSON object" },
                { "\"object\"", "no JSON object" },
                { "null", "no JSON object" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(JsonNode) node =
                        read_schema(cases[i].text, strlen(cases[i].text), &error);

                cr_expect_eq(node != NULL, cases[i].message == NULL, "case %zu", i);
                if (cases[i].message != NULL)
                        cr_expect_not_null(strstr(error->message, cases[i].message), "case %zu", i);
                cr_expect_eq(asm_cli_exit_code(error), node != NULL ? 0 : 2);
        }
}

Test(request, a_schema_has_a_largest_size_and_a_deepest_nesting)
{
        for (guint more = 0; more <= 1; more++) {
                g_autoptr(GString) wide = g_string_new("{}");
                g_autoptr(GString) deep = g_string_new("{\"a\":");
                g_autoptr(GError) too_wide = NULL, too_deep = NULL;
                g_autoptr(JsonNode) one = NULL, two = NULL;

                while (wide->len < ASM_CLI_SCHEMA_MAX + more)
                        g_string_append_c(wide, ' ');
                for (guint i = 1; i < ASM_CLI_SCHEMA_MAX_DEPTH + more; i++)
                        g_string_append_c(deep, '[');
                for (guint i = 1; i < ASM_CLI_SCHEMA_MAX_DEPTH + more; i++)
                        g_string_append_c(deep, ']');
                g_string_append_c(deep, '}');
                one = read_schema(wide->str, wide->len, &too_wide);
                two = read_schema(deep->str, deep->len, &too_deep);
                cr_expect_eq(one != NULL, more == 0);
                cr_expect_eq(two != NULL, more == 0, "%s", more == 0 ? too_deep->message : "");
        }
}

Test(request, a_session_is_named_and_a_provider_is_an_atom)
{
        g_auto(AsmBuilder) pid = ASM_BUILDER_INIT, one = ASM_BUILDER_INIT, two = ASM_BUILDER_INIT;
        g_autoptr(JsonNode) schema = json_from_string("{\"type\":\"object\"}", NULL);
        const AsmCliRequest in_session = { .session = (char *)"s" };
        const AsmCliRequest alone = { .resume = (char *)"r",
                                      .place = { .provider = (char *)"codex",
                                                 .model = (char *)"m" } };
        AsmCliRequestFacts facts = { .prompt = "p", .run_id = "i" };
        g_autofree char *first = NULL, *second = NULL;

        asm_builder_atom(&pid, "me");
        facts.subscriber = asm_builder_peek(&pid);
        asm_cli_put_request(&one, &in_session, &facts);
        facts.new_session = "n";
        facts.schema = schema;
        asm_cli_put_request(&two, &alone, &facts);
        first = term_text(asm_builder_peek(&one));
        second = term_text(asm_builder_peek(&two));

        cr_expect_str_eq(first, "[\"s\",\"p\",[{run_id,\"i\"},{subscriber,me}]]");
        cr_expect_str_eq(second,
                         "[codex,\"p\",[{run_id,\"i\"},{subscriber,me},{session_id,\"n\"},"
                         "{resume,\"r\"},{output_schema,#{\"type\"=>\"object\"}},{model,\"m\"}]]",
                         "%s",
                         second);
}

Test(request, a_session_has_its_provider)
{
        const AsmCliRequest both = { .session = (char *)"s",
                                     .place = { .provider = (char *)"codex" } };
        g_autoptr(GError) error = NULL;

        cr_expect_not(asm_cli_request_check(&both, &error));
        cr_expect_eq(asm_cli_exit_code(error), 2);
}
