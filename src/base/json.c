/* SPDX-License-Identifier: MIT */
/*
 * Foreign JSON has members that are missing, null or of another type than its vendor's manual
 * says, and an agent's output must never be able to trip a CRITICAL of json-glib. So every
 * getter asks for the type first and answers "not there" for everything else: a reader of
 * foreign JSON is a chain of conditions, like a reader of foreign terms.
 *
 * Numbers are the one place with mercy: an integer is accepted where a double is asked for and
 * the other way round when the double is whole and fits, because CLIs written in JavaScript do not
 * tell the two apart.
 */

#include "base/json.h"

#include <math.h>

/* the doubles just outside of gint64; a double cannot hold G_MAXINT64 itself */
#define INT_ABOVE  9223372036854775808.0
#define INT_LOWEST (-9223372036854775808.0)

static JsonNode *
get_node(JsonObject *object, const char *key, JsonNodeType type)
{
        JsonNode *node = object != NULL ? json_object_get_member(object, key) : NULL;

        return node != NULL && json_node_get_node_type(node) == type ? node : NULL;
}

static JsonNode *
get_value(JsonObject *object, const char *key, GType type)
{
        JsonNode *node = get_node(object, key, JSON_NODE_VALUE);

        return node != NULL && json_node_get_value_type(node) == type ? node : NULL;
}

const char *
asm_json_get_string(JsonObject *object, const char *key)
{
        JsonNode *node = get_value(object, key, G_TYPE_STRING);

        return node != NULL && asm_json_get_digits(node) == NULL ? json_node_get_string(node)
                                                                 : NULL;
}

JsonObject *
asm_json_get_object(JsonObject *object, const char *key)
{
        JsonNode *node = get_node(object, key, JSON_NODE_OBJECT);

        return node != NULL ? json_node_get_object(node) : NULL;
}

JsonArray *
asm_json_get_array(JsonObject *object, const char *key)
{
        JsonNode *node = get_node(object, key, JSON_NODE_ARRAY);

        return node != NULL ? json_node_get_array(node) : NULL;
}

gint64
asm_json_get_int(JsonObject *object, const char *key, gint64 fallback)
{
        JsonNode *node = get_value(object, key, G_TYPE_INT64);
        double value;

        if (node != NULL)
                return json_node_get_int(node);
        node = get_value(object, key, G_TYPE_DOUBLE);
        if (node == NULL)
                return fallback;
        value = json_node_get_double(node);
        if (!(value >= INT_LOWEST && value < INT_ABOVE) || value != trunc(value))
                return fallback;
        return (gint64)value;
}

double
asm_json_get_double(JsonObject *object, const char *key, double fallback)
{
        JsonNode *node = get_value(object, key, G_TYPE_DOUBLE);

        if (node != NULL && isfinite(json_node_get_double(node)))
                return json_node_get_double(node);
        node = get_value(object, key, G_TYPE_INT64);
        return node != NULL ? (double)json_node_get_int(node) : fallback;
}
