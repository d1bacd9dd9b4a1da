/* SPDX-License-Identifier: MIT */

/*
 * Peers that need not behave. The handshake is the project's own state machine, driven here over a
 * non-blocking socket; everything behind it is bytes of the test's choice.
 */

#include "raw-peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dist/flags.h"
#include "dist/frame.h"
#include "loop.h"

int
test_connect(guint16 port)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        /* loopback: a listening socket's backlog takes it without its owner's help */
        if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
                close(fd);
                return -1;
        }
        fcntl(fd, F_SETFL, O_NONBLOCK);
        return fd;
}

int
test_listen(guint16 *ret_port)
{
        struct sockaddr_in address = { .sin_family = AF_INET };
        socklen_t len = sizeof address;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 16) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &len) < 0)
                g_error("cannot listen: %s", g_strerror(errno));
        *ret_port = ntohs(address.sin_port);
        return fd;
}

static gboolean
is_ready(int fd, short what)
{
        struct pollfd poll_fd = { .fd = fd, .events = what };

        /* a little patience keeps the loop from spinning while the kernel moves bytes */
        return poll(&poll_fd, 1, 1) > 0;
}

/* runs the main loop, which must not block, until @fd is ready */
static gboolean
wait_for(int fd, short what, guint ms)
{
        gint64 until = g_get_monotonic_time() + ms * 1000;

        while (!is_ready(fd, what)) {
                if (g_get_monotonic_time() > until)
                        return FALSE;
                test_settle();
        }
        return TRUE;
}

int
test_accept(int listener)
{
        if (!wait_for(listener, POLLIN, TEST_PATIENCE_MS))
                return -1;
        return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

void
test_send(int fd, gconstpointer data, gsize len)
{
        const guint8 *at = data;

        while (len > 0) {
                ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

                if (n > 0) {
                        at += n;
                        len -= (gsize)n;
                } else if (errno != EAGAIN || !wait_for(fd, POLLOUT, TEST_PATIENCE_MS)) {
                        /* closed: what a test wants to see it sees when it reads */
                        return;
                }
        }
}

gboolean
test_receive(int fd, gpointer data, gsize len)
{
        guint8 *at = data;

        while (len > 0) {
                ssize_t n = read(fd, at, len);

                if (n == 0 || (n < 0 && errno != EAGAIN))
                        return FALSE;
                if (n < 0 && !wait_for(fd, POLLIN, TEST_PATIENCE_MS))
                        return FALSE;
                if (n > 0) {
                        at += n;
                        len -= (gsize)n;
                }
        }
        return TRUE;
}

gboolean
test_is_closed_within(int fd, guint ms)
{
        gint64 until = g_get_monotonic_time() + ms * 1000;
        guint8 bin[65536];

        while (g_get_monotonic_time() < until) {
                ssize_t n;

                if (!wait_for(fd, POLLIN, 50))
                        continue;
                n = read(fd, bin, sizeof bin);
                if (n == 0 || (n < 0 && errno != EAGAIN))
                        return TRUE;
        }
        return FALSE;
}

static void
send_out(TestPeer *peer, AsmBuilder *out)
{
        test_send(peer->fd, out->data, out->len);
        asm_builder_reset(out);
}

static gboolean
shake_hands(TestPeer *peer, const char *cookie, GError **error)
{
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
        AsmHandshakeStatus status = ASM_HANDSHAKE_NEED_INPUT;
        guint8 byte;
        gsize used;

        while (status == ASM_HANDSHAKE_NEED_INPUT) {
                if (!test_receive(peer->fd, &byte, 1)) {
                        g_set_error(error, G_IO_ERROR, G_IO_ERROR_CLOSED, "closed by the node");
                        return FALSE;
                }
                status = asm_handshake_feed(peer->handshake, &byte, 1, &used, &out, error);
                if (status == ASM_HANDSHAKE_DECIDE)
                        status = asm_handshake_decide(peer->handshake,
                                                      ASM_HANDSHAKE_ANSWER_OK,
                                                      cookie,
                                                      &out,
                                                      error);
                send_out(peer, &out);
        }
        if (status == ASM_HANDSHAKE_DONE)
                peer->flags = asm_handshake_get_peer_flags(peer->handshake);
        return status == ASM_HANDSHAKE_DONE;
}

static TestPeer *
peer_new(int fd, const char *name, AsmHandshakeConfig *ret_config)
{
        TestPeer *peer = g_new0(TestPeer, 1);

        peer->fd = fd;
        peer->name = g_strdup(name);
        peer->received = g_byte_array_new();
        *ret_config = (AsmHandshakeConfig){ .our_name = name,
                                            .our_flags = asm_flags_ours(),
                                            .our_creation = 77,
                                            .length_size = 2 };
        return peer;
}

static TestPeer *
peer_finish(TestPeer *peer, const char *cookie, GError **ret_error)
{
        g_autoptr(GError) error = NULL;

        if (shake_hands(peer, cookie, &error))
                return peer;
        if (ret_error == NULL)
                g_error("handshake of '%s': %s", peer->name, error->message);
        test_peer_free(peer);
        *ret_error = g_steal_pointer(&error);
        return NULL;
}

TestPeer *
test_peer_connect(guint16 port,
                  const char *name,
                  const char *node_name,
                  const char *cookie,
                  GError **ret_error)
{
        AsmHandshakeConfig config;
        TestPeer *peer = peer_new(test_connect(port), name, &config);
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;

        peer->handshake = asm_handshake_new_initiator(&config, node_name, cookie);
        asm_handshake_start(peer->handshake, &out);
        send_out(peer, &out);
        return peer_finish(peer, cookie, ret_error);
}

TestPeer *
test_peer_accept(int fd, const char *name, const char *cookie, GError **ret_error)
{
        AsmHandshakeConfig config;
        TestPeer *peer = peer_new(fd, name, &config);

        peer->handshake = asm_handshake_new_acceptor(&config);
        return peer_finish(peer, cookie, ret_error);
}

void
test_peer_free(TestPeer *peer)
{
        if (peer == NULL)
                return;
        close(peer->fd);
        asm_handshake_free(peer->handshake);
        g_byte_array_unref(peer->received);
        g_free(peer->name);
        g_free(peer);
}

void
test_peer_say(TestPeer *peer, const AsmBuilder *frames)
{
        test_send(peer->fd, frames->data, frames->len);
}

AsmPid
test_peer_pid(const TestPeer *peer, guint32 id)
{
        return (AsmPid){ .node = g_ref_string_new_intern(peer->name), .id = id, .creation = 77 };
}

AsmRef
test_peer_ref(const TestPeer *peer, guint32 n)
{
        return (AsmRef){ .node = g_ref_string_new_intern(peer->name),
                         .creation = 77,
                         .n_words = 3,
                         .words = { n, 2, 3 } };
}

gboolean
test_peer_hear(TestPeer *peer, AsmControl *ret_control)
{
        guint8 header[4] = { 0 };
        guint32 len;

        do {
                if (!test_receive(peer->fd, header, sizeof header))
                        return FALSE;
                memcpy(&len, header, sizeof len);
                len = g_ntohl(len);
        } while (len == 0);
        g_byte_array_set_size(peer->received, len);
        return test_receive(peer->fd, peer->received->data, len) &&
               asm_control_decode(peer->received->data, len, NULL, ret_control, NULL);
}
