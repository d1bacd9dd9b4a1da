/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * This node as the remote node of others (ASM_PROTOCOL.md sections 1 and 2): who may use it and what
 * can be called (host.c, the small ones host-facts.c), what a start is told (host-options.c), and the session that a start makes
 * (hosted.c, what it says of itself hosted-info.c).
 */

#include "method-private.h"

#include "backend/backend.h"
#include "base/quiet.h"

#define ASM_HOST_SUPERVISOR "Elixir.ASM.Remote.BackendSupervisor"
#define ASM_HOST_EVENT_TAG  "cli_subprocess_core_session"
/* that decisions about approvals may be sent to a session; an ASM node ignores them */
#define ASM_HOST_DECISIONS "approval_decisions_v1"
/* that a subscriber may ask a session to wait */
#define ASM_HOST_PAUSES "run_pause_v1"
/* the release that is spoken here, if it matters to nobody */
#define ASM_HOST_OTP_OLDEST "25"

struct _AsmHost {
        AsmBackendContext backend;
        AsmHostConfig config; /* a copy of its own */
        GPtrArray *sessions;  /* of AsmHosted that live, borrowed, oldest first */
        GPtrArray *asks;      /* of handshakes that wait for their caller's release */
        AsmQuiet refused;     /* callers that may not */
        gboolean is_draining; /* the daemon ends: nothing new */
};

/* registers 'Elixir.ASM.Remote.BackendSupervisor'; nobody may use it until it is configured */
AsmHost *asm_host_new(AsmApi *api);
/* ends what asm_host_stop_all() ends */
void asm_host_free(AsmHost *host);
/* @config: copied. Sessions that run already are left alone. */
void asm_host_configure(AsmHost *host, const AsmHostConfig *config);
/* ends every hosted session, reason `shutdown` */
void asm_host_stop_all(AsmHost *host);

/**
 * asm_host_call: the other half of the table of exported functions (method.c)
 * @reply: (transfer full) if TRUE is returned
 *
 * Returns: FALSE: there is no such function, or not for this caller, which is logged
 */
gboolean asm_host_call(AsmHost *host, const AsmView *mfa, const AsmCaller *caller, AsmReply *reply);

/* one call, allowed; its function answers or hands on @reply, which it takes */
typedef struct {
        AsmHost *host;
        const AsmView *args;
        GRefString *peer; /* the caller's node */
        AsmReply *reply;
} AsmHostCall;

/* host-facts.c */
void asm_host_node(AsmHostCall *call);
void asm_host_system_info(AsmHostCall *call);
void asm_host_system_time(AsmHostCall *call);
void asm_host_find_executable(AsmHostCall *call);
void asm_host_read_file_info(AsmHostCall *call);

/* a busy link has drained or gone */
void asm_host_drained(AsmHost *host);
/* appends #{sessions => N, max_sessions => N, peers => [#{node, sessions}]}, or nil if off */
void asm_builder_host(AsmBuilder *builder, AsmHost *host);

/**
 * AsmHostedSpec: a start, checked. Views borrow from the caller's options.
 */
typedef struct {
        const AsmProvider *provider;
        char *prompt;
        char *cwd;     /* nullable */
        char *command; /* nullable */
        char *event_tag;
        char *run_id;     /* as the caller's metadata has it, else made up */
        char *session_id; /* likewise */
        AsmView metadata;
        AsmView surface;
        AsmView subscriber;     /* a pid; unset: none */
        AsmView tag;            /* its reference; unset: a legacy subscriber */
        char *input;            /* nullable: first words on stdin */
        gboolean is_input_open; /* whether there is a stdin for more */
        AsmTerm *options;       /* for the provider */
        guint headless_ms;
        gboolean answers_approvals; /* the caller sends decisions, see AsmProviderLaunch */
} AsmHostedSpec;

/**
 * asm_hosted_spec_init: the argument of start_core_session/1
 * @headless_ms: how long a CLI may run without a subscriber at most
 * @reason: gets the reason of the refusal, in the terms that Elixir's ASM uses
 *
 * Returns: FALSE with @reason; @spec is unchanged then
 */
gboolean asm_hosted_spec_init(AsmHostedSpec *spec,
                              AsmView options,
                              guint headless_ms,
                              AsmBuilder *reason);
void asm_hosted_spec_clear(AsmHostedSpec *spec);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsmHostedSpec, asm_hosted_spec_clear)

/* who gets the events of a hosted session */
typedef struct {
        AsmPid pid;
        AsmTerm *address; /* the same pid */
        AsmTerm *tag;     /* a reference; NULL: legacy */
        AsmRef monitor;
        AsmLink *link;          /* owned, while it is busy, else NULL */
        gboolean wants_no_more; /* it has asked for a pause */
} AsmHostedSubscriber;

typedef struct {
        AsmServer server;
        AsmHost *host;
        const AsmProvider *provider;
        GRefString *peer; /* the node that asked for it */
        char *event_tag;
        AsmTerm *metadata;
        gboolean is_command_given;
        gboolean is_env_cleared;
        AsmBackend *backend;  /* NULL once it has ended */
        AsmReply *starter;    /* waits for the start; NULL once answered */
        AsmTerm *started;     /* payload of run_started; NULL before */
        AsmTerm *provider_id; /* provider session id; NULL: none yet */
        gint64 sequence;
        GArray *subscribers; /* of AsmHostedSubscriber */
        AsmTimer headless;
        guint headless_ms;
        gboolean is_paused;
        gboolean is_input_open;
        AsmBuilder message; /* the event on its way out */
} AsmHosted;

/**
 * asm_hosted_start: starts a session and its CLI
 * @reply: (transfer full): gets `{ok, Pid, Info}` when the CLI runs, else `{error, Reason}`
 */
void asm_hosted_start(AsmHost *host, const AsmHostedSpec *spec, GRefString *peer, AsmReply *reply);
void asm_hosted_drained(AsmHosted *hosted);
/* appends the Info map */
void asm_builder_hosted_info(AsmBuilder *builder, const AsmHosted *hosted);
