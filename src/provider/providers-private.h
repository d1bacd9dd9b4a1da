/* SPDX-License-Identifier: MIT */
#pragma once

/* One table entry per agent CLI, each in the file of its name. */

#include "provider/provider.h"

extern const AsmProvider asm_provider_amp;
extern const AsmProvider asm_provider_antigravity;
extern const AsmProvider asm_provider_claude;
extern const AsmProvider asm_provider_codex;
extern const AsmProvider asm_provider_cursor;
