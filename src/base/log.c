/* SPDX-License-Identifier: MIT */

/*
 * The one log writer of a daemon. It decides by level, gives the record its form (log-format.c) and
 * hands it to the journal (log-journal.c) or to standard error (log-sink.c); none of them waits, so a
 * reader that has stopped costs lines and never the loop. How many were lost is a line of its own as
 * soon as something gets through again.
 *
 * GLib calls the writer from whatever thread logs, GIO's included: hence the lock. Nothing that is
 * called under it logs.
 *
 * A line that G_DEBUG makes fatal goes to GLib's own writer, which ends the program.
 */

#include "log-private.h"

#include <stdarg.h>
#include <unistd.h>

/* of syslog, which has three above an error */
#define PRIORITY_OF(level) ((guint)(level) + 3)

typedef struct {
        GMutex lock;
        int fd;
        AsmLogSink *sink;
        int journal_fd;
        AsmLogFormat format; /* never auto */
        guint max_priority;
        GLogLevelFlags fatal;
        AsmLogStats stats;
        guint64 n_untold; /* of those that were lost */
} Writer;

/* there is one standard error, and GLib has one writer */
static Writer writer = { .journal_fd = -1,
                         .format = ASM_LOG_TEXT,
                         .max_priority = PRIORITY_OF(ASM_LOG_NOTICE) };

const char *const asm_log_format_names[] = { "auto", "text", "json", "journal", NULL };
const char *const asm_log_level_names[] = { "error", "warning", "notice", "info", "debug", NULL };

/* --- the way out, under the lock ------------------------------------------------------------- */

/* FALSE: lost */
static gboolean
put(const AsmLogRecord *record)
{
        g_autoptr(GString) out = g_string_new(NULL);

        if (writer.format == ASM_LOG_JOURNAL) {
                AsmLogSent sent;

                asm_log_append_journal(out, record);
                sent = asm_log_send_journal(&writer.journal_fd,
                                            ASM_LOG_JOURNAL_PATH,
                                            out->str,
                                            out->len);
                if (sent != ASM_LOG_NOT_SENT)
                        return sent == ASM_LOG_SENT;
                g_string_truncate(out, 0);
        }
        if (writer.format == ASM_LOG_JSON)
                asm_log_append_json(out, record);
        else
                asm_log_append_text(out, record);
        return asm_log_sink_write(writer.sink, out->str, out->len);
}

static void
count_lost(guint64 n)
{
        writer.stats.n_lost += n;
        writer.n_untold += n;
}

/* as soon as the way is free */
static void
tell_lost(void)
{
        g_autofree char *message = NULL;
        AsmLogRecord record = { .priority = PRIORITY_OF(ASM_LOG_WARNING),
                                .time_us = g_get_real_time(),
                                .domain = G_LOG_DOMAIN,
                                .event = ASM_LOG_EVENT_LINES_LOST };

        if (writer.n_untold == 0 || asm_log_sink_waiting(writer.sink) > 0)
                return;
        message =
                g_strdup_printf("%" G_GUINT64_FORMAT " lines of this log were lost: what reads it "
                                "did not keep up, or had no room",
                                writer.n_untold);
        record.message = message;
        if (put(&record))
                writer.n_untold = 0;
}

static void
write_record(const AsmLogRecord *record)
{
        count_lost(asm_log_sink_flush(writer.sink));
        tell_lost();
        if (put(record))
                writer.stats.n_lines++;
        else
                count_lost(1);
}

/* the reader reads again */
static void
on_sink_changed(gpointer user_data)
{
        g_mutex_lock(&writer.lock);
        count_lost(asm_log_sink_flush(writer.sink));
        tell_lost();
        g_mutex_unlock(&writer.lock);
}

/* --- what GLib calls ------------------------------------------------------------------------- */

/* G_MESSAGES_DEBUG asks for more than was configured, never for less */
static gboolean
is_wanted(GLogLevelFlags level, const char *domain)
{
        guint priority = asm_log_priority(level);

        return priority <= writer.max_priority || (priority > PRIORITY_OF(ASM_LOG_NOTICE) &&
                                                   !g_log_writer_default_would_drop(level, domain));
}

static GLogWriterOutput
write_log(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
        AsmLogRecord record;

        if ((level & writer.fatal) != 0)
                return g_log_writer_default(level, fields, n_fields, user_data);
        asm_log_record_init(&record, level, fields, n_fields, g_get_real_time());
        g_mutex_lock(&writer.lock);
        if (writer.sink != NULL && is_wanted(level, record.domain))
                write_record(&record);
        g_mutex_unlock(&writer.lock);
        return G_LOG_WRITER_HANDLED;
}

void
asm_log_start(int fd)
{
        writer.fd = fd;
        writer.sink = asm_log_sink_new(fd, on_sink_changed, NULL);
        /* there is no function that only asks */
        writer.fatal = g_log_set_always_fatal(G_LOG_FATAL_MASK);
        g_log_set_always_fatal(writer.fatal);
        g_log_set_writer_func(write_log, NULL, NULL);
        asm_log_set(ASM_LOG_AUTO, ASM_LOG_NOTICE);
}

void
asm_log_set(AsmLogFormat format, AsmLogLevel level)
{
        if (format == ASM_LOG_AUTO)
                format = asm_log_is_journal(writer.fd, g_getenv("JOURNAL_STREAM")) ? ASM_LOG_JOURNAL
                                                                                   : ASM_LOG_TEXT;
        g_mutex_lock(&writer.lock);
        writer.format = format;
        writer.max_priority = PRIORITY_OF(level);
        g_mutex_unlock(&writer.lock);
}

void
asm_log_end(void)
{
        g_mutex_lock(&writer.lock);
        count_lost(asm_log_sink_flush(writer.sink));
        tell_lost();
        g_clear_pointer(&writer.sink, asm_log_sink_free);
        if (writer.journal_fd >= 0)
                close(writer.journal_fd);
        writer.journal_fd = -1;
        g_mutex_unlock(&writer.lock);
}

void
asm_log_get_stats(AsmLogStats *ret_stats)
{
        g_mutex_lock(&writer.lock);
        *ret_stats = writer.stats;
        g_mutex_unlock(&writer.lock);
}

void
asm_log_full(const char *domain,
             GLogLevelFlags level,
             const AsmLogTags *tags,
             const char *format,
             ...)
{
        GLogField fields[4 + ASM_LOG_N_TAGS];
        g_autofree char *message = NULL;
        const char *values[ASM_LOG_N_TAGS] = { NULL };
        gsize n = 0;
        va_list args;

        if (writer.sink != NULL && !is_wanted(level, domain))
                return;
        va_start(args, format);
        message = g_strdup_vprintf(format, args);
        va_end(args);
        fields[n++] = (GLogField){ "MESSAGE", message, -1 };
        fields[n++] = (GLogField){ "GLIB_DOMAIN", domain, -1 };
        if (tags != NULL) {
                values[0] = tags->run;
                values[1] = tags->session;
                values[2] = tags->peer;
                values[3] = tags->provider;
                if (tags->event != ASM_LOG_EVENT_NONE)
                        fields[n++] = (GLogField){ ASM_LOG_EVENT_FIELD,
                                                   asm_log_event_name(tags->event),
                                                   -1 };
        }
        for (guint i = 0; i < ASM_LOG_N_TAGS; i++) {
                if (values[i] != NULL)
                        fields[n++] = (GLogField){ asm_log_tag_fields[i], values[i], -1 };
        }
        g_log_structured_array(level, fields, n);
}
