/* SPDX-License-Identifier: MIT */
/*
 * Signals as a foreign node sends them, right and wrong ones, and the exact signals that go back.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "raw-peer.h"
#include "world.h"

TestSuite(proc_router, .timeout = 300);

typedef struct {
        TestEpmd *epmd;
        TestWorld a;
        TestPeer *peer;
        AsmPid him; /* a process of the peer */
        AsmRef ref;
        TestServer *server;
        AsmPid pid;
        AsmTerm *pid_term;
        AsmBuilder him_term;
        AsmBuilder ref_term;
        AsmBuilder out;
} Fixture;

static void
fixture_init(Fixture *f, gboolean traps_exits)
{
        f->epmd = test_epmd_new();
        test_world_init(&f->a, "a", f->epmd->port, 0);
        f->peer = test_peer_connect(asm_node_get_port(f->a.self.node),
                                    "x@127.0.0.1",
                                    "a@127.0.0.1",
                                    TEST_COOKIE,
                                    NULL);
        cr_assert(test_wait(test_world_link(&f->a, "x@127.0.0.1") != NULL));
        f->him = test_peer_pid(f->peer, 5);
        f->ref = test_peer_ref(f->peer, 9);
        f->server = test_server_new(f->a.procs, traps_exits);
        f->pid = asm_server_get_pid(&f->server->server);
        f->pid_term = test_server_pid(f->server);
        asm_builder_pid(&f->him_term, &f->him);
        asm_builder_ref(&f->ref_term, &f->ref);
}

static void
fixture_clear(Fixture *f)
{
        test_server_free(f->server);
        asm_pid_clear(&f->him);
        asm_pid_clear(&f->pid);
        asm_ref_clear(&f->ref);
        asm_term_unref(f->pid_term);
        asm_builder_clear(&f->him_term);
        asm_builder_clear(&f->ref_term);
        asm_builder_clear(&f->out);
        test_world_clear(&f->a);
        test_peer_free(f->peer);
        test_epmd_free(f->epmd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static AsmView
pid_view(const Fixture *f)
{
        return asm_term_view(f->pid_term);
}

static AsmView
him_view(const Fixture *f)
{
        return asm_builder_peek(&f->him_term);
}

/* what has been put into @f->out goes to the node */
static void
say(Fixture *f)
{
        test_peer_say(f->peer, &f->out);
        asm_builder_reset(&f->out);
}

static void
say_message(Fixture *f, const char *text)
{
        g_autoptr(AsmTerm) message = test_term(text);

        asm_control_encode_send(&f->out, f->peer->flags, NULL, pid_view(f), asm_term_view(message));
        say(f);
}

/* everything said before has been handled */
static void
catch_up(Fixture *f)
{
        g_autoptr(AsmTerm) request =
                test_term("{'$gen_call', {~w, tag}, {reply, synced}}", him_view(f));
        AsmControl control;

        asm_control_encode_send(&f->out, f->peer->flags, NULL, pid_view(f), asm_term_view(request));
        say(f);
        cr_assert(test_peer_hear(f->peer, &control));
        cr_assert_eq(control.kind, ASM_CONTROL_SEND);
        test_expect_term(control.payload, "{tag,synced}");
        g_string_truncate(f->server->log, 0);
}

static void
expect_signal(Fixture *f, AsmControlKind kind, AsmControl *ret_control)
{
        cr_assert(test_peer_hear(f->peer, ret_control), "nothing came");
        cr_assert_eq(ret_control->kind,
                     kind,
                     "%s instead of %s",
                     asm_control_kind_name(ret_control->kind),
                     asm_control_kind_name(kind));
}

Test(proc_router, answer_goes_to_the_pid_or_to_the_alias_in_the_tag)
{
        static const struct {
                const char *from; /* ~w pid, ~w ref */
                AsmControlKind kind;
        } cases[] = {
                { "{~w, ~w}", ASM_CONTROL_SEND },
                { "{~w, [alias | ~w]}", ASM_CONTROL_ALIAS_SEND },
                { "{~w, [[alias | ~w] | more]}", ASM_CONTROL_ALIAS_SEND },
                { "{~w, [alias, ~w]}", ASM_CONTROL_SEND },
                { "{~w, [other | ~w]}", ASM_CONTROL_SEND },
                { "{~w, {alias, ~w}}", ASM_CONTROL_SEND },
        };
        g_auto(Fixture) f = { 0 };

        fixture_init(&f, FALSE);
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(AsmTerm) from =
                        test_term(cases[i].from, him_view(&f), asm_builder_peek(&f.ref_term));
                g_autoptr(AsmTerm) call =
                        test_term("{'$gen_call', ~w, {reply, [7]}}", asm_term_view(from));
                g_autofree char *tag = NULL;
                g_autofree char *from_text = test_show(asm_term_view(from));
                g_autofree char *reply = NULL;
                AsmControl control;

                asm_control_encode_send(&f.out,
                                        f.peer->flags,
                                        NULL,
                                        pid_view(&f),
                                        asm_term_view(call));
                say(&f);
                expect_signal(&f, cases[i].kind, &control);

                /* the tag comes back as it was, whatever it is */
                tag = g_strndup(strchr(from_text, ',') + 1,
                                strlen(from_text) - (strchr(from_text, ',') - from_text) - 2);
                reply = g_strdup_printf("{%s,[7]}", tag);
                test_expect_term(control.payload, reply);
                if (cases[i].kind == ASM_CONTROL_ALIAS_SEND)
                        cr_expect(asm_view_same_bytes(control.ref, asm_builder_peek(&f.ref_term)));
                else
                        cr_expect(asm_view_same_bytes(control.to, him_view(&f)));
        }
}

Test(proc_router, messages_to_nobody_are_dropped)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) message = test_term("hello");
        g_auto(AsmBuilder) nobody = ASM_BUILDER_INIT;
        AsmPid pid;

        fixture_init(&f, FALSE);
        pid = f.pid;
        pid.id += 1000;
        asm_builder_pid(&nobody, &pid);
        asm_control_encode_send(&f.out,
                                f.peer->flags,
                                &f.him,
                                asm_builder_peek(&nobody),
                                asm_term_view(message));
        asm_control_encode_send(&f.out,
                                f.peer->flags,
                                &f.him,
                                him_view(&f),
                                asm_term_view(message));
        asm_control_encode_reg_send(&f.out, &f.him, "nobody", asm_term_view(message));
        asm_control_encode_alias_send(&f.out,
                                      f.peer->flags,
                                      &f.him,
                                      asm_builder_peek(&f.ref_term),
                                      asm_term_view(message));
        catch_up(&f);
}

Test(proc_router, monitor_on_nobody_is_answered_noproc_in_the_words_of_the_request)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) name = test_term("nobody");
        g_auto(AsmBuilder) nobody = ASM_BUILDER_INIT;
        AsmView targets[2];
        AsmPid pid;

        fixture_init(&f, FALSE);
        pid = f.pid;
        pid.id += 1000;
        asm_builder_pid(&nobody, &pid);
        targets[0] = asm_builder_peek(&nobody);
        targets[1] = asm_term_view(name);
        for (guint i = 0; i < 2; i++) {
                AsmControl control;

                asm_control_encode_monitor(&f.out, &f.him, targets[i], &f.ref);
                say(&f);
                expect_signal(&f, ASM_CONTROL_MONITOR_EXIT, &control);
                cr_expect(asm_view_same_bytes(control.from, targets[i]));
                cr_expect(asm_view_same_bytes(control.to, him_view(&f)));
                cr_expect(asm_view_same_bytes(control.ref, asm_builder_peek(&f.ref_term)));
                test_expect_term(control.payload, "noproc");
        }
}

Test(proc_router, monitor_by_name_fires_with_the_name)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) name = test_term("known");
        AsmControl control;

        fixture_init(&f, FALSE);
        cr_assert(asm_server_register(&f.server->server, "known"));
        asm_control_encode_monitor(&f.out, &f.him, asm_term_view(name), &f.ref);
        catch_up(&f);
        asm_server_stop_atom(&f.server->server, "enough");

        expect_signal(&f, ASM_CONTROL_MONITOR_EXIT, &control);
        test_expect_term(control.from, "known");
        test_expect_term(control.payload, "enough");
}

Test(proc_router, demonitor_by_name_takes_the_monitor_away)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) name = test_term("known");

        fixture_init(&f, FALSE);
        cr_assert(asm_server_register(&f.server->server, "known"));
        asm_control_encode_monitor(&f.out, &f.him, asm_term_view(name), &f.ref);
        asm_control_encode_demonitor(&f.out, &f.him, asm_term_view(name), &f.ref);
        catch_up(&f);
        cr_expect_eq(g_hash_table_size(f.server->server.watchers), 0);
}

Test(proc_router, peer_speaks_only_for_its_own_processes)
{
        g_auto(Fixture) f = { 0 };
        AsmPid stranger;
        g_autoptr(AsmTerm) kill = test_term("kill");

        fixture_init(&f, FALSE);
        stranger = f.him;
        stranger.node = g_ref_string_new_intern("stranger@127.0.0.1");
        asm_control_encode_link(&f.out, &stranger, &f.pid);
        asm_control_encode_monitor(&f.out, &stranger, pid_view(&f), &f.ref);
        asm_control_encode_exit2(&f.out, f.peer->flags, &stranger, &f.pid, asm_term_view(kill));
        asm_control_encode_exit(&f.out, f.peer->flags, &stranger, &f.pid, asm_term_view(kill));
        asm_control_encode_unlink_id(&f.out, 1, &stranger, &f.pid);
        catch_up(&f);

        cr_expect(asm_server_is_alive(&f.server->server));
        cr_expect_null(f.server->server.links);
        cr_expect_null(f.server->server.watchers);
        g_ref_string_release(stranger.node);
}

Test(proc_router, peer_cannot_take_away_or_take_over_the_monitor_of_another)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(TestPeer) other = NULL;
        g_auto(AsmPid) her = { 0 };
        AsmControl control;

        fixture_init(&f, FALSE);
        asm_control_encode_monitor(&f.out, &f.him, pid_view(&f), &f.ref);
        catch_up(&f);
        other = test_peer_connect(asm_node_get_port(f.a.self.node),
                                  "y@127.0.0.1",
                                  "a@127.0.0.1",
                                  TEST_COOKIE,
                                  NULL);
        her = test_peer_pid(other, 5);
        asm_control_encode_demonitor(&f.out, &her, pid_view(&f), &f.ref);
        asm_control_encode_demonitor(&f.out, &f.him, pid_view(&f), &f.ref);
        asm_control_encode_monitor(&f.out, &her, pid_view(&f), &f.ref);
        test_peer_say(other, &f.out);
        asm_builder_reset(&f.out);
        cr_assert(test_wait(test_world_link(&f.a, "y@127.0.0.1") != NULL));
        test_settle();
        asm_server_stop_atom(&f.server->server, "enough");

        expect_signal(&f, ASM_CONTROL_MONITOR_EXIT, &control);
        cr_expect(asm_view_same_bytes(control.to, him_view(&f)));
}

Test(proc_router, down_that_nobody_asked_for_is_dropped)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) reason = test_term("boo");
        g_autoptr(TestPeer) other = NULL;
        g_auto(AsmRef) monitor = { 0 };
        g_auto(AsmBuilder) ref = ASM_BUILDER_INIT;
        AsmControl control;

        fixture_init(&f, FALSE);
        asm_control_encode_monitor_exit(&f.out,
                                        f.peer->flags,
                                        him_view(&f),
                                        pid_view(&f),
                                        asm_builder_peek(&f.ref_term),
                                        asm_term_view(reason));
        catch_up(&f);

        /* one that was asked for, but of another node */
        monitor = asm_server_monitor(&f.server->server, &f.him);
        expect_signal(&f, ASM_CONTROL_MONITOR, &control);
        asm_builder_ref(&ref, &monitor);
        other = test_peer_connect(asm_node_get_port(f.a.self.node),
                                  "y@127.0.0.1",
                                  "a@127.0.0.1",
                                  TEST_COOKIE,
                                  NULL);
        asm_control_encode_monitor_exit(&f.out,
                                        f.peer->flags,
                                        him_view(&f),
                                        pid_view(&f),
                                        asm_builder_peek(&ref),
                                        asm_term_view(reason));
        test_peer_say(other, &f.out);
        cr_assert(test_wait(test_world_link(&f.a, "y@127.0.0.1") != NULL));
        test_settle();
        test_expect_log(f.server, "");

        /* and twice of the right one: told once */
        asm_builder_raw(&f.out, f.out.data, f.out.len);
        say(&f);
        test_expect_log(f.server, "down boo\n");
}

Test(proc_router, link_to_nobody_is_answered_with_an_exit)
{
        g_auto(Fixture) f = { 0 };
        AsmControl control;

        fixture_init(&f, FALSE);
        f.pid.id += 1000;
        asm_control_encode_link(&f.out, &f.him, &f.pid);
        say(&f);

        expect_signal(&f, ASM_CONTROL_EXIT, &control);
        test_expect_term(control.payload, "noproc");
        cr_expect(asm_view_same_bytes(control.to, him_view(&f)));
}

Test(proc_router, exit_of_who_is_not_linked_is_dropped)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) crash = test_term("crash");

        fixture_init(&f, FALSE);
        asm_control_encode_exit(&f.out, f.peer->flags, &f.him, &f.pid, asm_term_view(crash));
        catch_up(&f);
        cr_expect(asm_server_is_alive(&f.server->server));
}

Test(proc_router, end_of_a_linked_server_is_told_with_its_reason)
{
        g_auto(Fixture) f = { 0 };
        AsmControl control;

        fixture_init(&f, FALSE);
        asm_control_encode_link(&f.out, &f.him, &f.pid);
        asm_control_encode_link(&f.out, &f.him, &f.pid);
        catch_up(&f);
        say_message(&f, "{stop, {shutdown, enough}}");

        expect_signal(&f, ASM_CONTROL_EXIT, &control);
        test_expect_term(control.payload, "{shutdown,enough}");
        /* once, although the link was asked for twice */
        f.pid.id += 1000;
        asm_control_encode_link(&f.out, &f.him, &f.pid);
        say(&f);
        expect_signal(&f, ASM_CONTROL_EXIT, &control);
        test_expect_term(control.payload, "noproc");
}

Test(proc_router, unlink_is_acknowledged_with_its_id_whether_there_was_a_link_or_not)
{
        g_auto(Fixture) f = { 0 };
        AsmControl control;

        fixture_init(&f, FALSE);
        asm_control_encode_link(&f.out, &f.him, &f.pid);
        asm_control_encode_unlink_id(&f.out, G_MAXUINT64, &f.him, &f.pid);
        asm_control_encode_unlink_id(&f.out, 17, &f.him, &f.pid);
        say(&f);
        expect_signal(&f, ASM_CONTROL_UNLINK_ID_ACK, &control);
        cr_expect_eq(control.unlink_id, G_MAXUINT64);
        expect_signal(&f, ASM_CONTROL_UNLINK_ID_ACK, &control);
        cr_expect_eq(control.unlink_id, 17);
        cr_expect(asm_view_same_bytes(control.from, pid_view(&f)));
        cr_expect(asm_view_same_bytes(control.to, him_view(&f)));

        f.pid.id += 1000;
        asm_control_encode_unlink_id(&f.out, 18, &f.him, &f.pid);
        say(&f);
        expect_signal(&f, ASM_CONTROL_UNLINK_ID_ACK, &control);
        cr_expect_eq(control.unlink_id, 18);
        cr_expect_eq(g_hash_table_size(f.server->server.links), 0);
}

Test(proc_router, what_crosses_an_unlink_is_old_until_it_is_acknowledged)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) crash = test_term("crash");
        AsmControl control;
        guint64 id;

        fixture_init(&f, FALSE);
        asm_server_link(&f.server->server, &f.him);
        expect_signal(&f, ASM_CONTROL_LINK, &control);
        asm_server_unlink(&f.server->server, &f.him);
        expect_signal(&f, ASM_CONTROL_UNLINK_ID, &control);
        id = control.unlink_id;
        cr_expect_gt(id, 0);

        /* an acknowledgement of another unlink, a link and an exit that were on their way */
        asm_control_encode_unlink_id_ack(&f.out, id + 1, &f.him, &f.pid);
        asm_control_encode_link(&f.out, &f.him, &f.pid);
        asm_control_encode_exit(&f.out, f.peer->flags, &f.him, &f.pid, asm_term_view(crash));
        catch_up(&f);
        cr_expect(asm_server_is_alive(&f.server->server));
        cr_expect_eq(g_hash_table_size(f.server->server.links), 1);

        asm_control_encode_unlink_id_ack(&f.out, id, &f.him, &f.pid);
        catch_up(&f);
        cr_expect_eq(g_hash_table_size(f.server->server.links), 0);

        /* from now on a link is a new one */
        asm_control_encode_link(&f.out, &f.him, &f.pid);
        asm_control_encode_exit(&f.out, f.peer->flags, &f.him, &f.pid, asm_term_view(crash));
        say(&f);
        test_expect_log(f.server, "end crash\n");
}

Test(proc_router, late_acknowledgement_does_not_break_a_link_that_was_made_again)
{
        g_auto(Fixture) f = { 0 };
        AsmControl control;
        guint64 id;

        fixture_init(&f, FALSE);
        asm_server_link(&f.server->server, &f.him);
        asm_server_unlink(&f.server->server, &f.him);
        asm_server_link(&f.server->server, &f.him);
        expect_signal(&f, ASM_CONTROL_LINK, &control);
        expect_signal(&f, ASM_CONTROL_UNLINK_ID, &control);
        id = control.unlink_id;
        expect_signal(&f, ASM_CONTROL_LINK, &control);
        asm_control_encode_unlink_id_ack(&f.out, id, &f.him, &f.pid);
        catch_up(&f);
        asm_server_stop_atom(&f.server->server, "enough");

        expect_signal(&f, ASM_CONTROL_EXIT, &control);
        test_expect_term(control.payload, "enough");
}

Test(proc_router, flood_of_exit_signals_to_a_suspended_server_is_bounded)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) suspend = test_term("{system, {x, tag}, suspend}");
        g_autoptr(AsmTerm) noise = test_term("noise");

        test_log_capture();
        fixture_init(&f, TRUE);
        asm_control_encode_send(&f.out, f.peer->flags, NULL, pid_view(&f), asm_term_view(suspend));
        for (guint i = 0; i < 3000; i++) {
                asm_control_encode_exit2(&f.out,
                                         f.peer->flags,
                                         &f.him,
                                         &f.pid,
                                         asm_term_view(noise));
                asm_control_encode_monitor_exit(&f.out,
                                                f.peer->flags,
                                                him_view(&f),
                                                pid_view(&f),
                                                asm_builder_peek(&f.ref_term),
                                                asm_term_view(noise));
        }
        say(&f);
        cr_expect(test_wait(f.server->server.is_suspended));
        test_settle();
        cr_expect_leq(f.server->server.n_held + f.server->server.n_mail, 1000);
        cr_expect(asm_server_is_alive(&f.server->server));
}

/* --- spawn requests ------------------------------------------------------------------------ */

typedef struct {
        GString *log;
        TestServer *server;
} Spawner;

static AsmServer *
on_spawn(AsmProcs *procs, const AsmSpawnRequest *request, gpointer user_data)
{
        Spawner *self = user_data;
        g_autofree char *module = test_show(request->module);
        g_autofree char *function = test_show(request->function);
        g_autofree char *args = test_show(request->args);

        g_string_append_printf(self->log,
                               "spawn %s:%s/%u %s%s%s\n",
                               module,
                               function,
                               request->arity,
                               args,
                               request->wants_monitor ? " monitor" : "",
                               request->wants_link ? " link" : "");
        self->server = test_server_new(procs, FALSE);
        return &self->server->server;
}

static void
on_spawned(AsmServer *server, gpointer user_data)
{
        Spawner *self = user_data;

        g_string_append(self->log, "begin\n");
        asm_server_stop_atom(server, "done");
}

Test(proc_router, spawn_request_without_a_spawner_is_refused)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) args = test_term("[]");
        AsmControl control;

        fixture_init(&f, FALSE);
        asm_control_encode_spawn_request(&f.out, &f.ref, &f.him, "m", "f", 0, asm_term_view(args));
        say(&f);

        expect_signal(&f, ASM_CONTROL_SPAWN_REPLY, &control);
        test_expect_term(control.from, "notsup");
        cr_expect_eq(control.spawn_flags, 0);
        cr_expect(asm_view_same_bytes(control.ref, asm_builder_peek(&f.ref_term)));
}

Test(proc_router, spawn_request_is_answered_before_the_process_begins_and_ends)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) args = test_term("[1, two]");
        Spawner spawner = { .log = g_string_new(NULL) };
        AsmControl control;
        g_autoptr(AsmTerm) pid = NULL;

        fixture_init(&f, FALSE);
        asm_procs_set_spawner(f.a.procs, on_spawn, on_spawned, &spawner);
        asm_control_encode_spawn_request(&f.out, &f.ref, &f.him, "m", "f", 2, asm_term_view(args));
        say(&f);

        expect_signal(&f, ASM_CONTROL_SPAWN_REPLY, &control);
        cr_expect_eq(control.spawn_flags, ASM_SPAWN_FLAG_MONITOR);
        pid = asm_term_new(control.from);
        expect_signal(&f, ASM_CONTROL_MONITOR_EXIT, &control);
        cr_expect(asm_view_same_bytes(control.from, asm_term_view(pid)));
        cr_expect(asm_view_same_bytes(control.ref, asm_builder_peek(&f.ref_term)));
        test_expect_term(control.payload, "done");
        cr_expect_str_eq(spawner.log->str, "spawn m:f/2 [1,two] monitor\nbegin\n");
        test_server_free(spawner.server);
        g_string_free(spawner.log, TRUE);
}

Test(proc_router, spawn_request_over_the_limit_of_servers_is_refused)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmTerm) args = test_term("[]");
        Spawner spawner = { .log = g_string_new(NULL) };
        AsmControl control;

        f.a.max_servers = 2;
        fixture_init(&f, FALSE);
        cr_assert_eq(asm_procs_count(f.a.procs), 2);
        asm_procs_set_spawner(f.a.procs, on_spawn, on_spawned, &spawner);
        asm_control_encode_spawn_request(&f.out, &f.ref, &f.him, "m", "f", 0, asm_term_view(args));
        say(&f);

        expect_signal(&f, ASM_CONTROL_SPAWN_REPLY, &control);
        test_expect_term(control.from, "system_limit");
        cr_expect_str_eq(spawner.log->str, "");
        g_string_free(spawner.log, TRUE);
}
