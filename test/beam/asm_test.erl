%% SPDX-License-Identifier: MIT
%%
%% What the Erlang side of the tests has in common: a check is a name and a fun that fails by
%% raising; each runs in a process of its own with an empty mailbox and a deadline. The results are
%% printed as "ok - Name" or "not ok - Name: expected .. got ..", then a summary line.
%%
%% Only kernel and stdlib of OTP 25 to 29.
-module(asm_test).

-export([main/2, wait_until/1, wait_until/2, receive_one/1, no_message/1, flush/0, parallel/2,
         percentile/2, define/3]).

-define(CHECK_DEADLINE_MS, 30000).
-define(WAIT_MS, 10000).

%% Runs the checks in order and ends the node: status 0 when all passed.
main(Suite, Checks) ->
    logger:set_primary_config(level, warning),
    Results = [run(Check) || Check <- Checks],
    Failed = length([bad || failed <- Results]),
    io:format("~s: ~b passed, ~b failed~n", [Suite, length(Results) - Failed, Failed]),
    erlang:halt(min(Failed, 1)).

run({Name, Fun}) ->
    run({Name, Fun, ?CHECK_DEADLINE_MS});
run({Name, Fun, DeadlineMs}) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({checked, checked(Fun)}) end),
    Outcome =
        receive
            {'DOWN', Monitor, process, Pid, {checked, Result}} -> Result;
            {'DOWN', Monitor, process, Pid, Reason} -> {failed, "a result", Reason}
        after DeadlineMs ->
            Where = process_info(Pid, [current_stacktrace, messages]),
            exit(Pid, kill),
            {failed, io_lib:format("an end within ~b ms", [DeadlineMs]), Where}
        end,
    report(Name, Outcome).

checked(Fun) ->
    try
        Fun(),
        ok
    catch
        throw:{unexpected, Expected, Got} -> {failed, Expected, Got};
        Class:Reason:Stack -> {failed, "no exception", {Class, Reason, lists:sublist(Stack, 3)}}
    end.

report(Name, ok) ->
    io:format("ok - ~ts~n", [Name]),
    ok;
report(Name, {failed, Expected, Got}) ->
    io:format("not ok - ~ts: expected ~ts got ~ts~n", [Name, Expected, one_line(Got)]),
    failed.

one_line(Term) ->
    Text = io_lib:format("~0tP", [Term, 30]),
    string:slice(lists:flatten(Text), 0, 500).

%% Calls Fun until it gives true.
wait_until(Fun) ->
    wait_until(Fun, ?WAIT_MS).

wait_until(Fun, Ms) ->
    wait_until_deadline(Fun, erlang:monotonic_time(millisecond) + Ms, Ms).

wait_until_deadline(Fun, Deadline, Ms) ->
    case Fun() of
        true ->
            ok;
        Other ->
            case erlang:monotonic_time(millisecond) > Deadline of
                true -> throw({unexpected, io_lib:format("true within ~b ms", [Ms]), Other});
                false -> receive after 10 -> wait_until_deadline(Fun, Deadline, Ms) end
            end
    end.

%% The next message, whatever it is.
receive_one(Ms) ->
    receive Message -> Message after Ms -> nothing end.

%% Fails the check when something arrives.
no_message(Ms) ->
    receive
        Message -> throw({unexpected, "no message", Message})
    after Ms -> ok
    end.

flush() ->
    receive _ -> flush() after 0 -> ok end.

%% The smallest value that is not less than Percent of the (sorted) values.
percentile(Percent, Sorted) ->
    Index = max(1, ceil(length(Sorted) * Percent / 100)),
    lists:nth(min(Index, length(Sorted)), Sorted).

%% The results of Fun(1..N), each called in a process of its own.
parallel(N, Fun) ->
    Workers = [spawn_monitor(fun() -> exit({result, Fun(K)}) end) || K <- lists:seq(1, N)],
    [receive
         {'DOWN', Ref, process, Pid, {result, Result}} -> Result;
         {'DOWN', Ref, process, Pid, {{nocatch, {unexpected, _, _} = Failed}, _}} -> throw(Failed);
         {'DOWN', Ref, process, Pid, Reason} -> throw({unexpected, "a result of each", Reason})
     end || {Pid, Ref} <- Workers].

%% Loads a module made of the functions [{Name, Arity}], each of which is Target(Name, Args): the
%% names that asmd and its hosts use need not be the names of files.
define(Module, Functions, {TargetModule, Target}) ->
    Forms =
        [begin
             Vars = [{var, 1, list_to_atom("A" ++ integer_to_list(N))} || N <- lists:seq(1, Arity)],
             Args = lists:foldr(fun(V, Tail) -> {cons, 1, V, Tail} end, {nil, 1}, Vars),
             Callee = {remote, 1, {atom, 1, TargetModule}, {atom, 1, Target}},
             Body = {call, 1, Callee, [{atom, 1, Name}, Args]},
             {function, 1, Name, Arity, [{clause, 1, Vars, [], [Body]}]}
         end || {Name, Arity} <- Functions],
    {ok, Module, Code} = compile:forms([{attribute, 1, module, Module},
                                        {attribute, 1, export, Functions} | Forms]),
    {module, Module} = code:load_binary(Module, "test", Code),
    ok.
