/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A backend host made of a world: it answers the remote calls by which a run is started on another
 * node, and its sessions say what a test wants them to say. No CLI, no BEAM.
 */

#include "event/event.h"
#include "world.h"

typedef enum {
        TEST_HOST_STARTS,  /* sessions start */
        TEST_HOST_REFUSES, /* start_core_session answers {error, refused_by_test} */
        TEST_HOST_WAITS,   /* it answers when test_host_release() is called */
        TEST_HOST_RAISES,  /* it raises */
        TEST_HOST_MUTE,    /* the first check is never answered */
        TEST_HOST_EMPTY,   /* the module is not loaded */
} TestHostMode;

/* what a session answers to a control call */
typedef enum {
        TEST_HOST_SAYS_OK,
        TEST_HOST_SAYS_NO, /* {error, not_running} */
        TEST_HOST_SAYS_NOTHING,
} TestHostAnswer;

typedef struct _TestHost TestHost;

typedef struct {
        AsmServer server;
        TestHost *host;
        GString *log;        /* "call R", "info M", "end R" lines */
        AsmTerm *subscriber; /* pid */
        AsmTerm *ref;
        AsmTerm *options;
        gint64 n_emitted;
        gboolean is_alive;
} TestHostSession;

struct _TestHost {
        TestWorld *world;
        TestHostMode mode;
        TestHostAnswer answer;
        gboolean completes;    /* each session completes its run as soon as it has started */
        gboolean takes_pauses; /* it has the capability run_pause_v1 */
        GPtrArray *sessions;   /* owned TestHostSession, in the order of their start */
        GPtrArray *waiting;    /* start requests that are not answered */
        GString *calls;        /* "Module:function" lines of what was called */
};

void test_host_init(TestHost *host, TestWorld *world);
/* before the world is cleared */
void test_host_clear(TestHost *host);
TestHostSession *test_host_session(TestHost *host, guint i);
/* answers all starts that wait as if the mode were STARTS */
void test_host_release(TestHost *host);
guint test_host_count_alive(TestHost *host);

/* an event of @kind with the payload fields in @fields ("#{...}" is added): sequence counts up */
void test_host_emit(TestHostSession *session, AsmEventKind kind, const char *fields);
/* some text and then the event that completes the run */
void test_host_complete(TestHostSession *session, const char *text);
void test_host_end(TestHostSession *session, const char *reason);
