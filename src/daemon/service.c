/* SPDX-License-Identifier: MIT */

/*
 * The side of a service in sd_notify(3) and sd_listen_fds(3).
 *
 *     READY=1                       peers are accepted: the name is registered with epmd
 *     RELOADING=1 .. READY=1        while the configuration is read again
 *     STOPPING=1                    with the time that it may take, which is ours to configure
 *     STATUS=3 sessions, 1 runs ..  when it has changed, looked at every STATUS_MS
 *     WATCHDOG=1                    from the loop, at half the interval: a loop that is stuck is silent
 *
 * Each is one datagram of lines. libsystemd is not used: the protocol is as stable as its functions,
 * and those wait when the manager is behind, which the loop must not. What cannot be sent is kept and
 * sent later, except for what a newer one replaces.
 */

#include "service-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STATUS_MS 2000
#define RETRY_MS  50
/* READY, RELOADING, STOPPING: there are no more kinds to keep, but a reload can be asked for again */
#define KEPT_MAX 16
/* SD_LISTEN_FDS_START */
#define FIRST_FD 3

struct _AsmService {
        int fd; /* -1: nobody wants to hear */
        struct sockaddr_un address;
        socklen_t address_len;
        guint64 watchdog_us; /* 0: none */
        int fds[ASM_SERVICE_FDS_MAX];
        guint n_fds;
        GQueue kept; /* owned texts */
        gboolean has_begun;
        gboolean is_ready;
        AsmTimer retry;
        AsmTimer watchdog;
        AsmTimer status;
        char *told; /* the status */
        AsmServiceDescribeFunc describe;
        gpointer user_data;
};

/* --- what is passed -------------------------------------------------------------------------- */

/* (transfer full) (nullable) */
static char *
take_variable(const char *name)
{
        char *value = g_strdup(g_getenv(name));

        g_unsetenv(name);
        return value;
}

/* 0: not there, or no number */
static guint64
take_number(const char *name)
{
        g_autofree char *text = take_variable(name);
        guint64 number = 0;

        if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &number, NULL))
                return 0;
        return number;
}

static void
take_socket(AsmService *service)
{
        g_autofree char *path = take_variable("NOTIFY_SOCKET");
        struct sockaddr_un *address = &service->address;
        gsize len;

        /* a path, or with an @ a name in the abstract namespace */
        if (path == NULL || (path[0] != '/' && path[0] != '@'))
                return;
        len = strlen(path);
        if (len < 2 || len >= sizeof address->sun_path)
                return;
        address->sun_family = AF_UNIX;
        memcpy(address->sun_path, path, len);
        if (path[0] == '@')
                address->sun_path[0] = '\0';
        service->address_len = (socklen_t)(G_STRUCT_OFFSET(struct sockaddr_un, sun_path) + len);
        service->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static void
take_fds(AsmService *service)
{
        guint64 pid = take_number("LISTEN_PID");
        guint64 n = take_number("LISTEN_FDS");

        g_unsetenv("LISTEN_FDNAMES");
        if (pid != (guint64)getpid())
                return;
        for (guint i = 0; i < n && i < ASM_SERVICE_FDS_MAX; i++) {
                int fd = FIRST_FD + (int)i;

                if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
                        service->fds[service->n_fds++] = fd;
        }
}

AsmService *
asm_service_new(void)
{
        AsmService *service = g_new0(AsmService, 1);
        guint64 pid = take_number("WATCHDOG_PID");

        service->fd = -1;
        service->watchdog_us = take_number("WATCHDOG_USEC");
        if (pid != 0 && pid != (guint64)getpid())
                service->watchdog_us = 0;
        take_socket(service);
        take_fds(service);
        return service;
}

guint
asm_service_take_fds(AsmService *service, int fds[ASM_SERVICE_FDS_MAX])
{
        guint n = service->n_fds;

        memcpy(fds, service->fds, n * sizeof *fds);
        service->n_fds = 0;
        return n;
}

void
asm_service_free(AsmService *service)
{
        if (service == NULL)
                return;
        asm_service_end(service);
        for (guint i = 0; i < service->n_fds; i++)
                close(service->fds[i]);
        if (service->fd >= 0)
                close(service->fd);
        g_queue_clear_full(&service->kept, g_free);
        g_free(service->told);
        g_free(service);
}

/* --- what is told ---------------------------------------------------------------------------- */

/* FALSE: the manager is behind */
static gboolean
send_text(AsmService *service, const char *text)
{
        gssize n;

        do
                n = sendto(service->fd,
                           text,
                           strlen(text),
                           MSG_NOSIGNAL,
                           (const struct sockaddr *)&service->address,
                           service->address_len);
        while (n < 0 && errno == EINTR);
        return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS);
}

static void
send_kept(AsmService *service)
{
        while (service->kept.length > 0 && send_text(service, service->kept.head->data))
                g_free(g_queue_pop_head(&service->kept));
        if (service->kept.length > 0 && service->has_begun)
                asm_timer_arm(&service->retry, RETRY_MS);
}

static void
on_retry(AsmTimer *timer, gpointer user_data)
{
        send_kept(user_data);
}

/* @text: (transfer full): must arrive, in order */
static void
tell(AsmService *service, char *text)
{
        if (service->fd < 0 || service->kept.length >= KEPT_MAX) {
                g_free(text);
                return;
        }
        g_queue_push_tail(&service->kept, text);
        send_kept(service);
}

static void
on_watchdog(AsmTimer *timer, gpointer user_data)
{
        AsmService *service = user_data;

        /* one that cannot be sent is followed by others, in time: two fit into the interval */
        if (service->kept.length == 0)
                send_text(service, "WATCHDOG=1");
        asm_timer_arm(timer, (gint64)MAX(service->watchdog_us / 2000, 1));
}

static void
tell_status(AsmService *service)
{
        g_autoptr(GString) text = g_string_new("STATUS=");

        service->describe(text, service->user_data);
        if (g_strcmp0(text->str, service->told) == 0 || service->kept.length > 0 ||
            !send_text(service, text->str))
                return;
        g_free(service->told);
        service->told = g_strdup(text->str);
}

static void
on_status(AsmTimer *timer, gpointer user_data)
{
        tell_status(user_data);
        asm_timer_arm(timer, STATUS_MS);
}

void
asm_service_begin(AsmService *service,
                  AsmTimers *timers,
                  AsmServiceDescribeFunc describe,
                  gpointer user_data)
{
        if (service->fd < 0)
                return;
        service->has_begun = TRUE;
        service->describe = describe;
        service->user_data = user_data;
        asm_timer_init(&service->retry, timers, on_retry, service);
        asm_timer_init(&service->status, timers, on_status, service);
        asm_timer_init(&service->watchdog, timers, on_watchdog, service);
        if (service->watchdog_us > 0)
                asm_timer_arm(&service->watchdog, 0);
}

void
asm_service_end(AsmService *service)
{
        service->has_begun = FALSE;
        asm_timer_disarm(&service->retry);
        asm_timer_disarm(&service->status);
        asm_timer_disarm(&service->watchdog);
}

void
asm_service_ready(AsmService *service)
{
        tell(service, g_strdup("READY=1"));
        if (service->has_begun && !service->is_ready)
                asm_timer_arm(&service->status, 0);
        service->is_ready = TRUE;
}

void
asm_service_reloading(AsmService *service)
{
        /* CLOCK_MONOTONIC, as the manager compares it with its own */
        tell(service,
             g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
                             g_get_monotonic_time()));
}

void
asm_service_stopping(AsmService *service, guint64 max_ms)
{
        tell(service,
             g_strdup_printf("STOPPING=1\nEXTEND_TIMEOUT_USEC=%" G_GUINT64_FORMAT, max_ms * 1000));
}
