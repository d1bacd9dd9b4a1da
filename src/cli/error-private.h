/* SPDX-License-Identifier: MIT */
#pragma once

/* Why a command did not do what it was asked to, and the exit status that says so. */

#include "event/failure.h"

/**
 * AsmCliError:
 * @ASM_CLI_ERROR_USAGE: the command line is wrong; the help of the command tells what is right
 * @ASM_CLI_ERROR_FAILED: the daemon or the provider could not do it
 * @ASM_CLI_ERROR_NOT_FOUND: no such session, run or open approval
 * @ASM_CLI_ERROR_REFUSED: a limit, or something that is not allowed
 * @ASM_CLI_ERROR_TIMEOUT: not done in time
 * @ASM_CLI_ERROR_CANCELLED: the user ended it
 * @ASM_CLI_ERROR_UNREACHABLE: no connection to the daemon; the message says what to look at
 * @ASM_CLI_ERROR_CLOSED: whoever read our output has gone; said by the exit status only
 *
 * Codes of the domain %ASM_CLI_ERROR.
 */
typedef enum {
        ASM_CLI_ERROR_USAGE,
        ASM_CLI_ERROR_FAILED,
        ASM_CLI_ERROR_NOT_FOUND,
        ASM_CLI_ERROR_REFUSED,
        ASM_CLI_ERROR_TIMEOUT,
        ASM_CLI_ERROR_CANCELLED,
        ASM_CLI_ERROR_UNREACHABLE,
        ASM_CLI_ERROR_CLOSED,
        ASM_CLI_ERROR_N_CODES
} AsmCliError;

#define ASM_CLI_ERROR (asm_cli_error_quark())
GQuark asm_cli_error_quark(void);

/* sets ASM_CLI_ERROR_USAGE; always FALSE, so that a refusal is one line */
gboolean asm_cli_usage(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* sets @error to what the daemon said: "[domain/kind] message", the code as the kind demands */
void asm_cli_set_failure(GError **error, const AsmFailure *failure);

/**
 * asm_cli_set_lookup_failure: the same for an answer to a question that names a session, a run or
 * an approval
 *
 * ASM has no kind of its own for "there is none": it is `unknown` in domain runtime or approval,
 * which anywhere else means a failure that nobody has classified.
 */
void asm_cli_set_lookup_failure(GError **error, const AsmFailure *failure);

/* 0 for NULL; every error has a status, one of no known domain has 1 */
gint asm_cli_exit_code(const GError *error);

/* one line per status, for the help text: NULL behind the last; @ret_code is the status */
const char *asm_cli_exit_meaning(guint index, gint *ret_code);
