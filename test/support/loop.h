/* SPDX-License-Identifier: MIT */
#pragma once

/* Waiting in tests: the default main context runs until a condition holds or a deadline passes. */

#include <gio/gio.h>

/* far above what anything here takes, also under sanitizers on a busy machine */
#define TEST_PATIENCE_MS 30000
/* how often that is looked at which no event of the loop announces */
#define TEST_POLL_MS 20

typedef struct {
        GSource *source;
        gboolean is_over;
} TestDeadline;

void test_deadline_init(TestDeadline *deadline, guint ms);
void test_deadline_clear(TestDeadline *deadline);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TestDeadline, test_deadline_clear)
/* one iteration of the loop; FALSE when the deadline has passed */
gboolean test_deadline_iterate(TestDeadline *deadline);

/* TRUE as soon as @condition holds, FALSE if it does not within @ms */
#define test_wait_ms(condition, ms)                                                                \
        ({                                                                                         \
                g_auto(TestDeadline) deadline_;                                                    \
                gboolean holds_;                                                                   \
                test_deadline_init(&deadline_, ms);                                                \
                while (!(holds_ = !!(condition)) && test_deadline_iterate(&deadline_))             \
                        ;                                                                          \
                holds_;                                                                            \
        })
#define test_wait(condition) test_wait_ms(condition, TEST_PATIENCE_MS)

/* the same for what other processes do: the loop need not see anything of it */
#define test_poll(condition)                                                                       \
        ({                                                                                         \
                gboolean found_ = FALSE;                                                           \
                for (guint i_ = 0; !found_ && i_ < TEST_PATIENCE_MS / TEST_POLL_MS; i_++)          \
                        found_ = test_wait_ms(condition, TEST_POLL_MS);                            \
                found_;                                                                            \
        })

/* runs what is ready without waiting, until nothing is */
void test_settle(void);

/* a GAsyncReadyCallback that keeps the result: user_data is a GAsyncResult ** */
void test_keep_result(GObject *source, GAsyncResult *result, gpointer user_data);
