/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* longest prompt in bytes; the daemon takes no more */
#define ASM_PROMPT_MAX (16 * 1024 * 1024)

/**
 * asm_cli_prompt_read: (transfer full)
 * @operand: (nullable): the prompt; NULL or "-" reads @fd to its end
 *
 * Errors: ASM_CLI_ERROR_USAGE: none given and @fd is a terminal, empty, too long, not UTF-8.
 */
char *asm_cli_prompt_read(const char *operand, int fd, GError **error);
