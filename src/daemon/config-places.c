/* SPDX-License-Identifier: MIT */

/*
 * Where configuration files are, and getting their bytes. The system's file comes first and is the
 * weakest, then the folders of the XDG Base Directory Specification, of which it says that an earlier
 * one is the more important, then the user's own. A program without HOME and XDG_CONFIG_HOME has no
 * user's place: so a daemon that systemd runs as root has the system's file alone.
 *
 * A file that nobody named must belong to root or to who reads it, and not everybody may write to it:
 * it names programs that the daemon starts. One that was named is taken as it is, but for its size.
 */

#include "config-private.h"
#include "config-scan-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "asmd/asmd.conf"

/* relative folders are to be ignored, says the specification */
static void
add_place(GPtrArray *places, const char *folder, const char *rest)
{
        if (folder != NULL && g_path_is_absolute(folder))
                g_ptr_array_add(places, g_build_filename(folder, rest, NULL));
}

GPtrArray *
asm_config_places(char **environment, const char *system_file)
{
        GPtrArray *places = g_ptr_array_new_with_free_func(g_free);
        const char *dirs = g_environ_getenv(environment, "XDG_CONFIG_DIRS");
        const char *home = g_environ_getenv(environment, "XDG_CONFIG_HOME");
        g_auto(GStrv) folders =
                g_strsplit(dirs != NULL && *dirs != '\0' ? dirs : "/etc/xdg", ":", -1);

        g_ptr_array_add(places, g_strdup(system_file));
        for (guint i = g_strv_length(folders); i > 0; i--)
                add_place(places, folders[i - 1], NAME);
        if (home != NULL && *home != '\0')
                add_place(places, home, NAME);
        else
                add_place(places, g_environ_getenv(environment, "HOME"), ".config/" NAME);
        return places;
}

static AsmConfigFileState
bad(const AsmConfigFile *file, AsmConfigReport *report, const char *what)
{
        asm_config_mistake(report, NULL, "%s: %s", file->path, what);
        return ASM_CONFIG_FILE_BAD;
}

static AsmConfigFileState
not_opened(const AsmConfigFile *file, AsmConfigReport *report)
{
        if (file->is_searched && (errno == ENOENT || errno == ENOTDIR))
                return ASM_CONFIG_FILE_NONE;
        if (file->is_searched && file->is_client && errno == EACCES)
                return ASM_CONFIG_FILE_NONE;
        return bad(file, report, g_strerror(errno));
}

static AsmConfigFileState
check_file(const AsmConfigFile *file, const struct stat *info, AsmConfigReport *report)
{
        if (S_ISDIR(info->st_mode))
                return bad(file, report, "is a folder, expected a file");
        if (file->is_searched && info->st_uid != 0 && info->st_uid != geteuid())
                return bad(file,
                           report,
                           "belongs to another user: chown it, or name it with --config");
        if (file->is_searched && (info->st_mode & S_IWOTH) != 0)
                return bad(file, report, "everybody may write to it: chmod o-w it");
        return ASM_CONFIG_FILE_READ;
}

/* FALSE: errno says why */
static gboolean
read_all(int fd, GString *text)
{
        char chunk[16384];
        ssize_t n;

        while (text->len <= ASM_CONFIG_SIZE_MAX && (n = read(fd, chunk, sizeof chunk)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return FALSE;
                g_string_append_len(text, chunk, n);
        }
        return TRUE;
}

AsmConfigFileState
asm_config_file_read(const AsmConfigFile *file,
                     AsmConfigReport *report,
                     GString **ret_text,
                     guint *ret_mode)
{
        /* a pipe that nobody writes to must not hold up a daemon */
        int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        g_autoptr(GString) text = g_string_new(NULL);
        AsmConfigFileState state;
        struct stat info;

        if (fd < 0)
                return not_opened(file, report);
        if (fstat(fd, &info) < 0)
                state = bad(file, report, g_strerror(errno));
        else
                state = check_file(file, &info, report);
        if (state == ASM_CONFIG_FILE_READ && !read_all(fd, text))
                state = bad(file, report, g_strerror(errno));
        if (state == ASM_CONFIG_FILE_READ && text->len > ASM_CONFIG_SIZE_MAX)
                state = bad(file, report, "is longer than 1 MiB, which no configuration is");
        close(fd);
        if (state == ASM_CONFIG_FILE_READ) {
                *ret_text = g_steal_pointer(&text);
                *ret_mode = info.st_mode & 07777;
        }
        return state;
}
