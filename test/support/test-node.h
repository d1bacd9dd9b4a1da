/* SPDX-License-Identifier: MIT */
#pragma once

/* A node in the test's own process. Any number of them live side by side in one main loop. */

#include "epmd.h"
#include "loop.h"
#include "node/node.h"

#define TEST_COOKIE "biscuit"

typedef struct {
        AsmTimers *timers;
        AsmNode *node;
} TestNode;

/* loopback, any port, epmd's port, no starting of an epmd, short time-outs; name still unset */
void test_node_config_init(AsmNodeConfig *config, guint16 epmd_port);

/* not started and without a listener; cookie TEST_COOKIE */
TestNode test_node_make(const AsmNodeConfig *config, const char *cookie);
void test_node_clear(TestNode *node);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TestNode, test_node_clear)

/* what a node's listener has heard, for tests that have no processes */
typedef struct {
        GString *told; /* "up NAME\n", "down NAME\n", "drained NAME\n" */
        guint n_up;
        guint n_down;
        guint n_drained;
        guint n_control;
        GString *messages; /* the text of each message received, one per line */
        gsize n_bytes;     /* in their payloads */
} TestEvents;

void test_events_init(TestEvents *events, TestNode *node);
void test_events_clear(TestEvents *events);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TestEvents, test_events_clear)

/* listens and registers; the error if it does not (transfer full) */
GError *test_node_start(AsmNode *node);
/* (transfer full) the link or NULL with @ret_error */
AsmLink *test_node_connect(AsmNode *node, const char *peer, guint timeout_ms, GError **ret_error);

/* log lines of this process, for tests of what is said and what is not (transfer none) */
void test_log_capture(void);
gboolean test_log_has(const char *text);
