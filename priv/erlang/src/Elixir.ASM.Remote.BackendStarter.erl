%% SPDX-License-Identifier: MIT
%% The entry point of a remote caller; it has the name under which Elixir's ASM offers it.
-module('Elixir.ASM.Remote.BackendStarter').

-export([start_core_session/1]).

%% Takes a keyword list (see asmd_host_options) and starts the CLI. When it returns {ok, ...} the
%% CLI runs, its subscriber is monitored, and the first message to it has been sent. The session
%% is not linked to the caller.
-spec start_core_session([{atom(), term()}]) -> {ok, pid(), map()} | {error, term()}.
start_core_session(SessionOpts) ->
    case asmd_host_options:parse(SessionOpts) of
        {ok, Config} ->
            case asmd_host_sup:start_session(Config) of
                {ok, Pid} -> asmd_host_session:await_started(Pid);
                {error, _} = Error -> Error
            end;
        {error, _} = Error ->
            Error
    end.
