/* SPDX-License-Identifier: MIT */
/*
 * Frames: a 4-byte big-endian length and that many bytes.
 *
 *      00 00 00 00                      a tick: "I am alive"
 *      00 00 00 2a  70 83 ...           42 bytes: a control message
 *
 * The length is the peer's word and is judged before anything is done for it: over the limit is
 * BROKEN as soon as the four bytes are there, whether or not the body ever comes, so a hostile
 * length costs no memory. Below the limit MORE tells the reader how many bytes it needs room for,
 * which lets it grow its buffer once per frame and wake up once per frame.
 *
 * Nothing is kept between calls. The body that PACKET returns is the caller's own memory.
 */
#include "dist/frame.h"

#include "bytes-private.h"
#include "dist/error.h"

#define HEADER_LEN 4

AsmFrameStatus
asm_frame_next(const guint8 *data,
               gsize len,
               gsize limit,
               gsize *ret_used,
               const guint8 **ret_body,
               gsize *ret_body_len,
               GError **error)
{
        guint32 body_len;

        if (len < HEADER_LEN) {
                *ret_used = HEADER_LEN;
                return ASM_FRAME_MORE;
        }

        body_len = asm_bytes_get_uint32(data);
        if (body_len > limit) {
                g_set_error(error,
                            ASM_DIST_ERROR,
                            ASM_DIST_ERROR_TOO_LARGE,
                            "frame of %" G_GUINT32_FORMAT
                            " bytes is over the limit of %" G_GSIZE_FORMAT,
                            body_len,
                            limit);
                return ASM_FRAME_BROKEN;
        }

        *ret_used = HEADER_LEN + (gsize)body_len;
        if (body_len == 0)
                return ASM_FRAME_TICK;
        if (len - HEADER_LEN < body_len)
                return ASM_FRAME_MORE;
        *ret_body = data + HEADER_LEN;
        *ret_body_len = body_len;
        return ASM_FRAME_PACKET;
}
