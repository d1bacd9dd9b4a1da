/* SPDX-License-Identifier: MIT */
/*
 * Control messages to bytes: a whole frame each, appended to the builder that a connection's
 * writer drains.
 *
 *      length:32  112  131 {Op, Field, ...}  131 payload
 *
 * A frame is begun with a length of 0, which is filled in when the frame ends, because only then
 * it is known. Pids and references that came from a peer go back as the bytes they came as: a
 * reference from a later release may have more words than we would make, and a copy is always
 * right.
 *
 * Which operation carries a signal depends on what both sides have announced. The old forms are
 * for peers without the flag; a peer with the flag gets the new ones, as a BEAM would send them:
 *
 *      message to a pid     SEND            SEND_SENDER             with SEND_SENDER
 *      message to an alias  ALIAS_SEND      ALTACT_SIG_SEND         with ALTACT_SIG
 *      exit, exit2, down    reason inside   reason as the payload   with EXIT_PAYLOAD
 */
#include "dist/control.h"

#include "bytes-private.h"
#include "control-ops-private.h"
#include "dist/flags.h"

/* the element that once held a cookie */
#define UNUSED_ATOM ""

/* begins a frame whose control tuple has @arity elements; returns where the frame starts */
static gsize
frame_begin(AsmBuilder *out, AsmOp op, guint arity)
{
        static const guint8 head[] = { 0, 0, 0, 0, ASM_PASS_THROUGH, ASM_TERM_VERSION };
        gsize start = out->len;

        asm_builder_raw(out, head, sizeof(head));
        asm_builder_tuple(out, arity);
        asm_builder_int(out, op);
        return start;
}

/* @n_more: bytes of the frame that the caller of this file sends by other means */
static void
frame_end(AsmBuilder *out, gsize start, gsize n_more)
{
        gsize len = out->len - start - sizeof(guint32) + n_more;
        guint32 prefix = GUINT32_TO_BE((guint32)len);

        g_assert(len <= G_MAXUINT32);
        memcpy(out->data + start, &prefix, sizeof(prefix));
}

static void
frame_end_with_payload(AsmBuilder *out, gsize start, AsmView payload)
{
        asm_bytes_put_uint8(out, ASM_TERM_VERSION);
        asm_builder_view(out, payload);
        frame_end(out, start, /* n_more */ 0);
}

void
asm_control_encode_send(AsmBuilder *out,
                        guint64 flags,
                        const AsmPid *from,
                        AsmView to_pid,
                        AsmView message)
{
        gboolean with_sender = from != NULL && (flags & ASM_FLAG_SEND_SENDER) != 0;
        gsize start = frame_begin(out, with_sender ? ASM_OP_SEND_SENDER : ASM_OP_SEND, 3);

        if (with_sender)
                asm_builder_pid(out, from);
        else
                asm_builder_atom(out, UNUSED_ATOM);
        asm_builder_view(out, to_pid);
        frame_end_with_payload(out, start, message);
}

void
asm_control_encode_reg_send(AsmBuilder *out,
                            const AsmPid *from,
                            const char *to_name,
                            AsmView message)
{
        gsize start = frame_begin(out, ASM_OP_REG_SEND, 4);

        asm_builder_pid(out, from);
        asm_builder_atom(out, UNUSED_ATOM);
        asm_builder_atom(out, to_name);
        frame_end_with_payload(out, start, message);
}

void
asm_control_encode_alias_send(AsmBuilder *out,
                              guint64 flags,
                              const AsmPid *from,
                              AsmView alias,
                              AsmView message)
{
        gsize start;

        if (flags & ASM_FLAG_ALTACT_SIG) {
                start = frame_begin(out, ASM_OP_ALTACT_SIG_SEND, 4);
                asm_builder_int(out, ASM_ALTACT_ALIAS);
        } else {
                start = frame_begin(out, ASM_OP_ALIAS_SEND, 3);
        }
        asm_builder_pid(out, from);
        asm_builder_view(out, alias);
        frame_end_with_payload(out, start, message);
}

void
asm_control_encode_link(AsmBuilder *out, const AsmPid *from, const AsmPid *to)
{
        gsize start = frame_begin(out, ASM_OP_LINK, 3);

        asm_builder_pid(out, from);
        asm_builder_pid(out, to);
        frame_end(out, start, /* n_more */ 0);
}

static void
encode_unlink(AsmBuilder *out, AsmOp op, guint64 id, const AsmPid *from, const AsmPid *to)
{
        gsize start = frame_begin(out, op, 4);

        asm_builder_uint(out, id);
        asm_builder_pid(out, from);
        asm_builder_pid(out, to);
        frame_end(out, start, /* n_more */ 0);
}

void
asm_control_encode_unlink_id(AsmBuilder *out, guint64 id, const AsmPid *from, const AsmPid *to)
{
        encode_unlink(out, ASM_OP_UNLINK_ID, id, from, to);
}

void
asm_control_encode_unlink_id_ack(AsmBuilder *out, guint64 id, const AsmPid *from, const AsmPid *to)
{
        encode_unlink(out, ASM_OP_UNLINK_ID_ACK, id, from, to);
}

/* the reason is the last element of the tuple, or follows it as the payload */
static void
frame_end_with_reason(AsmBuilder *out, gsize start, guint64 flags, AsmView reason)
{
        if (flags & ASM_FLAG_EXIT_PAYLOAD)
                asm_bytes_put_uint8(out, ASM_TERM_VERSION);
        asm_builder_view(out, reason);
        frame_end(out, start, /* n_more */ 0);
}

void
asm_control_encode_exit(AsmBuilder *out,
                        guint64 flags,
                        const AsmPid *from,
                        const AsmPid *to,
                        AsmView reason)
{
        gsize start = flags & ASM_FLAG_EXIT_PAYLOAD ? frame_begin(out, ASM_OP_PAYLOAD_EXIT, 3)
                                                    : frame_begin(out, ASM_OP_EXIT, 4);

        asm_builder_pid(out, from);
        asm_builder_pid(out, to);
        frame_end_with_reason(out, start, flags, reason);
}

void
asm_control_encode_exit2(AsmBuilder *out,
                         guint64 flags,
                         const AsmPid *from,
                         const AsmPid *to,
                         AsmView reason)
{
        gsize start = flags & ASM_FLAG_EXIT_PAYLOAD ? frame_begin(out, ASM_OP_PAYLOAD_EXIT2, 3)
                                                    : frame_begin(out, ASM_OP_EXIT2, 4);

        asm_builder_pid(out, from);
        asm_builder_pid(out, to);
        frame_end_with_reason(out, start, flags, reason);
}

static void
encode_monitor(AsmBuilder *out, AsmOp op, const AsmPid *from, AsmView target, const AsmRef *ref)
{
        gsize start = frame_begin(out, op, 4);

        asm_builder_pid(out, from);
        asm_builder_view(out, target);
        asm_builder_ref(out, ref);
        frame_end(out, start, /* n_more */ 0);
}

void
asm_control_encode_monitor(AsmBuilder *out, const AsmPid *from, AsmView target, const AsmRef *ref)
{
        encode_monitor(out, ASM_OP_MONITOR_P, from, target, ref);
}

void
asm_control_encode_demonitor(AsmBuilder *out, const AsmPid *from, AsmView target, const AsmRef *ref)
{
        encode_monitor(out, ASM_OP_DEMONITOR_P, from, target, ref);
}

void
asm_control_encode_monitor_exit(AsmBuilder *out,
                                guint64 flags,
                                AsmView watched,
                                AsmView to_pid,
                                AsmView ref,
                                AsmView reason)
{
        gsize start = flags & ASM_FLAG_EXIT_PAYLOAD
                              ? frame_begin(out, ASM_OP_PAYLOAD_MONITOR_P_EXIT, 4)
                              : frame_begin(out, ASM_OP_MONITOR_P_EXIT, 5);

        asm_builder_view(out, watched);
        asm_builder_view(out, to_pid);
        asm_builder_view(out, ref);
        frame_end_with_reason(out, start, flags, reason);
}

void
asm_control_encode_spawn_reply(AsmBuilder *out,
                               AsmView request_ref,
                               AsmView to_pid,
                               guint spawn_flags,
                               AsmView result)
{
        gsize start = frame_begin(out, ASM_OP_SPAWN_REPLY, 5);

        asm_builder_view(out, request_ref);
        asm_builder_view(out, to_pid);
        asm_builder_int(out, spawn_flags);
        asm_builder_view(out, result);
        frame_end(out, start, /* n_more */ 0);
}

void
asm_control_encode_spawn_request(AsmBuilder *out,
                                 const AsmRef *request_ref,
                                 const AsmPid *from,
                                 const char *module,
                                 const char *function,
                                 guint arity,
                                 AsmView args)
{
        gsize start = frame_begin(out, ASM_OP_SPAWN_REQUEST, 6);

        asm_builder_ref(out, request_ref);
        asm_builder_pid(out, from);
        asm_builder_pid(out, /* group leader */ from);
        asm_builder_tuple(out, 3);
        asm_builder_atom(out, module);
        asm_builder_atom(out, function);
        asm_builder_int(out, arity);
        asm_builder_list(out, 1);
        asm_builder_atom(out, "monitor");
        asm_builder_nil(out);
        frame_end_with_payload(out, start, args);
}

void
asm_control_encode_tick(AsmBuilder *out)
{
        asm_bytes_put_uint32(out, 0);
}
