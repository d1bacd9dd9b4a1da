/* SPDX-License-Identifier: MIT */
#include "event/event.h"

#include "../../support/term-text.h"
#include <criterion/criterion.h>
#include <stdarg.h>

TestSuite(metadata, .timeout = 300);

/* a map of atom keys and atom values, ended by NULL; a key that begins with "<" is a binary */
static void
put_map(AsmBuilder *builder, ...)
{
        AsmBuilderMark mark = asm_builder_map_begin(builder);
        guint n = 0;
        va_list pairs;

        va_start(pairs, builder);
        for (const char *key = va_arg(pairs, const char *); key != NULL;
             key = va_arg(pairs, const char *)) {
                if (key[0] == '<')
                        asm_builder_text(builder, key + 1);
                else
                        asm_builder_atom(builder, key);
                asm_builder_atom(builder, va_arg(pairs, const char *));
                n++;
        }
        va_end(pairs);
        asm_builder_map_end(builder, mark, n);
}

static char *
merge(const AsmBuilder *run, const AsmBuilder *incoming)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;
        gsize used;

        asm_builder_metadata(&builder,
                             run != NULL ? asm_builder_peek(run) : ASM_VIEW_NONE,
                             incoming != NULL ? asm_builder_peek(incoming) : ASM_VIEW_NONE);
        cr_assert(asm_term_check(builder.data, builder.len, NULL, &used, NULL));
        cr_assert_eq(used, builder.len);
        return term_text(asm_builder_peek(&builder));
}

Test(metadata, the_incoming_value_wins_for_an_ordinary_key)
{
        g_auto(AsmBuilder) run = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) incoming = ASM_BUILDER_INIT;
        g_autofree char *text = NULL;

        put_map(&run, "a", "run", "b", "run", NULL);
        put_map(&incoming, "b", "event", "c", "event", NULL);

        text = merge(&run, &incoming);
        cr_expect_str_eq(text, "#{a=>run,b=>event,c=>event}");
}

Test(metadata, the_runs_value_wins_for_every_protected_key)
{
        static const char *const keys[] = {
                "available_lanes", "backend",     "capabilities",          "core_profile_id",
                "default_lane",    "lane",        "lane_fallback_reason",  "execution_mode",
                "lane_reason",     "provider",    "provider_display_name", "preferred_lane",
                "requested_lane",  "sdk_runtime", "sdk_available?",
        };

        for (gsize i = 0; i < 2 * G_N_ELEMENTS(keys); i++) {
                g_auto(AsmBuilder) run = ASM_BUILDER_INIT;
                g_auto(AsmBuilder) incoming = ASM_BUILDER_INIT;
                gboolean is_binary = i % 2;
                g_autofree char *key = g_strconcat(is_binary ? "<" : "", keys[i / 2], NULL);
                g_autofree char *text = NULL, *expected = NULL;

                put_map(&run, key, "run", NULL);
                put_map(&incoming, key, "event", NULL);
                text = merge(&run, &incoming);
                expected =
                        g_strdup_printf(is_binary ? "#{\"%s\"=>run}" : "#{%s=>run}", keys[i / 2]);
                cr_expect_str_eq(text, expected);
        }
}

Test(metadata, a_protected_key_that_the_run_does_not_have_comes_from_the_event)
{
        g_auto(AsmBuilder) run = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) incoming = ASM_BUILDER_INIT;
        g_autofree char *text = NULL;

        put_map(&run, "a", "run", NULL);
        put_map(&incoming, "lane", "event", NULL);

        text = merge(&run, &incoming);
        cr_expect_str_eq(text, "#{a=>run,lane=>event}");
}

Test(metadata, an_atom_and_a_binary_of_the_same_name_are_two_keys)
{
        g_auto(AsmBuilder) run = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) incoming = ASM_BUILDER_INIT;
        g_autofree char *text = NULL;

        put_map(&run, "lane", "run", NULL);
        put_map(&incoming, "<lane", "event", NULL);

        text = merge(&run, &incoming);
        cr_expect_str_eq(text, "#{\"lane\"=>event,lane=>run}");
}

Test(metadata, an_atom_in_an_old_encoding_is_the_same_key)
{
        /* #{lane => old} with ATOM_EXT, as nodes of OTP 25 send it */
        static const guint8 old[] = { 116, 0,   0,   0,   1, 100, 0,   4,   'l',
                                      'a', 'n', 'e', 100, 0, 3,   'o', 'l', 'd' };
        g_auto(AsmBuilder) run = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) incoming = ASM_BUILDER_INIT;
        g_autofree char *text = NULL;

        put_map(&run, "lane", "run", NULL);
        asm_builder_raw(&incoming, old, sizeof(old));

        text = merge(&run, &incoming);
        cr_expect_str_eq(text, "#{lane=>run}");
}

Test(metadata, what_is_empty_or_missing_adds_nothing)
{
        g_auto(AsmBuilder) map = ASM_BUILDER_INIT;
        g_auto(AsmBuilder) empty = ASM_BUILDER_INIT;
        g_autofree char *of_nothing = NULL, *of_run = NULL, *of_event = NULL, *of_empty = NULL;

        put_map(&map, "a", "b", NULL);
        asm_builder_map(&empty, 0);

        of_nothing = merge(NULL, NULL);
        of_run = merge(&map, NULL);
        of_event = merge(NULL, &map);
        of_empty = merge(&map, &empty);
        cr_expect_str_eq(of_nothing, "#{}");
        cr_expect_str_eq(of_run, "#{a=>b}");
        cr_expect_str_eq(of_event, "#{a=>b}");
        cr_expect_str_eq(of_empty, "#{a=>b}");
}
