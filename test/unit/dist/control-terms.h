/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Parts of control messages as a BEAM writes them: term_to_binary(Term, [{minor_version, 2}]) on
 * OTP 25, in hexadecimal. The messages in the tables are these parts put together, and whole
 * messages from a BEAM are among the golden ones of test-control-encode.c.
 */

/* a pid of the node a@h, creation 1, and one of b@h, creation 7 */
#define PID_A                                                                                      \
        "5877036140680000000500000000"                                                             \
        "00000001"
#define PID_B                                                                                      \
        "5877036240680000000900000001"                                                             \
        "00000007"
/* a reference of b@h with three words, as of OTP 25, and one with five, as aliases of OTP 27 */
#define REF_3                                                                                      \
        "5a0003"                                                                                   \
        "770362406800000007"                                                                       \
        "000000010000000200000003"
#define REF_5                                                                                      \
        "5a0005"                                                                                   \
        "770362406800000007"                                                                       \
        "0000000100000002000000030000000400000005"
#define REF_6                                                                                      \
        "5a0006"                                                                                   \
        "770362406800000007"                                                                       \
        "000000010000000200000003000000040000000500000006"
#define REX    "7703726578"
#define NORMAL "77066e6f726d616c"
/* the empty atom where a cookie was once */
#define UNUSED "7700"
/* a token of sequential tracing: {Flags, Label, Serial, From, Previous} */
#define TOKEN           "6805 6101 6102 6103" PID_A "6104"
#define MFA_4           "6803 770465727063 770c657865637574655f63616c6c 6104"
#define MFA_0           "6803 770465727063 770c657865637574655f63616c6c 6100"
#define MONITOR_OPTIONS "6c00000001 77076d6f6e69746f72 6a"
#define FOUR_ARGS       "6b 0004 01020304"
#define NIL             "6a"
