%% SPDX-License-Identifier: MIT
%%
%% A network that drops every packet between the daemon and a host: both notice within
%% net_ticktime, the run ends, and so does the CLI on the other side.
%%
%%   cut_test:main([Daemon, Host, CommandThatCuts, PidFile, TicktimeS])
-module(cut_test).

-export([main/1]).

-include("run_support.hrl").

-import(run_support, [api/2, begin_run/3, contains/2, follow/1]).

main([Daemon, Host, Cut, PidFile, TicktimeS]) ->
    run_support:setup(Daemon, Host),
    asm_test:main(cut_test,
                  [{"a cut network ends the run within net_ticktime, and its CLI on the other side",
                    fun() -> cut(Cut, PidFile, list_to_integer(TicktimeS) * 1000) end, 60000},
                   {"at the end no run, no session is left", fun run_support:is_at_rest/0}]).

cut(Command, PidFile, TicktimeMs) ->
    Env = {env, #{<<"ASM_STANDIN_PIDFILE">> => list_to_binary(PidFile)}},
    {ok, Session} = api(start_session, [run_support:remote([{provider, codex}])]),
    Run = begin_run(Session, <<"hang">>, [Env]),
    Pids = host_support:pids(PidFile),
    [] = os:cmd(Command),
    Began = erlang:monotonic_time(millisecond),
    [#{code := Code, message := Text}] =
        ?EXPECT([_], [Payload || #{kind := error, payload := Payload} <- follow(Run)]),
    Took = erlang:monotonic_time(millisecond) - Began,
    ?EXPECT(<<"transport_error">>, Code),
    contains(Text, "noconnection"),
    %% a quarter more is in the nature of ticks; the rest is for a machine with other things to do
    ?EXPECT(Ms when Ms >= TicktimeMs div 2 andalso Ms =< TicktimeMs * 5 div 4 + 3000, Took),
    host_support:gone(Pids),
    ?EXPECT(?FAILURE(connection_failed, runtime),
            api(query, [Session, <<"hello">>, [{remote_connect_timeout_ms, 500}]])),
    ?EXPECT({ok, #{status := ready, runs := []}}, api(session_info, [Session])),
    ok = api(stop_session, [Session]).
