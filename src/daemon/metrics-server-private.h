/* SPDX-License-Identifier: MIT */
#pragma once

/* metrics-place.c: what [metrics] in the configuration means. */

#include "daemon/config.h"

#include <gio/gio.h>

/* (transfer full) (nullable): NULL for what is no ADDRESS:PORT */
GInetSocketAddress *asm_metrics_place_parse(const char *place);
/* (transfer full) (nullable): why the endpoint cannot be had; NULL: it can, or is not asked for */
char *asm_metrics_place_problem(const AsmConfig *config);
