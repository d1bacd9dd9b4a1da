/* SPDX-License-Identifier: MIT */

/*
 * The list of peers. Groups are tried in their order and the first whose pattern fits decides
 * everything: rights, addresses and cookie. So a node that comes from a wrong address is refused, and
 * does not fall through to a wider group below; what a group says of a name can be relied on.
 *
 * The list is made once and not changed any more; a new configuration is a new list. Names come from
 * a handshake. That a node has the name it gives is vouched for by the cookie of the group (or by its
 * certificate): whoever knows a cookie can take any name of the groups that have this cookie.
 */

#include "node/peers.h"

#include "node/error.h"

#include <string.h>

typedef struct {
        char *pattern;
        guint rights;
        GPtrArray *addresses; /* NULL: any */
        char *cookie;         /* NULL: that of all others */
} Group;

struct _AsmPeers {
        guint ref_count;
        GPtrArray *groups;
        GStrv hosts; /* NULL: nobody */
};

static const struct {
        AsmRight right;
        const char *name;
        guint includes;
} rights[] = {
        { ASM_RIGHT_QUERY, "query", ASM_RIGHT_QUERY },
        { ASM_RIGHT_CONTROL, "control", ASM_RIGHT_CONTROL | ASM_RIGHT_QUERY },
        { ASM_RIGHT_HOST, "host", ASM_RIGHT_HOST },
        { ASM_RIGHT_ADMINISTER,
          "administer",
          ASM_RIGHT_ADMINISTER | ASM_RIGHT_CONTROL | ASM_RIGHT_QUERY },
};

const char *
asm_right_name(AsmRight right)
{
        for (gsize i = 0; i < G_N_ELEMENTS(rights); i++) {
                if (rights[i].right == right)
                        return rights[i].name;
        }
        g_return_val_if_reached("none");
}

static guint
parse_right(const char *name)
{
        for (gsize i = 0; i < G_N_ELEMENTS(rights); i++) {
                if (strcmp(rights[i].name, name) == 0)
                        return rights[i].includes;
        }
        return 0;
}

gboolean
asm_rights_parse(const char *text, guint *ret_rights)
{
        g_auto(GStrv) parts = g_strsplit(text, ";", -1);
        guint found = 0;

        if (strcmp(text, "none") == 0) {
                *ret_rights = 0;
                return TRUE;
        }
        for (guint i = 0; parts[i] != NULL; i++) {
                guint right = parse_right(g_strstrip(parts[i]));

                /* a `;` at the end does no harm */
                if (right == 0 && (*parts[i] != '\0' || parts[i + 1] != NULL))
                        return FALSE;
                found |= right;
        }
        if (found == 0)
                return FALSE;
        *ret_rights = found;
        return TRUE;
}

static void
group_free(gpointer data)
{
        Group *group = data;

        if (group->cookie != NULL)
                explicit_bzero(group->cookie, strlen(group->cookie));
        g_free(group->cookie);
        g_free(group->pattern);
        g_clear_pointer(&group->addresses, g_ptr_array_unref);
        g_free(group);
}

AsmPeers *
asm_peers_new(void)
{
        AsmPeers *peers = g_new0(AsmPeers, 1);

        peers->ref_count = 1;
        peers->groups = g_ptr_array_new_with_free_func(group_free);
        return peers;
}

AsmPeers *
asm_peers_ref(AsmPeers *peers)
{
        peers->ref_count++;
        return peers;
}

void
asm_peers_unref(AsmPeers *peers)
{
        if (peers == NULL || --peers->ref_count > 0)
                return;
        g_ptr_array_unref(peers->groups);
        g_strfreev(peers->hosts);
        g_free(peers);
}

void
asm_peers_add(AsmPeers *peers,
              const char *pattern,
              guint rights_of_it,
              GPtrArray *addresses,
              const char *cookie)
{
        Group *group = g_new0(Group, 1);

        group->pattern = g_strdup(pattern);
        group->rights = rights_of_it;
        group->addresses = addresses;
        group->cookie = g_strdup(cookie);
        g_ptr_array_add(peers->groups, group);
}

void
asm_peers_set_hosts(AsmPeers *peers, const char *const *patterns)
{
        g_strfreev(peers->hosts);
        peers->hosts = g_strdupv((char **)patterns);
}

static guint
unlisted_rights(const AsmPeers *peers, const char *name)
{
        for (guint i = 0; peers->hosts != NULL && peers->hosts[i] != NULL; i++) {
                if (g_pattern_match_simple(peers->hosts[i], name))
                        return ASM_RIGHTS_UNLISTED | ASM_RIGHT_HOST;
        }
        return ASM_RIGHTS_UNLISTED;
}

static const Group *
find_group(const AsmPeers *peers, const char *name)
{
        for (guint i = 0; i < peers->groups->len; i++) {
                const Group *group = g_ptr_array_index(peers->groups, i);

                if (g_pattern_match_simple(group->pattern, name))
                        return group;
        }
        return NULL;
}

gboolean
asm_peers_is_empty(const AsmPeers *peers)
{
        return peers->groups->len == 0;
}

gboolean
asm_peers_have(const AsmPeers *peers, AsmRight right)
{
        for (guint i = 0; i < peers->groups->len; i++) {
                const Group *group = g_ptr_array_index(peers->groups, i);

                if ((group->rights & right) != 0)
                        return TRUE;
        }
        return FALSE;
}

guint
asm_peers_get_rights(const AsmPeers *peers, const char *name)
{
        const Group *group = find_group(peers, name);

        if (asm_peers_is_empty(peers))
                return unlisted_rights(peers, name);
        return group != NULL ? group->rights : 0;
}

const char *
asm_peers_get_cookie(const AsmPeers *peers, const char *name)
{
        const Group *group = find_group(peers, name);

        return group != NULL ? group->cookie : NULL;
}

static gboolean
has_address(const Group *group, GInetAddress *address)
{
        if (group->addresses == NULL || address == NULL)
                return TRUE;
        for (guint i = 0; i < group->addresses->len; i++) {
                if (g_inet_address_mask_matches(g_ptr_array_index(group->addresses, i), address))
                        return TRUE;
        }
        return FALSE;
}

gboolean
asm_peers_admit(const AsmPeers *peers, const char *name, GInetAddress *address, GError **error)
{
        const Group *group = find_group(peers, name);
        g_autofree char *shown = NULL;
        g_autofree char *at = NULL;

        if (asm_peers_is_empty(peers) || (group != NULL && has_address(group, address)))
                return TRUE;
        shown = g_strescape(name, NULL);
        if (group == NULL) {
                g_set_error(error,
                            ASM_NODE_ERROR,
                            ASM_NODE_ERROR_REFUSED,
                            "'%s' is no peer: no [peer] group of asmd.conf fits its name, nor "
                            "allow in [peers]",
                            shown);
                return FALSE;
        }
        at = g_inet_address_to_string(address);
        g_set_error(error,
                    ASM_NODE_ERROR,
                    ASM_NODE_ERROR_REFUSED,
                    "'%s' may not be at %s: it is not in address of [peer %s] of asmd.conf",
                    shown,
                    at,
                    group->pattern);
        return FALSE;
}
