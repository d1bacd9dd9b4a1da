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

#include "surface-private.h"
#include "term/print.h"
#include "term/reader.h"

#include <string.h>

#define TIMEOUT_MAX_MS (G_MAXUINT - 1)
#define LIMIT_MAX      1000000
/* longest text of an option, and most provider options; a prompt is no option */
#define TEXT_MAX             65536
#define PROVIDER_OPTIONS_MAX 256
/* bytes that surely are an atom */
#define ATOM_MAX 255
/* how much of a wrong value is shown */
#define SHOWN_MAX 120

typedef enum {
        TYPE_TEXT,
        TYPE_NAME,   /* an atom or text */
        TYPE_COOKIE, /* an atom */
        TYPE_ID,
        TYPE_CHOICE,
        TYPE_TIMEOUT, /* ms or infinity */
        TYPE_COUNT,
        TYPE_PID,
        TYPE_MAP,
        TYPE_TEXTS,
        TYPE_SURFACE,
        TYPE_ENVIRONMENT, /* a nested list of options */
} OptionType;

typedef struct {
        const char *key;
        OptionType type;
        gsize offset;
        const char *const *choices; /* index = value */
} OptionRule;

static const char *const bootstrap_names[] = { "require_prestarted", "ensure_started", NULL };

/* index 0, unset, has no name that anybody can give */
static const char *const posture_names[] = { "", "manual", "auto", "none", NULL };

#define AT(member) G_STRUCT_OFFSET(AsmOptions, member)

static const OptionRule rules[] = {
        { "provider", TYPE_NAME, AT(provider), NULL },
        { "session_id", TYPE_ID, AT(session_id), NULL },
        { "run_id", TYPE_ID, AT(run_id), NULL },
        { "execution_mode", TYPE_CHOICE, AT(mode), asm_mode_names },
        { "lane", TYPE_CHOICE, AT(lane), asm_lane_names },
        { "remote_node", TYPE_NAME, AT(remote_node), NULL },
        { "remote_cookie", TYPE_COOKIE, AT(remote_cookie), NULL },
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
        { "startup_timeout_ms", TYPE_TIMEOUT, AT(startup_timeout_ms), NULL },
        { "queue_timeout_ms", TYPE_TIMEOUT, AT(queue_timeout_ms), NULL },
        { "run_deadline_ms", TYPE_TIMEOUT, AT(run_deadline_ms), NULL },
        { "max_concurrent_runs", TYPE_COUNT, AT(max_concurrent_runs), NULL },
        { "max_queued_runs", TYPE_COUNT, AT(max_queued_runs), NULL },
        { "approval_timeout_ms", TYPE_TIMEOUT, AT(approval_timeout_ms), NULL },
        { "interrupt_grace_ms", TYPE_COUNT, AT(interrupt_grace_ms), NULL },
        { "subscriber", TYPE_PID, AT(subscriber), NULL },
        { "owner", TYPE_PID, AT(owner), NULL },
        { "execution_surface", TYPE_SURFACE, AT(surface), NULL },
        { "execution_environment", TYPE_ENVIRONMENT, 0, NULL },
        { "workspace_root", TYPE_TEXT, AT(workspace_root), NULL },
        { "allowed_tools", TYPE_TEXTS, AT(allowed_tools), NULL },
        { "approval_posture", TYPE_CHOICE, AT(approval_posture), posture_names },
        { "metadata", TYPE_MAP, AT(metadata), NULL },
};

const char *
asm_options_nth(guint index)
{
        return index < G_N_ELEMENTS(rules) ? rules[index].key : NULL;
}

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
                                 .remote_transport_call_timeout_ms = ASM_TIMEOUT_UNSET,
                                 .transport_call_timeout_ms = 5000,
                                 .stream_timeout_ms = 60000,
                                 .startup_timeout_ms = ASM_TIMEOUT_INFINITY,
                                 .queue_timeout_ms = ASM_TIMEOUT_INFINITY,
                                 .run_deadline_ms = 600000,
                                 .approval_timeout_ms = 120000,
                                 .interrupt_grace_ms = 2000,
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
        g_clear_pointer(&options->owner, asm_term_unref);
        g_clear_pointer(&options->metadata, asm_term_unref);
        g_clear_pointer(&options->surface, asm_term_unref);
        g_free(options->workspace_root);
        g_strfreev(options->allowed_tools);
        g_clear_pointer(&options->provider_options, g_ptr_array_unref);
        g_clear_pointer(&options->driver_extra, g_ptr_array_unref);
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

/* the same where the value may hold secrets: a whole list, or what this program does not know */
static gboolean
invalid_unseen(AsmFailure **ret_failure, const char *key, const char *expected)
{
        *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                       ASM_DOMAIN_CONFIG,
                                       "option %s: not valid (value not shown), expected %s",
                                       key,
                                       expected);
        return FALSE;
}

static gboolean
set_text(AsmOptions *options, const OptionRule *rule, AsmView value, AsmFailure **ret_failure)
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

/* as in ASM, what is no atom is no cookie, and the cause says so (ASM_PROTOCOL.md section 1) */
static gboolean
set_cookie(AsmOptions *options, const OptionRule *rule, AsmView value, AsmFailure **ret_failure)
{
        g_autofree char *cookie = asm_view_dup_atom(value);
        g_auto(AsmBuilder) cause = ASM_BUILDER_INIT;

        if (cookie == NULL || *cookie == '\0') {
                invalid(ret_failure, rule->key, value, "an atom");
                asm_builder_atom(&cause, "cookie_conflict");
                (*ret_failure)->cause = asm_builder_end(&cause);
                return FALSE;
        }
        g_clear_pointer(&options->remote_cookie, g_free);
        if (strcmp(cookie, "nil") != 0)
                options->remote_cookie = g_steal_pointer(&cookie);
        return TRUE;
}

static gboolean
set_choice(AsmOptions *options, const OptionRule *rule, AsmView value, AsmFailure **ret_failure)
{
        g_autofree char *text = asm_view_dup_text(value, /* accept_atoms= */ TRUE);
        g_autofree char *expected = NULL;

        for (gint i = 0; text != NULL && *text != '\0' && rule->choices[i] != NULL; i++) {
                if (strcmp(text, rule->choices[i]) == 0) {
                        *(gint *)G_STRUCT_MEMBER_P(options, rule->offset) = i;
                        return TRUE;
                }
        }
        expected = g_strjoinv(" or ", (char **)rule->choices + (*rule->choices[0] == '\0'));
        return invalid(ret_failure, rule->key, value, expected);
}

static gboolean
set_number(AsmOptions *options, const OptionRule *rule, AsmView value, AsmFailure **ret_failure)
{
        guint *field = (guint *)G_STRUCT_MEMBER_P(options, rule->offset);
        gint64 number;

        if (rule->type == TYPE_TIMEOUT && asm_view_is_atom(value, "infinity")) {
                *field = ASM_TIMEOUT_INFINITY;
                return TRUE;
        }
        if (!asm_view_get_int(value, &number) || number < (rule->type == TYPE_TIMEOUT ? 1 : 0) ||
            number > (rule->type == TYPE_TIMEOUT ? TIMEOUT_MAX_MS : LIMIT_MAX))
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
                return invalid(ret_failure,
                               rule->key,
                               value,
                               wanted == ASM_KIND_PID ? "a pid" : "a map");
        g_clear_pointer(field, asm_term_unref);
        *field = asm_term_new(value);
        return TRUE;
}

static gboolean
set_texts(AsmOptions *options, const OptionRule *rule, AsmView value, AsmFailure **ret_failure)
{
        GStrv *field = (GStrv *)G_STRUCT_MEMBER_P(options, rule->offset);
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        AsmListCursor cursor = asm_view_list(value);
        AsmView element;
        guint n;

        if (!asm_view_get_list_length(value, &n))
                return invalid(ret_failure, rule->key, value, "a list of strings");
        while (asm_list_next(&cursor, &element)) {
                g_autofree char *text = asm_view_dup_text(element, /* accept_atoms= */ TRUE);

                if (text == NULL || *text == '\0')
                        return invalid(ret_failure, rule->key, value, "a list of strings");
                g_strv_builder_add(builder, text);
        }
        g_strfreev(*field);
        *field = g_strv_builder_end(builder);
        return TRUE;
}

/* an atom, or a map or keyword list with surface_kind */
static gboolean
set_surface(AsmOptions *options, const OptionRule *rule, AsmView value, AsmFailure **ret_failure)
{
        static const char *const expected =
                "local_subprocess, ssh_exec or guest_bridge, or a map with surface_kind";
        OptionRule kind = { "execution_surface", TYPE_CHOICE, AT(surface_kind), asm_surface_names };
        gboolean has_fields =
                asm_view_kind(value) == ASM_KIND_MAP || asm_view_kind(value) == ASM_KIND_LIST;
        AsmView given = value;

        if (has_fields && !asm_view_option_get(value, "surface_kind", &given))
                return invalid_unseen(ret_failure, rule->key, expected);
        if (!has_fields && asm_view_kind(value) != ASM_KIND_ATOM)
                return invalid(ret_failure, rule->key, value, expected);
        if (!set_choice(options, &kind, given, ret_failure) ||
            (has_fields && !asm_surface_check(value, options->surface_kind, ret_failure)))
                return FALSE;
        g_clear_pointer(&options->surface, asm_term_unref);
        options->surface = asm_term_new(value);
        return TRUE;
}

static gboolean apply_list(AsmOptions *options,
                           const char *what,
                           AsmView given,
                           AsmFailure **ret_failure);

static gboolean
set_option(AsmOptions *options, const OptionRule *rule, AsmView value, AsmFailure **ret_failure)
{
        switch (rule->type) {
        case TYPE_TEXT:
        case TYPE_NAME:
        case TYPE_ID:
                return set_text(options, rule, value, ret_failure);
        case TYPE_COOKIE:
                return set_cookie(options, rule, value, ret_failure);
        case TYPE_CHOICE:
                return set_choice(options, rule, value, ret_failure);
        case TYPE_TIMEOUT:
        case TYPE_COUNT:
                return set_number(options, rule, value, ret_failure);
        case TYPE_PID:
        case TYPE_MAP:
                return set_term(options, rule, value, ret_failure);
        case TYPE_TEXTS:
                return set_texts(options, rule, value, ret_failure);
        case TYPE_SURFACE:
                return set_surface(options, rule, value, ret_failure);
        case TYPE_ENVIRONMENT:
                return apply_list(options, rule->key, value, ret_failure);
        }
        return FALSE;
}

/* FALSE: there are too many */
static gboolean
keep_option(GPtrArray **list, const char *key, AsmView value)
{
        AsmProviderOption *option;

        if (*list == NULL)
                *list = g_ptr_array_new_with_free_func(provider_option_free);
        for (guint i = 0; i < (*list)->len; i++) {
                option = g_ptr_array_index(*list, i);
                if (strcmp(option->key, key) == 0) {
                        asm_term_unref(option->value);
                        option->value = asm_term_new(value);
                        return TRUE;
                }
        }
        if ((*list)->len >= PROVIDER_OPTIONS_MAX)
                return FALSE;
        option = g_new(AsmProviderOption, 1);
        option->key = g_strdup(key);
        option->value = asm_term_new(value);
        g_ptr_array_add(*list, option);
        return TRUE;
}

void
asm_options_set_provider_text(AsmOptions *options, const char *key, const char *text)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        asm_builder_text(&value, text);
        keep_option(&options->provider_options, key, asm_builder_peek(&value));
}

static gboolean
apply_one(AsmOptions *options,
          GPtrArray **unknown,
          AsmView key,
          AsmView value,
          AsmFailure **ret_failure)
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
        return keep_option(unknown, name, value) ||
               invalid_unseen(ret_failure, name, "at most 256 other options");
}

static gboolean
apply_list(AsmOptions *options, const char *what, AsmView given, AsmFailure **ret_failure)
{
        GPtrArray **unknown = strcmp(what, "driver_opts") == 0 ? &options->driver_extra
                                                               : &options->provider_options;
        AsmOptionCursor cursor;
        AsmView key;
        AsmView value;

        asm_option_cursor_init(&cursor, given);
        while (asm_option_next(&cursor, &key, &value)) {
                if (!apply_one(options, unknown, key, value, ret_failure))
                        return FALSE;
        }
        if (!asm_option_cursor_is_malformed(&cursor))
                return TRUE;
        return invalid_unseen(ret_failure, what, "a keyword list or a map");
}

gboolean
asm_options_apply(AsmOptions *options,
                  const AsmView *layers,
                  guint n_layers,
                  AsmFailure **ret_failure)
{
        AsmView driver;

        for (guint i = 0; i < n_layers; i++) {
                if (asm_view_is_set(layers[i]) &&
                    !apply_list(options, "list", layers[i], ret_failure))
                        return FALSE;
        }
        for (guint i = 0; i < n_layers; i++) {
                if (asm_view_is_set(layers[i]) &&
                    asm_view_option_get(layers[i], "driver_opts", &driver) &&
                    !apply_list(options, "driver_opts", driver, ret_failure))
                        return FALSE;
        }
        return TRUE;
}

/* the permission mode that a posture stands for; one that is given wins */
static const char *
posture_mode(const AsmOptions *options)
{
        GPtrArray *list = options->provider_options;

        for (guint i = 0; list != NULL && i < list->len; i++) {
                const AsmProviderOption *option = g_ptr_array_index(list, i);

                if (strcmp(option->key, "permission_mode") == 0)
                        return NULL;
        }
        switch ((AsmApprovalPosture)options->approval_posture) {
        case ASM_POSTURE_MANUAL:
                return "default";
        case ASM_POSTURE_AUTO:
                return "auto";
        case ASM_POSTURE_UNSET:
        case ASM_POSTURE_NONE:
                break;
        }
        return NULL;
}

void
asm_builder_provider_options(AsmBuilder *builder, const AsmOptions *options)
{
        guint n = options->provider_options != NULL ? options->provider_options->len : 0;
        const char *mode = posture_mode(options);

        asm_builder_list(builder, n + (mode != NULL));
        for (guint i = 0; i < n; i++) {
                AsmProviderOption *option = g_ptr_array_index(options->provider_options, i);

                asm_builder_tuple(builder, 2);
                asm_builder_atom(builder, option->key);
                asm_builder_term(builder, option->value);
        }
        if (mode != NULL) {
                asm_builder_tuple(builder, 2);
                asm_builder_atom(builder, "permission_mode");
                asm_builder_atom(builder, mode);
        }
        asm_builder_nil(builder);
}

guint
asm_options_get_call_timeout_ms(const AsmOptions *options)
{
        return options->remote_transport_call_timeout_ms != ASM_TIMEOUT_UNSET
                       ? options->remote_transport_call_timeout_ms
                       : options->transport_call_timeout_ms;
}

/* TRUE: something was appended */
static gboolean
put_resolved(AsmBuilder *builder, const AsmOptions *options, const OptionRule *rule)
{
        gconstpointer field = (const char *)options + rule->offset;

        if ((!g_str_has_prefix(rule->key, "remote_") && strcmp(rule->key, "execution_mode") != 0 &&
             strcmp(rule->key, "lane") != 0 &&
             strcmp(rule->key, "transport_call_timeout_ms") != 0) ||
            strcmp(rule->key, "remote_cookie") == 0)
                return FALSE;
        asm_builder_atom(builder, rule->key);
        if (rule->type == TYPE_CHOICE) {
                asm_builder_atom(builder, rule->choices[*(const gint *)field]);
        } else if (rule->type == TYPE_TIMEOUT) {
                guint ms = *(const guint *)field;

                if (ms == ASM_TIMEOUT_UNSET)
                        ms = asm_options_get_call_timeout_ms(options);
                if (ms == ASM_TIMEOUT_INFINITY)
                        asm_builder_atom(builder, "infinity");
                else
                        asm_builder_int(builder, ms);
        } else if (rule->type == TYPE_NAME && *(char *const *)field != NULL &&
                   strlen(*(char *const *)field) <= ATOM_MAX) {
                asm_builder_atom(builder, *(char *const *)field);
        } else {
                asm_builder_text(builder, *(char *const *)field);
        }
        return TRUE;
}

void
asm_builder_resolved(AsmBuilder *builder, const AsmOptions *options)
{
        AsmBuilderMark mark = asm_builder_map_begin(builder);
        guint n = options->driver_extra != NULL ? options->driver_extra->len : 0;

        for (guint i = 0; i < n; i++) {
                const AsmProviderOption *option = g_ptr_array_index(options->driver_extra, i);

                asm_builder_atom(builder, option->key);
                asm_builder_term(builder, option->value);
        }
        for (gsize i = 0; i < G_N_ELEMENTS(rules); i++)
                n += put_resolved(builder, options, &rules[i]);
        asm_builder_map_end(builder, mark, n);
}

gboolean
asm_options_check(const AsmOptions *options,
                  const AsmProvider **ret_provider,
                  AsmLaneChoice *ret_lane,
                  AsmFailure **ret_failure)
{
        g_autoptr(GError) error = NULL;
        g_auto(AsmBuilder) list = ASM_BUILDER_INIT;
        g_auto(GStrv) args = NULL;
        const AsmProvider *provider = asm_provider_find(options->provider, &error);
        AsmProviderLaunch launch = { .prompt = "prompt", .answers_approvals = TRUE };

        if (provider != NULL) {
                asm_builder_provider_options(&list, options);
                launch.options = asm_builder_peek(&list);
                args = provider->build_args(&launch, &error);
        }
        if (error != NULL) {
                *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                               ASM_DOMAIN_CONFIG,
                                               "%s",
                                               error->message);
                return FALSE;
        }
        if (!asm_lane_resolve(provider, options->lane, options->mode, ret_lane, ret_failure))
                return FALSE;
        if (options->mode == ASM_MODE_LOCAL && options->surface_kind == ASM_SURFACE_SSH_EXEC &&
            !asm_lane_leave_host(ret_lane, provider, ret_failure))
                return FALSE;
        if (options->approval_posture == ASM_POSTURE_NONE) {
                *ret_failure = asm_failure_new(
                        ASM_FAILURE_CONFIG_INVALID,
                        ASM_DOMAIN_CONFIG,
                        "option approval_posture: none is refused, a run without approvals needs a "
                        "permission_mode that says so; expected manual or auto");
                return FALSE;
        }
        if (options->mode == ASM_MODE_LOCAL && options->surface_kind == ASM_SURFACE_GUEST_BRIDGE) {
                *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                               ASM_DOMAIN_CONFIG,
                                               "option execution_surface: guest_bridge goes with "
                                               "execution_mode remote_node only");
                return FALSE;
        }
        if (options->mode == ASM_MODE_REMOTE_NODE && options->remote_node == NULL) {
                *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                               ASM_DOMAIN_CONFIG,
                                               "option remote_node is missing: execution_mode "
                                               "remote_node needs driver_opts with remote_node");
                return FALSE;
        }
        *ret_provider = provider;
        return TRUE;
}
