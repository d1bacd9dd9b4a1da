/* SPDX-License-Identifier: MIT */

/*
 * What a CLI prints. The first byte says which CLI it is and how it ends; each line behind it is
 * one of stdout, or of stderr if it begins with '!'. Every event is a whole term that the
 * daemon can take apart, and the reducer makes a result of any of them.
 */

#include "fuzz.h"
#include "provider/provider.h"
#include "result/reducer.h"

/* above what a fuzzer's input can make: it is not the limit that is tried here */
#define RESULT_MAX (64 * 1024 * 1024)

static gint64
fixed_clock(void)
{
        return G_GINT64_CONSTANT(1700000000000000);
}

static void
on_event(AsmView core_event, gpointer user_data)
{
        AsmReducer *reducer = user_data;
        AsmCoreEvent event;

        asm_fuzz_demand_term(core_event);
        g_assert_true(asm_core_event_from_view(core_event, &event));
        g_assert_cmpint(event.kind, !=, ASM_EVENT_OTHER);
        (void)asm_reducer_feed(reducer, &event);
}

static void
demand_result(const AsmReducer *reducer)
{
        g_auto(AsmBuilder) result = ASM_BUILDER_INIT;

        asm_builder_result(&result, reducer, "run", "session", ASM_VIEW_NONE, /* elapsed_ms= */ 1);
        asm_fuzz_demand_term(asm_builder_peek(&result));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const AsmProvider *const *providers = asm_provider_all();
        const char *const args[] = { "--print", NULL };
        guint n_providers = 0;

        if (size < 1)
                return 0;
        while (providers[n_providers] != NULL)
                n_providers++;
        const AsmProvider *provider = providers[data[0] % n_providers];
        guint end = data[0] / n_providers;
        const char *at = (const char *)data + 1;
        gsize left = size - 1;

        g_autoptr(AsmReducer) reducer = asm_reducer_new(provider->name, RESULT_MAX);
        g_autoptr(AsmDecoder) decoder = asm_decoder_new(provider, fixed_clock, on_event, reducer);

        asm_decoder_started(decoder, provider->command, args, /* cwd= */ NULL);
        while (left > 0) {
                const char *newline = memchr(at, '\n', left);
                gsize len = newline != NULL ? (gsize)(newline - at) : left;

                if (len > 0 && at[0] == '!')
                        asm_decoder_stderr(decoder, at + 1, len - 1);
                else
                        asm_decoder_line(decoder, at, len);
                gsize used = MIN(len + 1, left);
                at += used;
                left -= used;
        }
        asm_decoder_exit(decoder, end % 3 == 0 ? 0 : (gint)end, /* signal= */ 0);
        demand_result(reducer);
        return 0;
}
