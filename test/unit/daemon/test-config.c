/* SPDX-License-Identifier: MIT */
/*
 * The configuration file: every key with its range, nothing misspelt is let pass, and each error
 * names file, group and key.
 */
#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config.h"
#include "erlang.h"
#include "node/error.h"

TestSuite(daemon_config, .timeout = 300);

static char *
load(AsmConfig *config, const char *content, gint *ret_code)
{
        g_autofree char *path = NULL;
        g_autoptr(GError) error = NULL;
        int fd = g_file_open_tmp("asm-config-XXXXXX", &path, NULL);

        cr_assert(g_file_set_contents(path, content, -1, NULL));
        asm_config_init(config);
        asm_config_load(config, path, &error);
        close(fd);
        g_unlink(path);
        if (error == NULL)
                return NULL;
        cr_assert_eq(error->domain, ASM_CONFIG_ERROR, "%s", error->message);
        cr_expect_not_null(strstr(error->message, path), "%s", error->message);
        if (ret_code != NULL)
                *ret_code = error->code;
        return g_strdup(error->message);
}

static void
expect_loads(AsmConfig *config, const char *content)
{
        g_autofree char *message = load(config, content, NULL);

        cr_assert_null(message, "%s", message);
}

static void
expect_refused(const char *content, gint code, const char *text)
{
        g_auto(AsmConfig) config = { 0 };
        gint got = -1;
        g_autofree char *message = load(&config, content, &got);

        cr_assert_not_null(message, "accepted: %s", content);
        cr_expect_eq(got, code, "%s", message);
        cr_expect_not_null(strstr(message, text), "%s", message);
}

#define K 1024ull
#define M (1024ull * 1024)

static const struct {
        const char *group;
        const char *key;
        guint64 min;
        guint64 max;
        gsize offset;
        gboolean is_size;
} numbers[] = {
        { "node", "net_ticktime", 1, 86400, G_STRUCT_OFFSET(AsmConfig, node.net_ticktime_s), 0 },
        { "node",
          "setup_timeout_ms",
          100,
          120000,
          G_STRUCT_OFFSET(AsmConfig, node.setup_timeout_ms),
          0 },
        { "limits", "max_connections", 1, 65536, G_STRUCT_OFFSET(AsmConfig, node.max_links), 0 },
        { "limits", "max_attempts", 0, 1000000, G_STRUCT_OFFSET(AsmConfig, node.max_attempts), 0 },
        { "limits", "max_frame", 64 * K, 1024 * M, G_STRUCT_OFFSET(AsmConfig, node.max_frame), 1 },
        { "limits",
          "high_water",
          64 * K,
          1024 * M,
          G_STRUCT_OFFSET(AsmConfig, node.high_water),
          1 },
        { "limits",
          "max_queued_bytes",
          M,
          1024 * M,
          G_STRUCT_OFFSET(AsmConfig, node.max_queued),
          1 },
        { "limits",
          "max_held_bytes",
          64 * K,
          1024 * M,
          G_STRUCT_OFFSET(AsmConfig, node.max_held),
          1 },
        { "limits",
          "max_lag_bytes",
          64 * K,
          1024 * M,
          G_STRUCT_OFFSET(AsmConfig, limits.max_lag),
          1 },
        { "limits", "max_mailbox", 16, 10000000, G_STRUCT_OFFSET(AsmConfig, max_mail), 0 },
        { "limits",
          "max_sessions",
          1,
          10000000,
          G_STRUCT_OFFSET(AsmConfig, limits.max_sessions),
          0 },
        { "limits", "max_runs", 1, 10000000, G_STRUCT_OFFSET(AsmConfig, limits.max_runs), 0 },
        { "limits",
          "max_result",
          64 * K,
          1024 * M,
          G_STRUCT_OFFSET(AsmConfig, limits.max_result),
          1 },
        { "limits",
          "max_subscribers",
          1,
          100000,
          G_STRUCT_OFFSET(AsmConfig, limits.max_subscribers),
          0 },
        { "limits",
          "max_approvals",
          1,
          100000,
          G_STRUCT_OFFSET(AsmConfig, limits.max_approvals),
          0 },
        { "host", "max_sessions", 1, 1000000, G_STRUCT_OFFSET(AsmConfig, host.max_sessions), 0 },
        { "host",
          "headless_timeout_ms",
          0,
          86400000,
          G_STRUCT_OFFSET(AsmConfig, host.headless_timeout_ms),
          0 },
};

Test(daemon_config, numbers_are_taken_from_their_least_to_their_greatest)
{
        for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
                const guint64 values[] = { numbers[i].min, numbers[i].max };

                for (guint j = 0; j < 2; j++) {
                        g_autofree char *content =
                                g_strdup_printf("[%s]\n%s = %" G_GUINT64_FORMAT "\n",
                                                numbers[i].group,
                                                numbers[i].key,
                                                values[j]);
                        g_auto(AsmConfig) config = { 0 };
                        guint64 got;

                        expect_loads(&config, content);
                        got = numbers[i].is_size
                                      ? G_STRUCT_MEMBER(gsize, &config, numbers[i].offset)
                                      : G_STRUCT_MEMBER(guint, &config, numbers[i].offset);
                        cr_expect_eq(got, values[j], "%s", content);
                }
        }
}

Test(daemon_config, numbers_outside_their_range_and_other_things_are_refused)
{
        for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
                g_autofree char *less = g_strdup_printf("%" G_GUINT64_FORMAT, numbers[i].min - 1);
                g_autofree char *more = g_strdup_printf("%" G_GUINT64_FORMAT, numbers[i].max + 1);
                const char *const bad[] = { less,   more,   "",
                                            "-1",   "many", "1e3",
                                            "0x10", "1 2",  "99999999999999999999" };

                for (gsize j = 0; j < G_N_ELEMENTS(bad); j++) {
                        g_autofree char *content = g_strdup_printf("[%s]\n%s = %s\n",
                                                                   numbers[i].group,
                                                                   numbers[i].key,
                                                                   bad[j]);

                        expect_refused(content, ASM_CONFIG_ERROR_VALUE, numbers[i].key);
                }
        }
}

Test(daemon_config, texts_and_booleans_are_taken)
{
        g_auto(AsmConfig) config = { 0 };

        expect_loads(&config,
                     "[node]\nname = other\nlong_name = true\ncookie_file = /etc/cookie\n"
                     "listen = 10.0.0.1:99\nstart_epmd = false\n");
        cr_expect_str_eq(config.name, "other");
        cr_expect(config.is_long_name);
        cr_expect_str_eq(config.cookie_file, "/etc/cookie");
        cr_expect_str_eq(config.listen, "10.0.0.1:99");
        cr_expect(!config.node.start_epmd);
        expect_refused("[node]\nlong_name = yes\n", ASM_CONFIG_ERROR_VALUE, "true or false");
        expect_refused("[node]\nstart_epmd =\n", ASM_CONFIG_ERROR_VALUE, "true or false");
        expect_refused("[node]\nname =\n", ASM_CONFIG_ERROR_VALUE, "name in [node]");
}

Test(daemon_config, empty_file_leaves_the_defaults)
{
        g_auto(AsmConfig) config = { 0 };

        expect_loads(&config, "");
        cr_expect_str_eq(config.name, "asmd");
        cr_expect_str_eq(config.listen, "127.0.0.1");
        cr_expect_null(config.cookie_file);
        cr_expect_eq(config.node.max_frame, 64 * M);
        cr_expect(!config.host.is_enabled);
        cr_expect_null(config.host_allow);
        cr_expect(asm_peers_is_empty(config.peers));
        cr_expect_null(config.host.otp_release);
}

Test(daemon_config, a_host_says_who_may_use_it)
{
        g_auto(AsmConfig) config = { 0 };

        expect_loads(
                &config,
                "[host]\nenabled = true\nallow = a@one; *@10.0.* ;;b@two;\notp_release = 27\n");
        cr_expect(config.host.is_enabled);
        cr_assert_eq(g_strv_length(config.host_allow), 3);
        cr_expect_str_eq(config.host_allow[0], "a@one");
        cr_expect_str_eq(config.host_allow[1], "*@10.0.*");
        cr_expect_str_eq(config.host_allow[2], "b@two");
        cr_expect_str_eq(config.host.otp_release, "27");
        expect_refused("[host]\nenabled = true\n", ASM_CONFIG_ERROR_VALUE, "allow");
        expect_refused("[host]\nallow =\n", ASM_CONFIG_ERROR_VALUE, "allow in [host]");
        expect_refused("[host]\nallow = ;\n", ASM_CONFIG_ERROR_VALUE, "allow in [host]");
        expect_refused("[host]\nallow = a@b;anybody\n", ASM_CONFIG_ERROR_VALUE, "a@b;anybody");
        expect_refused("[host]\notp_release = new\n", ASM_CONFIG_ERROR_VALUE, "otp_release");
}

Test(daemon_config, what_is_not_known_is_refused)
{
        expect_refused("[node]\nnaem = x\n", ASM_CONFIG_ERROR_KEY, "naem");
        expect_refused("[limits]\nname = x\n", ASM_CONFIG_ERROR_KEY, "name in [limits]");
        expect_refused("[nodes]\nname = x\n", ASM_CONFIG_ERROR_KEY, "[nodes]");
        expect_refused("[nodes]\n", ASM_CONFIG_ERROR_KEY, "nodes");
}

Test(daemon_config, file_that_is_none_is_refused)
{
        g_auto(AsmConfig) config = { 0 };
        g_autoptr(GError) error = NULL;

        asm_config_init(&config);
        cr_expect(!asm_config_load(&config, "/nonexistent/asmd.conf", &error));
        cr_expect(g_error_matches(error, ASM_CONFIG_ERROR, ASM_CONFIG_ERROR_FILE));
        cr_expect_not_null(strstr(error->message, "/nonexistent/asmd.conf"));
        expect_refused("no key file\n", ASM_CONFIG_ERROR_FILE, "configuration file");
}

Test(daemon_config, defaults_are_options_for_all_or_for_one_provider)
{
        g_auto(AsmConfig) config = { 0 };

        expect_loads(&config,
                     "[defaults]\nstream_timeout_ms = 5000\nqueue_timeout_ms = infinity\n"
                     "[defaults codex]\nmodel = gpt\nverbose = true\n");
        {
                g_autofree char *all =
                        test_show(asm_term_view(g_hash_table_lookup(config.defaults, "")));
                g_autofree char *codex =
                        test_show(asm_term_view(g_hash_table_lookup(config.defaults, "codex")));

                cr_expect_str_eq(all, "[{stream_timeout_ms,5000},{queue_timeout_ms,infinity}]");
                cr_expect_str_eq(codex, "[{model,<<\"gpt\">>},{verbose,true}]");
        }
        expect_refused("[defaults]\nstream_timeout_ms = soon\n",
                       ASM_CONFIG_ERROR_VALUE,
                       "stream_timeout_ms");
}

Test(daemon_config, defaults_of_a_provider_that_is_none_are_refused)
{
        g_auto(AsmConfig) config = { 0 };
        g_autofree char *path = NULL;
        g_autoptr(GError) error = NULL;
        int fd = g_file_open_tmp("asm-config-XXXXXX", &path, NULL);

        cr_assert(g_file_set_contents(path, "[defaults nobody]\nmodel = x\n", -1, NULL));
        asm_config_init(&config);
        cr_expect(!asm_config_load(&config, path, &error));
        cr_expect_not_null(strstr(error->message, "nobody"), "%s", error->message);
        cr_expect_not_null(strstr(error->message, path), "%s", error->message);
        close(fd);
        g_unlink(path);
}

static void
finish_with(AsmConfig *config, const char *listen, GError **error)
{
        asm_config_init(config);
        g_free(config->listen);
        config->listen = g_strdup(listen);
        asm_config_finish(config, error);
}

Test(daemon_config, listens_on_an_address_with_or_without_a_port)
{
        static const struct {
                const char *listen;
                const char *address; /* NULL: refused */
                guint port;
        } cases[] = {
                { "127.0.0.1", "127.0.0.1", 0 },
                { "0.0.0.0:0", "0.0.0.0", 0 },
                { "10.1.2.3:65535", "10.1.2.3", 65535 },
                { "10.1.2.3:65536", NULL, 0 },
                { "10.1.2.3:", NULL, 0 },
                { "10.1.2.3:x", NULL, 0 },
                { ":4000", NULL, 0 },
                { "", NULL, 0 },
                { "localhost", NULL, 0 },
                { "::1", NULL, 0 },
                { "1.2.3.4:5:6", NULL, 0 },
                { "10.1.2.3:-1", NULL, 0 },
        };

        g_unsetenv("ERL_EPMD_PORT");
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(AsmConfig) config = { 0 };
                g_autoptr(GError) error = NULL;

                finish_with(&config, cases[i].listen, &error);
                if (cases[i].address == NULL) {
                        cr_assert(g_error_matches(error, ASM_CONFIG_ERROR, ASM_CONFIG_ERROR_VALUE),
                                  "'%s'",
                                  cases[i].listen);
                        cr_expect_not_null(strstr(error->message, "listen"));
                        continue;
                }
                cr_assert_null(error);
                cr_expect_str_eq(config.node.listen_address, cases[i].address);
                cr_expect_eq(config.node.listen_port, cases[i].port);
                cr_expect_eq(config.node.epmd_port, 4369);
        }
}

Test(daemon_config, epmd_port_of_the_environment_is_honoured)
{
        static const struct {
                const char *text;
                guint port; /* 0: refused */
        } cases[] = { { "1", 1 }, { "65535", 65535 }, { "0", 0 }, { "65536", 0 },
                      { "x", 0 }, { "", 0 },          { " 1", 0 } };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(AsmConfig) config = { 0 };
                g_autoptr(GError) error = NULL;

                g_setenv("ERL_EPMD_PORT", cases[i].text, TRUE);
                finish_with(&config, "127.0.0.1", &error);
                if (cases[i].port == 0) {
                        cr_assert_not_null(error, "'%s'", cases[i].text);
                        cr_expect_not_null(strstr(error->message, "ERL_EPMD_PORT"));
                } else {
                        cr_assert_null(error);
                        cr_expect_eq(config.node.epmd_port, cases[i].port);
                }
        }
}

Test(daemon_config, name_that_is_none_is_refused)
{
        g_auto(AsmConfig) config = { 0 };
        g_autoptr(GError) error = NULL;

        asm_config_init(&config);
        g_free(config.name);
        config.name = g_strdup("a b");
        cr_expect(!asm_config_finish(&config, &error));
        cr_expect(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_NAME));
}
