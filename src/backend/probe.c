/* SPDX-License-Identifier: MIT */

/*
 * A CLI is found as a run finds it (command.c), and its version is what it prints first when it is
 * started with --version: all five know that word. It is a program like any other that is started
 * here: in a group of its own, with a time limit, and nothing of it is left afterwards.
 *
 * The line is foreign text and shown to people, so it is cut and made valid.
 */

#include "backend/probe.h"

#include "backend/command-private.h"
#include "backend/process-private.h"

#include <string.h>

/* longest line that is looked at, and how much of it is told */
#define LINE_MAX_BYTES    65536
#define VERSION_MAX_CHARS 120

struct _AsmProbe {
        AsmProcess process;
        AsmTimer timer;
        AsmProbeFunc func; /* NULL once it was called */
        gpointer user_data;
        char *path;
        char *version;
        char *problem;
        guint timeout_ms;
};

static void
tell(AsmProbe *probe)
{
        AsmProbeFunc func = probe->func;
        const AsmProbeResult result = { probe->path, probe->version, probe->problem };

        asm_timer_disarm(&probe->timer);
        probe->func = NULL;
        if (func != NULL)
                func(&result, probe->user_data);
}

static void
on_running(AsmProcess *process)
{
}

static void
on_failed(AsmProcess *process, AsmSpawnStage stage, int error)
{
        AsmProbe *probe = (AsmProbe *)process;

        if (probe->problem == NULL)
                probe->problem = g_strdup_printf("cannot be started: %s", g_strerror(error));
        tell(probe);
}

static void
on_line(AsmProcess *process, const char *line, gsize len)
{
        AsmProbe *probe = (AsmProbe *)process;
        g_autofree char *text = g_utf8_make_valid(line, (gssize)MIN(len, LINE_MAX_BYTES));

        g_strstrip(text);
        if (probe->version == NULL && *text != '\0')
                probe->version =
                        g_utf8_substring(text, 0, MIN(g_utf8_strlen(text, -1), VERSION_MAX_CHARS));
}

static void
on_line_too_long(AsmProcess *process)
{
}

static void
on_errors(AsmProcess *process, const char *data, gsize len)
{
}

static void
on_exited(AsmProcess *process, gint code, gint signo)
{
        AsmProbe *probe = (AsmProbe *)process;

        if (signo != 0)
                probe->problem = g_strdup_printf("--version was ended by signal %d", signo);
        else if (code != 0)
                probe->problem = g_strdup_printf("--version has exited with code %d", code);
        else if (probe->version == NULL)
                probe->problem = g_strdup("--version has printed nothing");
        if (probe->problem != NULL)
                g_clear_pointer(&probe->version, g_free);
        tell(probe);
}

static void
on_timeout(AsmTimer *timer, gpointer user_data)
{
        AsmProbe *probe = user_data;

        g_clear_pointer(&probe->version, g_free);
        probe->problem = g_strdup_printf("--version has not ended within %u ms", probe->timeout_ms);
        tell(probe);
}

static void
on_clear(AsmProcess *process)
{
        AsmProbe *probe = (AsmProbe *)process;

        g_free(probe->path);
        g_free(probe->version);
        g_free(probe->problem);
}

static const AsmProcessClass probe_class = { .running = on_running,
                                             .failed = on_failed,
                                             .line = on_line,
                                             .line_too_long = on_line_too_long,
                                             .errors = on_errors,
                                             .exited = on_exited,
                                             .clear = on_clear };

AsmProbe *
asm_probe_start(AsmTimers *timers,
                const AsmProvider *provider,
                guint timeout_ms,
                AsmProbeFunc func,
                gpointer user_data)
{
        AsmProbe *probe =
                (AsmProbe *)asm_process_new(&probe_class, sizeof(AsmProbe), LINE_MAX_BYTES);
        const AsmBackendSpec what = { .provider = provider };
        g_auto(GStrv) inherited = g_get_environ();
        g_autoptr(AsmFailure) failure =
                asm_command_find(&what, (const char *const *)inherited, &probe->path);

        probe->func = func;
        probe->user_data = user_data;
        probe->timeout_ms = timeout_ms;
        asm_timer_init(&probe->timer, timers, on_timeout, probe);
        if (failure != NULL) {
                probe->problem = g_strdup(failure->message);
                asm_process_start(&probe->process, NULL);
        } else {
                char *argv[] = { probe->path, (char *)"--version", NULL };
                const AsmSpawnSpec spec = { .path = probe->path, .argv = argv, .envp = inherited };

                asm_timer_arm(&probe->timer, timeout_ms);
                asm_process_start(&probe->process, &spec);
        }
        return probe;
}

void
asm_probe_free(AsmProbe *probe)
{
        if (probe == NULL)
                return;
        asm_timer_disarm(&probe->timer);
        probe->func = NULL;
        asm_process_close(&probe->process, 0);
}
