%% SPDX-License-Identifier: MIT
%%
%% Measures asmd beside a BEAM node that does the same work, in the same run and on the same
%% machine, since only their ratio says something. Each side is measured in turns, several times;
%% the median counts.
%%
%%   bench:main([AsmdNode, AsmdOsPid, IdleNode, IdleOsPid, LoadedNode, BeamNode, HostNode, SinkNode, ReadyMs, Mode])
%%
%% AsmdNode is the daemon, IdleNode a second one that gets nothing but idle sessions, LoadedNode one
%% with sessions and runs that stream while asmctl asks it (ASMCTL and BENCH_TERMINAL in the
%% environment are the programs), BeamNode runs relay.erl, HostNode fake_host.erl, SinkNode takes floods
%% that are not measured. ReadyMs is the start-up time, measured outside.
-module(bench).

-export([main/1, count/3, sink/0, cpu_us/1, follow/2, forward/1]).

-define(ROUNDS, 5).
-define(CROWD, 500).

main([Asmd, OsPid, Idle, IdleOsPid, Loaded, Beam, Host, Sink, ReadyMs, Mode]) ->
    logger:set_primary_config(level, error),
    Quick = Mode =:= "quick",
    At = #{asmd => list_to_atom(Asmd), os_pid => OsPid, beam => list_to_atom(Beam),
           beam_os_pid => erpc:call(list_to_atom(Beam), os, getpid, []),
           host => list_to_atom(Host), sink => list_to_atom(Sink),
           calls => scaled(Quick, 5000), events => scaled(Quick, 100000),
           idle => case Quick of true -> [10, 1000]; false -> [10, 1000, 100000] end,
           interrupts => scaled(Quick, 300), terminals => scaled(Quick, 200), crowd_events => scaled(Quick, 500)},
    pong = net_adm:ping(maps:get(asmd, At)),
    heading(),
    row("start to ready", {list_to_float(ReadyMs), "ms"}, none, {at_most, 30}),
    row("memory when idle (RSS)", {rss_kb(OsPid) / 1024, "MB"}, none, {at_most, 10}),
    terminals(At, list_to_atom(Loaded)),
    round_trips(At),
    relays(At),
    crowds(At),
    interrupts(At),
    idle_sessions(At#{asmd := list_to_atom(Idle), os_pid := IdleOsPid}),
    halt(0).

scaled(true, N) -> N div 10;
scaled(false, N) -> N.

%%% what somebody at a terminal waits for

-define(SESSIONS, 1000).
-define(STREAMS, 50).

terminals(#{asmd := Asmd, sink := Sink, terminals := N}, Loaded) ->
    terminal_row("asmctl --help", command, N, ["--help"], 10),
    terminal_row("asmctl status", command, N, status(Asmd), none),
    terminal_row("token to screen", token, N, token(Asmd), 5),
    pong = erpc:call(Sink, net_adm, ping, [Loaded]),
    start_idle(Loaded, ?SESSIONS - ?STREAMS),
    Sessions = [start_stream(Loaded, Sink) || _ <- lists:seq(1, ?STREAMS)],
    {ok, #{runs := ?STREAMS, sessions := ?SESSIONS}} = erpc:call(Loaded, asm, status, []),
    terminal_row("asmctl status, loaded", command, N, status(Loaded), 30),
    terminal_row("token to screen, loaded", token, N, token(Loaded), none),
    [ok = erpc:call(Loaded, asm, stop_session, [Session]) || Session <- Sessions].

status(Node) ->
    ["--node", atom_to_list(Node), "status"].

token(Node) ->
    ["--node", atom_to_list(Node), "query", "--provider", "codex", "--cli-path", os:getenv("BENCH_TERMINAL"), "token"].

start_stream(Node, Sink) ->
    {ok, Session} = erpc:call(Node, asm, start_session, [[{provider, codex}, {cli_path, list_to_binary(os:getenv("BENCH_TERMINAL"))}]]),
    {ok, _} = erpc:call(Node, asm, stream, [Session, <<"stream">>, [{subscriber, spawn(Sink, ?MODULE, sink, [])}]]),
    Session.

%% the 99th percentile is what has to be below the aim
terminal_row(Name, What, N, Arguments, Aim) ->
    Line = lists:join(" ", [[$', Word, $'] || Word <- [os:getenv("BENCH_TERMINAL"), atom_to_list(What), integer_to_list(N),
                                                       os:getenv("ASMCTL") | Arguments]]),
    {ok, [P50, P99], _} = io_lib:fread("~d ~d", os:cmd(lists:flatten(Line))),
    row(Name ++ ", p50", {P50 / 1000, "ms"}, none, none),
    row(Name ++ ", p99", {P99 / 1000, "ms"}, none, case Aim of none -> none; _ -> {at_most, Aim} end).

%%% round trips

round_trips(#{asmd := Asmd, beam := Beam, calls := N}) ->
    Call = fun(Node) -> {unhealthy, not_found} = gen_server:call({asm, Node}, {health, [<<"none">>]}) end,
    Erpc = fun(Node) -> {unhealthy, not_found} = erpc:call(Node, asm, health, [<<"none">>]) end,
    [begin
         {A, B} = in_turns(fun() -> mean_us(N, fun() -> Do(Asmd) end) end,
                           fun() -> mean_us(N, fun() -> Do(Beam) end) end),
         row(Name, {A, "us"}, {B, "us"}, {ratio_at_most, 0.8})
     end || {Name, Do} <- [{"gen_server:call round trip", Call}, {"erpc:call round trip", Erpc}]].

mean_us(N, Fun) ->
    [Fun() || _ <- lists:seq(1, max(1, N div 10))],
    {Us, _} = timer:tc(fun() -> [Fun() || _ <- lists:seq(1, N)] end),
    Us / N.

%%% a run relayed from a backend node to a subscriber on this node

relays(#{events := N} = At) ->
    Prompt = iolist_to_binary(io_lib:format("events ~b", [N])),
    [{_, _}, {_, _}] = [relay(Which, At, <<"events 1000">>, 1000) || Which <- [asmd, beam]],
    {A, B} = in_turns(fun() -> relay(asmd, At, Prompt, N) end, fun() -> relay(beam, At, Prompt, N) end),
    {RateA, CpuA} = A,
    {RateB, CpuB} = B,
    row("relay of a run", {RateA, "events/s"}, {RateB, "events/s"}, {ratio_at_least, 2}),
    row("CPU time per event", {CpuA, "us"}, {CpuB, "us"}, none).

%% {events per second, us of CPU time of the relaying process per event}
relay(Which, At, Prompt, N) ->
    OsPid = maps:get(case Which of asmd -> os_pid; beam -> beam_os_pid end, At),
    Before = cpu_us(OsPid),
    Start = erlang:monotonic_time(microsecond),
    {RunId, Stop, _} = start_run(Which, At, Prompt, self()),
    N = count(RunId, 0, 60000),
    Us = erlang:monotonic_time(microsecond) - Start,
    ok = Stop(),
    {N * 1000000 / Us, (cpu_us(OsPid) - Before) / N}.

%% {RunId, fun that stops it, fun that interrupts it}
start_run(asmd, #{asmd := Asmd, host := Host}, Prompt, Subscriber) ->
    {ok, Session} = erpc:call(Asmd, asm, start_session, [[{provider, codex}]]),
    {ok, RunId} = erpc:call(Asmd, asm, stream, [Session, Prompt, [{subscriber, Subscriber} | remote(Host)]]),
    {RunId,
     fun() -> erpc:call(Asmd, asm, stop_session, [Session]) end,
     fun() -> erpc:call(Asmd, asm, interrupt, [Session, RunId]) end};
start_run(beam, #{beam := Beam, host := Host}, Prompt, Subscriber) ->
    RunId = integer_to_binary(erlang:unique_integer([positive])),
    {ok, Relay} = erpc:call(Beam, relay, run, [Host, Prompt, RunId, Subscriber]),
    {RunId,
     fun() -> try gen_server:call(Relay, close) catch exit:_ -> ok end end,
     fun() -> gen_server:call(Relay, interrupt) end}.

remote(Host) ->
    [{execution_mode, remote_node}, {remote_node, Host}].

%%% one run, many subscribers on another node

crowds(#{sink := Sink, asmd := Asmd, crowd_events := N} = At) ->
    pong = erpc:call(Sink, net_adm, ping, [Asmd]),
    {A, B} = in_turns(fun() -> crowd(asmd, At, N) end, fun() -> crowd(beam, At, N) end),
    {RateA, CpuA} = A,
    {RateB, CpuB} = B,
    row("a run for 500 subscribers", {RateA, "deliveries/s"}, {RateB, "deliveries/s"}, {ratio_at_least, 1}),
    row("CPU time per delivery", {CpuA, "us"}, {CpuB, "us"}, none).

%% {deliveries per second, us of CPU time of the relaying process per delivery}
crowd(Which, #{sink := Sink} = At, N) ->
    OsPid = maps:get(case Which of asmd -> os_pid; beam -> beam_os_pid end, At),
    Prompt = iolist_to_binary(io_lib:format("events ~b", [N])),
    Pids = [spawn(Sink, ?MODULE, follow, [self(), N]) || _ <- lists:seq(1, ?CROWD)],
    Before = cpu_us(OsPid),
    {Start, Stop} = start_crowd(Which, At, Prompt, Pids),
    [receive {Pid, N} -> ok after 60000 -> exit(crowd_not_done) end || Pid <- Pids],
    Us = erlang:monotonic_time(microsecond) - Start,
    ok = Stop(),
    {N * ?CROWD * 1000000 / Us, (cpu_us(OsPid) - Before) / (N * ?CROWD)}.

%% the run waits behind another until all have subscribed
start_crowd(asmd, #{asmd := Asmd, host := Host}, Prompt, Pids) ->
    {ok, Session} = erpc:call(Asmd, asm, start_session, [[{provider, codex}]]),
    Options = [{subscriber, hd(Pids)} | remote(Host)],
    {ok, First} = erpc:call(Asmd, asm, stream, [Session, <<"silent">>, [{subscriber, spawn(fun sink/0)} | remote(Host)]]),
    {ok, RunId} = erpc:call(Asmd, asm, stream, [Session, Prompt, Options]),
    [ok = erpc:call(Asmd, asm, subscribe, [Session, RunId, Pid]) || Pid <- tl(Pids)],
    Start = erlang:monotonic_time(microsecond),
    ok = erpc:call(Asmd, asm, interrupt, [Session, First]),
    {Start, fun() -> erpc:call(Asmd, asm, stop_session, [Session]) end};
start_crowd(beam, #{beam := Beam} = At, Prompt, Pids) ->
    Forwarder = spawn(Beam, ?MODULE, forward, [Pids]),
    Start = erlang:monotonic_time(microsecond),
    {_, Stop, _} = start_run(beam, At, Prompt, Forwarder),
    {Start, Stop}.

forward(Pids) ->
    receive
        {asm_run_done, _} = Done -> [Pid ! Done || Pid <- Pids];
        Event -> [Pid ! Event || Pid <- Pids], forward(Pids)
    end.

follow(Bench, Wanted) -> follow(Bench, Wanted, 0).

follow(Bench, Wanted, N) ->
    receive
        {asm_run_event, _, #{kind := run_completed}} -> follow(Bench, Wanted, N);
        {asm_run_event, _, _} -> follow(Bench, Wanted, N + 1);
        {asm_run_done, _} -> Bench ! {self(), N}
    end.

%% how many of the host's events came until the run was done
count(RunId, N, Ms) ->
    receive
        {asm_run_event, RunId, #{kind := run_completed}} -> count(RunId, N, Ms);
        {asm_run_event, RunId, _} -> count(RunId, N + 1, Ms);
        {asm_run_done, RunId} -> N
    after Ms -> exit({run_not_done, N})
    end.

%%% interrupts while other runs flood the relaying node

interrupts(#{asmd := Asmd, sink := Sink} = At) ->
    %% events go to nodes that are connected
    pong = erpc:call(Sink, net_adm, ping, [Asmd]),
    [{A50, A99}, {B50, B99}] = [interrupts(Which, At) || Which <- [asmd, beam]],
    row("interrupt while flooded, p50", {A50, "ms"}, {B50, "ms"}, none),
    row("interrupt while flooded, p99", {A99, "ms"}, {B99, "ms"}, {at_most, 5}).

%% {p50, p99} in ms
interrupts(Which, #{sink := Sink, interrupts := N} = At) ->
    Stops = [begin
                 {_, Stop, _} = start_run(Which, At, <<"flood">>, spawn(Sink, ?MODULE, sink, [])),
                 Stop
             end || _ <- [1, 2]],
    timer:sleep(500),
    %% a flooded BEAM relay takes up to seconds for one: fewer of them say enough
    Count = case Which of asmd -> N; beam -> 20 end,
    Times = lists:sort([interrupt_us(Which, At) || _ <- lists:seq(1, Count)]),
    [ok = Stop() || Stop <- Stops],
    {asm_test:percentile(50, Times) / 1000, asm_test:percentile(99, Times) / 1000}.

interrupt_us(Which, At) ->
    {RunId, Stop, Interrupt} = start_run(Which, At, <<"silent">>, self()),
    receive {asm_run_event, RunId, #{kind := run_started}} -> ok after 30000 -> exit(not_started) end,
    {Us, ok} = timer:tc(fun() -> ok = Interrupt(), done(RunId) end),
    Stop(),
    Us.

done(RunId) ->
    receive
        {asm_run_event, RunId, _} -> done(RunId);
        {asm_run_done, RunId} -> ok
    after 30000 -> exit(not_done)
    end.

sink() ->
    receive _ -> sink() end.

%%% idle sessions

idle_sessions(#{asmd := Asmd, os_pid := OsPid, calls := N, idle := Counts}) ->
    pong = net_adm:ping(Asmd),
    Base = rss_kb(OsPid),
    Steps = lists:zip(Counts, [0 | lists:droplast(Counts)]),
    Measured = [begin
                    start_idle(Asmd, Count - Fewer),
                    Rss = rss_kb(OsPid),
                    Call = fun() -> healthy_or_not = erpc_health(Asmd) end,
                    {Us, Cpu} = median_pair([call_cost(OsPid, N, Call) || _ <- lists:seq(1, ?ROUNDS)]),
                    {Count, Us, Cpu, Rss}
                end || {Count, Fewer} <- Steps],
    [{_, FirstUs, FirstCpu, _} | _] = Measured,
    [row(lists:flatten(io_lib:format("call with ~b idle sessions", [Count])), {Us, "us"},
         {FirstUs, "us (10)"}, {ratio_at_most, 1.1}) || {Count, Us, _, _} <- Measured],
    [row(lists:flatten(io_lib:format("its CPU time with ~b", [Count])), {Cpu, "us"},
         {FirstCpu, "us (10)"}, {ratio_at_most, 1.1}) || {Count, _, Cpu, _} <- Measured],
    {Most, _, _, Rss} = lists:last(Measured),
    row("memory per idle session", {(Rss - Base) * 1024 / Most, "bytes"}, none, {at_most, 1024}).

start_idle(Asmd, N) when N > 0 ->
    Workers = 10,
    asm_test:parallel(Workers, fun(K) ->
        [{ok, _} = erpc:call(Asmd, asm, start_session, [[{provider, codex}]])
         || _ <- lists:seq(K, N, Workers)]
    end),
    ok;
start_idle(_, _) ->
    ok.

erpc_health(Asmd) ->
    {unhealthy, not_found} = gen_server:call({asm, Asmd}, {health, [<<"none">>]}),
    healthy_or_not.

call_cost(OsPid, N, Call) ->
    Before = cpu_us(OsPid),
    Us = mean_us(N, Call),
    {Us, (cpu_us(OsPid) - Before) / (N + N div 10)}.

%%% measuring

in_turns(A, B) ->
    Pairs = [{A(), B()} || _ <- lists:seq(1, ?ROUNDS)],
    {median([X || {X, _} <- Pairs]), median([Y || {_, Y} <- Pairs])}.

median([{_, _} | _] = Pairs) -> median_pair(Pairs);
median(Values) -> lists:nth((length(Values) + 1) div 2, lists:sort(Values)).

median_pair(Pairs) ->
    {median([X || {X, _} <- Pairs]), median([Y || {_, Y} <- Pairs])}.

%% user and system time of a process; the kernel counts in hundredths of a second
cpu_us(OsPid) ->
    {ok, Stat} = file:read_file("/proc/" ++ OsPid ++ "/stat"),
    [_, Behind] = string:split(Stat, ") ", trailing),
    Fields = string:lexemes(Behind, " "),
    Ticks = binary_to_integer(lists:nth(12, Fields)) + binary_to_integer(lists:nth(13, Fields)),
    Ticks * 10000.

rss_kb(OsPid) ->
    {ok, Status} = file:read_file("/proc/" ++ OsPid ++ "/status"),
    {match, [Kb]} = re:run(Status, "VmRSS:\\s+(\\d+)", [{capture, all_but_first, list}]),
    list_to_integer(Kb).

%%% the table

heading() ->
    io:format("~-34s ~18s ~18s ~7s ~9s  ~s~n", ["", "asmd", "BEAM", "ratio", "aim", ""]).

row(Name, {A, Unit}, Other, Aim) ->
    {OtherText, Ratio} = case Other of
                             none -> {"", none};
                             {B, OtherUnit} -> {[number(B), " ", OtherUnit], A / max(B, 1.0e-9)}
                         end,
    {AimText, Verdict} = verdict(Aim, A, Ratio),
    RatioText = case Ratio of none -> ""; _ -> io_lib:format("~.2f", [Ratio]) end,
    io:format("~-34s ~18s ~18s ~7s ~9s  ~s~n",
              [Name, [number(A), " ", Unit], OtherText, RatioText, AimText, Verdict]).

verdict(none, _, _) -> {"", ""};
verdict({at_most, Limit}, A, _) -> {["<= ", number(Limit)], met(A =< Limit)};
verdict({ratio_at_most, Limit}, _, Ratio) -> {["x <= ", number(Limit)], met(Ratio =< Limit)};
verdict({ratio_at_least, Limit}, _, Ratio) -> {["x >= ", number(Limit)], met(Ratio >= Limit)}.

met(true) -> "met";
met(false) -> "MISSED".

number(N) when is_integer(N) -> integer_to_list(N);
number(N) when abs(N) >= 1000 -> integer_to_list(round(N));
number(N) when abs(N) >= 10 -> io_lib:format("~.1f", [N]);
number(N) -> io_lib:format("~.2f", [N]).
