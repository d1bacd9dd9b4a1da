/* SPDX-License-Identifier: MIT */
#pragma once

/* Who gets the events of a run. */

#include "event/failure.h"
#include "proc/procs.h"

typedef struct {
        AsmServer *server; /* borrowed: it monitors the subscribers */
        AsmProcs *procs;
        guint max;
        GArray *list;
} AsmSubscribers;

void asm_subscribers_init(AsmSubscribers *self, AsmServer *server, AsmProcs *procs, guint max);
void asm_subscribers_clear(AsmSubscribers *self);

/* FALSE: no pid, its node is not connected, or there are too many */
gboolean asm_subscribers_add(AsmSubscribers *self, AsmView pid, AsmFailure **ret_failure);
/* the monitor @ref has fired */
void asm_subscribers_remove(AsmSubscribers *self, const AsmRef *ref);
/* Returns: TRUE: somebody's link is busy now */
gboolean asm_subscribers_send(AsmSubscribers *self, AsmView message);
/* is a link busy that was so after the last send? */
gboolean asm_subscribers_are_busy(AsmSubscribers *self);

static inline gboolean
asm_subscribers_is_empty(const AsmSubscribers *self)
{
        return self->list->len == 0;
}
