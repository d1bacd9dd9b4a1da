/* SPDX-License-Identifier: MIT */

/*
 * The journal's own protocol: one datagram per record (systemd's "Native Journal Protocol"). It is
 * spoken here, for sd_journal_sendv() and GLib's g_log_writer_journald() wait when the journal is
 * behind. The socket belongs to systemd and outlives a restart of journald, with what is in it.
 */

#include "log-private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

gboolean
asm_log_is_journal(int fd, const char *journal_stream)
{
        g_autofree char *ours = NULL;
        struct stat status;

        if (journal_stream == NULL || fstat(fd, &status) != 0)
                return FALSE;
        ours = g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                               (guint64)status.st_dev,
                               (guint64)status.st_ino);
        return strcmp(ours, journal_stream) == 0;
}

AsmLogSent
asm_log_send_journal(int *ret_fd, const char *path, const char *datagram, gsize len)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        gssize n;

        if (*ret_fd < 0)
                *ret_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (*ret_fd < 0 ||
            g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
                return ASM_LOG_NOT_SENT;
        do
                n = sendto(*ret_fd,
                           datagram,
                           len,
                           MSG_NOSIGNAL,
                           (const struct sockaddr *)&address,
                           sizeof address);
        while (n < 0 && errno == EINTR);
        if (n >= 0)
                return ASM_LOG_SENT;
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == EMSGSIZE
                       ? ASM_LOG_LOST
                       : ASM_LOG_NOT_SENT;
}
