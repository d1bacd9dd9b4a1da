%% SPDX-License-Identifier: MIT
%% asm_exec through a port of the test's own: the frames, and what becomes of processes.
-module(exec_test).

-export([tests/0]).

-import(host_support, [until/1, exists/1, gone/1, parent/1, script/2]).

-define(WINDOW, 100000).

-spec tests() -> [{string(), fun(() -> any())}].
tests() ->
    [{"exec: started, output, exit; the helper itself ends when the port is closed", fun plain/0},
     {"exec: frames that cross the exit harm nobody", fun crossing/0},
     {"exec: a start that fails tells stage and errno", fun start_failures/0},
     {"exec: a broken request is refused", fun broken_requests/0},
     {"exec: nonsense on its stdin ends it and the command", fun nonsense/0},
     {"exec: a window of output without credit, the rest with it", fun credit/0},
     {"exec: output is complete though the command is long gone", fun late_output/0},
     {"exec: a grandchild that holds the pipe delays the exit by the drain time only",
      fun held_pipe/0},
     {"exec: input is counted, a closed stdin is told", fun input/0},
     {"exec: terminate is SIGTERM first", fun terminate_gently/0},
     {"exec: a stopped command is ended too", fun terminate_stopped/0},
     {"exec: closing the port ends the command", fun port_closed/0},
     {"exec: when the helper is killed the kernel ends the command", fun helper_killed/0},
     {"exec: the command starts with clean signals and three descriptors", fun clean_start/0},
     {"exec: orphans of the command are reaped while it runs", fun no_zombies/0},
     {"exec: arguments and environment pass unchanged", fun arguments/0}].

open(Request) ->
    Port = raw(),
    Defaults = #{args => [], cwd => nil, env => [], clear_env => false, stdin => none,
                 grace_ms => 300, window => ?WINDOW},
    command(Port, asmd_host_exec:start(maps:merge(Defaults, Request))),
    Port.

%% nothing started yet
raw() ->
    asmd_host_exec:open(helper()).

helper() ->
    Home = filename:dirname(filename:dirname(code:which(asmd_host))),
    filename:join([Home, "bin", "asm_exec"]).

sh(Script) -> sh(Script, #{}).

sh(Script, Request) ->
    open(Request#{command => <<"/bin/sh">>, args => [<<"-c">>, list_to_binary(Script)]}).

command(Port, Frame) -> true = port_command(Port, Frame).

next(Port) ->
    receive {Port, {data, Frame}} -> asmd_host_exec:decode(Frame)
    after 15000 -> error({no_frame, process_info(self(), messages)})
    end.

started(Port) ->
    {started, Pid} = next(Port),
    integer_to_list(Pid).

%% All output up to exit: {Stdout, Stderr, Exit}
rest(Port) -> rest(Port, [], []).

rest(Port, Out, Err) ->
    case next(Port) of
        {stdout, Data} -> rest(Port, [Out, Data], Err);
        {stderr, Data} -> rest(Port, Out, [Err, Data]);
        {exit, _, _} = Exit -> {iolist_to_binary(Out), iolist_to_binary(Err), Exit};
        _ -> rest(Port, Out, Err)
    end.

plain() ->
    Port = sh("echo out; echo err >&2; exit 3"),
    started(Port),
    {os_pid, Helper} = erlang:port_info(Port, os_pid),
    {<<"out\n">>, <<"err\n">>, {exit, 3, nil}} = rest(Port),
    true = exists(integer_to_list(Helper)),
    port_close(Port),
    gone([integer_to_list(Helper)]).

crossing() ->
    process_flag(trap_exit, true),
    Port = sh("echo out", #{stdin => open}),
    Pid = started(Port),
    until(fun() -> not exists(Pid) end),
    [command(Port, Frame) || _ <- lists:seq(1, 100),
                             Frame <- [asmd_host_exec:ack(1), asmd_host_exec:input(<<"x">>),
                                       asmd_host_exec:signal(2), asmd_host_exec:terminate()]],
    {_, <<>>, {exit, 0, nil}} = rest(Port),
    receive {Port, Other} -> error({behind_the_last, Other});
            {'EXIT', Port, Reason} -> error({broken_pipe, Reason})
    after 0 -> ok
    end.

start_failures() ->
    [Expect = next(open(Request))
     || {Request, Expect} <-
            [{#{command => <<"/no/such">>}, {failed, exec, enoent}},
             {#{command => <<"/etc/passwd">>}, {failed, exec, eacces}},
             {#{command => <<"/bin/sh">>, cwd => <<"/no/such">>}, {failed, cwd, enoent}},
             {#{command => <<"/bin/sh">>, cwd => <<"/etc/passwd">>}, {failed, cwd, enotdir}},
             {#{command => <<"/bin/sh">>, args => [binary:copy(<<"x">>, 200000)]},
              {failed, exec, e2big}}]].

broken_requests() ->
    Good = iolist_to_binary(asmd_host_exec:start(
                              #{command => <<"/bin/true">>, args => [], cwd => nil,
                                env => [{<<"A">>, <<"b">>}], clear_env => false, stdin => none,
                                grace_ms => 1, window => 1})),
    Cuts = [binary:part(Good, 0, N) || N <- lists:seq(1, byte_size(Good) - 1)],
    Wrong = [<<Good/binary, 0>>,
             binary:replace(Good, <<"/bin/true">>, <<"/bin", 0, "true">>),
             binary:replace(Good, <<"A=b">>, <<"=Ab">>)],
    [begin
         Port = raw(),
         command(Port, Frame),
         {failed, request, einval} = next(Port),
         port_close(Port)
     end || Frame <- Cuts ++ Wrong].

nonsense() ->
    [begin
         Port = open_port({spawn_executable, helper()}, [stream, binary, exit_status]),
         true = port_command(Port, Bytes),
         receive {Port, {exit_status, 0}} -> ok after 15000 -> error(still_there) end
     end || Bytes <- [<<0:32>>, <<16#c0000000:32, "x">>, <<1:32, "?">>, <<"GET / HTTP/1.1\r\n">>]],
    Running = sh("trap '' TERM; echo on; while :; do sleep 1; done"),
    Pid = started(Running),
    {stdout, <<"on\n">>} = next(Running),
    command(Running, <<"?">>),
    gone([Pid]).

credit() ->
    Port = sh("head -c 1000000 /dev/zero; echo end >&2"),
    Pid = started(Port),
    ?WINDOW = take(Port, ?WINDOW),
    %% it is blocked now: a pipe is smaller than what is left
    true = exists(Pid),
    receive {Port, Early} -> error({without_credit, Early}) after 0 -> ok end,
    command(Port, asmd_host_exec:ack(1000)),
    1000 = take(Port, 1000),
    command(Port, asmd_host_exec:ack(10000000)),
    {Out, <<"end\n">>, {exit, 0, nil}} = rest(Port),
    1000000 = ?WINDOW + 1000 + byte_size(Out).

take(_Port, 0) -> 0;
take(Port, Left) ->
    {stdout, Data} = next(Port),
    byte_size(Data) + take(Port, Left - byte_size(Data)).

late_output() ->
    Port = sh("head -c 150000 /dev/zero; printf x"),
    Pid = started(Port),
    ?WINDOW = take(Port, ?WINDOW),
    until(fun() -> not exists(Pid) end),
    %% longer than the drain time: that is for what others hold open, not for this
    receive {Port, Early} -> error({without_credit, Early}) after 600 -> ok end,
    command(Port, asmd_host_exec:ack(1000000)),
    {Out, <<>>, {exit, 0, nil}} = rest(Port),
    150001 = ?WINDOW + byte_size(Out),
    $x = binary:last(Out).

held_pipe() ->
    Port = sh("sleep 1000 & echo $!"),
    started(Port),
    Began = erlang:monotonic_time(millisecond),
    {Out, <<>>, {exit, 0, nil}} = rest(Port),
    true = erlang:monotonic_time(millisecond) - Began < 5000,
    false = exists(string:trim(binary_to_list(Out))).

input() ->
    Port = sh("read a; echo \"<$a>\"; exec <&-; echo closed; sleep 1000", #{stdin => open}),
    started(Port),
    command(Port, asmd_host_exec:input(<<"hello\n">>)),
    [{consumed, 6}, {stdout, <<"<hello>\nclosed\n">>}] = both(Port),
    command(Port, asmd_host_exec:input(<<"more\n">>)),
    [input_closed, {consumed, 5}] = lists:sort([next(Port), next(Port)]),
    command(Port, asmd_host_exec:terminate()),
    {_, _, {exit, nil, 15}} = rest(Port).

%% two things whose order is free; stdout may come in two pieces
both(Port) -> both(Port, 0, <<>>).

both(_Port, 6, <<"<hello>\nclosed\n">> = Out) -> [{consumed, 6}, {stdout, Out}];
both(Port, Consumed, Out) ->
    case next(Port) of
        {consumed, N} -> both(Port, Consumed + N, Out);
        {stdout, Data} -> both(Port, Consumed, <<Out/binary, Data/binary>>)
    end.

terminate_gently() ->
    Port = sh("trap 'echo bye; exit 9' TERM; echo on; while :; do sleep 0.01; done"),
    started(Port),
    {stdout, <<"on\n">>} = next(Port),
    command(Port, asmd_host_exec:terminate()),
    {<<>>, <<>>, {exit, 9, nil}} = rest(Port).

terminate_stopped() ->
    Port = sh("kill -STOP $$"),
    Pid = started(Port),
    until(fun() -> state(Pid) =:= "T" end),
    command(Port, asmd_host_exec:terminate()),
    {_, _, {exit, nil, 15}} = rest(Port).

state(Pid) ->
    {ok, Stat} = file:read_file("/proc/" ++ Pid ++ "/stat"),
    [_, Rest] = string:split(Stat, ") ", trailing),
    [hd(binary_to_list(Rest))].

port_closed() ->
    Port = sh("trap '' TERM HUP INT; echo on; while :; do sleep 1; done"),
    Pid = started(Port),
    {stdout, <<"on\n">>} = next(Port),
    Helper = parent(Pid),
    port_close(Port),
    gone([Pid, Helper]).

helper_killed() ->
    Port = sh("trap '' TERM HUP INT; echo on; while :; do sleep 1; done"),
    Pid = started(Port),
    {stdout, <<"on\n">>} = next(Port),
    host_support:kill(parent(Pid), "KILL"),
    gone([Pid]).

clean_start() ->
    Port = sh("grep -E '^Sig(Blk|Ign)' /proc/self/status; exec ls /proc/self/fd"),
    started(Port),
    {Out, <<>>, {exit, 0, nil}} = rest(Port),
    [<<"SigBlk:", Blocked/binary>>, <<"SigIgn:", Ignored/binary>>, <<"0">>, <<"1">>, <<"2">>, <<"3">>] =
        string:lexemes(Out, "\n"),
    [0, 0] = [binary_to_integer(string:trim(Mask), 16) || Mask <- [Blocked, Ignored]].

no_zombies() ->
    Port = sh("(sh -c 'exit 0' & ) ; (sh -c 'exit 0' & ) ; echo on; exec sleep 1000"),
    Pid = started(Port),
    {stdout, <<"on\n">>} = next(Port),
    Helper = parent(Pid),
    Children = "/proc/" ++ Helper ++ "/task/" ++ Helper ++ "/children",
    Only = list_to_binary(Pid ++ " "),
    until(fun() -> file:read_file(Children) =:= {ok, Only} end),
    command(Port, asmd_host_exec:signal(9)),
    {_, _, {exit, nil, 9}} = rest(Port).

arguments() ->
    Odd = <<"a b\"c'd\n$HOME*", 195, 164, 255>>,
    Port = open(#{command => <<"/usr/bin/env">>, args => [<<"A=", Odd/binary>>, <<"/bin/sh">>,
                                                          <<"-c">>, <<"printf %s \"$A\"">>]}),
    started(Port),
    {Odd, <<>>, {exit, 0, nil}} = rest(Port),
    Script = script("args", "printf '%s|' \"$#\" \"$1\" \"$2\" \"$V\" \"${HOME-none}\""),
    Direct = open(#{command => Script, args => [Odd, <<>>], clear_env => true,
                    env => [{<<"V">>, <<"v=w">>}, {<<"HOME">>, false}]}),
    started(Direct),
    Expect = <<"2|", Odd/binary, "||v=w|none|">>,
    {Expect, <<>>, {exit, 0, nil}} = rest(Direct).
