%% SPDX-License-Identifier: MIT
%%
%% Mixed load with chaos for as long as it is told, in rounds of some seconds from a fixed seed. A round
%% has its own sessions and subscribers; runs on two hosts without CLIs, on a host with stand-in CLIs and
%% on asmd's own machine; answers, interrupts, ends of sessions, queries, guests that monitor and vanish,
%% a subscriber that is suspended; hosts, CLIs and epmd are killed.
%%
%% After each round nothing is left, and every accepted run was told without a gap, with one terminal
%% event and one end. After the last one the memory at rest is what it was after the warm-up, and the
%% descriptors are those of the start.
%%
%%   soak_test:main([Daemon, OsPid, Minutes, Seed, FlatPercent])      FlatPercent 0: not judged
-module(soak_test).

-export([main/1, visit/2, slow_run/3]).

-include("run_support.hrl").

-import(run_support, [api/2]).

-define(T, 30000).
-define(SESSIONS, 30).
-define(ROUND_MS, 12000).

-record(world, {os_pid, seed, fakes, real, guest, slow,
                slow_watcher = none, slow_runs = [], slow_sessions = [], is_slow_stopped = false,
                sessions = [], runs = [], queries = [], watcher, counts = #{}}).

main([Daemon, OsPid, Minutes, Seed, FlatPercent]) ->
    run_support:setup(Daemon, "none"),
    Ms = list_to_integer(Minutes) * 60000,
    asm_test:main(soak_test, [{"mixed load and chaos: no event lost or twice, memory flat, descriptors back",
                               fun() -> soak({OsPid, list_to_integer(Seed), list_to_integer(FlatPercent)}, Ms) end,
                               Ms + 180000}]).

soak({OsPid, Seed, FlatPercent}, Ms) ->
    Fds = fds(OsPid),
    World = #world{os_pid = OsPid, seed = Seed,
                   fakes = #{left => run_support:start_fake(left), right => run_support:start_fake(right)},
                   real = run_support:start_real(real), guest = start_plain(guest), slow = start_plain(slow)},
    {Last, Rounds} = rounds(1, erlang:monotonic_time(millisecond) + Ms, World, []),
    io:format("# over all: ~0p~n", [Last#world.counts]),
    [run_support:stop_node(Node) || Node <- [Last#world.real, Last#world.guest, Last#world.slow
                                             | maps:values(Last#world.fakes)]],
    asm_test:wait_until(fun() -> fds(OsPid) =< Fds orelse {fds, {before, Fds}, {now, fds(OsPid)}} end, ?T),
    io:format("# descriptors: ~b before, ~b after~n", [Fds, fds(OsPid)]),
    judge_memory(lists:reverse(Rounds), FlatPercent).

%% The first quarter, at least two rounds, is warm-up. Of each half of the rest the lowest counts: what
%% the allocator happens to hold goes up and down, what is lost does not come back.
judge_memory(Rss, FlatPercent) ->
    {_, Warm} = lists:split(min(max(2, length(Rss) div 4), length(Rss) - 1), Rss),
    {Former, Latter} = lists:split(length(Warm) div 2, Warm),
    First = lists:min([hd(Warm) | Former]),
    Last = lists:min(Latter),
    Growth = 100 * (Last - First) / First,
    io:format("# rss at rest: ~b kB after the warm-up, ~b kB at the end, ~.2f %, ~b rounds~n",
              [First, Last, Growth, length(Rss)]),
    ?EXPECT(true, FlatPercent =:= 0 orelse Growth =< FlatPercent orelse {grown_by_percent, Growth}).

rounds(N, Deadline, World, Rss) ->
    case N > 1 andalso erlang:monotonic_time(millisecond) > Deadline of
        true ->
            {World, Rss};
        false ->
            rand:seed(exsss, World#world.seed + N),
            Ended = play_round(World),
            Kb = status_kb(Ended#world.os_pid),
            io:format("# round ~b: ~b runs, rss at rest ~b kB, ~b descriptors~n",
                      [N, length(Ended#world.runs) + length(Ended#world.slow_runs), Kb, fds(Ended#world.os_pid)]),
            rounds(N + 1, Deadline, Ended#world{sessions = [], runs = [], slow_runs = [], slow_sessions = []}, [Kb | Rss])
    end.

play_round(Start) ->
    Watcher = run_watch:start(),
    World0 = Start#world{watcher = Watcher, slow_watcher = run_watch:start(element(2, Start#world.slow))},
    World1 = World0#world{sessions = [new_session(N, Watcher) || N <- lists:seq(1, ?SESSIONS)]},
    %% each round has one of the rare things, at a moment of its own
    Rare = [fun kill_host/1, fun kill_real/1, fun restart_epmd/1, fun kill_guest/1],
    World2 = steps(until(?ROUND_MS div 2), World1),
    World3 = (pick(Rare))(World2),
    World4 = steps(until(?ROUND_MS div 2), World3),
    World5 = wake(World4),
    run_watch:judge(World5#world.slow_watcher, World5#world.slow_runs),
    [api(stop_session, [Pid]) || Pid <- World5#world.slow_sessions ++ [P || {_, P} <- World5#world.sessions]],
    [answered(Query) || Query <- World5#world.queries],
    run_support:is_at_rest(),
    run_watch:judge(Watcher, World5#world.runs),
    Events = run_watch:n_events(Watcher) + run_watch:n_events(World5#world.slow_watcher),
    exit(World5#world.slow_watcher, kill),
    unlink(Watcher),
    exit(Watcher, kill),
    [asm_test:wait_until(fun() -> run_support:call(Host, fake_host, sessions, []) =:= [] end, ?T)
     || Host <- maps:values(World5#world.fakes)],
    asm_test:wait_until(fun() ->
        case children(World5#world.os_pid) of
            [] -> true;
            Left -> [{Pid, words(Pid), [{Child, words(Child)} || Child <- children(Pid)]} || Pid <- Left]
        end
    end, ?T),
    add(events, Events, World5#world{queries = []}).

until(Ms) -> erlang:monotonic_time(millisecond) + Ms.

steps(Deadline, World) ->
    case erlang:monotonic_time(millisecond) > Deadline of
        true -> World;
        false -> steps(Deadline, step(rand:uniform(100), World))
    end.

step(N, World) when N =< 30 -> submit(pick(World#world.sessions), fake(World), World);
step(N, World) when N =< 38 -> submit(pick(World#world.sessions), real(World), World);
step(N, World) when N =< 46 -> submit(pick(World#world.sessions), local(), World);
step(N, World) when N =< 62 -> answer(pick(World#world.sessions), World);
step(N, World) when N =< 78 -> interrupt(pick(World#world.sessions), World);
step(N, World) when N =< 84 -> query(World);
step(N, World) when N =< 88 -> guest(World);
step(N, World) when N =< 92 -> kill_cli(World);
step(N, World) when N =< 95 -> slow(World);
step(N, World) when N =< 98 -> stop(pick(World#world.sessions), World);
step(_, World) -> count(listed, World, api(list_sessions, [])).

%%% sessions and runs

new_session(N, Watcher) ->
    Provider = lists:nth(1 + N rem 2, [codex, claude]),
    {ok, Pid} = api(start_session, [[{provider, Provider}, {max_queued_runs, 2}, {subscriber, Watcher},
                                     {interrupt_grace_ms, 50}, {remote_connect_timeout_ms, 3000},
                                     {remote_rpc_timeout_ms, 5000}]]),
    {N, Pid}.

fake(#world{fakes = Fakes}) ->
    {pick([<<"events 5">>, <<"events 50">>, <<"events 1000">>, <<"paced 5 10">>, <<"silent">>, <<"ask a">>,
           <<"ask a b c">>, <<"crash">>, <<"error rate_limit slow">>, <<"refuse">>, <<"deaf">>, <<"settle a">>,
           <<"tools Read Bash">>]),
     remote(pick(maps:values(Fakes))) ++ limits()}.

real(#world{real = Real}) -> {cli_prompt(), remote(Real) ++ limits()}.

local() -> {cli_prompt(), limits()}.

cli_prompt() ->
    pick([<<"count:5">>, <<"count:200">>, <<"line:100000">>, <<"approve">>, <<"hang">>, <<"hang stubborn">>,
          <<"hang escape">>, <<"fail:3">>, <<"stderr badjson count:3">>, <<"hello there">>]).

limits() ->
    pick([[], [{run_deadline_ms, 400}], [{stream_timeout_ms, 300}], [{queue_timeout_ms, 200}],
          [{approval_timeout_ms, 300}], [{run_deadline_ms, 3000}]]).

remote({_, Node, _}) -> [{execution_mode, remote_node}, {remote_node, Node}].

submit({_, Pid}, {Prompt, Options}, World) ->
    case api(stream, [Pid, Prompt, Options]) of
        {ok, Run} -> count(accepted, World#world{runs = [Run | World#world.runs]});
        {error, #{kind := at_capacity}} -> count(at_capacity, World);
        Other -> throw({unexpected, "a run or at_capacity", Other})
    end.

answer({_, Pid}, World) ->
    {ok, Approvals} = ?EXPECT({ok, _}, api(approvals, [Pid])),
    lists:foldl(fun(#{approval_id := Id}, Acc) ->
                    case api(approve, [Pid, Id, pick([allow, deny])]) of
                        ok -> count(answered, Acc);
                        {error, #{kind := unknown, domain := approval}} -> count(too_late, Acc);
                        Other -> throw({unexpected, "ok or too late", Other})
                    end
                end, World, Approvals).

interrupt({_, Pid}, World) ->
    case ?EXPECT({ok, _}, api(session_info, [Pid])) of
        {ok, #{runs := []}} -> count(idle, World);
        {ok, #{runs := Runs}} ->
            #{run_id := Run} = pick(Runs),
            case api(pick([interrupt, interrupt, pause]), [Pid, Run]) of
                ok -> count(interrupted, World);
                {error, #{kind := unknown, domain := runtime}} -> count(too_late, World);
                Other -> throw({unexpected, "ok or too late", Other})
            end
    end.

stop({Index, Pid} = Session, World) ->
    case rand:uniform(2) of
        1 -> ok = api(stop_session, [Pid]);
        2 -> exit(Pid, kill)
    end,
    Sessions = [new_session(Index, World#world.watcher) | lists:delete(Session, World#world.sessions)],
    count(stopped, World#world{sessions = Sessions}).

%% a call that waits for its run, in a process of its own; no more than ten at a time
query(#world{queries = Queries} = World) when length(Queries) >= 10 ->
    answered(lists:last(Queries)),
    World#world{queries = lists:droplast(Queries)};
query(World) ->
    {Prompt, Options} = pick([fake(World), {<<"count:3">>, []}]),
    Bounded = [{run_deadline_ms, 5000}, {approval_timeout_ms, 300}
               | [O || {K, _} = O <- Options, K =/= run_deadline_ms, K =/= approval_timeout_ms]],
    Query = spawn_monitor(fun() -> exit({answer, api(query, [codex, Prompt, Bounded])}) end),
    count(queried, World#world{queries = [Query | World#world.queries]}).

answered({Pid, Monitor}) ->
    receive
        {'DOWN', Monitor, process, Pid, {answer, {ok, #{}}}} -> ok;
        {'DOWN', Monitor, process, Pid, {answer, ?FAILURE(_, _)}} -> ok;
        {'DOWN', Monitor, process, Pid, Other} -> throw({unexpected, "a result or an error", Other})
    after ?T -> throw({unexpected, "an answer of a query", none})
    end.

%%% peers

start_plain(Name) ->
    run_support:start_node(Name, {["-pa", os:getenv("ASM_BEAMS"), "-connect_all", "false"], []}).

guest(#world{guest = Guest, sessions = Sessions} = World) ->
    {_, Pid} = pick(Sessions),
    ok = ?EXPECT(ok, run_support:call(Guest, ?MODULE, visit, [run_support:daemon(), Pid])),
    count(visited, World).

%% on the guest: its monitor fires once, with the end of the connection, and not again with the next one
visit(Daemon, Pid) ->
    pong = net_adm:ping(Daemon),
    Monitor = erlang:monitor(process, Pid),
    healthy = erpc:call(Daemon, asm, health, [Pid], ?T),
    true = erlang:disconnect_node(Daemon),
    receive {'DOWN', Monitor, process, Pid, noconnection} -> ok end,
    pong = net_adm:ping(Daemon),
    receive
        {'DOWN', Monitor, _, _, Again} -> {twice, Again}
    after 0 -> ok
    end.

kill_guest(World) ->
    run_support:stop_node(World#world.guest),
    count(guests_killed, World#world{guest = start_plain(guest)}).

%% a run for a subscriber that is suspended meanwhile; the next time it goes on
slow(#world{is_slow_stopped = true} = World) -> wake(World);
slow(#world{slow = Slow, slow_watcher = Watcher} = World) ->
    Host = pick(maps:values(World#world.fakes)),
    case run_support:call(Slow, ?MODULE, slow_run, [run_support:daemon(), remote(Host), Watcher]) of
        {ok, Session, Run} ->
            run_support:signal(Slow, "STOP"),
            count(slow, World#world{is_slow_stopped = true, slow_runs = [Run | World#world.slow_runs],
                                    slow_sessions = [Session | World#world.slow_sessions]});
        Other -> throw({unexpected, "a run", Other})
    end.

slow_run(Daemon, Options, Watcher) ->
    {ok, Session} = erpc:call(Daemon, asm, start_session, [[{provider, codex}, {subscriber, Watcher}]], ?T),
    {ok, Run} = erpc:call(Daemon, asm, stream, [Session, <<"events 3000">>, Options], ?T),
    {ok, Session, Run}.

wake(#world{is_slow_stopped = false} = World) -> World;
wake(World) ->
    run_support:signal(World#world.slow, "CONT"),
    World#world{is_slow_stopped = false}.

%%% what is killed

kill_host(#world{fakes = Fakes} = World) ->
    Name = pick(maps:keys(Fakes)),
    run_support:stop_node(maps:get(Name, Fakes)),
    Lost = lists:foldl(fun(_, Acc) -> submit(pick(Acc#world.sessions), fake(Acc), Acc) end, World, lists:seq(1, 10)),
    count(hosts_killed, Lost#world{fakes = Fakes#{Name := run_support:start_fake(Name)}}).

kill_real(World) ->
    run_support:stop_node(World#world.real),
    count(hosts_killed, World#world{real = run_support:start_real(real)}).

%% until all nodes are registered again others could not connect, which is not what is tested
restart_epmd(World) ->
    [] = os:cmd("for p in /proc/[0-9]*; do [ \"$(cat $p/comm 2>/dev/null)\" = epmd ] && "
                "grep -qzxF \"ASM_TEST_ID=$ASM_TEST_ID\" $p/environ 2>/dev/null && kill -KILL ${p#/proc/}; done; "
                "epmd -daemon"),
    Names = [hd(string:lexemes(atom_to_list(Node), "@"))
             || Node <- [run_support:daemon() | [N || {_, N, _} <- [World#world.real | maps:values(World#world.fakes)]]]],
    asm_test:wait_until(fun() ->
        case erl_epmd:names() of
            {ok, Known} -> Names -- [Name || {Name, _} <- Known] =:= [] orelse Known;
            Error -> Error
        end
    end, ?T),
    count(epmd_restarted, World).

%% Asmd's children are guards, theirs are the CLIs; but at its end a guard with the leak sanitizer has
%% a helper, too, for which it would wait for ever.
kill_cli(#world{os_pid = OsPid} = World) ->
    case [Cli || Guard <- children(OsPid), Cli <- children(Guard),
                 file:read_file("/proc/" ++ Cli ++ "/comm") =/= {ok, <<"asm_exec\n">>}] of
        [] -> count(no_cli, World);
        Clis ->
            os:cmd("kill -KILL " ++ pick(Clis)),
            count(clis_killed, World)
    end.

children(OsPid) ->
    case file:read_file("/proc/" ++ OsPid ++ "/task/" ++ OsPid ++ "/children") of
        {ok, Text} -> string:lexemes(binary_to_list(Text), " \n");
        {error, _} -> []
    end.

%% what a process is: its command line and its state
words(OsPid) ->
    [case file:read_file("/proc/" ++ OsPid ++ "/" ++ File) of
         {ok, Text} -> string:slice(string:replace(Text, <<0>>, " ", all), 0, 200);
         {error, Reason} -> Reason
     end || File <- ["cmdline", "stat", "wchan"]].

%%% figures

status_kb(OsPid) ->
    {ok, Text} = file:read_file("/proc/" ++ OsPid ++ "/status"),
    {match, [Kb]} = re:run(Text, "VmRSS:\\s+(\\d+)", [{capture, all_but_first, list}]),
    list_to_integer(Kb).

fds(OsPid) ->
    {ok, Names} = file:list_dir("/proc/" ++ OsPid ++ "/fd"),
    length(Names).

count(What, World, _) -> count(What, World).
count(What, World) -> add(What, 1, World).

add(What, N, #world{counts = Counts} = World) ->
    World#world{counts = maps:update_with(What, fun(Old) -> Old + N end, N, Counts)}.

pick(List) -> lists:nth(rand:uniform(length(List)), List).
