/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the daemon counts, as the term that metrics/0 answers with and as the text that Prometheus reads:
 *
 *     [#{name => Name, type => counter | gauge | histogram, help => Text,
 *        samples => [#{name => Name, labels => #{Label => Value}, value => Number}]}]
 */

#include "api/api.h"

/* appends the list */
void asm_builder_metrics(AsmBuilder *builder, AsmApi *api);

/**
 * asm_metrics_to_text: the exposition format of Prometheus, version 0.0.4
 * @metrics: such a list, perhaps of another node: what has no form is left out
 *
 * Returns: (transfer full)
 */
char *asm_metrics_to_text(AsmView metrics);
#define ASM_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
