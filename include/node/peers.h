/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which nodes may be peers, from where, with which cookie, and what they may do. A list of groups in
 * order: the first whose pattern fits the name of a node decides, and a node that none fits is no
 * peer. Without any group every node with the cookie is one.
 */

#include <gio/gio.h>

/**
 * AsmRight: what a peer may do; a set of them is a guint
 * @ASM_RIGHT_QUERY: look at everything, and put prompts without options of its own
 * @ASM_RIGHT_CONTROL: start, steer and end sessions and runs, with any options
 * @ASM_RIGHT_HOST: run CLIs here as on a remote node
 * @ASM_RIGHT_ADMINISTER: suspend and end processes of the daemon
 */
typedef enum {
        ASM_RIGHT_QUERY = 1 << 0,
        ASM_RIGHT_CONTROL = 1 << 1,
        ASM_RIGHT_HOST = 1 << 2,
        ASM_RIGHT_ADMINISTER = 1 << 3,
} AsmRight;

/* what every peer has while no groups are there, besides asm_peers_set_hosts() */
#define ASM_RIGHTS_UNLISTED (ASM_RIGHT_QUERY | ASM_RIGHT_CONTROL | ASM_RIGHT_ADMINISTER)

/* "query"; of exactly one right */
const char *asm_right_name(AsmRight right);

/**
 * asm_rights_parse: names of rights separated by `;`, or `none`
 *
 * `control` includes `query`, `administer` includes both; `host` stands for itself.
 * Returns: FALSE: not such a text
 */
gboolean asm_rights_parse(const char *text, guint *ret_rights);

typedef struct _AsmPeers AsmPeers;

/* without groups */
AsmPeers *asm_peers_new(void);
AsmPeers *asm_peers_ref(AsmPeers *peers);
void asm_peers_unref(AsmPeers *peers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmPeers, asm_peers_unref)

/**
 * asm_peers_add: the next group; before the peers are given to a node
 * @pattern: of node names; `*` and `?` stand for any characters, any character
 * @addresses: (nullable) (transfer full): of GInetAddressMask, from which these nodes may come and
 *   at which they may be; NULL: any
 * @cookie: (nullable): NULL: that of all others; copied, and wiped when freed
 */
void asm_peers_add(AsmPeers *peers,
                   const char *pattern,
                   guint rights,
                   GPtrArray *addresses,
                   const char *cookie);

/* @patterns: (nullable): of nodes with the right to host as long as there are no groups; copied */
void asm_peers_set_hosts(AsmPeers *peers, const char *const *patterns);

/* no groups: every node with the cookie is a peer */
gboolean asm_peers_is_empty(const AsmPeers *peers);
/* whether the right is in the hands of anybody */
gboolean asm_peers_have(const AsmPeers *peers, AsmRight right);
/* of the node @name; 0 if it is no peer */
guint asm_peers_get_rights(const AsmPeers *peers, const char *name);
/* (nullable): the cookie of its group; borrowed */
const char *asm_peers_get_cookie(const AsmPeers *peers, const char *name);

/**
 * asm_peers_admit: whether @name may be a peer
 * @address: (nullable): where it is; NULL: not known yet
 *
 * Errors: ASM_NODE_ERROR_REFUSED, which says what would let it in
 */
gboolean asm_peers_admit(const AsmPeers *peers,
                         const char *name,
                         GInetAddress *address,
                         GError **error);
