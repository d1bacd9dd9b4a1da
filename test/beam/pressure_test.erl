%% SPDX-License-Identifier: MIT
%%
%% Runs whose subscribers do not keep up, and one with many. The nodes and the CLI are those of
%% test-pressure.sh; `slow` is stopped and continued here.
%%
%%   pressure_test:main([Node, OsPid, PatientNode, HostName, SlowOsPid, Dir, BoundKb])
-module(pressure_test).

-export([main/1, collect/2]).

-include("asm_test.hrl").

-define(T, 240000).
-define(LINES, 15000).

main([NodeText, OsPid, PatientText, HostName, SlowPid, Dir, BoundText]) ->
    Host = fun(Name) -> list_to_atom(Name ++ "@" ++ HostName) end,
    At = #{node => list_to_atom(NodeText), os_pid => OsPid, patient => list_to_atom(PatientText),
           host => Host("host"), fake => Host("fake"), slow => Host("slow"), other => Host("other"),
           slow_pid => SlowPid, dir => Dir, bound_kb => list_to_integer(BoundText)},
    [pong = erpc:call(Name, net_adm, ping, [Asmd])
     || Name <- [Host("slow"), Host("other")], Asmd <- [map_get(node, At), map_get(patient, At)]],
    Checks =
        [{"five hundred subscribers on two nodes get every event in order", fun crowd/1},
         {"a stopped node and a full window are left behind, the others miss nothing", fun left_behind/1},
         {"the only subscriber misses nothing: CLIs here and on hosts wait for it", fun waited_for/1},
         {"another run of a host that floods goes on", fun others_go_on/1},
         {"a host that cannot be told to wait is not read", fun not_read/1},
         {"without dropping the others wait for the slow one, and all get all", fun patient/1},
         {"memory is back", fun memory_is_back/1}],
    Warm = At#{base_kb => warm_up(At)},
    asm_test:main(pressure_test, [{Name, fun() -> Check(Warm) end, 2 * ?T} || {Name, Check} <- Checks]).

%% what asmd makes once is made
warm_up(#{os_pid := OsPid} = At) ->
    {Session, Run} = begin_run(At, <<"warm 1000">>, []),
    go(At, "warm"),
    {ok, _} = report(collect_here(Run)),
    stop(At, Session),
    memory(OsPid, "VmRSS").

crowd(#{slow := Slow, other := Other} = At) ->
    {Session, Run} = begin_run(At, <<"crowd 300">>, []),
    Last = 302,
    Pids = [follow(At, Session, Run, Node) || Node <- [Slow, Other], _ <- lists:seq(1, 250)],
    ok = erpc:call(map_get(node, At), asm, unsubscribe, [Session, Run, self()], ?T),
    go(At, "crowd"),
    [{Pid, {ok, Last}} = ?EXPECT({Pid, {ok, Last}}, {Pid, report_of(Pid)}) || Pid <- Pids],
    stop(At, Session).

left_behind(#{node := Node, slow := Slow, slow_pid := SlowPid} = At) ->
    {Session, Run} = begin_run(At, text("behind", ?LINES), []),
    Behind = follow(At, Session, Run, Slow),
    {ok, Socket} = raw_peer:open(Node, <<"deaf@raw.test">>, erlang:get_cookie()),
    ok = erpc:call(Node, asm, subscribe, [Session, Run, raw_pid(<<"deaf@raw.test">>)], ?T),
    stopped(SlowPid, fun() ->
        go(At, "behind"),
        {ok, _} = ?EXPECT({ok, Last} when Last > ?LINES, report(collect_here(Run))),
        {ok, _} = ?EXPECT({ok, #{}}, erpc:call(Node, asm, status, [], ?T)),
        bounded(At)
    end),
    {lagged, Got} = ?EXPECT({lagged, _}, report_of(Behind)),
    true = ?EXPECT(true, Got > 10 andalso Got < ?LINES),
    ok = gen_tcp:close(Socket),
    stop(At, Session).

waited_for(#{host := Host, fake := Fake, slow := Slow, slow_pid := SlowPid} = At) ->
    Runs = [begin_run(At, Prompt, Options)
            || {Prompt, Options} <- [{text("only", ?LINES), []},
                                     {text("only", ?LINES), remote(Host)},
                                     {<<"paced 2000 1">>, remote(Fake)}]],
    Pids = [begin
                Pid = follow(At, Session, Run, Slow),
                ok = erpc:call(map_get(node, At), asm, unsubscribe, [Session, Run, self()], ?T),
                Pid
            end || {Session, Run} <- Runs],
    stopped(SlowPid, fun() ->
        go(At, "only"),
        asm_test:wait_until(fun() -> standing_still(At, Runs) end, ?T),
        bounded(At)
    end),
    [begin
         {ok, Last} = ?EXPECT({ok, _}, report_of(Pid)),
         true = ?EXPECT(true, Last >= Wanted)
     end || {Pid, Wanted} <- lists:zip(Pids, [?LINES, ?LINES, 1000])],
    [stop(At, Session) || {Session, _} <- Runs].

%% the host is one that can be told to wait
others_go_on(#{host := Host, slow := Slow, slow_pid := SlowPid, node := Node} = At) ->
    {Flood, FloodRun} = begin_run(At, <<"flood 1000000">>, remote(Host)),
    Pid = follow(At, Flood, FloodRun, Slow),
    ok = erpc:call(Node, asm, unsubscribe, [Flood, FloodRun, self()], ?T),
    stopped(SlowPid, fun() ->
        go(At, "flood"),
        asm_test:wait_until(fun() -> standing_still(At, [{Flood, FloodRun}]) end, ?T),
        {Session, Run} = begin_run(At, <<"flood 500">>, remote(Host)),
        {ok, _} = ?EXPECT({ok, 502}, report(collect_here(Run))),
        stop(At, Session),
        ok = erpc:call(Node, asm, interrupt, [Flood, FloodRun], ?T),
        bounded(At)
    end),
    {ok, _} = ?EXPECT({ok, _}, report_of(Pid)),
    stop(At, Flood).

not_read(#{fake := Fake, slow := Slow, slow_pid := SlowPid, node := Node} = At) ->
    {Flood, FloodRun} = begin_run(At, <<"flood">>, remote(Fake)),
    Pid = follow(At, Flood, FloodRun, Slow),
    ok = erpc:call(Node, asm, unsubscribe, [Flood, FloodRun, self()], ?T),
    stopped(SlowPid, fun() ->
        asm_test:wait_until(fun() -> standing_still(At, [{Flood, FloodRun}]) end, ?T),
        {ok, _} = ?EXPECT({ok, #{}}, erpc:call(Node, asm, status, [], ?T)),
        bounded(At)
    end),
    %% it reads again: so does asmd
    Before = events(At, Flood, FloodRun),
    asm_test:wait_until(fun() -> events(At, Flood, FloodRun) > Before end, ?T),
    ok = erpc:call(Node, asm, interrupt, [Flood, FloodRun], ?T),
    {ok, _} = ?EXPECT({ok, _}, report_of(Pid)),
    stop(At, Flood).

patient(#{patient := Node, slow := Slow, slow_pid := SlowPid} = At0) ->
    At = At0#{node := Node},
    {Session, Run} = begin_run(At, text("patient", ?LINES), []),
    Pid = follow(At, Session, Run, Slow),
    stopped(SlowPid, fun() ->
        go(At, "patient"),
        asm_test:wait_until(fun() -> standing_still(At, [{Session, Run}]) end, ?T)
    end),
    {ok, Last} = ?EXPECT({ok, _}, report(collect_here(Run))),
    {ok, Last} = ?EXPECT({ok, Last}, report_of(Pid)),
    stop(At, Session).

memory_is_back(#{os_pid := OsPid, base_kb := Base, bound_kb := Bound}) ->
    Wanted = Base + Bound,
    asm_test:wait_until(fun() -> Kb = memory(OsPid, "VmRSS"), Kb =< Wanted orelse {kb, Kb, Wanted} end, ?T),
    io:format("# asmd: ~b kB at the beginning, ~b kB at most, ~b kB at the end~n",
              [Base, memory(OsPid, "VmHWM"), memory(OsPid, "VmRSS")]).

%%% runs

begin_run(#{node := Node}, Prompt, Options) ->
    {ok, Session} = ?EXPECT({ok, _}, erpc:call(Node, asm, start_session, [[{provider, codex}]], ?T)),
    {ok, Run} = ?EXPECT({ok, _}, erpc:call(Node, asm, stream,
                                           [Session, Prompt, [{stream_timeout_ms, infinity} | Options]], ?T)),
    {Session, Run}.

remote(Host) -> [{execution_mode, remote_node}, {remote_node, Host}].

text(Name, N) -> iolist_to_binary([Name, " ", integer_to_list(N)]).

go(#{dir := Dir}, Name) -> ok = file:write_file(filename:join(Dir, Name), <<>>).

stop(#{node := Node}, Session) -> ok = erpc:call(Node, asm, stop_session, [Session], ?T).

stopped(OsPid, Fun) ->
    [] = os:cmd("kill -STOP " ++ OsPid),
    try Fun() after os:cmd("kill -CONT " ++ OsPid) end.

%% no run has had an event at ten looks in a row, but each has had one
standing_still(At, Runs) ->
    Looks = [begin receive after 50 -> ok end, [events(At, S, R) || {S, R} <- Runs] end || _ <- lists:seq(1, 10)],
    case lists:usort(Looks) of
        [Counts] -> lists:min(Counts) > 0 orelse {events, Counts};
        _ -> {events, lists:last(Looks)}
    end.

events(#{node := Node}, Session, Run) ->
    {ok, #{runs := Runs}} = erpc:call(Node, asm, session_info, [Session], ?T),
    lists:sum([N || #{run_id := Id, events := N} <- Runs, Id =:= Run]).

bounded(#{os_pid := OsPid, base_kb := Base, bound_kb := Bound}) ->
    ?EXPECT({true, _}, {memory(OsPid, "VmHWM") - Base =< Bound, memory(OsPid, "VmHWM") - Base}).

memory(OsPid, Field) ->
    {ok, Text} = file:read_file("/proc/" ++ OsPid ++ "/status"),
    {match, [Number]} = re:run(Text, Field ++ ":\\s+(\\d+)", [{capture, all_but_first, list}]),
    list_to_integer(Number).

%%% subscribers

%% a process on another node that gets the events from now on
follow(#{node := Node}, Session, Run, Where) ->
    Pid = spawn(Where, ?MODULE, collect, [Run, self()]),
    ok = ?EXPECT(ok, erpc:call(Node, asm, subscribe, [Session, Run, Pid], ?T)),
    Pid.

report_of(Pid) ->
    receive {Pid, Report} -> report(Report) after ?T -> nothing end.

report({gap, _} = Gap) -> throw({unexpected, "events without a gap", Gap});
report(Report) -> Report.

collect_here(Run) -> collect(Run, none, first, ok).

%% {ok, Last}: everything came; {lagged, Last}: then it was told that it is left behind
collect(Run, Tester) ->
    Tester ! {self(), collect(Run, Tester, first, ok)}.

collect(Run, Tester, Last, How) ->
    receive
        {asm_run_event, Run, #{sequence := Sequence}}
          when How =:= ok, Last =:= first orelse Sequence =:= Last + 1 ->
            collect(Run, Tester, Sequence, How);
        {asm_run_event, Run, #{sequence := Sequence}} ->
            {gap, {Last, Sequence, How}};
        {asm_run_lagged, Run, #{'__struct__' := 'Elixir.ASM.Error', kind := buffer_overflow}} when How =:= ok ->
            collect(Run, Tester, Last, lagged);
        {asm_run_done, Run} ->
            {How, Last}
    after ?T ->
        {gap, {Last, nothing, How}}
    end.

%% a pid of a node that is no BEAM
raw_pid(Name) ->
    binary_to_term(<<131, 88, 119, (byte_size(Name)), Name/binary, 1:32, 0:32, 16#55:32>>).
