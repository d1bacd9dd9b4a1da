/* SPDX-License-Identifier: MIT */

/*
 * Worlds and their inhabitants. A test server decides nothing by itself: messages tell it what to
 * do, and its log is what a test expects.
 */

#include "world.h"

#include <string.h>

#include "term/reader.h"

static gboolean
obey(TestServer *self, AsmView request)
{
        AsmView part[1];

        if (!asm_view_get_tagged(request, "stop", 2, part))
                return FALSE;
        asm_server_stop(&self->server, part[0]);
        return TRUE;
}

static void
write_down(TestServer *self, const char *what, AsmView view)
{
        g_autofree char *text = test_show(view);

        self->n_handled++;
        g_string_append_printf(self->log, "%s %s\n", what, text);
}

static void
on_call(AsmServer *server, AsmView from, AsmView request)
{
        TestServer *self = (TestServer *)server;
        AsmProcs *procs = server->procs;
        g_autoptr(AsmTerm) ok = test_term("ok");
        AsmView part[1];

        write_down(self, "call", request);
        if (obey(self, request))
                return;
        if (asm_view_is_atom(request, "later")) {
                g_clear_pointer(&self->from, asm_term_unref);
                self->from = asm_term_new(from);
                return;
        }
        if (asm_view_get_tagged(request, "reply", 2, part))
                asm_procs_reply(procs, from, part[0]);
        else
                asm_procs_reply(procs, from, asm_term_view(ok));
}

static void
on_cast(AsmServer *server, AsmView request)
{
        write_down((TestServer *)server, "cast", request);
        obey((TestServer *)server, request);
}

static void
on_info(AsmServer *server, AsmView message)
{
        write_down((TestServer *)server, "info", message);
        obey((TestServer *)server, message);
}

static void
on_down(AsmServer *server, const AsmRef *ref, AsmView reason)
{
        write_down((TestServer *)server, "down", reason);
}

static void
on_exit_signal(AsmServer *server, const AsmPid *from, AsmView reason)
{
        write_down((TestServer *)server, "exit", reason);
}

static void
on_get_state(AsmServer *server, AsmBuilder *builder)
{
        asm_builder_uint(builder, ((TestServer *)server)->n_handled);
}

static void
on_terminate(AsmServer *server, AsmView reason)
{
        TestServer *self = (TestServer *)server;

        write_down(self, "end", reason);
        if (self->on_end != NULL)
                self->on_end(self->end_data);
}

static void
on_finalize(AsmServer *server)
{
        ((TestServer *)server)->is_finalized = TRUE;
}

#define TEST_CLASS(traps)                                                                          \
        {                                                                                          \
                .module = "test_server", .traps_exits = (traps), .call = on_call, .cast = on_cast, \
                .info = on_info, .down = on_down, .exit = on_exit_signal,                          \
                .get_state = on_get_state, .terminate = on_terminate, .finalize = on_finalize      \
        }

static const AsmServerClass plain_class = TEST_CLASS(FALSE);
static const AsmServerClass trapping_class = TEST_CLASS(TRUE);

TestServer *
test_server_new(AsmProcs *procs, gboolean traps_exits)
{
        TestServer *self = g_new0(TestServer, 1);

        self->log = g_string_new(NULL);
        asm_server_start(&self->server, traps_exits ? &trapping_class : &plain_class, procs);
        return self;
}

void
test_server_free(TestServer *self)
{
        if (self == NULL)
                return;
        self->on_end = NULL;
        asm_server_stop_atom(&self->server, "normal");
        asm_server_unref(&self->server);
        g_assert(self->is_finalized);
        g_string_free(self->log, TRUE);
        g_clear_pointer(&self->from, asm_term_unref);
        g_free(self);
}

AsmTerm *
test_server_pid(const TestServer *self)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_server_pid(&builder, &self->server);
        return asm_builder_end(&builder);
}

void
test_server_send(TestServer *from, const TestServer *to, const char *text)
{
        g_autoptr(AsmTerm) pid = test_server_pid(to);
        g_autoptr(AsmTerm) message = test_term(text);

        asm_procs_send(from->server.procs, asm_term_view(pid), asm_term_view(message));
}

void
test_server_call(TestServer *from, const TestServer *to, const char *text)
{
        g_autoptr(AsmTerm) self = test_server_pid(from);
        g_autoptr(AsmTerm) pid = test_server_pid(to);
        g_autoptr(AsmTerm) request = test_term(text);
        g_autoptr(AsmTerm) message = test_term("{'$gen_call', {~w, tag}, ~w}",
                                               asm_term_view(self),
                                               asm_term_view(request));

        asm_procs_send(from->server.procs, asm_term_view(pid), asm_term_view(message));
}

char *
test_server_take_log(TestServer *self)
{
        char *log = g_strdup(self->log->str);

        g_string_truncate(self->log, 0);
        return log;
}

void
test_world_init(TestWorld *world, const char *name, guint16 epmd_port, guint max_mail)
{
        g_auto(AsmNodeConfig) config = { 0 };
        AsmProcsLimits limits = { .max_mail = max_mail > 0 ? max_mail : 1000,
                                  .max_servers = world->max_servers };
        g_autoptr(GError) error = NULL;

        test_node_config_init(&config, epmd_port);
        config.name = g_strconcat(name, "@127.0.0.1", NULL);
        world->self = test_node_make(&config, NULL);
        world->procs = asm_procs_new(world->self.node, &limits);
        world->rpc = asm_rpc_new(world->procs);
        error = test_node_start(world->self.node);
        if (error != NULL)
                g_error("world '%s': %s", name, error->message);
}

void
test_world_clear(TestWorld *world)
{
        if (world->procs == NULL)
                return;
        asm_procs_stop_all(world->procs);
        g_clear_pointer(&world->rpc, asm_rpc_free);
        g_clear_pointer(&world->self.node, asm_node_free);
        test_settle();
        g_clear_pointer(&world->procs, asm_procs_free);
        test_node_clear(&world->self);
}

AsmLink *
test_world_link(TestWorld *world, const char *peer)
{
        g_autoptr(GRefString) name = g_ref_string_new_intern(peer);

        return asm_node_find_link(world->self.node, name);
}

AsmLink *
test_world_connect(TestWorld *a, TestWorld *b)
{
        g_autoptr(GError) error = NULL;
        AsmLink *link = test_node_connect(a->self.node,
                                          asm_node_get_name(b->self.node),
                                          TEST_PATIENCE_MS,
                                          &error);

        if (link == NULL)
                g_error("worlds do not meet: %s", error->message);
        if (!test_wait(test_world_link(b, asm_node_get_name(a->self.node)) != NULL))
                g_error("worlds do not meet");
        asm_link_unref(link);
        return link;
}
