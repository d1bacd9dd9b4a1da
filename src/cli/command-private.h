/* SPDX-License-Identifier: MIT */
#pragma once

/* A command describes itself; the table and the help text know nothing else about it. */

#include "cli/cli-private.h"
#include "cli/option-private.h"

typedef struct {
        const char *name;
        const char *heading;  /* begins a section of the help text; NULL: goes on */
        const char *operands; /* "SESSION RUN"; NULL: none */
        guint min_operands;
        guint max_operands;
        const char *summary;  /* one line */
        const char *help;     /* more lines, each ends in a newline; NULL: none */
        const char *examples; /* of a shell, a line each, each ends in a newline; never NULL */
        const AsmCliOption *options;
        gsize options_size; /* of the struct that @options describes; it starts zeroed */
        /* @operands: NULL-terminated; FALSE and @error, or TRUE */
        gboolean (*run)(AsmCli *cli, gconstpointer options, char **operands, GError **error);
} AsmCliCommand;

extern const AsmCliCommand asm_cli_cmd_run;
extern const AsmCliCommand asm_cli_cmd_query;
extern const AsmCliCommand asm_cli_cmd_stream;
extern const AsmCliCommand asm_cli_cmd_resume;
extern const AsmCliCommand asm_cli_cmd_attach;
extern const AsmCliCommand asm_cli_cmd_logs;
extern const AsmCliCommand asm_cli_cmd_interrupt;
extern const AsmCliCommand asm_cli_cmd_approvals;
extern const AsmCliCommand asm_cli_cmd_approve;
extern const AsmCliCommand asm_cli_cmd_deny;
extern const AsmCliCommand asm_cli_cmd_start;
extern const AsmCliCommand asm_cli_cmd_stop;
extern const AsmCliCommand asm_cli_cmd_sessions;
extern const AsmCliCommand asm_cli_cmd_status;
extern const AsmCliCommand asm_cli_cmd_metrics;
extern const AsmCliCommand asm_cli_cmd_config;
extern const AsmCliCommand asm_cli_cmd_top;
extern const AsmCliCommand asm_cli_cmd_ping;
extern const AsmCliCommand asm_cli_cmd_providers;
extern const AsmCliCommand asm_cli_cmd_doctor;
extern const AsmCliCommand asm_cli_cmd_resolve;
extern const AsmCliCommand asm_cli_cmd_completion;
extern const AsmCliCommand asm_cli_cmd_help;

/* options that every command takes; into AsmCliGlobals */
extern const AsmCliOption asm_cli_global_options[];

/* in the order of the help text; NULL behind the last */
const AsmCliCommand *asm_cli_command_nth(guint index);
/* (nullable) */
const AsmCliCommand *asm_cli_command_find(const char *name);
/* (nullable): what was most likely meant by @name, which is no command */
const AsmCliCommand *asm_cli_command_nearest(const char *name);
/* ASM_CLI_ERROR_USAGE for a name that is no command, with the nearest one */
const AsmCliCommand *asm_cli_command_get(const char *name, GError **error);
/* parses what is behind the command's name and runs it, or shows its help */
gboolean asm_cli_command_run(const AsmCliCommand *command,
                             AsmCli *cli,
                             char **args,
                             GError **error);

/* (transfer full): what --help and `help` show; NULL: of asmctl itself */
char *asm_cli_command_help(const AsmCliCommand *command);
