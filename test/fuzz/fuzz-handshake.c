/* SPDX-License-Identifier: MIT */

/*
 * A peer's half of the handshake. The first byte says which half is ours and how the
 * owner decides, the second how many bytes come at once. Challenges are fixed, so that a corpus
 * can hold digests that are right. What follows DONE is not read.
 */

#include "dist/flags.h"
#include "dist/handshake.h"
#include "fuzz.h"

#define COOKIE "secret"

static guint32
fixed_challenge(void)
{
        return 0x11111111;
}

static AsmHandshakeStatus
decide(AsmHandshake *handshake, guint8 how, AsmBuilder *out)
{
        g_autoptr(GError) error = NULL;
        AsmHandshakeAnswer answer = (how >> 2) % (ASM_HANDSHAKE_ANSWER_ALIVE + 1);

        g_assert_nonnull(asm_handshake_get_peer_name(handshake));
        return asm_handshake_decide(handshake, answer, COOKIE, out, &error);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size < 2)
                return 0;
        guint8 how = data[0];
        gsize step = MAX(data[1], 1);
        AsmHandshakeConfig config = {
                .our_name = "asmd@host",
                .our_flags = asm_flags_ours(),
                .our_creation = 10,
                .length_size = how & 2 ? 4 : 2,
                .random = fixed_challenge,
        };
        g_autoptr(AsmHandshake) handshake =
                how & 1 ? asm_handshake_new_initiator(&config, "peer@host", COOKIE)
                        : asm_handshake_new_acceptor(&config);
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
        AsmHandshakeStatus status = ASM_HANDSHAKE_NEED_INPUT;
        gsize done = 2;

        if (how & 1)
                asm_handshake_start(handshake, &out);
        while (done < size && status == ASM_HANDSHAKE_NEED_INPUT) {
                g_autoptr(GError) error = NULL;
                gsize n = MIN(step, size - done);
                gsize used = 0;

                status = asm_handshake_feed(handshake, data + done, n, &used, &out, &error);
                g_assert_cmpuint(used, <=, n);
                g_assert_true((status == ASM_HANDSHAKE_FAILED) == (error != NULL));
                done += used;
                if (status == ASM_HANDSHAKE_DECIDE)
                        status = decide(handshake, how, &out);
        }
        if (status == ASM_HANDSHAKE_DONE) {
                (void)asm_handshake_get_peer_flags(handshake);
                (void)asm_handshake_get_peer_creation(handshake);
                (void)asm_handshake_replaces(handshake);
        }
        return 0;
}
