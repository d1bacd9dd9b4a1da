/* SPDX-License-Identifier: MIT */
/*
 * Codex as a conversation: `codex app-server`, JSON-RPC on stdio, a message a line. It is used
 * for a run whose approvals are answered and which asks for approvals, by `approval_posture:
 * manual` or by naming the permission mode `default`; every other run is `codex exec`.
 *
 *      state        we have written             we wait for                then
 *      INITIALIZING initialize                  its result                 initialized, the thread
 *      THREAD       thread/start, thread/resume its result, the thread     the turn
 *      TURN         turn/start                  turn/started or a result   -
 *      RUNNING      -                           turn/completed             the end of the input
 *      OVER         the end of the input        the exit, which follows at once
 *
 * A turn is one run: the answer to the prompt is the run's result, and a server whose stdin has
 * ended ends by itself. Interrupting asks for turn/interrupt. Whatever fails on the way is a fatal
 * error and ends the input as well, so that nobody waits.
 *
 * The policy `untrusted` asks about everything but commands that are known to read only. What is
 * allowed runs in the sandbox `workspace-write`: it may write where the run works and nowhere else.
 *
 * What the server asks for, and how it is answered: codex-approval.c. A thread may have children of its
 * own; their requests are answered like others, and the rest of what they do is raw.
 */

#include "provider/codex-private.h"

#include "term/json.h"
#include "term/reader.h"

#include <string.h>

typedef enum {
        SERVER_INITIALIZING = 1,
        SERVER_THREAD,
        SERVER_TURN,
        SERVER_RUNNING,
        SERVER_OVER,
} ServerState;

/* ids of our requests; those of states are the number of the state */
enum {
        ID_INITIALIZE = SERVER_INITIALIZING,
        ID_THREAD = SERVER_THREAD,
        ID_TURN = SERVER_TURN,
        ID_INTERRUPT,
};

typedef struct {
        ServerState state;
        char *thread_id;
        char *turn_id;
        gboolean is_interrupted; /* before there was a turn to interrupt */
        gint64 input_tokens;     /* of this turn */
        gint64 output_tokens;
} Server;

typedef void (*PutFunc)(AsmDecoder *decoder, AsmBuilder *params);

static void
server_free(gpointer data)
{
        Server *server = data;

        g_free(server->thread_id);
        g_free(server->turn_id);
        g_free(server);
}

/* --- options --------------------------------------------------------------------------------- */

static AsmView
get_option(const AsmProviderLaunch *launch, const char *key)
{
        AsmView value;

        return asm_view_is_set(launch->options) &&
                               asm_view_option_get(launch->options, key, &value) &&
                               !asm_view_is_atom(value, "nil") &&
                               !asm_view_is_atom(value, "undefined")
                       ? value
                       : ASM_VIEW_NONE;
}

/* (transfer full) (nullable): an option as text, without the space around it; NULL if empty */
static char *
dup_option(const AsmProviderLaunch *launch, const char *key)
{
        AsmView value = get_option(launch, key);
        g_autofree char *text =
                asm_view_is_set(value) ? asm_view_dup_text(value, /* accept_atoms= */ TRUE) : NULL;

        return text != NULL && g_strstrip(text)[0] != '\0' ? g_steal_pointer(&text) : NULL;
}

gboolean
asm_codex_is_server(const AsmProviderLaunch *launch)
{
        g_autofree char *native = dup_option(launch, "provider_permission_mode");
        g_autofree char *mode = dup_option(launch, "permission_mode");
        AsmView completion_only = get_option(launch, "completion_only");

        return launch->answers_approvals && !asm_view_is_atom(completion_only, "true") &&
               g_strcmp0(native != NULL ? native : mode, "default") == 0;
}

/* --- what we write --------------------------------------------------------------------------- */

static void
put_text_pair(AsmBuilder *builder, const char *key, const char *value)
{
        asm_builder_text(builder, key);
        asm_builder_text(builder, value);
}

static void
request(AsmDecoder *decoder, gint id, const char *method, PutFunc put_params)
{
        g_auto(AsmBuilder) message = ASM_BUILDER_INIT;

        asm_builder_map(&message, 3);
        asm_builder_text(&message, "id");
        asm_builder_int(&message, id);
        put_text_pair(&message, "method", method);
        asm_builder_text(&message, "params");
        put_params(decoder, &message);
        asm_decoder_write(decoder, asm_builder_peek(&message));
}

static void
put_client(AsmDecoder *decoder, AsmBuilder *params)
{
        asm_builder_map(params, 1);
        asm_builder_text(params, "clientInfo");
        asm_builder_map(params, 3);
        put_text_pair(params, "name", "asmd");
        put_text_pair(params, "title", "asmd");
        put_text_pair(params, "version", ASM_VERSION);
}

static void
put_thread(AsmDecoder *decoder, AsmBuilder *params)
{
        const AsmProviderLaunch *launch = &decoder->launch;
        g_autofree char *resume = dup_option(launch, "resume");
        g_autofree char *cwd = dup_option(launch, "cwd");
        g_autofree char *model = NULL;
        AsmBuilderMark mark = asm_builder_map_begin(params);
        AsmArguments args;
        guint n = 2;

        asm_arguments_init(&args, decoder->provider->name, launch->options);
        model = asm_arguments_dup_model(&args, "resolved_model", "model");
        g_strfreev(asm_arguments_end(&args, NULL));
        put_text_pair(params, "approvalPolicy", "untrusted");
        put_text_pair(params, "sandbox", "workspace-write");
        if (resume != NULL) {
                put_text_pair(params, "threadId", resume);
                /* else the result has the whole thread in it */
                asm_builder_text(params, "excludeTurns");
                asm_builder_bool(params, TRUE);
                n += 2;
        }
        if (cwd != NULL) {
                put_text_pair(params, "cwd", cwd);
                n++;
        }
        if (model != NULL) {
                put_text_pair(params, "model", model);
                n++;
        }
        asm_builder_map_end(params, mark, n);
}

static void
put_turn(AsmDecoder *decoder, AsmBuilder *params)
{
        const Server *server = decoder->dialogue;
        AsmView schema = get_option(&decoder->launch, "output_schema");

        asm_builder_map(params, asm_view_is_set(schema) ? 3 : 2);
        put_text_pair(params, "threadId", server->thread_id);
        asm_builder_text(params, "input");
        asm_builder_list(params, 1);
        asm_builder_map(params, 2);
        put_text_pair(params, "type", "text");
        put_text_pair(params, "text", decoder->launch.prompt);
        asm_builder_nil(params);
        if (!asm_view_is_set(schema))
                return;
        asm_builder_text(params, "outputSchema");
        asm_builder_view(params, schema);
}

static void
put_interrupt(AsmDecoder *decoder, AsmBuilder *params)
{
        const Server *server = decoder->dialogue;

        asm_builder_map(params, 2);
        put_text_pair(params, "threadId", server->thread_id);
        put_text_pair(params, "turnId", server->turn_id);
}

static void
write_initialized(AsmDecoder *decoder)
{
        g_auto(AsmBuilder) message = ASM_BUILDER_INIT;

        asm_builder_map(&message, 1);
        put_text_pair(&message, "method", "initialized");
        asm_decoder_write(decoder, asm_builder_peek(&message));
}

/* --- the end --------------------------------------------------------------------------------- */

static void
set_over(AsmDecoder *decoder)
{
        Server *server = decoder->dialogue;

        if (server->state == SERVER_OVER)
                return;
        server->state = SERVER_OVER;
        asm_decoder_end_input(decoder);
}

/* what a turn or a request failed with: codexErrorInfo is a word, or an object of one key */
static AsmFailureKind
get_error_kind(JsonObject *error)
{
        JsonNode *info = asm_decoder_first(error, "codexErrorInfo", NULL);
        const char *word = asm_decoder_node_text(info);

        if (asm_decoder_node_object(info) != NULL)
                return ASM_FAILURE_TRANSPORT_ERROR;
        if (g_strcmp0(word, "rateLimitExceeded") == 0 ||
            g_strcmp0(word, "usageLimitExceeded") == 0 || g_strcmp0(word, "serverOverloaded") == 0)
                return ASM_FAILURE_RATE_LIMIT;
        if (g_strcmp0(word, "unauthorized") == 0 ||
            asm_decoder_is_auth_text(asm_json_get_string(error, "message")))
                return ASM_FAILURE_AUTH_ERROR;
        return ASM_FAILURE_UNKNOWN;
}

static void
fail(AsmDecoder *decoder, JsonObject *error, AsmView raw)
{
        const char *message = asm_json_get_string(error, "message");

        /* this is how the run ends: the exit has nothing to add */
        decoder->has_result = TRUE;
        asm_decoder_emit_error(decoder,
                               get_error_kind(error),
                               ASM_SEVERITY_FATAL,
                               message != NULL ? message : "Codex reported an error",
                               raw);
}

/* --- results of our requests ------------------------------------------------------------------ */

static void
ask_for_thread(AsmDecoder *decoder)
{
        Server *server = decoder->dialogue;
        g_autofree char *resume = dup_option(&decoder->launch, "resume");

        server->state = SERVER_THREAD;
        write_initialized(decoder);
        request(decoder, ID_THREAD, resume != NULL ? "thread/resume" : "thread/start", put_thread);
}

static void
interrupt_turn(AsmDecoder *decoder)
{
        request(decoder, ID_INTERRUPT, "turn/interrupt", put_interrupt);
}

/* the turn runs: from its own notification or from the result of turn/start, whichever is first */
static void
take_turn(AsmDecoder *decoder, JsonObject *turn)
{
        Server *server = decoder->dialogue;
        const char *id = asm_json_get_string(turn, "id");

        if (server->state != SERVER_TURN || id == NULL)
                return;
        server->state = SERVER_RUNNING;
        server->turn_id = g_strdup(id);
        if (server->is_interrupted)
                interrupt_turn(decoder);
}

static void
take_thread(AsmDecoder *decoder, JsonObject *thread)
{
        Server *server = decoder->dialogue;
        const char *id = asm_json_get_string(thread, "id");

        if (id == NULL)
                return;
        server->thread_id = g_strdup(id);
        g_free(decoder->session_id);
        decoder->session_id = g_strdup(id);
        server->state = SERVER_TURN;
        request(decoder, ID_TURN, "turn/start", put_turn);
}

static void
on_response(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        Server *server = decoder->dialogue;
        gint64 id = asm_json_get_int(object, "id", -1);
        JsonObject *error = asm_json_get_object(object, "error");
        JsonObject *result = asm_json_get_object(object, "result");

        if (server->state > SERVER_TURN || id != (gint64)server->state ||
            (error == NULL && result == NULL)) {
                asm_decoder_emit_raw(decoder, raw);
                return;
        }
        if (error != NULL) {
                set_over(decoder);
                fail(decoder, error, raw);
                return;
        }
        if (id == ID_INITIALIZE)
                ask_for_thread(decoder);
        else if (id == ID_THREAD)
                take_thread(decoder, asm_json_get_object(result, "thread"));
        else
                take_turn(decoder, asm_json_get_object(result, "turn"));
        asm_decoder_emit_raw(decoder, raw);
}

/* --- notifications ---------------------------------------------------------------------------- */

static void
on_request_resolved(AsmDecoder *decoder, JsonObject *params, AsmView raw)
{
        const Server *server = decoder->dialogue;

        asm_codex_server_resolved(decoder, server->turn_id, params, raw);
}

static void
on_turn_started(AsmDecoder *decoder, JsonObject *params, AsmView raw)
{
        take_turn(decoder, asm_json_get_object(params, "turn"));
        asm_decoder_emit_raw(decoder, raw);
}

static void
on_delta(AsmDecoder *decoder, JsonObject *params, AsmView raw)
{
        asm_decoder_emit_delta(decoder,
                               asm_json_get_string(params, "delta"),
                               /* index= */ -1,
                               /* source= */ NULL,
                               raw);
}

/* summary, else content: lists of texts */
static void
emit_reasoning(AsmDecoder *decoder, JsonObject *item, AsmView raw)
{
        JsonArray *parts = asm_json_get_array(item, "summary");
        g_autoptr(JsonObject) thinking = json_object_new();
        g_autoptr(GString) text = g_string_new(NULL);

        if (parts == NULL || json_array_get_length(parts) == 0)
                parts = asm_json_get_array(item, "content");
        for (guint i = 0; parts != NULL && i < json_array_get_length(parts); i++) {
                const char *part = asm_decoder_node_text(json_array_get_element(parts, i));

                if (part != NULL)
                        g_string_append_printf(text, "%s%s", text->len > 0 ? "\n\n" : "", part);
        }
        json_object_set_string_member(thinking, "text", text->str);
        asm_decoder_emit_thinking(decoder, thinking, raw);
}

static void
on_item_started(AsmDecoder *decoder, JsonObject *params, AsmView raw)
{
        JsonObject *item = asm_json_get_object(params, "item");

        if (asm_codex_tool_name(asm_json_get_string(item, "type")) != NULL)
                asm_codex_begin_tool(decoder, item, raw);
        else
                asm_decoder_emit_raw(decoder, raw);
}

static void
on_item_completed(AsmDecoder *decoder, JsonObject *params, AsmView raw)
{
        JsonObject *item = asm_json_get_object(params, "item");
        const char *type = asm_json_get_string(item, "type");

        if (g_strcmp0(type, "agentMessage") == 0)
                asm_codex_emit_message(decoder, item, raw);
        else if (g_strcmp0(type, "reasoning") == 0)
                emit_reasoning(decoder, item, raw);
        else if (asm_codex_tool_name(type) != NULL)
                asm_codex_end_tool(decoder, item, raw);
        else
                asm_decoder_emit_raw(decoder, raw);
}

static gint64
add_tokens(gint64 sum, gint64 n)
{
        return n > G_MAXINT64 - sum ? G_MAXINT64 : sum + n;
}

/* `last` is of the latest answer of the model; `total` is the thread's, earlier runs included */
static void
on_usage(AsmDecoder *decoder, JsonObject *params, AsmView raw)
{
        Server *server = decoder->dialogue;
        JsonObject *usage = asm_json_get_object(params, "tokenUsage");
        JsonObject *last = asm_json_get_object(usage, "last");

        if (server->state == SERVER_RUNNING) {
                server->input_tokens = add_tokens(server->input_tokens,
                                                  asm_decoder_get_count(last, "inputTokens", NULL));
                server->output_tokens =
                        add_tokens(server->output_tokens,
                                   asm_decoder_get_count(last, "outputTokens", NULL));
        }
        asm_decoder_emit_raw(decoder, raw);
}

static void
on_error(AsmDecoder *decoder, JsonObject *params, AsmView raw)
{
        JsonObject *error = asm_json_get_object(params, "error");

        if (error == NULL || asm_decoder_is_true(asm_decoder_first(params, "willRetry", NULL))) {
                asm_decoder_emit_raw(decoder, raw);
                return;
        }
        set_over(decoder);
        fail(decoder, error, raw);
}

static void
emit_result(AsmDecoder *decoder, JsonObject *turn, AsmView raw)
{
        const Server *server = decoder->dialogue;
        g_autoptr(JsonNode) answer = asm_codex_parse_object(decoder);
        AsmDecoderResult result = {
                .stop_atom = "end_turn",
                .object = answer,
                .has_duration = TRUE,
                .duration = asm_decoder_first(turn, "durationMs", NULL),
                .input_tokens = server->input_tokens,
                .output_tokens = server->output_tokens,
                .has_total = TRUE,
                .total_tokens = add_tokens(server->input_tokens, server->output_tokens),
        };

        asm_decoder_emit_result(decoder, &result, raw);
}

static void
on_turn_completed(AsmDecoder *decoder, JsonObject *params, AsmView raw)
{
        const Server *server = decoder->dialogue;
        JsonObject *turn = asm_json_get_object(params, "turn");
        const char *status = asm_json_get_string(turn, "status");

        /* not ours, or the second end of it */
        if (server->state != SERVER_RUNNING ||
            g_strcmp0(asm_json_get_string(turn, "id"), server->turn_id) != 0) {
                asm_decoder_emit_raw(decoder, raw);
                return;
        }
        set_over(decoder);
        if (g_strcmp0(status, "interrupted") == 0) {
                decoder->has_result = TRUE;
                asm_decoder_emit_error(decoder,
                                       ASM_FAILURE_USER_CANCELLED,
                                       ASM_SEVERITY_WARNING,
                                       "the turn was interrupted",
                                       raw);
        } else if (g_strcmp0(status, "failed") == 0) {
                fail(decoder, asm_json_get_object(turn, "error"), raw);
        } else {
                emit_result(decoder, turn, raw);
        }
}

/* with the params instead of the whole message */
static const AsmDecoderType notifications[] = {
        { "item/agentMessage/delta", on_delta },
        { "item/started", on_item_started },
        { "item/completed", on_item_completed },
        { "thread/tokenUsage/updated", on_usage },
        { "serverRequest/resolved", on_request_resolved },
        { "turn/started", on_turn_started },
        { "turn/completed", on_turn_completed },
        { "error", on_error },
        { NULL, NULL },
};

static void
on_notification(AsmDecoder *decoder, JsonObject *object, AsmView raw)
{
        const Server *server = decoder->dialogue;
        const char *method = asm_json_get_string(object, "method");
        JsonObject *params = asm_json_get_object(object, "params");
        const char *thread = asm_json_get_string(params, "threadId");
        gboolean is_ours = thread == NULL || g_strcmp0(thread, server->thread_id) == 0;
        const AsmDecoderType *entry = notifications;

        while (entry->type != NULL && strcmp(entry->type, method) != 0)
                entry++;
        if (entry->func != NULL && params != NULL &&
            (is_ours || entry->func == on_request_resolved))
                entry->func(decoder, params, raw);
        else
                asm_decoder_emit_raw(decoder, raw);
}

/* --- for codex.c ------------------------------------------------------------------------------ */

void
asm_codex_server_begin(AsmDecoder *decoder)
{
        Server *server = g_new0(Server, 1);

        server->state = SERVER_INITIALIZING;
        decoder->dialogue = server;
        decoder->dialogue_free = server_free;
        request(decoder, ID_INITIALIZE, "initialize", put_client);
}

void
asm_codex_server_line(AsmDecoder *decoder, const char *line, gsize len)
{
        const Server *server = decoder->dialogue;
        AsmView raw = ASM_VIEW_NONE;
        g_autoptr(JsonNode) root = asm_decoder_parse(decoder, line, len, &raw);
        JsonObject *object = asm_decoder_node_object(root);

        if (root == NULL)
                return;
        if (asm_json_get_string(object, "method") == NULL && object != NULL &&
            json_object_has_member(object, "id"))
                on_response(decoder, object, raw);
        else if (asm_json_get_string(object, "method") == NULL)
                asm_decoder_emit_raw(decoder, raw);
        else if (json_object_has_member(object, "id"))
                asm_codex_server_request(decoder, server->turn_id, object, raw);
        else
                on_notification(decoder, object, raw);
}

gboolean
asm_codex_server_interrupt(AsmDecoder *decoder)
{
        Server *server = decoder->dialogue;

        if (server == NULL)
                return FALSE;
        switch (server->state) {
        case SERVER_INITIALIZING:
        case SERVER_THREAD:
        case SERVER_TURN:
                server->is_interrupted = TRUE;
                return TRUE;
        case SERVER_RUNNING:
                interrupt_turn(decoder);
                return TRUE;
        case SERVER_OVER:
                return TRUE;
        }
        return FALSE;
}
