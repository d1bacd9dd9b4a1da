/* SPDX-License-Identifier: MIT */

/*
 * Servers and their mailboxes.
 *
 * An attached GSource costs some 20 ns in every iteration of the loop, whether it has anything to
 * do or not; attaching and destroying one costs a few hundred once. So a server that waits has no
 * source, and a server that gets its first mail gets one:
 *
 *     waiting --mail--> ready (source attached) --mailbox empty--> waiting
 *
 * A dispatch handles the mail that was there when it began. What one iteration reads from the
 * sockets is thus gone before the next one reads, and nobody's mailbox grows under load.
 *
 * A server may end inside any of its handlers: the dispatch holds a reference and looks.
 */

#include "procs-private.h"

#include "term/reader.h"

#include <string.h>

typedef struct {
        GSource base;
        AsmServer *server;
} ServerSource;

static gboolean
source_prepare(GSource *source, gint *timeout_ms)
{
        *timeout_ms = 0;
        return TRUE;
}

static gboolean
source_check(GSource *source)
{
        return TRUE;
}

static void
free_mail(AsmMail *mail)
{
        g_clear_pointer(&mail->origin, g_ref_string_release);
        g_free(mail);
}

static AsmMail *
pop_mail(AsmServer *server)
{
        AsmMail *mail = server->first;

        server->first = mail->next;
        if (server->first == NULL)
                server->last = NULL;
        server->n_mail--;
        server->procs->counted.n_waiting--;
        if (server->n_mail + server->n_held == 0)
                server->is_overfull = FALSE;
        return mail;
}

static void
log_refused(AsmServer *server, const GRefString *peer, const char *what, AsmRight right)
{
        asm_quiet_message(&server->procs->refused,
                          &(AsmLogTags){ .event = ASM_LOG_EVENT_CALL_REFUSED, .peer = peer },
                          "'%s' may not %s a process (%s): it needs the right %s, see [peer] in "
                          "asmd.conf(5)",
                          peer,
                          what,
                          server->klass->module,
                          asm_right_name(right));
}

static gboolean
is_system_message(AsmView message)
{
        AsmView part[2];

        return asm_view_get_tagged(message, "system", 3, part);
}

/* FALSE: the message is for nobody; whoever waits for an answer has it. sys.c looks itself. */
static gboolean
may_handle(AsmServer *server, AsmView message)
{
        guint right = server->klass->mail_right;
        g_auto(AsmBuilder) reply = ASM_BUILDER_INIT;
        AsmView part[2];

        if (right == 0 || asm_server_permits(server, right) || is_system_message(message))
                return TRUE;
        log_refused(server, server->origin, "call", right);
        if (!asm_view_get_tagged(message, "$gen_call", 3, part))
                return FALSE;
        asm_builder_tuple(&reply, 2);
        asm_builder_atom(&reply, "error");
        asm_builder_tuple(&reply, 2);
        asm_builder_atom(&reply, "not_allowed");
        asm_builder_atom(&reply, asm_right_name(right));
        asm_procs_reply(server->procs, part[0], asm_builder_peek(&reply));
        return FALSE;
}

gboolean
asm_server_may_end(AsmServer *server, GRefString *peer, const char *signal)
{
        guint right =
                server->klass->end_right != 0 ? server->klass->end_right : ASM_RIGHT_ADMINISTER;

        if (asm_node_permits(server->procs->node, peer, right))
                return TRUE;
        log_refused(server, peer, signal, right);
        return FALSE;
}

static void
handle_message(AsmServer *server, AsmView message)
{
        const AsmServerClass *klass = server->klass;
        AsmView part[2];

        if (!may_handle(server, message))
                return;
        if (asm_view_get_tagged(message, "$gen_call", 3, part)) {
                if (klass->call != NULL)
                        klass->call(server, part[0], part[1]);
        } else if (asm_view_get_tagged(message, "$gen_cast", 2, part)) {
                if (klass->cast != NULL)
                        klass->cast(server, part[0]);
        } else if (asm_view_get_tagged(message, "system", 3, part)) {
                asm_server_handle_system(server, part[0], part[1]);
        } else if (klass->info != NULL) {
                klass->info(server, message);
        }
}

static void
handle_down(AsmServer *server, AsmView ref_view, AsmView reason)
{
        g_auto(AsmRef) ref = { 0 };

        if (!asm_ref_from_view(ref_view, &ref) || server->monitors == NULL ||
            !g_hash_table_remove(server->monitors, &ref))
                return;
        if (server->klass->down != NULL)
                server->klass->down(server, &ref, reason);
}

static void
handle_exit(AsmServer *server, AsmView from_view, AsmView reason)
{
        g_auto(AsmPid) from = { 0 };

        if (server->klass->exit != NULL && asm_pid_from_view(from_view, &from))
                server->klass->exit(server, &from, reason);
}

static void
handle_mail(AsmServer *server, const AsmMail *mail)
{
        /* a message is the whole of its mail: no need to measure it */
        gsize first_len = mail->kind == ASM_MAIL_MESSAGE ? mail->len : asm_view_skip(mail->data);
        AsmView first = { mail->data, first_len };
        AsmView second = { mail->data + first_len, mail->len - first_len };

        switch (mail->kind) {
        case ASM_MAIL_MESSAGE:
                server->origin = mail->origin;
                handle_message(server, first);
                server->origin = NULL;
                break;
        case ASM_MAIL_DOWN:
                handle_down(server, first, second);
                break;
        case ASM_MAIL_EXIT:
                handle_exit(server, first, second);
                break;
        }
}

static gboolean
is_system_mail(const AsmMail *mail)
{
        return mail->kind == ASM_MAIL_MESSAGE &&
               is_system_message((AsmView){ mail->data, mail->len });
}

static void
hold_mail(AsmServer *server, AsmMail *mail)
{
        mail->next = NULL;
        if (server->held_last != NULL)
                server->held_last->next = mail;
        else
                server->held_first = mail;
        server->held_last = mail;
        server->n_held++;
        server->procs->counted.n_waiting++;
}

static void
detach_source(AsmServer *server)
{
        if (server->source == NULL)
                return;
        g_source_destroy(server->source);
        g_clear_pointer(&server->source, g_source_unref);
        server->procs->n_ready--;
}

static gboolean
source_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
        AsmServer *server = asm_server_ref(((ServerSource *)source)->server);
        AsmProcs *procs = server->procs;

        for (guint n = server->n_mail; n > 0 && server->first != NULL; n--) {
                AsmMail *mail = pop_mail(server);

                if (server->is_suspended && !is_system_mail(mail)) {
                        hold_mail(server, mail);
                        continue;
                }
                handle_mail(server, mail);
                free_mail(mail);
        }
        if (server->first == NULL)
                detach_source(server);
        asm_server_unref(server);
        /* the last one of this iteration: what all of them said can go out */
        if (procs->n_ready == 0)
                asm_node_flush(procs->node);
        return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .prepare = source_prepare,
                                     .check = source_check,
                                     .dispatch = source_dispatch };

static void
attach_source(AsmServer *server)
{
        server->source = g_source_new(&source_funcs, sizeof(ServerSource));
        ((ServerSource *)server->source)->server = server;
        g_source_attach(server->source, g_main_context_get_thread_default());
        server->procs->n_ready++;
}

/* an overfull mailbox loses the new message; a caller is told instead of left waiting */
static void
refuse_mail(AsmServer *server, AsmView message)
{
        AsmView part[2];
        g_auto(AsmBuilder) reply = ASM_BUILDER_INIT;

        if (!server->is_overfull)
                g_warning("mailbox of <%u.%u> is full (%u messages), messages are dropped",
                          server->id,
                          server->serial,
                          server->n_mail + server->n_held);
        server->is_overfull = TRUE;
        server->procs->counted.n_dropped++;
        if (!asm_view_get_tagged(message, "$gen_call", 3, part))
                return;
        asm_builder_tuple(&reply, 2);
        asm_builder_atom(&reply, "error");
        asm_builder_atom(&reply, "mailbox_full");
        asm_procs_reply(server->procs, part[0], asm_builder_peek(&reply));
}

/* what a suspended server holds counts; what can wake it must get through nevertheless */
static gboolean
is_full_for(const AsmServer *server, AsmView message)
{
        guint limit = server->procs->limits.max_mail;

        return server->n_mail >= limit ||
               (server->n_mail + server->n_held >= limit && !is_system_message(message));
}

/* (nullable): the new mail, which is the mailbox's; NULL: there is no room for it */
static AsmMail *
push(AsmServer *server, AsmMailKind kind, AsmView first, AsmView second)
{
        AsmMail *mail;

        if (kind == ASM_MAIL_MESSAGE && is_full_for(server, first)) {
                refuse_mail(server, first);
                return NULL;
        }
        mail = g_malloc(sizeof(AsmMail) + first.len + second.len);
        mail->next = NULL;
        mail->kind = kind;
        mail->origin = NULL;
        mail->len = first.len + second.len;
        memcpy(mail->data, first.data, first.len);
        if (second.len > 0)
                memcpy(mail->data + first.len, second.data, second.len);
        if (server->last != NULL)
                server->last->next = mail;
        else
                server->first = mail;
        server->last = mail;
        server->n_mail++;
        server->procs->counted.n_received++;
        server->procs->counted.n_waiting++;
        if (server->source == NULL)
                attach_source(server);
        return mail;
}

void
asm_server_push(AsmServer *server, AsmMailKind kind, AsmView first, AsmView second)
{
        push(server, kind, first, second);
}

void
asm_server_push_from(AsmServer *server, GRefString *origin, AsmView message)
{
        AsmMail *mail = push(server, ASM_MAIL_MESSAGE, message, ASM_VIEW_NONE);

        if (mail != NULL)
                mail->origin = g_ref_string_acquire(origin);
}

GRefString *
asm_server_get_origin(const AsmServer *server)
{
        return server->origin;
}

gboolean
asm_server_permits(const AsmServer *server, AsmRight right)
{
        return asm_node_permits(server->procs->node, server->origin, right);
}

void
asm_server_set_suspended(AsmServer *server, gboolean is_suspended)
{
        server->is_suspended = is_suspended;
        if (is_suspended || server->held_first == NULL)
                return;
        /* what was held goes in front of what came later */
        server->n_mail += server->n_held;
        server->n_held = 0;
        server->held_last->next = server->first;
        if (server->last == NULL)
                server->last = server->held_last;
        server->first = server->held_first;
        server->held_first = NULL;
        server->held_last = NULL;
        if (server->source == NULL)
                attach_source(server);
}

static void
free_mails(AsmMail *mail)
{
        while (mail != NULL) {
                AsmMail *next = mail->next;
                free_mail(mail);
                mail = next;
        }
}

void
asm_server_start(AsmServer *server, const AsmServerClass *klass, AsmProcs *procs)
{
        server->klass = klass;
        server->procs = procs;
        server->ref_count = 1;
        do {
                server->id = procs->next_id++;
                server->serial = procs->serial;
                if (procs->next_id == 0) {
                        procs->next_id = 1;
                        procs->serial++;
                }
        } while (g_hash_table_contains(procs->by_id, GUINT_TO_POINTER(server->id)));
        g_hash_table_insert(procs->by_id, GUINT_TO_POINTER(server->id), server);
}

AsmServer *
asm_server_ref(AsmServer *server)
{
        server->ref_count++;
        return server;
}

void
asm_server_unref(AsmServer *server)
{
        if (--server->ref_count > 0)
                return;
        g_assert(server->procs == NULL);
        if (server->klass->finalize != NULL)
                server->klass->finalize(server);
}

void
asm_server_stop(AsmServer *server, AsmView reason)
{
        AsmProcs *procs = server->procs;

        /* not in the table: it has ended, or is ending further up in this stack */
        if (procs == NULL || !g_hash_table_remove(procs->by_id, GUINT_TO_POINTER(server->id)))
                return;
        asm_server_ref(server);
        if (server->name != NULL)
                g_hash_table_remove(procs->by_name, server->name);
        asm_server_drop_relations(server, reason);
        g_clear_pointer(&server->name, g_free);
        detach_source(server);
        procs->counted.n_waiting -= server->n_mail + server->n_held;
        server->procs = NULL;
        free_mails(server->first);
        free_mails(server->held_first);
        server->first = server->last = NULL;
        server->held_first = server->held_last = NULL;
        server->n_mail = server->n_held = 0;
        if (server->klass->terminate != NULL)
                server->klass->terminate(server, reason);
        asm_server_unref(server);
}

void
asm_server_stop_atom(AsmServer *server, const char *reason)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_atom(&builder, reason);
        asm_server_stop(server, asm_builder_peek(&builder));
}

gboolean
asm_server_is_alive(const AsmServer *server)
{
        return server->procs != NULL;
}

AsmPid
asm_server_get_pid(const AsmServer *server)
{
        AsmNode *node = server->procs->node;

        return (AsmPid){ .node = g_ref_string_acquire(asm_node_get_name(node)),
                         .id = server->id,
                         .serial = server->serial,
                         .creation = asm_node_get_creation(node) };
}

void
asm_builder_server_pid(AsmBuilder *builder, const AsmServer *server)
{
        AsmNode *node = server->procs->node;
        AsmPid pid = { .node = asm_node_get_name(node),
                       .id = server->id,
                       .serial = server->serial,
                       .creation = asm_node_get_creation(node) };

        asm_builder_pid(builder, &pid);
}

gboolean
asm_server_register(AsmServer *server, const char *name)
{
        AsmProcs *procs = server->procs;

        g_return_val_if_fail(server->name == NULL, FALSE);
        if (g_hash_table_contains(procs->by_name, name))
                return FALSE;
        server->name = g_strdup(name);
        g_hash_table_insert(procs->by_name, server->name, server);
        return TRUE;
}
