/* SPDX-License-Identifier: MIT */
/*
 * Options: what each key takes, what is said when it does not, and which of several wins.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "erlang.h"
#include "run/options.h"

TestSuite(run_options, .timeout = 300);

/* the options after these layers (NULL: no more), or the failure's message */
static char *
apply(AsmOptions *options, const char *const *layers)
{
        g_autoptr(GPtrArray) terms = g_ptr_array_new_with_free_func((GDestroyNotify)asm_term_unref);
        AsmFailure *failure = NULL;
        AsmView views[4];
        char *message = NULL;
        guint n = 0;

        asm_options_init(options);
        for (; layers[n] != NULL; n++) {
                AsmTerm *term = test_term(layers[n]);

                g_ptr_array_add(terms, term);
                views[n] = asm_term_view(term);
        }
        if (!asm_options_apply(options, views, n, &failure)) {
                cr_assert_eq(failure->kind, ASM_FAILURE_CONFIG_INVALID);
                cr_assert_eq(failure->domain, ASM_DOMAIN_CONFIG);
                message = g_strdup(failure->message);
                asm_failure_free(failure);
        }
        return message;
}

static char *
apply_one(AsmOptions *options, const char *list)
{
        const char *const layers[] = { list, NULL };

        return apply(options, layers);
}

static void
expect_applies(AsmOptions *options, const char *list)
{
        g_autofree char *message = apply_one(options, list);

        cr_assert_null(message, "%s: %s", list, message);
}

static void
expect_refused(const char *list, const char *key, const char *expected)
{
        g_auto(AsmOptions) options = { 0 };
        g_autofree char *message = apply_one(&options, list);

        cr_assert_not_null(message, "%s was accepted", list);
        cr_expect_not_null(strstr(message, key), "%s: %s", list, message);
        cr_expect_not_null(strstr(message, expected), "%s: %s", list, message);
}

Test(run_options, have_the_defaults_of_elixir_s_asm)
{
        g_auto(AsmOptions) options = { 0 };

        expect_applies(&options, "[]");
        cr_expect_str_eq(options.provider, "claude");
        cr_expect_eq(options.mode, ASM_MODE_LOCAL);
        cr_expect_eq(options.remote_connect_timeout_ms, 5000);
        cr_expect_eq(options.remote_rpc_timeout_ms, 15000);
        cr_expect_eq(options.remote_boot_lease_timeout_ms, 10000);
        cr_expect_eq(options.transport_call_timeout_ms, 5000);
        cr_expect_eq(asm_options_get_call_timeout_ms(&options), 5000);
        cr_expect_eq(options.stream_timeout_ms, 60000);
        cr_expect_eq(options.startup_timeout_ms, ASM_TIMEOUT_INFINITY);
        cr_expect_eq(options.queue_timeout_ms, ASM_TIMEOUT_INFINITY);
        cr_expect_eq(options.run_deadline_ms, 600000);
        cr_expect_eq(options.approval_timeout_ms, 120000);
        cr_expect_eq(options.max_concurrent_runs, 1);
        cr_expect_eq(options.max_queued_runs, 10);
}

typedef struct {
        const char *key;
        gsize offset;
} Field;

#define FIELD(member)                                                                              \
        {                                                                                          \
#member, G_STRUCT_OFFSET(AsmOptions, member)                                       \
        }

Test(run_options, timeouts_are_positive_milliseconds_or_infinity)
{
        static const Field fields[] = {
                FIELD(remote_connect_timeout_ms),
                FIELD(remote_rpc_timeout_ms),
                FIELD(remote_boot_lease_timeout_ms),
                FIELD(remote_transport_call_timeout_ms),
                FIELD(transport_call_timeout_ms),
                FIELD(stream_timeout_ms),
                FIELD(startup_timeout_ms),
                FIELD(queue_timeout_ms),
                FIELD(run_deadline_ms),
                FIELD(approval_timeout_ms),
        };
        static const struct {
                const char *text;
                gint64 value; /* -1: refused */
        } values[] = {
                { "1", 1 },           { "infinity", 0 }, { "4294967294", 4294967294 },
                { "0", -1 },          { "-1", -1 },      { "4294967295", -1 },
                { "4294967296", -1 }, { "1.5", -1 },     { "<<\"1\">>", -1 },
                { "nil", -1 },        { "forever", -1 }, { "99999999999999999", -1 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
                for (gsize j = 0; j < G_N_ELEMENTS(values); j++) {
                        g_autofree char *list =
                                g_strdup_printf("[{%s, %s}]", fields[i].key, values[j].text);
                        g_auto(AsmOptions) options = { 0 };

                        if (values[j].value < 0) {
                                expect_refused(list, fields[i].key, "milliseconds or infinity");
                                continue;
                        }
                        expect_applies(&options, list);
                        cr_expect_eq(G_STRUCT_MEMBER(guint, &options, fields[i].offset),
                                     values[j].value,
                                     "%s",
                                     list);
                }
        }
}

Test(run_options, counts_have_a_range)
{
        static const Field fields[] = { FIELD(max_concurrent_runs),
                                        FIELD(max_queued_runs),
                                        FIELD(interrupt_grace_ms) };

        for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
                static const char *const bad[] = { "-1", "1000001", "infinity", "x", "1.0" };
                static const guint good[] = { 0, 1, 1000000 };

                for (gsize j = 0; j < G_N_ELEMENTS(good); j++) {
                        g_autofree char *list =
                                g_strdup_printf("[{%s, %u}]", fields[i].key, good[j]);
                        g_auto(AsmOptions) options = { 0 };

                        expect_applies(&options, list);
                        cr_expect_eq(G_STRUCT_MEMBER(guint, &options, fields[i].offset), good[j]);
                }
                for (gsize j = 0; j < G_N_ELEMENTS(bad); j++) {
                        g_autofree char *list =
                                g_strdup_printf("[{%s, %s}]", fields[i].key, bad[j]);

                        expect_refused(list, fields[i].key, "from 0 to 1000000");
                }
        }
}

Test(run_options, texts_are_strings_in_any_form)
{
        static const Field fields[] = { FIELD(remote_cwd),
                                        FIELD(cwd),
                                        FIELD(cli_path),
                                        FIELD(workspace_root) };

        for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
                static const char *const good[] = { "<<\"/tmp/x\">>",
                                                    "\"/tmp/x\"",
                                                    "[<<\"/tmp\">>, \"/x\"]" };
                static const char *const bad[] = { "''",  "<<\"\">>", "\"\"", "17",
                                                   "{a}", "an_atom",  "#{}" };

                for (gsize j = 0; j < G_N_ELEMENTS(good); j++) {
                        g_autofree char *list =
                                g_strdup_printf("[{%s, %s}]", fields[i].key, good[j]);
                        g_auto(AsmOptions) options = { 0 };

                        expect_applies(&options, list);
                        cr_expect_str_eq(G_STRUCT_MEMBER(char *, &options, fields[i].offset),
                                         "/tmp/x");
                }
                for (gsize j = 0; j < G_N_ELEMENTS(bad); j++) {
                        g_autofree char *list =
                                g_strdup_printf("[{%s, %s}]", fields[i].key, bad[j]);

                        expect_refused(list, fields[i].key, "a string");
                }
        }
}

Test(run_options, nil_takes_a_text_back)
{
        static const char *const layers[] = { "[{cwd, <<\"/a\">>}]", "[{cwd, nil}]", NULL };
        g_auto(AsmOptions) options = { 0 };

        cr_assert_null(apply(&options, layers));
        cr_expect_null(options.cwd);
}

Test(run_options, names_are_atoms_or_strings)
{
        static const char *const lists[] = {
                "[{provider, codex}, {remote_node, 'a@b'}, {remote_cookie, c}]",
                "[{provider, <<\"codex\">>}, {remote_node, \"a@b\"}, {remote_cookie, c}]",
                "#{provider => codex, remote_node => <<\"a@b\">>, remote_cookie => c}",
                ("#{<<\"provider\">> => codex, <<\"remote_node\">> => 'a@b', "
                 "<<\"remote_cookie\">> => c}"),
                "[{<<\"provider\">>, codex}, {<<\"remote_node\">>, 'a@b'}, {remote_cookie, c}]",
        };

        for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
                g_auto(AsmOptions) options = { 0 };

                expect_applies(&options, lists[i]);
                cr_expect_str_eq(options.provider, "codex");
                cr_expect_str_eq(options.remote_node, "a@b");
                cr_expect_str_eq(options.remote_cookie, "c");
        }
        expect_refused("[{provider, 1}]", "provider", "an atom or a string");
        expect_refused("[{remote_node, {a}}]", "remote_node", "an atom or a string");
}

Test(run_options, cookie_is_an_atom_and_nil_is_none)
{
        static const char *const values[] = { "<<\"c\">>", "\"c\"", "17", "{c}", "''", "[]" };
        static const char *const lists[] = {
                "[]",
                "[{remote_cookie, nil}]",
                "[{remote_cookie, c}, {remote_cookie, nil}]",
                "[{remote_cookie, c}, {driver_opts, [{remote_cookie, nil}]}]",
        };

        for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
                g_autofree char *list = g_strdup_printf("[{remote_cookie, %s}]", values[i]);
                g_autoptr(AsmTerm) given = test_term(list);
                AsmView layer = asm_term_view(given);
                g_auto(AsmOptions) options = { 0 };
                g_autoptr(AsmFailure) failure = NULL;

                expect_refused(list, "remote_cookie", "expected an atom");
                asm_options_init(&options);
                cr_assert_not(asm_options_apply(&options, &layer, 1, &failure));
                test_expect_term(asm_term_view(failure->cause), "cookie_conflict");
        }
        for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
                g_auto(AsmOptions) options = { 0 };

                expect_applies(&options, lists[i]);
                cr_expect_null(options.remote_cookie, "%s", lists[i]);
        }
}

/* what a session shows of a run that is waiting or running */
Test(run_options, resolved_ones_show_all_but_the_cookie)
{
        static const struct {
                const char *list;
                const char *part;
        } cases[] = {
                { "[]", "remote_transport_call_timeout_ms => 5000" },
                { "[{transport_call_timeout_ms, 7}]", "remote_transport_call_timeout_ms => 7" },
                { "[{transport_call_timeout_ms, 7}, {remote_transport_call_timeout_ms, 8}]",
                  "remote_transport_call_timeout_ms => 8" },
                { "[{driver_opts, [{remote_transport_call_timeout_ms, infinity}]}]",
                  "remote_transport_call_timeout_ms => infinity" },
                { "[]", "remote_boot_lease_timeout_ms => 10000" },
                { "[{remote_boot_lease_timeout_ms, 9}]", "remote_boot_lease_timeout_ms => 9" },
                { "[]", "remote_node => nil" },
                { "[{remote_node, 'a@b'}]", "remote_node => a@b" },
                { "[{remote_cwd, \"/srv\"}]", "remote_cwd => <<\"/srv\">>" },
                { "[]", "remote_bootstrap_mode => require_prestarted" },
                { "[{execution_mode, remote_node}]", "execution_mode => remote_node" },
                { "[{driver_opts, [{remote_of_the_future, [1, {x, y}]}]}]",
                  "remote_of_the_future => [1,{x,y}]" },
                { "[{driver_opts, #{<<\"a_key\">> => 1}}]", "a_key => 1" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(AsmOptions) options = { 0 };
                g_auto(AsmBuilder) resolved = ASM_BUILDER_INIT;
                g_autofree char *shown = NULL;

                expect_applies(&options, cases[i].list);
                options.remote_cookie = g_strdup("secret_cookie");
                asm_builder_resolved(&resolved, &options);
                shown = test_show(asm_builder_peek(&resolved));
                cr_expect_not_null(strstr(shown, cases[i].part), "%s: %s", cases[i].list, shown);
                cr_expect_null(strstr(shown, "cookie"), "%s", shown);
        }
}

Test(run_options, ids_are_printable_words)
{
        static const char *const keys[] = { "session_id", "run_id" };

        for (guint i = 0; i < 2; i++) {
                g_autofree char *longest = g_strnfill(128, 'x');
                g_autofree char *good = g_strdup_printf("[{%s, <<\"%s\">>}]", keys[i], longest);
                g_autofree char *bad = g_strdup_printf("[{%s, <<\"%sx\">>}]", keys[i], longest);
                g_autofree char *spaced = g_strdup_printf("[{%s, <<\"a b\">>}]", keys[i]);
                g_autofree char *atom = g_strdup_printf("[{%s, an_atom}]", keys[i]);
                g_auto(AsmOptions) options = { 0 };

                expect_applies(&options, good);
                cr_expect_str_eq(i == 0 ? options.session_id : options.run_id, longest);
                expect_refused(bad, keys[i], "128");
                expect_refused(spaced, keys[i], "128");
                expect_refused(atom, keys[i], "a string");
        }
}

Test(run_options, choices_name_what_there_is_to_choose)
{
        static const struct {
                const char *key;
                const char *values; /* all that are good, separated by blanks */
                const char *expected;
                gsize offset;
                gint first;
        } cases[] = {
                { "execution_mode",
                  "local remote_node",
                  "local or remote_node",
                  G_STRUCT_OFFSET(AsmOptions, mode),
                  0 },
                { "lane",
                  "auto core sdk",
                  "auto or core or sdk",
                  G_STRUCT_OFFSET(AsmOptions, lane),
                  0 },
                { "remote_bootstrap_mode",
                  "require_prestarted ensure_started",
                  "require_prestarted or ensure_started",
                  G_STRUCT_OFFSET(AsmOptions, ensure_started),
                  0 },
                { "approval_posture",
                  "manual auto none",
                  "manual or auto or none",
                  G_STRUCT_OFFSET(AsmOptions, approval_posture),
                  1 },
                { "execution_surface",
                  "local_subprocess ssh_exec guest_bridge",
                  "local_subprocess or ssh_exec or guest_bridge",
                  G_STRUCT_OFFSET(AsmOptions, surface_kind),
                  0 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(GStrv) values = g_strsplit(cases[i].values, " ", -1);
                g_autofree char *bad = g_strdup_printf("[{%s, other}]", cases[i].key);

                for (gint j = 0; values[j] != NULL; j++) {
                        g_autofree char *list =
                                g_strdup_printf("[{%s, %s}]", cases[i].key, values[j]);
                        g_auto(AsmOptions) options = { 0 };

                        expect_applies(&options, list);
                        cr_expect_eq(G_STRUCT_MEMBER(gint, &options, cases[i].offset),
                                     cases[i].first + j,
                                     "%s",
                                     list);
                }
                expect_refused(bad, cases[i].key, cases[i].expected);
        }
        expect_refused("[{approval_posture, <<\"\">>}]", "approval_posture", "manual");
}

Test(run_options, pids_maps_and_lists_are_just_that)
{
        g_auto(AsmOptions) options = { 0 };

        expect_refused("[{subscriber, me}]", "subscriber", "a pid");
        expect_refused("[{owner, 17}]", "owner", "a pid");
        expect_refused("[{metadata, [{a, 1}]}]", "metadata", "a map");
        expect_refused("[{allowed_tools, bash}]", "allowed_tools", "a list of strings");
        expect_refused("[{allowed_tools, [17]}]", "allowed_tools", "a list of strings");
        expect_refused("[{allowed_tools, [a | b]}]", "allowed_tools", "a list of strings");
        expect_refused("[{execution_surface, #{a => 1}}]", "execution_surface", "surface_kind");
        expect_applies(&options, "[{metadata, #{a => 1}}, {allowed_tools, [<<\"Bash\">>, read]}]");
        cr_expect_str_eq(options.allowed_tools[0], "Bash");
        cr_expect_str_eq(options.allowed_tools[1], "read");
        cr_expect_null(options.allowed_tools[2]);
}

Test(run_options, run_wins_over_session_and_driver_opts_over_both)
{
        static const char *const layers[] = {
                "[{cwd, <<\"/session\">>}, {stream_timeout_ms, 1}, {run_deadline_ms, 1}, "
                "{driver_opts, [{run_deadline_ms, 3}]}]",
                "#{cwd => <<\"/run\">>, run_deadline_ms => 2}",
                NULL,
        };
        g_auto(AsmOptions) options = { 0 };

        cr_assert_null(apply(&options, layers));
        cr_expect_str_eq(options.cwd, "/run");
        cr_expect_eq(options.stream_timeout_ms, 1);
        cr_expect_eq(options.run_deadline_ms, 3);
}

Test(run_options, last_of_equal_keys_in_a_layer_wins_as_the_layer_is_read)
{
        static const char *const layers[] = {
                "[{driver_opts, [{cwd, <<\"/session\">>}]}]",
                "[{driver_opts, [{cwd, <<\"/run\">>}]}]",
                NULL,
        };
        g_auto(AsmOptions) options = { 0 };

        cr_assert_null(apply(&options, layers));
        cr_expect_str_eq(options.cwd, "/run");
}

Test(run_options, unknown_keys_are_the_provider_s_and_keep_their_order)
{
        static const char *const layers[] = { "[{model, <<\"a\">>}, {zeta, 1}, verbose]",
                                              "[{alpha, [x]}, {model, <<\"b\">>}]",
                                              NULL };
        g_auto(AsmOptions) options = { 0 };
        g_auto(AsmBuilder) list = ASM_BUILDER_INIT;

        cr_assert_null(apply(&options, layers));
        asm_builder_provider_options(&list, &options);
        {
                g_autofree char *shown = test_show(asm_builder_peek(&list));

                cr_expect_str_eq(shown, "[{model,<<\"b\">>},{zeta,1},{verbose,true},{alpha,[x]}]");
        }
}

Test(run_options, unknown_keys_are_bounded)
{
        GString *list = g_string_new("[");
        g_auto(AsmOptions) options = { 0 };
        g_autofree char *one_more = NULL;

        for (guint i = 0; i < 256; i++)
                g_string_append_printf(list, "{key%u, 1}, ", i);
        one_more = g_strdup_printf("%s{more, 1}]", list->str);
        g_string_append(list, "{key0, 2}]");
        expect_applies(&options, list->str);
        expect_refused(one_more, "more", "256");
        g_string_free(list, TRUE);
}

Test(run_options, malformed_lists_are_refused)
{
        static const char *const bad[] = { "17",   "an_atom",     "<<\"x\">>",    "{a, b}",
                                           "[17]", "[{a, b, c}]", "[{a, b} | c]", "\"text\"" };

        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autofree char *nested = g_strdup_printf("[{driver_opts, %s}]", bad[i]);
                g_autofree char *environment =
                        g_strdup_printf("[{execution_environment, %s}]", bad[i]);

                expect_refused(bad[i], "option", "keyword list or a map");
                expect_refused(nested, "driver_opts", "keyword list or a map");
                expect_refused(environment, "execution_environment", "keyword list or a map");
        }
        expect_refused("[{17, b}]", "option", "keyword list or a map");
        expect_refused("#{[] => b}", "option", "keyword list or a map");
        expect_refused("[{'', b}]", "(key)", "an atom or a string");
}

Test(run_options, nesting_has_a_bottom)
{
        GString *list = g_string_new("[]");
        g_auto(AsmOptions) options = { 0 };
        g_autofree char *message = NULL;

        for (guint i = 0; i < 200; i++) {
                g_string_prepend(list, "[{execution_environment, ");
                g_string_append(list, "}]");
        }
        message = apply_one(&options, list->str);
        g_string_free(list, TRUE);
}

Test(run_options, cookie_is_never_in_a_message)
{
        static const char *const lists[] = {
                "[{remote_cookie, {secret_cookie}}]",
                "[{remote_cookie, [secret_cookie]}]",
                "[{driver_opts, [{remote_cookie, {secret_cookie}}]}]",
                "[{remote_cookie, secret_cookie}, {cwd, 17}]",
                "[{remote_cookie, secret_cookie} | x]",
                "[{remote_cookie, secret_cookie}, 17]",
                "[{driver_opts, [{remote_cookie, secret_cookie}, 17]}]",
                "[{<<\"remote_cookie\">>, secret_cookie}, 17]",
                "[{execution_environment, [{remote_cookie, secret_cookie}, 17]}]",
        };

        for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
                g_auto(AsmOptions) options = { 0 };
                g_autofree char *message = apply_one(&options, lists[i]);

                cr_assert_not_null(message);
                cr_expect_null(strstr(message, "secret_cookie"), "%s: %s", lists[i], message);
        }
}

Test(run_options, wrong_value_is_shown_escaped_and_cut)
{
        g_auto(AsmOptions) options = { 0 };
        g_autofree char *big = g_strnfill(5000, 'x');
        g_autofree char *list = g_strdup_printf("[{run_deadline_ms, <<\"\x1b%s\">>}]", big);
        g_autofree char *message = apply_one(&options, list);

        cr_assert_not_null(message);
        cr_expect_lt(strlen(message), 400);
        cr_expect_null(strchr(message, '\x1b'));
}

static void
expect_check_refuses(const char *list, const char *text)
{
        g_auto(AsmOptions) options = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        const AsmProvider *provider = NULL;
        AsmLaneChoice lane;

        expect_applies(&options, list);
        cr_assert(!asm_options_check(&options, &provider, &lane, &failure), "%s", list);
        cr_expect_eq(failure->kind, ASM_FAILURE_CONFIG_INVALID);
        cr_expect_not_null(strstr(failure->message, text), "%s", failure->message);
}

#define SURFACE(kind, more) "[{execution_surface, [{surface_kind, " kind "}, " more "]}]"
#define BRIDGE(more)        SURFACE("guest_bridge", "{transport_options, [" more "]}")

Test(run_options, take_a_surface_whose_fields_are_right)
{
        static const char *const good[] = {
                SURFACE("ssh_exec",
                        "{target_id, <<\"t\">>}, {lease_ref, nil}, {boundary_class, strict}"),
                SURFACE("local_subprocess", "{observability, #{trace => 1}}, {surface_ref, nil}"),
                BRIDGE("{endpoint, <<\"unix:///run/b\">>}, {bridge_ref, <<\"b\">>}, {future, {1, "
                       "2}}"),
                BRIDGE("{endpoint, #{host => <<\"h\">>}}, {attach_token, <<\"secret\">>}"),
                BRIDGE("{supported_protocol_versions, [1, 2]}, {extensions, #{}}"),
                BRIDGE("{connect_timeout_ms, 1}, {request_timeout_ms, 5000}"),
        };

        for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
                g_auto(AsmOptions) options = { 0 };

                expect_applies(&options, good[i]);
        }
}

Test(run_options, name_the_field_of_a_surface_that_is_wrong)
{
        static const struct {
                const char *given;
                const char *named;
        } cases[] = {
                { SURFACE("ssh_exec", "{target_id, 7}"), "target_id: 7" },
                { SURFACE("ssh_exec", "{lease_ref, <<>>}"), "lease_ref: <<>>" },
                { SURFACE("ssh_exec", "{contract_version, nil}"), "contract_version: nil" },
                { SURFACE("ssh_exec", "{boundary_class, 1.5}"), "boundary_class: 1.5" },
                { SURFACE("ssh_exec", "{observability, []}"), "observability: []" },
                { SURFACE("ssh_exec", "{transport_options, 1}"), "transport_options: (not shown)" },
                { SURFACE("ssh_exec", "{transport_options, [{command, <<\"x\">>}]}"), "command" },
                { SURFACE("local_subprocess", "{transport_options, #{env => []}}"), "env" },
                { BRIDGE("{endpoint, 1}"), "endpoint: (not shown)" },
                { BRIDGE("{bridge_ref, b}"), "bridge_ref: b" },
                { BRIDGE("{attach_token, 4711}"), "attach_token: (not shown)" },
                { BRIDGE("{supported_protocol_versions, [1, 0]}"),
                  "supported_protocol_versions: [1,0]" },
                { BRIDGE("{supported_protocol_versions, []}"), "supported_protocol_versions: []" },
                { BRIDGE("{extensions, nil}"), "extensions: nil" },
                { BRIDGE("{connect_timeout_ms, 0}"), "connect_timeout_ms: 0" },
                { BRIDGE("{request_timeout_ms, infinity}"), "request_timeout_ms: infinity" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
                expect_refused(cases[i].given, "execution_surface", cases[i].named);
}

Test(run_options, must_make_sense_together)
{
        g_auto(AsmOptions) options = { 0 };
        g_autoptr(AsmFailure) failure = NULL;
        const AsmProvider *provider = NULL;
        AsmLaneChoice lane;

        expect_check_refuses("[{provider, nobody}]", "nobody");
        expect_check_refuses("[{execution_mode, remote_node}]", "remote_node is missing");
        expect_check_refuses("[{approval_posture, none}]", "approval_posture");
        expect_check_refuses("[{execution_surface, guest_bridge}]", "guest_bridge");
        expect_check_refuses("[{execution_mode, remote_node}, {remote_node, 'a@b'}, {lane, sdk}]",
                             "lane");

        expect_applies(&options, "[{execution_mode, remote_node}, {remote_node, 'a@b'}]");
        cr_assert(asm_options_check(&options, &provider, &lane, &failure));
        cr_expect_str_eq(provider->name, "claude");
        cr_expect_eq(lane.lane, ASM_LANE_CORE);
}

Test(run_options, surface_is_filled_up_to_the_struct_that_a_start_expects)
{
        g_auto(AsmOptions) options = { 0 };
        g_auto(AsmBuilder) surface = ASM_BUILDER_INIT;

        expect_applies(
                &options,
                "[{execution_surface, #{surface_kind => ssh_exec, target_id => <<\"t\">>}}]");
        asm_builder_surface(&surface, &options);
        {
                g_autofree char *shown = test_show(asm_builder_peek(&surface));

                cr_expect_str_eq(shown,
                                 "#{'__struct__' => 'Elixir.CliSubprocessCore.ExecutionSurface',"
                                 "surface_kind => ssh_exec,"
                                 "contract_version => <<\"execution_surface.v1\">>,"
                                 "transport_options => [],target_id => <<\"t\">>,lease_ref => nil,"
                                 "surface_ref => nil,boundary_class => nil,observability => #{}}");
        }
}
