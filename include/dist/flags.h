/* SPDX-License-Identifier: MIT */
#pragma once

/* Capability flags of the handshake (erl_dist_protocol "Distribution Flags"). */

#include <glib.h>

#define ASM_FLAG_PUBLISHED           G_GUINT64_CONSTANT(0x1)
#define ASM_FLAG_EXT_REFS            G_GUINT64_CONSTANT(0x4)
#define ASM_FLAG_DIST_MONITOR        G_GUINT64_CONSTANT(0x8)
#define ASM_FLAG_FUN_TAGS            G_GUINT64_CONSTANT(0x10)
#define ASM_FLAG_DIST_MONITOR_NAME   G_GUINT64_CONSTANT(0x20)
#define ASM_FLAG_NEW_FUN_TAGS        G_GUINT64_CONSTANT(0x80)
#define ASM_FLAG_EXT_PIDS_PORTS      G_GUINT64_CONSTANT(0x100)
#define ASM_FLAG_EXPORT_PTR          G_GUINT64_CONSTANT(0x200)
#define ASM_FLAG_BIT_BINARIES        G_GUINT64_CONSTANT(0x400)
#define ASM_FLAG_NEW_FLOATS          G_GUINT64_CONSTANT(0x800)
#define ASM_FLAG_SMALL_ATOM_TAGS     G_GUINT64_CONSTANT(0x4000)
#define ASM_FLAG_UTF8_ATOMS          G_GUINT64_CONSTANT(0x10000)
#define ASM_FLAG_MAP_TAG             G_GUINT64_CONSTANT(0x20000)
#define ASM_FLAG_BIG_CREATION        G_GUINT64_CONSTANT(0x40000)
#define ASM_FLAG_SEND_SENDER         G_GUINT64_CONSTANT(0x80000)
#define ASM_FLAG_BIG_SEQTRACE        G_GUINT64_CONSTANT(0x100000)
#define ASM_FLAG_EXIT_PAYLOAD        G_GUINT64_CONSTANT(0x400000)
#define ASM_FLAG_HANDSHAKE_23        G_GUINT64_CONSTANT(0x1000000)
#define ASM_FLAG_UNLINK_ID           G_GUINT64_CONSTANT(0x2000000)
#define ASM_FLAG_MANDATORY_25_DIGEST G_GUINT64_CONSTANT(0x4000000)
#define ASM_FLAG_SPAWN               (G_GUINT64_CONSTANT(1) << 32)
#define ASM_FLAG_NAME_ME             (G_GUINT64_CONSTANT(1) << 33)
#define ASM_FLAG_V4_NC               (G_GUINT64_CONSTANT(1) << 34)
#define ASM_FLAG_ALIAS               (G_GUINT64_CONSTANT(1) << 35)
#define ASM_FLAG_ALTACT_SIG          (G_GUINT64_CONSTANT(1) << 37)

/* what this node announces: everything mandatory plus what is served; not PUBLISHED */
guint64 asm_flags_ours(void);
/* what a peer must have (mandatory of OTP 25) */
guint64 asm_flags_mandatory(void);
/* @flags with the bits that MANDATORY_25_DIGEST stands for added */
guint64 asm_flags_expand(guint64 flags);
/* (transfer full): names of the set bits, "EXT_REFS UTF8_ATOMS"; unknown ones as "bit 38" */
char *asm_flags_to_string(guint64 flags);
