/* SPDX-License-Identifier: MIT */
/*
 * The messages of the handshake. One tag byte, fixed big-endian fields, and a text whose length
 * is given (names) or is the rest of the message (statuses, digests):
 *
 *      's' text
 *      'N' flags:64 creation:32 nlen:16 name                  the initiator's: "name"
 *      'N' flags:64 challenge:32 creation:32 nlen:16 name     the acceptor's: "challenge"
 *      'r' challenge:32 digest
 *      'a' digest
 *
 * Two messages have the same tag, so a reader says which it expects. Bytes behind a name are for
 * later versions of the protocol and are ignored; bytes behind a digest are an error. The 'n' of
 * version 5 is recognised only to say so in words.
 *
 * Each reader works on one whole message and borrows from it; a missing byte is an error here
 * and never "need more": the length in front has already promised that this is all.
 */
#include "handshake-message-private.h"

#include "bytes-private.h"
#include "dist/error.h"

/* the longest atom in ASCII */
#define NAME_MAX_LEN 255
/* how much foreign text an error message repeats */
#define QUOTE_MAX 40

gboolean
asm_handshake_text_is(AsmHandshakeText text, const char *expected)
{
        return text.len == strlen(expected) && memcmp(text.data, expected, text.len) == 0;
}

char *
asm_handshake_text_quote(AsmHandshakeText text)
{
        g_autofree char *head = g_strndup((const char *)text.data, MIN(text.len, QUOTE_MAX));
        g_autofree char *escaped = g_strescape(head, NULL);

        return g_strdup_printf("'%s%s'", escaped, text.len > QUOTE_MAX ? "..." : "");
}

gboolean
asm_handshake_text_is_node_name(AsmHandshakeText text)
{
        const char *name = (const char *)text.data;
        const char *end = name + text.len;
        const char *at;

        if (text.len > NAME_MAX_LEN || !g_utf8_validate_len(name, text.len, NULL))
                return FALSE;
        at = memchr(name, '@', text.len);
        if (at == NULL || at == name || at + 1 == end)
                return FALSE;
        if (memchr(at + 1, '@', (gsize)(end - at - 1)) != NULL)
                return FALSE;
        for (const char *c = name; c < end; c = g_utf8_next_char(c)) {
                gunichar letter = g_utf8_get_char(c);

                /* line and paragraph separators are graphic to GLib, and spaces as well */
                if (!g_unichar_isgraph(letter) || g_unichar_isspace(letter))
                        return FALSE;
        }
        return TRUE;
}

static void
put_head(AsmBuilder *out, guint length_size, gsize body_len, char tag)
{
        if (length_size == 2)
                asm_bytes_put_uint16(out, (guint16)body_len);
        else
                asm_bytes_put_uint32(out, (guint32)body_len);
        asm_bytes_put_uint8(out, (guint8)tag);
}

void
asm_handshake_message_put_status(AsmBuilder *out, guint length_size, const char *status)
{
        gsize len = strlen(status);

        put_head(out, length_size, 1 + len, 's');
        asm_builder_raw(out, status, len);
}

void
asm_handshake_message_put_name(AsmBuilder *out,
                               guint length_size,
                               guint64 flags,
                               guint32 creation,
                               const char *name)
{
        gsize len = strlen(name);

        put_head(out, length_size, 1 + 8 + 4 + 2 + len, 'N');
        asm_bytes_put_uint64(out, flags);
        asm_bytes_put_uint32(out, creation);
        asm_bytes_put_uint16(out, (guint16)len);
        asm_builder_raw(out, name, len);
}

void
asm_handshake_message_put_challenge(AsmBuilder *out,
                                    guint length_size,
                                    guint64 flags,
                                    guint32 challenge,
                                    guint32 creation,
                                    const char *name)
{
        gsize len = strlen(name);

        put_head(out, length_size, 1 + 8 + 4 + 4 + 2 + len, 'N');
        asm_bytes_put_uint64(out, flags);
        asm_bytes_put_uint32(out, challenge);
        asm_bytes_put_uint32(out, creation);
        asm_bytes_put_uint16(out, (guint16)len);
        asm_builder_raw(out, name, len);
}

void
asm_handshake_message_put_reply(AsmBuilder *out,
                                guint length_size,
                                guint32 challenge,
                                const guint8 digest[ASM_DIGEST_LEN])
{
        put_head(out, length_size, 1 + 4 + ASM_DIGEST_LEN, 'r');
        asm_bytes_put_uint32(out, challenge);
        asm_builder_raw(out, digest, ASM_DIGEST_LEN);
}

void
asm_handshake_message_put_ack(AsmBuilder *out,
                              guint length_size,
                              const guint8 digest[ASM_DIGEST_LEN])
{
        put_head(out, length_size, 1 + ASM_DIGEST_LEN, 'a');
        asm_builder_raw(out, digest, ASM_DIGEST_LEN);
}

static gboolean
take(AsmHandshakeText *rest, gsize n, const guint8 **ret_data)
{
        if (rest->len < n)
                return FALSE;
        *ret_data = rest->data;
        rest->data += n;
        rest->len -= n;
        return TRUE;
}

static gboolean
take_tag(AsmHandshakeText *rest, char tag, const char *what, GError **error)
{
        const guint8 *data;

        if (!take(rest, 1, &data)) {
                g_set_error(error,
                            ASM_DIST_ERROR,
                            ASM_DIST_ERROR_PROTOCOL,
                            "empty message where %s was expected",
                            what);
                return FALSE;
        }
        if (*data == (guint8)tag)
                return TRUE;
        if (tag == 'N' && *data == 'n')
                g_set_error_literal(error,
                                    ASM_DIST_ERROR,
                                    ASM_DIST_ERROR_PROTOCOL,
                                    "peer speaks version 5 of the handshake, version 6 (OTP 23 or "
                                    "later) is needed");
        else
                g_set_error(error,
                            ASM_DIST_ERROR,
                            ASM_DIST_ERROR_PROTOCOL,
                            "tag %u where %s ('%c') was expected",
                            *data,
                            what,
                            tag);
        return FALSE;
}

static gboolean
set_bad_length(const char *what, GError **error)
{
        g_set_error(error,
                    ASM_DIST_ERROR,
                    ASM_DIST_ERROR_PROTOCOL,
                    "%s has the wrong length",
                    what);
        return FALSE;
}

gboolean
asm_handshake_message_get_status(AsmHandshakeText message, AsmHandshakeText *ret, GError **error)
{
        if (!take_tag(&message, 's', "a status", error))
                return FALSE;
        *ret = message;
        return TRUE;
}

/* nlen:16 name, and whatever follows */
static gboolean
take_name(AsmHandshakeText *rest, AsmHandshakeText *ret_name)
{
        const guint8 *data;

        if (!take(rest, 2, &data))
                return FALSE;
        ret_name->len = asm_bytes_get_uint16(data);
        return take(rest, ret_name->len, &ret_name->data);
}

gboolean
asm_handshake_message_get_name(AsmHandshakeText message, AsmHandshakePeer *ret, GError **error)
{
        AsmHandshakePeer peer = { 0 };
        const guint8 *fields;

        if (!take_tag(&message, 'N', "a name", error))
                return FALSE;
        if (!take(&message, 8 + 4, &fields) || !take_name(&message, &peer.name))
                return set_bad_length("name message", error);
        peer.flags = asm_bytes_get_uint64(fields);
        peer.creation = asm_bytes_get_uint32(fields + 8);
        *ret = peer;
        return TRUE;
}

gboolean
asm_handshake_message_get_challenge(AsmHandshakeText message, AsmHandshakePeer *ret, GError **error)
{
        AsmHandshakePeer peer = { 0 };
        const guint8 *fields;

        if (!take_tag(&message, 'N', "a challenge", error))
                return FALSE;
        if (!take(&message, 8 + 4 + 4, &fields) || !take_name(&message, &peer.name))
                return set_bad_length("challenge", error);
        peer.flags = asm_bytes_get_uint64(fields);
        peer.challenge = asm_bytes_get_uint32(fields + 8);
        peer.creation = asm_bytes_get_uint32(fields + 12);
        *ret = peer;
        return TRUE;
}

gboolean
asm_handshake_message_get_reply(AsmHandshakeText message, AsmHandshakeReply *ret, GError **error)
{
        const guint8 *fields;

        if (!take_tag(&message, 'r', "a challenge reply", error))
                return FALSE;
        if (!take(&message, 4 + ASM_DIGEST_LEN, &fields) || message.len != 0)
                return set_bad_length("challenge reply", error);
        ret->challenge = asm_bytes_get_uint32(fields);
        ret->digest = fields + 4;
        return TRUE;
}

const guint8 *
asm_handshake_message_get_ack(AsmHandshakeText message, GError **error)
{
        const guint8 *digest;

        if (!take_tag(&message, 'a', "a challenge acknowledgement", error))
                return NULL;
        if (!take(&message, ASM_DIGEST_LEN, &digest) || message.len != 0) {
                set_bad_length("challenge acknowledgement", error);
                return NULL;
        }
        return digest;
}
