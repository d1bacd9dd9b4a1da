/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The endpoint where Prometheus fetches the metrics. Apart from the daemon, for the sake of programs that
 * have a daemon inside and no use for HTTP.
 */

#include "daemon/daemon.h"

typedef struct _AsmMetricsServer AsmMetricsServer;

/* connections at a time; more are closed at once */
#define ASM_METRICS_CONNECTIONS_MAX 16

/**
 * asm_metrics_server_new: answers from now on
 * @place: AsmConfig.metrics_listen after asm_config_finish()
 * @daemon: borrowed, outlives it
 *
 * Errors: ASM_CONFIG_ERROR_VALUE: nobody can listen there
 */
AsmMetricsServer *asm_metrics_server_new(const char *place, AsmDaemon *daemon, GError **error);
void asm_metrics_server_free(AsmMetricsServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmMetricsServer, asm_metrics_server_free)
