/* SPDX-License-Identifier: MIT */
/*
 * The error events of CLIs: a code out of ours, whatever word the CLI has for it, and a
 * recovery map that says what a supervisor may do about it. Its keys are binaries, for that is
 * what ASM nodes send. Where an error comes from decides most of it:
 *
 *      origin           phase      what it was
 *      remote_provider  stream     the vendor's service said so, and may say otherwise later
 *      transport        transport  bytes did not get through
 *      local_runtime    startup    this host: the same again ends the same
 *
 * A code that the table does not have is a claim of the provider that may be tried again.
 */

#include "provider/decoder-private.h"

#include "term/reader.h"
#include <string.h>

/* longest error text that is searched for words about logging in */
#define SEARCHED_TEXT_MAX 4096

enum {
        RETRY = 1 << 0,
        REPAIR = 1 << 1,
        RESUME = 1 << 2,
        AGAIN = RETRY | REPAIR,
        ANYTHING = RETRY | REPAIR | RESUME,
};

typedef enum {
        FROM_PROVIDER,
        FROM_TRANSPORT,
        FROM_LOCAL,
} Origin;

typedef struct {
        const char *what; /* code of an error event or kind of a runtime failure */
        const char *class_name;
        const char *code; /* NULL: @what */
        Origin origin;
        guint may;
        gint64 delay_ms;
        gint64 attempts;
} Recovery;

/* clang-format off */
static const Recovery recoveries[] = {
        { "auth_error", "provider_auth_claim", NULL, FROM_PROVIDER, AGAIN, 1500, 3 },
        { "config_invalid", "provider_config_claim", NULL, FROM_PROVIDER, AGAIN, 1500, 3 },
        { "rate_limit", "provider_rate_limit", NULL, FROM_PROVIDER, AGAIN, 2000, 5 },
        { "process_exit", "provider_runtime_claim", "runtime_error",
          FROM_PROVIDER, AGAIN, 1500, 3 },
        { "user_cancelled", "user_cancelled", NULL, FROM_PROVIDER, 0, 0, 0 },
        { "approval_denied", "approval_denied", NULL, FROM_PROVIDER, 0, 0, 0 },
        { "guardrail_blocked", "guardrail_blocked", NULL, FROM_PROVIDER, 0, 0, 0 },
        { "timeout", "transport_timeout", NULL, FROM_TRANSPORT, ANYTHING, 1000, 4 },
        { "transport_error", "transport_disconnect", NULL, FROM_TRANSPORT, ANYTHING, 1000, 4 },
        { "buffer_overflow", "buffer_overflow", NULL, FROM_TRANSPORT, 0, 0, 0 },
        { "cli_not_found", "cli_missing", NULL, FROM_LOCAL, 0, 0, 0 },
        { "cwd_not_found", "cwd_missing", "config_invalid", FROM_LOCAL, 0, 0, 0 },
        { NULL, "provider_runtime_claim", NULL, FROM_PROVIDER, AGAIN, 1500, 3 },
};
/* clang-format on */

static const char *const severity_names[] = {
        [ASM_SEVERITY_WARNING] = "warning",
        [ASM_SEVERITY_ERROR] = "error",
        [ASM_SEVERITY_FATAL] = "fatal",
};

static void
put_text_pair(AsmBuilder *builder, const char *key, const char *value)
{
        asm_builder_text(builder, key);
        asm_builder_text(builder, value);
}

static void
put_bool_pair(AsmBuilder *builder, const char *key, gboolean value)
{
        asm_builder_text(builder, key);
        asm_builder_bool(builder, value);
}

void
asm_decoder_put_recovery(AsmBuilder *builder, const char *what, const char *severity)
{
        static const char *const origins[] = { "remote_provider", "transport", "local_runtime" };
        static const char *const phases[] = { "stream", "transport", "startup" };
        const Recovery *recovery = recoveries;
        gboolean is_local;

        while (recovery->what != NULL && strcmp(recovery->what, what) != 0)
                recovery++;
        is_local = recovery->origin == FROM_LOCAL || strcmp(what, "buffer_overflow") == 0;
        asm_builder_map(builder, recovery->may & RETRY ? 12 : 10);
        put_text_pair(builder, "origin", origins[recovery->origin]);
        put_text_pair(builder, "class", recovery->class_name);
        put_text_pair(builder, "phase", phases[recovery->origin]);
        put_text_pair(builder, "provider_code", recovery->code != NULL ? recovery->code : what);
        put_text_pair(builder, "severity", severity);
        put_bool_pair(builder, "retryable?", (recovery->may & RETRY) != 0);
        put_bool_pair(builder, "repairable?", (recovery->may & REPAIR) != 0);
        put_bool_pair(builder, "resumeable?", (recovery->may & RESUME) != 0);
        put_bool_pair(builder, "local_deterministic?", is_local);
        put_bool_pair(builder, "remote_claim?", recovery->origin == FROM_PROVIDER);
        if (!(recovery->may & RETRY))
                return;
        asm_builder_text(builder, "suggested_delay_ms");
        asm_builder_int(builder, recovery->delay_ms);
        asm_builder_text(builder, "suggested_max_attempts");
        asm_builder_int(builder, recovery->attempts);
}

AsmFailureKind
asm_decoder_error_kind(const char *word)
{
        static const struct {
                const char *word;
                AsmFailureKind kind;
        } aliases[] = {
                { "authentication_failed", ASM_FAILURE_AUTH_ERROR },
                { "authentication_error", ASM_FAILURE_AUTH_ERROR },
                { "cancelled", ASM_FAILURE_USER_CANCELLED },
                { "rate_limit_error", ASM_FAILURE_RATE_LIMIT },
                { "rate_limit_exceeded", ASM_FAILURE_RATE_LIMIT },
        };
        g_autofree char *lower = word != NULL ? g_ascii_strdown(word, -1) : NULL;

        for (gsize i = 0; lower != NULL && i < G_N_ELEMENTS(aliases); i++) {
                if (strcmp(aliases[i].word, lower) == 0)
                        return aliases[i].kind;
        }
        return asm_failure_kind_from_name(lower);
}

AsmSeverity
asm_decoder_severity(const char *word)
{
        if (g_strcmp0(word, "fatal") == 0)
                return ASM_SEVERITY_FATAL;
        if (g_strcmp0(word, "warning") == 0 || g_strcmp0(word, "warn") == 0)
                return ASM_SEVERITY_WARNING;
        return ASM_SEVERITY_ERROR;
}

gboolean
asm_decoder_is_auth_text(const char *text)
{
        static const char *const phrases[] = {
                "does not have access", "authentication failed", "authentication required",
                "not authenticated",    "please log in",         "please login",
                "requires login",       "login again",           "contact your administrator",
                "please run /login",    "invalid api key",
        };
        g_autofree char *lower = NULL;

        if (text == NULL)
                return FALSE;
        lower = g_ascii_strdown(text, (gssize)strnlen(text, SEARCHED_TEXT_MAX));
        for (gsize i = 0; i < G_N_ELEMENTS(phrases); i++) {
                if (strstr(lower, phrases[i]) != NULL)
                        return TRUE;
        }
        return FALSE;
}

/* the pairs of the line and how likely it is that another try helps */
static AsmView
make_error_metadata(AsmDecoder *decoder, AsmFailureKind code, AsmSeverity severity, AsmView raw)
{
        AsmBuilder *builder = &decoder->scratch;
        AsmBuilderMark mark;
        AsmMapCursor cursor = asm_view_map(raw);
        AsmView key, value;
        const guint8 *name;
        gsize len;
        guint n = 1;

        asm_builder_reset(builder);
        mark = asm_builder_map_begin(builder);
        while (asm_map_next(&cursor, &key, &value)) {
                if (asm_view_get_binary(key, &name, &len) && len == strlen("recovery") &&
                    memcmp(name, "recovery", len) == 0)
                        continue;
                asm_builder_view(builder, key);
                asm_builder_view(builder, value);
                n++;
        }
        asm_builder_text(builder, "recovery");
        asm_decoder_put_recovery(builder, asm_failure_kind_name(code), severity_names[severity]);
        asm_builder_map_end(builder, mark, n);
        return asm_builder_peek(builder);
}

void
asm_decoder_emit_error(AsmDecoder *decoder,
                       AsmFailureKind code,
                       AsmSeverity severity,
                       const char *message,
                       AsmView raw)
{
        AsmBuilder *payload =
                asm_decoder_begin_with(decoder,
                                       ASM_EVENT_ERROR,
                                       3,
                                       make_error_metadata(decoder, code, severity, raw));

        asm_builder_atom(payload, "code");
        asm_builder_text(payload, asm_failure_kind_name(code));
        asm_builder_atom(payload, "message");
        asm_decoder_put_trimmed(payload, message);
        asm_builder_atom(payload, "severity");
        asm_builder_atom(payload, severity_names[severity]);
        asm_decoder_emit(decoder, ASM_EVENT_ERROR, raw);
}
