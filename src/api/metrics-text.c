/* SPDX-License-Identifier: MIT */

/*
 * Metrics as text. The list may have come from another node, so names are checked, and what a label or a
 * help text holds is escaped as the format has it: nothing in there begins a line of its own.
 */

#include "api/metrics.h"

#include "term/reader.h"

#include <math.h>
#include <string.h>

/* a letter, _ or :, then digits as well; @is_label: no : */
static gboolean
is_name(const char *name, gboolean is_label)
{
        if (name == NULL || *name == '\0' || g_ascii_isdigit(*name))
                return FALSE;
        for (; *name != '\0'; name++) {
                if (!g_ascii_isalnum(*name) && *name != '_' && (is_label || *name != ':'))
                        return FALSE;
        }
        return TRUE;
}

/* (transfer full) (nullable) */
static char *
dup_member(AsmView map, const char *key)
{
        AsmView value;

        return asm_view_map_get(map, key, &value)
                       ? asm_view_dup_text(value, /* accept_atoms= */ TRUE)
                       : NULL;
}

static void
append_escaped(GString *out, const char *text, gboolean is_quoted)
{
        g_autofree char *valid = g_utf8_make_valid(text, -1);

        for (const char *at = valid; *at != '\0'; at++) {
                if (*at == '\n')
                        g_string_append(out, "\\n");
                else if (*at == '\\' || (*at == '"' && is_quoted))
                        g_string_append_printf(out, "\\%c", *at);
                else if ((guchar)*at >= 0x20 && *at != 0x7f)
                        g_string_append_c(out, *at);
        }
}

static void
append_labels(GString *out, AsmView labels)
{
        AsmMapCursor cursor = asm_view_map(labels);
        AsmView key, value;
        guint n = 0;

        while (asm_map_next(&cursor, &key, &value)) {
                g_autofree char *name = asm_view_dup_text(key, /* accept_atoms= */ TRUE);
                g_autofree char *text = asm_view_dup_text(value, /* accept_atoms= */ TRUE);

                if (!is_name(name, /* is_label= */ TRUE) || text == NULL)
                        continue;
                g_string_append_printf(out, "%s%s=\"", n++ == 0 ? "{" : ",", name);
                append_escaped(out, text, /* is_quoted= */ TRUE);
                g_string_append_c(out, '"');
        }
        if (n > 0)
                g_string_append_c(out, '}');
}

/* (transfer full) (nullable): NULL for what is no number */
static char *
dup_number(AsmView view)
{
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        gint64 number;
        double real;

        if (asm_view_get_int(view, &number))
                return g_strdup_printf("%" G_GINT64_FORMAT, number);
        if (!asm_view_get_double(view, &real) || !isfinite(real))
                return NULL;
        return g_strdup(g_ascii_dtostr(text, sizeof text, real));
}

static void
append_sample(GString *out, const char *family, AsmView sample)
{
        g_autofree char *name = dup_member(sample, "name");
        g_autofree char *number = NULL;
        AsmView labels, value;

        if (!is_name(name, /* is_label= */ FALSE) || !g_str_has_prefix(name, family) ||
            !asm_view_map_get(sample, "value", &value) || (number = dup_number(value)) == NULL)
                return;
        g_string_append(out, name);
        if (asm_view_map_get(sample, "labels", &labels) && asm_view_kind(labels) == ASM_KIND_MAP)
                append_labels(out, labels);
        g_string_append_printf(out, " %s\n", number);
}

static void
append_family(GString *out, AsmView family)
{
        g_autofree char *name = dup_member(family, "name");
        g_autofree char *type = dup_member(family, "type");
        g_autofree char *help = dup_member(family, "help");
        AsmListCursor cursor;
        AsmView samples, sample;

        if (!is_name(name, /* is_label= */ FALSE) || !is_name(type, /* is_label= */ TRUE) ||
            !asm_view_map_get(family, "samples", &samples))
                return;
        if (help != NULL) {
                g_string_append_printf(out, "# HELP %s ", name);
                append_escaped(out, help, /* is_quoted= */ FALSE);
                g_string_append_c(out, '\n');
        }
        g_string_append_printf(out, "# TYPE %s %s\n", name, type);
        cursor = asm_view_list(samples);
        while (asm_list_next(&cursor, &sample)) {
                if (asm_view_kind(sample) == ASM_KIND_MAP)
                        append_sample(out, name, sample);
        }
}

char *
asm_metrics_to_text(AsmView metrics)
{
        GString *out = g_string_new(NULL);
        AsmListCursor cursor = asm_view_list(metrics);
        AsmView family;

        while (asm_list_next(&cursor, &family)) {
                if (asm_view_kind(family) == ASM_KIND_MAP)
                        append_family(out, family);
        }
        return g_string_free(out, FALSE);
}
