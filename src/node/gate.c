/* SPDX-License-Identifier: MIT */

/*
 * A token bucket for each address that connects, so that one that knocks all the time does not keep
 * the others out. A bucket is one number, the moment at which it will be full again: each connection
 * moves it by 1/N s, and one that would move it further than a second ahead is refused. A moment
 * that has passed says nothing any more, and its entry can go.
 *
 * Addresses are many where somebody owns a network. The table has a bound; when it is full of
 * addresses that are still knocking, new ones share one bucket.
 */

#include "gate-private.h"

struct _AsmGate {
        GHashTable *full_at;   /* GInetAddress -> owned gint64, us */
        gint64 shared_full_at; /* of all that have no entry */
};

static guint
address_hash(gconstpointer key)
{
        GInetAddress *address = (GInetAddress *)key;
        const guint8 *bytes = g_inet_address_to_bytes(address);
        guint hash = 2166136261u;

        for (gsize i = 0; i < g_inet_address_get_native_size(address); i++)
                hash = (hash ^ bytes[i]) * 16777619u;
        return hash;
}

static gboolean
address_equal(gconstpointer a, gconstpointer b)
{
        return g_inet_address_equal((GInetAddress *)a, (GInetAddress *)b);
}

AsmGate *
asm_gate_new(void)
{
        AsmGate *gate = g_new0(AsmGate, 1);

        gate->full_at = g_hash_table_new_full(address_hash, address_equal, g_object_unref, g_free);
        return gate;
}

void
asm_gate_free(AsmGate *gate)
{
        if (gate == NULL)
                return;
        g_hash_table_unref(gate->full_at);
        g_free(gate);
}

static gboolean
is_past(gpointer key, gpointer value, gpointer user_data)
{
        return *(const gint64 *)value <= *(const gint64 *)user_data;
}

/* the bucket of @address, made if there is room */
static gint64 *
find_bucket(AsmGate *gate, GInetAddress *address, gint64 now_us)
{
        gint64 *bucket = g_hash_table_lookup(gate->full_at, address);

        if (bucket != NULL)
                return bucket;
        if (g_hash_table_size(gate->full_at) >= ASM_GATE_ADDRESSES_MAX)
                g_hash_table_foreach_remove(gate->full_at, is_past, &now_us);
        if (g_hash_table_size(gate->full_at) >= ASM_GATE_ADDRESSES_MAX)
                return &gate->shared_full_at;
        bucket = g_new0(gint64, 1);
        g_hash_table_insert(gate->full_at, g_object_ref(address), bucket);
        return bucket;
}

gboolean
asm_gate_admit(AsmGate *gate, GInetAddress *address, guint per_second, gint64 now_us)
{
        gint64 step_us;
        gint64 *full_at;

        if (per_second == 0)
                return TRUE;
        step_us = MAX(G_USEC_PER_SEC / (gint64)per_second, 1);
        full_at = find_bucket(gate, address, now_us);
        if (MAX(*full_at, now_us) - now_us > step_us * ((gint64)per_second - 1))
                return FALSE;
        *full_at = MAX(*full_at, now_us) + step_us;
        return TRUE;
}
