/* SPDX-License-Identifier: MIT */

/*
 * The choice of a lane, in two steps. First what is preferred:
 *
 *     auto, kit there -> sdk (sdk_available)      core         -> core (explicit_core)
 *     auto, no kit    -> core (sdk_unavailable)   sdk, kit     -> sdk (explicit_sdk)
 *                                                 sdk, no kit  -> config_invalid
 *
 * then where it runs: kits do not run on remote nodes, so a preferred sdk becomes core there with
 * `sdk_remote_unsupported`, and an sdk that was asked for is an error. Kits are found but not run
 * by this version: locally a preferred sdk becomes core with `sdk_local_unsupported`.
 */

#include "run/lane.h"

const char *const asm_lane_names[] = { "auto", "core", "sdk", NULL };
const char *const asm_mode_names[] = { "local", "remote_node", NULL };

static gboolean
has_kit(const char *folder, const char *provider)
{
        g_autofree char *manifest = g_build_filename(folder, provider, "kit.json", NULL);

        return g_file_test(manifest, G_FILE_TEST_IS_REGULAR);
}

gboolean
asm_kit_is_installed(const char *provider)
{
        const char *path = g_getenv("ASMD_KIT_PATH");
        const char *const *data_dirs = g_get_system_data_dirs();
        g_autofree char *own = NULL;

        if (path != NULL) {
                g_auto(GStrv) folders = g_strsplit(path, ":", -1);

                for (guint i = 0; folders[i] != NULL; i++) {
                        if (*folders[i] != '\0' && has_kit(folders[i], provider))
                                return TRUE;
                }
                return FALSE;
        }
        own = g_build_filename(g_get_user_data_dir(), "asmd", "kits", NULL);
        if (has_kit(own, provider))
                return TRUE;
        for (guint i = 0; data_dirs[i] != NULL; i++) {
                g_autofree char *folder = g_build_filename(data_dirs[i], "asmd", "kits", NULL);

                if (has_kit(folder, provider))
                        return TRUE;
        }
        return FALSE;
}

static gboolean
refuse(AsmFailure **ret_failure, const char *format, const char *provider)
{
        g_autofree char *message = g_strdup_printf("%s %s", provider, format);

        *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                       ASM_DOMAIN_CONFIG,
                                       "provider %s",
                                       message);
        return FALSE;
}

gboolean
asm_lane_resolve(const AsmProvider *provider,
                 AsmLane requested,
                 AsmExecutionMode mode,
                 AsmLaneChoice *ret_choice,
                 AsmFailure **ret_failure)
{
        AsmLaneChoice choice = { .requested = requested, .mode = mode };
        gboolean is_remote = mode == ASM_MODE_REMOTE_NODE;

        choice.sdk_available = requested != ASM_LANE_CORE && asm_kit_is_installed(provider->name);
        if (requested == ASM_LANE_SDK && is_remote)
                return refuse(ret_failure,
                              "cannot run in lane sdk on a remote node: use lane auto or core",
                              provider->name);
        if (requested == ASM_LANE_SDK && !choice.sdk_available)
                return refuse(ret_failure,
                              "has no sdk kit here: install one, or use lane auto or core",
                              provider->name);
        if (requested == ASM_LANE_SDK)
                return refuse(ret_failure,
                              "has a kit, but this asmd does not run kits: use lane auto or core",
                              provider->name);
        choice.preferred = choice.sdk_available ? ASM_LANE_SDK : ASM_LANE_CORE;
        choice.reason = requested == ASM_LANE_CORE ? "explicit_core"
                        : choice.sdk_available     ? "sdk_available"
                                                   : "sdk_unavailable";
        choice.lane = ASM_LANE_CORE;
        if (choice.preferred == ASM_LANE_SDK)
                choice.fallback = is_remote ? "sdk_remote_unsupported" : "sdk_local_unsupported";
        *ret_choice = choice;
        return TRUE;
}

void
asm_builder_atoms(AsmBuilder *builder, const char *const *names)
{
        guint n = g_strv_length((char **)names);

        asm_builder_list(builder, n);
        for (guint i = 0; i < n; i++)
                asm_builder_atom(builder, names[i]);
        asm_builder_nil(builder);
}

static void
put_pair(AsmBuilder *builder, const char *key, const char *value)
{
        asm_builder_atom(builder, key);
        asm_builder_atom(builder, value);
}

void
asm_builder_lane(AsmBuilder *builder, const AsmProvider *provider, const AsmLaneChoice *choice)
{
        static const char *const both[] = { "core", "sdk", NULL };
        static const char *const only_core[] = { "core", NULL };

        asm_builder_map(builder, 15);
        put_pair(builder, "provider", provider->name);
        asm_builder_atom(builder, "provider_display_name");
        asm_builder_text(builder, provider->display_name);
        put_pair(builder, "core_profile_id", provider->name);
        put_pair(builder, "sdk_runtime", "nil");
        put_pair(builder, "sdk_available?", choice->sdk_available ? "true" : "false");
        asm_builder_atom(builder, "available_lanes");
        asm_builder_atoms(builder, choice->sdk_available ? both : only_core);
        put_pair(builder, "default_lane", "auto");
        put_pair(builder, "requested_lane", asm_lane_names[choice->requested]);
        put_pair(builder, "preferred_lane", asm_lane_names[choice->preferred]);
        put_pair(builder, "lane_reason", choice->reason);
        asm_builder_atom(builder, "capabilities");
        asm_builder_atoms(builder, provider->capabilities);
        put_pair(builder, "lane", asm_lane_names[choice->lane]);
        put_pair(builder, "backend", "Elixir.ASM.ProviderBackend.Core");
        put_pair(builder, "execution_mode", asm_mode_names[choice->mode]);
        put_pair(builder,
                 "lane_fallback_reason",
                 choice->fallback != NULL ? choice->fallback : "nil");
}
