%% SPDX-License-Identifier: MIT
%% Stands in for Elixir's Code on nodes without Elixir; never on the code path of others.
-module('Elixir.Code').

-export(['ensure_loaded?'/1]).

-spec 'ensure_loaded?'(module()) -> boolean().
'ensure_loaded?'(Module) ->
    code:ensure_loaded(Module) =:= {module, Module}.
