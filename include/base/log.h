/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where log lines go: to standard error as text or JSON, or to the journal with fields. Any GLib log
 * call ends here once asm_log_start() has been called; asm_log() adds what a line is about.
 *
 * Nothing here waits. A reader that does not read costs lines, which are counted and told of later.
 */

#include <glib.h>

typedef enum {
        ASM_LOG_AUTO, /* the journal if standard error leads there, else text */
        ASM_LOG_TEXT,
        ASM_LOG_JSON,
        ASM_LOG_JOURNAL,
} AsmLogFormat;

/* the least important lines that are written */
typedef enum {
        ASM_LOG_ERROR,
        ASM_LOG_WARNING,
        ASM_LOG_NOTICE, /* g_message() */
        ASM_LOG_INFO,
        ASM_LOG_DEBUG,
} AsmLogLevel;

/* what has happened, for programs that read the log: field ASMD_EVENT, and a MESSAGE_ID of its own */
typedef enum {
        ASM_LOG_EVENT_NONE,
        ASM_LOG_EVENT_READY,
        ASM_LOG_EVENT_STOPPING,
        ASM_LOG_EVENT_RELOADED,
        ASM_LOG_EVENT_PEER_UP,
        ASM_LOG_EVENT_PEER_DOWN,
        ASM_LOG_EVENT_PEER_REFUSED,
        ASM_LOG_EVENT_CALL_REFUSED,
        ASM_LOG_EVENT_SESSION_STARTED,
        ASM_LOG_EVENT_SESSION_ENDED,
        ASM_LOG_EVENT_RUN_STARTED,
        ASM_LOG_EVENT_RUN_ENDED,
        ASM_LOG_EVENT_SUBSCRIBER_LAGGED,
        ASM_LOG_EVENT_EPMD_LOST,
        ASM_LOG_EVENT_EPMD_REGISTERED,
        ASM_LOG_EVENT_LINES_LOST,
        ASM_LOG_N_EVENTS,
} AsmLogEvent;

/* what a line is about; NULL: nothing of the kind */
typedef struct {
        AsmLogEvent event;
        const char *run;
        const char *session;
        const char *peer;
        const char *provider;
} AsmLogTags;

typedef struct {
        guint64 n_lines; /* that have been written, or wait */
        guint64 n_lost;
} AsmLogStats;

/* bytes that wait for a slow reader; what does not fit is lost */
#define ASM_LOG_BACKLOG_MAX (256 * 1024)
/* bytes of one message, and of one tag; the rest is cut off */
#define ASM_LOG_MESSAGE_MAX 8192
#define ASM_LOG_TAG_MAX     512

/* by AsmLogFormat and AsmLogLevel, each with a NULL behind the last */
extern const char *const asm_log_format_names[];
extern const char *const asm_log_level_names[];

/**
 * asm_log_start: takes all log lines of the program from now on; called once, by main()
 * @fd: where text and JSON go; its flags stay as they are. The journal has a socket of its own.
 */
void asm_log_start(int fd);
/* @level: G_MESSAGES_DEBUG may ask for more */
void asm_log_set(AsmLogFormat format, AsmLogLevel level);
/* hands on what the reader takes now, and forgets the rest */
void asm_log_end(void);
void asm_log_get_stats(AsmLogStats *ret_stats);

/**
 * asm_log_full: a log line with tags
 * @tags: (nullable):
 *
 * Tags may hold foreign text: it is escaped and cut where the line is written.
 */
void asm_log_full(const char *domain,
                  GLogLevelFlags level,
                  const AsmLogTags *tags,
                  const char *format,
                  ...) G_GNUC_PRINTF(4, 5);
/* the same for the log domain of the caller */
#define asm_log(...) asm_log_full(G_LOG_DOMAIN, __VA_ARGS__)
