/* SPDX-License-Identifier: MIT */
#pragma once

/* Directories with scripts that stand in for provider CLIs. */

#include <glib.h>

typedef struct {
        char *path;
} CliDir;

void cli_dir_init(CliDir *dir);
/* with all that is in it */
void cli_dir_clear(CliDir *dir);

/* (transfer full): the path of an executable `#!/bin/sh` script in @dir, its directory being $d */
char *cli_script(const CliDir *dir, const char *name, const char *body);
/* (transfer full) (nullable): what the script wrote into @name */
char *cli_read(const CliDir *dir, const char *name);
