%% SPDX-License-Identifier: MIT
%% Stands in for Elixir's Process on nodes without Elixir; never on the code path of others.
-module('Elixir.Process').

-export([whereis/1]).

-spec whereis(atom()) -> pid() | port() | nil.
whereis(Name) ->
    case erlang:whereis(Name) of
        undefined -> nil;
        Found -> Found
    end.
