/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/**
 * AsmDistError:
 * @ASM_DIST_ERROR_PROTOCOL: the peer sent bytes the protocol does not allow; close the connection
 * @ASM_DIST_ERROR_TOO_LARGE: a frame over the limit; close the connection
 * @ASM_DIST_ERROR_COOKIE: the digests differ: not the same cookie on both sides
 * @ASM_DIST_ERROR_FLAGS: the peer lacks a mandatory capability; the message names it
 * @ASM_DIST_ERROR_REFUSED: not_allowed was the answer, the peer's or ours; or our nok
 * @ASM_DIST_ERROR_ALIVE: the peer, asked, prefers the connection with it that is already up
 * @ASM_DIST_ERROR_WRONG_NAME: the node that answered is not the node that was called
 * @ASM_DIST_ERROR_SIMULTANEOUS: the peer answered nok: its own attempt goes on, wait for that
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
        ASM_DIST_ERROR_SIMULTANEOUS,
} AsmDistError;

#define ASM_DIST_ERROR (asm_dist_error_quark())
GQuark asm_dist_error_quark(void);
