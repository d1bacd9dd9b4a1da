/* SPDX-License-Identifier: MIT */
/*
 * A decoder is one conversation with one CLI: lines of stdout in, core events out. It has no
 * descriptor and no timer, so the same lines give the same events wherever they were read, on this
 * host or on a node far away, and however they were cut into reads. What it has to say to the
 * CLI is handed out as bytes (conversation.c).
 *
 *      started -> run_started
 *      line    -> provider's decode_line -> one event, several, or none
 *      stderr  -> stderr, and kept (its tail) for the exit
 *      exit    -> nothing, a synthetic result, or an error (exit.c)
 *
 * Three things are the same for all CLIs and are done here: events are numbered from 1; the
 * session id is the last one that any line told; and a line that cannot be JSON (by RFC 8259, not
 * UTF-8, nested too deep, too long) is an error event that quotes the line, because a CLI that
 * prints such a line is not talking our protocol.
 *
 * The callback may free the decoder: the struct goes when the outermost call returns. It may
 * not feed it.
 */

#include "provider/decoder-private.h"

#include <string.h>

/* trees are read and freed by recursion, and so are most readers of what comes out */
#define DEPTH_MAX 200

/* how much of a broken line is quoted */
#define QUOTED_LINE_MAX 4096

/* how much of stderr is kept for the exit */
#define STDERR_TAIL_MAX (64 * 1024)

AsmDecoder *
asm_decoder_new(const AsmProvider *provider,
                gint64 (*wall_us)(void),
                AsmDecoderFunc func,
                gpointer user_data)
{
        AsmDecoder *decoder;

        g_return_val_if_fail(provider != NULL && func != NULL, NULL);

        decoder = g_new0(AsmDecoder, 1);
        decoder->provider = provider;
        decoder->wall_us = wall_us != NULL ? wall_us : g_get_real_time;
        decoder->func = func;
        decoder->user_data = user_data;
        decoder->rules.max_line = ASM_LINE_MAX_DEFAULT;
        decoder->decode_line = provider->decode_line;
        decoder->speaker = g_strdup(provider->display_name);
        decoder->stderr_tail = g_string_new(NULL);
        decoder->partial = g_string_new(NULL);
        decoder->tools = g_hash_table_new_full(g_str_hash,
                                               g_str_equal,
                                               g_free,
                                               (GDestroyNotify)json_node_unref);
        asm_decoder_conversation_init(decoder);
        return decoder;
}

void
asm_decoder_set_line_rules(AsmDecoder *decoder, const AsmLineRules *rules)
{
        g_return_if_fail(decoder != NULL && rules != NULL);

        decoder->rules = *rules;
}

void
asm_decoder_free(AsmDecoder *decoder)
{
        if (decoder == NULL)
                return;
        if (decoder->in_call > 0) {
                decoder->is_doomed = TRUE;
                return;
        }
        g_free(decoder->speaker);
        g_free(decoder->session_id);
        g_free(decoder->command);
        g_free(decoder->stop_reason);
        g_free(decoder->last_message);
        if (decoder->dialogue != NULL)
                decoder->dialogue_free(decoder->dialogue);
        g_string_free(decoder->stderr_tail, TRUE);
        g_string_free(decoder->partial, TRUE);
        g_hash_table_unref(decoder->tools);
        asm_decoder_conversation_clear(decoder);
        asm_builder_clear(&decoder->line);
        asm_builder_clear(&decoder->scratch);
        asm_builder_clear(&decoder->payload);
        asm_builder_clear(&decoder->event);
        g_free(decoder);
}

static void
leave(AsmDecoder *decoder)
{
        decoder->in_call--;
        if (decoder->is_doomed)
                asm_decoder_free(decoder);
}

AsmBuilder *
asm_decoder_begin_with(AsmDecoder *decoder, AsmEventKind kind, guint n_fields, AsmView metadata)
{
        asm_builder_reset(&decoder->payload);
        asm_builder_payload_begin(&decoder->payload, kind, n_fields, metadata);
        return &decoder->payload;
}

AsmBuilder *
asm_decoder_begin(AsmDecoder *decoder, AsmEventKind kind, guint n_fields)
{
        return asm_decoder_begin_with(decoder, kind, n_fields, ASM_VIEW_NONE);
}

void
asm_decoder_emit(AsmDecoder *decoder, AsmEventKind kind, AsmView raw)
{
        AsmCoreEventSpec spec = {
                .kind = kind,
                .provider = decoder->provider->name,
                .payload = asm_builder_peek(&decoder->payload),
                .raw = raw,
                .provider_session_id = decoder->session_id,
        };

        if (decoder->is_doomed)
                return;
        decoder->n_events++;
        spec.id = decoder->n_events;
        spec.sequence = decoder->n_events;
        spec.timestamp_us = decoder->wall_us();
        decoder->has_result |= kind == ASM_EVENT_RESULT;
        asm_builder_reset(&decoder->event);
        asm_builder_core_event(&decoder->event, &spec);
        decoder->func(asm_builder_peek(&decoder->event), decoder->user_data);
}

static void
emit_parse_error(AsmDecoder *decoder, const char *problem, const char *line, gsize len)
{
        gsize quoted_len = MIN(len, QUOTED_LINE_MAX);
        AsmBuilder *payload;

        asm_builder_reset(&decoder->scratch);
        asm_builder_map(&decoder->scratch, 1);
        asm_builder_atom(&decoder->scratch, "line");
        asm_builder_binary(&decoder->scratch, line, quoted_len);
        payload = asm_decoder_begin_with(decoder,
                                         ASM_EVENT_ERROR,
                                         3,
                                         asm_builder_peek(&decoder->scratch));
        asm_builder_atom(payload, "code");
        asm_builder_text(payload, "parse_error");
        asm_builder_atom(payload, "message");
        asm_builder_text(payload, problem);
        asm_builder_atom(payload, "severity");
        asm_builder_atom(payload, "error");
        asm_builder_reset(&decoder->scratch);
        asm_builder_binary(&decoder->scratch, line, quoted_len);
        asm_decoder_emit(decoder, ASM_EVENT_ERROR, asm_builder_peek(&decoder->scratch));
}

/* the whole line, and why it is not decoded */
static void
emit_skipped(AsmDecoder *decoder, const char *problem, const char *line, gsize len)
{
        asm_builder_reset(&decoder->line);
        asm_builder_binary(&decoder->line, line, len);
        asm_builder_reset(&decoder->scratch);
        asm_builder_text(&decoder->scratch, problem);
        asm_builder_reset(&decoder->payload);
        asm_builder_skipped_line(&decoder->payload,
                                 asm_builder_peek(&decoder->line),
                                 asm_builder_peek(&decoder->scratch));
        asm_decoder_emit(decoder, ASM_EVENT_RAW, asm_builder_peek(&decoder->line));
}

/* NULL: not JSON, and the event that says so is out */
static JsonNode *
parse_line(AsmDecoder *decoder, const char *line, gsize len)
{
        g_autofree char *problem = NULL;
        JsonNode *root = asm_json_parse(line, len, DEPTH_MAX, &problem);

        if (root == NULL && decoder->rules.skips_parse_errors)
                emit_skipped(decoder, problem, line, len);
        else if (root == NULL)
                emit_parse_error(decoder, problem, line, len);
        return root;
}

static void
take_session_id(AsmDecoder *decoder, JsonObject *object)
{
        const char *id = asm_decoder_first_text(object,
                                                "provider_session_id",
                                                "session_id",
                                                "sessionId",
                                                "conversation_id",
                                                "thread_id",
                                                "run_id",
                                                NULL);

        if (id == NULL || id[0] == '\0' || g_strcmp0(id, decoder->session_id) == 0)
                return;
        g_free(decoder->session_id);
        decoder->session_id = g_strdup(id);
}

JsonNode *
asm_decoder_parse(AsmDecoder *decoder, const char *line, gsize len, AsmView *ret_raw)
{
        JsonNode *root = parse_line(decoder, line, len);
        JsonObject *object;

        if (root == NULL)
                return NULL;
        object = asm_decoder_node_object(root);
        asm_builder_reset(&decoder->line);
        asm_decoder_put_node(&decoder->line, root);
        if (object != NULL)
                take_session_id(decoder, object);
        *ret_raw = asm_builder_peek(&decoder->line);
        return root;
}

void
asm_decoder_json_line(AsmDecoder *decoder, const char *line, gsize len, const AsmDecoderType *types)
{
        AsmView raw = ASM_VIEW_NONE;
        g_autoptr(JsonNode) root = asm_decoder_parse(decoder, line, len, &raw);
        AsmDecoderObjectFunc func = NULL;
        JsonObject *object;
        const char *type;

        if (root == NULL)
                return;
        object = asm_decoder_node_object(root);
        type = asm_decoder_get_type(object);
        for (guint i = 0; type != NULL && func == NULL && types[i].type != NULL; i++) {
                if (strcmp(types[i].type, type) == 0)
                        func = types[i].func;
        }
        if (func != NULL)
                func(decoder, object, raw);
        else
                asm_decoder_emit_raw(decoder, raw);
}

void
asm_decoder_started(AsmDecoder *decoder,
                    const char *command,
                    const char *const *args,
                    const char *cwd)
{
        AsmBuilder *payload;
        guint n_args = args != NULL ? g_strv_length((GStrv)args) : 0;

        g_return_if_fail(decoder != NULL && decoder->in_call == 0 && command != NULL);

        g_free(decoder->command);
        decoder->command = g_strdup(command);
        decoder->in_call++;
        payload = asm_decoder_begin(decoder, ASM_EVENT_RUN_STARTED, 4);
        asm_builder_atom(payload, "provider_session_id");
        asm_builder_nil_atom(payload);
        asm_builder_atom(payload, "command");
        asm_builder_text(payload, command);
        asm_builder_atom(payload, "args");
        asm_builder_list(payload, n_args);
        for (guint i = 0; i < n_args; i++)
                asm_builder_text(payload, args[i]);
        asm_builder_nil(payload);
        asm_builder_atom(payload, "cwd");
        asm_builder_text(payload, cwd);
        asm_decoder_emit(decoder, ASM_EVENT_RUN_STARTED, ASM_VIEW_NONE);
        if (!decoder->is_doomed)
                asm_decoder_conversation_begin(decoder);
        leave(decoder);
}

static gboolean
is_blank(const char *line, gsize len)
{
        for (gsize i = 0; i < len; i++) {
                if (!g_ascii_isspace(line[i]))
                        return FALSE;
        }
        return TRUE;
}

void
asm_decoder_line(AsmDecoder *decoder, const char *line, gsize len)
{
        g_return_if_fail(decoder != NULL && decoder->in_call == 0);
        g_return_if_fail(decoder->decode_line != NULL);

        if (decoder->has_exited || is_blank(line, len))
                return;
        if (len > decoder->rules.max_line) {
                asm_decoder_line_too_long(decoder, (gint64)decoder->rules.max_line);
                return;
        }
        decoder->in_call++;
        decoder->decode_line(decoder, line, len);
        leave(decoder);
}

void
asm_decoder_line_too_long(AsmDecoder *decoder, gint64 limit)
{
        g_autofree char *message = NULL;

        g_return_if_fail(decoder != NULL && decoder->in_call == 0);

        if (decoder->has_exited)
                return;
        message = g_strdup_printf("a line of stdout is longer than the limit of %" G_GINT64_FORMAT
                                  " bytes, which the option max_line_bytes sets",
                                  limit);
        decoder->in_call++;
        asm_decoder_emit_error(decoder,
                               ASM_FAILURE_BUFFER_OVERFLOW,
                               ASM_SEVERITY_FATAL,
                               message,
                               ASM_VIEW_NONE);
        leave(decoder);
}

void
asm_decoder_stderr(AsmDecoder *decoder, const char *data, gsize len)
{
        AsmBuilder *payload;
        gsize start = 0, end = len;

        g_return_if_fail(decoder != NULL && decoder->in_call == 0);

        if (decoder->has_exited || len == 0)
                return;
        if (len >= STDERR_TAIL_MAX)
                g_string_truncate(decoder->stderr_tail, 0);
        else if (decoder->stderr_tail->len + len > STDERR_TAIL_MAX)
                g_string_erase(decoder->stderr_tail,
                               0,
                               (gssize)(decoder->stderr_tail->len + len - STDERR_TAIL_MAX));
        g_string_append_len(decoder->stderr_tail,
                            data + (len - MIN(len, STDERR_TAIL_MAX)),
                            (gssize)MIN(len, STDERR_TAIL_MAX));
        while (start < end && g_ascii_isspace(data[start]))
                start++;
        while (end > start && g_ascii_isspace(data[end - 1]))
                end--;
        decoder->in_call++;
        payload = asm_decoder_begin(decoder, ASM_EVENT_STDERR, 1);
        asm_builder_atom(payload, "content");
        asm_builder_binary(payload, data + start, end - start);
        asm_builder_reset(&decoder->scratch);
        asm_builder_binary(&decoder->scratch, data, len);
        asm_decoder_emit(decoder, ASM_EVENT_STDERR, asm_builder_peek(&decoder->scratch));
        leave(decoder);
}

void
asm_decoder_exit(AsmDecoder *decoder, gint code, gint signal)
{
        g_return_if_fail(decoder != NULL && decoder->in_call == 0);

        if (decoder->has_exited)
                return;
        decoder->has_exited = TRUE;
        decoder->in_call++;
        asm_decoder_emit_exit(decoder, code, signal);
        leave(decoder);
}
