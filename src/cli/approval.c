/* SPDX-License-Identifier: MIT */

/*
 * What is asked for is a tool and its input. The daemon tells both in two places, the event
 * approval_requested and the list of open approvals, with the same three keys:
 *
 *      approval_id   the provider's own id for the question; the answer names it
 *      subject       the tool
 *      details       #{<<"tool_input">> => Input}, or whatever a provider has instead
 *
 * The id is unique within a session only, so an answer names the session, too. Somebody else may
 * be faster, or the time be over: then the daemon says so, and the first answer stands.
 */

#include "cli/approval-private.h"

#include "cli/tool-private.h"
#include "term/json.h"
#include "term/reader.h"

static char *
dup_text(AsmView value)
{
        return asm_view_is_set(value) ? asm_view_dup_text(value, /* accept_atoms= */ TRUE) : NULL;
}

static AsmView
find_input(AsmView details)
{
        AsmView input;

        if (!asm_view_is_set(details) || asm_view_is_atom(details, "nil"))
                return ASM_VIEW_NONE;
        return asm_view_option_get(details, "tool_input", &input) ? input : details;
}

AsmCliApproval *
asm_cli_approval_read(AsmView map)
{
        static const char *const keys[] = { "approval_id", "run_id", "subject", "details", NULL };
        g_autoptr(AsmCliApproval) approval = g_new0(AsmCliApproval, 1);
        AsmView values[4], input;

        asm_view_map_pick(map, keys, values);
        approval->id = dup_text(values[0]);
        if (approval->id == NULL)
                return NULL;
        approval->run_id = dup_text(values[1]);
        approval->tool = dup_text(values[2]);
        input = find_input(values[3]);
        approval->input = asm_view_is_set(input) ? asm_view_to_json_text(input) : g_strdup("");
        approval->shown =
                asm_tool_describe(approval->tool != NULL ? approval->tool : "a tool", input);
        return g_steal_pointer(&approval);
}

void
asm_cli_approval_free(AsmCliApproval *approval)
{
        if (approval == NULL)
                return;
        g_free(approval->id);
        g_free(approval->run_id);
        g_free(approval->tool);
        g_free(approval->input);
        g_free(approval->shown);
        g_free(approval);
}

void
asm_cli_put_decision(AsmBuilder *args, const char *session, const char *id, gboolean is_allowed)
{
        asm_builder_list(args, 3);
        asm_builder_text(args, session);
        asm_builder_text(args, id);
        asm_builder_atom(args, is_allowed ? "allow" : "deny");
        asm_builder_nil(args);
}

static void
on_decided(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmCli *cli = user_data;
        g_autoptr(GError) error = NULL;
        g_autoptr(AsmTerm) answer = asm_client_call_finish(cli->client, result, &error);
        g_autoptr(AsmFailure) failure = NULL;
        AsmView reason = ASM_VIEW_NONE;

        if (answer != NULL)
                reason = asm_cli_answer_error(asm_term_view(answer));
        if (asm_view_is_set(reason))
                failure = asm_cli_answer_failure(reason);
        /* the run goes on: it is told by an event if the answer has come too late */
        if (error != NULL || failure != NULL)
                asm_output_note(&cli->output,
                                "the answer does not count: %s",
                                failure != NULL ? failure->message : error->message);
}

void
asm_cli_decide_async(AsmCli *cli, const char *session, const char *id, gboolean is_allowed)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;

        asm_cli_put_decision(&args, session, id, is_allowed);
        asm_client_call_async(cli->client,
                              "approve",
                              asm_builder_peek(&args),
                              ASM_CLI_TIMEOUT_MS,
                              on_decided,
                              cli);
}

gboolean
asm_cli_decide(AsmCli *cli, char **operands, gboolean is_allowed, GError **error)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) answer = NULL;
        AsmView value;

        asm_cli_put_decision(&args, operands[0], operands[1], is_allowed);
        answer = asm_cli_ask(cli, "approve", asm_builder_peek(&args), &value, error);
        if (answer != NULL && cli->output.is_json)
                asm_output_json(&cli->output, value);
        return answer != NULL;
}
