/* SPDX-License-Identifier: MIT */
#pragma once

/* A CLI or kit that is made up: the lines it writes, and what becomes of them. */

#include "fuzz.h"
#include "provider/provider.h"
#include "result/reducer.h"

/* the same time for all events */
gint64 asm_fuzz_clock(void);
/* above what a fuzzer's input can make: it is not the limit that is tried here */
AsmReducer *asm_fuzz_reducer_new(const AsmProvider *provider);
/* AsmDecoderFunc for a decoder whose user data is an AsmReducer: the event must be whole */
void asm_fuzz_on_event(AsmView core_event, gpointer user_data);
/**
 * asm_fuzz_talk: each line of the @len bytes at @text is one of stdout, of stderr if it begins with '!';
 * '+' and '-' allow and deny the approval whose id is the rest of the line; then the CLI ends with
 * @code, and its result must be whole
 */
void asm_fuzz_talk(AsmDecoder *decoder,
                   AsmReducer *reducer,
                   const char *text,
                   gsize len,
                   gint code);
