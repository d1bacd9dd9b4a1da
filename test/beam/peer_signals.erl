% SPDX-License-Identifier: MIT
%%
%% Part of peer_test: monitors, links, exits and system messages.
-module(peer_signals).

-export([checks/0]).

-import(peer_node, [peer/0, asm/0, api/2, unique_id/0, with_session/1, dead_pid/0, remote_monitor/1,
                    not_down/1, listed/1]).

-include("peer.hrl").

checks() ->
    monitors() ++ links() ++ exits() ++ sys().

%%% monitors

monitors() ->
    [{"DOWN comes with the server's reason while the connection stays", fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          Node = remote_monitor(asm()),
          Ref = erlang:monitor(process, Pid),
          ok = api(stop_session, [Pid]),
          ?EXPECT({'DOWN', Ref, process, Pid, normal}, asm_test:receive_one(?T)),
          not_down(Node)
      end},
     {"a monitor on an unknown name gives noproc", fun() ->
          Ref = erlang:monitor(process, {nobody_here, peer()}),
          Object = {nobody_here, peer()},
          ?EXPECT({'DOWN', Ref, process, Object, noproc}, asm_test:receive_one(?T))
      end},
     {"a monitor on a dead pid gives noproc", fun() ->
          Pid = dead_pid(),
          Ref = erlang:monitor(process, Pid),
          ?EXPECT({'DOWN', Ref, process, Pid, noproc}, asm_test:receive_one(?T))
      end},
     {"each of several monitors gets its DOWN", fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          Refs = lists:sort([erlang:monitor(process, Pid) || _ <- lists:seq(1, 10)]),
          exit(Pid, kill),
          Got = [receive {'DOWN', R, process, Pid, killed} -> R after ?T -> none end || _ <- Refs],
          ?EXPECT(Refs, lists:sort(Got)),
          asm_test:no_message(20)
      end},
     {"demonitor ends a monitor by pid and one by name", fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          Ref = erlang:monitor(process, Pid),
          Named = erlang:monitor(process, asm()),
          ?EXPECT(true, erlang:demonitor(Ref, [info])),
          ?EXPECT(true, erlang:demonitor(Named, [info])),
          ok = api(stop_session, [Pid]),
          ?EXPECT({unhealthy, _}, api(health, [Pid])),
          asm_test:no_message(50)
      end},
     {"a monitor with an alias and a tag of its own", fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          Ref = erlang:monitor(process, Pid, [{alias, reply_demonitor}, {tag, {gone, 1}}]),
          exit(Pid, {because, [1.5, <<"x">>]}),
          ?EXPECT({{gone, 1}, Ref, process, Pid, {because, [1.5, <<"x">>]}},
                  asm_test:receive_one(?T))
      end},
     {"many monitors may come and go", fun() ->
          with_session(fun(Pid, _) ->
              asm_test:parallel(20, fun(_) ->
                  [erlang:demonitor(erlang:monitor(process, Pid)) || _ <- lists:seq(1, 50)]
              end),
              Ref = erlang:monitor(process, Pid),
              exit(Pid, kill),
              ?EXPECT({'DOWN', Ref, process, Pid, killed}, asm_test:receive_one(?T)),
              asm_test:no_message(20)
          end)
      end}].

%%% links

links() ->
    [{"a linked process gets the exit of a session", fun() ->
          process_flag(trap_exit, true),
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          link(Pid),
          exit(Pid, kill),
          ?EXPECT({'EXIT', Pid, killed}, asm_test:receive_one(?T))
      end},
     {"a linked process gets the normal end of a session", fun() ->
          process_flag(trap_exit, true),
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          link(Pid),
          ok = api(stop_session, [Pid]),
          ?EXPECT({'EXIT', Pid, normal}, asm_test:receive_one(?T))
      end},
     {"a session gets the exit of a linked process", fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          Ref = erlang:monitor(process, Pid),
          spawn(fun() -> link(Pid), exit({linked, end_of}) end),
          ?EXPECT({'DOWN', Ref, process, Pid, {linked, end_of}}, asm_test:receive_one(?T))
      end},
     {"a session survives the normal end of a linked process", fun() ->
          with_session(fun(Pid, _) ->
              {Linked, Ref} = spawn_monitor(fun() -> link(Pid), api(health, [Pid]) end),
              ?EXPECT({'DOWN', Ref, process, Linked, normal}, asm_test:receive_one(?T)),
              ?EXPECT(healthy, api(health, [Pid]))
          end)
      end},
     {"an unlinked process takes nothing with it", fun() ->
          with_session(fun(Pid, _) ->
              {Linked, Ref} = spawn_monitor(fun() -> link(Pid), unlink(Pid), exit(oops) end),
              ?EXPECT({'DOWN', Ref, process, Linked, oops}, asm_test:receive_one(?T)),
              ?EXPECT(healthy, api(health, [Pid]))
          end)
      end},
     {"link and unlink may change as fast as they like", fun() ->
          process_flag(trap_exit, true),
          with_session(fun(Pid, _) ->
              [begin link(Pid), unlink(Pid) end || _ <- lists:seq(1, 200)],
              ?EXPECT(healthy, api(health, [Pid])),
              [begin link(Pid), unlink(Pid) end || _ <- lists:seq(1, 200)],
              link(Pid),
              exit(Pid, kill),
              ?EXPECT({'EXIT', Pid, killed}, asm_test:receive_one(?T)),
              asm_test:no_message(20)
          end)
      end},
     {"a link to a dead pid gives noproc", fun() ->
          process_flag(trap_exit, true),
          Pid = dead_pid(),
          link(Pid),
          ?EXPECT({'EXIT', Pid, noproc}, asm_test:receive_one(?T))
      end},
     {"two linked processes both get the exit", fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          Self = self(),
          Refs = [begin
                      {_, Ref} = spawn_monitor(fun() ->
                          link(Pid), api(health, [Pid]), Self ! linked, receive never -> ok end
                      end),
                      Ref
                  end || _ <- [1, 2]],
          [receive linked -> ok after ?T -> throw({unexpected, "two links", none}) end || _ <- Refs],
          exit(Pid, boom),
          [receive {'DOWN', Ref, process, _, Reason} -> ?EXPECT(boom, Reason)
           after ?T -> throw({unexpected, "both to end", none}) end || Ref <- Refs]
      end}].

exits() ->
    [{"exit(Pid, normal) is ignored", fun() ->
          with_session(fun(Pid, _) ->
              exit(Pid, normal),
              ?EXPECT(healthy, api(health, [Pid]))
          end)
      end}]
    ++
    [{lists:flatten(io_lib:format("exit(Pid, ~p) ends a session with ~p", [Reason, Seen])), fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          Ref = erlang:monitor(process, Pid),
          exit(Pid, Reason),
          ?EXPECT({'DOWN', Ref, process, Pid, Seen}, asm_test:receive_one(?T)),
          ?EXPECT({unhealthy, _}, api(health, [Pid]))
      end} || {Reason, Seen} <- [{kill, killed}, {shutdown, shutdown}, {{shutdown, #{a => [b | c]}},
                                 {shutdown, #{a => [b | c]}}}, {<<"text">>, <<"text">>}]]
    ++
    [{"exit to a dead pid is dropped", fun() ->
          exit(dead_pid(), kill),
          ?EXPECT(pong, net_adm:ping(peer()))
      end}].

%%% system messages

sys() ->
    [{"sys:get_state", fun() ->
          with_session(fun(Pid, _) ->
              ?EXPECT(S when is_map(S), sys:get_state(Pid, ?T)),
              _ = sys:get_state(asm(), ?T)
          end)
      end},
     {"sys:get_status", fun() ->
          with_session(fun(Pid, _) ->
              ?EXPECT({status, Pid, {module, M}, [PDict, running, _, Debug, _]}
                        when is_atom(M) andalso is_list(PDict) andalso is_list(Debug),
                      sys:get_status(Pid, ?T)),
              ?EXPECT({status, P, {module, _}, [_, running, _, _, _]} when is_pid(P),
                      sys:get_status(asm(), ?T))
          end)
      end},
     {"sys:suspend holds calls back, sys:resume lets them go", fun() ->
          with_session(fun(Pid, _) ->
              ok = sys:suspend(Pid, ?T),
              ?EXPECT({status, _, _, [_, suspended, _, _, _]}, sys:get_status(Pid, ?T)),
              Id = gen_server:send_request(Pid, get_state),
              ?EXPECT(timeout, gen_server:wait_response(Id, 50)),
              ok = sys:resume(Pid, ?T),
              ?EXPECT({reply, S} when is_map(S), gen_server:wait_response(Id, ?T))
          end)
      end},
     {"an unknown system message is answered as OTP does", fun() ->
          with_session(fun(Pid, _) ->
              Ref = make_ref(),
              Pid ! {system, {self(), Ref}, {never, heard}},
              ?EXPECT({Ref, {error, {unknown_system_msg, {never, heard}}}},
                      asm_test:receive_one(?T))
          end)
      end},
     {"debug options are answered", fun() ->
          with_session(fun(Pid, _) ->
              ?EXPECT(ok, sys:no_debug(Pid, ?T)),
              ?EXPECT(healthy, api(health, [Pid]))
          end)
      end},
     {"sys:terminate ends a session with the reason given", fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          Ref = erlang:monitor(process, Pid),
          ?EXPECT(ok, sys:terminate(Pid, {shutdown, test}, ?T)),
          ?EXPECT({'DOWN', Ref, process, Pid, {shutdown, test}}, asm_test:receive_one(?T))
      end},
     {"gen_server:stop, as GenServer.stop, ends a session", fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          Ref = erlang:monitor(process, Pid),
          ?EXPECT(ok, gen_server:stop(Pid)),
          ?EXPECT({'DOWN', Ref, process, Pid, normal}, asm_test:receive_one(?T)),
          {ok, Other} = api(start_session, [[{provider, codex}]]),
          ?EXPECT(ok, gen_server:stop(Other, shutdown, ?T)),
          ?EXPECT_ERROR(exit, noproc, gen_server:stop(Other, normal, ?T))
      end},
     {"a stopped session is listed no more", fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          Id = api(session_id, [Pid]),
          ?EXPECT(true, listed(Id)),
          exit(Pid, kill),
          asm_test:wait_until(fun() -> not listed(Id) end)
      end}].
