/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A peer made of a plain socket, which says what a test wants it to say. The node under test lives
 * in the same thread, so whatever waits for it runs the main loop meanwhile.
 */

#include "dist/control.h"
#include "dist/handshake.h"
#include "epmd.h"

/* a connected non-blocking socket to a port of this machine; -1: refused */
int test_connect(guint16 port);
/* a listening non-blocking socket on 127.0.0.1 */
int test_listen(guint16 *ret_port);
/* waits (in the main loop) for a connection; -1: none came */
int test_accept(int listener);
/* all of it or the test ends */
void test_send(int fd, gconstpointer data, gsize len);
/* exactly @len bytes; FALSE: the other side has closed, or nothing came in time */
gboolean test_receive(int fd, gpointer data, gsize len);
/* TRUE: the other side closes within @ms; what it says before is dropped */
gboolean test_is_closed_within(int fd, guint ms);

typedef struct {
        char *name;
        int fd;
        AsmHandshake *handshake;
        guint64 flags;
        GByteArray *received; /* behind the handshake */
} TestPeer;

/**
 * test_peer_connect: a peer that calls the node on @port and shakes hands
 * @ret_error: (out) (nullable): why the handshake failed; NULL: it must not fail
 */
TestPeer *test_peer_connect(guint16 port,
                            const char *name,
                            const char *node_name,
                            const char *cookie,
                            GError **ret_error);
/* a peer that is called: @fd comes from test_accept() */
TestPeer *test_peer_accept(int fd, const char *name, const char *cookie, GError **ret_error);
void test_peer_free(TestPeer *peer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestPeer, test_peer_free)

/* sends a frame built with asm_control_encode_*() */
void test_peer_say(TestPeer *peer, const AsmBuilder *frames);
/* a pid of this peer */
AsmPid test_peer_pid(const TestPeer *peer, guint32 id);
AsmRef test_peer_ref(const TestPeer *peer, guint32 n);
/**
 * test_peer_hear: the next signal, ticks left out
 *
 * Its views are valid until the next call. FALSE: none came in time, or the connection ended
 */
gboolean test_peer_hear(TestPeer *peer, AsmControl *ret_control);
