%% SPDX-License-Identifier: MIT
%%
%% Taking part in runs of a remote node (fake_host): approvals, interrupts, pause and resume, the order
%% of waiting runs, owners, the allowed tools.
%%
%%   control_test:main([Daemon, Host])
-module(control_test).

-export([main/1]).

-include("run_support.hrl").

-import(run_support, [api/2, begin_run/3, contains/2, daemon/0, done/1, event/2, follow/1, host_has/1,
                      is_at_rest/0, kinds/1, last_options/0, remote/0, remote/1, starts/0,
                      with_session/2, with_session/3]).

-define(T, 20000).
-define(LONG_MS, 60000).

main([Daemon, Host]) ->
    run_support:setup(Daemon, Host),
    Checks = approvals() ++ ends_of_approvals() ++ interrupts() ++ continuations() ++ admissions()
        ++ owners() ++ tools(),
    asm_test:main(control_test, [{Name, Fun, ?LONG_MS} || {Name, Fun} <- Checks]
                  ++ [{"at the end no run, no session is left", fun run_support:is_at_rest/0}]).

approvals() ->
    [{"an approval is asked for, listed, allowed, told to the backend, in this order", fun() ->
          with_session(claude, fun(Session) ->
              Run = begin_run(Session, <<"ask a1">>, []),
              ?EXPECT(#{approval_id := <<"a1">>, subject := <<"Bash">>}, event(Run, approval_requested)),
              ?EXPECT({ok, [#{approval_id := <<"a1">>, run_id := Run, subject := <<"Bash">>,
                              details := #{<<"tool_input">> := _},
                              requested_at := #{'__struct__' := 'Elixir.DateTime'}}]},
                      api(approvals, [Session])),
              ?EXPECT(ok, api(approve, [Session, <<"a1">>, allow])),
              ?EXPECT({ok, []}, api(approvals, [Session])),
              ?EXPECT(#{approval_id := <<"a1">>, decision := allow, reason := nil},
                      event(Run, approval_resolved)),
              ?EXPECT(#{content := <<"a1 allow nil ">>}, event(Run, assistant_delta)),
              event(Run, result),
              done(Run)
          end)
      end},
     {"a denied approval is told as deny", fun() ->
          with_session(amp, fun(Session) ->
              Run = asked(Session, <<"ask a1">>, 1, []),
              ?EXPECT(ok, api(approve, [Session, <<"a1">>, deny])),
              ?EXPECT(#{decision := deny, reason := nil}, event(Run, approval_resolved)),
              ?EXPECT(#{content := <<"a1 deny nil ">>}, event(Run, assistant_delta)),
              follow(Run)
          end)
      end},
     {"approvals are answered in any order", fun() ->
          with_session(claude, fun(Session) ->
              Run = asked(Session, <<"ask x y z">>, 3, []),
              {ok, Listed} = api(approvals, [Session]),
              Ids = lists:sort([Id || #{approval_id := Id} <- Listed]),
              ?EXPECT([<<"x">>, <<"y">>, <<"z">>], Ids),
              ok = api(approve, [Session, <<"z">>, deny]),
              ok = api(approve, [Session, <<"x">>, allow]),
              ok = api(approve, [Session, <<"y">>, deny]),
              Told = [C || #{kind := assistant_delta, payload := #{content := C}} <- follow(Run)],
              ?EXPECT([<<"z deny nil ">>, <<"x allow nil ">>, <<"y deny nil ">>], Told)
          end)
      end},
     {"a session answers resolve_approval itself", fun() ->
          with_session(claude, fun(Session) ->
              Run = asked(Session, <<"ask a1">>, 1, []),
              ?EXPECT(ok, gen_server:call(Session, {resolve_approval, <<"a1">>, deny}, ?T)),
              ?EXPECT(?FAILURE(unknown, approval),
                      gen_server:call(Session, {resolve_approval, <<"a1">>, deny}, ?T)),
              ?EXPECT(#{decision := deny}, event(Run, approval_resolved)),
              follow(Run)
          end)
      end},
     {"an approval that is not answered in time is denied, and all are told", fun() ->
          with_session(claude, fun(Session) ->
              Run = asked(Session, <<"ask a1">>, 1, [{approval_timeout_ms, 100}]),
              ?EXPECT(#{approval_id := <<"a1">>, decision := deny, reason := <<"timeout">>},
                      event(Run, approval_resolved)),
              ?EXPECT({ok, []}, api(approvals, [Session])),
              ?EXPECT(#{content := <<"a1 deny timeout ">>}, event(Run, assistant_delta)),
              ?EXPECT(?FAILURE(unknown, approval), api(approve, [Session, <<"a1">>, allow])),
              follow(Run)
          end)
      end},
     {"an answered approval does not time out as well", fun() ->
          with_session(claude, fun(Session) ->
              Run = asked(Session, <<"ask a1 a2">>, 2, [{approval_timeout_ms, 1000}]),
              ok = api(approve, [Session, <<"a1">>, allow]),
              Resolved = [{Id, Decision, Reason}
                          || #{kind := approval_resolved,
                               payload := #{approval_id := Id, decision := Decision,
                                            reason := Reason}} <- follow(Run)],
              ?EXPECT([{<<"a1">>, allow, nil}, {<<"a2">>, deny, <<"timeout">>}], Resolved)
          end)
      end},
     {"a decision is allow or deny", fun() ->
          with_session(claude, fun(Session) ->
              Run = asked(Session, <<"ask a1">>, 1, []),
              [begin
                   {error, #{message := Text}} =
                       ?EXPECT(?FAILURE(config_invalid, config), api(approve, [Session, <<"a1">>, Wrong])),
                   contains(Text, "allow or deny")
               end || Wrong <- [maybe_so, <<"allow">>, true, 1]],
              ?EXPECT({ok, [_]}, api(approvals, [Session])),
              ok = api(approve, [Session, <<"a1">>, allow]),
              follow(Run)
          end)
      end}].

ends_of_approvals() ->
    [{"an unknown id is an error that names it", fun() ->
          with_session(claude, fun(Session) ->
              {error, #{message := Text}} =
                  ?EXPECT(?FAILURE(unknown, approval), api(approve, [Session, <<"never-asked">>, allow])),
              contains(Text, "never-asked")
          end)
      end},
     {"an approval is answered once", fun() ->
          with_session(claude, fun(Session) ->
              Run = asked(Session, <<"ask a1 a2">>, 2, []),
              ok = api(approve, [Session, <<"a1">>, allow]),
              ?EXPECT(?FAILURE(unknown, approval), api(approve, [Session, <<"a1">>, deny])),
              ok = api(approve, [Session, <<"a2">>, allow]),
              ?EXPECT(2, length([1 || approval_resolved <- kinds(follow(Run))]))
          end)
      end},
     {"another session's approval cannot be answered", fun() ->
          with_session(claude, fun(Session) ->
              with_session(claude, fun(Other) ->
                  Run = asked(Session, <<"ask a1">>, 1, []),
                  ?EXPECT(?FAILURE(unknown, approval), api(approve, [Other, <<"a1">>, allow])),
                  ?EXPECT({ok, []}, api(approvals, [Other])),
                  ?EXPECT({ok, [_]}, api(approvals, [Session])),
                  ok = api(approve, [Session, <<"a1">>, allow]),
                  follow(Run)
              end)
          end)
      end},
     {"the same id in two sessions is two approvals", fun() ->
          with_session(claude, fun(One) ->
              with_session(claude, fun(Two) ->
                  RunOne = asked(One, <<"ask a1">>, 1, []),
                  RunTwo = asked(Two, <<"ask a1">>, 1, []),
                  ok = api(approve, [One, <<"a1">>, allow]),
                  ok = api(approve, [Two, <<"a1">>, deny]),
                  ?EXPECT(#{decision := allow}, event(RunOne, approval_resolved)),
                  ?EXPECT(#{decision := deny}, event(RunTwo, approval_resolved)),
                  follow(RunOne),
                  follow(RunTwo)
              end)
          end)
      end},
     {"an approval that the backend settles is not open any more", fun() ->
          with_session(claude, fun(Session) ->
              Run = asked(Session, <<"settle a1">>, 1, []),
              event(Run, approval_resolved),
              ?EXPECT({ok, []}, api(approvals, [Session])),
              ?EXPECT(?FAILURE(unknown, approval), api(approve, [Session, <<"a1">>, allow])),
              ok = api(interrupt, [Session, Run]),
              follow(Run)
          end)
      end},
     {"approvals end with their run, however that ends", fun() ->
          with_session(claude, fun(Session) ->
              [begin
                   Run = asked(Session, <<"ask a1 a2">>, 2, Options),
                   ?EXPECT({ok, [_, _]}, api(approvals, [Session])),
                   End(Session, Run),
                   ?EXPECT(false, lists:member(approval_resolved, kinds(follow(Run)))),
                   ?EXPECT({ok, []}, api(approvals, [Session])),
                   ?EXPECT(?FAILURE(unknown, approval), api(approve, [Session, <<"a1">>, allow]))
               end || {Options, End} <-
                          [{[], fun(S, Run) -> ok = api(interrupt, [S, Run]) end},
                           {[], fun(S, Run) -> ok = api(pause, [S, Run]) end},
                           {[{run_deadline_ms, 500}], fun(_, _) -> ok end},
                           {[], fun(_, _) -> [exit(P, kill) || P <- host_sessions()] end}]]
          end)
      end},
     {"while an approval is open, silence is no timeout", fun() ->
          with_session(claude, fun(Session) ->
              Run = asked(Session, <<"ask a1">>, 1, [{stream_timeout_ms, 100}, {approval_timeout_ms, 1000}]),
              ?EXPECT(#{reason := <<"timeout">>}, event(Run, approval_resolved)),
              follow(Run)
          end)
      end},
     {"approvals of an ended session are nobody's", fun() ->
          with_session(claude, fun(Session) ->
              Run = asked(Session, <<"ask a1">>, 1, []),
              ok = api(stop_session, [Session]),
              follow(Run),
              ?EXPECT({error, #{kind := unknown}}, api(approvals, [Session])),
              ?EXPECT({error, #{kind := unknown}}, api(approve, [Session, <<"a1">>, allow]))
          end)
      end},
     {"over the limit of open approvals one is denied at once, not forgotten", fun() ->
          with_session(claude, fun(Session) ->
              Ids = [<<"n", (integer_to_binary(N))/binary>> || N <- lists:seq(1, 65)],
              Prompt = iolist_to_binary(["ask ", lists:join(" ", Ids)]),
              Run = begin_run(Session, Prompt, []),
              [?EXPECT(#{approval_id := Id}, event(Run, approval_requested)) || Id <- Ids],
              ?EXPECT(#{approval_id := <<"n65">>, decision := deny, reason := <<_, _/binary>>},
                      event(Run, approval_resolved)),
              {ok, Open} = api(approvals, [Session]),
              ?EXPECT(64, length(Open)),
              ok = api(interrupt, [Session, Run]),
              follow(Run)
          end)
      end}].

interrupts() ->
    [{"a waiting run that is interrupted never starts", fun() ->
          with_session(codex, fun(Session) ->
              Active = begin_run(Session, <<"silent">>, []),
              {ok, Waiting} = api(stream, [Session, <<"events 3">>]),
              Before = starts(),
              ?EXPECT(ok, api(interrupt, [Session, Waiting])),
              ?EXPECT(#{code := <<"user_cancelled">>, severity := warning}, event(Waiting, error)),
              done(Waiting),
              ok = api(interrupt, [Session, Active]),
              follow(Active),
              {ok, _} = api(query, [Session, <<"events 3">>]),
              ?EXPECT(1, starts() - Before)
          end)
      end},
     {"a query that waits and is interrupted is user_cancelled", fun() ->
          with_session(codex, fun(Session) ->
              Active = begin_run(Session, <<"silent">>, []),
              Request = erpc:send_request(daemon(), asm, query,
                                          [Session, <<"events 3">>, [{run_id, <<"waits">>}]]),
              asm_test:wait_until(fun() -> api(interrupt, [Session, <<"waits">>]) =:= ok end, ?T),
              ?EXPECT(?FAILURE(user_cancelled, runtime), erpc:receive_response(Request, ?T)),
              ok = api(interrupt, [Session, Active]),
              follow(Active)
          end)
      end},
     {"interrupt and cancel_run of an active run are the same", fun() ->
          with_session(codex, fun(Session) ->
              [begin
                   Run = begin_run(Session, <<"silent">>, []),
                   ?EXPECT(ok, Interrupt(Run)),
                   ?EXPECT(#{code := <<"user_cancelled">>, severity := warning}, event(Run, error)),
                   done(Run),
                   ?EXPECT(?FAILURE(unknown, runtime), Interrupt(Run)),
                   host_has(0)
               end || Interrupt <- [fun(Run) -> api(interrupt, [Session, Run]) end,
                                    fun(Run) -> gen_server:call(Session, {cancel_run, Run}, ?T) end]]
          end)
      end},
     {"pause ends an active run, and only that", fun() ->
          with_session(codex, fun(Session) ->
              Run = begin_run(Session, <<"silent">>, []),
              {ok, Waiting} = api(stream, [Session, <<"events 3">>]),
              ?EXPECT(?FAILURE(unknown, runtime), api(pause, [Session, Waiting])),
              ?EXPECT(ok, api(pause, [Session, Run])),
              ?EXPECT(#{code := <<"user_cancelled">>}, event(Run, error)),
              done(Run),
              ?EXPECT([_, _, _], follow(Waiting)),
              ?EXPECT(?FAILURE(unknown, runtime), api(pause, [Session, Run]))
          end)
      end},
     {"a run that ignores the interrupt has a grace, then it is closed", fun() ->
          with_session(codex, fun(Session) ->
              Run = begin_run(Session, <<"deaf">>, [{interrupt_grace_ms, 3000}]),
              event(Run, assistant_delta),
              Began = now_ms(),
              ok = api(interrupt, [Session, Run]),
              event(Run, error),
              done(Run),
              host_has(0),
              ?EXPECT(Took when Took >= 2900, now_ms() - Began)
          end)
      end},
     {"a run whose host does not answer the interrupt has no grace", fun() ->
          [with_session(codex, fun(Session) ->
               Run = begin_run(Session, <<"mute">>, [{interrupt_grace_ms, 600000} | Options]),
               event(Run, assistant_delta),
               Began = now_ms(),
               ok = api(interrupt, [Session, Run]),
               ?EXPECT(#{code := <<"user_cancelled">>}, event(Run, error)),
               done(Run),
               ?EXPECT({ok, _}, api(query, [Session, <<"events 3">>])),
               host_has(0),
               ?EXPECT(Took when Took >= 300, now_ms() - Began)
           end) || Options <- [[{remote_transport_call_timeout_ms, 300}],
                               [{transport_call_timeout_ms, 300}],
                               [{driver_opts, [{remote_transport_call_timeout_ms, 300}]},
                                {transport_call_timeout_ms, 600000}]]]
      end},
     {"without a grace it is closed at once", fun() ->
          with_session(codex, fun(Session) ->
              Run = begin_run(Session, <<"deaf">>, [{interrupt_grace_ms, 0}]),
              ok = api(interrupt, [Session, Run]),
              follow(Run),
              host_has(0)
          end)
      end},
     {"the next run does not wait for the end of one that ignores everything", fun() ->
          with_session(codex, fun(Session) ->
              Run = begin_run(Session, <<"stubborn">>, [{interrupt_grace_ms, 100}]),
              ok = api(interrupt, [Session, Run]),
              follow(Run),
              ?EXPECT({ok, _}, api(query, [Session, <<"events 3">>])),
              host_has(0)
          end)
      end}].

continuations() ->
    [{"without a run there is no checkpoint, and nothing to resume", fun() ->
          with_session(claude, fun(Session) ->
              ?EXPECT({ok, nil}, api(checkpoint, [Session])),
              ?EXPECT({ok, nil}, gen_server:call(Session, checkpoint, ?T)),
              {error, #{message := Text}} =
                  ?EXPECT(?FAILURE(config_invalid, config), api(resume_run, [Session, <<"go on">>])),
              contains(Text, "no checkpoint")
          end)
      end},
     {"a checkpoint says where the provider's conversation stands", fun() ->
          with_session(claude, fun(Session) ->
              Id = api(session_id, [Session]),
              {ok, #{run_id := Run}} = api(query, [Session, <<"events 3">>]),
              ?EXPECT({ok, #{session_id := Id, provider := claude, run_id := Run,
                             provider_session_id := <<"fake-1">>, cost := #{input_tokens := _},
                             captured_at := #{'__struct__' := 'Elixir.DateTime'}, metadata := #{}}},
                      api(checkpoint, [Session]))
          end)
      end},
     {"an active run has a checkpoint, too", fun() ->
          with_session(claude, fun(Session) ->
              Run = begin_run(Session, <<"silent">>, []),
              ?EXPECT({ok, #{run_id := Run, provider_session_id := <<"fake-1">>}}, api(checkpoint, [Session])),
              ok = api(pause, [Session, Run]),
              follow(Run),
              ?EXPECT({ok, #{run_id := Run}}, api(checkpoint, [Session]))
          end)
      end},
     {"resume_run gives the host the provider's session id", fun() ->
          with_session(claude, fun(Session) ->
              {ok, _} = api(query, [Session, <<"events 3">>]),
              ?EXPECT(undefined, proplists:get_value(resume, last_options())),
              {ok, Run, _} = ?EXPECT({ok, <<_, _/binary>>, Pid} when is_pid(Pid),
                                     api(resume_run, [Session, <<"events 4">>])),
              ?EXPECT([run_started, assistant_delta, assistant_delta, result], kinds(follow(Run))),
              ?EXPECT(<<"fake-1">>, proplists:get_value(resume, last_options())),
              ?EXPECT(<<"events 4">>, proplists:get_value(prompt, last_options()))
          end)
      end},
     {"a resumed run waits its turn", fun() ->
          with_session(claude, fun(Session) ->
              Active = begin_run(Session, <<"silent">>, []),
              {ok, Run, queued} = ?EXPECT({ok, _, queued}, api(resume_run, [Session, <<"events 3">>])),
              ok = api(interrupt, [Session, Active]),
              ?EXPECT([run_started, assistant_delta, result], kinds(follow(Run))),
              follow(Active)
          end)
      end},
     {"a continuation that is given wins over the checkpoint", fun() ->
          with_session(claude, fun(Session) ->
              [begin
                   {ok, Run, _} = ?EXPECT({ok, _, _},
                                          api(resume_run, [Session, <<"events 3">>, [{continuation, Given}]])),
                   follow(Run),
                   ?EXPECT(<<"other">>, proplists:get_value(resume, last_options()))
               end || Given <- [<<"other">>, #{provider_session_id => <<"other">>},
                                #{<<"provider_session_id">> => <<"other">>}]]
          end)
      end},
     {"a checkpoint of one session resumes in another", fun() ->
          with_session(claude, fun(One) ->
              {ok, _} = api(query, [One, <<"events 3">>]),
              {ok, Checkpoint} = api(checkpoint, [One]),
              with_session(claude, fun(Two) ->
                  {ok, Run, _} = ?EXPECT({ok, _, _},
                                         api(resume_run, [Two, <<"events 3">>, [{continuation, Checkpoint}]])),
                  follow(Run),
                  ?EXPECT(<<"fake-1">>, proplists:get_value(resume, last_options()))
              end)
          end)
      end},
     {"a provider that cannot resume says so", fun() ->
          with_session(amp, fun(Session) ->
              {ok, _} = api(query, [Session, <<"events 3">>]),
              {error, #{message := Text}} =
                  ?EXPECT(?FAILURE(config_invalid, config), api(resume_run, [Session, <<"go on">>])),
              contains(Text, "cannot resume")
          end)
      end},
     {"intervene ends the run and goes on where it was", fun() ->
          with_session(claude, fun(Session) ->
              Run = begin_run(Session, <<"silent">>, []),
              {ok, Next, _} = ?EXPECT({ok, _, Pid} when is_pid(Pid),
                                      api(intervene, [Session, Run, <<"events 3">>])),
              ?EXPECT(#{code := <<"user_cancelled">>}, event(Run, error)),
              done(Run),
              ?EXPECT([run_started, assistant_delta, result], kinds(follow(Next))),
              ?EXPECT(<<"fake-1">>, proplists:get_value(resume, last_options())),
              ?EXPECT(true, Next =/= Run)
          end)
      end},
     {"an intervention that cannot be leaves the run alone", fun() ->
          with_session(claude, fun(Session) ->
              Run = begin_run(Session, <<"silent">>, []),
              ?EXPECT(?FAILURE(unknown, runtime), api(intervene, [Session, <<"nobody">>, <<"events 3">>])),
              ?EXPECT(?FAILURE(config_invalid, config),
                      api(intervene, [Session, Run, <<"events 3">>, [{run_deadline_ms, soon}]])),
              ?EXPECT(?FAILURE(config_invalid, config), api(intervene, [Session, Run, <<>>])),
              asm_test:no_message(0),
              ?EXPECT({ok, #{runs := [#{run_id := Run, status := running}]}}, api(session_info, [Session])),
              ok = api(interrupt, [Session, Run]),
              follow(Run)
          end),
          with_session(amp, fun(Session) ->
              Run = begin_run(Session, <<"silent">>, []),
              ?EXPECT(?FAILURE(config_invalid, config), api(intervene, [Session, Run, <<"events 3">>])),
              ?EXPECT({ok, #{runs := [#{run_id := Run, status := running}]}}, api(session_info, [Session])),
              ok = api(interrupt, [Session, Run]),
              follow(Run)
          end)
      end},
     {"an intervention in the only run of a session goes on in that session, which ends with it", fun() ->
          {ok, Run} = api(stream, [claude, <<"silent">>, remote()]),
          event(Run, run_started),
          [Id] = [maps:get(session_id, Info) || Info <- api(list_sessions, []),
                                                lists:any(fun(#{run_id := R}) -> R =:= Run end,
                                                          maps:get(runs, Info))],
          {ok, Next, _} = ?EXPECT({ok, _, _}, api(intervene, [Id, Run, <<"events 3">>, remote()])),
          follow(Run),
          ?EXPECT([run_started, assistant_delta, result], kinds(follow(Next))),
          is_at_rest()
      end}].

admissions() ->
    [{"waiting runs start in their order, one at a time", fun() ->
          with_session(codex, fun(Session) ->
              Runs = [element(2, ?EXPECT({ok, _}, api(stream, [Session, <<"paced 3 5">>])))
                      || _ <- lists:seq(1, 8)],
              Marks = marks(Runs),
              ?EXPECT(Marks, lists:append([[{run_started, Run}, {done, Run}] || Run <- Runs]))
          end)
      end},
     {"as many runs are active as are allowed, the others wait", fun() ->
          with_session(codex, [{max_concurrent_runs, 3}, {max_queued_runs, 2}], fun(Session) ->
              Runs = [element(2, api(stream, [Session, <<"silent">>])) || _ <- lists:seq(1, 5)],
              host_has(3),
              {ok, #{runs := Infos}} = api(session_info, [Session]),
              ?EXPECT([queued, queued], [queued || #{status := queued} <- Infos]),
              {error, #{message := Text}} =
                  ?EXPECT(?FAILURE(at_capacity, runtime), api(stream, [Session, <<"silent">>])),
              contains(Text, "Session at run capacity"),
              ?EXPECT(?FAILURE(at_capacity, runtime), api(query, [Session, <<"silent">>])),
              [ok = api(interrupt, [Session, Run]) || Run <- Runs],
              [follow(Run) || Run <- Runs]
          end)
      end},
     {"with no place to wait a second run is refused", fun() ->
          with_session(codex, [{max_queued_runs, 0}], fun(Session) ->
              Run = begin_run(Session, <<"silent">>, []),
              ?EXPECT(?FAILURE(at_capacity, runtime), api(stream, [Session, <<"silent">>])),
              ok = api(interrupt, [Session, Run]),
              follow(Run),
              ?EXPECT({ok, _}, api(query, [Session, <<"events 3">>]))
          end)
      end},
     {"a run that waits too long ends with timeout and is never started", fun() ->
          with_session(codex, fun(Session) ->
              Active = begin_run(Session, <<"silent">>, []),
              Before = starts(),
              {ok, Waiting} = api(stream, [Session, <<"events 3">>, [{queue_timeout_ms, 100}]]),
              ?EXPECT(#{code := <<"timeout">>}, event(Waiting, error)),
              done(Waiting),
              {error, #{message := Text}} =
                  ?EXPECT(?FAILURE(timeout, runtime),
                          api(query, [Session, <<"events 3">>, [{queue_timeout_ms, 100}]])),
              contains(Text, "100ms"),
              ?EXPECT(Before, starts()),
              ?EXPECT({ok, #{runs := [#{run_id := Active}]}}, api(session_info, [Session])),
              ok = api(interrupt, [Session, Active]),
              follow(Active)
          end)
      end},
     {"a waiting run that fails to start tells so and lets the next one in", fun() ->
          with_session(codex, fun(Session) ->
              Active = begin_run(Session, <<"silent">>, []),
              {ok, Refused} = api(stream, [Session, <<"refuse">>]),
              {ok, Lost} = api(stream, [Session, <<"events 3">>, [{remote_node, 'nobody@127.0.0.1'}]]),
              {ok, Local} = api(stream, [Session, <<"events 3">>,
                                         [{execution_mode, local}, {lane, core},
                                          {cli_path, <<"/no/such/cli">>}]]),
              {ok, Good} = api(stream, [Session, <<"events 3">>]),
              ok = api(interrupt, [Session, Active]),
              follow(Active),
              ?EXPECT([#{code := <<"connection_failed">>}], errors(follow(Refused))),
              ?EXPECT([#{code := <<"connection_failed">>}], errors(follow(Lost))),
              ?EXPECT([#{code := _}], errors(follow(Local))),
              ?EXPECT([run_started, assistant_delta, result], kinds(follow(Good)))
          end)
      end},
     {"a run id that is in use is refused", fun() ->
          with_session(codex, fun(Session) ->
              Run = begin_run(Session, <<"silent">>, [{run_id, <<"mine">>}]),
              {error, #{message := Text}} =
                  ?EXPECT(?FAILURE(config_invalid, config),
                          api(stream, [Session, <<"silent">>, [{run_id, <<"mine">>}]])),
              contains(Text, "mine"),
              ok = api(interrupt, [Session, Run]),
              follow(Run)
          end)
      end}].

owners() ->
    [{"a session ends with its owner, and its runs with it", fun() ->
          Owner = spawn(fun() -> receive stop -> ok end end),
          with_session(codex, [{owner, Owner}], fun(Session) ->
              Active = begin_run(Session, <<"silent">>, []),
              {ok, Waiting} = api(stream, [Session, <<"silent">>]),
              healthy = api(health, [Session]),
              Owner ! stop,
              ?EXPECT([#{code := <<"user_cancelled">>}], errors(follow(Active))),
              ?EXPECT([#{code := <<"user_cancelled">>}], errors(follow(Waiting))),
              asm_test:wait_until(fun() -> api(health, [Session]) =:= {unhealthy, not_alive} end, ?T),
              host_has(0)
          end)
      end},
     {"a session without an owner outlives who started it", fun() ->
          Self = self(),
          spawn(fun() -> Self ! {session, api(start_session, [[{provider, codex}]])} end),
          {session, {ok, Session}} = ?EXPECT({session, {ok, _}}, asm_test:receive_one(?T)),
          ?EXPECT(healthy, api(health, [Session])),
          ok = api(stop_session, [Session])
      end},
     {"a session ends when its owner's node is killed", fun() ->
          {ok, Peer, Node} = peer:start(#{name => peer:random_name(), connection => standard_io,
                                          exec => os:getenv("ASM_ERL")}),
          pong = peer:call(Peer, net_adm, ping, [daemon()]),
          Owner = peer:call(Peer, erlang, whereis, [init]),
          with_session(codex, [{owner, Owner}], fun(Session) ->
              Run = begin_run(Session, <<"silent">>, []),
              OsPid = peer:call(Peer, os, getpid, []),
              unlink(Peer),
              [] = os:cmd("kill -KILL " ++ OsPid),
              ?EXPECT([#{code := <<"user_cancelled">>}], errors(follow(Run))),
              asm_test:wait_until(fun() -> api(health, [Session]) =:= {unhealthy, not_alive} end, ?T),
              ?EXPECT(true, is_atom(Node)),
              host_has(0)
          end)
      end},
     {"a session whose owner is gone already ends at once", fun() ->
          Owner = spawn(fun() -> ok end),
          asm_test:wait_until(fun() -> not is_process_alive(Owner) end),
          {ok, Session} = api(start_session, [[{provider, codex}, {owner, Owner}]]),
          asm_test:wait_until(fun() -> api(health, [Session]) =:= {unhealthy, not_alive} end, ?T)
      end}].

tools() ->
    [{"a tool that is not allowed ends the run with guardrail_blocked", fun() ->
          with_session(claude, fun(Session) ->
              [begin
                   {error, #{message := Text}} =
                       ?EXPECT(?FAILURE(guardrail_blocked, guardrail),
                               api(query, [Session, <<"tools Read Bash Read">>, Options])),
                   contains(Text, "'Bash'")
               end || Options <- [[{allowed_tools, [<<"Read">>]}], [{allowed_tools, ['Read', 'Write']}],
                                  [{execution_environment, [{allowed_tools, [<<"Read">>]}]}],
                                  [{execution_environment, #{allowed_tools => [<<"Read">>]}}]]],
              host_has(0)
          end)
      end},
     {"tools that are allowed, or all when none are named, may be used", fun() ->
          with_session(claude, fun(Session) ->
              [?EXPECT({ok, _}, api(query, [Session, <<"tools Read Bash">>, Options]))
               || Options <- [[{allowed_tools, [<<"Bash">>, <<"Read">>]}], [{allowed_tools, []}], []]]
          end)
      end},
     {"the tool with which claude fills a schema needs no leave", fun() ->
          with_session(claude, [{allowed_tools, [<<"Read">>]}], fun(Session) ->
              ?EXPECT({ok, _}, api(query, [Session, <<"tools StructuredOutput">>]))
          end),
          with_session(codex, [{allowed_tools, [<<"Read">>]}], fun(Session) ->
              ?EXPECT(?FAILURE(guardrail_blocked, guardrail),
                      api(query, [Session, <<"tools StructuredOutput">>]))
          end)
      end},
     {"a run's own allowed tools win over its session's", fun() ->
          with_session(claude, [{allowed_tools, [<<"Read">>]}], fun(Session) ->
              ?EXPECT(?FAILURE(guardrail_blocked, guardrail), api(query, [Session, <<"tools Bash">>])),
              ?EXPECT({ok, _}, api(query, [Session, <<"tools Bash">>, [{allowed_tools, [<<"Bash">>]}]]))
          end)
      end}].

%%% helpers

%% a run that has asked for that many approvals
asked(Session, Prompt, N, Options) ->
    Run = begin_run(Session, Prompt, Options),
    [event(Run, approval_requested) || _ <- lists:seq(1, N)],
    Run.

errors(Events) -> [Payload || #{kind := error, payload := Payload} <- Events].

%% beginnings and ends of the runs, in the order of their arrival
marks(Runs) -> marks(Runs, length(Runs)).

marks(_, 0) -> [];
marks(Runs, Left) ->
    receive
        {asm_run_event, Run, #{kind := run_started}} -> [{run_started, Run} | marks(Runs, Left)];
        {asm_run_event, _, _} -> marks(Runs, Left);
        {asm_run_done, Run} -> [{done, Run} | marks(Runs, Left - 1)]
    after ?T -> throw({unexpected, "the ends of all runs", Left})
    end.

host_sessions() -> erpc:call(run_support:host(), fake_host, sessions, []).

now_ms() -> erlang:monotonic_time(millisecond).
