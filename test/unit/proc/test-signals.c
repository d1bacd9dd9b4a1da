/* SPDX-License-Identifier: MIT */
/*
 * Links, monitors and exit signals, between processes of one node and of two. Every rule holds for
 * both, so most tests run twice.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "world.h"

TestSuite(proc_signals, .timeout = 300);

/* @near and @far live on one node or on two */
typedef struct {
        TestEpmd *epmd;
        TestWorld a;
        TestWorld b;
        AsmLink *link;
        TestServer *near;
        TestServer *far;
        AsmPid near_pid;
        AsmPid far_pid;
} Fixture;

typedef struct {
        gboolean is_remote;
        gboolean near_traps;
        gboolean far_traps;
} Setting;

static void
fixture_init(Fixture *f, Setting setting)
{
        f->epmd = test_epmd_new();
        test_world_init(&f->a, "a", f->epmd->port, 0);
        test_world_init(&f->b, "b", f->epmd->port, 0);
        f->link = test_world_connect(&f->a, &f->b);
        f->near = test_server_new(f->a.procs, setting.near_traps);
        f->far = test_server_new(setting.is_remote ? f->b.procs : f->a.procs, setting.far_traps);
        f->near_pid = asm_server_get_pid(&f->near->server);
        f->far_pid = asm_server_get_pid(&f->far->server);
}

static void
fixture_clear(Fixture *f)
{
        test_server_free(f->near);
        test_server_free(f->far);
        asm_pid_clear(&f->near_pid);
        asm_pid_clear(&f->far_pid);
        test_world_clear(&f->a);
        test_world_clear(&f->b);
        test_epmd_free(f->epmd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

/* what was sent before is there: a call behind it has been answered */
static void
catch_up(Fixture *f)
{
        g_autofree char *ping = NULL;

        test_server_call(f->near, f->far, "{reply, synced}");
        cr_assert(test_wait(strstr(f->near->log->str, "info {tag,synced}\n") != NULL));
        ping = test_server_take_log(f->near);
        g_string_truncate(f->far->log, 0);
}

static void
send_exit(TestServer *from, const AsmPid *to, const char *reason_text)
{
        g_autoptr(AsmTerm) reason = test_term(reason_text);

        asm_server_exit(&from->server, to, asm_term_view(reason));
}

#define on_one_node_and_on_two(setting_)                                                           \
        for (Setting setting_ = { 0 }; setting_.is_remote < 2; setting_.is_remote++)

Test(proc_signals, message_reaches_a_process_of_another_node)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f, (Setting){ .is_remote = TRUE });
        test_server_send(f.near, f.far, "{hello, [1,2,3]}");
        test_expect_log(f.far, "info {hello,[1,2,3]}\n");
}

Test(proc_signals, message_without_a_link_is_lost_in_silence)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f, (Setting){ .is_remote = TRUE });
        asm_link_close(f.link, "for a test");
        test_server_send(f.near, f.far, "lost");
        test_settle();
        test_expect_log(f.far, "");
}

Test(proc_signals, message_to_a_registered_name_of_another_node_arrives)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) message = test_term("{'$gen_cast', hello}");

        fixture_init(&f, (Setting){ .is_remote = TRUE });
        cr_assert(asm_server_register(&f.far->server, "far"));
        asm_procs_send_name(f.a.procs, f.link, &f.near->server, "far", asm_term_view(message));
        asm_procs_send_name(f.a.procs, f.link, &f.near->server, "nobody", asm_term_view(message));
        test_expect_log(f.far, "cast hello\n");
}

Test(proc_signals, monitor_tells_the_reason_of_the_end_exactly_once)
{
        on_one_node_and_on_two(setting)
        {
                g_auto(Fixture) f = { 0 };
                g_auto(AsmRef) ref = { 0 };

                fixture_init(&f, setting);
                ref = asm_server_monitor(&f.near->server, &f.far_pid);
                catch_up(&f);
                asm_server_stop_atom(&f.far->server, "enough");
                test_expect_log(f.near, "down enough\n");
                asm_link_close(f.link, "for a test");
                test_expect_log(f.near, "");
        }
}

Test(proc_signals, two_monitors_fire_twice)
{
        on_one_node_and_on_two(setting)
        {
                g_auto(Fixture) f = { 0 };
                g_auto(AsmRef) first = { 0 };
                g_auto(AsmRef) second = { 0 };

                fixture_init(&f, setting);
                first = asm_server_monitor(&f.near->server, &f.far_pid);
                second = asm_server_monitor(&f.near->server, &f.far_pid);
                cr_expect(!asm_ref_equal(&first, &second));
                catch_up(&f);
                asm_server_stop_atom(&f.far->server, "enough");
                test_expect_log(f.near, "down enough\ndown enough\n");
        }
}

Test(proc_signals, monitor_on_nobody_fires_with_noproc)
{
        on_one_node_and_on_two(setting)
        {
                g_auto(Fixture) f = { 0 };
                g_auto(AsmRef) ref = { 0 };

                fixture_init(&f, setting);
                asm_server_stop_atom(&f.far->server, "gone");
                ref = asm_server_monitor(&f.near->server, &f.far_pid);
                test_expect_log(f.near, "down noproc\n");
        }
}

Test(proc_signals, monitor_without_a_link_fires_with_noconnection)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmRef) ref = { 0 };

        fixture_init(&f, (Setting){ .is_remote = TRUE });
        asm_link_close(f.link, "for a test");
        test_settle();
        ref = asm_server_monitor(&f.near->server, &f.far_pid);
        cr_expect_eq(f.near->log->len, 0, "from the main loop, not from inside the call");
        test_expect_log(f.near, "down noconnection\n");
}

Test(proc_signals, monitor_fires_with_noconnection_when_the_link_drops)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmRef) ref = { 0 };

        fixture_init(&f, (Setting){ .is_remote = TRUE });
        ref = asm_server_monitor(&f.near->server, &f.far_pid);
        catch_up(&f);
        asm_link_close(f.link, "for a test");
        test_expect_log(f.near, "down noconnection\n");
        /* the watched one has no watcher any more: its end is told to nobody */
        asm_server_stop_atom(&f.far->server, "later");
        test_expect_log(f.near, "");
}

Test(proc_signals, monitor_fires_once_when_the_link_drops_behind_its_end)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmRef) ref = { 0 };
        AsmLink *back;

        fixture_init(&f, (Setting){ .is_remote = TRUE });
        ref = asm_server_monitor(&f.near->server, &f.far_pid);
        catch_up(&f);
        back = test_world_link(&f.b, "a@127.0.0.1");
        asm_server_stop_atom(&f.far->server, "enough");
        test_settle();
        asm_link_close(back, "right behind it");
        test_expect_log(f.near, "down enough\n");
}

Test(proc_signals, no_down_after_demonitor)
{
        on_one_node_and_on_two(setting)
        {
                g_auto(Fixture) f = { 0 };
                g_auto(AsmRef) ref = { 0 };

                fixture_init(&f, setting);
                ref = asm_server_monitor(&f.near->server, &f.far_pid);
                catch_up(&f);
                asm_server_demonitor(&f.near->server, &ref);
                asm_server_demonitor(&f.near->server, &ref);
                catch_up(&f);
                cr_expect(f.far->server.watchers == NULL ||
                          g_hash_table_size(f.far->server.watchers) == 0);
                asm_server_stop_atom(&f.far->server, "enough");
                test_expect_log(f.near, "");
        }
}

Test(proc_signals, no_down_after_demonitor_even_if_it_is_in_the_mailbox_already)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmRef) ref = { 0 };

        fixture_init(&f, (Setting){ .is_remote = FALSE });
        ref = asm_server_monitor(&f.near->server, &f.far_pid);
        asm_server_stop_atom(&f.far->server, "enough");
        cr_assert_not_null(f.near->server.source);
        asm_server_demonitor(&f.near->server, &ref);
        test_expect_log(f.near, "");
}

Test(proc_signals, end_of_the_watcher_leaves_no_monitor_behind)
{
        on_one_node_and_on_two(setting)
        {
                g_auto(Fixture) f = { 0 };
                g_auto(AsmRef) ref = { 0 };

                fixture_init(&f, setting);
                ref = asm_server_monitor(&f.near->server, &f.far_pid);
                catch_up(&f);
                cr_assert_eq(g_hash_table_size(f.far->server.watchers), 1);
                asm_server_stop_atom(&f.near->server, "enough");
                cr_expect(test_wait(g_hash_table_size(f.far->server.watchers) == 0));
        }
}

Test(proc_signals, linked_processes_end_with_the_same_reason)
{
        for (guint who = 0; who < 2; who++) {
                on_one_node_and_on_two(setting)
                {
                        g_auto(Fixture) f = { 0 };

                        fixture_init(&f, setting);
                        asm_server_link(&f.near->server, &f.far_pid);
                        catch_up(&f);
                        asm_server_stop_atom(who ? &f.near->server : &f.far->server, "crash");
                        test_expect_log(f.near, "end crash\n");
                        test_expect_log(f.far, "end crash\n");
                }
        }
}

Test(proc_signals, normal_end_of_a_linked_process_leaves_the_other_alive)
{
        on_one_node_and_on_two(setting)
        {
                g_auto(Fixture) f = { 0 };

                fixture_init(&f, setting);
                asm_server_link(&f.near->server, &f.far_pid);
                catch_up(&f);
                asm_server_stop_atom(&f.far->server, "normal");
                test_settle();
                test_expect_log(f.near, "");
                cr_expect(test_wait(g_hash_table_size(f.near->server.links) == 0));
                cr_expect(asm_server_is_alive(&f.near->server));
        }
}

Test(proc_signals, who_traps_exits_hears_of_the_end_of_a_linked_process)
{
        static const char *const reasons[] = { "normal", "crash", "kill" };

        for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
                on_one_node_and_on_two(setting)
                {
                        g_auto(Fixture) f = { 0 };
                        g_autofree char *expected = g_strdup_printf("exit %s\n", reasons[i]);

                        setting.near_traps = TRUE;
                        fixture_init(&f, setting);
                        asm_server_link(&f.near->server, &f.far_pid);
                        catch_up(&f);
                        asm_server_stop_atom(&f.far->server, reasons[i]);
                        test_expect_log(f.near, expected);
                }
        }
}

Test(proc_signals, link_to_nobody_breaks_with_noproc)
{
        on_one_node_and_on_two(setting)
        {
                g_auto(Fixture) f = { 0 };

                setting.near_traps = TRUE;
                fixture_init(&f, setting);
                asm_server_stop_atom(&f.far->server, "gone");
                asm_server_link(&f.near->server, &f.far_pid);
                test_expect_log(f.near, "exit noproc\n");
        }
}

Test(proc_signals, link_without_a_connection_breaks_with_noconnection)
{
        for (guint traps = 0; traps < 2; traps++) {
                g_auto(Fixture) f = { 0 };

                fixture_init(&f, (Setting){ .is_remote = TRUE, .near_traps = traps });
                asm_link_close(f.link, "for a test");
                test_settle();
                asm_server_link(&f.near->server, &f.far_pid);
                test_expect_log(f.near, traps ? "exit noconnection\n" : "end noconnection\n");
        }
}

Test(proc_signals, link_breaks_with_noconnection_on_both_sides_when_the_connection_drops)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f, (Setting){ .is_remote = TRUE, .near_traps = TRUE });
        asm_server_link(&f.near->server, &f.far_pid);
        catch_up(&f);
        asm_link_close(f.link, "for a test");
        test_expect_log(f.near, "exit noconnection\n");
        test_expect_log(f.far, "end noconnection\n");
}

Test(proc_signals, no_exit_after_unlink)
{
        for (guint who = 0; who < 2; who++) {
                on_one_node_and_on_two(setting)
                {
                        g_auto(Fixture) f = { 0 };

                        fixture_init(&f, setting);
                        asm_server_link(&f.near->server, &f.far_pid);
                        catch_up(&f);
                        asm_server_unlink(&f.near->server, &f.far_pid);
                        asm_server_stop_atom(who ? &f.near->server : &f.far->server, "crash");
                        test_settle();
                        if (who) {
                                test_expect_log(f.far, "");
                                cr_expect(asm_server_is_alive(&f.far->server));
                        } else {
                                test_expect_log(f.near, "");
                                cr_expect(asm_server_is_alive(&f.near->server));
                        }
                }
        }
}

Test(proc_signals, unlink_leaves_nothing_once_it_is_acknowledged)
{
        on_one_node_and_on_two(setting)
        {
                g_auto(Fixture) f = { 0 };

                fixture_init(&f, setting);
                asm_server_link(&f.near->server, &f.far_pid);
                catch_up(&f);
                asm_server_unlink(&f.near->server, &f.far_pid);
                catch_up(&f);
                cr_expect_eq(g_hash_table_size(f.near->server.links), 0);
                cr_expect_eq(g_hash_table_size(f.far->server.links), 0);
        }
}

Test(proc_signals, link_after_an_unlink_holds)
{
        on_one_node_and_on_two(setting)
        {
                g_auto(Fixture) f = { 0 };

                fixture_init(&f, setting);
                asm_server_link(&f.near->server, &f.far_pid);
                asm_server_unlink(&f.near->server, &f.far_pid);
                asm_server_link(&f.near->server, &f.far_pid);
                catch_up(&f);
                asm_server_stop_atom(&f.far->server, "crash");
                test_expect_log(f.near, "end crash\n");
        }
}

typedef struct {
        const char *reason;
        gboolean traps;
        const char *log;
} ExitCase;

Test(proc_signals, exit_2_follows_the_rules_of_erlang)
{
        static const ExitCase cases[] = {
                { "crash", FALSE, "end crash\n" }, { "normal", FALSE, "" },
                { "kill", FALSE, "end killed\n" }, { "{shutdown, x}", FALSE, "end {shutdown,x}\n" },
                { "crash", TRUE, "exit crash\n" }, { "normal", TRUE, "exit normal\n" },
                { "kill", TRUE, "end killed\n" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                on_one_node_and_on_two(setting)
                {
                        g_auto(Fixture) f = { 0 };

                        setting.far_traps = cases[i].traps;
                        fixture_init(&f, setting);
                        send_exit(f.near, &f.far_pid, cases[i].reason);
                        test_settle();
                        test_expect_log(f.far, cases[i].log);
                }
        }
}

Test(proc_signals, chain_of_links_ends_as_one)
{
        g_auto(Fixture) f = { 0 };
        TestServer *chain[50];

        fixture_init(&f, (Setting){ .is_remote = TRUE });
        for (gsize i = 0; i < G_N_ELEMENTS(chain); i++) {
                chain[i] = test_server_new(i % 2 ? f.a.procs : f.b.procs, FALSE);
                if (i > 0) {
                        g_auto(AsmPid) before = asm_server_get_pid(&chain[i - 1]->server);
                        asm_server_link(&chain[i]->server, &before);
                }
        }
        catch_up(&f);
        asm_server_stop_atom(&chain[0]->server, "domino");
        cr_expect(test_wait(!asm_server_is_alive(&chain[49]->server)));
        for (gsize i = 0; i < G_N_ELEMENTS(chain); i++) {
                cr_expect_str_eq(chain[i]->log->str, "end domino\n");
                test_server_free(chain[i]);
        }
}
