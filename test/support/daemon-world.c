/* SPDX-License-Identifier: MIT */

/* The upper rooms put together as the daemon does it, without its main loop and its signals. */

#include "daemon-world.h"

void
test_daemon_world_init(TestDaemonWorld *world, const AsmManagerLimits *limits)
{
        AsmManagerLimits wide = { .max_sessions = 100,
                                  .max_runs = 100,
                                  .max_result = 256 * 1024 * 1024,
                                  .max_subscribers = 10,
                                  .max_approvals = 8,
                                  .history = { .max_bytes = 1024 * 1024,
                                               .max_run_bytes = 1024 * 1024 } };
        AsmBackendContext backend;

        world->epmd = test_epmd_new();
        test_world_init(&world->near, "asmd", world->epmd->port, 0);
        test_world_init(&world->far, "host", world->epmd->port, 0);
        test_host_init(&world->host, &world->far);
        backend = (AsmBackendContext){ .procs = world->near.procs, .rpc = world->near.rpc };
        world->manager = asm_manager_new(&backend, limits != NULL ? limits : &wide);
        world->subscriber = test_server_new(world->near.procs, FALSE);
        world->n_idle = asm_procs_count(world->near.procs);
}

void
test_daemon_world_lose_host(TestDaemonWorld *world)
{
        test_host_clear(&world->host);
        test_world_clear(&world->far);
}

void
test_daemon_world_clear(TestDaemonWorld *world)
{
        asm_manager_stop_all(world->manager);
        g_clear_pointer(&world->manager, asm_manager_free);
        g_clear_pointer(&world->subscriber, test_server_free);
        test_world_clear(&world->near);
        test_daemon_world_lose_host(world);
        test_epmd_free(world->epmd);
}

AsmTerm *
test_remote_options(const char *more)
{
        g_autofree char *text = g_strdup_printf("[{execution_mode, remote_node}, {driver_opts, "
                                                "[{remote_node, 'host@127.0.0.1'}]}%s%s]",
                                                *more != '\0' ? ", " : "",
                                                more);

        return test_term(text);
}
