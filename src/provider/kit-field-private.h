/* SPDX-License-Identifier: MIT */
#pragma once

/* What fields the messages of a kit have, and what is said about one that is wrong. */

#include "provider/decoder-private.h"

typedef enum {
        ASM_KIT_FIELD_TEXT,
        ASM_KIT_FIELD_ID,    /* text, not empty */
        ASM_KIT_FIELD_COUNT, /* an integer, not negative */
        ASM_KIT_FIELD_AMOUNT,
        ASM_KIT_FIELD_BOOL,
        ASM_KIT_FIELD_OBJECT,
        ASM_KIT_FIELD_TEXTS,
        ASM_KIT_FIELD_BLOCKS, /* text, or a list of texts and objects */
        ASM_KIT_FIELD_DECISION,
        ASM_KIT_FIELD_STATUS,
        ASM_KIT_FIELD_SEVERITY,
        ASM_KIT_FIELD_STREAM,
        ASM_KIT_FIELD_ANY,
} AsmKitFieldType;

/* a table of these ends with a NULL name */
typedef struct {
        const char *name;
        AsmKitFieldType type;
        gboolean is_required;
} AsmKitField;

/**
 * asm_kit_check_fields:
 * @what: what @object is, for the message
 *
 * Returns: FALSE: a field is wrong, and the error event that says so is out
 */
gboolean asm_kit_check_fields(AsmDecoder *decoder,
                              const char *what,
                              JsonObject *object,
                              const AsmKitField *fields,
                              AsmView raw);
/* the error event: @where is @node (nullable: missing), expected @expected */
void asm_kit_complain(AsmDecoder *decoder,
                      const char *where,
                      JsonNode *node,
                      const char *expected,
                      AsmView raw);
/* (transfer full): a kit's text, safe and short */
char *asm_kit_dup_shown(const char *text);
