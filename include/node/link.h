/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One connection to a peer node, from the first byte of the handshake to its end. What is sent
 * goes to a queue that is written once per loop iteration; a queue over its high-water mark makes
 * the link *busy*, which those who feed it can see.
 */

#include "term/builder.h"
#include <glib.h>

typedef struct _AsmLink AsmLink;

AsmLink *asm_link_ref(AsmLink *link);
void asm_link_unref(AsmLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmLink, asm_link_unref)

/* interned; compare with ==  against AsmPid.node */
GRefString *asm_link_get_peer(AsmLink *link);
/* flags that both sides have */
guint64 asm_link_get_flags(AsmLink *link);
gboolean asm_link_is_up(AsmLink *link);

/**
 * asm_link_out: the buffer to which asm_control_encode_*() appends whole frames
 *
 * Valid until the next return to the main loop; call asm_link_queued() after appending.
 */
AsmBuilder *asm_link_out(AsmLink *link);
void asm_link_queued(AsmLink *link);

/* over the high-water mark and not yet back under half of it */
gboolean asm_link_is_busy(AsmLink *link);
/* whether @bytes more leave the link far from the limit that ends it */
gboolean asm_link_has_room(AsmLink *link, gsize bytes);
/**
 * asm_link_hold: @bytes that came from the peer cannot be handed on yet
 *
 * Over AsmNodeConfig.max_held in sum the link is not read until half of it has been released.
 */
void asm_link_hold(AsmLink *link, gsize bytes);
void asm_link_release(AsmLink *link, gsize bytes);
/* is it not read? */
gboolean asm_link_is_paused(AsmLink *link);

/* ends the connection; the node's listener hears of it from the main loop */
void asm_link_close(AsmLink *link, const char *why);
