/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The options of sessions and runs, resolved: defaults, then the session's, then the run's, each a
 * keyword list or map as it came from the caller (ASM_PROTOCOL.md section 6). What is not ours is
 * the provider's and is kept as it is.
 */

#include "event/failure.h"
#include "run/lane.h"

typedef enum {
        ASM_SURFACE_LOCAL_SUBPROCESS,
        ASM_SURFACE_SSH_EXEC,
        ASM_SURFACE_GUEST_BRIDGE,
} AsmSurfaceKind;

typedef enum {
        ASM_POSTURE_UNSET,
        ASM_POSTURE_MANUAL,
        ASM_POSTURE_AUTO,
        ASM_POSTURE_NONE, /* refused at the start */
} AsmApprovalPosture;

/* `infinity` as a timeout */
#define ASM_TIMEOUT_INFINITY 0
/* a timeout that nobody gave and that has another one for its default */
#define ASM_TIMEOUT_UNSET G_MAXUINT

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
        guint remote_boot_lease_timeout_ms;     /* accepted and carried, as in ASM */
        guint remote_transport_call_timeout_ms; /* unset: transport_call_timeout_ms */
        gint ensure_started; /* remote_bootstrap_mode: 0 require_prestarted, 1 ensure_started */

        char *cwd;
        char *cli_path;
        guint transport_call_timeout_ms;
        guint stream_timeout_ms;
        guint startup_timeout_ms; /* the silence before the CLI's first word; stream_timeout_ms is one too */
        guint queue_timeout_ms;
        guint run_deadline_ms;
        guint approval_timeout_ms;
        guint interrupt_grace_ms; /* how long an interrupted CLI may take to end by itself */
        guint max_concurrent_runs;
        guint max_queued_runs;
        AsmTerm *subscriber; /* a pid; NULL: the caller, or nobody */
        AsmTerm *owner;      /* a pid: the session ends when it ends; NULL: nobody */
        AsmTerm *metadata;   /* a map; NULL: empty */
        AsmTerm *surface;    /* execution_surface as given; NULL: local_subprocess */
        gint surface_kind;   /* AsmSurfaceKind */
        char *workspace_root;
        GStrv allowed_tools;   /* NULL or empty: all */
        gint approval_posture; /* AsmApprovalPosture */

        GPtrArray *provider_options; /* of AsmProviderOption, in the order they were first given */
        GPtrArray *driver_extra;     /* keys of driver_opts that this version does not know */
} AsmOptions;

typedef struct {
        char *key;
        AsmTerm *value;
} AsmProviderOption;

void asm_options_init(AsmOptions *options);
void asm_options_clear(AsmOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmOptions, asm_options_clear)

/* (nullable): the key of the option at @index, which are those of all providers; NULL behind the last */
const char *asm_options_nth(guint index);

/**
 * asm_options_apply: the layers, the later ones over the earlier ones, and then their driver_opts
 * in the same order: what a driver_opts list says wins over everything else
 * @layers: keyword lists or maps; unset ones are skipped
 * @ret_failure: (transfer full): config_invalid naming the key, the value and what is expected
 */
gboolean asm_options_apply(AsmOptions *options,
                           const AsmView *layers,
                           guint n_layers,
                           AsmFailure **ret_failure) G_GNUC_WARN_UNUSED_RESULT;
/* over everything that was applied: a provider option of the caller's own making */
void asm_options_set_provider_text(AsmOptions *options, const char *key, const char *text);

/**
 * asm_options_check: what only the whole can tell: the provider exists and takes these options, the
 * lane goes with the mode, a remote run names its node
 * @ret_provider: (transfer none)
 */
gboolean asm_options_check(const AsmOptions *options,
                           const AsmProvider **ret_provider,
                           AsmLaneChoice *ret_lane,
                           AsmFailure **ret_failure) G_GNUC_WARN_UNUSED_RESULT;

/* of control calls to a remote session: interrupt, input */
guint asm_options_get_call_timeout_ms(const AsmOptions *options);

/**
 * asm_builder_resolved: appends how a run with these options is executed, as somebody may see it: a
 * map of execution_mode, lane, transport_call_timeout_ms and the remote_* options, with the keys of
 * driver_opts that this version does not know. Never the cookie.
 */
void asm_builder_resolved(AsmBuilder *builder, const AsmOptions *options);

/* appends the provider's options as a keyword list */
void asm_builder_provider_options(AsmBuilder *builder, const AsmOptions *options);
/**
 * asm_builder_surface: appends the execution surface as the struct that a remote start expects
 * (ASM_PROTOCOL.md section 1), missing fields filled in
 */
void asm_builder_surface(AsmBuilder *builder, const AsmOptions *options);
