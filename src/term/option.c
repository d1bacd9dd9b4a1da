/* SPDX-License-Identifier: MIT */

/*
 * Options as callers of three languages write them: an Elixir keyword list, an Erlang property
 * list (where a bare atom K means {K, true}), or a map, with atoms or binaries for keys. Whoever
 * reads options asks the cursor at the end whether the list was one: a misplaced element is an
 * error of the caller, and not to be ignored.
 */

#include "term/reader.h"

#include "term/format-private.h"

static const guint8 true_term[] = { ERL_SMALL_ATOM_UTF8_EXT, 4, 't', 'r', 'u', 'e' };

void
asm_option_cursor_init(AsmOptionCursor *cursor, AsmView options)
{
        *cursor = (AsmOptionCursor){ 0 };
        cursor->is_map = asm_view_is_set(options) && asm_view_kind(options) == ASM_KIND_MAP;
        if (cursor->is_map) {
                cursor->map = asm_view_map(options);
        } else {
                cursor->list = asm_view_list(options);
        }
}

static gboolean
is_key(AsmView view)
{
        AsmKind kind = asm_view_kind(view);

        return kind == ASM_KIND_ATOM || kind == ASM_KIND_BINARY;
}

static gboolean
next_of_list(AsmOptionCursor *cursor, AsmView pair[static 2])
{
        AsmView element;

        if (!asm_list_next(&cursor->list, &element)) {
                cursor->malformed = !asm_view_is_set(cursor->list.tail) ||
                                    asm_view_kind(cursor->list.tail) != ASM_KIND_NIL;
                return FALSE;
        }
        if (asm_view_get_tuple(element, 2, pair)) {
                return TRUE;
        }
        pair[0] = element;
        pair[1] = (AsmView){ true_term, sizeof true_term };
        cursor->malformed = asm_view_kind(element) != ASM_KIND_ATOM;
        return !cursor->malformed;
}

gboolean
asm_option_next(AsmOptionCursor *cursor, AsmView *ret_key, AsmView *ret_value)
{
        AsmView pair[2];
        gboolean is_next = FALSE;

        if (!cursor->malformed) {
                is_next = cursor->is_map ? asm_map_next(&cursor->map, &pair[0], &pair[1])
                                         : next_of_list(cursor, pair);
        }
        if (!is_next) {
                return FALSE;
        }
        if (!is_key(pair[0])) {
                cursor->malformed = TRUE;
                return FALSE;
        }
        *ret_key = pair[0];
        *ret_value = pair[1];
        return TRUE;
}

gboolean
asm_option_cursor_is_malformed(const AsmOptionCursor *cursor)
{
        return cursor->malformed;
}

gboolean
asm_view_option_get(AsmView options, const char *key, AsmView *ret_value)
{
        AsmOptionCursor cursor;
        AsmView name, value;

        asm_option_cursor_init(&cursor, options);
        while (asm_option_next(&cursor, &name, &value)) {
                const guint8 *bytes;
                gsize len;

                if (asm_view_is_atom(name, key) ||
                    (asm_view_get_binary(name, &bytes, &len) && len == strlen(key) &&
                     memcmp(bytes, key, len) == 0)) {
                        *ret_value = value;
                        return TRUE;
                }
        }
        return FALSE;
}
