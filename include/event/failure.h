/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Why something that a user asked for did not work: the value that becomes an ASM.Error
 * (ASM_PROTOCOL.md section 4). Rooms from `event` upwards hand failures on in this form.
 */

#include "node/peers.h"
#include "term/builder.h"

typedef enum {
        ASM_FAILURE_CLI_NOT_FOUND,
        ASM_FAILURE_CONNECTION_FAILED,
        ASM_FAILURE_TIMEOUT,
        ASM_FAILURE_PARSE_ERROR,
        ASM_FAILURE_JSON_DECODE_ERROR,
        ASM_FAILURE_AUTH_ERROR,
        ASM_FAILURE_RATE_LIMIT,
        ASM_FAILURE_BUFFER_OVERFLOW,
        ASM_FAILURE_TRANSPORT_ERROR,
        ASM_FAILURE_TRANSPORT_BUSY,
        ASM_FAILURE_QUEUE_FULL,
        ASM_FAILURE_AT_CAPACITY,
        ASM_FAILURE_USER_CANCELLED,
        ASM_FAILURE_APPROVAL_DENIED,
        ASM_FAILURE_GUARDRAIL_BLOCKED,
        ASM_FAILURE_TOOL_FAILED,
        ASM_FAILURE_CONFIG_INVALID,
        ASM_FAILURE_RUNTIME,
        ASM_FAILURE_UNKNOWN,
        ASM_FAILURE_N_KINDS
} AsmFailureKind;

typedef enum {
        ASM_DOMAIN_TRANSPORT,
        ASM_DOMAIN_PARSER,
        ASM_DOMAIN_PROVIDER,
        ASM_DOMAIN_APPROVAL,
        ASM_DOMAIN_GUARDRAIL,
        ASM_DOMAIN_TOOL,
        ASM_DOMAIN_RUNTIME,
        ASM_DOMAIN_CONFIG,
        ASM_DOMAIN_N
} AsmFailureDomain;

typedef struct {
        AsmFailureKind kind;
        AsmFailureDomain domain;
        char *message;
        AsmTerm *cause; /* nullable: the reason term; NULL gives nil */
        char *provider; /* nullable */
        gboolean has_exit_code;
        gint exit_code;
        gint retryable;    /* -1 not known (nil), 0, 1 */
        AsmTerm *recovery; /* nullable */
} AsmFailure;

/* (transfer full) */
AsmFailure *asm_failure_new(AsmFailureKind kind, AsmFailureDomain domain, const char *format, ...)
        G_GNUC_PRINTF(3, 4);
/* @function: "stop_session/1", which @peer has not the @right to */
AsmFailure *asm_failure_new_not_allowed(const char *function, const char *peer, AsmRight right);
AsmFailure *asm_failure_copy(const AsmFailure *failure);
void asm_failure_free(AsmFailure *failure);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmFailure, asm_failure_free)

/* "config_invalid" and back; unknown text gives ASM_FAILURE_UNKNOWN / ASM_DOMAIN_RUNTIME */
const char *asm_failure_kind_name(AsmFailureKind kind);
AsmFailureKind asm_failure_kind_from_name(const char *name);
const char *asm_failure_domain_name(AsmFailureDomain domain);
AsmFailureDomain asm_failure_domain_from_name(const char *name);

/* appends #{'__struct__' => 'Elixir.ASM.Error', '__exception__' => true, ...} */
void asm_builder_failure(AsmBuilder *builder, const AsmFailure *failure);
/* (transfer full) (nullable): the reverse, for clients; NULL if @view is no ASM.Error */
AsmFailure *asm_failure_from_view(AsmView view);
