/* SPDX-License-Identifier: MIT */
#pragma once

/* One prompt from the command line to its result; `query` and `stream` differ in how they print. */

#include "cli/command-private.h"
#include "cli/place-private.h"
#include "cli/printer-private.h"

typedef struct {
        char *session; /* NULL: a session for this run only */
        AsmCliPlace place;
} AsmCliQueryOptions;

extern const AsmCliOption asm_cli_query_options[];

/**
 * asm_cli_query: runs the prompt and prints its events
 * @operands: at most the prompt; none, or `-`, is standard input
 * @form: what people get; with --json everybody gets JSON
 *
 * The first SIGINT, SIGTERM or SIGHUP interrupts the run, the second one leaves. Errors: of
 * ASM_CLI_ERROR; CANCELLED after a signal, TIMEOUT after --timeout.
 */
gboolean asm_cli_query(AsmCli *cli,
                       const AsmCliQueryOptions *options,
                       char **operands,
                       AsmPrintForm form,
                       GError **error);
/* the same with resume_run in options->session, which must be set */
gboolean asm_cli_resume(AsmCli *cli,
                        const AsmCliQueryOptions *options,
                        char **operands,
                        AsmPrintForm form,
                        GError **error);
