/* SPDX-License-Identifier: MIT */

/*
 * The gen_server calls that a session answers itself (ASM_PROTOCOL.md section 6). They are the
 * other face of what the API offers under names; events of a run that is submitted here go to the
 * caller.
 */

#include "session-private.h"

#include "term/reader.h"

/* what a call is answered with: exactly one of value and failure is set when it has been handled */
typedef struct {
        AsmSession *session;
        AsmView caller;
        AsmBuilder *reply;
        AsmFailure *failure;
} Call;

static char *
dup_text(Call *call, AsmView view, const char *what)
{
        char *text = asm_view_dup_text(view, /* accept_atoms= */ FALSE);

        if (text == NULL)
                call->failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                                ASM_DOMAIN_CONFIG,
                                                "%s: expected a string",
                                                what);
        return text;
}

static void
put_ok(Call *call)
{
        if (call->failure == NULL)
                asm_builder_atom(call->reply, "ok");
}

static AsmSubmission
submission(Call *call, const char *prompt, AsmView options)
{
        return (AsmSubmission){ .prompt = prompt, .options = options, .subscriber = call->caller };
}

static void
on_submit(Call *call, const AsmView *args)
{
        g_autofree char *prompt = dup_text(call, args[0], "prompt");
        AsmSubmission wanted = submission(call, prompt, args[1]);

        if (prompt != NULL)
                asm_builder_submitted(call->reply,
                                      asm_session_submit(call->session, &wanted, &call->failure));
}

static void
on_cancel(Call *call, const AsmView *args)
{
        g_autofree char *run_id = dup_text(call, args[0], "run id");

        if (run_id != NULL)
                asm_session_interrupt(call->session, run_id, &call->failure);
        put_ok(call);
}

static void
on_resolve_approval(Call *call, const AsmView *args)
{
        g_autofree char *id = dup_text(call, args[0], "approval id");
        gboolean allow = asm_view_is_atom(args[1], "allow");

        if (id != NULL && !allow && !asm_view_is_atom(args[1], "deny"))
                call->failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                                ASM_DOMAIN_CONFIG,
                                                "decision: expected allow or deny");
        else if (id != NULL)
                asm_session_approve(call->session, id, allow, &call->failure);
        put_ok(call);
}

static void
on_pause(Call *call, const AsmView *args)
{
        g_autofree char *run_id = dup_text(call, args[0], "run id");

        if (run_id != NULL)
                asm_session_pause(call->session, run_id, &call->failure);
        put_ok(call);
}

static void
on_resume(Call *call, const AsmView *args)
{
        g_autofree char *prompt = dup_text(call, args[0], "prompt");
        AsmSubmission wanted = submission(call, prompt, args[1]);

        if (prompt != NULL)
                asm_builder_submitted(call->reply,
                                      asm_session_resume(call->session, &wanted, &call->failure));
}

static void
on_intervene(Call *call, const AsmView *args)
{
        g_autofree char *run_id = dup_text(call, args[0], "run id");
        g_autofree char *prompt = run_id != NULL ? dup_text(call, args[1], "prompt") : NULL;
        AsmSubmission wanted = submission(call, prompt, args[2]);

        if (prompt != NULL)
                asm_builder_submitted(
                        call->reply,
                        asm_session_intervene(call->session, run_id, &wanted, &call->failure));
}

static const struct {
        const char *tag;
        guint arity;
        void (*handle)(Call *call, const AsmView *args);
} calls[] = {
        { "submit_run", 3, on_submit },
        { "cancel_run", 2, on_cancel },
        { "resolve_approval", 3, on_resolve_approval },
        { "pause_run", 2, on_pause },
        { "resume_run", 3, on_resume },
        { "intervene", 4, on_intervene },
};

/* all that is in the table takes options, or steers a run */
#define CALLS_RIGHT ASM_RIGHT_CONTROL

/* whether the caller's node has @right; else the call has failed */
static gboolean
is_permitted(Call *call, const char *name, AsmRight right)
{
        AsmServer *server = &call->session->server;
        g_autofree char *function = NULL;

        if (asm_server_permits(server, right))
                return TRUE;
        function = g_strdup_printf("%s of a session", name);
        call->failure = asm_failure_new_not_allowed(function, asm_server_get_origin(server), right);
        asm_quiet_message(&call->session->manager->refused,
                          &(AsmLogTags){ .event = ASM_LOG_EVENT_CALL_REFUSED,
                                         .session = call->session->id,
                                         .peer = asm_server_get_origin(server) },
                          "a call was refused: %s",
                          call->failure->message);
        return FALSE;
}

static void
handle(Call *call, AsmView request)
{
        AsmView args[3];

        if (asm_view_is_atom(request, "get_state")) {
                if (is_permitted(call, "get_state", ASM_RIGHT_QUERY))
                        asm_builder_session_info(call->reply, call->session);
                return;
        }
        if (asm_view_is_atom(request, "checkpoint")) {
                if (is_permitted(call, "checkpoint", ASM_RIGHT_QUERY))
                        asm_builder_checkpoint(call->reply, call->session);
                return;
        }
        for (gsize i = 0; i < G_N_ELEMENTS(calls); i++) {
                if (asm_view_get_tagged(request, calls[i].tag, calls[i].arity, args)) {
                        if (is_permitted(call, calls[i].tag, CALLS_RIGHT))
                                calls[i].handle(call, args);
                        return;
                }
        }
        call->failure = asm_failure_new(
                ASM_FAILURE_CONFIG_INVALID,
                ASM_DOMAIN_CONFIG,
                "a session answers get_state, checkpoint, submit_run, cancel_run, "
                "resolve_approval, pause_run, resume_run and intervene; asm the rest");
}

void
asm_session_on_call(AsmServer *server, AsmView from, AsmView request)
{
        AsmProcs *procs = server->procs;
        g_auto(AsmBuilder) reply = ASM_BUILDER_INIT;
        g_autoptr(AsmFailure) failure = NULL;
        Call call = { .session = (AsmSession *)server, .reply = &reply };
        AsmView caller[2];

        if (!asm_view_get_tuple(from, 2, caller))
                return;
        call.caller = caller[0];
        handle(&call, request);
        failure = call.failure;
        if (failure != NULL) {
                asm_builder_reset(&reply);
                asm_builder_tuple(&reply, 2);
                asm_builder_atom(&reply, "error");
                asm_builder_failure(&reply, failure);
        }
        asm_procs_reply(procs, from, asm_builder_peek(&reply));
}
