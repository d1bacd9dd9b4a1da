/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a service manager (systemd) that has started this program passes to it and wants to hear. Without
 * one all of this does nothing.
 */

#include "base/timers.h"

typedef struct _AsmService AsmService;

/* descriptors that are taken at most */
#define ASM_SERVICE_FDS_MAX 16

/* @describe: appends one line that tells what the program does, called now and then */
typedef void (*AsmServiceDescribeFunc)(GString *out, gpointer user_data);

/**
 * asm_service_new: takes what the manager has passed out of the environment: children must not speak in
 * our name, nor take descriptors of theirs for sockets
 *
 * To be called before there are threads.
 */
AsmService *asm_service_new(void);
void asm_service_free(AsmService *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmService, asm_service_free)

/* (transfer full): listening sockets that have been passed; the second call returns none */
guint asm_service_take_fds(AsmService *service, int fds[ASM_SERVICE_FDS_MAX]);

/**
 * asm_service_begin: from now on the watchdog is served by the loop, and the status is told when it has
 * changed
 */
void asm_service_begin(AsmService *service,
                       AsmTimers *timers,
                       AsmServiceDescribeFunc describe,
                       gpointer user_data);
/* the opposite; what follows is told all the same, but not again if it cannot be told at once */
void asm_service_end(AsmService *service);
void asm_service_ready(AsmService *service);
/* asm_service_ready() ends it */
void asm_service_reloading(AsmService *service);
/* @max_ms: how long it may take */
void asm_service_stopping(AsmService *service, guint64 max_ms);
