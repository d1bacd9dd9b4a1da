/* SPDX-License-Identifier: MIT */

/*
 * A connection to one peer.
 *
 * Reading: all links read into one scratch buffer of the node (256 KiB per dispatch), frames are
 * parsed there in place, and only an unfinished frame at the end is kept in `partial`. A frame
 * that is longer than the scratch buffer collects in `partial`, which grows with what has been
 * received and not with what a header promises.
 *
 * Writing: frames are appended to `out`; the node flushes dirty links once per loop iteration
 * with one write. What the kernel does not take waits until the descriptor is writable.
 *
 * Not reading: what was read and cannot be handed on is counted (asm_link_hold()); over a limit the
 * link is left unread, the peer's window fills, and the peer has to wait.
 *
 * Ending: asm_link_fail() is the only way out. It may be called from anywhere, also from inside a
 * callback for this link; the node tells its listener later, from the main loop. After it the
 * link swallows what is sent to it.
 */

#include "link-private.h"

#include "dist/error.h"
#include "dist/frame.h"
#include "node/error.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

/* longest unfinished frame that is moved to the scratch buffer instead of being appended to */
#define PARTIAL_MOVED_MAX 65536
/* room for one read behind it */
#define READ_SIZE (256 * 1024)
/* a drained output buffer above this is given back */
#define OUT_KEPT_MAX (256 * 1024)

G_STATIC_ASSERT(PARTIAL_MOVED_MAX + READ_SIZE == ASM_NODE_SCRATCH_SIZE);

AsmLink *
asm_link_ref(AsmLink *link)
{
        link->ref_count++;
        return link;
}

void
asm_link_unref(AsmLink *link)
{
        if (link == NULL || --link->ref_count > 0)
                return;
        g_assert(link->state == ASM_LINK_CLOSED);
        g_clear_object(&link->stream);
        g_clear_object(&link->socket);
        g_clear_object(&link->address);
        g_byte_array_unref(link->partial);
        asm_builder_clear(&link->out);
        g_clear_pointer(&link->peer, g_ref_string_release);
        g_clear_error(&link->error);
        g_free(link);
}

void
asm_link_fail(AsmLink *link, GError *error)
{
        if (link->state == ASM_LINK_CLOSED) {
                g_error_free(error);
                return;
        }
        link->was_up = link->state == ASM_LINK_UP;
        link->state = ASM_LINK_CLOSED;
        link->error = error;
        asm_link_remove_source(link);
        asm_timer_disarm(&link->setup_timer);
        g_clear_pointer(&link->handshake, asm_handshake_free);
        /* not the stream: under TLS that would wait for the peer; close(2) does not */
        g_socket_close(link->socket, NULL);
        asm_builder_clear(&link->out);
        link->sent = 0;
        if (link->node != NULL)
                asm_node_link_closed(link->node, link);
}

void
asm_link_close(AsmLink *link, const char *why)
{
        asm_link_fail(link,
                      g_error_new(ASM_NODE_ERROR, ASM_NODE_ERROR_STOPPED, "closed here: %s", why));
}

void
asm_link_detach(AsmLink *link)
{
        AsmNode *node = g_steal_pointer(&link->node);

        if (node != NULL)
                asm_link_close(link, "the node is stopping");
}

static void
become_up(AsmLink *link)
{
        const AsmNodeConfig *config = asm_node_get_config(link->node);
        GError *error = NULL;
        guint64 ours = asm_flags_expand(asm_flags_ours());

        link->flags = asm_handshake_get_peer_flags(link->handshake) & ours;
        link->is_published =
                (asm_handshake_get_peer_flags(link->handshake) & ASM_FLAG_PUBLISHED) != 0;
        asm_timer_disarm(&link->setup_timer);
        link->state = ASM_LINK_UP;
        link->has_read = TRUE;
        if (!asm_node_link_up(link->node, link, asm_handshake_replaces(link->handshake), &error)) {
                link->state = ASM_LINK_HANDSHAKE;
                asm_link_fail(link, error);
                return;
        }
        g_clear_pointer(&link->handshake, asm_handshake_free);
        g_debug("link to '%s' is up, tick time %u s", link->peer, config->net_ticktime_s);
}

static void
handshake_failed(AsmLink *link, GError *error)
{
        /* what the handshake has to say (not_allowed) goes out before the socket is closed */
        asm_link_flush(link);
        asm_link_fail(link, error);
}

/* the first two bytes of a TLS record: as a message it would be 5,635 bytes long, and waited for */
static gboolean
is_tls_record(const AsmLink *link, const guint8 *data, gsize len)
{
        return !link->is_tls && !link->is_initiator && len >= 2 && data[0] == 0x16 &&
               data[1] == 0x03;
}

/* returns how many bytes were used; frames may follow the last message of the handshake */
static gsize
feed_handshake(AsmLink *link, const guint8 *data, gsize len)
{
        GError *error = NULL;
        gsize used = 0;
        AsmHandshakeStatus status;

        if (link->peer == NULL && is_tls_record(link, data, len)) {
                asm_link_fail(
                        link,
                        g_error_new_literal(ASM_NODE_ERROR,
                                            ASM_NODE_ERROR_TLS,
                                            "it speaks TLS, and this node does not; see [tls] in "
                                            "asmd.conf(5)"));
                return len;
        }
        status = asm_handshake_feed(link->handshake, data, len, &used, &link->out, &error);

        if (status == ASM_HANDSHAKE_DECIDE) {
                const char *peer = asm_handshake_get_peer_name(link->handshake);
                AsmHandshakeAnswer answer = asm_node_link_decide(link->node, link, peer);

                g_clear_pointer(&link->peer, g_ref_string_release);
                link->peer = g_ref_string_new_intern(peer);
                status = asm_handshake_decide(link->handshake,
                                              answer,
                                              asm_node_get_cookie(link->node, peer),
                                              &link->out,
                                              &error);
        }
        asm_link_queued(link);
        if (status == ASM_HANDSHAKE_FAILED)
                handshake_failed(link, error);
        else if (status == ASM_HANDSHAKE_DONE)
                become_up(link);
        return used;
}

/* FALSE: the link is closed. @ret_used stops at the beginning of an unfinished frame. */
static gboolean
feed_frames(AsmLink *link, const guint8 *data, gsize len, gsize *ret_used)
{
        const AsmNodeConfig *config = asm_node_get_config(link->node);
        g_autoptr(GError) error = NULL;
        gsize at = 0;

        while (link->state == ASM_LINK_UP) {
                const guint8 *body;
                gsize body_len;
                gsize used;
                AsmControl control;

                switch (asm_frame_next(data + at,
                                       len - at,
                                       config->max_frame,
                                       &used,
                                       &body,
                                       &body_len,
                                       &error)) {
                case ASM_FRAME_MORE:
                        *ret_used = at;
                        return TRUE;
                case ASM_FRAME_TICK:
                        at += used;
                        break;
                case ASM_FRAME_PACKET:
                        if (!asm_control_decode(body, body_len, NULL, &control, &error)) {
                                asm_link_fail(link, g_steal_pointer(&error));
                                return FALSE;
                        }
                        at += used;
                        asm_node_get_counted(link->node)->n_frames_in++;
                        asm_node_link_control(link->node, link, &control);
                        break;
                case ASM_FRAME_BROKEN:
                        asm_link_fail(link, g_steal_pointer(&error));
                        return FALSE;
                }
        }
        return FALSE;
}

static gboolean
feed(AsmLink *link, const guint8 *data, gsize len, gsize *ret_used)
{
        gsize at = 0;
        gsize used = 0;

        while (link->state == ASM_LINK_HANDSHAKE && at < len) {
                used = feed_handshake(link, data + at, len - at);
                at += used;
                if (used == 0)
                        break;
        }
        if (link->state == ASM_LINK_UP) {
                if (!feed_frames(link, data + at, len - at, &used))
                        return FALSE;
                at += used;
        }
        *ret_used = at;
        return link->state != ASM_LINK_CLOSED;
}

static void
peer_closed(AsmLink *link, const GError *error)
{
        const char *how = error != NULL ? error->message : "connection closed by the peer";
        gboolean is_cookie = link->handshake != NULL && asm_handshake_awaits_ack(link->handshake);

        if (link->state == ASM_LINK_HANDSHAKE && link->is_initiator)
                asm_link_fail(link,
                              g_error_new(ASM_NODE_ERROR,
                                          ASM_NODE_ERROR_REFUSED,
                                          "'%s' ended the handshake (%s): %s '%s'",
                                          link->peer,
                                          how,
                                          is_cookie ? "its cookie is not the one that we have for"
                                                    : "it does not allow",
                                          is_cookie ? link->peer : asm_node_get_name(link->node)));
        else
                asm_link_fail(link, g_error_new(ASM_NODE_ERROR, ASM_NODE_ERROR_CONNECT, "%s", how));
}

/* keeps what is left of @data for the next read */
static void
keep_partial(AsmLink *link, const guint8 *data, gsize len)
{
        g_byte_array_set_size(link->partial, 0);
        if (len > 0)
                g_byte_array_append(link->partial, data, (guint)len);
}

static void
received(AsmLink *link, guint8 *scratch, gsize moved, gsize n)
{
        gsize used = 0;

        link->has_read = TRUE;
        asm_node_get_counted(link->node)->n_bytes_in += n;
        if (moved == link->partial->len) {
                if (feed(link, scratch, moved + n, &used))
                        keep_partial(link, scratch + used, moved + n - used);
        } else {
                g_byte_array_append(link->partial, scratch, (guint)n);
                if (feed(link, link->partial->data, link->partial->len, &used) && used > 0)
                        g_byte_array_remove_range(link->partial, 0, (guint)used);
        }
        /* a long frame has passed: give its memory back */
        if (link->partial->len == 0 && used > PARTIAL_MOVED_MAX + READ_SIZE) {
                g_byte_array_unref(link->partial);
                link->partial = g_byte_array_new();
        }
}

void
asm_link_readable(AsmLink *link)
{
        GInputStream *in = g_io_stream_get_input_stream(link->stream);
        guint8 *scratch = asm_node_get_scratch(link->node);
        g_autoptr(GError) error = NULL;
        gsize moved = link->partial->len <= PARTIAL_MOVED_MAX ? link->partial->len : 0;
        gssize n;

        if (moved > 0)
                memcpy(scratch, link->partial->data, moved);
        n = g_pollable_input_stream_read_nonblocking(G_POLLABLE_INPUT_STREAM(in),
                                                     scratch + moved,
                                                     READ_SIZE,
                                                     NULL,
                                                     &error);
        if (n < 0 && g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
                return;
        if (n <= 0)
                peer_closed(link, error);
        else
                received(link, scratch, moved, (gsize)n);
        /* what was answered on the spot need not wait for the next iteration */
        if (link->node != NULL)
                asm_node_flush(link->node);
}

void
asm_link_writable(AsmLink *link)
{
        if (link->state == ASM_LINK_CLOSED)
                return;
        link->is_blocked = FALSE;
        asm_link_flush(link);
}

static void
written(AsmLink *link, gsize n)
{
        gsize left;

        link->has_written = TRUE;
        asm_node_get_counted(link->node)->n_bytes_out += n;
        link->sent += n;
        left = link->out.len - link->sent;
        if (left == 0) {
                if (link->out.size > OUT_KEPT_MAX)
                        asm_builder_clear(&link->out);
                asm_builder_reset(&link->out);
                link->sent = 0;
        } else if (link->sent > left) {
                memmove(link->out.data, link->out.data + link->sent, left);
                link->out.len = left;
                link->sent = 0;
        }
        if (link->is_busy && left < asm_node_get_config(link->node)->high_water / 2) {
                link->is_busy = FALSE;
                asm_node_link_drained(link->node, link);
        }
}

void
asm_link_flush(AsmLink *link)
{
        GOutputStream *out = g_io_stream_get_output_stream(link->stream);

        link->is_dirty = FALSE;
        while (link->state != ASM_LINK_CLOSED && !link->is_blocked && link->sent < link->out.len) {
                g_autoptr(GError) error = NULL;
                gssize n = g_pollable_output_stream_write_nonblocking(G_POLLABLE_OUTPUT_STREAM(out),
                                                                      link->out.data + link->sent,
                                                                      link->out.len - link->sent,
                                                                      NULL,
                                                                      &error);

                if (n >= 0)
                        written(link, (gsize)n);
                else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
                        link->is_blocked = TRUE;
                else
                        peer_closed(link, error);
        }
        asm_link_update_source(link);
}

AsmBuilder *
asm_link_out(AsmLink *link)
{
        return &link->out;
}

void
asm_link_queued(AsmLink *link)
{
        const AsmNodeConfig *config;
        gsize waiting = link->out.len - link->sent;

        if (link->state == ASM_LINK_CLOSED) {
                asm_builder_clear(&link->out);
                return;
        }
        config = asm_node_get_config(link->node);
        if (waiting > config->max_queued) {
                asm_link_fail(link,
                              g_error_new(ASM_NODE_ERROR,
                                          ASM_NODE_ERROR_LIMIT,
                                          "does not read: more than %" G_GSIZE_FORMAT
                                          " bytes wait for it",
                                          config->max_queued));
                return;
        }
        if (link->state == ASM_LINK_UP)
                asm_node_get_counted(link->node)->n_frames_out++;
        if (waiting > config->high_water)
                link->is_busy = TRUE;
        if (!link->is_dirty && waiting > 0) {
                link->is_dirty = TRUE;
                asm_node_link_dirty(link->node, link);
        }
}

gboolean
asm_link_is_busy(AsmLink *link)
{
        return link->is_busy;
}

gboolean
asm_link_has_room(AsmLink *link, gsize bytes)
{
        const AsmNodeConfig *config;

        if (link->state == ASM_LINK_CLOSED)
                return TRUE;
        config = asm_node_get_config(link->node);
        return link->out.len - link->sent + bytes <= config->max_queued / 2;
}

static void
set_paused(AsmLink *link, gboolean is_paused)
{
        link->is_paused = is_paused;
        g_debug("link to '%s': %s", link->peer, is_paused ? "not read for now" : "read again");
        asm_link_update_source(link);
}

void
asm_link_hold(AsmLink *link, gsize bytes)
{
        link->held += bytes;
        if (link->state == ASM_LINK_UP && !link->is_paused &&
            link->held > asm_node_get_config(link->node)->max_held)
                set_paused(link, TRUE);
}

void
asm_link_release(AsmLink *link, gsize bytes)
{
        g_return_if_fail(bytes <= link->held);
        link->held -= bytes;
        if (link->state == ASM_LINK_UP && link->is_paused &&
            link->held <= asm_node_get_config(link->node)->max_held / 2)
                set_paused(link, FALSE);
}

gboolean
asm_link_is_paused(AsmLink *link)
{
        return link->is_paused;
}

void
asm_link_quarter(AsmLink *link)
{
        if (link->state != ASM_LINK_UP)
                return;
        if (!link->has_written && link->sent == link->out.len) {
                asm_control_encode_tick(&link->out);
                asm_node_get_counted(link->node)->n_frames_out--;
                asm_link_queued(link);
        }
        link->has_written = FALSE;
        /* a paused link is silent because nobody listens */
        link->silent_quarters = link->has_read || link->is_paused ? 0 : link->silent_quarters + 1;
        link->has_read = FALSE;
        if (link->silent_quarters >= 4)
                asm_link_fail(link,
                              g_error_new(ASM_NODE_ERROR,
                                          ASM_NODE_ERROR_TIMEOUT,
                                          "not heard of for %u s",
                                          asm_node_get_config(link->node)->net_ticktime_s));
}

static void
on_setup_timeout(AsmTimer *timer, gpointer user_data)
{
        AsmLink *link = user_data;

        asm_link_fail(link,
                      g_error_new(ASM_NODE_ERROR,
                                  ASM_NODE_ERROR_TIMEOUT,
                                  "the handshake was not finished within %u ms",
                                  asm_node_get_config(link->node)->setup_timeout_ms));
}

static GInetAddress *
dup_address(GSocket *socket)
{
        g_autoptr(GSocketAddress) remote = g_socket_get_remote_address(socket, NULL);

        return G_IS_INET_SOCKET_ADDRESS(remote) ? g_object_ref(g_inet_socket_address_get_address(
                                                          G_INET_SOCKET_ADDRESS(remote)))
                                                : NULL;
}

static AsmLink *
link_new(AsmNode *node, GIOStream *stream)
{
        g_autoptr(GIOStream) base = NULL;
        AsmLink *link = g_new0(AsmLink, 1);

        link->ref_count = 1;
        link->node = node;
        link->stream = g_object_ref(stream);
        link->is_tls = G_IS_TLS_CONNECTION(stream);
        if (link->is_tls)
                g_object_get(stream, "base-io-stream", &base, NULL);
        link->socket = g_object_ref(
                g_socket_connection_get_socket(G_SOCKET_CONNECTION(base != NULL ? base : stream)));
        link->address = dup_address(link->socket);
        link->partial = g_byte_array_new();
        /* calls are small and answered at once: no waiting for more to send */
        g_socket_set_option(link->socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
        asm_timer_init(&link->setup_timer, asm_node_get_timers(node), on_setup_timeout, link);
        asm_timer_arm(&link->setup_timer, asm_node_get_config(node)->setup_timeout_ms);
        asm_link_update_source(link);
        return link;
}

static AsmHandshakeConfig
handshake_config(const AsmLink *link)
{
        return (AsmHandshakeConfig){ .our_name = asm_node_get_name(link->node),
                                     .our_flags = asm_flags_ours(),
                                     .our_creation = asm_node_get_creation(link->node),
                                     .length_size = link->is_tls ? 4 : 2 };
}

AsmLink *
asm_link_new_initiator(AsmNode *node, GIOStream *stream, const char *peer)
{
        AsmLink *link = link_new(node, stream);
        AsmHandshakeConfig config = handshake_config(link);

        link->is_initiator = TRUE;
        link->peer = g_ref_string_new_intern(peer);
        link->handshake =
                asm_handshake_new_initiator(&config, peer, asm_node_get_cookie(node, peer));
        asm_handshake_start(link->handshake, &link->out);
        asm_link_queued(link);
        return link;
}

AsmLink *
asm_link_new_acceptor(AsmNode *node, GIOStream *stream)
{
        AsmLink *link = link_new(node, stream);
        AsmHandshakeConfig config = handshake_config(link);

        link->handshake = asm_handshake_new_acceptor(&config);
        return link;
}

GRefString *
asm_link_get_peer(AsmLink *link)
{
        return link->peer;
}

guint64
asm_link_get_flags(AsmLink *link)
{
        return link->flags;
}

gboolean
asm_link_is_up(AsmLink *link)
{
        return link->state == ASM_LINK_UP;
}
