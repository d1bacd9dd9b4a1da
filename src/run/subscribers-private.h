/* SPDX-License-Identifier: MIT */
#pragma once

/* Who gets the events of a run, and what of them they have not got yet. */

#include "proc/procs.h"
#include "run/run.h"

typedef struct {
        AsmServer *server; /* borrowed: it monitors the subscribers */
        const AsmRunContext *context;
        const char *run_id;
        GArray *list;
        guint64 n_lagged; /* were left behind, ever */
        guint turn;       /* who is served first next time */

        /* the messages from @base to @end that somebody has not got; messages are numbered */
        GPtrArray *backlog; /* of AsmTerm; the first @head places are empty */
        guint head;
        gsize backlog_bytes;
        guint64 base;
        guint64 end;
} AsmSubscribers;

/* @context, @run_id: borrowed, outlive it */
void asm_subscribers_init(AsmSubscribers *self,
                          AsmServer *server,
                          const AsmRunContext *context,
                          const char *run_id);
void asm_subscribers_clear(AsmSubscribers *self);

/**
 * asm_subscribers_attach: messages from the event with the sequence @from on go to @pid, see
 *   asm_run_attach(); what has been goes with asm_subscribers_serve()
 * @record: of the run: its events are numbered as the messages here
 *
 * Returns: FALSE: no pid, its node is not connected, or there are too many
 */
gboolean asm_subscribers_attach(AsmSubscribers *self,
                                AsmView pid,
                                const AsmRecord *record,
                                gint64 from,
                                guint64 *ret_missing,
                                AsmFailure **ret_failure);
/* the monitor @ref has fired */
void asm_subscribers_remove(AsmSubscribers *self, const AsmRef *ref);
void asm_subscribers_remove_pid(AsmSubscribers *self, AsmView pid);
/* @n more messages, see asm_run_demand(). FALSE: @pid is no subscriber */
gboolean asm_subscribers_demand(AsmSubscribers *self,
                                AsmView pid,
                                guint n,
                                AsmFailure **ret_failure);

/* those who do not keep up now */
guint asm_subscribers_count_slow(const AsmSubscribers *self);

/* to all, at once or when their links can take it. Returns: asm_subscribers_must_wait() */
gboolean asm_subscribers_send(AsmSubscribers *self, AsmTerm *message);
/* links have drained: what waits for them is sent, as far as they take it */
void asm_subscribers_serve(AsmSubscribers *self);
/* should the source of messages be paused? */
gboolean asm_subscribers_must_wait(const AsmSubscribers *self);
/* everything that waits, and then @last, the last message: nobody keeps it after this */
void asm_subscribers_finish(AsmSubscribers *self, AsmView last);

/* does something wait for somebody? */
static inline gboolean
asm_subscribers_has_backlog(const AsmSubscribers *self)
{
        return self->backlog_bytes > 0;
}
