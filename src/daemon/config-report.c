/* SPDX-License-Identifier: MIT */

/*
 * What is wrong with a configuration: one line per mistake, which begins with the place to go to, in the
 * form that editors and compilers share (FILE:LINE:). All mistakes are told at once, at the start, by
 * --check-config and on SIGHUP in the same words; a file that is no configuration at all does not get
 * a line for each of its lines.
 */

#include "config-private.h"

/* lines that somebody may want to read */
#define MISTAKES_MAX 100
#define SHOWN_MAX    80

void
asm_config_report_init(AsmConfigReport *report)
{
        *report = (AsmConfigReport){ .mistakes = g_ptr_array_new_with_free_func(g_free),
                                     .warnings = g_ptr_array_new_with_free_func(g_free),
                                     .places = g_ptr_array_new_with_free_func(g_free) };
}

void
asm_config_report_clear(AsmConfigReport *report)
{
        g_clear_pointer(&report->mistakes, g_ptr_array_unref);
        g_clear_pointer(&report->warnings, g_ptr_array_unref);
        g_clear_pointer(&report->places, g_ptr_array_unref);
}

char *
asm_config_report_text(const AsmConfigReport *report)
{
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < report->mistakes->len; i++)
                g_string_append_printf(text,
                                       "%s%s",
                                       i > 0 ? "\n" : "",
                                       (const char *)g_ptr_array_index(report->mistakes, i));
        if (report->n_more > 0)
                g_string_append_printf(text, "\nand %u more", report->n_more);
        return g_string_free(text, FALSE);
}

char *
asm_config_shown(const char *text)
{
        g_autofree char *cut =
                g_utf8_strlen(text, -1) > SHOWN_MAX ? g_utf8_substring(text, 0, SHOWN_MAX) : NULL;
        g_autofree char *escaped = g_strescape(cut != NULL ? cut : text, NULL);

        return cut != NULL ? g_strconcat(escaped, "...", NULL) : g_steal_pointer(&escaped);
}

static char *
dup_place(const AsmConfigSetting *setting)
{
        GString *text = g_string_new(setting->origin.where);

        if (setting->origin.line > 0)
                g_string_append_printf(text, ":%u", setting->origin.line);
        if (setting->origin.kind != ASM_ORIGIN_FILE)
                return g_string_free(text, FALSE);
        g_string_append_c(text, ':');
        if (setting->group != NULL) {
                g_autofree char *group = asm_config_shown(setting->group);

                g_string_append_printf(text, " [%s]", group);
        }
        if (setting->key != NULL) {
                g_autofree char *key = asm_config_shown(setting->key);

                g_string_append_printf(text, " %s", key);
        }
        if (text->str[text->len - 1] == ':')
                g_string_truncate(text, text->len - 1);
        return g_string_free(text, FALSE);
}

static void G_GNUC_PRINTF(3, 0)
        add(GPtrArray *list, const AsmConfigSetting *setting, const char *format, va_list args)
{
        g_autofree char *place = setting != NULL ? dup_place(setting) : NULL;
        g_autofree char *what = g_strdup_vprintf(format, args);

        g_ptr_array_add(list,
                        place != NULL ? g_strconcat(place, ": ", what, NULL)
                                      : g_steal_pointer(&what));
}

void
asm_config_mistake(AsmConfigReport *report,
                   const AsmConfigSetting *setting,
                   const char *format,
                   ...)
{
        va_list args;

        if (report->mistakes->len >= MISTAKES_MAX) {
                report->n_more++;
                return;
        }
        va_start(args, format);
        add(report->mistakes, setting, format, args);
        va_end(args);
}

void
asm_config_warning(AsmConfigReport *report,
                   const AsmConfigSetting *setting,
                   const char *format,
                   ...)
{
        va_list args;

        if (report->warnings->len >= MISTAKES_MAX)
                return;
        va_start(args, format);
        add(report->warnings, setting, format, args);
        va_end(args);
}
