/* SPDX-License-Identifier: MIT */

/*
 * `asmctl top`: what the daemon does, again and again. A frame is two answers (status, the active
 * runs); the next one is asked for an interval after they have come, so a daemon that has much to do
 * is not asked faster than it answers. Where nothing can be drawn again it is one frame, as text.
 */

#include "cli/command-private.h"
#include "cli/error-private.h"
#include "cli/known-run-private.h"
#include "cli/screen-private.h"
#include "cli/top-private.h"
#include "term/reader.h"

#include <glib-unix.h>
#include <unistd.h>

#define INTERVAL_MS 1000
/* runs in a frame; a screen has room for fewer */
#define RUNS_MAX 500

typedef struct {
        guint interval_ms;
        gboolean is_once;
} TopOptions;

typedef struct {
        AsmCli *cli;
        guint interval_ms;
        AsmScreen *screen;
        AsmTopSample sample;
        GPtrArray *lines; /* of the frame that is shown; NULL: none yet */
        AsmTerm *status;
        gboolean has_quit;
        guint timer;
        GError *error;
} Top;

static void
put_filter(AsmBuilder *args)
{
        asm_known_run_put_filter(args, NULL, NULL, "active", RUNS_MAX);
}

/* --- one frame -------------------------------------------------------------------------------- */

static gboolean
show_once(AsmCli *cli, GError **error)
{
        g_auto(AsmBuilder) nothing = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) filter = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) both = ASM_BUILDER_INIT;
        g_autoptr(AsmTerm) first = NULL;
        g_autoptr(AsmTerm) second = NULL;
        g_autoptr(GPtrArray) lines = NULL;
        AsmTopSample sample = { 0 };
        AsmView status, reply, runs;

        asm_builder_nil(&nothing);
        first = asm_cli_ask(cli, "status", asm_builder_peek(&nothing), &status, error);
        if (first == NULL)
                return FALSE;
        put_filter(&filter);
        second = asm_cli_ask(cli, "list_runs", asm_builder_peek(&filter), &reply, error);
        if (second == NULL)
                return FALSE;
        if (cli->output.is_json && asm_view_map_get(reply, "runs", &runs)) {
                asm_builder_map(&both, 2);
                asm_builder_atom(&both, "status");
                asm_builder_view(&both, status);
                asm_builder_atom(&both, "runs");
                asm_builder_view(&both, runs);
                asm_output_json(&cli->output, asm_builder_peek(&both));
                return asm_output_check(&cli->output, error);
        }
        lines = asm_top_lines(status, reply, &sample);
        for (guint i = 0; i < lines->len; i++)
                asm_output_line(&cli->output, g_ptr_array_index(lines, i), /* may_cut= */ TRUE);
        return asm_output_check(&cli->output, error);
}

/* --- again and again -------------------------------------------------------------------------- */

static void ask_status(Top *top);

static gboolean
on_interval(gpointer user_data)
{
        Top *top = user_data;

        top->timer = 0;
        ask_status(top);
        return G_SOURCE_REMOVE;
}

static void
draw(Top *top)
{
        if (top->lines != NULL)
                asm_screen_draw(top->screen, top->lines, "q quits");
        if (asm_output_is_broken(&top->cli->output))
                top->has_quit = TRUE;
}

/* (transfer full): what was answered; NULL ends it all; @ret_value: of {ok, Value} */
static AsmTerm *
take_answer(Top *top, GAsyncResult *result, AsmView *ret_value)
{
        g_autoptr(AsmTerm) answer = asm_client_call_finish(top->cli->client, result, &top->error);
        AsmView reason;

        if (answer == NULL)
                return NULL;
        reason = asm_cli_answer_error(asm_term_view(answer));
        if (asm_view_is_set(reason)) {
                g_autoptr(AsmFailure) failure = asm_cli_answer_failure(reason);

                asm_cli_set_failure(&top->error, failure);
                return NULL;
        }
        if (!asm_view_get_tagged(asm_term_view(answer), "ok", 2, ret_value))
                *ret_value = asm_term_view(answer);
        return g_steal_pointer(&answer);
}

static void
call(Top *top, const char *function, const AsmBuilder *args, GAsyncReadyCallback callback)
{
        guint timeout_ms = top->cli->globals.timeout_ms;

        asm_client_call_async(top->cli->client,
                              function,
                              asm_builder_peek(args),
                              timeout_ms != 0 ? timeout_ms : ASM_CLI_TIMEOUT_MS,
                              callback,
                              top);
}

static void
on_runs(GObject *source, GAsyncResult *result, gpointer user_data)
{
        Top *top = user_data;
        AsmView reply;
        g_autoptr(AsmTerm) answer = take_answer(top, result, &reply);

        if (answer == NULL)
                return;
        g_clear_pointer(&top->lines, g_ptr_array_unref);
        top->lines = asm_top_lines(asm_term_view(top->status), reply, &top->sample);
        draw(top);
        top->timer = g_timeout_add(top->interval_ms, on_interval, top);
}

static void
on_status(GObject *source, GAsyncResult *result, gpointer user_data)
{
        Top *top = user_data;
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        AsmView status;
        g_autoptr(AsmTerm) answer = take_answer(top, result, &status);

        if (answer == NULL)
                return;
        g_clear_pointer(&top->status, asm_term_unref);
        top->status = asm_term_new(status);
        put_filter(&args);
        call(top, "list_runs", &args, on_runs);
}

static void
ask_status(Top *top)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;

        asm_builder_nil(&args);
        call(top, "status", &args, on_status);
}

static gboolean
on_quit(gpointer user_data)
{
        ((Top *)user_data)->has_quit = TRUE;
        return G_SOURCE_CONTINUE;
}

static gboolean
on_resize(gpointer user_data)
{
        draw(user_data);
        return G_SOURCE_CONTINUE;
}

static gboolean
on_key(int fd, GIOCondition condition, gpointer user_data)
{
        Top *top = user_data;
        char keys[64];
        gssize n = read(fd, keys, sizeof keys);

        for (gssize i = 0; i < n; i++) {
                if (keys[i] == 'q' || keys[i] == 'Q')
                        top->has_quit = TRUE;
        }
        /* the terminal is gone */
        if (n == 0)
                top->has_quit = TRUE;
        return G_SOURCE_CONTINUE;
}

static gboolean
show_again(AsmCli *cli, guint interval_ms, GError **error)
{
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
        Top top = { .cli = cli, .interval_ms = interval_ms };
        guint sources[G_N_ELEMENTS(signals)], resize, keys = 0;

        if (!asm_cli_open(cli, error))
                return FALSE;
        top.screen = asm_screen_new(&cli->output);
        for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
                sources[i] = g_unix_signal_add(signals[i], on_quit, &top);
        resize = g_unix_signal_add(SIGWINCH, on_resize, &top);
        if (asm_screen_get_fd(top.screen) >= 0)
                keys = g_unix_fd_add(asm_screen_get_fd(top.screen),
                                     G_IO_IN | G_IO_HUP | G_IO_ERR,
                                     on_key,
                                     &top);
        ask_status(&top);
        while (!top.has_quit && top.error == NULL)
                g_main_context_iteration(NULL, /* may_block= */ TRUE);
        for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
                g_source_remove(sources[i]);
        g_source_remove(resize);
        g_clear_handle_id(&keys, g_source_remove);
        g_clear_handle_id(&top.timer, g_source_remove);
        g_clear_pointer(&top.screen, asm_screen_free);
        g_clear_pointer(&top.lines, g_ptr_array_unref);
        g_clear_pointer(&top.status, asm_term_unref);
        if (top.error != NULL) {
                g_propagate_error(error, top.error);
                return FALSE;
        }
        return asm_output_check(&cli->output, error);
}

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        const TopOptions *given = options;

        if (given->is_once || cli->output.is_json || !cli->output.is_live)
                return show_once(cli, error);
        return show_again(cli, given->interval_ms != 0 ? given->interval_ms : INTERVAL_MS, error);
}

static const AsmCliOption options[] = {
        { "interval",
          0,
          ASM_CLI_SECONDS,
          G_STRUCT_OFFSET(TopOptions, interval_ms),
          "SECONDS",
          "between two frames (default: 1)" },
        { "once",
          0,
          ASM_CLI_FLAG,
          G_STRUCT_OFFSET(TopOptions, is_once),
          NULL,
          "one frame, as text" },
        { NULL },
};

const AsmCliCommand asm_cli_cmd_top = {
        .name = "top",
        .summary = "watch what the daemon does",
        .help = "Sessions, runs, events per second, memory, peers and the active runs, again\n"
                "every second until q or ctrl-C. Events per second are those since the frame\n"
                "before, in the first frame those since the daemon's start. With --once, --json\n"
                "or a pipe behind it it is one frame without escape sequences.\n",
        .examples = "asmctl top\n"
                    "asmctl top --interval 5\n"
                    "asmctl --json top | jq .status.rss_bytes\n",
        .options = options,
        .options_size = sizeof(TopOptions),
        .run = run,
};
