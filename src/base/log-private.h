/* SPDX-License-Identifier: MIT */
#pragma once

/* A log line before it has a form, and the ways out. */

#include "base/log.h"

#define ASM_LOG_N_TAGS 4

typedef struct {
        guint priority; /* of syslog: 3 error, 4 warning, 5 notice, 6 info, 7 debug */
        gint64 time_us; /* real */
        const char *domain;
        const char *message;
        AsmLogEvent event;
        const char *tags[ASM_LOG_N_TAGS]; /* in the order of the table; NULL: not there */
        const char *code[3];              /* file, line, function; NULL: not known */
} AsmLogRecord;

guint asm_log_priority(GLogLevelFlags level);
/* what GLib hands to a log writer */
void asm_log_record_init(AsmLogRecord *record,
                         GLogLevelFlags level,
                         const GLogField *fields,
                         gsize n_fields,
                         gint64 time_us);

/* each appends one whole record: a line of text, a line with a JSON object, a datagram of journald */
void asm_log_append_text(GString *out, const AsmLogRecord *record);
void asm_log_append_json(GString *out, const AsmLogRecord *record);
void asm_log_append_journal(GString *out, const AsmLogRecord *record);

/* of the fields of a GLib log call */
extern const char *const asm_log_tag_fields[ASM_LOG_N_TAGS];
#define ASM_LOG_EVENT_FIELD "ASMD_EVENT"
const char *asm_log_event_name(AsmLogEvent event);

typedef struct _AsmLogSink AsmLogSink;

/**
 * asm_log_sink_new: a way to write to @fd that never waits
 * @fd: borrowed; neither it nor its file description is changed
 * @changed: called from the default main context after what waited has been written
 */
AsmLogSink *asm_log_sink_new(int fd, void (*changed)(gpointer user_data), gpointer user_data);
void asm_log_sink_free(AsmLogSink *sink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmLogSink, asm_log_sink_free)
/* FALSE: the line is lost */
gboolean asm_log_sink_write(AsmLogSink *sink, const char *line, gsize len);
/* writes of what waits as much as can be written now; called by the main loop, too. Returns the number
 * of lines that were lost on the way. */
guint asm_log_sink_flush(AsmLogSink *sink);
/* bytes that wait */
gsize asm_log_sink_waiting(const AsmLogSink *sink);

/* whether @fd is the stream to the journal that systemd speaks of in @journal_stream (nullable) */
gboolean asm_log_is_journal(int fd, const char *journal_stream);
#define ASM_LOG_JOURNAL_PATH "/run/systemd/journal/socket"
typedef enum {
        ASM_LOG_SENT,
        ASM_LOG_LOST,    /* the journal does not keep up */
        ASM_LOG_NOT_SENT /* there is none */
} AsmLogSent;
/* @ret_fd: in/out: the socket, -1 at first */
AsmLogSent asm_log_send_journal(int *ret_fd, const char *path, const char *datagram, gsize len);
