/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Control messages of the distribution protocol to and from a struct (erl_dist_protocol
 * "Protocol between Connected Nodes"). Sequential-trace variants are decoded to
 * their plain form, the token dropped; ALTACT_SIG_SEND (37) to the plain form that it stands for.
 */

#include "term/builder.h"
#include "term/pid.h"
#include "term/term.h"

typedef enum {
        ASM_CONTROL_LINK,
        ASM_CONTROL_SEND, /* also SEND_SENDER */
        ASM_CONTROL_EXIT, /* a link broke; also PAYLOAD_EXIT */
        ASM_CONTROL_REG_SEND,
        ASM_CONTROL_GROUP_LEADER,
        ASM_CONTROL_EXIT2, /* exit/2; also PAYLOAD_EXIT2 */
        ASM_CONTROL_MONITOR,
        ASM_CONTROL_DEMONITOR,
        ASM_CONTROL_MONITOR_EXIT, /* also PAYLOAD_MONITOR_P_EXIT */
        ASM_CONTROL_SPAWN_REQUEST,
        ASM_CONTROL_SPAWN_REPLY,
        ASM_CONTROL_ALIAS_SEND,
        ASM_CONTROL_UNLINK_ID,
        ASM_CONTROL_UNLINK_ID_ACK,
        ASM_CONTROL_ALIAS_EXIT, /* exit/3 to an alias: ALTACT_SIG_SEND with the exit bit */
        ASM_CONTROL_N_KINDS
} AsmControlKind;

#define ASM_SPAWN_FLAG_LINK    1
#define ASM_SPAWN_FLAG_MONITOR 2

/**
 * AsmControl: one received signal. Views borrow from the frame. Which are set:
 *
 * | kind | from | to | ref | payload | more |
 * | LINK | pid | pid | | | |
 * | SEND | pid or unset | pid | | message | |
 * | EXIT, EXIT2 | pid | pid | | reason | |
 * | REG_SEND | pid | atom | | message | |
 * | GROUP_LEADER | pid | pid | | | |
 * | MONITOR, DEMONITOR | pid | pid or atom | ref | | |
 * | MONITOR_EXIT | pid or atom | pid | ref | reason | |
 * | SPAWN_REQUEST | pid | group leader pid | ref | argument list | module, function, arity, options |
 * | SPAWN_REPLY | pid or atom (the result) | pid | ref | | spawn_flags |
 * | ALIAS_SEND | pid | | ref (the alias) | message | |
 * | UNLINK_ID, _ACK | pid | pid | | | unlink_id |
 * | ALIAS_EXIT | pid | | ref (the alias) | reason | |
 *
 * The types in this table are checked: a decoded control has them, with %ASM_REF_MAX_WORDS kept.
 */
typedef struct {
        AsmControlKind kind;
        AsmView from;
        AsmView to;
        AsmView ref;
        AsmView payload;
        AsmView module;
        AsmView function;
        AsmView options;
        guint arity;
        guint spawn_flags;
        guint64 unlink_id;
} AsmControl;

/**
 * asm_control_decode:
 * @body: the body of a frame: 112, 131, control tuple and, where the kind has one, 131, payload
 *
 * Checks every byte; nothing behind the payload is allowed.
 *
 * Errors: ASM_DIST_ERROR_PROTOCOL with operation number and field
 */
gboolean asm_control_decode(const guint8 *body,
                            gsize len,
                            const AsmTermLimits *limits,
                            AsmControl *ret_control,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

const char *asm_control_kind_name(AsmControlKind kind);

/**
 * asm_control_encode_*:
 * @out: appended: the whole frame with its 4-byte length
 * @flags: what the peer and this node have in common; decides between old and new operations
 *   (24, 26, 28 with EXIT_PAYLOAD; 22 with SEND_SENDER; 37 for alias sends with ALTACT_SIG)
 *
 * The message goes out as a copy.
 */
/* @from: (nullable): NULL for a sender that does not matter, SEND instead of SEND_SENDER */
void asm_control_encode_send(AsmBuilder *out,
                             guint64 flags,
                             const AsmPid *from,
                             AsmView to_pid,
                             AsmView message);
void asm_control_encode_reg_send(AsmBuilder *out,
                                 const AsmPid *from,
                                 const char *to_name,
                                 AsmView message);
void asm_control_encode_alias_send(AsmBuilder *out,
                                   guint64 flags,
                                   const AsmPid *from,
                                   AsmView alias,
                                   AsmView message);
void asm_control_encode_link(AsmBuilder *out, const AsmPid *from, const AsmPid *to);
void asm_control_encode_unlink_id(AsmBuilder *out,
                                  guint64 id,
                                  const AsmPid *from,
                                  const AsmPid *to);
void asm_control_encode_unlink_id_ack(AsmBuilder *out,
                                      guint64 id,
                                      const AsmPid *from,
                                      const AsmPid *to);
void asm_control_encode_exit(AsmBuilder *out,
                             guint64 flags,
                             const AsmPid *from,
                             const AsmPid *to,
                             AsmView reason);
void asm_control_encode_exit2(AsmBuilder *out,
                              guint64 flags,
                              const AsmPid *from,
                              const AsmPid *to,
                              AsmView reason);
/* @target: a pid or an atom */
void asm_control_encode_monitor(AsmBuilder *out,
                                const AsmPid *from,
                                AsmView target,
                                const AsmRef *ref);
void asm_control_encode_demonitor(AsmBuilder *out,
                                  const AsmPid *from,
                                  AsmView target,
                                  const AsmRef *ref);
/* @watched: the pid or the atom the monitor was set on */
void asm_control_encode_monitor_exit(AsmBuilder *out,
                                     guint64 flags,
                                     AsmView watched,
                                     AsmView to_pid,
                                     AsmView ref,
                                     AsmView reason);
/* @result: a pid, or an atom that says why not; @spawn_flags: ASM_SPAWN_FLAG_* */
void asm_control_encode_spawn_reply(AsmBuilder *out,
                                    AsmView request_ref,
                                    AsmView to_pid,
                                    guint spawn_flags,
                                    AsmView result);
/**
 * asm_control_encode_spawn_request:
 * @args: a list term of @arity elements
 *
 * Always with the option list [monitor]; the group leader is @from.
 */
void asm_control_encode_spawn_request(AsmBuilder *out,
                                      const AsmRef *request_ref,
                                      const AsmPid *from,
                                      const char *module,
                                      const char *function,
                                      guint arity,
                                      AsmView args);
/* a tick: four zero bytes */
void asm_control_encode_tick(AsmBuilder *out);
