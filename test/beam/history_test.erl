%% SPDX-License-Identifier: MIT
%%
%% Runs that somebody looks at later: while they go on, from the first event, and when they are over.
-module(history_test).

-export([main/1]).

-include("run_support.hrl").

-define(T, 60000).
%% messages before and after the agent waits
-define(HALF, 1500).

main([Node, Small, Dir]) ->
    run_support:setup(Node, Node),
    At = #{dir => Dir, small => list_to_atom(Small)},
    pong = net_adm:ping(list_to_atom(Small)),
    asm_test:main(history_test, [
        {"watchers that attach while a run streams get each event once, in order", fun() -> watchers(At) end, 2 * ?T},
        {"what is read in pages is what was streamed", fun() -> pages(At) end, ?T},
        {"a run is listed, and its result known, when its session is gone", fun() -> after_the_session(At) end, ?T},
        {"a waiting run can be attached to", fun() -> waiting(At) end, ?T},
        {"a run whose beginning was cut says how much", fun() -> cut(At) end, ?T},
        {"a run that was pushed out is said to be forgotten", fun() -> forgotten(At) end, ?T},
        {"options that there are not are refused by name", fun refused/0, ?T}]).

api(Function, Args) -> run_support:api(Function, Args).

%% the agent goes on
go(#{dir := Dir}, Name) -> ok = file:write_file(filename:join(Dir, Name), <<>>).

prompt(Name, N) -> iolist_to_binary([Name, " ", integer_to_list(N)]).

with_session(Fun) ->
    {ok, Session} = ?EXPECT({ok, _}, api(start_session, [[{provider, codex}]])),
    try Fun(Session) after api(stop_session, [Session]) end.

sequences(Run) -> [Sequence || #{sequence := Sequence} <- run_support:follow(Run)].

%% A process that attaches and then tells what it was told.
watcher(Session, Run, Options) ->
    Self = self(),
    spawn_link(fun() ->
        Answer = gen_server:call({asm, run_support:daemon()}, {attach, [Session, Run, Options]}, ?T),
        Self ! {attached, self(), Answer},
        case Answer of
            {ok, #{missing := 0}} -> Self ! {told, self(), sequences(Run)};
            {error, #{kind := unknown}} -> Self ! {told, self(), over}
        end
    end).

attached(Pid) -> receive {attached, Pid, Answer} -> Answer after ?T -> timeout end.
told(Pid) -> receive {told, Pid, What} -> What after ?T -> timeout end.

watchers(At) ->
    with_session(fun(Session) ->
        {ok, Run} = api(stream, [Session, prompt("watched", ?HALF)]),
        asm_test:wait_until(fun() -> events(Run) >= ?HALF end, ?T),
        Early = [watcher(Session, Run, #{from => first}) || _ <- lists:seq(1, 5)],
        [{ok, #{run_id := Run, status := running, provider := codex}} =
             ?EXPECT({ok, #{run_id := Run, status := running, provider := codex}}, attached(Pid)) || Pid <- Early],
        go(At, "watched"),
        Late = [watcher(Session, Run, []) || _ <- lists:seq(1, 10)],
        All = sequences(Run),
        true = ?EXPECT(true, length(All) >= 2 * ?HALF),
        All = ?EXPECT(All, lists:usort(All)),
        [All = ?EXPECT(All, told(Pid)) || Pid <- Early],
        %% whoever came when it was over already was told so
        [case told(Pid) of over -> ok; Got -> All = ?EXPECT(All, Got) end || Pid <- Late]
    end).

events(Run) ->
    {ok, #{events := Events}} = api(run_info, [Run]),
    Events.

read(Run, From, MaxBytes) ->
    {ok, #{page := Page, next := Next, more := More}} =
        ?EXPECT({ok, #{page := [_ | _], next := _, more := _}},
                api(run_events, [Run, #{from => From, max_bytes => MaxBytes}])),
    case More of
        true ->
            true = ?EXPECT(true, length(Page) =:= 1 orelse iolist_size(term_to_binary(Page)) < 2 * MaxBytes),
            Page ++ read(Run, Next, MaxBytes);
        false ->
            {ok, #{page := []}} = ?EXPECT({ok, #{page := []}}, api(run_events, [Run, [{from, Next}]])),
            Page
    end.

pages(At) ->
    go(At, "paged"),
    with_session(fun(Session) ->
        {ok, Run} = api(stream, [Session, prompt("paged", 100)]),
        Events = run_support:follow(Run),
        [Events = ?EXPECT(Events, read(Run, first, MaxBytes)) || MaxBytes <- [1, 10000, 4194304]],
        Rest = lists:nthtail(50, Events),
        Rest = ?EXPECT(Rest, read(Run, maps:get(sequence, hd(Rest)), 10000))
    end).

after_the_session(At) ->
    go(At, "over"),
    {ok, Session} = api(start_session, [[{provider, codex}, {session_id, <<"over">>}]]),
    {ok, #{text := Text}} = Result = ?EXPECT({ok, #{text := _}}, api(query, [Session, prompt("over", 3)])),
    ok = api(stop_session, [Session]),
    {ok, #{runs := [Facts], total := 1}} = ?EXPECT({ok, #{runs := [_], total := 1}}, api(list_runs, [[{session, <<"over">>}]])),
    #{run_id := Run, session_id := <<"over">>, provider := codex, status := completed, missing := 0,
      events := Events, duration_ms := Ms, started_at := #{'__struct__' := 'Elixir.DateTime'}} = Facts,
    true = ?EXPECT(true, Ms >= 0),
    {ok, #{result := Result}} = ?EXPECT({ok, #{result := Result}}, api(run_info, [Run])),
    Events = ?EXPECT(Events, length(read(Run, first, 4194304))),
    true = ?EXPECT(true, byte_size(Text) > 0),
    {ok, #{runs := [#{run_id := Run}]}} = api(list_runs, [#{prefix => Run, state => finished}]),
    {ok, #{runs := [], total := 0}} = ?EXPECT({ok, #{runs := [], total := 0}}, api(list_runs, [#{prefix => Run, state => active}])),
    {ok, #{runs := [_], total := Total}} = api(list_runs, [#{limit => 1}]),
    true = ?EXPECT(true, Total > 1).

waiting(At) ->
    with_session(fun(Session) ->
        {ok, First} = api(stream, [Session, prompt("waiting", 1)]),
        {ok, Second} = api(stream, [Session, prompt("waiting", 2), [{subscriber, spawn(fun() -> ok end)}]]),
        {ok, #{status := queued, started_at := nil}} =
            ?EXPECT({ok, #{status := queued, started_at := nil}}, gen_server:call({asm, run_support:daemon()}, {attach, [Session, Second]})),
        go(At, "waiting"),
        _ = run_support:follow(First),
        [1 | _] = ?EXPECT([1 | _], sequences(Second))
    end).

%% the other daemon keeps 64 KiB, and 32 KiB of a run
small(#{small := Small}, Function, Args) -> erpc:call(Small, asm, Function, Args, ?T).

cut(At) ->
    go(At, "cut"),
    {ok, #{run_id := Run}} = small(At, query, [codex, prompt("cut", 100)]),
    {ok, #{missing := Missing, events := Events, page := Page}} =
        ?EXPECT({ok, #{missing := _}}, small(At, run_events, [Run])),
    true = ?EXPECT(true, Missing > 0 andalso Missing < Events),
    Events = ?EXPECT(Events, Missing + length(Page)),
    {ok, #{history_bytes := Bytes}} = small(At, status, []),
    true = ?EXPECT(true, Bytes =< 65536).

forgotten(At) ->
    go(At, "pushed"),
    {ok, #{run_id := Run}} = small(At, query, [codex, prompt("pushed", 1)]),
    {ok, _} = ?EXPECT({ok, _}, small(At, run_info, [Run])),
    [{ok, _} = small(At, query, [codex, prompt("pushed", 20)]) || _ <- lists:seq(1, 5)],
    {error, #{message := Message}} = ?EXPECT(?FAILURE(unknown, runtime), small(At, run_info, [Run])),
    run_support:contains(Message, <<"is not kept any more">>),
    {error, #{message := Never}} = ?EXPECT(?FAILURE(unknown, runtime), api(run_events, [<<"01NOTHERE">>])),
    run_support:contains(Never, <<"there has been no run 01NOTHERE here">>).

refused() ->
    [begin
         {error, #{message := Message}} = ?EXPECT(?FAILURE(config_invalid, config), api(Function, Args)),
         run_support:contains(Message, Word)
     end || {Function, Args, Word} <-
                [{list_runs, [[{sate, active}]], <<"sate">>},
                 {list_runs, [[{state, open}]], <<"active, finished or all">>},
                 {list_runs, [[{limit, 0}]], <<"from 1 to 10000">>},
                 {list_runs, [7], <<"a keyword list or a map">>},
                 {run_events, [<<"x">>, #{max_bytes => 4194305}], <<"from 1 to 4194304">>},
                 {run_events, [<<"x">>, #{from => now}], <<"first or the sequence">>},
                 {attach, [<<"s">>, <<"r">>, #{from => last}], <<"first, now or the sequence">>},
                 {run_info, [7], <<"run id">>}]].
