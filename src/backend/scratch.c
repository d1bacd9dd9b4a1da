/* SPDX-License-Identifier: MIT */

/*
 * Some CLIs take a part of their input from a file only. What is in it came with a request and is
 * nobody else's business, so the file has mode 0600 from its first moment and a name that nobody
 * can guess, and it is removed with the command that it was written for.
 *
 * All paths that are in use are known here as well: when the program ends no main loop is left
 * that would see the last CLIs out, and their files go with one call.
 */

#include "backend/scratch-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static GHashTable *living; /* paths, NULL while there are none */

static gboolean
write_all(int fd, const char *text)
{
        gsize left = strlen(text);

        while (left > 0) {
                ssize_t n = write(fd, text, left);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return FALSE;
                text += n;
                left -= (gsize)n;
        }
        return TRUE;
}

char *
asm_scratch_new(const char *text, GError **error)
{
        const char *runtime = g_getenv("XDG_RUNTIME_DIR");
        const char *dir = runtime != NULL && g_path_is_absolute(runtime) &&
                                          g_file_test(runtime, G_FILE_TEST_IS_DIR)
                                  ? runtime
                                  : g_get_tmp_dir();
        g_autofree char *path = g_build_filename(dir, "asmd-XXXXXX", NULL);
        int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
        gboolean is_written = fd >= 0 && write_all(fd, text);
        int saved = errno;

        if (fd >= 0 && close(fd) != 0 && is_written) {
                is_written = FALSE;
                saved = errno;
        }
        if (!is_written) {
                g_set_error(error,
                            G_FILE_ERROR,
                            g_file_error_from_errno(saved),
                            "cannot write a temporary file in '%s': %s",
                            dir,
                            g_strerror(saved));
                if (fd >= 0)
                        g_unlink(path);
                return NULL;
        }
        if (living == NULL)
                living = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_hash_table_add(living, g_strdup(path));
        return g_steal_pointer(&path);
}

void
asm_scratch_free(char *path)
{
        if (path == NULL)
                return;
        if (living != NULL && g_hash_table_remove(living, path))
                g_unlink(path);
        if (living != NULL && g_hash_table_size(living) == 0)
                g_clear_pointer(&living, g_hash_table_unref);
        g_free(path);
}

void
asm_scratch_remove_all(void)
{
        GHashTableIter iter;
        gpointer path;

        if (living == NULL)
                return;
        g_hash_table_iter_init(&iter, living);
        while (g_hash_table_iter_next(&iter, &path, NULL))
                g_unlink(path);
        g_clear_pointer(&living, g_hash_table_unref);
}
