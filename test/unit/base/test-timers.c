/* SPDX-License-Identifier: MIT */
/*
 * Timers. No test waits for a time to pass: each runs the loop until what it is about has
 * happened, and the suite's timeout is the verdict on what never does.
 */
#include "base/timers.h"

#include <criterion/criterion.h>
#include <signal.h>

#define N_MANY  10000
#define HOUR_MS (60 * 60 * G_GINT64_CONSTANT(1000))

TestSuite(timers, .timeout = 300);

/* a timer that counts, and does one thing to another timer when it fires */
typedef struct {
        AsmTimer timer;
        guint n_fired;
        guint n_rearm; /* how often it arms itself again, without delay */
        AsmTimer *disarms;
        AsmTimer *arms;
        GPtrArray *log;
} Probe;

static void
probe_cb(AsmTimer *timer, gpointer user_data)
{
        Probe *probe = user_data;

        cr_assert_eq(timer, &probe->timer);
        cr_assert_not(asm_timer_is_armed(timer));
        probe->n_fired++;
        if (probe->log != NULL)
                g_ptr_array_add(probe->log, probe);
        if (probe->n_rearm > 0) {
                probe->n_rearm--;
                asm_timer_arm(timer, 0);
        }
        if (probe->disarms != NULL)
                asm_timer_disarm(probe->disarms);
        if (probe->arms != NULL)
                asm_timer_arm(probe->arms, 0);
}

static void
run_until_fired(const Probe *probe, guint n)
{
        while (probe->n_fired < n)
                g_main_context_iteration(NULL, TRUE);
}

Test(timers, fires_once_and_is_then_not_armed)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        Probe probe = { 0 };
        Probe later = { 0 };

        asm_timer_init(&probe.timer, timers, probe_cb, &probe);
        asm_timer_init(&later.timer, timers, probe_cb, &later);
        cr_expect_not(asm_timer_is_armed(&probe.timer));
        asm_timer_arm(&probe.timer, 1);
        asm_timer_arm(&later.timer, 3);
        cr_expect(asm_timer_is_armed(&probe.timer));
        run_until_fired(&later, 1);

        cr_expect_eq(probe.n_fired, 1);
        cr_expect_not(asm_timer_is_armed(&probe.timer));
}

Test(timers, does_not_fire_before_its_time)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        Probe probe = { 0 };
        gint64 armed_us = g_get_monotonic_time();

        asm_timer_init(&probe.timer, timers, probe_cb, &probe);
        asm_timer_arm(&probe.timer, 7);
        run_until_fired(&probe, 1);

        cr_expect_geq(g_get_monotonic_time() - armed_us, 7000);
}

Test(timers, ten_thousand_fire_in_the_order_of_their_due_times)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        g_autoptr(GPtrArray) log = g_ptr_array_new();
        g_autofree Probe *probes = g_new0(Probe, N_MANY);
        g_autoptr(GRand) random = g_rand_new_with_seed(1);

        for (guint i = 0; i < N_MANY; i++) {
                probes[i].log = log;
                asm_timer_init(&probes[i].timer, timers, probe_cb, &probes[i]);
                asm_timer_arm(&probes[i].timer, g_rand_int_range(random, 0, 30));
        }
        while (log->len < N_MANY)
                g_main_context_iteration(NULL, TRUE);

        for (guint i = 1; i < N_MANY; i++) {
                const Probe *before = g_ptr_array_index(log, i - 1);
                const Probe *after = g_ptr_array_index(log, i);

                cr_assert_leq(before->timer.due_us, after->timer.due_us);
                if (before->timer.due_us == after->timer.due_us)
                        cr_assert_lt(before, after, "equal due times: first armed, first fired");
        }
        for (guint i = 0; i < N_MANY; i++)
                cr_assert_eq(probes[i].n_fired, 1);
}

Test(timers, disarming_and_moving_any_of_many_keeps_the_order_of_the_rest)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        g_autoptr(GPtrArray) log = g_ptr_array_new();
        g_autoptr(GRand) random = g_rand_new_with_seed(2);
        Probe probes[300] = { 0 };
        guint n_left = 0;

        for (guint i = 0; i < G_N_ELEMENTS(probes); i++) {
                probes[i].log = log;
                asm_timer_init(&probes[i].timer, timers, probe_cb, &probes[i]);
                asm_timer_arm(&probes[i].timer, g_rand_int_range(random, 0, 10));
        }
        for (guint i = 0; i < 3000; i++) {
                Probe *probe = &probes[g_rand_int_range(random, 0, G_N_ELEMENTS(probes))];

                if (g_rand_boolean(random))
                        asm_timer_disarm(&probe->timer);
                else
                        asm_timer_arm(&probe->timer, g_rand_int_range(random, 0, 10));
        }
        for (guint i = 0; i < G_N_ELEMENTS(probes); i++)
                n_left += asm_timer_is_armed(&probes[i].timer) ? 1 : 0;
        while (log->len < n_left)
                g_main_context_iteration(NULL, TRUE);

        cr_expect_gt(n_left, 50);
        for (guint i = 1; i < n_left; i++) {
                const Probe *before = g_ptr_array_index(log, i - 1);
                const Probe *after = g_ptr_array_index(log, i);

                cr_assert_leq(before->timer.due_us, after->timer.due_us);
        }
}

Test(timers, disarmed_does_not_fire)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        Probe disarmed = { 0 };
        Probe later = { 0 };

        asm_timer_init(&disarmed.timer, timers, probe_cb, &disarmed);
        asm_timer_init(&later.timer, timers, probe_cb, &later);
        asm_timer_arm(&disarmed.timer, 0);
        asm_timer_arm(&later.timer, 1);
        asm_timer_disarm(&disarmed.timer);
        run_until_fired(&later, 1);

        cr_expect_eq(disarmed.n_fired, 0);
}

Test(timers, arming_an_armed_timer_moves_it_both_ways)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        Probe earlier = { 0 };
        Probe later = { 0 };

        asm_timer_init(&earlier.timer, timers, probe_cb, &earlier);
        asm_timer_init(&later.timer, timers, probe_cb, &later);
        asm_timer_arm(&earlier.timer, HOUR_MS);
        asm_timer_arm(&later.timer, 0);
        asm_timer_arm(&later.timer, HOUR_MS);
        asm_timer_arm(&earlier.timer, 0);
        run_until_fired(&earlier, 1);

        cr_expect_eq(later.n_fired, 0);
        asm_timer_disarm(&later.timer);
}

Test(timers, that_rearms_itself_without_delay_fires_once_an_iteration)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        Probe probe = { .n_rearm = 5 };

        asm_timer_init(&probe.timer, timers, probe_cb, &probe);
        asm_timer_arm(&probe.timer, 0);
        for (guint i = 1; i <= 6; i++) {
                while (!g_main_context_iteration(NULL, TRUE))
                        continue;
                cr_assert_eq(probe.n_fired, i);
        }
}

Test(timers, callback_may_disarm_another_that_is_due)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        Probe first = { 0 };
        Probe victim = { 0 };
        Probe last = { 0 };

        first.disarms = &victim.timer;
        asm_timer_init(&first.timer, timers, probe_cb, &first);
        asm_timer_init(&victim.timer, timers, probe_cb, &victim);
        asm_timer_init(&last.timer, timers, probe_cb, &last);
        asm_timer_arm(&first.timer, 0);
        asm_timer_arm(&victim.timer, 0);
        asm_timer_arm(&last.timer, 0);
        run_until_fired(&last, 1);

        cr_expect_eq(first.n_fired, 1);
        cr_expect_eq(victim.n_fired, 0);
}

Test(timers, callback_may_arm_another)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        Probe first = { 0 };
        Probe second = { 0 };

        first.arms = &second.timer;
        asm_timer_init(&first.timer, timers, probe_cb, &first);
        asm_timer_init(&second.timer, timers, probe_cb, &second);
        asm_timer_arm(&first.timer, 0);
        run_until_fired(&second, 1);

        cr_expect_eq(first.n_fired, 1);
}

/* runs a main loop of its own until @inner has fired */
typedef struct {
        AsmTimer timer;
        Probe *inner;
        gboolean returned;
} Nester;

static void
nest_cb(AsmTimer *timer, gpointer user_data)
{
        Nester *nester = user_data;

        asm_timer_arm(&nester->inner->timer, 1);
        run_until_fired(nester->inner, 1);
        nester->returned = TRUE;
}

Test(timers, fire_in_a_main_loop_nested_in_a_callback)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        Probe inner = { 0 };
        Probe due_too = { 0 };
        Nester nester = { .inner = &inner };

        asm_timer_init(&nester.timer, timers, nest_cb, &nester);
        asm_timer_init(&inner.timer, timers, probe_cb, &inner);
        asm_timer_init(&due_too.timer, timers, probe_cb, &due_too);
        asm_timer_arm(&nester.timer, 0);
        asm_timer_arm(&due_too.timer, 0);
        while (!nester.returned)
                g_main_context_iteration(NULL, TRUE);

        cr_expect_eq(inner.n_fired, 1);
        cr_expect_eq(due_too.n_fired, 1, "the nested loop serves what the outer one left");
}

static void
free_timers_cb(AsmTimer *timer, gpointer user_data)
{
        AsmTimers **timers = user_data;

        g_clear_pointer(timers, asm_timers_free);
        g_free(timer);
}

Test(timers, callback_may_free_its_timer_and_the_whole_set)
{
        AsmTimers *timers = asm_timers_new(NULL);
        AsmTimer *timer = g_new0(AsmTimer, 1);

        asm_timer_init(timer, timers, free_timers_cb, &timers);
        asm_timer_arm(timer, 0);
        while (timers != NULL)
                g_main_context_iteration(NULL, TRUE);

        cr_expect_null(timers);
}

Test(timers, delay_below_zero_is_zero_and_the_longest_does_not_wrap)
{
        g_autoptr(AsmTimers) timers = asm_timers_new(NULL);
        Probe past = { 0 };
        Probe never = { 0 };

        asm_timer_init(&past.timer, timers, probe_cb, &past);
        asm_timer_init(&never.timer, timers, probe_cb, &never);
        asm_timer_arm(&never.timer, G_MAXINT64);
        asm_timer_arm(&past.timer, G_MININT64);
        run_until_fired(&past, 1);

        cr_expect_eq(never.n_fired, 0);
        cr_expect_gt(never.timer.due_us, g_get_monotonic_time());
        asm_timer_disarm(&never.timer);
}

Test(timers, serve_the_context_they_were_made_for)
{
        g_autoptr(GMainContext) context = g_main_context_new();
        g_autoptr(AsmTimers) timers = asm_timers_new(context);
        Probe probe = { 0 };

        asm_timer_init(&probe.timer, timers, probe_cb, &probe);
        asm_timer_arm(&probe.timer, 0);
        while (g_main_context_iteration(NULL, FALSE))
                continue;
        cr_expect_eq(probe.n_fired, 0);
        while (probe.n_fired == 0)
                g_main_context_iteration(context, TRUE);
}

Test(timers, zeroed_timer_may_be_disarmed)
{
        AsmTimer timer = { 0 };

        asm_timer_disarm(&timer);

        cr_expect_not(asm_timer_is_armed(&timer));
}

Test(timers, freed_while_one_is_armed_abort, .signal = SIGABRT)
{
        AsmTimers *timers = asm_timers_new(NULL);
        Probe probe = { 0 };

        asm_timer_init(&probe.timer, timers, probe_cb, &probe);
        asm_timer_arm(&probe.timer, HOUR_MS);
        asm_timers_free(timers);
}
