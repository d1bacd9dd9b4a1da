/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the decoders of all CLIs share. A decode_line function looks at one line and emits
 * events through the functions below; numbering, ids, clock and session id are filled in here.
 */

#include "base/json.h"
#include "event/failure.h"
#include "provider/provider.h"

struct _AsmDecoder {
        const AsmProvider *provider;
        gint64 (*wall_us)(void);
        AsmDecoderFunc func;
        gpointer user_data;
        AsmLineRules rules;
        void (*decode_line)(AsmDecoder *decoder, const char *line, gsize len);
        char *speaker; /* who has ended, who has said something wrong */

        gint64 n_events;
        char *session_id; /* the last one that a line told */
        char *command;
        GString *stderr_tail;
        gboolean has_result; /* a result or a failed result was emitted */
        gboolean has_exited;
        guint in_call;
        gboolean is_doomed; /* freed by its own callback */

        AsmBuilder line; /* the term of the current line */
        AsmBuilder scratch;
        AsmBuilder payload;
        AsmBuilder event;

        GString *partial;  /* assistant text of the deltas since the last message */
        GHashTable *tools; /* tool calls begun and not ended: id -> input (JsonNode) */

        AsmDecoderWriteFunc write; /* nullable */
        AsmProviderLaunch launch;  /* of a conversation; prompt NULL: it is none */
        AsmTerm *options;          /* what launch.options borrows from */
        GHashTable *pending;       /* approvals asked for and not answered: id -> raw (AsmTerm) */
        gsize pending_bytes;       /* of the raw terms in it */

        gboolean wants_object; /* codex: the run has an output_schema */
        char *last_message;    /* codex: of the agent, kept for the object */
        gpointer dialogue;     /* codex: state of its app-server */
        GDestroyNotify dialogue_free;

        gint64 input_tokens; /* amp: usage and stop reason of the last message */
        gint64 output_tokens;
        char *stop_reason;
};

/* most tool calls of a run that may be open at once; those above it lose their pairing only */
#define ASM_DECODER_TOOLS_MAX 1024

/* most approvals that may wait for an answer, and bytes of the lines that asked for them; one above
 * it is denied at once */
#define ASM_DECODER_PENDING_MAX       256
#define ASM_DECODER_PENDING_BYTES_MAX (32 * 1024 * 1024)

typedef enum {
        ASM_SEVERITY_WARNING,
        ASM_SEVERITY_ERROR,
        ASM_SEVERITY_FATAL,
} AsmSeverity;

/**
 * AsmDecoderObjectFunc: one JSON object
 * @raw: the term of the whole line, for the raw field of events
 */
typedef void (*AsmDecoderObjectFunc)(AsmDecoder *decoder, JsonObject *object, AsmView raw);

/* what is done with objects of a type; a table of these ends with a NULL type */
typedef struct {
        const char *type;
        AsmDecoderObjectFunc func;
} AsmDecoderType;

/**
 * asm_decoder_parse: (transfer full) (nullable): a line as JSON, its session id taken
 * @ret_raw: its term, borrowed until the next line
 *
 * Returns: NULL if it is none, and the event that says so is out
 */
JsonNode *asm_decoder_parse(AsmDecoder *decoder, const char *line, gsize len, AsmView *ret_raw);
/* parses @line and hands an object to the function of its type; everything else is raw */
void asm_decoder_json_line(AsmDecoder *decoder,
                           const char *line,
                           gsize len,
                           const AsmDecoderType *types);

/* lines.c: the payload of the raw event for @line, a binary, that is not JSON because of @problem */
void asm_builder_skipped_line(AsmBuilder *builder, AsmView line, AsmView problem);

/* the payload is written into the builder that is returned, and then emitted */
AsmBuilder *asm_decoder_begin(AsmDecoder *decoder, AsmEventKind kind, guint n_fields);
AsmBuilder *asm_decoder_begin_with(AsmDecoder *decoder,
                                   AsmEventKind kind,
                                   guint n_fields,
                                   AsmView metadata);
void asm_decoder_emit(AsmDecoder *decoder, AsmEventKind kind, AsmView raw);

/* appends @node's term; NULL and JSON null give nil */
void asm_decoder_put_node(AsmBuilder *builder, JsonNode *node);
/* appends what is a map or else #{} */
void asm_decoder_put_map(AsmBuilder *builder, JsonNode *node);
/* a text without the white space around it; nil for NULL */
void asm_decoder_put_trimmed(AsmBuilder *builder, const char *text);

/* the first member of these names that is not null, false or missing */
JsonNode *asm_decoder_first(JsonObject *object, ...) G_GNUC_NULL_TERMINATED;
/* the same as text; NULL also for what is no text */
const char *asm_decoder_first_text(JsonObject *object, ...) G_GNUC_NULL_TERMINATED;
/* (nullable): the member `type`, else `event` */
const char *asm_decoder_get_type(JsonObject *object);
/* not negative; numbers in texts count as well */
gint64 asm_decoder_get_count(JsonObject *object, const char *key, const char *other_key);
gboolean asm_decoder_is_true(JsonNode *node);
JsonObject *asm_decoder_node_object(JsonNode *node);
const char *asm_decoder_node_text(JsonNode *node);

void asm_decoder_emit_raw(AsmDecoder *decoder, AsmView raw);
/* @source: (nullable): an atom for the payload's metadata */
void asm_decoder_emit_delta(AsmDecoder *decoder,
                            const char *text,
                            gint64 index,
                            const char *source,
                            AsmView raw);
/**
 * asm_decoder_emit_message: the assistant's message @message (content or text, model)
 *
 * When deltas have been emitted since the last message and the message begins with their text,
 * the rest of it is emitted as one more delta and the message is marked as a snapshot, so that
 * a reducer (ours and Elixir's) counts the text once.
 *
 * Returns: whether it was a snapshot
 */
gboolean asm_decoder_emit_message(AsmDecoder *decoder,
                                  JsonObject *message,
                                  const char *model,
                                  AsmView raw);
/* (transfer full): the text blocks of @message joined */
char *asm_decoder_dup_message_text(JsonObject *message);
void asm_decoder_emit_user(AsmDecoder *decoder, JsonObject *message, AsmView raw);
void asm_decoder_emit_thinking(AsmDecoder *decoder, JsonObject *object, AsmView raw);
void asm_decoder_emit_tool_use(AsmDecoder *decoder,
                               const char *name,
                               const char *id,
                               JsonNode *input,
                               AsmView raw);
void asm_decoder_emit_tool_result(AsmDecoder *decoder,
                                  const char *id,
                                  JsonNode *content,
                                  gboolean is_error,
                                  AsmView raw);
/* also keeps @raw until the approval is answered, see conversation.c */
void asm_decoder_emit_approval_requested(AsmDecoder *decoder,
                                         const char *id,
                                         const char *tool_name,
                                         JsonNode *input,
                                         AsmView raw);
/* the CLI says itself how an approval was decided: nobody has to answer it any more */
void asm_decoder_emit_approval_resolved(AsmDecoder *decoder, JsonObject *object, AsmView raw);
void asm_decoder_emit_approval_decision(AsmDecoder *decoder,
                                        const char *id,
                                        gboolean is_allowed,
                                        const char *reason,
                                        AsmView raw);
/* @usage has the tokens, @object the cost */
void asm_decoder_emit_cost(AsmDecoder *decoder, JsonObject *usage, JsonObject *object, AsmView raw);

typedef struct {
        gboolean is_error;
        const char *stop_reason; /* as the CLI said it; NULL: @stop_atom */
        const char *stop_atom;
        JsonNode *object;
        gboolean has_duration; /* the CLI is one that tells it */
        JsonNode *duration;
        gint64 input_tokens;
        gint64 output_tokens;
        gboolean has_total;
        gint64 total_tokens;
        gboolean has_cost_usd;
        double cost_usd;
} AsmDecoderResult;

void asm_decoder_emit_result(AsmDecoder *decoder, const AsmDecoderResult *result, AsmView raw);

/* an error event whose metadata are the line's pairs and a recovery map; @message is trimmed */
void asm_decoder_emit_error(AsmDecoder *decoder,
                            AsmFailureKind code,
                            AsmSeverity severity,
                            const char *message,
                            AsmView raw);
/* the kind that a CLI's word for an error stands for */
AsmFailureKind asm_decoder_error_kind(const char *word);
AsmSeverity asm_decoder_severity(const char *word);
gboolean asm_decoder_is_auth_text(const char *text);

/* appends the map that tells whether another try may help; @what: error code or failure kind */
void asm_decoder_put_recovery(AsmBuilder *builder, const char *what, const char *severity);

/* --- conversation.c: what goes to the CLI --- */

void asm_decoder_conversation_init(AsmDecoder *decoder);
void asm_decoder_conversation_clear(AsmDecoder *decoder);
/* writes the first lines, once the CLI runs */
void asm_decoder_conversation_begin(AsmDecoder *decoder);
/* @term as a line of JSON */
void asm_decoder_write(AsmDecoder *decoder, AsmView term);
void asm_decoder_end_input(AsmDecoder *decoder);
/* keeps an approval until it is answered; FALSE: too many wait, it has been denied */
gboolean asm_decoder_pending_add(AsmDecoder *decoder, const char *id, AsmView raw);
/* forgets an approval that needs no answer; FALSE: there was none */
gboolean asm_decoder_pending_remove(AsmDecoder *decoder, const char *id);

/* exit.c: what the end of the process means, see asm_decoder_exit() */
void asm_decoder_emit_exit(AsmDecoder *decoder, gint code, gint signal);
