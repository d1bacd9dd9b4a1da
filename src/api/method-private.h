/* SPDX-License-Identifier: MIT */
#pragma once

/* The table of exported functions and how a call of one is answered. */

#include "api/api.h"
#include "base/quiet.h"

#define ASM_METHOD_ARGS_MAX 4

typedef struct _AsmReply AsmReply;
typedef struct _AsmSurvey AsmSurvey;

/**
 * AsmReply: where the value of a call goes; every call is answered exactly once
 * @send: puts @value where it belongs and frees the reply
 */
struct _AsmReply {
        void (*send)(AsmReply *reply, AsmView value);
};

typedef struct {
        AsmApi *api;
        AsmView args[ASM_METHOD_ARGS_MAX]; /* unset from n_args on */
        guint n_args;
        AsmView caller; /* pid */
} AsmRequest;

typedef struct {
        const char *name;
        guint min_args;
        guint max_args;
        AsmRight right; /* that a peer needs */
        /* @reply: (transfer full), answered now or later */
        void (*handle)(const AsmRequest *request, AsmReply *reply);
        /* for the reference, doc/api.md: names of the arguments, what comes back, sentences */
        const char *args;
        const char *returns;
        const char *help;
} AsmMethod;

typedef struct _AsmHost AsmHost;

struct _AsmApi {
        AsmProcs *procs;
        AsmManager *manager;
        gint64 started_us;  /* monotonic */
        GPtrArray *servers; /* owned refs: asm, net_kernel, rex */
        AsmSurvey *survey;
        AsmHost *host;
        guint64 *n_calls; /* owned: of each row of the table, ever */
        guint64 n_refused;
        AsmQuiet refused;             /* calls without the right to them */
        AsmApiConfigFunc tell_config; /* (nullable) */
        gpointer config_data;
};

/**
 * AsmCaller: who calls
 * @pid: as the call says; where a stream's events go
 * @peer: (nullable): the node that the call has come from, which the caller cannot choose; NULL: this
 *   one. Rights are its.
 */
typedef struct {
        AsmView pid;
        GRefString *peer;
} AsmCaller;

/* (nullable): the function @name with @n_args arguments */
const AsmMethod *asm_method_find(const char *name, gsize len, guint n_args);
/* all of them */
const AsmMethod *asm_method_list(gsize *ret_n);
/* the modules under which the table is exported */
gboolean asm_method_is_module(AsmView module);

/**
 * asm_method_call: calls @name with the elements of the list @args
 * @reply: (transfer full) if the function exists
 *
 * A caller without the right gets an error.
 *
 * Returns: FALSE: there is no such function, or @args is no list; nothing was done
 */
gboolean asm_method_call(AsmApi *api,
                         AsmView name,
                         AsmView args,
                         const AsmCaller *caller,
                         AsmReply *reply);

/* reply helpers */
void asm_reply_failure(AsmReply *reply, const AsmFailure *failure);
void asm_reply_atom(AsmReply *reply, const char *atom);

/* the handlers, by noun: method-session.c, method-run.c, method-history.c, ... */
void asm_method_start_session(const AsmRequest *request, AsmReply *reply);
void asm_method_stop_session(const AsmRequest *request, AsmReply *reply);
void asm_method_session_info(const AsmRequest *request, AsmReply *reply);
void asm_method_session_id(const AsmRequest *request, AsmReply *reply);
void asm_method_list_sessions(const AsmRequest *request, AsmReply *reply);
void asm_method_health(const AsmRequest *request, AsmReply *reply);
void asm_method_cost(const AsmRequest *request, AsmReply *reply);
void asm_method_query(const AsmRequest *request, AsmReply *reply);
void asm_method_stream(const AsmRequest *request, AsmReply *reply);
void asm_method_subscribe(const AsmRequest *request, AsmReply *reply);
void asm_method_demand(const AsmRequest *request, AsmReply *reply);
void asm_method_subscribe_from(const AsmRequest *request, AsmReply *reply);
void asm_method_attach(const AsmRequest *request, AsmReply *reply);
void asm_method_list_runs(const AsmRequest *request, AsmReply *reply);
void asm_method_run_info(const AsmRequest *request, AsmReply *reply);
void asm_method_run_events(const AsmRequest *request, AsmReply *reply);
void asm_method_unsubscribe(const AsmRequest *request, AsmReply *reply);
void asm_method_interrupt(const AsmRequest *request, AsmReply *reply);
void asm_method_pause(const AsmRequest *request, AsmReply *reply);
void asm_method_approve(const AsmRequest *request, AsmReply *reply);
void asm_method_approvals(const AsmRequest *request, AsmReply *reply);
void asm_method_checkpoint(const AsmRequest *request, AsmReply *reply);
void asm_method_resume_run(const AsmRequest *request, AsmReply *reply);
void asm_method_intervene(const AsmRequest *request, AsmReply *reply);
void asm_method_resolve(const AsmRequest *request, AsmReply *reply);
void asm_method_lane_info(const AsmRequest *request, AsmReply *reply);
void asm_method_provider_info(const AsmRequest *request, AsmReply *reply);
void asm_method_providers(const AsmRequest *request, AsmReply *reply);
void asm_method_doctor(const AsmRequest *request, AsmReply *reply);
void asm_method_status(const AsmRequest *request, AsmReply *reply);
void asm_method_metrics(const AsmRequest *request, AsmReply *reply);
/* metrics.c: resident set size, 0 if it cannot be read */
guint64 asm_metrics_rss_bytes(void);
void asm_method_config(const AsmRequest *request, AsmReply *reply);

/* the session that an argument names, by pid or id; NULL with a failure */
AsmSession *asm_method_find_session(AsmApi *api, AsmView ref, AsmFailure **ret_failure);
/* (transfer full): that session and the text in the next argument; NULL with a failure */
char *asm_method_session_and_text(const AsmRequest *request,
                                  const char *what,
                                  AsmSession **ret_session,
                                  AsmFailure **ret_failure);
/* appends what the call is answered with */
typedef void (*AsmSessionFunc)(AsmBuilder *builder, AsmSession *session);
/* answers a call about the session that the first argument names, by @answer or with a failure */
void asm_method_ask_session(const AsmRequest *request, AsmReply *reply, AsmSessionFunc answer);

/* appends what provider_info tells */
void asm_builder_provider_info(AsmBuilder *builder, const AsmProvider *provider);

/* survey.c: which CLIs are installed */
AsmSurvey *asm_survey_new(void);
/* whoever waits is answered with what is known by now */
void asm_survey_free(AsmSurvey *survey);
/* @provider: (nullable): NULL for all; @reply: (transfer full) */
void asm_survey_ask(AsmSurvey *survey,
                    AsmTimers *timers,
                    const AsmProvider *provider,
                    AsmReply *reply);

/* the faces */
extern const AsmServerClass asm_api_server_class; /* asm: server.c */
AsmServer *asm_api_start_server(AsmApi *api, const AsmServerClass *klass, const char *name);
AsmApi *asm_api_of_server(AsmServer *server);
/* served.c: rpc, erpc, rex, net_kernel */
void asm_api_serve(AsmApi *api);
