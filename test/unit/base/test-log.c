/* SPDX-License-Identifier: MIT */
/*
 * Log lines: each form holds one record whatever the text, and a reader that does not read costs
 * lines, which are counted, and no time.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log-private.h"

TestSuite(base_log, .timeout = 300);

/* 2026-11-24T09:15:02.123Z */
#define WHEN G_GINT64_CONSTANT(1795511702123456)

static AsmLogRecord
record_of(const char *message)
{
        return (AsmLogRecord){ .priority = 4,
                               .time_us = WHEN,
                               .domain = "asm-node",
                               .message = message };
}

static char *
form(void (*append)(GString *, const AsmLogRecord *), const AsmLogRecord *record)
{
        GString *out = g_string_new(NULL);

        append(out, record);
        return g_string_free(out, FALSE);
}

Test(base_log, a_text_line_has_time_level_domain_and_what_the_message_does_not_name)
{
        AsmLogRecord record = record_of("run r-1: it ends");
        g_autofree char *line = NULL;

        record.tags[0] = "r-1";
        record.tags[1] = "s-1";
        record.tags[3] = "codex";
        line = form(asm_log_append_text, &record);

        cr_expect_str_eq(line,
                         "2026-11-24T09:15:02.123Z warning asm-node: run r-1: it ends "
                         "(session=s-1 provider=codex)\n");
}

static const struct {
        const char *text;
        const char *shown;
} foreign[] = {
        { "plain", "plain" },
        { "two\nlines", "two\\nlines" },
        { "a\ttab", "a\\ttab" },
        { "\033[2Jgone", "\\x1b[2Jgone" },
        { "caf\303\251", "caf\303\251" },
        { "\377\376", "\\xff\\xfe" },
        { "half \303", "half \\xc3" },
        { "\302\233m", "\\x9bm" },
        { "\342\200\256turned", "\\u202eturned" },
        { "quote \" and \\", "quote \" and \\" },
};

Test(base_log, foreign_text_stays_on_its_line)
{
        for (gsize i = 0; i < G_N_ELEMENTS(foreign); i++) {
                AsmLogRecord record = record_of(foreign[i].text);
                g_autofree char *line = form(asm_log_append_text, &record);
                g_autofree char *wanted =
                        g_strdup_printf("2026-11-24T09:15:02.123Z warning asm-node: %s\n",
                                        foreign[i].shown);

                cr_expect_str_eq(line, wanted, "got %s", line);
        }
}

Test(base_log, a_json_line_is_one_object_that_gives_the_text_back)
{
        for (gsize i = 0; i < G_N_ELEMENTS(foreign); i++) {
                AsmLogRecord record = record_of(foreign[i].text);
                g_autoptr(JsonParser) parser = json_parser_new();
                g_autofree char *line = NULL;
                JsonObject *object;

                record.tags[2] = foreign[i].text;
                record.event = ASM_LOG_EVENT_PEER_UP;
                line = form(asm_log_append_json, &record);
                cr_assert(json_parser_load_from_data(parser, line, -1, NULL), "%s", line);
                cr_expect_eq(strchr(line, '\n'), line + strlen(line) - 1, "%s", line);
                object = json_node_get_object(json_parser_get_root(parser));
                cr_expect_str_eq(json_object_get_string_member(object, "level"), "warning");
                cr_expect_str_eq(json_object_get_string_member(object, "event"), "peer_up");
                cr_expect_str_eq(json_object_get_string_member(object, "time"),
                                 "2026-11-24T09:15:02.123Z");
                if (g_utf8_validate(foreign[i].text, -1, NULL)) {
                        cr_expect_str_eq(json_object_get_string_member(object, "message"),
                                         foreign[i].text);
                        cr_expect_str_eq(json_object_get_string_member(object, "peer"),
                                         foreign[i].text);
                }
                cr_expect(!json_object_has_member(object, "run"));
        }
}

Test(base_log, no_value_becomes_a_field_of_the_journal)
{
        AsmLogRecord record = record_of("text\nPRIORITY=0");
        g_autofree char *datagram = NULL;

        record.tags[0] = "r-1\n_UID=0";
        record.event = ASM_LOG_EVENT_RUN_ENDED;
        datagram = form(asm_log_append_journal, &record);

        cr_expect_str_eq(datagram,
                         "PRIORITY=4\nSYSLOG_IDENTIFIER=asmd\nGLIB_DOMAIN=asm-node\n"
                         "MESSAGE=text\\nPRIORITY=0\n"
                         "MESSAGE_ID=5bb92df43cf44ed5a1013a8b0200a4a0\nASMD_EVENT=run_ended\n"
                         "ASMD_RUN=r-1\\n_UID=0\n");
}

Test(base_log, every_event_has_a_name_and_an_id_of_its_own)
{
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (guint i = ASM_LOG_EVENT_NONE + 1; i < ASM_LOG_N_EVENTS; i++) {
                AsmLogRecord record = record_of("");
                g_autofree char *datagram = NULL;
                char *id;

                record.event = i;
                datagram = form(asm_log_append_journal, &record);
                id = strstr(datagram, "MESSAGE_ID=");
                cr_assert_not_null(id);
                cr_expect_eq(strcspn(id + 11, "\n"), 32);
                cr_expect(g_hash_table_add(seen, g_strndup(id + 11, 32)));
                cr_expect(g_hash_table_add(seen, g_strdup(asm_log_event_name(i))));
        }
}

Test(base_log, a_message_is_cut_at_its_limit)
{
        for (gsize len = ASM_LOG_MESSAGE_MAX; len <= ASM_LOG_MESSAGE_MAX + 1; len++) {
                g_autofree char *text = g_strnfill(len, 'x');
                AsmLogRecord record = record_of(text);
                g_autofree char *line = form(asm_log_append_text, &record);
                gsize head = strlen("2026-11-24T09:15:02.123Z warning asm-node: ");
                gboolean is_cut = len > ASM_LOG_MESSAGE_MAX;

                cr_expect_eq(strlen(line), head + ASM_LOG_MESSAGE_MAX + (is_cut ? 4 : 1));
                cr_expect_eq(g_str_has_suffix(line, "x...\n"), is_cut);
        }
}

Test(base_log, a_cut_never_leaves_half_a_character)
{
        g_autofree char *text = g_strnfill(ASM_LOG_MESSAGE_MAX - 1, 'x');
        g_autofree char *longer = g_strconcat(text, "\303\251", "end", NULL);
        AsmLogRecord record = record_of(longer);
        g_autofree char *line = form(asm_log_append_text, &record);

        cr_expect(g_str_has_suffix(line, "xx...\n"), "%s", line + strlen(line) - 20);
}

/* --- the sink -------------------------------------------------------------------------------- */

static void
ignore(gpointer user_data)
{
}

static gboolean
is_nonblocking(int fd)
{
        return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

/* what can be read now */
static char *
drain(int fd)
{
        GString *got = g_string_new(NULL);
        char buffer[65536];
        ssize_t n;

        fcntl(fd, F_SETFL, O_NONBLOCK);
        while ((n = read(fd, buffer, sizeof buffer)) > 0)
                g_string_append_len(got, buffer, n);
        return g_string_free(got, FALSE);
}

static guint
count_lines(const char *text)
{
        guint n = 0;

        for (; *text != '\0'; text++)
                n += *text == '\n' ? 1 : 0;
        return n;
}

static void
expect_bounded(int writing, int reading)
{
        g_autoptr(AsmLogSink) sink = asm_log_sink_new(writing, ignore, NULL);
        g_autofree char *line = g_strnfill(1000, 'l');
        g_autoptr(GString) got = g_string_new(NULL);
        guint n_taken = 0;
        guint n_lost = 0;

        line[999] = '\n';
        while (n_lost < 10) {
                if (asm_log_sink_write(sink, line, 1000))
                        n_taken++;
                else
                        n_lost++;
        }
        cr_expect_leq(asm_log_sink_waiting(sink), ASM_LOG_BACKLOG_MAX);
        cr_expect_gt(asm_log_sink_waiting(sink), ASM_LOG_BACKLOG_MAX - 1000);
        cr_expect(!is_nonblocking(writing), "the flags of others' descriptors are not ours");
        do {
                g_autofree char *part = drain(reading);

                g_string_append(got, part);
                cr_expect_eq(asm_log_sink_flush(sink), 0);
        } while (asm_log_sink_waiting(sink) > 0);
        g_autofree char *rest = drain(reading);
        g_string_append(got, rest);
        cr_expect_eq(count_lines(got->str), n_taken, "what was taken comes, whole");
        cr_expect_eq(got->len, n_taken * 1000);
        cr_expect(asm_log_sink_write(sink, line, 1000), "and then there is room again");
}

Test(base_log, a_pipe_that_nobody_reads_costs_lines_and_no_time)
{
        int fds[2];

        cr_assert_eq(pipe(fds), 0);
        expect_bounded(fds[1], fds[0]);
}

Test(base_log, a_socket_that_nobody_reads_costs_lines_and_no_time)
{
        int fds[2];

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        expect_bounded(fds[1], fds[0]);
}

Test(base_log, a_reader_that_has_gone_is_no_error)
{
        g_autoptr(AsmLogSink) sink = NULL;
        int fds[2];

        signal(SIGPIPE, SIG_IGN);
        cr_assert_eq(pipe(fds), 0);
        sink = asm_log_sink_new(fds[1], ignore, NULL);
        close(fds[0]);

        cr_expect(!asm_log_sink_write(sink, "line\n", 5));
        cr_expect_eq(asm_log_sink_waiting(sink), 0);
}

Test(base_log, a_file_is_appended_to)
{
        g_autofree char *path = NULL;
        g_autofree char *content = NULL;
        g_autoptr(AsmLogSink) sink = NULL;
        int fd = g_file_open_tmp("asm-log-XXXXXX", &path, NULL);

        cr_assert_eq(write(fd, "before\n", 7), 7);
        sink = asm_log_sink_new(fd, ignore, NULL);
        cr_expect(asm_log_sink_write(sink, "line\n", 5));

        cr_assert(g_file_get_contents(path, &content, NULL, NULL));
        cr_expect_str_eq(content, "before\nline\n");
        g_unlink(path);
        close(fd);
}

/* --- the journal ----------------------------------------------------------------------------- */

Test(base_log, a_journal_that_does_not_keep_up_costs_lines_and_one_that_is_not_there_none)
{
        g_autofree char *folder = g_dir_make_tmp("asm-log-XXXXXX", NULL);
        g_autofree char *path = g_build_filename(folder, "socket", NULL);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int journal = socket(AF_UNIX, SOCK_DGRAM, 0);
        int fd = -1;
        guint n = 0;
        char buffer[100];

        cr_expect_eq(asm_log_send_journal(&fd, path, "MESSAGE=a\n", 10), ASM_LOG_NOT_SENT);
        g_strlcpy(address.sun_path, path, sizeof address.sun_path);
        cr_assert_eq(bind(journal, (struct sockaddr *)&address, sizeof address), 0);
        while (asm_log_send_journal(&fd, path, "MESSAGE=a\n", 10) == ASM_LOG_SENT)
                n++;
        cr_expect_gt(n, 0);
        cr_expect_eq(asm_log_send_journal(&fd, path, "MESSAGE=a\n", 10), ASM_LOG_LOST);
        cr_expect_eq(recv(journal, buffer, sizeof buffer, 0), 10);
        cr_expect_eq(asm_log_send_journal(&fd, path, "MESSAGE=b\n", 10), ASM_LOG_SENT);
        close(journal);
        close(fd);
        g_unlink(path);
        g_rmdir(folder);
}

Test(base_log, only_the_stream_that_systemd_names_leads_to_the_journal)
{
        g_autofree char *right = NULL;
        struct stat status;

        cr_assert_eq(fstat(0, &status), 0);
        right = g_strdup_printf("%lu:%lu", (gulong)status.st_dev, (gulong)status.st_ino);
        cr_expect(asm_log_is_journal(0, right));
        cr_expect(!asm_log_is_journal(0, "1:1"));
        cr_expect(!asm_log_is_journal(0, ""));
        cr_expect(!asm_log_is_journal(0, NULL));
        cr_expect(!asm_log_is_journal(-1, right));
}

/* --- all of it ------------------------------------------------------------------------------- */

Test(base_log, lines_that_are_lost_are_counted_and_told)
{
        g_autoptr(GString) got = g_string_new(NULL);
        g_autofree char *wanted = NULL;
        AsmLogStats stats;
        int fds[2];

        cr_assert_eq(pipe(fds), 0);
        asm_log_start(fds[1]);
        asm_log_set(ASM_LOG_TEXT, ASM_LOG_NOTICE);
        do {
                g_message("a line that nobody reads");
                asm_log_get_stats(&stats);
        } while (stats.n_lost < 3);
        while (strstr(got->str, "were lost") == NULL) {
                g_autofree char *part = drain(fds[0]);

                g_string_append(got, part);
                g_main_context_iteration(NULL, FALSE);
        }
        asm_log_get_stats(&stats);
        wanted =
                g_strdup_printf(" %" G_GUINT64_FORMAT " lines of this log were lost", stats.n_lost);
        cr_expect_not_null(strstr(got->str, wanted), "%s", wanted);
        cr_expect_eq(count_lines(got->str), stats.n_lines + 1);
        asm_log_end();
}

Test(base_log, a_level_lets_through_what_is_as_important)
{
        int fds[2];

        cr_assert_eq(pipe(fds), 0);
        g_setenv("G_DEBUG", "", TRUE);
        asm_log_start(fds[1]);
        for (guint i = 0; i < ASM_LOG_DEBUG + 1; i++) {
                g_autofree char *got = NULL;

                asm_log_set(ASM_LOG_TEXT, i);
                g_warning("warning");
                g_message("notice");
                asm_log(G_LOG_LEVEL_INFO, NULL, "info");
                g_debug("debug");
                got = drain(fds[0]);
                cr_expect_eq(count_lines(got), i, "%s: %s", asm_log_level_names[i], got);
        }
        asm_log_end();
}

Test(base_log, tags_are_fields)
{
        g_autofree char *got = NULL;
        int fds[2];

        cr_assert_eq(pipe(fds), 0);
        asm_log_start(fds[1]);
        asm_log_set(ASM_LOG_JSON, ASM_LOG_NOTICE);
        asm_log(G_LOG_LEVEL_MESSAGE,
                &(AsmLogTags){ .event = ASM_LOG_EVENT_RUN_STARTED,
                               .run = "r-1",
                               .session = "s-1",
                               .peer = "a@b",
                               .provider = "codex" },
                "it %s",
                "begins");
        got = drain(fds[0]);
        cr_expect_not_null(strstr(got,
                                  "\"domain\":\"test\",\"event\":\"run_started\",\"message\":\"it "
                                  "begins\",\"run\":\"r-1\",\"session\":\"s-1\",\"peer\":\"a@b\","
                                  "\"provider\":\"codex\"}\n"),
                           "%s",
                           got);
        asm_log_end();
}
