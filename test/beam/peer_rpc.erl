% SPDX-License-Identifier: MIT
%%
%% Part of peer_test: rpc, erpc and spawn, and that nothing outside the API can be run by them.
-module(peer_rpc).

-export([checks/1]).

-import(peer_node, [peer/0, asm/0, api/2, unique_id/0, with_session/1, dead_pid/0, remote_monitor/1,
                    not_down/1, listed/1]).

-include("peer.hrl").

checks(asmd) ->
    rpcs() ++ spawns() ++ closed_table();
checks(reference) ->
    rpcs() ++ spawns().

%%% rpc and erpc

rpcs() ->
    [{"erpc:call returns the value", fun() ->
          ?EXPECT(L when is_list(L), erpc:call(peer(), asm, list_sessions, [], ?T)),
          ?EXPECT(L when is_list(L), erpc:call(peer(), 'Elixir.ASM', list_sessions, [], ?T))
      end},
     {"rpc:call returns the value", fun() ->
          ?EXPECT(L when is_list(L), rpc:call(peer(), asm, list_sessions, [])),
          ?EXPECT({unhealthy, not_found}, rpc:call(peer(), asm, health, [<<"none">>], ?T))
      end},
     {"erpc:call of what is not exported is undef with the stack's first line", fun() ->
          [?EXPECT_ERROR(error, {exception, undef, [{M, F, A, I} | _]} when is_list(I),
                         erpc:call(peer(), M, F, A, ?T))
           || {M, F, A} <- not_exported()]
      end},
     {"rpc:call of what is not exported is badrpc undef", fun() ->
          [?EXPECT({badrpc, {'EXIT', {undef, [{M, F, A, I} | _]}}} when is_list(I),
                   rpc:call(peer(), M, F, A, ?T))
           || {M, F, A} <- not_exported()]
      end},
     {"erpc:send_request and receive_response", fun() ->
          Id = erpc:send_request(peer(), asm, health, [<<"none">>]),
          ?EXPECT({unhealthy, not_found}, erpc:receive_response(Id, ?T)),
          Undef = erpc:send_request(peer(), asm, nothing, [1]),
          ?EXPECT_ERROR(error, {exception, undef, [{asm, nothing, [1], _} | _]},
                        erpc:receive_response(Undef, ?T))
      end},
     {"erpc request collections", fun() ->
          Ids = lists:foldl(fun(N, Acc) ->
                                erpc:send_request(peer(), asm, health, [integer_to_binary(N)], N, Acc)
                            end, erpc:reqids_new(), lists:seq(1, 10)),
          Labels = collect(Ids, []),
          ?EXPECT([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], lists:sort(Labels))
      end},
     {"erpc:multicall and rpc:multicall", fun() ->
          ?EXPECT([{ok, {unhealthy, not_found}}],
                  erpc:multicall([peer()], asm, health, [<<"none">>], ?T)),
          ?EXPECT([{error, {exception, undef, [{asm, nothing, [], _} | _]}}],
                  erpc:multicall([peer()], asm, nothing, [], ?T)),
          ?EXPECT({[{unhealthy, not_found}], []},
                  rpc:multicall([peer()], asm, health, [<<"none">>], ?T))
      end},
     {"erpc:cast and rpc:cast take effect", fun() ->
          [begin
               Id = unique_id(),
               Cast(peer(), asm, start_session, [[{provider, codex}, {session_id, Id}]]),
               asm_test:wait_until(fun() -> listed(Id) end),
               ok = api(stop_session, [Id])
           end || Cast <- [fun erpc:cast/4, fun rpc:cast/4]]
      end},
     {"erpc:multicast, rpc:eval_everywhere and casts of what is not exported do no harm", fun() ->
          ok = erpc:multicast([peer()], asm, nothing, []),
          abcast = rpc:eval_everywhere([peer()], asm, nothing, []),
          ok = erpc:cast(peer(), asm, nothing, []),
          true = rpc:cast(peer(), asm, nothing, []),
          ?EXPECT(pong, net_adm:ping(peer()))
      end},
     {"rpc:async_call and yield", fun() ->
          Key = rpc:async_call(peer(), asm, health, [<<"none">>]),
          ?EXPECT({unhealthy, not_found}, rpc:yield(Key))
      end},
     {"rpc:block_call goes through rex", fun() ->
          ?EXPECT({unhealthy, not_found}, rpc:block_call(peer(), asm, health, [<<"none">>])),
          ?EXPECT({badrpc, {'EXIT', {undef, [{asm, nothing, [], _} | _]}}},
                  rpc:block_call(peer(), asm, nothing, []))
      end},
     {"rex answers a gen_server:call as older peers send it", fun() ->
          ?EXPECT({unhealthy, not_found},
                  gen_server:call({rex, peer()}, {call, asm, health, [<<"none">>], user}, ?T)),
          ?EXPECT({badrpc, {'EXIT', {undef, _}}},
                  gen_server:call({rex, peer()}, {call, asm, nothing, [], user}, ?T))
      end},
     {"the same error whichever way a call comes", fun() ->
          [begin
               Args = [BadArgument],
               Error = ?EXPECT({error, #{'__struct__' := 'Elixir.ASM.Error'}},
                               erpc:call(peer(), asm, F, Args, ?T)),
               ?EXPECT(Error, erpc:call(peer(), 'Elixir.ASM', F, Args, ?T)),
               ?EXPECT(Error, gen_server:call(asm(), {F, Args}, ?T)),
               ?EXPECT(Error, rpc:call(peer(), asm, F, Args, ?T))
           end || {F, BadArgument} <- [{start_session, not_options},
                                       {start_session, [{provider, no_such_provider}]},
                                       {start_session, [{provider, 17}]},
                                       {session_info, <<"no such session">>},
                                       {stop_session, <<"no such session">>}]]
      end}].

collect(Ids, Labels) ->
    case erpc:receive_response(Ids, ?T, true) of
        {{unhealthy, not_found}, Label, Rest} -> collect(Rest, [Label | Labels]);
        no_request -> Labels
    end.

not_exported() ->
    [{asm, nothing, []}, {asm, start_session, [1, 2, 3, 4]}, {'Elixir.ASM', nothing, [self(), 1.5]},
     {no_such_module, f, [#{a => make_ref()}]}, {'Elixir.No.Such', f, []}].

%%% spawn

spawns() ->
    [{"spawn_monitor of what is not exported ends with undef", fun() ->
          [begin
               {Pid, Ref} = spawn_monitor(peer(), M, F, A),
               ?EXPECT({'DOWN', Ref, process, Pid, {undef, [{M, F, A, I} | _]}} when is_list(I),
                       asm_test:receive_one(?T)),
               ?EXPECT(Node when Node =:= node(Pid), peer())
           end || {M, F, A} <- not_exported()]
      end},
     {"spawn_link of what is not exported ends with undef", fun() ->
          process_flag(trap_exit, true),
          Pid = spawn_link(peer(), asm, nothing, [1]),
          ?EXPECT({'EXIT', Pid, {undef, [{asm, nothing, [1], _} | _]}}, asm_test:receive_one(?T))
      end},
     {"spawn of what is not exported gives a pid that is dead", fun() ->
          Pid = spawn(peer(), asm, nothing, []),
          ?EXPECT(P when P =:= node(Pid), peer()),
          Ref = erlang:monitor(process, Pid),
          ?EXPECT({'DOWN', Ref, process, Pid, R} when R =:= noproc; element(1, R) =:= undef,
                  asm_test:receive_one(?T))
      end},
     {"spawn_request replies first, then monitors", fun() ->
          Id = spawn_request(peer(), asm, nothing, [], [monitor]),
          {spawn_reply, _, _, Pid} = ?EXPECT({spawn_reply, Id, ok, P} when is_pid(P),
                                             asm_test:receive_one(?T)),
          ?EXPECT({'DOWN', Id, process, Pid, {undef, _}}, asm_test:receive_one(?T))
      end},
     {"spawn_request without a reply, and with errors only", fun() ->
          Id = spawn_request(peer(), asm, nothing, [], [monitor, {reply, error_only}]),
          ?EXPECT({'DOWN', Id, process, _, {undef, _}}, asm_test:receive_one(?T)),
          _ = spawn_request(peer(), asm, nothing, [], [{reply, no}]),
          asm_test:no_message(50)
      end},
     {"spawn_opt with link and monitor", fun() ->
          process_flag(trap_exit, true),
          {Pid, Ref} = erlang:spawn_opt(peer(), asm, nothing, [], [link, monitor]),
          Got = lists:sort([asm_test:receive_one(?T), asm_test:receive_one(?T)]),
          ?EXPECT([{'EXIT', Pid, {undef, _}}, {'DOWN', Ref, process, Pid, {undef, _}}], Got)
      end},
     {"a spawned function of the API runs and ends normally", fun() ->
          {Pid, Ref} = spawn_monitor(peer(), asm, list_sessions, []),
          ?EXPECT({'DOWN', Ref, process, Pid, normal}, asm_test:receive_one(?T))
      end},
     {"a hundred spawn requests may be open at once", fun() ->
          Refs = [element(2, spawn_monitor(peer(), asm, nothing, [N])) || N <- lists:seq(1, 100)],
          [receive {'DOWN', Ref, process, _, {undef, _}} -> ok
           after ?T -> throw({unexpected, "a DOWN for each", none}) end || Ref <- Refs]
      end}].

%%% what a BEAM would run, and asmd must not

closed_table() ->
    Probe = filename:join(os:getenv("ASM_TMP", "/tmp"), "asm-peer-test-" ++ os:getpid()),
    Touch = "touch " ++ Probe,
    Dangerous = [{os, cmd, [Touch]}, {erlang, apply, [os, cmd, [Touch]]}, {erlang, node, []},
                 {erlang, apply, [fun() -> ok end, []]}, {file, write_file, [Probe, <<>>]},
                 {init, stop, []}, {erlang, halt, []}, {erpc, execute_call, [make_ref(), os, cmd, [Touch]]},
                 {rpc, call, [node(), os, cmd, [Touch]]}, {code, load_binary, [x, "x", <<>>]},
                 {erlang, open_port, [{spawn, Touch}, []]}, {'Elixir.System', cmd, [<<"touch">>, [Probe]]}],
    Untouched = fun() -> ?EXPECT(false, filelib:is_file(Probe)) end,
    [{"rpc and erpc run nothing outside the table", fun() ->
          [begin
               ?EXPECT_ERROR(error, {exception, undef, [{M, F, A, _} | _]},
                             erpc:call(peer(), M, F, A, ?T)),
               ?EXPECT({badrpc, {'EXIT', {undef, _}}}, rpc:call(peer(), M, F, A, ?T)),
               ?EXPECT({badrpc, {'EXIT', {undef, _}}}, rpc:block_call(peer(), M, F, A))
           end || {M, F, A} <- Dangerous],
          Untouched()
      end},
     {"spawns run nothing outside the table", fun() ->
          [begin
               {Pid, Ref} = spawn_monitor(peer(), M, F, A),
               ?EXPECT({'DOWN', Ref, process, Pid, {undef, [{M, F, A, _} | _]}},
                       asm_test:receive_one(?T))
           end || {M, F, A} <- Dangerous, M =/= erpc],
          %% this one is how erpc:call itself comes in
          Tag = make_ref(),
          {Pid, Ref} = spawn_monitor(peer(), erpc, execute_call, [Tag, os, cmd, [Touch]]),
          ?EXPECT({'DOWN', Ref, process, Pid, {Tag, error, undef, [{os, cmd, [Touch], _} | _]}},
                  asm_test:receive_one(?T)),
          Untouched()
      end},
     {"a fun is not run, whichever way it comes", fun() ->
          Fun = fun() -> file:write_file(Probe, <<>>) end,
          ?EXPECT_ERROR(error, {exception, undef, _}, erpc:call(peer(), Fun, ?T)),
          {Pid, Ref} = spawn_monitor(peer(), Fun),
          ?EXPECT({'DOWN', Ref, process, Pid, {undef, _}}, asm_test:receive_one(?T)),
          ?EXPECT(?ERROR(config_invalid), gen_server:call(asm(), {start_session, [Fun]}, ?T)),
          Untouched()
      end},
     {"casts run nothing outside the table", fun() ->
          [erpc:cast(peer(), M, F, A) || {M, F, A} <- Dangerous],
          [rpc:cast(peer(), M, F, A) || {M, F, A} <- Dangerous],
          ?EXPECT(pong, net_adm:ping(peer())),
          Untouched()
      end},
     {"messages that break a BEAM's servers are ignored, too", fun() ->
          with_session(fun(Pid, _) ->
              Asm = remote_monitor(asm()),
              [begin
                   To ! {system, broken, get_state},
                   To ! {system, {self(), make_ref()}},
                   To ! {'$gen_call', {self(), make_ref(), more}, {list_sessions, []}},
                   To ! {'$gen_call', {self(), make_ref()}, {list_sessions, []}, more},
                   To ! {'EXIT', self(), faked}
               end || To <- [Pid, {asm, peer()}, {rex, peer()}, {net_kernel, peer()}]],
              ?EXPECT(healthy, api(health, [Pid])),
              not_down(Asm),
              ?EXPECT(pong, net_adm:ping(peer()))
          end)
      end},
     {"sys:replace_state runs no fun and does no harm", fun() ->
          with_session(fun(Pid, _) ->
              try sys:replace_state(Pid, fun(_) -> file:write_file(Probe, <<>>) end, ?T)
              catch _:_ -> refused
              end,
              asm_test:flush(),
              ?EXPECT(healthy, api(health, [Pid])),
              Untouched()
          end)
      end}].
