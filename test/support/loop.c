/* SPDX-License-Identifier: MIT */

/*
 * The main loop of a test. Everything in the daemon happens in callbacks of the default main
 * context, so a test starts something and then iterates until what it waits for is there. The
 * deadline is a source like any other: an iteration may block, nothing is polled.
 */

#include "loop.h"

static gboolean
on_deadline(gpointer user_data)
{
        *(gboolean *)user_data = TRUE;
        return G_SOURCE_CONTINUE;
}

void
test_deadline_init(TestDeadline *deadline, guint ms)
{
        deadline->is_over = FALSE;
        deadline->source = g_timeout_source_new(ms);
        g_source_set_callback(deadline->source, on_deadline, &deadline->is_over, NULL);
        g_source_attach(deadline->source, NULL);
}

void
test_deadline_clear(TestDeadline *deadline)
{
        g_source_destroy(deadline->source);
        g_clear_pointer(&deadline->source, g_source_unref);
}

gboolean
test_deadline_iterate(TestDeadline *deadline)
{
        if (!deadline->is_over)
                g_main_context_iteration(NULL, TRUE);
        return !deadline->is_over;
}

void
test_settle(void)
{
        /* a bound, so that a source that is always ready fails a test instead of hanging it */
        for (guint i = 0; i < 10000 && g_main_context_iteration(NULL, FALSE); i++)
                ;
}

void
test_keep_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
        GAsyncResult **kept = user_data;

        g_assert(*kept == NULL);
        *kept = g_object_ref(result);
}
