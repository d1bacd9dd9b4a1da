/* SPDX-License-Identifier: MIT */

/*
 * Who may do what, from the configuration file: [peer PATTERN] groups in their order, then the
 * patterns of allow in [peers], which all have default_rights. A file with any of these names all
 * peers there are; then allow in [host] has nothing left to say, and is a mistake rather than a second
 * list that one would have to compare with the first. In a file with none of them it lists who has the
 * right to host, and everybody has the other rights.
 *
 * Cookies are in files of their own, with the modes that erl demands: a configuration file is read by
 * many, copied and put into version control.
 */

#include "config-private.h"

#include <string.h>

typedef struct {
        AsmConfigReport *report;
        gboolean is_client;
        guint rights;
        gboolean has_rights;
        GPtrArray *addresses;
        char *cookie;
} Peer;

static void
peer_clear(Peer *peer)
{
        g_clear_pointer(&peer->addresses, g_ptr_array_unref);
        if (peer->cookie != NULL)
                explicit_bzero(peer->cookie, strlen(peer->cookie));
        g_clear_pointer(&peer->cookie, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Peer, peer_clear)

#define RIGHTS_EXPECTED "expected query, control, host and administer separated by `;`, or none"

static void
bad_value(AsmConfigReport *report, const AsmConfigSetting *setting, const char *expected)
{
        g_autofree char *shown = asm_config_shown(setting->value);

        asm_config_mistake(report, setting, "'%s' is not valid, %s", shown, expected);
}

static void
set_rights(Peer *peer, const AsmConfigSetting *setting)
{
        peer->has_rights = TRUE;
        if (!asm_rights_parse(setting->value, &peer->rights))
                bad_value(peer->report, setting, RIGHTS_EXPECTED);
}

static void
set_address(Peer *peer, const AsmConfigSetting *setting)
{
        g_auto(GStrv) parts = g_strsplit(setting->value, ";", -1);

        peer->addresses = g_ptr_array_new_with_free_func(g_object_unref);
        for (guint i = 0; parts[i] != NULL; i++) {
                GInetAddressMask *mask;

                if (*g_strstrip(parts[i]) == '\0')
                        continue;
                mask = g_inet_address_mask_new_from_string(parts[i], NULL);
                if (mask == NULL) {
                        bad_value(peer->report,
                                  setting,
                                  "expected addresses or networks separated by `;`, as "
                                  "10.0.0.0/8;127.0.0.1");
                        return;
                }
                g_ptr_array_add(peer->addresses, mask);
        }
        if (peer->addresses->len == 0)
                asm_config_mistake(peer->report, setting, "is empty: leave it out for any");
}

static void
set_cookie(Peer *peer, const AsmConfigSetting *setting)
{
        g_autofree char *folder = asm_config_folder(setting);
        g_autofree char *path = NULL;
        g_autoptr(GError) error = NULL;

        if (*setting->value == '\0') {
                asm_config_mistake(peer->report, setting, "is empty");
                return;
        }
        path = asm_config_resolve_file(setting->value, folder);
        peer->cookie = asm_cookie_load(path, &error);
        /* who uses a daemon need not be trusted with the cookies of its peers */
        if (peer->cookie == NULL && !peer->is_client)
                asm_config_mistake(peer->report, setting, "%s", error->message);
}

static void
set_key(Peer *peer, const AsmConfigSetting *setting)
{
        if (strcmp(setting->key, "rights") == 0)
                set_rights(peer, setting);
        else if (strcmp(setting->key, "address") == 0)
                set_address(peer, setting);
        else if (strcmp(setting->key, "cookie_file") == 0)
                set_cookie(peer, setting);
}

static void
make_group(AsmConfig *config, const AsmConfigSetting *group, Peer *peer)
{
        g_autofree char *pattern =
                g_strstrip(g_strdup(group->group + strlen(ASM_CONFIG_PEER_PREFIX)));

        if (strchr(pattern, '@') == NULL && strcmp(pattern, "*") != 0)
                asm_config_mistake(peer->report,
                                   group,
                                   "expected the names of nodes, as [peer asm@build1] or [peer "
                                   "*@10.0.*]");
        for (guint i = 0; i < config->settings->len; i++) {
                const AsmConfigSetting *setting = g_ptr_array_index(config->settings, i);

                if (setting->key != NULL && strcmp(setting->group, group->group) == 0)
                        set_key(peer, setting);
        }
        if (!peer->has_rights)
                asm_config_mistake(peer->report, group, "rights is missing: " RIGHTS_EXPECTED);
        asm_peers_add(config->peers,
                      pattern,
                      peer->rights,
                      g_steal_pointer(&peer->addresses),
                      peer->cookie);
}

/* [peers]: those who have no group of their own */
static void
make_others(AsmConfig *config, AsmConfigReport *report)
{
        const AsmConfigSetting *allow = asm_config_find(config, "peers", "allow");
        const AsmConfigSetting *given = asm_config_find(config, "peers", "default_rights");
        guint rights = 0;

        if (allow == NULL && given != NULL)
                asm_config_mistake(report, given, "needs allow, the nodes that have them");
        if (allow != NULL && given == NULL)
                asm_config_mistake(report, allow, "needs default_rights, what these nodes may do");
        if (given != NULL && !asm_rights_parse(given->value, &rights))
                bad_value(report, given, RIGHTS_EXPECTED);
        for (guint i = 0; config->allow != NULL && config->allow[i] != NULL; i++)
                asm_peers_add(config->peers, config->allow[i], rights, NULL, NULL);
}

/* a host that nobody may use is a mistake */
static void
check_host(const AsmConfig *config, AsmConfigReport *report)
{
        const AsmConfigSetting *enabled = asm_config_find(config, "host", "enabled");
        const AsmConfigSetting *allow = asm_config_find(config, "host", "allow");

        if (asm_peers_is_empty(config->peers)) {
                if (config->host.is_enabled && allow == NULL)
                        asm_config_mistake(
                                report,
                                enabled,
                                "needs allow, the nodes that may run CLIs here, as allow = "
                                "asm@build1;*@10.0.*");
                return;
        }
        if (allow != NULL)
                asm_config_mistake(report,
                                   allow,
                                   "says nothing beside [peer] and [peers]: give these nodes the "
                                   "right host there");
        if (config->host.is_enabled && !asm_peers_have(config->peers, ASM_RIGHT_HOST))
                asm_config_mistake(report,
                                   enabled,
                                   "no [peer] has the right host, so nobody could run anything "
                                   "here");
}

void
asm_config_make_peers(AsmConfig *config, gboolean is_client, AsmConfigReport *report)
{
        for (guint i = 0; i < config->settings->len; i++) {
                const AsmConfigSetting *group = g_ptr_array_index(config->settings, i);
                g_auto(Peer) peer = { .report = report, .is_client = is_client };

                if (group->key == NULL && asm_config_is_peer_group(group->group))
                        make_group(config, group, &peer);
        }
        asm_peers_set_hosts(config->peers, (const char *const *)config->host_allow);
        make_others(config, report);
        check_host(config, report);
}
