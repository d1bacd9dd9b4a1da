/* SPDX-License-Identifier: MIT */
#pragma once

/* What a run is asked for on the command line: the options of run, query, stream and resume. */

#include "cli/place-private.h"

#include <json-glib/json-glib.h>

typedef struct {
        char *session; /* NULL: a session for this run only */
        char *resume;  /* the provider's session id to go on from; NULL: a new conversation */
        char *schema;  /* a file; NULL: the answer is text */
        gboolean is_verbose;
        AsmCliPlace place;
} AsmCliRequest;

/* `run` has no session to name: there is nobody that keeps one */
extern const AsmCliOption asm_cli_run_options[];
extern const AsmCliOption asm_cli_query_options[];
extern const AsmCliOption asm_cli_resume_options[];

/* largest schema in bytes, and how deep it may nest */
#define ASM_CLI_SCHEMA_MAX       (1024 * 1024)
#define ASM_CLI_SCHEMA_MAX_DEPTH 64

/* ASM_CLI_ERROR_USAGE for what does not go together, or cannot be sent */
gboolean asm_cli_request_check(const AsmCliRequest *request, GError **error);

/**
 * asm_cli_schema_read: (transfer full): the JSON object in @path
 *
 * Errors: ASM_CLI_ERROR_USAGE naming the file, and what is wrong with it at which byte
 */
JsonNode *asm_cli_schema_read(const char *path, GError **error);

/* what the options do not say */
typedef struct {
        const char *prompt;
        const char *run_id;
        const char *new_session; /* id of the session that is made for it; NULL: there is one */
        AsmView subscriber;      /* pid */
        JsonNode *schema;        /* NULL: none */
} AsmCliRequestFacts;

/* appends [Session | Provider, Prompt, Options] */
void asm_cli_put_request(AsmBuilder *args,
                         const AsmCliRequest *request,
                         const AsmCliRequestFacts *facts);
