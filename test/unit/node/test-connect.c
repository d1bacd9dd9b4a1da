/* SPDX-License-Identifier: MIT */
/*
 * Links to peers: looked up, connected, shaken hands with; one per peer whoever begins; and for
 * everything that can go wrong an error that says what it was.
 */
#include "dist/error.h"
#include "dist/flags.h"
#include "node/error.h"
#include "node/node.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "raw-peer.h"
#include "test-node.h"

TestSuite(node_connect, .timeout = 300);

typedef struct {
        TestNode self;
        TestEvents events;
} Side;

/* two nodes on a private epmd; `m` sorts behind `a` and before `z` */
typedef struct {
        TestEpmd *epmd;
        AsmNodeConfig config;
        Side a;
        Side m;
} Pair;

static void
side_start(Side *side, AsmNodeConfig *config, const char *name, const char *cookie)
{
        GError *error;

        g_free(config->name);
        config->name = g_strdup(name);
        side->self = test_node_make(config, cookie);
        test_events_init(&side->events, &side->self);
        error = test_node_start(side->self.node);
        cr_assert_null(error);
}

static void
side_clear(Side *side)
{
        test_node_clear(&side->self);
        test_events_clear(&side->events);
}

static void
pair_init(Pair *pair)
{
        pair->epmd = test_epmd_new();
        test_node_config_init(&pair->config, pair->epmd->port);
}

static void
pair_start(Pair *pair, const char *cookie_of_m)
{
        side_start(&pair->a, &pair->config, "a@127.0.0.1", NULL);
        side_start(&pair->m, &pair->config, "m@127.0.0.1", cookie_of_m);
}

static void
pair_clear(Pair *pair)
{
        if (pair->a.self.timers != NULL)
                side_clear(&pair->a);
        if (pair->m.self.timers != NULL)
                side_clear(&pair->m);
        asm_node_config_clear(&pair->config);
        test_epmd_free(pair->epmd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pair, pair_clear)

static guint
n_links(const Side *side)
{
        g_autoptr(GPtrArray) links = asm_node_list_links(side->self.node);

        return links->len;
}

static void
expect_failure(const Side *side, const char *peer, gint code, const char *in_message)
{
        g_autoptr(GError) error = NULL;

        cr_assert_null(test_node_connect(side->self.node, peer, 3000, &error));
        cr_expect(g_error_matches(error, ASM_NODE_ERROR, code),
                  "%s: %s %d: %s",
                  peer,
                  g_quark_to_string(error->domain),
                  error->code,
                  error->message);
        cr_expect_not_null(strstr(error->message, in_message), "%s", error->message);
        cr_expect_null(strstr(error->message, TEST_COOKIE));
}

Test(node_connect, gives_one_link_that_both_sides_know)
{
        g_auto(Pair) pair = { 0 };
        g_autoptr(AsmLink) link = NULL;

        pair_init(&pair);
        pair_start(&pair, NULL);
        link = test_node_connect(pair.a.self.node, "m@127.0.0.1", 3000, NULL);

        cr_assert_not_null(link);
        cr_expect(asm_link_is_up(link));
        cr_expect_str_eq(asm_link_get_peer(link), "m@127.0.0.1");
        cr_expect_eq(asm_node_find_link(pair.a.self.node, asm_link_get_peer(link)), link);
        cr_assert(test_wait(pair.m.events.n_up == 1));
        cr_expect_str_eq(pair.a.events.told->str, "up m@127.0.0.1\n");
        cr_expect_str_eq(pair.m.events.told->str, "up a@127.0.0.1\n");
}

Test(node_connect, again_gives_the_link_there_is_from_either_side)
{
        g_auto(Pair) pair = { 0 };
        g_autoptr(AsmLink) first = NULL;
        g_autoptr(AsmLink) again = NULL;
        g_autoptr(AsmLink) back = NULL;

        pair_init(&pair);
        pair_start(&pair, NULL);
        first = test_node_connect(pair.a.self.node, "m@127.0.0.1", 3000, NULL);
        again = test_node_connect(pair.a.self.node, "m@127.0.0.1", 3000, NULL);
        cr_assert(test_wait(pair.m.events.n_up == 1));
        back = test_node_connect(pair.m.self.node, "a@127.0.0.1", 3000, NULL);

        cr_expect_eq(first, again);
        cr_expect_not_null(back);
        cr_expect_eq(pair.a.events.n_up, 1);
        cr_expect_eq(pair.m.events.n_up, 1);
}

Test(node_connect, serves_all_who_wait_for_the_same_peer_with_one_link)
{
        g_auto(Pair) pair = { 0 };
        GAsyncResult *results[5] = { NULL };

        pair_init(&pair);
        pair_start(&pair, NULL);
        for (gsize i = 0; i < G_N_ELEMENTS(results); i++)
                asm_node_connect_async(pair.a.self.node,
                                       "m@127.0.0.1",
                                       3000,
                                       test_keep_result,
                                       &results[i]);
        for (gsize i = 0; i < G_N_ELEMENTS(results); i++) {
                g_autoptr(AsmLink) link = NULL;

                cr_assert(test_wait(results[i] != NULL));
                link = asm_node_connect_finish(pair.a.self.node, results[i], NULL);
                cr_expect_not_null(link);
                g_object_unref(results[i]);
        }
        cr_expect_eq(pair.a.events.n_up, 1);
        cr_expect_eq(pair.m.events.n_up, 1);
}

Test(node_connect, at_the_same_moment_from_both_sides_leaves_exactly_one_link_and_serves_both)
{
        for (guint round = 0; round < 5; round++) {
                g_auto(Pair) pair = { 0 };
                GAsyncResult *results[2] = { NULL };
                g_autoptr(AsmLink) to_m = NULL;
                g_autoptr(AsmLink) to_a = NULL;

                pair_init(&pair);
                pair_start(&pair, NULL);
                asm_node_connect_async(pair.a.self.node,
                                       "m@127.0.0.1",
                                       3000,
                                       test_keep_result,
                                       &results[0]);
                asm_node_connect_async(pair.m.self.node,
                                       "a@127.0.0.1",
                                       3000,
                                       test_keep_result,
                                       &results[1]);
                cr_assert(test_wait(results[0] != NULL && results[1] != NULL));
                to_m = asm_node_connect_finish(pair.a.self.node, results[0], NULL);
                to_a = asm_node_connect_finish(pair.m.self.node, results[1], NULL);
                test_settle();

                cr_assert(to_m != NULL && to_a != NULL);
                cr_expect(asm_link_is_up(to_m) && asm_link_is_up(to_a));
                cr_expect_eq(n_links(&pair.a), 1);
                cr_expect_eq(n_links(&pair.m), 1);
                cr_expect_eq(pair.a.events.n_up + pair.m.events.n_up, 2);
                cr_expect_eq(pair.a.events.n_down + pair.m.events.n_down, 0);
                g_object_unref(results[0]);
                g_object_unref(results[1]);
        }
}

Test(node_connect, to_a_node_that_epmd_does_not_know_fails)
{
        g_auto(Pair) pair = { 0 };

        pair_init(&pair);
        pair_start(&pair, NULL);
        expect_failure(&pair.a,
                       "nobody@127.0.0.1",
                       ASM_NODE_ERROR_UNKNOWN_NODE,
                       "nobody@127.0.0.1");
}

Test(node_connect, to_a_host_that_does_not_exist_fails)
{
        g_auto(Pair) pair = { 0 };

        pair_init(&pair);
        pair_start(&pair, NULL);
        expect_failure(&pair.a,
                       "x@no-such-host.invalid",
                       ASM_NODE_ERROR_UNKNOWN_NODE,
                       "no-such-host");
}

Test(node_connect, to_a_host_without_epmd_fails)
{
        g_auto(Pair) pair = { 0 };

        pair_init(&pair);
        pair_start(&pair, NULL);
        test_epmd_kill(pair.epmd);

        expect_failure(&pair.a, "m@127.0.0.1", ASM_NODE_ERROR_EPMD, "no epmd for 'm@127.0.0.1'");
}

Test(node_connect, to_a_port_where_nobody_listens_any_more_fails)
{
        g_auto(Pair) pair = { 0 };
        int registration;

        pair_init(&pair);
        pair_start(&pair, NULL);
        registration = test_epmd_register(pair.epmd, "gone", test_free_port());

        expect_failure(&pair.a, "gone@127.0.0.1", ASM_NODE_ERROR_CONNECT, "gone@127.0.0.1");
        close(registration);
}

Test(node_connect, with_another_cookie_fails_and_both_sides_say_so)
{
        g_auto(Pair) pair = { 0 };

        test_log_capture();
        pair_init(&pair);
        pair_start(&pair, "other-cookie");
        expect_failure(&pair.a, "m@127.0.0.1", ASM_NODE_ERROR_REFUSED, "cookie");
        test_settle();

        cr_expect(test_log_has("a connection from 'a@127.0.0.1' was not accepted: cookie of "
                               "'a@127.0.0.1' differs from ours"));
        cr_expect(!test_log_has(TEST_COOKIE));
        cr_expect(!test_log_has("other-cookie"));
        cr_expect_eq(n_links(&pair.a) + n_links(&pair.m), 0);
        cr_expect_eq(pair.a.events.n_up + pair.m.events.n_up, 0);
}

Test(node_connect, uses_the_cookie_that_was_set_for_the_peer)
{
        g_auto(Pair) pair = { 0 };
        g_autoptr(AsmLink) link = NULL;

        pair_init(&pair);
        pair_start(&pair, "other-cookie");
        cr_assert(asm_node_set_cookie(pair.a.self.node, "m@127.0.0.1", "other-cookie", NULL));
        link = test_node_connect(pair.a.self.node, "m@127.0.0.1", 3000, NULL);

        cr_expect_not_null(link);
}

Test(node_connect, to_itself_fails)
{
        g_auto(Pair) pair = { 0 };

        pair_init(&pair);
        pair_start(&pair, NULL);
        expect_failure(&pair.a, "a@127.0.0.1", ASM_NODE_ERROR_NAME, "itself");
}

Test(node_connect, between_long_and_short_names_fails)
{
        g_auto(Pair) pair = { 0 };

        pair_init(&pair);
        pair_start(&pair, NULL);
        expect_failure(&pair.a, "m@localhost", ASM_NODE_ERROR_NAME, "long and short");
}

Test(node_connect, to_what_is_no_name_fails)
{
        g_auto(Pair) pair = { 0 };

        pair_init(&pair);
        pair_start(&pair, NULL);
        expect_failure(&pair.a, "m", ASM_NODE_ERROR_NAME, "NAME@HOST");
        expect_failure(&pair.a, "m@a b", ASM_NODE_ERROR_NAME, "NAME@HOST");
}

/* a registered name behind which a test's own socket listens */
typedef struct {
        int listener;
        int registration;
} Impostor;

static Impostor
impostor_new(Pair *pair, const char *alive)
{
        Impostor impostor = { 0 };
        guint16 port;

        impostor.listener = test_listen(&port);
        impostor.registration = test_epmd_register(pair->epmd, alive, port);
        return impostor;
}

static void
impostor_clear(Impostor *impostor)
{
        close(impostor->listener);
        close(impostor->registration);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Impostor, impostor_clear)

Test(node_connect, to_a_silent_peer_fails_for_each_caller_after_his_own_time)
{
        g_auto(Pair) pair = { 0 };
        g_auto(Impostor) silent = { 0 };
        GAsyncResult *results[3] = { NULL };
        static const guint patience_ms[] = { 150, 50, 100 };
        static const guint order[] = { 1, 2, 0 };

        pair_init(&pair);
        pair_start(&pair, NULL);
        silent = impostor_new(&pair, "silent");
        for (gsize i = 0; i < G_N_ELEMENTS(results); i++)
                asm_node_connect_async(pair.a.self.node,
                                       "silent@127.0.0.1",
                                       patience_ms[i],
                                       test_keep_result,
                                       &results[i]);
        for (gsize i = 0; i < G_N_ELEMENTS(results); i++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *expected = g_strdup_printf("within %u ms", patience_ms[order[i]]);

                cr_assert(test_wait(results[order[i]] != NULL));
                cr_expect_null(
                        asm_node_connect_finish(pair.a.self.node, results[order[i]], &error));
                cr_expect(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_TIMEOUT));
                cr_expect_not_null(strstr(error->message, expected), "%s", error->message);
                g_clear_object(&results[order[i]]);
        }
        /* nobody waits: the attempt is over, a new one begins from the beginning */
        close(test_accept(silent.listener));
        expect_failure(&pair.a, "nobody@127.0.0.1", ASM_NODE_ERROR_UNKNOWN_NODE, "nobody");
}

Test(node_connect, to_a_peer_that_stops_in_the_handshake_ends_with_the_set_up_time)
{
        g_auto(Pair) pair = { 0 };
        g_auto(Impostor) silent = { 0 };

        pair_init(&pair);
        pair.config.setup_timeout_ms = 100;
        pair_start(&pair, NULL);
        silent = impostor_new(&pair, "silent");

        expect_failure(&pair.a, "silent@127.0.0.1", ASM_NODE_ERROR_TIMEOUT, "100 ms");
}

Test(node_connect, to_a_peer_that_answers_nonsense_fails)
{
        static const char *const nonsense[] = {
                "GET / HTTP/1.0\r\n\r\n",
                "\xff\xff",
                "\x00\x00",
                "\x00\x03sok\x00\x01N",
                "\x00\x0cshello world",
                "\x00\x0cs\x1b[31mhello",
        };
        static const gsize lengths[] = { 18, 2, 2, 8, 14, 14 };
        g_auto(Pair) pair = { 0 };
        g_auto(Impostor) liar = { 0 };

        pair_init(&pair);
        pair.config.setup_timeout_ms = 500;
        pair_start(&pair, NULL);
        liar = impostor_new(&pair, "liar");
        for (gsize i = 0; i < G_N_ELEMENTS(nonsense); i++) {
                g_autoptr(GAsyncResult) result = NULL;
                g_autoptr(GError) error = NULL;
                int fd;

                asm_node_connect_async(pair.a.self.node,
                                       "liar@127.0.0.1",
                                       3000,
                                       test_keep_result,
                                       &result);
                fd = test_accept(liar.listener);
                test_send(fd, nonsense[i], lengths[i]);
                cr_assert(test_wait(result != NULL));
                cr_assert_null(asm_node_connect_finish(pair.a.self.node, result, &error));
                cr_expect_eq(error->domain, ASM_NODE_ERROR, "%zu: %s", i, error->message);
                cr_expect_null(strchr(error->message, '\x1b'));
                close(fd);
        }
}

Test(node_connect, to_a_peer_of_another_name_than_epmd_said_fails)
{
        g_auto(Pair) pair = { 0 };
        int registration;

        pair_init(&pair);
        pair_start(&pair, NULL);
        registration = test_epmd_register(pair.epmd, "alias", asm_node_get_port(pair.m.self.node));

        expect_failure(&pair.a, "alias@127.0.0.1", ASM_NODE_ERROR_REFUSED, "m@127.0.0.1");
        close(registration);
}

Test(node_connect, gives_way_to_the_attempt_of_a_peer_with_a_greater_name)
{
        g_auto(Pair) pair = { 0 };
        g_auto(Impostor) z = { 0 };
        g_autoptr(GAsyncResult) result = NULL;
        g_autoptr(TestPeer) peer = NULL;
        g_autoptr(AsmLink) link = NULL;
        int fd;

        pair_init(&pair);
        pair_start(&pair, NULL);
        z = impostor_new(&pair, "z");
        asm_node_connect_async(pair.m.self.node, "z@127.0.0.1", 3000, test_keep_result, &result);
        fd = test_accept(z.listener);
        peer = test_peer_connect(asm_node_get_port(pair.m.self.node),
                                 "z@127.0.0.1",
                                 "m@127.0.0.1",
                                 TEST_COOKIE,
                                 NULL);

        cr_assert(test_wait(result != NULL));
        link = asm_node_connect_finish(pair.m.self.node, result, NULL);
        cr_expect(link != NULL && asm_link_is_up(link));
        cr_expect(test_is_closed_within(fd, 2000));
        cr_expect_eq(n_links(&pair.m), 1);
        close(fd);
}

Test(node_connect, goes_on_against_the_attempt_of_a_peer_with_a_smaller_name)
{
        g_auto(Pair) pair = { 0 };
        g_auto(Impostor) b = { 0 };
        g_autoptr(GAsyncResult) result = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(TestPeer) called = NULL;
        g_autoptr(AsmLink) link = NULL;
        int fd;

        pair_init(&pair);
        pair_start(&pair, NULL);
        b = impostor_new(&pair, "b");
        asm_node_connect_async(pair.m.self.node, "b@127.0.0.1", 3000, test_keep_result, &result);
        fd = test_accept(b.listener);
        cr_assert_null(test_peer_connect(asm_node_get_port(pair.m.self.node),
                                         "b@127.0.0.1",
                                         "m@127.0.0.1",
                                         TEST_COOKIE,
                                         &error));
        cr_expect(g_error_matches(error, ASM_DIST_ERROR, ASM_DIST_ERROR_SIMULTANEOUS));

        called = test_peer_accept(fd, "b@127.0.0.1", TEST_COOKIE, NULL);
        cr_assert(test_wait(result != NULL));
        link = asm_node_connect_finish(pair.m.self.node, result, NULL);
        cr_expect(link != NULL && asm_link_is_up(link));
}

Test(node_connect, fails_at_once_when_the_peer_it_gave_way_to_gives_up)
{
        g_auto(Pair) pair = { 0 };
        g_auto(Impostor) z = { 0 };
        g_autoptr(GAsyncResult) result = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(GError) refusal = NULL;
        int fd;

        pair_init(&pair);
        pair_start(&pair, NULL);
        z = impostor_new(&pair, "z");
        asm_node_connect_async(pair.m.self.node, "z@127.0.0.1", 60000, test_keep_result, &result);
        fd = test_accept(z.listener);
        /* it is let in, and then has another cookie */
        cr_assert_null(test_peer_connect(asm_node_get_port(pair.m.self.node),
                                         "z@127.0.0.1",
                                         "m@127.0.0.1",
                                         "other-cookie",
                                         &refusal));

        cr_assert(test_wait(result != NULL));
        cr_expect_null(asm_node_connect_finish(pair.m.self.node, result, &error));
        cr_expect_eq(error->domain, ASM_NODE_ERROR);
        close(fd);
}

Test(node_connect, fails_after_the_set_up_time_when_the_peer_said_nok_and_never_comes)
{
        g_auto(Pair) pair = { 0 };
        g_auto(Impostor) z = { 0 };
        g_autoptr(GAsyncResult) result = NULL;
        g_autoptr(GError) error = NULL;
        int fd;

        pair_init(&pair);
        pair.config.setup_timeout_ms = 200;
        pair_start(&pair, NULL);
        z = impostor_new(&pair, "z");
        asm_node_connect_async(pair.m.self.node, "z@127.0.0.1", 60000, test_keep_result, &result);
        fd = test_accept(z.listener);
        test_send(fd, "\x00\x04snok", 6);

        cr_assert(test_wait(result != NULL));
        cr_expect_null(asm_node_connect_finish(pair.m.self.node, result, &error));
        cr_expect(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_TIMEOUT));
        close(fd);
}

Test(node_connect, asks_again_when_the_peer_said_nok_and_does_not_come)
{
        g_auto(Pair) pair = { 0 };
        g_auto(Impostor) z = { 0 };
        g_autoptr(GAsyncResult) result = NULL;
        g_autoptr(TestPeer) called = NULL;
        g_autoptr(AsmLink) link = NULL;
        int fd;

        pair_init(&pair);
        pair.config.setup_timeout_ms = 60000;
        pair_start(&pair, NULL);
        z = impostor_new(&pair, "z");
        asm_node_connect_async(pair.m.self.node, "z@127.0.0.1", 0, test_keep_result, &result);
        for (guint i = 0; i < 2; i++) {
                fd = test_accept(z.listener);
                test_send(fd, "\x00\x04snok", 6);
                cr_expect(test_is_closed_within(fd, 2000));
                close(fd);
        }
        called = test_peer_accept(test_accept(z.listener), "z@127.0.0.1", TEST_COOKIE, NULL);

        cr_assert(test_wait(result != NULL));
        link = asm_node_connect_finish(pair.m.self.node, result, NULL);
        cr_expect(link != NULL && asm_link_is_up(link));
}

Test(node_connect, after_a_nok_takes_the_peer_s_own_attempt_if_it_comes)
{
        g_auto(Pair) pair = { 0 };
        g_auto(Impostor) z = { 0 };
        g_autoptr(GAsyncResult) result = NULL;
        g_autoptr(TestPeer) peer = NULL;
        g_autoptr(AsmLink) link = NULL;
        int fd;

        pair_init(&pair);
        pair.config.setup_timeout_ms = 60000;
        pair_start(&pair, NULL);
        z = impostor_new(&pair, "z");
        asm_node_connect_async(pair.m.self.node, "z@127.0.0.1", 0, test_keep_result, &result);
        fd = test_accept(z.listener);
        test_send(fd, "\x00\x04snok", 6);
        cr_expect(test_is_closed_within(fd, 2000));
        peer = test_peer_connect(asm_node_get_port(pair.m.self.node),
                                 "z@127.0.0.1",
                                 "m@127.0.0.1",
                                 TEST_COOKIE,
                                 NULL);

        cr_assert(test_wait(result != NULL));
        link = asm_node_connect_finish(pair.m.self.node, result, NULL);
        cr_expect(link != NULL && asm_link_is_up(link));
        cr_expect_eq(n_links(&pair.m), 1);
        close(fd);
}

Test(node_connect, beyond_the_limit_fails_on_both_sides)
{
        g_auto(Pair) pair = { 0 };
        g_autoptr(AsmLink) link = NULL;
        g_autoptr(GError) error = NULL;

        pair_init(&pair);
        pair.config.max_links = 1;
        pair_start(&pair, NULL);
        link = test_node_connect(pair.a.self.node, "m@127.0.0.1", 3000, NULL);
        cr_assert(test_wait(pair.m.events.n_up == 1));

        expect_failure(&pair.a, "other@127.0.0.1", ASM_NODE_ERROR_LIMIT, "1");
        cr_assert_null(test_peer_connect(asm_node_get_port(pair.m.self.node),
                                         "x@127.0.0.1",
                                         "m@127.0.0.1",
                                         TEST_COOKIE,
                                         &error));
        cr_expect(g_error_matches(error, ASM_DIST_ERROR, ASM_DIST_ERROR_REFUSED));
        cr_expect(asm_link_is_up(link));
}

Test(node_connect, limit_holds_for_peers_that_come_at_the_same_moment)
{
        g_auto(Pair) pair = { 0 };
        AsmHandshakeConfig config = { .our_flags = asm_flags_ours(), .length_size = 2 };
        static const char *const names[] = { "x@127.0.0.1", "y@127.0.0.1" };
        AsmHandshake *handshakes[2];
        int fds[2];

        pair_init(&pair);
        pair.config.max_links = 1;
        pair_start(&pair, NULL);
        /* both say their names before either goes on */
        for (guint i = 0; i < 2; i++) {
                g_auto(AsmBuilder) out = ASM_BUILDER_INIT;

                config.our_name = names[i];
                fds[i] = test_connect(asm_node_get_port(pair.m.self.node));
                handshakes[i] = asm_handshake_new_initiator(&config, "m@127.0.0.1", TEST_COOKIE);
                asm_handshake_start(handshakes[i], &out);
                test_send(fds[i], out.data, out.len);
        }
        test_settle();
        for (guint i = 0; i < 2; i++) {
                AsmHandshakeStatus status = ASM_HANDSHAKE_NEED_INPUT;
                guint8 byte;
                gsize used;

                while (status == ASM_HANDSHAKE_NEED_INPUT && test_receive(fds[i], &byte, 1)) {
                        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;

                        status = asm_handshake_feed(handshakes[i], &byte, 1, &used, &out, NULL);
                        test_send(fds[i], out.data, out.len);
                }
        }
        test_settle();

        cr_expect_eq(n_links(&pair.m), 1);
        for (guint i = 0; i < 2; i++) {
                close(fds[i]);
                asm_handshake_free(handshakes[i]);
        }
}

Test(node_connect, in_the_node_s_own_name_is_refused)
{
        g_auto(Pair) pair = { 0 };
        g_autoptr(GError) error = NULL;

        pair_init(&pair);
        pair_start(&pair, NULL);
        cr_assert_null(test_peer_connect(asm_node_get_port(pair.m.self.node),
                                         "m@127.0.0.1",
                                         "m@127.0.0.1",
                                         TEST_COOKIE,
                                         &error));
        cr_expect(g_error_matches(error, ASM_DIST_ERROR, ASM_DIST_ERROR_REFUSED));
        cr_expect_eq(n_links(&pair.m), 0);
}

Test(node_connect, by_a_peer_that_was_restarted_replaces_its_link)
{
        g_auto(Pair) pair = { 0 };
        g_autoptr(TestPeer) first = NULL;
        g_autoptr(TestPeer) second = NULL;
        guint16 port;

        pair_init(&pair);
        pair_start(&pair, NULL);
        port = asm_node_get_port(pair.m.self.node);
        first = test_peer_connect(port, "x@127.0.0.1", "m@127.0.0.1", TEST_COOKIE, NULL);
        cr_assert(test_wait(pair.m.events.n_up == 1));
        second = test_peer_connect(port, "x@127.0.0.1", "m@127.0.0.1", TEST_COOKIE, NULL);

        cr_assert(test_wait(pair.m.events.n_up == 2));
        cr_expect_str_eq(pair.m.events.told->str,
                         "up x@127.0.0.1\ndown x@127.0.0.1\nup x@127.0.0.1\n");
        cr_expect(test_is_closed_within(first->fd, 2000));
        cr_expect_eq(n_links(&pair.m), 1);
}

Test(node_connect, that_is_under_way_is_answered_when_the_node_is_freed)
{
        g_auto(Pair) pair = { 0 };
        g_auto(Impostor) silent = { 0 };
        GAsyncResult *results[2] = { NULL };
        int fd;

        pair_init(&pair);
        pair_start(&pair, NULL);
        silent = impostor_new(&pair, "silent");
        asm_node_connect_async(pair.a.self.node,
                               "silent@127.0.0.1",
                               3000,
                               test_keep_result,
                               &results[0]);
        fd = test_accept(silent.listener);
        /* and one that has not got that far */
        asm_node_connect_async(pair.a.self.node,
                               "m@127.0.0.1",
                               3000,
                               test_keep_result,
                               &results[1]);
        g_clear_pointer(&pair.a.self.node, asm_node_free);

        for (guint i = 0; i < 2; i++) {
                g_autoptr(GError) error = NULL;

                cr_assert(test_wait(results[i] != NULL));
                cr_expect_null(asm_node_connect_finish(NULL, results[i], &error));
                cr_expect(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_STOPPED));
                g_object_unref(results[i]);
        }
        close(fd);
}

Test(node_connect, leaves_nothing_of_a_link_whose_node_is_gone)
{
        g_auto(Pair) pair = { 0 };
        g_autoptr(AsmLink) link = NULL;

        pair_init(&pair);
        pair_start(&pair, NULL);
        link = test_node_connect(pair.a.self.node, "m@127.0.0.1", 3000, NULL);
        g_clear_pointer(&pair.a.self.node, asm_node_free);

        cr_expect(!asm_link_is_up(link));
        asm_control_encode_tick(asm_link_out(link));
        asm_link_queued(link);
        asm_link_hold(link, 1);
        asm_link_release(link, 1);
        asm_link_close(link, "once more");
        cr_expect(test_wait(pair.m.events.n_down == 1));
}
