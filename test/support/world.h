/* SPDX-License-Identifier: MIT */
#pragma once

/* A node with processes. Two of them in one test exchange real signals over loopback. */

#include "erlang.h"
#include "proc/procs.h"
#include "proc/rpc.h"
#include "test-node.h"

typedef struct {
        TestNode self;
        AsmProcs *procs;
        AsmRpc *rpc;
        guint max_servers; /* set before test_world_init(); 0: no limit */
} TestWorld;

/* "NAME@127.0.0.1", started; @max_mail 0: a thousand */
void test_world_init(TestWorld *world, const char *name, guint16 epmd_port, guint max_mail);
/* ends every server, then everything; what had not been made is left out */
void test_world_clear(TestWorld *world);

/* borrowed: the link from @a to @b, up on both sides */
AsmLink *test_world_connect(TestWorld *a, TestWorld *b);
/* borrowed: the link to a peer that is up */
AsmLink *test_world_link(TestWorld *world, const char *peer);

/**
 * TestServer: a server that writes down what happens to it, one line per event:
 *
 *     call R | cast R | info M | down R | exit R | end R
 *
 * A call of {reply, X} is answered X; later: kept in @from; {stop, R}: it stops with R inside its
 * handler, as it does for a cast or message {stop, R}. Other calls are answered with the atom ok.
 */
typedef struct {
        AsmServer server;
        GString *log;
        AsmTerm *from;
        gboolean is_finalized;
        guint n_handled;
        void (*on_end)(gpointer user_data); /* called at its end */
        gpointer end_data;
} TestServer;

TestServer *test_server_new(AsmProcs *procs, gboolean traps_exits);
/* stops it if need be; the last reference must be the test's: asserted */
void test_server_free(TestServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestServer, test_server_free)

/* (transfer full): the pid as a term */
AsmTerm *test_server_pid(const TestServer *server);
/* a message from here to there, wherever that is */
void test_server_send(TestServer *from, const TestServer *to, const char *text);
/* `{'$gen_call', {From, tag}, Request}`; the answer comes to @from as `info {tag,Answer}` */
void test_server_call(TestServer *from, const TestServer *to, const char *request);

/* the log so far; the log begins anew */
char *test_server_take_log(TestServer *server);

/* waits until @server has logged @expected (all of it and nothing else), then begins a new log */
#define test_expect_log(server_, expected_)                                                        \
        do {                                                                                       \
                g_autofree char *log_ = NULL;                                                      \
                test_wait_ms(g_str_has_suffix((server_)->log->str, (expected_)) &&                 \
                                     strlen((expected_)) > 0,                                      \
                             strlen((expected_)) > 0 ? 3000 : 0);                                  \
                test_settle();                                                                     \
                log_ = test_server_take_log(server_);                                              \
                cr_assert_str_eq(log_, (expected_));                                               \
        } while (0)
