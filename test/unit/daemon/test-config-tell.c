/* SPDX-License-Identifier: MIT */
/*
 * What a daemon tells of its configuration: each value with its origin, what is in force after it was
 * read again, and no secret.
 */
#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

#include "daemon/config-private.h"
#include "term/json.h"
#include "term/reader.h"

TestSuite(daemon_config_tell, .timeout = 300);

typedef struct {
        char *folder;
        char *path;
        AsmConfig started;
        AsmConfig latest;
} Fixture;

static void
read_text(const char *path, const char *text, AsmConfig *config)
{
        static const AsmConfigOption options[] = { { "node", "listen", "127.0.0.2", "--listen" },
                                                   { NULL } };
        char variable[] = "ASMD_LIMITS_MAX_SESSIONS=7";
        char *environment[] = { variable, NULL };
        const AsmConfigInput input = { .file = path,
                                       .options = options,
                                       .environment = environment };
        g_auto(AsmConfigReport) report = { 0 };
        g_autofree char *mistakes = NULL;

        asm_config_report_init(&report);
        cr_assert(g_file_set_contents(path, text, -1, NULL));
        g_chmod(path, 0600);
        asm_config_read(config, &input, &report);
        mistakes = asm_config_report_text(&report);
        cr_assert_str_eq(mistakes, "");
}

static void
fixture_init(Fixture *f, const char *started, const char *latest)
{
        f->folder = g_dir_make_tmp("asm-config-XXXXXX", NULL);
        f->path = g_build_filename(f->folder, "asmd.conf", NULL);
        read_text(f->path, started, &f->started);
        read_text(f->path, latest, &f->latest);
}

static void
fixture_clear(Fixture *f)
{
        g_remove(f->path);
        g_rmdir(f->folder);
        g_free(f->path);
        g_free(f->folder);
        asm_config_clear(&f->started);
        asm_config_clear(&f->latest);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static AsmTerm *
tell(const Fixture *f)
{
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;

        asm_config_tell(&out, &f->started, &f->latest);
        return asm_builder_end(&out);
}

/* (transfer full): how often @needle, in which FILE stands for the file, is in all that is told */
static gboolean
is_told(const Fixture *f, const char *needle)
{
        g_autoptr(AsmTerm) term = tell(f);
        g_autofree char *text = asm_view_to_json_text(asm_term_view(term));
        g_auto(GStrv) parts = g_strsplit(text, f->path, -1);
        g_autofree char *shown = g_strjoinv("FILE", parts);

        return strstr(shown, needle) != NULL;
}

#define EXPECT_TOLD(f, needle) cr_expect(is_told((f), (needle)), "%s", (needle))

#define NOWHERE "\"where\":null,\"line\":null"

Test(daemon_config_tell, each_value_has_its_type_and_its_origin)
{
        static const char *const text = "[limits]\nmax_runs = 4\nmax_sessions = 5\n\n"
                                        "[host]\nheadless_timeout_ms = 0\n"
                                        "[node]\nstart_epmd = false\nlisten = 127.0.0.3\n";
        g_auto(Fixture) f = { 0 };

        fixture_init(&f, text, text);
        EXPECT_TOLD(&f, "{\"files\":[\"FILE\"],\"settings\":[{");
        EXPECT_TOLD(&f,
                    "{\"group\":\"limits\",\"key\":\"max_runs\",\"value\":4,\"origin\":\"file\","
                    "\"where\":\"FILE\",\"line\":2,\"pending\":null}");
        EXPECT_TOLD(&f,
                    "{\"group\":\"limits\",\"key\":\"max_sessions\",\"value\":7,"
                    "\"origin\":\"environment\",\"where\":\"ASMD_LIMITS_MAX_SESSIONS\","
                    "\"line\":null,\"pending\":null}");
        EXPECT_TOLD(&f,
                    "{\"group\":\"node\",\"key\":\"listen\",\"value\":\"127.0.0.2\","
                    "\"origin\":\"option\",\"where\":\"--listen\",\"line\":null,\"pending\":null}");
        EXPECT_TOLD(
                &f,
                "{\"group\":\"node\",\"key\":\"start_epmd\",\"value\":false,\"origin\":\"file\","
                "\"where\":\"FILE\",\"line\":8,\"pending\":null}");
        EXPECT_TOLD(&f,
                    "{\"group\":\"host\",\"key\":\"headless_timeout_ms\",\"value\":0,"
                    "\"origin\":\"file\"");
        EXPECT_TOLD(&f,
                    "{\"group\":\"node\",\"key\":\"name\",\"value\":\"asmd\","
                    "\"origin\":\"default\"," NOWHERE ",\"pending\":null}");
        EXPECT_TOLD(&f,
                    "{\"group\":\"node\",\"key\":\"cookie_file\",\"value\":null,"
                    "\"origin\":\"default\"," NOWHERE ",\"pending\":null}");
}

Test(daemon_config_tell, every_key_of_the_table_is_told)
{
        g_auto(Fixture) f = { 0 };
        gsize n;
        const AsmConfigRule *rules = asm_config_rules(&n);

        fixture_init(&f, "", "");
        for (gsize i = 0; i < n; i++) {
                g_autofree char *pair = g_strdup_printf("{\"group\":\"%s\",\"key\":\"%s\",",
                                                        rules[i].group,
                                                        rules[i].key);

                if (rules[i].type != ASM_CONFIG_PEER)
                        EXPECT_TOLD(&f, pair);
        }
}

Test(daemon_config_tell, what_a_running_daemon_does_not_take_over_is_pending)
{
        g_auto(Fixture) f = { 0 };

        fixture_init(
                &f,
                "[node]\nnet_ticktime = 50\n[limits]\nmax_runs = 4\nmax_frame = 100000\n",
                "# a line more\n[limits]\nmax_runs = 5\nmax_frame = 100000\nhigh_water = 70000\n");
        EXPECT_TOLD(&f,
                    "\"key\":\"net_ticktime\",\"value\":50,\"origin\":\"file\",\"where\":\"FILE\","
                    "\"line\":2,\"pending\":{\"value\":60,\"origin\":\"default\"," NOWHERE "}}");
        EXPECT_TOLD(&f,
                    "\"key\":\"high_water\",\"value\":4194304,\"origin\":\"default\"," NOWHERE
                    ",\"pending\":{\"value\":70000,\"origin\":\"file\",\"where\":\"FILE\","
                    "\"line\":5}}");
        EXPECT_TOLD(&f,
                    "\"key\":\"max_runs\",\"value\":5,\"origin\":\"file\",\"where\":\"FILE\","
                    "\"line\":3,\"pending\":null}");
        EXPECT_TOLD(&f,
                    "\"key\":\"max_frame\",\"value\":100000,\"origin\":\"file\",\"where\":\"FILE\","
                    "\"line\":4,\"pending\":null}");
}

Test(daemon_config_tell, peers_and_defaults_are_told_as_they_were_given)
{
        static const char *const text = "[defaults]\nrun_deadline_ms = 1000\nmodel = one\n"
                                        "[peer a@*]\nrights = query\n"
                                        "[defaults codex]\nmodel = two\n";
        g_auto(Fixture) f = { 0 };

        fixture_init(&f, "[defaults]\nmodel = before\n[peer b@*]\nrights = none\n", text);
        EXPECT_TOLD(&f, "{\"group\":\"peer a@*\",\"key\":\"rights\",\"value\":\"query\",");
        EXPECT_TOLD(&f, "{\"group\":\"defaults\",\"key\":\"run_deadline_ms\",\"value\":1000,");
        EXPECT_TOLD(&f, "{\"group\":\"defaults codex\",\"key\":\"model\",\"value\":\"two\",");
        cr_expect_not(is_told(&f, "before"));
        cr_expect_not(is_told(&f, "b@*"));
}

Test(daemon_config_tell, no_secret_is_told)
{
        static const struct {
                const char *key;
                gboolean is_secret;
        } cases[] = {
                { "remote_cookie", TRUE },     { "x_api_key", TRUE },
                { "ANTHROPIC_API_KEY", TRUE }, { "github_token", TRUE },
                { "DbPassword", TRUE },        { "passphrase", TRUE },
                { "client-secret", TRUE },     { "private_key", TRUE },
                { "credentials", TRUE },       { "max_tokens", FALSE },
                { "system_prompt", FALSE },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Fixture) f = { 0 };
                g_autofree char *text =
                        g_strdup_printf("[defaults codex]\n%s = 73510\n", cases[i].key);

                fixture_init(&f, text, text);
                cr_expect_eq(is_told(&f, "73510"), !cases[i].is_secret, "%s", cases[i].key);
                cr_expect_eq(is_told(&f, "\"********\""), cases[i].is_secret, "%s", cases[i].key);
                EXPECT_TOLD(&f, cases[i].key);
        }
}
