/* SPDX-License-Identifier: MIT */
#include "cli/approval-private.h"

#include "term/print.h"

#include <criterion/criterion.h>

TestSuite(approval, .timeout = 300);

Test(approval, its_input_is_shown_as_json)
{
        g_auto(AsmBuilder) map = ASM_BUILDER_INIT;
        g_autoptr(AsmCliApproval) approval = NULL;

        asm_builder_map(&map, 4);
        asm_builder_atom(&map, "approval_id");
        asm_builder_text(&map, "a1");
        asm_builder_atom(&map, "run_id");
        asm_builder_text(&map, "r1");
        asm_builder_atom(&map, "subject");
        asm_builder_text(&map, "Bash");
        asm_builder_atom(&map, "details");
        asm_builder_map(&map, 1);
        asm_builder_text(&map, "tool_input");
        asm_builder_map(&map, 1);
        asm_builder_text(&map, "command");
        asm_builder_text(&map, "ls");
        approval = asm_cli_approval_read(asm_builder_peek(&map));

        cr_assert_not_null(approval);
        cr_expect_str_eq(approval->id, "a1");
        cr_expect_str_eq(approval->run_id, "r1");
        cr_expect_str_eq(approval->tool, "Bash");
        cr_expect_str_eq(approval->input, "{\"command\":\"ls\"}");
}

Test(approval, all_but_the_id_may_be_missing)
{
        g_auto(AsmBuilder) map = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) empty = ASM_BUILDER_INIT;
        g_autoptr(AsmCliApproval) approval = NULL;

        asm_builder_map(&map, 2);
        asm_builder_atom(&map, "approval_id");
        asm_builder_text(&map, "a1");
        asm_builder_atom(&map, "details");
        asm_builder_nil_atom(&map);
        asm_builder_map(&empty, 0);
        approval = asm_cli_approval_read(asm_builder_peek(&map));

        cr_assert_not_null(approval);
        cr_expect_null(approval->run_id);
        cr_expect_null(approval->tool);
        cr_expect_str_eq(approval->input, "");
        cr_expect_null(asm_cli_approval_read(asm_builder_peek(&empty)));
}

Test(approval, a_decision_names_session_and_approval)
{
        g_auto(AsmBuilder) allow = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) deny = ASM_BUILDER_INIT;
        g_autofree char *allowed = NULL, *denied = NULL;

        asm_cli_put_decision(&allow, "s1", "a1", /* is_allowed= */ TRUE);
        asm_cli_put_decision(&deny, "s1", "a1", /* is_allowed= */ FALSE);
        allowed = asm_view_print(asm_builder_peek(&allow), ASM_SYNTAX_ERLANG, 0);
        denied = asm_view_print(asm_builder_peek(&deny), ASM_SYNTAX_ERLANG, 0);

        cr_expect_str_eq(allowed, "[<<\"s1\">>,<<\"a1\">>,allow]");
        cr_expect_str_eq(denied, "[<<\"s1\">>,<<\"a1\">>,deny]");
}
