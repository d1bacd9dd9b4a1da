/* SPDX-License-Identifier: MIT */
/*
 * Control messages from bytes.
 *
 *      112  131 {Op, Field, ...}  131 payload          the payload only for some operations
 *
 * The bytes are walked once by asm_term_check(), which proves every length in them; after that
 * the tuple is cut into views without copying anything.
 *
 * What an operation looks like is one row of a table: its fields after the number, a letter each,
 * and whether a payload follows.
 *
 *      f  From, a pid                 F  From, a pid or a name
 *      t  To, a pid                   T  To, a pid or a name            n  To, a name
 *      r  a reference                 i  an unlink id, 1 to 2^64-1      s  spawn flags
 *      m  {Module, Function, Arity}   o  an option list                 p  the reason
 *      -  anything: an unused field or a trace token, dropped
 *
 * ALTACT_SIG_SEND is five operations in one; its flags choose the row. The obsolete UNLINK (4) has
 * no row: with UNLINK_ID negotiated, and it always is, nobody sends it.
 *
 * A field of another type than its letter says is an error of the peer that costs the connection,
 * so whoever gets an AsmControl need not look again.
 */
#include "dist/control.h"

#include "control-ops-private.h"
#include "dist/error.h"
#include "term/reader.h"
#include <string.h>

/* the operation and at most six fields (SPAWN_REQUEST_TT) */
#define ARITY_MAX 7
/* what a BEAM allows */
#define FUNCTION_ARITY_MAX 255

typedef struct {
        const char *name; /* NULL: no such operation */
        const char *fields;
        AsmControlKind kind;
        gboolean has_payload;
} Shape;

/* what is being decoded, for errors */
typedef struct {
        guint op;
        const Shape *shape;
} Place;

static const Shape shapes[ASM_OP_N] = {
        [ASM_OP_LINK] = { "LINK", "ft", ASM_CONTROL_LINK, FALSE },
        [ASM_OP_SEND] = { "SEND", "-t", ASM_CONTROL_SEND, TRUE },
        [ASM_OP_EXIT] = { "EXIT", "ftp", ASM_CONTROL_EXIT, FALSE },
        [ASM_OP_REG_SEND] = { "REG_SEND", "f-n", ASM_CONTROL_REG_SEND, TRUE },
        [ASM_OP_GROUP_LEADER] = { "GROUP_LEADER", "ft", ASM_CONTROL_GROUP_LEADER, FALSE },
        [ASM_OP_EXIT2] = { "EXIT2", "ftp", ASM_CONTROL_EXIT2, FALSE },
        [ASM_OP_SEND_TT] = { "SEND_TT", "-t-", ASM_CONTROL_SEND, TRUE },
        [ASM_OP_EXIT_TT] = { "EXIT_TT", "ft-p", ASM_CONTROL_EXIT, FALSE },
        [ASM_OP_REG_SEND_TT] = { "REG_SEND_TT", "f-n-", ASM_CONTROL_REG_SEND, TRUE },
        [ASM_OP_EXIT2_TT] = { "EXIT2_TT", "ft-p", ASM_CONTROL_EXIT2, FALSE },
        [ASM_OP_MONITOR_P] = { "MONITOR_P", "fTr", ASM_CONTROL_MONITOR, FALSE },
        [ASM_OP_DEMONITOR_P] = { "DEMONITOR_P", "fTr", ASM_CONTROL_DEMONITOR, FALSE },
        [ASM_OP_MONITOR_P_EXIT] = { "MONITOR_P_EXIT", "Ftrp", ASM_CONTROL_MONITOR_EXIT, FALSE },
        [ASM_OP_SEND_SENDER] = { "SEND_SENDER", "ft", ASM_CONTROL_SEND, TRUE },
        [ASM_OP_SEND_SENDER_TT] = { "SEND_SENDER_TT", "ft-", ASM_CONTROL_SEND, TRUE },
        [ASM_OP_PAYLOAD_EXIT] = { "PAYLOAD_EXIT", "ft", ASM_CONTROL_EXIT, TRUE },
        [ASM_OP_PAYLOAD_EXIT_TT] = { "PAYLOAD_EXIT_TT", "ft-", ASM_CONTROL_EXIT, TRUE },
        [ASM_OP_PAYLOAD_EXIT2] = { "PAYLOAD_EXIT2", "ft", ASM_CONTROL_EXIT2, TRUE },
        [ASM_OP_PAYLOAD_EXIT2_TT] = { "PAYLOAD_EXIT2_TT", "ft-", ASM_CONTROL_EXIT2, TRUE },
        [ASM_OP_PAYLOAD_MONITOR_P_EXIT] = { "PAYLOAD_MONITOR_P_EXIT",
                                            "Ftr",
                                            ASM_CONTROL_MONITOR_EXIT,
                                            TRUE },
        [ASM_OP_SPAWN_REQUEST] = { "SPAWN_REQUEST", "rftmo", ASM_CONTROL_SPAWN_REQUEST, TRUE },
        [ASM_OP_SPAWN_REQUEST_TT] = { "SPAWN_REQUEST_TT",
                                      "rftmo-",
                                      ASM_CONTROL_SPAWN_REQUEST,
                                      TRUE },
        [ASM_OP_SPAWN_REPLY] = { "SPAWN_REPLY", "rtsF", ASM_CONTROL_SPAWN_REPLY, FALSE },
        [ASM_OP_SPAWN_REPLY_TT] = { "SPAWN_REPLY_TT", "rtsF-", ASM_CONTROL_SPAWN_REPLY, FALSE },
        [ASM_OP_ALIAS_SEND] = { "ALIAS_SEND", "fr", ASM_CONTROL_ALIAS_SEND, TRUE },
        [ASM_OP_ALIAS_SEND_TT] = { "ALIAS_SEND_TT", "fr-", ASM_CONTROL_ALIAS_SEND, TRUE },
        [ASM_OP_UNLINK_ID] = { "UNLINK_ID", "ift", ASM_CONTROL_UNLINK_ID, FALSE },
        [ASM_OP_UNLINK_ID_ACK] = { "UNLINK_ID_ACK", "ift", ASM_CONTROL_UNLINK_ID_ACK, FALSE },
};

/* ALTACT_SIG_SEND by its flags without PRIO and TOKEN; the first '-' is the flags themselves */
static const Shape altact_shapes[][2] = {
        [0] = { { "ALTACT_SIG_SEND", "-ft", ASM_CONTROL_SEND, TRUE },
                { "ALTACT_SIG_SEND", "-ft-", ASM_CONTROL_SEND, TRUE } },
        [ASM_ALTACT_ALIAS] = { { "ALTACT_SIG_SEND", "-fr", ASM_CONTROL_ALIAS_SEND, TRUE },
                               { "ALTACT_SIG_SEND", "-fr-", ASM_CONTROL_ALIAS_SEND, TRUE } },
        [ASM_ALTACT_NAME] = { { "ALTACT_SIG_SEND", "-fn", ASM_CONTROL_REG_SEND, TRUE },
                              { "ALTACT_SIG_SEND", "-fn-", ASM_CONTROL_REG_SEND, TRUE } },
        [ASM_ALTACT_EXIT] = { { "ALTACT_SIG_SEND", "-ft", ASM_CONTROL_EXIT2, TRUE },
                              { "ALTACT_SIG_SEND", "-ft-", ASM_CONTROL_EXIT2, TRUE } },
        [ASM_ALTACT_EXIT |
                ASM_ALTACT_ALIAS] = { { "ALTACT_SIG_SEND", "-fr", ASM_CONTROL_ALIAS_EXIT, TRUE },
                                      { "ALTACT_SIG_SEND", "-fr-", ASM_CONTROL_ALIAS_EXIT, TRUE } },
};

static const char *const kind_names[ASM_CONTROL_N_KINDS] = {
        [ASM_CONTROL_LINK] = "link",
        [ASM_CONTROL_SEND] = "send",
        [ASM_CONTROL_EXIT] = "exit",
        [ASM_CONTROL_REG_SEND] = "reg-send",
        [ASM_CONTROL_GROUP_LEADER] = "group-leader",
        [ASM_CONTROL_EXIT2] = "exit2",
        [ASM_CONTROL_MONITOR] = "monitor",
        [ASM_CONTROL_DEMONITOR] = "demonitor",
        [ASM_CONTROL_MONITOR_EXIT] = "monitor-exit",
        [ASM_CONTROL_SPAWN_REQUEST] = "spawn-request",
        [ASM_CONTROL_SPAWN_REPLY] = "spawn-reply",
        [ASM_CONTROL_ALIAS_SEND] = "alias-send",
        [ASM_CONTROL_UNLINK_ID] = "unlink-id",
        [ASM_CONTROL_UNLINK_ID_ACK] = "unlink-id-ack",
        [ASM_CONTROL_ALIAS_EXIT] = "alias-exit",
};

static void
set_protocol_error(GError **error, const char *message)
{
        g_set_error_literal(error, ASM_DIST_ERROR, ASM_DIST_ERROR_PROTOCOL, message);
}

/* names the operation in front of @format */
static G_GNUC_PRINTF(3, 4) void set_operation_error(const Place *place,
                                                    GError **error,
                                                    const char *format,
                                                    ...)
{
        const char *name = place->shape != NULL ? place->shape->name : "ALTACT_SIG_SEND";
        g_autofree char *message = NULL;
        va_list args;

        va_start(args, format);
        message = g_strdup_vprintf(format, args);
        va_end(args);
        g_set_error(error,
                    ASM_DIST_ERROR,
                    ASM_DIST_ERROR_PROTOCOL,
                    "operation %u (%s): %s",
                    place->op,
                    name,
                    message);
}

static gboolean
is_pid(AsmView view)
{
        return asm_view_kind(view) == ASM_KIND_PID;
}

static gboolean
is_atom(AsmView view)
{
        return asm_view_kind(view) == ASM_KIND_ATOM;
}

static gboolean
is_list(AsmView view)
{
        guint n;

        return asm_view_get_list_length(view, &n);
}

/* of at most ASM_REF_MAX_WORDS words: asm_term_check() has seen to that */
static gboolean
is_ref(AsmView view)
{
        return asm_view_kind(view) == ASM_KIND_REF;
}

/* an unlink id has 64 bits without a sign, one more than asm_view_get_int() can give */
static gboolean
get_unlink_id(AsmView view, guint64 *ret_id)
{
        guint64 id = 0;
        gint64 small;

        if (asm_view_get_int(view, &small)) {
                id = small > 0 ? (guint64)small : 0;
        } else if (view.data[0] == 110 && view.data[1] == 8 && view.data[2] == 0) {
                /* SMALL_BIG_EXT: 110, bytes, sign, least significant byte first */
                memcpy(&id, view.data + 3, sizeof(id));
                id = GUINT64_FROM_LE(id);
        }
        if (id == 0)
                return FALSE;
        *ret_id = id;
        return TRUE;
}

static gboolean
get_uint(AsmView view, guint max, guint *ret_value)
{
        gint64 value;

        if (!asm_view_get_int(view, &value) || value < 0 || value > max)
                return FALSE;
        *ret_value = (guint)value;
        return TRUE;
}

static gboolean
get_function(AsmView view, AsmControl *control)
{
        AsmView parts[3];

        if (!asm_view_get_tuple(view, G_N_ELEMENTS(parts), parts))
                return FALSE;
        control->module = parts[0];
        control->function = parts[1];
        return is_atom(parts[0]) && is_atom(parts[1]) &&
               get_uint(parts[2], FUNCTION_ARITY_MAX, &control->arity);
}

/* stores one field under the meaning of its letter; FALSE if it has another type */
static gboolean
take_field(AsmControl *control, char letter, AsmView field)
{
        switch (letter) {
        case 'f':
                control->from = field;
                return is_pid(field);
        case 'F':
                control->from = field;
                return is_pid(field) || is_atom(field);
        case 't':
                control->to = field;
                return is_pid(field);
        case 'T':
                control->to = field;
                return is_pid(field) || is_atom(field);
        case 'n':
                control->to = field;
                return is_atom(field);
        case 'r':
                control->ref = field;
                return is_ref(field);
        case 'i':
                return get_unlink_id(field, &control->unlink_id);
        case 's':
                return get_uint(field, G_MAXUINT, &control->spawn_flags);
        case 'm':
                return get_function(field, control);
        case 'o':
                control->options = field;
                return is_list(field);
        case 'p':
                control->payload = field;
                return TRUE;
        case '-':
                return TRUE;
        default:
                g_assert_not_reached();
        }
}

static const char *
field_complaint(char letter)
{
        switch (letter) {
        case 'f':
                return "sender is no pid";
        case 'F':
                return "sender is neither pid nor atom";
        case 't':
                return "receiver is no pid";
        case 'T':
                return "receiver is neither pid nor atom";
        case 'n':
                return "receiver is no atom";
        case 'r':
                return "reference is none";
        case 'i':
                return "unlink id is no integer of 1 to 2^64-1";
        case 's':
                return "spawn flags are no small integer";
        case 'm':
                return "function is not {module, function, arity}";
        case 'o':
                return "options are no list";
        default:
                return "field";
        }
}

static gboolean
find_altact_shape(const AsmView *elements, guint arity, Place *place, GError **error)
{
        const Shape *shape = NULL;
        guint flags;
        guint which;

        if (arity < 2 || !get_uint(elements[1], G_MAXUINT, &flags)) {
                set_operation_error(place, error, "flags are no small integer");
                return FALSE;
        }
        which = flags & ~(guint)(ASM_ALTACT_PRIO | ASM_ALTACT_TOKEN);
        if (which < G_N_ELEMENTS(altact_shapes))
                shape = &altact_shapes[which][(flags & ASM_ALTACT_TOKEN) != 0];
        if (shape == NULL || shape->name == NULL) {
                set_operation_error(place, error, "flags %u are no known combination", flags);
                return FALSE;
        }
        place->shape = shape;
        return TRUE;
}

static gboolean
find_shape(const AsmView *elements, guint arity, Place *place, GError **error)
{
        if (arity < 1 || !get_uint(elements[0], G_MAXUINT, &place->op)) {
                set_protocol_error(error, "control message without an operation number");
                return FALSE;
        }
        if (place->op == ASM_OP_ALTACT_SIG_SEND)
                return find_altact_shape(elements, arity, place, error);
        if (place->op < ASM_OP_N && shapes[place->op].name != NULL) {
                place->shape = &shapes[place->op];
                return TRUE;
        }
        g_set_error(error,
                    ASM_DIST_ERROR,
                    ASM_DIST_ERROR_PROTOCOL,
                    place->op == ASM_OP_UNLINK
                            ? "operation %u (UNLINK) is obsolete, UNLINK_ID was negotiated"
                            : "unknown operation %u",
                    place->op);
        return FALSE;
}

static gboolean
take_fields(const Place *place,
            const AsmView *elements,
            guint arity,
            AsmControl *control,
            GError **error)
{
        const char *fields = place->shape->fields;
        guint n_fields = (guint)strlen(fields);

        if (arity != 1 + n_fields) {
                set_operation_error(place, error, "%u elements instead of %u", arity, 1 + n_fields);
                return FALSE;
        }
        control->kind = place->shape->kind;
        for (guint i = 0; i < n_fields; i++) {
                if (!take_field(control, fields[i], elements[1 + i])) {
                        set_operation_error(place, error, "%s", field_complaint(fields[i]));
                        return FALSE;
                }
        }
        return TRUE;
}

static gboolean
take_payload(const Place *place,
             AsmView rest,
             const AsmTermLimits *limits,
             AsmControl *control,
             GError **error)
{
        g_autoptr(GError) cause = NULL;
        guint n_args;

        if (!place->shape->has_payload) {
                if (rest.len == 0)
                        return TRUE;
                set_operation_error(place, error, "%zu bytes too many", rest.len);
                return FALSE;
        }
        if (!asm_view_from_bytes(rest.data, rest.len, limits, &control->payload, &cause)) {
                set_operation_error(place, error, "payload: %s", cause->message);
                return FALSE;
        }
        if (control->kind == ASM_CONTROL_SPAWN_REQUEST &&
            (!asm_view_get_list_length(control->payload, &n_args) || n_args != control->arity)) {
                set_operation_error(place,
                                    error,
                                    "arguments are no list of %u elements",
                                    control->arity);
                return FALSE;
        }
        return TRUE;
}

gboolean
asm_control_decode(const guint8 *body,
                   gsize len,
                   const AsmTermLimits *limits,
                   AsmControl *ret_control,
                   GError **error)
{
        g_autoptr(GError) cause = NULL;
        AsmControl control = { 0 };
        AsmView elements[ARITY_MAX];
        Place place = { 0, NULL };
        AsmView tuple;
        AsmView rest;
        guint arity;

        if (len < 2 || body[0] != ASM_PASS_THROUGH || body[1] != ASM_TERM_VERSION) {
                set_protocol_error(error, "frame does not begin with the bytes 112, 131");
                return FALSE;
        }
        tuple.data = body + 2;
        if (!asm_term_check(tuple.data, len - 2, limits, &tuple.len, &cause)) {
                g_set_error(error,
                            ASM_DIST_ERROR,
                            ASM_DIST_ERROR_PROTOCOL,
                            "control message: %s",
                            cause->message);
                return FALSE;
        }
        if (!asm_view_get_tuple_arity(tuple, &arity) || arity > ARITY_MAX ||
            !asm_view_get_tuple(tuple, arity, elements)) {
                set_protocol_error(error, "control message is no tuple of at most 7 elements");
                return FALSE;
        }

        rest = (AsmView){ tuple.data + tuple.len, len - 2 - tuple.len };
        if (!find_shape(elements, arity, &place, error) ||
            !take_fields(&place, elements, arity, &control, error) ||
            !take_payload(&place, rest, limits, &control, error))
                return FALSE;
        *ret_control = control;
        return TRUE;
}

const char *
asm_control_kind_name(AsmControlKind kind)
{
        g_return_val_if_fail(kind < ASM_CONTROL_N_KINDS, "unknown");

        return kind_names[kind];
}
