/* SPDX-License-Identifier: MIT */

/*
 * Exported functions about what runs have said. Replies are bounded, whatever there is: a list by a
 * number of runs, events by bytes, so that one of them is neither too long for a frame nor for the
 * loop; what is left is asked for again from where the reply says.
 */

#include "method-private.h"

#include "term/print.h"
#include "term/reader.h"

#include <string.h>

/* runs in one answer */
#define RUNS_DEFAULT 1000
#define RUNS_MAX     10000
/* bytes of events in one answer */
#define PAGE_DEFAULT (256 * 1024)
#define PAGE_MAX     (4 * 1024 * 1024)

static AsmFailure *
bad_option(const char *name, AsmView value, const char *expected)
{
        g_autofree char *shown = asm_view_print(value, ASM_SYNTAX_ERLANG, 120);

        return asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                               ASM_DOMAIN_CONFIG,
                               "option %s: %s is not valid, expected %s",
                               name,
                               shown,
                               expected);
}

/* a failure for what is no option list, or has a key that is not in @names */
static AsmFailure *
check_options(AsmView options, const char *const *names)
{
        g_autofree char *known = g_strjoinv(", ", (char **)names);
        AsmOptionCursor cursor;
        AsmView key;
        AsmView value;

        if (!asm_view_is_set(options))
                return NULL;
        asm_option_cursor_init(&cursor, options);
        while (asm_option_next(&cursor, &key, &value)) {
                g_autofree char *name = asm_view_dup_text(key, /* accept_atoms= */ TRUE);
                g_autofree char *shown = NULL;

                if (name != NULL && g_strv_contains(names, name))
                        continue;
                shown = asm_view_print(key, ASM_SYNTAX_ERLANG, 120);
                return asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                       ASM_DOMAIN_CONFIG,
                                       "there is no option %s here; there are: %s",
                                       shown,
                                       known);
        }
        return asm_option_cursor_is_malformed(&cursor)
                       ? bad_option("list", options, "a keyword list or a map")
                       : NULL;
}

static gboolean
has_option(AsmView options, const char *name, AsmView *ret_value)
{
        return asm_view_is_set(options) && asm_view_option_get(options, name, ret_value);
}

static void
read_number(AsmView options, const char *name, gint64 max, gint64 *number, AsmFailure **failure)
{
        g_autofree char *expected = NULL;
        AsmView value;
        gint64 given;

        if (*failure != NULL || !has_option(options, name, &value))
                return;
        if (asm_view_get_int(value, &given) && given >= 1 && given <= max) {
                *number = given;
                return;
        }
        expected = g_strdup_printf("a number from 1 to %" G_GINT64_FORMAT, max);
        *failure = bad_option(name, value, expected);
}

static void
read_text(AsmView options, const char *name, char **text, AsmFailure **failure)
{
        AsmView value;

        if (*failure != NULL || !has_option(options, name, &value))
                return;
        *text = asm_view_dup_text(value, /* accept_atoms= */ FALSE);
        if (*text == NULL)
                *failure = bad_option(name, value, "a string");
}

/* first, now where @has_now, or a sequence */
static void
read_from(AsmView options, gboolean has_now, gint64 *from, AsmFailure **failure)
{
        AsmView value;

        if (*failure != NULL || !has_option(options, "from", &value))
                return;
        if (asm_view_is_atom(value, "first"))
                *from = ASM_FROM_FIRST;
        else if (has_now && asm_view_is_atom(value, "now"))
                *from = ASM_FROM_NOW;
        else if (!asm_view_get_int(value, from) || *from < 0)
                *failure = bad_option("from",
                                      value,
                                      has_now ? "first, now or the sequence of an event"
                                              : "first or the sequence of an event");
}

static const AsmHistory *
get_history(const AsmRequest *request)
{
        return asm_manager_get_history(request->api->manager);
}

/* (nullable): the run that the first argument names */
static const AsmRecord *
find_record(const AsmRequest *request, AsmFailure **ret_failure)
{
        g_autofree char *id = asm_view_dup_text(request->args[0], /* accept_atoms= */ FALSE);

        if (id != NULL)
                return asm_history_find(get_history(request), id, NULL, ret_failure);
        *ret_failure = bad_option("run id", request->args[0], "a string");
        return NULL;
}

/* list_runs([#{prefix, session, state => active | finished | all, limit}]) */
void
asm_method_list_runs(const AsmRequest *request, AsmReply *reply)
{
        static const char *const names[] = { "prefix", "session", "state", "limit", NULL };
        AsmView options = request->args[0];
        g_autoptr(AsmFailure) failure = check_options(options, names);
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        g_autofree char *prefix = NULL, *session = NULL;
        AsmRunFilter filter = { 0 };
        gint64 limit = RUNS_DEFAULT;
        AsmView state;

        read_number(options, "limit", RUNS_MAX, &limit, &failure);
        read_text(options, "prefix", &prefix, &failure);
        read_text(options, "session", &session, &failure);
        if (failure == NULL && has_option(options, "state", &state)) {
                filter.no_active = asm_view_is_atom(state, "finished");
                filter.no_finished = asm_view_is_atom(state, "active");
                if (!filter.no_active && !filter.no_finished && !asm_view_is_atom(state, "all"))
                        failure = bad_option("state", state, "active, finished or all");
        }
        if (failure != NULL) {
                asm_reply_failure(reply, failure);
                return;
        }
        filter.prefix = prefix;
        filter.session_id = session;
        filter.max = (guint)limit;
        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        asm_builder_runs(&value, get_history(request), &filter);
        reply->send(reply, asm_builder_peek(&value));
}

void
asm_method_run_info(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        const AsmRecord *record = find_record(request, &failure);
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        if (record == NULL) {
                asm_reply_failure(reply, failure);
                return;
        }
        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        asm_builder_run_info(&value, record);
        reply->send(reply, asm_builder_peek(&value));
}

/* run_events(RunId[, #{from => first | Sequence, max_bytes}]) */
void
asm_method_run_events(const AsmRequest *request, AsmReply *reply)
{
        static const char *const names[] = { "from", "max_bytes", NULL };
        AsmView options = request->args[1];
        g_autoptr(AsmFailure) failure = check_options(options, names);
        const AsmRecord *record = NULL;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        gint64 max_bytes = PAGE_DEFAULT;
        gint64 from = ASM_FROM_FIRST;

        read_number(options, "max_bytes", PAGE_MAX, &max_bytes, &failure);
        read_from(options, /* has_now= */ FALSE, &from, &failure);
        if (failure == NULL)
                record = find_record(request, &failure);
        if (record == NULL) {
                asm_reply_failure(reply, failure);
                return;
        }
        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        asm_builder_run_events(&value, record, from, (gsize)max_bytes);
        reply->send(reply, asm_builder_peek(&value));
}

static void
attach(const AsmRequest *request, AsmReply *reply, AsmView pid, AsmView options)
{
        static const char *const names[] = { "from", NULL };
        g_autoptr(AsmFailure) failure = check_options(options, names);
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        const AsmRecord *record = NULL;
        AsmSession *session = NULL;
        g_autofree char *run_id = NULL;
        gint64 from = ASM_FROM_FIRST;
        guint64 missing;

        read_from(options, /* has_now= */ TRUE, &from, &failure);
        if (failure == NULL)
                run_id = asm_method_session_and_text(request, "run id", &session, &failure);
        if (run_id != NULL)
                record = asm_session_attach(session, run_id, pid, from, &missing, &failure);
        if (record == NULL) {
                asm_reply_failure(reply, failure);
                return;
        }
        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        asm_builder_run_attached(&value, record, missing);
        reply->send(reply, asm_builder_peek(&value));
}

/* attach(Session, RunId[, #{from => first | now | Sequence}]): events go to the caller */
void
asm_method_attach(const AsmRequest *request, AsmReply *reply)
{
        attach(request, reply, request->caller, request->args[2]);
}

/* subscribe(Session, RunId, Pid, #{from => ...}): the same for another process */
void
asm_method_subscribe_from(const AsmRequest *request, AsmReply *reply)
{
        attach(request, reply, request->args[2], request->args[3]);
}
