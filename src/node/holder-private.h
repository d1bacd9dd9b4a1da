/* SPDX-License-Identifier: MIT */
#pragma once

/* Which process of this host listens on a port: for people who are told that a name is taken. */

#include <glib.h>

/**
 * asm_holder_describe: (transfer full): "process 4711 (beam.smp)", or "a process of another user" when
 * this one may not look, or "nobody" when none listens there
 */
char *asm_holder_describe(guint16 port);
