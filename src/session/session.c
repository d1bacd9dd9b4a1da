/* SPDX-License-Identifier: MIT */

/*
 * Sessions: admission and order of runs.
 *
 * A run starts at once while fewer than max_concurrent_runs are active; else it waits, first come
 * first served, while fewer than max_queued_runs wait; else it is refused (ASM_PROTOCOL.md section
 * 6). When an active run ends, the oldest waiting one starts. A run that ends in any way takes its
 * place with it: there is no way for the queue to stall.
 */

#include "session-private.h"

#include "term/reader.h"

#include <string.h>

typedef struct {
        AsmSession *session;
        AsmRun *run; /* owned */
        AsmTimer timer;
} Queued;

static void start_waiting(AsmSession *session);

static void
queued_free(Queued *queued)
{
        asm_timer_disarm(&queued->timer);
        g_free(queued);
}

static Queued *
take_queued(AsmSession *session, const AsmRun *run)
{
        for (GList *l = session->queue.head; l != NULL; l = l->next) {
                Queued *queued = l->data;

                if (queued->run == run) {
                        g_queue_delete_link(&session->queue, l);
                        return queued;
                }
        }
        return NULL;
}

static void
add_cost(AsmCost *total, const AsmCost *cost)
{
        total->input_tokens += cost->input_tokens;
        total->output_tokens += cost->output_tokens;
        total->cost_usd += cost->cost_usd;
}

/* what a later run can go on from: taken of every run that the provider gave a session id */
void
asm_session_take_checkpoint(AsmSession *session, const AsmRun *run)
{
        const char *id = asm_run_get_provider_session_id(run);
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        if (id == NULL)
                return;
        asm_builder_map(&builder, 7);
        asm_builder_atom(&builder, "session_id");
        asm_builder_text(&builder, session->id);
        asm_builder_atom(&builder, "provider");
        asm_builder_atom(&builder, session->provider->name);
        asm_builder_atom(&builder, "captured_at");
        asm_builder_datetime(&builder, g_get_real_time());
        asm_builder_atom(&builder, "run_id");
        asm_builder_text(&builder, asm_run_get_id(run));
        asm_builder_atom(&builder, "provider_session_id");
        asm_builder_text(&builder, id);
        asm_builder_atom(&builder, "cost");
        asm_builder_cost(&builder, asm_run_get_cost(run));
        asm_builder_atom(&builder, "metadata");
        asm_builder_view(&builder, asm_run_get_metadata(run));
        g_clear_pointer(&session->checkpoint, asm_term_unref);
        session->checkpoint = asm_builder_end(&builder);
}

static void
on_run_finished(AsmRun *run, gpointer user_data)
{
        AsmSession *session = user_data;
        Queued *queued = take_queued(session, run);

        asm_session_take_checkpoint(session, run);
        asm_manager_count_run(session->manager, session, run);
        if (queued != NULL)
                queued_free(queued);
        else
                g_ptr_array_remove(session->active, run);
        add_cost(&session->cost, asm_run_get_cost(run));
        session->n_finished++;
        session->manager->n_runs--;
        asm_run_free(run);
        if (session->is_one_shot && !session->is_stopping)
                asm_session_stop(session);
        else
                start_waiting(session);
}

static const AsmRunListener run_listener = { .finished = on_run_finished };

static guint
n_active(const AsmSession *session)
{
        return session->active != NULL ? session->active->len : 0;
}

static void
start_run(AsmSession *session, AsmRun *run)
{
        if (session->active == NULL)
                session->active = g_ptr_array_new();
        g_ptr_array_add(session->active, run);
        asm_run_start(run);
}

static void
start_waiting(AsmSession *session)
{
        while (!session->is_stopping && session->queue.length > 0 &&
               n_active(session) < session->max_concurrent_runs) {
                Queued *queued = g_queue_pop_head(&session->queue);
                AsmRun *run = queued->run;

                queued_free(queued);
                start_run(session, run);
        }
}

static void
on_queue_timeout(AsmTimer *timer, gpointer user_data)
{
        Queued *queued = user_data;
        g_autoptr(AsmFailure) failure =
                asm_failure_new(ASM_FAILURE_TIMEOUT,
                                ASM_DOMAIN_RUNTIME,
                                "run %s waited %ums for its turn (queue_timeout_ms)",
                                asm_run_get_id(queued->run),
                                asm_run_get_queue_timeout_ms(queued->run));

        asm_run_fail(queued->run, failure);
}

static void
enqueue(AsmSession *session, AsmRun *run)
{
        Queued *queued = g_new0(Queued, 1);
        guint timeout_ms = asm_run_get_queue_timeout_ms(run);

        queued->session = session;
        queued->run = run;
        asm_timer_init(&queued->timer,
                       asm_procs_get_timers(session->manager->run_context.backend.procs),
                       on_queue_timeout,
                       queued);
        if (timeout_ms != ASM_TIMEOUT_INFINITY)
                asm_timer_arm(&queued->timer, timeout_ms);
        g_queue_push_tail(&session->queue, queued);
}

static AsmRun *
find_run(AsmSession *session, const char *run_id)
{
        for (guint i = 0; i < n_active(session); i++) {
                AsmRun *run = g_ptr_array_index(session->active, i);

                if (strcmp(asm_run_get_id(run), run_id) == 0)
                        return run;
        }
        for (GList *l = session->queue.head; l != NULL; l = l->next) {
                Queued *queued = l->data;

                if (strcmp(asm_run_get_id(queued->run), run_id) == 0)
                        return queued->run;
        }
        return NULL;
}

static gboolean
admit(AsmSession *session, const AsmOptions *options, AsmFailure **ret_failure)
{
        AsmManager *manager = session->manager;

        if (!asm_manager_admits(manager, ret_failure))
                return FALSE;
        if (options->run_id != NULL && find_run(session, options->run_id) != NULL) {
                *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                               ASM_DOMAIN_CONFIG,
                                               "option run_id: the session has a run %s already",
                                               options->run_id);
                return FALSE;
        }
        if (manager->n_runs >= manager->limits.max_runs) {
                *ret_failure =
                        asm_failure_new(ASM_FAILURE_AT_CAPACITY,
                                        ASM_DOMAIN_RUNTIME,
                                        "Daemon at run capacity: %u runs are active or waiting",
                                        manager->n_runs);
                return FALSE;
        }
        if (n_active(session) >= session->max_concurrent_runs &&
            session->queue.length >= session->max_queued_runs) {
                *ret_failure = asm_failure_new(ASM_FAILURE_AT_CAPACITY,
                                               ASM_DOMAIN_RUNTIME,
                                               "Session at run capacity");
                return FALSE;
        }
        return TRUE;
}

static gboolean
resolve(AsmSession *session,
        AsmView given,
        const char *resume,
        AsmOptions *options,
        const AsmProvider **ret_provider,
        AsmLaneChoice *ret_lane,
        AsmFailure **ret_failure)
{
        const AsmView layers[] = {
                asm_manager_get_defaults(session->manager, ""),
                asm_manager_get_defaults(session->manager, session->provider->name),
                session->options != NULL ? asm_term_view(session->options) : ASM_VIEW_NONE,
                given,
        };

        asm_options_init(options);
        if (!asm_options_apply(options, layers, G_N_ELEMENTS(layers), ret_failure))
                return FALSE;
        if (resume != NULL)
                asm_options_set_provider_text(options, "resume", resume);
        if (asm_view_is_set(given) && asm_view_option_get(given, "provider", &(AsmView){ 0 }) &&
            strcmp(options->provider, session->provider->name) != 0) {
                *ret_failure = asm_failure_new(
                        ASM_FAILURE_CONFIG_INVALID,
                        ASM_DOMAIN_CONFIG,
                        "option provider: the session's provider is %s, a run cannot change it",
                        session->provider->name);
                return FALSE;
        }
        g_free(options->provider);
        options->provider = g_strdup(session->provider->name);
        return asm_options_check(options, ret_provider, ret_lane, ret_failure);
}

gboolean
asm_session_check(AsmSession *session, const AsmSubmission *submission, AsmFailure **ret_failure)
{
        g_auto(AsmOptions) options = { 0 };
        const AsmProvider *provider;
        AsmLaneChoice lane;

        return resolve(session,
                       submission->options,
                       submission->resume,
                       &options,
                       &provider,
                       &lane,
                       ret_failure);
}

AsmRun *
asm_session_submit(AsmSession *session, const AsmSubmission *submission, AsmFailure **ret_failure)
{
        AsmManager *manager = session->manager;
        g_auto(AsmOptions) options = { 0 };
        g_autoptr(AsmTerm) named = NULL;
        g_autoptr(AsmRun) run = NULL;
        AsmView subscriber = submission->subscriber;
        const AsmProvider *provider;
        AsmLaneChoice lane;
        AsmRun *submitted;

        if (!resolve(session,
                     submission->options,
                     submission->resume,
                     &options,
                     &provider,
                     &lane,
                     ret_failure) ||
            !admit(session, &options, ret_failure))
                return NULL;
        named = g_steal_pointer(&options.subscriber);
        run = asm_run_new(&manager->run_context,
                          &options,
                          provider,
                          &lane,
                          submission->prompt,
                          session->id,
                          &run_listener,
                          session);
        if (named != NULL)
                subscriber = asm_term_view(named);
        if (asm_view_is_set(subscriber) && !asm_run_subscribe(run, subscriber, ret_failure))
                return NULL;
        if (submission->waiter != NULL)
                asm_run_add_waiter(run, submission->waiter, submission->user_data);
        submitted = g_steal_pointer(&run);
        manager->n_runs++;
        if (n_active(session) < session->max_concurrent_runs)
                start_run(session, submitted);
        else
                enqueue(session, submitted);
        return submitted;
}

static AsmRun *
find_run_or_fail(AsmSession *session, const char *run_id, AsmFailure **ret_failure)
{
        const AsmHistory *history = session->manager->run_context.history;
        AsmRun *run = find_run(session, run_id);
        g_autoptr(AsmFailure) ignored = NULL;

        if (run == NULL)
                *ret_failure = asm_failure_new(
                        ASM_FAILURE_UNKNOWN,
                        ASM_DOMAIN_RUNTIME,
                        asm_history_find(history, run_id, session->id, &ignored) != NULL
                                ? "run %2$s of session %1$s has ended; run_events tells what it "
                                  "said"
                                : "session %1$s has no run %2$s; it has ended, or never was",
                        session->id,
                        run_id);
        return run;
}

gboolean
asm_session_interrupt(AsmSession *session, const char *run_id, AsmFailure **ret_failure)
{
        AsmRun *run = find_run_or_fail(session, run_id, ret_failure);

        if (run == NULL)
                return FALSE;
        asm_run_interrupt(run, "Run interrupted");
        return TRUE;
}

gboolean
asm_session_subscribe(AsmSession *session,
                      const char *run_id,
                      AsmView pid,
                      AsmFailure **ret_failure)
{
        AsmRun *run = find_run_or_fail(session, run_id, ret_failure);

        return run != NULL && asm_run_subscribe(run, pid, ret_failure);
}

const AsmRecord *
asm_session_attach(AsmSession *session,
                   const char *run_id,
                   AsmView pid,
                   gint64 from,
                   guint64 *ret_missing,
                   AsmFailure **ret_failure)
{
        AsmRun *run = find_run_or_fail(session, run_id, ret_failure);

        return run != NULL && asm_run_attach(run, pid, from, ret_missing, ret_failure)
                       ? asm_run_get_record(run)
                       : NULL;
}

gboolean
asm_session_demand(AsmSession *session,
                   const char *run_id,
                   AsmView pid,
                   guint n,
                   AsmFailure **ret_failure)
{
        AsmRun *run = find_run_or_fail(session, run_id, ret_failure);

        return run != NULL && asm_run_demand(run, pid, n, ret_failure);
}

gboolean
asm_session_unsubscribe(AsmSession *session,
                        const char *run_id,
                        AsmView pid,
                        AsmFailure **ret_failure)
{
        AsmRun *run = find_run_or_fail(session, run_id, ret_failure);

        if (run == NULL)
                return FALSE;
        asm_run_unsubscribe(run, pid);
        return TRUE;
}

/* --- the process ----------------------------------------------------------------------------- */

static void
get_state(AsmServer *server, AsmBuilder *builder)
{
        asm_builder_session_info(builder, (AsmSession *)server);
}

static void
on_terminate(AsmServer *server, AsmView reason)
{
        AsmSession *session = (AsmSession *)server;
        AsmRun *run;

        session->is_stopping = TRUE;
        while (session->queue.length > 0) {
                run = ((Queued *)session->queue.head->data)->run;
                asm_run_interrupt(run, "Session stopped");
        }
        while (n_active(session) > 0) {
                run = g_ptr_array_index(session->active, 0);
                asm_run_interrupt(run, "Session stopped");
        }
        g_hash_table_remove(session->manager->by_id, session->id);
        asm_log(G_LOG_LEVEL_INFO,
                &(AsmLogTags){ .event = ASM_LOG_EVENT_SESSION_ENDED,
                               .session = session->id,
                               .provider = session->provider->name },
                "session %s has ended after %u runs",
                session->id,
                session->n_finished);
        asm_server_unref(server);
}

static void
on_finalize(AsmServer *server)
{
        AsmSession *session = (AsmSession *)server;

        g_free(session->id);
        g_clear_pointer(&session->options, asm_term_unref);
        g_clear_pointer(&session->checkpoint, asm_term_unref);
        asm_ref_clear(&session->owner);
        g_clear_pointer(&session->active, g_ptr_array_unref);
        g_free(session);
}

/* a session with an owner ends when that process or its node goes away */
static void
watch_owner(AsmSession *session, AsmView owner)
{
        g_auto(AsmPid) pid = { 0 };

        if (asm_pid_from_view(owner, &pid))
                session->owner = asm_server_monitor(&session->server, &pid);
}

static void
on_owner_down(AsmServer *server, const AsmRef *ref, AsmView reason)
{
        AsmSession *session = (AsmSession *)server;

        g_debug("session %s: its owner is gone", session->id);
        asm_session_stop(session);
}

static const AsmServerClass session_class = { .module = "Elixir.ASM.Session.Server",
                                              .end_right = ASM_RIGHT_CONTROL,
                                              .call = asm_session_on_call,
                                              .down = on_owner_down,
                                              .get_state = get_state,
                                              .terminate = on_terminate,
                                              .finalize = on_finalize };

/* the provider decides which defaults apply, and it is an option itself: so two passes */
static gboolean
resolve_session(AsmManager *manager,
                AsmView given,
                const char *provider_name,
                AsmOptions *options,
                const AsmProvider **ret_provider,
                AsmFailure **ret_failure)
{
        g_auto(AsmOptions) first = { 0 };
        AsmLaneChoice lane;
        AsmView layers[3] = { asm_manager_get_defaults(manager, ""), ASM_VIEW_NONE, given };

        asm_options_init(&first);
        if (!asm_options_apply(&first, layers, G_N_ELEMENTS(layers), ret_failure))
                return FALSE;
        if (provider_name == NULL)
                provider_name = first.provider;
        layers[1] = asm_manager_get_defaults(manager, provider_name);
        asm_options_init(options);
        if (!asm_options_apply(options, layers, G_N_ELEMENTS(layers), ret_failure))
                return FALSE;
        g_free(options->provider);
        options->provider = g_strdup(provider_name);
        return asm_options_check(options, ret_provider, &lane, ret_failure);
}

AsmSession *
asm_session_start(AsmManager *manager,
                  AsmView given,
                  const char *provider_name,
                  AsmFailure **ret_failure)
{
        g_auto(AsmOptions) options = { 0 };
        const AsmProvider *provider;
        AsmSession *session;

        if (!asm_manager_admits(manager, ret_failure) ||
            !resolve_session(manager, given, provider_name, &options, &provider, ret_failure))
                return NULL;
        if (options.session_id != NULL && asm_manager_find(manager, options.session_id) != NULL) {
                *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                               ASM_DOMAIN_CONFIG,
                                               "option session_id: there is a session %s already",
                                               options.session_id);
                return NULL;
        }
        if (asm_manager_count(manager) >= manager->limits.max_sessions) {
                *ret_failure = asm_failure_new(
                        ASM_FAILURE_AT_CAPACITY,
                        ASM_DOMAIN_RUNTIME,
                        "Daemon at session capacity: there are %u; stop one or raise max_sessions",
                        asm_manager_count(manager));
                return NULL;
        }
        session = g_new0(AsmSession, 1);
        session->manager = manager;
        session->number = manager->n_started++;
        session->id = options.session_id != NULL ? g_steal_pointer(&options.session_id)
                                                 : g_strdup(asm_id_new().text);
        session->provider = provider;
        session->max_concurrent_runs = MAX(options.max_concurrent_runs, 1);
        session->max_queued_runs = options.max_queued_runs;
        if (asm_view_is_set(given) && asm_view_kind(given) != ASM_KIND_NIL)
                session->options = asm_term_new(given);
        g_hash_table_insert(manager->by_id, session->id, session);
        asm_manager_count_session(manager, session);
        asm_server_start(&session->server, &session_class, manager->run_context.backend.procs);
        asm_log(G_LOG_LEVEL_INFO,
                &(AsmLogTags){ .event = ASM_LOG_EVENT_SESSION_STARTED,
                               .session = session->id,
                               .provider = provider->name },
                "session %s has started with %s",
                session->id,
                provider->name);
        if (options.owner != NULL)
                watch_owner(session, asm_term_view(options.owner));
        return session;
}

void
asm_session_stop(AsmSession *session)
{
        asm_server_stop_atom(&session->server, "normal");
}

AsmSession *
asm_manager_find_pid(AsmManager *manager, AsmView pid)
{
        AsmServer *server = asm_procs_find(manager->run_context.backend.procs, pid);

        return server != NULL && server->klass == &session_class ? (AsmSession *)server : NULL;
}

void
asm_session_set_one_shot(AsmSession *session)
{
        session->is_one_shot = TRUE;
}

const char *
asm_session_get_id(const AsmSession *session)
{
        return session->id;
}

void
asm_builder_session_pid(AsmBuilder *builder, const AsmSession *session)
{
        asm_builder_server_pid(builder, &session->server);
}

static void
put_run(AsmBuilder *builder, const AsmRun *run, const char *status)
{
        asm_builder_map(builder, 4);
        asm_builder_atom(builder, "run_id");
        asm_builder_text(builder, asm_run_get_id(run));
        asm_builder_atom(builder, "status");
        asm_builder_atom(builder, status);
        asm_builder_atom(builder, "events");
        asm_builder_int(builder, asm_run_get_n_events(run));
        asm_builder_atom(builder, "execution");
        asm_builder_resolved(builder, asm_run_get_options(run));
}

static void
put_runs(AsmBuilder *builder, const AsmSession *session)
{
        guint n = n_active(session) + session->queue.length;

        asm_builder_list(builder, n);
        for (guint i = 0; i < n_active(session); i++) {
                const AsmRun *run = g_ptr_array_index(session->active, i);

                put_run(builder, run, asm_run_status_name(asm_run_get_status(run)));
        }
        for (GList *l = session->queue.head; l != NULL; l = l->next)
                put_run(builder, ((Queued *)l->data)->run, "queued");
        asm_builder_nil(builder);
}

/*
 * Not the cookie of a node, nor the environment with its tokens; and no key that is none: of two
 * driver_opts in one list only the first has been looked at before.
 */
static gboolean
is_shown(const char *name)
{
        return name != NULL && *name != '\0' && strlen(name) <= 255 &&
               strcmp(name, "remote_cookie") != 0 && strcmp(name, "env") != 0 &&
               strcmp(name, "transport_options") != 0;
}

/* has options of its own, some of which are secret */
static gboolean
is_list_of_options(const char *name, AsmView value)
{
        return strcmp(name, "driver_opts") == 0 ||
               (strcmp(name, "execution_surface") == 0 && asm_view_kind(value) != ASM_KIND_ATOM);
}

/* what the caller gave */
static void
put_options(AsmBuilder *builder, AsmView options, gboolean is_nested)
{
        AsmOptionCursor cursor;
        AsmBuilderMark mark = asm_builder_list_begin(builder);
        AsmView key;
        AsmView value;
        guint n = 0;

        asm_option_cursor_init(&cursor, options);
        while (asm_option_next(&cursor, &key, &value)) {
                g_autofree char *name = asm_view_dup_text(key, /* accept_atoms= */ TRUE);

                if (!is_shown(name))
                        continue;
                asm_builder_tuple(builder, 2);
                asm_builder_atom(builder, name);
                if (!is_nested && is_list_of_options(name, value))
                        put_options(builder, value, /* is_nested= */ TRUE);
                else
                        asm_builder_view(builder, value);
                n++;
        }
        asm_builder_list_end(builder, mark, n);
}

void
asm_builder_session_info(AsmBuilder *builder, const AsmSession *session)
{
        asm_builder_map(builder, 6);
        asm_builder_atom(builder, "session_id");
        asm_builder_text(builder, session->id);
        asm_builder_atom(builder, "provider");
        asm_builder_atom(builder, session->provider->name);
        asm_builder_atom(builder, "options");
        put_options(builder,
                    session->options != NULL ? asm_term_view(session->options) : ASM_VIEW_NONE,
                    /* is_nested= */ FALSE);
        asm_builder_atom(builder, "status");
        asm_builder_atom(builder, n_active(session) > 0 ? "running" : "ready");
        asm_builder_atom(builder, "pid");
        asm_builder_session_pid(builder, session);
        asm_builder_atom(builder, "runs");
        put_runs(builder, session);
}

void
asm_builder_session_cost(AsmBuilder *builder, const AsmSession *session)
{
        AsmCost total = session->cost;

        for (guint i = 0; i < n_active(session); i++)
                add_cost(&total, asm_run_get_cost(g_ptr_array_index(session->active, i)));
        asm_builder_cost(builder, &total);
}
