%% SPDX-License-Identifier: MIT
%%
%% A bad network between the daemon and a host. The host is talked with over its standard input, so
%% that both sides can be asked while the network is cut.
%%
%%   chaos_network_test:main([Daemon, Namespace, Address, ControlOfNetwork, TicktimeS])
-module(chaos_network_test).

-export([main/1, watch/2, seen/1]).

-include("run_support.hrl").

-import(run_support, [api/2, begin_run/3, contains/2, follow/1]).

-define(T, 20000).

main([Daemon, Namespace, Address, Network, TicktimeS]) ->
    run_support:setup(Daemon, "none"),
    Host = start_inside(Namespace, Address, TicktimeS),
    TicktimeMs = list_to_integer(TicktimeS) * 1000,
    asm_test:main(chaos_network_test,
                  [{"with packets lost, late and out of order each event comes once and in order",
                    fun() -> bad(Host, Network) end, 60000},
                   {"a cut network: both sides find out, links and monitors fire once; healed, all works",
                    fun() -> cut(Host, Network, TicktimeMs) end, 60000},
                   {"at the end no run, no session is left", fun run_support:is_at_rest/0},
                   {"the host ends", fun() -> run_support:stop_node(Host) end}]).

start_inside(Namespace, Address, TicktimeS) ->
    Priv = filename:join(os:getenv("ASM_ROOT"), "priv"),
    Path = filename:join(Priv, "providers") ++ ":" ++ os:getenv("PATH"),
    {ok, Control, Node} =
        peer:start(#{name => inside, host => Address, longnames => true, connection => standard_io,
                     exec => {os:find_executable("ip"), ["netns", "exec", Namespace, os:getenv("ASM_ERL")]},
                     args => ["-pa", filename:join(Priv, "erlang/ebin"), "-pa", os:getenv("ASM_BEAMS"),
                              "-connect_all", "false", "-kernel", "net_ticktime", TicktimeS],
                     env => [{"PATH", Path}], wait_boot => 60000}),
    Host = {Control, Node, peer:call(Control, os, getpid, [], ?T)},
    {ok, _} = run_support:call(Host, application, ensure_all_started, [asmd_host]),
    Host.

order(Network, Line) ->
    [] = os:cmd("echo '" ++ Line ++ "' >" ++ Network),
    ok.

bad({_, Node, _} = Host, Network) ->
    order(Network, "3 10 30"),
    {ok, Session} = api(start_session, [[{provider, codex}, {remote_connect_timeout_ms, 20000},
                                         {remote_rpc_timeout_ms, 20000} | run_support:remote([])]]),
    Remote = [{execution_mode, remote_node}, {remote_node, Node}],
    [begin
         {ok, Run} = ?EXPECT({ok, _}, api(stream, [Session, <<"count:500">>, Remote])),
         Events = follow(Run),
         ?EXPECT([], [E || #{kind := error} = E <- Events]),
         ?EXPECT(true, [S || #{sequence := S} <- Events] =:= lists:seq(1, length(Events))),
         ?EXPECT(500, length([E || #{kind := assistant_message} = E <- Events]))
     end || _ <- lists:seq(1, 3)],
    Big = binary:copy(<<"0123456789abcdef">>, 1 bsl 14),
    ?EXPECT({unhealthy, not_found}, run_support:call(Host, erpc, call, [run_support:daemon(), asm, health, [Big]])),
    ok = api(stop_session, [Session]),
    order(Network, "0 0 0").

cut({_, Node, _} = Host, Network, TicktimeMs) ->
    Daemon = run_support:daemon(),
    File = host_support:temp("pids"),
    Env = {env, #{<<"ASM_STANDIN_PIDFILE">> => list_to_binary(File)}},
    {ok, Session} = api(start_session, [[{provider, codex}]]),
    {ok, Linked} = api(start_session, [[{provider, codex}]]),
    Run = begin_run(Session, <<"hang">>, [Env, {execution_mode, remote_node}, {remote_node, Node}]),
    Pids = host_support:pids(File),
    %% on the host: a monitor of each and a link; here, with the daemon, how it sees the other side
    Watcher = run_support:call(Host, erlang, spawn, [?MODULE, watch, [Session, Linked]]),
    asm_test:wait_until(fun() -> run_support:call(Host, ?MODULE, seen, [Watcher]) =:= [] end, ?T),
    order(Network, "100 0 0"),
    Began = erlang:monotonic_time(millisecond),
    [#{message := Text}] = [P || #{kind := error, payload := P} <- follow(Run)],
    contains(Text, "noconnection"),
    ?EXPECT(Ms when Ms =< TicktimeMs * 5 div 4 + 5000, erlang:monotonic_time(millisecond) - Began),
    Fired = lists:sort([{down, Session, noconnection}, {down, Linked, noconnection}, {exit, Linked, noconnection}]),
    asm_test:wait_until(fun() -> seen_is(Fired, run_support:call(Host, ?MODULE, seen, [Watcher])) end, ?T),
    %% the daemon's side of the link
    asm_test:wait_until(fun() -> {unhealthy, not_alive} =:= api(health, [Linked]) end, ?T),
    ?EXPECT(healthy, api(health, [Session])),
    host_support:gone(Pids),
    ?EXPECT(?FAILURE(connection_failed, runtime),
            api(query, [Session, <<"hello">>, [{execution_mode, remote_node}, {remote_node, Node},
                                               {remote_connect_timeout_ms, 500}]])),
    order(Network, "0 0 0"),
    asm_test:wait_until(fun() -> pong =:= run_support:call(Host, net_adm, ping, [Daemon]) end, ?T),
    ?EXPECT({ok, _}, api(query, [Session, <<"hello">>, [{execution_mode, remote_node}, {remote_node, Node},
                                                        {remote_connect_timeout_ms, 20000}]])),
    ?EXPECT(healthy, run_support:call(Host, erpc, call, [Daemon, asm, health, [Session]])),
    %% nothing has fired again, and nothing came for the run that is over
    ?EXPECT(true, seen_is(Fired, run_support:call(Host, ?MODULE, seen, [Watcher]))),
    receive {asm_run_event, Run, Late} -> throw({unexpected, "no event of a run that is over", Late})
    after 0 -> ok
    end,
    ok = api(stop_session, [Session]).

seen_is(Wanted, Seen) ->
    lists:sort(Seen) =:= Wanted orelse Seen.

%% on the host
watch(Monitored, Linked) ->
    process_flag(trap_exit, true),
    erlang:monitor(process, Monitored),
    erlang:monitor(process, Linked),
    link(Linked),
    watch_loop([]).

watch_loop(Seen) ->
    receive
        {'DOWN', _, process, Pid, Reason} -> watch_loop([{down, Pid, Reason} | Seen]);
        {'EXIT', Pid, Reason} -> watch_loop([{exit, Pid, Reason} | Seen]);
        {seen, From, Ref} -> From ! {Ref, Seen}, watch_loop(Seen)
    end.

seen(Watcher) ->
    Ref = make_ref(),
    Watcher ! {seen, self(), Ref},
    receive {Ref, Seen} -> Seen after ?T -> nothing end.
