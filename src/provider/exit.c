/* SPDX-License-Identifier: MIT */
/*
 * What the end of a CLI means (ASM_PROTOCOL.md, section 7, "Exit"):
 *
 *      status 0, a result was seen      nothing: the conversation is complete
 *      status 0, none                   a result made up here, metadata.synthetic = true
 *      else                             an error with exit code and the tail of stderr
 *
 * The error's code is found in what the CLI wrote on stderr, as an ASM node does it:
 *
 *      cd: DIR: No such file ...        config_invalid      (kind cwd_not_found)
 *      exit 127 and "not found"         cli_not_found
 *      words about logging in           auth_error
 *      anything else                    transport_exit      (kind process_exit)
 *
 * The event's metadata has both faces of it that ASM nodes send: `exit`, what the system said, and
 * `runtime_failure`, what it means.
 */

#include "provider/decoder-private.h"

#include <string.h>

/* how much of stderr goes into the message; all of its tail is in the metadata */
#define MESSAGE_STDERR_MAX 4096

typedef struct {
        gint code; /* -1: a signal */
        gint signal;
        const char *kind;  /* of the runtime failure */
        const char *error; /* code of the error event */
        char *message;
} Exit;

static void
put_int_or_nil(AsmBuilder *builder, const char *key, gboolean is_known, gint64 value)
{
        asm_builder_atom(builder, key);
        if (is_known)
                asm_builder_int(builder, value);
        else
                asm_builder_nil_atom(builder);
}

/* the fields of ExecutionPlane's ProcessExit */
static void
put_exit_fields(AsmBuilder *builder, const AsmDecoder *decoder, const Exit *exit)
{
        put_int_or_nil(builder, "code", exit->code >= 0, exit->code);
        put_int_or_nil(builder, "signal", exit->signal > 0, exit->signal);
        asm_builder_atom(builder, "reason");
        if (exit->code == 0) {
                asm_builder_atom(builder, "normal");
        } else {
                asm_builder_tuple(builder, 2);
                asm_builder_atom(builder, exit->code > 0 ? "exit_status" : "signal");
                asm_builder_int(builder, exit->code > 0 ? exit->code : exit->signal);
        }
        asm_builder_atom(builder, "status");
        asm_builder_atom(builder, exit->code == 0 ? "success" : exit->code > 0 ? "exit" : "signal");
        asm_builder_atom(builder, "stderr");
        asm_builder_binary(builder, decoder->stderr_tail->str, decoder->stderr_tail->len);
}

/* #{exit => ProcessExit struct} */
static AsmView
make_raw(AsmDecoder *decoder, const Exit *exit)
{
        AsmBuilder *builder = &decoder->line;

        asm_builder_reset(builder);
        asm_builder_map(builder, 1);
        asm_builder_atom(builder, "exit");
        asm_builder_map(builder, 6);
        asm_builder_atom(builder, "__struct__");
        asm_builder_atom(builder, "Elixir.ExecutionPlane.ProcessExit");
        put_exit_fields(builder, decoder, exit);
        return asm_builder_peek(builder);
}

static void
emit_synthetic_result(AsmDecoder *decoder, const Exit *exit)
{
        AsmBuilder *payload;

        asm_builder_reset(&decoder->scratch);
        asm_builder_map(&decoder->scratch, 1);
        asm_builder_atom(&decoder->scratch, "synthetic");
        asm_builder_bool(&decoder->scratch, TRUE);
        payload = asm_decoder_begin_with(decoder,
                                         ASM_EVENT_RESULT,
                                         4,
                                         asm_builder_peek(&decoder->scratch));
        asm_builder_atom(payload, "status");
        asm_builder_atom(payload, "completed");
        asm_builder_atom(payload, "stop_reason");
        asm_builder_atom(payload, "normal");
        asm_builder_atom(payload, "output");
        asm_builder_map(payload, 3);
        put_int_or_nil(payload, "code", TRUE, 0);
        put_int_or_nil(payload, "signal", FALSE, 0);
        asm_builder_atom(payload, "reason");
        asm_builder_atom(payload, "normal");
        asm_builder_atom(payload, "object");
        asm_builder_nil_atom(payload);
        asm_decoder_emit(decoder, ASM_EVENT_RESULT, make_raw(decoder, exit));
}

/* the last part of stderr, trimmed, as text; (transfer full) */
static char *
dup_stderr_end(const AsmDecoder *decoder)
{
        const GString *tail = decoder->stderr_tail;
        gsize len = MIN(tail->len, MESSAGE_STDERR_MAX);
        const char *start = tail->str + (tail->len - len);

        while (len > 0 && ((guint8)*start & 0xc0) == 0x80) {
                start++;
                len--;
        }
        return g_strstrip(g_utf8_make_valid(start, (gssize)len));
}

static gboolean
contains_any(const char *text, const char *first, const char *second)
{
        return strstr(text, first) != NULL || (second != NULL && strstr(text, second) != NULL);
}

static void
classify(const AsmDecoder *decoder, const char *stderr_text, Exit *exit)
{
        const AsmProvider *provider = decoder->provider;
        g_autofree char *lower = g_ascii_strdown(stderr_text, -1);
        gboolean is_missing = contains_any(lower, "not found", "no such file or directory");

        if (strstr(lower, "cd: ") != NULL && strstr(lower, "no such file or directory") != NULL) {
                exit->kind = "cwd_not_found";
                exit->error = "config_invalid";
                exit->message = g_strdup("Working directory does not exist");
        } else if (exit->code == 127 && is_missing && strstr(lower, provider->command) != NULL) {
                exit->kind = "cli_not_found";
                exit->error = "cli_not_found";
                exit->message = g_strdup_printf("%s not found.", provider->display_name);
        } else if (asm_decoder_is_auth_text(lower)) {
                exit->kind = "auth_error";
                exit->error = "auth_error";
                exit->message =
                        g_strdup_printf("%s requires authentication.", provider->display_name);
        } else {
                exit->kind = "process_exit";
                exit->error = "transport_exit";
                exit->message = exit->code >= 0 ? g_strdup_printf("%s exited with code %d",
                                                                  decoder->speaker,
                                                                  exit->code)
                                                : g_strdup_printf("%s terminated by signal %d",
                                                                  decoder->speaker,
                                                                  exit->signal);
        }
        if (stderr_text[0] != '\0') {
                g_autofree char *base = g_steal_pointer(&exit->message);

                exit->message = g_strdup_printf("%s: %s", base, stderr_text);
        }
}

static void
put_context(AsmBuilder *builder, const AsmDecoder *decoder, const Exit *exit)
{
        asm_builder_map(builder, 8);
        asm_builder_atom(builder, "command");
        asm_builder_text(builder, decoder->command);
        asm_builder_atom(builder, "display_name");
        asm_builder_text(builder, decoder->provider->display_name);
        put_int_or_nil(builder, "exit_code", exit->code >= 0, exit->code);
        asm_builder_atom(builder, "nonlocal_path?");
        asm_builder_bool(builder, FALSE);
        asm_builder_atom(builder, "path_semantics");
        asm_builder_atom(builder, "local");
        asm_builder_atom(builder, "provider");
        asm_builder_atom(builder, decoder->provider->name);
        asm_builder_atom(builder, "remote?");
        asm_builder_bool(builder, FALSE);
        asm_builder_atom(builder, "stderr");
        asm_builder_binary(builder, decoder->stderr_tail->str, decoder->stderr_tail->len);
}

static AsmView
make_metadata(AsmDecoder *decoder, const Exit *exit)
{
        AsmBuilder *builder = &decoder->scratch;

        asm_builder_reset(builder);
        asm_builder_map(builder, 2);
        asm_builder_atom(builder, "exit");
        asm_builder_map(builder, 5);
        put_exit_fields(builder, decoder, exit);
        asm_builder_atom(builder, "runtime_failure");
        asm_builder_map(builder, 6);
        asm_builder_atom(builder, "kind");
        asm_builder_atom(builder, exit->kind);
        asm_builder_atom(builder, "provider");
        asm_builder_atom(builder, decoder->provider->name);
        put_int_or_nil(builder, "exit_code", exit->code >= 0, exit->code);
        asm_builder_atom(builder, "stderr");
        asm_builder_binary(builder, decoder->stderr_tail->str, decoder->stderr_tail->len);
        asm_builder_atom(builder, "context");
        put_context(builder, decoder, exit);
        asm_builder_atom(builder, "recovery");
        asm_decoder_put_recovery(builder,
                                 exit->kind,
                                 strcmp(exit->kind, "auth_error") == 0 ? "fatal" : "error");
        return asm_builder_peek(builder);
}

void
asm_decoder_emit_exit(AsmDecoder *decoder, gint code, gint signal)
{
        Exit exit = { .code = code, .signal = signal };
        g_autofree char *stderr_text = NULL, *message = NULL;
        AsmBuilder *payload;

        if (code == 0) {
                if (!decoder->has_result)
                        emit_synthetic_result(decoder, &exit);
                return;
        }
        stderr_text = dup_stderr_end(decoder);
        classify(decoder, stderr_text, &exit);
        message = exit.message;
        payload =
                asm_decoder_begin_with(decoder, ASM_EVENT_ERROR, 3, make_metadata(decoder, &exit));
        asm_builder_atom(payload, "code");
        asm_builder_text(payload, exit.error);
        asm_builder_atom(payload, "message");
        asm_builder_text(payload, message);
        asm_builder_atom(payload, "severity");
        asm_builder_atom(payload, "error");
        asm_decoder_emit(decoder, ASM_EVENT_ERROR, make_raw(decoder, &exit));
}
