/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Starts one program as the leader of a session and process group of its own, with its output in
 * pipes. Does not wait for anything: whether exec went well is read from a descriptor later.
 */

#include <glib.h>
#include <sys/types.h>

typedef struct {
        const char *path; /* of the file */
        char *const *argv;
        char *const *envp;
        const char *cwd;    /* nullable */
        gboolean has_stdin; /* a pipe; else /dev/null */
} AsmSpawnSpec;

/* all descriptors are non-blocking and close-on-exec; -1: none */
typedef struct {
        pid_t pid;     /* of the program, of its process group and of its session */
        int pidfd;     /* readable when it has ended; it is the caller's to reap */
        int report_fd; /* readable when exec is decided: asm_spawn_read_report() */
        int stdin_fd;
        int stdout_fd;
        int stderr_fd;
} AsmSpawn;

#define ASM_SPAWN_INIT ((AsmSpawn){ 0, -1, -1, -1, -1, -1 })

typedef enum {
        ASM_SPAWN_STAGE_SETUP, /* session, descriptors */
        ASM_SPAWN_STAGE_CWD,
        ASM_SPAWN_STAGE_EXEC,
} AsmSpawnStage;

/**
 * asm_spawn_start:
 * @ret_spawn: (out): the caller owns its descriptors and the child
 *
 * Returns: 0, or the errno of what could not be had (descriptors, processes)
 */
int asm_spawn_start(const AsmSpawnSpec *spec, AsmSpawn *ret_spawn);

/**
 * asm_spawn_read_report: call when report_fd is readable
 *
 * Returns: 0 when the program runs, else the errno of @ret_stage; -1: not decided yet
 */
int asm_spawn_read_report(int report_fd, AsmSpawnStage *ret_stage);

/**
 * asm_spawn_signal: to the whole group, or, until the child has made it, to the child
 *
 * Safe while the child has not been reaped: its number cannot be somebody else's before.
 */
void asm_spawn_signal(const AsmSpawn *spawn, int signo);

/* closes *@fd if it is one and sets it to -1 */
void asm_spawn_close_fd(int *fd);
