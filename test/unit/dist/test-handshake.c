/* SPDX-License-Identifier: MIT */
/*
 * The handshake as conversations. A line is what the peer says or what we must answer, with its
 * length in front, as it is on the wire:
 *
 *      we call b@h                                   a@h calls us
 *      us    N flags creation name                   peer  N flags creation name
 *      peer  s "ok"                                  us    s "ok"
 *      peer  N flags challenge creation name         us    N flags challenge creation name
 *      us    r challenge digest                      peer  r challenge digest
 *      peer  a digest                                us    a digest
 *
 * Each is held with the peer's bytes arriving in pieces of every size. Our challenge is always
 * 0x11111111 and the peer's 0x22222222, so with the cookie "secret" the digests are constants.
 */
#include "dist/error.h"
#include "dist/flags.h"
#include "dist/handshake.h"
#include "hex.h"

#define COOKIE "secret"
/* md5("secret286331153") proves it to us, md5("secret572662306") to the peer */
#define DIGEST_FOR_US   "c60c8f9eb23db7e2ce4155d2346472ff"
#define DIGEST_FOR_PEER "ce115e0b0086efed5f8e363bfb8d5717"

#define MANDATORY     "0000000001070f94"
#define DIGEST_FLAG   "0000000004000000"
#define CREATION_OURS "0000000a"
#define CREATION_PEER "0000000b"
#define NAME_US       "0003 754068" /* u@h */
#define NAME_PEER     "0003 704068" /* p@h */

#define OK              "0003 73 6f6b"
#define OK_SIMULTANEOUS "0010 73 6f6b5f73696d756c74616e656f7573"
#define NOK             "0004 73 6e6f6b"
#define NOT_ALLOWED     "000c 73 6e6f745f616c6c6f776564"
#define ALIVE           "0006 73 616c697665"
#define TRUE_ANSWER     "0005 73 74727565"
#define FALSE_ANSWER    "0006 73 66616c7365"

#define OUR_NAME       "0012 4e" MANDATORY CREATION_OURS NAME_US
#define OUR_CHALLENGE  "0016 4e" MANDATORY "11111111" CREATION_OURS NAME_US
#define OUR_REPLY      "0015 72 11111111" DIGEST_FOR_PEER
#define OUR_ACK        "0011 61" DIGEST_FOR_PEER
#define PEER_NAME      "0012 4e" MANDATORY CREATION_PEER NAME_PEER
#define PEER_CHALLENGE "0016 4e" MANDATORY "22222222" CREATION_PEER NAME_PEER
#define PEER_REPLY     "0015 72 22222222" DIGEST_FOR_US
#define PEER_ACK       "0011 61" DIGEST_FOR_US

#define WRONG_DIGEST "ffffffffffffffffffffffffffffffff"

TestSuite(handshake, .timeout = 300);

typedef enum {
        END, /* no more lines */
        US,
        PEER,
} Speaker;

typedef struct {
        Speaker speaker;
        const char *bytes;
} Line;

typedef struct {
        const char *what;
        Line lines[8];
        AsmHandshakeStatus status; /* at the end */
        AsmDistError code;         /* FAILED: this, and @message in the text */
        const char *message;
        AsmHandshakeAnswer answer; /* acceptors: what the owner decides */
        gboolean replaces;
} Talk;

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

/* the peer says @data in pieces of @piece bytes; the owner decides at once when asked */
static AsmHandshakeStatus
feed_in_pieces(AsmHandshake *handshake,
               AsmView data,
               gsize piece,
               AsmHandshakeAnswer answer,
               AsmBuilder *out,
               GError **error)
{
        AsmHandshakeStatus status = ASM_HANDSHAKE_NEED_INPUT;

        for (gsize at = 0; at < data.len && status == ASM_HANDSHAKE_NEED_INPUT;) {
                gsize len = MIN(piece, data.len - at);
                gsize used = G_MAXSIZE;

                status = asm_handshake_feed(handshake, data.data + at, len, &used, out, error);
                cr_assert_leq(used, len);
                if (status == ASM_HANDSHAKE_NEED_INPUT)
                        cr_assert_eq(used, len, "all is taken while more is needed");
                if (status == ASM_HANDSHAKE_DECIDE)
                        status = asm_handshake_decide(handshake, answer, COOKIE, out, error);
                at += used;
        }
        return status;
}

static void
expect_end(const Talk *talk, AsmHandshakeStatus status, const GError *error)
{
        cr_expect_eq(status, talk->status, "%s: ends with %d", talk->what, status);
        if (talk->status != ASM_HANDSHAKE_FAILED) {
                cr_assert_null(error, "%s", talk->what);
                return;
        }
        cr_assert_not_null(error, "%s", talk->what);
        cr_expect(g_error_matches(error, ASM_DIST_ERROR, (gint)talk->code),
                  "%s: code %d, %s",
                  talk->what,
                  error->code,
                  error->message);
        cr_expect_not_null(strstr(error->message, talk->message),
                           "%s: %s",
                           talk->what,
                           error->message);
        cr_expect_null(strstr(error->message, COOKIE), "%s: a secret", talk->what);
}

static void
hold(const Talk *talk, AsmHandshake *handshake, gsize piece, gboolean starts)
{
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
        g_autoptr(GError) error = NULL;
        AsmHandshakeStatus status = ASM_HANDSHAKE_NEED_INPUT;

        if (starts)
                asm_handshake_start(handshake, &out);
        for (const Line *line = talk->lines; line->speaker != END; line++) {
                if (line->speaker == US) {
                        g_auto(AsmBuilder) said = hex_decode(line->bytes);

                        cr_assert_geq(out.len,
                                      said.len,
                                      "%s: %s is not said",
                                      talk->what,
                                      line->bytes);
                        hex_expect(out.data, said.len, line->bytes, talk->what);
                        memmove(out.data, out.data + said.len, out.len - said.len);
                        out.len -= said.len;
                } else {
                        g_auto(AsmBuilder) said = hex_decode(line->bytes);

                        cr_assert_eq(status, ASM_HANDSHAKE_NEED_INPUT, "%s", talk->what);
                        cr_assert_eq(out.len, 0, "%s: more was said than expected", talk->what);
                        status = feed_in_pieces(handshake,
                                                asm_builder_peek(&said),
                                                piece,
                                                talk->answer,
                                                &out,
                                                &error);
                }
        }
        cr_expect_eq(out.len, 0, "%s: %zu bytes too many said", talk->what, out.len);
        expect_end(talk, status, error);
        cr_expect_eq(asm_handshake_replaces(handshake), talk->replaces, "%s", talk->what);
        if (status == ASM_HANDSHAKE_DONE) {
                cr_expect_str_eq(asm_handshake_get_peer_name(handshake), "p@h");
                cr_expect_eq(asm_handshake_get_peer_creation(handshake), 11);
                cr_expect_eq(asm_handshake_get_peer_flags(handshake) & asm_flags_mandatory(),
                             asm_flags_mandatory());
        }
}

/* the longest line of the peer has 45 bytes: a piece of 50 is all of it */
#define PIECE_MAX 50

static void
hold_all(const Talk *talks, gsize n, gboolean starts)
{
        AsmHandshakeConfig config = config_new(2);

        for (gsize i = 0; i < n; i++) {
                for (gsize piece = 1; piece <= PIECE_MAX; piece++) {
                        g_autoptr(AsmHandshake) handshake =
                                starts ? asm_handshake_new_initiator(&config, "p@h", COOKIE)
                                       : asm_handshake_new_acceptor(&config);

                        hold(&talks[i], handshake, piece, starts);
                }
        }
}

Test(handshake, initiator_follows_the_protocol)
{
        static const Talk talks[] = {
                { "accepted",
                  { { US, OUR_NAME },
                    { PEER, OK },
                    { PEER, PEER_CHALLENGE },
                    { US, OUR_REPLY },
                    { PEER, PEER_ACK } },
                  ASM_HANDSHAKE_DONE },
                { "status and challenge in one piece",
                  { { US, OUR_NAME },
                    { PEER, OK PEER_CHALLENGE },
                    { US, OUR_REPLY },
                    { PEER, PEER_ACK } },
                  ASM_HANDSHAKE_DONE },
                { "the peer gives up its own attempt for ours",
                  { { US, OUR_NAME },
                    { PEER, OK_SIMULTANEOUS PEER_CHALLENGE },
                    { US, OUR_REPLY },
                    { PEER, PEER_ACK } },
                  ASM_HANDSHAKE_DONE },
                { "the peer has not yet noticed that an earlier connection is gone",
                  { { US, OUR_NAME },
                    { PEER, ALIVE },
                    { US, TRUE_ANSWER },
                    { PEER, PEER_CHALLENGE },
                    { US, OUR_REPLY },
                    { PEER, PEER_ACK } },
                  ASM_HANDSHAKE_DONE },
                { "bytes behind the name are for later versions",
                  { { US, OUR_NAME },
                    { PEER, OK "0019 4e" MANDATORY "22222222" CREATION_PEER NAME_PEER "ffffff" },
                    { US, OUR_REPLY },
                    { PEER, PEER_ACK } },
                  ASM_HANDSHAKE_DONE },
                { "the digest flag stands for the mandatory ones",
                  { { US, OUR_NAME },
                    { PEER, OK "0016 4e" DIGEST_FLAG "22222222" CREATION_PEER NAME_PEER },
                    { US, OUR_REPLY },
                    { PEER, PEER_ACK } },
                  ASM_HANDSHAKE_DONE },
        };

        hold_all(talks, G_N_ELEMENTS(talks), /* starts= */ TRUE);
}

static const Talk initiator_failures[] = {
        { "the peer connects to us and wins",
          { { US, OUR_NAME }, { PEER, NOK } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_SIMULTANEOUS,
          "nok" },
        { "the peer does not want us",
          { { US, OUR_NAME }, { PEER, NOT_ALLOWED } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_REFUSED,
          "'p@h' refused the connection (not_allowed)" },
        { "a name that was not asked for",
          { { US, OUR_NAME }, { PEER, "000b 73 6e616d65643a 0001 61 00" } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "unexpected status 'named:" },
        { "a status that nobody knows",
          { { US, OUR_NAME }, { PEER, "0007 73 6f6b207f ff0a" } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "unexpected status 'ok \\177\\377\\n' from 'p@h'" },
        { "a zero byte does not end a status",
          { { US, OUR_NAME }, { PEER, "0004 73 6f6b00" } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "unexpected status" },
        { "an empty status",
          { { US, OUR_NAME }, { PEER, "0001 73" } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "unexpected status ''" },
        { "an empty message",
          { { US, OUR_NAME }, { PEER, "0000" } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "empty message where a status was expected" },
        { "a challenge before the status",
          { { US, OUR_NAME }, { PEER, PEER_CHALLENGE } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "tag 78 where a status ('s') was expected" },
        { "another node answers",
          { { US, OUR_NAME },
            { PEER, OK "0016 4e" MANDATORY "22222222" CREATION_PEER "0003 714068" } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_WRONG_NAME,
          "'p@h' was called, 'q@h' answered" },
        { "a node answers whose name only begins like that",
          { { US, OUR_NAME },
            { PEER, OK "0017 4e" MANDATORY "22222222" CREATION_PEER "0004 70406868" } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_WRONG_NAME,
          "'p@hh' answered" },
        { "a peer of version 5",
          { { US, OUR_NAME }, { PEER, OK "000e 6e 0005 01070f94 22222222 704068" } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "version 5" },
        { "the peer lacks what we need",
          { { US, OUR_NAME },
            { PEER,
              OK "0016 4e 0000000000050f94"
                 "22222222" CREATION_PEER NAME_PEER } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_FLAGS,
          "'p@h' lacks MAP_TAG HANDSHAKE_23" },
        { "a challenge that ends inside its name",
          { { US, OUR_NAME },
            { PEER, OK "0015 4e" MANDATORY "22222222" CREATION_PEER "0003 7040" } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "challenge has the wrong length" },
        { "a challenge that ends before its name",
          { { US, OUR_NAME }, { PEER, OK "0009 4e" MANDATORY } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "challenge has the wrong length" },
        { "an acceptor that does not know the cookie",
          { { US, OUR_NAME },
            { PEER, OK PEER_CHALLENGE },
            { US, OUR_REPLY },
            { PEER, "0011 61" WRONG_DIGEST } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_COOKIE,
          "cookie of 'p@h' differs from ours" },
        { "an acceptor that sends our own digest back",
          { { US, OUR_NAME },
            { PEER, OK PEER_CHALLENGE },
            { US, OUR_REPLY },
            { PEER, "0011 61" DIGEST_FOR_PEER } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_COOKIE,
          "differs" },
        { "a digest that is too long",
          { { US, OUR_NAME },
            { PEER, OK PEER_CHALLENGE },
            { US, OUR_REPLY },
            { PEER, "0012 61" DIGEST_FOR_US "00" } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "challenge acknowledgement has the wrong length" },
};

Test(handshake, initiator_gives_up_with_a_reason)
{
        hold_all(initiator_failures, G_N_ELEMENTS(initiator_failures), /* starts= */ TRUE);
}

Test(handshake, acceptor_follows_the_protocol)
{
        static const Talk talks[] = {
                { "accepted",
                  { { PEER, PEER_NAME },
                    { US, OK },
                    { US, OUR_CHALLENGE },
                    { PEER, PEER_REPLY },
                    { US, OUR_ACK } },
                  ASM_HANDSHAKE_DONE },
                { "we give up our own attempt for the peer's",
                  { { PEER, PEER_NAME },
                    { US, OK_SIMULTANEOUS },
                    { US, OUR_CHALLENGE },
                    { PEER, PEER_REPLY },
                    { US, OUR_ACK } },
                  ASM_HANDSHAKE_DONE,
                  .answer = ASM_HANDSHAKE_ANSWER_OK_SIMULTANEOUS },
                { "the peer says that our connection is stale",
                  { { PEER, PEER_NAME },
                    { US, ALIVE },
                    { PEER, TRUE_ANSWER },
                    { US, OUR_CHALLENGE },
                    { PEER, PEER_REPLY },
                    { US, OUR_ACK } },
                  ASM_HANDSHAKE_DONE,
                  .answer = ASM_HANDSHAKE_ANSWER_ALIVE,
                  .replaces = TRUE },
                { "bytes behind the name are for later versions",
                  { { PEER, "0015 4e" MANDATORY CREATION_PEER NAME_PEER "ffffff" },
                    { US, OK },
                    { US, OUR_CHALLENGE },
                    { PEER, PEER_REPLY },
                    { US, OUR_ACK } },
                  ASM_HANDSHAKE_DONE },
                { "the digest flag stands for the mandatory ones",
                  { { PEER, "0012 4e" DIGEST_FLAG CREATION_PEER NAME_PEER },
                    { US, OK },
                    { US, OUR_CHALLENGE },
                    { PEER, PEER_REPLY },
                    { US, OUR_ACK } },
                  ASM_HANDSHAKE_DONE },
        };

        hold_all(talks, G_N_ELEMENTS(talks), /* starts= */ FALSE);
}

static const Talk acceptor_failures[] = {
        { "our own attempt wins",
          { { PEER, PEER_NAME }, { US, NOK } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_REFUSED,
          "'p@h' was answered nok",
          ASM_HANDSHAKE_ANSWER_NOK },
        { "the owner does not want the peer",
          { { PEER, PEER_NAME }, { US, NOT_ALLOWED } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_REFUSED,
          "'p@h' was answered not_allowed",
          ASM_HANDSHAKE_ANSWER_NOT_ALLOWED },
        { "the peer prefers the connection that is up",
          { { PEER, PEER_NAME }, { US, ALIVE }, { PEER, FALSE_ANSWER } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_ALIVE,
          "'p@h' keeps the connection",
          ASM_HANDSHAKE_ANSWER_ALIVE },
        { "the peer does not say true or false",
          { { PEER, PEER_NAME }, { US, ALIVE }, { PEER, OK } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "unexpected status 'ok' from 'p@h'",
          ASM_HANDSHAKE_ANSWER_ALIVE },
        { "the peer goes on as if it had not been asked",
          { { PEER, PEER_NAME }, { US, ALIVE }, { PEER, PEER_REPLY } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "tag 114 where a status",
          ASM_HANDSHAKE_ANSWER_ALIVE },
        { "a peer with another cookie gets no answer",
          { { PEER, PEER_NAME },
            { US, OK },
            { US, OUR_CHALLENGE },
            { PEER, "0015 72 22222222" WRONG_DIGEST } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_COOKIE,
          "cookie of 'p@h' differs from ours" },
        { "a reply that is too short",
          { { PEER, PEER_NAME }, { US, OK }, { US, OUR_CHALLENGE }, { PEER, "0005 72 22222222" } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "challenge reply has the wrong length" },
        { "a peer of version 5",
          { { PEER, "000a 6e 0005 01070f94 704068" }, { US, NOT_ALLOWED } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "peer speaks version 5 of the handshake, version 6 (OTP 23 or later) is needed" },
        { "a peer without a name of its own",
          { { PEER, "0010 4e 0000000201070f94" CREATION_PEER "0001 68" }, { US, NOT_ALLOWED } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "asks for one" },
        { "the peer lacks what we need",
          { { PEER, "0012 4e 0000000000000000" CREATION_PEER NAME_PEER }, { US, NOT_ALLOWED } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_FLAGS,
          "'p@h' lacks EXT_REFS FUN_TAGS NEW_FUN_TAGS EXT_PIDS_PORTS EXPORT_PTR "
          "BIT_BINARIES NEW_FLOATS UTF8_ATOMS MAP_TAG BIG_CREATION HANDSHAKE_23" },
        { "a name message that ends inside its name",
          { { PEER, "0011 4e" MANDATORY CREATION_PEER "0003 7040" }, { US, NOT_ALLOWED } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "name message has the wrong length" },
        { "something that speaks HTTP",
          { { PEER, "4745" } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "handshake message of 18245 bytes is over the limit of 1024" },
        { "a message that does not exist",
          { { PEER, "0003 03 0102" }, { US, NOT_ALLOWED } },
          ASM_HANDSHAKE_FAILED,
          ASM_DIST_ERROR_PROTOCOL,
          "tag 3 where a name ('N') was expected" },
};

Test(handshake, acceptor_refuses_with_a_reason)
{
        hold_all(acceptor_failures, G_N_ELEMENTS(acceptor_failures), /* starts= */ FALSE);
}

Test(handshake, frames_behind_the_last_message_are_left_to_the_caller)
{
        AsmHandshakeConfig config = config_new(2);
        g_autoptr(AsmHandshake) acceptor = asm_handshake_new_acceptor(&config);
        g_auto(AsmBuilder) name = hex_decode(PEER_NAME);
        g_auto(AsmBuilder) reply = hex_decode(PEER_REPLY "00000000 00000001");
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
        gsize used;

        feed_in_pieces(acceptor, asm_builder_peek(&name), 99, ASM_HANDSHAKE_ANSWER_OK, &out, NULL);
        cr_expect_eq(asm_handshake_feed(acceptor, reply.data, reply.len, &used, &out, NULL),
                     ASM_HANDSHAKE_DONE);
        cr_expect_eq(used, reply.len - 8);
        cr_expect_eq(asm_handshake_feed(acceptor, reply.data, reply.len, &used, &out, NULL),
                     ASM_HANDSHAKE_DONE);
        cr_expect_eq(used, 0);
}

Test(handshake, bytes_behind_the_name_wait_for_the_decision)
{
        AsmHandshakeConfig config = config_new(2);
        g_autoptr(AsmHandshake) acceptor = asm_handshake_new_acceptor(&config);
        g_auto(AsmBuilder) said = hex_decode(PEER_NAME PEER_REPLY);
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
        gsize used;

        cr_assert_eq(asm_handshake_feed(acceptor, said.data, said.len, &used, &out, NULL),
                     ASM_HANDSHAKE_DECIDE);
        cr_expect_eq(used, 20);
        cr_expect_eq(out.len, 0);
        cr_expect_str_eq(asm_handshake_get_peer_name(acceptor), "p@h");
        asm_handshake_decide(acceptor, ASM_HANDSHAKE_ANSWER_OK, COOKIE, &out, NULL);
        cr_expect_eq(asm_handshake_feed(acceptor, said.data + 20, said.len - 20, &used, &out, NULL),
                     ASM_HANDSHAKE_DONE);
}

Test(handshake, initiator_knows_when_only_the_cookie_is_left_to_dislike)
{
        AsmHandshakeConfig config = config_new(2);
        g_autoptr(AsmHandshake) initiator = asm_handshake_new_initiator(&config, "p@h", COOKIE);
        g_auto(AsmBuilder) said = hex_decode(OK PEER_CHALLENGE);
        g_auto(AsmBuilder) ack = hex_decode(PEER_ACK);
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
        gsize used;

        asm_handshake_start(initiator, &out);
        cr_expect_not(asm_handshake_awaits_ack(initiator));
        asm_handshake_feed(initiator, said.data, said.len, &used, &out, NULL);
        cr_expect(asm_handshake_awaits_ack(initiator));
        asm_handshake_feed(initiator, ack.data, ack.len, &used, &out, NULL);
        cr_expect_not(asm_handshake_awaits_ack(initiator));
}

Test(handshake, challenges_are_drawn_anew_for_each_connection)
{
        AsmHandshakeConfig config = config_new(2);
        g_auto(AsmBuilder) name = hex_decode(PEER_NAME);
        g_auto(AsmBuilder) one = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) other = ASM_BUILDER_INIT;

        config.random = NULL;
        for (guint i = 0; i < 2; i++) {
                g_autoptr(AsmHandshake) acceptor = asm_handshake_new_acceptor(&config);

                feed_in_pieces(acceptor,
                               asm_builder_peek(&name),
                               99,
                               ASM_HANDSHAKE_ANSWER_OK,
                               i == 0 ? &one : &other,
                               NULL);
        }

        cr_assert_eq(one.len, other.len);
        cr_expect_neq(memcmp(one.data, other.data, one.len), 0);
}
