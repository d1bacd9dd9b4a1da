/* SPDX-License-Identifier: MIT */
#pragma once

/* The messages of the handshake to and from bytes; who sends which and when is in handshake.c. */

#include "digest-private.h"
#include "term/builder.h"

/* real messages have less than 300 bytes; room for what later versions may add behind the name */
#define ASM_HANDSHAKE_MESSAGE_MAX 1024

/* borrowed bytes of a message */
typedef struct {
        const guint8 *data;
        gsize len;
} AsmHandshakeText;

/* what both 'N' messages carry; @challenge only in the acceptor's */
typedef struct {
        guint64 flags;
        guint32 challenge;
        guint32 creation;
        AsmHandshakeText name;
} AsmHandshakePeer;

typedef struct {
        guint32 challenge;
        const guint8 *digest;
} AsmHandshakeReply;

gboolean asm_handshake_text_is(AsmHandshakeText text, const char *expected);
/* (transfer full): for error messages: escaped, shortened, in ticks */
char *asm_handshake_text_quote(AsmHandshakeText text);
/* part@host, both not empty, printable and without spaces, at most 255 bytes */
gboolean asm_handshake_text_is_node_name(AsmHandshakeText text);

/* @length_size: 2 or 4 bytes of length go in front */
void asm_handshake_message_put_status(AsmBuilder *out, guint length_size, const char *status);
void asm_handshake_message_put_name(AsmBuilder *out,
                                    guint length_size,
                                    guint64 flags,
                                    guint32 creation,
                                    const char *name);
void asm_handshake_message_put_challenge(AsmBuilder *out,
                                         guint length_size,
                                         guint64 flags,
                                         guint32 challenge,
                                         guint32 creation,
                                         const char *name);
void asm_handshake_message_put_reply(AsmBuilder *out,
                                     guint length_size,
                                     guint32 challenge,
                                     const guint8 digest[ASM_DIGEST_LEN]);
void asm_handshake_message_put_ack(AsmBuilder *out,
                                   guint length_size,
                                   const guint8 digest[ASM_DIGEST_LEN]);

/* @message: without its length. Errors: ASM_DIST_ERROR_PROTOCOL, also for another message */
gboolean asm_handshake_message_get_status(AsmHandshakeText message,
                                          AsmHandshakeText *ret,
                                          GError **error);
gboolean asm_handshake_message_get_name(AsmHandshakeText message,
                                        AsmHandshakePeer *ret,
                                        GError **error);
gboolean asm_handshake_message_get_challenge(AsmHandshakeText message,
                                             AsmHandshakePeer *ret,
                                             GError **error);
gboolean asm_handshake_message_get_reply(AsmHandshakeText message,
                                         AsmHandshakeReply *ret,
                                         GError **error);
/* the digest, borrowed; NULL with @error set */
const guint8 *asm_handshake_message_get_ack(AsmHandshakeText message, GError **error);
