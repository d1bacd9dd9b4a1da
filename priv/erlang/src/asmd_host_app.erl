%% SPDX-License-Identifier: MIT
-module(asmd_host_app).
-behaviour(application).

-export([start/2, stop/1]).

start(_Type, _Args) ->
    case asmd_host:prepare() of
        ok -> asmd_host_sup:start_link();
        {error, _} = Error -> Error
    end.

stop(_State) ->
    ok.
