/* SPDX-License-Identifier: MIT */
/*
 * Capability flags.
 *
 * Each side announces 64 bits in the handshake and both use what they have in common. Three sets
 * matter here:
 *
 *      mandatory  what OTP 25 refuses to do without; a peer that lacks one is refused by us
 *      ours       mandatory, what OTP 26 made mandatory too, and everything this node serves
 *      digest     bit 26 is shorthand for the mandatory set of OTP 25. A peer may send it instead
 *                 of the bits, so received flags are expanded before they are looked at. We send
 *                 both, because peers differ in which of the two they examine.
 *
 * DIST_MONITOR and DIST_MONITOR_NAME go together: with one alone a BEAM sends no monitor signals
 * at all. Not announced, each for a reason: PUBLISHED (the node is hidden), DIST_HDR_ATOM_CACHE
 * and FRAGMENTS (they change the framing of everything), NATIVE_RECORDS (a term we cannot read).
 */
#include "dist/flags.h"

#define FLAGS_MANDATORY_25                                                                         \
        (ASM_FLAG_EXT_REFS | ASM_FLAG_FUN_TAGS | ASM_FLAG_NEW_FUN_TAGS | ASM_FLAG_EXT_PIDS_PORTS | \
         ASM_FLAG_EXPORT_PTR | ASM_FLAG_BIT_BINARIES | ASM_FLAG_NEW_FLOATS | ASM_FLAG_UTF8_ATOMS | \
         ASM_FLAG_MAP_TAG | ASM_FLAG_BIG_CREATION | ASM_FLAG_HANDSHAKE_23)

#define FLAGS_MANDATORY_26 (ASM_FLAG_V4_NC | ASM_FLAG_UNLINK_ID)

#define FLAGS_SERVED                                                                               \
        (ASM_FLAG_DIST_MONITOR | ASM_FLAG_DIST_MONITOR_NAME | ASM_FLAG_SMALL_ATOM_TAGS |           \
         ASM_FLAG_SEND_SENDER | ASM_FLAG_BIG_SEQTRACE | ASM_FLAG_EXIT_PAYLOAD | ASM_FLAG_SPAWN |   \
         ASM_FLAG_ALIAS | ASM_FLAG_ALTACT_SIG)

/* names as in the protocol's documentation, without DFLAG_ */
static const char *const names[64] = {
        [0] = "PUBLISHED",
        [1] = "ATOM_CACHE",
        [2] = "EXT_REFS",
        [3] = "DIST_MONITOR",
        [4] = "FUN_TAGS",
        [5] = "DIST_MONITOR_NAME",
        [6] = "HIDDEN_ATOM_CACHE",
        [7] = "NEW_FUN_TAGS",
        [8] = "EXT_PIDS_PORTS",
        [9] = "EXPORT_PTR",
        [10] = "BIT_BINARIES",
        [11] = "NEW_FLOATS",
        [12] = "UNICODE_IO",
        [13] = "DIST_HDR_ATOM_CACHE",
        [14] = "SMALL_ATOM_TAGS",
        [16] = "UTF8_ATOMS",
        [17] = "MAP_TAG",
        [18] = "BIG_CREATION",
        [19] = "SEND_SENDER",
        [20] = "BIG_SEQTRACE",
        [22] = "EXIT_PAYLOAD",
        [23] = "FRAGMENTS",
        [24] = "HANDSHAKE_23",
        [25] = "UNLINK_ID",
        [26] = "MANDATORY_25_DIGEST",
        [32] = "SPAWN",
        [33] = "NAME_ME",
        [34] = "V4_NC",
        [35] = "ALIAS",
        [37] = "ALTACT_SIG",
        [38] = "NATIVE_RECORDS",
};

guint64
asm_flags_ours(void)
{
        return FLAGS_MANDATORY_25 | FLAGS_MANDATORY_26 | ASM_FLAG_MANDATORY_25_DIGEST |
               FLAGS_SERVED;
}

guint64
asm_flags_mandatory(void)
{
        return FLAGS_MANDATORY_25;
}

guint64
asm_flags_expand(guint64 flags)
{
        return flags & ASM_FLAG_MANDATORY_25_DIGEST ? flags | FLAGS_MANDATORY_25 : flags;
}

char *
asm_flags_to_string(guint64 flags)
{
        GString *text = g_string_new(NULL);

        for (guint bit = 0; bit < G_N_ELEMENTS(names); bit++) {
                if (!(flags >> bit & 1))
                        continue;
                if (text->len > 0)
                        g_string_append_c(text, ' ');
                if (names[bit] != NULL)
                        g_string_append(text, names[bit]);
                else
                        g_string_append_printf(text, "bit %u", bit);
        }
        return g_string_free(text, FALSE);
}
