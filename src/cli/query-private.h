/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One prompt from the command line to its result. `query`, `stream`, `run` and `resume` differ in
 * who runs it, in the call that is made, and in how they print.
 */

#include "base/id.h"
#include "cli/approver-private.h"
#include "cli/command-private.h"
#include "cli/printer-private.h"
#include "cli/request-private.h"
#include "cli/tally-private.h"

/* why a run is ended before its end */
typedef enum {
        ASM_CLI_CAUSE_NONE,
        ASM_CLI_CAUSE_SIGNAL,
        ASM_CLI_CAUSE_TIMEOUT,
        ASM_CLI_CAUSE_OUTPUT,
} AsmCliCause;

typedef struct {
        AsmCli *cli;
        const AsmCliRequest *request;
        AsmEventPrinter printer;
        AsmApprover *approver;
        JsonNode *schema;     /* NULL: none */
        AsmTally *tally;      /* NULL: the answer is the result */
        gboolean is_accepted; /* with a tally: the answer has come */
        gboolean is_done;     /* with a tally: all events have come */
        const char *session;  /* borrowed: an existing one, or session_id */
        AsmId session_id;
        AsmId run_id;
        gint64 started_us;
        AsmCliCause cause; /* of the interruption */
        gboolean has_left;
        gboolean is_answered;
        gboolean is_ending; /* the run is over, its processes are waited for */
        AsmTerm *answer;
        GError *error;
        guint timer;
} AsmCliQuery;

/**
 * asm_cli_query: runs the prompt and prints its events
 * @operands: at most the prompt; none, or `-`, is standard input
 * @form: what people get; with --json everybody gets JSON
 *
 * The first SIGINT, SIGTERM or SIGHUP interrupts the run, the second one leaves. Errors: of
 * ASM_CLI_ERROR; CANCELLED after a signal, TIMEOUT after --timeout.
 */
gboolean asm_cli_query(AsmCli *cli,
                       const AsmCliRequest *request,
                       char **operands,
                       AsmPrintForm form,
                       GError **error);
/* the same in this program, without a daemon; a second signal kills what the first has not ended */
gboolean asm_cli_run(AsmCli *cli,
                     const AsmCliRequest *request,
                     char **operands,
                     AsmPrintForm form,
                     GError **error);
/* the same with resume_run in request->session, which must be set */
gboolean asm_cli_resume(AsmCli *cli,
                        const AsmCliRequest *request,
                        char **operands,
                        AsmPrintForm form,
                        GError **error);

gint64 asm_cli_query_elapsed_ms(const AsmCliQuery *query);
/* query-end.c: prints how it ended; FALSE and @error unless that is well */
gboolean asm_cli_query_finish(AsmCliQuery *query, GError **error);
