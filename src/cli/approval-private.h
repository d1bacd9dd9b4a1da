/* SPDX-License-Identifier: MIT */
#pragma once

/* A tool call that waits for somebody's permission, as text; and the answer to it. */

#include "cli/cli-private.h"

/* foreign text, not made safe */
typedef struct {
        char *id;
        char *run_id; /* NULL in an event */
        char *tool;
        char *input; /* one line of JSON */
        char *shown; /* tool and input for people, made safe, perhaps in many lines */
} AsmCliApproval;

/* (transfer full) (nullable): @map is an entry of approvals/1 or the payload of an event */
AsmCliApproval *asm_cli_approval_read(AsmView map);
void asm_cli_approval_free(AsmCliApproval *approval);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmCliApproval, asm_cli_approval_free)

/* appends [Session, ApprovalId, allow | deny] */
void asm_cli_put_decision(AsmBuilder *args,
                          const char *session,
                          const char *id,
                          gboolean is_allowed);

/* answers from within a run, which goes on: what goes wrong is a note */
void asm_cli_decide_async(AsmCli *cli, const char *session, const char *id, gboolean is_allowed);

/* the commands `approve` and `deny`; @operands: session and approval */
gboolean asm_cli_decide(AsmCli *cli, char **operands, gboolean is_allowed, GError **error);
