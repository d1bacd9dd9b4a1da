/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The distribution handshake, version 6, as a state machine without I/O: bytes in, bytes out, a
 * verdict (erl_dist_protocol "Distribution Handshake"). Both sides are here. The
 * acceptor stops twice to ask its owner: which cookie, and what to do about other connections
 * with the same node.
 */

#include "term/builder.h"
#include <glib.h>

typedef struct _AsmHandshake AsmHandshake;

typedef enum {
        ASM_HANDSHAKE_NEED_INPUT, /* give more bytes to asm_handshake_feed() */
        ASM_HANDSHAKE_DECIDE,     /* acceptor: peer's name known: call asm_handshake_decide() */
        ASM_HANDSHAKE_DONE,
        ASM_HANDSHAKE_FAILED,
} AsmHandshakeStatus;

/* what the acceptor answers to the peer's name */
typedef enum {
        ASM_HANDSHAKE_ANSWER_OK,
        ASM_HANDSHAKE_ANSWER_OK_SIMULTANEOUS, /* we drop our own attempt */
        ASM_HANDSHAKE_ANSWER_NOK,             /* our own attempt goes on */
        ASM_HANDSHAKE_ANSWER_NOT_ALLOWED,
        ASM_HANDSHAKE_ANSWER_ALIVE, /* a connection is up; the peer says if it is stale */
} AsmHandshakeAnswer;

typedef struct {
        const char *our_name; /* "asmd@host" */
        guint64 our_flags;
        guint32 our_creation;
        guint length_size;       /* 2, over TLS 4 */
        guint32 (*random)(void); /* challenges; NULL: getrandom(2) */
} AsmHandshakeConfig;

/* @cookie: the secret shared with @peer_name, copied and wiped when freed */
AsmHandshake *asm_handshake_new_initiator(const AsmHandshakeConfig *config,
                                          const char *peer_name,
                                          const char *cookie);
AsmHandshake *asm_handshake_new_acceptor(const AsmHandshakeConfig *config);
void asm_handshake_free(AsmHandshake *handshake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmHandshake, asm_handshake_free)

/**
 * asm_handshake_start: the initiator's first message; acceptors have none. Once, before feed.
 * @out: appended
 */
void asm_handshake_start(AsmHandshake *handshake, AsmBuilder *out);

/**
 * asm_handshake_feed:
 * @ret_used: (out): how many bytes were consumed: all of them with NEED_INPUT; with the other
 *   answers those up to the end of the message that decided. After DONE the rest is frames, after
 *   DECIDE it is to be fed again once asm_handshake_decide() has been called.
 * @out: appended: bytes to send now (also before FAILED, then to be sent before closing)
 *
 * Errors (with FAILED): %ASM_DIST_ERROR, all codes but TOO_LARGE. No secret is in a message.
 */
AsmHandshakeStatus asm_handshake_feed(AsmHandshake *handshake,
                                      const guint8 *data,
                                      gsize len,
                                      gsize *ret_used,
                                      AsmBuilder *out,
                                      GError **error);

/**
 * asm_handshake_decide: the acceptor's answer; only when the status is DECIDE.
 * @cookie: the secret for asm_handshake_get_peer_name()
 *
 * After NOK and NOT_ALLOWED the handshake is FAILED (REFUSED). After ALIVE a peer that answers
 * "false" ends it as FAILED (ALIVE); "true" goes on, and asm_handshake_replaces() is TRUE.
 */
AsmHandshakeStatus asm_handshake_decide(AsmHandshake *handshake,
                                        AsmHandshakeAnswer answer,
                                        const char *cookie,
                                        AsmBuilder *out,
                                        GError **error);

/* known from DECIDE on (acceptor) or from the start (initiator) */
const char *asm_handshake_get_peer_name(const AsmHandshake *handshake);
/* initiator: the digest is sent and unanswered: a peer that closes now does not like our cookie */
gboolean asm_handshake_awaits_ack(const AsmHandshake *handshake);
/* the next three are valid once DONE; the flags are expanded, see asm_flags_expand() */
guint64 asm_handshake_get_peer_flags(const AsmHandshake *handshake);
guint32 asm_handshake_get_peer_creation(const AsmHandshake *handshake);
/* the peer said that the connection we have is stale: this one takes its place */
gboolean asm_handshake_replaces(const AsmHandshake *handshake);
