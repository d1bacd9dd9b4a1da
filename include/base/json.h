/* SPDX-License-Identifier: MIT */
#pragma once

/* Getters over json-glib for foreign JSON: a missing or mistyped member is NULL or a default. */

#include <json-glib/json-glib.h>

/* (nullable), borrowed */
const char *asm_json_get_string(JsonObject *object, const char *key);
JsonObject *asm_json_get_object(JsonObject *object, const char *key);
JsonArray *asm_json_get_array(JsonObject *object, const char *key);
gint64 asm_json_get_int(JsonObject *object, const char *key, gint64 fallback);
double asm_json_get_double(JsonObject *object, const char *key, double fallback);

/**
 * asm_json_check:
 * @max_depth: deepest nesting of objects and arrays that is accepted
 *
 * Whether @text is one JSON document as RFC 8259 has it: json-glib's parser also takes
 * comments, assignments and a second document, and recurses as deep as it is told to. Does not
 * recurse, does not allocate.
 *
 * Returns: (transfer full) (nullable): NULL for JSON, else what is wrong and at which byte
 */
char *asm_json_check(const char *text, gsize len, guint max_depth);

/**
 * asm_json_parse: @text as a tree; what asm_json_check() refuses, and numbers that no BEAM has, are
 * problems
 * @ret_problem: (transfer full): what is wrong and at which byte, set for NULL
 *
 * Returns: (transfer full) (nullable):
 */
JsonNode *asm_json_parse(const char *text, gsize len, guint max_depth, char **ret_problem);
/* (nullable): the digits, perhaps behind a "-", of an integer beyond 64 bits in such a tree; the
 * getters above take it for no member */
const char *asm_json_get_digits(JsonNode *node);
