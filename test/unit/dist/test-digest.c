/* SPDX-License-Identifier: MIT */
#include "dist/digest-private.h"
#include "hex.h"

TestSuite(digest, .timeout = 300);

Test(digest, is_md5_over_cookie_and_decimal_challenge)
{
        /* the first one by erlang:md5("secret" ++ "3141592653") on OTP 25 */
        const struct {
                const char *cookie;
                guint32 challenge;
                const char *digest;
        } cases[] = {
                { "secret", 3141592653, "f006ac361e26f458b1b1d413377fae15" },
                { "monster", 0, "12b449de1b22903411908b8c56b73be3" },
                { "", G_MAXUINT32, "7ba34a7c9344df2acabdb0146b9e15e3" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                guint8 digest[ASM_DIGEST_LEN];

                asm_digest_make(cases[i].cookie, cases[i].challenge, digest);
                hex_expect(digest, sizeof(digest), cases[i].digest, cases[i].cookie);
        }
}

Test(digest, matches_only_when_all_sixteen_bytes_do)
{
        guint8 one[ASM_DIGEST_LEN];
        guint8 other[ASM_DIGEST_LEN];

        asm_digest_make("secret", 1, one);
        memcpy(other, one, sizeof(other));
        cr_expect(asm_digest_matches(one, other));
        for (guint i = 0; i < ASM_DIGEST_LEN; i++) {
                other[i] ^= 0x80;
                cr_expect_not(asm_digest_matches(one, other), "byte %u", i);
                other[i] ^= 0x80;
        }
}
