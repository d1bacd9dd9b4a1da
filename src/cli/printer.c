/* SPDX-License-Identifier: MIT */

/*
 * Text form: a provider tells the assistant's text in pieces (assistant_delta), as a whole
 * (assistant_message), or first so and then so. A message is therefore compared with the deltas
 * since the last one, by length and hash, so nothing has to be kept:
 *
 *      deltas so far      message           printed for the message
 *      none               "Hello"           Hello
 *      "Hel" "lo"         "Hello"           nothing
 *      "Hel"              "Hello"           lo
 *      "Hel"              "Bye"             a new line, Bye
 *      any                final snapshot    nothing: its rest comes as a delta
 *
 * Pieces follow each other as the result has them; where a tool call or the like came between, the
 * text goes on with a new line. Tool calls, failed tools, approvals and the provider's stderr are
 * notes. How the run ended is told from its result, not from here.
 *
 * Line form: sequence, kind, and the fields of the payload that say most, in one line.
 */

#include "cli/printer-private.h"

#include "cli/text-private.h"
#include "event/event.h"
#include "term/json.h"
#include "term/reader.h"

#include <string.h>

/* FNV-1a; a collision costs a wrong word on a screen, nothing else */
#define HASH_START G_GUINT64_CONSTANT(14695981039346656037)
#define HASH_PRIME G_GUINT64_CONSTANT(1099511628211)

/* columns of a note, which would else be as long as a tool's input */
#define NOTE_COLUMNS 100
/* bytes of one field that are looked at for a line */
#define FIELD_MAX 8192
#define N_FIELDS  4

typedef struct {
        AsmEventKind kind;
        AsmView kind_atom;
        AsmView provider;
        AsmView payload;
        gint64 sequence;
        gint64 time_us; /* 0: not known */
} Event;

void
asm_event_printer_init(AsmEventPrinter *printer, AsmOutput *output, AsmPrintForm form)
{
        *printer = (AsmEventPrinter){ .output = output, .form = form, .streamed_hash = HASH_START };
}

static gboolean
read_event(AsmView view, Event *ret_event)
{
        static const char *const keys[] = { "kind",     "payload",   "sequence",
                                            "provider", "timestamp", NULL };
        AsmView values[5];

        asm_view_map_pick(view, keys, values);
        if (!asm_view_is_set(values[0]) || asm_view_kind(values[0]) != ASM_KIND_ATOM)
                return FALSE;
        *ret_event = (Event){ .kind = asm_event_kind_from_view(values[0]),
                              .kind_atom = values[0],
                              .payload = values[1],
                              .provider = values[3] };
        if (asm_view_is_set(values[2]) && !asm_view_get_int(values[2], &ret_event->sequence))
                ret_event->sequence = 0;
        if (!asm_view_is_set(values[4]) || !asm_view_get_datetime(values[4], &ret_event->time_us))
                ret_event->time_us = 0;
        return TRUE;
}

static AsmView
get_field(AsmView map, const char *key)
{
        AsmView value;

        if (!asm_view_is_set(map) || !asm_view_option_get(map, key, &value))
                return ASM_VIEW_NONE;
        return value;
}

/* --- fields as text -------------------------------------------------------------------------- */

static gboolean
append_binary(GString *out, AsmView view)
{
        const guint8 *data;
        gsize len;

        if (!asm_view_is_set(view) || !asm_view_get_binary(view, &data, &len))
                return FALSE;
        g_string_append_len(out, (const char *)data, (gssize)len);
        return TRUE;
}

/* the text of a message: a binary, or a list of binaries and of blocks of type text */
static void
append_content(GString *out, AsmView content)
{
        AsmListCursor cursor;
        AsmView block;

        if (!asm_view_is_set(content) || append_binary(out, content))
                return;
        cursor = asm_view_list(content);
        while (asm_list_next(&cursor, &block)) {
                g_autofree char *type = NULL;

                if (append_binary(out, block))
                        continue;
                block = asm_view_kind(block) == ASM_KIND_MAP ? block : ASM_VIEW_NONE;
                if (!asm_view_is_set(get_field(block, "type")))
                        continue;
                type = asm_view_dup_text(get_field(block, "type"), /* accept_atoms= */ TRUE);
                if (g_strcmp0(type, "text") == 0)
                        append_binary(out, get_field(block, "text"));
        }
}

/* any value on one line: text bare, numbers with their name, the rest as JSON */
static void
append_field(GString *out, const char *name, AsmView value)
{
        g_autoptr(GString) text = g_string_new(NULL);
        g_autofree char *atom = NULL;
        double number;

        if (!asm_view_is_set(value) || asm_view_is_atom(value, "nil"))
                return;
        atom = asm_view_dup_atom(value);
        if (atom != NULL && (g_str_equal(atom, "true") || g_str_equal(atom, "false"))) {
                g_string_append_printf(text, "%s=%s", name, atom);
        } else if (atom != NULL) {
                g_string_append(text, atom);
        } else if (asm_view_get_double(value, &number)) {
                g_autofree char *json = asm_view_to_json_text(value);

                g_string_append_printf(text, "%s=%s", name, json);
        } else {
                append_content(text, value);
        }
        if (text->len == 0 && asm_view_kind(value) == ASM_KIND_MAP) {
                g_autofree char *json = asm_view_to_json_text(value);

                g_string_append(text, json);
        }
        if (text->len == 0)
                return;
        if (out->len > 0)
                g_string_append_c(out, ' ');
        asm_text_append_safe(out, text->str, MIN(text->len, FIELD_MAX), ASM_TEXT_ONE_LINE);
}

static char *
describe(AsmView payload, const char *const *fields)
{
        GString *out = g_string_new(NULL);

        for (guint i = 0; i < N_FIELDS && fields[i] != NULL; i++)
                append_field(out, fields[i], get_field(payload, fields[i]));
        return g_string_free(out, FALSE);
}

/* --- text ------------------------------------------------------------------------------------ */

static guint64
hash_bytes(guint64 hash, const char *data, gsize len)
{
        for (gsize i = 0; i < len; i++)
                hash = (hash ^ (guint8)data[i]) * HASH_PRIME;
        return hash;
}

static void
print_text(AsmEventPrinter *printer, const char *text, gsize len)
{
        if (len == 0 || printer->hides_text)
                return;
        if (printer->live != NULL)
                asm_live_before_text(printer->live);
        if (printer->was_interrupted)
                asm_output_end_line(printer->output);
        printer->was_interrupted = FALSE;
        asm_output_text(printer->output, text, len);
}

static void
on_delta(AsmEventPrinter *printer, const Event *event)
{
        const guint8 *data;
        gsize len;
        AsmView content = get_field(event->payload, "content");

        if (!asm_view_is_set(content) || !asm_view_get_binary(content, &data, &len))
                return;
        printer->streamed_hash = hash_bytes(printer->streamed_hash, (const char *)data, len);
        printer->streamed_len += len;
        print_text(printer, (const char *)data, len);
}

static gboolean
is_final_snapshot(const Event *event)
{
        AsmView source = get_field(get_field(event->payload, "metadata"), "source");
        g_autofree char *name = NULL;

        if (asm_view_is_set(source))
                name = asm_view_dup_text(source, /* accept_atoms= */ TRUE);
        return g_strcmp0(name, "cursor_final_snapshot") == 0;
}

static void
on_message(AsmEventPrinter *printer, const Event *event)
{
        g_autoptr(GString) text = g_string_new(NULL);
        gsize len = printer->streamed_len;
        gboolean was_streamed = FALSE;

        append_content(text, get_field(event->payload, "content"));
        if (is_final_snapshot(event))
                g_string_truncate(text, 0);
        else if (len > 0)
                was_streamed = len <= text->len &&
                               hash_bytes(HASH_START, text->str, len) == printer->streamed_hash;
        if (len > 0 && !was_streamed)
                printer->was_interrupted = TRUE;
        if (was_streamed)
                print_text(printer, text->str + len, text->len - len);
        else
                print_text(printer, text->str, text->len);
        printer->streamed_len = 0;
        printer->streamed_hash = HASH_START;
}

static void
note(AsmEventPrinter *printer, const char *label, const char *text)
{
        g_autoptr(GString) line = g_string_new(NULL);

        g_string_append_printf(line, "%s: %s", label, text);
        if (!printer->is_verbose)
                asm_text_clip(line, NOTE_COLUMNS);
        asm_output_note(printer->output, "%s", line->str);
        printer->was_interrupted = TRUE;
}

static void
note_fields(AsmEventPrinter *printer,
            const Event *event,
            const char *label,
            const char *const *fields)
{
        g_autofree char *text = describe(event->payload, fields);

        note(printer, label, text);
}

/* what a program says on its stderr is lines: each gets the program's name */
static void
on_stderr(AsmEventPrinter *printer, const Event *event)
{
        g_autoptr(GString) text = g_string_new(NULL);
        g_autofree char *provider = NULL;
        g_auto(GStrv) lines = NULL;

        append_binary(text, get_field(event->payload, "content"));
        g_string_truncate(text, MIN(text->len, FIELD_MAX));
        if (asm_view_is_set(event->provider))
                provider = asm_view_dup_atom(event->provider);
        lines = g_strsplit(text->str, "\n", -1);
        for (guint i = 0; lines[i] != NULL; i++) {
                if (*lines[i] == '\0')
                        continue;
                asm_output_note(printer->output,
                                "%s: %s",
                                provider != NULL ? provider : "stderr",
                                lines[i]);
                printer->was_interrupted = TRUE;
        }
}

static void
print_event_text(AsmEventPrinter *printer, const Event *event)
{
        static const char *const tool[N_FIELDS] = { "tool_name", "input" };
        static const char *const content[N_FIELDS] = { "content" };
        static const char *const approval[N_FIELDS] = { "subject", "approval_id" };
        static const char *const decision[N_FIELDS] = { "decision", "approval_id", "reason" };
        AsmView is_error = get_field(event->payload, "is_error");

        if (printer->live != NULL &&
            asm_live_feed(printer->live, event->kind, event->payload, event->time_us)) {
                printer->was_interrupted = TRUE;
                return;
        }
        /* an event kind without a case here has nothing to say in this form */
        if (event->kind == ASM_EVENT_ASSISTANT_DELTA)
                on_delta(printer, event);
        else if (event->kind == ASM_EVENT_ASSISTANT_MESSAGE)
                on_message(printer, event);
        else if (event->kind == ASM_EVENT_THINKING && printer->is_verbose)
                note_fields(printer, event, "thinking", content);
        else if (event->kind == ASM_EVENT_TOOL_USE)
                note_fields(printer, event, "tool", tool);
        else if (event->kind == ASM_EVENT_TOOL_RESULT && asm_view_is_set(is_error) &&
                 asm_view_is_atom(is_error, "true"))
                note_fields(printer, event, "tool failed", content);
        else if (event->kind == ASM_EVENT_APPROVAL_REQUESTED)
                note_fields(printer, event, "waits for approval", approval);
        else if (event->kind == ASM_EVENT_APPROVAL_RESOLVED)
                note_fields(printer, event, "approval", decision);
        else if (event->kind == ASM_EVENT_STDERR)
                on_stderr(printer, event);
}

/* --- lines ----------------------------------------------------------------------------------- */

static const char *const line_fields[][N_FIELDS] = {
        [ASM_EVENT_RUN_STARTED] = { "provider_session_id", "command", "cwd" },
        [ASM_EVENT_ASSISTANT_DELTA] = { "content" },
        [ASM_EVENT_ASSISTANT_MESSAGE] = { "content" },
        [ASM_EVENT_USER_MESSAGE] = { "content" },
        [ASM_EVENT_THINKING] = { "content" },
        [ASM_EVENT_TOOL_USE] = { "tool_name", "tool_call_id", "input" },
        [ASM_EVENT_TOOL_RESULT] = { "tool_call_id", "is_error", "content" },
        [ASM_EVENT_APPROVAL_REQUESTED] = { "approval_id", "subject", "details" },
        [ASM_EVENT_APPROVAL_RESOLVED] = { "approval_id", "decision", "reason" },
        [ASM_EVENT_COST_UPDATE] = { "input_tokens", "output_tokens", "cost_usd" },
        [ASM_EVENT_RESULT] = { "status", "stop_reason" },
        [ASM_EVENT_ERROR] = { "severity", "code", "message" },
        [ASM_EVENT_STDERR] = { "content" },
        [ASM_EVENT_RAW] = { "stream", "content" },
        [ASM_EVENT_RUN_COMPLETED] = { "status" },
};

static void
print_event_line(AsmEventPrinter *printer, const Event *event)
{
        g_autofree char *kind = asm_view_dup_atom(event->kind_atom);
        g_autoptr(GString) line = g_string_new(NULL);
        g_autofree char *text = NULL;

        if (event->kind < G_N_ELEMENTS(line_fields))
                text = describe(event->payload, line_fields[event->kind]);
        else if (asm_view_is_set(event->payload))
                text = asm_view_to_json_text(event->payload);
        g_string_append_printf(line,
                               "%4" G_GINT64_FORMAT "  %-18s  %s",
                               event->sequence,
                               kind,
                               text != NULL ? text : "");
        g_strchomp(line->str);
        asm_output_line(printer->output, line->str, /* may_cut= */ TRUE);
}

void
asm_event_printer_feed(AsmEventPrinter *printer, AsmView view)
{
        Event event;

        if (!read_event(view, &event))
                return;
        printer->n_events++;
        switch (printer->form) {
        case ASM_PRINT_TEXT:
                print_event_text(printer, &event);
                break;
        case ASM_PRINT_LINES:
                print_event_line(printer, &event);
                break;
        case ASM_PRINT_JSON:
                asm_output_json(printer->output, view);
                break;
        }
}

void
asm_event_printer_begin(AsmEventPrinter *printer)
{
        if (printer->form == ASM_PRINT_TEXT && printer->output->is_live)
                printer->live =
                        asm_live_new(printer->output, printer->is_verbose, printer->is_still);
}

void
asm_event_printer_set_clock(AsmEventPrinter *printer, gint64 started_us, gint64 duration_ms)
{
        if (printer->live != NULL && started_us > 0 && duration_ms >= 0)
                asm_live_set_clock(printer->live, started_us, started_us + duration_ms * 1000);
}

void
asm_event_printer_end(AsmEventPrinter *printer)
{
        g_clear_pointer(&printer->live, asm_live_free);
        if (printer->form == ASM_PRINT_TEXT)
                asm_output_end_line(printer->output);
}
