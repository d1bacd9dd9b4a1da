/* SPDX-License-Identifier: MIT */
/*
 * A link against peers that are slow, silent, greedy or out of their minds: what belongs to one
 * link costs that link, and the node goes on serving others.
 */
#include "node/error.h"
#include "node/node.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "erlang.h"
#include "raw-peer.h"
#include "test-node.h"

TestSuite(node_link, .timeout = 300);

/* a started node and a peer that has shaken hands with it */
typedef struct {
        TestEpmd *epmd;
        AsmNodeConfig config;
        TestNode self;
        TestEvents events;
        TestPeer *peer;
        AsmLink *link;
} Fixture;

static void
fixture_init(Fixture *fixture)
{
        fixture->epmd = test_epmd_new();
        test_node_config_init(&fixture->config, fixture->epmd->port);
        fixture->config.name = g_strdup("n@127.0.0.1");
}

static TestPeer *
call_as(Fixture *fixture, const char *name)
{
        return test_peer_connect(asm_node_get_port(fixture->self.node),
                                 name,
                                 "n@127.0.0.1",
                                 TEST_COOKIE,
                                 NULL);
}

static void
fixture_start(Fixture *fixture)
{
        GError *error;
        GPtrArray *links;

        fixture->self = test_node_make(&fixture->config, NULL);
        test_events_init(&fixture->events, &fixture->self);
        error = test_node_start(fixture->self.node);
        cr_assert_null(error);
        fixture->peer = call_as(fixture, "x@127.0.0.1");
        cr_assert(test_wait(fixture->events.n_up == 1));
        links = asm_node_list_links(fixture->self.node);
        fixture->link = asm_link_ref(g_ptr_array_index(links, 0));
        g_ptr_array_unref(links);
}

static void
fixture_clear(Fixture *fixture)
{
        asm_link_unref(fixture->link);
        test_node_clear(&fixture->self);
        test_events_clear(&fixture->events);
        test_peer_free(fixture->peer);
        asm_node_config_clear(&fixture->config);
        test_epmd_free(fixture->epmd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

/* frames of messages 1..@n to a process of the node */
static void
put_messages(Fixture *fixture, AsmBuilder *frames, guint first, guint n)
{
        AsmPid pid = { .node = asm_node_get_name(fixture->self.node), .id = 1, .creation = 1 };
        g_auto(AsmBuilder) to = ASM_BUILDER_INIT;

        asm_builder_pid(&to, &pid);
        for (guint i = 0; i < n; i++) {
                g_auto(AsmBuilder) message = ASM_BUILDER_INIT;

                asm_builder_int(&message, first + i);
                asm_control_encode_send(frames,
                                        0,
                                        NULL,
                                        asm_builder_peek(&to),
                                        asm_builder_peek(&message));
        }
}

static void
put_binary(Fixture *fixture, AsmBuilder *frames, gsize len)
{
        AsmPid pid = { .node = asm_node_get_name(fixture->self.node), .id = 1, .creation = 1 };
        g_auto(AsmBuilder) to = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) message = ASM_BUILDER_INIT;
        g_autofree guint8 *bytes = g_malloc0(len);

        asm_builder_pid(&to, &pid);
        asm_builder_binary(&message, bytes, len);
        asm_control_encode_send(frames, 0, NULL, asm_builder_peek(&to), asm_builder_peek(&message));
}

static void
expect_serves_others(Fixture *fixture)
{
        guint n_up = fixture->events.n_up;
        g_autoptr(TestPeer) other = call_as(fixture, "other@127.0.0.1");

        cr_expect(other != NULL && test_wait(fixture->events.n_up == n_up + 1));
}

Test(node_link, frames_arrive_whole_and_in_order_wherever_they_are_cut)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmBuilder) frames = ASM_BUILDER_INIT;

        fixture_init(&f);
        fixture_start(&f);
        put_messages(&f, &frames, 1, 3);
        for (gsize cut = 0; cut <= frames.len; cut++) {
                guint before = f.events.n_control;

                g_string_truncate(f.events.messages, 0);
                test_send(f.peer->fd, frames.data, cut);
                test_settle();
                test_send(f.peer->fd, frames.data + cut, frames.len - cut);

                cr_assert(test_wait(f.events.n_control == before + 3));
                cr_assert_str_eq(f.events.messages->str, "1\n2\n3\n");
        }
}

Test(node_link, many_frames_in_one_write_arrive_in_order)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmBuilder) frames = ASM_BUILDER_INIT;
        GString *expected = g_string_new(NULL);

        fixture_init(&f);
        fixture_start(&f);
        put_messages(&f, &frames, 1, 20000);
        for (guint i = 1; i <= 20000; i++)
                g_string_append_printf(expected, "%u\n", i);
        test_peer_say(f.peer, &frames);

        cr_assert(test_wait(f.events.n_control == 20000));
        cr_expect(g_string_equal(f.events.messages, expected));
        g_string_free(expected, TRUE);
}

Test(node_link, long_frames_arrive_whole_between_short_ones)
{
        static const gsize lengths[] = { 60000, 65536, 65537, 262144, 330000, 3000000 };

        for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
                g_auto(Fixture) f = { 0 };
                g_auto(AsmBuilder) frames = ASM_BUILDER_INIT;

                fixture_init(&f);
                fixture_start(&f);
                put_messages(&f, &frames, 1, 2);
                put_binary(&f, &frames, lengths[i]);
                put_messages(&f, &frames, 3, 1);
                put_binary(&f, &frames, lengths[i]);
                put_messages(&f, &frames, 4, 1);
                test_peer_say(f.peer, &frames);

                cr_assert(test_wait(f.events.n_control == 6), "%zu", lengths[i]);
                cr_expect_str_eq(f.events.messages->str, "1\n2\n3\n4\n");
                cr_expect_geq(f.events.n_bytes, 2 * lengths[i]);
        }
}

Test(node_link, frames_behind_the_last_byte_of_the_handshake_are_not_lost)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
        AsmHandshakeConfig config = { .our_name = "y@127.0.0.1", .length_size = 2 };
        g_autoptr(AsmHandshake) handshake = NULL;
        AsmHandshakeStatus status = ASM_HANDSHAKE_NEED_INPUT;
        gboolean is_last = FALSE;
        int fd;

        fixture_init(&f);
        fixture_start(&f);
        config.our_flags = f.peer->flags;
        fd = test_connect(asm_node_get_port(f.self.node));
        handshake = asm_handshake_new_initiator(&config, "n@127.0.0.1", TEST_COOKIE);
        asm_handshake_start(handshake, &out);
        test_send(fd, out.data, out.len);
        while (status == ASM_HANDSHAKE_NEED_INPUT && !is_last) {
                guint8 byte;
                gsize used;

                cr_assert(test_receive(fd, &byte, 1));
                asm_builder_reset(&out);
                status = asm_handshake_feed(handshake, &byte, 1, &used, &out, NULL);
                /* what answers the challenge is our last word, and the frames follow it at once */
                is_last = out.len > 0;
        }
        put_messages(&f, &out, 7, 2);
        test_send(fd, out.data, out.len);

        cr_expect(test_wait(f.events.n_control == 2));
        cr_expect_str_eq(f.events.messages->str, "7\n8\n");
        close(fd);
}

Test(node_link, header_over_the_limit_ends_it_at_once)
{
        static const char *const headers[] = { "\xc0\x00\x00\x00",
                                               "\xff\xff\xff\xff",
                                               "\x04\x00\x00\x01" };

        for (gsize i = 0; i < G_N_ELEMENTS(headers); i++) {
                g_auto(Fixture) f = { 0 };

                fixture_init(&f);
                fixture_start(&f);
                test_send(f.peer->fd, headers[i], 4);

                cr_expect(test_wait_ms(f.events.n_down == 1, 2000));
                cr_expect(test_is_closed_within(f.peer->fd, 2000));
                expect_serves_others(&f);
        }
}

Test(node_link, frame_of_exactly_the_limit_is_taken_and_one_byte_more_is_not)
{
        for (gsize extra = 0; extra < 2; extra++) {
                g_auto(Fixture) f = { 0 };
                g_auto(AsmBuilder) frames = ASM_BUILDER_INIT;

                fixture_init(&f);
                f.config.max_frame = 1000;
                fixture_start(&f);
                put_binary(&f, &frames, 1);
                frames.len = 0;
                {
                        g_auto(AsmBuilder) probe = ASM_BUILDER_INIT;

                        put_binary(&f, &probe, 900);
                        put_binary(&f, &frames, 900 + (1004 - probe.len) + extra);
                }
                cr_assert_eq(frames.len, 1004 + extra);
                test_peer_say(f.peer, &frames);

                cr_expect(test_wait(f.events.n_control == 1 - extra && f.events.n_down == extra));
        }
}

Test(node_link, frame_that_is_no_signal_ends_it)
{
        static const struct {
                const char *bytes;
                gsize len;
        } cases[] = {
                { "\0\0\0\1x", 5 },
                { "\0\0\0\1\x70", 5 },
                { "\0\0\0\2\x70\x83", 6 },
                { "\0\0\0\6\x70\x83\x68\xff\xff\xff", 10 },
                { "\0\0\0\6\x83\x44\x00\x68\x00\x00", 10 },
                { "\0\0\0\4\x70\x83\x68\x00", 8 },
                { "\0\0\0\x12GET / HTTP/1.0\r\n\r\n", 22 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Fixture) f = { 0 };

                fixture_init(&f);
                fixture_start(&f);
                test_send(f.peer->fd, cases[i].bytes, cases[i].len);

                cr_expect(test_wait_ms(f.events.n_down == 1, 2000), "case %zu", i);
                expect_serves_others(&f);
        }
}

Test(node_link, garbage_instead_of_a_handshake_is_answered_by_closing)
{
        static const struct {
                const char *bytes;
                gsize len;
        } cases[] = {
                { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27 },
                { "\xff\xff\xff\xff", 4 },
                { "\0\0", 2 },
                { "\0\1N", 3 },
                { "\0\1n", 3 },
                { "\0\x15N\0\0\0\0\0\0\0\0\0\0\0\1\0\6a@b\0cd", 23 },
        };
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        fixture_start(&f);
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                int fd = test_connect(asm_node_get_port(f.self.node));

                test_send(fd, cases[i].bytes, cases[i].len);
                cr_expect(test_is_closed_within(fd, 2000), "case %zu", i);
                close(fd);
        }
        cr_expect(asm_link_is_up(f.link));
        expect_serves_others(&f);
}

Test(node_link, caller_who_says_nothing_is_sent_away_after_the_set_up_time)
{
        g_auto(Fixture) f = { 0 };
        int fd;

        fixture_init(&f);
        f.config.setup_timeout_ms = 150;
        fixture_start(&f);
        fd = test_connect(asm_node_get_port(f.self.node));
        test_send(fd, "\0", 1);

        cr_expect(test_is_closed_within(fd, 3000));
        cr_expect(asm_link_is_up(f.link));
        close(fd);
}

Test(node_link, open_sockets_are_bounded_whether_they_shake_hands_or_not)
{
        g_auto(Fixture) f = { 0 };
        int fds[40];
        guint n_closed = 0;

        fixture_init(&f);
        f.config.max_links = 4;
        fixture_start(&f);
        for (gsize i = 0; i < G_N_ELEMENTS(fds); i++) {
                fds[i] = test_connect(asm_node_get_port(f.self.node));
                test_settle();
        }
        for (gsize i = 0; i < G_N_ELEMENTS(fds); i++) {
                guint8 byte;

                n_closed += recv(fds[i], &byte, 1, MSG_DONTWAIT) == 0;
                close(fds[i]);
        }

        /* 4, a quarter of it, 16 for those that are shaking hands; one is the fixture's peer */
        cr_expect_eq(n_closed, 40 - (4 + 1 + 16 - 1));
}

Test(node_link, half_a_frame_and_then_silence_is_ended_by_the_tick_clock)
{
        g_auto(Fixture) f = { 0 };
        gint64 start;

        fixture_init(&f);
        f.config.net_ticktime_s = 1;
        fixture_start(&f);
        start = g_get_monotonic_time();
        test_send(f.peer->fd, "\0\0\0\x10\x70\x83", 6);

        cr_expect(test_wait_ms(f.events.n_down == 1, 3000));
        cr_expect_geq(g_get_monotonic_time() - start, 700000);
}

Test(node_link, peer_that_only_ticks_stays_up_and_is_ticked_at)
{
        g_auto(Fixture) f = { 0 };
        guint n_ticks = 0;

        fixture_init(&f);
        f.config.net_ticktime_s = 1;
        fixture_start(&f);
        for (guint i = 0; i < 6; i++) {
                guint8 tick[4] = { 1, 1, 1, 1 };

                test_send(f.peer->fd, "\0\0\0\0", 4);
                n_ticks += test_receive(f.peer->fd, tick, sizeof tick);
                cr_expect_arr_eq(tick, "\0\0\0\0", 4);
        }
        cr_expect_eq(n_ticks, 6);
        cr_expect_eq(f.events.n_down, 0);
        cr_expect_eq(f.events.n_control, 0);
}

Test(node_link, peer_that_does_not_read_makes_it_busy_and_reading_drains_it)
{
        g_auto(Fixture) f = { 0 };
        g_autofree guint8 *bin = g_malloc(1 << 20);

        fixture_init(&f);
        f.config.high_water = 100000;
        fixture_start(&f);
        for (guint i = 0; i < 1000 && !asm_link_is_busy(f.link); i++) {
                put_binary(&f, asm_link_out(f.link), 50000);
                asm_link_queued(f.link);
                test_settle();
        }
        cr_assert(asm_link_is_busy(f.link));
        cr_expect_eq(f.events.n_drained, 0);

        while (f.events.n_drained == 0) {
                if (recv(f.peer->fd, bin, 1 << 20, MSG_DONTWAIT) == 0)
                        break;
                test_settle();
        }
        cr_expect_eq(f.events.n_drained, 1);
        cr_expect(!asm_link_is_busy(f.link));
}

Test(node_link, queue_over_its_limit_ends_it)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        f.config.high_water = 100000;
        f.config.max_queued = 1000000;
        fixture_start(&f);
        for (guint i = 0; i < 10000 && asm_link_is_up(f.link); i++) {
                put_binary(&f, asm_link_out(f.link), 50000);
                asm_link_queued(f.link);
                test_settle();
        }

        cr_assert(!asm_link_is_up(f.link));
        cr_expect(test_wait(f.events.n_down == 1));
        cr_expect_eq(f.events.n_drained, 0);
        expect_serves_others(&f);
}

Test(node_link, is_not_read_while_more_is_held_than_the_limit)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmBuilder) frames = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) more = ASM_BUILDER_INIT;

        fixture_init(&f);
        f.config.max_held = 1000;
        fixture_start(&f);
        put_messages(&f, &frames, 1, 3);
        asm_link_hold(f.link, 400);
        asm_link_hold(f.link, 600);
        cr_expect(!asm_link_is_paused(f.link), "at the limit");
        test_peer_say(f.peer, &frames);
        cr_expect(test_wait(f.events.n_control == 3));

        asm_link_hold(f.link, 1);
        cr_expect(asm_link_is_paused(f.link), "one more");
        put_messages(&f, &more, 4, 2);
        test_peer_say(f.peer, &more);
        test_settle();
        cr_expect_eq(f.events.n_control, 3);

        asm_link_release(f.link, 500);
        test_settle();
        cr_expect_eq(f.events.n_control, 3, "not yet half of it");

        asm_link_release(f.link, 1);
        cr_expect(test_wait(f.events.n_control == 5));
        cr_expect_str_eq(f.events.messages->str, "1\n2\n3\n4\n5\n");
        asm_link_release(f.link, 500);
}

Test(node_link, has_room_for_half_of_what_would_end_it)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        f.config.max_queued = 100000;
        fixture_start(&f);
        cr_expect(asm_link_has_room(f.link, 50000));
        cr_expect(!asm_link_has_room(f.link, 50001));
        put_binary(&f, asm_link_out(f.link), 40000);
        cr_expect(!asm_link_has_room(f.link, 10001));
        asm_link_queued(f.link);
        asm_link_close(f.link, "for a test");
        cr_expect(asm_link_has_room(f.link, 50001), "it swallows what is sent");
}

Test(node_link, paused_is_not_taken_for_a_silent_peer)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        f.config.net_ticktime_s = 1;
        f.config.max_held = 1000;
        fixture_start(&f);
        asm_link_hold(f.link, 1001);

        cr_expect(!test_wait_ms(f.events.n_down > 0, 1600));
        asm_link_release(f.link, 1001);
        cr_expect(test_wait_ms(f.events.n_down == 1, 3000));
}

Test(node_link, closed_here_is_told_once_and_swallows_what_is_sent)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(&f);
        fixture_start(&f);
        asm_link_close(f.link, "for a test");
        asm_link_close(f.link, "again");
        cr_expect_eq(f.events.n_down, 0, "told from the main loop, not from inside the call");
        cr_expect(!asm_link_is_up(f.link));
        cr_expect_null(asm_node_find_link(f.self.node, asm_link_get_peer(f.link)));
        put_binary(&f, asm_link_out(f.link), 1000);
        asm_link_queued(f.link);
        test_settle();

        cr_expect_eq(f.events.n_down, 1);
        cr_expect(test_is_closed_within(f.peer->fd, 2000));
}

Test(node_link, what_was_queued_in_one_iteration_goes_out_before_the_node_goes)
{
        g_auto(Fixture) f = { 0 };
        AsmControl control;

        fixture_init(&f);
        fixture_start(&f);
        put_messages(&f, asm_link_out(f.link), 41, 2);
        asm_link_queued(f.link);
        g_clear_pointer(&f.self.node, asm_node_free);

        cr_assert(test_peer_hear(f.peer, &control));
        test_expect_term(control.payload, "41");
        cr_assert(test_peer_hear(f.peer, &control));
        test_expect_term(control.payload, "42");
        cr_expect(!test_peer_hear(f.peer, &control));
}

Test(node_link, end_by_the_peer_is_told_after_what_it_sent_before)
{
        g_auto(Fixture) f = { 0 };
        g_auto(AsmBuilder) frames = ASM_BUILDER_INIT;

        fixture_init(&f);
        fixture_start(&f);
        put_messages(&f, &frames, 1, 500);
        test_peer_say(f.peer, &frames);
        g_clear_pointer(&f.peer, test_peer_free);

        cr_assert(test_wait(f.events.n_down == 1));
        cr_expect_eq(f.events.n_control, 500);
}
