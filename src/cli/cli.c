/* SPDX-License-Identifier: MIT */

/*
 * asmctl is a node like any other: there is no private socket, so "the daemon cannot be reached"
 * can mean no epmd, no such name, another cookie, or a host that does not answer. Each of these
 * gets the sentence that leads on: what was tried, and what to look at.
 *
 * A command runs from top to bottom, so a call is made to wait by turning the main loop until its
 * callback has been here. Nothing else is attached to the loop but the client and what the command
 * itself attached.
 */

#include "cli/cli-private.h"

#include "cli/error-private.h"
#include "daemon/config.h"
#include "term/print.h"
#include "term/reader.h"

#include <string.h>
#include <unistd.h>

#define HOST_MAX 256
/* how much of an answer that nobody understands is shown */
#define SHOWN_MAX 300

typedef struct {
        gboolean is_done;
        AsmTerm *answer;
        GError *error;
} Wait;

void
asm_cli_clear(AsmCli *cli)
{
        g_clear_pointer(&cli->client, asm_client_free);
        g_clear_pointer(&cli->daemon, asm_daemon_free);
        g_clear_pointer(&cli->globals.node, g_free);
        g_clear_pointer(&cli->globals.cookie_file, g_free);
        g_clear_pointer(&cli->globals.colour, g_free);
        g_clear_pointer(&cli->globals.config, g_free);
}

char *
asm_cli_node_name(const char *given)
{
        char host[HOST_MAX] = "";
        const char *name = given != NULL && *given != '\0' ? given : "asmd";

        if (strchr(name, '@') != NULL)
                return g_strdup(name);
        if (gethostname(host, sizeof(host) - 1) != 0 || *host == '\0')
                g_strlcpy(host, "localhost", sizeof(host));
        *strchrnul(host, '.') = '\0';
        return g_strdup_printf("%s@%s", name, host);
}

/* --- reaching the daemon --------------------------------------------------------------------- */

/* what to do about it; the cause itself is told before */
static const char *
advice_for(const GError *error)
{
        if (error->domain != ASM_NODE_ERROR)
                return "";
        switch ((AsmNodeError)error->code) {
        case ASM_NODE_ERROR_EPMD:
        case ASM_NODE_ERROR_UNKNOWN_NODE:
        case ASM_NODE_ERROR_CONNECT:
                return "\n  is asmd running? start it with 'asmd', or name another one with --node "
                       "NODE "
                       "('epmd -names' lists those of a host)";
        case ASM_NODE_ERROR_TIMEOUT:
                return "\n  does the host answer, is its firewall open for epmd and asmd? "
                       "--timeout SECONDS waits longer";
        case ASM_NODE_ERROR_REFUSED:
        case ASM_NODE_ERROR_COOKIE_FILE:
                return "\n  name the file with asmd's cookie: --cookie-file FILE";
        case ASM_NODE_ERROR_TLS:
                return "\n  name the configuration that has asmd's [tls]: --config FILE";
        case ASM_NODE_ERROR_NAME:
        case ASM_NODE_ERROR_COOKIE_CONFLICT:
        case ASM_NODE_ERROR_LISTEN:
        case ASM_NODE_ERROR_NAME_TAKEN:
        case ASM_NODE_ERROR_LIMIT:
        case ASM_NODE_ERROR_STOPPED:
                break;
        }
        return "";
}

static void
set_unreachable(GError **error, const char *node, const char *cookie_file, const GError *cause)
{
        if (g_error_matches(cause, ASM_NODE_ERROR, ASM_NODE_ERROR_NAME)) {
                asm_cli_usage(error, "%s", cause->message);
                return;
        }
        g_set_error(error,
                    ASM_CLI_ERROR,
                    ASM_CLI_ERROR_UNREACHABLE,
                    "cannot reach %s with the cookie in %s:\n  %s%s",
                    node,
                    cookie_file != NULL ? cookie_file : "~/.erlang.cookie",
                    cause->message,
                    advice_for(cause));
}

static void
on_run_event(const char *run_id, AsmView event, gpointer user_data)
{
        AsmCli *cli = user_data;

        if (cli->listener != NULL)
                cli->listener->event(event, cli->user_data);
}

static void
on_run_lagged(const char *run_id, AsmView error, gpointer user_data)
{
        AsmCli *cli = user_data;
        g_autoptr(AsmFailure) failure = asm_failure_from_view(error);

        if (cli->listener != NULL && failure != NULL)
                cli->listener->lagged(failure, cli->user_data);
}

static void
on_run_done(const char *run_id, gpointer user_data)
{
        AsmCli *cli = user_data;

        if (cli->listener != NULL)
                cli->listener->done(cli->user_data);
}

static void
on_lost(gpointer user_data)
{
        AsmCli *cli = user_data;

        if (cli->listener != NULL)
                cli->listener->lost(cli->user_data);
}

const AsmClientListener asm_cli_client_listener = { .event = on_run_event,
                                                    .lagged = on_run_lagged,
                                                    .done = on_run_done,
                                                    .lost = on_lost };

static void
on_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmCli *cli = ((gpointer *)user_data)[0];
        Wait *wait = ((gpointer *)user_data)[1];

        asm_client_connect_finish(cli->client, result, &wait->error);
        wait->is_done = TRUE;
}

static gboolean
connect_and_wait(AsmCli *cli, GError **error)
{
        Wait wait = { 0 };
        gpointer data[] = { cli, &wait };
        guint timeout_ms = cli->globals.timeout_ms;

        asm_client_connect_async(cli->client,
                                 timeout_ms != 0 ? timeout_ms : ASM_CLI_TIMEOUT_MS,
                                 on_connected,
                                 data);
        while (!wait.is_done)
                g_main_context_iteration(NULL, /* may_block= */ TRUE);
        if (wait.error != NULL) {
                g_propagate_error(error, wait.error);
                return FALSE;
        }
        return TRUE;
}

gboolean
asm_cli_load_config(const AsmCli *cli, AsmConfig *config, GError **error)
{
        const AsmConfigInput input = { .file = cli->globals.config, .is_client = TRUE };
        g_auto(AsmConfigReport) report = { 0 };
        g_autofree char *text = NULL;

        asm_config_report_init(&report);
        if (asm_config_read(config, &input, &report))
                return TRUE;
        text = asm_config_report_text(&report);
        asm_cli_usage(error, "%s", text);
        return FALSE;
}

/* an option, then the environment, then the configuration */
static char *
node_to_call(const AsmCli *cli, const AsmConfig *config)
{
        const char *given = cli->globals.node;

        if (given == NULL)
                given = g_getenv("ASMD_NODE");
        if (given == NULL || *given == '\0')
                given = config->name;
        return asm_cli_node_name(given);
}

gboolean
asm_cli_open(AsmCli *cli, GError **error)
{
        g_auto(AsmConfig) file = { 0 };
        g_autofree char *node = NULL;
        AsmClientConfig config;
        g_autoptr(GError) cause = NULL;

        if (cli->client != NULL)
                return TRUE;
        if (!asm_cli_load_config(cli, &file, error))
                return FALSE;
        node = node_to_call(cli, &file);
        config = (AsmClientConfig){ .node = node,
                                    .cookie_file = cli->globals.cookie_file != NULL
                                                           ? cli->globals.cookie_file
                                                           : file.cookie_file,
                                    .tls = &file.tls };
        cli->client = asm_client_new(&config, &asm_cli_client_listener, cli, &cause);
        if (cli->client != NULL && connect_and_wait(cli, &cause))
                return TRUE;
        g_clear_pointer(&cli->client, asm_client_free);
        set_unreachable(error, node, config.cookie_file, cause);
        return FALSE;
}

/* --- calls ----------------------------------------------------------------------------------- */

static void
on_answer(GObject *source, GAsyncResult *result, gpointer user_data)
{
        AsmCli *cli = ((gpointer *)user_data)[0];
        Wait *wait = ((gpointer *)user_data)[1];

        wait->answer = asm_client_call_finish(cli->client, result, &wait->error);
        wait->is_done = TRUE;
}

AsmTerm *
asm_cli_call(AsmCli *cli, const char *function, AsmView args, GError **error)
{
        Wait wait = { 0 };
        gpointer data[] = { cli, &wait };
        guint timeout_ms = cli->globals.timeout_ms;

        asm_client_call_async(cli->client,
                              function,
                              args,
                              timeout_ms != 0 ? timeout_ms : ASM_CLI_TIMEOUT_MS,
                              on_answer,
                              data);
        while (!wait.is_done)
                g_main_context_iteration(NULL, /* may_block= */ TRUE);
        if (g_error_matches(wait.error, ASM_PROC_ERROR, ASM_PROC_ERROR_TIMEOUT))
                g_prefix_error(&wait.error, "connected, but is this an asmd? ");
        if (wait.error != NULL)
                g_propagate_error(error, wait.error);
        return wait.answer;
}

AsmView
asm_cli_answer_error(AsmView answer)
{
        AsmView reason;

        return asm_view_get_tagged(answer, "error", 2, &reason) ? reason : ASM_VIEW_NONE;
}

AsmFailure *
asm_cli_answer_failure(AsmView reason)
{
        AsmFailure *failure = asm_failure_from_view(reason);
        g_autofree char *shown = NULL;

        if (failure != NULL)
                return failure;
        shown = asm_view_print(reason, ASM_SYNTAX_ERLANG, SHOWN_MAX);
        return asm_failure_new(ASM_FAILURE_RUNTIME, ASM_DOMAIN_RUNTIME, "%s", shown);
}

AsmTerm *
asm_cli_ask(AsmCli *cli, const char *function, AsmView args, AsmView *ret_value, GError **error)
{
        g_autoptr(AsmTerm) answer = NULL;
        AsmView reason, value;

        if (!asm_cli_open(cli, error))
                return NULL;
        answer = asm_cli_call(cli, function, args, error);
        if (answer == NULL)
                return NULL;
        value = asm_term_view(answer);
        reason = asm_cli_answer_error(value);
        if (asm_view_is_set(reason)) {
                g_autoptr(AsmFailure) failure = asm_cli_answer_failure(reason);

                asm_cli_set_lookup_failure(error, failure);
                return NULL;
        }
        if (!asm_view_get_tagged(value, "ok", 2, ret_value))
                *ret_value = value;
        return g_steal_pointer(&answer);
}

void
asm_cli_put_texts(AsmBuilder *args, const char *const *texts)
{
        guint n = g_strv_length((char **)texts);

        asm_builder_list(args, n);
        for (guint i = 0; i < n; i++)
                asm_builder_text(args, texts[i]);
        asm_builder_nil(args);
}
