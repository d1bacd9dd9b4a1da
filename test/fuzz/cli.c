/* SPDX-License-Identifier: MIT */

/*
 * What the targets for output have in common. An event must be a whole term of a kind that is
 * known; whatever came before, a result can be made of it. Answers to approvals are part of
 * the input, so that those that nobody asked for are met as well.
 */

#include "cli.h"

#include <string.h>

#define RESULT_MAX (64 * 1024 * 1024)
#define ID_MAX     256

gint64
asm_fuzz_clock(void)
{
        return G_GINT64_CONSTANT(1700000000000000);
}

AsmReducer *
asm_fuzz_reducer_new(const AsmProvider *provider)
{
        return asm_reducer_new(provider->name, RESULT_MAX);
}

void
asm_fuzz_on_event(AsmView core_event, gpointer user_data)
{
        AsmReducer *reducer = user_data;
        AsmCoreEvent event;

        asm_fuzz_demand_term(core_event);
        g_assert_true(asm_core_event_from_view(core_event, &event));
        g_assert_cmpint(event.kind, !=, ASM_EVENT_OTHER);
        (void)asm_reducer_feed(reducer, &event);
}

static void
answer(AsmDecoder *decoder, const char *text, gsize len, gboolean allow)
{
        char id[ID_MAX + 1];
        gsize n = MIN(len, ID_MAX);

        memcpy(id, text, n);
        id[n] = '\0';
        if (g_utf8_validate(id, -1, NULL))
                (void)asm_decoder_approve(decoder, id, allow, /* reason= */ NULL);
}

static void
say(AsmDecoder *decoder, const char *line, gsize len)
{
        if (len > 0 && *line == '!')
                asm_decoder_stderr(decoder, line + 1, len - 1);
        else if (len > 0 && (*line == '+' || *line == '-'))
                answer(decoder, line + 1, len - 1, *line == '+');
        else
                asm_decoder_line(decoder, line, len);
}

void
asm_fuzz_talk(AsmDecoder *decoder, AsmReducer *reducer, const char *text, gsize len, gint code)
{
        g_auto(AsmBuilder) result = ASM_BUILDER_INIT;

        while (len > 0) {
                const char *newline = memchr(text, '\n', len);
                gsize line_len = newline != NULL ? (gsize)(newline - text) : len;
                gsize used = MIN(line_len + 1, len);

                say(decoder, text, line_len);
                text += used;
                len -= used;
        }
        asm_decoder_exit(decoder, code, /* signal= */ 0);
        asm_builder_result(&result, reducer, "run", "session", ASM_VIEW_NONE, /* elapsed_ms= */ 1);
        asm_fuzz_demand_term(asm_builder_peek(&result));
}
