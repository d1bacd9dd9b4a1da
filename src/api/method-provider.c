/* SPDX-License-Identifier: MIT */

/* Exported functions about providers and lanes: what is there, and what a run would use. */

#include "method-private.h"

#include "term/reader.h"

static const AsmProvider *
find_provider(AsmView view, AsmFailure **ret_failure)
{
        g_autofree char *name = asm_view_dup_text(view, /* accept_atoms= */ TRUE);
        g_autoptr(GError) error = NULL;
        const AsmProvider *provider = asm_provider_find(name != NULL ? name : "", &error);

        if (provider == NULL)
                *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                               ASM_DOMAIN_CONFIG,
                                               "%s",
                                               error->message);
        return provider;
}

static gboolean
choose(const AsmRequest *request,
       AsmLaneChoice *ret_choice,
       const AsmProvider **ret_provider,
       AsmFailure **ret_failure)
{
        g_auto(AsmOptions) options = { 0 };

        *ret_provider = find_provider(request->args[0], ret_failure);
        if (*ret_provider == NULL)
                return FALSE;
        asm_options_init(&options);
        return asm_options_apply(&options, &request->args[1], 1, ret_failure) &&
               asm_lane_resolve(*ret_provider, options.lane, options.mode, ret_choice, ret_failure);
}

/* resolve(Provider[, [{lane, _}, {execution_mode, _}]]) -> {ok, Observability} */
void
asm_method_resolve(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        const AsmProvider *provider;
        AsmLaneChoice choice;

        if (!choose(request, &choice, &provider, &failure)) {
                asm_reply_failure(reply, failure);
                return;
        }
        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        asm_builder_lane(&value, provider, &choice);
        reply->send(reply, asm_builder_peek(&value));
}

static void
put_text_or_nil(AsmBuilder *value, const char *key, const char *text)
{
        asm_builder_atom(value, key);
        asm_builder_text(value, text);
}

/* [#{option, type, flag, default}] */
static void
put_options(AsmBuilder *value, const AsmProviderFlag *flags)
{
        AsmBuilderMark mark = asm_builder_list_begin(value);
        guint n = 0;

        for (; flags[n].option != NULL; n++) {
                asm_builder_map(value, 4);
                asm_builder_atom(value, "option");
                asm_builder_atom(value, flags[n].option);
                put_text_or_nil(value, "type", asm_option_type_name(flags[n].type));
                put_text_or_nil(value, "flag", flags[n].flag);
                put_text_or_nil(value, "default", flags[n].fallback);
        }
        asm_builder_list_end(value, mark, n);
}

/* [#{mode, native, flags}] */
static void
put_modes(AsmBuilder *value, const AsmPermissionMode *modes)
{
        AsmBuilderMark mark = asm_builder_list_begin(value);
        guint n = 0;

        for (; modes[n].mode != NULL; n++) {
                guint n_flags = g_strv_length((GStrv)modes[n].flags);

                asm_builder_map(value, 3);
                asm_builder_atom(value, "mode");
                asm_builder_atom(value, modes[n].mode);
                asm_builder_atom(value, "native");
                asm_builder_atom(value, modes[n].native);
                asm_builder_atom(value, "flags");
                asm_builder_list(value, n_flags);
                for (guint i = 0; i < n_flags; i++)
                        asm_builder_text(value, modes[n].flags[i]);
                asm_builder_nil(value);
        }
        asm_builder_list_end(value, mark, n);
}

/* what is installed, or why it cannot be used; nil: nothing */
static void
put_kit(AsmBuilder *value, const AsmKit *kit, const GError *error)
{
        asm_builder_atom(value, "kit");
        if (kit != NULL) {
                asm_builder_map(value, 4);
                put_text_or_nil(value, "name", kit->name);
                put_text_or_nil(value, "version", kit->version);
                put_text_or_nil(value, "path", kit->folder);
                asm_builder_atom(value, "capabilities");
                asm_builder_list(value, g_strv_length(kit->capabilities));
                for (guint i = 0; kit->capabilities[i] != NULL; i++)
                        asm_builder_text(value, kit->capabilities[i]);
                asm_builder_nil(value);
        } else if (error != NULL) {
                asm_builder_map(value, 1);
                put_text_or_nil(value, "error", error->message);
        } else {
                asm_builder_nil_atom(value);
        }
}

void
asm_builder_provider_info(AsmBuilder *value, const AsmProvider *provider)
{
        g_autoptr(AsmKit) kit = NULL;
        g_autoptr(GError) error = NULL;
        gboolean has_kit = asm_kit_find(provider->name, &kit, &error) && kit != NULL;
        const char *const lanes[] = { "core", has_kit ? "sdk" : NULL, NULL };

        asm_builder_map(value, 11);
        asm_builder_atom(value, "provider");
        asm_builder_atom(value, provider->name);
        asm_builder_atom(value, "display_name");
        asm_builder_text(value, provider->display_name);
        asm_builder_atom(value, "core_profile");
        asm_builder_atom(value, provider->profile);
        asm_builder_atom(value, "command");
        asm_builder_text(value, provider->command);
        asm_builder_atom(value, "path_variable");
        asm_builder_text(value, provider->path_variable);
        asm_builder_atom(value, "capabilities");
        asm_builder_atoms(value, provider->capabilities);
        asm_builder_atom(value, "options");
        put_options(value, provider->flags);
        asm_builder_atom(value, "permission_modes");
        put_modes(value, provider->permission_modes);
        asm_builder_atom(value, "available_lanes");
        asm_builder_atoms(value, lanes);
        asm_builder_atom(value, "sdk_available?");
        asm_builder_bool(value, has_kit);
        put_kit(value, kit, error);
}

static void
put_all_infos(AsmBuilder *value)
{
        AsmBuilderMark mark = asm_builder_list_begin(value);
        const AsmProvider *const *all = asm_provider_all();
        guint n = 0;

        for (; all[n] != NULL; n++)
                asm_builder_provider_info(value, all[n]);
        asm_builder_list_end(value, mark, n);
}

/* provider_info([Provider]) -> {ok, Map}, without a provider {ok, [Map]} */
void
asm_method_provider_info(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        const AsmProvider *provider = NULL;

        if (request->n_args > 0)
                provider = find_provider(request->args[0], &failure);
        if (failure != NULL) {
                asm_reply_failure(reply, failure);
                return;
        }
        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        if (provider != NULL)
                asm_builder_provider_info(&value, provider);
        else
                put_all_infos(&value);
        reply->send(reply, asm_builder_peek(&value));
}

/* providers([Provider]) -> {ok, [#{provider, path, version, problem, info}]} */
void
asm_method_providers(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        const AsmProvider *provider = NULL;

        if (request->n_args > 0)
                provider = find_provider(request->args[0], &failure);
        if (failure != NULL)
                asm_reply_failure(reply, failure);
        else
                asm_survey_ask(request->api->survey,
                               asm_procs_get_timers(request->api->procs),
                               provider,
                               reply);
}

/* lane_info(Provider[, Options]) -> {ok, #{available_lanes, default_lane, ...}} */
void
asm_method_lane_info(const AsmRequest *request, AsmReply *reply)
{
        g_autoptr(AsmFailure) failure = NULL;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        const AsmProvider *provider;
        AsmLaneChoice choice;

        if (!choose(request, &choice, &provider, &failure)) {
                asm_reply_failure(reply, failure);
                return;
        }
        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        asm_builder_map(&value, 5);
        asm_builder_atom(&value, "provider");
        asm_builder_atom(&value, provider->name);
        asm_builder_atom(&value, "preferred_lane");
        asm_builder_atom(&value, asm_lane_names[choice.preferred]);
        asm_builder_atom(&value, "lane_reason");
        asm_builder_atom(&value, choice.reason);
        asm_builder_atom(&value, "default_lane");
        asm_builder_atom(&value, "auto");
        asm_builder_atom(&value, "sdk_available?");
        asm_builder_bool(&value, choice.sdk_available);
        reply->send(reply, asm_builder_peek(&value));
}
