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
gboolean asm_json_get_bool(JsonObject *object, const char *key, gboolean fallback);
