%% SPDX-License-Identifier: MIT
%% The options of a session, checked before anything is started.
%%
%% They come as a keyword list; of a key that is given twice the first counts. Needed are provider
%% (or profile), prompt, subscriber and {event_delivery, raw_lines}: this host decodes nothing, and a
%% caller that expects decoded events must hear that at once. What is not known here goes to the
%% provider's command line (asmd_host_command) and is ignored there if it means nothing.
-module(asmd_host_options).

-export([parse/1]).

-include_lib("kernel/include/file.hrl").

-export_type([config/0, subscriber/0]).

-type subscriber() :: {pid(), reference() | legacy}.
-type config() :: #{provider := asmd_host_provider:provider(), command := binary(),
                    args := [binary() | {file, binary()}], cwd := binary() | nil,
                    env := [{binary(), binary() | false}], clear_env := boolean(),
                    input := binary() | nil, subscriber := subscriber(), event_tag := atom(),
                    metadata := map(), max_line_bytes := pos_integer(),
                    kill_grace_ms := non_neg_integer(), headless_ms := non_neg_integer()}.

-define(MAX_LINE_BYTES, 256 * 1024 * 1024).
-define(DEFAULT_LINE_BYTES, 16 * 1024 * 1024).
-define(MAX_INPUT_BYTES, 16 * 1024 * 1024).
%% below the time that the supervisor gives a session to end
-define(MAX_GRACE_MS, 30000).

-spec parse(term()) -> {ok, config()} | {error, term()}.
parse(SessionOpts) ->
    try
        {ok, config(to_map(SessionOpts))}
    catch
        throw:{?MODULE, Reason} -> {error, Reason}
    end.

config(Options) ->
    Provider = provider(Options),
    delivery(get(event_delivery, Options)),
    surface(get(execution_surface, Options)),
    Prompt = prompt(get(prompt, Options)),
    Subscriber = subscriber(get(subscriber, Options)),
    Cwd = cwd(get(cwd, Options)),
    #{name := Name} = Provider,
    Command = unwrap(asmd_host_provider:executable(Provider, text(command, Options))),
    Args = unwrap(asmd_host_command:args(Name, Prompt, Options#{cwd => Cwd})),
    #{provider => Provider,
      command => Command,
      args => Args,
      cwd => Cwd,
      env => env(Options),
      clear_env => boolean('clear_env?', Options),
      input => input(get(stdin, Options)),
      subscriber => Subscriber,
      event_tag => tag(get(session_event_tag, Options)),
      metadata => metadata(get(metadata, Options)),
      max_line_bytes => number(max_line_bytes, Options, 1, ?MAX_LINE_BYTES, ?DEFAULT_LINE_BYTES),
      kill_grace_ms => number(kill_grace_ms, Options, 0, ?MAX_GRACE_MS, 2000),
      headless_ms => number(transport_headless_timeout_ms, Options, 0, 86400000, 30000)}.

to_map(Pairs) when is_list(Pairs), length(Pairs) >= 0 ->
    lists:foldr(fun({Key, Value}, Map) when is_atom(Key) -> Map#{Key => Value};
                   (Other, _) -> fail({invalid_options, Other})
                end, #{}, Pairs);
to_map(Other) ->
    fail({invalid_options, Other}).

provider(Options) ->
    Profile = get(profile, Options),
    case {get(provider, Options), by_profile(Profile)} of
        {nil, nil} -> fail(missing_provider);
        {nil, Row} -> Row;
        {Name, Row} -> same_provider(found(Name), Row)
    end.

by_profile(nil) ->
    nil;
by_profile(Profile) ->
    case asmd_host_provider:by_profile(Profile) of
        {ok, Row} -> Row;
        error -> fail({invalid_option, profile, Profile})
    end.

found(Name) when is_atom(Name) ->
    case asmd_host_provider:find(Name) of
        {ok, Row} -> Row;
        error -> fail({provider_not_found, Name})
    end;
found(Other) ->
    fail({provider_not_found, Other}).

same_provider(Row, nil) -> Row;
same_provider(Row, Row) -> Row;
same_provider(#{name := Name}, #{name := Other}) ->
    fail({provider_profile_mismatch, Name, Other}).

delivery(raw_lines) -> ok;
delivery(Other) ->
    fail({unsupported_event_delivery, #{requested => Other, supported => [raw_lines]}}).

surface(nil) -> ok;
surface(#{surface_kind := local_subprocess}) -> ok;
surface(#{surface_kind := Kind}) -> fail({unsupported_surface_kind, Kind});
surface(Other) -> fail({invalid_option, execution_surface, Other}).

prompt(Prompt) when is_binary(Prompt), Prompt =/= <<>> ->
    case binary:match(Prompt, <<0>>) of
        nomatch -> Prompt;
        _ -> fail({invalid_option, prompt, Prompt})
    end;
prompt(None) when None =:= nil; None =:= <<>> ->
    fail({missing_option, prompt});
prompt(Other) ->
    fail({invalid_option, prompt, Other}).

subscriber({Pid, legacy}) when is_pid(Pid) -> {Pid, legacy};
subscriber({Pid, Ref}) when is_pid(Pid), is_reference(Ref) -> {Pid, Ref};
subscriber(Pid) when is_pid(Pid) -> {Pid, legacy};
subscriber(nil) -> fail({missing_option, subscriber});
subscriber(Other) -> fail({invalid_option, subscriber, Other}).

cwd(nil) -> nil;
cwd(Given) ->
    Cwd = string(cwd, Given),
    case file:read_file_info(Cwd) of
        {ok, #file_info{type = directory, access = read_write}} -> Cwd;
        {ok, #file_info{type = directory}} -> fail({cwd_not_writable, Cwd});
        _ -> fail({cwd_not_found, Cwd})
    end.

tag(nil) -> cli_subprocess_core_session;
tag(Tag) when is_atom(Tag) -> Tag;
tag(Other) -> fail({invalid_option, session_event_tag, Other}).

metadata(nil) -> #{};
metadata(Metadata) when is_map(Metadata) -> Metadata;
metadata(Other) -> fail({invalid_option, metadata, Other}).

input(nil) -> nil;
input(Data) ->
    try iolist_to_binary(Data) of
        Input when byte_size(Input) =< ?MAX_INPUT_BYTES -> Input;
        _ -> fail({input_too_large, ?MAX_INPUT_BYTES})
    catch
        error:badarg -> fail({invalid_option, stdin, Data})
    end.

%% What the model selection asks for comes on top of the caller's own.
env(Options) ->
    Payload = case get(model_payload, Options) of
                  #{env_overrides := Overrides} -> Overrides;
                  _ -> nil
              end,
    maps:to_list(maps:merge(variables(get(env, Options)), variables(Payload))).

variables(nil) ->
    #{};
variables(Map) when is_map(Map) ->
    variables(maps:to_list(Map));
variables(Pairs) when is_list(Pairs), length(Pairs) >= 0 ->
    maps:from_list([variable(Pair) || Pair <- Pairs]);
variables(Other) ->
    fail({invalid_option, env, Other}).

variable({Key, Value} = Pair) ->
    Name = string(env, Key),
    Valid = Name =/= <<>> andalso binary:match(Name, <<"=">>) =:= nomatch,
    if
        not Valid -> fail({invalid_option, env, Pair});
        Value =:= nil; Value =:= false -> {Name, false};
        is_integer(Value) -> {Name, integer_to_binary(Value)};
        true -> {Name, string(env, Value)}
    end;
variable(Other) ->
    fail({invalid_option, env, Other}).

text(Key, Options) ->
    case get(Key, Options) of
        nil -> nil;
        Value -> string(Key, Value)
    end.

%% Binaries, strings and atoms as a binary that may be handed to the system.
string(_Key, Atom) when is_atom(Atom) ->
    atom_to_binary(Atom);
string(Key, Value) ->
    try
        Text = if
                   is_binary(Value) -> Value;
                   true -> unicode:characters_to_binary(Value)
               end,
        true = is_binary(Text),
        nomatch = binary:match(Text, <<0>>),
        Text
    catch
        error:_ -> fail({invalid_option, Key, Value})
    end.

boolean(Key, Options) ->
    case get(Key, Options) of
        nil -> false;
        Value when is_boolean(Value) -> Value;
        Other -> fail({invalid_option, Key, Other})
    end.

number(Key, Options, Min, Max, Default) ->
    case get(Key, Options) of
        nil -> Default;
        Value when is_integer(Value), Value >= Min, Value =< Max -> Value;
        Other -> fail({invalid_option, Key, Other})
    end.

get(Key, Options) ->
    case maps:get(Key, Options, nil) of
        undefined -> nil;
        Value -> Value
    end.

unwrap({ok, Value}) -> Value;
unwrap({error, Reason}) -> fail(Reason).

-spec fail(term()) -> no_return().
fail(Reason) ->
    throw({?MODULE, Reason}).
