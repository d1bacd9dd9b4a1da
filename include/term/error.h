/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/**
 * AsmTermError:
 * @ASM_TERM_ERROR_TRUNCATED: the bytes end inside the term; the sender is broken, drop the link
 * @ASM_TERM_ERROR_BAD_TAG: a tag the external term format does not have here; drop the link
 * @ASM_TERM_ERROR_MALFORMED: a length, arity or encoding that cannot be right; drop the link
 * @ASM_TERM_ERROR_TOO_DEEP: nested deeper than the limit; drop the link
 * @ASM_TERM_ERROR_TOO_BIG: more elements than the limit; drop the link
 * @ASM_TERM_ERROR_UNSUPPORTED: a valid term that the asked-for face (JSON) cannot show
 *
 * Codes of the domain %ASM_TERM_ERROR.
 */
typedef enum {
        ASM_TERM_ERROR_TRUNCATED,
        ASM_TERM_ERROR_BAD_TAG,
        ASM_TERM_ERROR_MALFORMED,
        ASM_TERM_ERROR_TOO_DEEP,
        ASM_TERM_ERROR_TOO_BIG,
        ASM_TERM_ERROR_UNSUPPORTED,
} AsmTermError;

#define ASM_TERM_ERROR (asm_term_error_quark())
GQuark asm_term_error_quark(void);
