/* SPDX-License-Identifier: MIT */
#pragma once

/* What a tool is called with, as people read it: in one line, or whole. Made safe for terminals. */

#include "term/term.h"

/**
 * asm_tool_label: (transfer full): "Bash make test", "Read src/main.c": one line
 * @input: (not set): the tool's input
 */
char *asm_tool_label(const char *tool, AsmView input);

/**
 * asm_tool_describe: (transfer full): lines without a newline at the end
 *
 * A command, or the lines that an edit takes away and puts in, and behind it all of the input that
 * was not shown this way, as JSON. Every line but the first begins with something of ours, so no
 * input can look like a question.
 */
char *asm_tool_describe(const char *tool, AsmView input);
