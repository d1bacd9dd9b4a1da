/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Framing after the handshake: a 4-byte big-endian length and that many bytes, length 0 being a
 * tick. Works in place on the caller's bytes: no copy, no descriptor.
 */

#include <glib.h>

typedef enum {
        ASM_FRAME_MORE, /* not a whole frame yet; @ret_used says how many bytes there must be */
        ASM_FRAME_TICK,
        ASM_FRAME_PACKET,
        ASM_FRAME_BROKEN, /* error set: over the limit */
} AsmFrameStatus;

/**
 * asm_frame_next:
 * @data: received bytes not yet consumed
 * @limit: longest body in bytes that is accepted
 * @ret_used: (out): TICK, PACKET: how many bytes of @data the frame took, header included.
 *   MORE: how many bytes there must be before it is worth asking again
 * @ret_body: (out): PACKET only, borrowed from @data
 *
 * Errors: ASM_DIST_ERROR_TOO_LARGE naming length and limit, as soon as the header is seen.
 */
AsmFrameStatus asm_frame_next(const guint8 *data,
                              gsize len,
                              gsize limit,
                              gsize *ret_used,
                              const guint8 **ret_body,
                              gsize *ret_body_len,
                              GError **error);
