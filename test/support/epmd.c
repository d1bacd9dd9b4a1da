/* SPDX-License-Identifier: MIT */

/*
 * A private epmd: tests neither see nor disturb the machine's own one, and any number of them run
 * at the same time. It dies with the test, however the test ends.
 */

#include "epmd.h"

#include <arpa/inet.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "dist/epmd.h"
#include "raw-peer.h"

guint16
test_free_port(void)
{
        struct sockaddr_in address = { .sin_family = AF_INET };
        socklen_t len = sizeof address;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &len) < 0)
                g_error("no free port: %s", g_strerror(errno));
        close(fd);
        return ntohs(address.sin_port);
}

static void
die_with_parent(gpointer user_data)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void
test_epmd_start(TestEpmd *epmd)
{
        g_autoptr(GSubprocessLauncher) launcher = NULL;
        g_autoptr(GError) error = NULL;
        g_autofree char *port = g_strdup_printf("%u", epmd->port);

        launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE |
                                             G_SUBPROCESS_FLAGS_STDERR_SILENCE);
        g_subprocess_launcher_set_child_setup(launcher, die_with_parent, NULL, NULL);
        epmd->process = g_subprocess_launcher_spawn(launcher,
                                                    &error,
                                                    "epmd",
                                                    "-address",
                                                    "127.0.0.1",
                                                    "-port",
                                                    port,
                                                    NULL);
        if (epmd->process == NULL)
                g_error("epmd: %s", error->message);
        for (guint i = 0; i < 2000; i++) {
                int fd = test_connect(epmd->port);

                if (fd >= 0) {
                        close(fd);
                        return;
                }
                g_usleep(2000);
        }
        g_error("epmd does not come up on port %u", epmd->port);
}

TestEpmd *
test_epmd_new(void)
{
        TestEpmd *epmd = g_new0(TestEpmd, 1);

        epmd->port = test_free_port();
        test_epmd_start(epmd);
        return epmd;
}

void
test_epmd_kill(TestEpmd *epmd)
{
        if (epmd->process == NULL)
                return;
        g_subprocess_force_exit(epmd->process);
        g_subprocess_wait(epmd->process, NULL, NULL);
        g_clear_object(&epmd->process);
}

void
test_epmd_free(TestEpmd *epmd)
{
        if (epmd == NULL)
                return;
        test_epmd_kill(epmd);
        g_free(epmd);
}

guint16
test_epmd_find(TestEpmd *epmd, const char *alive)
{
        g_auto(AsmBuilder) request = ASM_BUILDER_INIT;
        g_autoptr(GByteArray) answer = g_byte_array_new();
        guint16 port = 0;
        guint16 lowest;
        guint16 highest;
        int fd = test_connect(epmd->port);

        if (fd < 0)
                return 0;
        asm_epmd_encode_lookup(&request, alive);
        test_send(fd, request.data, request.len);
        while (asm_epmd_decode_lookup(answer->data, answer->len, &port, &lowest, &highest) ==
               ASM_EPMD_MORE) {
                guint8 byte;
                if (!test_receive(fd, &byte, 1))
                        break;
                g_byte_array_append(answer, &byte, 1);
        }
        close(fd);
        return port;
}

int
test_epmd_register(TestEpmd *epmd, const char *alive, guint16 port)
{
        g_auto(AsmBuilder) request = ASM_BUILDER_INIT;
        guint8 answer[6];
        int fd = test_connect(epmd->port);

        asm_epmd_encode_register(&request, alive, port);
        test_send(fd, request.data, request.len);
        if (!test_receive(fd, answer, sizeof answer) || answer[1] != 0)
                g_error("epmd does not register '%s'", alive);
        return fd;
}
