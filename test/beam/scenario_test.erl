%% SPDX-License-Identifier: MIT
%%
%% Many sessions, and at random: runs of many kinds, answers to approvals, interrupts, ends of sessions,
%% and now and then the kill of one of two host nodes, which comes back. What must hold is small:
%% every run that was accepted has sequence numbers without a gap, exactly one terminal event and
%% exactly one end; an approval of a run is answered with ok only while the run lives; at the end
%% there is nothing.
%%
%% The seed is fixed, the timing is not: the model does not foretell which of two things comes
%% first, it states what holds either way.
%%
%%   scenario_test:main([Daemon, Steps, Seed, GrowthKiB])
-module(scenario_test).

-export([main/1]).

-include("run_support.hrl").

-import(run_support, [api/2]).

-define(T, 30000).
-define(SESSIONS, 200).
-define(KILL_EVERY, 400).
-define(STEPS_MS, 60000).

-record(world, {sessions = [],     %% [{Index, Pid}]
                runs = #{},        %% Run => Index, accepted and not known to be over
                hosts, step = 0, killed = 0, counts = #{}}).

main([Daemon, Steps, Seed, GrowthKiB]) ->
    run_support:setup(Daemon, "none"),
    rand:seed(exsss, list_to_integer(Seed)),
    Random = rand:export_seed(),
    asm_test:main(scenario_test, [{"200 sessions, runs and failures at random: each run has one end, nothing is left",
                                   fun() ->
                                       rand:seed(Random),
                                       scenario(list_to_integer(Steps), list_to_integer(GrowthKiB))
                                   end, 240000}]).

scenario(Steps, GrowthKiB) ->
    Watcher = run_watch:start(),
    Hosts = #{left => run_support:start_fake(left), right => run_support:start_fake(right)},
    Processes = status(processes),
    warm(Hosts),
    Before = status(rss_bytes),
    Deadline = erlang:monotonic_time(millisecond) + ?STEPS_MS,
    World = #world{sessions = [new_session(N, Watcher) || N <- lists:seq(1, ?SESSIONS)], hosts = Hosts},
    Last = steps(Steps, Deadline, Watcher, World),
    io:format("# ~b steps, ~b kills, ~0p~n", [Last#world.step, Last#world.killed, Last#world.counts]),
    [api(stop_session, [Pid]) || {_, Pid} <- Last#world.sessions],
    run_support:is_at_rest(),
    run_watch:judge(Watcher, maps:keys(Last#world.runs)),
    [asm_test:wait_until(fun() -> run_support:call(Host, fake_host, sessions, []) =:= [] end, ?T)
     || Host <- maps:values(Last#world.hosts)],
    %% the last closes are confirmed
    asm_test:wait_until(fun() ->
        case status(processes) of
            Now when Now =< Processes -> true;
            Now -> {processes, {before, Processes}, {now, Now}}
        end
    end, ?T),
    After = status(rss_bytes),
    io:format("# ~b runs, rss ~b KiB before, ~b KiB after~n",
              [maps:size(Last#world.runs), Before div 1024, After div 1024]),
    ?EXPECT(true, After < Before + GrowthKiB * 1024),
    [run_support:stop_node(Host) || Host <- maps:values(Last#world.hosts)],
    ok.

%% what the first runs cost is not growth
warm(Hosts) ->
    [{ok, _} = api(query, [codex, <<"events 20">>, remote(Host)]) || Host <- maps:values(Hosts), _ <- lists:seq(1, 20)].

status(Key) ->
    {ok, #{Key := Value}} = api(status, []),
    Value.

new_session(N, Watcher) ->
    Provider = lists:nth(1 + N rem 3, [codex, claude, amp]),
    {ok, Pid} = api(start_session, [[{provider, Provider}, {max_queued_runs, 3}, {subscriber, Watcher},
                                     {interrupt_grace_ms, 50},
                                     {remote_connect_timeout_ms, 3000}, {remote_rpc_timeout_ms, 5000}]]),
    {N, Pid}.

steps(Left, Deadline, Watcher, World) ->
    case Left =:= 0 orelse erlang:monotonic_time(millisecond) > Deadline of
        true -> World;
        false -> steps(Left - 1, Deadline, Watcher, step(Watcher, World#world{step = World#world.step + 1}))
    end.

step(_, #world{step = Step} = World) when Step rem ?KILL_EVERY =:= 0 ->
    kill_host(World);
step(Watcher, World) ->
    Session = pick(World#world.sessions),
    case rand:uniform(100) of
        N when N =< 45 -> submit(Session, World);
        N when N =< 70 -> answer(Session, World);
        N when N =< 92 -> interrupt(Session, World);
        N when N =< 95 -> pause(Session, World);
        _ -> stop(Session, Watcher, World)
    end.

submit({Index, Pid}, World) ->
    Prompt = pick([<<"events 5">>, <<"events 50">>, <<"paced 5 10">>, <<"silent">>, <<"ask a">>, <<"ask a b c">>, <<"ask a b">>,
                   <<"crash">>, <<"error rate_limit slow">>, <<"refuse">>, <<"deaf">>, <<"settle a">>,
                   <<"tools Read Bash">>]),
    Host = pick(maps:values(World#world.hosts)),
    Options = remote(Host) ++ pick([[], [], [{run_deadline_ms, 400}], [{stream_timeout_ms, 300}],
                                    [{queue_timeout_ms, 200}], [{allowed_tools, [<<"Read">>]}],
                                    [{approval_timeout_ms, 300}]]),
    case api(stream, [Pid, Prompt, Options]) of
        {ok, Run} ->
            count(accepted, World#world{runs = (World#world.runs)#{Run => Index}});
        {error, #{kind := at_capacity}} ->
            count(at_capacity, World);
        Other ->
            throw({unexpected, "a run or at_capacity", Other})
    end.

%% every listed approval is of a run that the session has; it may end until the answer comes
answer({_, Pid}, World) ->
    {ok, Approvals} = ?EXPECT({ok, _}, api(approvals, [Pid])),
    lists:foldl(fun(#{approval_id := Id, run_id := Run}, Acc) ->
                    ?EXPECT(true, maps:is_key(Run, Acc#world.runs)),
                    case api(approve, [Pid, Id, pick([allow, deny])]) of
                        ok -> count(answered, Acc);
                        {error, #{kind := unknown, domain := approval}} -> count(too_late, Acc);
                        Other -> throw({unexpected, "ok or too late", Other})
                    end
                end, World, Approvals).

interrupt(Session, World) -> control(interrupt, Session, World).
pause(Session, World) -> control(pause, Session, World).

control(Function, {_, Pid}, World) ->
    {ok, #{runs := Runs}} = ?EXPECT({ok, _}, api(session_info, [Pid])),
    case Runs of
        [] -> count(idle, World);
        _ ->
            #{run_id := Run} = pick(Runs),
            case api(Function, [Pid, Run]) of
                ok -> count(Function, World);
                {error, #{kind := unknown, domain := runtime}} -> count(too_late, World);
                Other -> throw({unexpected, "ok or too late", Other})
            end
    end.

stop({Index, Pid} = Session, Watcher, World) ->
    case rand:uniform(2) of
        1 -> ok = api(stop_session, [Pid]);
        2 -> exit(Pid, kill)
    end,
    Sessions = [new_session(Index, Watcher) | lists:delete(Session, World#world.sessions)],
    count(stopped, World#world{sessions = Sessions}).

%% runs that come while it is away fail, the others go on
kill_host(#world{hosts = Hosts} = World) ->
    Name = pick([left, right]),
    run_support:stop_node(maps:get(Name, Hosts)),
    Killed = World#world{killed = World#world.killed + 1},
    Lost = lists:foldl(fun(_, Acc) -> submit(pick(Acc#world.sessions), Acc) end, Killed, lists:seq(1, 20)),
    Lost#world{hosts = (Lost#world.hosts)#{Name := run_support:start_fake(Name)}}.

count(What, #world{counts = Counts} = World) ->
    World#world{counts = maps:update_with(What, fun(N) -> N + 1 end, 1, Counts)}.

remote({_, Node, _}) -> [{execution_mode, remote_node}, {remote_node, Node}].

pick(List) -> lists:nth(rand:uniform(length(List)), List).
