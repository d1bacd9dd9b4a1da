/* SPDX-License-Identifier: MIT */
#include "cli/error-private.h"

#include "node/error.h"
#include "proc/error.h"

#include <criterion/criterion.h>

TestSuite(exit_code, .timeout = 300);

static gint
code_of(GQuark domain, gint code)
{
        g_autoptr(GError) error = g_error_new_literal(domain, code, "x");

        return asm_cli_exit_code(error);
}

static gboolean
has_meaning(gint code)
{
        gint known;

        for (guint i = 0; asm_cli_exit_meaning(i, &known) != NULL; i++) {
                if (known == code)
                        return TRUE;
        }
        return FALSE;
}

Test(exit_code, success_is_0_and_nothing_else_is)
{
        cr_expect_eq(asm_cli_exit_code(NULL), 0);
        for (gint code = -1; code <= 50; code++) {
                cr_expect_neq(code_of(ASM_CLI_ERROR, code), 0);
                cr_expect_neq(code_of(ASM_NODE_ERROR, code), 0);
                cr_expect_neq(code_of(ASM_PROC_ERROR, code), 0);
                cr_expect_neq(code_of(G_FILE_ERROR, code), 0);
        }
}

Test(exit_code, every_status_is_explained)
{
        for (gint code = 0; code <= 50; code++) {
                cr_expect(has_meaning(code_of(ASM_CLI_ERROR, code)));
                cr_expect(has_meaning(code_of(ASM_NODE_ERROR, code)));
                cr_expect(has_meaning(code_of(ASM_PROC_ERROR, code)));
        }
}

Test(exit_code, errors_have_the_status_that_is_promised)
{
        const struct {
                GQuark domain;
                gint code;
                gint status;
        } cases[] = {
                { ASM_CLI_ERROR, ASM_CLI_ERROR_USAGE, 2 },
                { ASM_CLI_ERROR, ASM_CLI_ERROR_FAILED, 1 },
                { ASM_CLI_ERROR, ASM_CLI_ERROR_NOT_FOUND, 4 },
                { ASM_CLI_ERROR, ASM_CLI_ERROR_REFUSED, 5 },
                { ASM_CLI_ERROR, ASM_CLI_ERROR_TIMEOUT, 124 },
                { ASM_CLI_ERROR, ASM_CLI_ERROR_CANCELLED, 130 },
                { ASM_CLI_ERROR, ASM_CLI_ERROR_UNREACHABLE, 3 },
                { ASM_CLI_ERROR, ASM_CLI_ERROR_CLOSED, 141 },
                { ASM_CLI_ERROR, ASM_CLI_ERROR_N_CODES, 1 },
                { ASM_NODE_ERROR, ASM_NODE_ERROR_NAME, 2 },
                { ASM_NODE_ERROR, ASM_NODE_ERROR_COOKIE_FILE, 3 },
                { ASM_NODE_ERROR, ASM_NODE_ERROR_EPMD, 3 },
                { ASM_NODE_ERROR, ASM_NODE_ERROR_UNKNOWN_NODE, 3 },
                { ASM_NODE_ERROR, ASM_NODE_ERROR_CONNECT, 3 },
                { ASM_NODE_ERROR, ASM_NODE_ERROR_TIMEOUT, 3 },
                { ASM_NODE_ERROR, ASM_NODE_ERROR_REFUSED, 3 },
                { ASM_PROC_ERROR, ASM_PROC_ERROR_NO_CONNECTION, 3 },
                { ASM_PROC_ERROR, ASM_PROC_ERROR_TIMEOUT, 124 },
                { ASM_PROC_ERROR, ASM_PROC_ERROR_UNDEF, 1 },
                { G_FILE_ERROR, G_FILE_ERROR_ACCES, 1 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
                cr_expect_eq(code_of(cases[i].domain, cases[i].code),
                             cases[i].status,
                             "%s %d",
                             g_quark_to_string(cases[i].domain),
                             cases[i].code);
}

static gint
status_of_failure(AsmFailureKind kind, AsmFailureDomain domain, gboolean is_lookup)
{
        g_autoptr(AsmFailure) failure = asm_failure_new(kind, domain, "why");
        g_autoptr(GError) error = NULL;

        if (is_lookup)
                asm_cli_set_lookup_failure(&error, failure);
        else
                asm_cli_set_failure(&error, failure);
        return asm_cli_exit_code(error);
}

Test(exit_code, failures_of_the_daemon_have_the_status_of_their_kind)
{
        static const gint expected[ASM_FAILURE_N_KINDS] = {
                [ASM_FAILURE_TIMEOUT] = 124,         [ASM_FAILURE_RATE_LIMIT] = 5,
                [ASM_FAILURE_BUFFER_OVERFLOW] = 5,   [ASM_FAILURE_TRANSPORT_BUSY] = 5,
                [ASM_FAILURE_QUEUE_FULL] = 5,        [ASM_FAILURE_AT_CAPACITY] = 5,
                [ASM_FAILURE_USER_CANCELLED] = 130,  [ASM_FAILURE_APPROVAL_DENIED] = 5,
                [ASM_FAILURE_GUARDRAIL_BLOCKED] = 5, [ASM_FAILURE_CONFIG_INVALID] = 2,
        };

        for (guint kind = 0; kind < ASM_FAILURE_N_KINDS; kind++) {
                gint status = expected[kind] != 0 ? expected[kind] : 1;

                cr_expect_eq(status_of_failure(kind, ASM_DOMAIN_RUNTIME, FALSE),
                             status,
                             "%s",
                             asm_failure_kind_name(kind));
        }
}

Test(exit_code, unknown_means_not_found_only_where_something_was_looked_up)
{
        cr_expect_eq(status_of_failure(ASM_FAILURE_UNKNOWN, ASM_DOMAIN_RUNTIME, TRUE), 4);
        cr_expect_eq(status_of_failure(ASM_FAILURE_UNKNOWN, ASM_DOMAIN_RUNTIME, FALSE), 1);
        cr_expect_eq(status_of_failure(ASM_FAILURE_UNKNOWN, ASM_DOMAIN_APPROVAL, TRUE), 4);
        cr_expect_eq(status_of_failure(ASM_FAILURE_UNKNOWN, ASM_DOMAIN_APPROVAL, FALSE), 1);
        cr_expect_eq(status_of_failure(ASM_FAILURE_UNKNOWN, ASM_DOMAIN_PROVIDER, TRUE), 1);
        cr_expect_eq(status_of_failure(ASM_FAILURE_AT_CAPACITY, ASM_DOMAIN_RUNTIME, TRUE), 5);
}

Test(exit_code, a_failure_says_domain_kind_and_message)
{
        g_autoptr(AsmFailure) failure =
                asm_failure_new(ASM_FAILURE_AT_CAPACITY, ASM_DOMAIN_RUNTIME, "full");
        g_autoptr(GError) error = NULL;

        asm_cli_set_failure(&error, failure);
        cr_expect_str_eq(error->message, "[runtime/at_capacity] full");
}
