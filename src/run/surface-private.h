/* SPDX-License-Identifier: MIT */
#pragma once

/* The execution surface of a run: what kinds there are, and what a caller may say of one. */

#include "run/options.h"

/* by AsmSurfaceKind; NULL at the end */
extern const char *const asm_surface_names[];

/**
 * asm_surface_check: the fields of @given, a map or keyword list, for a surface of @kind
 * @ret_failure: config_invalid naming field and value, which for a secret is not shown
 */
gboolean asm_surface_check(AsmView given,
                           AsmSurfaceKind kind,
                           AsmFailure **ret_failure) G_GNUC_WARN_UNUSED_RESULT;
