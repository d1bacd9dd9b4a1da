%% SPDX-License-Identifier: MIT
%% What the tests of the backend host share: nodes, sessions, process numbers, waiting. Nothing here
%% sleeps for a fixed time: a condition is polled until a deadline, and missing it fails the test.
-module(host_support).

-export([run/2]).
-export([start_host/0, start_host/1, start_node/1, stop_node/1, os_pid/1, kill/2]).
-export([options/3, start/2, start/3, start_hanging/2, start_hanging/3]).
-export([events/1, events/2, lines/1, down/1]).
-export([until/1, until/2, stays/2, exists/1, gone/1, pids/1, parent/1, stand_in/1, temp/1, script/2]).

-define(DEADLINE_MS, 15000).
-define(STARTER, 'Elixir.ASM.Remote.BackendStarter').

%%% the runner

%% Runs [{Sentence, Fun}], prints TAP and the sum; returns the number of failures.
-spec run(atom(), [{string(), fun(() -> any())}]) -> non_neg_integer().
run(Suite, Tests) ->
    io:format("1..~b~n", [length(Tests)]),
    Only = os:getenv("ONLY", ""),
    Numbered = [Test || {_, {Name, _}} = Test <- lists:zip(lists:seq(1, length(Tests)), Tests),
                        string:find(Name, Only) =/= nomatch],
    nodes = ets:new(nodes, [named_table, public, bag]),
    Failed = length([failed || Test <- Numbered, not run_one(Test)]),
    io:format("~ts: ~b passed, ~b failed~n", [Suite, length(Numbered) - Failed, Failed]),
    Failed.

%% Each in a process of its own, so that no message of one reaches the next.
run_one({N, {Name, Fun}}) ->
    {Pid, Ref} = spawn_monitor(Fun),
    Started = erlang:monotonic_time(millisecond),
    Outcome = receive
                  {'DOWN', Ref, process, Pid, Reason} -> Reason
              after 60000 ->
                      exit(Pid, kill),
                      took_too_long
              end,
    Took = erlang:monotonic_time(millisecond) - Started,
    lists:foreach(fun stop_peer/1, ets:tab2list(nodes)),
    ets:delete_all_objects(nodes),
    case Outcome of
        normal -> io:format("ok ~b - ~ts # ~b ms~n", [N, Name, Took]);
        _ -> io:format("not ok ~b - ~ts~n# ~tp~n", [N, Name, Outcome])
    end,
    Outcome =:= normal.

%% it may have been killed by its test
stop_peer({peer, Peer}) ->
    try
        peer:stop(Peer)
    catch
        exit:_ -> ok
    end.

%%% nodes

-spec start_host() -> node().
start_host() -> start_host([]).

%% A host node in use: the application is started.
-spec start_host([{string(), string()}]) -> node().
start_host(Env) ->
    Node = start_node(Env),
    {ok, _} = rpc:call(Node, application, ensure_all_started, [asmd_host]),
    Node.

%% A node with the host on its code path; the runner stops it when the test has ended.
-spec start_node([{string(), string()}]) -> node().
start_node(Env) ->
    Paths = lists:append([["-pa", Dir] || Module <- [asmd_host, ?MODULE],
                                          Dir <- [filename:dirname(code:which(Module))]]),
    %% killed nodes are part of the tests: global must not take them for a split network
    Args = ["-connect_all", "false" | Paths],
    {ok, Peer, Node} = peer:start(#{name => peer:random_name(host), args => Args, env => Env,
                                    exec => os:getenv("ASM_ERL")}),
    ets:insert(nodes, {peer, Peer}),
    Node.

-spec stop_node(node()) -> ok.
stop_node(Node) ->
    kill(os_pid(Node), "KILL").

-spec os_pid(node()) -> string().
os_pid(Node) -> rpc:call(Node, os, getpid, []).

-spec kill(string(), string()) -> ok.
kill(Pid, Signal) ->
    [] = os:cmd("kill -s " ++ Signal ++ " " ++ Pid),
    ok.

%%% sessions

-spec options(atom(), string(), reference()) -> [{atom(), term()}].
options(Provider, Prompt, Ref) ->
    [{provider, Provider}, {prompt, list_to_binary(Prompt)}, {subscriber, {self(), Ref}},
     {event_delivery, raw_lines}, {command, stand_in(Provider)}].

-spec start(node(), [{atom(), term()}]) -> {ok, pid(), map()} | {error, term()}.
start(Host, Options) ->
    rpc:call(Host, ?STARTER, start_core_session, [Options]).

%% The session and the reference of its messages; options given here win.
-spec start(node(), atom(), {string(), [{atom(), term()}]}) -> {pid(), reference()}.
start(Host, Provider, {Prompt, More}) ->
    Ref = make_ref(),
    {ok, Session, _} = start(Host, More ++ options(Provider, Prompt, Ref)),
    {Session, Ref}.

-spec start_hanging(node(), string()) -> {pid(), reference(), [string()]}.
start_hanging(Host, Words) -> start_hanging(Host, Words, []).

%% A CLI that waits for ever, and the numbers of it and its child.
-spec start_hanging(node(), string(), [{atom(), term()}]) -> {pid(), reference(), [string()]}.
start_hanging(Host, Words, More) ->
    File = temp("pids"),
    Env = {env, #{<<"ASM_STANDIN_PIDFILE">> => list_to_binary(File)}},
    {Session, Ref} = start(Host, codex, {"hang " ++ Words, More ++ [Env, {kill_grace_ms, 300}]}),
    {Session, Ref, pids(File)}.

%% All events up to exit.
-spec events(reference()) -> [term()].
events(Ref) -> events(Ref, cli_subprocess_core_session).

-spec events(reference(), atom()) -> [term()].
events(Ref, Tag) ->
    receive
        {Tag, Ref, {exit, _} = Exit} -> [Exit];
        {Tag, Ref, Event} -> [Event | events(Ref, Tag)]
    after ?DEADLINE_MS -> error({no_exit_event, process_info(self(), messages)})
    end.

-spec lines([term()]) -> [binary()].
lines(Events) -> lists:append([Lines || {stdout, Lines} <- Events]).

%% The reason with which a monitored session ended.
-spec down(reference()) -> term().
down(Monitor) ->
    receive {'DOWN', Monitor, process, _, Reason} -> Reason
    after ?DEADLINE_MS -> error(still_alive)
    end.

%%% conditions

-spec until(fun(() -> boolean())) -> ok.
until(Condition) -> until(Condition, ?DEADLINE_MS).

-spec until(fun(() -> boolean()), integer()) -> ok.
until(Condition, Left) when Left > 0 ->
    case Condition() of
        true -> ok;
        false -> receive after 10 -> until(Condition, Left - 10) end
    end;
until(_Condition, _Left) ->
    error(deadline).

%% A condition that must not cease to hold.
-spec stays(fun(() -> boolean()), integer()) -> ok.
stays(_Condition, Left) when Left =< 0 -> ok;
stays(Condition, Left) ->
    true = Condition(),
    receive after 20 -> stays(Condition, Left - 20) end.

%% A zombie no longer runs; who reaps it is not our affair.
-spec exists(string()) -> boolean().
exists(Pid) ->
    case file:read_file("/proc/" ++ Pid ++ "/stat") of
        {ok, Stat} -> binary:match(Stat, <<") Z ">>) =:= nomatch;
        {error, _} -> false
    end.

-spec gone([string()]) -> ok.
gone(Pids) -> until(fun() -> not lists:any(fun exists/1, Pids) end).

%% What a hanging stand-in has written: its own number and that of its child, both alive.
-spec pids(file:filename()) -> [string()].
pids(File) ->
    until(fun() -> filelib:is_file(File) end),
    {ok, Text} = file:read_file(File),
    [_, _] = Pids = string:lexemes(binary_to_list(Text), "\n"),
    true = lists:all(fun exists/1, Pids),
    Pids.

-spec parent(string()) -> string().
parent(Pid) ->
    {ok, Stat} = file:read_file("/proc/" ++ Pid ++ "/stat"),
    [_, Rest] = string:split(Stat, ") ", trailing),
    [_State, Parent | _] = string:lexemes(Rest, " "),
    binary_to_list(Parent).

%%% files

-spec stand_in(atom()) -> binary().
stand_in(Provider) ->
    list_to_binary(filename:join(os:getenv("ASMD_PROVIDERS"), atom_to_list(Provider))).

%% A path that is used by nobody else, in the directory that the runner removes.
-spec temp(string()) -> file:filename().
temp(Name) ->
    Unique = integer_to_list(erlang:unique_integer([positive])),
    filename:join(os:getenv("TMPDIR"), Name ++ "-" ++ Unique).

%% An executable shell script.
-spec script(string(), string()) -> binary().
script(Name, Body) ->
    Path = temp(Name),
    ok = file:write_file(Path, ["#!/bin/sh\n", Body, "\n"]),
    ok = file:change_mode(Path, 8#755),
    list_to_binary(Path).
