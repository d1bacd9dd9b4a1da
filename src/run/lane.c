/* SPDX-License-Identifier: MIT */

/*
 * The choice of a lane, in two steps. First what is preferred:
 *
 *     auto, kit there -> sdk (sdk_available)      core         -> core (explicit_core)
 *     auto, no kit    -> core (sdk_unavailable)   sdk, kit     -> sdk (explicit_sdk)
 *                                                 sdk, no kit  -> config_invalid
 *
 * then where it runs: kits run beside asmd and nowhere else, so with a remote node, or a surface that
 * is another host, a preferred sdk becomes core with a `lane_fallback_reason`, and an sdk that was
 * asked for is an error. A kit that cannot be used counts as none, but who asks for it is told why.
 */

#include "run/lane.h"

const char *const asm_lane_names[] = { "auto", "core", "sdk", NULL };
const char *const asm_mode_names[] = { "local", "remote_node", NULL };

static gboolean
refuse(AsmFailure **ret_failure, const AsmProvider *provider, const char *why)
{
        *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                       ASM_DOMAIN_CONFIG,
                                       "provider %s %s",
                                       provider->name,
                                       why);
        return FALSE;
}

/* looks for a kit unless nobody wants one; FALSE: one was asked for and there is none */
static gboolean
find_kit(AsmLaneChoice *choice, const AsmProvider *provider, AsmFailure **ret_failure)
{
        g_autoptr(AsmKit) kit = NULL;
        g_autoptr(GError) error = NULL;

        if (choice->requested == ASM_LANE_CORE)
                return TRUE;
        if (asm_kit_find(provider->name, &kit, &error) && kit != NULL) {
                choice->sdk_available = TRUE;
                g_strlcpy(choice->kit, kit->name, sizeof choice->kit);
        } else if (choice->requested == ASM_LANE_SDK && error != NULL) {
                *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                               ASM_DOMAIN_CONFIG,
                                               "%s",
                                               error->message);
                return FALSE;
        }
        return TRUE;
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

        if (requested == ASM_LANE_SDK && is_remote)
                return refuse(ret_failure,
                              provider,
                              "cannot run in lane sdk on a remote node: use lane auto or core");
        if (!find_kit(&choice, provider, ret_failure))
                return FALSE;
        if (requested == ASM_LANE_SDK && !choice.sdk_available)
                return refuse(ret_failure,
                              provider,
                              "has no sdk kit here: install one, or use lane auto or core");
        choice.preferred = choice.sdk_available ? ASM_LANE_SDK : ASM_LANE_CORE;
        choice.reason = requested == ASM_LANE_CORE  ? "explicit_core"
                        : requested == ASM_LANE_SDK ? "explicit_sdk"
                        : choice.sdk_available      ? "sdk_available"
                                                    : "sdk_unavailable";
        choice.lane = choice.preferred;
        if (is_remote && choice.preferred == ASM_LANE_SDK) {
                choice.lane = ASM_LANE_CORE;
                choice.fallback = "sdk_remote_unsupported";
        }
        *ret_choice = choice;
        return TRUE;
}

gboolean
asm_lane_leave_host(AsmLaneChoice *choice, const AsmProvider *provider, AsmFailure **ret_failure)
{
        if (choice->lane != ASM_LANE_SDK)
                return TRUE;
        if (choice->requested == ASM_LANE_SDK)
                return refuse(ret_failure,
                              provider,
                              "cannot run in lane sdk on another host: use lane auto or core, or "
                              "execution_surface local_subprocess");
        choice->lane = ASM_LANE_CORE;
        choice->fallback = "sdk_surface_unsupported";
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
        put_pair(builder, "sdk_runtime", choice->sdk_available ? choice->kit : "nil");
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
        put_pair(builder,
                 "backend",
                 choice->lane == ASM_LANE_SDK ? "Elixir.ASM.ProviderBackend.SDK"
                                              : "Elixir.ASM.ProviderBackend.Core");
        put_pair(builder, "execution_mode", asm_mode_names[choice->mode]);
        put_pair(builder,
                 "lane_fallback_reason",
                 choice->fallback != NULL ? choice->fallback : "nil");
}
