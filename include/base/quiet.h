/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Log lines that somebody outside can cause as often as they like: some are said, the rest is
 * counted and told with the next one that is.
 */

#include "base/log.h"

/* zeroed: nothing has been said yet */
typedef struct {
        gint64 since_us; /* monotonic: when the lines of this while began */
        guint n_said;    /* in this while */
        guint n_held;    /* not said since the last one that was */
} AsmQuiet;

/* lines in one while, and how long that is */
#define ASM_QUIET_LINES 10
#define ASM_QUIET_US    (10 * G_USEC_PER_SEC)

/**
 * asm_quiet_log: logs a line of level `message`, unless ten have been in the last ten seconds
 *
 * A line after some that were held ends in " (N more since the last time)".
 */
void asm_quiet_log(AsmQuiet *quiet,
                   const char *domain,
                   const AsmLogTags *tags,
                   const char *format,
                   ...) G_GNUC_PRINTF(4, 5);
/* the same for the log domain of the caller, @tags first */
#define asm_quiet_message(quiet, ...) asm_quiet_log((quiet), G_LOG_DOMAIN, __VA_ARGS__)
