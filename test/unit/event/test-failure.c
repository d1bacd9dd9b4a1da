/* SPDX-License-Identifier: MIT */
#include "event/failure.h"

#include "../../support/term-text.h"
#include <criterion/criterion.h>

TestSuite(failure, .timeout = 300);

#define ERROR_KEYS                                                                                 \
        "__exception__ __struct__ cause domain exit_code kind message provider recovery retryable"

Test(failure, every_kind_and_domain_is_found_again_by_its_name)
{
        for (guint i = 0; i < ASM_FAILURE_N_KINDS; i++)
                cr_expect_eq(asm_failure_kind_from_name(asm_failure_kind_name(i)), i);
        for (guint i = 0; i < ASM_DOMAIN_N; i++)
                cr_expect_eq(asm_failure_domain_from_name(asm_failure_domain_name(i)), i);
}

Test(failure, an_unknown_name_is_unknown_and_runtime)
{
        cr_expect_eq(asm_failure_kind_from_name("transport_exit"), ASM_FAILURE_UNKNOWN);
        cr_expect_eq(asm_failure_kind_from_name(NULL), ASM_FAILURE_UNKNOWN);
        cr_expect_eq(asm_failure_domain_from_name(""), ASM_DOMAIN_RUNTIME);
        cr_expect_eq(asm_failure_domain_from_name(NULL), ASM_DOMAIN_RUNTIME);
}

Test(failure, the_term_is_the_exception_struct_with_nil_for_what_is_not_known)
{
        g_autoptr(AsmFailure) failure =
                asm_failure_new(ASM_FAILURE_TIMEOUT, ASM_DOMAIN_RUNTIME, "after %d ms", 5);
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autofree char *keys = NULL, *text = NULL;

        asm_builder_failure(&builder, failure);

        keys = term_text_keys(asm_builder_peek(&builder));
        text = term_text(asm_builder_peek(&builder));
        cr_expect_str_eq(keys, ERROR_KEYS);
        cr_expect_str_eq(text,
                         "#{__exception__=>true,__struct__=>Elixir.ASM.Error,cause=>nil,"
                         "domain=>runtime,exit_code=>nil,kind=>timeout,message=>\"after 5 ms\","
                         "provider=>nil,recovery=>nil,retryable=>nil}");
}

static AsmTerm *
make_atom(const char *name)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_atom(&builder, name);
        return asm_builder_end(&builder);
}

Test(failure, every_field_survives_a_round_trip)
{
        for (gint retryable = -1; retryable <= 1; retryable++) {
                g_autoptr(AsmFailure) failure = asm_failure_new(ASM_FAILURE_CONNECTION_FAILED,
                                                                ASM_DOMAIN_TRANSPORT,
                                                                "no '%s'",
                                                                "way");
                g_autoptr(AsmFailure) copy = NULL;
                g_autoptr(AsmFailure) back = NULL;
                g_auto(AsmBuilder) first = ASM_BUILDER_INIT;
                g_auto(AsmBuilder) second = ASM_BUILDER_INIT;

                failure->cause = make_atom("econnrefused");
                failure->recovery = make_atom("again");
                failure->provider = g_strdup("claude");
                failure->has_exit_code = TRUE;
                failure->exit_code = -7;
                failure->retryable = retryable;
                copy = asm_failure_copy(failure);
                asm_builder_failure(&first, copy);
                back = asm_failure_from_view(asm_builder_peek(&first));
                cr_assert_not_null(back);
                asm_builder_failure(&second, back);

                cr_expect(asm_view_same_bytes(asm_builder_peek(&first), asm_builder_peek(&second)));
                cr_expect_eq(back->exit_code, -7);
                cr_expect_eq(back->retryable, retryable);
                cr_expect_str_eq(back->provider, "claude");
        }
}

Test(failure, only_the_error_struct_is_read_back)
{
        g_auto(AsmBuilder) other = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) bare = ASM_BUILDER_INIT;
        g_autoptr(AsmFailure) of_bare = NULL;

        asm_builder_map(&other, 1);
        asm_builder_atom(&other, "__struct__");
        asm_builder_atom(&other, "Elixir.ASM.Result");
        asm_builder_map(&bare, 1);
        asm_builder_atom(&bare, "__struct__");
        asm_builder_atom(&bare, "Elixir.ASM.Error");

        cr_expect_null(asm_failure_from_view(asm_builder_peek(&other)));
        of_bare = asm_failure_from_view(asm_builder_peek(&bare));
        cr_assert_not_null(of_bare);
        cr_expect_eq(of_bare->kind, ASM_FAILURE_UNKNOWN);
        cr_expect_str_eq(of_bare->message, "");
}

Test(failure, a_message_is_valid_utf_8_whatever_it_quotes)
{
        g_autoptr(AsmFailure) failure =
                asm_failure_new(ASM_FAILURE_UNKNOWN, ASM_DOMAIN_RUNTIME, "bad '%s'", "\xff\xfe");

        cr_expect(g_utf8_validate(failure->message, -1, NULL));
}
