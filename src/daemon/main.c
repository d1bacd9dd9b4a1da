/* SPDX-License-Identifier: MIT */

/*
 * asmd: reads its command line and its configuration, builds the daemon, runs it, prints what was wrong.
 * A mistake in the configuration ends asmd when it starts; on SIGHUP what was configured stays.
 */

#include "backend/backend.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/metrics-server.h"

#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

typedef struct {
        char *sname;
        char *name;
        char *cookie_file;
        char *listen;
        char *config;
        gboolean check_config;
        gboolean version;
} Options;

static void
options_clear(Options *options)
{
        g_free(options->sname);
        g_free(options->name);
        g_free(options->cookie_file);
        g_free(options->listen);
        g_free(options->config);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static void
set_text(char **field, const char *text)
{
        if (text == NULL)
                return;
        g_free(*field);
        *field = g_strdup(text);
}

static gboolean
parse(Options *options, int *argc, char ***argv, GError **error)
{
        const GOptionEntry entries[] = {
                { "sname",
                  0,
                  0,
                  G_OPTION_ARG_STRING,
                  &options->sname,
                  "Short node name (default asmd)",
                  "NAME" },
                { "name",
                  0,
                  0,
                  G_OPTION_ARG_STRING,
                  &options->name,
                  "Long node name",
                  "NAME@HOST" },
                { "cookie-file",
                  0,
                  0,
                  G_OPTION_ARG_FILENAME,
                  &options->cookie_file,
                  "File with the cookie (default ~/.erlang.cookie)",
                  "FILE" },
                { "listen",
                  0,
                  0,
                  G_OPTION_ARG_STRING,
                  &options->listen,
                  "Where peers come in (default 127.0.0.1, any port)",
                  "ADDRESS[:PORT]" },
                { "config",
                  0,
                  0,
                  G_OPTION_ARG_FILENAME,
                  &options->config,
                  "Configuration file, in place of those of the system and the user",
                  "FILE" },
                { "check-config",
                  0,
                  0,
                  G_OPTION_ARG_NONE,
                  &options->check_config,
                  "Check the configuration, or FILE, and end",
                  NULL },
                { "version",
                  0,
                  0,
                  G_OPTION_ARG_NONE,
                  &options->version,
                  "Print the version",
                  NULL },
                G_OPTION_ENTRY_NULL,
        };
        g_autoptr(GOptionContext) context = g_option_context_new(NULL);

        g_option_context_set_summary(
                context,
                "Runs sessions of AI coding agents as a hidden node of an Erlang cluster.");
        g_option_context_add_main_entries(context, entries, NULL);
        if (!g_option_context_parse(context, argc, argv, error))
                return FALSE;
        if (options->check_config && *argc == 2) {
                set_text(&options->config, (*argv)[1]);
                return TRUE;
        }
        if (*argc > 1) {
                g_set_error(error,
                            ASM_CONFIG_ERROR,
                            ASM_CONFIG_ERROR_USAGE,
                            "'%s': asmd takes options only",
                            (*argv)[1]);
                return FALSE;
        }
        if (options->sname != NULL && options->name != NULL) {
                g_set_error_literal(error,
                                    ASM_CONFIG_ERROR,
                                    ASM_CONFIG_ERROR_USAGE,
                                    "--sname and --name exclude each other");
                return FALSE;
        }
        return TRUE;
}

static gboolean
configure(AsmConfig *config, const Options *options, AsmConfigReport *report)
{
        const gboolean is_long = options->name != NULL;
        const char *name = is_long ? options->name : options->sname;
        const char *which = is_long ? "--name" : "--sname";
        AsmConfigOption given[5] = { { NULL } };
        const AsmConfigInput input = { .file = options->config, .options = given };
        guint n = 0;

        if (name != NULL) {
                given[n++] = (AsmConfigOption){ "node", "name", name, which };
                given[n++] =
                        (AsmConfigOption){ "node", "long_name", is_long ? "true" : "false", which };
        }
        if (options->cookie_file != NULL)
                given[n++] = (AsmConfigOption){ "node",
                                                "cookie_file",
                                                options->cookie_file,
                                                "--cookie-file" };
        if (options->listen != NULL)
                given[n++] = (AsmConfigOption){ "node", "listen", options->listen, "--listen" };
        return asm_config_read(config, &input, report);
}

static void
print_lines(const char *text)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (guint i = 0; lines[i] != NULL; i++)
                fprintf(stderr, "asmd: %s\n", lines[i]);
}

static void
log_warnings(const AsmConfigReport *report)
{
        for (guint i = 0; i < report->warnings->len; i++)
                g_warning("%s", (const char *)g_ptr_array_index(report->warnings, i));
}

/* --check-config: "ok" and the files on standard output, or each mistake on standard error */
static int
check(const Options *options)
{
        g_auto(AsmConfig) config = { 0 };
        g_auto(AsmConfigReport) report = { 0 };

        asm_config_report_init(&report);
        configure(&config, options, &report);
        asm_config_check_files(&config, &report);
        for (guint i = 0; i < report.warnings->len; i++)
                fprintf(stderr,
                        "asmd: warning: %s\n",
                        (const char *)g_ptr_array_index(report.warnings, i));
        if (report.mistakes->len > 0) {
                g_autofree char *text = asm_config_report_text(&report);

                print_lines(text);
                return 1;
        }
        puts("ok");
        for (guint i = 0; i < config.files->len; i++)
                printf("  %s\n", (const char *)g_ptr_array_index(config.files, i));
        for (guint i = 0; config.files->len == 0 && i < report.places->len; i++)
                printf("  no %s\n", (const char *)g_ptr_array_index(report.places, i));
        return 0;
}

/* FALSE: the mistakes have been printed */
static gboolean
configure_start(AsmConfig *config, const Options *options)
{
        g_auto(AsmConfigReport) report = { 0 };
        g_autoptr(GError) error = NULL;

        asm_config_report_init(&report);
        if (configure(config, options, &report) && asm_config_check_files(config, &report) &&
            asm_config_finish(config, &error)) {
                asm_log_set(config->log_format, config->log_level);
                log_warnings(&report);
                return TRUE;
        }
        if (error != NULL) {
                print_lines(error->message);
        } else {
                g_autofree char *text = asm_config_report_text(&report);

                print_lines(text);
        }
        return FALSE;
}

typedef struct {
        const Options *options;
        AsmConfig *started; /* what the daemon started with: what is not live is this */
        AsmConfig *latest;  /* what was read last; empty: nothing since */
        AsmDaemon *daemon;
} Reload;

static void
on_reload(gpointer user_data)
{
        Reload *reload = user_data;
        g_auto(AsmConfig) config = { 0 };
        g_auto(AsmConfigReport) report = { 0 };
        AsmConfig old;

        asm_config_report_init(&report);
        configure(&config, reload->options, &report);
        if (report.mistakes->len > 0) {
                g_autofree char *text = asm_config_report_text(&report);
                g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

                for (guint i = 0; lines[i] != NULL; i++)
                        g_warning("SIGHUP: %s", lines[i]);
                g_warning("SIGHUP: what was configured stays");
                return;
        }
        log_warnings(&report);
        asm_config_log_changes(reload->started, &config);
        asm_daemon_reconfigure(reload->daemon, &config);
        asm_log_set(config.log_format, config.log_level);
        asm_log(G_LOG_LEVEL_MESSAGE,
                &(AsmLogTags){ .event = ASM_LOG_EVENT_RELOADED },
                "SIGHUP: configuration read again");
        old = *reload->latest;
        *reload->latest = config;
        config = old;
}

static void
on_config(AsmBuilder *out, gpointer user_data)
{
        const Reload *reload = user_data;

        asm_config_tell(out,
                        reload->started,
                        reload->latest->settings != NULL ? reload->latest : reload->started);
}

/*
 * What is freed goes back to the system. By itself glibc learns from the first long buffer to keep
 * what is as long as that, and gives each of GIO's threads an arena: asmd at rest would have the
 * size of its busiest moment. There is one loop thread, and buffers that are used all the time are
 * not longer than this.
 */
static void
give_memory_back(void)
{
#ifdef __GLIBC__
        mallopt(M_ARENA_MAX, 1);
        mallopt(M_MMAP_THRESHOLD, 512 * 1024);
        mallopt(M_TRIM_THRESHOLD, 128 * 1024);
#endif
}

/* FALSE: what was wrong has been printed */
static gboolean
serve(const Options *options)
{
        g_auto(AsmConfig) config = { 0 };
        g_auto(AsmConfig) latest = { 0 };
        g_autoptr(AsmDaemon) daemon = NULL;
        g_autoptr(AsmMetricsServer) metrics = NULL;
        g_autoptr(GError) error = NULL;
        Reload reload;

        if (!configure_start(&config, options))
                return FALSE;
        daemon = asm_daemon_new(&config, &error);
        if (daemon != NULL) {
                reload = (Reload){ options, &config, &latest, daemon };
                asm_daemon_set_reload_func(daemon, on_reload, &reload);
                asm_daemon_set_config_func(daemon, on_config, &reload);
                asm_daemon_use_service_manager(daemon);
        }
        if (daemon != NULL && config.metrics_listen != NULL)
                metrics = asm_metrics_server_new(config.metrics_listen, daemon, &error);
        if (daemon == NULL || error != NULL || !asm_daemon_run(daemon, &error)) {
                fprintf(stderr, "asmd: %s\n", error->message);
                return FALSE;
        }
        return TRUE;
}

int
main(int argc, char **argv)
{
        g_auto(Options) options = { 0 };
        g_autoptr(GError) error = NULL;
        gboolean is_good;

        give_memory_back();
        setlocale(LC_ALL, "");
        /* a CLI or a peer that goes away is an error of a write, not the end */
        signal(SIGPIPE, SIG_IGN);
        asm_backend_local_raise_limits();
        if (!parse(&options, &argc, &argv, &error)) {
                fprintf(stderr, "asmd: %s; see asmd --help\n", error->message);
                return 2;
        }
        if (options.version) {
                puts("asmd " ASM_VERSION);
                return 0;
        }
        if (options.check_config)
                return check(&options);
        asm_log_start(STDERR_FILENO);
        is_good = serve(&options);
        asm_log_end();
        return is_good ? 0 : 1;
}
