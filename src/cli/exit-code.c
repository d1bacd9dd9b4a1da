/* SPDX-License-Identifier: MIT */

/*
 * From a failure to the exit status of asmctl; the only place that knows the numbers. Scripts
 * branch on them, so they are a promise: the help text and the manual show the same table.
 *
 *      what went wrong                  kind or code                             status
 *      the run, the provider            all that are not below                   1
 *      the command line, an option      config_invalid, a wrong node name        2
 *      no daemon behind the name        ASM_NODE_ERROR_*, a broken connection    3
 *      no such session, run, approval   unknown, when one was asked for          4
 *      a limit, a refusal               at_capacity queue_full rate_limit ...    5
 *      time                             timeout, no answer to a call             124, as timeout(1)
 *      the user                         user_cancelled                           130, as SIGINT
 *      the reader of our output         EPIPE                                    141, as SIGPIPE
 *
 * Each table is indexed by the enum it translates, so a new code without a line here is status 1
 * and not an accident; the unit test walks all of them.
 */

#include "cli/error-private.h"

#include "node/error.h"
#include "proc/error.h"

G_DEFINE_QUARK(asm_cli_error, asm_cli_error)

enum {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_UNREACHABLE = 3,
        EXIT_NOT_FOUND = 4,
        EXIT_REFUSED = 5,
        EXIT_TIMEOUT = 124,
        EXIT_CANCELLED = 130,
        EXIT_CLOSED = 141,
};

static const struct {
        gint code;
        const char *meaning;
} meanings[] = {
        { EXIT_DONE, "done" },
        { EXIT_FAILED, "the run or the request failed" },
        { EXIT_USAGE, "wrong command line, or an option that the daemon does not take" },
        { EXIT_UNREACHABLE, "the daemon cannot be reached, or the connection broke" },
        { EXIT_NOT_FOUND, "no such session, run or open approval" },
        { EXIT_REFUSED, "refused: a limit is reached, or it is not allowed" },
        { EXIT_TIMEOUT, "not done in time" },
        { EXIT_CANCELLED, "cancelled, by ctrl-C or by somebody else" },
        { EXIT_CLOSED, "nobody reads the output any more" },
};

static const gint cli_codes[ASM_CLI_ERROR_N_CODES] = {
        [ASM_CLI_ERROR_USAGE] = EXIT_USAGE,
        [ASM_CLI_ERROR_FAILED] = EXIT_FAILED,
        [ASM_CLI_ERROR_NOT_FOUND] = EXIT_NOT_FOUND,
        [ASM_CLI_ERROR_REFUSED] = EXIT_REFUSED,
        [ASM_CLI_ERROR_TIMEOUT] = EXIT_TIMEOUT,
        [ASM_CLI_ERROR_CANCELLED] = EXIT_CANCELLED,
        [ASM_CLI_ERROR_UNREACHABLE] = EXIT_UNREACHABLE,
        [ASM_CLI_ERROR_CLOSED] = EXIT_CLOSED,
};

static const gint proc_codes[] = {
        [ASM_PROC_ERROR_NO_CONNECTION] = EXIT_UNREACHABLE,
        [ASM_PROC_ERROR_TIMEOUT] = EXIT_TIMEOUT,
        [ASM_PROC_ERROR_UNDEF] = EXIT_FAILED,
        [ASM_PROC_ERROR_EXCEPTION] = EXIT_FAILED,
        [ASM_PROC_ERROR_REFUSED] = EXIT_REFUSED,
};

static const AsmCliError failure_codes[ASM_FAILURE_N_KINDS] = {
        [ASM_FAILURE_CLI_NOT_FOUND] = ASM_CLI_ERROR_FAILED,
        [ASM_FAILURE_CONNECTION_FAILED] = ASM_CLI_ERROR_FAILED,
        [ASM_FAILURE_TIMEOUT] = ASM_CLI_ERROR_TIMEOUT,
        [ASM_FAILURE_PARSE_ERROR] = ASM_CLI_ERROR_FAILED,
        [ASM_FAILURE_JSON_DECODE_ERROR] = ASM_CLI_ERROR_FAILED,
        [ASM_FAILURE_AUTH_ERROR] = ASM_CLI_ERROR_FAILED,
        [ASM_FAILURE_RATE_LIMIT] = ASM_CLI_ERROR_REFUSED,
        [ASM_FAILURE_BUFFER_OVERFLOW] = ASM_CLI_ERROR_REFUSED,
        [ASM_FAILURE_TRANSPORT_ERROR] = ASM_CLI_ERROR_FAILED,
        [ASM_FAILURE_TRANSPORT_BUSY] = ASM_CLI_ERROR_REFUSED,
        [ASM_FAILURE_QUEUE_FULL] = ASM_CLI_ERROR_REFUSED,
        [ASM_FAILURE_AT_CAPACITY] = ASM_CLI_ERROR_REFUSED,
        [ASM_FAILURE_USER_CANCELLED] = ASM_CLI_ERROR_CANCELLED,
        [ASM_FAILURE_APPROVAL_DENIED] = ASM_CLI_ERROR_REFUSED,
        [ASM_FAILURE_GUARDRAIL_BLOCKED] = ASM_CLI_ERROR_REFUSED,
        [ASM_FAILURE_TOOL_FAILED] = ASM_CLI_ERROR_FAILED,
        [ASM_FAILURE_CONFIG_INVALID] = ASM_CLI_ERROR_USAGE,
        [ASM_FAILURE_RUNTIME] = ASM_CLI_ERROR_FAILED,
        [ASM_FAILURE_UNKNOWN] = ASM_CLI_ERROR_FAILED,
};

gboolean
asm_cli_usage(GError **error, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        g_propagate_error(error,
                          g_error_new_valist(ASM_CLI_ERROR, ASM_CLI_ERROR_USAGE, format, args));
        va_end(args);
        return FALSE;
}

static void
set_error(GError **error, AsmCliError code, const AsmFailure *failure)
{
        g_set_error(error,
                    ASM_CLI_ERROR,
                    (gint)code,
                    "[%s/%s] %s",
                    asm_failure_domain_name(failure->domain),
                    asm_failure_kind_name(failure->kind),
                    failure->message);
}

void
asm_cli_set_failure(GError **error, const AsmFailure *failure)
{
        set_error(error, failure_codes[failure->kind], failure);
}

void
asm_cli_set_lookup_failure(GError **error, const AsmFailure *failure)
{
        gboolean is_missing =
                failure->kind == ASM_FAILURE_UNKNOWN &&
                (failure->domain == ASM_DOMAIN_RUNTIME || failure->domain == ASM_DOMAIN_APPROVAL);

        set_error(error,
                  is_missing ? ASM_CLI_ERROR_NOT_FOUND : failure_codes[failure->kind],
                  failure);
}

gint
asm_cli_exit_code(const GError *error)
{
        if (error == NULL)
                return EXIT_DONE;
        if (error->domain == ASM_CLI_ERROR && (guint)error->code < G_N_ELEMENTS(cli_codes))
                return cli_codes[error->code];
        if (error->domain == ASM_PROC_ERROR && (guint)error->code < G_N_ELEMENTS(proc_codes))
                return proc_codes[error->code];
        if (error->domain == ASM_NODE_ERROR)
                return error->code == ASM_NODE_ERROR_NAME ? EXIT_USAGE : EXIT_UNREACHABLE;
        return EXIT_FAILED;
}

const char *
asm_cli_exit_meaning(guint index, gint *ret_code)
{
        if (index >= G_N_ELEMENTS(meanings))
                return NULL;
        *ret_code = meanings[index].code;
        return meanings[index].meaning;
}
