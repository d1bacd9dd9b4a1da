/* SPDX-License-Identifier: MIT */

/* Exported functions about the daemon itself. */

#include "host-private.h"

static void
put_int(AsmBuilder *value, const char *key, gint64 number)
{
        asm_builder_atom(value, key);
        asm_builder_int(value, number);
}

static void
put_peers(AsmBuilder *value, AsmNode *node)
{
        g_autoptr(GPtrArray) links = asm_node_list_links(node);

        asm_builder_atom(value, "peers");
        asm_builder_list(value, links->len);
        for (guint i = 0; i < links->len; i++) {
                asm_builder_map(value, 1);
                asm_builder_atom(value, "node");
                asm_builder_atom(value, asm_link_get_peer(g_ptr_array_index(links, i)));
        }
        asm_builder_nil(value);
}

void
asm_method_status(const AsmRequest *request, AsmReply *reply)
{
        AsmApi *api = request->api;
        AsmNode *node = asm_procs_get_node(api->procs);
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        guint running;
        guint queued;
        AsmHistoryStats stats;

        asm_manager_count_runs(api->manager, &running, &queued);
        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        asm_history_get_stats(asm_manager_get_history(api->manager), &stats);
        asm_builder_map(&value, 14);
        asm_builder_atom(&value, "node");
        asm_builder_atom(&value, asm_node_get_name(node));
        asm_builder_atom(&value, "version");
        asm_builder_text(&value, ASM_VERSION);
        put_int(&value, "uptime_ms", (g_get_monotonic_time() - api->started_us) / 1000);
        put_int(&value, "sessions", asm_manager_count(api->manager));
        put_int(&value, "runs", running);
        put_int(&value, "queued", queued);
        put_int(&value, "events", (gint64)stats.n_events);
        put_int(&value,
                "ended",
                (gint64)(stats.n_completed + stats.n_failed + stats.n_interrupted));
        put_int(&value, "history_runs", stats.n_finished);
        put_int(&value, "history_bytes", (gint64)stats.n_bytes);
        put_int(&value, "processes", asm_procs_count(api->procs));
        put_int(&value, "rss_bytes", (gint64)asm_metrics_rss_bytes());
        put_peers(&value, node);
        asm_builder_atom(&value, "host");
        asm_builder_host(&value, api->host);
        reply->send(reply, asm_builder_peek(&value));
}

void
asm_method_config(const AsmRequest *request, AsmReply *reply)
{
        AsmApi *api = request->api;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        if (api->tell_config != NULL)
                api->tell_config(&value, api->config_data);
        else
                asm_builder_map(&value, 0);
        reply->send(reply, asm_builder_peek(&value));
}
