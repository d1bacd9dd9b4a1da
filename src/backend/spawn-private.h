/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Starts one program as the leader of a session and process group of its own, with its output in
 * pipes, below a guard that ends it and all it has started when asked to, or when this program dies.
 * Does not wait for anything: whether exec went well is read from a descriptor later.
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
        pid_t pid;      /* of the guard; the caller's to reap */
        int pidfd;      /* readable when the guard has ended, and with it all of the program */
        int control_fd; /* readable when the program has exited: asm_spawn_read_exit() */
        int report_fd;  /* readable when exec is decided: asm_spawn_read_report() */
        int stdin_fd;
        int stdout_fd;
        int stderr_fd;
} AsmSpawn;

#define ASM_SPAWN_INIT ((AsmSpawn){ 0, -1, -1, -1, -1, -1, -1 })

/* the numbers of the guard, asm_exec */
typedef enum {
        ASM_SPAWN_STAGE_GUARD = 0, /* there is none */
        ASM_SPAWN_STAGE_SETUP = 1, /* processes, descriptors */
        ASM_SPAWN_STAGE_CWD = 2,
        ASM_SPAWN_STAGE_EXEC = 3,
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
 * asm_spawn_read_exit: call when control_fd is readable
 * @ret_code: its exit status; -1: it was the signal @ret_signo
 *
 * Returns: FALSE: the program has not exited yet. A guard that is gone without a word counts as
 *   SIGKILL: that is what the program got then.
 */
gboolean asm_spawn_read_exit(int control_fd, gint *ret_code, gint *ret_signo);

/**
 * asm_spawn_signal: to the whole group; SIGTERM (with SIGCONT) and SIGKILL also to what has left it
 *
 * After SIGKILL the guard ends as soon as nothing is left. Safe at any time: it is the guard who knows
 * which number is still the program's.
 */
void asm_spawn_signal(const AsmSpawn *spawn, int signo);

/* (transfer full) (nullable): the file of the guard: the variable ASM_EXEC, beside this program, in its
 * prefix's libexec/asmd, where the build has installed it */
char *asm_spawn_find_guard(void);

/* closes *@fd if it is one and sets it to -1 */
void asm_spawn_close_fd(int *fd);
