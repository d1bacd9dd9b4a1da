/* SPDX-License-Identifier: MIT */

/*
 * Options are a table: key, type, where the value goes, what is allowed. A key that is not in the
 * table belongs to the provider: it is kept with its term, handed to the provider's own check, and
 * forwarded to a remote node untouched.
 *
 * `driver_opts` is a nested list whose keys are in the same table and win over the others of the
 * same list.
 */

#include "run/options.h"

#include "term/print.h"
#include "term/reader.h"

#include <string.h>

#define TIMEOUT_MAX_MS (365LL * 24 * 3600 * 1000)
#define LIMIT_MAX 1000000
/* longest text of an option, and most provider options; a prompt is no option */
#define TEXT_MAX 65536
#define PROVIDER_OPTIONS_MAX 256
/* how much of a wrong value is shown */
#define SHOWN_MAX 120

typedef enum {
        TYPE_TEXT,
        TYPE_NAME, /* an atom or text */
        TYPE_ID,
        TYPE_CHOICE,
        TYPE_TIMEOUT, /* ms or infinity */
        TYPE_COUNT,
        TYPE_PID,
        TYPE_MAP,
} OptionType;

typedef struct {
        const char *key;
        OptionType type;
        gsize offset;
        const char *const *choices; /* index = value */
} OptionRule;

static const char *const mode_names[] = { "local", "remote_node", NULL };
static const char *const lane_names[] = { "auto", "core", "sdk", NULL };
static const char *const bootstrap_names[] = { "require_prestarted", "ensure_started", NULL };

#define AT(member) G_STRUCT_OFFSET(AsmOptions, member)

static const OptionRule rules[] = {
        { "provider", TYPE_NAME, AT(provider), NULL },
        { "session_id", TYPE_ID, AT(session_id), NULL },
        { "run_id", TYPE_ID, AT(run_id), NULL },
        { "execution_mode", TYPE_CHOICE, AT(mode), mode_names },
        { "lane", TYPE_CHOICE, AT(lane), lane_names },
        { "remote_node", TYPE_NAME, AT(remote_node), NULL },
        { "remote_cookie", TYPE_NAME, AT(remote_cookie), NULL },
        { "remote_cwd", TYPE_TEXT, AT(remote_cwd), NULL },
        { "remote_connect_timeout_ms", TYPE_TIMEOUT, AT(remote_connect_timeout_ms), NULL },
        { "remote_rpc_timeout_ms", TYPE_TIMEOUT, AT(remote_rpc_timeout_ms), NULL },
        { "remote_boot_lease_timeout_ms", TYPE_TIMEOUT, AT(remote_boot_lease_timeout_ms), NULL },
        { "remote_transport_call_timeout_ms",
          TYPE_TIMEOUT,
          AT(remote_transport_call_timeout_ms),
          NULL },
        { "remote_bootstrap_mode", TYPE_CHOICE, AT(ensure_started), bootstrap_names },
        { "cwd", TYPE_TEXT, AT(cwd), NULL },
        { "cli_path", TYPE_TEXT, AT(cli_path), NULL },
        { "transport_call_timeout_ms", TYPE_TIMEOUT, AT(transport_call_timeout_ms), NULL },
        { "stream_timeout_ms", TYPE_TIMEOUT, AT(stream_timeout_ms), NULL },
        { "queue_timeout_ms", TYPE_TIMEOUT, AT(queue_timeout_ms), NULL },
        { "run_deadline_ms", TYPE_TIMEOUT, AT(run_deadline_ms), NULL },
        { "max_concurrent_runs", TYPE_COUNT, AT(max_concurrent_runs), NULL },
        { "max_queued_runs", TYPE_COUNT, AT(max_queued_runs), NULL },
        { "subscriber", TYPE_PID, AT(subscriber), NULL },
        { "metadata", TYPE_MAP, AT(metadata), NULL },
};

static void
provider_option_free(gpointer data)
{
        AsmProviderOption *option = data;

        g_free(option->key);
        asm_term_unref(option->value);
        g_free(option);
}

void
asm_options_init(AsmOptions *options)
{
        *options = (AsmOptions){ .provider = g_strdup("claude"),
                                 .remote_connect_timeout_ms = 5000,
                                 .remote_rpc_timeout_ms = 15000,
                                 .remote_boot_lease_timeout_ms = 10000,
                                 .remote_transport_call_timeout_ms = 5000,
                                 .transport_call_timeout_ms = 5000,
                                 .stream_timeout_ms = 60000,
                                 .queue_timeout_ms = ASM_TIMEOUT_INFINITY,
                                 .run_deadline_ms = 600000,
                                 .max_concurrent_runs = 1,
                                 .max_queued_runs = 10 };
}

void
asm_options_clear(AsmOptions *options)
{
        g_free(options->provider);
        g_free(options->session_id);
        g_free(options->run_id);
        g_free(options->remote_node);
        g_free(options->remote_cookie);
        g_free(options->remote_cwd);
        g_free(options->cwd);
        g_free(options->cli_path);
        g_clear_pointer(&options->subscriber, asm_term_unref);
        g_clear_pointer(&options->metadata, asm_term_unref);
        g_clear_pointer(&options->provider_options, g_ptr_array_unref);
        *options = (AsmOptions){ 0 };
}

static gboolean
invalid(AsmFailure **ret_failure, const char *key, AsmView value, const char *expected)
{
        /* a cookie that somebody gave in a wrong form is a secret all the same */
        g_autofree char *shown = strcmp(key, "remote_cookie") == 0
                                         ? g_strdup("(not shown)")
                                         : asm_view_print(value, ASM_SYNTAX_ERLANG, SHOWN_MAX);

        *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                       ASM_DOMAIN_CONFIG,
                                       "option %s: %s is not valid, expected %s",
                                       key,
                                       shown,
                                       expected);
        return FALSE;
}

static gboolean
set_text(AsmOptions *options,
         const OptionRule *rule,
         AsmView value,
         AsmFailure **ret_failure)
{
        char **field = G_STRUCT_MEMBER_P(options, rule->offset);
        g_autofree char *text = NULL;

        if (rule->type == TYPE_TEXT && asm_view_is_atom(value, "nil")) {
                g_clear_pointer(field, g_free);
                return TRUE;
        }
        text = asm_view_dup_text(value, /* accept_atoms= */ rule->type == TYPE_NAME);
        if (text == NULL || *text == '\0' || strlen(text) > TEXT_MAX)
                return invalid(ret_failure,
                               rule->key,
                               value,
                               rule->type == TYPE_NAME ? "an atom or a string" : "a string");
        if (rule->type == TYPE_ID && !asm_id_is_valid(text))
                return invalid(ret_failure,
                               rule->key,
                               value,
                               "1 to 128 printable characters without spaces");
        g_free(*field);
        *field = g_steal_pointer(&text);
        return TRUE;
}

static gboolean
set_choice(AsmOptions *options,
           const OptionRule *rule,
           AsmView value,
           AsmFailure **ret_failure)
{
        g_autofree char *text = asm_view_dup_text(value, /* accept_atoms= */ TRUE);
        g_autofree char *expected = NULL;

        for (gint i = 0; rule->choices[i] != NULL; i++) {
                if (g_strcmp0(text, rule->choices[i]) == 0) {
                        *(gint *)G_STRUCT_MEMBER_P(options, rule->offset) = i;
                        return TRUE;
                }
        }
        expected = g_strjoinv(" or ", (char **)rule->choices);
        return invalid(ret_failure, rule->key, value, expected);
}

static gboolean
set_number(AsmOptions *options,
           const OptionRule *rule,
           AsmView value,
           AsmFailure **ret_failure)
{
        guint *field = (guint *)G_STRUCT_MEMBER_P(options, rule->offset);
        gint64 number;

        if (rule->type == TYPE_TIMEOUT && asm_view_is_atom(value, "infinity")) {
                *field = ASM_TIMEOUT_INFINITY;
                return TRUE;
        }
        if (!asm_view_get_int(value, &number) || number < (rule->type == TYPE_TIMEOUT ? 1 : 0) ||
            number > (rule->type == TYPE_TIMEOUT ? MIN(TIMEOUT_MAX_MS, G_MAXUINT) : LIMIT_MAX))
                return invalid(ret_failure,
                               rule->key,
                               value,
                               rule->type == TYPE_TIMEOUT
                                       ? "a positive number of milliseconds or infinity"
                                       : "a number from 0 to 1000000");
        *field = (guint)number;
        return TRUE;
}

static gboolean
set_term(AsmOptions *options, const OptionRule *rule, AsmView value, AsmFailure **ret_failure)
{
        AsmTerm **field = G_STRUCT_MEMBER_P(options, rule->offset);
        AsmKind wanted = rule->type == TYPE_PID ? ASM_KIND_PID : ASM_KIND_MAP;

        if (asm_view_kind(value) != wanted)
                return invalid(
                        ret_failure, rule->key, value, wanted == ASM_KIND_PID ? "a pid" : "a map");
        g_clear_pointer(field, asm_term_unref);
        *field = asm_term_new(value);
        return TRUE;
}

static gboolean
set_option(AsmOptions *options,
           const OptionRule *rule,
           AsmView value,
           AsmFailure **ret_failure)
{
        switch (rule->type) {
        case TYPE_TEXT:
        case TYPE_NAME:
        case TYPE_ID:
                return set_text(options, rule, value, ret_failure);
        case TYPE_CHOICE:
                return set_choice(options, rule, value, ret_failure);
        case TYPE_TIMEOUT:
        case TYPE_COUNT:
                return set_number(options, rule, value, ret_failure);
        case TYPE_PID:
        case TYPE_MAP:
                return set_term(options, rule, value, ret_failure);
        }
        return FALSE;
}

static gboolean
set_provider_option(AsmOptions *options, const char *key, AsmView value, AsmFailure **ret_failure)
{
        AsmProviderOption *option;

        if (options->provider_options == NULL)
                options->provider_options = g_ptr_array_new_with_free_func(provider_option_free);
        for (guint i = 0; i < options->provider_options->len; i++) {
                option = g_ptr_array_index(options->provider_options, i);
                if (strcmp(option->key, key) == 0) {
                        asm_term_unref(option->value);
                        option->value = asm_term_new(value);
                        return TRUE;
                }
        }
        if (options->provider_options->len >= PROVIDER_OPTIONS_MAX)
                return invalid(ret_failure, key, value, "at most 256 provider options");
        option = g_new(AsmProviderOption, 1);
        option->key = g_strdup(key);
        option->value = asm_term_new(value);
        g_ptr_array_add(options->provider_options, option);
        return TRUE;
}

static gboolean
apply_one(AsmOptions *options, AsmView key, AsmView value, AsmFailure **ret_failure)
{
        g_autofree char *name = asm_view_dup_text(key, /* accept_atoms= */ TRUE);

        if (name == NULL || *name == '\0' || strlen(name) > 255)
                return invalid(ret_failure, "(key)", key, "an atom or a string as the key");
        if (strcmp(name, "driver_opts") == 0)
                return TRUE;
        for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
                if (strcmp(rules[i].key, name) == 0)
                        return set_option(options, &rules[i], value, ret_failure);
        }
        return set_provider_option(options, name, value, ret_failure);
}

static gboolean
apply_list(AsmOptions *options, const char *what, AsmView given, AsmFailure **ret_failure)
{
        AsmOptionCursor cursor;
        AsmView key;
        AsmView value;

        asm_option_cursor_init(&cursor, given);
        while (asm_option_next(&cursor, &key, &value)) {
                if (!apply_one(options, key, value, ret_failure))
                        return FALSE;
        }
        if (!asm_option_cursor_is_malformed(&cursor))
                return TRUE;
        return invalid(ret_failure, what, given, "a keyword list or a map");
}

gboolean
asm_options_apply(AsmOptions *options, AsmView given, AsmFailure **ret_failure)
{
        AsmView driver;

        if (!asm_view_is_set(given))
                return TRUE;
        if (!apply_list(options, "list", given, ret_failure))
                return FALSE;
        return !asm_view_option_get(given, "driver_opts", &driver) ||
               apply_list(options, "driver_opts", driver, ret_failure);
}

void
asm_builder_provider_options(AsmBuilder *builder, const AsmOptions *options)
{
        guint n = options->provider_options != NULL ? options->provider_options->len : 0;

        asm_builder_list(builder, n);
        for (guint i = 0; i < n; i++) {
                AsmProviderOption *option = g_ptr_array_index(options->provider_options, i);

                asm_builder_tuple(builder, 2);
                asm_builder_atom(builder, option->key);
                asm_builder_term(builder, option->value);
        }
        asm_builder_nil(builder);
}

gboolean
asm_options_check(const AsmOptions *options,
                  const AsmProvider **ret_provider,
                  AsmFailure **ret_failure)
{
        g_autoptr(GError) error = NULL;
        g_auto(AsmBuilder) list = ASM_BUILDER_INIT;
        g_auto(GStrv) args = NULL;
        const AsmProvider *provider = asm_provider_find(options->provider, &error);

        if (provider != NULL) {
                asm_builder_provider_options(&list, options);
                args = provider->build_args("prompt", asm_builder_peek(&list), &error);
        }
        if (error != NULL) {
                *ret_failure = asm_failure_new(
                        ASM_FAILURE_CONFIG_INVALID, ASM_DOMAIN_CONFIG, "%s", error->message);
                return FALSE;
        }
        if (options->lane == ASM_LANE_SDK) {
                *ret_failure = asm_failure_new(
                        ASM_FAILURE_CONFIG_INVALID,
                        ASM_DOMAIN_CONFIG,
                        options->mode == ASM_MODE_REMOTE_NODE
                                ? "lane sdk does not go with execution_mode remote_node: use lane auto or core"
                                : "no sdk kit for provider %s is installed: use lane auto or core",
                        provider->name);
                return FALSE;
        }
        if (options->mode == ASM_MODE_REMOTE_NODE && options->remote_node == NULL) {
                *ret_failure = asm_failure_new(
                        ASM_FAILURE_CONFIG_INVALID,
                        ASM_DOMAIN_CONFIG,
                        "option remote_node is missing: execution_mode remote_node needs driver_opts with remote_node");
                return FALSE;
        }
        *ret_provider = provider;
        return TRUE;
}

static void
put_atom_list(AsmBuilder *builder, const char *const *names)
{
        guint n = g_strv_length((char **)names);

        asm_builder_list(builder, n);
        for (guint i = 0; i < n; i++)
                asm_builder_atom(builder, names[i]);
        asm_builder_nil(builder);
}

static void
put_atom_pair(AsmBuilder *builder, const char *key, const char *value)
{
        asm_builder_atom(builder, key);
        asm_builder_atom(builder, value);
}

/* keys of run metadata; sorted as Elixir shows small maps does not matter on the wire */
void
asm_builder_run_metadata(AsmBuilder *builder,
                         const AsmOptions *options,
                         const AsmProvider *provider)
{
        static const char *const only_core[] = { "core", NULL };
        g_auto(AsmBuilder) own = ASM_BUILDER_INIT;

        asm_builder_map(&own, 15);
        put_atom_pair(&own, "provider", provider->name);
        asm_builder_atom(&own, "provider_display_name");
        asm_builder_text(&own, provider->display_name);
        put_atom_pair(&own, "core_profile_id", provider->name);
        put_atom_pair(&own, "sdk_runtime", "nil");
        put_atom_pair(&own, "sdk_available?", "false");
        asm_builder_atom(&own, "available_lanes");
        put_atom_list(&own, only_core);
        put_atom_pair(&own, "default_lane", "auto");
        put_atom_pair(&own, "requested_lane", lane_names[options->lane]);
        put_atom_pair(&own, "preferred_lane", "core");
        put_atom_pair(&own,
                      "lane_reason",
                      options->lane == ASM_LANE_CORE ? "explicit_core" : "sdk_unavailable");
        asm_builder_atom(&own, "capabilities");
        put_atom_list(&own, provider->capabilities);
        put_atom_pair(&own, "lane", "core");
        put_atom_pair(&own, "backend", "Elixir.ASM.ProviderBackend.Core");
        put_atom_pair(&own, "execution_mode", mode_names[options->mode]);
        put_atom_pair(&own, "lane_fallback_reason", "nil");
        asm_builder_metadata(builder,
                             asm_builder_peek(&own),
                             options->metadata != NULL ? asm_term_view(options->metadata)
                                                       : ASM_VIEW_NONE);
}
