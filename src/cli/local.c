/* SPDX-License-Identifier: MIT */

/*
 * The daemon inside asmctl: the same rooms, put together the same way, and the same API, which is
 * called by messages between two processes of one program. Only its node never starts: it does not
 * listen, epmd does not hear of it, and there is no file it needs.
 *
 * A run on another node needs the distribution. A node that does not listen can connect all the
 * same, as every client of the daemon does; it takes the cookie's file for that, and a name in the
 * form, short or long, that the other node has.
 */

#include "cli/local-private.h"

#include "backend/backend.h"
#include "base/random.h"
#include "cli/error-private.h"
#include "node/name.h"

#include <unistd.h>

/* bytes of a cookie that nobody knows */
#define SECRET_SIZE 16

static char *
random_cookie(void)
{
        GString *text = g_string_new(NULL);
        guint8 bytes[SECRET_SIZE];

        asm_random_bytes(bytes, sizeof bytes);
        for (gsize i = 0; i < sizeof bytes; i++)
                g_string_append_printf(text, "%02x", bytes[i]);
        return g_string_free(text, FALSE);
}

/* the name in the form of @remote's; like its client's for one that is only reached by localhost */
static gboolean
set_name(AsmConfig *config, const char *remote, GError **error)
{
        g_autofree char *alive =
                g_strdup_printf("asmctl-%d-%08x", (int)getpid(), asm_random_uint32());

        g_free(config->name);
        config->is_long_name = remote != NULL && asm_node_name_is_long(remote);
        if (remote == NULL)
                config->name = g_strdup_printf("%s@localhost", alive);
        else if (config->is_long_name || g_str_has_suffix(remote, "@localhost"))
                config->name = g_strdup_printf("%s@%s", alive, asm_node_name_host(remote));
        else
                config->name = g_steal_pointer(&alive);
        if (!asm_config_finish(config, error))
                return FALSE;
        /* it connects, but does not listen; without a remote node it does neither */
        if (remote != NULL)
                g_clear_pointer(&config->node.listen_address, g_free);
        return TRUE;
}

static char *
load_cookie(AsmCli *cli, const char *remote, GError **error)
{
        g_autoptr(GError) cause = NULL;
        char *cookie;

        if (remote == NULL)
                return random_cookie();
        cookie = asm_cookie_load(cli->globals.cookie_file, &cause);
        if (cookie == NULL)
                g_set_error(error,
                            ASM_CLI_ERROR,
                            ASM_CLI_ERROR_FAILED,
                            "distribution_not_enabled: a run on %s needs its cookie: %s",
                            remote,
                            cause->message);
        return cookie;
}

gboolean
asm_cli_open_local(AsmCli *cli, const char *remote, GError **error)
{
        g_auto(AsmConfig) config = { 0 };
        g_autoptr(GError) cause = NULL;
        g_autofree char *cookie = NULL;

        if (!asm_cli_load_config(cli, &config, error))
                return FALSE;
        if ((remote != NULL && !asm_node_name_check(remote, &cause)) ||
            !set_name(&config, remote, &cause))
                return asm_cli_usage(error, "%s", cause->message);
        cookie = load_cookie(cli, remote, error);
        if (cookie == NULL)
                return FALSE;
        cli->daemon = asm_daemon_new_with_cookie(&config, cookie, &cause);
        if (cli->daemon == NULL)
                return asm_cli_usage(error, "%s", cause->message);
        cli->client = asm_client_new_local(asm_daemon_get_procs(cli->daemon),
                                           &asm_cli_client_listener,
                                           cli);
        cli->n_servers = asm_procs_count(asm_daemon_get_procs(cli->daemon));
        return TRUE;
}

gboolean
asm_cli_local_is_idle(const AsmCli *cli)
{
        return asm_backend_local_count() == 0 &&
               asm_procs_count(asm_daemon_get_procs(cli->daemon)) <= cli->n_servers;
}
