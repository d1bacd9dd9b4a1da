%% SPDX-License-Identifier: MIT
%%
%% What OTP's own test suites ask of a peer, asked of asmd by a BEAM as it is: terms that come back as
%% they went, large and many of them, signals while nothing can be written, signals that are the first
%% ones of a connection, names in global, nodeup and nodedown, calls that time out, trace tokens.
%% doc/conformance.md lists the suites.
%%
%%   conformance_peer_test:main([Node, PidOfTheDaemon])
-module(conformance_peer_test).

-export([main/1]).

-include("asm_test.hrl").

-define(T, 60000).

main([NodeText, OsPid]) ->
    Node = list_to_atom(NodeText),
    pong = net_adm:ping(Node),
    Checks = terms(Node) ++ loads(Node) ++ first_signals(Node) ++ busy(Node, OsPid) ++ dead(Node)
        ++ global_names(Node) ++ nodes_known(Node) ++ calls(Node) ++ traced(Node),
    asm_test:main(conformance_peer_test, [{Name, Fun, 120000} || {Name, Fun} <- Checks]).

%%% terms: a call is answered with its tag, which may be any term

terms(Node) ->
    [{"integers of all sizes come back", fun() ->
          same(Node, lists:append([[(1 bsl Bits) - 1, 1 bsl Bits, -(1 bsl Bits), -(1 bsl Bits) - 1]
                                   || Bits <- [0, 7, 8, 15, 16, 27, 28, 31, 32, 47, 48, 59, 60, 63, 64, 96, 127, 128,
                                               2039, 2040, 2048, 11111]]))
      end},
     {"integers that are written longer than they need to be have their value", fun() ->
          {ok, Socket} = ?EXPECT({ok, _}, raw_peer:shake(Node)),
          Me = raw_peer:pid(Socket),
          <<131, Rest/binary>> = term_to_binary(Me),
          [begin
               Message = [104, 3, body('$gen_call'), 104, 2, Rest, Written, body({health, [<<"none">>]})],
               raw_peer:send(Socket, raw_peer:frame([112, term_to_binary({6, Me, '', asm}), 131, Message])),
               ?EXPECT({{2, _, Me}, {Value, {unhealthy, not_found}}}, raw_peer:next(Socket, ?T)),
               Value
           end || {Value, Written} <- long_integers()],
          gen_tcp:close(Socket)
      end},
     {"floats come back", fun() ->
          same(Node, [0.0, -1.0, 1.0, 1.0e308, -5.0e-324, 0.1])
      end},
     {"every one-character atom comes back, and the longest ones", fun() ->
          Characters = lists:seq(0, 16#d7ff) ++ lists:seq(16#e000, 16#ffff) ++ lists:seq(16#10000, 16#10ffff, 4099),
          same_list(Node, [binary_to_atom(<<C/utf8>>) || C <- Characters]),
          same(Node, ['' | [list_to_atom(lists:duplicate(255, C)) || C <- [$a, 16#e5, 16#6de, 16#ffff, 16#1f600]]])
      end},
     {"strings, binaries and bit strings come back", fun() ->
          same(Node, ["", "foo", [0, 255], [256], lists:duplicate(65535, $x), lists:duplicate(65536, $x), <<>>,
                      <<"foo">>, <<1, 2, 3:5>>, <<1:1>>, <<0:63>>])
      end},
     {"nothing at all comes back", fun() -> same(Node, [[], {}, #{}, [[]], [[] | []]]) end},
     {"tuples, lists and maps of odd sizes come back", fun() ->
          Numbers = lists:seq(1, 300),
          same(Node, [list_to_tuple(lists:sublist(Numbers, 255)), list_to_tuple(lists:sublist(Numbers, 256)),
                      [a | b], [atom | fun lists:map/2], #{key => value, self() => make_ref()},
                      maps:from_list([{N, [N]} || N <- Numbers])])
      end},
     {"pids, ports and references of this node come back", fun() ->
          same(Node, [self(), hd(erlang:ports()), make_ref(), erlang:alias(), whereis(rex)])
      end},
     {"pids, ports and references of other nodes come back, whatever these are called", fun() ->
          Names = [gurka@sallad, node(), list_to_atom(lists:duplicate(100, 16#1f600) ++ "@x")],
          same(Node, lists:append([foreign(Name) || Name <- Names]))
      end},
     {"funs come back", fun() ->
          Inner = fun lists:reverse/1,
          same(Node, [Inner, fun erlang:no_such_function/255, fun(X) -> {X, Inner, Node} end, fun() -> hello end])
      end}].

same(Node, Terms) ->
    same_list(Node, Terms),
    [case echo(Node, Term) of
         Term -> ok;
         Other -> throw({unexpected, io_lib:format("~0tP", [Term, 20]), Other})
     end || Term <- Terms].

same_list(Node, Terms) ->
    ?EXPECT(true, Terms =:= echo(Node, Terms)).

echo(Node, Term) ->
    ask({asm, Node}, Term),
    receive {Back, {unhealthy, not_found}} -> Back after ?T -> nothing end.

ask(To, Tag) ->
    To ! {'$gen_call', {self(), Tag}, {health, [<<"none">>]}}.

body(Term) ->
    <<131, Body/binary>> = term_to_binary(Term),
    Body.

long_integers() ->
    [{42, [98, <<42:32>>]}, {-42, [98, <<-42:32>>]}]
    ++
    [{Sign * 42, [Tag, Length, Negative, 42, binary:copy(<<0>>, Zeros)]}
     || {Sign, Negative} <- [{1, 0}, {-1, 1}],
        {Tag, Length, Zeros} <- [{110, 1, 0}, {110, 2, 1}, {110, 4, 3}, {110, 8, 7}, {111, <<1:32>>, 0},
                                 {111, <<2:32>>, 1}, {111, <<3:32>>, 2}, {111, <<6:32>>, 5}]].

%% with the largest numbers that there is room for
foreign(Node) ->
    Name = body(Node),
    [binary_to_term(iolist_to_binary([131, Bytes]))
     || Bytes <- [[88, Name, <<16#ffffffff:32, 16#ffffffff:32, 2:32>>], [88, Name, <<32767:32, 8191:32, 16#ffffffff:32>>],
                  [89, Name, <<16#0fffffff:32, 2:32>>], [120, Name, <<16#ffffffffffffffff:64, 2:32>>],
                  [90, <<1:16>>, Name, <<2:32, 16#3ffff:32>>],
                  [90, <<3:16>>, Name, <<2:32, 16#3ffff:32, 16#ffffffff:32, 16#ffffffff:32>>],
                  [90, <<5:16>>, Name, <<2:32, 16#3ffff:32, 1:32, 2:32, 3:32, 16#ffffffff:32>>]]].

%%% much at a time

loads(Node) ->
    [{lists:flatten(io_lib:format("~b messages of ~b KiB come back in order", [N, KiB])), fun() ->
          Binary = binary:copy(<<253>>, KiB * 1024),
          [ask({asm, Node}, {Number, Binary}) || Number <- lists:seq(1, N)],
          [receive
               {{Got, Binary}, {unhealthy, not_found}} when Got =:= Number -> ok
           after ?T -> throw({unexpected, Number, nothing})
           end || Number <- lists:seq(1, N)]
      end} || {N, KiB} <- [{64, 32}, {32, 64}, {160, 4}]]
    ++
    [{"a message of five thousand binaries comes back", fun() ->
          same(Node, [binary:copy(<<N:32>>, 32) || N <- lists:seq(1, 5000)])
      end},
     {"an exit reason of 5 MB goes there and back", fun() ->
          Session = session(Node),
          Reason = {big, binary:copy(<<"r">>, 5000000)},
          Monitor = erlang:monitor(process, Session),
          process_flag(trap_exit, true),
          link(Session),
          exit(Session, Reason),
          ?EXPECT({true, true}, {receive {'EXIT', Session, R} -> R =:= Reason after ?T -> nothing end,
                                 receive {'DOWN', Monitor, process, Session, R} -> R =:= Reason after ?T -> nothing end})
      end},
     {"twenty processes may send all kinds of terms at once", fun() ->
          asm_test:parallel(20, fun(K) ->
              [same(Node, [{K, N, self()}, [make_ref(), #{N => K}, <<K:N>>], 1 bsl (K * N)]) || N <- lists:seq(1, 50)]
          end)
      end}].

%%% the first signals of a connection are sent before anything is known of the peer

first_signals(Node) ->
    [{"a message that makes the connection arrives, whatever is in it", fun() ->
          [begin
               down(Node),
               To ! {'$gen_call', {self(), Term}, get_state},
               ?EXPECT({Term, _}, asm_test:receive_one(?T))
           end || Term <- [<<1:1>>, fun lists:map/2, #{a => [<<3:7>>]}], To <- [{asm, Node}, session(Node)]]
      end},
     {"a monitor that makes the connection fires with the reason", fun() ->
          Session = session(Node),
          down(Node),
          Monitor = erlang:monitor(process, Session),
          Named = erlang:monitor(process, {nobody_of_this_name, Node}),
          ?EXPECT({'DOWN', Named, process, {nobody_of_this_name, Node}, noproc}, asm_test:receive_one(?T)),
          exit(Session, over),
          ?EXPECT({'DOWN', Monitor, process, Session, over}, asm_test:receive_one(?T)),
          asm_test:no_message(0)
      end},
     {"a link that makes the connection breaks with the reason", fun() ->
          Session = session(Node),
          process_flag(trap_exit, true),
          down(Node),
          link(Session),
          exit(Session, over),
          ?EXPECT({'EXIT', Session, over}, asm_test:receive_one(?T)),
          ?EXPECT({links, []}, process_info(self(), links))
      end},
     {"an exit/2 and a group leader that make the connection arrive", fun() ->
          Session = session(Node),
          down(Node),
          group_leader(self(), Session),
          ?EXPECT(healthy, erpc:call(Node, asm, health, [Session], ?T)),
          down(Node),
          exit(Session, over),
          ?EXPECT({unhealthy, _}, erpc:call(Node, asm, health, [Session], ?T))
      end},
     {"a spawn request that makes the connection is served", fun() ->
          down(Node),
          {_, Monitor} = spawn_monitor(Node, asm, list_sessions, []),
          ?EXPECT({'DOWN', Monitor, process, _, normal}, asm_test:receive_one(?T))
      end}].

session(Node) ->
    {ok, Session} = ?EXPECT({ok, _}, erpc:call(Node, asm, start_session, [[{provider, codex}]], ?T)),
    Session.

down(Node) ->
    pong = net_adm:ping(Node),
    monitor_node(Node, true),
    erlang:disconnect_node(Node),
    receive {nodedown, Node} -> ok after ?T -> throw({unexpected, nodedown, nothing}) end.

%%% nothing can be written, because asmd is stopped

busy(Node, OsPid) ->
    [{"a link over a busy connection holds once it is no longer busy", fun() ->
          Session = session(Node),
          Linker = while_busy(Node, OsPid, fun() -> process_flag(trap_exit, true), link(Session) end),
          exit(Session, over),
          ?EXPECT({Linker, {'EXIT', Session, over}}, asm_test:receive_one(?T))
      end},
     {"an exit/2 over a busy connection arrives", fun() ->
          Session = session(Node),
          Monitor = erlang:monitor(process, Session),
          while_busy(Node, OsPid, fun() -> exit(Session, over) end),
          ?EXPECT({'DOWN', Monitor, process, Session, over}, asm_test:receive_one(?T))
      end},
     {"the end of a linked process is not lost while the connection is busy", fun() ->
          Session = session(Node),
          Monitor = erlang:monitor(process, Session),
          {Linked, Gone} = spawn_monitor(fun() -> link(Session), receive stop -> exit(over) end end),
          asm_test:wait_until(fun() -> process_info(Linked, links) =:= {links, [Session]} end),
          while_busy(Node, OsPid, fun() -> Linked ! stop end),
          ?EXPECT([{'DOWN', Gone, process, Linked, over}, {'DOWN', Monitor, process, Session, over}],
                  in_order([Gone, Monitor], [asm_test:receive_one(?T) || _ <- [1, 2]]))
      end}].

in_order(Monitors, Downs) ->
    [Down || Monitor <- Monitors, {_, M, _, _, _} = Down <- Downs, M =:= Monitor].

%% The pid of a process that has called Fun, begun while asmd was stopped and its connection full. It
%% tells what it hears afterwards.
while_busy(Node, OsPid, Fun) ->
    Me = self(),
    Pid = spawn_link(fun() ->
                         receive go -> ok end,
                         Me ! {self(), begun},
                         Fun(),
                         Me ! {self(), done},
                         receive Message -> Me ! {self(), Message} end
                     end),
    "" = os:cmd("kill -STOP " ++ OsPid),
    try
        fill(Node, binary:copy(<<253>>, 1 bsl 20)),
        Pid ! go,
        receive {Pid, begun} -> ok after ?T -> throw({unexpected, begun, nothing}) end
    after
        os:cmd("kill -CONT " ++ OsPid)
    end,
    receive {Pid, done} -> Pid after ?T -> throw({unexpected, done, nothing}) end.

fill(Node, Data) ->
    case erlang:send({nobody_of_this_name, Node}, Data, [nosuspend]) of
        ok -> fill(Node, Data);
        nosuspend -> ok
    end.

%%% who is dead

dead(Node) ->
    [{"a link to a dead process gives one noproc and leaves no link", fun() ->
          Session = session(Node),
          ok = erpc:call(Node, asm, stop_session, [Session], ?T),
          process_flag(trap_exit, true),
          link(Session),
          ?EXPECT({'EXIT', Session, noproc}, asm_test:receive_one(?T)),
          ?EXPECT({links, []}, process_info(self(), links)),
          %% what asmd had to say comes before its answer
          ?EXPECT(tag, echo(Node, tag)),
          asm_test:no_message(0)
      end},
     {"unlink takes the end that is on its way along", fun() ->
          process_flag(trap_exit, true),
          [begin
               Session = session(Node),
               link(Session),
               exit(Session, over),
               unlink(Session),
               receive {'EXIT', Session, over} -> ok after 0 -> ok end,
               ?EXPECT(tag, echo(Node, tag)),
               asm_test:no_message(0)
           end || _ <- lists:seq(1, 20)]
      end}].

%%% global

global_names(Node) ->
    [{"a session may have a name in global as long as it lives", fun() ->
          Session = session(Node),
          Name = {conformance, make_ref()},
          ?EXPECT(yes, global:register_name(Name, Session)),
          ?EXPECT(Session, global:whereis_name(Name)),
          ?EXPECT(true, lists:member(Name, global:registered_names())),
          ?EXPECT({error, #{}}, gen_server:call({global, Name}, {no_such_function, []}, ?T)),
          exit(Session, kill),
          asm_test:wait_until(fun() -> global:whereis_name(Name) =:= undefined end, ?T),
          ?EXPECT(false, lists:member(Name, global:registered_names()))
      end},
     {"a name in global can be taken back", fun() ->
          Session = session(Node),
          ?EXPECT(yes, global:register_name(conformance, Session)),
          _ = global:unregister_name(conformance),
          ?EXPECT(undefined, global:whereis_name(conformance)),
          ?EXPECT(healthy, erpc:call(Node, asm, health, [Session], ?T)),
          exit(Session, kill)
      end},
     {"locks of global are taken without asking a hidden node", fun() ->
          ?EXPECT(true, global:set_lock({conformance, self()}, [node() | nodes()], 0)),
          ?EXPECT(true, global:del_lock({conformance, self()}))
      end}].

%%% nodes

nodes_known(Node) ->
    [{"the node is hidden and connected, not visible", fun() ->
          ?EXPECT(true, lists:member(Node, nodes(hidden))),
          ?EXPECT(true, lists:member(Node, nodes(connected))),
          ?EXPECT(true, lists:member(Node, nodes(known))),
          ?EXPECT(false, lists:member(Node, nodes(visible)))
      end},
     {"monitor_nodes tells type and reason, in turn, to all who asked", fun() ->
          ?EXPECT(pong, net_adm:ping(Node)),
          [ok = net_kernel:monitor_nodes(true, Options)
           || Options <- [[{node_type, hidden}], [{node_type, all}, nodedown_reason]]],
          ok = net_kernel:monitor_nodes(true),
          [begin
               erlang:disconnect_node(Node),
               ?EXPECT([{nodedown, Node, [{node_type, hidden}]},
                        {nodedown, Node, [{node_type, hidden}, {nodedown_reason, disconnect}]}],
                       lists:sort([sorted(asm_test:receive_one(?T)) || _ <- [1, 2]])),
               ?EXPECT(true, net_kernel:connect_node(Node)),
               ?EXPECT([{nodeup, Node, [{node_type, hidden}]}, {nodeup, Node, [{node_type, hidden}]}],
                       [asm_test:receive_one(?T) || _ <- [1, 2]])
           end || _ <- lists:seq(1, 10)],
          asm_test:no_message(0)
      end},
     {"as many monitors of a node as were set tell of its end", fun() ->
          ?EXPECT(pong, net_adm:ping(Node)),
          [monitor_node(Node, true) || _ <- lists:seq(1, 100)],
          monitor_node(Node, false),
          erlang:disconnect_node(Node),
          [?EXPECT({nodedown, Node}, asm_test:receive_one(?T)) || _ <- lists:seq(1, 99)],
          asm_test:no_message(0),
          ?EXPECT(pong, net_adm:ping(Node))
      end},
     {"options of the connection can be read and set", fun() ->
          ?EXPECT(true, net_kernel:connect_node(Node)),
          {ok, [{nodelay, Was}]} = ?EXPECT({ok, [{nodelay, _}]}, net_kernel:getopts(Node, [nodelay])),
          ?EXPECT(ok, net_kernel:setopts(Node, [{nodelay, not Was}])),
          ?EXPECT(pong, net_adm:ping(Node)),
          ?EXPECT(ok, net_kernel:setopts(Node, [{nodelay, Was}]))
      end},
     {"a thousand pings are a thousand pongs", fun() ->
          [pong = net_adm:ping(Node) || _ <- lists:seq(1, 1024)]
      end}].

sorted({Kind, Node, Info}) -> {Kind, Node, lists:sort(Info)};
sorted(Other) -> Other.

%%% calls

calls(Node) ->
    Slow = [codex, <<"sleep:2 x">>],
    [{"an erpc call that is slower than its time is timeout, and nothing comes later", fun() ->
          ?EXPECT_ERROR(error, {erpc, timeout}, erpc:call(Node, asm, query, Slow, 100)),
          ?EXPECT({badrpc, timeout}, rpc:call(Node, asm, query, Slow, 100)),
          %% the runs go on, and their ends are for nobody
          ?EXPECT({ok, _}, erpc:call(Node, asm, query, Slow, ?T)),
          asm_test:no_message(0)
      end},
     {"a request is waited for as long as one likes", fun() ->
          Request = erpc:send_request(Node, asm, query, Slow),
          ?EXPECT(no_response, erpc:wait_response(Request, 0)),
          ?EXPECT(no_response, erpc:check_response(noise, Request)),
          ?EXPECT({response, {ok, _}}, erpc:wait_response(Request, ?T))
      end},
     {"a request whose connection is lost is noconnection", fun() ->
          Request = erpc:send_request(Node, asm, query, Slow),
          Rpc = rpc:async_call(Node, asm, query, Slow),
          erlang:disconnect_node(Node),
          ?EXPECT_ERROR(error, {erpc, noconnection}, erpc:receive_response(Request, ?T)),
          ?EXPECT({badrpc, nodedown}, rpc:yield(Rpc))
      end},
     {"calls to several nodes are answered by those there are", fun() ->
          Missing = 'nobody@nowhere',
          ?EXPECT([{ok, [_ | _]}, {error, {erpc, noconnection}}, {ok, [_ | _]}],
                  begin
                      Session = session(Node),
                      Got = erpc:multicall([Node, Missing, Node], asm, list_sessions, [], ?T),
                      exit(Session, kill),
                      Got
                  end),
          ?EXPECT({[_], [Missing]}, rpc:multicall([Node, Missing], asm, list_sessions, [], ?T))
      end}].

%%% sequential tracing: all signals have a token with them

traced(Node) ->
    [{"signals with a trace token have their effects", fun() ->
          Session = session(Node),
          process_flag(trap_exit, true),
          seq_trace:set_token(label, conformance),
          seq_trace:set_token(send, true),
          ?EXPECT(tag, echo(Node, tag)),
          ?EXPECT(healthy, erpc:call(Node, asm, health, [Session], ?T)),
          ?EXPECT({ok, #{}}, gen_server:call({asm, Node}, {session_info, [Session]}, ?T)),
          Monitor = erlang:monitor(process, Session),
          link(Session),
          exit(Session, {over, traced}),
          ?EXPECT([{'EXIT', Session, {over, traced}}, {'DOWN', Monitor, process, Session, {over, traced}}],
                  lists:sort([asm_test:receive_one(?T), asm_test:receive_one(?T)])),
          seq_trace:set_token([])
      end}].
