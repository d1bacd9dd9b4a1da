/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The surface ssh_exec: the CLI runs on another host, below the user's ssh. What is told here is how
 * a command becomes an ssh and a script for its stdin, how input and signals travel, and what the
 * script's words on stdout mean. It holds no descriptor.
 */

#include "backend/command-private.h"

typedef enum {
        ASM_SSH_LINE,    /* a line of the CLI */
        ASM_SSH_NOISE,   /* the login shell's, before the script has begun: to be ignored */
        ASM_SSH_STARTED, /* the CLI is about to run */
        ASM_SSH_EXITED, /* it has exited; what it wrote before it on the same line is a line as well */
        ASM_SSH_REFUSED, /* it could not be started: asm_ssh_failure() knows why */
} AsmSshWord;

typedef struct {
        char *destination;
        AsmCommand cli;  /* as it runs there: path and arguments, its directory; no environment */
        char *preamble;  /* the script: what ssh's stdin begins with */
        char *mark;      /* what the script's own lines begin with; nobody else knows it */
        GString *errors; /* of ssh and the login shell, until the CLI has started */
        char *refusal;   /* nullable: the script's word for it */
        gboolean is_started;
        gboolean has_exited;
        gint exit_code;
} AsmSsh;

/* whether @surface asks for it */
gboolean asm_ssh_is_wanted(AsmView surface);

/**
 * asm_ssh_new: what a spec with that surface stands for
 * @command: (out): the ssh to start
 * @ret_ssh: (out) (transfer full)
 *
 * Returns: (transfer full) (nullable): why there is none; nothing is set then
 */
AsmFailure *asm_ssh_new(const AsmBackendSpec *spec, AsmCommand *command, AsmSsh **ret_ssh);
void asm_ssh_free(AsmSsh *ssh);

/* (transfer full): @data, lines for the CLI's stdin, as the script takes it */
char *asm_ssh_frame_input(const char *data, gsize len, gsize *ret_len);
/* the same for the end of its stdin, and for SIGINT to its group */
#define ASM_SSH_END_INPUT "E\n"
#define ASM_SSH_INTERRUPT "S INT\n"

/* @ret_len: how much of @line is the CLI's, for LINE and EXITED */
AsmSshWord asm_ssh_read(AsmSsh *ssh, const char *line, gsize len, gsize *ret_len);
/* stderr until the CLI has started: of it the last is kept */
void asm_ssh_add_errors(AsmSsh *ssh, const char *data, gsize len);

/* (transfer full): why ssh has ended with @code or @signo before the CLI has started */
AsmFailure *asm_ssh_failure(const AsmSsh *ssh, const AsmProvider *provider, gint code, gint signo);
