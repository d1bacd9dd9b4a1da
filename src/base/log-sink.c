/* SPDX-License-Identifier: MIT */

/*
 * Writing to a standard error that somebody else gave us, without ever waiting for who reads it.
 *
 * O_NONBLOCK is a flag of the file description, which we share with the shell that started us: to set
 * it there would change that shell's terminal. So:
 *
 *     pipe, terminal   opened a second time by way of /proc, which makes a description of our own
 *     the same, when   poll() first, and then no more than a pipe takes whole
 *       that fails
 *     socket           send() with MSG_DONTWAIT
 *     anything else    write(): a file or /dev/null does not make one wait for a reader
 *
 * What is not taken waits here, up to ASM_LOG_BACKLOG_MAX, and a source of the main loop writes it
 * when the reader reads again; a line that does not fit is lost whole. A line of which a part has been
 * written is never given up in between, unless the way out breaks: then the next one begins on a line
 * of its own.
 *
 * Log lines come from GIO's threads as well: the caller (log.c) has a lock around all of this.
 */

#include "log-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum {
        WAY_PLAIN,
        WAY_NONBLOCK,
        WAY_POLL,
        WAY_SOCKET,
} Way;

struct _AsmLogSink {
        int fd;
        int own_fd; /* -1: @fd is the one that was given */
        Way way;
        GString *waiting;
        gsize sent;      /* bytes of waiting that are written already */
        gboolean is_cut; /* the last line was written in part only */
        GSource *source; /* while something waits */
        void (*changed)(gpointer user_data);
        gpointer user_data;
};

AsmLogSink *
asm_log_sink_new(int fd, void (*changed)(gpointer user_data), gpointer user_data)
{
        AsmLogSink *sink = g_new0(AsmLogSink, 1);
        g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
        struct stat status = { 0 };

        sink->fd = fd;
        sink->own_fd = -1;
        sink->waiting = g_string_new(NULL);
        sink->changed = changed;
        sink->user_data = user_data;
        if (fstat(fd, &status) != 0)
                return sink;
        if (S_ISSOCK(status.st_mode)) {
                sink->way = WAY_SOCKET;
        } else if (S_ISFIFO(status.st_mode) || isatty(fd)) {
                sink->own_fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
                sink->way = sink->own_fd >= 0 ? WAY_NONBLOCK : WAY_POLL;
                if (sink->own_fd >= 0)
                        sink->fd = sink->own_fd;
        }
        return sink;
}

static void
stop_waiting(AsmLogSink *sink)
{
        if (sink->source != NULL)
                g_source_destroy(sink->source);
        g_clear_pointer(&sink->source, g_source_unref);
}

void
asm_log_sink_free(AsmLogSink *sink)
{
        if (sink == NULL)
                return;
        stop_waiting(sink);
        if (sink->own_fd >= 0)
                close(sink->own_fd);
        g_string_free(sink->waiting, TRUE);
        g_free(sink);
}

gsize
asm_log_sink_waiting(const AsmLogSink *sink)
{
        return sink->waiting->len - sink->sent;
}

/* as write(2), with EAGAIN instead of waiting */
static gssize
write_now(AsmLogSink *sink, const char *data, gsize len)
{
        struct pollfd wanted = { .fd = sink->fd, .events = POLLOUT };

        switch (sink->way) {
        case WAY_SOCKET:
                return send(sink->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        case WAY_POLL:
                if (poll(&wanted, 1, 0) <= 0) {
                        errno = EAGAIN;
                        return -1;
                }
                return write(sink->fd, data, MIN(len, PIPE_BUF));
        case WAY_PLAIN:
        case WAY_NONBLOCK:
                return write(sink->fd, data, len);
        }
        return -1;
}

/* FALSE: the way out is broken; @ret_n: what was written */
static gboolean
write_some(AsmLogSink *sink, const char *data, gsize len, gsize *ret_n)
{
        gsize n = 0;

        while (n < len) {
                gssize written = write_now(sink, data + n, len - n);

                if (written > 0)
                        n += (gsize)written;
                else if (written == 0 || errno != EINTR)
                        break;
        }
        *ret_n = n;
        return n == len || errno == EAGAIN || errno == EWOULDBLOCK;
}

static gboolean
on_writable(gint fd, GIOCondition condition, gpointer user_data)
{
        AsmLogSink *sink = user_data;

        sink->changed(sink->user_data);
        return G_SOURCE_CONTINUE;
}

static void
wait_for_reader(AsmLogSink *sink)
{
        if (sink->source != NULL)
                return;
        sink->source = g_unix_fd_source_new(sink->fd, G_IO_OUT);
        g_source_set_callback(sink->source, G_SOURCE_FUNC(on_writable), sink, NULL);
        g_source_attach(sink->source, NULL);
}

static guint
count_lines(const char *data, gsize len)
{
        guint n = 0;

        for (gsize i = 0; i < len; i++)
                n += data[i] == '\n' ? 1 : 0;
        return n;
}

guint
asm_log_sink_flush(AsmLogSink *sink)
{
        const char *data = sink->waiting->str + sink->sent;
        gsize len = asm_log_sink_waiting(sink);
        guint n_lost = 0;
        gsize n;

        if (len == 0)
                return 0;
        if (write_some(sink, data, len, &n)) {
                sink->sent += n;
        } else {
                n_lost = count_lines(data + n, len - n);
                sink->is_cut = n > 0 ? data[n - 1] != '\n' : sink->sent > 0 && data[-1] != '\n';
                sink->sent = sink->waiting->len;
        }
        if (asm_log_sink_waiting(sink) == 0) {
                g_string_set_size(sink->waiting, 0);
                sink->sent = 0;
                stop_waiting(sink);
        } else if (sink->sent > ASM_LOG_BACKLOG_MAX / 2) {
                g_string_erase(sink->waiting, 0, (gssize)sink->sent);
                sink->sent = 0;
        }
        return n_lost;
}

gboolean
asm_log_sink_write(AsmLogSink *sink, const char *line, gsize len)
{
        gboolean is_whole;
        gsize n = 0;

        if (asm_log_sink_waiting(sink) + len > ASM_LOG_BACKLOG_MAX)
                return FALSE;
        if (asm_log_sink_waiting(sink) == 0) {
                if (sink->is_cut && write_some(sink, "\n", 1, &n) && n == 1)
                        sink->is_cut = FALSE;
                is_whole = write_some(sink, line, len, &n);
                if (!is_whole) {
                        sink->is_cut |= n > 0;
                        return FALSE;
                }
                if (n == len)
                        return TRUE;
        }
        g_string_append_len(sink->waiting, line + n, (gssize)(len - n));
        wait_for_reader(sink);
        return TRUE;
}
