%% SPDX-License-Identifier: MIT
%% The pure parts of the backend host: lines, command lines, JSON text.
-module(host_unit_test).

-export([tests/0]).

-spec tests() -> [{string(), fun(() -> any())}].
tests() ->
    [{"lines: the same whichever way the bytes are cut", fun any_cut/0},
     {"lines: the limit holds, one byte more does not, across chunks too", fun line_limit/0},
     {"lines: batches keep order and limits", fun batches/0},
     {"command: each provider's fixed arguments", fun fixed_arguments/0},
     {"command: claude's flags", fun claude_flags/0},
     {"command: codex's flags", fun codex_flags/0},
     {"command: flags of amp, cursor and antigravity", fun other_flags/0},
     {"command: permission modes become native flags, unknown ones are refused",
      fun permission_modes/0},
     {"command: a prompt that begins with a dash cannot be a flag", fun dash_prompt/0},
     {"json: escapes, numbers, nesting", fun json/0}].

any_cut() ->
    Text = <<"one\n\nthr", 195, 164, "ee\nlast">>,
    Expect = {[<<"one">>, <<>>, <<"thr", 195, 164, "ee">>], [<<"last">>]},
    Size = byte_size(Text),
    [Expect = feed([part(Text, 0, A), part(Text, A, B), part(Text, B, Size)])
     || A <- lists:seq(0, Size), B <- lists:seq(A, Size)],
    Expect = feed([<<Byte>> || <<Byte>> <= Text]).

part(Text, From, To) -> binary:part(Text, From, To - From).

feed(Chunks) ->
    {Lines, State} = lists:foldl(fun(Chunk, {Done, State}) ->
                                         {ok, Lines, Next} = asmd_host_lines:feed(Chunk, State),
                                         {Done ++ Lines, Next}
                                 end, {[], asmd_host_lines:new(100)}, Chunks),
    {Lines, asmd_host_lines:rest(State)}.

line_limit() ->
    New = asmd_host_lines:new(4),
    {ok, [<<"1234">>], _} = asmd_host_lines:feed(<<"1234\n">>, New),
    {ok, [], Four} = asmd_host_lines:feed(<<"1234">>, New),
    {ok, [<<"1234">>], _} = asmd_host_lines:feed(<<"\n">>, Four),
    {too_long, []} = asmd_host_lines:feed(<<"5">>, Four),
    {too_long, [<<"a">>]} = asmd_host_lines:feed(<<"a\n12345\nb">>, New),
    {too_long, [<<"a">>]} = asmd_host_lines:feed(<<"a\n12345">>, New).

batches() ->
    [] = asmd_host_lines:batches([]),
    Lines = [integer_to_binary(N) || N <- lists:seq(1, 250)],
    [100, 100, 50] = [length(Batch) || Batch <- asmd_host_lines:batches(Lines)],
    Lines = lists:append(asmd_host_lines:batches(Lines)),
    Big = binary:copy(<<"x">>, 65537),
    [[<<"a">>], [Big], [<<"b">>, <<"c">>]] = asmd_host_lines:batches([<<"a">>, Big, <<"b">>, <<"c">>]),
    Half = binary:copy(<<"x">>, 32768),
    [[Half, Half], [<<"y">>]] = asmd_host_lines:batches([Half, Half, <<"y">>]).

fixed_arguments() ->
    "--output-format stream-json --verbose --print --permission-mode default P" = line(claude, #{}),
    "exec --json P" = line(codex, #{}),
    "--execute P --stream-json --no-ide --no-notifications" = line(amp, #{}),
    "-p --trust --output-format stream-json --stream-partial-output P" = line(cursor, #{}),
    "--print P" = line(antigravity, #{}).

claude_flags() ->
    "--output-format stream-json --verbose --print --resume r --model m --effort high --max-turns 3"
        " --append-system-prompt a --system-prompt s --json-schema {\"type\":\"object\"}"
        " --permission-mode default --thinking P" =
        line(claude, #{resume => <<"r">>, model => m, reasoning_effort => high, max_turns => 3,
                       append_system_prompt => <<"a">>, system_prompt => <<"s">>,
                       output_schema => #{type => <<"object">>}, include_thinking => true}),
    {ok, Args} = asmd_host_command:args(claude, <<"P">>, #{completion_only => true,
                                                          permission_mode => bypass}),
    [<<"--permission-mode">>, <<"plan">>, <<"--tools">>, <<>>, <<"--setting-sources">>, <<>>,
     <<"--strict-mcp-config">>, <<"P">>] = lists:nthtail(4, Args),
    "--output-format stream-json --verbose --print --permission-mode default P" =
        line(claude, #{resume => nil, model => <<>>, include_thinking => false, unknown => 1}).

codex_flags() ->
    "exec --json --model m --config model_reasoning_effort=\"low\" --config a=1 --config b=2"
        " --skip-git-repo-check P" =
        line(codex, #{model_payload => #{resolved_model => <<"m">>, reasoning => <<"low">>},
                      config_values => [<<"a=1">>, <<"b=2">>], skip_git_repo_check => true}),
    {ok, [_, _, <<"--output-schema">>, {file, <<"{}">>}, _]} =
        asmd_host_command:args(codex, <<"P">>, #{output_schema => #{}}),
    "exec --json --ephemeral --ignore-user-config --ignore-rules --sandbox read-only"
        " --config approval_policy=\"never\" --config web_search=\"disabled\" P" =
        line(codex, #{completion_only => true}),
    {error, {invalid_option, reasoning_effort, <<"x\"\ny=1">>}} =
        asmd_host_command:args(codex, <<"P">>, #{reasoning_effort => <<"x\"\ny=1">>}).

other_flags() ->
    "--execute P --stream-json-thinking --no-ide --no-notifications --mode m --mcp-config {\"a\":[1]}" =
        line(amp, #{include_thinking => true, mode => <<"m">>, mcp_config => #{<<"a">> => [1]}}),
    "-p --trust --output-format stream-json --stream-partial-output --model m --workspace /w"
        " --resume r --continue --sandbox enabled --approve-mcps --worktree w --worktree-base b"
        " --skip-worktree-setup --plugin-dir 1 --plugin-dir 2 -H n: v P" =
        line(cursor, #{model => <<"m">>, cwd => <<"/w">>, resume => <<"r">>, continue => true,
                       mode => agent, sandbox => true, approve_mcps => true, worktree => <<"w">>,
                       worktree_base => <<"b">>, skip_worktree_setup => true,
                       plugin_dirs => [<<"1">>, <<"2">>], headers => [{<<"n">>, <<"v">>}]}),
    "--print P --sandbox --dangerously-skip-permissions --conversation c --continue"
        " --print-timeout 5 --log-file l --add-dir d" =
        line(antigravity, #{sandbox => true, dangerously_skip_permissions => true,
                            permission_mode => bypass, conversation => <<"c">>, continue => true,
                            print_timeout => 5, log_file => <<"l">>, add_dirs => [<<"d">>]}),
    [{error, {invalid_option, completion_only, true}} =
         asmd_host_command:args(Provider, <<"P">>, #{completion_only => true})
     || Provider <- [amp, antigravity]],
    {error, {invalid_option, output_schema, #{}}} =
        asmd_host_command:args(amp, <<"P">>, #{output_schema => #{}}).

permission_modes() ->
    Native = [{claude, auto, "acceptEdits"}, {claude, accept_edits, "acceptEdits"},
              {claude, delegate, "delegate"}, {claude, dont_ask, "dontAsk"},
              {claude, <<"bypass">>, "bypassPermissions"}, {claude, plan, "plan"}],
    [Expect = lists:nth(6, string:lexemes(line(Provider, #{permission_mode => Mode}), " "))
     || {Provider, Mode, Expect} <- Native],
    "exec --json --dangerously-bypass-approvals-and-sandbox P" =
        line(codex, #{permission_mode => default, provider_permission_mode => yolo}),
    "exec --json --plan P" = line(codex, #{permission_mode => plan}),
    "--execute P --stream-json --no-ide --no-notifications --dangerously-allow-all" =
        line(amp, #{permission_mode => bypass}),
    "--print P --dangerously-skip-permissions" = line(antigravity, #{permission_mode => bypass}),
    [{error, {invalid_option, permission_mode, Mode}} =
         asmd_host_command:args(Provider, <<"P">>, #{permission_mode => Mode})
     || {Provider, Mode} <- [{claude, what}, {codex, delegate}, {amp, dont_ask}, {cursor, auto},
                             {antigravity, plan}]].

dash_prompt() ->
    {ok, Args} = asmd_host_command:args(codex, <<"--dangerously">>, #{}),
    [<<"exec">>, <<"--json">>, <<"--">>, <<"--dangerously">>] = Args.

line(Provider, Options) ->
    {ok, Args} = asmd_host_command:args(Provider, <<"P">>, Options),
    lists:flatten(lists:join(" ", [binary_to_list(Arg) || Arg <- Args])).

json() ->
    <<"{\"a\":[1,2.5,true,null,\"x\"]}"/utf8>> =
        asmd_host_json:encode(#{a => [1, 2.5, true, nil, <<"x">>]}),
    <<"\"\\\"\\\\\\u000a\\u0001ä\""/utf8>> = asmd_host_json:encode(<<"\"\\\n", 1, "ä"/utf8>>),
    [try asmd_host_json:encode(Wrong) of
         Text -> error({accepted, Wrong, Text})
     catch
         error:badarg -> ok
     end || Wrong <- [{1}, <<255>>, #{1 => 2}]].
