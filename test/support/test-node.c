/* SPDX-License-Identifier: MIT */

/*
 * Nodes for tests. They talk to each other over loopback sockets like real ones; that all of them
 * run in one main loop makes a test's order of events its own.
 */

#include "test-node.h"

#include <string.h>

#include "term/print.h"

/* longer messages are counted, not shown */
#define SHOWN_MAX 200

static GString *log_text;

void
test_node_config_init(AsmNodeConfig *config, guint16 epmd_port)
{
        asm_node_config_init(config);
        config->listen_address = g_strdup("127.0.0.1");
        config->epmd_port = epmd_port;
        config->start_epmd = FALSE;
}

TestNode
test_node_make(const AsmNodeConfig *config, const char *cookie)
{
        TestNode self = { .timers = asm_timers_new(NULL) };

        self.node = asm_node_new(config,
                                 asm_cookies_new(cookie != NULL ? cookie : TEST_COOKIE),
                                 self.timers);
        return self;
}

void
test_node_clear(TestNode *node)
{
        g_clear_pointer(&node->node, asm_node_free);
        /* answers that were on their way when the node went */
        test_settle();
        g_clear_pointer(&node->timers, asm_timers_free);
}

static void
on_up(AsmLink *link, gpointer user_data)
{
        TestEvents *events = user_data;

        events->n_up++;
        g_string_append_printf(events->told, "up %s\n", asm_link_get_peer(link));
}

static void
on_down(AsmLink *link, gpointer user_data)
{
        TestEvents *events = user_data;

        events->n_down++;
        g_string_append_printf(events->told, "down %s\n", asm_link_get_peer(link));
}

static void
on_control(AsmLink *link, const AsmControl *control, gpointer user_data)
{
        TestEvents *events = user_data;
        g_autofree char *text = NULL;

        events->n_control++;
        events->n_bytes += control->payload.len;
        if (!asm_view_is_set(control->payload) || control->payload.len > SHOWN_MAX)
                return;
        text = asm_view_print(control->payload, ASM_SYNTAX_ERLANG, 0);
        g_string_append_printf(events->messages, "%s\n", text);
}

static void
on_drained(AsmLink *link, gpointer user_data)
{
        TestEvents *events = user_data;

        events->n_drained++;
        g_string_append_printf(events->told, "drained %s\n", asm_link_get_peer(link));
}

void
test_events_init(TestEvents *events, TestNode *node)
{
        static const AsmNodeListener listener = { .link_up = on_up,
                                                  .link_down = on_down,
                                                  .control = on_control,
                                                  .drained = on_drained };

        *events = (TestEvents){ .told = g_string_new(NULL), .messages = g_string_new(NULL) };
        asm_node_set_listener(node->node, &listener, events);
}

void
test_events_clear(TestEvents *events)
{
        g_string_free(events->told, TRUE);
        g_string_free(events->messages, TRUE);
}

GError *
test_node_start(AsmNode *node)
{
        g_autoptr(GAsyncResult) result = NULL;
        GError *error = NULL;

        asm_node_start_async(node, test_keep_result, &result);
        if (!test_wait(result != NULL))
                g_error("the node neither starts nor fails");
        asm_node_start_finish(node, result, &error);
        return error;
}

AsmLink *
test_node_connect(AsmNode *node, const char *peer, guint timeout_ms, GError **ret_error)
{
        g_autoptr(GAsyncResult) result = NULL;

        asm_node_connect_async(node, peer, timeout_ms, test_keep_result, &result);
        if (!test_wait(result != NULL))
                g_error("connecting to '%s' has no end", peer);
        return asm_node_connect_finish(node, result, ret_error);
}

static GLogWriterOutput
keep_line(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
        for (gsize i = 0; i < n_fields; i++) {
                if (g_str_equal(fields[i].key, "MESSAGE"))
                        g_string_append_printf(log_text, "%s\n", (const char *)fields[i].value);
        }
        return (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR)) != 0
                       ? g_log_writer_default(level, fields, n_fields, user_data)
                       : G_LOG_WRITER_HANDLED;
}

static void
free_log(void)
{
        g_string_free(log_text, TRUE);
}

void
test_log_capture(void)
{
        log_text = g_string_new(NULL);
        atexit(free_log);
        g_log_set_writer_func(keep_line, NULL, NULL);
}

gboolean
test_log_has(const char *text)
{
        return strstr(log_text->str, text) != NULL;
}
