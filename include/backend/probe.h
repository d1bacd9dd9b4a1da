/* SPDX-License-Identifier: MIT */
#pragma once

/* What is installed on this machine: where a provider's CLI is, and which version it says it is. */

#include "base/timers.h"
#include "provider/provider.h"

typedef struct _AsmProbe AsmProbe;

/**
 * AsmProbeResult: borrowed
 * @path: (nullable): of the CLI that a run without the option cli_path would start
 * @version: (nullable): the first line that `CLI --version` prints
 * @problem: (nullable): why there is no path, or no version
 */
typedef struct {
        const char *path;
        const char *version;
        const char *problem;
} AsmProbeResult;

typedef void (*AsmProbeFunc)(const AsmProbeResult *result, gpointer user_data);

/**
 * asm_probe_start: looks for the CLI and asks it
 * @timers: borrowed, outlives the probe
 * @func: called once, from the main loop; it may free the probe
 *
 * The CLI gets the environment of this program, no input, and @timeout_ms until it is killed.
 */
AsmProbe *asm_probe_start(AsmTimers *timers,
                          const AsmProvider *provider,
                          guint timeout_ms,
                          AsmProbeFunc func,
                          gpointer user_data);
/* @func is not called any more; a CLI that runs is ended */
void asm_probe_free(AsmProbe *probe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmProbe, asm_probe_free)
