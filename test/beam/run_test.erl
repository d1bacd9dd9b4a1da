%% SPDX-License-Identifier: MIT
%%
%% Runs on a remote node (fake_host): what query gives, what a subscriber of stream sees, how runs
%% end, and that no session stays on the host, however its run ended.
%%
%%   run_test:main([Node, Host])
-module(run_test).

-export([main/1]).

-include("asm_test.hrl").

-define(T, 10000).
-define(ERROR(Kind), {error, #{'__struct__' := 'Elixir.ASM.Error', '__exception__' := true,
                               kind := Kind, domain := _, message := <<_, _/binary>>}}).

main([NodeText, HostText]) ->
    persistent_term:put(node, list_to_atom(NodeText)),
    persistent_term:put(host, list_to_atom(HostText)),
    asm_test:main(run_test, queries() ++ streams() ++ admissions() ++ interrupts() ++ failures() ++ ends()).

queries() ->
    [{"query gives the result of the run", fun() ->
          {ok, Result} = ?EXPECT({ok, #{'__struct__' := 'Elixir.ASM.Result', error := nil}},
                                 api(query, [codex, <<"events 12">>, remote()])),
          Text = binary:copy(<<"word ">>, 10),
          ?EXPECT(#{text := Text, stop_reason := end_turn, session_id_from_cli := <<"fake-1">>,
                    run_id := <<_:26/binary>>, session_id := <<_, _/binary>>,
                    cost := #{input_tokens := _, output_tokens := _}, messages := [_ | _]}, Result)
      end},
     {"a result says where it ran", fun() ->
          {ok, #{metadata := Metadata}} = api(query, [codex, <<"events 3">>, remote()]),
          ?EXPECT(#{requested_lane := auto, preferred_lane := core, lane := core,
                    backend := 'Elixir.ASM.ProviderBackend.Core', execution_mode := remote_node,
                    lane_fallback_reason := nil, provider := codex}, Metadata)
      end},
     {"query by provider, by session pid and by session id", fun() ->
          with_session(fun(Pid, Id) ->
              [?EXPECT({ok, #{error := nil}}, api(query, [Whom, <<"events 3">>, remote()]))
               || Whom <- [Pid, Id, codex, claude]]
          end)
      end},
     {"query by erpc, Elixir's ASM and gen_server:call is the same", fun() ->
          Args = [codex, <<"events 4">>, remote()],
          Texts = [begin
                       {ok, #{text := Text}} = ?EXPECT({ok, #{error := nil}}, Answer),
                       Text
                   end || Answer <- [erpc:call(node_(), asm, query, Args, ?T),
                                     erpc:call(node_(), 'Elixir.ASM', query, Args, ?T),
                                     rpc:call(node_(), asm, query, Args, ?T),
                                     gen_server:call({asm, node_()}, {query, Args}, ?T)]],
          ?EXPECT([<<"word word ">>], lists:usort(Texts))
      end},
     {"session options serve its runs, and a run's own win", fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex} | remote()]]),
          ?EXPECT({ok, _}, api(query, [Pid, <<"events 3">>])),
          ?EXPECT(?ERROR(connection_failed),
                  api(query, [Pid, <<"events 3">>, [{remote_node, 'nobody@127.0.0.1'}]])),
          ok = api(stop_session, [Pid])
      end},
     {"options of the remote node may come in driver_opts", fun() ->
          ?EXPECT({ok, _}, api(query, [codex, <<"events 3">>, [{execution_mode, remote_node},
                                                               {driver_opts, [{remote_node, host()}]}]]))
      end},
     {"what a run costs is added to its session", fun() ->
          with_session(fun(Pid, _) ->
              {ok, _} = api(query, [Pid, <<"events 3">>, remote()]),
              ?EXPECT(#{input_tokens := _, output_tokens := _, cost_usd := _}, api(cost, [Pid]))
          end)
      end},
     {"a query that its caller gives up goes on and ends, as on a BEAM", fun() ->
          ?EXPECT_ERROR(error, {erpc, timeout},
                        erpc:call(node_(), asm, query, [codex, <<"paced 5 100">>, remote()], 100)),
          asm_test:no_message(600),
          host_is_empty()
      end}].

streams() ->
    [{"stream sends the events of the run, then done", fun() ->
          with_session(fun(Pid, Id) ->
              {ok, Run} = ?EXPECT({ok, <<_:26/binary>>}, api(stream, [Pid, <<"events 5">>, remote()])),
              Events = follow(Run),
              ?EXPECT([run_started, assistant_delta, assistant_delta, assistant_delta, result | _],
                      [maps:get(kind, Event) || Event <- Events]),
              [?EXPECT(#{'__struct__' := 'Elixir.ASM.Event', run_id := Run, session_id := Id,
                         provider := codex, id := <<_:26/binary>>, timestamp := #{}, payload := #{},
                         metadata := #{lane := core, execution_mode := remote_node}}, Event)
               || Event <- Events],
              Sequences = [maps:get(sequence, Event) || Event <- Events],
              ?EXPECT(Sequences, lists:usort(Sequences)),
              asm_test:no_message(50)
          end)
      end},
     {"the payload of an event is the host's", fun() ->
          with_session(fun(Pid, _) ->
              {ok, Run} = api(stream, [Pid, <<"events 3">>, remote()]),
              [_, Delta | _] = follow(Run),
              Core = fake_host:event(codex, 2, assistant_delta, #{content => <<"word ">>, index => 0}),
              Payload = maps:get(payload, Core),
              ?EXPECT(#{payload := Payload, core_event := Core, provider_session_id := <<"fake-1">>}, Delta)
          end)
      end},
     {"stream by gen_server:call sends to the caller", fun() ->
          with_session(fun(Pid, _) ->
              {ok, Run} = gen_server:call({asm, node_()}, {stream, [Pid, <<"events 3">>, remote()]}, ?T),
              ?EXPECT([_, _, _ | _], follow(Run))
          end)
      end},
     {"stream sends to the subscriber in the options", fun() ->
          with_session(fun(Pid, _) ->
              Self = self(),
              Other = spawn_link(fun() -> receive Run -> Self ! {seen, follow(Run)} end end),
              {ok, Run} = api(stream, [Pid, <<"events 3">>, [{subscriber, Other} | remote()]]),
              Other ! Run,
              receive {seen, Events} -> ?EXPECT([_, _, _ | _], Events) end,
              asm_test:no_message(20)
          end)
      end},
     {"a run goes on when its subscriber is gone, and ends", fun() ->
          with_session(fun(Pid, _) ->
              Gone = spawn(fun() -> ok end),
              {ok, _} = api(stream, [Pid, <<"paced 5 20">>, [{subscriber, Gone} | remote()]]),
              host_is_empty()
          end)
      end}].

admissions() ->
    [{"a second run of a session waits for the first", fun() ->
          with_session(fun(Pid, _) ->
              {ok, First} = api(stream, [Pid, <<"paced 5 20">>, remote()]),
              {ok, Second} = api(stream, [Pid, <<"events 3">>, remote()]),
              Done = [receive {asm_run_done, Run} -> Run after ?T -> none end || _ <- [1, 2]],
              ?EXPECT([First, Second], Done),
              asm_test:flush()
          end)
      end},
     {"a run over the queue's limit is refused with at_capacity", fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex}, {max_queued_runs, 2} | remote()]]),
          {ok, Active} = api(stream, [Pid, <<"silent">>]),
          {ok, _} = api(stream, [Pid, <<"silent">>]),
          {ok, _} = api(stream, [Pid, <<"silent">>]),
          ?EXPECT(?ERROR(at_capacity), api(stream, [Pid, <<"silent">>])),
          ?EXPECT(ok, api(interrupt, [Pid, Active])),
          receive {asm_run_done, Active} -> ok after ?T -> throw({unexpected, done, none}) end,
          ?EXPECT({ok, _}, api(stream, [Pid, <<"silent">>])),
          ok = api(stop_session, [Pid]),
          asm_test:flush(),
          host_is_empty()
      end},
     {"a queued run can be interrupted", fun() ->
          with_session(fun(Pid, _) ->
              {ok, Active} = api(stream, [Pid, <<"silent">>, remote()]),
              {ok, Queued} = api(stream, [Pid, <<"events 3">>, remote()]),
              ?EXPECT(ok, api(interrupt, [Pid, Queued])),
              ?EXPECT(ok, api(interrupt, [Pid, Active])),
              receive {asm_run_done, Active} -> ok after ?T -> throw({unexpected, done, none}) end,
              asm_test:flush()
          end)
      end},
     {"ten sessions run at the same time", fun() ->
          Answers = asm_test:parallel(10, fun(_) -> api(query, [codex, <<"paced 6 20">>, remote()]) end),
          [?EXPECT({ok, #{text := <<"word word word word ">>}}, Answer) || Answer <- Answers]
      end}].

interrupts() ->
    [{"interrupt ends a run with user_cancelled", fun() ->
          with_session(fun(Pid, _) ->
              {ok, Run} = api(stream, [Pid, <<"silent">>, remote()]),
              receive {asm_run_event, Run, #{kind := run_started}} -> ok after ?T -> throw({unexpected, start, none}) end,
              ?EXPECT(ok, api(interrupt, [Pid, Run])),
              [#{payload := Payload} | _] = [E || #{kind := error} = E <- follow(Run)],
              ?EXPECT(#{code := <<"user_cancelled">>, severity := warning}, Payload),
              ?EXPECT(?ERROR(unknown), api(interrupt, [Pid, Run])),
              host_is_empty()
          end)
      end},
     {"interrupt ends a flood", fun() ->
          with_session(fun(Pid, _) ->
              Self = self(),
              Sink = spawn_link(fun() -> sink(Self) end),
              {ok, Run} = api(stream, [Pid, <<"flood">>, [{subscriber, Sink} | remote()]]),
              timer:sleep(300),
              ?EXPECT(ok, api(interrupt, [Pid, Run])),
              receive {done, Run, N} -> ?EXPECT(Many when Many > 10, N)
              after ?T -> throw({unexpected, "the end of the flood", none}) end,
              host_is_empty()
          end)
      end},
     {"a query that is interrupted is an error", fun() ->
          with_session(fun(Pid, _) ->
              Request = erpc:send_request(node_(), asm, query,
                                          [Pid, <<"silent">>, [{run_id, <<"01ARZ3NDEKTSV4RRFFQ69G5FAV">>} | remote()]]),
              asm_test:wait_until(fun() -> ok =:= api(interrupt, [Pid, <<"01ARZ3NDEKTSV4RRFFQ69G5FAV">>]) end),
              ?EXPECT(?ERROR(user_cancelled), erpc:receive_response(Request, ?T))
          end)
      end}].

failures() ->
    [{"an error event ends the run with that error", fun() ->
          {error, #{message := Text}} =
              ?EXPECT(?ERROR(rate_limit), api(query, [codex, <<"error rate_limit slow down">>, remote()])),
          ?EXPECT(<<"slow down">>, Text)
      end},
     {"a backend that crashes ends the run with transport_error", fun() ->
          {error, #{message := Text}} =
              ?EXPECT(?ERROR(transport_error), api(query, [codex, <<"crash">>, remote()])),
          contains(Text, "backend crashed: .*crashed")
      end},
     {"a host that refuses to start says why", fun() ->
          {error, Error} = ?EXPECT(?ERROR(connection_failed), api(query, [codex, <<"refuse">>, remote()])),
          ?EXPECT(#{message := <<"remote backend start failed: ", _/binary>>, cause := _, domain := runtime}, Error)
      end},
     {"a node that is not there is connection_failed, at once", fun() ->
          {Us, Answer} = timer:tc(fun() ->
              api(query, [codex, <<"events 3">>, [{execution_mode, remote_node},
                                                  {remote_node, 'nobody@127.0.0.1'}]])
          end),
          {error, #{message := Text}} = ?EXPECT(?ERROR(connection_failed), Answer),
          contains(Text, "remote connect failed.*nobody@127.0.0.1"),
          ?EXPECT(Short when Short < 5000000, Us)
      end},
     {"a node without a backend host is not ready", fun() ->
          {error, #{message := Text}} =
              ?EXPECT(?ERROR(connection_failed),
                      api(query, [codex, <<"events 3">>, [{execution_mode, remote_node},
                                                          {remote_node, node()}]])),
          contains(Text, "remote preflight failed.*is not ready")
      end},
     {"the deadline of a run ends it with timeout", fun() ->
          {error, #{message := Text}} =
              ?EXPECT(?ERROR(timeout), api(query, [codex, <<"silent">>, [{run_deadline_ms, 200} | remote()]])),
          contains(Text, "deadline of 200ms"),
          host_is_empty()
      end},
     {"a stream that falls silent ends with timeout", fun() ->
          ?EXPECT(?ERROR(timeout), api(query, [codex, <<"silent">>, [{stream_timeout_ms, 200} | remote()]])),
          host_is_empty()
      end}].

ends() ->
    [{"stop_session closes the runs of the session", fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          {ok, Run} = api(stream, [Pid, <<"silent">>, remote()]),
          receive {asm_run_event, Run, _} -> ok after ?T -> throw({unexpected, start, none}) end,
          ok = api(stop_session, [Pid]),
          receive {asm_run_done, Run} -> ok after ?T -> throw({unexpected, done, none}) end,
          host_is_empty()
      end},
     {"the kill of a session closes its runs", fun() ->
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          {ok, Run} = api(stream, [Pid, <<"silent">>, remote()]),
          receive {asm_run_event, Run, _} -> ok after ?T -> throw({unexpected, start, none}) end,
          exit(Pid, kill),
          host_is_empty()
      end},
     {"a lost host ends its runs with an error", fun() ->
          with_session(fun(Pid, _) ->
              {ok, Run} = api(stream, [Pid, <<"silent">>, remote()]),
              receive {asm_run_event, Run, _} -> ok after ?T -> throw({unexpected, start, none}) end,
              %% what the host loses before the daemon's link is there, stays there
              asm_test:wait_until(fun host_is_linked/0),
              erpc:call(host(), erlang, disconnect_node, [node_()]),
              Errors = [P || #{kind := error, payload := P} <- follow(Run)],
              ?EXPECT([#{code := _, message := _} | _], Errors),
              ?EXPECT({ok, _}, api(query, [Pid, <<"events 3">>, remote()])),
              host_is_empty()
          end)
      end}].

%%% helpers

contains(Text, Regex) ->
    case re:run(Text, Regex, [{capture, none}]) of
        match -> ok;
        nomatch -> throw({unexpected, "a match of " ++ Regex, Text})
    end.

node_() -> persistent_term:get(node).
host() -> persistent_term:get(host).
remote() -> [{execution_mode, remote_node}, {remote_node, host()}].

api(F, Args) ->
    erpc:call(node_(), asm, F, Args, ?T).

with_session(Fun) ->
    {ok, Pid} = api(start_session, [[{provider, codex}]]),
    Id = api(session_id, [Pid]),
    try
        Fun(Pid, Id)
    after
        exit(Pid, kill)
    end.

follow(Run) ->
    receive
        {asm_run_event, Run, Event} -> [Event | follow(Run)];
        {asm_run_done, Run} -> []
    after ?T ->
        throw({unexpected, "the end of the run", process_info(self(), messages)})
    end.

sink(Owner) ->
    sink(Owner, 0).

sink(Owner, N) ->
    receive
        {asm_run_event, _, _} -> sink(Owner, N + 1);
        {asm_run_done, Run} -> Owner ! {done, Run, N}
    end.

host_is_linked() ->
    [Session] = erpc:call(host(), fake_host, sessions, []),
    erpc:call(host(), erlang, process_info, [Session, links]) =/= {links, []}.

host_is_empty() ->
    asm_test:wait_until(fun() -> erpc:call(host(), fake_host, sessions, []) =:= [] end).
