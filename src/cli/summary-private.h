/* SPDX-License-Identifier: MIT */
#pragma once

#include "term/term.h"

/**
 * asm_cli_run_summary: (transfer full): "run ID: 2.1 s, 120 tokens in, 45 tokens out, $0.012"
 * @result: an ASM.Result; what it does not say is left out
 * @elapsed_ms: the duration, if the result has none
 */
char *asm_cli_run_summary(const char *run_id, AsmView result, gint64 elapsed_ms);
