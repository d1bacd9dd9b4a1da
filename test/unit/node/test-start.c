/* SPDX-License-Identifier: MIT */
/*
 * A node's beginning: listening, and the name at epmd that is kept for as long as the node lives.
 */
#include "node/error.h"
#include "node/node.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "raw-peer.h"
#include "test-node.h"

TestSuite(node_start, .timeout = 300);

typedef struct {
        TestNode self;
        TestEvents events;
} Fixture;

static void
fixture_make(Fixture *fixture, AsmNodeConfig *config, const char *name)
{
        g_free(config->name);
        config->name = g_strdup(name);
        fixture->self = test_node_make(config, NULL);
        test_events_init(&fixture->events, &fixture->self);
}

static void
fixture_init(Fixture *fixture, const char *name, guint16 epmd_port)
{
        g_auto(AsmNodeConfig) config = { 0 };

        test_node_config_init(&config, epmd_port);
        fixture_make(fixture, &config, name);
}

static void
fixture_clear(Fixture *fixture)
{
        test_node_clear(&fixture->self);
        test_events_clear(&fixture->events);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

Test(node_start, registers_the_name_with_its_port_at_epmd)
{
        g_autoptr(TestEpmd) epmd = test_epmd_new();
        g_auto(Fixture) node = { 0 };

        fixture_init(&node, "n@127.0.0.1", epmd->port);
        cr_assert_null(test_node_start(node.self.node));

        cr_expect_neq(asm_node_get_port(node.self.node), 0);
        cr_expect_eq(test_epmd_find(epmd, "n"), asm_node_get_port(node.self.node));
        cr_expect_eq(test_epmd_find(epmd, "other"), 0);
}

Test(node_start, takes_the_creation_that_epmd_gives)
{
        guint16 port;
        int listener = test_listen(&port);
        g_auto(Fixture) node = { 0 };
        g_autoptr(GAsyncResult) result = NULL;
        static const guint8 answer[] = { 118, 0, 0x12, 0x34, 0x56, 0x78 };
        int fd;

        fixture_init(&node, "n@127.0.0.1", port);
        asm_node_start_async(node.self.node, test_keep_result, &result);
        fd = test_accept(listener);
        /* a byte at a time: an answer need not come in one piece */
        for (gsize i = 0; i < sizeof answer; i++) {
                cr_expect_null(result);
                test_send(fd, answer + i, 1);
                test_settle();
        }

        cr_assert(test_wait(result != NULL));
        cr_assert(asm_node_start_finish(node.self.node, result, NULL));
        cr_expect_eq(asm_node_get_creation(node.self.node), 0x12345678);
        close(fd);
        close(listener);
}

Test(node_start, understands_the_creation_of_an_old_epmd)
{
        guint16 port;
        int listener = test_listen(&port);
        g_auto(Fixture) node = { 0 };
        g_autoptr(GAsyncResult) result = NULL;
        int fd;

        fixture_init(&node, "n@127.0.0.1", port);
        asm_node_start_async(node.self.node, test_keep_result, &result);
        fd = test_accept(listener);
        test_send(fd, "\x79\x00\x00\x07", 4);

        cr_assert(test_wait(result != NULL));
        cr_assert(asm_node_start_finish(node.self.node, result, NULL));
        cr_expect_eq(asm_node_get_creation(node.self.node), 7);
        close(fd);
        close(listener);
}

Test(node_start, fails_when_the_name_is_taken)
{
        g_autoptr(TestEpmd) epmd = test_epmd_new();
        g_auto(Fixture) first = { 0 };
        g_auto(Fixture) second = { 0 };
        g_autoptr(GError) error = NULL;

        fixture_init(&first, "n@127.0.0.1", epmd->port);
        fixture_init(&second, "n@127.0.0.1", epmd->port);
        cr_assert_null(test_node_start(first.self.node));
        error = test_node_start(second.self.node);

        cr_assert(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_NAME_TAKEN));
        cr_expect_not_null(strstr(error->message, "'n'"));
        cr_expect_eq(test_epmd_find(epmd, "n"), asm_node_get_port(first.self.node));
}

Test(node_start, fails_without_an_epmd_when_none_may_be_started)
{
        g_auto(Fixture) node = { 0 };
        g_autoptr(GError) error = NULL;

        fixture_init(&node, "n@127.0.0.1", test_free_port());
        error = test_node_start(node.self.node);

        cr_expect(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_EPMD));
}

Test(node_start, fails_when_what_answers_is_no_epmd)
{
        guint16 port;
        int listener = test_listen(&port);
        g_auto(Fixture) node = { 0 };
        g_autoptr(GAsyncResult) result = NULL;
        g_autoptr(GError) error = NULL;
        int fd;

        fixture_init(&node, "n@127.0.0.1", port);
        asm_node_start_async(node.self.node, test_keep_result, &result);
        fd = test_accept(listener);
        test_send(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);

        cr_assert(test_wait(result != NULL));
        cr_expect(!asm_node_start_finish(node.self.node, result, &error));
        cr_expect(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_EPMD));
        close(fd);
        close(listener);
}

Test(node_start, fails_on_an_address_that_cannot_be_had)
{
        static const char *const addresses[] = { "example.org", "", "192.0.2.1", "127.0.0.1:80" };

        for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
                g_auto(AsmNodeConfig) config = { 0 };
                g_auto(Fixture) node = { 0 };
                g_autoptr(GError) error = NULL;

                test_node_config_init(&config, test_free_port());
                g_free(config.listen_address);
                config.listen_address = g_strdup(addresses[i]);
                fixture_make(&node, &config, "n@127.0.0.1");
                error = test_node_start(node.self.node);

                cr_assert(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_LISTEN));
                cr_expect_not_null(strstr(error->message, addresses[i]));
        }
}

Test(node_start, fails_on_a_port_that_is_in_use)
{
        g_auto(AsmNodeConfig) config = { 0 };
        g_auto(Fixture) node = { 0 };
        g_autoptr(GError) error = NULL;
        int taken;

        test_node_config_init(&config, test_free_port());
        taken = test_listen(&config.listen_port);
        fixture_make(&node, &config, "n@127.0.0.1");
        error = test_node_start(node.self.node);

        cr_expect(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_LISTEN));
        close(taken);
}

Test(node_start, brings_up_an_epmd_when_it_may_and_none_is_there)
{
        g_auto(AsmNodeConfig) config = { 0 };
        g_auto(Fixture) node = { 0 };
        g_autofree char *port = NULL;
        g_autoptr(GSubprocess) killer = NULL;
        TestEpmd epmd = { 0 };

        test_node_config_init(&config, epmd.port = test_free_port());
        config.start_epmd = TRUE;
        fixture_make(&node, &config, "n@127.0.0.1");

        cr_assert_null(test_node_start(node.self.node));
        cr_expect_eq(test_epmd_find(&epmd, "n"), asm_node_get_port(node.self.node));

        g_clear_pointer(&node.self.node, asm_node_free);
        port = g_strdup_printf("%u", epmd.port);
        killer = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE,
                                  NULL,
                                  "epmd",
                                  "-port",
                                  port,
                                  "-kill",
                                  NULL);
        cr_expect(g_subprocess_wait_check(killer, NULL, NULL));
}

Test(node_start, registers_again_under_the_same_creation_when_epmd_was_restarted)
{
        g_autoptr(TestEpmd) epmd = test_epmd_new();
        g_auto(Fixture) node = { 0 };
        guint32 creation;

        fixture_init(&node, "n@127.0.0.1", epmd->port);
        cr_assert_null(test_node_start(node.self.node));
        creation = asm_node_get_creation(node.self.node);
        for (guint i = 0; i < 2; i++) {
                test_epmd_kill(epmd);
                test_epmd_start(epmd);

                cr_expect(
                        test_poll(test_epmd_find(epmd, "n") == asm_node_get_port(node.self.node)));
                cr_expect_eq(asm_node_get_creation(node.self.node), creation);
        }
}

Test(node_start, keeps_trying_while_epmd_is_away)
{
        guint16 port;
        int listener = test_listen(&port);
        g_auto(Fixture) node = { 0 };
        g_autoptr(GAsyncResult) result = NULL;
        int fd;

        fixture_init(&node, "n@127.0.0.1", port);
        asm_node_start_async(node.self.node, test_keep_result, &result);
        fd = test_accept(listener);
        test_send(fd, "\x76\x00\x00\x00\x00\x07", 6);
        cr_assert(test_wait(result != NULL));

        /* closed at once, nonsense, closed at once: it comes again each time */
        for (guint i = 0; i < 3; i++) {
                close(fd);
                fd = test_accept(listener);
                cr_assert_geq(fd, 0);
                if (i == 1)
                        test_send(fd, "?", 1);
        }
        close(fd);
        close(listener);
        cr_expect_eq(asm_node_get_creation(node.self.node), 7);
}

Test(node_start, that_is_under_way_is_answered_when_the_node_is_freed)
{
        guint16 port;
        int listener = test_listen(&port);
        g_auto(Fixture) node = { 0 };
        g_autoptr(GAsyncResult) result = NULL;
        g_autoptr(GError) error = NULL;
        int fd;

        fixture_init(&node, "n@127.0.0.1", port);
        asm_node_start_async(node.self.node, test_keep_result, &result);
        fd = test_accept(listener);
        cr_assert_null(result);
        g_clear_pointer(&node.self.node, asm_node_free);

        cr_assert(test_wait_ms(result != NULL, 2000));
        cr_expect(!asm_node_start_finish(NULL, result, &error));
        cr_expect(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_STOPPED));
        close(fd);
        close(listener);
}

Test(node_start, takes_the_name_from_epmd_again_when_the_node_is_freed)
{
        g_autoptr(TestEpmd) epmd = test_epmd_new();
        g_auto(Fixture) node = { 0 };

        fixture_init(&node, "n@127.0.0.1", epmd->port);
        cr_assert_null(test_node_start(node.self.node));
        g_clear_pointer(&node.self.node, asm_node_free);

        /* epmd learns of it in its own time */
        cr_expect(test_poll(test_epmd_find(epmd, "n") == 0));
}
