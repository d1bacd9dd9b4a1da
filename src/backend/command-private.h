/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a local run executes: the CLI's file, its arguments, its environment and its directory, all
 * of them checked before anything is started.
 */

#include "backend/backend.h"
#include "backend/spawn-private.h"

typedef struct {
        char *path; /* absolute */
        GStrv argv; /* argv[0] is the path */
        GStrv envp;
        char *cwd;          /* nullable */
        char *file;         /* nullable: what the CLI reads; removed with the command */
        AsmBuilder options; /* the provider's options as it has seen them: a keyword list */
        gboolean has_stdin; /* the CLI's stdin stays open */
} AsmCommand;

/**
 * asm_command_init: from a spec to a command
 * @inherited: (nullable): the environment that is looked into and inherited; NULL: this program's
 *
 * Returns: (transfer full) (nullable): NULL if @command is complete, else why it is not
 *   (cli_not_found, or config_invalid naming the option); @command is unchanged then
 */
AsmFailure *asm_command_init(AsmCommand *command,
                             const AsmBackendSpec *spec,
                             const char *const *inherited);
/**
 * asm_command_init_kit: the same for a kit: its @program, without arguments, in the directory and with
 * the environment that the spec asks for
 */
AsmFailure *asm_command_init_kit(AsmCommand *command,
                                 const AsmBackendSpec *spec,
                                 const char *program);
void asm_command_clear(AsmCommand *command);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmCommand, asm_command_clear)

/**
 * asm_command_find: the part of it that looks for the CLI's file
 * @spec: of it only the provider, cli_path and cwd count
 *
 * Returns: (transfer full) (nullable): NULL with @ret_path (transfer full), else cli_not_found
 */
AsmFailure *asm_command_find(const AsmBackendSpec *spec,
                             const char *const *inherited,
                             char **ret_path);

/* the parts of it that are the same wherever the CLI runs: @inherited with the options `clear_env?` and
 * `env`, and the arguments of @command, whose path is set; both answer as asm_command_init() */
AsmFailure *asm_command_build_environment(const AsmBackendSpec *spec,
                                          const char *const *inherited,
                                          GStrv *ret_envp);
AsmFailure *asm_command_build_argv(AsmCommand *command, const AsmBackendSpec *spec);

/* (transfer full): why @command could not be started: @stage ended with the errno @error */
AsmFailure *asm_command_failure(const AsmCommand *command,
                                const AsmProvider *provider,
                                AsmSpawnStage stage,
                                int error);
