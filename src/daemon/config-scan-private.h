/* SPDX-License-Identifier: MIT */
#pragma once

/* The text of a configuration file, line by line: no meaning, no files. */

#include <glib.h>

/* longest line; nobody writes one that is as long by hand */
#define ASM_CONFIG_LINE_MAX (64 * 1024)
/* longest key, which can be an atom of Erlang */
#define ASM_CONFIG_KEY_MAX 255
/* largest file */
#define ASM_CONFIG_SIZE_MAX (1024 * 1024)

/**
 * AsmConfigScanListener: what is in the lines, in their order; lines count from 1
 * @group: `[name]`
 * @entry: `key = value` in the group; @value is unescaped, without blanks around it
 * @mistake: a line that is neither; the scan goes on behind it. @what holds nothing of the line, which
 *   may be a secret that somebody pasted.
 */
typedef struct {
        void (*group)(const char *name, guint line, gpointer user_data);
        void (*entry)(const char *key, const char *value, guint line, gpointer user_data);
        void (*mistake)(const char *what, guint line, gpointer user_data);
} AsmConfigScanListener;

/* @text: @len bytes of any kind */
void asm_config_scan(const char *text,
                     gsize len,
                     const AsmConfigScanListener *listener,
                     gpointer user_data);
