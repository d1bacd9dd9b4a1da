/* SPDX-License-Identifier: MIT */
/*
 * Random bytes from the kernel.
 *
 * A challenge that a peer can foresee lets it replay an old digest, so there is one source of
 * random numbers and no fallback: getentropy(3) is getrandom(2) with the interrupted and short
 * reads taken care of. It gives at most 256 bytes at a time, waits only until the kernel's pool
 * has been seeded once after boot, and can fail only on a kernel without the system call. That is
 * not a condition of some input but of the machine, and no daemon that keeps a secret can go on
 * there: it is asserted.
 */
#include "base/random.h"

#include <unistd.h>

/* what getentropy() gives at once */
#define LEN_MAX 256

void
asm_random_bytes(gpointer ret_data, gsize len)
{
        int result;

        g_return_if_fail(len <= LEN_MAX);

        result = getentropy(ret_data, len);
        g_assert(result == 0);
}

guint32
asm_random_uint32(void)
{
        guint32 value;

        asm_random_bytes(&value, sizeof(value));
        return value;
}
