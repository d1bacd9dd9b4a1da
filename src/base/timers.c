/* SPDX-License-Identifier: MIT */
/*
 * Timers: a binary heap behind one GSource.
 *
 * GLib looks at every attached source in every iteration, so a source per timer would make each
 * message pay for each waiting run. Here the loop sees one source whose ready time is that of the
 * earliest timer; arming and disarming cost O(log n) and an idle timer costs nothing.
 *
 * Order: by due time, and among equal ones by when they were armed. That pair is the key of the
 * heap, and it makes the rule for callbacks simple: a dispatch fires the timers that were armed
 * before it began and were due by then. One that is armed by a callback is due no earlier than
 * those, and has a later number, so it sorts behind all of them and waits for the next iteration:
 * a timer that re-arms itself with a delay of 0 cannot starve the loop.
 *
 * Re-entrancy: a timer leaves the heap before its callback runs and is not touched afterwards, so
 * the callback may re-arm, disarm or free any timer, its own included, run a nested main loop (the
 * source may recurse), or free the whole set: that is empty then, and its memory is that of the
 * GSource, which GLib keeps while it is being dispatched.
 *
 * Invariants: heap[i]->slot == i + 1; the ready time is the due time of heap[0], or -1.
 */
#include "base/timers.h"

struct _AsmTimers {
        GSource source;
        GPtrArray *heap;
        AsmTimersStats stats;
        guint64 n_armed; /* ever: the number of the next one */
};

static AsmTimer *
heap_get(const AsmTimers *timers, guint index)
{
        return g_ptr_array_index(timers->heap, index);
}

static void
heap_put(AsmTimers *timers, guint index, AsmTimer *timer)
{
        g_ptr_array_index(timers->heap, index) = timer;
        timer->slot = index + 1;
}

static gboolean
is_before(const AsmTimer *a, const AsmTimer *b)
{
        if (a->due_us != b->due_us)
                return a->due_us < b->due_us;
        return a->order < b->order;
}

/* moves @timer from the hole at @index towards the root as far as it belongs */
static void
sift_up(AsmTimers *timers, guint index, AsmTimer *timer)
{
        while (index > 0) {
                guint parent = (index - 1) / 2;

                if (!is_before(timer, heap_get(timers, parent)))
                        break;
                heap_put(timers, index, heap_get(timers, parent));
                index = parent;
        }
        heap_put(timers, index, timer);
}

/* the same, away from the root */
static void
sift_down(AsmTimers *timers, guint index, AsmTimer *timer)
{
        for (;;) {
                guint child = 2 * index + 1;

                if (child >= timers->heap->len)
                        break;
                if (child + 1 < timers->heap->len &&
                    is_before(heap_get(timers, child + 1), heap_get(timers, child)))
                        child++;
                if (!is_before(heap_get(timers, child), timer))
                        break;
                heap_put(timers, index, heap_get(timers, child));
                index = child;
        }
        heap_put(timers, index, timer);
}

static void
heap_remove(AsmTimers *timers, AsmTimer *timer)
{
        guint index = timer->slot - 1;
        AsmTimer *tail = heap_get(timers, timers->heap->len - 1);

        g_ptr_array_set_size(timers->heap, (gint)timers->heap->len - 1);
        timer->slot = 0;
        if (tail == timer)
                return;
        if (index > 0 && is_before(tail, heap_get(timers, (index - 1) / 2)))
                sift_up(timers, index, tail);
        else
                sift_down(timers, index, tail);
}

static void
sync_ready_time(AsmTimers *timers)
{
        gint64 due_us = timers->heap->len > 0 ? heap_get(timers, 0)->due_us : -1;

        if (due_us != g_source_get_ready_time(&timers->source))
                g_source_set_ready_time(&timers->source, due_us);
}

const double asm_timers_lag_bounds_s[ASM_TIMERS_N_BOUNDS] = { 0.001, 0.005, 0.01, 0.05,
                                                              0.1,   0.5,   1,    5 };

static void
count_lag(AsmTimersStats *stats, gint64 lag_us)
{
        guint i = 0;

        while (i < ASM_TIMERS_N_BOUNDS &&
               (double)lag_us > asm_timers_lag_bounds_s[i] * G_USEC_PER_SEC)
                i++;
        stats->n_by_lag[i]++;
        stats->lag_us += (guint64)lag_us;
}

static gboolean
timers_dispatch_cb(GSource *source, GSourceFunc callback, gpointer user_data)
{
        AsmTimers *timers = (AsmTimers *)source;
        gint64 now_us = g_get_monotonic_time();
        guint64 n_armed = timers->n_armed;

        while (timers->heap->len > 0) {
                AsmTimer *timer = heap_get(timers, 0);

                if (timer->due_us > now_us || timer->order >= n_armed)
                        break;
                heap_remove(timers, timer);
                sync_ready_time(timers);
                count_lag(&timers->stats, now_us - timer->due_us);
                timer->func(timer, timer->user_data);
        }
        return G_SOURCE_CONTINUE;
}

static void
timers_finalize_cb(GSource *source)
{
        AsmTimers *timers = (AsmTimers *)source;

        g_ptr_array_unref(timers->heap);
}

AsmTimers *
asm_timers_new(GMainContext *context)
{
        static GSourceFuncs funcs = {
                .dispatch = timers_dispatch_cb,
                .finalize = timers_finalize_cb,
        };
        AsmTimers *timers = (AsmTimers *)g_source_new(&funcs, sizeof(AsmTimers));

        timers->heap = g_ptr_array_new();
        g_source_set_static_name(&timers->source, "asm-timers");
        g_source_set_can_recurse(&timers->source, TRUE);
        g_source_attach(&timers->source, context);
        return timers;
}

void
asm_timers_free(AsmTimers *timers)
{
        if (timers == NULL)
                return;
        g_assert(timers->heap->len == 0);
        g_source_destroy(&timers->source);
        g_source_unref(&timers->source);
}

void
asm_timer_init(AsmTimer *timer, AsmTimers *timers, AsmTimerFunc func, gpointer user_data)
{
        g_return_if_fail(timers != NULL && func != NULL);

        *timer = (AsmTimer){ .timers = timers, .func = func, .user_data = user_data };
}

void
asm_timer_arm(AsmTimer *timer, gint64 delay_ms)
{
        AsmTimers *timers = timer->timers;
        gint64 now_us = g_get_monotonic_time();

        g_return_if_fail(timers != NULL);

        if (timer->slot != 0)
                heap_remove(timers, timer);

        delay_ms = CLAMP(delay_ms, 0, (G_MAXINT64 - now_us) / 1000);
        timer->due_us = now_us + delay_ms * 1000;
        timer->order = timers->n_armed++;
        g_ptr_array_add(timers->heap, timer);
        sift_up(timers, timers->heap->len - 1, timer);
        sync_ready_time(timers);
}

void
asm_timer_disarm(AsmTimer *timer)
{
        if (timer->slot == 0)
                return;
        heap_remove(timer->timers, timer);
        sync_ready_time(timer->timers);
}

gboolean
asm_timer_is_armed(const AsmTimer *timer)
{
        return timer->slot != 0;
}

void
asm_timers_get_stats(const AsmTimers *timers, AsmTimersStats *ret_stats)
{
        *ret_stats = timers->stats;
}
