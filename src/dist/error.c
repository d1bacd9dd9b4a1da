/* SPDX-License-Identifier: MIT */
/*
 * The error domain of the distribution protocol.
 *
 * Every code but one is about the peer: it broke the protocol, lacks a capability, has another
 * cookie or does not want us. All of them end the connection and none of them the daemon; the
 * node translates them into what its own callers can act upon (refused, not reachable).
 */
#include "dist/error.h"

G_DEFINE_QUARK(asm_dist_error, asm_dist_error)
