%% SPDX-License-Identifier: MIT
%% A BEAM node as a backend host.
%%
%%     erl -sname backend -pa priv/erlang/ebin -s asmd_host
%%
%% From then on the node answers the calls that Elixir's ASM answers on its remote nodes, under
%% the same module names. A node without Elixir lacks three modules that such callers use in their
%% preflight ('Elixir.Code', 'Elixir.Process', 'Elixir.Application'); stand-ins for them live in a
%% folder of their own, which is put on the code path only when the real ones are not there. A caller
%% that wants to start the host itself (bootstrap) needs them earlier: give that folder to erl too,
%% `-pa priv/erlang/shim/ebin`.
-module(asmd_host).

-export([start/0, stop/0]).
-export([prepare/0, helper/0]).

%% Starts the host, or says on stderr why not and ends the node: made for `erl -s`.
-spec start() -> ok.
start() ->
    case application:ensure_all_started(?MODULE) of
        {ok, _} ->
            ok;
        {error, Reason} ->
            io:format(standard_error, "asmd_host cannot start: ~tp~n", [Reason]),
            init:stop(1)
    end.

-spec stop() -> ok | {error, term()}.
stop() ->
    application:stop(?MODULE).

%% What must be true before the supervisors start; called by the application.
-spec prepare() -> ok | {error, term()}.
prepare() ->
    Home = home(),
    case code:which('Elixir.Code') of
        non_existing -> code:add_pathz(filename:join([Home, "shim", "ebin"]));
        _ -> ok
    end,
    ok = stand_for_asm(),
    Helper = case application:get_env(?MODULE, helper, undefined) of
                 undefined -> filename:join([Home, "bin", "asm_exec"]);
                 Given -> filename:absname(Given)
             end,
    case filelib:is_regular(Helper) of
        true -> application:set_env(?MODULE, helper, Helper);
        false -> {error, {helper_not_found, Helper}}
    end.

%% Callers that bootstrap ask for ASM's application by name, on an Elixir node through the real
%% Elixir. Where ASM is not installed, that name is an empty application that needs this one.
stand_for_asm() ->
    case application:load(agent_session_manager) of
        {error, {already_loaded, _}} -> ok;
        {error, _} -> application:load({application, agent_session_manager,
                                        [{description, "asmd_host in its place"},
                                         {vsn, "0.12.1"},
                                         {modules, []},
                                         {registered, []},
                                         {applications, [kernel, stdlib, ?MODULE]}]});
        ok -> ok
    end.

%% The program that runs a CLI for us.
-spec helper() -> file:filename().
helper() ->
    {ok, Helper} = application:get_env(?MODULE, helper),
    Helper.

home() ->
    filename:dirname(filename:dirname(filename:absname(code:which(?MODULE)))).
