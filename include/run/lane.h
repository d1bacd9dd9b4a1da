/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lanes: a run goes through the core (the provider's CLI) or through an sdk kit. What was asked
 * for, what is there and where the run executes decide (ASM_PROTOCOL.md section 5).
 */

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
        gboolean sdk_available; /* FALSE as well when nobody looked */
        const char *reason;     /* lane_reason */
        const char *fallback;   /* lane_fallback_reason; NULL: none */
} AsmLaneChoice;

/* "auto", "core", "sdk"; "local", "remote_node" */
extern const char *const asm_lane_names[];
extern const char *const asm_mode_names[];

/**
 * asm_lane_resolve: lane core never looks for kits
 * @ret_failure: config_invalid: sdk without a kit, or sdk on a remote node
 */
gboolean asm_lane_resolve(const AsmProvider *provider,
                          AsmLane requested,
                          AsmExecutionMode mode,
                          AsmLaneChoice *ret_choice,
                          AsmFailure **ret_failure) G_GNUC_WARN_UNUSED_RESULT;

/* appends what events and results of a run tell about how it is executed: a map of 15 pairs */
void asm_builder_lane(AsmBuilder *builder,
                      const AsmProvider *provider,
                      const AsmLaneChoice *choice);

/* appends a list of atoms */
void asm_builder_atoms(AsmBuilder *builder, const char *const *names);

/**
 * asm_kit_is_installed: a kit is a folder named like its provider, with a kit.json, in one of the
 * folders of ASMD_KIT_PATH (separated by ':'; default: asmd/kits in the user's and the system's
 * data folders)
 */
gboolean asm_kit_is_installed(const char *provider);
