/* SPDX-License-Identifier: MIT */

/*
 * The end of the daemon.
 *
 *     SERVING --signal--> DRAINING --no run, grace over, signal--> CLOSING --all gone, signal--> DONE
 *
 *   DRAINING  sessions and runs are refused, everything else is served as before: who watches a run
 *             sees it to its end, and approvals can still be given.
 *   CLOSING   sessions end with reason `shutdown` and their runs as interrupted, which subscribers are
 *             told. CLIs and backends have CLOSE_MS to go, and what is queued to peers to get out.
 *
 * Every state but the first has a deadline, so that an end that was asked for comes. What is
 * waited for is looked at every CHECK_MS: it happens once in the life of a daemon, and spares
 * all that could be waited for a way to say that it is over.
 */

#include "shutdown-private.h"

#include "base/log.h"

#define CHECK_MS 20

/* longer than a CLI has between SIGTERM and SIGKILL */
#define CLOSE_MS 5000

static const AsmLogTags stopping_tags = { .event = ASM_LOG_EVENT_STOPPING };

typedef enum {
        SHUTDOWN_SERVING,
        SHUTDOWN_DRAINING,
        SHUTDOWN_CLOSING,
        SHUTDOWN_DONE,
} ShutdownState;

struct _AsmShutdown {
        AsmShutdownContext context;
        void (*done)(gpointer user_data);
        gpointer user_data;
        ShutdownState state;
        guint n_permanent; /* servers that there always are */
        AsmTimer check;
        gint64 deadline_us;
};

static void
set_deadline(AsmShutdown *self, guint ms)
{
        self->deadline_us = g_get_monotonic_time() + (gint64)ms * 1000;
}

/* ours, and those of other nodes that are hosted here */
static guint
count_runs(const AsmShutdown *self)
{
        guint n_running;
        guint n_queued;

        asm_manager_count_runs(self->context.manager, &n_running, &n_queued);
        return n_running + n_queued + asm_api_count_hosted(self->context.api);
}

static void
begin_draining(AsmShutdown *self)
{
        guint n_runs;

        asm_manager_drain(self->context.manager);
        asm_api_drain_hosted(self->context.api);
        n_runs = count_runs(self);
        if (n_runs > 0)
                asm_log(G_LOG_LEVEL_MESSAGE,
                        &stopping_tags,
                        "stopping: %u runs have %.1f s to finish; another signal ends them now",
                        n_runs,
                        self->context.grace_ms / 1000.0);
        self->state = SHUTDOWN_DRAINING;
        set_deadline(self, self->context.grace_ms);
        asm_timer_arm(&self->check, 0);
}

static void
begin_closing(AsmShutdown *self)
{
        asm_log(G_LOG_LEVEL_MESSAGE,
                &stopping_tags,
                "stopping: %u sessions end, %u runs are interrupted",
                asm_manager_count(self->context.manager),
                count_runs(self));
        self->state = SHUTDOWN_CLOSING;
        set_deadline(self, CLOSE_MS);
        asm_manager_stop_all(self->context.manager);
        asm_api_stop_hosted(self->context.api);
        asm_timer_arm(&self->check, 0);
}

static void
finish(AsmShutdown *self)
{
        self->state = SHUTDOWN_DONE;
        asm_timer_disarm(&self->check);
        self->done(self->user_data);
}

/* sessions, remote backends and whatever else was started for them */
static gboolean
has_leftovers(const AsmShutdown *self)
{
        return asm_procs_count(self->context.procs) > self->n_permanent ||
               asm_backend_local_count() > 0 ||
               !asm_node_is_flushed(asm_procs_get_node(self->context.procs));
}

static void
on_check(AsmTimer *timer, gpointer user_data)
{
        AsmShutdown *self = user_data;
        gboolean is_over = g_get_monotonic_time() >= self->deadline_us;

        if (self->state == SHUTDOWN_DRAINING && (is_over || count_runs(self) == 0))
                begin_closing(self);
        else if (self->state == SHUTDOWN_CLOSING && (is_over || !has_leftovers(self)))
                finish(self);
        else
                asm_timer_arm(timer, CHECK_MS);
}

AsmShutdown *
asm_shutdown_new(const AsmShutdownContext *context,
                 void (*done)(gpointer user_data),
                 gpointer user_data)
{
        AsmShutdown *self = g_new0(AsmShutdown, 1);

        self->context = *context;
        self->done = done;
        self->user_data = user_data;
        self->n_permanent = asm_procs_count(context->procs);
        asm_timer_init(&self->check, asm_procs_get_timers(context->procs), on_check, self);
        return self;
}

void
asm_shutdown_free(AsmShutdown *self)
{
        if (self == NULL)
                return;
        asm_timer_disarm(&self->check);
        g_free(self);
}

void
asm_shutdown_set_grace(AsmShutdown *self, guint grace_ms)
{
        self->context.grace_ms = grace_ms;
}

guint64
asm_shutdown_get_max_ms(const AsmShutdown *self)
{
        return (guint64)self->context.grace_ms + CLOSE_MS;
}

void
asm_shutdown_hurry(AsmShutdown *self)
{
        switch (self->state) {
        case SHUTDOWN_SERVING:
                begin_draining(self);
                break;
        case SHUTDOWN_DRAINING:
                begin_closing(self);
                break;
        case SHUTDOWN_CLOSING:
                finish(self);
                break;
        case SHUTDOWN_DONE:
                break;
        }
}
