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
#include "config-rules-private.h"

#include <string.h>

typedef struct {
        const char *path;
        const char *group;
        const char *pattern;
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

static gboolean
fail(const Peer *peer, AsmConfigError code, const char *key, const char *what, GError **error)
{
        g_autofree char *shown = g_strescape(peer->group, NULL);

        g_set_error(error,
                    ASM_CONFIG_ERROR,
                    code,
                    "%s: %s in [%s]: %s",
                    peer->path,
                    key,
                    shown,
                    what);
        return FALSE;
}

#define RIGHTS_EXPECTED "expected query, control, host and administer separated by `;`, or none"

static gboolean
set_rights(Peer *peer, const char *value, GError **error)
{
        peer->has_rights = TRUE;
        return asm_rights_parse(value, &peer->rights) ||
               fail(peer, ASM_CONFIG_ERROR_VALUE, "rights", RIGHTS_EXPECTED, error);
}

static gboolean
set_address(Peer *peer, const char *value, GError **error)
{
        g_auto(GStrv) parts = g_strsplit(value, ";", -1);

        g_clear_pointer(&peer->addresses, g_ptr_array_unref);
        peer->addresses = g_ptr_array_new_with_free_func(g_object_unref);
        for (guint i = 0; parts[i] != NULL; i++) {
                GInetAddressMask *mask;

                if (*g_strstrip(parts[i]) == '\0')
                        continue;
                mask = g_inet_address_mask_new_from_string(parts[i], NULL);
                if (mask == NULL)
                        return fail(peer,
                                    ASM_CONFIG_ERROR_VALUE,
                                    "address",
                                    "expected addresses or networks separated by `;`, as "
                                    "10.0.0.0/8;127.0.0.1",
                                    error);
                g_ptr_array_add(peer->addresses, mask);
        }
        return peer->addresses->len > 0 || fail(peer,
                                                ASM_CONFIG_ERROR_VALUE,
                                                "address",
                                                "is empty: leave it out for any",
                                                error);
}

static gboolean
set_cookie(Peer *peer, const char *value, GError **error)
{
        if (*value == '\0')
                return fail(peer, ASM_CONFIG_ERROR_VALUE, "cookie_file", "is empty", error);
        peer->cookie = asm_cookie_load(value, error);
        if (peer->cookie == NULL)
                g_prefix_error(error, "%s: [%s]: ", peer->path, peer->group);
        return peer->cookie != NULL;
}

static gboolean
set_key(Peer *peer, const char *key, const char *value, GError **error)
{
        if (strcmp(key, "rights") == 0)
                return set_rights(peer, value, error);
        if (strcmp(key, "address") == 0)
                return set_address(peer, value, error);
        if (strcmp(key, "cookie_file") == 0)
                return set_cookie(peer, value, error);
        if (strcmp(key, "cookie") == 0)
                return fail(peer,
                            ASM_CONFIG_ERROR_KEY,
                            key,
                            "a cookie is no matter of this file: put it into one of its own, mode "
                            "0400, and name that as cookie_file",
                            error);
        return fail(peer,
                    ASM_CONFIG_ERROR_KEY,
                    key,
                    "there is no such key; see asmd.conf(5)",
                    error);
}

static gboolean
load_group(AsmConfig *config, GKeyFile *file, const char *path, const char *group, GError **error)
{
        g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, NULL);
        g_autofree char *pattern = g_strstrip(g_strdup(group + strlen(ASM_CONFIG_PEER_PREFIX)));
        g_auto(Peer) peer = { .path = path, .group = group, .pattern = pattern };

        if (strchr(pattern, '@') == NULL && strcmp(pattern, "*") != 0)
                return fail(&peer,
                            ASM_CONFIG_ERROR_VALUE,
                            "the pattern",
                            "expected names of nodes, as asm@build1 or *@10.0.*",
                            error);
        for (guint i = 0; keys != NULL && keys[i] != NULL; i++) {
                g_autofree char *value = g_key_file_get_string(file, group, keys[i], NULL);

                if (!set_key(&peer, keys[i], value != NULL ? g_strstrip(value) : "", error))
                        return FALSE;
        }
        if (!peer.has_rights)
                return fail(&peer,
                            ASM_CONFIG_ERROR_VALUE,
                            "rights",
                            "is missing: " RIGHTS_EXPECTED,
                            error);
        asm_peers_add(config->peers,
                      pattern,
                      peer.rights,
                      g_steal_pointer(&peer.addresses),
                      peer.cookie);
        return TRUE;
}

/* [peers]: those who have no group of their own */
static gboolean
load_others(AsmConfig *config, const char *path, GError **error)
{
        Peer peers = { .path = path, .group = "peers" };
        guint rights;

        if (config->allow == NULL && config->default_rights == NULL)
                return TRUE;
        if (config->allow == NULL)
                return fail(&peers,
                            ASM_CONFIG_ERROR_VALUE,
                            "default_rights",
                            "needs allow, the nodes that have them",
                            error);
        if (config->default_rights == NULL)
                return fail(&peers,
                            ASM_CONFIG_ERROR_VALUE,
                            "allow",
                            "needs default_rights, what these nodes may do",
                            error);
        if (!asm_rights_parse(config->default_rights, &rights))
                return fail(&peers,
                            ASM_CONFIG_ERROR_VALUE,
                            "default_rights",
                            RIGHTS_EXPECTED,
                            error);
        for (guint i = 0; config->allow[i] != NULL; i++)
                asm_peers_add(config->peers, config->allow[i], rights, NULL, NULL);
        return TRUE;
}

/* a host that nobody may use is a mistake */
static gboolean
check_host(const AsmConfig *config, const char *path, GError **error)
{
        Peer host = { .path = path, .group = "host" };

        if (asm_peers_is_empty(config->peers))
                return !config->host.is_enabled || config->host_allow != NULL ||
                       fail(&host,
                            ASM_CONFIG_ERROR_VALUE,
                            "enabled",
                            "needs allow, the nodes that may run CLIs here, as allow = "
                            "asm@build1;*@10.0.*",
                            error);
        if (config->host_allow != NULL)
                return fail(&host,
                            ASM_CONFIG_ERROR_VALUE,
                            "allow",
                            "says nothing beside [peer] and [peers]: give these nodes the right "
                            "host there",
                            error);
        return !config->host.is_enabled || asm_peers_have(config->peers, ASM_RIGHT_HOST) ||
               fail(&host,
                    ASM_CONFIG_ERROR_VALUE,
                    "enabled",
                    "no [peer] has the right host, so nobody could run anything here",
                    error);
}

gboolean
asm_config_load_peers(AsmConfig *config, GKeyFile *file, const char *path, GError **error)
{
        g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);

        for (guint i = 0; groups[i] != NULL; i++) {
                if (asm_config_is_peer_group(groups[i]) &&
                    !load_group(config, file, path, groups[i], error))
                        return FALSE;
        }
        asm_peers_set_hosts(config->peers, (const char *const *)config->host_allow);
        return load_others(config, path, error) && check_host(config, path, error);
}
