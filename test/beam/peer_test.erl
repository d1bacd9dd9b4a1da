%% SPDX-License-Identifier: MIT
%%
%% The operations that an Erlang node does with its peers, each with the answer a BEAM gives. The
%% same script runs against asmd and, to keep itself honest, against a BEAM node that offers the
%% same API (peer_reference.erl), under every OTP from 25 to 29.
%%
%%   peer_test:main([Node])                    Node is asmd
%%   peer_test:main([Node, "reference"])       Node is a BEAM: what only asmd refuses is left out
%%
%% The node under test may be disconnected and connected again by the checks; no other test may
%% use it meanwhile.
-module(peer_test).

-export([main/1]).

-import(peer_node, [peer/0, asm/0, api/2, unique_id/0, with_session/1, dead_pid/0, remote_monitor/1,
                    not_down/1, listed/1]).

-include("peer.hrl").

main([Node | Mode]) ->
    peer_node:use(list_to_atom(Node)),
    Under = case Mode of [] -> asmd; ["reference"] -> reference end,
    Checks = connection() ++ calls() ++ odd_messages() ++ peer_signals:checks()
        ++ peer_rpc:checks(Under) ++ loads() ++ peer_api:checks() ++ reconnection(),
    asm_test:main(peer_test, Checks).

%%% who is there

connection() ->
    [{"net_adm:ping answers pong", fun() ->
          ?EXPECT(pong, net_adm:ping(peer()))
      end},
     {"net_kernel:connect_node to a connected node is true", fun() ->
          ?EXPECT(true, net_kernel:connect_node(peer()))
      end},
     {"nodes(hidden) lists the node, nodes() does not", fun() ->
          ?EXPECT(true, lists:member(peer(), nodes(hidden))),
          ?EXPECT(false, lists:member(peer(), nodes())),
          ?EXPECT(true, lists:member(peer(), nodes(connected)))
      end},
     {"twenty processes may ping at once", fun() ->
          ?EXPECT([pong], lists:usort(asm_test:parallel(20, fun(_) -> net_adm:ping(peer()) end)))
      end},
     {"global knows nothing of a hidden node and goes on", fun() ->
          ?EXPECT(undefined, global:whereis_name(asm)),
          ?EXPECT(yes, global:register_name(peer_test, self())),
          ?EXPECT(Self when Self =:= self(), global:whereis_name(peer_test)),
          global:unregister_name(peer_test)
      end}].

%%% gen_server

calls() ->
    [{"gen_server:call by name is answered", fun() ->
          ?EXPECT(L when is_list(L), gen_server:call(asm(), {list_sessions, []}, ?T))
      end},
     {"gen_server:call by pid is answered", fun() ->
          with_session(fun(Pid, _) -> ?EXPECT(S when is_map(S), gen_server:call(Pid, get_state, ?T)) end)
      end},
     {"a call to an unknown name exits with noproc", fun() ->
          ?EXPECT_ERROR(exit, {noproc, _}, gen_server:call({nobody_here, peer()}, hello, ?T))
      end},
     {"a call to a dead pid exits with noproc", fun() ->
          Pid = dead_pid(),
          ?EXPECT_ERROR(exit, {noproc, _}, gen_server:call(Pid, hello, ?T))
      end},
     {"a call without an answer exits with timeout, and its late answer vanishes", fun() ->
          with_session(fun(Pid, _) ->
              ok = sys:suspend(Pid, ?T),
              ?EXPECT_ERROR(exit, {timeout, _}, gen_server:call(Pid, get_state, 100)),
              ok = sys:resume(Pid, ?T),
              ?EXPECT(S when is_map(S), gen_server:call(Pid, get_state, ?T)),
              asm_test:no_message(50)
          end)
      end},
     {"a caller is told when the server ends instead of answering", fun() ->
          with_session(fun(Pid, _) ->
              ok = sys:suspend(Pid, ?T),
              spawn_link(fun() -> timer:sleep(50), exit(Pid, kill) end),
              ?EXPECT_ERROR(exit, {killed, _}, gen_server:call(Pid, get_state, ?T))
          end)
      end},
     {"a request that is no function of the API gives an error, not a crash", fun() ->
          Asm = remote_monitor(asm()),
          ?EXPECT(?ERROR(config_invalid), gen_server:call(asm(), hello, ?T)),
          ?EXPECT(?ERROR(config_invalid), gen_server:call(asm(), {hello, []}, ?T)),
          ?EXPECT(?ERROR(config_invalid), gen_server:call(asm(), {list_sessions, not_a_list}, ?T)),
          ?EXPECT(?ERROR(config_invalid), gen_server:call(asm(), {list_sessions, [too, many]}, ?T)),
          not_down(Asm)
      end},
     {"an unknown request to a session gives an error, not a crash", fun() ->
          with_session(fun(Pid, _) ->
              ?EXPECT({error, _}, gen_server:call(Pid, {hello, self()}, ?T)),
              ?EXPECT(healthy, api(health, [Pid]))
          end)
      end},
     {"gen_server:send_request and receive_response", fun() ->
          Id = gen_server:send_request(asm(), {list_sessions, []}),
          ?EXPECT({reply, L} when is_list(L), gen_server:receive_response(Id, ?T))
      end},
     {"requests may be collected out of order", fun() ->
          Ids = [gen_server:send_request(asm(), {health, [<<"no-", (integer_to_binary(N))/binary>>]})
                 || N <- lists:seq(1, 20)],
          [?EXPECT({reply, {unhealthy, not_found}}, gen_server:receive_response(Id, ?T))
           || Id <- lists:reverse(Ids)]
      end},
     {"gen_server:multi_call", fun() ->
          Peer = peer(),
          ?EXPECT({[{Peer, L}], []} when is_list(L),
                  gen_server:multi_call([peer()], asm, {list_sessions, []}, ?T)),
          ?EXPECT({[], [Peer]}, gen_server:multi_call([peer()], nobody_here, hello, ?T))
      end},
     {"a cast is taken and the server goes on", fun() ->
          with_session(fun(Pid, _) ->
              Asm = remote_monitor(asm()),
              ok = gen_server:cast(Pid, {nothing, known}),
              ok = gen_server:cast(asm(), {nothing, known}),
              ok = gen_server:cast({nobody_here, peer()}, hello),
              ok = gen_server:abcast([peer()], asm, hello) =:= abcast andalso ok,
              ?EXPECT(healthy, api(health, [Pid])),
              not_down(Asm)
          end)
      end}].

odd_messages() ->
    [{"the tag of a call is copied back whatever it is", fun() ->
          Ref = make_ref(),
          [begin
               {asm, peer()} ! {'$gen_call', {self(), Tag}, {health, [<<"none">>]}},
               ?EXPECT({Tag, {unhealthy, not_found}}, asm_test:receive_one(?T))
           end || Tag <- [Ref, tag, {a, [tag | improper]}, [1, 2, 3], <<1:3>>, [Ref | x],
                          fun lists:map/2, #{self() => 1.5}, 1 bsl 99, -(1 bsl 70)]]
      end},
     {"an alias inside a longer tag is used", fun() ->
          Alias = erlang:alias(),
          Tag = [[alias | Alias] | more],
          {asm, peer()} ! {'$gen_call', {self(), Tag}, {health, [<<"none">>]}},
          ?EXPECT({Tag, {unhealthy, not_found}}, asm_test:receive_one(?T))
      end},
     {"an answer to an alias that is no more vanishes", fun() ->
          Alias = erlang:alias(),
          erlang:unalias(Alias),
          {asm, peer()} ! {'$gen_call', {self(), [alias | Alias]}, {health, [<<"none">>]}},
          ?EXPECT({unhealthy, not_found}, api(health, [<<"none">>])),
          asm_test:no_message(50)
      end},
     {"messages nobody knows are ignored", fun() ->
          with_session(fun(Pid, _) ->
              Asm = remote_monitor(asm()),
              [begin
                   To ! hello,
                   To ! {'$gen_call', broken},
                   To ! {'$gen_call', {self(), tag} },
                   To ! {'$gen_call', {not_a_pid, tag}, {list_sessions, []}},
                   To ! {'$gen_cast'},
                   To ! {'EXIT', self(), faked},
                   To ! {'DOWN', make_ref(), process, self(), faked},
                   To ! [deep, [#{self() => make_ref()} | improper]]
               end || To <- [Pid, {asm, peer()}, {rex, peer()}, {nobody_here, peer()}]],
              ?EXPECT(healthy, api(health, [Pid])),
              not_down(Asm),
              ?EXPECT(pong, net_adm:ping(peer()))
          end)
      end},
     {"a message to a dead pid is dropped", fun() ->
          dead_pid() ! hello,
          ?EXPECT(pong, net_adm:ping(peer()))
      end},
     {"a group leader is taken without harm", fun() ->
          with_session(fun(Pid, _) ->
              group_leader(self(), Pid),
              ?EXPECT(healthy, api(health, [Pid]))
          end)
      end},
     {"erlang:send with noconnect and nosuspend arrives", fun() ->
          Tag = make_ref(),
          Call = {'$gen_call', {self(), Tag}, {health, [<<"none">>]}},
          ?EXPECT(ok, erlang:send(asm(), Call, [noconnect, nosuspend])),
          ?EXPECT({Tag, {unhealthy, not_found}}, asm_test:receive_one(?T))
      end}].

%%% load

loads() ->
    [{"a binary of 5 MB as an argument is taken", fun() ->
          Big = binary:copy(<<"0123456789abcdef">>, 5 bsl 16),
          ?EXPECT({unhealthy, not_found}, api(health, [Big])),
          ?EXPECT({unhealthy, not_found}, gen_server:call(asm(), {health, [Big]}, ?T))
      end},
     {"a binary of 5 MB comes back as it was sent", fun() ->
          Big = binary:copy(<<"0123456789abcdef">>, 5 bsl 16),
          {asm, peer()} ! {'$gen_call', {self(), {tag, Big}}, {health, [<<"none">>]}},
          ?EXPECT(true, {{tag, Big}, {unhealthy, not_found}} =:= asm_test:receive_one(?T))
      end},
     {"an error says little about a big argument", fun() ->
          Big = binary:copy(<<"0123456789abcdef">>, 5 bsl 16),
          {error, #{message := Text}} = ?EXPECT(?ERROR(_), api(session_info, [Big])),
          ?EXPECT(Size when Size < 4096, byte_size(Text))
      end},
     {"a hundred processes may call at once, each gets its own answers", fun() ->
          Answers = asm_test:parallel(100, fun(N) ->
              [begin
                   Tag = {N, K},
                   {asm, peer()} ! {'$gen_call', {self(), Tag}, {health, [<<"none">>]}},
                   ?EXPECT({Tag, {unhealthy, not_found}}, asm_test:receive_one(?T)),
                   erpc:call(peer(), asm, health, [<<"none">>], ?T)
               end || K <- lists:seq(1, 20)]
          end),
          ?EXPECT([{unhealthy, not_found}], lists:usort(lists:append(Answers)))
      end},
     {"messages of one process keep their order", fun() ->
          [{asm, peer()} ! {'$gen_call', {self(), N}, {health, [<<"none">>]}}
           || N <- lists:seq(1, 2000)],
          [?EXPECT({N, {unhealthy, not_found}}, asm_test:receive_one(?T)) || N <- lists:seq(1, 2000)]
      end}].

%%% the connection itself

reconnection() ->
    [{"monitor_nodes tells of the hidden node's going and coming", fun() ->
          Peer = peer(),
          ok = net_kernel:monitor_nodes(true, [{node_type, hidden}]),
          true = erlang:disconnect_node(Peer),
          ?EXPECT({nodedown, Peer, _}, asm_test:receive_one(?T)),
          ?EXPECT(pong, net_adm:ping(Peer)),
          ?EXPECT({nodeup, Peer, _}, asm_test:receive_one(?T)),
          ok = net_kernel:monitor_nodes(false, [{node_type, hidden}])
      end},
     {"a lost connection gives noconnection to monitors and links", fun() ->
          process_flag(trap_exit, true),
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          link(Pid),
          ByPid = erlang:monitor(process, Pid),
          ByName = erlang:monitor(process, asm()),
          true = erlang:disconnect_node(peer()),
          Got = lists:sort([asm_test:receive_one(?T) || _ <- [1, 2, 3]]),
          Name = asm(),
          Wanted = lists:sort([{'EXIT', Pid, noconnection},
                               {'DOWN', ByPid, process, Pid, noconnection},
                               {'DOWN', ByName, process, Name, noconnection}]),
          ?EXPECT(Wanted, Got),
          %% our link told the session of the loss, too
          asm_test:wait_until(fun() -> {unhealthy, not_alive} =:= api(health, [Pid]) end)
      end},
     {"a session without links survives a lost connection", fun() ->
          with_session(fun(Pid, Id) ->
              erlang:monitor(process, Pid),
              true = erlang:disconnect_node(peer()),
              ?EXPECT({'DOWN', _, process, Pid, noconnection}, asm_test:receive_one(?T)),
              ?EXPECT(healthy, api(health, [Pid])),
              ?EXPECT(Id, api(session_id, [Pid])),
              Ref = erlang:monitor(process, Pid),
              exit(Pid, kill),
              ?EXPECT({'DOWN', Ref, process, Pid, killed}, asm_test:receive_one(?T))
          end)
      end},
     {"the connection may go and come twenty times", fun() ->
          [begin
               true = erlang:disconnect_node(peer()),
               ?EXPECT({unhealthy, not_found}, api(health, [<<"none">>]))
           end || _ <- lists:seq(1, 20)]
      end},
     {"a wrong cookie is refused, and the right one taken after it", fun() ->
          Cookie = erlang:get_cookie(),
          true = erlang:disconnect_node(peer()),
          erlang:set_cookie(peer(), wrong),
          ?EXPECT(pang, net_adm:ping(peer())),
          ?EXPECT(false, net_kernel:connect_node(peer())),
          ?EXPECT_ERROR(error, {erpc, noconnection}, erpc:call(peer(), asm, list_sessions, [], ?T)),
          erlang:set_cookie(peer(), Cookie),
          ?EXPECT(pong, net_adm:ping(peer()))
      end}].
