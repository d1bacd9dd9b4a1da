/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/**
 * AsmDistError:
 * @ASM_DIST_ERROR_PROTOCOL: the peer sent bytes the protocol does not allow; close the connection
 * @ASM_DIST_ERROR_TOO_LARGE: a frame over the limit; close the connection
 * @ASM_DIST_ERROR_COOKIE: the digests differ: not the same cookie on both sides
 * @ASM_DIST_ERROR_FLAGS: the peer lacks a mandatory capability; the message names it
 * @ASM_DIST_ERROR_REFUSED: the peer answered nok or not_allowed
 * @ASM_DIST_ERROR_ALIVE: the peer still has a connection with this name
 * @ASM_DIST_ERROR_WRONG_NAME: the node that answered is not the node that was called
 *
 * Codes of the domain %ASM_DIST_ERROR.
 */
typedef enum {
        ASM_DIST_ERROR_PROTOCOL,
        ASM_DIST_ERROR_TOO_LARGE,
        ASM_DIST_ERROR_COOKIE,
        ASM_DIST_ERROR_FLAGS,
        ASM_DIST_ERROR_REFUSED,
        ASM_DIST_ERROR_ALIVE,
        ASM_DIST_ERROR_WRONG_NAME,
} AsmDistError;

#define ASM_DIST_ERROR (asm_dist_error_quark())
GQuark asm_dist_error_quark(void);
