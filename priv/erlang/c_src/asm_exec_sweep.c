/* SPDX-License-Identifier: MIT */
/*
 * How both faces of asm_exec reach what a command has left behind. They are subreapers: a process that
 * loses its parent anywhere below becomes their child, whatever session or group it has gone to, and
 * the kernel lists the children of a process. Without that list (a kernel without
 * CONFIG_PROC_CHILDREN, no /proc) only the group of the command is reached, by its number.
 */

#include "asm_exec.h"

#include <stdio.h>
#include <sys/signalfd.h>

int
open_signals(void)
{
        sigset_t set;

        signal(SIGPIPE, SIG_IGN);
        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        sigprocmask(SIG_SETMASK, &set, NULL);
        return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void
signal_children(int signo)
{
        FILE *list = fopen("/proc/thread-self/children", "re");
        long pid;

        if (!list)
                return;
        while (fscanf(list, "%ld", &pid) == 1) {
                if (pid > 1)
                        kill((pid_t)pid, signo);
        }
        fclose(list);
}
