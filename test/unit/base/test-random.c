/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(random, .timeout = 300);

Test(random, fills_all_bytes_up_to_256)
{
        guint8 seen[256] = { 0 };
        guint8 drawn[256 + 1];

        drawn[256] = 0xa5;
        for (guint round = 0; round < 20; round++) {
                asm_random_bytes(drawn, 256);
                for (guint i = 0; i < 256; i++)
                        seen[i] |= drawn[i];
        }

        for (guint i = 0; i < 256; i++)
                cr_expect_neq(seen[i], 0, "byte %u was 0 in twenty draws", i);
        cr_expect_eq(drawn[256], 0xa5);
}

Test(random, does_not_repeat_itself)
{
        guint8 one[16];
        guint8 other[16];

        asm_random_bytes(one, sizeof(one));
        asm_random_bytes(other, sizeof(other));

        cr_expect_neq(memcmp(one, other, sizeof(one)), 0);
        cr_expect(asm_random_uint32() != asm_random_uint32() ||
                  asm_random_uint32() != asm_random_uint32());
}
