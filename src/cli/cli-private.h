/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What every command gets: the global options, the output, and the daemon, which is connected to
 * when a command asks for it. Calls wait: asmctl does one thing at a time.
 */

#include "api/client.h"
#include "cli/output-private.h"
#include "daemon/daemon.h"

/* how long connecting and one call may take, unless --timeout says otherwise */
#define ASM_CLI_TIMEOUT_MS 10000

typedef struct {
        char *node; /* --node, as it was given */
        char *cookie_file;
        char *config;
        guint timeout_ms; /* 0: not given */
        char *colour;     /* NULL: not given */
        gboolean is_json;
        gboolean wants_help;
        gboolean wants_version;
} AsmCliGlobals;

/* an event of a run; that no more of them come; that it is over, nothing follows; that the connection is
 * gone */
typedef struct {
        void (*event)(AsmView event, gpointer user_data);
        void (*lagged)(const AsmFailure *failure, gpointer user_data);
        void (*done)(gpointer user_data);
        void (*lost)(gpointer user_data);
} AsmCliListener;

typedef struct _AsmCli AsmCli;
struct _AsmCli {
        AsmCliGlobals globals;
        AsmOutput output;
        AsmClient *client; /* NULL until asm_cli_open() */
        AsmDaemon *daemon; /* of our own, when there is no other: local.c */
        guint n_servers;   /* that it has when nothing runs */
        /* of the command that waits for a run; NULL: nobody does */
        const AsmCliListener *listener;
        gpointer user_data;
};

/* the same file that the daemon reads: what both need to know is written once */
gboolean asm_cli_load_config(const AsmCli *cli, AsmConfig *config, GError **error);
/* disconnects and frees what the options hold */
void asm_cli_clear(AsmCli *cli);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmCli, asm_cli_clear)

/**
 * asm_cli_node_name: (transfer full): the daemon's node
 * @given: (nullable): --node or ASMD_NODE; without a host it is on this machine
 */
char *asm_cli_node_name(const char *given);

/* connects; ASM_CLI_ERROR_UNREACHABLE names the node, the cookie file and what to do */
gboolean asm_cli_open(AsmCli *cli, GError **error);
/* what a client of @cli tells */
extern const AsmClientListener asm_cli_client_listener;

/* gen_server:call({asm, Node}, {@function, @args}); (transfer full): the answer as it came */
AsmTerm *asm_cli_call(AsmCli *cli, const char *function, AsmView args, GError **error);

/**
 * asm_cli_ask: asm_cli_open() and asm_cli_call(), the answer taken apart
 * @ret_value: V of `{ok, V}`, else the answer itself; borrowed from the returned term
 *
 * Returns: (transfer full): NULL also for `{error, E}`, as asm_cli_set_lookup_failure()
 */
AsmTerm *asm_cli_ask(AsmCli *cli,
                     const char *function,
                     AsmView args,
                     AsmView *ret_value,
                     GError **error);

/* E of `{error, E}`; not set for anything else */
AsmView asm_cli_answer_error(AsmView answer);
/* (transfer full): what E says, also if it is no ASM.Error */
AsmFailure *asm_cli_answer_failure(AsmView reason);
/* appends a list of binaries: the arguments of a function that takes ids */
void asm_cli_put_texts(AsmBuilder *args, const char *const *texts);
