/* SPDX-License-Identifier: MIT */
/*
 * What a decoder says to its CLI. Some CLIs can be talked with: the prompt comes as a line on
 * stdin, an approval is a line of theirs and its answer a line of ours, the end of the input says
 * that nothing more is wanted. A provider makes those lines; here is what they have in common.
 *
 *      asm_decoder_set_launch    the launch is a conversation: prompt and options are kept
 *      asm_decoder_started       begin() writes the first lines
 *      a line asks               the event goes out, the line is kept (pending)
 *      asm_decoder_approve       the answer is made from the kept line, and that is forgotten
 *
 * A CLI that asks waits. So each request that was seen gets exactly one answer, from whom ever it
 * comes: of two decisions the second finds nothing to answer, and what cannot be kept, because
 * too many wait or their lines are too large, is denied on the spot. A CLI that takes a request
 * back gets no answer.
 *
 * The table is kept without a writer, too: the same lines give the same events, wherever they
 * are read.
 */

#include "provider/decoder-private.h"

#include "term/json.h"
#include "term/reader.h"

#include <string.h>

void
asm_decoder_conversation_init(AsmDecoder *decoder)
{
        decoder->pending = g_hash_table_new_full(g_str_hash,
                                                 g_str_equal,
                                                 g_free,
                                                 (GDestroyNotify)asm_term_unref);
}

void
asm_decoder_conversation_clear(AsmDecoder *decoder)
{
        g_hash_table_unref(decoder->pending);
        g_free((char *)decoder->launch.prompt);
        g_clear_pointer(&decoder->options, asm_term_unref);
}

gboolean
asm_provider_is_conversation(const AsmProvider *provider, const AsmProviderLaunch *launch)
{
        return provider->is_conversation != NULL && provider->is_conversation(launch);
}

void
asm_decoder_set_writer(AsmDecoder *decoder, AsmDecoderWriteFunc write)
{
        decoder->write = write;
}

void
asm_decoder_set_launch(AsmDecoder *decoder, const AsmProviderLaunch *launch)
{
        AsmView schema;

        g_return_if_fail(decoder->launch.prompt == NULL && launch->prompt != NULL);

        decoder->wants_object = asm_view_is_set(launch->options) &&
                                asm_view_option_get(launch->options, "output_schema", &schema) &&
                                !asm_view_is_atom(schema, "nil");
        if (!asm_provider_is_conversation(decoder->provider, launch))
                return;
        decoder->launch = *launch;
        decoder->launch.prompt = g_strdup(launch->prompt);
        decoder->launch.file_path = NULL;
        if (!asm_view_is_set(launch->options))
                return;
        decoder->options = asm_term_new(launch->options);
        decoder->launch.options = asm_term_view(decoder->options);
}

void
asm_decoder_conversation_begin(AsmDecoder *decoder)
{
        if (decoder->launch.prompt != NULL && decoder->provider->begin != NULL)
                decoder->provider->begin(decoder);
}

void
asm_decoder_write(AsmDecoder *decoder, AsmView term)
{
        g_autofree char *text = NULL, *line = NULL;

        if (decoder->write == NULL || decoder->is_doomed)
                return;
        text = asm_view_to_json_text(term);
        line = g_strconcat(text, "\n", NULL);
        decoder->write(line, strlen(line), decoder->user_data);
}

void
asm_decoder_end_input(AsmDecoder *decoder)
{
        if (decoder->write != NULL && !decoder->is_doomed)
                decoder->write(NULL, 0, decoder->user_data);
}

static gboolean
answer(AsmDecoder *decoder, AsmView raw, gboolean allow, const char *reason)
{
        const AsmProvider *provider = decoder->provider;
        g_autofree char *line = NULL;

        if (decoder->write == NULL || provider->approval_line == NULL || !asm_view_is_set(raw))
                return FALSE;
        line = provider->approval_line(raw, allow, reason);
        if (line == NULL)
                return FALSE;
        decoder->write(line, strlen(line), decoder->user_data);
        return TRUE;
}

/* (transfer full) (nullable) */
static AsmTerm *
steal_pending(AsmDecoder *decoder, const char *id)
{
        gpointer key = NULL, raw = NULL;

        if (id == NULL || !g_hash_table_steal_extended(decoder->pending, id, &key, &raw))
                return NULL;
        g_free(key);
        decoder->pending_bytes -= asm_term_view(raw).len;
        return raw;
}

gboolean
asm_decoder_pending_add(AsmDecoder *decoder, const char *id, AsmView raw)
{
        if (id == NULL || !asm_view_is_set(raw))
                return TRUE;
        asm_decoder_pending_remove(decoder, id);
        if (g_hash_table_size(decoder->pending) >= ASM_DECODER_PENDING_MAX ||
            raw.len > ASM_DECODER_PENDING_BYTES_MAX - decoder->pending_bytes) {
                answer(decoder, raw, /* allow= */ FALSE, "too many open approvals");
                return FALSE;
        }
        g_hash_table_insert(decoder->pending, g_strdup(id), asm_term_new(raw));
        decoder->pending_bytes += raw.len;
        return TRUE;
}

gboolean
asm_decoder_pending_remove(AsmDecoder *decoder, const char *id)
{
        g_autoptr(AsmTerm) raw = steal_pending(decoder, id);

        return raw != NULL;
}

gboolean
asm_decoder_approve(AsmDecoder *decoder,
                    const char *approval_id,
                    gboolean allow,
                    const char *reason)
{
        g_autoptr(AsmTerm) raw = NULL;

        g_return_val_if_fail(decoder != NULL && approval_id != NULL, FALSE);

        raw = steal_pending(decoder, approval_id);
        return raw != NULL && answer(decoder, asm_term_view(raw), allow, reason);
}

gboolean
asm_decoder_interrupt(AsmDecoder *decoder)
{
        g_return_val_if_fail(decoder != NULL, FALSE);

        return decoder->write != NULL && decoder->launch.prompt != NULL && !decoder->has_exited &&
               decoder->provider->interrupt != NULL && decoder->provider->interrupt(decoder);
}
