/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What tests do with whole terms: take one apart and build it again, compare two of them whose
 * encodings may differ, make up random ones.
 */

#include "term/builder.h"
#include "term/reader.h"

/* appends @view again, through the readers and the builder functions wherever there are any */
void sample_rebuild(AsmBuilder *builder, AsmView view);

/* equality as Erlang's =:=, whatever the encodings and the order of map keys */
gboolean sample_equal(AsmView a, AsmView b);

/* appends a random term nested at most @depth levels deep, in new and in old encodings */
void sample_append_random(AsmBuilder *builder, GRand *random, guint depth);
