/* SPDX-License-Identifier: MIT */
#pragma once

/* The shared secrets of a node: a default one and one per peer, first come stays. */

#include <glib.h>

typedef struct _AsmCookies AsmCookies;

/* longest cookie in bytes, as erl accepts it in an atom */
#define ASM_COOKIE_MAX 255

/**
 * asm_cookie_load: (transfer full): the cookie in @path
 * @path: (nullable): NULL for ~/.erlang.cookie, which is made if it does not exist, as erl does
 *
 * The file must belong to this user and be closed to others (0400 or 0600).
 * Errors: ASM_NODE_ERROR_COOKIE_FILE, naming the file and what to do; never the cookie.
 */
char *asm_cookie_load(const char *path, GError **error);

AsmCookies *asm_cookies_new(const char *default_cookie);
/* wipes them */
void asm_cookies_free(AsmCookies *cookies);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmCookies, asm_cookies_free)

/* Errors: ASM_NODE_ERROR_COOKIE_CONFLICT when @peer has another one already */
gboolean asm_cookies_set(AsmCookies *cookies, const char *peer, const char *cookie, GError **error);
/* the peer's own or the default one; borrowed, never NULL */
const char *asm_cookies_get(AsmCookies *cookies, const char *peer);
