/* SPDX-License-Identifier: MIT */
#pragma once

/* How often one address may knock. */

#include <gio/gio.h>

typedef struct _AsmGate AsmGate;

/* addresses that are remembered; what comes from more than that shares one account */
#define ASM_GATE_ADDRESSES_MAX 4096

AsmGate *asm_gate_new(void);
void asm_gate_free(AsmGate *gate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmGate, asm_gate_free)

/**
 * asm_gate_admit: whether one more connection from @address may be looked at
 * @per_second: of one address, and as many at once; 0: no limit
 * @now_us: monotonic
 */
gboolean asm_gate_admit(AsmGate *gate, GInetAddress *address, guint per_second, gint64 now_us);
