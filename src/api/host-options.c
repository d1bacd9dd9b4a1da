/* SPDX-License-Identifier: MIT */

/*
 * What start_core_session/1 is told, a keyword list, checked before anything is started.
 *
 * Refusals have the form that Elixir's ASM gives them, since its nodes match on some: a reason is an
 * atom or `{What, Value}`, and the value goes back to nobody but the one who sent it. What is not
 * looked at here is the provider's (command line) or the command's (environment), which check it in
 * their turn; what nobody knows is ignored, as ASM does.
 *
 * A surface other than this machine is refused, and not ignored: a CLI that runs where it was not
 * meant to run is worse than none.
 */

#include "host-private.h"

#include "base/id.h"
#include "term/print.h"
#include "term/reader.h"

#include <string.h>

/* a sender of more is not a session of ASM */
#define OPTIONS_MAX 512

/* as much of a value as is sent back */
#define ECHO_MAX (64 * 1024)

typedef struct {
        AsmHostedSpec *spec;
        AsmView options;
        AsmBuilder *reason;
} Parse;

/* --- refusals -------------------------------------------------------------------------------- */

static gboolean
refuse_atom(Parse *parse, const char *what)
{
        asm_builder_atom(parse->reason, what);
        return FALSE;
}

static void
put_value(Parse *parse, AsmView value)
{
        g_autofree char *shown = NULL;

        if (value.len <= ECHO_MAX) {
                asm_builder_view(parse->reason, value);
                return;
        }
        shown = asm_view_print(value, ASM_SYNTAX_ERLANG, 200);
        asm_builder_text(parse->reason, shown);
}

/* {What, Value} */
static gboolean
refuse(Parse *parse, const char *what, AsmView value)
{
        asm_builder_tuple(parse->reason, 2);
        asm_builder_atom(parse->reason, what);
        put_value(parse, value);
        return FALSE;
}

/* {invalid_option, Key, Value} */
static gboolean
refuse_option(Parse *parse, const char *key, AsmView value)
{
        asm_builder_tuple(parse->reason, 3);
        asm_builder_atom(parse->reason, "invalid_option");
        asm_builder_atom(parse->reason, key);
        put_value(parse, value);
        return FALSE;
}

/* --- single options -------------------------------------------------------------------------- */

/* FALSE: not given, or nothing */
static gboolean
get(Parse *parse, const char *key, AsmView *ret_value)
{
        return asm_view_option_get(parse->options, key, ret_value) &&
               !asm_view_is_atom(*ret_value, "nil") && !asm_view_is_atom(*ret_value, "undefined");
}

static gboolean
take_text(Parse *parse, const char *key, char **ret_text)
{
        AsmView value;

        if (!get(parse, key, &value))
                return TRUE;
        *ret_text = asm_view_dup_text(value, /* accept_atoms= */ FALSE);
        return *ret_text != NULL || refuse_option(parse, key, value);
}

static const AsmProvider *
find_profile(const char *profile)
{
        const AsmProvider *const *all = asm_provider_all();

        for (guint i = 0; all[i] != NULL; i++) {
                if (g_strcmp0(all[i]->profile, profile) == 0)
                        return all[i];
        }
        return NULL;
}

/* a provider, its profile, or both if they agree */
static gboolean
take_provider(Parse *parse)
{
        const AsmProvider *of_profile = NULL;
        g_autofree char *name = NULL;
        AsmView value;

        if (get(parse, "profile", &value)) {
                g_autofree char *profile = asm_view_dup_atom(value);

                of_profile = find_profile(profile);
                if (of_profile == NULL)
                        return refuse(parse, "invalid_profile", value);
        }
        parse->spec->provider = of_profile;
        if (!get(parse, "provider", &value))
                return of_profile != NULL || refuse_atom(parse, "missing_provider");
        name = asm_view_dup_atom(value);
        if (name == NULL)
                return refuse(parse, "invalid_provider", value);
        parse->spec->provider = asm_provider_find(name, NULL);
        if (of_profile == NULL)
                return parse->spec->provider != NULL || refuse(parse, "provider_not_found", value);
        if (parse->spec->provider == of_profile)
                return TRUE;
        asm_builder_tuple(parse->reason, 3);
        asm_builder_atom(parse->reason, "provider_profile_mismatch");
        asm_builder_view(parse->reason, value);
        asm_builder_atom(parse->reason, of_profile->name);
        return FALSE;
}

static gboolean
take_prompt(Parse *parse)
{
        AsmView value;

        if (!take_text(parse, "prompt", &parse->spec->prompt))
                return FALSE;
        if (parse->spec->prompt != NULL && *parse->spec->prompt != '\0')
                return TRUE;
        if (parse->spec->prompt != NULL && get(parse, "prompt", &value))
                return refuse_option(parse, "prompt", value);
        asm_builder_tuple(parse->reason, 2);
        asm_builder_atom(parse->reason, "missing_option");
        asm_builder_atom(parse->reason, "prompt");
        return FALSE;
}

/* the event tag is an atom, the metadata a map, and events are decoded here */
static gboolean
take_shape(Parse *parse)
{
        AsmView value;

        if (get(parse, "event_delivery", &value) && !asm_view_is_atom(value, "core_events"))
                return refuse(parse, "unsupported_event_delivery", value);
        if (!get(parse, "session_event_tag", &value))
                parse->spec->event_tag = g_strdup(ASM_HOST_EVENT_TAG);
        else if ((parse->spec->event_tag = asm_view_dup_atom(value)) == NULL)
                return refuse(parse, "invalid_session_event_tag", value);
        if (get(parse, "metadata", &value)) {
                if (asm_view_kind(value) != ASM_KIND_MAP)
                        return refuse(parse, "invalid_metadata", value);
                parse->spec->metadata = value;
        }
        return TRUE;
}

/* Pid, {Pid, legacy} or {Pid, Ref} */
static gboolean
take_subscriber(Parse *parse)
{
        AsmHostedSpec *spec = parse->spec;
        AsmView value;
        AsmView pair[2];

        if (!get(parse, "subscriber", &value))
                return TRUE;
        if (asm_view_kind(value) == ASM_KIND_PID) {
                spec->subscriber = value;
                return TRUE;
        }
        if (!asm_view_get_tuple(value, 2, pair) || asm_view_kind(pair[0]) != ASM_KIND_PID ||
            (asm_view_kind(pair[1]) != ASM_KIND_REF && !asm_view_is_atom(pair[1], "legacy")))
                return refuse(parse, "invalid_subscriber", value);
        spec->subscriber = pair[0];
        if (asm_view_kind(pair[1]) == ASM_KIND_REF)
                spec->tag = pair[1];
        return TRUE;
}

static gboolean
take_surface(Parse *parse)
{
        AsmView value;
        AsmView kind;

        if (get(parse, "execution_surface", &value)) {
                parse->spec->surface = value;
                if (asm_view_kind(value) != ASM_KIND_MAP)
                        return refuse(parse, "invalid_execution_surface", value);
                if (asm_view_map_get(value, "surface_kind", &kind) &&
                    !asm_view_is_atom(kind, "local_subprocess"))
                        return refuse(parse, "unsupported_surface_kind", kind);
        }
        if (get(parse, "surface_kind", &kind) && !asm_view_is_atom(kind, "local_subprocess"))
                return refuse(parse, "unsupported_surface_kind", kind);
        return TRUE;
}

/* `cli_path` is what ASM's users call it, `command` what its sessions send */
static gboolean
take_places(Parse *parse)
{
        AsmHostedSpec *spec = parse->spec;
        AsmView value;

        if (!take_text(parse, "cwd", &spec->cwd) || !take_text(parse, "command", &spec->command))
                return FALSE;
        if (spec->command == NULL && !take_text(parse, "cli_path", &spec->command))
                return FALSE;
        if (spec->cwd == NULL || g_file_test(spec->cwd, G_FILE_TEST_IS_DIR))
                return TRUE;
        return get(parse, "cwd", &value) && refuse(parse, "cwd_not_found", value);
}

/* a caller that answers approvals gets the form of the CLI that asks for them on its stdin */
static gboolean
take_input(Parse *parse)
{
        AsmHostedSpec *spec = parse->spec;
        AsmProviderLaunch launch = { .prompt = spec->prompt, .options = parse->options };
        AsmView value;

        if (get(parse, "answers_approvals", &value) &&
            !asm_view_get_bool(value, &spec->answers_approvals))
                return refuse_option(parse, "answers_approvals", value);
        if (!take_text(parse, "stdin", &spec->input))
                return FALSE;
        launch.answers_approvals = spec->answers_approvals;
        spec->is_input_open =
                spec->provider->stdin_open || asm_provider_is_conversation(spec->provider, &launch);
        return spec->input == NULL || spec->is_input_open ||
               (get(parse, "stdin", &value) && refuse(parse, "stdin_closed", value));
}

/* the caller may make the time shorter, not longer */
static gboolean
take_headless(Parse *parse)
{
        AsmView value;
        gint64 ms;

        if (!get(parse, "transport_headless_timeout_ms", &value) ||
            asm_view_is_atom(value, "infinity"))
                return TRUE;
        if (!asm_view_get_int(value, &ms) || ms < 0)
                return refuse_option(parse, "transport_headless_timeout_ms", value);
        parse->spec->headless_ms = (guint)MIN(ms, (gint64)parse->spec->headless_ms);
        return TRUE;
}

/* --- what ASM's model selection adds --------------------------------------------------------- */

/* appends the variables of a map or a keyword list as pairs; FALSE: it is neither */
static gboolean
put_variables(AsmBuilder *list, AsmView variables, guint *n)
{
        AsmOptionCursor cursor;
        AsmView pair[2];

        asm_option_cursor_init(&cursor, variables);
        for (; asm_option_next(&cursor, &pair[0], &pair[1]); (*n)++) {
                asm_builder_tuple(list, 2);
                asm_builder_view(list, pair[0]);
                asm_builder_view(list, pair[1]);
        }
        return !asm_option_cursor_is_malformed(&cursor);
}

/* The options, with the environment that a model selection asks for on top of the caller's: of two
 * equal variables the last counts, of two equal options the first. */
static gboolean
take_options(Parse *parse)
{
        g_auto(AsmBuilder) list = ASM_BUILDER_INIT;
        AsmBuilderMark options = asm_builder_list_begin(&list);
        AsmBuilderMark variables;
        AsmView payload, overrides, env = ASM_VIEW_NONE;
        guint n_options = 0;
        guint n_variables = 0;

        if (get(parse, "model_payload", &payload) &&
            asm_view_option_get(payload, "env_overrides", &overrides) &&
            asm_view_get_map_size(overrides, &n_variables) && n_variables > 0) {
                n_variables = 0;
                asm_builder_tuple(&list, 2);
                asm_builder_atom(&list, "env");
                variables = asm_builder_list_begin(&list);
                if (get(parse, "env", &env) && !put_variables(&list, env, &n_variables))
                        return refuse_atom(parse, "invalid_env");
                put_variables(&list, overrides, &n_variables);
                asm_builder_list_end(&list, variables, n_variables);
                n_options++;
        }
        put_variables(&list, parse->options, &n_options);
        asm_builder_list_end(&list, options, n_options);
        parse->spec->options = asm_builder_end(&list);
        return TRUE;
}

/* --- all of them ----------------------------------------------------------------------------- */

static gboolean
check_list(Parse *parse)
{
        AsmOptionCursor cursor;
        AsmView key, value;
        guint n = 0;

        asm_option_cursor_init(&cursor, parse->options);
        while (n <= OPTIONS_MAX && asm_option_next(&cursor, &key, &value))
                n++;
        if (n > OPTIONS_MAX)
                return refuse_atom(parse, "too_many_options");
        return !asm_option_cursor_is_malformed(&cursor) ||
               refuse(parse, "invalid_options", parse->options);
}

/* names for the log of the run; nothing depends on them */
static char *
take_id(AsmView metadata, const char *key)
{
        AsmView value;
        char *id = NULL;

        if (asm_view_is_set(metadata) && asm_view_map_get(metadata, key, &value))
                id = asm_view_dup_text(value, /* accept_atoms= */ FALSE);
        if (id != NULL && asm_id_is_valid(id))
                return id;
        g_free(id);
        return g_strdup(asm_id_new().text);
}

gboolean
asm_hosted_spec_init(AsmHostedSpec *spec, AsmView options, guint headless_ms, AsmBuilder *reason)
{
        g_auto(AsmHostedSpec) made = { .headless_ms = headless_ms };
        Parse parse = { .spec = &made, .options = options, .reason = reason };

        if (!check_list(&parse) || !take_provider(&parse) || !take_surface(&parse) ||
            !take_subscriber(&parse) || !take_shape(&parse) || !take_prompt(&parse) ||
            !take_places(&parse) || !take_input(&parse) || !take_headless(&parse) ||
            !take_options(&parse))
                return FALSE;
        made.run_id = take_id(made.metadata, "run_id");
        made.session_id = take_id(made.metadata, "session_id");
        *spec = made;
        made = (AsmHostedSpec){ 0 };
        return TRUE;
}

void
asm_hosted_spec_clear(AsmHostedSpec *spec)
{
        g_free(spec->prompt);
        g_free(spec->cwd);
        g_free(spec->command);
        g_free(spec->event_tag);
        g_free(spec->run_id);
        g_free(spec->session_id);
        g_free(spec->input);
        asm_term_unref(spec->options);
        *spec = (AsmHostedSpec){ 0 };
}
