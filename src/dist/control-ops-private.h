/* SPDX-License-Identifier: MIT */
#pragma once

/* Numbers of the control messages (erl_dist_protocol, "Protocol between Connected Nodes"). */

#include <glib.h>

/* what stands between the length of a frame and its first version byte */
#define ASM_PASS_THROUGH 112

/* _TT: with a token of sequential tracing; PAYLOAD_: the reason behind the control tuple */
typedef enum {
        ASM_OP_LINK = 1,
        ASM_OP_SEND = 2,
        ASM_OP_EXIT = 3,
        ASM_OP_UNLINK = 4,
        ASM_OP_REG_SEND = 6,
        ASM_OP_GROUP_LEADER = 7,
        ASM_OP_EXIT2 = 8,
        ASM_OP_SEND_TT = 12,
        ASM_OP_EXIT_TT = 13,
        ASM_OP_REG_SEND_TT = 16,
        ASM_OP_EXIT2_TT = 18,
        ASM_OP_MONITOR_P = 19,
        ASM_OP_DEMONITOR_P = 20,
        ASM_OP_MONITOR_P_EXIT = 21,
        ASM_OP_SEND_SENDER = 22,
        ASM_OP_SEND_SENDER_TT = 23,
        ASM_OP_PAYLOAD_EXIT = 24,
        ASM_OP_PAYLOAD_EXIT_TT = 25,
        ASM_OP_PAYLOAD_EXIT2 = 26,
        ASM_OP_PAYLOAD_EXIT2_TT = 27,
        ASM_OP_PAYLOAD_MONITOR_P_EXIT = 28,
        ASM_OP_SPAWN_REQUEST = 29,
        ASM_OP_SPAWN_REQUEST_TT = 30,
        ASM_OP_SPAWN_REPLY = 31,
        ASM_OP_SPAWN_REPLY_TT = 32,
        ASM_OP_ALIAS_SEND = 33,
        ASM_OP_ALIAS_SEND_TT = 34,
        ASM_OP_UNLINK_ID = 35,
        ASM_OP_UNLINK_ID_ACK = 36,
        ASM_OP_ALTACT_SIG_SEND = 37,
        ASM_OP_N
} AsmOp;

/* the flags of ALTACT_SIG_SEND */
#define ASM_ALTACT_PRIO  1
#define ASM_ALTACT_TOKEN 2
#define ASM_ALTACT_ALIAS 4
#define ASM_ALTACT_NAME  8
#define ASM_ALTACT_EXIT  16
