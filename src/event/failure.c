/* SPDX-License-Identifier: MIT */
/*
 * A failure is a value: kind and domain come from closed tables (ASM_PROTOCOL.md, section 4),
 * the rest is text and terms that go along for whoever reads the error. The term face is the
 * exception struct of Elixir's ASM, so that `{error, E}` can be raised and printed there:
 *
 *      #{'__struct__' => 'Elixir.ASM.Error', '__exception__' => true, kind, domain, message,
 *        cause, provider, exit_code, retryable, recovery}
 *
 * Every key is always there; what is not known is the atom `nil`. Reading it back is lenient in
 * the same way: only `__struct__` must be right, because a newer peer may know kinds that this
 * version does not.
 */

#include "event/failure.h"

#include "term/reader.h"
#include <string.h>

#define ERROR_STRUCT "Elixir.ASM.Error"

static const char *const kind_names[ASM_FAILURE_N_KINDS] = {
        [ASM_FAILURE_CLI_NOT_FOUND] = "cli_not_found",
        [ASM_FAILURE_CONNECTION_FAILED] = "connection_failed",
        [ASM_FAILURE_TIMEOUT] = "timeout",
        [ASM_FAILURE_PARSE_ERROR] = "parse_error",
        [ASM_FAILURE_JSON_DECODE_ERROR] = "json_decode_error",
        [ASM_FAILURE_AUTH_ERROR] = "auth_error",
        [ASM_FAILURE_RATE_LIMIT] = "rate_limit",
        [ASM_FAILURE_BUFFER_OVERFLOW] = "buffer_overflow",
        [ASM_FAILURE_TRANSPORT_ERROR] = "transport_error",
        [ASM_FAILURE_TRANSPORT_BUSY] = "transport_busy",
        [ASM_FAILURE_QUEUE_FULL] = "queue_full",
        [ASM_FAILURE_AT_CAPACITY] = "at_capacity",
        [ASM_FAILURE_USER_CANCELLED] = "user_cancelled",
        [ASM_FAILURE_APPROVAL_DENIED] = "approval_denied",
        [ASM_FAILURE_GUARDRAIL_BLOCKED] = "guardrail_blocked",
        [ASM_FAILURE_TOOL_FAILED] = "tool_failed",
        [ASM_FAILURE_CONFIG_INVALID] = "config_invalid",
        [ASM_FAILURE_RUNTIME] = "runtime",
        [ASM_FAILURE_UNKNOWN] = "unknown",
};

static const char *const domain_names[ASM_DOMAIN_N] = {
        [ASM_DOMAIN_TRANSPORT] = "transport", [ASM_DOMAIN_PARSER] = "parser",
        [ASM_DOMAIN_PROVIDER] = "provider",   [ASM_DOMAIN_APPROVAL] = "approval",
        [ASM_DOMAIN_GUARDRAIL] = "guardrail", [ASM_DOMAIN_TOOL] = "tool",
        [ASM_DOMAIN_RUNTIME] = "runtime",     [ASM_DOMAIN_CONFIG] = "config",
};

static guint
find_name(const char *const *names, guint n_names, const char *name, guint fallback)
{
        for (guint i = 0; name != NULL && i < n_names; i++) {
                if (strcmp(names[i], name) == 0)
                        return i;
        }
        return fallback;
}

const char *
asm_failure_kind_name(AsmFailureKind kind)
{
        g_return_val_if_fail((guint)kind < ASM_FAILURE_N_KINDS, "unknown");
        return kind_names[kind];
}

AsmFailureKind
asm_failure_kind_from_name(const char *name)
{
        return find_name(kind_names, ASM_FAILURE_N_KINDS, name, ASM_FAILURE_UNKNOWN);
}

const char *
asm_failure_domain_name(AsmFailureDomain domain)
{
        g_return_val_if_fail((guint)domain < ASM_DOMAIN_N, "runtime");
        return domain_names[domain];
}

AsmFailureDomain
asm_failure_domain_from_name(const char *name)
{
        return find_name(domain_names, ASM_DOMAIN_N, name, ASM_DOMAIN_RUNTIME);
}

AsmFailure *
asm_failure_new(AsmFailureKind kind, AsmFailureDomain domain, const char *format, ...)
{
        AsmFailure *failure = g_new0(AsmFailure, 1);
        g_autofree char *message = NULL;
        va_list args;

        va_start(args, format);
        message = g_strdup_vprintf(format, args);
        va_end(args);
        failure->kind = kind;
        failure->domain = domain;
        failure->message = g_utf8_make_valid(message, -1);
        failure->retryable = -1;
        return failure;
}

AsmFailure *
asm_failure_new_not_allowed(const char *function, const char *peer, AsmRight right)
{
        g_autofree char *shown = g_strescape(peer, NULL);

        return asm_failure_new(ASM_FAILURE_GUARDRAIL_BLOCKED,
                               ASM_DOMAIN_GUARDRAIL,
                               "%s needs the right %s, which '%s' has not; the administrator gives "
                               "it with rights = %s in the group [peer %s] of asmd.conf",
                               function,
                               asm_right_name(right),
                               shown,
                               asm_right_name(right),
                               shown);
}

AsmFailure *
asm_failure_copy(const AsmFailure *failure)
{
        AsmFailure *copy;

        if (failure == NULL)
                return NULL;
        copy = g_new(AsmFailure, 1);
        *copy = *failure;
        copy->message = g_strdup(failure->message);
        copy->provider = g_strdup(failure->provider);
        copy->cause = failure->cause != NULL ? asm_term_ref(failure->cause) : NULL;
        copy->recovery = failure->recovery != NULL ? asm_term_ref(failure->recovery) : NULL;
        return copy;
}

void
asm_failure_free(AsmFailure *failure)
{
        if (failure == NULL)
                return;
        g_free(failure->message);
        g_free(failure->provider);
        g_clear_pointer(&failure->cause, asm_term_unref);
        g_clear_pointer(&failure->recovery, asm_term_unref);
        g_free(failure);
}

static void
put_term_or_nil(AsmBuilder *builder, const AsmTerm *term)
{
        if (term != NULL)
                asm_builder_term(builder, term);
        else
                asm_builder_nil_atom(builder);
}

void
asm_builder_failure(AsmBuilder *builder, const AsmFailure *failure)
{
        asm_builder_map(builder, 10);
        asm_builder_atom(builder, "__struct__");
        asm_builder_atom(builder, ERROR_STRUCT);
        asm_builder_atom(builder, "__exception__");
        asm_builder_bool(builder, TRUE);
        asm_builder_atom(builder, "kind");
        asm_builder_atom(builder, asm_failure_kind_name(failure->kind));
        asm_builder_atom(builder, "domain");
        asm_builder_atom(builder, asm_failure_domain_name(failure->domain));
        asm_builder_atom(builder, "message");
        asm_builder_text(builder, failure->message != NULL ? failure->message : "");
        asm_builder_atom(builder, "cause");
        put_term_or_nil(builder, failure->cause);
        asm_builder_atom(builder, "provider");
        asm_builder_atom(builder, failure->provider != NULL ? failure->provider : "nil");
        asm_builder_atom(builder, "exit_code");
        if (failure->has_exit_code)
                asm_builder_int(builder, failure->exit_code);
        else
                asm_builder_nil_atom(builder);
        asm_builder_atom(builder, "retryable");
        if (failure->retryable < 0)
                asm_builder_nil_atom(builder);
        else
                asm_builder_bool(builder, failure->retryable > 0);
        asm_builder_atom(builder, "recovery");
        put_term_or_nil(builder, failure->recovery);
}

/* what is not there and what is `nil` are the same to a reader of a struct */
static gboolean
is_something(AsmView view)
{
        return asm_view_is_set(view) && !asm_view_is_atom(view, "nil");
}

AsmFailure *
asm_failure_from_view(AsmView view)
{
        static const char *const keys[] = { "__struct__", "kind",     "domain",    "message",
                                            "cause",      "provider", "exit_code", "retryable",
                                            "recovery",   NULL };
        enum {
                STRUCT,
                KIND,
                DOMAIN,
                MESSAGE,
                CAUSE,
                PROVIDER,
                EXIT_CODE,
                RETRYABLE,
                RECOVERY,
                N
        };
        AsmView values[N];
        AsmFailure *failure;
        g_autofree char *kind = NULL, *domain = NULL, *message = NULL;
        gint64 exit_code;
        gboolean retryable;

        asm_view_map_pick(view, keys, values);
        if (!asm_view_is_set(values[STRUCT]) || !asm_view_is_atom(values[STRUCT], ERROR_STRUCT))
                return NULL;
        if (asm_view_is_set(values[KIND]))
                kind = asm_view_dup_atom(values[KIND]);
        if (asm_view_is_set(values[DOMAIN]))
                domain = asm_view_dup_atom(values[DOMAIN]);
        if (is_something(values[MESSAGE]))
                message = asm_view_dup_text(values[MESSAGE], /* accept_atoms= */ TRUE);
        failure = asm_failure_new(asm_failure_kind_from_name(kind),
                                  asm_failure_domain_from_name(domain),
                                  "%s",
                                  message != NULL ? message : "");
        if (is_something(values[CAUSE]))
                failure->cause = asm_term_new(values[CAUSE]);
        if (is_something(values[RECOVERY]))
                failure->recovery = asm_term_new(values[RECOVERY]);
        if (is_something(values[PROVIDER]))
                failure->provider = asm_view_dup_text(values[PROVIDER], /* accept_atoms= */ TRUE);
        if (is_something(values[EXIT_CODE]) && asm_view_get_int(values[EXIT_CODE], &exit_code) &&
            exit_code >= G_MININT && exit_code <= G_MAXINT) {
                failure->has_exit_code = TRUE;
                failure->exit_code = (gint)exit_code;
        }
        if (is_something(values[RETRYABLE]) && asm_view_get_bool(values[RETRYABLE], &retryable))
                failure->retryable = retryable ? 1 : 0;
        return failure;
}
