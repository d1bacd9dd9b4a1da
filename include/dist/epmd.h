/* SPDX-License-Identifier: MIT */
#pragma once

/* Requests to and answers from epmd, bytes only (erl_dist_protocol "EPMD Protocol"). */

#include "term/builder.h"
#include <glib.h>

#define ASM_EPMD_DEFAULT_PORT 4369

/* the highest and lowest distribution version that this node speaks */
#define ASM_DIST_VERSION 6

typedef enum {
        ASM_EPMD_MORE,
        ASM_EPMD_OK,
        ASM_EPMD_REFUSED, /* name taken (register) or unknown (look-up) */
        ASM_EPMD_BROKEN,
} AsmEpmdStatus;

/* ALIVE2_REQ as a hidden node; @alive: the name without host */
void asm_epmd_encode_register(AsmBuilder *out, const char *alive, guint16 port);
/* PORT_PLEASE2_REQ */
void asm_epmd_encode_lookup(AsmBuilder *out, const char *alive);
/* ALIVE2_X_RESP (118) and ALIVE2_RESP (121) */
AsmEpmdStatus asm_epmd_decode_register(const guint8 *data, gsize len, guint32 *ret_creation);
/* PORT2_RESP; @ret_highest: the peer's highest distribution version */
AsmEpmdStatus asm_epmd_decode_lookup(const guint8 *data,
                                     gsize len,
                                     guint16 *ret_port,
                                     guint16 *ret_lowest,
                                     guint16 *ret_highest);
