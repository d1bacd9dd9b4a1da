/* SPDX-License-Identifier: MIT */

/*
 * What there is to be measured, gathered from the rooms when somebody asks: each of them counts for
 * itself and knows nothing of metrics. Names follow the conventions of Prometheus: a unit at the end,
 * _total for what only grows. No label takes a value from outside, so the number of time series is
 * known: no names of peers, sessions or runs.
 */

#include "api/metrics.h"

#include "base/log.h"
#include "method-private.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

typedef struct {
        AsmBuilder *out;
        guint n_families;
        guint n_samples;
        AsmBuilderMark families;
        AsmBuilderMark samples;
        const char *name;
} Writer;

static void
put_text(AsmBuilder *out, const char *key, const char *text)
{
        asm_builder_atom(out, key);
        asm_builder_text(out, text);
}

static void
begin_family(Writer *writer, const char *name, const char *type, const char *help)
{
        asm_builder_map(writer->out, 4);
        put_text(writer->out, "name", name);
        asm_builder_atom(writer->out, "type");
        asm_builder_atom(writer->out, type);
        put_text(writer->out, "help", help);
        asm_builder_atom(writer->out, "samples");
        writer->samples = asm_builder_list_begin(writer->out);
        writer->n_samples = 0;
        writer->n_families++;
        writer->name = name;
}

static void
end_family(Writer *writer)
{
        asm_builder_list_end(writer->out, writer->samples, writer->n_samples);
}

/* @labels: pairs of name and value, then NULL; the value follows */
static void
begin_sample(Writer *writer, const char *suffix, const char *const *labels)
{
        g_autofree char *name = g_strconcat(writer->name, suffix, NULL);
        guint n = 0;

        while (labels[2 * n] != NULL)
                n++;
        asm_builder_map(writer->out, 3);
        put_text(writer->out, "name", name);
        asm_builder_atom(writer->out, "labels");
        asm_builder_map(writer->out, n);
        for (guint i = 0; i < n; i++)
                put_text(writer->out, labels[2 * i], labels[2 * i + 1]);
        asm_builder_atom(writer->out, "value");
        writer->n_samples++;
}

#define LABELS(...)                                                                                \
        (const char *const[])                                                                      \
        {                                                                                          \
                __VA_ARGS__, NULL                                                                  \
        }
#define NO_LABELS ((const char *const[]){ NULL })

static void
put_count(Writer *writer, const char *const *labels, guint64 value)
{
        begin_sample(writer, "", labels);
        asm_builder_uint(writer->out, value);
}

/* a family of one number */
static void
put_one(Writer *writer, const char *name, const char *help, guint64 value)
{
        begin_family(writer, name, g_str_has_suffix(name, "_total") ? "counter" : "gauge", help);
        put_count(writer, NO_LABELS, value);
        end_family(writer);
}

static void
put_real(Writer *writer, const char *name, const char *help, double value)
{
        begin_family(writer, name, g_str_has_suffix(name, "_total") ? "counter" : "gauge", help);
        begin_sample(writer, "", NO_LABELS);
        asm_builder_double(writer->out, value);
        end_family(writer);
}

/* --- the process ----------------------------------------------------------------------------- */

guint64
asm_metrics_rss_bytes(void)
{
        g_autofree char *text = NULL;
        long pages = 0;

        if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL) ||
            sscanf(text, "%*s %ld", &pages) != 1 || pages < 0)
                return 0;
        return (guint64)pages * (guint64)sysconf(_SC_PAGESIZE);
}

static guint
count_fds(void)
{
        DIR *folder = opendir("/proc/self/fd");
        guint n = 0;

        if (folder == NULL)
                return 0;
        while (readdir(folder) != NULL)
                n++;
        closedir(folder);
        /* not `.` and `..`, nor the one that is open for this */
        return n - MIN(n, 3);
}

static double
cpu_seconds(void)
{
        struct timespec used = { 0 };

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
        return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void
put_process(Writer *writer, AsmApi *api)
{
        double uptime_s =
                (double)(g_get_monotonic_time() - api->started_us) / (double)G_USEC_PER_SEC;
        struct rlimit fds = { 0 };

        begin_family(writer, "asmd_build_info", "gauge", "Which asmd this is; always 1.");
        put_count(writer, LABELS("version", ASM_VERSION), 1);
        end_family(writer);
        put_real(writer, "asmd_uptime_seconds", "Time since the start.", uptime_s);
        put_real(writer,
                 "process_cpu_seconds_total",
                 "Processor time of the daemon, without its CLIs.",
                 cpu_seconds());
        put_one(writer,
                "process_resident_memory_bytes",
                "Memory of the daemon, without its CLIs.",
                asm_metrics_rss_bytes());
        put_one(writer, "process_open_fds", "Open descriptors.", count_fds());
        if (getrlimit(RLIMIT_NOFILE, &fds) == 0 && fds.rlim_cur != RLIM_INFINITY)
                put_one(writer, "process_max_fds", "Descriptors that may be open.", fds.rlim_cur);
}

static void
put_lag(Writer *writer, AsmApi *api)
{
        AsmTimersStats stats;
        guint64 n = 0;

        asm_timers_get_stats(asm_procs_get_timers(api->procs), &stats);
        begin_family(writer,
                     "asmd_loop_lag_seconds",
                     "histogram",
                     "How late timers of the main loop are, which is how long it was busy with "
                     "something else.");
        for (guint i = 0; i <= ASM_TIMERS_N_BOUNDS; i++) {
                char bound[G_ASCII_DTOSTR_BUF_SIZE] = "+Inf";

                if (i < ASM_TIMERS_N_BOUNDS)
                        g_ascii_formatd(bound, sizeof bound, "%g", asm_timers_lag_bounds_s[i]);
                n += stats.n_by_lag[i];
                begin_sample(writer, "_bucket", LABELS("le", bound));
                asm_builder_uint(writer->out, n);
        }
        begin_sample(writer, "_sum", NO_LABELS);
        asm_builder_double(writer->out, (double)stats.lag_us / 1e6);
        begin_sample(writer, "_count", NO_LABELS);
        asm_builder_uint(writer->out, n);
        end_family(writer);
}

/* --- sessions and runs ----------------------------------------------------------------------- */

typedef struct {
        const char *name;
        const char *help;
        const char *label; /* NULL: the provider only */
        struct {
                const char *value; /* of the label */
                gsize offset;
                gsize size;
        } parts[3];
} ProviderRow;

#define PART(value, member)                                                                        \
        {                                                                                          \
                value, G_STRUCT_OFFSET(AsmProviderStats, member),                                  \
                        sizeof(((AsmProviderStats *)NULL)->member)                                 \
        }

static const ProviderRow provider_rows[] = {
        { "asmd_sessions", "Sessions.", NULL, { PART(NULL, n_sessions) } },
        { "asmd_sessions_started_total",
          "Sessions that have been started.",
          NULL,
          { PART(NULL, n_sessions_ever) } },
        { "asmd_runs",
          "Runs by state.",
          "state",
          { PART("queued", n_queued),
            PART("initializing", n_initializing),
            PART("running", n_running) } },
        { "asmd_runs_ended_total",
          "Runs that have ended, by outcome.",
          "outcome",
          { PART("completed", n_completed),
            PART("failed", n_failed),
            PART("interrupted", n_interrupted) } },
        { "asmd_runs_paused",
          "Runs that wait for their subscribers to read.",
          NULL,
          { PART(NULL, n_paused) } },
        { "asmd_run_events_total", "Events of runs.", NULL, { PART(NULL, n_events_ever) } },
        { "asmd_run_tokens_total",
          "Tokens of runs, as providers tell them.",
          "direction",
          { PART("input", cost.input_tokens), PART("output", cost.output_tokens) } },
        { "asmd_approvals_pending",
          "Approvals that somebody is asked for.",
          NULL,
          { PART(NULL, n_approvals) } },
        { "asmd_subscribers", "Subscribers of runs.", NULL, { PART(NULL, n_subscribers) } },
        { "asmd_subscribers_lagging",
          "Subscribers that do not keep up.",
          NULL,
          { PART(NULL, n_slow) } },
        { "asmd_subscribers_lagged_total",
          "Subscribers that were left behind.",
          NULL,
          { PART(NULL, n_lagged_ever) } },
};

static guint64
get_part(const AsmProviderStats *stats, gsize offset, gsize size)
{
        gconstpointer field = (const char *)stats + offset;

        return size == sizeof(guint) ? *(const guint *)field : *(const guint64 *)field;
}

static void
put_provider_row(Writer *writer, const ProviderRow *row, const AsmProviderStats *all, guint n)
{
        begin_family(writer,
                     row->name,
                     g_str_has_suffix(row->name, "_total") ? "counter" : "gauge",
                     row->help);
        for (guint i = 0; i < n; i++) {
                for (guint k = 0; k < G_N_ELEMENTS(row->parts) && row->parts[k].size > 0; k++) {
                        const char *labels[] = { "provider",
                                                 all[i].provider->name,
                                                 row->label,
                                                 row->parts[k].value,
                                                 NULL };

                        put_count(writer,
                                  labels,
                                  get_part(&all[i], row->parts[k].offset, row->parts[k].size));
                }
        }
        end_family(writer);
}

static void
put_runs(Writer *writer, AsmApi *api)
{
        guint n;
        g_autofree AsmProviderStats *all = asm_manager_get_stats(api->manager, &n);

        for (gsize i = 0; i < G_N_ELEMENTS(provider_rows); i++)
                put_provider_row(writer, &provider_rows[i], all, n);
        begin_family(writer,
                     "asmd_run_cost_usd_total",
                     "counter",
                     "What runs have cost, as providers tell it.");
        for (guint i = 0; i < n; i++) {
                begin_sample(writer, "", LABELS("provider", all[i].provider->name));
                asm_builder_double(writer->out, all[i].cost.cost_usd);
        }
        end_family(writer);
        put_one(writer,
                "asmd_hosted_sessions",
                "CLIs that run here for other nodes.",
                asm_api_count_hosted(api));
}

/* --- the node and its processes -------------------------------------------------------------- */

static void
put_node(Writer *writer, AsmApi *api)
{
        AsmNodeStats node;

        asm_node_get_stats(asm_procs_get_node(api->procs), &node);
        put_one(writer, "asmd_peers", "Nodes that are connected.", node.n_links);
        put_one(writer,
                "asmd_peers_busy",
                "Nodes that do not read as fast as there is something for them.",
                node.n_busy);
        put_one(writer,
                "asmd_peers_paused",
                "Nodes that are not read, because what they sent cannot be handed on.",
                node.n_paused);
        put_one(writer,
                "asmd_peer_queued_bytes",
                "Bytes that wait for peers.",
                node.n_queued_bytes);
        put_one(writer, "asmd_links_opened_total", "Connections with peers.", node.n_opened);
        put_one(writer,
                "asmd_connections_refused_total",
                "Connections that were not accepted.",
                node.n_refused);
        put_one(writer, "asmd_received_bytes_total", "Bytes from peers.", node.n_bytes_in);
        put_one(writer, "asmd_sent_bytes_total", "Bytes to peers.", node.n_bytes_out);
        put_one(writer, "asmd_received_frames_total", "Messages from peers.", node.n_frames_in);
        put_one(writer, "asmd_sent_frames_total", "Messages to peers.", node.n_frames_out);
}

static void
put_procs(Writer *writer, AsmApi *api)
{
        AsmProcsStats procs;
        AsmLogStats log;

        asm_procs_get_stats(api->procs, &procs);
        put_one(writer, "asmd_processes", "Processes of the node.", procs.n_servers);
        put_one(writer, "asmd_mailbox_messages", "Messages in all mailboxes.", procs.n_waiting);
        put_one(writer,
                "asmd_messages_received_total",
                "Messages that came to mailboxes.",
                procs.n_received);
        put_one(writer,
                "asmd_messages_dropped_total",
                "Messages that found a full mailbox.",
                procs.n_dropped);
        asm_log_get_stats(&log);
        put_one(writer, "asmd_log_lines_total", "Lines of the log.", log.n_lines);
        put_one(writer,
                "asmd_log_lines_dropped_total",
                "Lines of the log that nobody took.",
                log.n_lost);
}

static void
put_calls(Writer *writer, AsmApi *api)
{
        gsize n;
        const AsmMethod *methods = asm_method_list(&n);

        begin_family(writer, "asmd_calls_total", "counter", "Calls of exported functions.");
        for (gsize i = 0; i < n;) {
                const char *name = methods[i].name;
                guint64 n_calls = 0;

                /* the rows of a function stand together */
                for (; i < n && strcmp(methods[i].name, name) == 0; i++)
                        n_calls += api->n_calls[i];
                put_count(writer, LABELS("function", name), n_calls);
        }
        end_family(writer);
        put_one(writer,
                "asmd_calls_refused_total",
                "Calls of peers that do not have the right to them.",
                api->n_refused);
}

void
asm_builder_metrics(AsmBuilder *builder, AsmApi *api)
{
        Writer writer = { .out = builder };

        writer.families = asm_builder_list_begin(builder);
        put_process(&writer, api);
        put_lag(&writer, api);
        put_runs(&writer, api);
        put_node(&writer, api);
        put_procs(&writer, api);
        put_calls(&writer, api);
        asm_builder_list_end(builder, writer.families, writer.n_families);
}

void
asm_method_metrics(const AsmRequest *request, AsmReply *reply)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        asm_builder_metrics(&value, request->api);
        reply->send(reply, asm_builder_peek(&value));
}
