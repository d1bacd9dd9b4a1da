%% SPDX-License-Identifier: MIT
%%
%% Peers that send what they must not: each is refused or disconnected, and asmd serves the others
%% while it happens and afterwards, with no more memory than before.
%%
%%   hostile_test:main([Node, OsPid, MaxGrowthKb])
-module(hostile_test).

-export([main/1]).

-import(raw_peer, [name/0, shake/1, pid/1, other_pid/3]).

-include("asm_test.hrl").

-define(T, 5000).

main([NodeText, OsPid, MaxGrowthText]) ->
    MaxGrowth = list_to_integer(MaxGrowthText),
    Node = list_to_atom(NodeText),
    pong = net_adm:ping(Node),
    Before = rss_kb(OsPid),
    Checks = before_handshake() ++ handshakes() ++ frames() ++ messages(),
    asm_test:main(hostile_test,
                  [{Name, fun() -> Fun(Node), served(Node) end} || {Name, Fun} <- Checks]
                  ++ [{"memory is about what it was", fun() ->
                           ?EXPECT(Kb when Kb < MaxGrowth, rss_kb(OsPid) - Before)
                       end}]).

served(Node) ->
    ?EXPECT({unhealthy, not_found}, erpc:call(Node, asm, health, [<<"none">>], ?T)),
    ?EXPECT(pong, net_adm:ping(Node)).

%%% instead of a handshake

before_handshake() ->
    [{"text instead of a handshake is disconnected", fun(Node) ->
          Socket = raw_peer:open(Node),
          raw_peer:send(Socket, <<"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n">>),
          ?EXPECT(true, raw_peer:closed(Socket))
      end},
     {"random bytes instead of a handshake are disconnected", fun(Node) ->
          rand:seed(exsss, {1, 2, 3}),
          [begin
               Socket = raw_peer:open(Node),
               raw_peer:send(Socket, <<60000:16, (rand:bytes(60000))/binary>>),
               ?EXPECT(true, raw_peer:closed(Socket))
           end || _ <- lists:seq(1, 10)]
      end},
     {"an empty handshake message is disconnected", fun(Node) ->
          Socket = raw_peer:open(Node),
          raw_peer:send(Socket, <<0:16, 0:16>>),
          ?EXPECT(true, raw_peer:closed(Socket))
      end},
     {"half a handshake, then silence, is disconnected in time", fun(Node) ->
          Socket = raw_peer:open(Node),
          raw_peer:send(Socket, <<40:16, "N", 1, 2, 3>>),
          served(Node),
          ?EXPECT(true, raw_peer:closed(Socket))
      end},
     {"a connection that says nothing is disconnected in time", fun(Node) ->
          Socket = raw_peer:open(Node),
          served(Node),
          ?EXPECT(true, raw_peer:closed(Socket))
      end},
     {"a hundred silent connections keep nobody out", fun(Node) ->
          Sockets = [raw_peer:open(Node) || _ <- lists:seq(1, 100)],
          served(Node),
          [gen_tcp:close(Socket) || Socket <- Sockets]
      end},
     {"connections that come and go at once do no harm", fun(Node) ->
          [gen_tcp:close(raw_peer:open(Node)) || _ <- lists:seq(1, 100)]
      end}].

%%% handshakes

handshakes() ->
    [{"a handshake by hand works", fun(Node) ->
          {ok, Socket} = ?EXPECT({ok, _}, shake(Node)),
          gen_tcp:close(Socket)
      end},
     {"a wrong cookie is disconnected", fun(Node) ->
          ?EXPECT({refused, _}, raw_peer:open(Node, name(), 'no such cookie'))
      end},
     {"a digest that is replayed is disconnected", fun(Node) ->
          Socket = raw_peer:open(Node),
          {ok, _} = raw_peer:hello(Socket, name(), raw_peer:flags()),
          raw_peer:send(Socket, <<21:16, "r", 1:32, 0:128>>),
          ?EXPECT(true, raw_peer:closed(Socket))
      end},
     {"missing capabilities are refused with not_allowed", fun(Node) ->
          ?EXPECT({refused, <<"snot_allowed", _/binary>>},
                  raw_peer:hello(raw_peer:open(Node), name(), 16#4))
      end},
     {"a handshake of version 5 is disconnected", fun(Node) ->
          Socket = raw_peer:open(Node),
          Name = name(),
          raw_peer:send(Socket, <<(7 + byte_size(Name)):16, "n", 5:16, 16#7499c:32, Name/binary>>),
          ?EXPECT(true, raw_peer:closed(Socket))
      end},
     {"names that are none are refused", fun(Node) ->
          [begin
               Socket = raw_peer:open(Node),
               ?EXPECT({refused, _}, raw_peer:hello(Socket, Name, raw_peer:flags())),
               gen_tcp:close(Socket)
           end || Name <- [<<>>, <<"nohost">>, <<"@">>, <<"a@">>, <<"@b">>, <<"a@b@c">>, <<255, "@", 254>>,
                           <<"a b@c">>, <<"x\n@y">>, binary:copy(<<"x">>, 60000)]]
      end},
     {"a name length beyond the message is disconnected", fun(Node) ->
          Socket = raw_peer:open(Node),
          raw_peer:send(Socket, <<20:16, "N", (raw_peer:flags()):64, 1:32, 9999:16, "a@b", 0, 0>>),
          ?EXPECT(true, raw_peer:closed(Socket))
      end},
     {"our own name is refused", fun(Node) ->
          Socket = raw_peer:open(Node),
          ?EXPECT({refused, _}, raw_peer:hello(Socket, atom_to_binary(Node), raw_peer:flags()))
      end},
     {"a name that is connected already gets 'alive'", fun(Node) ->
          Socket = raw_peer:open(Node),
          ?EXPECT({refused, <<"salive">>},
                  raw_peer:hello(Socket, atom_to_binary(node()), raw_peer:flags())),
          raw_peer:send(Socket, <<6:16, "sfalse">>),
          ?EXPECT(true, raw_peer:closed(Socket))
      end}].

%%% frames

frames() ->
    [{"half a frame, then silence, holds nobody up", fun(Node) ->
          {ok, Socket} = shake(Node),
          raw_peer:send(Socket, <<1000:32, 112, 131, 104>>),
          served(Node),
          gen_tcp:close(Socket)
      end},
     {"a length of 3 GB is disconnected at once", fun(Node) ->
          {ok, Socket} = shake(Node),
          raw_peer:send(Socket, <<3221225472:32, 112, 131, 104, 2>>),
          ?EXPECT(true, raw_peer:closed(Socket))
      end},
     {"the largest length is disconnected at once", fun(Node) ->
          {ok, Socket} = shake(Node),
          raw_peer:send(Socket, <<16#ffffffff:32>>),
          ?EXPECT(true, raw_peer:closed(Socket))
      end},
     {"ticks are taken, many of them too", fun(Node) ->
          {ok, Socket} = shake(Node),
          raw_peer:send(Socket, binary:copy(<<0:32>>, 10000)),
          raw_peer:control(Socket, {6, pid(Socket), '', asm}, hello),
          ?EXPECT({error, timeout}, gen_tcp:recv(Socket, 0, 100)),
          gen_tcp:close(Socket)
      end},
     {"a frame may come byte by byte", fun(Node) ->
          {ok, Socket} = shake(Node),
          inet:setopts(Socket, [{nodelay, true}]),
          Self = pid(Socket),
          Ref = make_ref(),
          Frame = iolist_to_binary(raw_peer:frame([112, term_to_binary({6, Self, '', asm}),
                      term_to_binary({'$gen_call', {Self, Ref}, {health, [<<"none">>]}})])),
          [raw_peer:send(Socket, <<Byte>>) || <<Byte>> <= Frame],
          ?EXPECT({ok, <<_:32, 112, _/binary>>}, gen_tcp:recv(Socket, 0, ?T)),
          gen_tcp:close(Socket)
      end}]
    ++
    [{"a frame of " ++ What ++ " is disconnected", fun(Node) ->
          {ok, Socket} = shake(Node),
          raw_peer:send(Socket, raw_peer:frame(Bytes)),
          ?EXPECT(true, raw_peer:closed(Socket))
      end} || {What, Bytes} <- broken_frames()].

broken_frames() ->
    Send = term_to_binary({6, self(), '', asm}),
    Claims = fun(Term) -> [112, Send, 131, Term] end,
    Deep = [112, Send, 131, binary:copy(<<108, 1:32>>, 100000), 106, binary:copy(<<106>>, 100000)],
    [{"an unknown type", <<7, 131, 106>>},
     {"nothing but its type", <<112>>},
     {"a control message that is no tuple", [112, term_to_binary(hello)]},
     {"a control message that is cut", [112, binary:part(Send, 0, byte_size(Send) - 3)]},
     {"an empty tuple", [112, term_to_binary({})]},
     {"an unknown operation", [112, term_to_binary({999, self(), asm})]},
     {"an operation with too few elements", [112, term_to_binary({6, self()}), term_to_binary(x)]},
     {"an operation with wrong elements", [112, term_to_binary({6, asm, '', self()}), term_to_binary(x)]},
     {"a send without its message", [112, Send]},
     {"a message without its version", [112, Send, 97, 1]},
     {"an unknown tag", Claims(<<200, 1, 2, 3>>)},
     {"a list of four thousand million", Claims(<<108, 16#ffffffff:32, 97, 1>>)},
     {"a tuple of four thousand million", Claims(<<105, 16#ffffffff:32, 97, 1>>)},
     {"a map of four thousand million", Claims(<<116, 16#ffffffff:32, 97, 1>>)},
     {"a binary of four thousand million", Claims(<<109, 16#ffffffff:32, 97, 1>>)},
     {"a bignum of four thousand million", Claims(<<111, 16#ffffffff:32, 0, 1>>)},
     {"an atom of 300 characters", Claims(<<118, 300:16, (binary:copy(<<"x">>, 300))/binary>>)},
     {"an atom that is not UTF-8", Claims(<<119, 2, 255, 254>>)},
     {"a reference of 200 words", Claims(<<90, 200:16, 119, 1, "n", 1:32, 0:6400>>)},
     {"a pid whose node is no atom", Claims(<<88, 97, 1, 0:96>>)},
     {"a bit string of 9 bits in a byte", Claims(<<77, 1:32, 9, 1>>)},
     {"lists 100,000 deep", Deep},
     {"a compressed term", Claims(<<80, 16#ffffffff:32, (zlib:compress(<<0:8000>>))/binary>>)},
     {"an atom cache header", <<131, 68, 0, 104, 0>>},
     {"a fragment", <<131, 69, 1:64, 2:64, 0>>}].

%%% messages of the right form with wrong meaning

messages() ->
    [{"signals for processes that never were are dropped", fun(Node) ->
          {ok, Socket} = shake(Node),
          From = pid(Socket),
          Nobody = dead_pid(Node),
          [raw_peer:control(Socket, Message)
           || Message <- [{3, From, Nobody, bye}, {8, From, Nobody, bye}, {7, From, Nobody},
                          {20, From, Nobody, make_ref()}, {21, From, Nobody, make_ref(), bye},
                          {36, 12345, From, Nobody}, {31, make_ref(), Nobody, 0, From}]],
          raw_peer:control(Socket, {2, '', Nobody}, hello),
          raw_peer:control(Socket, {22, From, Nobody}, hello),
          raw_peer:control(Socket, {24, From, Nobody}, bye),
          raw_peer:control(Socket, {26, From, Nobody}, bye),
          raw_peer:control(Socket, {28, From, Nobody, make_ref()}, bye),
          raw_peer:control(Socket, {33, From, make_ref()}, hello),
          answered(Socket, From)
      end},
     {"signals in the name of another node do not reach it", fun(Node) ->
          {ok, Socket} = shake(Node),
          Stranger = self(),
          raw_peer:control(Socket, {19, Stranger, asm, make_ref()}),
          raw_peer:control(Socket, {1, Stranger, other_pid(Node, 1, 0)}),
          asm_test:no_message(100),
          gen_tcp:close(Socket)
      end},
     {"a monitor whose owner hangs up is forgotten", fun(Node) ->
          {ok, Pid} = erpc:call(Node, asm, start_session, [[{provider, codex}]]),
          {ok, Socket} = shake(Node),
          [raw_peer:control(Socket, {19, pid(Socket), Pid, make_ref()}) || _ <- lists:seq(1, 100)],
          gen_tcp:close(Socket),
          ?EXPECT(ok, erpc:call(Node, asm, stop_session, [Pid]))
      end},
     {"a link whose owner hangs up ends the session with noconnection", fun(Node) ->
          {ok, Pid} = erpc:call(Node, asm, start_session, [[{provider, codex}]]),
          Ref = erlang:monitor(process, Pid),
          {ok, Socket} = shake(Node),
          raw_peer:control(Socket, {1, pid(Socket), Pid}),
          answered(Socket, pid(Socket)),
          ?EXPECT({'DOWN', Ref, process, Pid, noconnection}, asm_test:receive_one(?T))
      end},
     {"an unlink is acknowledged, whatever it names", fun(Node) ->
          {ok, Socket} = shake(Node),
          From = pid(Socket),
          Nobody = dead_pid(Node),
          raw_peer:control(Socket, {35, 4711, From, Nobody}),
          {ok, <<_:32, 112, Bytes/binary>>} = ?EXPECT({ok, _}, gen_tcp:recv(Socket, 0, ?T)),
          ?EXPECT({36, 4711, Nobody, From}, binary_to_term(Bytes)),
          gen_tcp:close(Socket)
      end},
     {"a spawn request of a wrong form is refused or disconnected, never dropped", fun(Node) ->
          {ok, Socket} = shake(Node),
          From = pid(Socket),
          Ref = make_ref(),
          raw_peer:control(Socket, {29, Ref, From, From, {erpc, execute_call, 4}, [monitor]}, not_a_list),
          case gen_tcp:recv(Socket, 0, ?T) of
              {ok, <<_:32, 112, Bytes/binary>>} ->
                  ?EXPECT({31, Ref, From, Flags, _} when is_integer(Flags), binary_to_term(Bytes));
              Other ->
                  ?EXPECT({error, closed}, Other)
          end,
          gen_tcp:close(Socket)
      end},
     {"a peer that never reads costs bounded memory", fun(Node) ->
          {ok, Socket} = shake(Node),
          From = pid(Socket),
          Tag = binary:copy(<<"x">>, 10000),
          Call = iolist_to_binary(raw_peer:frame([112, term_to_binary({6, From, '', asm}),
                     term_to_binary({'$gen_call', {From, Tag}, {health, [<<"none">>]}})])),
          inet:setopts(Socket, [{send_timeout, 500}, {send_timeout_close, true}]),
          _ = [raw_peer:send(Socket, Call) || _ <- lists:seq(1, 10000)],
          served(Node),
          gen_tcp:close(Socket)
      end}].

%%% helpers

dead_pid(Node) ->
    {ok, Pid} = erpc:call(Node, asm, start_session, [[{provider, codex}]]),
    ok = erpc:call(Node, asm, stop_session, [Pid]),
    Pid.

answered(Socket, From) ->
    Ref = make_ref(),
    raw_peer:control(Socket, {6, From, '', asm}, {'$gen_call', {From, Ref}, {health, [<<"none">>]}}),
    ?EXPECT({ok, <<_:32, 112, _/binary>>}, gen_tcp:recv(Socket, 0, ?T)),
    gen_tcp:close(Socket).

rss_kb(OsPid) ->
    {ok, Status} = file:read_file("/proc/" ++ OsPid ++ "/status"),
    {match, [Kb]} = re:run(Status, "VmRSS:\\s+(\\d+)", [{capture, all_but_first, list}]),
    list_to_integer(Kb).
