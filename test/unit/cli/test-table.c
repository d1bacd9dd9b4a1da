/* SPDX-License-Identifier: MIT */
#include "cli/table-private.h"

#include "screen.h"

#include <criterion/criterion.h>

TestSuite(table, .timeout = 300);

static const char *const headings[] = { "ID", "STATE", "RUNS", NULL };

Test(table, without_rows_it_is_its_headings)
{
        g_autoptr(AsmTable) table = asm_table_new(headings);
        g_auto(Screen) screen;

        screen_init(&screen, /* is_terminal= */ FALSE);
        asm_table_print(table, &screen.output);
        cr_expect_str_eq(screen_out(&screen), "ID  STATE  RUNS\n");
}

Test(table, columns_are_as_wide_as_their_widest_cell_on_the_screen)
{
        g_autoptr(AsmTable) table = asm_table_new(headings);
        g_auto(Screen) screen;

        asm_table_add(table, (const char *const[]){ "longest", "a", "one, two" });
        asm_table_add(table, (const char *const[]){ "\xE6\xBC\xA2", NULL, "" });
        screen_init(&screen, /* is_terminal= */ FALSE);
        asm_table_print(table, &screen.output);
        cr_expect_str_eq(screen_out(&screen),
                         "ID       STATE  RUNS\n"
                         "longest  a      one, two\n"
                         "\xE6\xBC\xA2       -      -\n");
}

Test(table, a_cell_cannot_pass_for_a_row_or_act_on_the_terminal)
{
        g_autoptr(AsmTable) table = asm_table_new(headings);
        g_auto(Screen) screen;

        asm_table_add(table, (const char *const[]){ "a\nb", "\033[1m", "c\td" });
        screen_init(&screen, /* is_terminal= */ FALSE);
        asm_table_print(table, &screen.output);
        cr_expect_str_eq(screen_out(&screen),
                         "ID    STATE      RUNS\n"
                         "a\\nb  \\u001b[1m  c\\td\n");
}
