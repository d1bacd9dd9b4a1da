/* SPDX-License-Identifier: MIT */

/*
 * Terms and JSON.
 *
 * JSON -> term has one form for each thing, the one Elixir's JSON libraries use, so that a remote
 * node sees what it would have decoded itself. Term -> JSON has to lose something: atoms and
 * binaries both become strings, tuples and lists both arrays. It is for people and scripts, and
 * is not read back.
 *
 * As in print.c each function converts the term at an address and returns the address behind it:
 * one pass whatever the nesting. What is nested deeper than MAX_DEPTH becomes the string "...".
 */

#include "term/json.h"

#include "base/json.h"
#include "term/error.h"
#include "term/format-private.h"
#include "term/print.h"
#include "term/reader.h"

#define MAX_DEPTH 512

static const guint8 *to_json(const guint8 *at, guint depth, JsonNode **ret_node);

static void
append_value(AsmBuilder *builder, JsonNode *node)
{
        if (node == NULL || JSON_NODE_HOLDS_NULL(node)) {
                asm_builder_nil_atom(builder);
        } else if (json_node_get_value_type(node) == G_TYPE_INT64) {
                asm_builder_int(builder, json_node_get_int(node));
        } else if (json_node_get_value_type(node) == G_TYPE_DOUBLE) {
                asm_builder_double(builder, json_node_get_double(node));
        } else if (json_node_get_value_type(node) == G_TYPE_BOOLEAN) {
                asm_builder_bool(builder, json_node_get_boolean(node));
        } else if (asm_json_get_digits(node) != NULL) {
                asm_builder_decimal(builder, asm_json_get_digits(node));
        } else {
                asm_builder_text(builder, json_node_get_string(node));
        }
}

/* FALSE: nested deeper than @depth more levels */
static gboolean
append_node(AsmBuilder *builder, JsonNode *node, guint depth)
{
        gboolean is_fine = TRUE;

        if (node != NULL && JSON_NODE_HOLDS_OBJECT(node)) {
                JsonObjectIter iter;
                const char *name;
                JsonNode *member;

                asm_builder_map(builder, json_object_get_size(json_node_get_object(node)));
                json_object_iter_init_ordered(&iter, json_node_get_object(node));
                while (depth > 0 && is_fine &&
                       json_object_iter_next_ordered(&iter, &name, &member)) {
                        asm_builder_text(builder, name);
                        is_fine = append_node(builder, member, depth - 1);
                }
                return depth > 0 && is_fine;
        }
        if (node != NULL && JSON_NODE_HOLDS_ARRAY(node)) {
                JsonArray *array = json_node_get_array(node);
                guint n = json_array_get_length(array);

                asm_builder_list(builder, n);
                for (guint i = 0; depth > 0 && is_fine && i < n; i++) {
                        is_fine = append_node(builder, json_array_get_element(array, i), depth - 1);
                }
                asm_builder_nil(builder);
                return depth > 0 && is_fine;
        }
        append_value(builder, node);
        return TRUE;
}

gboolean
asm_builder_json(AsmBuilder *builder, JsonNode *node, GError **error)
{
        gsize before = builder->len;

        if (!append_node(builder, node, ASM_TERM_LIMITS_DEFAULT.max_depth)) {
                builder->len = before;
                g_set_error(error,
                            ASM_TERM_ERROR,
                            ASM_TERM_ERROR_TOO_DEEP,
                            "JSON nested deeper than %u",
                            ASM_TERM_LIMITS_DEFAULT.max_depth);
                return FALSE;
        }
        return TRUE;
}

static JsonNode *
string_node(const char *text)
{
        return json_node_init_string(json_node_alloc(), text);
}

static JsonNode *
printed_node(AsmView view)
{
        g_autofree char *text = asm_view_print(view, ASM_SYNTAX_ERLANG, 0);

        return string_node(text);
}

static JsonNode *
atom_node(AsmView view)
{
        g_autofree char *name = NULL;
        gboolean flag;

        if (asm_view_is_atom(view, "nil") || asm_view_is_atom(view, "undefined")) {
                return json_node_init_null(json_node_alloc());
        }
        if (asm_view_get_bool(view, &flag)) {
                return json_node_init_boolean(json_node_alloc(), flag);
        }
        name = asm_view_dup_atom(view);
        return name != NULL ? string_node(name) : printed_node(view);
}

/* a string of JSON is text here, and C text cannot have a NUL */
static JsonNode *
binary_node(AsmView view)
{
        const guint8 *data = NULL;
        gsize len = 0;
        g_autofree char *text = NULL;
        JsonObject *object;
        JsonNode *node;

        if (!asm_view_get_binary(view, &data, &len)) {
                return printed_node(view);
        }
        if (g_utf8_validate_len((const char *)data, len, NULL)) {
                text = g_strndup((const char *)data, len);
                return string_node(text);
        }
        text = g_base64_encode(data, len);
        object = json_object_new();
        json_object_set_string_member(object, "base64", text);
        node = json_node_init_object(json_node_alloc(), object);
        json_object_unref(object);
        return node;
}

static JsonNode *
leaf_node(AsmView view)
{
        AsmKind kind = asm_view_kind(view);
        gint64 integer;
        double number;

        if (kind == ASM_KIND_ATOM) {
                return atom_node(view);
        }
        if (kind == ASM_KIND_BINARY) {
                return binary_node(view);
        }
        if (asm_view_get_int(view, &integer)) {
                return json_node_init_int(json_node_alloc(), integer);
        }
        if (kind == ASM_KIND_FLOAT && asm_view_get_double(view, &number)) {
                return json_node_init_double(json_node_alloc(), number);
        }
        return printed_node(view);
}

/* the fields of Elixir's DateTime that make the text */
enum {
        STRUCT,
        YEAR,
        MONTH,
        DAY,
        HOUR,
        MINUTE,
        SECOND,
        UTC_OFFSET,
        STD_OFFSET,
        MICROSECOND,
        N_FIELDS
};

static const char *const date_keys[N_FIELDS + 1] = {
        "__struct__", "year",       "month",      "day",         "hour", "minute",
        "second",     "utc_offset", "std_offset", "microsecond", NULL,
};

/* DateTime has 13 keys: these, calendar, time_zone and zone_abbr */
#define N_DATE_KEYS 13

static const gint64 date_min[] = { 0, 0, 1, 1, 0, 0, 0, -86400, -86400 };
static const gint64 date_max[] = { 0, 9999, 12, 31, 23, 59, 60, 86400, 86400 };

static void
append_offset(GString *text, gint64 offset)
{
        gint64 minutes = ABS(offset) / 60;

        if (offset == 0) {
                g_string_append_c(text, 'Z');
        } else {
                g_string_append_printf(text,
                                       "%c%02d:%02d",
                                       offset < 0 ? '-' : '+',
                                       (int)(minutes / 60),
                                       (int)(minutes % 60));
        }
}

/* the DateTime that the fields of a map are; NULL: they are none */
static char *
date_text(const AsmView fields[static N_FIELDS])
{
        gint64 n[N_FIELDS] = { 0 }, micro, digits;
        AsmView pair[2];
        GString *text;

        for (int i = YEAR; i < MICROSECOND; i++) {
                if (!asm_view_get_int(fields[i], &n[i]) || n[i] < date_min[i] ||
                    n[i] > date_max[i]) {
                        return NULL;
                }
        }
        if (!asm_view_get_tuple(fields[MICROSECOND], 2, pair) ||
            !asm_view_get_int(pair[0], &micro) || !asm_view_get_int(pair[1], &digits) ||
            micro < 0 || micro > 999999 || digits < 0 || digits > 6) {
                return NULL;
        }
        text = g_string_new(NULL);
        g_string_append_printf(text,
                               "%04d-%02d-%02dT%02d:%02d:%02d",
                               (int)n[YEAR],
                               (int)n[MONTH],
                               (int)n[DAY],
                               (int)n[HOUR],
                               (int)n[MINUTE],
                               (int)n[SECOND]);
        if (digits > 0) {
                char fraction[8];
                g_snprintf(fraction, sizeof fraction, "%06d", (int)micro);
                g_string_append_printf(text, ".%.*s", (int)digits, fraction);
        }
        append_offset(text, n[UTC_OFFSET] + n[STD_OFFSET]);
        return g_string_free(text, FALSE);
}

static gboolean
is_small_int(const guint8 *at)
{
        return at[0] == ERL_SMALL_INTEGER_EXT || at[0] == ERL_INTEGER_EXT;
}

/* neither a container nor a fun, but for a pair of integers */
static gboolean
is_flat(const guint8 *at)
{
        switch (at[0]) {
        case ERL_SMALL_TUPLE_EXT:
                return at[1] == 2 && is_small_int(at + 2) &&
                       is_small_int(at + 2 + asm_view_skip(at + 2));
        case ERL_LARGE_TUPLE_EXT:
        case ERL_LIST_EXT:
        case ERL_MAP_EXT:
        case ERL_NEW_FUN_EXT:
                return FALSE;
        default:
                return TRUE;
        }
}

/* the size of a map that may be a DateTime, found without a walk over deep values; 0: it is none */
static gsize
measure_date(const guint8 *map)
{
        const guint8 *at = map + 5;

        if (asm_get32(map + 1) != N_DATE_KEYS) {
                return 0;
        }
        for (guint i = 0; i < 2 * N_DATE_KEYS; i++) {
                if (!is_flat(at)) {
                        return 0;
                }
                at += asm_view_skip(at);
        }
        return (gsize)(at - map);
}

static JsonNode *
date_node(AsmView map)
{
        AsmView fields[N_FIELDS];
        g_autofree char *text = NULL;

        if (asm_view_map_pick(map, date_keys, fields) != N_FIELDS ||
            !asm_view_is_atom(fields[STRUCT], "Elixir.DateTime")) {
                return NULL;
        }
        text = date_text(fields);
        return text != NULL ? string_node(text) : NULL;
}

/* the name of a member: the text of the key if it is one */
static char *
member_name(AsmView key)
{
        AsmKind kind = asm_view_kind(key);
        char *name = NULL;

        if (kind == ASM_KIND_ATOM) {
                name = asm_view_dup_atom(key);
        } else if (kind == ASM_KIND_BINARY) {
                name = asm_view_dup_text(key, /* accept_atoms= */ FALSE);
        }
        return name != NULL ? name : asm_view_print(key, ASM_SYNTAX_ERLANG, 0);
}

static const guint8 *
struct_to_json(const guint8 *at, JsonNode **ret_node)
{
        AsmView name = { at, asm_view_skip(at) };
        g_autofree char *text = asm_view_dup_atom(name);

        *ret_node =
                string_node(text != NULL && g_str_has_prefix(text, "Elixir.") ? text + 7 : text);
        return at + name.len;
}

static const guint8 *
map_to_json(const guint8 *at, guint depth, JsonNode **ret_node)
{
        gsize date_len = measure_date(at);
        JsonObject *object;
        guint32 n = asm_get32(at + 1);

        *ret_node = date_len > 0 ? date_node((AsmView){ at, date_len }) : NULL;
        if (*ret_node != NULL) {
                return at + date_len;
        }
        object = json_object_new();
        for (at += 5; n > 0; n--) {
                AsmView key = { at, asm_view_skip(at) };
                AsmView value = { at + key.len, 0 };
                g_autofree char *name = member_name(key);
                JsonNode *node = NULL;

                if (strcmp(name, "__struct__") == 0 && asm_view_kind(value) == ASM_KIND_ATOM) {
                        at = struct_to_json(value.data, &node);
                } else {
                        at = to_json(value.data, depth, &node);
                }
                json_object_set_member(object, name, node);
        }
        *ret_node = json_node_init_object(json_node_alloc(), object);
        json_object_unref(object);
        return at;
}

static const guint8 *
elements_to_json(const guint8 *at, guint32 n, guint depth, JsonArray *array)
{
        for (; n > 0; n--) {
                JsonNode *node = NULL;
                at = to_json(at, depth, &node);
                json_array_add_element(array, node);
        }
        return at;
}

/* all pieces of a list; an improper tail is one more element */
static const guint8 *
list_to_json(const guint8 *at, guint depth, JsonArray *array)
{
        while (at[0] == ERL_LIST_EXT) {
                at = elements_to_json(at + 5, asm_get32(at + 1), depth, array);
        }
        if (at[0] == ERL_NIL_EXT) {
                return at + 1;
        }
        if (at[0] != ERL_STRING_EXT) {
                return elements_to_json(at, 1, depth, array);
        }
        for (guint i = 0; i < asm_get16(at + 1); i++) {
                json_array_add_int_element(array, at[3 + i]);
        }
        return at + 3 + asm_get16(at + 1);
}

static const guint8 *
sequence_to_json(const guint8 *at, guint depth, JsonNode **ret_node)
{
        JsonArray *array = json_array_new();
        guint32 n;

        if (asm_tuple_head(at, &n, &at)) {
                at = elements_to_json(at, n, depth, array);
        } else {
                at = list_to_json(at, depth, array);
        }
        *ret_node = json_node_init_array(json_node_alloc(), array);
        json_array_unref(array);
        return at;
}

/* @depth: how many levels of containers may still follow */
static const guint8 *
to_json(const guint8 *at, guint depth, JsonNode **ret_node)
{
        AsmView leaf;

        switch (at[0]) {
        case ERL_MAP_EXT:
        case ERL_SMALL_TUPLE_EXT:
        case ERL_LARGE_TUPLE_EXT:
        case ERL_LIST_EXT:
        case ERL_STRING_EXT:
        case ERL_NIL_EXT:
                if (depth == 0) {
                        *ret_node = string_node("...");
                        return at + asm_view_skip(at);
                }
                return at[0] == ERL_MAP_EXT ? map_to_json(at, depth - 1, ret_node)
                                            : sequence_to_json(at, depth - 1, ret_node);
        default:
                leaf = (AsmView){ at, asm_view_skip(at) };
                *ret_node = leaf_node(leaf);
                return at + leaf.len;
        }
}

JsonNode *
asm_view_to_json(AsmView view)
{
        JsonNode *node = NULL;

        if (!asm_view_is_set(view)) {
                return json_node_init_null(json_node_alloc());
        }
        to_json(view.data, MAX_DEPTH, &node);
        return node;
}

char *
asm_view_to_json_text(AsmView view)
{
        g_autoptr(JsonNode) node = asm_view_to_json(view);

        return json_to_string(node, /* pretty= */ FALSE);
}
