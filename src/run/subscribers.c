/* SPDX-License-Identifier: MIT */

/*
 * Fan-out. Each subscriber is a pid, mostly of another node, with a monitor: one that ends, or
 * whose node goes away, is forgotten.
 *
 * The rule: nothing is sent into a busy link. A message is encoded once and copied to the links that
 * take it; while somebody's link does not, it is kept, once for all, in the backlog, and each
 * subscriber has its own place in there. So a link never waits with more than its high-water mark and
 * one message of runs, however many subscribers its node has, and who is slow gets in nobody's way.
 *
 * A subscriber is slow while its link is busy or something waits for it.
 *
 *     all are slow                        the source waits (the caller pauses it)
 *     some are, slow ones are not dropped the source waits
 *     some are, else                      the source goes on. When the backlog is over its limit,
 *                                         those at its end are left behind: they are told
 *                                         {asm_run_lagged, RunId, Error}, and of the rest of the
 *                                         run only its end
 *
 * A subscriber can say how many messages it wants, and say it again (asm_subscribers_demand()): while it
 * wants none its link counts as busy. So a process that is slower than its node makes the run wait, too.
 *
 * So nobody misses anything without being told, and the only subscriber of a run misses nothing.
 * When the run is over what waits goes to the links, as long as they are far from their end.
 *
 * Who attaches to what has been is a slow subscriber whose place is further back: the messages from
 * there on, which the history holds, are put before the backlog, and from then on it is served like
 * any other. So between what has been and what comes there is no seam.
 */

#include "subscribers-private.h"

#include "base/log.h"

typedef struct {
        AsmTerm *address; /* the pid as it is sent to */
        AsmPid pid;
        AsmRef monitor;
        guint64 next;       /* number of the first message that it has not got */
        gboolean is_behind; /* left behind: only the last message is for it */
        gboolean is_counted;
        guint64 demand; /* if it is counted: how many messages it wants */
} Subscriber;

static void
subscriber_clear(gpointer data)
{
        Subscriber *subscriber = data;

        asm_term_unref(subscriber->address);
        asm_pid_clear(&subscriber->pid);
        asm_ref_clear(&subscriber->monitor);
}

static void
free_term(gpointer term)
{
        asm_term_unref(term);
}

void
asm_subscribers_init(AsmSubscribers *self,
                     AsmServer *server,
                     const AsmRunContext *context,
                     const char *run_id)
{
        *self = (AsmSubscribers){ .server = server,
                                  .context = context,
                                  .run_id = run_id,
                                  .list = g_array_new(FALSE, FALSE, sizeof(Subscriber)),
                                  .backlog = g_ptr_array_new_with_free_func(free_term) };
        g_array_set_clear_func(self->list, subscriber_clear);
}

void
asm_subscribers_clear(AsmSubscribers *self)
{
        g_clear_pointer(&self->list, g_array_unref);
        g_clear_pointer(&self->backlog, g_ptr_array_unref);
}

static Subscriber *
subscriber_at(const AsmSubscribers *self, guint i)
{
        return &g_array_index(self->list, Subscriber, i);
}

static AsmProcs *
get_procs(const AsmSubscribers *self)
{
        return self->context->backend.procs;
}

/* NULL: a process of this node, or one whose end we are about to hear of: never busy */
static AsmLink *
find_link(const AsmSubscribers *self, const Subscriber *subscriber)
{
        return asm_node_find_link(asm_procs_get_node(get_procs(self)), subscriber->pid.node);
}

static gboolean
is_busy(const AsmSubscribers *self, const Subscriber *subscriber)
{
        AsmLink *link = find_link(self, subscriber);

        if (subscriber->is_counted && subscriber->demand == 0)
                return TRUE;
        return link != NULL && asm_link_is_busy(link);
}

static gboolean
is_slow(const AsmSubscribers *self, const Subscriber *subscriber)
{
        return subscriber->next < self->end || is_busy(self, subscriber);
}

static void
deliver(AsmSubscribers *self, const Subscriber *subscriber, AsmView message)
{
        asm_procs_send(get_procs(self), asm_term_view(subscriber->address), message);
}

static void
deliver_next(AsmSubscribers *self, Subscriber *subscriber, AsmView message)
{
        deliver(self, subscriber, message);
        subscriber->next++;
        if (subscriber->demand > 0)
                subscriber->demand--;
}

/* --- the backlog ----------------------------------------------------------------------------- */

static AsmView
backlog_at(const AsmSubscribers *self, guint64 number)
{
        gsize index = self->head + (gsize)(number - self->base);

        return asm_term_view(g_ptr_array_index(self->backlog, index));
}

static void
keep(AsmSubscribers *self, AsmTerm *message)
{
        g_ptr_array_add(self->backlog, asm_term_ref(message));
        self->backlog_bytes += message->len;
}

/* drops what everybody has got */
static void
trim(AsmSubscribers *self)
{
        guint64 wanted = self->end;

        for (guint i = 0; i < self->list->len; i++) {
                const Subscriber *subscriber = subscriber_at(self, i);

                if (!subscriber->is_behind)
                        wanted = MIN(wanted, subscriber->next);
        }
        while (self->base < wanted && self->head < self->backlog->len) {
                self->backlog_bytes -= backlog_at(self, self->base).len;
                g_clear_pointer(&g_ptr_array_index(self->backlog, self->head), asm_term_unref);
                self->head++;
                self->base++;
        }
        self->base = wanted;
        if (self->head == self->backlog->len || self->head > 1024) {
                g_ptr_array_remove_range(self->backlog, 0, self->head);
                self->head = 0;
        }
}

/* {asm_run_lagged, RunId, Error} */
static void
leave_behind(AsmSubscribers *self, Subscriber *subscriber)
{
        g_autoptr(AsmFailure) failure =
                asm_failure_new(ASM_FAILURE_BUFFER_OVERFLOW,
                                ASM_DOMAIN_RUNTIME,
                                "'%s' does not keep up with run %s: %" G_GSIZE_FORMAT
                                " bytes of events wait for it, and no more of them come; see "
                                "max_lag_bytes in asmd.conf(5)",
                                subscriber->pid.node,
                                self->run_id,
                                self->backlog_bytes);
        g_auto(AsmBuilder) message = ASM_BUILDER_INIT;

        asm_builder_tuple(&message, 3);
        asm_builder_atom(&message, "asm_run_lagged");
        asm_builder_text(&message, self->run_id);
        asm_builder_failure(&message, failure);
        subscriber->is_behind = TRUE;
        self->n_lagged++;
        deliver(self, subscriber, asm_builder_peek(&message));
}

/* while somebody keeps up: those at the end of a backlog that is too long are left behind */
static void
shorten(AsmSubscribers *self)
{
        guint n = 0;

        while (self->backlog_bytes > self->context->max_lag && !asm_subscribers_must_wait(self)) {
                for (guint i = 0; i < self->list->len; i++) {
                        Subscriber *subscriber = subscriber_at(self, i);

                        if (subscriber->is_behind || subscriber->next > self->base)
                                continue;
                        leave_behind(self, subscriber);
                        n++;
                }
                trim(self);
        }
        if (n > 0)
                asm_log(G_LOG_LEVEL_MESSAGE,
                        &(AsmLogTags){ .event = ASM_LOG_EVENT_SUBSCRIBER_LAGGED,
                                       .run = self->run_id },
                        "run %s: %u of %u subscribers do not keep up and get no more events",
                        self->run_id,
                        n,
                        self->list->len);
}

/* --- who ------------------------------------------------------------------------------------- */

static gint
find_pid(const AsmSubscribers *self, const AsmPid *pid)
{
        for (guint i = 0; i < self->list->len; i++) {
                if (asm_pid_equal(&subscriber_at(self, i)->pid, pid))
                        return (gint)i;
        }
        return -1;
}

static void
remove_at(AsmSubscribers *self, guint index)
{
        g_array_remove_index(self->list, index);
        trim(self);
}

static gboolean
check_new(AsmSubscribers *self, const AsmPid *pid, AsmFailure **ret_failure)
{
        AsmNode *node = asm_procs_get_node(get_procs(self));

        if (pid->node != asm_node_get_name(node) && asm_node_find_link(node, pid->node) == NULL) {
                *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                               ASM_DOMAIN_CONFIG,
                                               "option subscriber: '%s' is not connected to '%s'; "
                                               "connect it first (net_adm:ping/1)",
                                               pid->node,
                                               asm_node_get_name(node));
                return FALSE;
        }
        if (self->list->len >= self->context->max_subscribers) {
                *ret_failure = asm_failure_new(ASM_FAILURE_AT_CAPACITY,
                                               ASM_DOMAIN_RUNTIME,
                                               "the run has %u subscribers, which is the limit",
                                               self->list->len);
                return FALSE;
        }
        return TRUE;
}

/* the events from @from on that the history has, before those that are kept here */
static void
put_before(AsmSubscribers *self, const AsmRecord *record, guint64 from)
{
        g_autoptr(GPtrArray) old = NULL;
        guint old_head = self->head;

        if (from >= self->base)
                return;
        old = g_steal_pointer(&self->backlog);
        self->backlog = g_ptr_array_new_with_free_func(free_term);
        self->head = 0;
        for (guint64 number = from; number < self->base; number++)
                keep(self, asm_record_get_message(record, number));
        for (guint i = old_head; i < old->len; i++)
                g_ptr_array_add(self->backlog, g_steal_pointer(&g_ptr_array_index(old, i)));
        self->base = from;
}

/* where a replay begins that is to be no more than half of what a subscriber may lag behind */
static guint64
first_within_lag(const AsmSubscribers *self, const AsmRecord *record, guint64 from)
{
        guint64 number = self->end;
        gsize bytes = 0;

        if (!self->context->drops_slow_subscribers)
                return from;
        while (number > from) {
                bytes += asm_record_get_message(record, number - 1)->len;
                if (bytes > self->context->max_lag / 2)
                        break;
                number--;
        }
        return number;
}

gboolean
asm_subscribers_attach(AsmSubscribers *self,
                       AsmView view,
                       const AsmRecord *record,
                       gint64 from,
                       guint64 *ret_missing,
                       AsmFailure **ret_failure)
{
        g_auto(AsmPid) pid = { 0 };
        Subscriber subscriber = { 0 };
        guint64 wanted;
        gint index;

        if (!asm_pid_from_view(view, &pid)) {
                *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                               ASM_DOMAIN_CONFIG,
                                               "option subscriber: expected a pid");
                return FALSE;
        }
        *ret_missing = 0;
        index = find_pid(self, &pid);
        if (index >= 0 && !subscriber_at(self, (guint)index)->is_behind)
                return TRUE;
        if (index < 0 && !check_new(self, &pid, ret_failure))
                return FALSE;
        wanted = asm_record_find(record, from, ret_missing);
        subscriber.next = first_within_lag(self, record, wanted);
        *ret_missing += subscriber.next - wanted;
        put_before(self, record, subscriber.next);
        if (index >= 0) {
                subscriber_at(self, (guint)index)->next = subscriber.next;
                subscriber_at(self, (guint)index)->is_behind = FALSE;
                return TRUE;
        }
        subscriber.address = asm_term_new(view);
        subscriber.monitor = asm_server_monitor(self->server, &pid);
        subscriber.pid = pid;
        pid = (AsmPid){ 0 };
        g_array_append_val(self->list, subscriber);
        return TRUE;
}

void
asm_subscribers_remove(AsmSubscribers *self, const AsmRef *ref)
{
        for (guint i = 0; i < self->list->len; i++) {
                if (asm_ref_equal(&subscriber_at(self, i)->monitor, ref)) {
                        remove_at(self, i);
                        return;
                }
        }
}

void
asm_subscribers_remove_pid(AsmSubscribers *self, AsmView view)
{
        g_auto(AsmPid) pid = { 0 };
        gint index = asm_pid_from_view(view, &pid) ? find_pid(self, &pid) : -1;

        if (index < 0)
                return;
        asm_server_demonitor(self->server, &subscriber_at(self, (guint)index)->monitor);
        remove_at(self, (guint)index);
}

gboolean
asm_subscribers_demand(AsmSubscribers *self, AsmView view, guint n, AsmFailure **ret_failure)
{
        g_auto(AsmPid) pid = { 0 };
        gint index = asm_pid_from_view(view, &pid) ? find_pid(self, &pid) : -1;

        if (index < 0) {
                *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                               ASM_DOMAIN_CONFIG,
                                               "demand: this process gets no events of run %s; "
                                               "subscribe first",
                                               self->run_id);
                return FALSE;
        }
        subscriber_at(self, (guint)index)->is_counted = TRUE;
        subscriber_at(self, (guint)index)->demand += n;
        return TRUE;
}

/* --- messages -------------------------------------------------------------------------------- */

gboolean
asm_subscribers_must_wait(const AsmSubscribers *self)
{
        guint n = 0;
        guint n_slow = 0;

        for (guint i = 0; i < self->list->len; i++) {
                const Subscriber *subscriber = subscriber_at(self, i);

                if (subscriber->is_behind)
                        continue;
                n++;
                n_slow += is_slow(self, subscriber) ? 1 : 0;
        }
        return n_slow > 0 && (n_slow == n || !self->context->drops_slow_subscribers);
}

guint
asm_subscribers_count_slow(const AsmSubscribers *self)
{
        guint n = 0;

        for (guint i = 0; i < self->list->len; i++) {
                const Subscriber *subscriber = subscriber_at(self, i);

                n += subscriber->is_behind || is_slow(self, subscriber) ? 1 : 0;
        }
        return n;
}

gboolean
asm_subscribers_send(AsmSubscribers *self, AsmTerm *message)
{
        guint64 number = self->end++;
        gboolean is_busy_now = FALSE;
        gboolean is_kept = FALSE;

        for (guint i = 0; i < self->list->len; i++) {
                Subscriber *subscriber = subscriber_at(self, i);

                if (subscriber->is_behind)
                        continue;
                if (subscriber->next == number && !is_busy(self, subscriber)) {
                        deliver_next(self, subscriber, asm_term_view(message));
                        is_busy_now = is_busy_now || is_busy(self, subscriber);
                } else {
                        is_kept = TRUE;
                }
        }
        if (is_kept) {
                keep(self, message);
                shorten(self);
        } else {
                self->base = self->end;
        }
        return (is_kept || is_busy_now) && asm_subscribers_must_wait(self);
}

void
asm_subscribers_serve(AsmSubscribers *self)
{
        guint n = self->list->len;
        gboolean is_moving = self->backlog_bytes > 0;

        while (is_moving) {
                guint begin = self->turn;
                gboolean is_turn_set = FALSE;

                is_moving = FALSE;
                for (guint i = 0; i < n; i++) {
                        guint index = (begin + i) % n;
                        Subscriber *subscriber = subscriber_at(self, index);

                        if (subscriber->is_behind || subscriber->next == self->end)
                                continue;
                        if (!is_busy(self, subscriber)) {
                                deliver_next(self, subscriber, backlog_at(self, subscriber->next));
                                is_moving = TRUE;
                        } else if (!is_turn_set) {
                                self->turn = index;
                                is_turn_set = TRUE;
                        }
                }
        }
        trim(self);
}

static void
finish_one(AsmSubscribers *self, Subscriber *subscriber)
{
        while (!subscriber->is_behind && subscriber->next < self->end) {
                AsmView message = backlog_at(self, subscriber->next);
                AsmLink *link = find_link(self, subscriber);

                if (link != NULL && !asm_link_has_room(link, message.len)) {
                        leave_behind(self, subscriber);
                        return;
                }
                deliver(self, subscriber, message);
                subscriber->next++;
        }
}

void
asm_subscribers_finish(AsmSubscribers *self, AsmView last)
{
        for (guint i = 0; i < self->list->len; i++) {
                finish_one(self, subscriber_at(self, i));
                deliver(self, subscriber_at(self, i), last);
        }
        trim(self);
}
