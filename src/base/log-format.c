/* SPDX-License-Identifier: MIT */

/*
 * The three forms of a log line.
 *
 *     text     2026-11-24T09:15:02.123Z warning asm-node: message (run=.. peer=..)
 *     json     {"time":"..","level":"warning","domain":"asm-node","message":"..","run":".."}
 *     journal  KEY=value lines, as journald's own protocol has them
 *
 * A line may quote what peers and CLIs have said. So in every form a record stays one record: control
 * characters, the ones that turn the direction of writing, and bytes that are no UTF-8 are escaped;
 * what is too long is cut. In the journal that also keeps a value from becoming a field of its own.
 *
 * A tag whose value the message names already is not repeated in text, where people read it.
 */

#include "log-private.h"

#include <string.h>

#define CUT "..."

const char *const asm_log_tag_fields[ASM_LOG_N_TAGS] = { "ASMD_RUN",
                                                         "ASMD_SESSION",
                                                         "ASMD_PEER",
                                                         "ASMD_PROVIDER" };
static const char *const tag_names[ASM_LOG_N_TAGS] = { "run", "session", "peer", "provider" };

static const char *const level_names[] = { "emergency", "alert",  "critical", "error",
                                           "warning",   "notice", "info",     "debug" };

static const struct {
        const char *name;
        const char *id; /* what sd-id128(3) calls one: random, and never changed */
} events[ASM_LOG_N_EVENTS] = {
        [ASM_LOG_EVENT_READY] = { "ready", "57bd9f94935d44c19693639bc7afbbbc" },
        [ASM_LOG_EVENT_STOPPING] = { "stopping", "755c92b497f242dba13ab83e9c1d1fa1" },
        [ASM_LOG_EVENT_RELOADED] = { "reloaded", "fc2fd9eb37724e0c914612ebe56859c9" },
        [ASM_LOG_EVENT_PEER_UP] = { "peer_up", "615ace4088c64e38b7b463a9398568d2" },
        [ASM_LOG_EVENT_PEER_DOWN] = { "peer_down", "1424d8653f7545b3b12ba2b9d7394d4c" },
        [ASM_LOG_EVENT_PEER_REFUSED] = { "peer_refused", "0ee02ec915d84ae193958a5c9c304d4b" },
        [ASM_LOG_EVENT_CALL_REFUSED] = { "call_refused", "51af944b5fd04fb287cb9c879f12bbfe" },
        [ASM_LOG_EVENT_SESSION_STARTED] = { "session_started", "8d13521588a94a55b1e3ad0d8b82ace9" },
        [ASM_LOG_EVENT_SESSION_ENDED] = { "session_ended", "ed564ed422fe4ca8b4bdf978360d75a9" },
        [ASM_LOG_EVENT_RUN_STARTED] = { "run_started", "a7874e42448b4b1dae4cf4479b893c08" },
        [ASM_LOG_EVENT_RUN_ENDED] = { "run_ended", "5bb92df43cf44ed5a1013a8b0200a4a0" },
        [ASM_LOG_EVENT_SUBSCRIBER_LAGGED] = { "subscriber_lagged",
                                              "eae65da7b8634fcb9b826f493c0fafc9" },
        [ASM_LOG_EVENT_EPMD_LOST] = { "epmd_lost", "50d47191f6a1486aa00adefe83f5a120" },
        [ASM_LOG_EVENT_EPMD_REGISTERED] = { "epmd_registered", "577f7cbb265a47cfb2ae73f3b0307796" },
        [ASM_LOG_EVENT_LINES_LOST] = { "lines_lost", "c3854195080e4457b74a6f8708ec3892" },
};

const char *
asm_log_event_name(AsmLogEvent event)
{
        return events[event].name;
}

/* --- what GLib hands over -------------------------------------------------------------------- */

guint
asm_log_priority(GLogLevelFlags level)
{
        if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) != 0)
                return 3;
        if ((level & G_LOG_LEVEL_WARNING) != 0)
                return 4;
        if ((level & G_LOG_LEVEL_MESSAGE) != 0)
                return 5;
        return (level & G_LOG_LEVEL_INFO) != 0 ? 6 : 7;
}

static AsmLogEvent
event_by_name(const char *name)
{
        for (guint i = ASM_LOG_EVENT_NONE + 1; i < ASM_LOG_N_EVENTS; i++) {
                if (strcmp(events[i].name, name) == 0)
                        return i;
        }
        return ASM_LOG_EVENT_NONE;
}

static void
take_field(AsmLogRecord *record, const char *key, const char *value)
{
        static const char *const code_fields[] = { "CODE_FILE", "CODE_LINE", "CODE_FUNC" };

        if (strcmp(key, "MESSAGE") == 0)
                record->message = value;
        else if (strcmp(key, "GLIB_DOMAIN") == 0)
                record->domain = value;
        else if (strcmp(key, ASM_LOG_EVENT_FIELD) == 0)
                record->event = event_by_name(value);
        for (guint i = 0; i < ASM_LOG_N_TAGS; i++) {
                if (strcmp(key, asm_log_tag_fields[i]) == 0)
                        record->tags[i] = value;
        }
        for (guint i = 0; i < G_N_ELEMENTS(code_fields); i++) {
                if (strcmp(key, code_fields[i]) == 0)
                        record->code[i] = value;
        }
}

void
asm_log_record_init(AsmLogRecord *record,
                    GLogLevelFlags level,
                    const GLogField *fields,
                    gsize n_fields,
                    gint64 time_us)
{
        *record = (AsmLogRecord){ .priority = asm_log_priority(level),
                                  .time_us = time_us,
                                  .domain = "asmd",
                                  .message = "" };
        for (gsize i = 0; i < n_fields; i++) {
                /* a length is that of binary data, which none of ours is */
                if (fields[i].length < 0 && fields[i].value != NULL)
                        take_field(record, fields[i].key, fields[i].value);
        }
}

/* --- foreign text ---------------------------------------------------------------------------- */

typedef enum {
        FOR_PEOPLE,
        FOR_JSON,
} Escape;

/* moves the cursor, or hides or reorders what stands beside it */
static gboolean
is_unsafe(gunichar c)
{
        return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 ||
               (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
               (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void
append_unsafe(GString *out, gunichar c, Escape escape)
{
        if (c == '\n')
                g_string_append(out, "\\n");
        else if (c == '\t')
                g_string_append(out, "\\t");
        else if (escape == FOR_JSON || c > 0xff)
                g_string_append_printf(out, "\\u%04x", c);
        else
                g_string_append_printf(out, "\\x%02x", c);
}

static void
append_clean(GString *out, const char *text, gsize max, Escape escape)
{
        const char *at = text;
        const char *end = text + strnlen(text, max + 1);
        gboolean is_cut = end > text + max;

        if (is_cut)
                end = text + max;
        while (at < end) {
                gunichar c = g_utf8_get_char_validated(at, end - at);

                if (c == (gunichar)-2 && is_cut)
                        break;
                if (c == (gunichar)-1 || c == (gunichar)-2) {
                        if (escape == FOR_JSON)
                                g_string_append(out, "\\ufffd");
                        else
                                g_string_append_printf(out, "\\x%02x", (guint8)*at);
                        at++;
                        continue;
                }
                if (is_unsafe(c)) {
                        append_unsafe(out, c, escape);
                } else {
                        if (escape == FOR_JSON && (c == '"' || c == '\\'))
                                g_string_append_c(out, '\\');
                        g_string_append_unichar(out, c);
                }
                at = g_utf8_next_char(at);
        }
        if (is_cut)
                g_string_append(out, CUT);
}

static void
append_time(GString *out, gint64 time_us)
{
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);
        g_autofree char *text = time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%S") : NULL;

        if (text != NULL)
                g_string_append_printf(out,
                                       "%s.%03dZ",
                                       text,
                                       (int)(time_us % G_USEC_PER_SEC / 1000));
}

/* --- the forms ------------------------------------------------------------------------------- */

void
asm_log_append_text(GString *out, const AsmLogRecord *record)
{
        gboolean has_tags = FALSE;

        append_time(out, record->time_us);
        g_string_append_printf(out, " %s %s: ", level_names[record->priority], record->domain);
        append_clean(out, record->message, ASM_LOG_MESSAGE_MAX, FOR_PEOPLE);
        for (guint i = 0; i < ASM_LOG_N_TAGS; i++) {
                if (record->tags[i] == NULL || strstr(record->message, record->tags[i]) != NULL)
                        continue;
                g_string_append_printf(out, "%s%s=", has_tags ? " " : " (", tag_names[i]);
                append_clean(out, record->tags[i], ASM_LOG_TAG_MAX, FOR_PEOPLE);
                has_tags = TRUE;
        }
        g_string_append(out, has_tags ? ")\n" : "\n");
}

static void
append_member(GString *out, const char *name, const char *value, gsize max)
{
        if (value == NULL)
                return;
        g_string_append_printf(out, ",\"%s\":\"", name);
        append_clean(out, value, max, FOR_JSON);
        g_string_append_c(out, '"');
}

void
asm_log_append_json(GString *out, const AsmLogRecord *record)
{
        g_string_append(out, "{\"time\":\"");
        append_time(out, record->time_us);
        g_string_append_c(out, '"');
        append_member(out, "level", level_names[record->priority], ASM_LOG_TAG_MAX);
        append_member(out, "domain", record->domain, ASM_LOG_TAG_MAX);
        append_member(out, "event", events[record->event].name, ASM_LOG_TAG_MAX);
        append_member(out, "message", record->message, ASM_LOG_MESSAGE_MAX);
        for (guint i = 0; i < ASM_LOG_N_TAGS; i++)
                append_member(out, tag_names[i], record->tags[i], ASM_LOG_TAG_MAX);
        g_string_append(out, "}\n");
}

/* no value has a newline, so the simple form of journald's protocol will do */
static void
append_field(GString *out, const char *name, const char *value, gsize max)
{
        if (value == NULL)
                return;
        g_string_append_printf(out, "%s=", name);
        append_clean(out, value, max, FOR_PEOPLE);
        g_string_append_c(out, '\n');
}

void
asm_log_append_journal(GString *out, const AsmLogRecord *record)
{
        g_string_append_printf(out, "PRIORITY=%u\nSYSLOG_IDENTIFIER=asmd\n", record->priority);
        append_field(out, "GLIB_DOMAIN", record->domain, ASM_LOG_TAG_MAX);
        append_field(out, "MESSAGE", record->message, ASM_LOG_MESSAGE_MAX);
        append_field(out, "MESSAGE_ID", events[record->event].id, ASM_LOG_TAG_MAX);
        append_field(out, ASM_LOG_EVENT_FIELD, events[record->event].name, ASM_LOG_TAG_MAX);
        for (guint i = 0; i < ASM_LOG_N_TAGS; i++)
                append_field(out, asm_log_tag_fields[i], record->tags[i], ASM_LOG_TAG_MAX);
        append_field(out, "CODE_FILE", record->code[0], ASM_LOG_TAG_MAX);
        append_field(out, "CODE_LINE", record->code[1], ASM_LOG_TAG_MAX);
        append_field(out, "CODE_FUNC", record->code[2], ASM_LOG_TAG_MAX);
}
