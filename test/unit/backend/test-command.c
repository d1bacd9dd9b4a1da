/* SPDX-License-Identifier: MIT */
/* From a spec to what is executed: where the CLI is found, what its environment is, what is refused. */
#include "backend/command-private.h"

#include "cli-script.h"
#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

TestSuite(command, .timeout = 300);

typedef struct {
        CliDir dir;
        AsmBuilder options;
        AsmBackendSpec spec;
        AsmCommand command;
        AsmFailure *failure;
} Case;

static void
case_init(Case *test)
{
        *test = (Case){ 0 };
        cli_dir_init(&test->dir);
        test->spec.provider = asm_provider_find("codex", NULL);
        test->spec.prompt = "hello";
        asm_builder_nil(&test->options);
        test->spec.options = asm_builder_peek(&test->options);
}

static void
case_clear(Case *test)
{
        asm_failure_free(test->failure);
        asm_command_clear(&test->command);
        asm_builder_clear(&test->options);
        cli_dir_clear(&test->dir);
}

static void
make(Case *test, const char *const *inherited)
{
        g_clear_pointer(&test->failure, asm_failure_free);
        asm_command_clear(&test->command);
        test->failure = asm_command_init(&test->command, &test->spec, inherited);
}

static void
expect_failure(const Case *test, AsmFailureKind kind, const char *part)
{
        cr_assert_not_null(test->failure, "no failure, expected: %s", part);
        cr_expect_eq(test->failure->kind, kind, "%s", test->failure->message);
        cr_expect_not_null(strstr(test->failure->message, part),
                           "'%s' is not in: %s",
                           part,
                           test->failure->message);
        cr_expect_str_eq(test->failure->provider, "codex");
        cr_expect_null(test->command.path);
}

/* a run with a schema of `x` */
static void
add_schema(Case *test)
{
        asm_builder_reset(&test->options);
        asm_builder_map(&test->options, 1);
        asm_builder_atom(&test->options, "output_schema");
        asm_builder_map(&test->options, 1);
        asm_builder_text(&test->options, "x");
        asm_builder_int(&test->options, 1);
        test->spec.options = asm_builder_peek(&test->options);
}

Test(command, a_schema_is_in_a_private_file_as_long_as_the_command_is)
{
        Case test;
        g_autofree char *cli = NULL, *text = NULL, *file = NULL;
        GStatBuf info;

        case_init(&test);
        test.spec.cli_path = cli = cli_script(&test.dir, "codex", "");
        g_setenv("XDG_RUNTIME_DIR", test.dir.path, TRUE);
        add_schema(&test);
        make(&test, (const char *[]){ NULL });

        cr_assert_null(test.failure);
        cr_assert_str_eq(test.command.argv[3], "--output-schema");
        file = g_strdup(test.command.argv[4]);
        cr_assert(g_str_has_prefix(file, test.dir.path), "%s", file);
        cr_assert(g_file_get_contents(file, &text, NULL, NULL));
        cr_expect_str_eq(text, "{\"x\":1}");
        cr_assert_eq(g_stat(file, &info), 0);
        cr_expect_eq(info.st_mode & 07777, 0600);
        asm_command_clear(&test.command);
        cr_expect_not(g_file_test(file, G_FILE_TEST_EXISTS));
        case_clear(&test);
}

Test(command, no_file_is_left_by_a_start_that_fails_or_by_the_end_of_the_program)
{
        Case test;
        g_autofree char *cli = NULL, *file = NULL;
        g_autoptr(GDir) dir = NULL;

        case_init(&test);
        test.spec.cli_path = cli = cli_script(&test.dir, "codex", "");
        g_setenv("XDG_RUNTIME_DIR", test.dir.path, TRUE);
        add_schema(&test);
        test.spec.prompt = "";
        make(&test, (const char *[]){ NULL });
        expect_failure(&test, ASM_FAILURE_CONFIG_INVALID, "the prompt");
        dir = g_dir_open(test.dir.path, 0, NULL);
        cr_expect_str_eq(g_dir_read_name(dir), "codex");
        cr_expect_null(g_dir_read_name(dir));
        test.spec.prompt = "hi";
        make(&test, (const char *[]){ NULL });
        file = g_strdup(test.command.argv[4]);
        cr_assert(g_file_test(file, G_FILE_TEST_EXISTS));
        asm_backend_local_kill_all();
        cr_expect_not(g_file_test(file, G_FILE_TEST_EXISTS));
        case_clear(&test);
}

Test(command, a_file_that_cannot_be_written_is_the_failure)
{
        Case test;
        g_autofree char *cli = NULL;

        case_init(&test);
        test.spec.cli_path = cli = cli_script(&test.dir, "codex", "");
        g_setenv("XDG_RUNTIME_DIR", "/proc/self", TRUE);
        add_schema(&test);
        make(&test, (const char *[]){ NULL });
        expect_failure(&test, ASM_FAILURE_TRANSPORT_ERROR, "'/proc/self'");
        case_clear(&test);
}

Test(command, cli_path_wins_over_the_variable_and_that_over_path)
{
        Case test;
        g_autofree char *in_path = NULL, *by_variable = NULL, *by_option = NULL;
        g_autofree char *path = NULL, *variable = NULL;

        case_init(&test);
        in_path = cli_script(&test.dir, "codex", "");
        by_variable = cli_script(&test.dir, "other", "");
        by_option = cli_script(&test.dir, "third", "");
        path = g_strdup_printf("PATH=relative:/nowhere:%s", test.dir.path);
        variable = g_strdup_printf("CODEX_PATH=%s", by_variable);

        make(&test, (const char *[]){ path, NULL });
        cr_assert_str_eq(test.command.path, in_path);
        make(&test, (const char *[]){ path, "CODEX_PATH=", NULL });
        cr_assert_str_eq(test.command.path, in_path);
        make(&test, (const char *[]){ path, variable, NULL });
        cr_assert_str_eq(test.command.path, by_variable);
        make(&test, (const char *[]){ path, "CODEX_PATH=third", NULL });
        cr_assert_str_eq(test.command.path, by_option);
        test.spec.cli_path = "other";
        make(&test, (const char *[]){ path, NULL });
        cr_assert_str_eq(test.command.path, by_variable);
        test.spec.cli_path = by_option;
        make(&test, (const char *[]){ path, variable, NULL });
        cr_assert_str_eq(test.command.path, by_option);
        cr_assert_str_eq(test.command.argv[0], by_option);
        cr_assert_str_eq(test.command.argv[1], "exec");
        test.spec.cli_path = "./third";
        test.spec.cwd = test.dir.path;
        make(&test, (const char *[]){ NULL });
        cr_assert_null(test.failure, "a relative path counts from cwd");
        case_clear(&test);
}

Test(command, what_is_not_there_is_named_with_how_to_set_it)
{
        Case test;
        g_autofree char *text = NULL, *empty = NULL;

        case_init(&test);
        text = g_build_filename(test.dir.path, "text", NULL);
        cr_assert(g_file_set_contents(text, "x", 1, NULL));
        empty = g_strdup_printf("PATH=%s", test.dir.path);

        make(&test, (const char *[]){ empty, NULL });
        expect_failure(&test, ASM_FAILURE_CLI_NOT_FOUND, "no 'codex' in PATH");
        expect_failure(&test, ASM_FAILURE_CLI_NOT_FOUND, "cli_path");
        expect_failure(&test, ASM_FAILURE_CLI_NOT_FOUND, "CODEX_PATH");
        make(&test, (const char *[]){ "CODEX_PATH=/no/such", NULL });
        expect_failure(&test, ASM_FAILURE_CLI_NOT_FOUND, "variable CODEX_PATH is '/no/such'");
        expect_failure(&test, ASM_FAILURE_CLI_NOT_FOUND, "does not exist");
        test.spec.cli_path = "nothing\nlike\033that";
        make(&test, (const char *[]){ empty, NULL });
        expect_failure(&test,
                       ASM_FAILURE_CLI_NOT_FOUND,
                       "option cli_path is 'nothing\\nlike\\033that', which is not in PATH");
        test.spec.cli_path = text;
        make(&test, (const char *[]){ empty, NULL });
        expect_failure(&test, ASM_FAILURE_CLI_NOT_FOUND, "not an executable file");
        test.spec.cli_path = test.dir.path;
        make(&test, (const char *[]){ empty, NULL });
        expect_failure(&test, ASM_FAILURE_CLI_NOT_FOUND, "not an executable file");
        test.spec.cwd = "/no/such";
        make(&test, (const char *[]){ empty, NULL });
        expect_failure(&test, ASM_FAILURE_CONFIG_INVALID, "cwd: '/no/such' is not a directory");
        test.spec.cwd = text;
        make(&test, (const char *[]){ empty, NULL });
        expect_failure(&test, ASM_FAILURE_CONFIG_INVALID, "is not a directory");
        case_clear(&test);
}

/* {env, Value} */
static void
set_env(Case *test, void (*put)(AsmBuilder *builder), const char *clear)
{
        asm_builder_clear(&test->options);
        asm_builder_list(&test->options, clear != NULL ? 2 : 1);
        asm_builder_tuple(&test->options, 2);
        asm_builder_atom(&test->options, "env");
        put(&test->options);
        if (clear != NULL) {
                asm_builder_tuple(&test->options, 2);
                asm_builder_atom(&test->options, "clear_env?");
                asm_builder_atom(&test->options, clear);
        }
        asm_builder_nil(&test->options);
        test->spec.options = asm_builder_peek(&test->options);
}

static void
put_map(AsmBuilder *builder)
{
        asm_builder_map(builder, 4);
        asm_builder_text(builder, "NEW");
        asm_builder_text(builder, "1");
        asm_builder_atom(builder, "NUMBER");
        asm_builder_int(builder, 42);
        asm_builder_text(builder, "OLD");
        asm_builder_text(builder, "changed");
        asm_builder_text(builder, "GONE");
        asm_builder_nil_atom(builder);
}

/* as erlang:open_port/2 takes it */
static void
put_charlists(AsmBuilder *builder)
{
        asm_builder_list(builder, 2);
        asm_builder_tuple(builder, 2);
        asm_builder_charlist(builder, "NEW");
        asm_builder_charlist(builder, "1");
        asm_builder_tuple(builder, 2);
        asm_builder_charlist(builder, "GONE");
        asm_builder_atom(builder, "false");
        asm_builder_nil(builder);
}

static void
put_atom(AsmBuilder *builder)
{
        asm_builder_atom(builder, "path");
}

static void
put_nul(AsmBuilder *builder)
{
        asm_builder_map(builder, 1);
        asm_builder_text(builder, "SECRET");
        asm_builder_binary(builder, "to\0ken", 6);
}

static void
put_equals(AsmBuilder *builder)
{
        asm_builder_map(builder, 1);
        asm_builder_text(builder, "A=B");
        asm_builder_text(builder, "1");
}

static void
put_many(AsmBuilder *builder)
{
        asm_builder_map(builder, 1025);
        for (guint i = 0; i < 1025; i++) {
                asm_builder_text_printf(builder, "V%u", i);
                asm_builder_text(builder, "x");
        }
}

static char *
join_env(const Case *test)
{
        cr_assert_null(test->failure, "%s", test->failure != NULL ? test->failure->message : "");
        return g_strjoinv(" ", test->command.envp);
}

Test(command, env_changes_what_is_inherited_and_clear_env_starts_from_nothing)
{
        Case test;
        g_autofree char *cli = NULL, *mapped = NULL, *listed = NULL, *cleared = NULL;
        const char *inherited[] = { "OLD=old", "GONE=here", "KEPT=yes", NULL };

        case_init(&test);
        test.spec.cli_path = cli = cli_script(&test.dir, "codex", "");

        set_env(&test, put_map, "false");
        make(&test, inherited);
        mapped = join_env(&test);
        set_env(&test, put_charlists, NULL);
        make(&test, inherited);
        listed = join_env(&test);
        set_env(&test, put_charlists, "true");
        make(&test, inherited);
        cleared = join_env(&test);

        cr_expect_str_eq(mapped, "OLD=changed KEPT=yes NEW=1 NUMBER=42");
        cr_expect_str_eq(listed, "OLD=old KEPT=yes NEW=1");
        cr_expect_str_eq(cleared, "NEW=1");
        case_clear(&test);
}

Test(command, an_environment_that_cannot_be_is_refused_without_telling_its_values)
{
        static const struct {
                void (*put)(AsmBuilder *builder);
                const char *clear;
                const char *message;
        } cases[] = {
                { put_atom, NULL, "env: expected a map or a keyword list" },
                { put_nul, NULL, "env: the value of 'SECRET' is not valid" },
                { put_equals, NULL, "env: <<\"A=B\">> is not a variable's name" },
                { put_many, NULL, "env: 1025 variables, the limit is 1024" },
                { put_map, "maybe", "clear_env?: 'maybe' is not valid" },
        };
        Case test;
        g_autofree char *cli = NULL;

        case_init(&test);
        test.spec.cli_path = cli = cli_script(&test.dir, "codex", "");
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                set_env(&test, cases[i].put, cases[i].clear);
                make(&test, (const char *[]){ NULL });
                expect_failure(&test, ASM_FAILURE_CONFIG_INVALID, cases[i].message);
                cr_expect_null(strstr(test.failure->message, "ken"));
        }
        case_clear(&test);
}

Test(command, an_option_that_the_provider_refuses_is_config_invalid_with_its_words)
{
        Case test;
        g_autofree char *cli = NULL;

        case_init(&test);
        test.spec.cli_path = cli = cli_script(&test.dir, "codex", "");
        test.spec.prompt = "";

        make(&test, (const char *[]){ NULL });
        expect_failure(&test, ASM_FAILURE_CONFIG_INVALID, "prompt");
        case_clear(&test);
}

Test(command, cursor_is_told_its_directory_as_an_option)
{
        Case test;
        g_autofree char *cli = NULL, *args = NULL, *expected = NULL;

        case_init(&test);
        test.spec.provider = asm_provider_find("cursor", NULL);
        test.spec.cli_path = cli = cli_script(&test.dir, "agent", "");
        test.spec.cwd = test.dir.path;

        make(&test, (const char *[]){ NULL });
        cr_assert_null(test.failure);
        args = g_strjoinv(" ", test.command.argv);
        expected = g_strdup_printf("--workspace %s", test.dir.path);
        cr_assert_not_null(strstr(args, expected), "%s", args);
        case_clear(&test);
}
