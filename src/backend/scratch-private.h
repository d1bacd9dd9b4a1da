/* SPDX-License-Identifier: MIT */
#pragma once

/* Files that a CLI is given to read: private, and gone when the run is. */

#include <glib.h>

/**
 * asm_scratch_new: writes @text into a new file that only this user can read (mode 0600)
 *
 * In $XDG_RUNTIME_DIR, which is not on a disk, else in the directory for temporary files.
 *
 * Returns: (transfer full) (nullable): its path, for asm_scratch_free(); NULL with @error
 *   (G_FILE_ERROR), and nothing is left behind
 */
char *asm_scratch_new(const char *text, GError **error);
/* (transfer full) (nullable): removes the file */
void asm_scratch_free(char *path);
/* removes every file that there still is, at the end of the program; later frees do no harm */
void asm_scratch_remove_all(void);
