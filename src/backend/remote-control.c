/* SPDX-License-Identifier: MIT */

/*
 * Control of a session on another node: what a gen_server call asks of it, and what it means when
 * the answer is no or does not come (ASM_PROTOCOL.md section 1).
 *
 *     -> {'$gen_call', {Self, Tag}, interrupt | end_input | {send, Data}}
 *     <- {Tag, ok | {error, Reason}}
 *
 *                 refused                              no answer in time
 *     interrupt   its grace is over: it is ended       the same
 *     send        the run fails, once the time for     the run fails
 *                 an answer is over
 *     end_input   nothing: no input is open            the run fails
 *
 * A refused `send` waits because a CLI that has just exited refuses input, too: how it exited is on
 * its way then, and the better story. A CLI that lives on and lacks its input would wait for ever.
 *
 * Nothing is held against the session while its events are (a subscriber is slow): how it exited may be
 * among them, and while its link is not read the answer may be there.
 */

#include "remote-private.h"

#include "base/log.h"

#include "term/print.h"
#include "term/reader.h"

#include <string.h>

/* most calls without an answer; a session that is so far behind gets nothing more */
#define CALLS_MAX 256
/* how much of a foreign reason is shown */
#define REASON_SHOWN_MAX 400

typedef struct {
        AsmRemote *remote;
        AsmRemoteControl what;
        AsmRef tag;
        AsmTimer timer;
        AsmTerm *refusal; /* NULL: not answered */
} Call;

static const char *const control_names[] = { [ASM_REMOTE_INTERRUPT] = "interrupt",
                                             [ASM_REMOTE_END_INPUT] = "end_input",
                                             [ASM_REMOTE_SEND] = "send" };

static void
call_free(gpointer data)
{
        Call *call = data;

        asm_timer_disarm(&call->timer);
        asm_ref_clear(&call->tag);
        g_clear_pointer(&call->refusal, asm_term_unref);
        g_free(call);
}

void
asm_remote_drop_calls(AsmRemote *self)
{
        g_queue_clear_full(&self->calls, call_free);
}

/* {send, timeout}, {send, Reason} */
static AsmTerm *
make_cause(AsmRemoteControl what, AsmView reason)
{
        g_auto(AsmBuilder) cause = ASM_BUILDER_INIT;

        asm_builder_tuple(&cause, 2);
        asm_builder_atom(&cause, control_names[what]);
        if (asm_view_is_set(reason))
                asm_builder_view(&cause, reason);
        else
                asm_builder_atom(&cause, "timeout");
        return asm_builder_end(&cause);
}

/* frees @call, which is in no queue any more */
static void
fail(Call *call)
{
        AsmRemote *self = call->remote;
        AsmRemoteControl what = call->what;
        g_autoptr(AsmTerm) refusal = g_steal_pointer(&call->refusal);
        AsmView reason = refusal != NULL ? asm_term_view(refusal) : ASM_VIEW_NONE;
        g_autofree char *shown =
                refusal != NULL ? asm_view_print(reason, ASM_SYNTAX_ERLANG, REASON_SHOWN_MAX)
                                : g_strdup_printf("no answer within %u ms", self->call_timeout_ms);
        g_autoptr(AsmFailure) failure = asm_failure_new(ASM_FAILURE_TRANSPORT_ERROR,
                                                        ASM_DOMAIN_TRANSPORT,
                                                        "the session on '%s' did not do %s: %s",
                                                        self->node,
                                                        control_names[what],
                                                        shown);

        call_free(call);
        if (self->state == REMOTE_GRACE) {
                if (what == ASM_REMOTE_INTERRUPT) {
                        asm_log(G_LOG_LEVEL_WARNING,
                                &(AsmLogTags){ .run = self->run_id,
                                               .session = self->session_id,
                                               .peer = self->node },
                                "run %s: %s; ending it",
                                self->run_id,
                                failure->message);
                        asm_remote_end_grace(self);
                }
                return;
        }
        failure->cause = make_cause(what, reason);
        asm_remote_lost(self, failure);
}

static void
on_call_timeout(AsmTimer *timer, gpointer user_data)
{
        Call *call = user_data;
        AsmRemote *self = call->remote;

        if (self->held.length > 0 ||
            (call->refusal == NULL && self->link != NULL && asm_link_is_paused(self->link))) {
                asm_timer_arm(timer, self->call_timeout_ms);
                return;
        }
        g_queue_remove(&self->calls, call);
        fail(call);
}

/* TRUE: the call is over */
static gboolean
take_answer(Call *call, AsmView answer)
{
        AsmView reason = answer;

        if (asm_view_is_atom(answer, "ok"))
                return TRUE;
        if (!asm_view_get_tagged(answer, "error", 2, &reason))
                reason = answer;
        if (call->what == ASM_REMOTE_END_INPUT) {
                g_debug("run %s: there is no input to end", call->remote->run_id);
                return TRUE;
        }
        call->refusal = asm_term_new(reason);
        return FALSE;
}

gboolean
asm_remote_answered(AsmRemote *self, AsmView message)
{
        AsmView part[2];

        if (!asm_view_get_tuple(message, 2, part) || asm_view_kind(part[0]) != ASM_KIND_REF)
                return FALSE;
        for (GList *l = self->calls.head; l != NULL; l = l->next) {
                Call *call = l->data;

                if (call->refusal != NULL || !asm_remote_is_ref(&call->tag, part[0]))
                        continue;
                if (take_answer(call, part[1])) {
                        g_queue_delete_link(&self->calls, l);
                        call_free(call);
                } else if (call->what == ASM_REMOTE_INTERRUPT ||
                           !asm_timer_is_armed(&call->timer)) {
                        g_queue_delete_link(&self->calls, l);
                        fail(call);
                }
                return TRUE;
        }
        return FALSE;
}

static void
send_call(AsmRemote *self, const Call *call, AsmView request)
{
        g_auto(AsmBuilder) message = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) to = ASM_BUILDER_INIT;

        asm_builder_tuple(&message, 3);
        asm_builder_atom(&message, "$gen_call");
        asm_builder_tuple(&message, 2);
        asm_builder_server_pid(&message, &self->server);
        asm_builder_ref(&message, &call->tag);
        asm_builder_view(&message, request);
        asm_builder_pid(&to, &self->session);
        asm_procs_send(self->context.procs, asm_builder_peek(&to), asm_builder_peek(&message));
}

void
asm_remote_control(AsmRemote *self, AsmRemoteControl what, AsmView data)
{
        g_auto(AsmBuilder) request = ASM_BUILDER_INIT;
        Call *call;

        /* one over the limit, which fails, is in the queue already */
        if ((self->state != REMOTE_RUNNING && self->state != REMOTE_GRACE) ||
            self->calls.length > CALLS_MAX)
                return;
        call = g_new0(Call, 1);
        call->remote = self;
        call->what = what;
        call->tag = asm_procs_make_ref(self->context.procs);
        asm_timer_init(&call->timer,
                       asm_procs_get_timers(self->context.procs),
                       on_call_timeout,
                       call);
        if (self->calls.length == CALLS_MAX) {
                /* fails from the main loop, as every callback comes */
                g_auto(AsmBuilder) busy = ASM_BUILDER_INIT;
                asm_builder_atom(&busy, "transport_busy");
                call->refusal = asm_builder_end(&busy);
                asm_timer_arm(&call->timer, 0);
        } else if (self->call_timeout_ms > 0) {
                asm_timer_arm(&call->timer, self->call_timeout_ms);
        }
        g_queue_push_tail(&self->calls, call);
        if (call->refusal != NULL)
                return;
        if (what == ASM_REMOTE_SEND)
                asm_builder_tuple(&request, 2);
        asm_builder_atom(&request, control_names[what]);
        if (what == ASM_REMOTE_SEND)
                asm_builder_view(&request, data);
        send_call(self, call, asm_builder_peek(&request));
}
