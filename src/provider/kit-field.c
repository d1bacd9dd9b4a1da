/* SPDX-License-Identifier: MIT */

/*
 * The types of a kit's fields. A kit is written by somebody who reads what asmd says about it, so
 * the first field that is wrong is named with what it is and what it should be, and the run ends
 * there: half of an event is worse than none. A null counts as nothing.
 */

#include "provider/kit-field-private.h"

#include <string.h>

/* how much of a kit's text an error repeats */
#define SHOWN_MAX 200

char *
asm_kit_dup_shown(const char *text)
{
        g_autofree char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, SHOWN_MAX));

        return g_strescape(valid, NULL);
}

/* (transfer full) */
static char *
describe(JsonNode *node)
{
        const char *text = asm_decoder_node_text(node);

        if (node == NULL)
                return g_strdup("missing");
        if (text != NULL) {
                g_autofree char *quoted = asm_kit_dup_shown(text);
                return g_strdup_printf("'%s'", quoted);
        }
        switch (json_node_get_node_type(node)) {
        case JSON_NODE_OBJECT:
                return g_strdup("an object");
        case JSON_NODE_ARRAY:
                return g_strdup("a list");
        case JSON_NODE_NULL:
                return g_strdup("null");
        case JSON_NODE_VALUE:
                break;
        }
        return g_strdup(json_node_get_value_type(node) == G_TYPE_BOOLEAN ? "a boolean"
                                                                         : "a number");
}

void
asm_kit_complain(AsmDecoder *decoder,
                 const char *where,
                 JsonNode *node,
                 const char *expected,
                 AsmView raw)
{
        g_autofree char *got = describe(node);
        g_autofree char *message = g_strdup_printf("%s: %s is %s, expected %s",
                                                   decoder->speaker,
                                                   where,
                                                   got,
                                                   expected);

        asm_decoder_emit_error(decoder, ASM_FAILURE_PARSE_ERROR, ASM_SEVERITY_FATAL, message, raw);
}

static gboolean
is_one_of(const char *text, const char *const *words)
{
        return text != NULL && g_strv_contains(words, text);
}

static const char *const decisions[] = { "allow", "deny", NULL };
static const char *const statuses[] = { "completed", "error", NULL };
static const char *const severities[] = { "warning", "error", "fatal", NULL };
static const char *const streams[] = { "stdout", "stderr", NULL };

static gboolean
is_amount(JsonNode *node)
{
        GType type = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node) : G_TYPE_NONE;

        return (type == G_TYPE_INT64 || type == G_TYPE_DOUBLE) && json_node_get_double(node) >= 0;
}

static gboolean
is_list_of(JsonNode *node, gboolean accept_objects)
{
        JsonArray *array = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
        guint n = array != NULL ? json_array_get_length(array) : 0;

        for (guint i = 0; i < n; i++) {
                JsonNode *element = json_array_get_element(array, i);

                if (asm_decoder_node_text(element) == NULL &&
                    !(accept_objects && JSON_NODE_HOLDS_OBJECT(element)))
                        return FALSE;
        }
        return array != NULL;
}

static gboolean
is_of_type(JsonObject *object, const char *name, AsmKitFieldType type)
{
        JsonNode *node = json_object_get_member(object, name);
        const char *text = asm_decoder_node_text(node);

        switch (type) {
        case ASM_KIT_FIELD_TEXT:
                return text != NULL;
        case ASM_KIT_FIELD_ID:
                return text != NULL && *text != '\0';
        case ASM_KIT_FIELD_COUNT:
                /* whole doubles as well: JavaScript does not tell the two apart */
                return asm_json_get_int(object, name, -1) >= 0;
        case ASM_KIT_FIELD_AMOUNT:
                return is_amount(node);
        case ASM_KIT_FIELD_BOOL:
                return JSON_NODE_HOLDS_VALUE(node) &&
                       json_node_get_value_type(node) == G_TYPE_BOOLEAN;
        case ASM_KIT_FIELD_OBJECT:
                return JSON_NODE_HOLDS_OBJECT(node);
        case ASM_KIT_FIELD_TEXTS:
                return is_list_of(node, /* accept_objects= */ FALSE);
        case ASM_KIT_FIELD_BLOCKS:
                return text != NULL || is_list_of(node, /* accept_objects= */ TRUE);
        case ASM_KIT_FIELD_DECISION:
                return is_one_of(text, decisions);
        case ASM_KIT_FIELD_STATUS:
                return is_one_of(text, statuses);
        case ASM_KIT_FIELD_SEVERITY:
                return is_one_of(text, severities);
        case ASM_KIT_FIELD_STREAM:
                return is_one_of(text, streams);
        case ASM_KIT_FIELD_ANY:
                break;
        }
        return TRUE;
}

static const char *const expectations[] = {
        [ASM_KIT_FIELD_TEXT] = "text",
        [ASM_KIT_FIELD_ID] = "text that is not empty",
        [ASM_KIT_FIELD_COUNT] = "an integer from 0",
        [ASM_KIT_FIELD_AMOUNT] = "a number from 0",
        [ASM_KIT_FIELD_BOOL] = "true or false",
        [ASM_KIT_FIELD_OBJECT] = "an object",
        [ASM_KIT_FIELD_TEXTS] = "a list of texts",
        [ASM_KIT_FIELD_BLOCKS] = "text, or a list of texts and objects",
        [ASM_KIT_FIELD_DECISION] = "allow or deny",
        [ASM_KIT_FIELD_STATUS] = "completed or error",
        [ASM_KIT_FIELD_SEVERITY] = "warning, error or fatal",
        [ASM_KIT_FIELD_STREAM] = "stdout or stderr",
        [ASM_KIT_FIELD_ANY] = "a value",
};

gboolean
asm_kit_check_fields(AsmDecoder *decoder,
                     const char *what,
                     JsonObject *object,
                     const AsmKitField *fields,
                     AsmView raw)
{
        for (; fields->name != NULL; fields++) {
                JsonNode *node = json_object_get_member(object, fields->name);
                gboolean is_there = node != NULL && !JSON_NODE_HOLDS_NULL(node);
                g_autofree char *where = NULL;

                if (is_there ? is_of_type(object, fields->name, fields->type)
                             : !fields->is_required)
                        continue;
                where = g_strdup_printf("%s.%s", what, fields->name);
                asm_kit_complain(decoder, where, node, expectations[fields->type], raw);
                return FALSE;
        }
        return TRUE;
}
