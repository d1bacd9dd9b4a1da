%% SPDX-License-Identifier: MIT
%%
%% Nodes that go and come back. The check is named by the first argument.
%%
%%   chaos_nodes_test:main(["peer_restarted", Daemon, OsPid])
%%   chaos_nodes_test:main(["epmd_restarted", Daemon, OsPid])
%%   chaos_nodes_test:main(["suspended", Daemon, OsPid, TicktimeS])
%%   chaos_nodes_test:main(["killed", Daemon, OsPid, CommandThatStartsItAgain, ItsOutput])
-module(chaos_nodes_test).

-export([main/1, namesakes/1, heard/1]).

-include("run_support.hrl").

-import(run_support, [api/2, begin_run/3, contains/2, follow/1]).

-define(T, 20000).

main([Name, Daemon, OsPid | Args]) ->
    run_support:setup(Daemon, "none"),
    asm_test:main(chaos_nodes_test, [{Title, Fun, 60000} || {Title, Fun} <- check(Name, OsPid, Args)]).

check("peer_restarted", _, []) ->
    [{"a peer that is killed and comes back under its name: its old pids are dead, and not confused with new ones",
      fun peer_restarted/0}];
check("epmd_restarted", _, []) ->
    [{"while epmd is away links and runs go on; when it is back so is asmd's name", fun epmd_restarted/0}];
check("suspended", OsPid, [TicktimeS]) ->
    [{"asmd stopped for longer than net_ticktime: the others clean up; when it goes on so does all the rest",
      fun() -> suspended(OsPid, list_to_integer(TicktimeS) * 1000) end}];
check("killed", OsPid, [Again, Output]) ->
    [{"asmd killed with runs: hosts and guards end the CLIs; a new one does not take pids of the old one for its own",
      fun() -> killed(OsPid, Again, Output) end}].

%%% a peer

peer_restarted() ->
    Host = run_support:start_fake(host),
    Old = start_plain(again),
    {ok, Session} = api(start_session, [[{provider, codex} | at(Host)]]),
    Monitor = erlang:monitor(process, Session),
    ?EXPECT(pong, run_support:call(Old, net_adm, ping, [run_support:daemon()])),
    %% far behind what a node needs for itself, so that the number is free on the next one
    Subscriber = lists:last(run_support:call(Old, ?MODULE, namesakes, [{0, 3000}])),
    {ok, Run} = ?EXPECT({ok, _}, api(stream, [Session, <<"silent">>, [{subscriber, Subscriber}]])),
    asm_test:wait_until(fun() -> run_support:call(Old, ?MODULE, heard, [[Subscriber]]) =/= [] end, ?T),
    run_support:stop_node(Old),
    New = start_plain(again),
    ?EXPECT(pong, run_support:call(New, net_adm, ping, [run_support:daemon()])),
    Namesakes = run_support:call(New, ?MODULE, namesakes, [number_of(Subscriber)]),
    ?EXPECT(true, number_of(lists:last(Namesakes)) =:= number_of(Subscriber)),
    ?EXPECT(false, lists:member(Subscriber, Namesakes)),
    ok = api(interrupt, [Session, Run]),
    is_idle(Session),
    ?EXPECT(pong, run_support:call(New, net_adm, ping, [run_support:daemon()])),
    ?EXPECT([], run_support:call(New, ?MODULE, heard, [Namesakes])),
    %% who is new is heard
    Listener = lists:last(Namesakes),
    ?EXPECT({ok, _}, api(stream, [Session, <<"events 3">>, [{subscriber, Listener}]])),
    asm_test:wait_until(fun() -> run_support:call(New, ?MODULE, heard, [Namesakes]) =:= [{Listener, 4}] end, ?T),
    ok = api(stop_session, [Session]),
    once(Monitor, normal),
    run_support:is_at_rest(),
    [run_support:stop_node(Node) || Node <- [New, Host]].

%% on a node: processes that keep what they get, until one has that number or the next free one
namesakes(Number) ->
    Pid = spawn(fun() -> receive stop -> ok end end),
    case number_of(Pid) >= Number of
        true -> [Pid];
        false -> [Pid | namesakes(Number)]
    end.

heard(Pids) ->
    [{Pid, N} || Pid <- Pids, {message_queue_len, N} <- [process_info(Pid, message_queue_len)], N > 0].

%% {Serial, Id}
number_of(Pid) ->
    <<131, 88, Rest/binary>> = term_to_binary(Pid),
    <<Id:32, Serial:32, _Creation:32>> = binary:part(Rest, byte_size(Rest), -12),
    {Serial, Id}.

%%% epmd

epmd_restarted() ->
    Host = run_support:start_fake(host),
    {ok, Session} = api(start_session, [[{provider, codex} | at(Host)]]),
    Monitor = erlang:monitor(process, Session),
    Run = begin_run(Session, <<"ask a">>, []),
    [] = os:cmd("for p in /proc/[0-9]*; do [ \"$(cat $p/comm 2>/dev/null)\" = epmd ] && "
                "grep -qzxF \"ASM_TEST_ID=$ASM_TEST_ID\" $p/environ 2>/dev/null && kill -KILL ${p#/proc/}; done; :"),
    asm_test:wait_until(fun() -> erl_epmd:names() =:= {error, address} orelse erl_epmd:names() end, ?T),
    ?EXPECT(ok, api(approve, [Session, <<"a">>, allow])),
    ?EXPECT([], [E || #{kind := error} = E <- follow(Run)]),
    ?EXPECT({ok, _}, api(query, [Session, <<"events 3">>])),
    {error, #{message := Text}} =
        ?EXPECT(?FAILURE(connection_failed, runtime),
                api(query, [Session, <<"events 3">>, [{remote_node, 'stranger@localhost'}]])),
    contains(Text, "epmd"),
    [] = os:cmd("epmd -daemon"),
    asm_test:wait_until(fun() ->
        case erl_epmd:names() of
            {ok, Names} -> lists:keymember("asmd", 1, Names) orelse Names;
            Error -> Error
        end
    end, ?T),
    Late = start_plain(late),
    ?EXPECT(pong, run_support:call(Late, net_adm, ping, [run_support:daemon()])),
    ok = api(stop_session, [Session]),
    once(Monitor, normal),
    [run_support:stop_node(Node) || Node <- [Late, Host]].

%%% asmd

suspended(OsPid, TicktimeMs) ->
    Host = run_support:start_real(host),
    {There, TherePids} = hanging(at(Host)),
    {Here, HerePids} = hanging([]),
    Monitors = [erlang:monitor(process, Session) || Session <- [There, Here]],
    host_support:kill(OsPid, "STOP"),
    Began = erlang:monotonic_time(millisecond),
    [down(Monitor, noconnection) || Monitor <- Monitors],
    ?EXPECT(Ms when Ms =< TicktimeMs * 5 div 4 + 5000, erlang:monotonic_time(millisecond) - Began),
    %% the host has ended its CLI without a word from asmd
    host_support:gone(TherePids),
    host_support:kill(OsPid, "CONT"),
    asm_test:wait_until(fun() -> net_adm:ping(run_support:daemon()) =:= pong end, ?T),
    is_idle(There),
    ?EXPECT(true, lists:all(fun host_support:exists/1, HerePids)),
    ?EXPECT({ok, _}, api(query, [There, <<"hello">>])),
    ?EXPECT({ok, #{runs := [_]}}, api(session_info, [Here])),
    [ok = api(stop_session, [Session]) || Session <- [There, Here]],
    host_support:gone(HerePids),
    [not_again(Monitor) || Monitor <- Monitors],
    run_support:is_at_rest(),
    run_support:stop_node(Host).

killed(OsPid, Again, Output) ->
    Host = run_support:start_real(host),
    {There, TherePids} = hanging(at(Host)),
    {Here, HerePids} = hanging([]),
    Monitors = [erlang:monitor(process, Session) || Session <- [There, Here]],
    host_support:kill(OsPid, "KILL"),
    [down(Monitor, noconnection) || Monitor <- Monitors],
    host_support:gone(TherePids ++ HerePids),
    asm_test:wait_until(fun() ->
        [] =:= run_support:call(Host, supervisor, which_children, ['Elixir.ASM.Remote.BackendSupervisor'])
    end, ?T),
    Port = open_port({spawn_executable, Again}, [exit_status]),
    {os_pid, NewPid} = erlang:port_info(Port, os_pid),
    asm_test:wait_until(fun() -> filelib:file_size(Output) > 0 end, ?T),
    ?EXPECT(pong, net_adm:ping(run_support:daemon())),
    %% the first session of each daemon has the same number
    {ok, New} = api(start_session, [[{provider, codex}]]),
    ?EXPECT(true, number_of(New) =:= number_of(There) andalso New =/= There),
    once(erlang:monitor(process, There), noproc),
    ?EXPECT_ERROR(exit, {noproc, _}, gen_server:call(There, get_state, ?T)),
    exit(There, kill),
    ?EXPECT({unhealthy, _}, api(health, [There])),
    ?EXPECT(healthy, api(health, [New])),
    ?EXPECT({ok, _}, api(query, [New, <<"hello">>, at(Host)])),
    [not_again(Monitor) || Monitor <- Monitors],
    host_support:kill(integer_to_list(NewPid), "TERM"),
    host_support:gone([integer_to_list(NewPid)]),
    run_support:stop_node(Host).

%%% helpers

start_plain(Name) ->
    run_support:start_node(Name, {["-pa", os:getenv("ASM_BEAMS"), "-connect_all", "false"], []}).

at({_, Node, _}) -> [{execution_mode, remote_node}, {remote_node, Node}].

%% a session with a CLI that waits for ever, and the numbers of its processes
hanging(Options) ->
    %% another checker may have had the same name
    File = host_support:temp("pids-" ++ os:getpid()),
    Env = {env, #{<<"ASM_STANDIN_PIDFILE">> => list_to_binary(File)}},
    {ok, Session} = api(start_session, [[{provider, codex} | Options]]),
    begin_run(Session, <<"hang">>, [Env]),
    {Session, host_support:pids(File)}.

is_idle(Session) ->
    asm_test:wait_until(fun() ->
        case api(session_info, [Session]) of
            {ok, #{status := ready, runs := []}} -> true;
            Other -> Other
        end
    end, ?T).

once(Monitor, Reason) ->
    down(Monitor, Reason),
    not_again(Monitor).

down(Monitor, Reason) ->
    receive {'DOWN', Monitor, process, _, Got} -> ?EXPECT(Reason, Got)
    after ?T -> throw({unexpected, "a monitor that fires", none})
    end.

%% what was sent before an answer is here before it
not_again(Monitor) ->
    receive {'DOWN', Monitor, process, _, Got} -> throw({unexpected, "a monitor that fires once", Got})
    after 0 -> ok
    end.
