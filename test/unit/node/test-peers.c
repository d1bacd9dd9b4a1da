/* SPDX-License-Identifier: MIT */
/*
 * The list of peers: the first group that fits decides, in all respects; and how often somebody may
 * knock, and be written about.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/quiet.h"
#include "node/error.h"
#include "node/gate-private.h"
#include "node/peers.h"
#include "test-node.h"

TestSuite(node_peers, .timeout = 300);

#define Q ASM_RIGHT_QUERY
#define C ASM_RIGHT_CONTROL
#define H ASM_RIGHT_HOST
#define A ASM_RIGHT_ADMINISTER

Test(node_peers, rights_are_levels_and_host_stands_for_itself)
{
        static const struct {
                const char *text;
                gboolean is_right;
                guint rights;
        } cases[] = {
                { "none", TRUE, 0 },
                { "query", TRUE, Q },
                { "control", TRUE, Q | C },
                { "administer", TRUE, Q | C | A },
                { "host", TRUE, H },
                { "query;host", TRUE, Q | H },
                { " host ; administer ;", TRUE, Q | C | H | A },
                { "", FALSE, 0 },
                { ";", FALSE, 0 },
                { "all", FALSE, 0 },
                { "Query", FALSE, 0 },
                { "query,host", FALSE, 0 },
                { "query;;host", FALSE, 0 },
                { "none;query", FALSE, 0 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                guint rights = 99;

                cr_expect_eq(asm_rights_parse(cases[i].text, &rights),
                             cases[i].is_right,
                             "'%s'",
                             cases[i].text);
                cr_expect_eq(rights, cases[i].is_right ? cases[i].rights : 99, "%s", cases[i].text);
        }
}

static GPtrArray *
networks(const char *mask)
{
        GPtrArray *array = g_ptr_array_new_with_free_func(g_object_unref);

        g_ptr_array_add(array, g_inet_address_mask_new_from_string(mask, NULL));
        return array;
}

Test(node_peers, the_first_group_that_fits_decides)
{
        g_autoptr(AsmPeers) peers = asm_peers_new();

        asm_peers_add(peers, "boss@*", Q | C | A, networks("10.0.0.0/8"), "secret");
        asm_peers_add(peers, "*@build?", Q, NULL, NULL);
        asm_peers_add(peers, "*", H, NULL, "other");
        static const struct {
                const char *name;
                const char *address; /* NULL: not known yet */
                gboolean is_peer;
                guint rights;
                const char *cookie;
        } cases[] = {
                { "boss@h", "10.1.2.3", TRUE, Q | C | A, "secret" },
                { "boss@h", "11.1.2.3", FALSE, Q | C | A, "secret" },
                { "boss@build1", "127.0.0.1", FALSE, Q | C | A, "secret" },
                { "boss@h", NULL, TRUE, Q | C | A, "secret" },
                { "x@build1", "127.0.0.1", TRUE, Q, NULL },
                { "x@build12", "127.0.0.1", TRUE, H, "other" },
                { "bossy@h", "127.0.0.1", TRUE, H, "other" },
                { "BOSS@h", "127.0.0.1", TRUE, H, "other" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GInetAddress) address =
                        cases[i].address != NULL ? g_inet_address_new_from_string(cases[i].address)
                                                 : NULL;
                g_autoptr(GError) error = NULL;

                cr_expect_eq(asm_peers_admit(peers, cases[i].name, address, &error),
                             cases[i].is_peer,
                             "%s",
                             cases[i].name);
                if (!cases[i].is_peer)
                        cr_expect_not_null(strstr(error->message, "address of [peer boss@*]"));
                cr_expect_eq(asm_peers_get_rights(peers, cases[i].name), cases[i].rights);
                cr_expect_eq(g_strcmp0(asm_peers_get_cookie(peers, cases[i].name), cases[i].cookie),
                             0);
        }
}

Test(node_peers, without_groups_everybody_is_one_and_hosting_has_its_list)
{
        static const char *const hosts[] = { "a@one", "*@10.*", NULL };
        g_autoptr(AsmPeers) peers = asm_peers_new();

        cr_expect(asm_peers_is_empty(peers));
        cr_expect(asm_peers_admit(peers, "x@y", NULL, NULL));
        cr_expect_eq(asm_peers_get_rights(peers, "a@one"), Q | C | A);
        asm_peers_set_hosts(peers, hosts);
        cr_expect_eq(asm_peers_get_rights(peers, "a@one"), Q | C | A | H);
        cr_expect_eq(asm_peers_get_rights(peers, "b@10.1"), Q | C | A | H);
        cr_expect_eq(asm_peers_get_rights(peers, "b@one"), Q | C | A);
        cr_expect_null(asm_peers_get_cookie(peers, "a@one"));
}

Test(node_peers, who_is_in_no_group_is_no_peer)
{
        g_autoptr(AsmPeers) peers = asm_peers_new();
        g_autoptr(GError) error = NULL;

        asm_peers_add(peers, "a@one", Q, NULL, NULL);
        cr_expect(!asm_peers_admit(peers, "b@\none", NULL, &error));
        cr_expect(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_REFUSED));
        cr_expect_not_null(strstr(error->message, "'b@\\none' is no peer"), "%s", error->message);
        cr_expect_eq(asm_peers_get_rights(peers, "b@one"), 0);
        cr_expect(asm_peers_have(peers, Q));
        cr_expect(!asm_peers_have(peers, H));
}

Test(node_peers, an_address_knocks_n_times_in_a_second)
{
        static const guint limits[] = { 1, 2, 10, 1000 };

        for (gsize i = 0; i < G_N_ELEMENTS(limits); i++) {
                g_autoptr(AsmGate) gate = asm_gate_new();
                g_autoptr(GInetAddress) one = g_inet_address_new_from_string("10.0.0.1");
                g_autoptr(GInetAddress) same = g_inet_address_new_from_string("10.0.0.1");
                g_autoptr(GInetAddress) other = g_inet_address_new_from_string("10.0.0.2");
                gint64 now = 5 * G_USEC_PER_SEC;
                gint64 step = G_USEC_PER_SEC / limits[i];

                for (guint n = 0; n < limits[i]; n++)
                        cr_assert(asm_gate_admit(gate, n % 2 ? one : same, limits[i], now));
                cr_expect(!asm_gate_admit(gate, one, limits[i], now), "%u", limits[i]);
                cr_expect(!asm_gate_admit(gate, one, limits[i], now + step - 1));
                cr_expect(asm_gate_admit(gate, other, limits[i], now));
                cr_expect(asm_gate_admit(gate, one, limits[i], now + step));
                cr_expect(!asm_gate_admit(gate, one, limits[i], now + step));
                cr_expect(asm_gate_admit(gate, one, 0, now), "0 is no limit");
        }
}

Test(node_peers, addresses_over_the_table_share_what_one_has)
{
        g_autoptr(AsmGate) gate = asm_gate_new();
        g_autoptr(GInetAddress) late = g_inet_address_new_from_string("11.0.0.1");
        g_autoptr(GInetAddress) later = g_inet_address_new_from_string("11.0.0.2");
        gint64 now = G_USEC_PER_SEC;

        for (guint i = 0; i < ASM_GATE_ADDRESSES_MAX; i++) {
                guint8 bytes[4] = { 10, 0, (guint8)(i >> 8), (guint8)i };
                g_autoptr(GInetAddress) address =
                        g_inet_address_new_from_bytes(bytes, G_SOCKET_FAMILY_IPV4);

                cr_assert(asm_gate_admit(gate, address, 1, now));
        }
        cr_expect(asm_gate_admit(gate, late, 1, now));
        cr_expect(!asm_gate_admit(gate, later, 1, now));
        /* a second later the others say nothing any more, and there is room */
        cr_expect(asm_gate_admit(gate, later, 1, now + G_USEC_PER_SEC));
        cr_expect(asm_gate_admit(gate, late, 1, now + G_USEC_PER_SEC));
}

Test(node_peers, a_flood_of_log_lines_is_counted)
{
        AsmQuiet quiet = { 0 };

        test_log_capture();
        for (guint i = 0; i <= ASM_QUIET_LINES; i++)
                asm_quiet_message(&quiet, NULL, "line %u;", i);
        cr_expect(test_log_has("line 9;"));
        cr_expect(!test_log_has("line 10;"));
        quiet.since_us -= ASM_QUIET_US;
        asm_quiet_message(&quiet, NULL, "after a while;");
        cr_expect(test_log_has("after a while; (1 more since the last time)"));
        asm_quiet_message(&quiet, NULL, "and then;");
        cr_expect(!test_log_has("and then; ("));
}
