/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Collects the arguments of a CLI from a run's options. The first wrong option stays as the
 * error and makes the rest a no-operation, so that a provider reads as the list of its flags.
 * Options that are not there, nil, or (where a text is asked for) empty add nothing.
 */

#include "provider/provider.h"

struct _AsmArguments {
        GPtrArray *args;
        AsmView options;
        const char *provider;
        gboolean is_conversation; /* for the two-way form of the CLI, where the flags differ */
        GError *error;
};

void asm_arguments_init(AsmArguments *arguments, const char *provider, AsmView options);

/* a fixed argument */
void asm_arguments_add(AsmArguments *arguments, const char *arg);
/* every option of @flags that is given; the permission mode is one of @modes */
void asm_arguments_add_table(AsmArguments *arguments,
                             const AsmProviderFlag *flags,
                             const AsmPermissionMode *modes);
/* `flag` where the boolean option @key is true */
void asm_arguments_add_flag(AsmArguments *arguments, const char *flag, const char *key);
/* `flag text`, for a name or an id: may not begin with "-" */
void asm_arguments_add_word(AsmArguments *arguments, const char *flag, const char *key);
/* `flag text`, for prose and paths: anything */
void asm_arguments_add_text(AsmArguments *arguments, const char *flag, const char *key);
/* `flag N` for an integer of at least @min */
void asm_arguments_add_int(AsmArguments *arguments, const char *flag, const char *key, gint64 min);
/* `flag` for true, `flag text` for a word, nothing for false */
void asm_arguments_add_switch(AsmArguments *arguments, const char *flag, const char *key);
/* `flag text` for each text of a list */
void asm_arguments_add_repeat(AsmArguments *arguments, const char *flag, const char *key);
/* `flag JSON` for a map or a list */
void asm_arguments_add_json(AsmArguments *arguments, const char *flag, const char *key);
/* the flags of the permission mode in @modes, by either of its names; `default` if none is given */
void asm_arguments_add_permission(AsmArguments *arguments, const AsmPermissionMode *modes);

/* the value of @key, not set if missing or nil */
AsmView asm_arguments_get(const AsmArguments *arguments, const char *key);
gboolean asm_arguments_get_flag(AsmArguments *arguments, const char *key);
/**
 * asm_arguments_dup_model: (transfer full) (nullable):
 *
 * @field of the option `model_payload` that ASM's sessions resolve a model to, else the option
 * @key.
 */
char *asm_arguments_dup_model(AsmArguments *arguments, const char *field, const char *key);
/* sets the error if @key is there and true or a map: @provider cannot do it */
void asm_arguments_refuse(AsmArguments *arguments, const char *key);
/* sets the error: option @key has the value @value, @expected is wanted */
void asm_arguments_fail(AsmArguments *arguments,
                        const char *key,
                        AsmView value,
                        const char *expected);
/* FALSE and the error set for a prompt that cannot be an argument */
gboolean asm_arguments_check_prompt(AsmArguments *arguments, const char *prompt);

/* the same for a prompt that goes to the CLI's stdin */
gboolean asm_arguments_check_input(AsmArguments *arguments, const char *prompt);

/* (transfer full): the arguments, or NULL with @error; @arguments is cleared */
GStrv asm_arguments_end(AsmArguments *arguments, GError **error);
