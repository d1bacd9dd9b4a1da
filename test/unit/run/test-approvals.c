/* SPDX-License-Identifier: MIT */
/*
 * Open approvals: as many as are allowed and not one more, an id that is asked for again, and time
 * that is over.
 */
#include <criterion/criterion.h>

#include "erlang.h"
#include "loop.h"
#include "run/approvals-private.h"

#include <string.h>

TestSuite(approvals, .timeout = 60);

#define MOST 3

typedef struct {
        AsmTimers *timers;
        AsmApprovals *approvals;
        GString *expired; /* the ids, a space after each */
} Fixture;

/* as its owner does: what has expired is taken */
static void
on_expired(const char *id, gpointer user_data)
{
        Fixture *f = user_data;

        g_string_append_printf(f->expired, "%s ", id);
        asm_approval_free(asm_approvals_take(f->approvals, id));
}

static void
fixture_init(Fixture *f, guint timeout_ms)
{
        f->timers = asm_timers_new(NULL);
        f->approvals = asm_approvals_new(f->timers, timeout_ms, MOST, on_expired, f);
        f->expired = g_string_new(NULL);
}

static void
fixture_clear(Fixture *f)
{
        asm_approvals_free(f->approvals);
        asm_timers_free(f->timers);
        g_string_free(f->expired, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

/* asks for @id on the tool @subject; NULL: an event without an id */
static gboolean
ask(Fixture *f, const char *id, const char *subject)
{
        g_auto(AsmBuilder) payload = ASM_BUILDER_INIT;
        AsmCoreEvent event = { .kind = ASM_EVENT_APPROVAL_REQUESTED };

        asm_builder_map(&payload, id != NULL ? 2 : 1);
        if (id != NULL) {
                asm_builder_atom(&payload, "approval_id");
                asm_builder_text(&payload, id);
        }
        asm_builder_atom(&payload, "subject");
        asm_builder_text(&payload, subject);
        event.payload = asm_builder_peek(&payload);
        return asm_approvals_add(f->approvals, &event);
}

static gboolean
shows(Fixture *f, const char *text)
{
        g_auto(AsmBuilder) list = ASM_BUILDER_INIT;
        AsmBuilderMark mark = asm_builder_list_begin(&list);
        g_autofree char *shown = NULL;

        asm_builder_approvals(&list, f->approvals, "run-1");
        asm_builder_list_end(&list, mark, asm_approvals_count(f->approvals));
        shown = test_show(asm_builder_peek(&list));
        return strstr(shown, text) != NULL;
}

Test(approvals, as_many_as_are_allowed_wait_and_not_one_more)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f, 0);
        cr_expect(ask(&f, "a", "Bash"));
        cr_expect(ask(&f, "b", "Bash"));
        cr_expect(ask(&f, "c", "Bash"));
        cr_expect_not(ask(&f, "d", "Bash"));
        cr_expect_eq(asm_approvals_count(f.approvals), MOST);
        cr_expect_not(asm_approvals_has(f.approvals, "d"));

        asm_approval_free(asm_approvals_take(f.approvals, "b"));
        cr_expect(ask(&f, "d", "Bash"));
}

Test(approvals, an_id_that_is_asked_for_again_at_the_limit_replaces_the_one_before)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f, 0);
        cr_expect(ask(&f, "a", "Bash"));
        cr_expect(ask(&f, "b", "Bash"));
        cr_expect(ask(&f, "c", "Bash"));
        cr_expect(ask(&f, "b", "Write"));
        cr_expect_eq(asm_approvals_count(f.approvals), MOST);
        cr_expect(shows(&f, "subject => <<\"Write\">>"));
        cr_expect_not(ask(&f, "d", "Bash"));
}

Test(approvals, one_without_an_id_cannot_be_answered)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f, 0);
        cr_expect_not(ask(&f, NULL, "Bash"));
        cr_expect_eq(asm_approvals_count(f.approvals), 0);
}

Test(approvals, each_expires_once_and_not_when_it_has_been_taken_or_replaced)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f, 20);
        cr_expect(ask(&f, "taken", "Bash"));
        cr_expect(ask(&f, "twice", "Bash"));
        cr_expect(ask(&f, "twice", "Bash"));
        asm_approval_free(asm_approvals_take(f.approvals, "taken"));
        cr_assert(test_wait(asm_approvals_count(f.approvals) == 0));
        test_wait_ms(FALSE, 50);
        cr_expect_str_eq(f.expired->str, "twice ");
}
