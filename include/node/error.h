/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/**
 * AsmNodeError:
 * @ASM_NODE_ERROR_NAME: not a node name; the user corrects it
 * @ASM_NODE_ERROR_COOKIE_FILE: cookie missing, unreadable, open to others or malformed
 * @ASM_NODE_ERROR_COOKIE_CONFLICT: another cookie has already been set for this peer
 * @ASM_NODE_ERROR_LISTEN: the listening address cannot be had
 * @ASM_NODE_ERROR_EPMD: no epmd, or it does not answer as one
 * @ASM_NODE_ERROR_NAME_TAKEN: epmd knows a live node of this name
 * @ASM_NODE_ERROR_UNKNOWN_NODE: the peer's host or name is not known
 * @ASM_NODE_ERROR_CONNECT: no TCP connection to the peer
 * @ASM_NODE_ERROR_TIMEOUT: the peer did not answer in time
 * @ASM_NODE_ERROR_REFUSED: the peer ended the handshake; most often another cookie
 * @ASM_NODE_ERROR_LIMIT: as many connections as are allowed
 * @ASM_NODE_ERROR_TLS: certificate files that cannot be used, or a TLS handshake that failed
 * @ASM_NODE_ERROR_STOPPED: the node is shutting down
 *
 * Codes of the domain %ASM_NODE_ERROR.
 */
typedef enum {
        ASM_NODE_ERROR_NAME,
        ASM_NODE_ERROR_COOKIE_FILE,
        ASM_NODE_ERROR_COOKIE_CONFLICT,
        ASM_NODE_ERROR_LISTEN,
        ASM_NODE_ERROR_EPMD,
        ASM_NODE_ERROR_NAME_TAKEN,
        ASM_NODE_ERROR_UNKNOWN_NODE,
        ASM_NODE_ERROR_CONNECT,
        ASM_NODE_ERROR_TIMEOUT,
        ASM_NODE_ERROR_REFUSED,
        ASM_NODE_ERROR_LIMIT,
        ASM_NODE_ERROR_TLS,
        ASM_NODE_ERROR_STOPPED,
} AsmNodeError;

#define ASM_NODE_ERROR (asm_node_error_quark())
GQuark asm_node_error_quark(void);
