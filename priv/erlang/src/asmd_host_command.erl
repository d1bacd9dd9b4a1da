%% SPDX-License-Identifier: MIT
%% From a prompt and options to the arguments of an agent CLI.
%%
%% Each provider is a list of parts in the order in which its CLI gets them. Options that are nil,
%% false or not there add nothing; a value of the wrong kind is refused, since a CLI that gets a
%% word too few takes the next one, the prompt perhaps, for the value. For the same reason a prompt
%% that begins with a dash is put behind `--`.
-module(asmd_host_command).

-export([args/3]).

%% {file, Text}: stands for the path of a private file with that text
-type arg() :: binary() | {file, binary()}.

-spec args(atom(), binary(), #{atom() => term()}) -> {ok, [arg()]} | {error, term()}.
args(Provider, Prompt, Options) ->
    try
        {ok, lists:append([part(Part, Provider, Options) || Part <- parts(Provider, Prompt)])}
    catch
        throw:{invalid, Key, Value} -> {error, {invalid_option, Key, Value}}
    end.

parts(claude, Prompt) ->
    [<<"--output-format">>, <<"stream-json">>, <<"--verbose">>, <<"--print">>,
     {pair, <<"--resume">>, resume}, {model, <<"--model">>}, {effort, <<"--effort">>},
     {pair, <<"--max-turns">>, max_turns},
     {pair, <<"--append-system-prompt">>, append_system_prompt},
     {pair, <<"--system-prompt">>, system_prompt},
     {json, <<"--json-schema">>, output_schema},
     permission, completion_only,
     {flag, <<"--thinking">>, include_thinking},
     {prompt, Prompt}];
parts(codex, Prompt) ->
    [<<"exec">>, <<"--json">>,
     {model, <<"--model">>}, codex_effort, {repeat, <<"--config">>, config_values},
     {flag, <<"--skip-git-repo-check">>, skip_git_repo_check},
     {json_file, <<"--output-schema">>, output_schema},
     permission, completion_only,
     {word, <<"resume">>, resume},
     {prompt, Prompt}];
parts(amp, Prompt) ->
    [refuse_completion_only,
     <<"--execute">>, Prompt, amp_output, <<"--no-ide">>, <<"--no-notifications">>,
     {pair, <<"--mode">>, mode}, {json, <<"--mcp-config">>, mcp_config},
     permission];
parts(cursor, Prompt) ->
    [<<"-p">>, <<"--trust">>, <<"--output-format">>, <<"stream-json">>,
     <<"--stream-partial-output">>,
     {model, <<"--model">>}, {pair, <<"--workspace">>, cwd}, {pair, <<"--resume">>, resume},
     {flag, <<"--continue">>, continue}, cursor_mode, cursor_sandbox,
     {flag, <<"--approve-mcps">>, approve_mcps}, cursor_worktree,
     {pair, <<"--worktree-base">>, worktree_base},
     {flag, <<"--skip-worktree-setup">>, skip_worktree_setup},
     {repeat, <<"--plugin-dir">>, plugin_dirs}, cursor_headers,
     permission,
     {prompt, Prompt}];
parts(antigravity, Prompt) ->
    [refuse_completion_only,
     <<"--print">>, Prompt,
     {flag, <<"--sandbox">>, sandbox},
     {flag, <<"--dangerously-skip-permissions">>, dangerously_skip_permissions},
     {pair, <<"--conversation">>, conversation}, {flag, <<"--continue">>, continue},
     {pair, <<"--print-timeout">>, print_timeout}, {pair, <<"--log-file">>, log_file},
     {repeat, <<"--add-dir">>, add_dirs},
     permission].

part(Word, _, _) when is_binary(Word) ->
    [Word];
part({prompt, <<$-, _/binary>> = Prompt}, _, _) ->
    [<<"--">>, Prompt];
part({prompt, Prompt}, _, _) ->
    [Prompt];
part({pair, Flag, Key}, _, Options) ->
    pair(Flag, Key, get(Key, Options));
%% A value that stands where the CLI would also read an option.
part({word, Flag, Key}, _, Options) ->
    case pair(Flag, Key, get(Key, Options)) of
        [_, <<"-", _/binary>> = Word] -> throw({invalid, Key, Word});
        Pair -> Pair
    end;
part({flag, Flag, Key}, _, Options) ->
    case get(Key, Options) of
        true -> [Flag];
        Off when Off =:= nil; Off =:= false -> [];
        Other -> throw({invalid, Key, Other})
    end;
part({repeat, Flag, Key}, _, Options) ->
    lists:append([pair(Flag, Key, Value) || Value <- list(Key, Options)]);
part({json, Flag, Key}, _, Options) ->
    case get(Key, Options) of
        nil -> [];
        Value -> [Flag, json(Key, Value)]
    end;
part({json_file, Flag, Key}, _, Options) ->
    case get(Key, Options) of
        nil -> [];
        Value -> [Flag, {file, json(Key, Value)}]
    end;
part({model, Flag}, _, Options) ->
    pair(Flag, model, first([from_payload(resolved_model, Options), get(model, Options)]));
part({effort, Flag}, _, Options) ->
    pair(Flag, reasoning_effort, effort(Options));
part(codex_effort, _, Options) ->
    case pair(<<>>, reasoning_effort, effort(Options)) of
        [] -> [];
        [_, Effort] -> [<<"--config">>, <<"model_reasoning_effort=\"", Effort/binary, "\"">>]
    end;
part(permission, Provider, Options) ->
    CompletionOnly = Provider =:= claude andalso get(completion_only, Options) =:= true,
    Mode = first([get(provider_permission_mode, Options), get(permission_mode, Options), default]),
    Asked = get(dangerously_skip_permissions, Options) =:= true,
    case permission(Provider, name(permission_mode, Mode)) of
        %% completion only means plan, whatever else was asked for
        _ when CompletionOnly -> [<<"--permission-mode">>, <<"plan">>];
        invalid -> throw({invalid, permission_mode, Mode});
        [<<"--dangerously-skip-permissions">>] when Asked -> [];
        Flags -> Flags
    end;
part(completion_only, Provider, Options) ->
    case get(completion_only, Options) of
        true -> completion_only(Provider);
        Off when Off =:= nil; Off =:= false -> [];
        Other -> throw({invalid, completion_only, Other})
    end;
part(refuse_completion_only, _, Options) ->
    [throw({invalid, Key, Value}) || Key <- [completion_only, output_schema],
                                     Value <- [get(Key, Options)],
                                     Value =/= nil, Value =/= false];
part(amp_output, _, Options) ->
    case get(include_thinking, Options) of
        true -> [<<"--stream-json-thinking">>];
        _ -> [<<"--stream-json">>]
    end;
part(cursor_mode, _, Options) ->
    case pair(<<"--mode">>, mode, get(mode, Options)) of
        [_, Default] when Default =:= <<"agent">>; Default =:= <<"default">> -> [];
        Pair -> Pair
    end;
part(cursor_sandbox, _, Options) ->
    case get(sandbox, Options) of
        true -> [<<"--sandbox">>, <<"enabled">>];
        false -> [];
        Value -> pair(<<"--sandbox">>, sandbox, Value)
    end;
part(cursor_worktree, _, Options) ->
    case get(worktree, Options) of
        true -> [<<"--worktree">>];
        false -> [];
        Value -> pair(<<"--worktree">>, worktree, Value)
    end;
part(cursor_headers, _, Options) ->
    lists:append([header(Header) || Header <- list(headers, Options)]).

permission(claude, Mode) ->
    case Mode of
        <<"default">> -> claude_mode(<<"default">>);
        <<"auto">> -> claude_mode(<<"acceptEdits">>);
        <<"accept_edits">> -> claude_mode(<<"acceptEdits">>);
        <<"acceptEdits">> -> claude_mode(Mode);
        <<"delegate">> -> claude_mode(Mode);
        <<"dont_ask">> -> claude_mode(<<"dontAsk">>);
        <<"dontAsk">> -> claude_mode(Mode);
        <<"bypass">> -> claude_mode(<<"bypassPermissions">>);
        <<"bypass_permissions">> -> claude_mode(<<"bypassPermissions">>);
        <<"bypassPermissions">> -> claude_mode(Mode);
        <<"plan">> -> claude_mode(Mode);
        _ -> invalid
    end;
permission(Provider, <<"default">>) when is_atom(Provider) -> [];
permission(codex, <<"plan">>) -> [<<"--plan">>];
permission(codex, Mode) when Mode =:= <<"bypass">>; Mode =:= <<"yolo">> ->
    [<<"--dangerously-bypass-approvals-and-sandbox">>];
permission(amp, Mode) when Mode =:= <<"auto">>; Mode =:= <<"plan">> -> [];
permission(amp, Mode) when Mode =:= <<"bypass">>; Mode =:= <<"dangerously_allow_all">> ->
    [<<"--dangerously-allow-all">>];
permission(cursor, <<"bypass">>) -> [<<"--force">>];
permission(cursor, <<"plan">>) -> [<<"--mode">>, <<"plan">>];
permission(antigravity, Mode) when Mode =:= <<"bypass">>;
                                   Mode =:= <<"dangerously_skip_permissions">> ->
    [<<"--dangerously-skip-permissions">>];
permission(_, _) -> invalid.

claude_mode(Native) ->
    [<<"--permission-mode">>, Native].

completion_only(claude) ->
    [<<"--tools">>, <<>>, <<"--setting-sources">>, <<>>, <<"--strict-mcp-config">>];
completion_only(codex) ->
    [<<"--ephemeral">>, <<"--ignore-user-config">>, <<"--ignore-rules">>,
     <<"--sandbox">>, <<"read-only">>,
     <<"--config">>, <<"approval_policy=\"never\"">>,
     <<"--config">>, <<"web_search=\"disabled\"">>].

header({Name, Value}) when is_binary(Name), is_binary(Value) ->
    [<<"-H">>, <<Name/binary, ": ", Value/binary>>];
header(Text) ->
    pair(<<"-H">>, headers, Text).

pair(_Flag, _Key, nil) -> [];
pair(_Flag, _Key, <<>>) -> [];
pair(Flag, Key, Value) -> [Flag, name(Key, Value)].

%% An option's value as one word of a command line; no NUL can be in it.
name(Key, Value) ->
    Word = if
               is_binary(Value) -> Value;
               is_atom(Value), not is_boolean(Value) -> atom_to_binary(Value);
               is_integer(Value) -> integer_to_binary(Value);
               is_float(Value) -> float_to_binary(Value, [short]);
               true -> throw({invalid, Key, Value})
           end,
    case binary:match(Word, <<0>>) of
        nomatch -> Word;
        _ -> throw({invalid, Key, Value})
    end.

%% JSON text is taken as it is, terms are encoded.
json(Key, Text) when is_binary(Text) ->
    name(Key, Text);
json(Key, Term) ->
    try
        asmd_host_json:encode(Term)
    catch
        error:_ -> throw({invalid, Key, Term})
    end.

list(Key, Options) ->
    case get(Key, Options) of
        nil -> [];
        Values when is_list(Values), length(Values) >= 0 -> Values;
        Other -> throw({invalid, Key, Other})
    end.

effort(Options) ->
    case first([from_payload(reasoning, Options), get(reasoning_effort, Options)]) of
        Word when is_binary(Word) ->
            %% it becomes part of a TOML string
            case re:run(Word, "^[A-Za-z0-9_.-]*$", [{capture, none}]) of
                match -> Word;
                nomatch -> throw({invalid, reasoning_effort, Word})
            end;
        Other ->
            Other
    end.

%% ASM resolves the model on its side and sends the outcome as a map.
from_payload(Key, Options) ->
    case get(model_payload, Options) of
        #{Key := Value} when Value =/= undefined -> Value;
        #{} = Payload -> maps:get(atom_to_binary(Key), Payload, nil);
        _ -> nil
    end.

first([Value]) -> Value;
first([nil | Values]) -> first(Values);
first([Value | _]) -> Value.

get(Key, Options) ->
    case maps:get(Key, Options, nil) of
        undefined -> nil;
        Value -> Value
    end.
