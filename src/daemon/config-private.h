/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemon/config.h"

/**
 * asm_config_load_peers: @config->peers from the groups [peer PATTERN], [peers] and [host], whose keys
 * that are in the table of all keys have been read already
 *
 * Reads the cookies. Errors: ASM_CONFIG_ERROR_KEY, _VALUE, ASM_NODE_ERROR_COOKIE_FILE; no secret is in
 * a message.
 */
gboolean asm_config_load_peers(AsmConfig *config, GKeyFile *file, const char *path, GError **error);
