/* SPDX-License-Identifier: MIT */
/*
 * What a peer without a right gets: each exported function against each right, whatever the message
 * says of its sender, and the table in doc/security.md, which a new function must be added to.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "api/api.h"
#include "api/method-private.h"
#include "daemon-world.h"
#include "raw-peer.h"
#include "term/reader.h"

TestSuite(api_rights, .timeout = 300);

#define PEER "shell@127.0.0.1"

typedef struct {
        TestDaemonWorld w;
        AsmApi *api;
        TestPeer *peer;
        AsmPid caller;
        AsmBuilder out;
} Fixture;

/* PEER alone has @rights, all others have all */
static void
set_rights(Fixture *f, guint rights)
{
        g_autoptr(AsmPeers) peers = asm_peers_new();

        asm_peers_add(peers, PEER, rights, NULL, NULL);
        asm_peers_add(peers, "*", 0xff, NULL, NULL);
        asm_node_set_peers(f->w.near.self.node, peers);
}

static void
fixture_init(Fixture *f)
{
        test_daemon_world_init(&f->w, NULL);
        f->api = asm_api_new(f->w.near.procs, f->w.manager);
        asm_api_set_host(f->api, &(AsmHostConfig){ .is_enabled = TRUE, .max_sessions = 4 });
        f->peer = test_peer_connect(asm_node_get_port(f->w.near.self.node),
                                    PEER,
                                    "asmd@127.0.0.1",
                                    TEST_COOKIE,
                                    NULL);
        cr_assert(test_wait(test_world_link(&f->w.near, PEER) != NULL));
        f->caller = test_peer_pid(f->peer, 3);
}

static void
fixture_clear(Fixture *f)
{
        asm_manager_stop_all(f->w.manager);
        asm_api_free(f->api);
        asm_pid_clear(&f->caller);
        asm_builder_clear(&f->out);
        test_daemon_world_clear(&f->w);
        test_peer_free(f->peer);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

/* (transfer full): the text of the answer to a gen call of @type to the process @to, or to @name */
static char *
gen_call(Fixture *f, const char *name, const AsmPid *to, const char *type, AsmView request)
{
        g_auto(AsmBuilder) caller = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) target = ASM_BUILDER_INIT;
        g_autofree char *format = g_strdup_printf("{'%s', {~w, tag}, ~w}", type);
        g_autoptr(AsmTerm) message = NULL;
        AsmControl control;
        AsmView part[1];

        asm_builder_pid(&caller, &f->caller);
        message = test_term(format, asm_builder_peek(&caller), request);
        if (to != NULL) {
                asm_builder_pid(&target, to);
                asm_control_encode_send(&f->out,
                                        0,
                                        NULL,
                                        asm_builder_peek(&target),
                                        asm_term_view(message));
        } else {
                asm_control_encode_reg_send(&f->out, &f->caller, name, asm_term_view(message));
        }
        test_peer_say(f->peer, &f->out);
        asm_builder_reset(&f->out);
        do
                cr_assert(test_peer_hear(f->peer, &control), "no answer");
        while (control.kind != ASM_CONTROL_SEND ||
               !asm_view_get_tagged(control.payload, "tag", 2, part));
        return test_show(part[0]);
}

static char *
ask(Fixture *f, const char *name, const AsmPid *to, const char *type, const char *request)
{
        g_autoptr(AsmTerm) term = test_term(request);

        return gen_call(f, name, to, type, asm_term_view(term));
}

static gboolean
is_refused(const char *answer)
{
        return strstr(answer, "guardrail_blocked") != NULL && strstr(answer, "needs the right");
}

Test(api_rights, each_function_needs_its_right_and_no_other)
{
        static const AsmRight levels[] = { ASM_RIGHT_QUERY,
                                           ASM_RIGHT_CONTROL,
                                           ASM_RIGHT_HOST,
                                           ASM_RIGHT_ADMINISTER };
        g_auto(Fixture) f = { 0 };
        gsize n;
        const AsmMethod *methods = asm_method_list(&n);

        fixture_init(&f);
        for (gsize level = 0; level < G_N_ELEMENTS(levels); level++) {
                set_rights(&f, levels[level]);
                for (gsize i = 0; i < n; i++) {
                        /* arguments that no function takes: whoever may call it is told so */
                        const char *args[] = { "[]", "[0]", "[0,0]", "[0,0,0]", "[0,0,0,0]" };
                        g_autofree char *request = g_strdup_printf("{%s,%s}",
                                                                   methods[i].name,
                                                                   args[methods[i].max_args]);
                        g_autofree char *answer = ask(&f, "asm", NULL, "$gen_call", request);

                        cr_expect_eq(is_refused(answer),
                                     levels[level] != methods[i].right,
                                     "%s with %s: %s",
                                     request,
                                     asm_right_name(levels[level]),
                                     answer);
                }
        }
        set_rights(&f, 0);
        {
                g_autofree char *answer = ask(&f, "asm", NULL, "$gen_call", "{status, []}");

                cr_expect_not_null(strstr(answer, "status/0 needs the right query, which '" PEER));
                cr_expect_not_null(strstr(answer, "rights = query in the group [peer " PEER "]"));
        }
}

Test(api_rights, a_sender_that_is_made_up_gives_no_rights)
{
        g_auto(Fixture) f = { 0 };
        g_autofree char *answer = NULL;

        fixture_init(&f);
        set_rights(&f, ASM_RIGHT_QUERY);
        {
                /* From names a process of a node with all rights */
                AsmPid other = { .node = g_ref_string_new_intern("host@127.0.0.1"),
                                 .id = 9,
                                 .creation = 7 };
                g_auto(AsmBuilder) pid = ASM_BUILDER_INIT;
                g_autoptr(AsmTerm) forged = NULL;
                g_autoptr(AsmTerm) to_rex = NULL;

                asm_builder_pid(&pid, &other);
                forged = test_term("{'$gen_call', {~w, tag}, {start_session, []}}",
                                   asm_builder_peek(&pid));
                to_rex = test_term("{~w, {call, asm, start_session, [], user}}",
                                   asm_builder_peek(&pid));
                asm_control_encode_reg_send(&f.out, &f.caller, "asm", asm_term_view(forged));
                asm_control_encode_reg_send(&f.out, &f.caller, "rex", asm_term_view(to_rex));
                asm_control_encode_reg_send(&f.out, &other, "asm", asm_term_view(forged));
                test_peer_say(f.peer, &f.out);
                asm_builder_reset(&f.out);
                g_ref_string_release(other.node);
        }
        answer = ask(&f, "asm", NULL, "$gen_call", "{list_sessions, []}");
        cr_expect_str_eq(answer, "[]", "%s", answer);
}

Test(api_rights, a_session_is_looked_at_and_steered_with_the_rights_to_it)
{
        static const struct {
                const char *type;
                const char *request;
                AsmRight right;
        } cases[] = {
                { "$gen_call", "get_state", ASM_RIGHT_QUERY },
                { "$gen_call", "checkpoint", ASM_RIGHT_QUERY },
                { "$gen_call", "{submit_run, 0, []}", ASM_RIGHT_CONTROL },
                { "$gen_call", "{cancel_run, 0}", ASM_RIGHT_CONTROL },
                { "$gen_call", "{resolve_approval, 0, 0}", ASM_RIGHT_CONTROL },
                { "$gen_call", "{pause_run, 0}", ASM_RIGHT_CONTROL },
                { "$gen_call", "{resume_run, 0, []}", ASM_RIGHT_CONTROL },
                { "$gen_call", "{intervene, 0, 0, []}", ASM_RIGHT_CONTROL },
                { "system", "get_state", ASM_RIGHT_QUERY },
                { "system", "get_status", ASM_RIGHT_QUERY },
                { "system", "resume", ASM_RIGHT_CONTROL },
                { "system", "{debug, no_debug}", ASM_RIGHT_CONTROL },
        };
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autoptr(AsmTerm) options = test_term("[{session_id, <<\"fixed\">>}]");
        AsmSession *session;
        g_auto(AsmPid) pid = { 0 };

        fixture_init(&f);
        session = asm_session_start(f.w.manager, asm_term_view(options), NULL, &failure);
        cr_assert_not_null(session);
        {
                g_auto(AsmBuilder) term = ASM_BUILDER_INIT;

                asm_builder_session_pid(&term, session);
                cr_assert(asm_pid_from_view(asm_builder_peek(&term), &pid));
        }
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                guint all = ASM_RIGHTS_UNLISTED | ASM_RIGHT_HOST;
                g_autofree char *with = NULL;
                g_autofree char *without = NULL;

                set_rights(&f, cases[i].right);
                with = ask(&f, NULL, &pid, cases[i].type, cases[i].request);
                set_rights(&f, all & ~cases[i].right);
                without = ask(&f, NULL, &pid, cases[i].type, cases[i].request);
                cr_expect(!is_refused(with) && !strstr(with, "not_allowed"), "%s", with);
                cr_expect(is_refused(without) || g_str_equal(without, "{error,not_allowed}"),
                          "%s: %s",
                          cases[i].request,
                          without);
        }
}

Test(api_rights, exit_signals_and_links_need_the_right_to_end)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        g_autoptr(AsmTerm) options = test_term("[{session_id, <<\"fixed\">>}]");
        g_autoptr(AsmTerm) kill = test_term("kill");
        g_auto(AsmBuilder) term = ASM_BUILDER_INIT;
        g_auto(AsmPid) pid = { 0 };
        g_autofree char *health = NULL;
        AsmControl control;

        fixture_init(&f);
        asm_builder_session_pid(
                &term,
                asm_session_start(f.w.manager, asm_term_view(options), NULL, &failure));
        cr_assert(asm_pid_from_view(asm_builder_peek(&term), &pid));
        set_rights(&f, ASM_RIGHT_QUERY);
        asm_control_encode_exit2(&f.out, f.peer->flags, &f.caller, &pid, asm_term_view(kill));
        asm_control_encode_link(&f.out, &f.caller, &pid);
        test_peer_say(f.peer, &f.out);
        asm_builder_reset(&f.out);
        cr_assert(test_peer_hear(f.peer, &control));
        cr_expect_eq(control.kind, ASM_CONTROL_EXIT);
        cr_expect(asm_view_is_atom(control.payload, "not_allowed"));
        health = ask(&f, "asm", NULL, "$gen_call", "{health, [<<\"fixed\">>]}");
        cr_expect_str_eq(health, "healthy");
        set_rights(&f, ASM_RIGHT_CONTROL);
        asm_control_encode_exit2(&f.out, f.peer->flags, &f.caller, &pid, asm_term_view(kill));
        test_peer_say(f.peer, &f.out);
        asm_builder_reset(&f.out);
        cr_expect(test_wait(asm_manager_count(f.w.manager) == 0));
}

Test(api_rights, hosting_needs_its_right_on_every_way)
{
        g_auto(Fixture) f = { 0 };
        const char *supervisor = "Elixir.ASM.Remote.BackendSupervisor";

        fixture_init(&f);
        set_rights(&f, ASM_RIGHTS_UNLISTED);
        {
                g_autofree char *call = ask(&f, supervisor, NULL, "$gen_call", "count_children");
                g_autofree char *rex = ask(&f,
                                           "rex",
                                           NULL,
                                           "$gen_call",
                                           "{call, 'Elixir.ASM.Remote.Capabilities', handshake, "
                                           "[], user}");

                cr_expect_str_eq(call, "{error,{not_allowed,host}}");
                cr_expect_not_null(strstr(rex, "undef"), "%s", rex);
        }
        set_rights(&f, ASM_RIGHT_HOST);
        {
                g_autofree char *call = ask(&f, supervisor, NULL, "$gen_call", "count_children");
                g_autofree char *rex = ask(&f,
                                           "rex",
                                           NULL,
                                           "$gen_call",
                                           "{call, 'Elixir.Process', whereis, [nobody], user}");

                cr_expect_str_eq(call, "[{specs,0},{active,0},{supervisors,0},{workers,0}]");
                cr_expect_str_eq(rex, "nil");
        }
}

Test(api_rights, a_peer_that_is_none_any_more_is_cut_off)
{
        g_auto(Fixture) f = { 0 };
        g_autoptr(AsmPeers) others = asm_peers_new();

        fixture_init(&f);
        asm_peers_add(others, "other@*", ASM_RIGHT_QUERY, NULL, NULL);
        asm_node_set_peers(f.w.near.self.node, others);
        cr_expect(test_is_closed_within(f.peer->fd, 3000));
}

/* With ASM_TEST_WRITE in the environment the rows are printed as they must be. */
Test(api_rights, every_function_is_in_the_table_of_the_document)
{
        g_autofree char *path =
                g_build_filename(g_getenv("ASM_TEST_DATA"), "..", "..", "doc", "security.md", NULL);
        g_autofree char *text = NULL;
        gsize n;
        const AsmMethod *methods = asm_method_list(&n);
        guint n_rows = 0;

        cr_assert(g_file_get_contents(path, &text, NULL, NULL), "%s", path);
        for (gsize i = 0; i < n; i++) {
                for (guint arity = methods[i].min_args; arity <= methods[i].max_args; arity++) {
                        g_autofree char *row = g_strdup_printf("| `%s/%u` | `%s` |",
                                                               methods[i].name,
                                                               arity,
                                                               asm_right_name(methods[i].right));

                        cr_expect_not_null(strstr(text, row), "doc/security.md lacks: %s", row);
                        n_rows++;
                        if (g_getenv("ASM_TEST_WRITE") != NULL)
                                g_print("%s\n", row);
                }
        }
        for (const char *at = text; (at = strstr(at, "\n| `")) != NULL; at++) {
                const char *end = strchr(at + 1, '\n');
                g_autofree char *row = g_strndup(at, end != NULL ? (gsize)(end - at) : strlen(at));

                n_rows -= g_regex_match_simple("^\n\\| `[a-z_]+/[0-9]` \\|", row, 0, 0);
        }
        cr_expect_eq(n_rows, 0, "doc/security.md has functions that there are not");
}
