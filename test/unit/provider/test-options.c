/* SPDX-License-Identifier: MIT */
#include "provider/provider.h"

#include "term/builder.h"
#include <criterion/criterion.h>
#include <string.h>

TestSuite(options, .timeout = 300);

typedef enum {
        VALUE_RIGHT,
        VALUE_WRONG,
        VALUE_NIL,
} Value;

static void
put_list(AsmBuilder *builder, const char *first, const char *second)
{
        asm_builder_list(builder, 2);
        asm_builder_text(builder, first);
        asm_builder_text(builder, second);
        asm_builder_nil(builder);
}

/* what an option of the type takes */
static void
put_right(AsmBuilder *builder, AsmOptionType type)
{
        switch (type) {
        case ASM_OPTION_BOOLEAN:
        case ASM_OPTION_SWITCH:
                asm_builder_bool(builder, TRUE);
                break;
        case ASM_OPTION_WORD:
        case ASM_OPTION_TEXT:
        case ASM_OPTION_MODEL:
                asm_builder_text(builder, "word");
                break;
        case ASM_OPTION_COUNT:
                asm_builder_int(builder, 1);
                break;
        case ASM_OPTION_WORDS:
                put_list(builder, "a=b", "c=d");
                break;
        case ASM_OPTION_PAIRS:
                asm_builder_list(builder, 1);
                asm_builder_tuple(builder, 2);
                asm_builder_text(builder, "Name");
                asm_builder_text(builder, "Value");
                asm_builder_nil(builder);
                break;
        case ASM_OPTION_JSON:
                asm_builder_map(builder, 0);
                break;
        case ASM_OPTION_MODE:
                asm_builder_atom(builder, "bypass");
                break;
        case ASM_OPTION_REFUSED:
                asm_builder_bool(builder, FALSE);
                break;
        }
}

/* (transfer full): the arguments joined by "|", or "! message" */
static char *
build_options(const AsmProvider *provider, AsmBuilder *options)
{
        AsmProviderLaunch launch = { .prompt = "hi" };
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) args = NULL;

        asm_builder_nil(options);
        launch.options = asm_builder_peek(options);
        args = provider->build_args(&launch, &error);
        cr_assert_neq(args == NULL, error == NULL);
        return args != NULL ? g_strjoinv("|", args) : g_strdup_printf("! %s", error->message);
}

static char *
build(const AsmProvider *provider, const AsmProviderFlag *flag, Value value)
{
        g_auto(AsmBuilder) options = ASM_BUILDER_INIT;

        asm_builder_list(&options, 1);
        asm_builder_tuple(&options, 2);
        asm_builder_atom(&options, flag->option);
        if (value == VALUE_RIGHT)
                put_right(&options, flag->type);
        else if (value == VALUE_NIL)
                asm_builder_nil_atom(&options);
        else
                asm_builder_int(&options, 0); /* of no type, and under the least count */
        return build_options(provider, &options);
}

static char *
build_mode(const AsmProvider *provider, const char *option, const char *mode)
{
        g_auto(AsmBuilder) options = ASM_BUILDER_INIT;

        asm_builder_list(&options, 1);
        asm_builder_tuple(&options, 2);
        asm_builder_atom(&options, option);
        asm_builder_atom(&options, mode);
        return build_options(provider, &options);
}

static void
check_flag(const AsmProvider *provider, const AsmProviderFlag *flag)
{
        g_autofree char *right = build(provider, flag, VALUE_RIGHT);
        g_autofree char *wrong = build(provider, flag, VALUE_WRONG);
        g_autofree char *nil = build(provider, flag, VALUE_NIL);
        g_autofree char *start =
                g_strdup_printf("! option '%s' of provider %s is ", flag->option, provider->name);
        g_auto(GStrv) words = g_strsplit(flag->flag != NULL ? flag->flag : "", " ", -1);

        cr_expect(nil[0] != '!', "%s", nil);
        cr_expect(right[0] != '!', "%s %s: %s", provider->name, flag->option, right);
        for (guint i = 0; words[i] != NULL; i++)
                cr_expect_not_null(strstr(right, words[i]), "%s: %s", flag->flag, right);
        cr_expect(g_str_has_prefix(wrong, start), "%s %s", start, wrong);
        cr_expect_not_null(strstr(wrong, ", expected "), "%s", wrong);
}

Test(options, every_listed_option_gives_its_flag_or_an_error_that_says_what_is_expected)
{
        for (const AsmProvider *const *all = asm_provider_all(); *all != NULL; all++) {
                for (const AsmProviderFlag *flag = (*all)->flags; flag->option != NULL; flag++)
                        check_flag(*all, flag);
        }
}

Test(options, every_permission_mode_gives_its_flags_by_either_name)
{
        for (const AsmProvider *const *all = asm_provider_all(); *all != NULL; all++) {
                for (const AsmPermissionMode *mode = (*all)->permission_modes; mode->mode != NULL;
                     mode++) {
                        g_autofree char *normalized =
                                build_mode(*all, "permission_mode", mode->mode);
                        g_autofree char *native =
                                build_mode(*all, "provider_permission_mode", mode->native);
                        g_autofree char *flags = g_strjoinv("|", (GStrv)mode->flags);

                        cr_expect_not_null(strstr(normalized, flags), "%s", normalized);
                        cr_expect_str_eq(native, normalized);
                }
        }
}

Test(options, an_option_is_listed_once)
{
        for (const AsmProvider *const *all = asm_provider_all(); *all != NULL; all++) {
                for (const AsmProviderFlag *flag = (*all)->flags; flag->option != NULL; flag++) {
                        for (const AsmProviderFlag *other = (*all)->flags; other != flag; other++)
                                cr_expect_str_neq(other->option, flag->option);
                }
        }
}
