/* SPDX-License-Identifier: MIT */

/*
 * What a hosted session says of itself: the Info of start_core_session/1 and of the call `info`, in
 * the shape in which ASM's sessions give it. Callers read the event tag from it, and people look at
 * the rest. Of the environment nothing is shown: that is where keys and tokens are.
 */

#include "host-private.h"

#include "term/reader.h"

static void
put_atom(AsmBuilder *info, const char *key, const char *value)
{
        asm_builder_atom(info, key);
        asm_builder_atom(info, value);
}

static void
put_struct(AsmBuilder *info, const char *key, const char *name, guint n_fields)
{
        asm_builder_atom(info, key);
        asm_builder_map(info, n_fields + 1);
        put_atom(info, "__struct__", name);
}

static void
put_capabilities(AsmBuilder *info, const AsmProvider *provider)
{
        guint n = g_strv_length((GStrv)provider->capabilities);

        asm_builder_atom(info, "capabilities");
        asm_builder_list(info, n);
        for (guint i = 0; i < n; i++)
                asm_builder_atom(info, provider->capabilities[i]);
        asm_builder_nil(info);
}

static void
put_delivery(AsmBuilder *info, const AsmHosted *hosted)
{
        put_struct(info, "delivery", "Elixir.CliSubprocessCore.Session.Delivery", 3);
        put_atom(info, "legacy_message", "session_event");
        put_atom(info, "tagged_event_tag", hosted->event_tag);
        put_atom(info, "tagged_payload", "event");
}

/* a field of the run_started event, nil before it */
static void
put_started(AsmBuilder *info, const AsmHosted *hosted, const char *key)
{
        AsmView value;

        asm_builder_atom(info, key);
        if (hosted->started != NULL &&
            asm_view_map_get(asm_term_view(hosted->started), key, &value))
                asm_builder_view(info, value);
        else
                asm_builder_nil_atom(info);
}

static void
put_invocation(AsmBuilder *info, const AsmHosted *hosted)
{
        put_struct(info, "invocation", "Elixir.CliSubprocessCore.Command", 6);
        put_started(info, hosted, "command");
        put_started(info, hosted, "args");
        put_started(info, hosted, "cwd");
        asm_builder_atom(info, "env");
        asm_builder_map(info, 0);
        asm_builder_atom(info, "clear_env?");
        asm_builder_bool(info, hosted->is_env_cleared);
        asm_builder_atom(info, "user");
        asm_builder_nil_atom(info);
}

static void
put_identity(AsmBuilder *info, const AsmHosted *hosted)
{
        asm_builder_atom(info, "metadata");
        asm_builder_term(info, hosted->metadata);
        put_atom(info, "profile", hosted->provider->profile);
        put_atom(info, "provider", hosted->provider->name);
}

static void
put_runtime(AsmBuilder *info, const AsmHosted *hosted)
{
        asm_builder_atom(info, "runtime");
        asm_builder_map(info, 5);
        put_identity(info, hosted);
        asm_builder_atom(info, "provider_session_id");
        if (hosted->provider_id != NULL)
                asm_builder_term(info, hosted->provider_id);
        else
                asm_builder_nil_atom(info);
        asm_builder_atom(info, "sequence");
        asm_builder_int(info, hosted->sequence);
}

/* what is the same in `transport` and in its `info` */
static void
put_pipes(AsmBuilder *info, const AsmHosted *hosted)
{
        put_atom(info, "interrupt_mode", "signal");
        put_atom(info, "pty?", "false");
        put_atom(info, "status", hosted->backend != NULL ? "connected" : "disconnected");
        asm_builder_atom(info, "stderr");
        asm_builder_text(info, "");
        put_atom(info, "stdin_mode", "line");
        put_atom(info, "stdout_mode", "line");
}

static void
put_transport(AsmBuilder *info, const AsmHosted *hosted)
{
        asm_builder_atom(info, "transport");
        asm_builder_map(info, 7);
        put_pipes(info, hosted);
        asm_builder_atom(info, "info");
        asm_builder_map(info, 7);
        put_pipes(info, hosted);
        put_atom(info, "surface_kind", "local_subprocess");
}

void
asm_builder_hosted_info(AsmBuilder *info, const AsmHosted *hosted)
{
        asm_builder_map(info, 10);
        put_capabilities(info, hosted->provider);
        put_delivery(info, hosted);
        put_invocation(info, hosted);
        put_identity(info, hosted);
        put_runtime(info, hosted);
        put_atom(info, "session_event_tag", hosted->event_tag);
        asm_builder_atom(info, "subscribers");
        asm_builder_int(info, hosted->subscribers->len);
        put_transport(info, hosted);
}
