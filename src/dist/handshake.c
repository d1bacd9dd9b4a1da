/* SPDX-License-Identifier: MIT */
/*
 * The handshake, version 6 (OTP 23 and later):
 *
 *      initiator                                                    acceptor
 *      AWAIT_STATUS        'N' flags, creation, name           ->   AWAIT_NAME
 *                                                                   DECIDING
 *                          <-                     's' status
 *                          's' "true" or "false"               ->   AWAIT_ALIVE_ANSWER
 *                                              (only after "alive")
 *      AWAIT_CHALLENGE     <-   'N' flags, challenge, creation, name
 *      AWAIT_ACK           'r' challenge, digest               ->   AWAIT_REPLY
 *      DONE                <-                     'a' digest        DONE
 *
 * A digest is over the shared cookie and the challenge of the other side. The acceptor sees the
 * initiator's digest first, so an initiator with a wrong cookie sees a closed connection where
 * the acknowledgement should be and learns nothing more.
 *
 * A state names the message that is awaited; any other message is an error, and so is one longer
 * than any real one, which is noticed before a byte of it is kept. Handlers append what is to be
 * sent and set the next state. DONE and FAILED are final.
 *
 * What the peer says is foreign text until its digest matched: names are checked before the owner
 * sees them, and quoted in errors. No secret is in any error.
 */
#include "dist/handshake.h"

#include "base/random.h"
#include "bytes-private.h"
#include "dist/error.h"
#include "dist/flags.h"
#include "handshake-message-private.h"

#define LENGTH_SIZE_MAX 4

typedef enum {
        STATE_UNSTARTED,
        STATE_AWAIT_STATUS,
        STATE_AWAIT_CHALLENGE,
        STATE_AWAIT_ACK,
        STATE_AWAIT_NAME,
        STATE_DECIDING,
        STATE_AWAIT_ALIVE_ANSWER,
        STATE_AWAIT_REPLY,
        STATE_DONE,
        STATE_FAILED,
} State;

struct _AsmHandshake {
        State state;
        AsmHandshakeConfig config;
        char *our_name;
        char *peer_name;
        char *cookie;
        guint64 peer_flags;
        guint32 peer_creation;
        guint32 our_challenge;
        gboolean replaces;
        gsize have; /* bytes in @message, those of its length included */
        guint8 message[LENGTH_SIZE_MAX + ASM_HANDSHAKE_MESSAGE_MAX];
};

static gboolean
check_flags(const AsmHandshake *self, guint64 flags, GError **error)
{
        guint64 missing = asm_flags_mandatory() & ~flags;
        g_autofree char *names = NULL;

        if (missing == 0)
                return TRUE;
        names = asm_flags_to_string(missing);
        g_set_error(error,
                    ASM_DIST_ERROR,
                    ASM_DIST_ERROR_FLAGS,
                    "'%s' lacks %s",
                    self->peer_name,
                    names);
        return FALSE;
}

static gboolean
check_digest(const AsmHandshake *self, const guint8 *digest, GError **error)
{
        guint8 expected[ASM_DIGEST_LEN];

        asm_digest_make(self->cookie, self->our_challenge, expected);
        if (asm_digest_matches(digest, expected))
                return TRUE;
        g_set_error(error,
                    ASM_DIST_ERROR,
                    ASM_DIST_ERROR_COOKIE,
                    "cookie of '%s' differs from ours",
                    self->peer_name);
        return FALSE;
}

static gboolean
set_unexpected_status(const AsmHandshake *self, AsmHandshakeText status, GError **error)
{
        g_autofree char *quoted = asm_handshake_text_quote(status);

        g_set_error(error,
                    ASM_DIST_ERROR,
                    ASM_DIST_ERROR_PROTOCOL,
                    "unexpected status %s from '%s'",
                    quoted,
                    self->peer_name);
        return FALSE;
}

static void
send_challenge(AsmHandshake *self, AsmBuilder *out)
{
        self->our_challenge = self->config.random();
        asm_handshake_message_put_challenge(out,
                                            self->config.length_size,
                                            self->config.our_flags,
                                            self->our_challenge,
                                            self->config.our_creation,
                                            self->our_name);
        self->state = STATE_AWAIT_REPLY;
}

/* "named:" falls under unexpected: it answers a question that this node does not ask */
static gboolean
on_status(AsmHandshake *self, AsmHandshakeText message, AsmBuilder *out, GError **error)
{
        AsmHandshakeText status;
        gboolean is_nok;

        if (!asm_handshake_message_get_status(message, &status, error))
                return FALSE;

        is_nok = asm_handshake_text_is(status, "nok");
        if (is_nok || asm_handshake_text_is(status, "not_allowed")) {
                g_set_error(error,
                            ASM_DIST_ERROR,
                            is_nok ? ASM_DIST_ERROR_SIMULTANEOUS : ASM_DIST_ERROR_REFUSED,
                            "'%s' refused the connection (%s)",
                            self->peer_name,
                            is_nok ? "nok: it is connecting to us" : "not_allowed");
                return FALSE;
        }
        if (asm_handshake_text_is(status, "alive"))
                /* we have no connection with that node, or we would not be making one */
                asm_handshake_message_put_status(out, self->config.length_size, "true");
        else if (!asm_handshake_text_is(status, "ok") &&
                 !asm_handshake_text_is(status, "ok_simultaneous"))
                return set_unexpected_status(self, status, error);
        self->state = STATE_AWAIT_CHALLENGE;
        return TRUE;
}

static gboolean
on_challenge(AsmHandshake *self, AsmHandshakeText message, AsmBuilder *out, GError **error)
{
        AsmHandshakePeer peer;
        guint8 digest[ASM_DIGEST_LEN];

        if (!asm_handshake_message_get_challenge(message, &peer, error))
                return FALSE;
        if (!asm_handshake_text_is(peer.name, self->peer_name)) {
                g_autofree char *quoted = asm_handshake_text_quote(peer.name);

                g_set_error(error,
                            ASM_DIST_ERROR,
                            ASM_DIST_ERROR_WRONG_NAME,
                            "'%s' was called, %s answered",
                            self->peer_name,
                            quoted);
                return FALSE;
        }
        self->peer_flags = asm_flags_expand(peer.flags);
        self->peer_creation = peer.creation;
        if (!check_flags(self, self->peer_flags, error))
                return FALSE;

        self->our_challenge = self->config.random();
        asm_digest_make(self->cookie, peer.challenge, digest);
        asm_handshake_message_put_reply(out, self->config.length_size, self->our_challenge, digest);
        self->state = STATE_AWAIT_ACK;
        return TRUE;
}

static gboolean
on_ack(AsmHandshake *self, AsmHandshakeText message, GError **error)
{
        const guint8 *digest = asm_handshake_message_get_ack(message, error);

        if (digest == NULL || !check_digest(self, digest, error))
                return FALSE;
        self->state = STATE_DONE;
        return TRUE;
}

static gboolean
take_peer(AsmHandshake *self, AsmHandshakeText message, GError **error)
{
        AsmHandshakePeer peer;

        if (!asm_handshake_message_get_name(message, &peer, error))
                return FALSE;
        if (peer.flags & ASM_FLAG_NAME_ME) {
                g_set_error_literal(error,
                                    ASM_DIST_ERROR,
                                    ASM_DIST_ERROR_PROTOCOL,
                                    "peer has no name and asks for one; this node gives none");
                return FALSE;
        }
        if (!asm_handshake_text_is_node_name(peer.name)) {
                g_autofree char *quoted = asm_handshake_text_quote(peer.name);

                g_set_error(error,
                            ASM_DIST_ERROR,
                            ASM_DIST_ERROR_PROTOCOL,
                            "%s is no node name",
                            quoted);
                return FALSE;
        }

        self->peer_name = g_strndup((const char *)peer.name.data, peer.name.len);
        self->peer_flags = asm_flags_expand(peer.flags);
        self->peer_creation = peer.creation;
        return check_flags(self, self->peer_flags, error);
}

static gboolean
on_name(AsmHandshake *self, AsmHandshakeText message, AsmBuilder *out, GError **error)
{
        if (!take_peer(self, message, error)) {
                /* with this a BEAM can tell its user, a closed connection alone is a riddle */
                asm_handshake_message_put_status(out, self->config.length_size, "not_allowed");
                return FALSE;
        }
        self->state = STATE_DECIDING;
        return TRUE;
}

static gboolean
on_alive_answer(AsmHandshake *self, AsmHandshakeText message, AsmBuilder *out, GError **error)
{
        AsmHandshakeText status;

        if (!asm_handshake_message_get_status(message, &status, error))
                return FALSE;
        if (asm_handshake_text_is(status, "false")) {
                g_set_error(error,
                            ASM_DIST_ERROR,
                            ASM_DIST_ERROR_ALIVE,
                            "'%s' keeps the connection that is already up",
                            self->peer_name);
                return FALSE;
        }
        if (!asm_handshake_text_is(status, "true"))
                return set_unexpected_status(self, status, error);
        self->replaces = TRUE;
        send_challenge(self, out);
        return TRUE;
}

static gboolean
on_reply(AsmHandshake *self, AsmHandshakeText message, AsmBuilder *out, GError **error)
{
        AsmHandshakeReply reply;
        guint8 digest[ASM_DIGEST_LEN];

        if (!asm_handshake_message_get_reply(message, &reply, error) ||
            !check_digest(self, reply.digest, error))
                return FALSE;
        asm_digest_make(self->cookie, reply.challenge, digest);
        asm_handshake_message_put_ack(out, self->config.length_size, digest);
        self->state = STATE_DONE;
        return TRUE;
}

static gboolean
on_message(AsmHandshake *self, AsmHandshakeText message, AsmBuilder *out, GError **error)
{
        switch (self->state) {
        case STATE_AWAIT_STATUS:
                return on_status(self, message, out, error);
        case STATE_AWAIT_CHALLENGE:
                return on_challenge(self, message, out, error);
        case STATE_AWAIT_ACK:
                return on_ack(self, message, error);
        case STATE_AWAIT_NAME:
                return on_name(self, message, out, error);
        case STATE_AWAIT_ALIVE_ANSWER:
                return on_alive_answer(self, message, out, error);
        case STATE_AWAIT_REPLY:
                return on_reply(self, message, out, error);
        case STATE_UNSTARTED:
        case STATE_DECIDING:
        case STATE_DONE:
        case STATE_FAILED:
                break;
        }
        g_assert_not_reached();
}

static AsmHandshakeStatus
status_of(const AsmHandshake *self)
{
        switch (self->state) {
        case STATE_DECIDING:
                return ASM_HANDSHAKE_DECIDE;
        case STATE_DONE:
                return ASM_HANDSHAKE_DONE;
        case STATE_FAILED:
                return ASM_HANDSHAKE_FAILED;
        case STATE_UNSTARTED:
        case STATE_AWAIT_STATUS:
        case STATE_AWAIT_CHALLENGE:
        case STATE_AWAIT_ACK:
        case STATE_AWAIT_NAME:
        case STATE_AWAIT_ALIVE_ANSWER:
        case STATE_AWAIT_REPLY:
                break;
        }
        return ASM_HANDSHAKE_NEED_INPUT;
}

/* appends fed bytes to the message until it has @target; FALSE if they do not suffice */
static gboolean
collect(AsmHandshake *self, gsize target, AsmHandshakeText *fed)
{
        gsize n = MIN(target - self->have, fed->len);

        if (n > 0) {
                memcpy(self->message + self->have, fed->data, n);
                self->have += n;
                fed->data += n;
                fed->len -= n;
        }
        return self->have == target;
}

/* FALSE with @error unset: the message is not whole yet and all of @fed has been taken */
static gboolean
next_message(AsmHandshake *self, AsmHandshakeText *fed, AsmHandshakeText *ret, GError **error)
{
        gsize length_size = self->config.length_size;
        gsize len;

        if (self->have < length_size && !collect(self, length_size, fed))
                return FALSE;
        len = length_size == 2 ? asm_bytes_get_uint16(self->message)
                               : asm_bytes_get_uint32(self->message);
        if (len > ASM_HANDSHAKE_MESSAGE_MAX) {
                g_set_error(error,
                            ASM_DIST_ERROR,
                            ASM_DIST_ERROR_PROTOCOL,
                            "handshake message of %" G_GSIZE_FORMAT
                            " bytes is over the limit of %d",
                            len,
                            ASM_HANDSHAKE_MESSAGE_MAX);
                return FALSE;
        }
        if (!collect(self, length_size + len, fed))
                return FALSE;
        self->have = 0;
        *ret = (AsmHandshakeText){ self->message + length_size, len };
        return TRUE;
}

static gboolean
config_is_valid(const AsmHandshakeConfig *config)
{
        AsmHandshakeText name = { (const guint8 *)config->our_name, strlen(config->our_name) };

        return (config->length_size == 2 || config->length_size == 4) &&
               asm_handshake_text_is_node_name(name);
}

static AsmHandshake *
handshake_new(const AsmHandshakeConfig *config, State state)
{
        AsmHandshake *self = g_new0(AsmHandshake, 1);

        self->state = state;
        self->config = *config;
        self->our_name = g_strdup(config->our_name);
        self->config.our_name = self->our_name;
        if (config->random == NULL)
                self->config.random = asm_random_uint32;
        return self;
}

AsmHandshake *
asm_handshake_new_initiator(const AsmHandshakeConfig *config,
                            const char *peer_name,
                            const char *cookie)
{
        AsmHandshake *self;

        g_return_val_if_fail(config_is_valid(config), NULL);
        g_return_val_if_fail(peer_name != NULL && cookie != NULL, NULL);

        self = handshake_new(config, STATE_UNSTARTED);
        self->peer_name = g_strdup(peer_name);
        self->cookie = g_strdup(cookie);
        return self;
}

AsmHandshake *
asm_handshake_new_acceptor(const AsmHandshakeConfig *config)
{
        g_return_val_if_fail(config_is_valid(config), NULL);

        return handshake_new(config, STATE_AWAIT_NAME);
}

void
asm_handshake_free(AsmHandshake *handshake)
{
        if (handshake == NULL)
                return;
        if (handshake->cookie != NULL)
                explicit_bzero(handshake->cookie, strlen(handshake->cookie));
        g_free(handshake->cookie);
        g_free(handshake->peer_name);
        g_free(handshake->our_name);
        g_free(handshake);
}

void
asm_handshake_start(AsmHandshake *handshake, AsmBuilder *out)
{
        g_return_if_fail(handshake->state == STATE_UNSTARTED);

        asm_handshake_message_put_name(out,
                                       handshake->config.length_size,
                                       handshake->config.our_flags,
                                       handshake->config.our_creation,
                                       handshake->our_name);
        handshake->state = STATE_AWAIT_STATUS;
}

AsmHandshakeStatus
asm_handshake_feed(AsmHandshake *handshake,
                   const guint8 *data,
                   gsize len,
                   gsize *ret_used,
                   AsmBuilder *out,
                   GError **error)
{
        AsmHandshakeText fed = { data, len };
        AsmHandshakeText message;
        GError *failure = NULL;

        g_return_val_if_fail(handshake->state != STATE_UNSTARTED, ASM_HANDSHAKE_FAILED);

        while (failure == NULL && status_of(handshake) == ASM_HANDSHAKE_NEED_INPUT) {
                if (next_message(handshake, &fed, &message, &failure))
                        on_message(handshake, message, out, &failure);
                else if (failure == NULL)
                        break;
        }
        if (failure != NULL) {
                handshake->state = STATE_FAILED;
                g_propagate_error(error, failure);
        }
        *ret_used = len - fed.len;
        return status_of(handshake);
}

static const char *
answer_text(AsmHandshakeAnswer answer)
{
        switch (answer) {
        case ASM_HANDSHAKE_ANSWER_OK:
                return "ok";
        case ASM_HANDSHAKE_ANSWER_OK_SIMULTANEOUS:
                return "ok_simultaneous";
        case ASM_HANDSHAKE_ANSWER_NOK:
                return "nok";
        case ASM_HANDSHAKE_ANSWER_NOT_ALLOWED:
                return "not_allowed";
        case ASM_HANDSHAKE_ANSWER_ALIVE:
                return "alive";
        }
        g_assert_not_reached();
}

AsmHandshakeStatus
asm_handshake_decide(AsmHandshake *handshake,
                     AsmHandshakeAnswer answer,
                     const char *cookie,
                     AsmBuilder *out,
                     GError **error)
{
        gboolean is_refusal =
                answer == ASM_HANDSHAKE_ANSWER_NOK || answer == ASM_HANDSHAKE_ANSWER_NOT_ALLOWED;

        g_return_val_if_fail(handshake->state == STATE_DECIDING, ASM_HANDSHAKE_FAILED);
        g_return_val_if_fail(cookie != NULL || is_refusal, ASM_HANDSHAKE_FAILED);

        asm_handshake_message_put_status(out, handshake->config.length_size, answer_text(answer));
        if (is_refusal) {
                g_set_error(error,
                            ASM_DIST_ERROR,
                            ASM_DIST_ERROR_REFUSED,
                            "'%s' was answered %s",
                            handshake->peer_name,
                            answer_text(answer));
                handshake->state = STATE_FAILED;
                return ASM_HANDSHAKE_FAILED;
        }

        handshake->cookie = g_strdup(cookie);
        if (answer == ASM_HANDSHAKE_ANSWER_ALIVE)
                handshake->state = STATE_AWAIT_ALIVE_ANSWER;
        else
                send_challenge(handshake, out);
        return ASM_HANDSHAKE_NEED_INPUT;
}

const char *
asm_handshake_get_peer_name(const AsmHandshake *handshake)
{
        return handshake->peer_name;
}

gboolean
asm_handshake_awaits_ack(const AsmHandshake *handshake)
{
        return handshake->state == STATE_AWAIT_ACK;
}

guint64
asm_handshake_get_peer_flags(const AsmHandshake *handshake)
{
        return handshake->peer_flags;
}

guint32
asm_handshake_get_peer_creation(const AsmHandshake *handshake)
{
        return handshake->peer_creation;
}

gboolean
asm_handshake_replaces(const AsmHandshake *handshake)
{
        return handshake->replaces;
}
