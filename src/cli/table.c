/* SPDX-License-Identifier: MIT */

/*
 * A table is printed when it is complete, because a column is as wide as its widest cell. Cells are
 * left-aligned, two blanks apart, the last column is not padded; so a line can be cut at a
 * terminal's edge, and `awk` finds the fields (an empty cell is a dash).
 *
 * Cells are always made safe and kept on one line, on a pipe too: a name with a newline in it must
 * not pass for two rows.
 */

#include "cli/table-private.h"

#include "cli/text-private.h"

#include <string.h>

#define GAP 2

struct _AsmTable {
        guint n_columns;
        GPtrArray *cells; /* of owned text, row after row, headings first */
};

AsmTable *
asm_table_new(const char *const *headings)
{
        AsmTable *table = g_new0(AsmTable, 1);

        table->n_columns = g_strv_length((char **)headings);
        table->cells = g_ptr_array_new_with_free_func(g_free);
        asm_table_add(table, headings);
        return table;
}

void
asm_table_free(AsmTable *table)
{
        if (table == NULL)
                return;
        g_ptr_array_unref(table->cells);
        g_free(table);
}

void
asm_table_add(AsmTable *table, const char *const *cells)
{
        for (guint i = 0; i < table->n_columns; i++) {
                const char *text = cells[i] != NULL && *cells[i] != '\0' ? cells[i] : "-";
                GString *safe = g_string_new(NULL);

                asm_text_append_safe(safe, text, strlen(text), ASM_TEXT_ONE_LINE);
                g_ptr_array_add(table->cells, g_string_free(safe, FALSE));
        }
}

static guint
column_width(AsmTable *table, guint column)
{
        guint width = 0;

        for (guint i = column; i < table->cells->len; i += table->n_columns)
                width = MAX(width, asm_text_columns(g_ptr_array_index(table->cells, i)));
        return width;
}

GPtrArray *
asm_table_dup_lines(AsmTable *table)
{
        g_autofree guint *widths = g_new0(guint, table->n_columns);
        GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

        for (guint column = 0; column < table->n_columns; column++)
                widths[column] = column_width(table, column);
        for (guint row = 0; row < table->cells->len; row += table->n_columns) {
                GString *line = g_string_new(NULL);

                for (guint column = 0; column < table->n_columns; column++) {
                        const char *cell = g_ptr_array_index(table->cells, row + column);
                        gboolean is_last = column + 1 == table->n_columns;

                        g_string_append_printf(
                                line,
                                "%s%*s",
                                cell,
                                is_last ? 0 : (int)(widths[column] + GAP - asm_text_columns(cell)),
                                "");
                }
                g_ptr_array_add(lines, g_string_free(line, FALSE));
        }
        return lines;
}

void
asm_table_print(AsmTable *table, AsmOutput *output)
{
        g_autoptr(GPtrArray) lines = asm_table_dup_lines(table);

        for (guint i = 0; i < lines->len; i++)
                asm_output_line(output, g_ptr_array_index(lines, i), /* may_cut= */ TRUE);
}
