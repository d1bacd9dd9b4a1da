/* SPDX-License-Identifier: MIT */
#include "provider/provider.h"

#include "term/builder.h"
#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>

TestSuite(arguments, .timeout = 300);

/* options under construction: a keyword list or, with binary keys, a map */
typedef struct {
        AsmBuilder pairs;
        guint n;
        gboolean is_map;
} Options;

static AsmBuilder *
add(Options *options, const char *key)
{
        if (options->is_map) {
                asm_builder_text(&options->pairs, key);
        } else {
                asm_builder_tuple(&options->pairs, 2);
                asm_builder_atom(&options->pairs, key);
        }
        options->n++;
        return &options->pairs;
}

/* whether whoever starts the CLI answers its approvals */
static gboolean answers_approvals;

/* (transfer full): the arguments joined by "|", or "! message" */
static char *
build(const char *provider, const char *prompt, Options *options)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        g_autoptr(GError) error = NULL;
        AsmProviderLaunch launch = { .prompt = prompt, .answers_approvals = answers_approvals };
        g_auto(GStrv) args = NULL;

        if (options->is_map) {
                asm_builder_map(&builder, options->n);
        } else {
                asm_builder_list(&builder, options->n);
        }
        asm_builder_raw(&builder, options->pairs.data, options->pairs.len);
        if (!options->is_map)
                asm_builder_nil(&builder);
        asm_builder_clear(&options->pairs);
        launch.options = asm_builder_peek(&builder);
        args = asm_provider_find(provider, NULL)->build_args(&launch, &error);
        cr_assert_neq(args == NULL, error == NULL);
        if (args != NULL)
                return g_strjoinv("|", args);
        cr_expect(g_error_matches(error, ASM_PROVIDER_ERROR, ASM_PROVIDER_ERROR_OPTION));
        return g_strdup_printf("! %s", error->message);
}

static void
expect(const char *provider, const char *prompt, Options options, const char *expected)
{
        g_autofree char *args = build(provider, prompt, &options);

        cr_expect_str_eq(args, expected, "%s: %s\n%s", provider, args, expected);
}

/* one option whose value is an atom */
static void
expect_atom(const char *provider, const char *key, const char *value, const char *expected)
{
        Options options = { 0 };

        asm_builder_atom(add(&options, key), value);
        expect(provider, "hi", options, expected);
}

static void
expect_text(const char *provider, const char *key, const char *value, const char *expected)
{
        Options options = { 0 };

        asm_builder_text(add(&options, key), value);
        expect(provider, "hi", options, expected);
}

Test(arguments, without_options_there_are_the_fixed_ones_and_the_prompt)
{
        Options none = { 0 };

        /* codex, claude and amp as an ASM node starts them (recorded) */
        expect("codex", "hello", none, "exec|--json|hello");
        expect("claude",
               "hello",
               none,
               "--output-format|stream-json|--verbose|--print|--permission-mode|default|hello");
        expect("amp", "hello", none, "--execute|hello|--stream-json|--no-ide|--no-notifications");
        expect("cursor",
               "hello",
               none,
               "-p|--trust|--output-format|stream-json|--stream-partial-output|hello");
        expect("antigravity", "hello", none, "--print|hello");
}

Test(arguments, a_prompt_that_begins_with_a_dash_is_not_read_as_an_option)
{
        Options none = { 0 };

        expect("codex", "--help", none, "exec|--json|--|--help");
        expect("codex", "-", none, "exec|--json|--|- ");
        expect("claude",
               "-x",
               none,
               "--output-format|stream-json|--verbose|--print|--permission-mode|default|--|-x");
        expect("amp", "-x", none, "--execute=-x|--stream-json|--no-ide|--no-notifications");
        expect("cursor",
               "-x",
               none,
               "-p|--trust|--output-format|stream-json|--stream-partial-output|--|-x");
        expect("antigravity", "-x", none, "--print=-x");
}

Test(arguments, a_prompt_must_be_there_and_fit_one_argument)
{
        Options none = { 0 };
        g_autofree char *longest = g_strnfill(131071, 'p');
        g_autofree char *too_long = g_strnfill(131072, 'p');
        g_autofree char *args = NULL;

        expect("codex", "", none, "! the prompt for provider codex is empty");
        expect("claude", NULL, none, "! the prompt for provider claude is empty");
        args = build("codex", longest, &none);
        cr_expect(g_str_has_prefix(args, "exec|--json|ppp"));
        expect("codex",
               too_long,
               none,
               "! the prompt for provider codex has 131072 bytes, an argument takes at most "
               "131071");
}

static void
add_claude_options(Options *options)
{
        asm_builder_text(add(options, "resume"), "sess-1");
        asm_builder_text(add(options, "model"), "opus");
        asm_builder_atom(add(options, "effort"), "high");
        asm_builder_int(add(options, "max_turns"), 3);
        asm_builder_text(add(options, "append_system_prompt"), "- be brief");
        asm_builder_charlist(add(options, "system_prompt"), "you are");
        asm_builder_atom(add(options, "permission_mode"), "plan");
        asm_builder_bool(add(options, "include_thinking"), TRUE);
}

Test(arguments, claude_takes_its_options_from_a_keyword_list_and_from_a_map)
{
        for (guint is_map = 0; is_map < 2; is_map++) {
                Options options = { .is_map = is_map };

                add_claude_options(&options);
                expect("claude",
                       "hi",
                       options,
                       "--output-format|stream-json|--verbose|--print|--resume|sess-1|--model|"
                       "opus|--effort|high|--max-turns|3|--append-system-prompt|- be brief|"
                       "--system-prompt|you are|--permission-mode|plan|--thinking|hi");
        }
}

Test(arguments, claude_is_talked_with_when_somebody_answers)
{
        Options options = { 0 };
        g_autofree char *large = g_strnfill(2 * 1024 * 1024, 'p');
        g_autofree char *too_large = g_strnfill(2 * 1024 * 1024 + 1, 'p');

        answers_approvals = TRUE;
        asm_builder_bool(add(&options, "include_thinking"), TRUE);
        asm_builder_bool(add(&options, "include_partial_messages"), TRUE);
        asm_builder_atom(add(&options, "permission_mode"), "plan");
        asm_builder_text(add(&options, "resume"), "sess-1");
        expect("claude",
               "-x",
               options,
               "--output-format|stream-json|--verbose|--print|--input-format|stream-json|"
               "--permission-prompt-tool|stdio|--resume|sess-1|--permission-mode|plan|"
               "--thinking|enabled|--include-partial-messages");
        expect("claude", "", (Options){ 0 }, "! the prompt for provider claude is empty");
        expect("claude",
               large,
               (Options){ 0 },
               "--output-format|stream-json|--verbose|--print|--input-format|stream-json|"
               "--permission-prompt-tool|stdio|--permission-mode|default");
        expect("claude",
               too_large,
               (Options){ 0 },
               "! the prompt for provider claude has 2097153 bytes, its input takes at most "
               "2097152");
}

Test(arguments, a_completion_that_is_talked_with_may_not_write_either)
{
        Options options = { 0 };

        answers_approvals = TRUE;
        asm_builder_bool(add(&options, "completion_only"), TRUE);
        asm_builder_atom(add(&options, "permission_mode"), "bypass");
        expect("claude",
               "hi",
               options,
               "--output-format|stream-json|--verbose|--print|--input-format|stream-json|"
               "--permission-prompt-tool|stdio|--permission-mode|plan|--tools||"
               "--setting-sources||--strict-mcp-config");
}

Test(arguments, codex_takes_its_options)
{
        Options options = { 0 };
        AsmBuilder *builder;

        asm_builder_text(add(&options, "model"), "gpt-5");
        builder = add(&options, "config");
        asm_builder_list(builder, 2);
        asm_builder_text(builder, "a=1");
        asm_builder_text(builder, "b=\"x\"");
        asm_builder_nil(builder);
        asm_builder_bool(add(&options, "skip_git_repo_check"), TRUE);
        asm_builder_atom(add(&options, "permission_mode"), "bypass");
        expect("codex",
               "hi",
               options,
               "exec|--json|--model|gpt-5|--config|a=1|--config|b=\"x\"|--skip-git-repo-check|"
               "--dangerously-bypass-approvals-and-sandbox|hi");
}

Test(arguments, the_model_that_a_session_resolved_comes_first)
{
        Options options = { 0 };
        AsmBuilder *builder;

        asm_builder_text(add(&options, "model"), "alias");
        builder = add(&options, "model_payload");
        asm_builder_map(builder, 2);
        asm_builder_atom(builder, "resolved_model");
        asm_builder_text(builder, "gpt-5.4");
        asm_builder_atom(builder, "reasoning");
        asm_builder_text(builder, "medium");
        expect("codex",
               "hi",
               options,
               "exec|--json|--model|gpt-5.4|--config|model_reasoning_effort=\"medium\"|hi");
}

Test(arguments, permission_modes_become_native_flags)
{
        static const struct {
                const char *provider;
                const char *mode;
                const char *args;
        } cases[] = {
                { "claude", "default", "--permission-mode|default|hi" },
                { "claude", "auto", "--permission-mode|acceptEdits|hi" },
                { "claude", "accept_edits", "--permission-mode|acceptEdits|hi" },
                { "claude", "delegate", "--permission-mode|delegate|hi" },
                { "claude", "dont_ask", "--permission-mode|dontAsk|hi" },
                { "claude", "bypass", "--permission-mode|bypassPermissions|hi" },
                { "claude", "plan", "--permission-mode|plan|hi" },
                { "codex", "default", "exec|--json|hi" },
                { "codex", "yolo", "--dangerously-bypass-approvals-and-sandbox|hi" },
                { "codex", "plan", "--plan|hi" },
                { "amp", "auto", "--no-notifications" },
                { "amp", "plan", "--no-notifications" },
                { "amp", "bypass", "--no-notifications|--dangerously-allow-all" },
                { "cursor", "bypass", "--stream-partial-output|--force|hi" },
                { "cursor", "plan", "--stream-partial-output|--mode|plan|hi" },
                { "antigravity", "bypass", "--print|hi|--dangerously-skip-permissions" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                Options options = { 0 };
                g_autofree char *args = NULL;

                asm_builder_atom(add(&options, "permission_mode"), cases[i].mode);
                args = build(cases[i].provider, "hi", &options);
                cr_expect(g_str_has_suffix(args, cases[i].args), "%s: %s", cases[i].mode, args);
        }
}

Test(arguments, a_mode_that_a_provider_does_not_have_is_an_error)
{
        expect_atom("codex",
                    "permission_mode",
                    "accept_edits",
                    "! option 'permission_mode' of provider codex is accept_edits, expected one "
                    "of default, bypass, yolo, plan");
        expect_atom("cursor",
                    "provider_permission_mode",
                    "auto",
                    "! option 'provider_permission_mode' of provider cursor is auto, expected "
                    "one of default, bypass, plan");
        expect_text("claude",
                    "permission_mode",
                    "paln",
                    "! option 'permission_mode' of provider claude is <<\"paln\">>, expected one "
                    "of default, auto, acceptEdits, accept_edits, delegate, dont_ask, dontAsk, "
                    "bypass, bypassPermissions, bypass_permissions, plan");
}

Test(arguments, nil_and_empty_texts_are_as_if_not_given)
{
        expect_atom("codex", "model", "nil", "exec|--json|hi");
        expect_text("codex", "model", "  ", "exec|--json|hi");
        expect_atom("codex", "output_schema", "nil", "exec|--json|hi");
        expect_atom("codex", "skip_git_repo_check", "false", "exec|--json|hi");
        expect_atom("codex", "a_key_of_a_later_version", "x", "exec|--json|hi");
}

Test(arguments, a_value_never_becomes_an_option_of_the_cli)
{
        static const struct {
                const char *provider;
                const char *key;
        } cases[] = {
                { "claude", "resume" }, { "claude", "model" },
                { "claude", "effort" }, { "codex", "model" },
                { "cursor", "resume" }, { "cursor", "worktree" },
                { "cursor", "cwd" },    { "antigravity", "conversation" },
                { "amp", "mode" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                Options options = { 0 };
                g_autofree char *args = NULL;

                asm_builder_text(add(&options, cases[i].key), "--force");
                args = build(cases[i].provider, "hi", &options);
                cr_expect(g_str_has_prefix(args, "! option '") &&
                                  strstr(args, "does not begin with '-'") != NULL,
                          "%s %s: %s",
                          cases[i].provider,
                          cases[i].key,
                          args);
        }
}

Test(arguments, a_value_of_the_wrong_type_is_named)
{
        Options options = { 0 };

        expect_text("claude",
                    "max_turns",
                    "three",
                    "! option 'max_turns' of provider claude is <<\"three\">>, expected an integer "
                    "of at least 1");
        asm_builder_int(add(&options, "max_turns"), 0);
        expect("claude",
               "hi",
               options,
               "! option 'max_turns' of provider claude is 0, expected an integer of at least 1");
        options = (Options){ 0 };
        asm_builder_int(add(&options, "model"), 5);
        expect("codex", "hi", options, "! option 'model' of provider codex is 5, expected text");
        expect_text(
                "codex",
                "skip_git_repo_check",
                "yes",
                "! option 'skip_git_repo_check' of provider codex is <<\"yes\">>, expected true "
                "or false");
        options = (Options){ 0 };
        asm_builder_list(add(&options, "config"), 1);
        asm_builder_text(&options.pairs, "novalue");
        asm_builder_nil(&options.pairs);
        expect("codex",
               "hi",
               options,
               "! option 'config' of provider codex is [<<\"novalue\">>], expected a list of "
               "\"key=value\" texts");
}

Test(arguments, a_schema_goes_to_claude_as_json_and_to_codex_in_a_file)
{
        static const char *const others[] = { "codex", "amp", "antigravity", "cursor" };

        for (gsize i = 0; i <= G_N_ELEMENTS(others); i++) {
                const char *provider = i == 0 ? "claude" : others[i - 1];
                Options options = { 0 };
                AsmBuilder *builder = add(&options, "output_schema");
                g_autofree char *args = NULL;

                asm_builder_map(builder, 1);
                asm_builder_text(builder, "type");
                asm_builder_text(builder, "object");
                args = build(provider, "hi", &options);
                if (i == 0)
                        cr_expect(strstr(args, "|--json-schema|{\"type\":\"object\"}|") != NULL,
                                  "%s",
                                  args);
                else if (i == 1)
                        cr_expect_str_eq(args, "exec|--json|--output-schema|FILE|hi");
                else
                        cr_expect(g_str_has_prefix(args, "! option 'output_schema'"), "%s", args);
        }
}

Test(arguments, codex_resumes_behind_its_other_options)
{
        Options options = { 0 };

        asm_builder_text(add(&options, "resume"), "01a2");
        asm_builder_text(add(&options, "model"), "m");
        expect("codex", "-x", options, "exec|--json|--model|m|resume|01a2|--|-x");
        expect_text("codex",
                    "resume",
                    "--last",
                    "! option 'resume' of provider codex is <<\"--last\">>, expected text that "
                    "does not begin with '-'");
        expect_atom("codex",
                    "output_schema",
                    "yes",
                    "! option 'output_schema' of provider codex is yes, expected a map, a JSON "
                    "schema");
}

/* asks for approvals by name, and somebody answers them: the app-server, told the rest over stdin */
Test(arguments, codex_is_a_server_only_when_approvals_are_asked_for_and_answered)
{
        static const struct {
                const char *mode;
                gboolean answers_approvals;
                gboolean completion_only;
                const char *expected;
        } cases[] = {
                { "default", TRUE, FALSE, "app-server" },
                { "default", FALSE, FALSE, "exec" },
                { "default", TRUE, TRUE, "exec" },
                { "bypass", TRUE, FALSE, "exec" },
                { NULL, TRUE, FALSE, "exec" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
                const AsmProvider *codex = asm_provider_find("codex", NULL);
                AsmProviderLaunch launch = { .prompt = "hi",
                                             .answers_approvals = cases[i].answers_approvals };
                g_auto(GStrv) args = NULL;
                g_autofree char *file = NULL;

                asm_builder_map(&builder, 3);
                asm_builder_atom(&builder, "permission_mode");
                asm_builder_text(&builder, cases[i].mode);
                asm_builder_atom(&builder, "completion_only");
                asm_builder_bool(&builder, cases[i].completion_only);
                asm_builder_atom(&builder, "output_schema");
                asm_builder_map(&builder, 0);
                launch.options = asm_builder_peek(&builder);
                args = codex->build_args(&launch, NULL);
                file = codex->build_file(&launch);
                cr_expect_str_eq(args[0], cases[i].expected);
                cr_expect_eq(asm_provider_is_conversation(codex, &launch),
                             strcmp(cases[i].expected, "app-server") == 0);
                cr_expect_eq(file == NULL, strcmp(cases[i].expected, "app-server") == 0);
        }
}

Test(arguments, a_completion_may_not_write_whatever_mode_is_given)
{
        Options options = { 0 };

        asm_builder_bool(add(&options, "completion_only"), TRUE);
        asm_builder_atom(add(&options, "permission_mode"), "bypass");
        expect("claude",
               "hi",
               options,
               "--output-format|stream-json|--verbose|--print|--permission-mode|plan|--tools||"
               "--setting-sources||--strict-mcp-config|hi");
        options = (Options){ 0 };
        asm_builder_bool(add(&options, "completion_only"), TRUE);
        asm_builder_atom(add(&options, "permission_mode"), "bypass");
        expect("codex",
               "hi",
               options,
               "exec|--json|--config|approval_policy=\"never\"|--config|web_search=\"disabled\"|"
               "--ephemeral|--ignore-user-config|--ignore-rules|--sandbox|read-only|hi");
        expect_atom("amp",
                    "completion_only",
                    "true",
                    "! option 'completion_only' of provider amp is true, expected nothing: this "
                    "provider does not have the option");
}

Test(arguments, cursor_and_antigravity_take_their_options)
{
        Options options = { 0 };
        AsmBuilder *builder;

        asm_builder_text(add(&options, "cwd"), "/srv/project");
        asm_builder_atom(add(&options, "mode"), "ask");
        asm_builder_bool(add(&options, "sandbox"), TRUE);
        asm_builder_bool(add(&options, "worktree"), TRUE);
        builder = add(&options, "headers");
        asm_builder_list(builder, 1);
        asm_builder_tuple(builder, 2);
        asm_builder_text(builder, "X-A");
        asm_builder_text(builder, " b ");
        asm_builder_nil(builder);
        expect("cursor",
               "hi",
               options,
               "-p|--trust|--output-format|stream-json|--stream-partial-output|--workspace|"
               "/srv/project|--mode|ask|--sandbox|enabled|--worktree|-H|X-A: b|hi");
        expect_atom("cursor",
                    "mode",
                    "agent",
                    "-p|--trust|--output-format|stream-json|--stream-partial-output|hi");
        options = (Options){ 0 };
        asm_builder_bool(add(&options, "dangerously_skip_permissions"), TRUE);
        asm_builder_atom(add(&options, "permission_mode"), "bypass");
        asm_builder_bool(add(&options, "continue"), TRUE);
        expect("antigravity",
               "hi",
               options,
               "--print|hi|--dangerously-skip-permissions|--continue");
}

Test(arguments, rules_about_lines_are_options_of_every_provider)
{
        for (const AsmProvider *const *all = asm_provider_all(); *all != NULL; all++) {
                Options options = { 0 };

                asm_builder_int(add(&options, "max_line_bytes"), 1023);
                expect((*all)->name,
                       "hi",
                       options,
                       "! option 'max_line_bytes' is 1023, expected a number of bytes from 1024 to "
                       "268435456");
                expect_text((*all)->name,
                            "on_parse_error",
                            "ignore",
                            "! option 'on_parse_error' is <<\"ignore\">>, expected error or skip");
        }
        expect_atom("codex", "on_parse_error", "skip", "exec|--json|hi");
}
