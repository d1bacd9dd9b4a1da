/* SPDX-License-Identifier: MIT */
#pragma once

/* Options of the command line, described by tables; values go into structs of the caller. */

#include <glib.h>

typedef enum {
        ASM_CLI_FLAG,    /* gboolean */
        ASM_CLI_TEXT,    /* char *, owned by the struct; UTF-8, not empty */
        ASM_CLI_TEXTS,   /* GStrv, likewise: one for each time it is given; NULL: never */
        ASM_CLI_SECONDS, /* guint of milliseconds, never 0 */
} AsmCliOptionType;

/* a table ends with an entry without a name */
typedef struct {
        const char *name; /* without the dashes */
        char letter;      /* 0: none */
        AsmCliOptionType type;
        gsize offset;         /* of the value in the struct */
        const char *argument; /* "NODE"; NULL for flags */
        const char *help;
} AsmCliOption;

/* a table and the struct that its offsets are into */
typedef struct {
        const AsmCliOption *options; /* NULL: none */
        gpointer values;
} AsmCliOptionSet;

/**
 * asm_cli_options_parse:
 * @sets: looked through in order
 * @args: NULL-terminated; borrowed
 * @stop_at_first: leave everything from the first operand on alone
 *
 * `--name VALUE`, `--name=VALUE`, `-x VALUE`; `--` ends the options; a single `-` is an operand.
 * A value given twice: the last one counts, unless it is one of ASM_CLI_TEXTS.
 *
 * Returns: (transfer container): the operands (borrowed strings), NULL-terminated; NULL with
 *   ASM_CLI_ERROR_USAGE
 */
GPtrArray *asm_cli_options_parse(const AsmCliOptionSet *sets,
                                 guint n_sets,
                                 char **args,
                                 gboolean stop_at_first,
                                 GError **error);

/**
 * asm_cli_options_scan: what is known of a command line that is still being typed
 * @args: NULL-terminated; borrowed
 * @ret_pending: (nullable): the option whose value comes next; NULL: none
 * @ret_is_ended: behind `--`: what comes next is an operand
 *
 * As asm_cli_options_parse(), but what is wrong is passed over.
 *
 * Returns: (transfer container): the operands (borrowed strings), NULL-terminated
 */
GPtrArray *asm_cli_options_scan(const AsmCliOptionSet *sets,
                                guint n_sets,
                                char **args,
                                const AsmCliOption **ret_pending,
                                gboolean *ret_is_ended);
/* (nullable): the option whose value @arg, as `--name=VALUE`, holds; @ret_value: within @arg */
const AsmCliOption *asm_cli_options_find_assigned(const AsmCliOptionSet *sets,
                                                  guint n_sets,
                                                  const char *arg,
                                                  const char **ret_value);

/* frees the texts in @values */
void asm_cli_options_clear(const AsmCliOption *options, gpointer values);
/* appends one aligned line per option */
void asm_cli_options_help(GString *out, const AsmCliOption *options);
