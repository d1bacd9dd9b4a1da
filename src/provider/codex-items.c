/* SPDX-License-Identifier: MIT */
/*
 * The items of a Codex thread: what the agent says and the work it does. `codex exec` spells them
 * with underscores, the app-server in camel case; the same work gives the same events in both.
 *
 *      item                                     tool_use       input
 *      command_execution   commandExecution     same name      command
 *      file_change         fileChange           same name      changes
 *      mcp_tool_call       mcpToolCall          the tool's     its arguments
 *      web_search          webSearch            same name      query
 *
 * A call is a pair: an item that was not seen to start gets its tool_use when it completes, and one
 * that starts twice is one call. Every other item is raw. So is the agent's list of things to do: it
 * is no use of a tool, and a run that allows only some tools would end with it.
 *
 * An ASM node has neither the tools nor, therefore, the pairs: it sends these items as raw.
 */

#include "provider/codex-private.h"

#include <string.h>

/* json-glib recurses per level */
#define OBJECT_DEPTH_MAX 200

static const struct {
        const char *type;
        const char *name;
} tools[] = {
        { "command_execution", "command_execution" },
        { "commandExecution", "command_execution" },
        { "file_change", "file_change" },
        { "fileChange", "file_change" },
        { "mcp_tool_call", "mcp_tool_call" },
        { "mcpToolCall", "mcp_tool_call" },
        { "web_search", "web_search" },
        { "webSearch", "web_search" },
};

const char *
asm_codex_tool_name(const char *type)
{
        for (gsize i = 0; type != NULL && i < G_N_ELEMENTS(tools); i++) {
                if (strcmp(tools[i].type, type) == 0)
                        return tools[i].name;
        }
        return NULL;
}

/* an MCP tool goes by its own name */
static const char *
get_tool_name(JsonObject *item)
{
        const char *name = asm_codex_tool_name(asm_json_get_string(item, "type"));
        const char *tool = asm_json_get_string(item, "tool");

        return g_strcmp0(name, "mcp_tool_call") == 0 && tool != NULL ? tool : name;
}

/* what the tool is called with: the members of the item that say it */
static JsonNode *
make_tool_input(JsonObject *item)
{
        static const char *const keys[] = { "command", "changes", "server", "query" };
        JsonNode *arguments = asm_decoder_first(item, "arguments", NULL);
        JsonNode *input;
        JsonObject *object;

        if (asm_decoder_node_object(arguments) != NULL)
                return json_node_copy(arguments);
        object = json_object_new();
        for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
                JsonNode *node = asm_decoder_first(item, keys[i], NULL);

                if (node != NULL)
                        json_object_set_member(object, keys[i], json_node_copy(node));
        }
        input = json_node_new(JSON_NODE_OBJECT);
        json_node_take_object(input, object);
        return input;
}

void
asm_codex_begin_tool(AsmDecoder *decoder, JsonObject *item, AsmView raw)
{
        const char *id = asm_json_get_string(item, "id");
        g_autoptr(JsonNode) input = make_tool_input(item);

        if (id != NULL && g_hash_table_contains(decoder->tools, id)) {
                asm_decoder_emit_raw(decoder, raw);
                return;
        }
        if (id != NULL && g_hash_table_size(decoder->tools) < ASM_DECODER_TOOLS_MAX)
                g_hash_table_insert(decoder->tools, g_strdup(id), json_node_ref(input));
        asm_decoder_emit_tool_use(decoder, get_tool_name(item), id, input, raw);
}

static gboolean
has_tool_failed(JsonObject *item)
{
        const char *status = asm_json_get_string(item, "status");

        return g_strcmp0(status, "failed") == 0 || g_strcmp0(status, "declined") == 0 ||
               asm_json_get_int(item, "exit_code", 0) != 0 ||
               asm_json_get_int(item, "exitCode", 0) != 0 ||
               asm_decoder_first(item, "error", NULL) != NULL;
}

void
asm_codex_end_tool(AsmDecoder *decoder, JsonObject *item, AsmView raw)
{
        const char *id = asm_json_get_string(item, "id");

        if (id == NULL || !g_hash_table_contains(decoder->tools, id))
                asm_codex_begin_tool(decoder, item, ASM_VIEW_NONE);
        if (id != NULL)
                g_hash_table_remove(decoder->tools, id);
        asm_decoder_emit_tool_result(decoder,
                                     id,
                                     asm_decoder_first(item,
                                                       "aggregated_output",
                                                       "aggregatedOutput",
                                                       "result",
                                                       "error",
                                                       "changes",
                                                       NULL),
                                     has_tool_failed(item),
                                     raw);
}

void
asm_codex_emit_message(AsmDecoder *decoder, JsonObject *message, AsmView raw)
{
        asm_decoder_emit_message(decoder,
                                 message,
                                 asm_decoder_first_text(message, "model", NULL),
                                 raw);
        if (!decoder->wants_object)
                return;
        g_free(decoder->last_message);
        decoder->last_message = asm_decoder_dup_message_text(message);
}

JsonNode *
asm_codex_parse_object(const AsmDecoder *decoder)
{
        const char *text = decoder->last_message;
        g_autofree char *problem = NULL;
        g_autoptr(JsonParser) parser = NULL;

        if (text == NULL)
                return NULL;
        problem = asm_json_check(text, strlen(text), OBJECT_DEPTH_MAX);
        if (problem != NULL)
                return NULL;
        parser = json_parser_new();
        return json_parser_load_from_data(parser, text, -1, NULL) ? json_parser_steal_root(parser)
                                                                  : NULL;
}
