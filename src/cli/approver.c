/* SPDX-License-Identifier: MIT */

/*
 * The run waits for an answer, the events of other tool calls do not; so questions queue, and one
 * at a time is on the screen:
 *
 *      Bash
 *        $ make
 *      allow? [y/n] y
 *
 * An answer must be meant for the question that it follows. What was typed before the question was
 * shown is thrown away; a question that somebody else has answered, or that has timed out, takes
 * what was typed for it along. The input of a tool is shown whole as far as anybody would read it,
 * and said to be cut where it is: nobody shall agree to what is hidden behind an edge.
 *
 * Lines are read as the terminal completes them, from the main loop, so ctrl-C and the events of the
 * run keep working; an event that prints something in between shows the question again. At the end
 * of input, in the background, or without a terminal the commands that answer are told instead;
 * where there is no daemon that could hear them, the answer is no.
 */

#include "cli/approver-private.h"

#include "cli/approval-private.h"
#include "cli/text-private.h"
#include "event/event.h"
#include "term/reader.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* characters of a tool and its input that are shown */
#define SHOWN_MAX 2000
/* longest line that can be an answer */
#define ANSWER_MAX 256

struct _AsmApprover {
        AsmApproverConfig config;
        GQueue open; /* of owned AsmCliApproval; the head is on the screen */
        GString *line;
        guint source; /* set while somebody is asked */
        gboolean is_held;
};

int
asm_approver_find_terminal(const AsmOutput *output, int fd)
{
        return output->err_is_terminal && isatty(fd) ? fd : -1;
}

AsmApprover *
asm_approver_new(const AsmApproverConfig *config)
{
        AsmApprover *approver = g_new0(AsmApprover, 1);

        approver->config = *config;
        approver->line = g_string_new(NULL);
        g_queue_init(&approver->open);
        return approver;
}

void
asm_approver_free(AsmApprover *approver)
{
        if (approver == NULL)
                return;
        g_clear_handle_id(&approver->source, g_source_remove);
        g_queue_clear_full(&approver->open, (GDestroyNotify)asm_cli_approval_free);
        g_string_free(approver->line, TRUE);
        g_free(approver);
}

/* --- without a terminal ---------------------------------------------------------------------- */

static void
tell_command(AsmApprover *approver, const AsmCliApproval *approval)
{
        const AsmApproverConfig *config = &approver->config;
        g_autofree char *session = asm_text_quote(config->session);
        g_autofree char *id = asm_text_quote(approval->id);
        g_autofree char *node = config->node != NULL ? asm_text_quote(config->node) : NULL;

        asm_output_note(config->output,
                        "allow it with: asmctl%s%s approve %s %s (or deny)",
                        node != NULL ? " --node " : "",
                        node != NULL ? node : "",
                        session,
                        id);
}

/* somebody else has to answer; if there is nobody, that is the answer */
static void
leave_to_others(AsmApprover *approver, const AsmCliApproval *approval)
{
        const AsmApproverConfig *config = &approver->config;

        if (!config->is_alone) {
                tell_command(approver, approval);
                return;
        }
        asm_output_note(
                config->output,
                "nobody can be asked, so it is denied; --permission MODE decides beforehand");
        config->decide(approval->id, /* is_allowed= */ FALSE, config->user_data);
}

static void
give_up(AsmApprover *approver)
{
        AsmCliApproval *approval;

        approver->config.fd = -1;
        g_clear_handle_id(&approver->source, g_source_remove);
        while ((approval = g_queue_pop_head(&approver->open)) != NULL) {
                leave_to_others(approver, approval);
                asm_cli_approval_free(approval);
        }
}

/* --- with one -------------------------------------------------------------------------------- */

/* a process in the background is stopped when it reads, and also when it throws input away */
static gboolean
is_in_background(int fd)
{
        return isatty(fd) && tcgetpgrp(fd) != getpgrp();
}

static void
show(AsmApprover *approver)
{
        const AsmCliApproval *approval = g_queue_peek_head(&approver->open);

        glong length = g_utf8_strlen(approval->shown, -1);
        g_autoptr(GString) text = g_string_new(approval->shown);

        if (length > SHOWN_MAX) {
                const char *end = g_utf8_offset_to_pointer(text->str, SHOWN_MAX);

                g_string_truncate(text, (gsize)(end - text->str));
                g_string_append_printf(text, "... and %ld characters more", length - SHOWN_MAX);
                if (!approver->config.is_alone)
                        g_string_append_printf(text,
                                               ": see 'asmctl approvals --json %s'",
                                               approver->config.session);
        }
        asm_output_ask(approver->config.output, text->str, "allow? [y/n] ");
}

static gboolean on_input(int fd, GIOCondition condition, gpointer user_data);

/* the head is new: what was typed is not for it */
static void
ask(AsmApprover *approver)
{
        int fd = approver->config.fd;

        g_string_truncate(approver->line, 0);
        if (g_queue_is_empty(&approver->open)) {
                g_clear_handle_id(&approver->source, g_source_remove);
                return;
        }
        if (is_in_background(fd)) {
                give_up(approver);
                return;
        }
        tcflush(fd, TCIFLUSH);
        show(approver);
        if (approver->source == 0)
                approver->source =
                        g_unix_fd_add(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_input, approver);
}

static void
decide(AsmApprover *approver, gboolean is_allowed)
{
        g_autoptr(AsmCliApproval) approval = g_queue_pop_head(&approver->open);

        approver->config.decide(approval->id, is_allowed, approver->config.user_data);
        ask(approver);
}

static void
take_line(AsmApprover *approver, const char *text)
{
        if (g_ascii_strcasecmp(text, "y") == 0 || g_ascii_strcasecmp(text, "yes") == 0)
                decide(approver, TRUE);
        else if (g_ascii_strcasecmp(text, "n") == 0 || g_ascii_strcasecmp(text, "no") == 0)
                decide(approver, FALSE);
        else
                show(approver);
}

static gboolean
on_input(int fd, GIOCondition condition, gpointer user_data)
{
        AsmApprover *approver = user_data;
        char chunk[ANSWER_MAX];
        gssize n = read(fd, chunk, sizeof(chunk));
        g_autofree char *line = NULL;
        const char *end;

        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return G_SOURCE_CONTINUE;
        if (n <= 0) {
                approver->source = 0;
                give_up(approver);
                return G_SOURCE_REMOVE;
        }
        end = memchr(chunk, '\n', (gsize)n);
        if (approver->line->len < ANSWER_MAX)
                g_string_append_len(approver->line, chunk, end != NULL ? end - chunk : n);
        if (end == NULL)
                return G_SOURCE_CONTINUE;
        /* a second line in the same read was typed before its question could be seen */
        line = g_strstrip(g_strndup(approver->line->str, approver->line->len));
        g_string_truncate(approver->line, 0);
        asm_output_answered(approver->config.output);
        take_line(approver, line);
        return approver->source != 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* --- events ---------------------------------------------------------------------------------- */

static GList *
find_open(AsmApprover *approver, const char *id)
{
        GList *link = approver->open.head;

        while (link != NULL && !g_str_equal(((AsmCliApproval *)link->data)->id, id))
                link = link->next;
        return link;
}

static void
on_resolved(AsmApprover *approver, const char *id)
{
        GList *link = find_open(approver, id);
        gboolean was_asked = link != NULL && link == approver->open.head;

        if (link == NULL)
                return;
        asm_cli_approval_free(link->data);
        g_queue_delete_link(&approver->open, link);
        if (!was_asked || approver->is_held)
                return;
        if (approver->config.output->is_asking)
                asm_output_note(approver->config.output, "no answer needed any more");
        ask(approver);
}

/* an id that comes again is the question that counts */
static void
on_requested(AsmApprover *approver, AsmCliApproval *approval)
{
        if (approver->config.fd < 0 && !approver->is_held) {
                leave_to_others(approver, approval);
                asm_cli_approval_free(approval);
                return;
        }
        on_resolved(approver, approval->id);
        g_queue_push_tail(&approver->open, approval);
        if (approver->open.length == 1 && !approver->is_held)
                ask(approver);
}

void
asm_approver_feed(AsmApprover *approver, AsmView event)
{
        static const char *const keys[] = { "kind", "payload", NULL };
        g_autoptr(AsmCliApproval) approval = NULL;
        AsmEventKind kind = ASM_EVENT_OTHER;
        AsmView values[2];

        asm_view_map_pick(event, keys, values);
        if (asm_view_is_set(values[0]))
                kind = asm_event_kind_from_view(values[0]);
        if (asm_view_is_set(values[1]) &&
            (kind == ASM_EVENT_APPROVAL_REQUESTED || kind == ASM_EVENT_APPROVAL_RESOLVED))
                approval = asm_cli_approval_read(values[1]);
        if (approval != NULL && kind == ASM_EVENT_APPROVAL_RESOLVED)
                on_resolved(approver, approval->id);
        else if (approval != NULL)
                on_requested(approver, g_steal_pointer(&approval));
        if (approver->open.length > 0 && !approver->is_held && !approver->config.output->is_asking)
                show(approver);
}

void
asm_approver_hold(AsmApprover *approver)
{
        approver->is_held = TRUE;
}

void
asm_approver_add(AsmApprover *approver, AsmView entry)
{
        g_autoptr(AsmCliApproval) approval = asm_cli_approval_read(entry);

        if (approval != NULL && find_open(approver, approval->id) == NULL)
                on_requested(approver, g_steal_pointer(&approval));
}

void
asm_approver_release(AsmApprover *approver)
{
        approver->is_held = FALSE;
        if (approver->config.fd < 0)
                give_up(approver);
        else if (!g_queue_is_empty(&approver->open))
                ask(approver);
}
