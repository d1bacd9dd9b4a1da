/* SPDX-License-Identifier: MIT */
#pragma once

/* Rows of text in straight columns. */

#include "cli/output-private.h"

typedef struct _AsmTable AsmTable;

/* @headings: NULL-terminated, static; their number is the number of columns */
AsmTable *asm_table_new(const char *const *headings);
void asm_table_free(AsmTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmTable, asm_table_free)

/* @cells: one foreign text per column, NULL for an empty one; copied and made safe */
void asm_table_add(AsmTable *table, const char *const *cells);
/* (transfer full): owned texts, headings first */
GPtrArray *asm_table_dup_lines(AsmTable *table);
void asm_table_print(AsmTable *table, AsmOutput *output);
