/* SPDX-License-Identifier: MIT */

/*
 * From a port to a process, by way of the kernel's tables: /proc/net/tcp has the inode of the socket
 * that listens on the port, and the process is the one that has a descriptor for that inode.
 * Only processes of the same user can be looked into, unless this one is root's. /proc is
 * memory, so reading it does not block; and it is done once, by a daemon that cannot start.
 */

#include "holder-private.h"

#include <stdio.h>
#include <string.h>

/* of /proc/net/tcp: the state of a socket that listens */
#define STATE_LISTEN 0x0A

static gboolean
find_inode(const char *table, guint16 port, char **ret_inode)
{
        g_autofree char *content = NULL;
        g_auto(GStrv) lines = NULL;

        if (!g_file_get_contents(table, &content, NULL, NULL))
                return FALSE;
        lines = g_strsplit(content, "\n", -1);
        for (guint i = 1; lines[i] != NULL; i++) {
                char inode[32];
                guint local_port;
                guint state;

                if (sscanf(lines[i],
                           "%*u: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %31[0-9]",
                           &local_port,
                           &state,
                           inode) == 3 &&
                    local_port == port && state == STATE_LISTEN) {
                        *ret_inode = g_strdup(inode);
                        return TRUE;
                }
        }
        return FALSE;
}

static gboolean
has_descriptor(const char *pid, const char *wanted)
{
        g_autofree char *path = g_build_filename("/proc", pid, "fd", NULL);
        g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
        const char *name;

        while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
                g_autofree char *file = g_build_filename(path, name, NULL);
                g_autofree char *target = g_file_read_link(file, NULL);

                if (g_strcmp0(target, wanted) == 0)
                        return TRUE;
        }
        return FALSE;
}

static char *
describe_process(const char *pid)
{
        g_autofree char *path = g_build_filename("/proc", pid, "comm", NULL);
        g_autofree char *name = NULL;

        if (!g_file_get_contents(path, &name, NULL, NULL))
                return g_strdup_printf("process %s", pid);
        return g_strdup_printf("process %s (%s)", pid, g_strstrip(name));
}

char *
asm_holder_describe(guint16 port)
{
        g_autofree char *inode = NULL;
        g_autofree char *wanted = NULL;
        g_autoptr(GDir) processes = NULL;
        const char *pid;

        if (!find_inode("/proc/net/tcp", port, &inode) &&
            !find_inode("/proc/net/tcp6", port, &inode))
                return g_strdup("nobody");
        wanted = g_strdup_printf("socket:[%s]", inode);
        processes = g_dir_open("/proc", 0, NULL);
        while (processes != NULL && (pid = g_dir_read_name(processes)) != NULL) {
                if (g_ascii_isdigit(*pid) && has_descriptor(pid, wanted))
                        return describe_process(pid);
        }
        return g_strdup("a process of another user");
}
