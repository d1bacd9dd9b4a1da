/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lanes: a run goes through the core (the provider's CLI) or through an sdk kit. What was asked
 * for, what is there and where the run executes decide (ASM_PROTOCOL.md section 5).
 */

#include "backend/kit.h"
#include "event/failure.h"
#include "provider/provider.h"

typedef enum {
        ASM_MODE_LOCAL,
        ASM_MODE_REMOTE_NODE,
} AsmExecutionMode;

typedef enum {
        ASM_LANE_AUTO,
        ASM_LANE_CORE,
        ASM_LANE_SDK,
} AsmLane;

typedef struct {
        AsmLane requested;
        AsmLane preferred;
        AsmLane lane;
        AsmExecutionMode mode;
        gboolean sdk_available;         /* FALSE as well when nobody looked */
        const char *reason;             /* lane_reason */
        const char *fallback;           /* lane_fallback_reason; NULL: none */
        char kit[ASM_KIT_NAME_MAX + 1]; /* the name of the kit that was found; empty: none */
} AsmLaneChoice;

/* "auto", "core", "sdk"; "local", "remote_node" */
extern const char *const asm_lane_names[];
extern const char *const asm_mode_names[];

/**
 * asm_lane_resolve: lane core never looks for kits
 * @ret_failure: config_invalid: sdk without a kit that can be used, or sdk on a remote node
 */
gboolean asm_lane_resolve(const AsmProvider *provider,
                          AsmLane requested,
                          AsmExecutionMode mode,
                          AsmLaneChoice *ret_choice,
                          AsmFailure **ret_failure) G_GNUC_WARN_UNUSED_RESULT;

/**
 * asm_lane_leave_host: the run's surface is another host, where no kit runs: a preferred sdk becomes
 * core with `sdk_surface_unsupported`
 * @ret_failure: config_invalid: lane sdk was asked for
 */
gboolean asm_lane_leave_host(AsmLaneChoice *choice,
                             const AsmProvider *provider,
                             AsmFailure **ret_failure) G_GNUC_WARN_UNUSED_RESULT;

/* appends what events and results of a run tell about how it is executed: a map of 15 pairs */
void asm_builder_lane(AsmBuilder *builder,
                      const AsmProvider *provider,
                      const AsmLaneChoice *choice);

/* appends a list of atoms */
void asm_builder_atoms(AsmBuilder *builder, const char *const *names);
