/* SPDX-License-Identifier: MIT */
#pragma once

/* What a word that is being typed may become. */

#include "cli/command-private.h"

/* how a shell's completion wants the candidates */
typedef enum {
        ASM_SHELL_BASH, /* quoted values */
        ASM_SHELL_ZSH,  /* VALUE:DESCRIPTION, with the colons of VALUE escaped */
        ASM_SHELL_FISH, /* VALUE, a tab, DESCRIPTION */
        ASM_SHELL_N,
} AsmShell;

typedef struct {
        AsmShell shell;
        char *typed;      /* the word so far; only what begins so is a candidate */
        char *kept;       /* what stands before it in the same word and stays: "--color=" */
        const char *kind; /* "words", or "files" or "folders", which the shell knows better */
        GString *lines;   /* the candidates, a line each */
} AsmCandidates;

void asm_candidates_init(AsmCandidates *candidates, AsmShell shell);
void asm_candidates_clear(AsmCandidates *candidates);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmCandidates, asm_candidates_clear)

/* @description: (nullable): one line; both may come from anywhere */
void asm_candidates_add(AsmCandidates *candidates, const char *value, const char *description);
/* the candidates that are split from @words at blanks */
void asm_candidates_add_words(AsmCandidates *candidates, const char *words);

/* (nullable): the shell's own name */
const char *asm_shell_name(AsmShell shell);

/* what a name in capital letters in a usage line stands for */
typedef enum {
        ASM_VALUES_ANY, /* nobody can say */
        ASM_VALUES_WORDS,
        ASM_VALUES_FILES,
        ASM_VALUES_FOLDERS,
        ASM_VALUES_COMMANDS,
        ASM_VALUES_NODES,
        ASM_VALUES_PROVIDERS,
        ASM_VALUES_SESSIONS,
        ASM_VALUES_RUNS,
        ASM_VALUES_APPROVALS,
        ASM_VALUES_MODES,
        ASM_VALUES_SETTINGS,
} AsmValues;

typedef struct {
        const char *name;
        AsmValues values;
        const char *words; /* with ASM_VALUES_WORDS */
} AsmPlaceholder;

/* (nullable): of the first @len characters of @name */
const AsmPlaceholder *asm_placeholder_find(const char *name, gssize len);

/**
 * asm_placeholder_of_operand: (nullable): what the operand number @index is
 *
 * @operands: as in a usage line: "SESSION [RUN]...", where the last one may be repeated; options
 *   in it are no operands.
 */
const AsmPlaceholder *asm_placeholder_of_operand(const char *operands, guint index);

/* what has been typed already and narrows the values down; texts are borrowed */
typedef struct {
        const char *session;  /* NULL: any */
        const char *provider; /* NULL: all */
} AsmValuesScope;

/* adds what @placeholder may stand for; who cannot be asked is passed over in silence */
void asm_values_add(AsmCli *cli,
                    const AsmPlaceholder *placeholder,
                    const AsmValuesScope *scope,
                    AsmCandidates *candidates);

/**
 * asm_complete: what the last one of @words may become
 * @words: NULL-terminated, behind the name of the program; at least one
 */
void asm_complete(AsmCli *cli, char **words, AsmCandidates *candidates);
