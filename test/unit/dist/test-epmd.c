/* SPDX-License-Identifier: MIT */
/* The packets of epmd, and that an answer is understood at its last needed byte and not before. */
#include "dist/epmd.h"
#include "hex.h"

TestSuite(epmd, .timeout = 300);

Test(epmd, registration_is_that_of_a_hidden_node_of_version_6)
{
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;

        asm_epmd_encode_register(&out, "asmd", 0x1234);

        hex_expect(out.data,
                   out.len,
                   "0011 78 1234 48 00 0006 0006 0004 61736d64 0000",
                   "registration");
}

Test(epmd, lookup_is_a_tag_and_the_name)
{
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;

        asm_epmd_encode_lookup(&out, "asmd");

        hex_expect(out.data, out.len, "0005 7a 61736d64", "look-up");
}

Test(epmd, requests_are_appended)
{
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;

        asm_epmd_encode_lookup(&out, "a");
        asm_epmd_encode_lookup(&out, "b");

        hex_expect(out.data, out.len, "0002 7a 61 0002 7a 62", "two look-ups");
}

/* shorter than @enough the answer must be MORE */
typedef struct {
        const char *bytes;
        gsize enough; /* from this length on the answer is @status */
        AsmEpmdStatus status;
} Answer;

Test(epmd, answer_to_a_registration_is_known_at_its_last_byte)
{
        const struct {
                Answer answer;
                guint32 creation;
        } cases[] = {
                { { "76 00 89abcdef", 6, ASM_EPMD_OK }, 0x89abcdef },
                { { "79 00 0003", 4, ASM_EPMD_OK }, 3 },
                { { "76 00 00000001 ffff", 6, ASM_EPMD_OK }, 1 },
                { { "76 01 00000000", 2, ASM_EPMD_REFUSED }, 99 },
                { { "79 01 0063", 2, ASM_EPMD_REFUSED }, 99 },
                { { "77 00 0003", 1, ASM_EPMD_BROKEN }, 99 },
                { { "00", 1, ASM_EPMD_BROKEN }, 99 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                const Answer *answer = &cases[i].answer;
                g_auto(AsmBuilder) bytes = hex_decode(answer->bytes);

                for (gsize len = 0; len <= bytes.len; len++) {
                        guint32 creation = 99;
                        AsmEpmdStatus status = asm_epmd_decode_register(bytes.data, len, &creation);
                        gboolean complete = len >= answer->enough;

                        cr_expect_eq(status, complete ? answer->status : ASM_EPMD_MORE);
                        cr_expect_eq(creation, complete ? cases[i].creation : 99);
                }
        }
}

Test(epmd, answer_to_a_lookup_is_known_at_the_end_of_the_name)
{
        const struct {
                Answer answer;
                guint16 port;
                guint16 highest;
                guint16 lowest;
        } cases[] = {
                { { "77 00 1234 4d 00 0006 0005 0003 616263 0000", 15, ASM_EPMD_OK },
                  0x1234,
                  6,
                  5 },
                { { "77 00 ffff 48 00 0007 0006 0000", 12, ASM_EPMD_OK }, 0xffff, 7, 6 },
                { { "77 01", 2, ASM_EPMD_REFUSED }, 1, 2, 3 },
                { { "77 00 0000 4d 00 0006 0005 0003 616263", 12, ASM_EPMD_BROKEN }, 1, 2, 3 },
                { { "77 00 1234 4d 00 0006 0005 ffff 616263", 12, ASM_EPMD_BROKEN }, 1, 2, 3 },
                { { "76 00", 1, ASM_EPMD_BROKEN }, 1, 2, 3 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                const Answer *answer = &cases[i].answer;
                g_auto(AsmBuilder) bytes = hex_decode(answer->bytes);

                for (gsize len = 0; len <= bytes.len; len++) {
                        guint16 port = 1;
                        guint16 highest = 2;
                        guint16 lowest = 3;
                        AsmEpmdStatus status =
                                asm_epmd_decode_lookup(bytes.data, len, &port, &lowest, &highest);
                        gboolean complete = len >= answer->enough;

                        cr_expect_eq(status, complete ? answer->status : ASM_EPMD_MORE);
                        cr_expect_eq(port, complete ? cases[i].port : 1);
                        cr_expect_eq(highest, complete ? cases[i].highest : 2);
                        cr_expect_eq(lowest, complete ? cases[i].lowest : 3);
                }
        }
}
