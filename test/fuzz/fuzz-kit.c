/* SPDX-License-Identifier: MIT */

/*
 * What a kit says: a first line that is `ready` or an error, and the lines behind it.
 */

#include "cli.h"
#include "provider/kit.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const AsmProvider *provider = asm_provider_find("claude", NULL);
        const char *text = (const char *)data;
        const char *newline = memchr(text, '\n', size);
        gsize first = newline != NULL ? (gsize)(newline - text) : size;
        gsize used = MIN(first + 1, size);
        g_autoptr(AsmFailure) failure = NULL;

        if (!asm_kit_read_ready(text, first, &failure)) {
                g_assert_nonnull(failure);
                g_assert_true(g_utf8_validate(failure->message, -1, NULL));
        }

        g_autoptr(AsmReducer) reducer = asm_fuzz_reducer_new(provider);
        g_autoptr(AsmDecoder) decoder = asm_decoder_new_for_kit(provider,
                                                                "kit",
                                                                asm_fuzz_clock,
                                                                asm_fuzz_on_event,
                                                                reducer);

        asm_fuzz_talk(decoder, reducer, text + used, size - used, /* code= */ 0);
        return 0;
}
