/* SPDX-License-Identifier: MIT */
#pragma once

/* The state of the history, for history.c and for what is told of it (history-info.c). */

#include "run/history.h"

typedef struct {
        AsmTerm *message; /* owned */
        gint64 sequence;
} AsmKept;

struct _AsmRecord {
        AsmHistory *history;
        char *run_id;
        char *session_id;
        const char *provider;
        AsmRecord *same; /* an older one with this run id; NULL: none */
        GList by_age;    /* in the active or the finished ones */
        GList by_turn;   /* in those that can be cut: active and with events */
        GArray *events;  /* of AsmKept; the first @head places are empty; NULL: none yet */
        guint head;
        guint64 end;
        gsize bytes;          /* of the record, its events and its result */
        gint64 last_sequence; /* of the newest event */
        gint64 cut_sequence;  /* of the newest that is not kept any more */
        AsmTerm *result;      /* nullable */
        AsmRunStatus status;
        gint64 started_us;      /* monotonic; 0: it waits */
        gint64 started_wall_us; /* wall clock */
        gint64 duration_ms;     /* of a finished run */
        gboolean is_finished;
};

/* ids of which it is known that they were forgotten */
#define ASM_HISTORY_FORGOTTEN_MAX 1024

struct _AsmHistory {
        AsmHistoryLimits limits;
        AsmHistoryStats stats;
        GHashTable *by_id;                          /* run id -> newest AsmRecord of it */
        GQueue active;                              /* oldest first */
        GQueue finished;                            /* the one that ended first first */
        GQueue cuttable;                            /* the one whose turn it is first */
        guint forgotten[ASM_HISTORY_FORGOTTEN_MAX]; /* hashes of ids, a ring */
        guint64 n_forgotten;
};

static inline const AsmKept *
asm_record_kept(const AsmRecord *record, guint index)
{
        return &g_array_index(record->events, AsmKept, record->head + index);
}

static inline guint
asm_record_n_kept(const AsmRecord *record)
{
        return record->events != NULL ? record->events->len - record->head : 0;
}
