/* SPDX-License-Identifier: MIT */

#include <criterion/criterion.h>

#include "bytes.h"

TestSuite(pid, .timeout = 300);

Test(pid, old_and_new_forms_are_the_same_pid)
{
        g_auto(AsmPid) a = { 0 };
        g_auto(AsmPid) b = { 0 };
        g_auto(AsmPid) other = { 0 };

        cr_assert(asm_pid_from_view(VIEW("Xw\3a@b\0\0\0\7\0\0\0\1\0\0\0\3"), &a));
        cr_assert(asm_pid_from_view(VIEW("gd\0\3a@b\0\0\0\7\0\0\0\1\3"), &b));
        cr_assert(asm_pid_from_view(VIEW("Xw\3a@c\0\0\0\7\0\0\0\1\0\0\0\3"), &other));

        cr_expect_str_eq(a.node, "a@b");
        cr_expect_eq(a.id, 7);
        cr_expect_eq(a.serial, 1);
        cr_expect_eq(a.creation, 3);
        cr_expect_eq(a.node, b.node, "names are interned");
        cr_expect(asm_pid_equal(&a, &b));
        cr_expect_eq(asm_pid_hash(&a), asm_pid_hash(&b));
        cr_expect_not(asm_pid_equal(&a, &other));
}

Test(pid, every_number_makes_a_difference)
{
        GRefString *node = g_ref_string_new_intern("a@b");
        const AsmPid pid = { node, 1, 2, 3 };
        const AsmPid others[] = { { node, 9, 2, 3 }, { node, 1, 9, 3 }, { node, 1, 2, 9 } };

        for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
                cr_expect_not(asm_pid_equal(&pid, &others[i]));
                cr_expect_neq(asm_pid_hash(&pid), asm_pid_hash(&others[i]));
        }
        g_ref_string_release(node);
}

Test(pid, latin1_and_utf8_names_of_a_node_are_equal)
{
        g_auto(AsmPid) latin1 = { 0 };
        g_auto(AsmPid) utf8 = { 0 };

        cr_assert(asm_pid_from_view(VIEW("Xs\3\351@b\0\0\0\7\0\0\0\1\0\0\0\3"), &latin1));
        cr_assert(asm_pid_from_view(VIEW("Xw\4\303\251@b\0\0\0\7\0\0\0\1\0\0\0\3"), &utf8));

        cr_expect_str_eq(latin1.node, "\303\251@b");
        cr_expect(asm_pid_equal(&latin1, &utf8));
}

Test(pid, a_node_name_with_nul_is_nobody)
{
        AsmPid pid;
        AsmRef ref;

        cr_expect_not(asm_pid_from_view(VIEW("Xw\5a@b\0x\0\0\0\7\0\0\0\1\0\0\0\3"), &pid));
        cr_expect_not(asm_ref_from_view(VIEW("Z\0\1w\5a@b\0x\0\0\0\1\0\0\0\1"), &ref));
}

Test(pid, the_longest_node_name_fits)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autoptr(GString) name = g_string_new(NULL);
        g_auto(AsmPid) read = { 0 };

        for (guint i = 0; i < 255; i++) {
                g_string_append(name, "\360\237\232\200");
        }
        g_auto(AsmPid) pid = { g_ref_string_new_intern(name->str), 1, 2, 3 };
        asm_builder_pid(&builder, &pid);

        cr_expect(asm_pid_from_view(asm_builder_peek(&builder), &read));
        cr_expect(asm_pid_equal(&pid, &read));
}

Test(pid, other_terms_are_no_pids)
{
        AsmPid pid = { 0 };
        AsmRef ref = { 0 };

        cr_expect_not(asm_pid_from_view(ASM_VIEW_NONE, &pid));
        cr_expect_not(asm_pid_from_view(VIEW("w\2ok"), &pid));
        cr_expect_not(asm_pid_from_view(VIEW("Z\0\1w\3a@b\0\0\0\1\0\0\0\1"), &pid));
        cr_expect_not(asm_ref_from_view(VIEW("Xw\3a@b\0\0\0\7\0\0\0\1\0\0\0\3"), &ref));
        cr_expect_not(asm_ref_from_view(ASM_VIEW_NONE, &ref));
        cr_expect_null(pid.node);
        cr_expect_null(ref.node);
}

Test(pid, references_have_up_to_5_words)
{
        static const struct {
                const guint8 *data;
                gsize len;
                guint n_words;
                guint32 creation, last;
        } table[] = {
                { BYTES("Z\0\1w\3a@b\0\0\0\7\0\0\0\11"), 1, 7, 9 },
                { BYTES("Z\0\5w\3a@b\0\0\0\7\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"), 5, 7, 5 },
                { BYTES("r\0\3w\3a@b\3\0\0\0\1\0\0\0\2\0\0\0\3"), 3, 3, 3 },
                { BYTES("ew\3a@b\0\0\0\5\3"), 1, 3, 5 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
                g_auto(AsmRef) ref = { 0 };

                cr_assert(asm_ref_from_view((AsmView){ table[i].data, table[i].len }, &ref),
                          "case %zu",
                          i);
                cr_expect_str_eq(ref.node, "a@b");
                cr_expect_eq(ref.n_words, table[i].n_words);
                cr_expect_eq(ref.creation, table[i].creation);
                cr_expect_eq(ref.words[ref.n_words - 1], table[i].last);
        }
}

Test(pid, references_differ_by_each_word)
{
        GRefString *node = g_ref_string_new_intern("a@b");
        const AsmRef ref = { node, 1, 3, { 1, 2, 3 } };
        const AsmRef same = { node, 1, 3, { 1, 2, 3, 77, 88 } };
        const AsmRef others[] = {
                { node, 9, 3, { 1, 2, 3 } },
                { node, 1, 2, { 1, 2 } },
                { node, 1, 3, { 9, 2, 3 } },
                { node, 1, 3, { 1, 2, 9 } },
        };

        cr_expect(asm_ref_equal(&ref, &same));
        cr_expect_eq(asm_ref_hash(&ref), asm_ref_hash(&same));
        for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
                cr_expect_not(asm_ref_equal(&ref, &others[i]));
        }
        g_ref_string_release(node);
}

Test(pid, copies_own_their_name)
{
        AsmPid pid = { g_ref_string_new_intern("once@host"), 1, 2, 3 };
        AsmRef ref = { g_ref_string_new_intern("once@host"), 1, 1, { 1 } };
        g_auto(AsmPid) copy = asm_pid_copy(&pid);
        g_auto(AsmRef) ref_copy = asm_ref_copy(&ref);
        AsmPid nothing = { 0 };
        g_auto(AsmPid) copy_of_nothing = asm_pid_copy(&nothing);

        asm_pid_clear(&pid);
        asm_ref_clear(&ref);
        asm_pid_clear(&pid);

        cr_expect_null(pid.node);
        cr_expect_str_eq(copy.node, "once@host");
        cr_expect_str_eq(ref_copy.node, "once@host");
        cr_expect_null(copy_of_nothing.node);
}
