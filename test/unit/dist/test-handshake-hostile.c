/* SPDX-License-Identifier: MIT */
/* The handshake and peers that mean harm: names, lengths and bytes that no BEAM would send. */
#include "dist/error.h"
#include "dist/handshake.h"
#include "hex.h"

#define COOKIE "secret"

TestSuite(handshake_hostile, .timeout = 300);

static guint32
fixed_challenge(void)
{
        return 0x11111111;
}

static AsmHandshakeConfig
config_new(guint length_size)
{
        return (AsmHandshakeConfig){
                .our_name = "u@h",
                .our_flags = 0x1070f94,
                .our_creation = 10,
                .length_size = length_size,
                .random = fixed_challenge,
        };
}

/* feeds a name message with @name to a new acceptor */
static AsmHandshakeStatus
offer_name(const char *name, gsize n_extra, GError **error)
{
        AsmHandshakeConfig config = config_new(/* length_size= */ 2);
        g_autoptr(AsmHandshake) handshake = asm_handshake_new_acceptor(&config);
        g_auto(AsmBuilder) said = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
        g_autofree char *head = g_strdup_printf("%04zx 4e 0000000001070f94 0000000b %04zx",
                                                15 + strlen(name) + n_extra,
                                                strlen(name));
        gsize used;

        hex_append(&said, head);
        asm_builder_raw(&said, name, strlen(name));
        memset(asm_builder_reserve(&said, n_extra), 0xff, n_extra);
        said.len += n_extra;
        return asm_handshake_feed(handshake, said.data, said.len, &used, &out, error);
}

Test(handshake_hostile, peers_name_has_two_printable_parts)
{
        g_autofree char *longest = g_strdup_printf("a@%0253d", 0);
        g_autofree char *too_long = g_strdup_printf("a@%0254d", 0);
        const struct {
                const char *name;
                gboolean is_valid;
        } cases[] = {
                { "a@b", TRUE },
                { "asmd@host.example.org", TRUE },
                { "n\xc3\xb6"
                  "de@host",
                  TRUE },
                { "node@127.0.0.1", TRUE },
                { longest, TRUE },
                { too_long, FALSE },
                { "", FALSE },
                { "@", FALSE },
                { "node", FALSE },
                { "node@", FALSE },
                { "@host", FALSE },
                { "a@b@c", FALSE },
                { "a@@b", FALSE },
                { "a b@c", FALSE },
                { "a\n@b", FALSE },
                { "a@\x1b[2Jb", FALSE },
                { "a\xff@b", FALSE },
                { "a@b\xe2\x80\xa8", FALSE }, /* a line separator */
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                AsmHandshakeStatus status = offer_name(cases[i].name, 0, &error);

                if (cases[i].is_valid) {
                        cr_expect_eq(status, ASM_HANDSHAKE_DECIDE, "%s", cases[i].name);
                        continue;
                }
                cr_expect_eq(status, ASM_HANDSHAKE_FAILED, "%s", cases[i].name);
                cr_assert(g_error_matches(error, ASM_DIST_ERROR, ASM_DIST_ERROR_PROTOCOL));
                cr_expect(g_str_is_ascii(error->message), "%s", error->message);
                cr_expect_lt(strlen(error->message), 250);
        }
}

Test(handshake_hostile, message_of_the_limit_is_taken_and_one_byte_more_is_not)
{
        g_autoptr(GError) error = NULL;

        cr_expect_eq(offer_name("a@b", 1024 - 18, &error), ASM_HANDSHAKE_DECIDE);
        cr_expect_null(error);
        cr_expect_eq(offer_name("a@b", 1025 - 18, &error), ASM_HANDSHAKE_FAILED);
        cr_expect(g_error_matches(error, ASM_DIST_ERROR, ASM_DIST_ERROR_PROTOCOL));
}

Test(handshake_hostile, hostile_length_is_refused_before_its_first_byte_is_awaited)
{
        const struct {
                guint length_size;
                const char *bytes;
        } cases[] = { { 2, "ffff" }, { 4, "ffffffff" }, { 4, "00000401" } };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                AsmHandshakeConfig config = config_new(cases[i].length_size);
                g_autoptr(AsmHandshake) handshake = asm_handshake_new_acceptor(&config);
                g_auto(AsmBuilder) said = hex_decode(cases[i].bytes);
                g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
                g_autoptr(GError) error = NULL;
                gsize used;

                cr_expect_eq(
                        asm_handshake_feed(handshake, said.data, said.len, &used, &out, &error),
                        ASM_HANDSHAKE_FAILED);
                cr_expect(g_error_matches(error, ASM_DIST_ERROR, ASM_DIST_ERROR_PROTOCOL));
                cr_expect_eq(out.len, 0);
        }
}

/* a whole conversation of a peer, with one byte changed; how far it gets does not matter */
static AsmHandshakeStatus
say_mutated(AsmHandshake *handshake, const AsmBuilder *said, gsize at, guint8 byte)
{
        g_auto(AsmBuilder) mutated = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
        g_autoptr(GError) error = NULL;
        AsmHandshakeStatus status;
        gsize used = 0;

        asm_builder_raw(&mutated, said->data, said->len);
        mutated.data[at] = byte;
        status = asm_handshake_feed(handshake, mutated.data, mutated.len, &used, &out, &error);
        if (status == ASM_HANDSHAKE_DECIDE) {
                gsize rest = used;

                asm_handshake_decide(handshake, ASM_HANDSHAKE_ANSWER_OK, COOKIE, &out, NULL);
                status = asm_handshake_feed(handshake,
                                            mutated.data + rest,
                                            mutated.len - rest,
                                            &used,
                                            &out,
                                            &error);
        }
        cr_assert_eq(status == ASM_HANDSHAKE_FAILED, error != NULL);
        return status;
}

Test(handshake_hostile, any_changed_byte_of_a_digest_is_noticed_and_no_change_crashes)
{
        AsmHandshakeConfig config = config_new(2);
        g_auto(AsmBuilder) said = hex_decode("0012 4e 0000000001070f94 0000000b 0003 704068"
                                             "0015 72 22222222 c60c8f9eb23db7e2ce4155d2346472ff");

        for (gsize at = 0; at < said.len; at++) {
                for (guint byte = 0; byte < 256; byte++) {
                        g_autoptr(AsmHandshake) acceptor = asm_handshake_new_acceptor(&config);
                        AsmHandshakeStatus status = say_mutated(acceptor, &said, at, (guint8)byte);
                        gboolean in_digest = at >= said.len - 16 && said.data[at] != byte;

                        if (in_digest)
                                cr_assert_eq(status, ASM_HANDSHAKE_FAILED);
                        if (said.data[at] == byte)
                                cr_assert_eq(status, ASM_HANDSHAKE_DONE);
                }
        }
}

Test(handshake_hostile, initiator_survives_any_changed_byte)
{
        AsmHandshakeConfig config = config_new(2);
        g_auto(AsmBuilder) said =
                hex_decode("0003 73 6f6b 0016 4e 0000000001070f94 22222222 0000000b 0003 704068"
                           "0011 61 c60c8f9eb23db7e2ce4155d2346472ff");

        for (gsize at = 0; at < said.len; at++) {
                for (guint byte = 0; byte < 256; byte++) {
                        g_autoptr(AsmHandshake) initiator =
                                asm_handshake_new_initiator(&config, "p@h", COOKIE);
                        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
                        AsmHandshakeStatus status;

                        asm_handshake_start(initiator, &out);
                        status = say_mutated(initiator, &said, at, (guint8)byte);
                        if (said.data[at] == byte)
                                cr_assert_eq(status, ASM_HANDSHAKE_DONE);
                }
        }
}
