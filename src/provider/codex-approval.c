/* SPDX-License-Identifier: MIT */
/*
 * What the app-server of Codex asks for, a request of JSON-RPC each:
 *
 *      request of the server                    event                what answers it
 *      item/commandExecution/requestApproval    approval_requested   decision accept, decline
 *      item/fileChange/requestApproval          the same             the same
 *      item/permissions/requestApproval         the same             the permissions, or none
 *      execCommandApproval applyPatchApproval   the same             approved, denied (old servers)
 *      mcpServer/elicitation/request            the same, if yes or no is an answer; else declined
 *      any other                                raw                  an error, as we have no answer
 *
 * A server that asks waits, so every request gets an answer, and one only. Request ids begin at 0 in each
 * server, and turn ids are unique: an approval is named by both, so that a late decision never meets
 * another run's request.
 */

#include "provider/codex-private.h"

#include "term/json.h"
#include "term/reader.h"

#include <string.h>

/* longest id of a request that is a text; it is part of an approval's name */
#define REQUEST_ID_MAX 128

/* JSON-RPC's "method not found" */
#define METHOD_NOT_FOUND (-32601)

typedef struct {
        const char *method;
        const char *tool_name;
        gboolean is_legacy; /* takes the decisions of old servers */
} Approval;

static const Approval approvals[] = {
        { "item/commandExecution/requestApproval", "command_execution", FALSE },
        { "item/fileChange/requestApproval", "file_change", FALSE },
        { "item/permissions/requestApproval", "permissions", FALSE },
        { "mcpServer/elicitation/request", "mcp_elicitation", FALSE },
        { "execCommandApproval", "command_execution", TRUE },
        { "applyPatchApproval", "file_change", TRUE },
};

#define METHOD_PERMISSIONS (approvals[2].method)
#define METHOD_ELICITATION (approvals[3].method)

static const Approval *
find_approval(const char *method)
{
        for (gsize i = 0; method != NULL && i < G_N_ELEMENTS(approvals); i++) {
                if (strcmp(approvals[i].method, method) == 0)
                        return &approvals[i];
        }
        return NULL;
}

static void
put_text_pair(AsmBuilder *builder, const char *key, const char *value)
{
        asm_builder_text(builder, key);
        asm_builder_text(builder, value);
}

/* a request that we do not know, answered so that nobody waits */
static void
refuse(AsmDecoder *decoder, JsonNode *id)
{
        g_auto(AsmBuilder) message = ASM_BUILDER_INIT;

        asm_builder_map(&message, 2);
        asm_builder_text(&message, "id");
        asm_decoder_put_node(&message, id);
        asm_builder_text(&message, "error");
        asm_builder_map(&message, 2);
        asm_builder_text(&message, "code");
        asm_builder_int(&message, METHOD_NOT_FOUND);
        put_text_pair(&message, "message", "asmd has no answer to this request");
        asm_decoder_write(decoder, asm_builder_peek(&message));
}

/* --- answers --------------------------------------------------------------------------------- */

static AsmView
get_member(AsmView map, const char *key)
{
        AsmView value;

        return asm_view_is_set(map) && asm_view_kind(map) == ASM_KIND_MAP &&
                               asm_view_option_get(map, key, &value)
                       ? value
                       : ASM_VIEW_NONE;
}

static void
put_permissions(AsmBuilder *result, AsmView wanted, gboolean allow)
{
        asm_builder_map(result, 2);
        asm_builder_text(result, "permissions");
        if (allow && asm_view_is_set(wanted))
                asm_builder_view(result, wanted);
        else
                asm_builder_map(result, 0);
        put_text_pair(result, "scope", "turn");
}

static void
put_elicitation(AsmBuilder *result, gboolean allow)
{
        asm_builder_map(result, 3);
        put_text_pair(result, "action", allow ? "accept" : "decline");
        asm_builder_text(result, "content");
        if (allow)
                asm_builder_map(result, 0);
        else
                asm_builder_nil_atom(result);
        asm_builder_text(result, "_meta");
        asm_builder_nil_atom(result);
}

static void
put_decision(AsmBuilder *result, gboolean is_legacy, gboolean allow, const char *reason)
{
        asm_builder_map(result, 1);
        asm_builder_text(result, "decision");
        if (!is_legacy) {
                asm_builder_text(result, allow ? "accept" : "decline");
        } else if (allow) {
                asm_builder_text(result, "approved");
        } else {
                asm_builder_map(result, 1);
                asm_builder_text(result, "denied");
                asm_builder_map(result, 1);
                put_text_pair(result, "rejection", reason != NULL ? reason : "denied");
        }
}

/* appends the answer to the request @raw; FALSE: it is none that we answer */
static gboolean
put_answer(AsmBuilder *message, AsmView raw, gboolean allow, const char *reason)
{
        AsmView id = get_member(raw, "id");
        AsmView name = get_member(raw, "method");
        g_autofree char *method = asm_view_is_set(name) ? asm_view_dup_text(name, FALSE) : NULL;
        const Approval *approval = find_approval(method);

        if (approval == NULL || !asm_view_is_set(id))
                return FALSE;
        asm_builder_map(message, 2);
        asm_builder_text(message, "id");
        asm_builder_view(message, id);
        asm_builder_text(message, "result");
        if (approval->method == METHOD_PERMISSIONS)
                put_permissions(message,
                                get_member(get_member(raw, "params"), "permissions"),
                                allow);
        else if (approval->method == METHOD_ELICITATION)
                put_elicitation(message, allow);
        else
                put_decision(message, approval->is_legacy, allow, reason);
        return TRUE;
}

char *
asm_codex_server_approval_line(AsmView raw, gboolean allow, const char *reason)
{
        g_auto(AsmBuilder) message = ASM_BUILDER_INIT;
        g_autofree char *text = NULL;

        if (!put_answer(&message, raw, allow, reason))
                return NULL;
        text = asm_view_to_json_text(asm_builder_peek(&message));
        return g_strconcat(text, "\n", NULL);
}

/* --- requests of the server ------------------------------------------------------------------- */

/* (transfer full): see above; unique among all runs */
static char *
make_approval_id(const char *turn_id, JsonNode *id)
{
        g_autofree char *text = json_to_string(id, /* pretty= */ FALSE);

        return g_strdup_printf("%s:%s", turn_id != NULL ? turn_id : "codex", text);
}

static gboolean
is_request_id(JsonNode *id)
{
        const char *text = asm_decoder_node_text(id);

        if (text != NULL)
                return strlen(text) <= REQUEST_ID_MAX;
        return id != NULL && JSON_NODE_HOLDS_VALUE(id) &&
               json_node_get_value_type(id) == G_TYPE_INT64;
}

/* a form with fields, or a page to visit, is nothing that yes or no would answer */
static gboolean
is_yes_or_no(JsonObject *params)
{
        JsonObject *schema = asm_json_get_object(params, "requestedSchema");
        JsonObject *properties = asm_json_get_object(schema, "properties");

        return schema != NULL && (properties == NULL || json_object_get_size(properties) == 0);
}

/* what is asked about: the call if it was seen to start, with what the request adds to it */
static JsonNode *
make_approval_input(AsmDecoder *decoder, JsonObject *params)
{
        static const char *const keys[] = {
                "command", "cwd",        "reason",    "fileChanges",           "permissions",
                "message", "serverName", "grantRoot", "networkApprovalContext"
        };
        const char *item_id = asm_json_get_string(params, "itemId");
        JsonNode *call = item_id != NULL ? g_hash_table_lookup(decoder->tools, item_id) : NULL;
        JsonNode *input = call != NULL ? json_node_copy(call) : json_node_new(JSON_NODE_OBJECT);
        JsonObject *object;

        if (call == NULL)
                json_node_take_object(input, json_object_new());
        object = json_node_get_object(input);
        for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
                JsonNode *node = asm_decoder_first(params, keys[i], NULL);

                if (node != NULL)
                        json_object_set_member(object, keys[i], json_node_copy(node));
        }
        return input;
}

void
asm_codex_server_request(AsmDecoder *decoder, const char *turn_id, JsonObject *object, AsmView raw)
{
        const char *method = asm_json_get_string(object, "method");
        JsonNode *id = json_object_get_member(object, "id");
        JsonObject *params = asm_json_get_object(object, "params");
        const Approval *approval = find_approval(method);
        g_autoptr(JsonNode) input = NULL;
        g_auto(AsmBuilder) answer = ASM_BUILDER_INIT;
        g_autofree char *approval_id = NULL;

        if (approval == NULL || !is_request_id(id)) {
                refuse(decoder, id);
                asm_decoder_emit_raw(decoder, raw);
                return;
        }
        if (approval->method == METHOD_ELICITATION && !is_yes_or_no(params)) {
                put_answer(&answer, raw, /* allow= */ FALSE, /* reason= */ NULL);
                asm_decoder_write(decoder, asm_builder_peek(&answer));
                asm_decoder_emit_raw(decoder, raw);
                return;
        }
        approval_id = make_approval_id(turn_id, id);
        input = make_approval_input(decoder, params);
        asm_decoder_emit_approval_requested(decoder, approval_id, approval->tool_name, input, raw);
}

/* the server has taken a request back, if it was not answered: the turn was interrupted */
void
asm_codex_server_resolved(AsmDecoder *decoder, const char *turn_id, JsonObject *params, AsmView raw)
{
        JsonNode *id = asm_decoder_first(params, "requestId", NULL);
        g_autofree char *approval_id = NULL;

        if (is_request_id(id))
                approval_id = make_approval_id(turn_id, id);
        if (approval_id != NULL && asm_decoder_pending_remove(decoder, approval_id))
                asm_decoder_emit_approval_decision(decoder,
                                                   approval_id,
                                                   /* is_allowed= */ FALSE,
                                                   "withdrawn",
                                                   raw);
        else
                asm_decoder_emit_raw(decoder, raw);
}
