/* SPDX-License-Identifier: MIT */

/*
 * What a CLI prints. The first byte says which CLI it is, whether it is talked with or only listened
 * to, and how it ends.
 */

#include "cli.h"

static void
on_write(const char *data, gsize len, gpointer user_data)
{
        /* what is said to a CLI is whole lines; NULL is the end */
        g_assert_true(data == NULL || (len > 0 && data[len - 1] == '\n'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const AsmProvider *const *providers = asm_provider_all();
        const char *const args[] = { "--print", NULL };
        static const guint8 posture[] = { 0x6c, 0,   0,   0,   1,   0x68, 2,   0x77, 16,
                                          'a',  'p', 'p', 'r', 'o', 'v',  'a', 'l',  '_',
                                          'p',  'o', 's', 't', 'u', 'r',  'e', 0x77, 6,
                                          'm',  'a', 'n', 'u', 'a', 'l',  0x6a };
        guint n_providers = 0;

        if (size < 1)
                return 0;
        while (providers[n_providers] != NULL)
                n_providers++;
        const AsmProvider *provider = providers[data[0] % n_providers];
        guint how = data[0] / n_providers;
        AsmProviderLaunch launch = { .prompt = "prompt",
                                     .options = { posture, sizeof posture },
                                     .answers_approvals = (how & 1) != 0 };

        g_autoptr(AsmReducer) reducer = asm_fuzz_reducer_new(provider);
        g_autoptr(AsmDecoder) decoder =
                asm_decoder_new(provider, asm_fuzz_clock, asm_fuzz_on_event, reducer);

        asm_decoder_set_writer(decoder, on_write);
        asm_decoder_set_launch(decoder, &launch);
        asm_decoder_started(decoder, provider->command, args, /* cwd= */ NULL);
        asm_fuzz_talk(decoder, reducer, (const char *)data + 1, size - 1, how & 2 ? (gint)how : 0);
        return 0;
}
