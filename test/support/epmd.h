/* SPDX-License-Identifier: MIT */
#pragma once

/* An epmd of the test's own, on a port of its own. */

#include <gio/gio.h>

typedef struct {
        guint16 port;
        GSubprocess *process; /* NULL: not running */
} TestEpmd;

/* a TCP port on 127.0.0.1 that was free a moment ago */
guint16 test_free_port(void);

/* started and answering */
TestEpmd *test_epmd_new(void);
/* ends it and waits for its end; the port stays its own */
void test_epmd_kill(TestEpmd *epmd);
void test_epmd_start(TestEpmd *epmd);
void test_epmd_free(TestEpmd *epmd);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestEpmd, test_epmd_free)

/* the port under which @alive is registered, 0: it is not (runs the main loop) */
guint16 test_epmd_find(TestEpmd *epmd, const char *alive);
/* registers @alive for as long as the returned socket (transfer full) is open */
int test_epmd_register(TestEpmd *epmd, const char *alive, guint16 port);
