/* SPDX-License-Identifier: MIT */
#include "dist/flags.h"

#include <criterion/criterion.h>

/* what OTP 29 sends: 0x6d07df7fbd; NATIVE_RECORDS, LOCAL and cache bits included */
#define FLAGS_OF_OTP_29 G_GUINT64_CONSTANT(0x6d07df7fbd)
/* what OTP 25 and 27 send */
#define FLAGS_OF_OTP_25 G_GUINT64_CONSTANT(0xd07df7fbd)

TestSuite(flags, .timeout = 300);

Test(flags, ours_are_this_number)
{
        cr_expect_eq(asm_flags_ours(), G_GUINT64_CONSTANT(0x2d075f4fbc));
}

Test(flags, ours_leave_out_what_this_node_does_not_do)
{
        const struct {
                guint bit;
                const char *name;
        } absent[] = {
                { 0, "PUBLISHED" }, { 13, "DIST_HDR_ATOM_CACHE" }, { 23, "FRAGMENTS" },
                { 33, "NAME_ME" },  { 36, "LOCAL_EXT" },           { 38, "NATIVE_RECORDS" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(absent); i++)
                cr_expect_eq(asm_flags_ours() >> absent[i].bit & 1, 0, "%s", absent[i].name);
}

Test(flags, ours_have_both_monitor_bits_or_a_beam_monitors_nothing)
{
        cr_expect(asm_flags_ours() & ASM_FLAG_DIST_MONITOR);
        cr_expect(asm_flags_ours() & ASM_FLAG_DIST_MONITOR_NAME);
}

Test(flags, ours_name_the_mandatory_ones_one_by_one_and_by_digest)
{
        cr_expect_eq(asm_flags_ours() & asm_flags_mandatory(), asm_flags_mandatory());
        cr_expect(asm_flags_ours() & ASM_FLAG_MANDATORY_25_DIGEST);
        cr_expect(asm_flags_ours() & ASM_FLAG_V4_NC);
        cr_expect(asm_flags_ours() & ASM_FLAG_UNLINK_ID);
}

Test(flags, mandatory_ones_are_had_by_every_beam)
{
        cr_expect_eq(asm_flags_mandatory(), 0x1070f94);
        cr_expect_eq(asm_flags_mandatory() & ~FLAGS_OF_OTP_25, 0);
        cr_expect_eq(asm_flags_mandatory() & ~FLAGS_OF_OTP_29, 0);
}

Test(flags, digest_stands_for_all_mandatory_ones)
{
        guint64 digest = ASM_FLAG_MANDATORY_25_DIGEST;

        cr_expect_eq(asm_flags_expand(digest), digest | asm_flags_mandatory());
        cr_expect_eq(asm_flags_expand(ASM_FLAG_SPAWN), ASM_FLAG_SPAWN);
        cr_expect_eq(asm_flags_expand(0), 0);
}

Test(flags, are_written_by_name_and_unknown_ones_by_number)
{
        const struct {
                guint64 flags;
                const char *text;
        } cases[] = {
                { 0, "" },
                { ASM_FLAG_EXT_REFS, "EXT_REFS" },
                { ASM_FLAG_EXT_REFS | ASM_FLAG_UTF8_ATOMS, "EXT_REFS UTF8_ATOMS" },
                { ASM_FLAG_ALTACT_SIG | G_GUINT64_CONSTANT(1) << 39, "ALTACT_SIG bit 39" },
                { G_GUINT64_CONSTANT(1) << 63 | 1, "PUBLISHED bit 63" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = asm_flags_to_string(cases[i].flags);

                cr_expect_str_eq(text, cases[i].text);
        }
}
