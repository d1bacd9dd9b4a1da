/* SPDX-License-Identifier: MIT */
#include "provider/provider.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(provider, .timeout = 300);

Test(provider, every_entry_is_complete_and_found_by_its_name)
{
        const AsmProvider *const *all = asm_provider_all();
        guint n = 0;

        for (; all[n] != NULL; n++) {
                const AsmProvider *provider = all[n];

                cr_expect_eq(asm_provider_find(provider->name, NULL), provider);
                cr_expect(g_str_has_prefix(provider->profile,
                                           "Elixir.CliSubprocessCore.ProviderProfiles."));
                cr_expect_not_null(provider->display_name);
                cr_expect_not_null(provider->command);
                cr_expect_not_null(provider->path_variable);
                cr_expect_not_null(provider->build_args);
                cr_expect_not_null(provider->decode_line);
                cr_expect_eq(provider->stdin_open, strcmp(provider->name, "claude") == 0);
        }
        cr_expect_eq(n, 5);
}

Test(provider, capabilities_are_sorted)
{
        const AsmProvider *const *all = asm_provider_all();

        for (; *all != NULL; all++) {
                const char *const *capability = (*all)->capabilities;

                cr_assert_not_null(capability[0]);
                for (; capability[1] != NULL; capability++)
                        cr_expect_lt(strcmp(capability[0], capability[1]),
                                     0,
                                     "%s: %s %s",
                                     (*all)->name,
                                     capability[0],
                                     capability[1]);
        }
}

Test(provider, an_unknown_name_is_told_with_those_there_are)
{
        g_autoptr(GError) error = NULL;

        cr_expect_null(asm_provider_find("gemini\n", &error));
        cr_assert(g_error_matches(error, ASM_PROVIDER_ERROR, ASM_PROVIDER_ERROR_UNKNOWN));
        cr_expect_str_eq(error->message,
                         "unknown provider 'gemini\\n', expected one of amp, antigravity, "
                         "claude, codex, cursor");
}

Test(provider, a_hostile_name_is_cut_and_escaped)
{
        g_autofree char *name = g_strnfill(5000, '\x01');
        g_autoptr(GError) error = NULL;

        cr_expect_null(asm_provider_find(name, &error));
        cr_assert_not_null(error);
        cr_expect_lt(strlen(error->message), 500);
        cr_expect_null(strchr(error->message, '\x01'));
}
