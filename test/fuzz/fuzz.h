/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a fuzz target is: one function that gets bytes from outside and must survive them. Built
 * with -Dfuzzing=true libFuzzer calls it, else driver.c with each file of its corpus.
 */

#include "term/reader.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* takes @view apart with every reader there is, and its elements too; it must have been checked */
void asm_fuzz_walk(AsmView view);
/* the bytes of @view are one whole term and nothing else, or the process ends here */
void asm_fuzz_demand_term(AsmView view);
