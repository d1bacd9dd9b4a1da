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

static char *no_environment[] = { NULL };

static void
read_with(AsmConfig *config, const AsmConfigInput *input, AsmConfigReport *report)
{
        asm_config_report_init(report);
        asm_config_read(config, input, report);
}

/* what is wrong with a file of this content, or NULL */
static char *
load(AsmConfig *config, const char *content, gssize len)
{
        g_auto(AsmConfigReport) report = { 0 };
        g_autofree char *path = NULL;
        AsmConfigInput input = { .environment = no_environment };
        int fd = g_file_open_tmp("asm-config-XXXXXX", &path, NULL);

        cr_assert(g_file_set_contents(path, content, len, NULL));
        g_chmod(path, 0600);
        input.file = path;
        read_with(config, &input, &report);
        close(fd);
        g_unlink(path);
        for (guint i = 0; i < report.mistakes->len; i++)
                cr_expect(g_str_has_prefix(g_ptr_array_index(report.mistakes, i), path) ||
                                  strstr(g_ptr_array_index(report.mistakes, i), "ERL_EPMD_PORT"),
                          "%s",
                          (char *)g_ptr_array_index(report.mistakes, i));
        return report.mistakes->len > 0 ? asm_config_report_text(&report) : NULL;
}

static void
expect_loads(AsmConfig *config, const char *content)
{
        g_autofree char *message = load(config, content, -1);

        cr_assert_null(message, "%s", message);
}

/* @text: of the one mistake, behind the name of the file */
static void
expect_refused(const char *content, const char *text)
{
        g_auto(AsmConfig) config = { 0 };
        g_autofree char *message = load(&config, content, -1);

        cr_assert_not_null(message, "accepted: %s", content);
        cr_expect_not_null(strstr(message, text), "'%s' is not in: %s", text, message);
        cr_expect_null(strchr(message, '\n'), "more than one: %s", message);
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

                        g_autofree char *place = g_strdup_printf(":2: [%s] %s: '%s' is not valid",
                                                                 numbers[i].group,
                                                                 numbers[i].key,
                                                                 bad[j]);

                        expect_refused(content, place);
                }
        }
}

Test(daemon_config, texts_and_booleans_are_taken)
{
        g_auto(AsmConfig) config = { 0 };

        expect_loads(
                &config,
                "[node]\nname = other@host.example\nlong_name = true\ncookie_file = /etc/cookie\n"
                "listen = 10.0.0.1:99\nstart_epmd = false\n");
        cr_expect_str_eq(config.name, "other@host.example");
        cr_expect(config.is_long_name);
        cr_expect_str_eq(config.cookie_file, "/etc/cookie");
        cr_expect_str_eq(config.listen, "10.0.0.1:99");
        cr_expect(!config.node.start_epmd);
        expect_refused("[node]\nlong_name = yes\n",
                       ":2: [node] long_name: 'yes' is not valid, expected true or false");
        expect_refused("[node]\nstart_epmd =\n", "true or false");
        expect_refused("[node]\n\nname =\n", ":3: [node] name: ");
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
        expect_refused("[host]\nenabled = true\n", ":2: [host] enabled: needs allow");
        expect_refused("[host]\nallow =\n", ":2: [host] allow: ");
        expect_refused("[host]\nallow = ;\n", ":2: [host] allow: ");
        expect_refused("[host]\nallow = a@b;anybody\n", "a@b;anybody");
        expect_refused("[host]\notp_release = new\n", ":2: [host] otp_release: 'new'");
}

Test(daemon_config, what_is_not_known_is_refused_with_what_was_probably_meant)
{
        expect_refused("[node]\nnaem = x\n",
                       ":2: [node] naem: there is no such key; did you mean name?");
        expect_refused("[limits]\nname = x\n", ":2: [limits] name: there is no such key; see");
        expect_refused("[nodes]\nname = x\n",
                       ":1: [nodes]: there is no such group; did you mean [node]?");
        expect_refused("\n[limit]\n",
                       ":2: [limit]: there is no such group; did you mean [limits]?");
        expect_refused("[something]\n", "see asmd.conf(5)");
        expect_refused("[peer a@b]\nrights = query\nadress = ::1\n", "did you mean address?");
}

Test(daemon_config, all_mistakes_are_told_with_their_lines)
{
        static const char *const places[] = {
                ":1: ",
                ":3: [node] nmae: ",
                ":5: [limits] max_runs: ",
                ":6: [limits] max_runs: is given twice, before in line 5",
                ":7: ",
                ":9: [defaults nobody]: ",
                ":11: [tls] certificate: needs private_key and authorities",
        };
        g_auto(AsmConfig) config = { 0 };
        g_autofree char *message =
                load(&config,
                     "x = 1\n[node]\nnmae = x\n[limits]\nmax_runs = -1\n"
                     "max_runs = 5\nnothing\n\n[defaults nobody]\n[tls]\ncertificate = c\n",
                     -1);
        g_auto(GStrv) lines = g_strsplit(message, "\n", -1);

        for (gsize i = 0; i < G_N_ELEMENTS(places); i++)
                cr_expect_not_null(strstr(message, places[i]),
                                   "'%s' is not in: %s",
                                   places[i],
                                   message);
        cr_expect_eq(g_strv_length(lines), G_N_ELEMENTS(places), "%s", message);
}

Test(daemon_config, a_file_that_is_no_configuration_does_not_get_a_line_for_each_of_its_lines)
{
        g_auto(AsmConfig) config = { 0 };
        GString *text = g_string_new(NULL);
        g_autofree char *message = NULL;

        for (guint i = 0; i < 5000; i++)
                g_string_append(text, "nonsense\n");
        message = load(&config, text->str, -1);
        cr_expect_not_null(strstr(message, "and 4900 more"), "%s", message);
        g_string_free(text, TRUE);
}

Test(daemon_config, hostile_files_are_refused_and_not_shown)
{
        static const struct {
                const char *content;
                gssize len;
                const char *text;
        } cases[] = {
                { "[node]\nname = a\0b\n", 18, ":2: a NUL byte" },
                { "[node]\nname = \xff\n", -1, ":2: not UTF-8" },
                { "\xef\xbb\xbf[node]\n", -1, ":1: a byte order mark" },
                { "[node]\nTOPSECRET\n", -1, ":2: neither" },
                { "[node]\ncookie = TOPSECRET\n", -1, "cookie_file" },
                { "[peer a@b]\nrights=query\ncookie = TOPSECRET", -1, ":3: [peer a@b] cookie: " },
                { "TOPSECRET = 1\n", -1, ":1: a key before the first [group]" },
                { "[defaults]\nremote_cookie = TOP SECRET\\x\n", -1, ":2: a backslash" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(AsmConfig) config = { 0 };
                g_autofree char *message = load(&config, cases[i].content, cases[i].len);

                cr_assert_not_null(message, "%s", cases[i].content);
                cr_expect_not_null(strstr(message, cases[i].text), "%s", message);
                cr_expect_null(strstr(message, "SECRET"), "%s", message);
        }
}

Test(daemon_config, sizes_of_files_and_lines_are_limited)
{
        static const gsize lens[] = { 65536, 65537, 1024 * 1024, 1024 * 1024 + 1 };
        static const char *const texts[] = { NULL,
                                             "longer than 65536 bytes",
                                             NULL,
                                             "longer than 1 MiB" };

        for (gsize i = 0; i < G_N_ELEMENTS(lens); i++) {
                g_autofree char *content = g_malloc(lens[i]);
                g_auto(AsmConfig) config = { 0 };
                g_autofree char *message = NULL;

                memset(content, '#', lens[i]);
                for (gsize at = 1000; lens[i] > 100000 && at < lens[i]; at += 1000)
                        content[at] = '\n';
                message = load(&config, content, (gssize)lens[i]);
                if (texts[i] == NULL)
                        cr_expect_null(message, "%zu: %s", lens[i], message);
                else
                        cr_expect_not_null(strstr(message, texts[i]), "%s", message);
        }
}

Test(daemon_config, file_that_is_none_is_refused)
{
        static const char *const files[] = { "/nonexistent/asmd.conf", "/", "/dev/zero" };

        for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
                g_auto(AsmConfig) config = { 0 };
                g_auto(AsmConfigReport) report = { 0 };

                read_with(&config,
                          &(AsmConfigInput){ .file = files[i], .environment = no_environment },
                          &report);
                cr_assert_eq(report.mistakes->len, 1, "%s", files[i]);
                cr_expect(g_str_has_prefix(g_ptr_array_index(report.mistakes, 0), files[i]));
        }
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
                       ":2: [defaults] stream_timeout_ms: ");
        expect_refused("[defaults nobody]\n", ":1: [defaults nobody]: ");
}

Test(daemon_config, an_option_that_is_probably_misspelt_is_a_warning)
{
        g_auto(AsmConfig) config = { 0 };
        g_auto(AsmConfigReport) report = { 0 };
        g_autofree char *folder = g_dir_make_tmp("asm-config-XXXXXX", NULL);
        g_autofree char *path = g_build_filename(folder, "a.conf", NULL);

        cr_assert(g_file_set_contents(path,
                                      "[defaults claude]\nmax_turn = 3\nmax_turns = 3\n",
                                      -1,
                                      NULL));
        read_with(&config,
                  &(AsmConfigInput){ .file = path, .environment = no_environment },
                  &report);
        g_unlink(path);
        g_rmdir(folder);
        cr_expect_eq(report.mistakes->len, 0);
        cr_assert_eq(report.warnings->len, 1);
        cr_expect_not_null(
                strstr(g_ptr_array_index(report.warnings, 0), ":2: [defaults claude] max_turn: "));
        cr_expect_not_null(
                strstr(g_ptr_array_index(report.warnings, 0), "did you mean max_turns?"));
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
