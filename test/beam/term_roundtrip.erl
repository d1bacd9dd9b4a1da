%% SPDX-License-Identifier: MIT
%%
%% Terms of every type through a C program and back, in both directions. run/1 takes the path of
%% term-echo, prints one line and halts: 0 if every term came back as the same term.
%%
%%     erlc -o DIR term_roundtrip.erl
%%     erl -noinput -pa DIR -run term_roundtrip run PATH/term-echo
-module(term_roundtrip).

-export([run/1, exported/1]).

-define(RANDOM_TERMS, 2000).
-define(GENERATED_TERMS, 2000).
-define(SEED, 20481).
-define(TIMEOUT, 30000).

run([[_ | _] = Path]) ->
    run(Path);
run(Path) ->
    rand:seed(exsss, {1, 2, ?SEED}),
    Terms = fixed() ++ [random(4) || _ <- lists:seq(1, ?RANDOM_TERMS)],
    {P1, F1} = echo(Path, Terms),
    {P2, F2} = answer(Path),
    io:format("term_roundtrip: ~p passed, ~p failed~n", [P1 + P2, F1 + F2]),
    halt(min(1, F1 + F2)).

%% ours -> C -> ours, in each encoding that a BEAM may use
echo(Path, Terms) ->
    Port = open(Path, []),
    Results = [same(Port, Term, Options) || Term <- Terms,
                                           Options <- [[{minor_version, 0}],
                                                       [{minor_version, 1}],
                                                       [{minor_version, 2}]]],
    refused(Port),
    port_close(Port),
    Passed = length([ok || true <- Results]),
    {Passed, length(Results) - Passed}.

same(Port, Term, Options) ->
    %% minor version 0 writes floats with 20 digits, which is enough to read the same back
    port_command(Port, term_to_binary(Term, Options)),
    receive
        {Port, {data, Bytes}} ->
            try binary_to_term(Bytes) of
                Term ->
                    true;
                Other ->
                    io:format("sent ~0tp~n got ~0tp~n", [Term, Other]),
                    false
            catch
                error:badarg ->
                    io:format("sent ~0tp~n got ~0p~n", [Term, Bytes]),
                    false
            end
    after ?TIMEOUT ->
        error({no_answer_for, Term})
    end.

refused(Port) ->
    port_command(Port, <<131, 104, 2, 97>>),
    receive
        {Port, {data, Bytes}} ->
            {error, Text} = binary_to_term(Bytes),
            true = is_binary(Text)
    after ?TIMEOUT ->
        error(no_refusal)
    end.

%% C -> ours -> C; the C side compares
answer(Path) ->
    answer_loop(open(Path, ["generate", integer_to_list(?SEED), integer_to_list(?GENERATED_TERMS)])).

answer_loop(Port) ->
    receive
        {Port, {data, Bytes}} ->
            case binary_to_term(Bytes) of
                {done, Passed, Failed} ->
                    {Passed, Failed};
                Term ->
                    port_command(Port, term_to_binary(Term)),
                    answer_loop(Port)
            end;
        {Port, {exit_status, Status}} ->
            error({term_echo, Status})
    after ?TIMEOUT ->
        error(no_sample)
    end.

open(Path, Args) ->
    open_port({spawn_executable, Path}, [{args, Args}, {packet, 4}, binary, exit_status]).

%% one of each, and the edges of every encoding
fixed() ->
    Widths = [7, 8, 15, 16, 26, 27, 28, 31, 32, 59, 60, 63, 64, 65, 127, 128, 2039, 2040, 2048, 3000],
    Ints = [S * ((1 bsl W) + D) || W <- Widths, D <- [-1, 0, 1], S <- [1, -1]],
    [0 | Ints] ++ floats() ++ atoms() ++ lists() ++ maps() ++ identifiers() ++ funs() ++
        [binary:copy(<<"0123456789abcdef">>, 65536), <<>>, <<1:1>>, <<5:3>>, <<"abc", 5:7>>, <<0:8191>>,
         {}, {{}}, list_to_tuple(lists:seq(1, 255)), list_to_tuple(lists:seq(1, 256)),
         list_to_tuple(lists:seq(1, 5000)), deep(500), deep_list(500), deep_map(500)].

floats() ->
    [0.0, -0.0, 1.0, -1.5, 0.1, 1.0e-300, 1.7976931348623157e308, 2.2250738585072014e-308, 5.0e-324,
     3.141592653589793, 1.0e22, 123456789.0e5].

atoms() ->
    [ok, '', nil, true, 'a b', 'caf\x{e9}', '\x{e9}', '\x{20ac}', '\x{1f680}', 'Elixir.ASM.Error',
     list_to_atom(lists:duplicate(255, $a)), list_to_atom(lists:duplicate(255, 16#e9)),
     list_to_atom(lists:duplicate(255, 16#20ac)), list_to_atom(lists:duplicate(255, 16#1f680)),
     list_to_atom([$a, 0, $b])].

lists() ->
    [[], [[]], [[], []], "abc", [0], [0, 255], [255, 256], lists:seq(0, 255), lists:duplicate(65535, 1),
     lists:duplicate(65536, 1), "h\x{e9}", [16#20ac, 16#1f680], [a | b], [1, 2 | 3], [a, b | <<"c">>],
     [[a | b] | [c | d]], ["ab" | "cd"], [{a, 1}, b]].

maps() ->
    [#{}, #{a => 1}, #{1 => a, 1.0 => b, <<"1">> => c, [1] => d, {1} => e, #{} => f},
     maps:from_list([{I, I * I} || I <- lists:seq(1, 32)]),
     maps:from_list([{I, I * I} || I <- lists:seq(1, 33)]),
     maps:from_list([{{k, I}, #{I => [I]}} || I <- lists:seq(1, 1000)])].

identifiers() ->
    Alias = alias(),
    Refs = [make_ref() || _ <- lists:seq(1, 3)],
    [self(), group_leader(), Alias, whereis(init) | Refs] ++ erlang:ports() ++
        [binary_to_term(<<131, 88, 119, 3, "a@b", 7:32, 8:32, 9:32>>),
         binary_to_term(<<131, 90, 5:16, 119, 3, "a@b", 9:32, 1:32, 2:32, 3:32, 4:32, 5:32>>),
         binary_to_term(<<131, 120, 119, 3, "a@b", 1:64, 9:32>>)].

exported(X) ->
    X.

funs() ->
    A = rand:uniform(100),
    B = <<"bound">>,
    [fun ?MODULE:exported/1, fun lists:map/2, fun exported/1, fun(X) -> X end, fun(X) -> {X, A, B} end,
     fun() -> [fun(Y) -> {Y, A} end | B] end, fun unknown_module:unknown_function/255].

deep(0) -> ok;
deep(N) -> {deep(N - 1)}.

deep_list(0) -> ok;
deep_list(N) -> [deep_list(N - 1)].

deep_map(0) -> ok;
deep_map(N) -> #{N => deep_map(N - 1)}.

random(0) ->
    leaf(rand:uniform(10));
random(Depth) ->
    case rand:uniform(8) of
        1 -> [random(Depth - 1) || _ <- some()];
        2 -> [random(Depth - 1) | leaf(rand:uniform(10))];
        3 -> list_to_tuple([random(Depth - 1) || _ <- some()]);
        4 -> maps:from_list([{random(Depth - 1), random(Depth - 1)} || _ <- some()]);
        5 -> maps:from_list([{random(0), random(0)} || _ <- lists:seq(1, 40)]);
        6 -> {event, #{kind => leaf(3), payload => random(Depth - 1), id => leaf(1)}};
        _ -> leaf(rand:uniform(10))
    end.

some() ->
    lists:seq(1, rand:uniform(6) - 1).

leaf(1) -> sign() * rand:uniform(1 bsl rand:uniform(40));
leaf(2) -> sign() * rand:uniform(1 bsl rand:uniform(3000));
leaf(3) -> from_pool(fun atoms/0);
leaf(4) -> sign() * rand:uniform() * math:pow(10, rand:uniform(600) - 300);
leaf(5) -> rand:bytes(rand:uniform(100) - 1);
leaf(6) -> Size = rand:uniform(200), <<(rand:uniform(1 bsl Size) - 1):Size>>;
leaf(7) -> unicode:characters_to_binary([rand:uniform(16#d7ff) || _ <- some()]);
leaf(8) -> [rand:uniform(300) - 1 || _ <- some()];
leaf(9) -> from_pool(fun identifiers/0);
leaf(10) -> from_pool(fun funs/0).

%% made once: an alias for each random term would stay for ever
from_pool(Make) ->
    Pool = case get(Make) of
               undefined -> Made = list_to_tuple(Make()), put(Make, Made), Made;
               Known -> Known
           end,
    element(rand:uniform(tuple_size(Pool)), Pool).

sign() ->
    lists:nth(rand:uniform(2), [1, -1]).
