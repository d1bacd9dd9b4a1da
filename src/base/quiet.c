/* SPDX-License-Identifier: MIT */

/*
 * A refusal is worth a line, a thousand of them are a way to fill a disk. So each cause has a quiet
 * of its own: ten lines in ten seconds, and the first line after some that were left out says how
 * many those were. The last ones of a flood are told with the next line of the same cause, which may
 * come days later: what has been lost is their text, never their number.
 */

#include "base/quiet.h"

void
asm_quiet_log(AsmQuiet *quiet, const char *domain, const AsmLogTags *tags, const char *format, ...)
{
        gint64 now_us = g_get_monotonic_time();
        g_autofree char *text = NULL;
        g_autofree char *more = NULL;
        va_list args;

        if (quiet->since_us == 0 || now_us - quiet->since_us >= ASM_QUIET_US) {
                quiet->since_us = now_us;
                quiet->n_said = 0;
        }
        if (quiet->n_said == ASM_QUIET_LINES) {
                quiet->n_held++;
                return;
        }
        va_start(args, format);
        text = g_strdup_vprintf(format, args);
        va_end(args);
        if (quiet->n_held > 0)
                more = g_strdup_printf(" (%u more since the last time)", quiet->n_held);
        asm_log_full(domain, G_LOG_LEVEL_MESSAGE, tags, "%s%s", text, more != NULL ? more : "");
        quiet->n_said++;
        quiet->n_held = 0;
}
