/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A decoder with everything that comes out of it: the events as terms, as short texts, and
 * folded by a reducer. The clock stands still.
 */

#include "provider/provider.h"
#include "result/reducer.h"

typedef struct {
        AsmDecoder *decoder;
        AsmReducer *reducer;
        GPtrArray *events; /* AsmTerm: the core events */
        GPtrArray *texts;  /* "kind #{payload}", without __struct__ and empty metadata and extra */
        GString *written;  /* what went to the CLI's stdin, its end as "EOF" */
} Conversation;

Conversation *conversation_new(const char *provider);
/* the lines of a kit "kit-1" from the second one on */
Conversation *conversation_new_for_kit(const char *provider);
void conversation_free(Conversation *conversation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Conversation, conversation_free)

/* an option about lines: a number, or a word if @word is not NULL */
void conversation_options(Conversation *conversation,
                          const char *option,
                          gint64 number,
                          const char *word);
void conversation_line(Conversation *conversation, const char *line);
/* the lines of a file in the test data; of those with a direction only what the CLI wrote ("< ") */
void conversation_file(Conversation *conversation, const char *name);
/* fails the test unless exactly these texts have come since the last call */
void conversation_expect(Conversation *conversation, ...) G_GNUC_NULL_TERMINATED;
/* fails the test unless what has been written since the last call are the lines of the file that the
 * CLI was told ("> "), as JSON */
void conversation_expect_told(Conversation *conversation, const char *name);
/* launches it for a prompt in its two-way form */
void conversation_launch(Conversation *conversation, const char *prompt);
void conversation_forget(Conversation *conversation);
/* fails the test unless exactly this has been written since the last call */
void conversation_expect_written(Conversation *conversation, const char *expected);
/* (transfer full): the result as text; a field of it; a field of event @i */
char *conversation_result(Conversation *conversation, const char *key);
char *conversation_event(Conversation *conversation, guint i, const char *key);
/* all bytes that have come out, for comparison */
GByteArray *conversation_bytes(const Conversation *conversation);
