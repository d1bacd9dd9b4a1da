/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/**
 * AsmProcError: why a remote call has no value
 * @ASM_PROC_ERROR_NO_CONNECTION: no link to the node, or it broke during the call
 * @ASM_PROC_ERROR_TIMEOUT: no answer in time
 * @ASM_PROC_ERROR_UNDEF: the node does not have the function
 * @ASM_PROC_ERROR_EXCEPTION: the function raised; the message shows the reason
 * @ASM_PROC_ERROR_REFUSED: the node does not start processes for us
 *
 * Codes of the domain %ASM_PROC_ERROR.
 */
typedef enum {
        ASM_PROC_ERROR_NO_CONNECTION,
        ASM_PROC_ERROR_TIMEOUT,
        ASM_PROC_ERROR_UNDEF,
        ASM_PROC_ERROR_EXCEPTION,
        ASM_PROC_ERROR_REFUSED,
} AsmProcError;

#define ASM_PROC_ERROR (asm_proc_error_quark())
GQuark asm_proc_error_quark(void);
