/* SPDX-License-Identifier: MIT */
/*
 * Where values come from: the places of files in their order, the environment over them, the command
 * line over all, and which of several files is believed.
 */
#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

#include "daemon/config-private.h"

TestSuite(daemon_config_layers, .timeout = 300);

typedef struct {
        char *folder;
        GPtrArray *made;
        GPtrArray *variables;
        AsmConfig config;
        AsmConfigReport report;
} Fixture;

static void
fixture_init(Fixture *f)
{
        f->folder = g_dir_make_tmp("asm-config-XXXXXX", NULL);
        f->made = g_ptr_array_new_with_free_func(g_free);
        f->variables = g_ptr_array_new_with_free_func(g_free);
}

static void
fixture_clear(Fixture *f)
{
        for (guint i = f->made->len; i > 0; i--)
                g_remove(g_ptr_array_index(f->made, i - 1));
        g_rmdir(f->folder);
        g_ptr_array_unref(f->made);
        g_ptr_array_unref(f->variables);
        g_free(f->folder);
        asm_config_clear(&f->config);
        asm_config_report_clear(&f->report);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

/* (transfer none): the path of FOLDER/NAME/asmd/asmd.conf with this content */
static const char *
place(Fixture *f, const char *name, const char *content)
{
        char *one = g_build_filename(f->folder, name, NULL);
        char *two = g_build_filename(one, "asmd", NULL);
        char *path = g_build_filename(two, "asmd.conf", NULL);

        g_mkdir(one, 0700);
        g_mkdir(two, 0700);
        cr_assert(g_file_set_contents(path, content, -1, NULL));
        g_ptr_array_add(f->made, one);
        g_ptr_array_add(f->made, two);
        g_ptr_array_add(f->made, path);
        return path;
}

/* %s is the folder of the fixture */
static void
set_variable(Fixture *f, const char *name, const char *format)
{
        g_auto(GStrv) parts = g_strsplit(format, "%s", -1);
        g_autofree char *value = g_strjoinv(f->folder, parts);

        g_ptr_array_add(f->variables, g_strconcat(name, "=", value, NULL));
}

static void
read_all(Fixture *f, const char *file, const char *system_file, const AsmConfigOption *options)
{
        AsmConfigInput input = { .file = file,
                                 .system_file = system_file != NULL ? system_file
                                                                    : "/nonexistent/asmd.conf",
                                 .options = options };

        g_ptr_array_add(f->variables, NULL);
        input.environment = (char **)f->variables->pdata;
        asm_config_report_init(&f->report);
        asm_config_read(&f->config, &input, &f->report);
}

static void
expect_good(Fixture *f)
{
        g_autofree char *text = asm_config_report_text(&f->report);

        cr_expect_str_eq(text, "");
}

Test(daemon_config_layers, later_places_override_earlier_ones_key_by_key)
{
        g_auto(Fixture) f = { 0 };
        const char *system_file, *second, *first, *user;
        const AsmConfigSetting *setting;

        fixture_init(&f);
        system_file = place(
                &f,
                "system",
                "[limits]\nmax_runs = 1\nmax_sessions = 1\nmax_result = 100001\nmax_approvals = 1\n"
                "[peer a@b]\nrights = query\n[defaults]\nmodel = one\nmax_turns = 1\n");
        second = place(&f,
                       "second",
                       "[limits]\nmax_runs = 2\nmax_sessions = 2\nmax_result = 100002\n");
        first = place(&f, "first", "[limits]\nmax_runs = 3\nmax_sessions = 3\n");
        user = place(&f,
                     "user",
                     "[limits]\nmax_runs = 4\n[peer c@d]\nrights = control\n"
                     "[peer a@b]\nrights = none\n[defaults]\nmodel = two\n");
        set_variable(&f, "XDG_CONFIG_DIRS", "%s/first:relative:%s/second");
        set_variable(&f, "XDG_CONFIG_HOME", "%s/user");
        set_variable(&f, "HOME", "/nonexistent");
        read_all(&f, NULL, system_file, NULL);
        expect_good(&f);
        cr_expect_eq(f.config.limits.max_runs, 4);
        cr_expect_eq(f.config.limits.max_sessions, 3);
        cr_expect_eq(f.config.limits.max_result, 100002);
        cr_expect_eq(f.config.limits.max_approvals, 1);
        cr_expect_eq(asm_peers_get_rights(f.config.peers, "a@b"), 0);
        cr_expect_neq(asm_peers_get_rights(f.config.peers, "c@d"), 0);
        setting = asm_config_find(&f.config, "limits", "max_sessions");
        cr_expect_str_eq(setting->origin.where, first);
        cr_expect_eq(setting->origin.line, 3);
        setting = asm_config_find(&f.config, "defaults", "model");
        cr_expect_str_eq(setting->value, "two");
        cr_expect_str_eq(setting->origin.where, user);
        cr_expect_str_eq(asm_config_find(&f.config, "defaults", "max_turns")->origin.where,
                         system_file);
        cr_assert_eq(f.config.files->len, 4);
        cr_expect_str_eq(g_ptr_array_index(f.config.files, 0), system_file);
        cr_expect_str_eq(g_ptr_array_index(f.config.files, 1), second);
        cr_expect_str_eq(g_ptr_array_index(f.config.files, 3), user);
}

Test(daemon_config_layers, places_come_from_the_environment)
{
        static const struct {
                const char *environment[4];
                const char *places; /* joined by blanks */
        } cases[] = {
                { { NULL }, "/s /etc/xdg/asmd/asmd.conf" },
                { { "HOME=/h" }, "/s /etc/xdg/asmd/asmd.conf /h/.config/asmd/asmd.conf" },
                { { "HOME=/h", "XDG_CONFIG_HOME=" },
                  "/s /etc/xdg/asmd/asmd.conf /h/.config/asmd/asmd.conf" },
                { { "HOME=/h", "XDG_CONFIG_HOME=/x", "XDG_CONFIG_DIRS=/a:/b" },
                  "/s /b/asmd/asmd.conf /a/asmd/asmd.conf /x/asmd/asmd.conf" },
                { { "XDG_CONFIG_HOME=relative", "XDG_CONFIG_DIRS=:::x" }, "/s" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GPtrArray) places =
                        asm_config_places((char **)cases[i].environment, "/s");
                g_autofree char *joined = NULL;

                g_ptr_array_add(places, NULL);
                joined = g_strjoinv(" ", (char **)places->pdata);
                cr_expect_str_eq(joined, cases[i].places);
        }
}

Test(daemon_config_layers, a_file_that_is_named_is_the_only_one)
{
        g_auto(Fixture) f = { 0 };
        const char *one, *other;

        fixture_init(&f);
        place(&f, "user", "[limits]\nmax_runs = 1\nmax_sessions = 1\n");
        one = place(&f, "one", "[limits]\nmax_runs = 2\n");
        other = place(&f, "other", "[limits]\nmax_runs = 3\n");
        set_variable(&f, "XDG_CONFIG_HOME", "%s/user");
        g_ptr_array_add(f.variables, g_strconcat("ASMD_CONFIG=", one, NULL));
        read_all(&f, NULL, NULL, NULL);
        cr_expect_eq(f.config.limits.max_runs, 2);
        cr_expect_eq(f.config.limits.max_sessions, 100000);
        g_ptr_array_remove_index(f.variables, f.variables->len - 1);
        asm_config_clear(&f.config);
        asm_config_report_clear(&f.report);
        read_all(&f, other, NULL, NULL);
        cr_expect_eq(f.config.limits.max_runs, 3);
        cr_assert_eq(f.config.files->len, 1);
}

Test(daemon_config_layers, the_environment_wins_over_files_and_the_command_line_over_both)
{
        static const AsmConfigOption options[] = { { "node", "listen", "10.0.0.3", "--listen" },
                                                   { NULL } };
        g_auto(Fixture) f = { 0 };
        const char *file;

        fixture_init(&f);
        file = place(&f,
                     "one",
                     "[node]\nlisten = 10.0.0.1\nname = file\n[limits]\nmax_runs = 1\nmax_sessions "
                     "= 1\n");
        set_variable(&f, "ASMD_NODE_LISTEN", "10.0.0.2");
        set_variable(&f, "ASMD_LIMITS_MAX_RUNS", " 7 ");
        set_variable(&f, "ASMD_LIMITS_MAX_SESSIONS", "");
        set_variable(&f, "ASMD_KIT_PATH", "/kits");
        read_all(&f, file, NULL, options);
        expect_good(&f);
        cr_expect_eq(f.report.warnings->len, 0);
        cr_expect_str_eq(f.config.listen, "10.0.0.3");
        cr_expect_str_eq(f.config.name, "file");
        cr_expect_eq(f.config.limits.max_runs, 7);
        cr_expect_eq(f.config.limits.max_sessions, 1);
        cr_expect_str_eq(f.config.kit_path, "/kits");
        cr_expect_eq(asm_config_find(&f.config, "node", "listen")->origin.kind, ASM_ORIGIN_OPTION);
        cr_expect_str_eq(asm_config_find(&f.config, "limits", "max_runs")->origin.where,
                         "ASMD_LIMITS_MAX_RUNS");
}

Test(daemon_config_layers, bad_values_name_the_variable_or_the_option)
{
        static const AsmConfigOption options[] = { { "node", "listen", "here", "--listen" },
                                                   { NULL } };
        g_auto(Fixture) f = { 0 };
        g_autofree char *text = NULL;

        fixture_init(&f);
        set_variable(&f, "ASMD_LIMITS_MAX_RUNS", "many");
        set_variable(&f, "ASMD_LIMITS_MAX_RUN", "5");
        set_variable(&f, "ASMD_PORT_4369_TCP", "tcp://10.0.0.1:4369");
        set_variable(&f, "ASMD_NODE", "asmd@here");
        read_all(&f, "/dev/null", NULL, options);
        text = asm_config_report_text(&f.report);
        cr_expect_str_eq(
                text,
                "ASMD_LIMITS_MAX_RUNS: 'many' is not valid, expected a number from 1 to 10000000\n"
                "--listen: 'here' is not valid, expected an IPv4 address, or ADDRESS:PORT");
        cr_assert_eq(f.report.warnings->len, 2);
        cr_expect_not_null(strstr(g_ptr_array_index(f.report.warnings, 0),
                                  "did you mean ASMD_LIMITS_MAX_RUNS?"));
        cr_expect_not_null(strstr(g_ptr_array_index(f.report.warnings, 1), "ASMD_PORT_4369_TCP: "));
}

Test(daemon_config_layers, every_key_but_those_of_peers_has_a_variable_of_its_own)
{
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        gsize n;
        const AsmConfigRule *rules = asm_config_rules(&n);

        for (gsize i = 0; i < n; i++) {
                char *variable = asm_config_rule_variable(&rules[i]);

                cr_expect_eq(variable == NULL, rules[i].type == ASM_CONFIG_PEER);
                if (variable == NULL)
                        continue;
                cr_expect(strcmp(variable, "ASMD_NODE") != 0 &&
                          strcmp(variable, "ASMD_CONFIG") != 0);
                cr_expect(g_hash_table_add(seen, variable), "%s/%s", rules[i].group, rules[i].key);
        }
}

Test(daemon_config_layers, files_are_relative_to_where_they_are_named)
{
        g_auto(Fixture) f = { 0 };
        g_autofree char *cookie = NULL, *key = NULL;
        const char *file;

        fixture_init(&f);
        file = place(&f,
                     "one",
                     "[node]\ncookie_file = "
                     "../cookie\n[tls]\ncertificate=/c\nauthorities=/a\nprivate_key = ~/key\n");
        cookie = g_build_filename(f.folder, "one", "cookie", NULL);
        key = g_build_filename(g_get_home_dir(), "key", NULL);
        read_all(&f, file, NULL, NULL);
        expect_good(&f);
        cr_expect_str_eq(f.config.cookie_file, cookie);
        cr_expect_str_eq(f.config.tls.private_key, key);
}

Test(daemon_config_layers, what_everybody_may_write_or_read_is_told_where_it_matters)
{
        g_auto(Fixture) f = { 0 };
        g_autofree char *text = NULL;
        const char *file;

        fixture_init(&f);
        file = place(&f, "user", "[defaults]\nremote_cookie = TOPSECRET\n");
        set_variable(&f, "XDG_CONFIG_HOME", "%s/user");
        g_chmod(file, 0604);
        read_all(&f, NULL, NULL, NULL);
        text = asm_config_report_text(&f.report);
        cr_expect_not_null(strstr(text, ":2: [defaults] remote_cookie: is a secret"), "%s", text);
        cr_expect_null(strstr(text, "TOPSECRET"), "%s", text);
        g_chmod(file, 0602);
        g_ptr_array_remove_index(f.variables, f.variables->len - 1);
        asm_config_clear(&f.config);
        asm_config_report_clear(&f.report);
        g_free(text);
        read_all(&f, NULL, NULL, NULL);
        text = asm_config_report_text(&f.report);
        cr_expect_not_null(strstr(text, "everybody may write to it"), "%s", text);
        g_ptr_array_remove_index(f.variables, f.variables->len - 1);
        asm_config_clear(&f.config);
        asm_config_report_clear(&f.report);
        g_chmod(file, 0600);
        g_free(text);
        read_all(&f, NULL, NULL, NULL);
        text = asm_config_report_text(&f.report);
        cr_expect_str_eq(text, "");
}
