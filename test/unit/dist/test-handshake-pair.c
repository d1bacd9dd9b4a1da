/* SPDX-License-Identifier: MIT */
/*
 * The two sides of the handshake against each other: what one sends is what the other is fed, a
 * byte at a time, until neither says anything more.
 */
#include "dist/error.h"
#include "dist/flags.h"
#include "dist/handshake.h"
#include "hex.h"

TestSuite(handshake_pair, .timeout = 300);

typedef struct {
        AsmHandshake *handshake;
        AsmHandshakeAnswer answer;
        const char *cookie;
        AsmHandshakeStatus status;
        GError *error;
        AsmBuilder out;
} Side;

static AsmHandshakeConfig
config_new(const char *name, guint32 creation, guint length_size)
{
        return (AsmHandshakeConfig){
                .our_name = name,
                .our_flags = asm_flags_ours(),
                .our_creation = creation,
                .length_size = length_size,
        };
}

static void
side_clear(Side *side)
{
        asm_handshake_free(side->handshake);
        g_clear_error(&side->error);
        asm_builder_clear(&side->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Side, side_clear)

static Side
caller_new(const char *name, const char *peer, const char *cookie, guint length_size)
{
        AsmHandshakeConfig config = config_new(name, 1, length_size);
        Side side = { .handshake = asm_handshake_new_initiator(&config, peer, cookie) };

        asm_handshake_start(side.handshake, &side.out);
        return side;
}

static Side
callee_new(const char *name, AsmHandshakeAnswer answer, const char *cookie, guint length_size)
{
        AsmHandshakeConfig config = config_new(name, 2, length_size);

        return (Side){
                .handshake = asm_handshake_new_acceptor(&config),
                .answer = answer,
                .cookie = cookie,
        };
}

static void
say_byte(Side *to, const guint8 *byte)
{
        gsize used;

        to->status = asm_handshake_feed(to->handshake, byte, 1, &used, &to->out, &to->error);
        if (to->status == ASM_HANDSHAKE_DECIDE)
                to->status = asm_handshake_decide(to->handshake,
                                                  to->answer,
                                                  to->cookie,
                                                  &to->out,
                                                  &to->error);
}

/* all that @from has to say; FALSE if that was nothing */
static gboolean
say(Side *from, Side *to)
{
        g_auto(AsmBuilder) said = from->out;

        from->out = ASM_BUILDER_INIT;
        for (gsize i = 0; i < said.len && to->status == ASM_HANDSHAKE_NEED_INPUT; i++)
                say_byte(to, said.data + i);
        return said.len > 0;
}

static void
talk(Side *caller, Side *callee)
{
        while (say(caller, callee) || say(callee, caller))
                continue;
}

Test(handshake_pair, both_sides_know_each_other_at_the_end)
{
        const guint length_sizes[] = { 2, 4 };

        for (gsize i = 0; i < G_N_ELEMENTS(length_sizes); i++) {
                guint size = length_sizes[i];
                g_auto(Side) caller = caller_new("a@h", "b@h", "secret", size);
                g_auto(Side) callee = callee_new("b@h", ASM_HANDSHAKE_ANSWER_OK, "secret", size);

                talk(&caller, &callee);

                cr_assert_eq(caller.status, ASM_HANDSHAKE_DONE);
                cr_assert_eq(callee.status, ASM_HANDSHAKE_DONE);
                cr_expect_str_eq(asm_handshake_get_peer_name(caller.handshake), "b@h");
                cr_expect_str_eq(asm_handshake_get_peer_name(callee.handshake), "a@h");
                cr_expect_eq(asm_handshake_get_peer_creation(caller.handshake), 2);
                cr_expect_eq(asm_handshake_get_peer_creation(callee.handshake), 1);
                cr_expect_eq(asm_handshake_get_peer_flags(caller.handshake), asm_flags_ours());
                cr_expect_eq(asm_handshake_get_peer_flags(callee.handshake), asm_flags_ours());
                cr_expect_not(asm_handshake_replaces(callee.handshake));
        }
}

Test(handshake_pair, different_cookies_are_noticed_by_the_callee_and_the_caller_waits_in_vain)
{
        g_auto(Side) caller = caller_new("a@h", "b@h", "secret", 2);
        g_auto(Side) callee = callee_new("b@h", ASM_HANDSHAKE_ANSWER_OK, "public", 2);

        talk(&caller, &callee);

        cr_assert_eq(callee.status, ASM_HANDSHAKE_FAILED);
        cr_assert(g_error_matches(callee.error, ASM_DIST_ERROR, ASM_DIST_ERROR_COOKIE));
        cr_expect_str_eq(callee.error->message, "cookie of 'a@h' differs from ours");
        cr_expect_eq(caller.status, ASM_HANDSHAKE_NEED_INPUT);
        cr_expect(asm_handshake_awaits_ack(caller.handshake));
}

Test(handshake_pair, every_answer_of_the_callee_ends_as_it_should)
{
        const struct {
                AsmHandshakeAnswer answer;
                AsmHandshakeStatus status;
                AsmDistError caller_code;
        } cases[] = {
                { ASM_HANDSHAKE_ANSWER_OK, ASM_HANDSHAKE_DONE },
                { ASM_HANDSHAKE_ANSWER_OK_SIMULTANEOUS, ASM_HANDSHAKE_DONE },
                { ASM_HANDSHAKE_ANSWER_ALIVE, ASM_HANDSHAKE_DONE },
                { ASM_HANDSHAKE_ANSWER_NOK, ASM_HANDSHAKE_FAILED, ASM_DIST_ERROR_SIMULTANEOUS },
                { ASM_HANDSHAKE_ANSWER_NOT_ALLOWED, ASM_HANDSHAKE_FAILED, ASM_DIST_ERROR_REFUSED },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Side) caller = caller_new("a@h", "b@h", "secret", 2);
                g_auto(Side) callee = callee_new("b@h", cases[i].answer, "secret", 2);

                talk(&caller, &callee);

                cr_expect_eq(caller.status, cases[i].status, "case %zu", i);
                cr_expect_eq(callee.status, cases[i].status, "case %zu", i);
                cr_expect_eq(asm_handshake_replaces(callee.handshake),
                             cases[i].answer == ASM_HANDSHAKE_ANSWER_ALIVE);
                if (cases[i].status == ASM_HANDSHAKE_DONE)
                        continue;
                cr_expect(
                        g_error_matches(caller.error, ASM_DIST_ERROR, (gint)cases[i].caller_code));
                cr_expect(g_error_matches(callee.error, ASM_DIST_ERROR, ASM_DIST_ERROR_REFUSED));
        }
}

/* the protocol's rule: the attempt of the node with the greater name survives */
static AsmHandshakeAnswer
resolve(const char *our_name, const char *peer_name)
{
        return strcmp(peer_name, our_name) > 0 ? ASM_HANDSHAKE_ANSWER_OK_SIMULTANEOUS
                                               : ASM_HANDSHAKE_ANSWER_NOK;
}

Test(handshake_pair, of_two_simultaneous_attempts_exactly_one_succeeds)
{
        g_auto(Side) a_calls = caller_new("a@h", "b@h", "secret", 2);
        g_auto(Side) b_calls = caller_new("b@h", "a@h", "secret", 2);
        g_auto(Side) a_called = callee_new("a@h", resolve("a@h", "b@h"), "secret", 2);
        g_auto(Side) b_called = callee_new("b@h", resolve("b@h", "a@h"), "secret", 2);

        talk(&a_calls, &b_called);
        talk(&b_calls, &a_called);

        cr_expect_eq(a_calls.status, ASM_HANDSHAKE_FAILED);
        cr_expect_eq(b_called.status, ASM_HANDSHAKE_FAILED);
        cr_expect_eq(b_calls.status, ASM_HANDSHAKE_DONE);
        cr_expect_eq(a_called.status, ASM_HANDSHAKE_DONE);
}
