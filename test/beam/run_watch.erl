%% SPDX-License-Identifier: MIT
%%
%% A subscriber of many runs that keeps books: what it has seen of each run is
%% {LastSequence, Terminals, Done, Wrong}. It may live on another node than who judges.
-module(run_watch).

-export([start/0, start/1, judge/2, n_events/1, loop/1]).

-include("asm_test.hrl").

-define(T, 30000).

%% linked to the caller
start() ->
    spawn_link(?MODULE, loop, [#{}]).

%% On a node that may be suspended and may be cut off: not linked.
start(Node) ->
    erpc:call(Node, erlang, spawn, [?MODULE, loop, [#{}]], ?T).

%% Each of the runs has sequence numbers without a gap, exactly one terminal event and exactly one
%% end, and there is no other run. Waits until all have ended.
judge(Watcher, Runs) ->
    asm_test:wait_until(fun() ->
        Seen = report(Watcher),
        case [Run || Run <- Runs, not is_done(maps:get(Run, Seen, none))] of
            [] -> true;
            Open -> {without_end, length(Open), hd(Open), maps:get(hd(Open), Seen, none)}
        end
    end, ?T),
    Seen = report(Watcher),
    ?EXPECT([], maps:keys(Seen) -- Runs),
    Bad = [{Run, What} || {Run, {_, Terminals, Done, Wrong} = What} <- maps:to_list(Seen),
                          length(Terminals) =/= 1 orelse Done =/= 1 orelse Wrong =/= []],
    ?EXPECT([], lists:sublist(Bad, 5)),
    ok.

%% how many events have come
n_events(Watcher) ->
    lists:sum([Last || {Last, _, _, _} <- maps:values(report(Watcher))]).

loop(Seen) ->
    receive
        {asm_run_event, Run, #{sequence := Sequence, kind := Kind}} ->
            loop(Seen#{Run => seen(maps:get(Run, Seen, {0, [], 0, []}), Sequence, Kind)});
        {asm_run_done, Run} ->
            {Last, Terminals, Done, Wrong} = maps:get(Run, Seen, {0, [], 0, []}),
            loop(Seen#{Run => {Last, Terminals, Done + 1, Wrong}});
        {report, From, Ref} ->
            From ! {Ref, Seen},
            loop(Seen)
    end.

seen({Last, Terminals, Done, Wrong}, Sequence, Kind) ->
    Gap = [{gap, Last, Sequence, Kind} || Sequence =/= Last + 1],
    Late = [{after_the_end, Kind} || Done > 0 orelse Terminals =/= []],
    {Sequence, [Kind || is_terminal(Kind)] ++ Terminals, Done, Gap ++ Late ++ Wrong}.

is_terminal(Kind) -> lists:member(Kind, [result, run_completed, error]).

is_done({_, _, Done, _}) -> Done > 0;
is_done(none) -> false.

report(Watcher) ->
    Ref = make_ref(),
    Watcher ! {report, self(), Ref},
    receive
        {Ref, Seen} -> Seen
    after ?T -> throw({unexpected, "a report", none})
    end.
