/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The JSON face of terms. JSON -> term follows what Elixir programs expect: objects become maps
 * with binary keys, strings binaries, null `nil`. Term -> JSON is for people and scripts and
 * never fails: what JSON lacks is shown as text in Erlang's syntax.
 */

#include "term/builder.h"
#include <json-glib/json-glib.h>

/* appends the term of @node; nesting deeper than the default limit: ASM_TERM_ERROR_TOO_DEEP */
gboolean asm_builder_json(AsmBuilder *builder,
                          JsonNode *node,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * asm_view_to_json:
 *
 * Atoms and valid UTF-8 binaries become strings (`nil` and `undefined` null, booleans booleans),
 * other binaries base64 in an object {"base64": "..."}, maps objects (key: the text of an atom or
 * binary, else its Erlang syntax), lists and tuples arrays (an improper tail is one more element),
 * charlists arrays of numbers, big integers, pids, refs, ports and funs strings. `__struct__` keys
 * are kept, as text without the "Elixir." prefix; Elixir's DateTime structs become ISO 8601
 * strings.
 *
 * Returns: (transfer full): never NULL
 */
JsonNode *asm_view_to_json(AsmView view);
/* the same as one line of text; (transfer full) */
char *asm_view_to_json_text(AsmView view);
