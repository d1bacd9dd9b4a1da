%% SPDX-License-Identifier: MIT
%% The tree: asmd_host_sup over 'Elixir.ASM.Remote.BackendSupervisor' over the sessions. The second
%% name is part of the contract: callers look for it before they start anything. Sessions are
%% temporary, since a CLI that has ended must not be started again by anybody but its owner.
-module(asmd_host_sup).
-behaviour(supervisor).

-export([start_link/0, start_sessions/0, start_session/1]).
-export([init/1]).

-define(SESSIONS, 'Elixir.ASM.Remote.BackendSupervisor').
%% a session takes as long as its CLI may take to end, which asmd_host_options bounds
-define(SESSION_SHUTDOWN_MS, 45000).

-spec start_link() -> supervisor:startlink_ret().
start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, tree).

-spec start_sessions() -> supervisor:startlink_ret().
start_sessions() ->
    supervisor:start_link({local, ?SESSIONS}, ?MODULE, sessions).

-spec start_session(asmd_host_options:config()) -> {ok, pid()} | {error, term()}.
start_session(Config) ->
    Max = application:get_env(asmd_host, max_sessions, 4096),
    try proplists:get_value(active, supervisor:count_children(?SESSIONS)) of
        N when N >= Max -> {error, {too_many_sessions, Max}};
        _ -> supervisor:start_child(?SESSIONS, [Config])
    catch
        exit:{noproc, _} -> {error, backend_supervisor_not_running}
    end.

init(tree) ->
    {ok, {#{strategy => one_for_one},
          [#{id => ?SESSIONS,
             start => {?MODULE, start_sessions, []},
             type => supervisor}]}};
init(sessions) ->
    {ok, {#{strategy => simple_one_for_one},
          [#{id => session,
             start => {asmd_host_session, start_link, []},
             restart => temporary,
             shutdown => ?SESSION_SHUTDOWN_MS}]}}.
