/* SPDX-License-Identifier: MIT */
#pragma once

/* A daemon of our own, in this program, for commands that need no other. */

#include "cli/cli-private.h"

/**
 * asm_cli_open_local: in place of asm_cli_open(): the calls of @cli are answered in this program
 * @remote: (nullable): the node that is going to be connected to; without one there is no cookie,
 *   and no connection either way
 *
 * Errors: ASM_CLI_ERROR_USAGE for a wrong node name or ERL_EPMD_PORT, ASM_CLI_ERROR_FAILED
 *   (`distribution_not_enabled`) when @remote is given and the cookie cannot be read
 */
gboolean asm_cli_open_local(AsmCli *cli, const char *remote, GError **error);
/* nothing runs, here or on a node for us, and no process of a provider is left */
gboolean asm_cli_local_is_idle(const AsmCli *cli);
