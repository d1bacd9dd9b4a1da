/* SPDX-License-Identifier: MIT */
/* The scanner of configuration files: lines, escapes, what is refused, and that GKeyFile agrees. */
#include <criterion/criterion.h>
#include <string.h>

#include "daemon/config-scan-private.h"

TestSuite(daemon_config_scan, .timeout = 300);

static void
on_group(const char *name, guint line, gpointer user_data)
{
        g_string_append_printf(user_data, "%u[%s] ", line, name);
}

static void
on_entry(const char *key, const char *value, guint line, gpointer user_data)
{
        g_string_append_printf(user_data, "%u%s=<%s> ", line, key, value);
}

static void
on_mistake(const char *what, guint line, gpointer user_data)
{
        g_string_append_printf(user_data, "%u! ", line);
}

static const AsmConfigScanListener listener = { on_group, on_entry, on_mistake };

Test(daemon_config_scan, each_line_is_told_or_refused)
{
        static const struct {
                const char *text;
                const char *told;
        } cases[] = {
                { "", "" },
                { "\n\n", "" },
                { "[a]\nk=v", "1[a] 2k=<v> " },
                { "[a]\r\nk = v\r\n", "1[a] 2k=<v> " },
                { "  [a] \t\n\t k \t=\t v \t\n", "1[a] 2k=<v> " },
                { "# [x]\n  # k=v\n[a]\n#k=v\nk=#v\n", "3[a] 5k=<#v> " },
                { "[a]\nk=\n", "1[a] 2k=<> " },
                { "[a]\nk=a=b\n", "1[a] 2k=<a=b> " },
                { "[a]\nk=a\\sb\\tc\\\\n\n", "1[a] 2k=<a b\tc\\n> " },
                { "[a]\nk=a\\x\nl=b\\\nm=c", "1[a] 2! 3! 4m=<c> " },
                { "k=v\n[a]\nl=w", "1! 2[a] 3l=<w> " },
                { "[a\nk=v\n[b]\nl=w", "1! 3[b] 4l=<w> " },
                { "[a]x\nk=v", "1! " },
                { "[]\n[[a]]\n", "1! 2! " },
                { "[a]\n=v\nword\nk v=1\nk[de]=1", "1[a] 2! 3! 4! 5! " },
                { "[a b]\nk-1_x?=1", "1[a b] 2k-1_x?=<1> " },
                { "[a]\nk=\xc3\xa9\nl=\xc3\n", "1[a] 2k=<\xc3\xa9> 3! " },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GString) told = g_string_new(NULL);

                asm_config_scan(cases[i].text, strlen(cases[i].text), &listener, told);
                cr_expect_str_eq(told->str, cases[i].told, "%s", cases[i].text);
        }
}

Test(daemon_config_scan, bytes_of_any_kind_are_scanned_to_their_end)
{
        for (guint byte = 0; byte < 256; byte++) {
                g_autoptr(GString) told = g_string_new(NULL);
                char text[] = "[a]\nkey = v?w\nlast = 1";

                text[11] = (char)byte;
                asm_config_scan(text, strlen("[a]\nkey = v?w\nlast = 1"), &listener, told);
                cr_expect(g_str_has_prefix(told->str, "1[a] 2"), "%u: %s", byte, told->str);
                cr_expect(g_str_has_suffix(told->str, "last=<1> "), "%u: %s", byte, told->str);
        }
}
