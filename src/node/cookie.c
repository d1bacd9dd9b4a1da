/* SPDX-License-Identifier: MIT */

/*
 * Cookies. The default one comes from a file that only its owner may read, as erl demands
 * (OTP's auth module); a file that others can read is refused rather than trusted. A peer may
 * have a cookie of its own: the first one stays for the life of the daemon, so that nobody can
 * re-key a peer that others already talk to.
 *
 * No function here puts a cookie into a message.
 */

#include "node/cookie.h"

#include "node/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* letters in a cookie that we make: as many as erl takes */
#define MADE_COOKIE_LENGTH 20

struct _AsmCookies {
        char *fallback;
        GHashTable *by_peer;
};

static gboolean
cookie_error(GError **error, const char *path, const char *what)
{
        g_set_error(error,
                    ASM_NODE_ERROR,
                    ASM_NODE_ERROR_COOKIE_FILE,
                    "cookie file '%s' %s",
                    path,
                    what);
        return FALSE;
}

static gboolean
make_cookie_file(const char *path, GError **error)
{
        guint8 noise[MADE_COOKIE_LENGTH];
        char cookie[MADE_COOKIE_LENGTH];
        gboolean written;
        int fd;

        if (getrandom(noise, sizeof noise, 0) != (ssize_t)sizeof noise)
                return cookie_error(error, path, "cannot be made: no random numbers");
        for (gsize i = 0; i < sizeof noise; i++)
                cookie[i] = (char)('A' + noise[i] % 26);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
        if (fd < 0)
                return cookie_error(error, path, g_strerror(errno));
        written = write(fd, cookie, sizeof cookie) == (ssize_t)sizeof cookie;
        explicit_bzero(cookie, sizeof cookie);
        close(fd);
        return written || cookie_error(error, path, "cannot be written");
}

static gboolean
check_owner_and_mode(int fd, const char *path, GError **error)
{
        struct stat info;

        if (fstat(fd, &info) < 0)
                return cookie_error(error, path, g_strerror(errno));
        if (!S_ISREG(info.st_mode))
                return cookie_error(error, path, "is not a regular file");
        if (info.st_uid != geteuid())
                return cookie_error(error, path, "belongs to another user");
        if ((info.st_mode & 077) != 0)
                return cookie_error(error,
                                    path,
                                    "must be accessible by its owner only: chmod 400 it");
        return TRUE;
}

/* the text of an Erlang cookie file is one line; white space around it does not count */
static char *
check_content(char *content, const char *path, GError **error)
{
        g_strstrip(content);
        for (const char *c = content; *c != '\0'; c++) {
                if (!g_ascii_isprint(*c) || g_ascii_isspace(*c)) {
                        cookie_error(error, path, "holds something that is no cookie");
                        return NULL;
                }
        }
        if (*content == '\0') {
                cookie_error(error, path, "is empty");
                return NULL;
        }
        if (strlen(content) > ASM_COOKIE_MAX) {
                cookie_error(error, path, "holds more than 255 characters");
                return NULL;
        }
        return g_strdup(content);
}

char *
asm_cookie_load(const char *path, GError **error)
{
        g_autofree char *default_path = NULL;
        char content[1024];
        char *cookie = NULL;
        ssize_t n;
        int fd;

        if (path == NULL) {
                default_path = g_build_filename(g_get_home_dir(), ".erlang.cookie", NULL);
                path = default_path;
        }
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 && errno == ENOENT && default_path != NULL) {
                if (!make_cookie_file(path, error))
                        return NULL;
                fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        }
        if (fd < 0) {
                cookie_error(error, path, g_strerror(errno));
                return NULL;
        }
        if (check_owner_and_mode(fd, path, error)) {
                n = read(fd, content, sizeof content - 1);
                if (n < 0) {
                        cookie_error(error, path, g_strerror(errno));
                } else if (memchr(content, '\0', (gsize)n) != NULL) {
                        cookie_error(error, path, "holds something that is no cookie");
                } else {
                        content[n] = '\0';
                        cookie = check_content(content, path, error);
                }
                explicit_bzero(content, sizeof content);
        }
        close(fd);
        return cookie;
}

static void
free_secret(gpointer data)
{
        char *secret = data;

        if (secret == NULL)
                return;
        explicit_bzero(secret, strlen(secret));
        g_free(secret);
}

AsmCookies *
asm_cookies_new(const char *default_cookie)
{
        AsmCookies *cookies = g_new0(AsmCookies, 1);

        cookies->fallback = g_strdup(default_cookie);
        cookies->by_peer = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_secret);
        return cookies;
}

void
asm_cookies_free(AsmCookies *cookies)
{
        if (cookies == NULL)
                return;
        free_secret(cookies->fallback);
        g_hash_table_unref(cookies->by_peer);
        g_free(cookies);
}

gboolean
asm_cookies_set(AsmCookies *cookies, const char *peer, const char *cookie, GError **error)
{
        const char *known = g_hash_table_lookup(cookies->by_peer, peer);

        if (known == NULL) {
                g_hash_table_insert(cookies->by_peer, g_strdup(peer), g_strdup(cookie));
                return TRUE;
        }
        if (strcmp(known, cookie) == 0)
                return TRUE;
        g_set_error(error,
                    ASM_NODE_ERROR,
                    ASM_NODE_ERROR_COOKIE_CONFLICT,
                    "another cookie is in use for '%s' already; the first one stays until the "
                    "daemon is restarted",
                    peer);
        return FALSE;
}

const char *
asm_cookies_get(AsmCookies *cookies, const char *peer)
{
        const char *own = g_hash_table_lookup(cookies->by_peer, peer);

        return own != NULL ? own : cookies->fallback;
}
