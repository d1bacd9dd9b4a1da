/* SPDX-License-Identifier: MIT */
#pragma once

/* Asks the person at the terminal whether a tool may run, while the run goes on. */

#include "cli/output-private.h"

typedef struct _AsmApprover AsmApprover;

/**
 * AsmApproverConfig: all borrowed, for as long as the approver lives
 * @fd: what answers are read from; -1: nobody can be asked
 * @is_alone: there is no daemon, so nobody else can answer: what cannot be asked is denied
 * @node: (nullable): the daemon, where a command line must name it
 * @decide: called from the main loop with an answer
 */
typedef struct {
        AsmOutput *output;
        int fd;
        gboolean is_alone;
        const char *node;
        const char *session;
        void (*decide)(const char *approval_id, gboolean is_allowed, gpointer user_data);
        gpointer user_data;
} AsmApproverConfig;

AsmApprover *asm_approver_new(const AsmApproverConfig *config);
void asm_approver_free(AsmApprover *approver);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmApprover, asm_approver_free)

/* @event: an ASM.Event that has just been printed */
void asm_approver_feed(AsmApprover *approver, AsmView event);

/* questions are only collected, and those that are answered forgotten, until asm_approver_release() */
void asm_approver_hold(AsmApprover *approver);
void asm_approver_release(AsmApprover *approver);
/* @entry: of approvals/1; one that is known already is not asked twice */
void asm_approver_add(AsmApprover *approver, AsmView entry);

/* the terminal behind @fd, if it and standard error are one and we may read it, else -1 */
int asm_approver_find_terminal(const AsmOutput *output, int fd);
