/* SPDX-License-Identifier: MIT */

/*
 * What a remote session says while its run is paused, because nobody can take more events.
 *
 * It is held here, in order, and goes on when the run does; new events queue up behind what is still
 * held. The end of the session waits as well: it is told when everything before it has been.
 *
 * How much is held has two limits. A host with the capability run_pause_v1 is asked to wait:
 *
 *     -> {asm_pause, Ref}     no more events for the subscription Ref than are on their way
 *     -> {asm_resume, Ref}    go on; said when nothing is held any more
 *
 * An ASM node does not know this and sends on. What is held counts with its link (asm_link_hold()), and
 * over the limit of that the link is not read: then everything from that node waits, other runs and
 * answers included, until the subscribers have read or are gone.
 */

#include "remote-private.h"

/* handed on per dispatch: as much as one read of a link */
#define DRAIN_BYTES (256 * 1024)
/* what a held event costs besides its bytes */
#define HELD_OVERHEAD 64

static gsize
size_of(const AsmTerm *payload)
{
        return asm_term_view(payload).len + HELD_OVERHEAD;
}

/* asks the host to wait, or to go on, if that has changed */
static void
tell_host(AsmRemote *self)
{
        gboolean must_wait = self->is_paused || self->held.length > 0;
        g_auto(AsmBuilder) message = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) to = ASM_BUILDER_INIT;

        if (!self->takes_pauses || self->is_host_paused == must_wait ||
            self->state != REMOTE_RUNNING)
                return;
        self->is_host_paused = must_wait;
        asm_builder_tuple(&message, 2);
        asm_builder_atom(&message, must_wait ? "asm_pause" : "asm_resume");
        asm_builder_ref(&message, &self->ref);
        asm_builder_pid(&to, &self->session);
        asm_procs_send(self->context.procs, asm_builder_peek(&to), asm_builder_peek(&message));
}

static void
drain(AsmRemote *self)
{
        gsize bytes = 0;

        while (!self->is_paused && self->held.length > 0 && bytes < DRAIN_BYTES) {
                g_autoptr(AsmTerm) payload = g_queue_pop_head(&self->held);

                bytes += size_of(payload);
                asm_link_release(self->link, size_of(payload));
                asm_remote_deliver(self, asm_term_view(payload));
        }
        if (self->is_paused)
                return;
        if (self->held.length > 0)
                asm_timer_arm(&self->drain, 0);
        else if (self->end_reason != NULL)
                asm_remote_ended(self);
        else
                tell_host(self);
}

static void
on_drain(AsmTimer *timer, gpointer user_data)
{
        AsmRemote *self = user_data;

        /* the run may close us for what it hears */
        asm_server_ref(&self->server);
        drain(self);
        asm_server_unref(&self->server);
}

void
asm_remote_init_flow(AsmRemote *self)
{
        g_queue_init(&self->held);
        asm_timer_init(&self->drain, asm_procs_get_timers(self->context.procs), on_drain, self);
}

gboolean
asm_remote_is_holding(const AsmRemote *self)
{
        return self->is_paused || self->held.length > 0;
}

void
asm_remote_hold(AsmRemote *self, AsmView payload)
{
        AsmTerm *held = asm_term_new(payload);

        g_queue_push_tail(&self->held, held);
        asm_link_hold(self->link, size_of(held));
        tell_host(self);
}

void
asm_remote_hold_end(AsmRemote *self, AsmView reason)
{
        self->end_reason = asm_term_new(reason);
        self->state = REMOTE_DRAINING;
        asm_remote_drop_calls(self);
        if (!self->is_paused)
                asm_timer_arm(&self->drain, 0);
}

void
asm_remote_set_paused(AsmRemote *self, gboolean is_paused)
{
        self->is_paused = is_paused;
        if (is_paused)
                tell_host(self);
        else
                asm_timer_arm(&self->drain, 0);
}

void
asm_remote_end_flow(AsmRemote *self)
{
        AsmTerm *payload;

        asm_timer_disarm(&self->drain);
        while ((payload = g_queue_pop_head(&self->held)) != NULL) {
                asm_link_release(self->link, size_of(payload));
                asm_term_unref(payload);
        }
        self->is_paused = FALSE;
        /* a CLI that is to end by itself must be able to write */
        tell_host(self);
}
