%% SPDX-License-Identifier: MIT
%% Stands in for Elixir's Application on nodes without Elixir; never on the code path of others.
%% The application that callers know is ASM's; on this node asmd_host does its work.
-module('Elixir.Application').

-export([ensure_all_started/1]).

-spec ensure_all_started(atom()) -> {ok, [atom()]} | {error, term()}.
ensure_all_started(agent_session_manager) ->
    application:ensure_all_started(asmd_host);
ensure_all_started(Application) ->
    application:ensure_all_started(Application).
