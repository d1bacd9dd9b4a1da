/* SPDX-License-Identifier: MIT */
/*
 * Ids: ULIDs.
 *
 *      01ARZ3NDEK TSV4RRFFQ69G5FAV
 *      |--------| |--------------|
 *       48 bits       80 bits        most significant bits first, 5 bits a character;
 *       ms since      random         the first character holds 3 of them and is thus '0'..'7'
 *       1970
 *
 * The alphabet is in ASCII order, so the order of the texts is the order of the numbers, and a
 * listing of ids is a listing by time. Two ids of one process are never equal and never out of
 * order: within a millisecond (and when the wall clock is set back) the next id is the previous
 * one plus one. The 80 random bits keep ids of different daemons apart. If they run over, which
 * no process lives to see, the time part is counted up: order goes before truth of the clock.
 */
#include "base/id.h"

#include "base/random.h"

#define TEXT_MAX 128

/* Crockford's base 32: no I, L, O, U */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

typedef struct {
        guint64 time_ms;
        guint16 random_high;
        guint64 random_low;
} Ulid;

/* the newest id that was given out; one main thread, so no lock */
static Ulid last;

static void
ulid_increment(Ulid *ulid)
{
        if (++ulid->random_low != 0)
                return;
        if (++ulid->random_high == 0)
                ulid->time_ms++;
}

static void
ulid_to_text(const Ulid *ulid, char *text)
{
        guint64 high = ulid->time_ms << 16 | ulid->random_high;
        guint64 low = ulid->random_low;

        text[ASM_ID_LENGTH] = '\0';
        for (guint i = ASM_ID_LENGTH; i-- > 0;) {
                text[i] = alphabet[low & 31];
                low = low >> 5 | high << 59;
                high >>= 5;
        }
}

AsmId
asm_id_new(void)
{
        guint64 now_ms = (guint64)g_get_real_time() / 1000;
        AsmId id;

        if (now_ms > last.time_ms) {
                last.time_ms = now_ms;
                asm_random_bytes(&last.random_high, sizeof(last.random_high));
                asm_random_bytes(&last.random_low, sizeof(last.random_low));
        } else {
                ulid_increment(&last);
        }

        ulid_to_text(&last, id.text);
        return id;
}

gboolean
asm_id_is_valid(const char *text)
{
        gsize len = 0;

        if (text == NULL)
                return FALSE;
        for (; text[len] != '\0'; len++) {
                if (len == TEXT_MAX || !g_ascii_isgraph(text[len]))
                        return FALSE;
        }
        return len > 0;
}
