/* SPDX-License-Identifier: MIT */
#pragma once

/* A local backend with a script for its CLI, and what it has told so far. */

#include "backend/backend.h"
#include "cli-script.h"

typedef struct _CliRun CliRun;

struct _CliRun {
        CliDir dir;
        const AsmBackendClass *klass; /* of a local backend; a test may choose another */
        AsmBackendSpec spec;
        AsmBuilder options;
        AsmBackend *backend; /* NULL once closed */
        guint n_started;
        guint n_ended;
        AsmFailure *failure;
        GString *kinds;  /* of the events, separated by blanks */
        GString *errors; /* messages of the error events */
        guint n_events;
        gint64 text_len;               /* bytes of assistant messages */
        void (*on_event)(CliRun *run); /* nullable */
        void (*on_end)(CliRun *run);   /* nullable: ended or failed */
};

/* the CLI is a codex that runs @body; the test then changes @spec as it likes */
void cli_run_init(CliRun *run, const char *body);
void cli_run_start(CliRun *run);
/* closes it if it was not, and waits until no child is left */
void cli_run_clear(CliRun *run);
void cli_run_close(CliRun *run);

/* one iteration of the main loop, which does not wait longer than some milliseconds */
void cli_iterate(void);
/* until it has ended or failed */
void cli_run_finish(CliRun *run);
/* (transfer full): until the script has written a line into @name */
char *cli_run_await(CliRun *run, const char *name);
/* until there are so many events */
void cli_run_await_events(CliRun *run, guint n);

/* whether a process runs; a zombie does not */
gboolean cli_is_running(const char *pid);
void cli_await_gone(const char *pid);
guint cli_count_fds(void);

/* lines as codex prints them */
#define CLI_MESSAGE(text)                                                                          \
        "{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"" text "\"}" \
        "}"
#define CLI_RESULT "{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":1}}"
