/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The two forms of Codex: `codex exec` (codex.c), which nobody can answer, and `codex app-server`
 * (codex-server.c), which asks. Both tell of the same items (codex-items.c).
 */

#include "provider/arguments-private.h"
#include "provider/decoder-private.h"

/* (nullable): what a tool is called whose items have this @type, in either form's spelling */
const char *asm_codex_tool_name(const char *type);
/* a tool_use; @raw may be not set */
void asm_codex_begin_tool(AsmDecoder *decoder, JsonObject *item, AsmView raw);
/* a tool_result, after a tool_use if none was seen */
void asm_codex_end_tool(AsmDecoder *decoder, JsonObject *item, AsmView raw);
/* an agent's message; its text may be the run's object */
void asm_codex_emit_message(AsmDecoder *decoder, JsonObject *message, AsmView raw);
/* (transfer full) (nullable): the last message as JSON, if the run asked for an object */
JsonNode *asm_codex_parse_object(const AsmDecoder *decoder);

/* whether the run is one whose approvals are answered, and for which somebody asked for them */
gboolean asm_codex_is_server(const AsmProviderLaunch *launch);
/* what the app-server is told first; its lines from then on go to asm_codex_server_line() */
void asm_codex_server_begin(AsmDecoder *decoder);
void asm_codex_server_line(AsmDecoder *decoder, const char *line, gsize len);
gboolean asm_codex_server_interrupt(AsmDecoder *decoder);
/* (transfer full) (nullable): the answer to the request @raw */
char *asm_codex_server_approval_line(AsmView raw, gboolean allow, const char *reason);

/* codex-approval.c: a request of the server; @turn_id (nullable) is of the run */
void asm_codex_server_request(AsmDecoder *decoder,
                              const char *turn_id,
                              JsonObject *object,
                              AsmView raw);
/* the server no longer waits for an answer: to a request that had none it takes none any more */
void asm_codex_server_resolved(AsmDecoder *decoder,
                               const char *turn_id,
                               JsonObject *params,
                               AsmView raw);
