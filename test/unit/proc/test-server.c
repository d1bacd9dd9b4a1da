/* SPDX-License-Identifier: MIT */
/*
 * Servers: mailboxes, calls and casts, the manners of OTP's sys, and what an idle one costs.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "world.h"

TestSuite(proc_server, .timeout = 300);

typedef struct {
        TestEpmd *epmd;
        TestWorld a;
        TestServer *one;
        TestServer *two;
} Fixture;

static void
fixture_init_limit(Fixture *f, guint max_mail)
{
        f->epmd = test_epmd_new();
        test_world_init(&f->a, "a", f->epmd->port, max_mail);
        f->one = test_server_new(f->a.procs, FALSE);
        f->two = test_server_new(f->a.procs, FALSE);
}

static void
fixture_init(Fixture *f)
{
        fixture_init_limit(f, 0);
}

static void
fixture_clear(Fixture *f)
{
        test_server_free(f->one);
        test_server_free(f->two);
        test_world_clear(&f->a);
        test_epmd_free(f->epmd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

/* a system message from @f->two to @f->one; the answer is `info {tag,...}` */
static void
ask_system(Fixture *f, const char *request)
{
        g_autoptr(AsmTerm) self = test_server_pid(f->two);
        g_autoptr(AsmTerm) pid = test_server_pid(f->one);
        g_autoptr(AsmTerm) what = test_term(request);
        g_autoptr(AsmTerm) message =
                test_term("{system, {~w, tag}, ~w}", asm_term_view(self), asm_term_view(what));

        asm_procs_send(f->a.procs, asm_term_view(pid), asm_term_view(message));
}

Test(proc_server, mail_is_handled_in_the_order_it_came)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        test_server_send(f.two, f.one, "1");
        test_server_send(f.two, f.one, "{'$gen_cast', 2}");
        test_server_send(f.two, f.one, "3");
        cr_expect_eq(f.one->n_handled, 0, "handled from the main loop, not while sending");

        test_expect_log(f.one, "info 1\ncast 2\ninfo 3\n");
}

Test(proc_server, mail_that_comes_while_mail_is_handled_waits_for_the_next_iteration)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        /* two answers itself through one, one to two: neither may starve the loop */
        test_server_call(f.one, f.one, "{reply, x}");
        test_expect_log(f.one, "call {reply,x}\ninfo {tag,x}\n");
}

Test(proc_server, call_is_answered_with_the_tag_of_the_caller)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        test_server_call(f.two, f.one, "{reply, [1, <<\"two\">>, #{three => 3}]}");
        test_expect_log(f.two, "info {tag,[1,<<\"two\">>,#{three => 3}]}\n");
}

Test(proc_server, call_may_be_answered_later)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) answer = test_term("answer");

        fixture_init(&f);
        test_server_call(f.two, f.one, "later");
        test_expect_log(f.one, "call later\n");
        test_expect_log(f.two, "");
        asm_procs_reply(f.a.procs, asm_term_view(f.one->from), asm_term_view(answer));

        test_expect_log(f.two, "info {tag,answer}\n");
}

Test(proc_server, answer_to_what_is_no_caller_is_dropped)
{
        static const char *const froms[] = { "x", "{}", "{1, tag}", "{x, tag}", "[]" };
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) answer = test_term("answer");

        fixture_init(&f);
        for (gsize i = 0; i < G_N_ELEMENTS(froms); i++) {
                g_autoptr(AsmTerm) from = test_term(froms[i]);

                asm_procs_reply(f.a.procs, asm_term_view(from), asm_term_view(answer));
        }
        test_expect_log(f.one, "");
}

Test(proc_server, message_that_looks_like_a_call_but_is_none_is_information)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        test_server_send(f.two, f.one, "{'$gen_call', x}");
        test_server_send(f.two, f.one, "{'$gen_cast', x, y}");
        test_server_send(f.two, f.one, "'$gen_cast'");
        test_server_send(f.two, f.one, "{system, x}");
        test_expect_log(f.one,
                        "info {'$gen_call',x}\ninfo {'$gen_cast',x,y}\ninfo '$gen_cast'\n"
                        "info {system,x}\n");
}

Test(proc_server, that_stops_inside_a_handler_handles_nothing_more)
{
        static const char *const ways[] = { "{stop, done}",
                                            "{'$gen_cast', {stop, done}}",
                                            "{'$gen_call', {x, tag}, {stop, done}}" };
        static const char *const logs[] = { "info 1\ninfo {stop,done}\nend done\n",
                                            "info 1\ncast {stop,done}\nend done\n",
                                            "info 1\ncall {stop,done}\nend done\n" };

        for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
                g_auto(Fixture) f = { 0 };

                fixture_init(&f);
                test_server_send(f.two, f.one, "1");
                test_server_send(f.two, f.one, ways[i]);
                test_server_send(f.two, f.one, "2");
                test_expect_log(f.one, logs[i]);
                cr_expect(!asm_server_is_alive(&f.one->server));
                cr_expect_null(f.one->server.source);
                cr_expect_null(f.one->server.first);
        }
}

Test(proc_server, is_stopped_once_only)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        asm_server_stop_atom(&f.one->server, "first");
        asm_server_stop_atom(&f.one->server, "second");
        test_expect_log(f.one, "end first\n");
}

static void
stop_again(gpointer user_data)
{
        asm_server_stop_atom(user_data, "again");
}

Test(proc_server, is_stopped_once_only_also_when_another_one_stops_it_on_the_way)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmPid) one = { 0 };

        fixture_init(&f);
        one = asm_server_get_pid(&f.one->server);
        asm_server_link(&f.two->server, &one);
        f.two->on_end = stop_again;
        f.two->end_data = &f.one->server;
        asm_server_stop_atom(&f.one->server, "first");

        test_expect_log(f.two, "end first\n");
        test_expect_log(f.one, "end first\n");
}

Test(proc_server, cannot_be_found_once_it_has_ended)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) pid = NULL;

        fixture_init(&f);
        pid = test_server_pid(f.one);
        cr_assert(asm_server_register(&f.one->server, "one"));
        cr_expect_eq(asm_procs_find(f.a.procs, asm_term_view(pid)), &f.one->server);
        cr_expect_eq(asm_procs_find_name(f.a.procs, "one", 3), &f.one->server);
        cr_expect(!asm_server_register(&f.two->server, "one"), "the name is taken");
        asm_server_stop_atom(&f.one->server, "normal");

        cr_expect_null(asm_procs_find(f.a.procs, asm_term_view(pid)));
        cr_expect_null(asm_procs_find_name(f.a.procs, "one", 3));
        cr_expect(asm_server_register(&f.two->server, "one"), "the name is free");
}

Test(proc_server, name_is_compared_whole)
{
        g_auto(Fixture) f = { 0 };
        g_autofree char *longest = g_strnfill(300, 'o');

        fixture_init(&f);
        cr_assert(asm_server_register(&f.one->server, "one"));

        cr_expect_null(asm_procs_find_name(f.a.procs, "on", 2));
        cr_expect_null(asm_procs_find_name(f.a.procs, "one1", 4));
        cr_expect_null(asm_procs_find_name(f.a.procs, "one\0x", 5));
        cr_expect_null(asm_procs_find_name(f.a.procs, "", 0));
        cr_expect_null(asm_procs_find_name(f.a.procs, longest, 300));
}

Test(proc_server, pid_of_another_life_of_the_node_finds_nobody)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmPid) pid = { 0 };
        g_auto(AsmBuilder) old = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) other_serial = ASM_BUILDER_INIT;

        fixture_init(&f);
        pid = asm_server_get_pid(&f.one->server);
        pid.creation++;
        asm_builder_pid(&old, &pid);
        pid.creation--;
        pid.serial++;
        asm_builder_pid(&other_serial, &pid);

        cr_expect_null(asm_procs_find(f.a.procs, asm_builder_peek(&old)));
        cr_expect_null(asm_procs_find(f.a.procs, asm_builder_peek(&other_serial)));
}

Test(proc_server, is_not_attached_to_the_loop_while_it_waits)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        cr_expect_null(f.one->server.source);
        test_server_send(f.two, f.one, "1");
        cr_expect_not_null(f.one->server.source);
        test_expect_log(f.one, "info 1\n");
        cr_expect_null(f.one->server.source);
}

Test(proc_server, ten_thousand_idle_ones_do_not_slow_the_loop)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(GPtrArray) idle =
                g_ptr_array_new_with_free_func((GDestroyNotify)test_server_free);

        fixture_init(&f);
        for (guint i = 0; i < 10000; i++)
                g_ptr_array_add(idle, test_server_new(f.a.procs, FALSE));
        /* the fixture's two and the one for remote calls */
        cr_expect_eq(asm_procs_count(f.a.procs), 10003);
        for (guint i = 0; i < idle->len; i++)
                cr_assert_null(((TestServer *)g_ptr_array_index(idle, i))->server.source);

        test_server_send(f.two, g_ptr_array_index(idle, 5000), "wake");
        test_expect_log((TestServer *)g_ptr_array_index(idle, 5000), "info wake\n");
        g_ptr_array_set_size(idle, 0);
        cr_expect_eq(asm_procs_count(f.a.procs), 3);
}

Test(proc_server, mailbox_takes_its_limit_and_drops_one_more)
{
        g_auto(Fixture) f = { 0 };

        test_log_capture();
        fixture_init_limit(&f, 3);
        for (guint i = 0; i < 3; i++)
                test_server_send(f.two, f.one, "in");
        cr_expect(!test_log_has("is full"));
        test_server_send(f.two, f.one, "out");
        cr_expect(test_log_has("is full"));
        test_expect_log(f.one, "info in\ninfo in\ninfo in\n");
        test_server_send(f.two, f.one, "again");
        test_expect_log(f.one, "info again\n");
}

Test(proc_server, caller_at_a_full_mailbox_is_told)
{
        g_auto(Fixture) f = { 0 };

        test_log_capture();
        fixture_init_limit(&f, 1);
        test_server_send(f.two, f.one, "in");
        test_server_call(f.two, f.one, "x");
        test_expect_log(f.two, "info {tag,{error,mailbox_full}}\n");
}

Test(proc_server, suspended_holds_its_mail_and_resumed_handles_it_in_order)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        ask_system(&f, "suspend");
        test_server_send(f.two, f.one, "1");
        test_server_send(f.two, f.one, "2");
        test_expect_log(f.two, "info {tag,ok}\n");
        test_server_send(f.two, f.one, "3");
        test_expect_log(f.one, "");
        cr_expect_null(f.one->server.source, "what is held costs the loop nothing");

        test_server_send(f.two, f.one, "4");
        ask_system(&f, "resume");
        test_server_send(f.two, f.one, "5");
        test_expect_log(f.one, "info 1\ninfo 2\ninfo 3\ninfo 4\ninfo 5\n");
        cr_expect_null(f.one->server.source);
}

Test(proc_server, suspended_keeps_to_the_limit_of_its_mailbox)
{
        g_auto(Fixture) f = { 0 };

        test_log_capture();
        fixture_init_limit(&f, 3);
        ask_system(&f, "suspend");
        test_expect_log(f.two, "info {tag,ok}\n");
        for (guint i = 0; i < 10; i++) {
                test_server_send(f.two, f.one, "mail");
                test_settle();
        }
        ask_system(&f, "resume");
        test_expect_log(f.one, "info mail\ninfo mail\ninfo mail\n");
}

Test(proc_server, suspended_can_be_stopped_and_its_mail_is_freed)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        ask_system(&f, "suspend");
        test_server_send(f.two, f.one, "1");
        test_expect_log(f.two, "info {tag,ok}\n");
        ask_system(&f, "{terminate, enough}");
        test_expect_log(f.two, "info {tag,ok}\n");
        test_expect_log(f.one, "end enough\n");
}

Test(proc_server, state_is_what_the_class_says)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        test_server_send(f.two, f.one, "x");
        ask_system(&f, "get_state");
        test_expect_log(f.two, "info {tag,1}\n");
}

Test(proc_server, status_has_the_shape_that_sys_knows)
{
        g_auto(Fixture) f = { 0 };
        g_autofree char *log = NULL;

        fixture_init(&f);
        ask_system(&f, "get_status");
        cr_assert(test_wait(f.two->log->len > 0));
        log = test_server_take_log(f.two);
        cr_expect(g_str_has_prefix(log, "info {tag,{status,<"), "%s", log);
        cr_expect_not_null(strstr(log, ",{module,test_server},[[],running,<"));
        cr_expect_not_null(strstr(log, ",[],[{data,[{\"State\",0}]}]]}"));

        ask_system(&f, "suspend");
        test_expect_log(f.two, "info {tag,ok}\n");
        ask_system(&f, "get_status");
        cr_assert(test_wait(f.two->log->len > 0));
        cr_expect_not_null(strstr(f.two->log->str, "[[],suspended,<"));
}

Test(proc_server, termination_by_sys_is_answered_and_then_happens)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        ask_system(&f, "{terminate, {shutdown, x}}");
        test_expect_log(f.two, "info {tag,ok}\n");
        test_expect_log(f.one, "end {shutdown,x}\n");
}

Test(proc_server, system_request_that_is_not_known_is_answered_as_otp_does)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        ask_system(&f, "{replace_state, x}");
        test_expect_log(f.two, "info {tag,{error,{unknown_system_msg,{replace_state,x}}}}\n");
        cr_expect(asm_server_is_alive(&f.one->server));
}

Test(proc_server, all_are_stopped_with_reason_shutdown)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmPid) two = { 0 };

        fixture_init(&f);
        two = asm_server_get_pid(&f.two->server);
        asm_server_link(&f.one->server, &two);
        g_clear_pointer(&f.a.rpc, asm_rpc_free);
        asm_procs_stop_all(f.a.procs);

        test_expect_log(f.one, "end shutdown\n");
        test_expect_log(f.two, "end shutdown\n");
        cr_expect_eq(asm_procs_count(f.a.procs), 0);
}
