/* SPDX-License-Identifier: MIT */
/*
 * asmd.conf(5) and the example of asmd.conf tell all keys, and nothing that asmd does not take.
 */
#include "cli/manual-private.h"

#include "daemon/config-rules.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

TestSuite(manual_config, .timeout = 300);

/* how often @text has the line @line */
static guint
count_lines(const char *text, const char *line)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        guint n = 0;

        for (guint i = 0; lines[i] != NULL; i++)
                n += strcmp(lines[i], line) == 0;
        return n;
}

/* (transfer full): the section of the manual about @group */
static char *
cut_section(const char *page, const char *group)
{
        g_autofree char *heading = g_strdup_printf(".Ss [%s]\n", group);
        const char *begin = strstr(page, heading);
        const char *end;

        cr_assert_not_null(begin, "there is no %s", heading);
        begin += strlen(heading);
        end = strstr(begin, "\n.Ss ");
        cr_assert_not_null(end);
        return g_strndup(begin, (gsize)(end - begin));
}

static char *
make_example(void)
{
        return asm_manual_fill("@config-example@\n", NULL);
}

/* @config: to be cleared */
static void
read_text(AsmConfig *config, const char *text)
{
        g_autofree char *folder = g_dir_make_tmp("asm-manual-XXXXXX", NULL);
        g_autofree char *path = g_build_filename(folder, "asmd.conf", NULL);
        char *nothing[] = { NULL };
        const AsmConfigInput input = { .file = path, .environment = nothing };
        g_auto(AsmConfigReport) report = { 0 };
        g_autofree char *mistakes = NULL;

        asm_config_report_init(&report);
        cr_assert(g_file_set_contents(path, text, -1, NULL));
        asm_config_read(config, &input, &report);
        mistakes = asm_config_report_text(&report);
        cr_expect_str_eq(mistakes, "");
        cr_expect_eq(report.warnings->len, 0);
        g_remove(path);
        g_rmdir(folder);
}

/* whether @config has the default of each key */
static void
expect_defaults(const AsmConfig *config)
{
        g_auto(AsmConfig) untouched = { 0 };
        gsize n;
        const AsmConfigRule *rules = asm_config_rules(&n);

        asm_config_init(&untouched);
        for (gsize i = 0; i < n; i++) {
                g_autofree char *got = asm_config_rule_get(&rules[i], config);
                g_autofree char *expected = asm_config_rule_get(&rules[i], &untouched);

                cr_expect_eq(g_strcmp0(got, expected),
                             0,
                             "[%s] %s: %s, not %s",
                             rules[i].group,
                             rules[i].key,
                             got,
                             expected);
        }
        cr_expect(asm_peers_is_empty(config->peers));
        cr_expect_eq(g_hash_table_size(config->defaults), 0);
}

Test(manual_config, the_manual_has_every_key_in_its_group)
{
        g_autofree char *page = asm_manual_fill("@config@\n.Ss end\n", NULL);
        gsize n;
        const AsmConfigRule *rules = asm_config_rules(&n);

        for (gsize i = 0; i < n; i++) {
                g_autofree char *group = cut_section(page, rules[i].group);
                g_autofree char *item = g_strdup_printf(".It Cm %s", rules[i].key);

                cr_expect_eq(count_lines(group, item), 1, "[%s] %s", rules[i].group, rules[i].key);
        }
}

Test(manual_config, the_example_has_every_key_with_its_default_or_a_sample)
{
        g_autofree char *example = make_example();
        g_auto(AsmConfig) config = { 0 };
        gsize n;
        const AsmConfigRule *rules = asm_config_rules(&n);

        asm_config_init(&config);
        for (gsize i = 0; i < n; i++) {
                const AsmConfigRule *rule = &rules[i];
                g_autofree char *value = asm_config_rule_get(rule, &config);
                g_autofree char *line = NULL;

                cr_assert(value != NULL || (rule->sample != NULL && rule->unset != NULL),
                          "[%s] %s has no default: what holds then, and a sample, are to be told",
                          rule->group,
                          rule->key);
                line = value != NULL ? g_strdup_printf("#%s = %s", rule->key, value)
                                     : g_strdup_printf("#   %s = %s", rule->key, rule->sample);
                cr_expect_geq(count_lines(example, line), 1, "%s", line);
        }
}

Test(manual_config, the_example_changes_nothing)
{
        g_autofree char *example = make_example();
        g_auto(AsmConfig) config = { 0 };

        read_text(&config, example);
        expect_defaults(&config);
}

Test(manual_config, the_example_with_its_defaults_uncommented_gives_the_defaults)
{
        g_autofree char *example = make_example();
        g_auto(GStrv) lines = g_strsplit(example, "\n", -1);
        g_autofree char *text = NULL;
        g_auto(AsmConfig) config = { 0 };
        guint n_keys = 0, n_given = 0;

        for (guint i = 0; lines[i] != NULL; i++) {
                if (lines[i][0] != '#' || !g_ascii_islower(lines[i][1]))
                        continue;
                n_keys++;
                memmove(lines[i], lines[i] + 1, strlen(lines[i]));
        }
        text = g_strjoinv("\n", lines);
        read_text(&config, text);
        expect_defaults(&config);
        for (guint i = 0; i < config.settings->len; i++)
                n_given += ((AsmConfigSetting *)g_ptr_array_index(config.settings, i))->key != NULL;
        cr_expect_gt(n_keys, 20);
        cr_expect_eq(n_given, n_keys);
}

Test(manual_config, each_sample_is_a_value_that_its_key_takes)
{
        gsize n;
        const AsmConfigRule *rules = asm_config_rules(&n);

        for (gsize i = 0; i < n; i++) {
                g_auto(AsmConfig) config = { 0 };

                if (rules[i].sample == NULL || rules[i].type == ASM_CONFIG_PEER)
                        continue;
                asm_config_init(&config);
                cr_expect(asm_config_rule_set(&rules[i], &config, rules[i].sample, "/"),
                          "[%s] %s",
                          rules[i].group,
                          rules[i].key);
        }
}

Test(manual_config, no_line_of_the_example_is_longer_than_80_bytes)
{
        g_autofree char *example = make_example();
        g_auto(GStrv) lines = g_strsplit(example, "\n", -1);

        for (guint i = 0; lines[i] != NULL; i++)
                cr_expect_leq(strlen(lines[i]), 80, "%s", lines[i]);
}
