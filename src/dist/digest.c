/* SPDX-License-Identifier: MIT */
/*
 * The digest of the handshake: MD5 over the characters of the cookie and those of the other
 * side's challenge, written as a decimal number:
 *
 *      md5("secret" ++ "3141592653")
 *
 * MD5 is what the protocol says, on every release. It is no protection against somebody who can
 * read the wire; TLS is. What can be done here is done: a comparison whose duration does not tell
 * how many bytes were right.
 */
#include "digest-private.h"

void
asm_digest_make(const char *cookie, guint32 challenge, guint8 ret_digest[ASM_DIGEST_LEN])
{
        g_autoptr(GChecksum) md5 = g_checksum_new(G_CHECKSUM_MD5);
        char decimal[sizeof("4294967295")];
        gsize len = ASM_DIGEST_LEN;

        g_snprintf(decimal, sizeof(decimal), "%" G_GUINT32_FORMAT, challenge);
        g_checksum_update(md5, (const guchar *)cookie, -1);
        g_checksum_update(md5, (const guchar *)decimal, -1);
        g_checksum_get_digest(md5, ret_digest, &len);
}

gboolean
asm_digest_matches(const guint8 a[ASM_DIGEST_LEN], const guint8 b[ASM_DIGEST_LEN])
{
        guint8 difference = 0;

        for (guint i = 0; i < ASM_DIGEST_LEN; i++)
                difference |= a[i] ^ b[i];
        return difference == 0;
}
