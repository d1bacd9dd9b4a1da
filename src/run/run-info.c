/* SPDX-License-Identifier: MIT */

/*
 * What others may know of a run. Nothing here changes it, and what is returned is borrowed from it: it
 * is valid until the next return to the main loop.
 */

#include "run-private.h"

const char *
asm_run_get_id(const AsmRun *run)
{
        return run->id;
}

const AsmRecord *
asm_run_get_record(const AsmRun *run)
{
        return run->record;
}

const char *
asm_run_get_provider_session_id(const AsmRun *run)
{
        return asm_reducer_get_provider_session_id(run->reducer);
}

AsmView
asm_run_get_metadata(const AsmRun *run)
{
        return asm_term_view(run->metadata);
}

AsmRunStatus
asm_run_get_status(const AsmRun *run)
{
        return asm_reducer_get_status(run->reducer);
}

gboolean
asm_run_is_started(const AsmRun *run)
{
        return run->started_us > 0;
}

const AsmCost *
asm_run_get_cost(const AsmRun *run)
{
        return asm_reducer_get_cost(run->reducer);
}

gint64
asm_run_get_n_events(const AsmRun *run)
{
        return run->sequence;
}

const AsmOptions *
asm_run_get_options(const AsmRun *run)
{
        return &run->options;
}

guint
asm_run_get_queue_timeout_ms(const AsmRun *run)
{
        return run->options.queue_timeout_ms;
}

void
asm_builder_run_pid(AsmBuilder *builder, const AsmRun *run)
{
        asm_builder_server_pid(builder, &run->server);
}

AsmLogTags
asm_run_tags(const AsmRun *run, AsmLogEvent event)
{
        return (AsmLogTags){ .event = event,
                             .run = run->id,
                             .session = run->session_id,
                             .provider = run->provider->name };
}

void
asm_run_get_stats(const AsmRun *run, AsmRunStats *ret_stats)
{
        *ret_stats = (AsmRunStats){ .n_events = run->n_events,
                                    .n_subscribers = run->subscribers.list->len,
                                    .n_slow = asm_subscribers_count_slow(&run->subscribers),
                                    .n_lagged = run->subscribers.n_lagged,
                                    .n_approvals = asm_run_count_approvals(run),
                                    .is_paused = run->is_paused };
}
