%% SPDX-License-Identifier: MIT
%%
%% A daemon at the limits of its machine. The check is named by its first argument.
%%
%%   chaos_limits_test:main(["descriptors", Daemon, OsPid, Log])
%%   chaos_limits_test:main(["memory", Daemon, OsPid])
%%   chaos_limits_test:main(["full_disk", Daemon, OsPid, Directory, Host])
%%   chaos_limits_test:main(["clock", Daemon, OsPid, FileWithTheClock, Host])
-module(chaos_limits_test).

-export([main/1]).

-include("run_support.hrl").

-import(run_support, [api/2, begin_run/3, contains/2, done/1, event/2, follow/1]).

-define(T, 20000).

main([Name, Daemon, OsPid | Args]) ->
    run_support:setup(Daemon, "none"),
    asm_test:main(chaos_limits_test, [{Title, Fun, 60000} || {Title, Fun} <- check(Name, OsPid, Args)]).

check("descriptors", OsPid, [Log]) ->
    [{"without descriptors links go on, nothing spins, one line is logged; with some all is as before",
      fun() -> descriptors(OsPid, Log) end}];
check("memory", OsPid, []) ->
    [{"peers that send and ask for as much as they may do not reach the limit of memory",
      fun() -> memory(OsPid) end}];
check("full_disk", OsPid, [Directory, Host]) ->
    [{"a full disk for the log loses lines of the log and nothing else",
      fun() -> full_disk(OsPid, Directory, list_to_atom(Host)) end}];
check("clock", _, [File, Host]) ->
    [{"a clock that is set moves timestamps and nothing else",
      fun() -> clock(File, list_to_atom(Host)) end}].

%%% descriptors

descriptors(OsPid, Log) ->
    Node = run_support:daemon(),
    {ok, _} = ?EXPECT({ok, _}, api(query, [codex, <<"hello">>])),
    Sockets = [raw_peer:open(Node) || _ <- lists:seq(1, 80)],
    asm_test:wait_until(fun() -> lines_with(Log, "no connection can be accepted") =:= 1 end, ?T),
    Before = ticks(OsPid),
    %% a window to measure in: a loop that spins uses most of it
    receive after 1000 -> ok end,
    ?EXPECT(Used when Used < 30, ticks(OsPid) - Before),
    ?EXPECT({unhealthy, not_found}, api(health, [<<"none">>])),
    {error, #{message := Text}} = ?EXPECT(?FAILURE(_, _), api(query, [codex, <<"hello">>])),
    contains(Text, "open files"),
    ?EXPECT(1, lines_with(Log, "no connection can be accepted")),
    [gen_tcp:close(Socket) || Socket <- Sockets],
    asm_test:wait_until(fun() -> lines_with(Log, "connections are accepted again") =:= 1 end, ?T),
    {ok, Socket} = ?EXPECT({ok, _}, raw_peer:open(Node, <<"late@localhost">>, erlang:get_cookie())),
    gen_tcp:close(Socket),
    ?EXPECT({ok, _}, api(query, [codex, <<"hello">>])).

lines_with(Log, Part) ->
    {ok, Text} = file:read_file(Log),
    length(string:split(Text, Part, all)) - 1.

%% of processor time, user and system; there are 100 in a second
ticks(OsPid) ->
    {ok, Stat} = file:read_file("/proc/" ++ OsPid ++ "/stat"),
    [_, Rest] = string:split(Stat, ") ", trailing),
    Fields = string:lexemes(Rest, " "),
    binary_to_integer(lists:nth(12, Fields)) + binary_to_integer(lists:nth(13, Fields)).

%%% memory

%% as many peers as may come in, each with a frame that lacks its last byte; more that claim too much;
%% some that ask and do not read
memory(OsPid) ->
    Node = run_support:daemon(),
    Frame = 1048576,
    Greedy = [peer(Node, N) || N <- lists:seq(1, 15)],
    [ok = gen_tcp:send(Socket, [<<Frame:32, 112>>, binary:copy(<<0>>, Frame - 2)]) || Socket <- Greedy],
    ?EXPECT({refused, _}, raw_peer:open(Node, <<"last@localhost">>, erlang:get_cookie())),
    ?EXPECT({unhealthy, not_found}, api(health, [<<"none">>])),
    [gen_tcp:close(Socket) || Socket <- Greedy],
    [begin
         {ok, Socket} = open(Node, N),
         ok = gen_tcp:send(Socket, <<(Frame + 1):32, 112>>),
         ?EXPECT(true, raw_peer:closed(Socket))
     end || N <- lists:seq(1, 20)],
    Deaf = [deaf(Node, N) || N <- lists:seq(1, 10)],
    ?EXPECT({unhealthy, not_found}, api(health, [<<"none">>])),
    [exit(Pid, kill) || Pid <- Deaf],
    {ok, _} = ?EXPECT({ok, _}, api(query, [codex, <<"hello">>])),
    ?EXPECT(Kb when Kb < 98304, peak_kb(OsPid)).

peer(Node, N) ->
    {ok, Socket} = open(Node, N),
    Socket.

%% those that are gone leave room when the daemon has noticed
open(Node, N) ->
    asm_test:wait_until(fun() ->
        case raw_peer:open(Node, greedy(N), erlang:get_cookie()) of
            {ok, Socket} -> self() ! {opened, Socket}, true;
            Refused -> Refused
        end
    end, ?T),
    receive {opened, Socket} -> {ok, Socket} end.

%% asks as long as it may for answers that are as long as its questions, and reads none
deaf(Node, N) ->
    {ok, Socket} = open(Node, N),
    Self = self(),
    Pid = spawn(fun() ->
        receive go -> ok end,
        inet:setopts(Socket, [{send_timeout, 2000}]),
        ask(Socket, pid_of(greedy(N)), binary:copy(<<"x">>, 500000)),
        Self ! {stuck, self()},
        receive after infinity -> ok end
    end),
    ok = gen_tcp:controlling_process(Socket, Pid),
    Pid ! go,
    receive {stuck, Pid} -> Pid after ?T -> throw({unexpected, "a peer that is stopped", N}) end.

ask(Socket, Self, Text) ->
    Message = [112, term_to_binary({6, Self, '', asm}),
               term_to_binary({'$gen_call', {Self, {Text, make_ref()}}, {health, [<<"none">>]}})],
    case gen_tcp:send(Socket, raw_peer:frame(Message)) of
        ok -> ask(Socket, Self, Text);
        {error, _} -> stopped
    end.

greedy(N) -> iolist_to_binary(io_lib:format("greedy~b@localhost", [N])).

pid_of(Node) ->
    binary_to_term(<<131, 88, 119, (byte_size(Node)), Node/binary, 1:32, 0:32, 16#55:32>>).

peak_kb(OsPid) ->
    {ok, Text} = file:read_file("/proc/" ++ OsPid ++ "/status"),
    {match, [Kb]} = re:run(Text, "VmHWM:\\s+(\\d+)", [{capture, all_but_first, list}]),
    io:format("# at most ~s kB~n", [Kb]),
    list_to_integer(Kb).

%%% the log

full_disk(OsPid, Directory, Host) ->
    Log = Directory ++ "/log",
    Filler = Directory ++ "/filler",
    os:cmd("dd if=/dev/zero of=" ++ Filler ++ " bs=1k 2>/dev/null; dd if=/dev/zero of=" ++ Filler
           ++ " bs=1 oflag=append conv=notrunc 2>/dev/null"),
    Before = filelib:file_size(Log),
    %% each is worth some lines; the last page of the log may have room for the first of them
    [[] = os:cmd("kill -HUP " ++ OsPid) || _ <- lists:seq(1, 200), api(health, [<<"none">>]) =:= {unhealthy, not_found}],
    Remote = [{execution_mode, remote_node}, {remote_node, Host}],
    ?EXPECT({ok, _}, api(query, [codex, <<"events 100">>, Remote])),
    ?EXPECT({ok, _}, api(query, [codex, <<"hello">>])),
    ?EXPECT(Size when Size - Before < 8192, filelib:file_size(Log)),
    ok = file:delete(Filler),
    Full = filelib:file_size(Log),
    [] = os:cmd("kill -HUP " ++ OsPid),
    asm_test:wait_until(fun() -> filelib:file_size(Log) > Full end, ?T).

%%% the clock

clock(File, Host) ->
    Remote = [{execution_mode, remote_node}, {remote_node, Host}],
    {ok, Session} = api(start_session, [[{provider, codex} | Remote]]),
    Monitor = erlang:monitor(process, Session),
    [begin
         {ok, Waiting} = api(start_session, [[{provider, codex} | Remote]]),
         Run = begin_run(Waiting, <<"ask a">>, [{run_deadline_ms, 60000}, {approval_timeout_ms, 60000}]),
         #{} = event(Run, approval_requested),
         ok = file:write_file(File, io_lib:format("~s~bd~n", [[$+ || Days > 0], Days])),
         %% midnight and the two time zones
         ?EXPECT(Ahead when abs(Ahead - Days) =< 1, days_ahead()),
         %% timers that are set after it, too
         Began = erlang:monotonic_time(millisecond),
         Short = begin_run(Session, <<"silent">>, [{run_deadline_ms, 500}]),
         [#{code := <<"timeout">>}] = [P || #{kind := error, payload := P} <- follow(Short)],
         ?EXPECT(Ms when Ms >= 500 andalso Ms < 5000, erlang:monotonic_time(millisecond) - Began),
         %% the run that waited has neither a deadline nor a timeout behind it
         ok = ?EXPECT(ok, api(approve, [Waiting, <<"a">>, allow])),
         ?EXPECT([], [P || #{kind := error, payload := P} <- follow(Run)]),
         ok = api(stop_session, [Waiting])
     end || Days <- [800, -800, 3]],
    %% a second net_ticktime without a word but ticks
    receive {'DOWN', Monitor, process, Session, Why} -> throw({unexpected, "a link that stays", Why})
    after 5000 -> ok
    end,
    ok = api(stop_session, [Session]).

%% how many days the daemon's clock is ahead, as an event of a CLI beside it says
days_ahead() ->
    {ok, Session} = api(start_session, [[{provider, codex}]]),
    {ok, Run} = ?EXPECT({ok, _}, api(stream, [Session, <<"hello">>])),
    [#{year := Year, month := Month, day := Day} | _] = [T || #{timestamp := T} <- follow(Run)],
    ok = api(stop_session, [Session]),
    calendar:date_to_gregorian_days(Year, Month, Day) - calendar:date_to_gregorian_days(date()).
