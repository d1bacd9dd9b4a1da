/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The options of sessions and runs, resolved: defaults, then the session's, then the run's, each a
 * keyword list or map as it came from the caller (ASM_PROTOCOL.md section 6). What is not ours is
 * the provider's and is kept as it is.
 */

#include "event/failure.h"
#include "provider/provider.h"

typedef enum {
        ASM_MODE_LOCAL,
        ASM_MODE_REMOTE_NODE,
} AsmExecutionMode;

typedef enum {
        ASM_LANE_AUTO,
        ASM_LANE_CORE,
        ASM_LANE_SDK,
} AsmLane;

/* `infinity` as a timeout */
#define ASM_TIMEOUT_INFINITY 0

typedef struct {
        char *provider;
        char *session_id; /* nullable: to be made */
        char *run_id;     /* nullable: to be made */
        gint mode;        /* AsmExecutionMode */
        gint lane;        /* AsmLane */

        char *remote_node;
        char *remote_cookie;
        char *remote_cwd;
        guint remote_connect_timeout_ms;
        guint remote_rpc_timeout_ms;
        guint remote_boot_lease_timeout_ms; /* accepted and carried, as in ASM */
        guint remote_transport_call_timeout_ms;
        gint ensure_started; /* remote_bootstrap_mode: 0 require_prestarted, 1 ensure_started */

        char *cwd;
        char *cli_path;
        guint transport_call_timeout_ms;
        guint stream_timeout_ms;
        guint queue_timeout_ms;
        guint run_deadline_ms;
        guint max_concurrent_runs;
        guint max_queued_runs;
        AsmTerm *subscriber; /* a pid; NULL: the caller, or nobody */
        AsmTerm *metadata;   /* a map; NULL: empty */

        GPtrArray *provider_options; /* of AsmProviderOption, in the order they were first given */
} AsmOptions;

typedef struct {
        char *key;
        AsmTerm *value;
} AsmProviderOption;

void asm_options_init(AsmOptions *options);
void asm_options_clear(AsmOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmOptions, asm_options_clear)

/**
 * asm_options_apply: @given over what is there; later keys win
 * @given: a keyword list or a map; unset for none
 * @ret_failure: (transfer full): config_invalid naming the key, the value and what is expected
 */
gboolean asm_options_apply(AsmOptions *options, AsmView given, AsmFailure **ret_failure)
        G_GNUC_WARN_UNUSED_RESULT;

/**
 * asm_options_check: what only the whole can tell: the provider exists and takes these options, the
 * lane goes with the mode, a remote run names its node
 * @ret_provider: (transfer none)
 */
gboolean asm_options_check(const AsmOptions *options,
                           const AsmProvider **ret_provider,
                           AsmFailure **ret_failure) G_GNUC_WARN_UNUSED_RESULT;

/* appends the provider's options as a keyword list */
void asm_builder_provider_options(AsmBuilder *builder, const AsmOptions *options);

/**
 * asm_builder_run_metadata: appends the metadata of a run: what its caller gave and what tells how
 * it is executed (ASM_PROTOCOL.md section 5, "Observability")
 */
void asm_builder_run_metadata(AsmBuilder *builder,
                              const AsmOptions *options,
                              const AsmProvider *provider);
