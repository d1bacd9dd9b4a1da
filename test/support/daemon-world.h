/* SPDX-License-Identifier: MIT */
#pragma once

/* A daemon up to its sessions, `asmd@127.0.0.1`, and a backend host, `host@127.0.0.1`. */

#include "host.h"
#include "session/session.h"

typedef struct {
        TestEpmd *epmd;
        TestWorld near;
        AsmManager *manager;
        TestWorld far;
        TestHost host;
        TestServer *subscriber; /* on the near side */
        guint n_idle;           /* processes on the near side when nothing goes on */
} TestDaemonWorld;

void test_daemon_world_init(TestDaemonWorld *world, const AsmManagerLimits *limits);
void test_daemon_world_clear(TestDaemonWorld *world);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TestDaemonWorld, test_daemon_world_clear)
/* the far side goes away */
void test_daemon_world_lose_host(TestDaemonWorld *world);

/* (transfer full): options of a session whose runs go to the host, and @more after them */
AsmTerm *test_remote_options(const char *more);
