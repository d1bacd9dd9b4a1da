/* SPDX-License-Identifier: MIT */

/*
 * A tool call is a line of the region while it runs, and a line above it when it has ended:
 *
 *      ⠹ Bash make test  2.9 s
 *      ✓ Bash make test  3.1 s
 *      ✗ Bash make test  3.1 s
 *        make: *** [test] Error 1
 *
 * Which call a result belongs to is told by its id; a provider that gives none has one at a time,
 * so then it is the oldest. What an agent thinks is counted and said in one line when it goes on.
 *
 * How long a call took is told by the times of its events: what is shown may have happened long ago.
 * Of a call that goes on it is the daemon's time now, which is ours and the least difference that was
 * seen between the time of an event and its arrival here.
 *
 * Ten times a second the region is drawn again, which is what turns the spinner; a terminal that
 * somebody resizes needs nothing else.
 */

#include "cli/live-private.h"

#include "cli/text-private.h"
#include "cli/tool-private.h"
#include "term/reader.h"

#include <string.h>

#define TICK_MS 100
/* tools that are shown; of more the number */
#define TOOLS_MAX 5
/* bytes of a failed tool's words that are looked at */
#define REASON_MAX 400

typedef struct {
        char *id; /* nullable */
        char *label;
        gint64 started_us; /* ours */
        gint64 event_us;   /* the daemon's; 0: not known */
} Tool;

struct _AsmLive {
        AsmOutput *output;
        gboolean is_verbose;
        GQueue tools; /* of owned Tool, oldest first */
        guint n_thought_words;
        gint64 started_us;
        gint64 tokens_in;
        gint64 tokens_out;
        double cost_usd;
        guint n_ticks;
        guint source;     /* 0: nothing moves */
        gint64 offset_us; /* from our clock to the daemon's, as far as it is known */
};

static const char *const spinner[] = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏" };

static void
tool_free(Tool *tool)
{
        g_free(tool->id);
        g_free(tool->label);
        g_free(tool);
}

static char *
since(gint64 us)
{
        return asm_text_duration((g_get_monotonic_time() - us) / 1000);
}

/* since @tool began, until @event_us, or until now if it is 0 */
static char *
time_of(const AsmLive *live, const Tool *tool, gint64 event_us)
{
        gint64 now_us = g_get_monotonic_time();
        gint64 end_us = event_us;

        if (end_us == 0 && live->offset_us != G_MININT64)
                end_us = now_us + live->offset_us;
        return asm_text_duration(tool->event_us > 0 && end_us > 0
                                         ? MAX(end_us - tool->event_us, 0) / 1000
                                         : (now_us - tool->started_us) / 1000);
}

/* --- the region ------------------------------------------------------------------------------- */

static char *
footer(const AsmLive *live, const char *mark)
{
        GString *line = g_string_new(mark);
        g_autofree char *time = since(live->started_us);

        g_string_append_printf(line, " %s", time);
        if (live->n_thought_words > 0)
                g_string_append(line, " · thinking");
        if (live->tokens_in > 0)
                g_string_append_printf(line, " · %" G_GINT64_FORMAT " tokens in", live->tokens_in);
        if (live->tokens_out > 0)
                g_string_append_printf(line, " · %" G_GINT64_FORMAT " out", live->tokens_out);
        if (live->cost_usd > 0)
                g_string_append_printf(line,
                                       live->cost_usd < 0.1 ? " · $%.4f" : " · $%.2f",
                                       live->cost_usd);
        return g_string_free(line, FALSE);
}

static void
draw(AsmLive *live)
{
        const char *mark = spinner[live->n_ticks % G_N_ELEMENTS(spinner)];
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
        guint columns = asm_output_err_columns(live->output);

        if (live->source == 0)
                return;
        for (GList *link = live->tools.head; link != NULL && lines->len < TOOLS_MAX;
             link = link->next) {
                const Tool *tool = link->data;
                g_autofree char *time = time_of(live, tool, 0);
                g_autoptr(GString) label = g_string_new(tool->label);

                asm_text_clip_for(label, columns, 4, time);
                g_ptr_array_add(lines, g_strdup_printf("%s %s  %s", mark, label->str, time));
        }
        if (live->tools.length > TOOLS_MAX)
                g_ptr_array_add(
                        lines,
                        g_strdup_printf("  and %u tools more", live->tools.length - TOOLS_MAX));
        g_ptr_array_add(lines, footer(live, mark));
        g_ptr_array_add(lines, NULL);
        asm_output_region_draw(live->output, (const char *const *)lines->pdata);
}

static gboolean
on_tick(gpointer user_data)
{
        AsmLive *live = user_data;

        live->n_ticks++;
        draw(live);
        return G_SOURCE_CONTINUE;
}

AsmLive *
asm_live_new(AsmOutput *output, gboolean is_verbose, gboolean is_still)
{
        AsmLive *live = g_new0(AsmLive, 1);

        live->output = output;
        live->is_verbose = is_verbose;
        live->started_us = g_get_monotonic_time();
        live->offset_us = G_MININT64;
        g_queue_init(&live->tools);
        if (!is_still)
                live->source = g_timeout_add(TICK_MS, on_tick, live);
        draw(live);
        return live;
}

void
asm_live_set_clock(AsmLive *live, gint64 started_us, gint64 now_us)
{
        live->offset_us = now_us - g_get_monotonic_time();
        live->started_us = started_us - live->offset_us;
}

/* --- what happens ----------------------------------------------------------------------------- */

static void
end_thinking(AsmLive *live)
{
        guint n = live->n_thought_words;

        live->n_thought_words = 0;
        if (n > 0)
                asm_output_note(live->output,
                                "· thought, %u word%s; -v shows them",
                                n,
                                n == 1 ? "" : "s");
}

static AsmView
get(AsmView map, const char *key)
{
        AsmView value;

        return asm_view_is_set(map) && asm_view_option_get(map, key, &value) ? value
                                                                             : ASM_VIEW_NONE;
}

static char *
dup_text(AsmView map, const char *key)
{
        AsmView value = get(map, key);

        if (!asm_view_is_set(value) || asm_view_is_atom(value, "nil"))
                return NULL;
        return asm_view_dup_text(value, /* accept_atoms= */ TRUE);
}

static guint
count_words(const char *text)
{
        guint n = 0;
        gboolean is_in_word = FALSE;

        for (; *text != '\0'; text++) {
                gboolean is_blank = g_ascii_isspace(*text);

                n += !is_blank && !is_in_word;
                is_in_word = !is_blank;
        }
        return n;
}

static void
on_tool_use(AsmLive *live, AsmView payload, gint64 event_us)
{
        g_autofree char *name = dup_text(payload, "tool_name");
        Tool *tool = g_new0(Tool, 1);

        tool->id = dup_text(payload, "tool_call_id");
        tool->label = asm_tool_label(name != NULL ? name : "a tool", get(payload, "input"));
        tool->started_us = g_get_monotonic_time();
        tool->event_us = event_us;
        g_queue_push_tail(&live->tools, tool);
        asm_output_break_line(live->output);
}

static Tool *
take_tool(AsmLive *live, const char *id)
{
        GList *link = live->tools.head;
        Tool *tool;

        while (id != NULL && link != NULL && g_strcmp0(((Tool *)link->data)->id, id) != 0)
                link = link->next;
        if (link == NULL)
                return NULL;
        tool = link->data;
        g_queue_delete_link(&live->tools, link);
        return tool;
}

/* what a failed tool says: its first line */
static void
tell_reason(AsmLive *live, AsmView payload)
{
        g_autofree char *text = dup_text(payload, "content");
        g_autoptr(GString) line = g_string_new("  ");
        const char *end;

        if (text == NULL || *g_strstrip(text) == '\0')
                return;
        end = strchrnul(text, '\n');
        g_string_append_len(line, text, MIN(end - text, REASON_MAX));
        asm_output_note(live->output, "%s", line->str);
}

static gboolean
on_tool_result(AsmLive *live, AsmView payload, gint64 event_us)
{
        g_autofree char *id = dup_text(payload, "tool_call_id");
        Tool *tool = take_tool(live, id);
        AsmView is_error = get(payload, "is_error");
        gboolean is_bad = asm_view_is_set(is_error) && asm_view_is_atom(is_error, "true");
        g_autofree char *time = NULL, *end = NULL;

        if (tool == NULL)
                return FALSE;
        time = time_of(live, tool, event_us);
        end = g_strdup_printf("  %s", time);
        asm_output_mark(live->output, is_bad ? ASM_MARK_BAD : ASM_MARK_GOOD, tool->label, end);
        if (is_bad)
                tell_reason(live, payload);
        tool_free(tool);
        return TRUE;
}

/* what one update says comes on top of those before it */
static void
on_cost(AsmLive *live, AsmView payload)
{
        AsmView in = get(payload, "input_tokens"), out = get(payload, "output_tokens");
        AsmView usd = get(payload, "cost_usd");
        gint64 tokens;
        double cost;

        if (asm_view_is_set(in) && asm_view_get_int(in, &tokens) && tokens > 0)
                live->tokens_in += MIN(tokens, G_MAXINT64 - live->tokens_in);
        if (asm_view_is_set(out) && asm_view_get_int(out, &tokens) && tokens > 0)
                live->tokens_out += MIN(tokens, G_MAXINT64 - live->tokens_out);
        if (asm_view_is_set(usd) && asm_view_get_double(usd, &cost) && cost > 0)
                live->cost_usd += cost;
}

static gboolean
on_thinking(AsmLive *live, AsmView payload)
{
        g_autofree char *text = dup_text(payload, "content");

        if (live->is_verbose)
                return FALSE;
        live->n_thought_words += text != NULL ? MAX(count_words(text), 1) : 1;
        return TRUE;
}

void
asm_live_before_text(AsmLive *live)
{
        end_thinking(live);
}

gboolean
asm_live_feed(AsmLive *live, AsmEventKind kind, AsmView payload, gint64 event_us)
{
        gboolean is_shown = FALSE;

        if (event_us > 0)
                live->offset_us = MAX(live->offset_us, event_us - g_get_monotonic_time());
        if (kind == ASM_EVENT_THINKING) {
                is_shown = on_thinking(live, payload);
        } else if (kind == ASM_EVENT_COST_UPDATE) {
                on_cost(live, payload);
                is_shown = TRUE;
        } else if (kind != ASM_EVENT_RAW && kind != ASM_EVENT_ASSISTANT_DELTA &&
                   kind != ASM_EVENT_ASSISTANT_MESSAGE) {
                end_thinking(live);
        }
        if (kind == ASM_EVENT_TOOL_USE) {
                on_tool_use(live, payload, event_us);
                is_shown = TRUE;
        } else if (kind == ASM_EVENT_TOOL_RESULT) {
                is_shown = on_tool_result(live, payload, event_us);
        }
        if (is_shown)
                draw(live);
        return is_shown;
}

void
asm_live_free(AsmLive *live)
{
        Tool *tool;

        if (live == NULL)
                return;
        g_clear_handle_id(&live->source, g_source_remove);
        asm_output_region_erase(live->output);
        end_thinking(live);
        while ((tool = g_queue_pop_head(&live->tools)) != NULL) {
                asm_output_mark(live->output, ASM_MARK_NONE, tool->label, "  no result");
                tool_free(tool);
        }
        g_free(live);
}
