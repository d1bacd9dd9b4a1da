%% SPDX-License-Identifier: MIT
%%
%% What the parts of peer_test have in common: the node under test, and sessions on it to try things
%% with.
-module(peer_node).

-export([use/1, peer/0, asm/0, api/2, unique_id/0, with_session/1, dead_pid/0, remote_monitor/1,
         not_down/1, listed/1]).

use(Node) ->
    persistent_term:put(peer, Node).

peer() ->
    persistent_term:get(peer).

asm() ->
    {asm, peer()}.

api(F, Args) ->
    erpc:call(peer(), asm, F, Args, 15000).

unique_id() ->
    iolist_to_binary(io_lib:format("peer-test-~b-~s", [erlang:unique_integer([positive]), os:getpid()])).

%% Fun(Pid, Id) with a session that is gone afterwards, whatever happens
with_session(Fun) ->
    Id = unique_id(),
    {ok, Pid} = api(start_session, [[{provider, codex}, {session_id, Id}]]),
    try
        Fun(Pid, Id)
    after
        exit(Pid, kill)
    end.

dead_pid() ->
    {ok, Pid} = api(start_session, [[{provider, codex}]]),
    ok = api(stop_session, [Pid]),
    Pid.

remote_monitor(Name) ->
    Ref = erlang:monitor(process, Name),
    not_down(Ref),
    Ref.

not_down(Ref) ->
    _ = api(list_sessions, []),
    receive
        {'DOWN', Ref, process, Object, Reason} ->
            throw({unexpected, "it to stay", {'DOWN', Object, Reason}})
    after 0 -> ok
    end.

listed(Id) ->
    lists:any(fun(#{session_id := Listed}) -> Listed =:= Id end, api(list_sessions, [])).
