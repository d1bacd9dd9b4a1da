/* SPDX-License-Identifier: MIT */

/*
 * Who follows a run, as the run sees it: they come and go while it goes on, and its backend is paused
 * only as long as there is nobody who could take more (subscribers.c). Whatever changes that, somebody
 * gone or a link that has drained, ends here in asm_run_drained().
 */

#include "run-private.h"

#include "proc/procs.h"

static void
on_replay(AsmTimer *timer, gpointer user_data)
{
        asm_run_drained(user_data);
}

gboolean
asm_run_attach(AsmRun *run,
               AsmView pid,
               gint64 from,
               guint64 *ret_missing,
               AsmFailure **ret_failure)
{
        if (!asm_subscribers_attach(&run->subscribers,
                                    pid,
                                    run->record,
                                    from,
                                    ret_missing,
                                    ret_failure))
                return FALSE;
        /* later, so that the answer to who has asked comes first */
        if (asm_subscribers_has_backlog(&run->subscribers)) {
                asm_timer_disarm(&run->replay);
                asm_timer_init(&run->replay,
                               asm_procs_get_timers(run->context.backend.procs),
                               on_replay,
                               run);
                asm_timer_arm(&run->replay, 0);
        }
        return TRUE;
}

gboolean
asm_run_subscribe(AsmRun *run, AsmView pid, AsmFailure **ret_failure)
{
        guint64 missing;

        return asm_run_attach(run, pid, ASM_FROM_NOW, &missing, ret_failure);
}

void
asm_run_unsubscribe(AsmRun *run, AsmView pid)
{
        asm_subscribers_remove_pid(&run->subscribers, pid);
        asm_run_drained(run);
}

gboolean
asm_run_demand(AsmRun *run, AsmView pid, guint n, AsmFailure **ret_failure)
{
        if (!asm_subscribers_demand(&run->subscribers, pid, n, ret_failure))
                return FALSE;
        asm_run_drained(run);
        return TRUE;
}

void
asm_run_drained(AsmRun *run)
{
        asm_subscribers_serve(&run->subscribers);
        if (run->is_over && !run->is_concluded && !asm_subscribers_has_backlog(&run->subscribers)) {
                /* from the main loop: the run may be freed by it */
                asm_timer_disarm(&run->deadline);
                asm_timer_arm(&run->deadline, 0);
        }
        if (!run->is_paused || asm_subscribers_must_wait(&run->subscribers))
                return;
        run->is_paused = FALSE;
        run->last_event_us = g_get_monotonic_time();
        if (run->backend != NULL)
                run->backend->klass->set_paused(run->backend, FALSE);
}
