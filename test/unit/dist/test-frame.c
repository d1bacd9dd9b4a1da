/* SPDX-License-Identifier: MIT */
/* Frames: where one ends, and what is refused before it is read. */
#include "dist/error.h"
#include "dist/frame.h"
#include "hex.h"

#define LIMIT 1000

TestSuite(frame, .timeout = 300);

Test(frame, prefixes_of_a_stream_are_cut_the_same_way_at_every_byte)
{
        g_auto(AsmBuilder) stream = hex_decode("00000000 00000003 706162 00000001 ff 00000000");
        const gsize sizes[] = { 4, 7, 5, 4 };

        for (gsize have = 0; have <= stream.len; have++) {
                gsize at = 0;

                for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
                        const guint8 *body = NULL;
                        gsize body_len = 0;
                        gsize used = 0;
                        AsmFrameStatus status = asm_frame_next(stream.data + at,
                                                               have - at,
                                                               LIMIT,
                                                               &used,
                                                               &body,
                                                               &body_len,
                                                               NULL);

                        if (have - at < sizes[i]) {
                                cr_assert_eq(status, ASM_FRAME_MORE);
                                cr_assert_eq(used, have - at < 4 ? 4 : sizes[i]);
                                break;
                        }
                        cr_assert_eq(used, sizes[i]);
                        cr_assert_eq(status, sizes[i] == 4 ? ASM_FRAME_TICK : ASM_FRAME_PACKET);
                        if (status == ASM_FRAME_PACKET) {
                                cr_assert_eq(body, stream.data + at + 4, "in place");
                                cr_assert_eq(body_len, sizes[i] - 4);
                        }
                        at += used;
                }
        }
}

Test(frame, of_the_limit_is_taken_and_one_byte_more_is_not)
{
        g_auto(AsmBuilder) at_limit = hex_decode("000003e8");
        g_auto(AsmBuilder) over_limit = hex_decode("000003e9");
        g_autoptr(GError) error = NULL;
        const guint8 *body = NULL;
        gsize body_len = 0;
        gsize used = 0;

        memset(asm_builder_reserve(&at_limit, LIMIT), 0, LIMIT);
        at_limit.len += LIMIT;

        cr_expect_eq(asm_frame_next(at_limit.data, 1004, LIMIT, &used, &body, &body_len, &error),
                     ASM_FRAME_PACKET);
        cr_expect_eq(used, 1004);
        cr_expect_eq(body_len, 1000);
        cr_expect_null(error);
        cr_expect_eq(asm_frame_next(over_limit.data, 4, LIMIT, &used, &body, &body_len, &error),
                     ASM_FRAME_BROKEN);
        cr_assert(g_error_matches(error, ASM_DIST_ERROR, ASM_DIST_ERROR_TOO_LARGE));
        cr_expect_str_eq(error->message, "frame of 1001 bytes is over the limit of 1000");
}

Test(frame, of_three_gigabytes_is_refused_as_soon_as_its_length_is_read)
{
        g_auto(AsmBuilder) prefix = hex_decode("c0000000");
        g_autoptr(GError) error = NULL;
        const guint8 *body = NULL;
        gsize body_len = 0;
        gsize used = 0;

        cr_expect_eq(asm_frame_next(prefix.data, 3, 64 << 20, &used, &body, &body_len, &error),
                     ASM_FRAME_MORE);
        cr_expect_eq(used, 4);
        cr_expect_eq(asm_frame_next(prefix.data, 4, 64 << 20, &used, &body, &body_len, &error),
                     ASM_FRAME_BROKEN);
        cr_assert(g_error_matches(error, ASM_DIST_ERROR, ASM_DIST_ERROR_TOO_LARGE));
        cr_expect(strstr(error->message, "3221225472") != NULL, "%s", error->message);
        cr_expect_null(body);
}
