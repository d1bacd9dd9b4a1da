/* SPDX-License-Identifier: MIT */
#pragma once

/* Node names: "alive@host", short (no dot in the host) or long. */

#include <glib.h>

/* longest node name, in bytes (atoms have at most 255 characters) */
#define ASM_NODE_NAME_MAX 255

/* Errors: ASM_NODE_ERROR_NAME naming what is wrong with @name */
gboolean asm_node_name_check(const char *name, GError **error);
/* borrowed pointer behind the '@'; @name must be a node name */
const char *asm_node_name_host(const char *name);
/* (transfer full): the part before the '@' */
char *asm_node_name_alive(const char *name);
gboolean asm_node_name_is_long(const char *name);

/**
 * asm_node_name_complete: (transfer full)
 * @name: "asmd" or "asmd@host"
 * @is_long: long names: a host with a dot (or an address) is demanded
 *
 * As `erl -sname/-name`: a missing host is this machine's name, for short names up to its first
 * dot. Errors: ASM_NODE_ERROR_NAME.
 */
char *asm_node_name_complete(const char *name, gboolean is_long, GError **error);
