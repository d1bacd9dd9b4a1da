/* SPDX-License-Identifier: MIT */

/*
 * What a link receives behind the handshake: frames and the control messages in them. The first
 * two bytes tell where the input is cut, so that whole frames and the halves of frames are met.
 * The fields of a decoded control are terms that the readers can be trusted with.
 */

#include "dist/control.h"
#include "dist/frame.h"
#include "fuzz.h"

/* far above any input, and below what a declared length may say */
#define FRAME_MAX (1024 * 1024)

static void
walk_control(const AsmControl *control)
{
        const AsmView fields[] = { control->from,    control->to,     control->ref,
                                   control->payload, control->module, control->function,
                                   control->options };

        g_assert_cmpint(control->kind, <, ASM_CONTROL_N_KINDS);
        (void)asm_control_kind_name(control->kind);
        for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
                if (asm_view_is_set(fields[i]))
                        asm_fuzz_walk(fields[i]);
        }
}

/* Returns: how many bytes were consumed */
static gsize
read_frames(const guint8 *data, gsize len)
{
        gsize done = 0;

        for (;;) {
                g_autoptr(GError) error = NULL;
                const guint8 *body;
                gsize used;
                gsize body_len;
                AsmControl control;

                switch (asm_frame_next(data + done,
                                       len - done,
                                       FRAME_MAX,
                                       &used,
                                       &body,
                                       &body_len,
                                       &error)) {
                case ASM_FRAME_MORE:
                        g_assert_cmpuint(used, >, len - done);
                        return done;
                case ASM_FRAME_BROKEN:
                        return len;
                case ASM_FRAME_PACKET:
                        if (asm_control_decode(body, body_len, NULL, &control, NULL))
                                walk_control(&control);
                        break;
                case ASM_FRAME_TICK:
                        break;
                }
                done += used;
        }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size < 2)
                return 0;
        gsize cut = (gsize)data[0] << 8 | data[1];
        gsize len = size - 2;
        cut = MIN(cut, len);

        /* the bytes up to the cut come first; then, what was left of them, and the others */
        gsize done = read_frames(data + 2, cut);
        (void)read_frames(data + 2 + done, len - done);
        return 0;
}
