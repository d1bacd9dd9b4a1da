/* SPDX-License-Identifier: MIT */

/* asmd: reads its command line, builds the daemon, runs it, prints the one error. */

#include "backend/backend.h"
#include "base/log.h"
#include "daemon/daemon.h"

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
                  "Configuration file",
                  "FILE" },
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

/* the command line wins over the file */
static gboolean
configure(AsmConfig *config, const Options *options, GError **error)
{
        asm_config_init(config);
        if (options->config != NULL && !asm_config_load(config, options->config, error))
                return FALSE;
        if (options->sname != NULL || options->name != NULL) {
                set_text(&config->name, options->name != NULL ? options->name : options->sname);
                config->is_long_name = options->name != NULL;
        }
        set_text(&config->cookie_file, options->cookie_file);
        set_text(&config->listen, options->listen);
        return asm_config_finish(config, error);
}

typedef struct {
        const Options *options;
        AsmConfig *config; /* what the daemon runs with */
        AsmDaemon *daemon;
} Reload;

static void
on_reload(gpointer user_data)
{
        Reload *reload = user_data;
        g_auto(AsmConfig) config = { 0 };
        g_autoptr(GError) error = NULL;
        AsmConfig old;

        if (!configure(&config, reload->options, &error)) {
                g_warning("SIGHUP: %s; what was configured stays", error->message);
                return;
        }
        asm_config_log_changes(reload->config, &config);
        asm_daemon_reconfigure(reload->daemon, &config);
        asm_log_set(config.log_format, config.log_level);
        asm_log(G_LOG_LEVEL_MESSAGE,
                &(AsmLogTags){ .event = ASM_LOG_EVENT_RELOADED },
                "SIGHUP: configuration read again");
        old = *reload->config;
        *reload->config = config;
        config = old;
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

int
main(int argc, char **argv)
{
        g_auto(Options) options = { 0 };
        g_auto(AsmConfig) config = { 0 };
        g_autoptr(AsmDaemon) daemon = NULL;
        g_autoptr(GError) error = NULL;
        Reload reload;

        give_memory_back();
        setlocale(LC_ALL, "");
        /* a CLI or a peer that goes away is an error of a write, not the end */
        signal(SIGPIPE, SIG_IGN);
        asm_log_start(STDERR_FILENO);
        asm_backend_local_raise_limits();
        if (!parse(&options, &argc, &argv, &error)) {
                fprintf(stderr, "asmd: %s; see asmd --help\n", error->message);
                return 2;
        }
        if (options.version) {
                puts("asmd " ASM_VERSION);
                return 0;
        }
        if (configure(&config, &options, &error)) {
                asm_log_set(config.log_format, config.log_level);
                daemon = asm_daemon_new(&config, &error);
        }
        if (daemon != NULL) {
                reload = (Reload){ &options, &config, daemon };
                asm_daemon_set_reload_func(daemon, on_reload, &reload);
                asm_daemon_use_service_manager(daemon);
        }
        if (daemon == NULL || !asm_daemon_run(daemon, &error))
                fprintf(stderr, "asmd: %s\n", error->message);
        g_clear_pointer(&daemon, asm_daemon_free);
        asm_log_end();
        return error == NULL ? 0 : 1;
}
