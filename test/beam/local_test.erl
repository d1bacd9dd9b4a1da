%% SPDX-License-Identifier: MIT
%%
%% CLIs that are children of asmd. The CLI is a script of test-local.sh that does what its prompt says.
%%
%%   local_test:main([Node, OsPid, SlowNode, SlowOsPid, Dir, Runs, GrowthKb])
-module(local_test).

-export([main/1, begin_runs/1, subscribe/3]).

-include("asm_test.hrl").

-define(T, 60000).

main([NodeText, OsPid, SlowText, SlowPid, Dir, RunsText, GrowthText]) ->
    Node = list_to_atom(NodeText),
    Slow = list_to_atom(SlowText),
    Runs = list_to_integer(RunsText),
    Growth = list_to_integer(GrowthText),
    asm_test:main(local_test,
                  [{RunsText ++ " CLIs at once complete, and leave neither descriptors nor memory",
                    fun() -> crowd(Node, OsPid, Dir, Runs, Growth) end, 3 * ?T},
                   {"a CLI without a first word has a time of its own", fun() -> silence(Node) end},
                   {"a CLI that is faster than its suspended subscriber waits",
                    fun() -> flood(Node, OsPid, Slow, SlowPid, Dir, Growth) end, 2 * ?T}]).

%% local_test:begin_runs([Node, Prompt, N]): they are not waited for
begin_runs([NodeText, Prompt, N]) ->
    Node = list_to_atom(NodeText),
    asm_test:main(local_test,
                  [{N ++ " runs begin", fun() ->
                       [begin_run(Node, list_to_binary(Prompt)) || _ <- lists:seq(1, list_to_integer(N))]
                   end}]).

begin_run(Node, Prompt) ->
    {ok, Session} = ?EXPECT({ok, _}, erpc:call(Node, asm, start_session, [[{provider, codex}]], ?T)),
    {ok, Run} = ?EXPECT({ok, _}, erpc:call(Node, asm, stream, [Session, Prompt], ?T)),
    await(Run, run_started),
    {Session, Run}.

await(Run, Kind) ->
    receive
        {asm_run_event, Run, #{kind := Kind}} -> ok;
        {asm_run_event, Run, #{kind := error, payload := Payload}} ->
            throw({unexpected, Kind, Payload});
        {asm_run_event, Run, _} -> await(Run, Kind);
        {asm_run_done, Run} -> throw({unexpected, Kind, done})
    after ?T ->
        throw({unexpected, Kind, nothing})
    end.

%% the first few warm up what asmd makes once
crowd(Node, OsPid, Dir, N, GrowthKb) ->
    gate(Node, Dir, 20),
    Fds = fds(OsPid),
    Kb = memory(OsPid, "VmRSS"),
    Begun = erlang:monotonic_time(millisecond),
    gate(Node, Dir, N),
    Ms = erlang:monotonic_time(millisecond) - Begun,
    asm_test:wait_until(fun() -> fds(OsPid) =< Fds orelse {fds, fds(OsPid), Fds} end, ?T),
    Grown = memory(OsPid, "VmRSS") - Kb,
    io:format("# ~b CLIs in ~b ms; asmd: ~b kB before, ~b kB at most, ~b kB more after~n",
              [N, Ms, Kb, memory(OsPid, "VmHWM"), Grown]),
    Grown =< GrowthKb orelse throw({unexpected, io_lib:format("at most ~b kB more", [GrowthKb]), Grown}).

%% N runs of which each has begun before the first may end
gate(Node, Dir, N) ->
    Self = self(),
    Children = [spawn_link(fun() -> visitor(Node, Self) end) || _ <- lists:seq(1, N)],
    [receive {there, Child} -> ok after ?T -> throw({unexpected, "a run that begins", N}) end
     || Child <- Children],
    {ok, #{runs := Running}} = ?EXPECT({ok, #{runs := _}}, erpc:call(Node, asm, status, [], ?T)),
    N = ?EXPECT(N, Running),
    Opener = open_port({spawn_executable, "/bin/sh"}, [{args, ["-c", ": >" ++ Dir ++ "/gate"]}, exit_status]),
    receive {Opener, {exit_status, 0}} -> ok after ?T -> throw({unexpected, "an open gate", closed}) end,
    [receive {passed, Child, Kinds} -> ?EXPECT([assistant_message, result], Kinds)
     after ?T -> throw({unexpected, "a run that ends", N})
     end || Child <- Children].

visitor(Node, Parent) ->
    {Session, Run} = begin_run(Node, <<"gate">>),
    await(Run, assistant_message),
    Parent ! {there, self()},
    Kinds = kinds(Run),
    ok = erpc:call(Node, asm, stop_session, [Session], ?T),
    Parent ! {passed, self(), Kinds}.

kinds(Run) ->
    receive
        {asm_run_event, Run, #{kind := Kind}} -> [Kind | kinds(Run)];
        {asm_run_done, Run} -> []
    after ?T -> [nothing]
    end.

silence(Node) ->
    {ok, Session} = ?EXPECT({ok, _}, erpc:call(Node, asm, start_session, [[{provider, codex}]], ?T)),
    {error, #{message := Message}} =
        ?EXPECT({error, #{kind := timeout, message := _}},
                erpc:call(Node, asm, query, [Session, <<"silence">>, [{startup_timeout_ms, 300}]], ?T)),
    match = re:run(Message, "since its start for 300ms; raise startup_timeout_ms", [{capture, none}]),
    ok = erpc:call(Node, asm, stop_session, [Session], ?T).

flood(Node, OsPid, Slow, SlowPid, Dir, GrowthKb) ->
    Before = memory(OsPid, "VmRSS"),
    {Subscriber, Monitor} = spawn_monitor(Slow, ?MODULE, subscribe, [Node, <<"flood">>, self()]),
    Session = receive {began, S} -> S
              after ?T -> throw({unexpected, "a run that begins", nothing}) end,
    [] = os:cmd("kill -STOP " ++ SlowPid),
    Cli = cli_pid(Dir ++ "/flood"),
    stands_still(Cli),
    Grown = memory(OsPid, "VmRSS") - Before,
    At = written(Cli),
    [] = os:cmd("kill -CONT " ++ SlowPid),
    asm_test:wait_until(fun() -> written(Cli) > At orelse written(Cli) end, ?T),
    ok = erpc:call(Node, asm, stop_session, [Session], ?T),
    exit(Subscriber, kill),
    receive {'DOWN', Monitor, process, _, _} -> ok end,
    asm_test:wait_until(fun() -> not filelib:is_dir("/proc/" ++ Cli) end, ?T),
    Grown =< GrowthKb orelse throw({unexpected, io_lib:format("at most ~b kB more", [GrowthKb]), Grown}).

%% on another node: takes all events and forgets them
subscribe(Node, Prompt, Tester) ->
    {ok, Session} = erpc:call(Node, asm, start_session, [[{provider, codex}]], ?T),
    {ok, Run} = erpc:call(Node, asm, stream, [Session, Prompt, [{stream_timeout_ms, infinity}]], ?T),
    receive {asm_run_event, Run, _} -> ok end,
    Tester ! {began, Session},
    swallow().

swallow() -> receive _ -> swallow() end.

cli_pid(File) ->
    asm_test:wait_until(fun() -> filelib:file_size(File) > 1 end, ?T),
    {ok, Text} = file:read_file(File),
    string:trim(binary_to_list(Text)).

%% it has written nothing more at ten looks in a row
stands_still(Cli) -> stands_still(Cli, written(Cli), 10, 2000).

stands_still(_, _, 0, _) -> ok;
stands_still(_, _, _, 0) -> throw({unexpected, "a CLI that waits", "one that writes on"});
stands_still(Cli, Last, Left, Looks) ->
    receive after 30 -> ok end,
    case written(Cli) of
        Last when Last > 0 -> stands_still(Cli, Last, Left - 1, Looks - 1);
        More -> stands_still(Cli, More, 10, Looks - 1)
    end.

written(Cli) -> number("/proc/" ++ Cli ++ "/io", "wchar:\\s+(\\d+)").

memory(OsPid, Field) -> number("/proc/" ++ OsPid ++ "/status", Field ++ ":\\s+(\\d+)").

number(File, Pattern) ->
    {ok, Text} = file:read_file(File),
    {match, [Number]} = re:run(Text, Pattern, [{capture, all_but_first, list}]),
    list_to_integer(Number).

fds(OsPid) ->
    {ok, Names} = file:list_dir("/proc/" ++ OsPid ++ "/fd"),
    length(Names).
