/* SPDX-License-Identifier: MIT */

/*
 * The last line of a run that went well: which it was, how long it took, and what it has used. A
 * count of zero is what a provider tells that does not count, so it is left out; so is a cost.
 * Cents are enough for a cost that has some; below that four digits show that it was not nothing.
 */

#include "cli/summary-private.h"

#include "cli/text-private.h"
#include "term/reader.h"

static void
append_count(GString *out, AsmView cost, const char *key, const char *unit)
{
        AsmView value;
        gint64 number;

        if (asm_view_map_get(cost, key, &value) && asm_view_get_int(value, &number) && number > 0)
                g_string_append_printf(out, ", %" G_GINT64_FORMAT " %s", number, unit);
}

char *
asm_cli_run_summary(const char *run_id, AsmView result, gint64 elapsed_ms)
{
        static const char *const keys[] = { "duration_ms", "cost", NULL };
        GString *line = g_string_new(NULL);
        g_autofree char *duration = NULL;
        AsmView values[2], value;
        double usd;
        gint64 ms;

        asm_view_map_pick(result, keys, values);
        if (!asm_view_is_set(values[0]) || !asm_view_get_int(values[0], &ms))
                ms = elapsed_ms;
        duration = asm_text_duration(ms);
        g_string_append_printf(line, "run %s: %s", run_id, duration);
        if (asm_view_is_set(values[1])) {
                append_count(line, values[1], "input_tokens", "tokens in");
                append_count(line, values[1], "output_tokens", "tokens out");
                if (asm_view_map_get(values[1], "cost_usd", &value) &&
                    asm_view_get_double(value, &usd) && usd > 0)
                        g_string_append_printf(line, usd < 0.1 ? ", $%.4f" : ", $%.2f", usd);
        }
        return g_string_free(line, FALSE);
}
