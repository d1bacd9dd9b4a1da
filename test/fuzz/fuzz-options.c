/* SPDX-License-Identifier: MIT */

/*
 * The options of a session or run as a caller sends them: a term, or two of them one after the
 * other, the second over the first. What is refused names a reason; what is accepted can
 * be shown and handed to a backend.
 */

#include "fuzz.h"
#include "run/options.h"

static guint
read_layers(const uint8_t *data, size_t size, AsmView *ret_layers)
{
        gsize used;
        guint n = 0;

        while (n < 2 && size > 0 && asm_term_check(data, size, NULL, &used, NULL)) {
                ret_layers[n++] = (AsmView){ data, used };
                data += used;
                size -= used;
        }
        return n;
}

static void
demand_failure(const AsmFailure *failure)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        g_assert_nonnull(failure);
        asm_builder_failure(&builder, failure);
        asm_fuzz_demand_term(asm_builder_peek(&builder));
}

static void
use_options(const AsmOptions *options)
{
        g_autoptr(AsmFailure) failure = NULL;
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        const AsmProvider *provider;
        AsmLaneChoice lane;

        if (!asm_options_check(options, &provider, &lane, &failure)) {
                demand_failure(failure);
                return;
        }
        asm_builder_provider_options(&builder, options);
        asm_fuzz_demand_term(asm_builder_peek(&builder));
        asm_builder_reset(&builder);
        asm_builder_surface(&builder, options);
        asm_fuzz_demand_term(asm_builder_peek(&builder));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        AsmView layers[2];
        guint n = read_layers(data, size, layers);
        g_auto(AsmOptions) options = { 0 };
        g_autoptr(AsmFailure) failure = NULL;

        if (n == 0)
                return 0;
        asm_options_init(&options);
        if (asm_options_apply(&options, layers, n, &failure))
                use_options(&options);
        else
                demand_failure(failure);
        return 0;
}
