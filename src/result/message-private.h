/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The conversation face of an event: the 'Elixir.ASM.Message.*' struct that a result lists for
 * it (ASM_PROTOCOL.md section 4).
 */

#include "event/event.h"
#include "event/failure.h"

/* the kind that an error event's code stands for; an exit of the CLI is a transport_error */
AsmFailureKind asm_message_error_kind(AsmView code);
/* whether it says that the CLI has exited: the code transport_exit, which names no kind */
gboolean asm_message_is_exit(AsmView code);

/**
 * asm_builder_message: appends the message of @event
 *
 * Returns: FALSE, with @builder as it was, for kinds that are no part of the conversation
 */
gboolean asm_builder_message(AsmBuilder *builder,
                             const char *provider,
                             const AsmCoreEvent *event) G_GNUC_WARN_UNUSED_RESULT;

/* the text in the content of an assistant's message: its text blocks joined */
void asm_message_append_text(GString *text, AsmView content);
