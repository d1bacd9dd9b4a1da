/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * All timers of a main loop in one GSource with a heap, so that ten thousand waiting runs cost a
 * loop iteration as much as one. A timer is embedded in the struct that owns it.
 */

#include <glib.h>

typedef struct _AsmTimers AsmTimers;
typedef struct _AsmTimer AsmTimer;

typedef void (*AsmTimerFunc)(AsmTimer *timer, gpointer user_data);

struct _AsmTimer {
        /*< private >*/
        gint64 due_us; /* monotonic */
        guint64 order; /* how many timers were armed before: equal due times fire in this order */
        guint slot;    /* 1-based place in the heap, 0: not armed */
        AsmTimers *timers;
        AsmTimerFunc func;
        gpointer user_data;
};

/* attached to @context (NULL: the default one) with default priority */
AsmTimers *asm_timers_new(GMainContext *context);
/* all timers must have been disarmed: asserted */
void asm_timers_free(AsmTimers *timers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmTimers, asm_timers_free)

/* binds @timer to @timers and @func; not armed. A zeroed AsmTimer may be disarmed as well. */
void asm_timer_init(AsmTimer *timer, AsmTimers *timers, AsmTimerFunc func, gpointer user_data);
/* calls back once, @delay_ms from now; arming an armed timer moves it. The callback may re-arm. */
void asm_timer_arm(AsmTimer *timer, gint64 delay_ms);
void asm_timer_disarm(AsmTimer *timer);
gboolean asm_timer_is_armed(const AsmTimer *timer);

/* how late timers are: what a loop that is busy costs all who wait for it */
#define ASM_TIMERS_N_BOUNDS 8
extern const double asm_timers_lag_bounds_s[ASM_TIMERS_N_BOUNDS];

typedef struct {
        guint64 n_by_lag[ASM_TIMERS_N_BOUNDS +
                         1]; /* fired, by the first bound that was kept; the last: none */
        guint64 lag_us;      /* the sum of all */
} AsmTimersStats;

void asm_timers_get_stats(const AsmTimers *timers, AsmTimersStats *ret_stats);
