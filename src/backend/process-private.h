/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A child process that speaks lines: what the kinds of local backend have in common. It is started
 * in a group of its own, its stdout is cut into lines, its stdin is a queue, and when it is over
 * nothing of its group is left. What the lines mean is its user's.
 *
 * A user's struct begins with an AsmProcess and lives as long: owner and main loop have a reference each,
 * and a callback may close the process that it comes from.
 */

#include "backend/line-private.h"
#include "backend/spawn-private.h"

typedef struct _AsmProcess AsmProcess;

/**
 * AsmProcessClass: called from the main loop only, and not after asm_process_close()
 * @running: exec went well
 * @failed: there is no process: @stage ended with the errno @error; nothing follows
 * @line: of stdout, without its newline; borrowed
 * @line_too_long: in place of a line over the limit, whose bytes are skipped
 * @errors: a piece of stderr; borrowed
 * @exited: with all of its output told; @code is -1 if it was the signal @signo; nothing follows
 * @clear: frees what the user's struct holds; never NULL
 */
typedef struct {
        void (*running)(AsmProcess *process);
        void (*failed)(AsmProcess *process, AsmSpawnStage stage, int error);
        void (*line)(AsmProcess *process, const char *line, gsize len);
        void (*line_too_long)(AsmProcess *process);
        void (*errors)(AsmProcess *process, const char *data, gsize len);
        void (*exited)(AsmProcess *process, gint code, gint signo);
        void (*clear)(AsmProcess *process);
} AsmProcessClass;

/* one of its outputs */
typedef struct {
        int *fd;      /* in the spawn; -1: at its end */
        gpointer tag; /* NULL: not polled */
        gsize left;   /* bytes that were in it when the process exited */
} AsmProcessOutput;

struct _AsmProcess {
        /*< private >*/
        GSource source;
        const AsmProcessClass *klass;
        int state;
        GList link;     /* in living */
        AsmSpawn spawn; /* pid 0: nothing was started */
        AsmSpawnStage failed_stage;
        int failed_error;
        gboolean is_failing; /* to be told from the main loop */
        gpointer report_tag;
        gpointer exit_tag;
        gpointer guard_tag;
        AsmProcessOutput out;
        AsmProcessOutput err;
        AsmLineReader lines; /* of stdout */
        GByteArray *input;   /* not yet written to stdin; NULL: nothing was ever sent */
        guint input_done;    /* bytes at its front that are */
        gpointer input_tag;
        gboolean is_input_ending;
        gboolean holds_input; /* the user's: close() leaves stdin open for the grace */
        gboolean has_exited;  /* the program; its guard: */
        gboolean is_reaped;
        gint exit_code; /* -1: a signal */
        gint exit_signal;
        gboolean is_patient; /* ENDING: no SIGTERM yet */
        gboolean is_killed;
        gboolean is_paused;
        gboolean is_woken;  /* there may be lines that were read before a pause */
        gint64 deadline_us; /* of DRAINING and ENDING; -1: none */
};

/**
 * asm_process_new: (transfer full): given back by asm_process_close()
 * @size: of the user's struct; what follows the AsmProcess in it is zero
 * @line_max: longest line of stdout, in bytes
 */
AsmProcess *asm_process_new(const AsmProcessClass *klass, gsize size, gsize line_max);

/**
 * asm_process_start: to be called once, before anything else
 * @spec: (nullable): not kept; NULL: the user knows already that there is nothing to start, and gets
 *   its `failed`, with errno 0, from the main loop
 */
void asm_process_start(AsmProcess *process, const AsmSpawnSpec *spec);

/* a line for its stdin, which gets the newline that @data lacks; FALSE: too much waits already, and
 * this is dropped */
gboolean asm_process_send(AsmProcess *process, const char *data, gsize len);
/* its stdin closes once all that was sent is written */
void asm_process_end_input(AsmProcess *process);
/* to its group; nothing once it is over or closed */
void asm_process_signal(AsmProcess *process, int signo);
/* paused, its output stays in the pipes, they fill, and it waits in its write */
void asm_process_set_paused(AsmProcess *process, gboolean is_paused);

/* (transfer full) of @process: no callback any more; it may end by itself within @grace_ms, then the
 * group gets SIGTERM, and later SIGKILL */
void asm_process_close(AsmProcess *process, guint grace_ms);

/* SIGKILL to every process that there may still be, and to what it has started */
void asm_process_kill_all(void);
/* how many are not gone yet, groups that are left by a leader included */
guint asm_process_count(void);
