%% SPDX-License-Identifier: MIT
%%
%% What the tests of runs share: calls of a daemon, runs followed to their end, and the conditions
%% that hold when everything is over. Nothing here sleeps for a fixed time.
-module(run_support).

-export([setup/2, daemon/0, host/0, remote/0, remote/1, api/2, with_session/2, with_session/3]).
-export([begin_run/3, event/2, done/1, follow/1, kinds/1, contains/2, is_at_rest/0]).
-export([host_has/1, starts/0, last_options/0]).
-export([start_node/2, start_fake/1, start_real/1, stop_node/1, signal/2, call/4]).

-include("run_support.hrl").

-define(T, 20000).

setup(Daemon, Host) ->
    persistent_term:put(daemon, list_to_atom(Daemon)),
    persistent_term:put(host, list_to_atom(Host)),
    pong = net_adm:ping(daemon()),
    ok.

daemon() -> persistent_term:get(daemon).
host() -> persistent_term:get(host).

remote() -> remote([]).
remote(More) -> More ++ [{execution_mode, remote_node}, {remote_node, host()}].

api(Function, Args) ->
    erpc:call(daemon(), asm, Function, Args, ?T).

with_session(Provider, Fun) ->
    with_session(Provider, [], Fun).

%% Fun(Session) with a session of the fake host; it is stopped whatever happens.
with_session(Provider, Options, Fun) ->
    {ok, Session} = ?EXPECT({ok, _}, api(start_session, [remote([{provider, Provider} | Options])])),
    try
        Fun(Session)
    after
        exit(Session, kill)
    end.

%% A run that has sent its first event.
begin_run(Session, Prompt, Options) ->
    {ok, Run} = ?EXPECT({ok, <<_, _/binary>>}, api(stream, [Session, Prompt, Options])),
    event(Run, run_started),
    Run.

%% The payload of the next event of the run, which must be of that kind.
event(Run, Kind) ->
    receive
        {asm_run_event, Run, #{kind := Kind, payload := Payload}} -> Payload;
        {asm_run_event, Run, #{kind := Other, payload := Payload}} ->
            throw({unexpected, io_lib:format("an event ~s", [Kind]), {Other, Payload}});
        {asm_run_done, Run} -> throw({unexpected, io_lib:format("an event ~s", [Kind]), done})
    after ?T ->
        throw({unexpected, io_lib:format("an event ~s", [Kind]), process_info(self(), messages)})
    end.

done(Run) ->
    receive
        {asm_run_event, Run, Event} -> throw({unexpected, "the end of the run", Event});
        {asm_run_done, Run} -> ok
    after ?T ->
        throw({unexpected, "the end of the run", process_info(self(), messages)})
    end.

%% All events that are left of the run.
follow(Run) ->
    receive
        {asm_run_event, Run, Event} -> [Event | follow(Run)];
        {asm_run_done, Run} -> []
    after ?T ->
        throw({unexpected, "the end of the run", process_info(self(), messages)})
    end.

kinds(Events) -> [Kind || #{kind := Kind} <- Events].

contains(Text, Part) ->
    case string:find(Text, Part) of
        nomatch -> throw({unexpected, io_lib:format("the words \"~ts\"", [Part]), Text});
        _ -> ok
    end.

%% Nothing runs, waits or holds a session.
is_at_rest() ->
    asm_test:wait_until(fun() ->
        case api(status, []) of
            {ok, #{sessions := 0, runs := 0, queued := 0}} -> true;
            Other -> Other
        end
    end, ?T).

host_has(N) ->
    asm_test:wait_until(fun() ->
        case erpc:call(host(), fake_host, sessions, []) of
            Sessions when length(Sessions) =:= N -> true;
            Sessions -> {sessions, Sessions}
        end
    end, ?T).

starts() -> erpc:call(host(), fake_host, starts, []).
last_options() -> erpc:call(host(), fake_host, options, []).

%%% nodes of the test's own, which it may suspend and kill: {Control, Node, OsPid}

start_node(Name, {Args, Env}) ->
    {ok, Control, Node} = peer:start(#{name => Name, connection => standard_io, args => Args,
                                       env => Env, exec => os:getenv("ASM_ERL"),
                                       wait_boot => 60000}),
    {Control, Node, peer:call(Control, os, getpid, [], ?T)}.

start_fake(Name) ->
    Host = start_node(Name, {["-pa", os:getenv("ASM_BEAMS"), "-connect_all", "false"], []}),
    ok = call(Host, fake_host, start, []),
    Host.

%% with the host application of priv/erlang and the stand-in CLIs
start_real(Name) ->
    Priv = filename:join(os:getenv("ASM_ROOT"), "priv"),
    Path = filename:join(Priv, "providers") ++ ":" ++ os:getenv("PATH"),
    Host = start_node(Name, {["-pa", filename:join(Priv, "erlang/ebin"), "-connect_all", "false"],
                             [{"PATH", Path}]}),
    {ok, _} = call(Host, application, ensure_all_started, [asmd_host]),
    Host.

call({Control, _, _}, Module, Function, Args) ->
    peer:call(Control, Module, Function, Args, ?T).

signal({_, _, OsPid}, Signal) ->
    [] = os:cmd("kill -s " ++ Signal ++ " " ++ OsPid),
    ok.

%% killed, and gone
stop_node({_, _, OsPid} = Host) ->
    signal(Host, "KILL"),
    asm_test:wait_until(fun() -> not host_support:exists(OsPid) end, ?T).
