%% SPDX-License-Identifier: MIT
%% The agent CLIs, as a table: what each is called, how it is found and what it can do.
-module(asmd_host_provider).

-export([find/1, by_profile/1, executable/2]).

-export_type([provider/0]).

-type provider() :: #{name := atom(), display_name := binary(), profile := module(),
                      command := string(), path_variable := string(), stdin := open | none,
                      capabilities := [atom()]}.

-spec find(atom()) -> {ok, provider()} | error.
find(claude) ->
    {ok, row(claude, <<"Claude CLI">>, 'Elixir.CliSubprocessCore.ProviderProfiles.Claude',
             "claude", "CLAUDE_CLI_PATH", open,
             [approval, cost, interrupt, resume, streaming, thinking, tools])};
find(codex) ->
    {ok, row(codex, <<"Codex CLI">>, 'Elixir.CliSubprocessCore.ProviderProfiles.Codex',
             "codex", "CODEX_PATH", none,
             [interrupt, plan, reasoning, streaming, structured_output, tools])};
find(amp) ->
    {ok, row(amp, <<"Amp CLI">>, 'Elixir.CliSubprocessCore.ProviderProfiles.Amp',
             "amp", "AMP_CLI_PATH", none,
             [approval, interrupt, mcp, streaming, thinking, tools])};
find(cursor) ->
    {ok, row(cursor, <<"Cursor Agent CLI">>, 'Elixir.CliSubprocessCore.ProviderProfiles.Cursor',
             "agent", "CURSOR_CLI_PATH", none,
             [interrupt, mcp, plan, resume, sandbox, streaming, tools])};
find(antigravity) ->
    {ok, row(antigravity, <<"Antigravity CLI">>,
             'Elixir.CliSubprocessCore.ProviderProfiles.Antigravity',
             "agy", "ANTIGRAVITY_CLI_PATH", none,
             [sandbox, streaming, directory_mapping, continuation])};
find(_) ->
    error.

-spec by_profile(module()) -> {ok, provider()} | error.
by_profile(Profile) ->
    Rows = [Row || Name <- [claude, codex, amp, cursor, antigravity], {ok, Row} <- [find(Name)]],
    case [Row || #{profile := Known} = Row <- Rows, Known =:= Profile] of
        [Row] -> {ok, Row};
        [] -> error
    end.

%% The program to run: the caller's `command`, else this node's path variable, else PATH.
-spec executable(provider(), binary() | nil) -> {ok, binary()} | {error, term()}.
executable(Provider, nil) ->
    #{command := Name, path_variable := Variable} = Provider,
    case os:getenv(Variable) of
        Unset when Unset =:= false; Unset =:= "" ->
            or_not_found(lookup(Name), Provider, [Name, " is not in PATH and ", Variable,
                                                  " is not set"], nil);
        Path ->
            or_not_found(lookup(Path), Provider, [Variable, " names ", Path,
                                                  ", which is not there"], missing)
    end;
executable(_Provider, Command) ->
    case lookup(unicode:characters_to_list(Command)) of
        false -> {error, missing};
        Path -> {ok, unicode:characters_to_binary(Path)}
    end.

%% A name is looked for in PATH. A path only has to exist: that it cannot be executed is for
%% the system to say, with its reason.
lookup(Name) ->
    case filename:basename(Name) =:= Name of
        true ->
            os:find_executable(Name);
        false ->
            Path = filename:absname(Name),
            filelib:is_regular(Path) andalso Path
    end.

or_not_found(false, #{name := Name, display_name := Display}, Why, Cause) ->
    {error, #{'__struct__' => 'Elixir.CliSubprocessCore.ProviderCLI.Error',
              '__exception__' => true,
              kind => cli_not_found,
              provider => Name,
              message => unicode:characters_to_binary([Display, " not found: ", Why]),
              cause => Cause}};
or_not_found(Path, _Provider, _Why, _Cause) ->
    {ok, unicode:characters_to_binary(Path)}.

row(Name, Display, Profile, Command, Variable, Stdin, Capabilities) ->
    #{name => Name, display_name => Display, profile => Profile, command => Command,
      path_variable => Variable, stdin => Stdin, capabilities => Capabilities}.
