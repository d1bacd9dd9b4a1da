/* SPDX-License-Identifier: MIT */
/*
 * What goes out. Each message is compared with the bytes of a BEAM: the tuples are the output of
 * term_to_binary/2 on OTP 25. Then it is decoded again, with our own decoder.
 */
#include "control-terms.h"
#include "dist/control.h"
#include "dist/flags.h"
#include "dist/frame.h"
#include "hex.h"

TestSuite(control_encode, .timeout = 300);

#define OLD 0
#define NEW (ASM_FLAG_SEND_SENDER | ASM_FLAG_EXIT_PAYLOAD | ASM_FLAG_ALTACT_SIG)

/* the same pids and references in every form that the encoder takes */
typedef struct {
        AsmPid a;
        AsmPid b;
        AsmRef ref;
        AsmBuilder view_a;
        AsmBuilder view_b;
        AsmBuilder view_ref;
        AsmBuilder rex;
        AsmBuilder normal;
        AsmBuilder args;
        AsmBuilder out;
} Parts;

static void
parts_init(Parts *parts)
{
        *parts = (Parts){
                .view_a = hex_decode(PID_A),
                .view_b = hex_decode(PID_B),
                .view_ref = hex_decode(REF_3),
                .rex = hex_decode(REX),
                .normal = hex_decode(NORMAL),
                .args = hex_decode(FOUR_ARGS),
        };
        cr_assert(asm_pid_from_view(asm_builder_peek(&parts->view_a), &parts->a));
        cr_assert(asm_pid_from_view(asm_builder_peek(&parts->view_b), &parts->b));
        cr_assert(asm_ref_from_view(asm_builder_peek(&parts->view_ref), &parts->ref));
}

static void
parts_clear(Parts *parts)
{
        asm_pid_clear(&parts->a);
        asm_pid_clear(&parts->b);
        asm_ref_clear(&parts->ref);
        asm_builder_clear(&parts->view_a);
        asm_builder_clear(&parts->view_b);
        asm_builder_clear(&parts->view_ref);
        asm_builder_clear(&parts->rex);
        asm_builder_clear(&parts->normal);
        asm_builder_clear(&parts->args);
        asm_builder_clear(&parts->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parts, parts_clear)

typedef void (*EncodeFunc)(Parts *parts, guint64 flags);

static void
encode_link(Parts *p, guint64 flags)
{
        asm_control_encode_link(&p->out, &p->a, &p->b);
}

static void
encode_send(Parts *p, guint64 flags)
{
        asm_control_encode_send(&p->out,
                                flags,
                                &p->a,
                                asm_builder_peek(&p->view_b),
                                asm_builder_peek(&p->rex));
}

static void
encode_reg_send(Parts *p, guint64 flags)
{
        asm_control_encode_reg_send(&p->out, &p->a, "rex", asm_builder_peek(&p->normal));
}

static void
encode_alias_send(Parts *p, guint64 flags)
{
        asm_control_encode_alias_send(&p->out,
                                      flags,
                                      &p->a,
                                      asm_builder_peek(&p->view_ref),
                                      asm_builder_peek(&p->rex));
}

static void
encode_unlink_id(Parts *p, guint64 flags)
{
        asm_control_encode_unlink_id(&p->out, G_MAXUINT64, &p->a, &p->b);
}

static void
encode_unlink_id_ack(Parts *p, guint64 flags)
{
        asm_control_encode_unlink_id_ack(&p->out, 1, &p->a, &p->b);
}

static void
encode_exit(Parts *p, guint64 flags)
{
        asm_control_encode_exit(&p->out, flags, &p->a, &p->b, asm_builder_peek(&p->normal));
}

static void
encode_exit2(Parts *p, guint64 flags)
{
        asm_control_encode_exit2(&p->out, flags, &p->a, &p->b, asm_builder_peek(&p->normal));
}

static void
encode_monitor(Parts *p, guint64 flags)
{
        asm_control_encode_monitor(&p->out, &p->a, asm_builder_peek(&p->rex), &p->ref);
}

static void
encode_demonitor(Parts *p, guint64 flags)
{
        asm_control_encode_demonitor(&p->out, &p->a, asm_builder_peek(&p->rex), &p->ref);
}

static void
encode_monitor_exit(Parts *p, guint64 flags)
{
        asm_control_encode_monitor_exit(&p->out,
                                        flags,
                                        asm_builder_peek(&p->rex),
                                        asm_builder_peek(&p->view_b),
                                        asm_builder_peek(&p->view_ref),
                                        asm_builder_peek(&p->normal));
}

static void
encode_spawn_reply(Parts *p, guint64 flags)
{
        asm_control_encode_spawn_reply(&p->out,
                                       asm_builder_peek(&p->view_ref),
                                       asm_builder_peek(&p->view_b),
                                       ASM_SPAWN_FLAG_MONITOR,
                                       asm_builder_peek(&p->view_a));
}

static void
encode_spawn_request(Parts *p, guint64 flags)
{
        asm_control_encode_spawn_request(&p->out,
                                         &p->ref,
                                         &p->a,
                                         "erpc",
                                         "execute_call",
                                         4,
                                         asm_builder_peek(&p->args));
}

/* the tuples are verbatim from a BEAM, the payload behind some is not */
#define PAYLOAD(term) "83" term
static const struct {
        const char *name;
        EncodeFunc encode;
        guint64 flags;
        const char *body;
        AsmControlKind kind;
} cases[] = {
        { "link",
          encode_link,
          NEW,
          "8368036101587703614068000000050000000000000001587703624068000000090000000100000007",
          ASM_CONTROL_LINK },
        { "send",
          encode_send,
          OLD,
          "83680361027700587703624068000000090000000100000007" PAYLOAD(REX),
          ASM_CONTROL_SEND },
        { "send with sender",
          encode_send,
          NEW,
          "836803611658770361406800000005000000000000000158770362406800000009000000010000000"
          "7" PAYLOAD(REX),
          ASM_CONTROL_SEND },
        { "send to a name",
          encode_reg_send,
          NEW,
          "836804610658770361406800000005000000000000000177007703726578" PAYLOAD(NORMAL),
          ASM_CONTROL_REG_SEND },
        { "send to an alias",
          encode_alias_send,
          OLD,
          "83680361215877036140680000000500000000000000015a00037703624068000000070000000100000002"
          "00000003" PAYLOAD(REX),
          ASM_CONTROL_ALIAS_SEND },
        { "send to an alias, altered action",
          encode_alias_send,
          NEW,
          "836804612561045877036140680000000500000000000000015a0003770362406800000007000000010000"
          "000200000003" PAYLOAD(REX),
          ASM_CONTROL_ALIAS_SEND },
        { "unlink",
          encode_unlink_id,
          NEW,
          "83680461236e0800ffffffffffffffff5877036140680000000500000000000000015877036240680000"
          "00090000000100000007",
          ASM_CONTROL_UNLINK_ID },
        { "unlink acknowledged",
          encode_unlink_id_ack,
          NEW,
          "83680461246101587703614068000000050000000000000001587703624068000000090000000100000007",
          ASM_CONTROL_UNLINK_ID_ACK },
        { "exit",
          encode_exit,
          OLD,
          "836804610358770361406800000005000000000000000158770362406800000009000000010000000777066e"
          "6f726d616c",
          ASM_CONTROL_EXIT },
        { "exit with payload",
          encode_exit,
          NEW,
          "836803611858770361406800000005000000000000000158770362406800000009000000010000000"
          "7" PAYLOAD(NORMAL),
          ASM_CONTROL_EXIT },
        { "exit2",
          encode_exit2,
          OLD,
          "836804610858770361406800000005000000000000000158770362406800000009000000010000000777066e"
          "6f726d616c",
          ASM_CONTROL_EXIT2 },
        { "exit2 with payload",
          encode_exit2,
          NEW,
          "836803611a58770361406800000005000000000000000158770362406800000009000000010000000"
          "7" PAYLOAD(NORMAL),
          ASM_CONTROL_EXIT2 },
        { "monitor",
          encode_monitor,
          NEW,
          "836804611358770361406800000005000000000000000177037265785a00037703624068000000070000000"
          "10000000200000003",
          ASM_CONTROL_MONITOR },
        { "demonitor",
          encode_demonitor,
          NEW,
          "836804611458770361406800000005000000000000000177037265785a00037703624068000000070000000"
          "10000000200000003",
          ASM_CONTROL_DEMONITOR },
        { "down",
          encode_monitor_exit,
          OLD,
          "836805611577037265785877036240680000000900000001000000075a00037703624068000000070000000"
          "1000000020000000377066e6f726d616c",
          ASM_CONTROL_MONITOR_EXIT },
        { "down with payload",
          encode_monitor_exit,
          NEW,
          "836804611c77037265785877036240680000000900000001000000075a00037703624068000000070000000"
          "10000000200000003" PAYLOAD(NORMAL),
          ASM_CONTROL_MONITOR_EXIT },
        { "spawn reply",
          encode_spawn_reply,
          NEW,
          "836805611f5a00037703624068000000070000000100000002000000035877036240680000000900000001"
          "000000076102587703614068000000050000000000000001",
          ASM_CONTROL_SPAWN_REPLY },
        { "spawn request",
          encode_spawn_request,
          NEW,
          "836806611d5a00037703624068000000070000000100000002000000035877036140680000000500000000"
          "000000015877036140680000000500000000000000016803770465727063770c657865637574655f63616c"
          "6c61046c0000000177076d6f6e69746f726a" PAYLOAD(FOUR_ARGS),
          ASM_CONTROL_SPAWN_REQUEST },
};

Test(control_encode, every_message_is_a_frame_with_the_bytes_of_a_beam)
{
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Parts) parts;
                const guint8 *body;
                gsize body_len;
                gsize used;

                parts_init(&parts);
                cases[i].encode(&parts, cases[i].flags);

                cr_assert_eq(asm_frame_next(parts.out.data,
                                            parts.out.len,
                                            1000,
                                            &used,
                                            &body,
                                            &body_len,
                                            NULL),
                             ASM_FRAME_PACKET,
                             "%s",
                             cases[i].name);
                cr_assert_eq(used, parts.out.len, "%s", cases[i].name);
                cr_assert_eq(body[0], 112, "%s", cases[i].name);
                hex_expect(body + 1, body_len - 1, cases[i].body, cases[i].name);
        }
}

Test(control_encode, every_message_means_the_same_to_the_decoder)
{
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Parts) parts;
                g_autoptr(GError) error = NULL;
                AsmControl control;

                parts_init(&parts);
                cases[i].encode(&parts, cases[i].flags);

                cr_assert(asm_control_decode(parts.out.data + 4,
                                             parts.out.len - 4,
                                             NULL,
                                             &control,
                                             &error),
                          "%s: %s",
                          cases[i].name,
                          error->message);
                cr_expect_eq(control.kind, cases[i].kind, "%s", cases[i].name);
        }
}

Test(control_encode, messages_are_appended_one_behind_the_other)
{
        g_auto(Parts) parts;
        gsize first;

        parts_init(&parts);
        encode_exit(&parts, NEW);
        first = parts.out.len;
        asm_control_encode_tick(&parts.out);
        encode_exit(&parts, NEW);

        cr_assert_eq(parts.out.len, 2 * first + 4);
        hex_expect(parts.out.data + first, 4, "00000000", "a tick");
        cr_expect_eq(memcmp(parts.out.data, parts.out.data + first + 4, first), 0);
}

Test(control_encode, references_of_a_peer_go_back_as_they_came)
{
        g_auto(Parts) parts;
        g_auto(AsmBuilder) alias = hex_decode(REF_5);
        AsmControl control;

        parts_init(&parts);
        asm_control_encode_alias_send(&parts.out,
                                      NEW,
                                      &parts.a,
                                      asm_builder_peek(&alias),
                                      asm_builder_peek(&parts.rex));

        cr_assert(asm_control_decode(parts.out.data + 4, parts.out.len - 4, NULL, &control, NULL));
        hex_expect(control.ref.data, control.ref.len, REF_5, "alias");
}
