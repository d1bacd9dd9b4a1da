/* SPDX-License-Identifier: MIT */
#pragma once

/* A kit of codex in the folder `kits` of a directory, which is the search path. */

#include "cli-script.h"

/* its manifest with @more (", \"key\": value", or "") behind the keys that it needs */
void kit_dir_install(const CliDir *dir, const char *program_body, const char *more);
/* (transfer full): of the manifest, or of the program */
char *kit_dir_file(const CliDir *dir, const char *name);
void kit_dir_write_manifest(const CliDir *dir, const char *text);
