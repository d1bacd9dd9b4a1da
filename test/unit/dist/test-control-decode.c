/* SPDX-License-Identifier: MIT */
/* What each operation means, and that nothing else is accepted in its place. */
#include "control-terms.h"
#include "dist/control.h"
#include "dist/error.h"
#include "hex.h"

TestSuite(control_decode, .timeout = 300);

typedef struct {
        const char *name;
        const char *control; /* the tuple */
        const char *payload; /* a term, or NULL */
        AsmControlKind kind;
        /* hexadecimal; NULL: must not be set */
        const char *from;
        const char *to;
        const char *ref;
        const char *reason; /* message, reason or arguments */
} Case;

/* clang-format off */
static const Case cases[] = {
        { "LINK", "6803 6101" PID_A PID_B, NULL,
          ASM_CONTROL_LINK, PID_A, PID_B },
        { "SEND", "6803 6102" UNUSED PID_B, REX,
          ASM_CONTROL_SEND, NULL, PID_B, NULL, REX },
        { "EXIT", "6804 6103" PID_A PID_B NORMAL, NULL,
          ASM_CONTROL_EXIT, PID_A, PID_B, NULL, NORMAL },
        { "REG_SEND", "6804 6106" PID_A UNUSED REX, NORMAL,
          ASM_CONTROL_REG_SEND, PID_A, REX, NULL, NORMAL },
        { "GROUP_LEADER", "6803 6107" PID_A PID_B, NULL,
          ASM_CONTROL_GROUP_LEADER, PID_A, PID_B },
        { "EXIT2", "6804 6108" PID_A PID_B NORMAL, NULL,
          ASM_CONTROL_EXIT2, PID_A, PID_B, NULL, NORMAL },
        { "SEND_TT", "6804 610c" UNUSED PID_B TOKEN, REX,
          ASM_CONTROL_SEND, NULL, PID_B, NULL, REX },
        { "EXIT_TT", "6805 610d" PID_A PID_B TOKEN NORMAL, NULL,
          ASM_CONTROL_EXIT, PID_A, PID_B, NULL, NORMAL },
        { "REG_SEND_TT", "6805 6110" PID_A UNUSED REX TOKEN, NORMAL,
          ASM_CONTROL_REG_SEND, PID_A, REX, NULL, NORMAL },
        { "EXIT2_TT", "6805 6112" PID_A PID_B TOKEN NORMAL, NULL,
          ASM_CONTROL_EXIT2, PID_A, PID_B, NULL, NORMAL },
        { "MONITOR_P of a pid", "6804 6113" PID_A PID_B REF_3, NULL,
          ASM_CONTROL_MONITOR, PID_A, PID_B, REF_3 },
        { "MONITOR_P of a name", "6804 6113" PID_A REX REF_5, NULL,
          ASM_CONTROL_MONITOR, PID_A, REX, REF_5 },
        { "DEMONITOR_P of a pid", "6804 6114" PID_A PID_B REF_3, NULL,
          ASM_CONTROL_DEMONITOR, PID_A, PID_B, REF_3 },
        { "DEMONITOR_P of a name", "6804 6114" PID_A REX REF_3, NULL,
          ASM_CONTROL_DEMONITOR, PID_A, REX, REF_3 },
        { "MONITOR_P_EXIT of a pid", "6805 6115" PID_A PID_B REF_3 NORMAL, NULL,
          ASM_CONTROL_MONITOR_EXIT, PID_A, PID_B, REF_3, NORMAL },
        { "MONITOR_P_EXIT of a name", "6805 6115" REX PID_B REF_3 NORMAL, NULL,
          ASM_CONTROL_MONITOR_EXIT, REX, PID_B, REF_3, NORMAL },
        { "SEND_SENDER", "6803 6116" PID_A PID_B, REX,
          ASM_CONTROL_SEND, PID_A, PID_B, NULL, REX },
        { "SEND_SENDER_TT", "6804 6117" PID_A PID_B TOKEN, REX,
          ASM_CONTROL_SEND, PID_A, PID_B, NULL, REX },
        { "PAYLOAD_EXIT", "6803 6118" PID_A PID_B, NORMAL,
          ASM_CONTROL_EXIT, PID_A, PID_B, NULL, NORMAL },
        { "PAYLOAD_EXIT_TT", "6804 6119" PID_A PID_B TOKEN, NORMAL,
          ASM_CONTROL_EXIT, PID_A, PID_B, NULL, NORMAL },
        { "PAYLOAD_EXIT2", "6803 611a" PID_A PID_B, NORMAL,
          ASM_CONTROL_EXIT2, PID_A, PID_B, NULL, NORMAL },
        { "PAYLOAD_EXIT2_TT", "6804 611b" PID_A PID_B TOKEN, NORMAL,
          ASM_CONTROL_EXIT2, PID_A, PID_B, NULL, NORMAL },
        { "PAYLOAD_MONITOR_P_EXIT", "6804 611c" PID_A PID_B REF_3, NORMAL,
          ASM_CONTROL_MONITOR_EXIT, PID_A, PID_B, REF_3, NORMAL },
        { "SPAWN_REQUEST", "6806 611d" REF_3 PID_A PID_B MFA_4 MONITOR_OPTIONS, FOUR_ARGS,
          ASM_CONTROL_SPAWN_REQUEST, PID_A, PID_B, REF_3, FOUR_ARGS },
        { "SPAWN_REQUEST_TT", "6807 611e" REF_3 PID_A PID_B MFA_0 NIL TOKEN, NIL,
          ASM_CONTROL_SPAWN_REQUEST, PID_A, PID_B, REF_3, NIL },
        { "SPAWN_REPLY with a pid", "6805 611f" REF_3 PID_B "6102" PID_A, NULL,
          ASM_CONTROL_SPAWN_REPLY, PID_A, PID_B, REF_3 },
        { "SPAWN_REPLY with a reason", "6805 611f" REF_3 PID_B "6102" REX, NULL,
          ASM_CONTROL_SPAWN_REPLY, REX, PID_B, REF_3 },
        { "SPAWN_REPLY_TT", "6806 6120" REF_3 PID_B "6102" PID_A TOKEN, NULL,
          ASM_CONTROL_SPAWN_REPLY, PID_A, PID_B, REF_3 },
        { "ALIAS_SEND", "6803 6121" PID_A REF_5, REX,
          ASM_CONTROL_ALIAS_SEND, PID_A, NULL, REF_5, REX },
        { "ALIAS_SEND_TT", "6804 6122" PID_A REF_3 TOKEN, REX,
          ASM_CONTROL_ALIAS_SEND, PID_A, NULL, REF_3, REX },
        { "UNLINK_ID", "6804 6123 6105" PID_A PID_B, NULL,
          ASM_CONTROL_UNLINK_ID, PID_A, PID_B },
        { "UNLINK_ID_ACK", "6804 6124 6105" PID_A PID_B, NULL,
          ASM_CONTROL_UNLINK_ID_ACK, PID_A, PID_B },
        { "ALTACT to a pid", "6804 6125 6101" PID_A PID_B, REX,
          ASM_CONTROL_SEND, PID_A, PID_B, NULL, REX },
        { "ALTACT to a pid, token", "6805 6125 6103" PID_A PID_B TOKEN, REX,
          ASM_CONTROL_SEND, PID_A, PID_B, NULL, REX },
        { "ALTACT to an alias", "6804 6125 6104" PID_A REF_5, REX,
          ASM_CONTROL_ALIAS_SEND, PID_A, NULL, REF_5, REX },
        { "ALTACT to an alias, token", "6805 6125 6106" PID_A REF_5 TOKEN, REX,
          ASM_CONTROL_ALIAS_SEND, PID_A, NULL, REF_5, REX },
        { "ALTACT to a name, priority", "6804 6125 6109" PID_A REX, NORMAL,
          ASM_CONTROL_REG_SEND, PID_A, REX, NULL, NORMAL },
        { "ALTACT to a name, priority, token", "6805 6125 610b" PID_A REX TOKEN, NORMAL,
          ASM_CONTROL_REG_SEND, PID_A, REX, NULL, NORMAL },
        { "ALTACT exit, priority", "6804 6125 6111" PID_A PID_B, NORMAL,
          ASM_CONTROL_EXIT2, PID_A, PID_B, NULL, NORMAL },
        { "ALTACT exit, token", "6805 6125 6112" PID_A PID_B TOKEN, NORMAL,
          ASM_CONTROL_EXIT2, PID_A, PID_B, NULL, NORMAL },
        { "ALTACT exit to an alias", "6804 6125 6115" PID_A REF_3, NORMAL,
          ASM_CONTROL_ALIAS_EXIT, PID_A, NULL, REF_3, NORMAL },
        { "a tuple with a wide arity", "69 00000003 6116" PID_A PID_B, REX,
          ASM_CONTROL_SEND, PID_A, PID_B, NULL, REX },
};

static const struct {
        const char *body;
        const char *message;
} refused[] = {
        { "", "does not begin with" },
        { "70", "does not begin with" },
        { "83" "6803 6101" PID_A PID_B, "does not begin with" },
        { "8344 00 6803 6101" PID_A PID_B, "does not begin with" },
        { "7083", "control message: " },
        { "7083 ff", "control message: " },
        { "7083 6101", "no tuple" },
        { "7083 6c00000001 6101 6a", "no tuple" },
        { "7083 6808 6101 6101 6101 6101 6101 6101 6101 6101", "no tuple" },
        { "7083 6800", "without an operation number" },
        { "7083 6801" REX, "without an operation number" },
        { "7083 6801 62ffffffff", "without an operation number" },
        { "7083 6801 6e0500 0000000001", "without an operation number" },
        { "7083 6801 6100", "unknown operation 0" },
        { "7083 6803 6105" PID_A PID_B, "unknown operation 5" },
        { "7083 6803 6126" PID_A PID_B, "unknown operation 38" },
        { "7083 6803 61ff" PID_A PID_B, "unknown operation 255" },
        { "7083 6803 627fffffff" PID_A PID_B, "unknown operation 2147483647" },
        { "7083 6803 6104" PID_A PID_B, "operation 4 (UNLINK) is obsolete" },
        { "7083 6802 6101" PID_A, "operation 1 (LINK): 2 elements instead of 3" },
        { "7083 6804 6101" PID_A PID_B PID_B, "operation 1 (LINK): 4 elements instead of 3" },
        { "7083 6803 6101" REX PID_B, "operation 1 (LINK): sender is no pid" },
        { "7083 6803 6101" PID_A REX, "operation 1 (LINK): receiver is no pid" },
        { "7083 6803 6101" PID_A PID_B "00", "operation 1 (LINK): 1 bytes too many" },
        { "7083 6803 6101" PID_A PID_B "83" REX, "bytes too many" },
        { "7083 6803 6116" PID_A PID_B, "operation 22 (SEND_SENDER): payload: " },
        { "7083 6803 6116" PID_A PID_B REX, "operation 22 (SEND_SENDER): payload: " },
        { "7083 6803 6116" PID_A PID_B "83", "operation 22 (SEND_SENDER): payload: " },
        { "7083 6803 6116" PID_A PID_B "83" REX "00", "operation 22 (SEND_SENDER): payload: " },
        { "7083 6803 6102" UNUSED REX "83" REX, "receiver is no pid" },
        { "7083 6804 6106" PID_A UNUSED PID_B "83" REX, "(REG_SEND): receiver is no atom" },
        { "7083 6804 6113" PID_A REF_3 REF_3, "receiver is neither pid nor atom" },
        { "7083 6804 6113" PID_A PID_B REX, "reference is none" },
        { "7083 6804 611c" REF_3 PID_B REF_3 "83" REX, "sender is neither pid nor atom" },
        { "7083 6806 611d" REF_3 PID_A PID_B REX NIL "83" NIL, "function is not" },
        { "7083 6806 611d" REF_3 PID_A PID_B "6803 6101" REX "6100" NIL "83" NIL, "function is" },
        { "7083 6806 611d" REF_3 PID_A PID_B "6803" REX "6101 6100" NIL "83" NIL, "function is" },
        { "7083 6806 611d" REF_3 PID_A PID_B "6803" REX REX "62ffffffff" NIL "83" NIL, "function" },
        { "7083 6806 611d" REF_3 PID_A PID_B "6803" REX REX "6200000100" NIL "83" NIL, "function" },
        { "7083 6806 611d" REF_3 PID_A PID_B MFA_0 REX "83" NIL, "options are no list" },
        { "7083 6806 611d" REF_3 PID_A PID_B MFA_0 "6c00000001" REX REX "83" NIL, "options are no" },
        { "7083 6806 611d" REF_3 PID_A PID_B MFA_0 NIL "83" REX, "no list of 0 elements" },
        { "7083 6806 611d" REF_3 PID_A PID_B MFA_4 NIL "83" NIL, "no list of 4 elements" },
        { "7083 6806 611d" REF_3 PID_A PID_B MFA_4 NIL "83 6b0003010203", "no list of 4 elements" },
        { "7083 6805 611f" REF_3 PID_B REX PID_A, "spawn flags are no small integer" },
        { "7083 6805 611f" REF_3 PID_B "62ffffffff" PID_A, "spawn flags are no small integer" },
        { "7083 6804 6123 6100" PID_A PID_B, "unlink id" },
        { "7083 6804 6123 62ffffffff" PID_A PID_B, "unlink id" },
        { "7083 6804 6123 6e0801 ffffffffffffffff" PID_A PID_B, "unlink id" },
        { "7083 6804 6123 6e0900 000000000000000001" PID_A PID_B, "unlink id" },
        { "7083 6804 6123" REX PID_A PID_B, "unlink id" },
        { "7083 6801 6125", "operation 37 (ALTACT_SIG_SEND): flags are no small integer" },
        { "7083 6804 6125" REX PID_A PID_B "83" REX, "flags are no small integer" },
        { "7083 6804 6125 6120" PID_A PID_B "83" REX, "flags 32 are no known combination" },
        { "7083 6804 6125 610c" PID_A REX "83" REX, "flags 12 are no known combination" },
        { "7083 6804 6125 6118" PID_A REX "83" REX, "flags 24 are no known combination" },
        { "7083 6804 6125 61fe" PID_A REX "83" REX, "flags 254 are no known combination" },
        { "7083 6804 6125 6102" PID_A PID_B "83" REX, "(ALTACT_SIG_SEND): 4 elements instead of 5" },
        { "7083 6805 6125 6101" PID_A PID_B TOKEN "83" REX, "5 elements instead of 4" },
        { "7083 6804 6125 6104" PID_A PID_B "83" REX, "reference is none" },
        { "7083 6804 6125 6108" PID_A PID_B "83" REX, "receiver is no atom" },
        { "7083 6804 6125 6114" PID_A PID_B "83" REX, "reference is none" },
};
/* clang-format on */

static AsmBuilder
body_new(const Case *row)
{
        AsmBuilder body = ASM_BUILDER_INIT;

        hex_append(&body, "7083");
        hex_append(&body, row->control);
        if (row->payload != NULL) {
                hex_append(&body, "83");
                hex_append(&body, row->payload);
        }
        return body;
}

static void
expect_view(AsmView view, const char *expected, const char *name)
{
        cr_expect_eq(asm_view_is_set(view), expected != NULL, "%s", name);
        if (asm_view_is_set(view) && expected != NULL)
                hex_expect(view.data, view.len, expected, name);
}

/* decodes from memory of just this size, so that the sanitizer sees a read behind the end */
static gboolean
decode_exactly(const guint8 *data, gsize len, AsmControl *ret_control, GError **error)
{
        g_autofree guint8 *copy = g_memdup2(data, MAX(len, 1));

        return asm_control_decode(copy, len, NULL, ret_control, error);
}

Test(control_decode, every_operation_becomes_what_it_means)
{
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                const Case *row = &cases[i];
                g_auto(AsmBuilder) body = body_new(row);
                g_autoptr(GError) error = NULL;
                AsmControl control;

                cr_assert(asm_control_decode(body.data, body.len, NULL, &control, &error),
                          "%s: %s",
                          row->name,
                          error->message);
                cr_expect_eq(control.kind, row->kind, "%s", row->name);
                expect_view(control.from, row->from, row->name);
                expect_view(control.to, row->to, row->name);
                expect_view(control.ref, row->ref, row->name);
                expect_view(control.payload, row->reason, row->name);
        }
}

Test(control_decode, spawn_request_has_function_arity_and_options)
{
        g_auto(AsmBuilder) body =
                hex_decode("7083 6806 611d" REF_3 PID_A PID_B MFA_4 MONITOR_OPTIONS "83" FOUR_ARGS);
        AsmControl control;

        cr_assert(asm_control_decode(body.data, body.len, NULL, &control, NULL));

        expect_view(control.module, "770465727063", "erpc");
        expect_view(control.function, "770c657865637574655f63616c6c", "execute_call");
        expect_view(control.options, MONITOR_OPTIONS, "[monitor]");
        cr_expect_eq(control.arity, 4);
}

Test(control_decode, spawn_reply_has_its_flags)
{
        g_auto(AsmBuilder) body = hex_decode("7083 6805 611f" REF_3 PID_B "6103" PID_A);
        AsmControl control;

        cr_assert(asm_control_decode(body.data, body.len, NULL, &control, NULL));

        cr_expect_eq(control.spawn_flags, ASM_SPAWN_FLAG_LINK | ASM_SPAWN_FLAG_MONITOR);
}

Test(control_decode, unlink_id_has_sixty_four_bits_without_a_sign)
{
        const struct {
                const char *id;
                guint64 value;
        } ids[] = {
                { "6101", 1 },
                { "61ff", 255 },
                { "627fffffff", G_MAXINT32 },
                { "6e0400 ffffffff", G_MAXUINT32 },
                { "6e0800 ffffffffffffff7f", G_MAXINT64 },
                { "6e0800 0000000000000080", G_GUINT64_CONSTANT(1) << 63 },
                { "6e0800 ffffffffffffffff", G_MAXUINT64 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
                g_auto(AsmBuilder) body = hex_decode("7083 6804 6123");
                AsmControl control;

                hex_append(&body, ids[i].id);
                hex_append(&body, PID_A PID_B);
                cr_assert(asm_control_decode(body.data, body.len, NULL, &control, NULL),
                          "%s",
                          ids[i].id);
                cr_expect_eq(control.unlink_id, ids[i].value, "%s", ids[i].id);
        }
}

Test(control_decode, everything_else_is_refused_and_the_error_says_what_it_was)
{
        for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
                g_auto(AsmBuilder) body = hex_decode(refused[i].body);
                g_autoptr(GError) error = NULL;
                AsmControl control = { .arity = 77 };

                cr_assert_not(asm_control_decode(body.data, body.len, NULL, &control, &error),
                              "%s",
                              refused[i].body);
                cr_assert(g_error_matches(error, ASM_DIST_ERROR, ASM_DIST_ERROR_PROTOCOL));
                cr_expect_not_null(strstr(error->message, refused[i].message),
                                   "row %zu: '%s' is not about '%s'",
                                   i,
                                   error->message,
                                   refused[i].message);
                cr_expect_eq(control.arity, 77, "untouched on failure");
        }
}

Test(control_decode, references_have_up_to_five_words)
{
        g_auto(AsmBuilder) five = hex_decode("7083 6803 6121" PID_A REF_5 "83" REX);
        g_auto(AsmBuilder) six = hex_decode("7083 6803 6121" PID_A REF_6 "83" REX);
        AsmControl control;

        cr_expect(asm_control_decode(five.data, five.len, NULL, &control, NULL));
        cr_expect_not(asm_control_decode(six.data, six.len, NULL, &control, NULL));
}

Test(control_decode, limits_hold_for_the_payload)
{
        const AsmTermLimits narrow = { .max_depth = 4, .max_elements = 8 };
        g_auto(AsmBuilder) body =
                hex_decode("7083 6803 6116" PID_A PID_B "83 6801 6801 6801 6801 6801 6101");
        AsmControl control;

        cr_expect(asm_control_decode(body.data, body.len, NULL, &control, NULL));
        cr_expect_not(asm_control_decode(body.data, body.len, &narrow, &control, NULL));
}

Test(control_decode, message_cut_anywhere_is_refused)
{
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(AsmBuilder) body = body_new(&cases[i]);

                for (gsize len = 0; len < body.len; len++) {
                        AsmControl control;

                        cr_assert_not(decode_exactly(body.data, len, &control, NULL),
                                      "%s cut to %zu bytes",
                                      cases[i].name,
                                      len);
                }
        }
}

Test(control_decode, message_with_any_byte_changed_is_refused_or_well_formed)
{
        static const guint8 bytes[] = { 0, 1, 2, 0x61, 0x64, 0x68, 0x6a, 0x6c, 0x7f, 0x80, 0xff };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(AsmBuilder) body = body_new(&cases[i]);

                for (gsize at = 0; at < body.len * G_N_ELEMENTS(bytes); at++) {
                        guint8 *byte = &body.data[at / G_N_ELEMENTS(bytes)];
                        guint8 before = *byte;
                        g_autoptr(GError) error = NULL;
                        AsmControl control;

                        *byte = bytes[at % G_N_ELEMENTS(bytes)];
                        if (decode_exactly(body.data, body.len, &control, &error))
                                cr_assert_lt(control.kind, ASM_CONTROL_N_KINDS);
                        else
                                cr_assert_eq(error->domain, ASM_DIST_ERROR);
                        *byte = before;
                }
        }
}

Test(control_decode, every_kind_has_a_name)
{
        for (guint kind = 0; kind < ASM_CONTROL_N_KINDS; kind++)
                cr_expect_not_null(asm_control_kind_name((AsmControlKind)kind), "kind %u", kind);
        cr_expect_str_eq(asm_control_kind_name(ASM_CONTROL_MONITOR_EXIT), "monitor-exit");
}
