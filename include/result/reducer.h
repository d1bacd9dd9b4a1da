/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The fold of a run's events into its result (ASM_PROTOCOL.md section 4). Pure: the same events
 * give the same result, whoever sent them and however they were cut into reads.
 *
 * Cost: cost_update events add up; the usage that a result tells is taken only when there was
 * no cost_update, because it counts the same tokens again.
 */

#include "event/event.h"
#include "event/failure.h"

typedef struct _AsmReducer AsmReducer;

typedef enum {
        ASM_RUN_STATUS_INITIALIZING,
        ASM_RUN_STATUS_RUNNING,
        ASM_RUN_STATUS_COMPLETED,
        ASM_RUN_STATUS_FAILED,
        ASM_RUN_STATUS_INTERRUPTED,
} AsmRunStatus;

const char *asm_run_status_name(AsmRunStatus status);
gboolean asm_run_status_is_final(AsmRunStatus status);

typedef struct {
        gint64 input_tokens;
        gint64 output_tokens;
        double cost_usd;
} AsmCost;

/* @max_bytes: text and messages together; over it the run fails with buffer_overflow */
AsmReducer *asm_reducer_new(const char *provider, gsize max_bytes);
void asm_reducer_free(AsmReducer *reducer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmReducer, asm_reducer_free)

/**
 * asm_reducer_feed:
 *
 * Events after the final one are ignored. An error event with code `user_cancelled` ends as
 * INTERRUPTED, every other error event as FAILED, whatever its severity.
 *
 * Returns: the status after the event
 */
AsmRunStatus asm_reducer_feed(AsmReducer *reducer, const AsmCoreEvent *event);

AsmRunStatus asm_reducer_get_status(const AsmReducer *reducer);
const AsmCost *asm_reducer_get_cost(const AsmReducer *reducer);
/* the assistant's text so far, borrowed */
const char *asm_reducer_get_text(const AsmReducer *reducer);
const char *asm_reducer_get_provider_session_id(const AsmReducer *reducer); /* nullable */
const AsmFailure *asm_reducer_get_failure(const AsmReducer *reducer);       /* nullable */
/* what counts against max_bytes */
gsize asm_reducer_get_size(const AsmReducer *reducer);
/* approvals that were requested and not resolved */
guint asm_reducer_get_n_pending(const AsmReducer *reducer);
gboolean asm_reducer_is_pending(const AsmReducer *reducer, const char *approval_id);

/**
 * asm_builder_result: appends the ASM.Result map
 * @metadata: the run's metadata map; the reducer's own (cost, ...) is merged in
 * @elapsed_ms: taken as duration_ms when no event told one
 */
void asm_builder_result(AsmBuilder *builder,
                        const AsmReducer *reducer,
                        const char *run_id,
                        const char *session_id,
                        AsmView metadata,
                        gint64 elapsed_ms);
/* appends #{input_tokens, output_tokens, cost_usd} */
void asm_builder_cost(AsmBuilder *builder, const AsmCost *cost);
