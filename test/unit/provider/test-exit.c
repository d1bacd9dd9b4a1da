/* SPDX-License-Identifier: MIT */
/* What stderr and the end of the process become, for every provider. */
#include "conversation.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(exits, .timeout = 300);

/* a line that is a result, and one that is a failed one, in each CLI's words */
static const struct {
        const char *provider;
        const char *result;
} results[] = {
        { "amp", "{\"type\":\"run_completed\",\"status\":\"done\"}" },
        { "antigravity", NULL },
        { "claude", "{\"type\":\"result\",\"subtype\":\"success\"}" },
        { "codex", "{\"type\":\"turn.completed\"}" },
        { "cursor", "{\"type\":\"result\",\"subtype\":\"success\"}" },
};

static const struct {
        gint code;
        gint signal;
        const char *errors;  /* %s is the command */
        const char *kind;    /* of the error event */
        const char *message; /* %s is the display name */
        AsmFailureKind failure;
} exits[] = {
        { 1, 0, "", "transport_exit", "%s exited with code 1", ASM_FAILURE_TRANSPORT_ERROR },
        { 255,
          0,
          " boom\n",
          "transport_exit",
          "%s exited with code 255: boom",
          ASM_FAILURE_TRANSPORT_ERROR },
        { -1, 9, "", "transport_exit", "%s terminated by signal 9", ASM_FAILURE_TRANSPORT_ERROR },
        { 127,
          0,
          "sh: %s: not found",
          "cli_not_found",
          "%s not found.: ",
          ASM_FAILURE_CLI_NOT_FOUND },
        { 1,
          0,
          "Please log in first",
          "auth_error",
          "%s requires authentication.: ",
          ASM_FAILURE_AUTH_ERROR },
        { 2,
          0,
          "sh: cd: /nope: No such file or directory",
          "config_invalid",
          "Working directory does not exist: ",
          ASM_FAILURE_CONFIG_INVALID },
};

static char *
fill(const char *format, const char *value)
{
        g_auto(GStrv) parts = g_strsplit(format, "%s", -1);

        return g_strjoinv(value, parts);
}

Test(exits, another_status_than_0_is_an_error_of_the_kind_that_stderr_tells)
{
        for (const AsmProvider *const *all = asm_provider_all(); *all != NULL; all++) {
                for (gsize i = 0; i < G_N_ELEMENTS(exits); i++) {
                        g_autoptr(Conversation) conversation = conversation_new((*all)->name);
                        g_autofree char *errors = fill(exits[i].errors, (*all)->command);
                        g_autofree char *message = fill(exits[i].message, (*all)->display_name);
                        g_autofree char *expected =
                                g_strdup_printf("error #{code=>\"%s\",message=>\"%s",
                                                exits[i].kind,
                                                message);
                        const AsmFailure *failure;
                        const char *text;

                        asm_decoder_stderr(conversation->decoder, errors, strlen(errors));
                        asm_decoder_exit(conversation->decoder, exits[i].code, exits[i].signal);
                        cr_assert_eq(conversation->texts->len, errors[0] != '\0' ? 2 : 1);
                        text = g_ptr_array_index(conversation->texts, conversation->texts->len - 1);
                        cr_expect(g_str_has_prefix(text, expected), "%s\n%s", expected, text);
                        failure = asm_reducer_get_failure(conversation->reducer);
                        cr_assert_not_null(failure);
                        cr_expect_eq(failure->kind, exits[i].failure, "%s", text);
                }
        }
}

Test(exits, status_0_completes_a_run_with_the_result_or_with_one_made_up)
{
        for (gsize i = 0; i < G_N_ELEMENTS(results); i++) {
                for (guint has_result = 0; has_result < 2; has_result++) {
                        g_autoptr(Conversation) conversation =
                                conversation_new(results[i].provider);
                        gboolean is_told = has_result && results[i].result != NULL;
                        const char *text;

                        if (is_told)
                                conversation_line(conversation, results[i].result);
                        asm_decoder_exit(conversation->decoder, 0, 0);
                        cr_assert_eq(conversation->texts->len, 1, "%s", results[i].provider);
                        text = g_ptr_array_index(conversation->texts, 0);
                        cr_expect(g_str_has_prefix(text, "result "), "%s", text);
                        cr_expect_eq(strstr(text, "synthetic=>true") != NULL, !is_told);
                        cr_expect_eq(asm_reducer_get_status(conversation->reducer),
                                     ASM_RUN_STATUS_COMPLETED);
                }
        }
}

Test(exits, stderr_is_no_output_whatever_it_looks_like)
{
        static const char text[] = "{\"type\":\"result\",\"subtype\":\"success\"}\n";

        for (const AsmProvider *const *all = asm_provider_all(); *all != NULL; all++) {
                g_autoptr(Conversation) conversation = conversation_new((*all)->name);

                asm_decoder_stderr(conversation->decoder, text, strlen(text));
                conversation_expect(
                        conversation,
                        "stderr #{content=>\"{\"type\":\"result\",\"subtype\":\"success\"}\"}",
                        NULL);
                cr_expect_not(
                        asm_run_status_is_final(asm_reducer_get_status(conversation->reducer)));
        }
}

Test(exits, an_unknown_line_of_json_is_raw_with_the_line_as_content)
{
        for (const AsmProvider *const *all = asm_provider_all(); *all != NULL; all++) {
                g_autoptr(Conversation) conversation = conversation_new((*all)->name);

                if (strcmp((*all)->name, "antigravity") == 0)
                        continue;
                conversation_line(conversation, "{\"type\":\"of_a_later_version\"}");
                conversation_expect(conversation,
                                    "raw #{content=>#{\"type\"=>\"of_a_later_version\"},"
                                    "stream=>stdout}",
                                    NULL);
        }
}
