/* SPDX-License-Identifier: MIT */

/*
 * Fan-out. Each subscriber is a pid, mostly of another node, with a monitor: one that ends, or
 * whose node goes away, is forgotten. A message is copied to each subscriber's link; a link that
 * cannot keep up becomes busy, and is remembered with its subscriber until it has drained.
 */

#include "subscribers-private.h"

typedef struct {
        AsmTerm *pid;
        AsmRef monitor;
        AsmLink *link; /* owned, while it is busy, else NULL: it may end before we hear of it */
} Subscriber;

static void
set_link(Subscriber *subscriber, AsmLink *link)
{
        if (link != NULL)
                asm_link_ref(link);
        asm_link_unref(subscriber->link);
        subscriber->link = link;
}

static void
subscriber_clear(gpointer data)
{
        Subscriber *subscriber = data;

        asm_term_unref(subscriber->pid);
        asm_ref_clear(&subscriber->monitor);
        asm_link_unref(subscriber->link);
}

void
asm_subscribers_init(AsmSubscribers *self, AsmServer *server, AsmProcs *procs, guint max)
{
        *self = (AsmSubscribers){ .server = server,
                                  .procs = procs,
                                  .max = max,
                                  .list = g_array_new(FALSE, FALSE, sizeof(Subscriber)) };
        g_array_set_clear_func(self->list, subscriber_clear);
}

void
asm_subscribers_clear(AsmSubscribers *self)
{
        g_clear_pointer(&self->list, g_array_unref);
}

gboolean
asm_subscribers_add(AsmSubscribers *self, AsmView view, AsmFailure **ret_failure)
{
        AsmNode *node = asm_procs_get_node(self->procs);
        Subscriber subscriber = { 0 };
        g_auto(AsmPid) pid = { 0 };

        if (!asm_pid_from_view(view, &pid)) {
                *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                               ASM_DOMAIN_CONFIG,
                                               "option subscriber: expected a pid");
                return FALSE;
        }
        if (pid.node != asm_node_get_name(node) && asm_node_find_link(node, pid.node) == NULL) {
                *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                               ASM_DOMAIN_CONFIG,
                                               "option subscriber: '%s' is not connected to '%s'; "
                                               "connect it first (net_adm:ping/1)",
                                               pid.node,
                                               asm_node_get_name(node));
                return FALSE;
        }
        if (self->list->len >= self->max) {
                *ret_failure = asm_failure_new(ASM_FAILURE_AT_CAPACITY,
                                               ASM_DOMAIN_RUNTIME,
                                               "the run has %u subscribers, which is the limit",
                                               self->list->len);
                return FALSE;
        }
        subscriber.pid = asm_term_new(view);
        subscriber.monitor = asm_server_monitor(self->server, &pid);
        g_array_append_val(self->list, subscriber);
        return TRUE;
}

void
asm_subscribers_remove(AsmSubscribers *self, const AsmRef *ref)
{
        for (guint i = 0; i < self->list->len; i++) {
                Subscriber *subscriber = &g_array_index(self->list, Subscriber, i);

                if (asm_ref_equal(&subscriber->monitor, ref)) {
                        g_array_remove_index(self->list, i);
                        return;
                }
        }
}

gboolean
asm_subscribers_send(AsmSubscribers *self, AsmView message)
{
        gboolean is_busy = FALSE;

        for (guint i = 0; i < self->list->len; i++) {
                Subscriber *subscriber = &g_array_index(self->list, Subscriber, i);
                AsmLink *link =
                        asm_procs_send(self->procs, asm_term_view(subscriber->pid), message);

                if (link != NULL && asm_link_is_busy(link)) {
                        set_link(subscriber, link);
                        is_busy = TRUE;
                }
        }
        return is_busy;
}

gboolean
asm_subscribers_are_busy(AsmSubscribers *self)
{
        for (guint i = 0; i < self->list->len; i++) {
                Subscriber *subscriber = &g_array_index(self->list, Subscriber, i);

                if (subscriber->link == NULL)
                        continue;
                if (asm_link_is_up(subscriber->link) && asm_link_is_busy(subscriber->link))
                        return TRUE;
                set_link(subscriber, NULL);
        }
        return FALSE;
}
