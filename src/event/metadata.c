/* SPDX-License-Identifier: MIT */
/*
 * Whose word counts when a run and one of its events both say something about the same key
 * (ASM_PROTOCOL.md, section 3). What a backend says about its own event wins, for it knows
 * better; but how the run was set up (lane, backend, execution mode, ...) is decided here, and a
 * remote node must not be able to tell subscribers otherwise:
 *
 *      key in            protected   not protected
 *      run and event     run's       event's
 *      one of them       as it is    as it is
 *
 * Two keys are the same when they are the same term: an atom `lane` and a binary <<"lane">> are
 * two keys, as they are for Elixir's Map.merge. An atom may be sent in several encodings,
 * so that atoms are compared by name, not by bytes: a map with one atom under two encodings
 * would be refused by every BEAM.
 */

#include "event/event.h"

#include "term/reader.h"
#include <string.h>

/* one per line and sorted, as in the table of the protocol */
static const char *const protected_keys[] = {
        "available_lanes", "backend",        "capabilities", "core_profile_id",
        "default_lane",    "execution_mode", "lane",         "lane_fallback_reason",
        "lane_reason",     "preferred_lane", "provider",     "provider_display_name",
        "requested_lane",  "sdk_available?", "sdk_runtime",
};

static gboolean
is_ascii(const char *text, gsize len)
{
        for (gsize i = 0; i < len; i++) {
                if (text[i] & 0x80)
                        return FALSE;
        }
        return TRUE;
}

static gboolean
same_key(AsmView a, AsmView b)
{
        const char *name_a, *name_b;
        gsize len_a, len_b;
        g_autofree char *utf8_a = NULL, *utf8_b = NULL;

        if (a.len == b.len && memcmp(a.data, b.data, a.len) == 0)
                return TRUE;
        if (!asm_view_get_atom(a, &name_a, &len_a) || !asm_view_get_atom(b, &name_b, &len_b))
                return FALSE;
        if (is_ascii(name_a, len_a) || is_ascii(name_b, len_b))
                return len_a == len_b && memcmp(name_a, name_b, len_a) == 0;
        utf8_a = asm_view_dup_atom(a);
        utf8_b = asm_view_dup_atom(b);
        return g_strcmp0(utf8_a, utf8_b) == 0;
}

static gboolean
is_protected(AsmView key)
{
        const char *name;
        const guint8 *data;
        gsize len;

        if (!asm_view_get_atom(key, &name, &len)) {
                if (!asm_view_get_binary(key, &data, &len))
                        return FALSE;
                name = (const char *)data;
        }
        for (gsize i = 0; i < G_N_ELEMENTS(protected_keys); i++) {
                if (strlen(protected_keys[i]) == len && memcmp(protected_keys[i], name, len) == 0)
                        return TRUE;
        }
        return FALSE;
}

static gboolean
has_key(AsmView map, AsmView key)
{
        AsmMapCursor cursor = asm_view_map(map);
        AsmView other, value;

        while (asm_map_next(&cursor, &other, &value)) {
                if (same_key(other, key))
                        return TRUE;
        }
        return FALSE;
}

static gboolean
is_empty(AsmView map)
{
        guint pairs;

        return !asm_view_is_set(map) || !asm_view_get_map_size(map, &pairs) || pairs == 0;
}

/* the pairs of @map without those (un)protected keys that @other has as well */
static guint
put_pairs(AsmBuilder *builder, AsmView map, AsmView other, gboolean skip_protected)
{
        AsmMapCursor cursor = asm_view_map(map);
        AsmView key, value;
        guint n = 0;

        while (asm_map_next(&cursor, &key, &value)) {
                if (is_protected(key) == skip_protected && has_key(other, key))
                        continue;
                asm_builder_view(builder, key);
                asm_builder_view(builder, value);
                n++;
        }
        return n;
}

void
asm_builder_metadata(AsmBuilder *builder, AsmView run, AsmView incoming)
{
        AsmBuilderMark mark;
        guint n;

        if (is_empty(incoming)) {
                if (is_empty(run))
                        asm_builder_map(builder, 0);
                else
                        asm_builder_view(builder, run);
                return;
        }
        if (is_empty(run)) {
                asm_builder_view(builder, incoming);
                return;
        }
        mark = asm_builder_map_begin(builder);
        n = put_pairs(builder, run, incoming, /* skip_protected= */ FALSE);
        n += put_pairs(builder, incoming, run, /* skip_protected= */ TRUE);
        asm_builder_map_end(builder, mark, n);
}
