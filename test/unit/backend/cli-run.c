/* SPDX-License-Identifier: MIT */
#include "cli-run.h"

#include "event/event.h"
#include "term/reader.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static void
on_started(gpointer user_data)
{
        CliRun *run = user_data;

        cr_assert_eq(run->n_started, 0);
        cr_assert_null(run->failure);
        cr_assert_eq(run->n_events, 0);
        run->n_started++;
}

static gint64
block_length(AsmView payload)
{
        AsmView content;
        AsmView block;
        AsmListCursor cursor;
        const guint8 *data;
        gsize len = 0;

        if (!asm_view_map_get(payload, "content", &content))
                return 0;
        cursor = asm_view_list(content);
        if (!asm_list_next(&cursor, &block) || !asm_view_get_binary(block, &data, &len))
                return 0;
        return (gint64)len;
}

static void
on_event(AsmView view, gpointer user_data)
{
        CliRun *run = user_data;
        AsmCoreEvent event;
        AsmView message;

        cr_assert_eq(run->n_started, 1);
        cr_assert_eq(run->n_ended, 0);
        cr_assert_not_null(run->backend, "an event after close");
        cr_assert(asm_core_event_from_view(view, &event));
        run->n_events++;
        if (run->n_events <= 100)
                g_string_append_printf(run->kinds,
                                       "%s%s",
                                       run->n_events > 1 ? " " : "",
                                       asm_event_kind_name(event.kind));
        if (event.kind == ASM_EVENT_ASSISTANT_MESSAGE)
                run->text_len += block_length(event.payload);
        if (event.kind == ASM_EVENT_ERROR && asm_view_map_get(event.payload, "message", &message)) {
                g_autofree char *text = asm_view_dup_text(message, FALSE);
                g_string_append(run->errors, text);
        }
        if (run->on_event != NULL)
                run->on_event(run);
}

static void
on_failed(const AsmFailure *failure, gpointer user_data)
{
        CliRun *run = user_data;

        cr_assert_null(run->failure);
        cr_assert_eq(run->n_started, 0);
        cr_assert_not_null(run->backend, "called from inside start, or after close");
        run->failure = asm_failure_copy(failure);
        if (run->on_end != NULL)
                run->on_end(run);
}

static void
on_ended(AsmView reason, gpointer user_data)
{
        CliRun *run = user_data;

        cr_assert_eq(run->n_started, 1);
        cr_assert_eq(run->n_ended, 0);
        cr_assert_not_null(run->backend, "an end after close");
        cr_assert(asm_view_is_atom(reason, "normal"));
        run->n_ended++;
        if (run->on_end != NULL)
                run->on_end(run);
}

static const AsmBackendListener listener = { on_started, on_event, on_failed, on_ended };

void
cli_run_init(CliRun *run, const char *body)
{
        *run = (CliRun){ 0 };
        run->klass = &asm_backend_local;
        cli_dir_init(&run->dir);
        asm_builder_nil(&run->options);
        run->kinds = g_string_new(NULL);
        run->errors = g_string_new(NULL);
        run->spec = (AsmBackendSpec){ .provider = asm_provider_find("codex", NULL),
                                      .run_id = "run",
                                      .session_id = "session",
                                      .prompt = "hello",
                                      .cli_path = cli_script(&run->dir, "codex", body),
                                      .options = asm_builder_peek(&run->options) };
}

void
cli_run_start(CliRun *run)
{
        AsmBackendContext context = { 0 };

        run->backend = run->klass->start(&context, &run->spec, &listener, run);
        cr_assert_not_null(run->backend);
        cr_assert_eq(run->n_started, 0, "called from inside start");
}

void
cli_run_close(CliRun *run)
{
        AsmBackend *backend = g_steal_pointer(&run->backend);

        if (backend != NULL)
                backend->klass->close(backend, /* grace_ms= */ 0);
}

void
cli_run_clear(CliRun *run)
{
        siginfo_t info;

        cli_run_close(run);
        /* whoever is left is a child, also as a zombie */
        while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
                cli_iterate();
        cli_iterate();
        g_free((char *)run->spec.cli_path);
        asm_builder_clear(&run->options);
        asm_failure_free(run->failure);
        g_string_free(run->kinds, TRUE);
        g_string_free(run->errors, TRUE);
        cli_dir_clear(&run->dir);
}

static gboolean
on_tick(gpointer user_data)
{
        gboolean *is_over = user_data;

        *is_over = TRUE;
        return G_SOURCE_REMOVE;
}

void
cli_iterate(void)
{
        gboolean is_over = FALSE;
        guint id = g_timeout_add(5, on_tick, &is_over);

        g_main_context_iteration(NULL, TRUE);
        if (!is_over)
                g_source_remove(id);
}

void
cli_run_finish(CliRun *run)
{
        while (run->n_ended == 0 && run->failure == NULL)
                cli_iterate();
}

char *
cli_run_await(CliRun *run, const char *name)
{
        for (;;) {
                g_autofree char *text = cli_read(&run->dir, name);

                if (text != NULL && strchr(text, '\n') != NULL)
                        return g_strchomp(g_steal_pointer(&text));
                cli_iterate();
        }
}

void
cli_run_await_events(CliRun *run, guint n)
{
        while (run->n_events < n)
                cli_iterate();
}

gboolean
cli_is_running(const char *pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid);
        g_autofree char *stat = NULL;
        const char *state;

        if (!g_file_get_contents(path, &stat, NULL, NULL))
                return FALSE;
        state = strrchr(stat, ')');
        return state != NULL && state[2] != 'Z' && state[2] != 'X';
}

void
cli_await_gone(const char *pid)
{
        while (cli_is_running(pid))
                cli_iterate();
}

guint
cli_count_fds(void)
{
        GDir *dir = g_dir_open("/proc/self/fd", 0, NULL);
        guint n = 0;

        while (g_dir_read_name(dir) != NULL)
                n++;
        g_dir_close(dir);
        return n;
}
