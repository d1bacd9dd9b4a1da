/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The JSON lines that asmd and a kit say to each other (doc/kits.md): what is written to a kit, and
 * what a kit's lines mean. Pure, as the rest of this room: who moves the bytes is the backend.
 */

#include "event/failure.h"
#include "provider/provider.h"

/* the version of the protocol: one number, told by both sides */
#define ASM_KIT_PROTOCOL 1

/* what is told once and needs no words */
#define ASM_KIT_INTERRUPT_LINE "{\"type\":\"interrupt\"}\n"
#define ASM_KIT_CLOSE_LINE     "{\"type\":\"close\"}\n"

typedef struct {
        const AsmProvider *provider;
        const char *run_id;
        const char *session_id;
        const char *prompt;
        const char *cwd;      /* nullable */
        const char *cli_path; /* nullable */
        AsmView options;      /* the provider's options: a keyword list or a map */
} AsmKitStart;

/**
 * asm_kit_start_line: (transfer full): with its newline
 *
 * The options `env` and `clear_env?` are the environment of the process and are left out: they may
 * be secrets, and a kit has them already.
 */
char *asm_kit_start_line(const AsmKitStart *start);
/* (transfer full): @reason nullable */
char *asm_kit_approve_line(const char *approval_id, gboolean allow, const char *reason);
/* (transfer full): @data NULL: there will be no more */
char *asm_kit_input_line(const char *data, gsize len);

/**
 * asm_kit_read_ready: the first line of a kit, which has to be `ready` or `error`
 * @ret_failure: (transfer full): what the kit says, or parse_error for anything else; the caller
 *   names the kit
 */
gboolean asm_kit_read_ready(const char *line,
                            gsize len,
                            AsmFailure **ret_failure) G_GNUC_WARN_UNUSED_RESULT;

/**
 * asm_decoder_new_for_kit: a decoder of the lines of a kit of @provider, from the second one on
 * @name: the kit's, for messages; copied
 *
 * Unknown types and kinds of lines become raw events; a field that is missing or of another type than
 * doc/kits.md says is a fatal error event, parse_error, that names it.
 */
AsmDecoder *asm_decoder_new_for_kit(const AsmProvider *provider,
                                    const char *name,
                                    gint64 (*wall_us)(void),
                                    AsmDecoderFunc func,
                                    gpointer user_data);
